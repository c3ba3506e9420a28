/* viz/sketch.c - a space as boxes in boxes: what each block is, and between what there is a choice.
 */
#include "sketch.h"

#include <math.h>
#include <string.h>

#include "axes.h"
#include "network.h"

enum { LEAST_WIDTH = 640, LEAST_HEIGHT = 300 };
static const font head_font = {FONT_SMALL, true, INK}, kind_font = {FONT_SMALL, false, INK};
static const pen wire = {DARK_GREY, 1.3, 0, false}, maybe_wire = {VERMILLION, 1.2, 0, true};

/* ---- what a block is ---- */

static op_class class_of(const char *kind) {
    static const struct {
        const char *kind;
        op_class class;
    } classes[] = {
        {"conv", CLASS_CONV},
        {"mbconv", CLASS_CONV},
        {"residual", CLASS_CONV},
        {"shuffle", CLASS_SHAPE},
        {"dense", CLASS_DENSE},
        {"mlp", CLASS_DENSE},
        {"head", CLASS_DENSE},
        {"lm_head", CLASS_DENSE},
        {"embed", CLASS_DENSE},
        {"patch", CLASS_DENSE},
        {"attention", CLASS_ATTENTION},
        {"glit", CLASS_ATTENTION},
        {"mobilevit", CLASS_ATTENTION},
        {"transformer", CLASS_ATTENTION},
        {"pool", CLASS_POOL},
        {"global_pool", CLASS_POOL},
        {"norm", CLASS_NORM},
        {"act", CLASS_NORM},
        {"dropout", CLASS_NORM},
        {"glu", CLASS_NORM},
        {"add", CLASS_JOIN},
        {"mul", CLASS_JOIN},
        {"concat", CLASS_JOIN},
        {"fork", CLASS_CONV},
        {"input", CLASS_INPUT},
    };
    for (size_t i = 0; i < sizeof classes / sizeof *classes; i++)
        if (strcmp(classes[i].kind, kind) == 0)
            return classes[i].class;
    return CLASS_SHAPE;
}

/* What a value decides on (a case) is no choice of its own. */
static bool is_choice(const nas_sketch_box *b) {
    return b->form == NAS_SKETCH_CHOICE && strcmp(b->kind, "case") != 0;
}

/* ---- boxes ---- */

static void draw_head(canvas *c, const sketch_item *i, colour fill, colour ink) {
    const nas_sketch_box *b = i->b;
    box head = {i->place.x, i->place.y, i->place.w, SKETCH_HEAD};
    font bold = head_font, plain = kind_font;
    char text[MAX_PIECE + 4];
    double right = head.x + head.w - 8;
    bold.colour = plain.colour = ink;
    if (i->lines > 0 || i->n > 0)
        canvas_head(c, head, 5, fill);
    else
        canvas_box(c, head, 5, fill, 1);
    if (b->note[0] != '\0') {
        double w = canvas_text_width(c, b->note, head_font) + 12;
        canvas_box(c, (box){right - w + 2, head.y + 3, w, 16}, 8, WHITE, 1);
        canvas_text(c, right - w / 2 + 2, head.y + 15, b->note, head_font, CENTRE);
        right -= w + 6;
    }
    const char *main = b->name[0] != '\0' ? b->name : b->kind;
    canvas_fit_text(c, text, sizeof text, main, bold, right - head.x - 8);
    canvas_text(c, head.x + 8, head.y + 15, text, bold, LEFT);
    double left = head.x + 18 + canvas_text_width(c, text, bold);
    if (main == b->kind || b->kind[0] == '\0' || strcmp(main, b->kind) == 0 || right - left < 16)
        return;
    canvas_fit_text(c, text, sizeof text, b->kind, plain, right - left);
    canvas_text(c, right, head.y + 15, text, plain, RIGHT);
}

static void draw_arrow(canvas *c, const box *a, const box *b, pen p) {
    double x = fmin(a->x + a->w / 2, b->x + b->w / 2);
    canvas_line(c, x, a->y + a->h, x, b->y - 4, p);
    canvas_arrow_head(c, x, b->y, 0, 1, 7, p.colour);
}

static void draw_graph(canvas *c, const sketch_item *i) {
    sketch_arc arc[MAX_ARCS];
    uint32_t lanes, n = sketch_arcs(arc, &lanes, i->b);
    for (uint32_t k = 0; k < n; k++) {
        const box *a = &i->kid[arc[k].from].place, *b = &i->kid[arc[k].to].place;
        pen p = arc[k].maybe ? maybe_wire : wire;
        if (arc[k].lane < 0) {
            draw_arrow(c, a, b, p);
            continue;
        }
        double right = a->x + a->w, x = right + 8 + arc[k].lane * SKETCH_LANE;
        double from = a->y + a->h - 5, to = b->y + SKETCH_HEAD / 2.0 - 2;
        const point v[] = {{right, from}, {x, from}, {x, to}, {right + 4, to}};
        canvas_rounded_path(c, v, sizeof v / sizeof *v, 5, p);
        canvas_arrow_head(c, right, to, -1, 0, 7, p.colour);
    }
}

static void draw_item(canvas *c, const sketch_item *i) {
    const nas_sketch_box *b = i->b;
    const class_look *look = &class_looks[class_of(b->kind)];
    double head = sketch_head(b);
    bool choice = is_choice(b);
    canvas_box(c, i->place, 5, i->n == 0 ? WHITE : choice ? 0xFFF9F4 : 0xF7F7F7, 1);
    if (head > 0)
        draw_head(c, i, choice ? VERMILLION : look->fill, choice ? WHITE : look->text);
    canvas_frame(c, i->place, 5,
                 (pen){choice ? VERMILLION : DARK_GREY, choice ? 1.4 : 0.9, 0, false});
    (void)sketch_lines(c, b, i->place.x + SKETCH_PAD, i->place.y + head + 3, SKETCH_TEXT, true,
                       NULL);
    for (uint32_t k = 0; k < i->n; k++) {
        draw_item(c, &i->kid[k]);
        if (k > 0 && b->form == NAS_SKETCH_FLOW)
            draw_arrow(c, &i->kid[k - 1].place, &i->kid[k].place, wire);
    }
    if (b->form == NAS_SKETCH_GRAPH)
        draw_graph(c, i);
}

/* From the end of one column to the top of the next. */
static void draw_wrap(canvas *c, const box *a, const box *b) {
    double from = a->x + a->w / 2, to = b->x + b->w / 2, gutter = b->x - SKETCH_GUTTER / 2.0;
    double low = a->y + a->h + 9, high = b->y - 13;
    const point v[] = {{from, a->y + a->h}, {from, low}, {gutter, low},
                       {gutter, high},      {to, high},  {to, b->y - 4}};
    canvas_rounded_path(c, v, sizeof v / sizeof *v, 7, wire);
    canvas_arrow_head(c, to, b->y, 0, 1, 7, DARK_GREY);
}

/* ---- the picture ---- */

static bool any(const nas_sketch_box *b, bool (*is)(const nas_sketch_box *b, op_class class),
                op_class class) {
    if (is(b, class))
        return true;
    for (uint32_t i = 0; i < b->n; i++)
        if (any(b->kid[i], is, class))
            return true;
    return false;
}

static bool has_class(const nas_sketch_box *b, op_class class) {
    return b->kind[0] != '\0' && class_of(b->kind) == class && !is_choice(b) &&
           class != CLASS_SHAPE;
}

static bool has_maybe(const nas_sketch_box *b, op_class class) {
    sketch_arc arc[MAX_ARCS];
    uint32_t lanes, n = b->form == NAS_SKETCH_GRAPH ? sketch_arcs(arc, &lanes, b) : 0;
    (void)class;
    for (uint32_t i = 0; i < n; i++)
        if (arc[i].maybe)
            return true;
    return false;
}

/* Everything above the boxes; returns its height. Drawn twice: once to measure. */
static double draw_top(const sketch_picture *p, canvas *c) {
    legend_entry e[CLASS_COUNT + 2];
    size_t n = 0;
    double y =
        canvas_title(c, p->d->title, p->d->subtitle, SKETCH_MARGIN, p->width - 2 * SKETCH_MARGIN);
    e[n++] = (legend_entry){LEGEND_AREA, MARK_SQUARE, VERMILLION, "choice: a network has one"};
    if (any(p->d->root, has_maybe, CLASS_SHAPE))
        e[n++] = (legend_entry){LEGEND_DASHED, MARK_DISC, VERMILLION, "edge that may be there"};
    for (int k = 0; k < CLASS_COUNT; k++)
        if (any(p->d->root, has_class, (op_class)k))
            e[n++] =
                (legend_entry){LEGEND_AREA, MARK_SQUARE, class_looks[k].fill, class_looks[k].name};
    return legend_draw(c, e, n, SKETCH_MARGIN, y + 4, p->width - 2 * SKETCH_MARGIN) + 4;
}

static void lower(sketch_item *i, double by) {
    i->place.y += by;
    for (uint32_t k = 0; k < i->n; k++)
        lower(&i->kid[k], by);
}

static nas_status draw(const char *path, sketch_picture *p) {
    nas_status st = NAS_OK;
    canvas *c = NULL;
    p->width = fmax(p->width, LEAST_WIDTH);
    double head = draw_top(p, p->measure);
    NAS_GO(canvas_create(&c, p->width, fmax(p->height + head, LEAST_HEIGHT)));
    draw_top(p, c);
    for (uint32_t i = 0; i < p->net.n; i++) {
        sketch_item *k = &p->net.kid[i];
        lower(k, head);
        draw_item(c, k);
        if (i > 0 && k->column == k[-1].column)
            draw_arrow(c, &k[-1].place, &k->place, wire);
        else if (i > 0)
            draw_wrap(c, &k[-1].place, &k->place);
    }
    for (uint32_t i = 0; i < p->n_parts; i++) {
        lower(&p->part[i], head);
        draw_item(c, &p->part[i]);
    }
    NAS_GO(canvas_save(path, c));
done:
    canvas_free(c);
    return st;
}

nas_status nas_draw_space(const char *path, const nas_space_drawing *d) {
    nas_status st = NAS_OK;
    sketch_picture p = {.d = d};
    NAS_GO(canvas_create(&p.measure, 8, 8));
    NAS_GO(sketch_layout(&p));
    NAS_GO(draw(path, &p));
done:
    sketch_free(&p);
    canvas_free(p.measure);
    return st == NAS_OK || st == NAS_E_IO ? st : nas_fail_prefix(st, "%s", path);
}
