/* viz/network.c - a network as boxes from top to bottom: what each block is, costs and weighs. */
#include "network.h"

#include <math.h>
#include <string.h>

#include "axes.h"

enum { LEAST_HEIGHT = 450 };
static const font head_font = {FONT_SMALL, true, INK}, row_font = {FONT_SMALL, false, INK};
static const font foot_font = {FONT_SMALL, false, DARK_GREY}, shape_font = {10, false, DARK_GREY};
static const pen wire = {DARK_GREY, 1.3, 0, false}, skip_wire = {BLUE, 1.3, 0, false};

/* ---- boxes ---- */

static colour heat(const net *n, double weight) {
    if (n->d->weight == NULL || !(n->most_weight > 0) || !(weight > 0))
        return WHITE;
    return colour_mix(0xFFF8EC, 0xF0904A, weight / n->most_weight);
}

static void draw_copies(canvas *c, const net_box *b) {
    for (int i = 2; i > 0 && b->copies > 1; i--) {
        box behind = {b->place.x + 4 * i, b->place.y + 4 * i, b->place.w, b->place.h};
        canvas_box(c, behind, 5, WHITE, 1);
        canvas_frame(c, behind, 5, (pen){GREY, 1, 0, false});
    }
}

static void draw_head(canvas *c, const net_box *b, bool alone) {
    const class_look *look = &class_looks[b->class];
    box head = {b->place.x, b->place.y, b->place.w, HEAD_HEIGHT};
    font bold = head_font, plain = row_font;
    bold.colour = plain.colour = look->text;
    if (alone)
        canvas_box(c, head, 5, look->fill, 1);
    else
        canvas_head(c, head, 5, look->fill);
    double right = head.x + head.w - 8;
    char text[NAME_BYTES + 8];
    if (b->copies > 1) {
        snprintf(text, sizeof text, "\xc3\x97%u", b->copies);
        double w = canvas_text_width(c, text, bold) + 12;
        canvas_box(c, (box){right - w + 2, head.y + 3, w, 16}, 8, WHITE, 1);
        canvas_text(c, right - w / 2 + 2, head.y + 15, text, head_font, CENTRE);
        right -= w + 6;
    }
    bool block = b->kind[0] != '\0' || b->n_rows == 0;
    const char *main = block ? b->name : b->rows[0].text, *aside = block ? b->kind : b->name;
    canvas_fit_text(c, text, sizeof text, main, bold, right - head.x - 12);
    canvas_text(c, head.x + 8, head.y + 15, text, bold, LEFT);
    double left = head.x + 20 + canvas_text_width(c, text, bold);
    if (right - left < 20 || aside[0] == '\0' || strcmp(main, aside) == 0)
        return;
    canvas_fit_text(c, text, sizeof text, aside, plain, right - left);
    canvas_text(c, right, head.y + 15, text, plain, RIGHT);
}

static void draw_rows(canvas *c, const net_box *b) {
    char text[ROW_BYTES + 4];
    double y = b->place.y + HEAD_HEIGHT + 3;
    for (size_t i = first_row(b); i < b->n_rows; i++) {
        box dot = {b->place.x + 8, y + 4, 8, 8};
        canvas_box(c, dot, 1.5, class_looks[b->rows[i].class].fill, 1);
        canvas_frame(c, dot, 1.5, (pen){DARK_GREY, 0.5, 0, false});
        canvas_fit_text(c, text, sizeof text, b->rows[i].text, row_font, b->place.w - 28);
        canvas_text(c, b->place.x + 22, y + 12, text, row_font, LEFT);
        y += ROW_HEIGHT;
    }
}

static double row_middle(const net_box *b, size_t i) {
    return b->place.y + HEAD_HEIGHT + 3 + ROW_HEIGHT * ((double)(i - first_row(b)) + 0.55);
}

/* Lanes from the right: a skip runs inside those that span it, and beside one that ends where it
 * begins. */
static int bracket_lane(const net_box *b, size_t i) {
    int lane = 0, from = b->rows[i].skip;
    for (size_t k = first_row(b); k < b->n_rows; k++) {
        int other = b->rows[k].skip;
        if (other == NO_SKIP || k == i)
            continue;
        bool spans = other <= from && k >= i && (other < from || k > i);
        bool ends_here = (int)k <= from + 1 && (int)k >= from && k < i;
        lane += spans || ends_here;
    }
    return lane;
}

/* Skips that stay inside a block: brackets at the right of its rows. */
static void draw_brackets(canvas *c, const net_box *b) {
    double right = b->place.x + b->place.w - 7;
    for (size_t i = first_row(b); i < b->n_rows; i++) {
        int skip = b->rows[i].skip;
        if (skip == NO_SKIP)
            continue;
        double inner = b->place.x + 26 + canvas_text_width(c, b->rows[i].text, row_font);
        double x = right - bracket_lane(b, i) * BRACKET, to = row_middle(b, i);
        double from =
            skip == SKIP_INPUT ? b->place.y + HEAD_HEIGHT + 2 : row_middle(b, (size_t)skip);
        double begin = skip == SKIP_INPUT
                           ? x
                           : b->place.x + 26 + canvas_text_width(c, b->rows[skip].text, row_font);
        const point v[] = {{begin, from}, {x, from}, {x, to}, {inner + 6, to}};
        canvas_rounded_path(c, v + (begin >= x), 4 - (begin >= x), 5, skip_wire);
        canvas_arrow_head(c, inner, to, -1, 0, 7, BLUE);
    }
}

static void draw_box(const net *n, canvas *c, const net_box *b) {
    char counts[ROW_BYTES], weight[ROW_BYTES];
    foot_text(counts, weight, n, b);
    draw_copies(c, b);
    canvas_box(c, b->place, 5, heat(n, b->weight), 1);
    draw_head(c, b, b->place.h <= HEAD_HEIGHT);
    draw_rows(c, b);
    draw_brackets(c, b);
    double y = b->place.y + b->place.h - 6;
    if (weight[0] != '\0') {
        canvas_text(c, b->place.x + 8, y, weight, head_font, LEFT);
        y -= FOOT_HEIGHT;
    }
    canvas_text(c, b->place.x + 8, y, counts, foot_font, LEFT);
    canvas_frame(c, b->place, 5, (pen){DARK_GREY, 1, 0, false});
}

/* ---- edges ---- */

static void draw_shape(canvas *c, double x, double y, const char *shape) {
    canvas_haloed_text(c, x, y, shape, shape_font, LEFT);
}

/* The copies drawn behind a box push its lower edge down. */
static double foot_of(const net_box *b) {
    return b->place.y + b->place.h + (b->copies > 1 ? 8 : 0);
}

static void draw_straight(canvas *c, const net_box *a, const net_box *b, const char *shape) {
    double x = a->place.x + a->place.w / 2, to = b->place.y, from = foot_of(a);
    canvas_line(c, x, from, x, to - 6, wire);
    canvas_arrow_head(c, x, to, 0, 1, 8, DARK_GREY);
    draw_shape(c, x + 7, (from + to) / 2 + 3, shape);
}

/* Down from the last box of a column, up the gutter, and into the first box of the next. */
static void draw_wrap(canvas *c, const net_box *a, const net_box *b, const char *shape) {
    double from = a->place.x + a->place.w / 2, to = b->place.x + b->place.w / 2;
    double gutter = b->place.x - 34, low = foot_of(a) + 12, high = b->place.y - 20;
    const point v[] = {{from, foot_of(a)}, {from, low}, {gutter, low},
                       {gutter, high},     {to, high},  {to, b->place.y - 6}};
    canvas_rounded_path(c, v, sizeof v / sizeof *v, 8, wire);
    canvas_arrow_head(c, to, b->place.y, 0, 1, 8, DARK_GREY);
    draw_shape(c, to + 7, b->place.y - 7, shape);
}

/* Skips leave a box below where others arrive. */
static double leaving(const net_box *b) {
    return b->place.y + b->place.h - 5;
}

static double arriving(const net_box *b) {
    return b->place.y + HEAD_HEIGHT / 2.0 - 3;
}

static void draw_skip(canvas *c, const net_box *a, const net_box *b, int lane) {
    double right = a->place.x + a->place.w, x = right + 12 + lane * LANE;
    double from = leaving(a), to = arriving(b);
    const point v[] = {{right, from}, {x, from}, {x, to}, {right + 5, to}};
    canvas_rounded_path(c, v, sizeof v / sizeof *v, 6, skip_wire);
    canvas_arrow_head(c, right, to, -1, 0, 8, BLUE);
}

/* A skip to another column: the same number at both ends, on the side without lanes. */
static void draw_tag(canvas *c, double x, double y, const char *numbers, bool arrives) {
    double w = fmax(13, canvas_text_width(c, numbers, shape_font) + 6);
    box b = {x - 10 - w, y - 6, w, 12};
    canvas_line(c, x - 10, y, x - (arrives ? 5 : 0), y, skip_wire);
    if (arrives)
        canvas_arrow_head(c, x, y, 1, 0, 7, BLUE);
    canvas_box(c, b, 6, WHITE, 1);
    canvas_frame(c, b, 6, (pen){BLUE, 1, 0, false});
    canvas_text(c, b.x + w / 2, y + 3.6, numbers, shape_font, CENTRE);
}

static void draw_tags(const net *n, canvas *c, uint32_t i) {
    const net_box *b = &n->box[i];
    char in[ROW_BYTES] = "", out[16] = "";
    size_t used = 0;
    for (size_t k = 0; k < n->n_edges; k++) {
        const net_edge *e = &n->edge[k];
        if (e->tag > 0 && e->from == i)
            snprintf(out, sizeof out, "%u", e->tag);
        if (e->tag == 0 || e->to != i || used + 12 > sizeof in)
            continue;
        used += (size_t)snprintf(in + used, sizeof in - used, "%s%u", used > 0 ? " " : "", e->tag);
    }
    if (in[0] != '\0')
        draw_tag(c, b->place.x, arriving(b), in, true);
    if (out[0] != '\0')
        draw_tag(c, b->place.x, leaving(b) + 3, out, false);
}

/* Straight to the next box, beside the column, or over to the next one; tags are drawn apart. */
static void draw_edge(const net *n, canvas *c, const net_edge *e) {
    const net_box *a = &n->box[e->from], *b = &n->box[e->to];
    if (e->tag > 0)
        return;
    if (e->lane != NO_LANE) {
        draw_skip(c, a, b, e->lane);
    } else if (a->column == b->column) {
        draw_straight(c, a, b, e->shape);
    } else {
        draw_wrap(c, a, b, e->shape);
    }
}

/* ---- head of the picture ---- */

static double draw_heat_scale(const net *n, canvas *c, double x, double y) {
    enum { STEPS = 40, WIDTH = 160 };
    char most[SI_BYTES];
    if (n->d->weight == NULL)
        return y;
    const char *label = n->d->weight_label != NULL ? n->d->weight_label : "weight";
    canvas_text(c, x, y + 13, label, row_font, LEFT);
    x += canvas_text_width(c, label, row_font) + 10;
    canvas_text(c, x, y + 13, "0", row_font, LEFT);
    x += 12;
    for (int i = 0; i < STEPS; i++)
        canvas_box(c, (box){x + i * WIDTH / (double)STEPS, y + 3, WIDTH / (double)STEPS + 0.5, 12},
                   0, heat(n, n->most_weight * (i + 0.5) / STEPS), 1);
    canvas_frame(c, (box){x, y + 3, WIDTH, 12}, 0, (pen){GREY, 0.8, 0, false});
    canvas_text(c, x + WIDTH + 6, y + 13, weight_text(most, n->most_weight), row_font, LEFT);
    return y + 22;
}

static double draw_legend(const net *n, canvas *c, double y) {
    bool used[CLASS_COUNT] = {false};
    legend_entry e[CLASS_COUNT + 1];
    size_t count = 0;
    for (size_t i = 0; i < n->n_boxes; i++) {
        used[n->box[i].class] = true;
        for (size_t k = 0; k < n->box[i].n_rows; k++)
            used[n->box[i].rows[k].class] = true;
    }
    for (int k = 0; k < CLASS_COUNT; k++)
        if (used[k])
            e[count++] =
                (legend_entry){LEGEND_AREA, MARK_SQUARE, class_looks[k].fill, class_looks[k].name};
    bool skips = false;
    for (size_t i = 0; i < n->n_boxes; i++)
        skips = skips || skips_inside(&n->box[i]) > 0;
    for (size_t i = 0; i < n->n_edges; i++)
        skips = skips || n->edge[i].from + 1 != n->edge[i].to;
    if (skips)
        e[count++] = (legend_entry){LEGEND_LINE, MARK_DISC, BLUE, "skip"};
    return legend_draw(c, e, count, MARGIN, y, n->width - 2 * MARGIN);
}

/* Everything above the boxes; returns its height. Drawn twice: once to measure. */
static double draw_top(const net *n, canvas *c) {
    char params[SI_BYTES], macs[SI_BYTES], text[256];
    double y = canvas_title(c, n->d->title, n->d->subtitle, MARGIN, n->width - 2 * MARGIN);
    nas_text t = {0};
    nas_text_add(&t, "%s parameters, %s MACs per input", si_text(params, (double)n->params),
                 si_text(macs, (double)n->macs));
    if (n->d->weight != NULL)
        nas_text_add(&t, "; %s: %.4g", n->d->weight_label != NULL ? n->d->weight_label : "weight",
                     n->weight);
    canvas_fit_text(c, text, sizeof text, nas_text_str(&t), (font){FONT_BASE, true, INK},
                    n->width - 2 * MARGIN);
    canvas_text(c, MARGIN, y + 15, text, (font){FONT_BASE, true, INK}, LEFT);
    nas_text_free(&t);
    y = draw_legend(n, c, y + 24);
    return draw_heat_scale(n, c, MARGIN + 3, y + 2) + 10;
}

static nas_status draw(const char *path, net *n) {
    nas_status st = NAS_OK;
    canvas *c = NULL;
    double head = draw_top(n, n->measure);
    NAS_GO(canvas_create(&c, n->width, fmax(n->height + head, LEAST_HEIGHT)));
    draw_top(n, c);
    for (size_t i = 0; i < n->n_boxes; i++)
        n->box[i].place.y += head;
    for (size_t i = 0; i < n->n_edges; i++)
        draw_edge(n, c, &n->edge[i]);
    for (uint32_t i = 0; i < n->n_boxes; i++)
        draw_tags(n, c, i);
    for (size_t i = 0; i < n->n_boxes; i++)
        draw_box(n, c, &n->box[i]);
    NAS_GO(canvas_save(path, c));
done:
    canvas_free(c);
    return st;
}

nas_status nas_draw_network(const char *path, const nas_network_drawing *d) {
    nas_status st = NAS_OK;
    net n = {.d = d};
    NAS_GO(canvas_create(&n.measure, 8, 8));
    NAS_GO(net_read(&n));
    NAS_GO(net_layout(&n));
    NAS_GO(draw(path, &n));
done:
    net_free(&n);
    canvas_free(n.measure);
    return st == NAS_OK || st == NAS_E_IO ? st : nas_fail_prefix(st, "%s", path);
}
