/* viz/scatter.c - predicted against measured: points about the diagonal, and a band around it. */
#include <nas/viz.h>

#include <math.h>

#include "axes.h"
#include "canvas.h"

enum { MAX_GROUPS = 32 };

typedef struct plot {
    const nas_scatter *p;
    canvas *c;
    axis x, y;
    box area;
} plot;

static bool drawable(const plot *d, double x, double y) {
    return !isnan(x) && !isnan(y) && (!d->x.log || (x > 0 && y > 0));
}

static point place(const plot *d, double x, double y) {
    return (point){axis_at(&d->x, x), axis_at(&d->y, y)};
}

/* A straight line in values is straight on both kinds of axes when both are of one kind. */
static void draw_diagonal(const plot *d) {
    double lo = d->x.lo, hi = d->x.hi, band = d->p->band;
    if (d->x.log && !(lo > 0))
        return;
    canvas_clip(d->c, d->area);
    if (band > 0) {
        point v[4] = {place(d, lo, lo * (1 - band)), place(d, hi, hi * (1 - band)),
                      place(d, hi, hi * (1 + band)), place(d, lo, lo * (1 + band))};
        canvas_area(d->c, v, 4, SKY, 0.25);
    }
    point a = place(d, lo, lo), b = place(d, hi, hi);
    canvas_line(d->c, a.x, a.y, b.x, b.y, (pen){DARK_GREY, 1.2, 0, true});
    canvas_unclip(d->c);
}

static void draw_points(const plot *d) {
    const nas_scatter *p = d->p;
    double radius = p->n > 2000 ? 1.5 : p->n > 200 ? 2.5 : 4;
    for (uint32_t i = 0; i < p->n; i++) {
        double x = axis_shown(&p->x, p->point[i].x), y = axis_shown(&p->y, p->point[i].y);
        uint32_t k = p->n_groups > 1 ? p->point[i].group : 0;
        if (!drawable(d, x, y))
            continue;
        point at = place(d, x, y);
        canvas_marker(d->c, p->n > 2000 ? MARK_DISC : series_marker(k), at.x, at.y, radius,
                      series_colour(k));
    }
}

static double draw_legend(const plot *d, double top) {
    legend_entry e[MAX_GROUPS + 1];
    char band[48];
    size_t n = 0;
    for (uint32_t k = 0; d->p->group && k < d->p->n_groups && n < MAX_GROUPS; k++)
        e[n++] = (legend_entry){LEGEND_MARKER, series_marker(k), series_colour(k), d->p->group[k]};
    snprintf(band, sizeof band, "within %.3g %%", 100 * d->p->band);
    if (d->p->band > 0)
        e[n++] = (legend_entry){LEGEND_AREA, MARK_DISC, SKY, band};
    return legend_draw(d->c, e, n, d->area.x, top, PLOT_WIDTH - d->area.x - 24);
}

nas_status nas_draw_scatter(const char *path, const nas_scatter *p) {
    nas_status st = NAS_OK;
    plot d = {.p = p};
    range both = {0};
    NAS_GO(canvas_create(&d.c, PLOT_WIDTH, PLOT_HEIGHT));
    for (uint32_t i = 0; i < p->n; i++) {
        double x = axis_shown(&p->x, p->point[i].x), y = axis_shown(&p->y, p->point[i].y);
        if (isnan(x) || isnan(y))
            continue;
        range_add(&both, x);
        range_add(&both, y);
    }
    axis_init(&d.y, &p->y, &both, PLOT_HEIGHT - 64, 100, false);
    d.area.x = axes_left_room(d.c, &d.y) + 8;
    double top = canvas_title(d.c, p->title, p->subtitle, d.area.x, PLOT_WIDTH - d.area.x - 24);
    d.area.y = draw_legend(&d, top + 4) + 14;
    d.area.w = PLOT_WIDTH - 28 - d.area.x;
    d.area.h = PLOT_HEIGHT - 64 - d.area.y;
    axis_init(&d.x, &p->x, &both, d.area.x, d.area.x + d.area.w, false);
    axis_init(&d.y, &p->y, &both, d.area.y + d.area.h, d.area.y, false);
    axes_draw(d.c, &d.x, &d.y, d.area);
    draw_diagonal(&d);
    draw_points(&d);
    if (!both.any)
        canvas_text(d.c, d.area.x + d.area.w / 2, d.area.y + d.area.h / 2, "no values yet",
                    (font){FONT_BASE, false, DARK_GREY}, CENTRE);
    NAS_GO(canvas_save(path, d.c));
done:
    canvas_free(d.c);
    return st;
}
