/* viz/pareto.c - two minimised objectives: front as a staircase, hypervolume, chosen models. */
#include <nas/viz.h>

#include <math.h>
#include <stdlib.h>

#include "axes.h"
#include "canvas.h"
#include "labels.h"

typedef struct plot {
    const nas_pareto_plot *p;
    canvas *c;
    axis x, y;
    box area;
    point *step; /* the 2-D front among the marked points, by x: shown values */
    uint32_t n_step;
    uint32_t n_front, n_dominated, n_infeasible, n_chosen, n_lost;
} plot;

static point shown_point(const nas_pareto_plot *p, uint32_t i) {
    return (point){axis_shown(&p->x, p->point[i].x), axis_shown(&p->y, p->point[i].y)};
}

static bool drawable(point v) {
    return !isnan(v.x) && !isnan(v.y);
}

static int by_x_then_y(const void *a, const void *b) {
    const point *p = a, *q = b;
    if (p->x != q->x)
        return p->x < q->x ? -1 : 1;
    return (p->y > q->y) - (p->y < q->y);
}

/* Points may be non-dominated only by a third objective: the staircase keeps those that are so
 * here. */
static nas_status find_steps(plot *d) {
    const nas_pareto_plot *p = d->p;
    d->step = nas_malloc(p->n * sizeof *d->step);
    if (d->step == NULL)
        return nas_fail_memory(p->n * sizeof *d->step);
    uint32_t n = 0;
    for (uint32_t i = 0; i < p->n; i++) {
        point v = shown_point(p, i);
        if (!drawable(v)) {
            d->n_lost++;
            continue;
        }
        d->n_chosen += p->point[i].name != NULL;
        d->n_infeasible += !p->point[i].feasible;
        d->n_front += p->point[i].feasible && p->point[i].on_front;
        d->n_dominated += p->point[i].feasible && !p->point[i].on_front;
        if (p->point[i].feasible && p->point[i].on_front)
            d->step[n++] = v;
    }
    qsort(d->step, n, sizeof *d->step, by_x_then_y);
    for (uint32_t i = 0; i < n; i++)
        if (d->n_step == 0 || d->step[i].y < d->step[d->n_step - 1].y)
            d->step[d->n_step++] = d->step[i];
    return NAS_OK;
}

static void find_ranges(const nas_pareto_plot *p, range *x, range *y) {
    for (uint32_t i = 0; i < p->n; i++) {
        point v = shown_point(p, i);
        range_add(x, drawable(v) ? v.x : NAN);
        range_add(y, drawable(v) ? v.y : NAN);
    }
    range_add(x, axis_shown(&p->x, p->ref_x));
    range_add(y, axis_shown(&p->y, p->ref_y));
    range_add(x, axis_shown(&p->x, p->limit_x));
    range_add(y, axis_shown(&p->y, p->limit_y));
}

/* ---- legend ---- */

enum { MAX_ENTRIES = 8 };

static const char *unit_or_label(const nas_plot_axis *a) {
    return a->unit && *a->unit ? a->unit : a->label ? a->label : "";
}

/* "hypervolume 7.6 ms·%", or the bare word when the number is not given. An axis of plain counts
 * has its label for a unit: "%" alone would pass for a share. */
static void hypervolume_text(char *out, size_t room, const nas_pareto_plot *p) {
    if (!isfinite(p->hypervolume)) {
        snprintf(out, room, "hypervolume");
        return;
    }
    snprintf(out, room, "hypervolume %.4g %s·%s", p->hypervolume, unit_or_label(&p->x),
             unit_or_label(&p->y));
}

static double draw_legend(const plot *d, double top) {
    const nas_pareto_plot *p = d->p;
    char text[4][48], volume[96];
    legend_entry e[MAX_ENTRIES];
    size_t n = 0;
    const struct {
        uint32_t count;
        const char *name;
        legend_entry entry;
    } rows[] = {
        {d->n_front, "Pareto front", {LEGEND_BOTH, MARK_DISC, BLUE, text[0]}},
        {d->n_dominated, "dominated", {LEGEND_MARKER, MARK_DISC, GREY, text[1]}},
        {d->n_infeasible, "infeasible", {LEGEND_MARKER, MARK_CROSS, VERMILLION, text[2]}},
        {d->n_chosen, "chosen", {LEGEND_RING, MARK_DISC, ORANGE, text[3]}},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        if (rows[i].count == 0)
            continue;
        snprintf(text[i], sizeof text[i], "%s (%u)", rows[i].name, rows[i].count);
        e[n++] = rows[i].entry;
    }
    if (!isnan(axis_shown(&p->x, p->limit_x)) || !isnan(axis_shown(&p->y, p->limit_y)))
        e[n++] = (legend_entry){LEGEND_DASHED, MARK_DISC, VERMILLION, "constraint"};
    if (!isnan(axis_shown(&p->x, p->ref_x)) && !isnan(axis_shown(&p->y, p->ref_y))) {
        e[n++] = (legend_entry){LEGEND_MARKER, MARK_PLUS, INK, "reference point"};
        hypervolume_text(volume, sizeof volume, p);
        e[n++] = (legend_entry){LEGEND_AREA, MARK_DISC, colour_mix(WHITE, SKY, 0.3), volume};
    }
    return legend_draw(d->c, e, n, d->area.x, top, PLOT_WIDTH - d->area.x - 120);
}

static void draw_better(const plot *d, double y) {
    double right = PLOT_WIDTH - 24;
    canvas_line(d->c, right, y - 8, right - 12, y + 4, (pen){DARK_GREY, 1.8, 0, false});
    canvas_arrow_head(d->c, right - 16, y + 8, -1, 1, 10, DARK_GREY);
    canvas_text(d->c, right - 22, y + 5, "better", (font){FONT_BASE, false, DARK_GREY}, RIGHT);
}

/* ---- the plot ---- */

static point placed(const plot *d, point v) {
    return (point){axis_at(&d->x, v.x), axis_at(&d->y, v.y)};
}

/* The staircase's corners in coordinates, from above the first point to right of the last. Returns
 * their number, 2 n_step + 1 at most. */
static size_t staircase(const plot *d, point *out, double top, double right) {
    size_t n = 0;
    for (uint32_t i = 0; i < d->n_step; i++) {
        point v = placed(d, d->step[i]);
        if (v.x > right || v.y < top)
            continue;
        out[n] = (point){v.x, n == 0 ? top : out[n - 1].y};
        out[n + 1] = v;
        n += 2;
    }
    if (n > 0)
        out[n] = (point){right, out[n - 1].y};
    return n > 0 ? n + 1 : 0;
}

static void draw_hypervolume(const plot *d, point *corner) {
    point ref = {axis_shown(&d->p->x, d->p->ref_x), axis_shown(&d->p->y, d->p->ref_y)};
    if (!drawable(ref))
        return;
    point at = placed(d, ref);
    size_t n = staircase(d, corner, at.y, at.x);
    if (n > 0) {
        corner[n++] = at;
        canvas_area(d->c, corner, n, SKY, 0.22);
    }
    canvas_marker(d->c, MARK_PLUS, at.x, at.y, 6, INK);
}

static void draw_limits(const plot *d) {
    const pen p = {VERMILLION, 1.6, 0, true};
    double x = axis_shown(&d->p->x, d->p->limit_x), y = axis_shown(&d->p->y, d->p->limit_y);
    if (!isnan(x))
        canvas_line(d->c, axis_at(&d->x, x), d->area.y, axis_at(&d->x, x), d->area.y + d->area.h,
                    p);
    if (!isnan(y))
        canvas_line(d->c, d->area.x, axis_at(&d->y, y), d->area.x + d->area.w, axis_at(&d->y, y),
                    p);
}

typedef enum layer { DOMINATED, INFEASIBLE, FRONT, LAYERS } layer;

static layer layer_of(const nas_pareto_point *p) {
    return !p->feasible ? INFEASIBLE : p->on_front ? FRONT : DOMINATED;
}

static void draw_points(const plot *d, layer l) {
    static const struct {
        marker marker;
        double radius;
        colour colour;
    } look[LAYERS] = {
        {MARK_DISC, 3.2, 0xB0B0B0}, {MARK_CROSS, 4, VERMILLION}, {MARK_DISC, 5, BLUE}};
    for (uint32_t i = 0; i < d->p->n; i++) {
        point v = shown_point(d->p, i);
        if (!drawable(v) || layer_of(&d->p->point[i]) != l)
            continue;
        v = placed(d, v);
        if (l == FRONT)
            canvas_marker(d->c, look[l].marker, v.x, v.y, look[l].radius + 1.2, WHITE);
        canvas_marker(d->c, look[l].marker, v.x, v.y, look[l].radius, look[l].colour);
    }
}

/* Rings first, then names where they hide least. */
static nas_status draw_chosen(const plot *d, const point *corner, size_t n_corners) {
    nas_status st = NAS_OK;
    labels l = {.canvas = d->c, .area = d->area};
    for (uint32_t i = 0; i < d->p->n; i++) {
        const nas_pareto_point *p = &d->p->point[i];
        point v = shown_point(d->p, i);
        double weight = p->name != NULL ? 12 : layer_of(p) == FRONT ? 4 : 1;
        if (drawable(v))
            NAS_GO(labels_avoid_point(&l, placed(d, v), weight));
    }
    point ref = {axis_shown(&d->p->x, d->p->ref_x), axis_shown(&d->p->y, d->p->ref_y)};
    if (drawable(ref))
        NAS_GO(labels_avoid_point(&l, placed(d, ref), 20));
    for (size_t i = 1; i < n_corners; i++)
        NAS_GO(labels_avoid_line(&l, corner[i - 1], corner[i]));
    for (uint32_t i = 0; i < d->p->n; i++) {
        point v = shown_point(d->p, i);
        if (!drawable(v) || d->p->point[i].name == NULL)
            continue;
        v = placed(d, v);
        canvas_frame(d->c, (box){v.x - 9, v.y - 9, 18, 18}, 9, (pen){ORANGE, 2.4, 0, false});
        NAS_GO(labels_add(&l, v, d->p->point[i].name));
    }
    labels_draw(&l);
done:
    labels_free(&l);
    return st;
}

static nas_status draw_inside(const plot *d) {
    nas_status st = NAS_OK;
    size_t room = 2 * (size_t)d->n_step + 2;
    point *corner = nas_malloc(room * sizeof *corner);
    if (corner == NULL)
        return nas_fail_memory(room * sizeof *corner);
    canvas_clip(d->c, (box){d->area.x, d->area.y - 8, d->area.w + 8, d->area.h + 8});
    draw_hypervolume(d, corner);
    draw_limits(d);
    draw_points(d, DOMINATED);
    draw_points(d, INFEASIBLE);
    size_t n = staircase(d, corner, d->area.y, d->area.x + d->area.w);
    if (n > 0)
        canvas_path(d->c, corner, n, (pen){BLUE, 2, 0, false});
    draw_points(d, FRONT);
    canvas_unclip(d->c);
    st = draw_chosen(d, corner, n);
    nas_free(corner);
    return st;
}

static void draw_empty_note(const plot *d) {
    const font f = {FONT_BASE, false, DARK_GREY};
    char text[64];
    if (d->p->n == d->n_lost)
        canvas_text(d->c, d->area.x + d->area.w / 2, d->area.y + d->area.h / 2,
                    "no trial with both values yet", f, CENTRE);
    else if (d->n_lost > 0) {
        snprintf(text, sizeof text, "%u without a value not drawn", d->n_lost);
        canvas_text(d->c, d->area.x + d->area.w, PLOT_HEIGHT - 8, text,
                    (font){FONT_SMALL, false, DARK_GREY}, RIGHT);
    }
}

nas_status nas_draw_pareto(const char *path, const nas_pareto_plot *p) {
    nas_status st = NAS_OK;
    plot d = {.p = p};
    range x = {0}, y = {0};
    NAS_GO(canvas_create(&d.c, PLOT_WIDTH, PLOT_HEIGHT));
    NAS_GO(find_steps(&d));
    find_ranges(p, &x, &y);
    axis_init(&d.y, &p->y, &y, PLOT_HEIGHT - 64, 110, false);
    d.area.x = axes_left_room(d.c, &d.y) + 8;
    double top = canvas_title(d.c, p->title, p->subtitle, d.area.x, PLOT_WIDTH - d.area.x - 24);
    draw_better(&d, top + 14);
    d.area.y = draw_legend(&d, top + 4) + 12;
    if (d.area.y < top + 36)
        d.area.y = top + 36;
    d.area.w = PLOT_WIDTH - 24 - d.area.x;
    d.area.h = PLOT_HEIGHT - 64 - d.area.y;
    axis_init(&d.x, &p->x, &x, d.area.x, d.area.x + d.area.w, false);
    axis_init(&d.y, &p->y, &y, d.area.y + d.area.h, d.area.y, false);
    axes_draw(d.c, &d.x, &d.y, d.area);
    NAS_GO(draw_inside(&d));
    draw_empty_note(&d);
    NAS_GO(canvas_save(path, d.c));
done:
    nas_free(d.step);
    canvas_free(d.c);
    return st;
}
