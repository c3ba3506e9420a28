/* viz/curves.c - lines over steps: learning curves, hypervolume over trials, a median among seeds.
 */
#include <nas/viz.h>

#include <math.h>

#include "axes.h"
#include "canvas.h"

typedef struct plot {
    const nas_curves *p;
    canvas *c;
    axis x, y;
    box area;
} plot;

enum { MARKS_A_LINE = 7, MAX_ENTRIES = 256 };

static point shown_point(const nas_curves *p, const nas_series *s, uint32_t i) {
    return (point){axis_shown(&p->x, s->x[i]), axis_shown(&p->y, s->y[i])};
}

static bool drawable(const plot *d, point v) {
    return !isnan(v.x) && !isnan(v.y) && (!d->x.log || v.x > 0) && (!d->y.log || v.y > 0);
}

static void find_ranges(const nas_curves *p, range *x, range *y) {
    for (uint32_t k = 0; k < p->n; k++) {
        for (uint32_t i = 0; i < p->series[k].n; i++) {
            point v = shown_point(p, &p->series[k], i);
            bool whole = !isnan(v.x) && !isnan(v.y);
            range_add(x, whole ? v.x : NAN);
            range_add(y, whole ? v.y : NAN);
        }
    }
}

/* The named series' number among the named ones gives it its colour and marker. */
static uint32_t named_before(const nas_curves *p, uint32_t k) {
    uint32_t n = 0;
    for (uint32_t i = 0; i < k; i++)
        n += p->series[i].name != NULL;
    return n;
}

static double draw_legend(const plot *d, double top) {
    legend_entry e[MAX_ENTRIES];
    size_t n = 0;
    for (uint32_t k = 0; k < d->p->n && n < MAX_ENTRIES; k++) {
        if (d->p->series[k].name == NULL)
            continue;
        uint32_t i = (uint32_t)n;
        e[n++] =
            (legend_entry){LEGEND_BOTH, series_marker(i), series_colour(i), d->p->series[k].name};
    }
    return legend_draw(d->c, e, n, d->area.x, top, PLOT_WIDTH - d->area.x - 24);
}

/* Draws what was collected of a line; a value that is missing breaks it. */
static void flush(const plot *d, const point *v, size_t n, pen p) {
    if (n == 1)
        canvas_marker(d->c, MARK_DISC, v[0].x, v[0].y, fmax(1.5, p.width), p.colour);
    else if (n > 1)
        canvas_path(d->c, v, n, p);
}

static void draw_line(const plot *d, const nas_series *s, point *v, pen p) {
    size_t n = 0;
    for (uint32_t i = 0; i < s->n; i++) {
        point now = shown_point(d->p, s, i);
        if (!drawable(d, now)) {
            flush(d, v, n, p);
            n = 0;
            continue;
        }
        now = (point){axis_at(&d->x, now.x), axis_at(&d->y, now.y)};
        if (s->step && n > 0) {
            v[n] = (point){now.x, v[n - 1].y};
            n++;
        }
        v[n++] = now;
    }
    flush(d, v, n, p);
}

/* A few markers, at the same share of the way for all lines but not on top of one another. */
static void draw_marks(const plot *d, const nas_series *s, uint32_t number, double radius) {
    uint32_t every = s->n > MARKS_A_LINE ? s->n / MARKS_A_LINE : 1;
    for (uint32_t i = s->n > MARKS_A_LINE ? number % MARKS_A_LINE * every / MARKS_A_LINE : 0;
         i < s->n; i += every) {
        point v = shown_point(d->p, s, i);
        if (!drawable(d, v))
            continue;
        v = (point){axis_at(&d->x, v.x), axis_at(&d->y, v.y)};
        canvas_marker(d->c, series_marker(number), v.x, v.y, radius + 1, WHITE);
        canvas_marker(d->c, series_marker(number), v.x, v.y, radius, series_colour(number));
    }
}

/* Grey background lines first, thick ones last. */
static nas_status draw_series(const plot *d) {
    uint32_t longest = 1;
    for (uint32_t k = 0; k < d->p->n; k++)
        longest = d->p->series[k].n > longest ? d->p->series[k].n : longest;
    size_t bytes = 2 * (size_t)longest * sizeof(point);
    point *v = nas_malloc(bytes);
    if (v == NULL)
        return nas_fail_memory(bytes);
    canvas_clip(d->c, (box){d->area.x, d->area.y - 6, d->area.w + 8, d->area.h + 6});
    for (int pass = 0; pass < 3; pass++) {
        for (uint32_t k = 0; k < d->p->n; k++) {
            const nas_series *s = &d->p->series[k];
            if ((s->name == NULL ? 0 : s->emphasis ? 2 : 1) != pass)
                continue;
            uint32_t number = named_before(d->p, k);
            double width = s->emphasis ? 3.2 : s->name != NULL ? 1.8 : 1;
            colour ink = s->name != NULL ? series_colour(number) : 0xBBBBBB;
            draw_line(d, s, v, (pen){ink, width, 0, false});
            if (s->name != NULL)
                draw_marks(d, s, number, s->emphasis ? 5 : 4);
        }
    }
    canvas_unclip(d->c);
    nas_free(v);
    return NAS_OK;
}

nas_status nas_draw_curves(const char *path, const nas_curves *p) {
    nas_status st = NAS_OK;
    plot d = {.p = p};
    range x = {0}, y = {0};
    NAS_GO(canvas_create(&d.c, PLOT_WIDTH, PLOT_HEIGHT));
    find_ranges(p, &x, &y);
    axis_init(&d.y, &p->y, &y, PLOT_HEIGHT - 64, 100, false);
    d.area.x = axes_left_room(d.c, &d.y) + 8;
    double top = canvas_title(d.c, p->title, p->subtitle, d.area.x, PLOT_WIDTH - d.area.x - 24);
    d.area.y = draw_legend(&d, top + 4) + 14;
    d.area.w = PLOT_WIDTH - 28 - d.area.x;
    d.area.h = PLOT_HEIGHT - 64 - d.area.y;
    axis_init(&d.x, &p->x, &x, d.area.x, d.area.x + d.area.w, false);
    axis_init(&d.y, &p->y, &y, d.area.y + d.area.h, d.area.y, false);
    axes_draw(d.c, &d.x, &d.y, d.area);
    if (!x.any)
        canvas_text(d.c, d.area.x + d.area.w / 2, d.area.y + d.area.h / 2, "no values yet",
                    (font){FONT_BASE, false, DARK_GREY}, CENTRE);
    NAS_GO(draw_series(&d));
    NAS_GO(canvas_save(path, d.c));
done:
    canvas_free(d.c);
    return st;
}
