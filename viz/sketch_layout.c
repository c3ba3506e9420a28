/* viz/sketch_layout.c - sizes and places of the boxes of a space. */
#include <math.h>
#include <string.h>

#include "sketch.h"

static const double aspect = 1.4;
enum { WIDTH_OF_WORDS = 4 };

/* ---- lines ---- */

static const font text_font = {FONT_SMALL, false, DARK_GREY};
static const font label_font = {FONT_SMALL, false, INK};
static const font option_font = {FONT_SMALL, true, INK};

typedef struct cursor {
    canvas *c;
    double left, x, y, right, used;
    bool draw;
} cursor;

static void new_row(cursor *k) {
    k->x = k->left;
    k->y += SKETCH_ROW;
}

/* A word or option of `width`, in a new row when this one is full. */
static void take(cursor *k, double width) {
    if (k->x > k->left && k->x + width > k->right)
        new_row(k);
    k->used = fmax(k->used, fmin(k->x + width, k->right) - k->left);
}

static void put_words(cursor *k, const char *text, font f) {
    char word[MAX_PIECE];
    while (*text != '\0') {
        size_t n = strcspn(text, " ");
        snprintf(word, sizeof word, "%.*s", (int)n, text);
        double w = canvas_text_width(k->c, word, f);
        take(k, w);
        if (k->draw) {
            char cut[MAX_PIECE + 4];
            canvas_fit_text(k->c, cut, sizeof cut, word, f, k->right - k->x);
            canvas_text(k->c, k->x, k->y + 12, cut, f, LEFT);
        }
        k->x += w + WIDTH_OF_WORDS;
        text += n + (text[n] == ' ');
    }
}

static void put_option(cursor *k, const char *text) {
    char cut[MAX_PIECE + 4];
    canvas_fit_text(k->c, cut, sizeof cut, text, option_font, k->right - k->left - 12);
    double w = canvas_text_width(k->c, cut, option_font) + 10;
    take(k, w);
    if (k->draw) {
        box pill = {k->x, k->y + 1, w, SKETCH_ROW - 3};
        canvas_box(k->c, pill, 6, 0xFDEBDD, 1);
        canvas_frame(k->c, pill, 6, (pen){VERMILLION, 1, 0, false});
        canvas_text(k->c, k->x + w / 2, k->y + 12, cut, option_font, CENTRE);
    }
    k->x += w + WIDTH_OF_WORDS;
}

double sketch_lines(canvas *c, const nas_sketch_box *b, double x, double y, double width, bool draw,
                    double *used) {
    cursor k = {.c = c, .left = x, .x = x, .y = y, .right = x + width, .draw = draw};
    for (uint32_t i = 0; i < b->n_lines; i++) {
        const nas_sketch_line *line = &b->line[i];
        put_words(&k, line->label, line->n > 0 ? label_font : text_font);
        for (uint32_t o = 0; o < line->n; o++)
            put_option(&k, line->option[o]);
        new_row(&k);
    }
    if (used != NULL)
        *used = k.used;
    return k.y - y;
}

double sketch_head(const nas_sketch_box *b) {
    return b->name[0] != '\0' || b->kind[0] != '\0' || b->note[0] != '\0' ? SKETCH_HEAD : 0;
}

/* ---- arcs ---- */

static bool lane_taken(const sketch_arc *arc, uint32_t n, const sketch_arc *a, int lane) {
    for (uint32_t i = 0; i < n; i++)
        if (arc[i].lane == lane && arc[i].from < a->to && a->from < arc[i].to)
            return true;
    return false;
}

uint32_t sketch_arcs(sketch_arc out[MAX_ARCS], uint32_t *lanes, const nas_sketch_box *graph) {
    uint32_t n = 0;
    *lanes = 0;
    for (uint32_t span = 1; span < graph->n; span++)
        for (uint32_t to = span; to < graph->n; to++) {
            const nas_sketch_box *b = graph->kid[to];
            uint64_t bit = to - span < 64 ? UINT64_C(1) << (to - span) : 0;
            if (((b->from | b->maybe) & bit) == 0)
                continue;
            if (n == MAX_ARCS)
                return *lanes = 0;
            sketch_arc a = {to - span, to, (b->from & bit) == 0, span == 1 ? -1 : 0};
            while (span > 1 && lane_taken(out, n, &a, a.lane))
                a.lane++;
            *lanes = (uint32_t)fmax(*lanes, a.lane + 1);
            out[n++] = a;
        }
    return n;
}

/* ---- sizes ---- */

static bool is_row(const nas_sketch_box *b) {
    return b->form == NAS_SKETCH_CHOICE || b->form == NAS_SKETCH_BRANCHES;
}

static void own_size(canvas *c, sketch_item *i) {
    char head[256];
    double used = 0;
    i->lines = sketch_lines(c, i->b, 0, 0, SKETCH_TEXT, false, &used);
    snprintf(head, sizeof head, "%.120s%.120s", i->b->name, i->b->kind);
    double title = canvas_text_width(c, head, option_font) + 32;
    if (i->b->note[0] != '\0')
        title += canvas_text_width(c, i->b->note, option_font) + 20;
    i->place.w = fmax(fmax(used + 2 * SKETCH_PAD, fmin(title, 300)), 60);
    i->place.h = sketch_head(i->b) + (i->lines > 0 ? i->lines + 6 : 0);
}

/* Alternatives from left to right, in as many rows as they need. Places are from the parent's. */
static void place_row(sketch_item *p) {
    double x = SKETCH_PAD, y = p->place.h + SKETCH_PAD, tallest = 0, right = p->place.w, area = 0;
    for (uint32_t i = 0; i < p->n; i++)
        area += (p->kid[i].place.w + 10) * (p->kid[i].place.h + 10);
    double limit = fmax(SKETCH_WIDE, sqrt(1.7 * area)); /* tall ones stand in one row */
    for (uint32_t i = 0; i < p->n; i++) {
        sketch_item *k = &p->kid[i];
        if (x > SKETCH_PAD && x + k->place.w > limit) {
            x = SKETCH_PAD;
            y += tallest + 10;
            tallest = 0;
        }
        k->place.x = x;
        k->place.y = y;
        x += k->place.w + 10;
        tallest = fmax(tallest, k->place.h);
        right = fmax(right, x - 10 + SKETCH_PAD);
    }
    p->place.w = right;
    p->place.h = y + tallest + SKETCH_PAD;
}

/* What a box holds one below the other grows with it. */
static void widen(sketch_item *i, double w) {
    double by = w - i->place.w;
    i->place.w = w;
    for (uint32_t k = 0; !is_row(i->b) && k < i->n; k++)
        widen(&i->kid[k], i->kid[k].place.w + by);
}

static void place_column(sketch_item *p) {
    double y = p->place.h + SKETCH_PAD, w = p->place.w - 2 * SKETCH_PAD;
    double side = p->lanes > 0 ? p->lanes * SKETCH_LANE + 10 : 0;
    for (uint32_t i = 0; i < p->n; i++)
        w = fmax(w, p->kid[i].place.w);
    for (uint32_t i = 0; i < p->n; i++) {
        p->kid[i].place.x = SKETCH_PAD;
        p->kid[i].place.y = y;
        widen(&p->kid[i], w);
        y += p->kid[i].place.h + SKETCH_GAP;
    }
    p->place.w = w + side + 2 * SKETCH_PAD;
    p->place.h = y - SKETCH_GAP + SKETCH_PAD;
}

static nas_status read_box(sketch_item *i, canvas *c, const nas_sketch_box *b) {
    i->b = b;
    own_size(c, i);
    if (b->n == 0) {
        i->place.h = fmax(i->place.h, SKETCH_HEAD);
        return NAS_OK;
    }
    i->kid = nas_calloc(b->n, sizeof *i->kid);
    if (i->kid == NULL)
        return nas_fail_memory(b->n * sizeof *i->kid);
    i->n = b->n;
    for (uint32_t k = 0; k < b->n; k++)
        NAS_TRY(read_box(&i->kid[k], c, b->kid[k]));
    sketch_arc arcs[MAX_ARCS];
    if (b->form == NAS_SKETCH_GRAPH)
        (void)sketch_arcs(arcs, &i->lanes, b);
    if (is_row(b))
        place_row(i);
    else
        place_column(i);
    return NAS_OK;
}

static void shift(sketch_item *i, double x, double y) {
    i->place.x += x;
    i->place.y += y;
    for (uint32_t k = 0; k < i->n; k++)
        shift(&i->kid[k], i->place.x, i->place.y);
}

/* ---- columns ---- */

static sketch_item *nth(const sketch_picture *p, uint32_t i) {
    return i < p->net.n ? &p->net.kid[i] : &p->part[i - p->net.n];
}

/* Fills columns up to a height; what stands beside the net begins a new one. */
static uint32_t fill(const sketch_picture *p, double height, double *tallest, double *width) {
    uint32_t column = 0;
    double y = 0, w = 0;
    *tallest = *width = 0;
    for (uint32_t i = 0; i < p->net.n + p->n_parts; i++) {
        sketch_item *k = nth(p, i);
        if (y > 0 && (y + k->place.h > height || i == p->net.n)) {
            *width += w + SKETCH_GUTTER;
            column++;
            y = w = 0;
        }
        k->column = column;
        y += k->place.h;
        *tallest = fmax(*tallest, y);
        y += SKETCH_GAP + (i >= p->net.n ? 4 : 0);
        w = fmax(w, k->place.w);
    }
    *width += w;
    return column + 1;
}

static void choose_columns(sketch_picture *p) {
    double total = 0, area = 0, best = INFINITY, best_height = 0, height, tallest, width;
    for (uint32_t i = 0; i < p->net.n + p->n_parts; i++)
        total += nth(p, i)->place.h + SKETCH_GAP;
    for (uint32_t i = 0; i < p->net.n + p->n_parts; i++)
        area += (nth(p, i)->place.h + SKETCH_GAP) * (nth(p, i)->place.w + SKETCH_GUTTER);
    height = total;
    while (height > 120) {
        (void)fill(p, height, &tallest, &width);
        double empty = 1 - area / ((tallest + SKETCH_GAP) * (width + SKETCH_GUTTER));
        double off = fabs(log(width / (tallest + 120) / aspect)) + 0.7 * empty;
        if (off < best) {
            best = off;
            best_height = height;
        }
        height *= 0.93;
    }
    (void)fill(p, best_height, &p->height, &p->width);
}

static void place_columns(sketch_picture *p) {
    uint32_t n = p->net.n + p->n_parts;
    double x = SKETCH_MARGIN;
    for (uint32_t i = 0; i < n;) {
        double w = 0, y = 24;
        uint32_t end = i;
        for (; end < n && nth(p, end)->column == nth(p, i)->column; end++)
            w = fmax(w, nth(p, end)->place.w);
        for (; i < end; i++) {
            sketch_item *k = nth(p, i);
            widen(k, w);
            k->place.x = k->place.y = 0;
            shift(k, x, y);
            y += k->place.h + SKETCH_GAP + (i >= p->net.n ? 4 : 0);
        }
        x += w + SKETCH_GUTTER;
    }
    p->width = x - SKETCH_GUTTER + SKETCH_MARGIN;
    p->height += 24 + SKETCH_MARGIN;
}

nas_status sketch_layout(sketch_picture *p) {
    const nas_sketch_box *root = p->d->root, *net = root->kid[0];
    p->net.b = net;
    p->net.kid = nas_calloc(net->n, sizeof *p->net.kid);
    p->part = nas_calloc(root->n, sizeof *p->part);
    if (p->part == NULL || p->net.kid == NULL)
        return nas_fail_memory((root->n + net->n) * sizeof *p->part);
    for (; p->net.n < net->n; p->net.n++)
        NAS_TRY(read_box(&p->net.kid[p->net.n], p->measure, net->kid[p->net.n]));
    for (; p->n_parts + 1 < root->n; p->n_parts++)
        NAS_TRY(read_box(&p->part[p->n_parts], p->measure, root->kid[p->n_parts + 1]));
    choose_columns(p);
    place_columns(p);
    return NAS_OK;
}

static void free_item(sketch_item *i) {
    for (uint32_t k = 0; k < i->n; k++)
        free_item(&i->kid[k]);
    nas_free(i->kid);
}

void sketch_free(sketch_picture *p) {
    for (uint32_t i = 0; i < p->n_parts; i++)
        free_item(&p->part[i]);
    nas_free(p->part);
    free_item(&p->net);
}
