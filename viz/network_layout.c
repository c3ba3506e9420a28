/* viz/network_layout.c - places for boxes in columns, and lanes for the skips beside them. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "axes.h"
#include "network.h"

enum { MAX_COLUMNS = 64, MAX_LANES = 6, LEAST_WIDTH = 600 };
static const double aspect = 1.4; /* of the picture that is aimed at */
static const font row_font = {FONT_SMALL, false, INK}, head_font = {FONT_SMALL, true, INK};

size_t first_row(const net_box *b) {
    return b->kind[0] == '\0' && b->n_rows > 0 ? 1 : 0;
}

size_t skips_inside(const net_box *b) {
    size_t count = 0;
    for (size_t i = first_row(b); i < b->n_rows; i++)
        count += b->rows[i].skip != NO_SKIP;
    return count;
}

const char *weight_text(char out[SI_BYTES], double v) {
    snprintf(out, SI_BYTES, fabs(v) >= 1000 && fabs(v) < 1e9 ? "%.0f" : "%.3g", v);
    return out;
}

/* " us" of "latency, us" */
static const char *weight_unit(const net *n) {
    const char *comma = n->d->weight_label != NULL ? strrchr(n->d->weight_label, ',') : NULL;
    return comma != NULL ? comma + 1 : "";
}

void foot_text(char counts[ROW_BYTES], char weight[ROW_BYTES], const net *n, const net_box *b) {
    char params[SI_BYTES], macs[SI_BYTES], value[SI_BYTES], times[16] = "";
    counts[0] = weight[0] = '\0';
    if (b->copies > 1)
        snprintf(times, sizeof times, "each ");
    if (b->params > 0 && b->macs > 0)
        snprintf(counts, ROW_BYTES, "%s%s params, %s MACs", times,
                 si_text(params, (double)b->params), si_text(macs, (double)b->macs));
    else if (b->params > 0 || b->macs > 0)
        snprintf(counts, ROW_BYTES, "%s%s %s", times,
                 si_text(params, (double)(b->params > 0 ? b->params : b->macs)),
                 b->params > 0 ? "params" : "MACs");
    if (n->d->weight != NULL && b->weight != 0)
        snprintf(weight, ROW_BYTES, "%s%s%s  (%.1f %%)", weight_text(value, b->weight),
                 weight_unit(n), b->copies > 1 ? " in all" : "",
                 n->weight > 0 ? 100 * b->weight / n->weight : 0.0);
}

/* ---- boxes ---- */

static void measure_box(net *n, net_box *b) {
    char counts[ROW_BYTES], weight[ROW_BYTES];
    foot_text(counts, weight, n, b);
    double w = canvas_text_width(n->measure, counts, row_font) + 16;
    for (size_t i = first_row(b); i < b->n_rows; i++)
        w = fmax(w, canvas_text_width(n->measure, b->rows[i].text, row_font) + 30 +
                        (double)(skips_inside(b) * BRACKET));
    double head = canvas_text_width(
                      n->measure, b->kind[0] != '\0' || b->n_rows == 0 ? b->name : b->rows[0].text,
                      head_font) +
                  canvas_text_width(n->measure, b->kind[0] != '\0' ? b->kind : b->name, row_font);
    w = fmax(w, head + 36 + (b->copies > 1 ? 54 : 0));
    n->box_width = fmax(n->box_width, fmin(w, 340));
    b->place.h = HEAD_HEIGHT + ROW_HEIGHT * (double)(b->n_rows - first_row(b)) +
                 (b->n_rows > first_row(b) ? 6 : 0) + (counts[0] != '\0' ? FOOT_HEIGHT : 0) +
                 (weight[0] != '\0' ? FOOT_HEIGHT : 0);
}

/* ---- columns ---- */

/* How many skips a break before each box would cut. */
static nas_status find_cuts(uint32_t **out, const net *n) {
    int64_t *change = nas_calloc(n->n_boxes + 2, sizeof *change);
    uint32_t *cuts = nas_calloc(n->n_boxes + 1, sizeof *cuts);
    if (change == NULL || cuts == NULL) {
        nas_free(change);
        nas_free(cuts);
        return nas_fail_memory((n->n_boxes + 2) * sizeof *change);
    }
    for (size_t i = 0; i < n->n_edges; i++) {
        if (n->edge[i].from + 1 == n->edge[i].to)
            continue;
        change[n->edge[i].from + 1]++;
        change[n->edge[i].to + 1]--;
    }
    int64_t now = 0;
    for (size_t i = 0; i < n->n_boxes; i++) {
        now += change[i];
        cuts[i] = (uint32_t)now;
    }
    nas_free(change);
    *out = cuts;
    return NAS_OK;
}

/* Fills columns up to a height, breaking where least is cut in the last third of a column. Returns
 * the number of columns; *tallest is what the highest one needs. */
static uint32_t fill_columns(net *n, const uint32_t *cuts, double height, double *tallest) {
    uint32_t column = 0;
    size_t begin = 0;
    *tallest = 0;
    while (begin < n->n_boxes) {
        double y = 0, best_y = 0;
        size_t end = begin, best = begin;
        for (; end < n->n_boxes; end++) {
            double next = y + (end > begin ? GAP : 0) + n->box[end].place.h;
            bool full = end > begin && next > height;
            if (full && column + 1 < MAX_COLUMNS)
                break;
            y = next;
            bool better = best == begin || y < height * 0.7 || cuts[end + 1] <= cuts[best];
            if (end + 1 == n->n_boxes || better) {
                best = end + 1;
                best_y = y;
            }
        }
        if (end == n->n_boxes) {
            best = end;
            best_y = y;
        }
        for (size_t i = begin; i < best; i++)
            n->box[i].column = column;
        *tallest = fmax(*tallest, best_y);
        begin = best;
        column++;
    }
    return column;
}

static void choose_columns(net *n, const uint32_t *cuts) {
    double total = 0, best = INFINITY, best_height = 0, tallest;
    for (size_t i = 0; i < n->n_boxes; i++)
        total += n->box[i].place.h + GAP;
    for (int quarters = 4; quarters <= 160; quarters++) {
        double k = quarters / 4.0;
        uint32_t columns = fill_columns(n, cuts, total / k, &tallest);
        double w = columns * (n->box_width + GUTTER), h = tallest + 130;
        double empty = 1 - total / (columns * (tallest + GAP));
        double off = fabs(log(w / h / aspect)) + 0.7 * empty;
        if (off < best - 1e-9) {
            best = off;
            best_height = total / k;
        }
    }
    n->n_columns = fill_columns(n, cuts, best_height, &tallest);
}

/* ---- lanes ---- */

static int by_span(const void *a, const void *b) {
    const net_edge *e = a, *f = b;
    uint32_t p = e->to - e->from, q = f->to - f->from;
    if (p != q)
        return p < q ? -1 : 1;
    return e->from != f->from ? (e->from < f->from ? -1 : 1) : 0;
}

static bool lane_is_free(const net *n, size_t i, int lane) {
    const net_edge *e = &n->edge[i];
    for (size_t k = 0; k < i; k++) {
        const net_edge *f = &n->edge[k];
        if (f->lane == lane && n->box[f->from].column == n->box[e->from].column &&
            f->from < e->to && e->from < f->to)
            return false;
    }
    return true;
}

/* All edges of a box that need a tag share its number. */
static uint32_t tag_of(const net *n, uint32_t from, uint32_t *tags) {
    for (size_t i = 0; i < n->n_edges; i++)
        if (n->edge[i].from == from && n->edge[i].tag > 0)
            return n->edge[i].tag;
    return ++*tags;
}

/* Short skips run nearest to the boxes. What finds no lane, or goes to another column, gets a tag.
 */
static void choose_lanes(net *n, int lanes[MAX_COLUMNS]) {
    uint32_t tags = 0;
    if (n->n_edges > 1)
        qsort(n->edge, n->n_edges, sizeof *n->edge, by_span);
    for (size_t i = 0; i < n->n_edges; i++) {
        net_edge *e = &n->edge[i];
        uint32_t column = n->box[e->from].column;
        if (e->from + 1 == e->to)
            continue;
        int lane = 0;
        while (lane < MAX_LANES && !lane_is_free(n, i, lane))
            lane++;
        if (lane == MAX_LANES || n->box[e->to].column != column) {
            e->tag = tag_of(n, e->from, &tags);
            continue;
        }
        e->lane = lane;
        lanes[column] = lane + 1 > lanes[column] ? lane + 1 : lanes[column];
    }
}

/* ---- places ---- */

static void place_boxes(net *n, const int lanes[MAX_COLUMNS]) {
    double x = MARGIN, y = 0, right = 0, bottom = 0;
    for (size_t i = 0; i < n->n_boxes; i++) {
        net_box *b = &n->box[i];
        if (i == 0 || b->column != n->box[i - 1].column) {
            x = i == 0 ? MARGIN : right + GUTTER;
            y = n->n_columns > 1 ? COLUMN_TOP : 6;
            right = x + n->box_width + lanes[b->column] * LANE + (lanes[b->column] > 0 ? 8 : 0);
        }
        b->place = (box){x, y, n->box_width, b->place.h};
        y += b->place.h + GAP;
        bottom = fmax(bottom, b->place.y + b->place.h);
    }
    n->width = fmax(right + MARGIN, LEAST_WIDTH);
    n->height = bottom + MARGIN;
    double shift = (n->width - right - MARGIN) / 2;
    for (size_t i = 0; i < n->n_boxes; i++)
        n->box[i].place.x += shift;
}

nas_status net_layout(net *n) {
    int lanes[MAX_COLUMNS] = {0};
    uint32_t *cuts = NULL;
    n->box_width = 170;
    for (size_t i = 0; i < n->n_boxes; i++)
        measure_box(n, &n->box[i]);
    NAS_TRY(find_cuts(&cuts, n));
    choose_columns(n, cuts);
    nas_free(cuts);
    choose_lanes(n, lanes);
    place_boxes(n, lanes);
    return NAS_OK;
}
