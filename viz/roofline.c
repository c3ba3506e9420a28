/* viz/roofline.c - a device's peaks as roofs, and kernels as dots below them: FLOP/s over FLOP per
 * byte, both logarithmic. Williams, Waterman, Patterson 2009.
 */
#include <nas/viz.h>

#include <math.h>

#include "axes.h"
#include "canvas.h"

enum { MAX_GROUPS = 32 };

static const nas_plot_axis intensity = {.label = "Intensity",
                                        .unit = "FLOP/B",
                                        .scale = 1,
                                        .log = true},
                           speed = {
                               .label = "Speed", .unit = "GFLOP/s", .scale = 1e-9, .log = true};

typedef struct plot {
    const nas_roofline_plot *p;
    canvas *c;
    axis x, y;
    box area;
} plot;

static bool shown_kernel(point *out, const nas_roofline_kernel *k) {
    if (!(k->flops > 0) || !(k->bytes > 0) || !(k->seconds > 0))
        return false;
    *out = (point){axis_shown(&intensity, k->flops / k->bytes),
                   axis_shown(&speed, k->flops / k->seconds)};
    return !isnan(out->x) && !isnan(out->y);
}

/* The roofs' knee and a decade to its sides belong into the picture. */
static void find_ranges(const nas_roofline_plot *p, range *x, range *y) {
    double knee = p->peak_flops / p->bandwidth, peak = p->peak_flops * speed.scale;
    range_add(x, knee / 10);
    range_add(x, knee * 10);
    range_add(y, peak * 1.5);
    range_add(y, peak / 10);
    for (uint32_t i = 0; i < p->n; i++) {
        point v;
        if (!shown_kernel(&v, &p->kernel[i]))
            continue;
        range_add(x, v.x);
        range_add(y, v.y);
    }
}

static void draw_roof(const plot *d, double bandwidth, pen p) {
    double peak = d->p->peak_flops * speed.scale, slope = bandwidth * speed.scale;
    double knee = peak / slope, lo = d->x.lo, hi = d->x.hi;
    point v[3] = {
        {axis_at(&d->x, lo), axis_at(&d->y, fmin(slope * lo, peak))},
        {axis_at(&d->x, fmin(fmax(knee, lo), hi)), axis_at(&d->y, fmin(peak, slope * hi))},
        {axis_at(&d->x, hi), axis_at(&d->y, fmin(peak, slope * hi))}};
    canvas_path(d->c, v, 3, p);
}

static void draw_kernels(const plot *d) {
    for (uint32_t i = 0; i < d->p->n; i++) {
        point v;
        uint32_t k = d->p->kernel[i].group;
        if (!shown_kernel(&v, &d->p->kernel[i]))
            continue;
        v = (point){axis_at(&d->x, v.x), axis_at(&d->y, v.y)};
        canvas_marker(d->c, series_marker(k), v.x, v.y, 5.5, WHITE);
        canvas_marker(d->c, series_marker(k), v.x, v.y, 4.5, series_colour(k));
    }
}

/* Three digits, never an exponent. */
static int decimals(double v) {
    return v < 10 ? 2 : v < 100 ? 1 : 0;
}

static double draw_legend(const plot *d, double top) {
    legend_entry e[MAX_GROUPS + 2];
    char text[2][96];
    size_t n = 0;
    for (uint32_t k = 0; k < d->p->n_groups && n < MAX_GROUPS; k++)
        e[n++] = (legend_entry){LEGEND_MARKER, series_marker(k), series_colour(k), d->p->group[k]};
    double peak = d->p->peak_flops * 1e-9, memory = d->p->bandwidth * 1e-9;
    double cache = d->p->cache_bandwidth * 1e-9;
    snprintf(text[0], sizeof text[0], "peak %.*f GFLOP/s, memory %.*f GB/s", decimals(peak), peak,
             decimals(memory), memory);
    e[n++] = (legend_entry){LEGEND_LINE, MARK_DISC, INK, text[0]};
    if (d->p->cache_bandwidth > 0) {
        snprintf(text[1], sizeof text[1], "cache %.*f GB/s", decimals(cache), cache);
        e[n++] = (legend_entry){LEGEND_DASHED, MARK_DISC, DARK_GREY, text[1]};
    }
    return legend_draw(d->c, e, n, d->area.x, top, PLOT_WIDTH - d->area.x - 24);
}

nas_status nas_draw_roofline(const char *path, const nas_roofline_plot *p) {
    nas_status st = NAS_OK;
    plot d = {.p = p};
    range x = {0}, y = {0};
    if (!(p->peak_flops > 0) || !(p->bandwidth > 0))
        return nas_fail(NAS_E_ARG, "a roofline needs a peak and a bandwidth, not %g and %g",
                        p->peak_flops, p->bandwidth);
    NAS_GO(canvas_create(&d.c, PLOT_WIDTH, PLOT_HEIGHT));
    find_ranges(p, &x, &y);
    axis_init(&d.y, &speed, &y, PLOT_HEIGHT - 64, 100, false);
    d.area.x = axes_left_room(d.c, &d.y) + 8;
    double top = canvas_title(d.c, p->title, p->subtitle, d.area.x, PLOT_WIDTH - d.area.x - 24);
    d.area.y = draw_legend(&d, top + 4) + 14;
    d.area.w = PLOT_WIDTH - 28 - d.area.x;
    d.area.h = PLOT_HEIGHT - 64 - d.area.y;
    axis_init(&d.x, &intensity, &x, d.area.x, d.area.x + d.area.w, false);
    axis_init(&d.y, &speed, &y, d.area.y + d.area.h, d.area.y, false);
    axes_draw(d.c, &d.x, &d.y, d.area);
    canvas_clip(d.c, d.area);
    if (p->cache_bandwidth > p->bandwidth)
        draw_roof(&d, p->cache_bandwidth, (pen){DARK_GREY, 1.4, 0, true});
    draw_roof(&d, p->bandwidth, (pen){INK, 2.2, 0, false});
    draw_kernels(&d);
    canvas_unclip(d.c);
    NAS_GO(canvas_save(path, d.c));
done:
    canvas_free(d.c);
    return st;
}
