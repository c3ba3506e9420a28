/* viz/bars.c - cost of each layer as horizontal bars, stacked or side by side. */
#include <nas/viz.h>

#include <math.h>

#include "axes.h"
#include "canvas.h"

enum { MAX_BARS = 1200, MAX_PARTS = 4, LEGEND_ROOM = 26, FOOT = 62, LEAST_HEIGHT = 450 };

typedef struct plot {
    const nas_bars *p;
    canvas *c;
    nas_plot_axis spec;
    axis x;
    box area;
    double row, height; /* of one bar's row, of the picture */
    double notes;       /* room at the right for the bars' notes */
    uint32_t n;
} plot;

static const font row_font = {FONT_SMALL, false, INK};

static double value(const plot *d, uint32_t i, uint32_t part) {
    return axis_shown(&d->spec, d->p->bar[i].value[part]);
}

/* Where a bar ends; bars begin at zero, so negative values are drawn as none. */
static double reach(const plot *d, uint32_t i) {
    double sum = 0, longest = 0;
    for (uint32_t k = 0; k < d->p->n_parts; k++) {
        double v = value(d, i, k);
        sum += v > 0 ? v : 0;
        longest = v > longest ? v : longest;
    }
    return d->p->stacked ? sum : longest;
}

static void measure(plot *d, range *r) {
    double names = 0;
    canvas *c = d->c;
    for (uint32_t i = 0; i < d->n; i++) {
        range_add(r, reach(d, i));
        names = fmax(names, canvas_text_width(c, d->p->bar[i].name, row_font));
        if (d->p->bar[i].note != NULL)
            d->notes = fmax(d->notes, canvas_text_width(c, d->p->bar[i].note, row_font) + 8);
    }
    d->notes = fmin(d->notes, 180);
    d->area.x = fmax(fmin(names, 260) + 34, 60);
}

static void draw_legend(const plot *d, double top) {
    legend_entry e[MAX_PARTS];
    size_t n = 0;
    for (uint32_t k = 0; k < d->p->n_parts; k++)
        if (d->p->part[k] != NULL)
            e[n++] = (legend_entry){LEGEND_AREA, MARK_SQUARE, series_colour(k), d->p->part[k]};
    legend_draw(d->c, e, n, d->area.x, top, PLOT_WIDTH - d->area.x - 24);
}

static void draw_bar(const plot *d, uint32_t i) {
    const nas_bar *b = &d->p->bar[i];
    uint32_t lanes = d->p->stacked || d->p->n_parts == 0 ? 1 : d->p->n_parts;
    double top = d->area.y + i * d->row, rim = d->row * 0.12;
    double thick = (d->row - 2 * rim) / lanes, end = d->area.x;
    for (uint32_t k = 0; k < d->p->n_parts; k++) {
        double v = value(d, i, k), from = d->p->stacked ? end : d->area.x;
        double width = v > 0 ? axis_at(&d->x, v) - d->area.x : 0;
        double y = top + rim + (d->p->stacked ? 0 : k * thick);
        canvas_box(d->c, (box){from, y, width, thick}, 0, series_colour(k), 1);
        end = fmax(end, from + width);
    }
    char text[120];
    canvas_fit_text(d->c, text, sizeof text, b->name, row_font, 260);
    canvas_text(d->c, d->area.x - 8, top + d->row / 2 + 4, text, row_font, RIGHT);
    if (b->note == NULL)
        return;
    canvas_fit_text(d->c, text, sizeof text, b->note, row_font, 174);
    canvas_text(d->c, end + 6, top + d->row / 2 + 4, text, (font){FONT_SMALL, false, DARK_GREY},
                LEFT);
}

/* Ticks above and below: the reader of a long picture sees one of them. */
static void draw_frame(const plot *d) {
    const font f = {FONT_BASE, false, INK};
    double bottom = d->area.y + d->area.h;
    for (int i = 0; i < d->x.n_ticks; i++) {
        double at = axis_at(&d->x, d->x.tick[i].at);
        canvas_line(d->c, at, d->area.y, at, bottom, (pen){PALE_GREY, 0.8, 0, false});
        canvas_text(d->c, at, bottom + 20, d->x.tick[i].text, f, CENTRE);
        canvas_text(d->c, at, d->area.y - 8, d->x.tick[i].text, f, CENTRE);
    }
    canvas_line(d->c, d->area.x, d->area.y, d->area.x, bottom, (pen){INK, 1.2, 0, false});
    char label[256];
    axis_label(label, sizeof label, &d->spec);
    canvas_text(d->c, d->area.x + d->area.w / 2, bottom + 44, label, (font){14, true, INK}, CENTRE);
    if (d->n < d->p->n) {
        snprintf(label, sizeof label, "%u more not drawn", d->p->n - d->n);
        canvas_text(d->c, d->area.x, bottom + 44, label, (font){FONT_SMALL, false, DARK_GREY},
                    LEFT);
    }
    if (d->n == 0)
        canvas_text(d->c, d->area.x + d->area.w / 2, d->area.y + d->area.h / 2, "no layers",
                    (font){FONT_BASE, false, DARK_GREY}, CENTRE);
}

/* Rows as high as a page of usual size allows, never too low for their text. */
static void set_height(plot *d, double head) {
    uint32_t lanes = d->p->stacked || d->p->n_parts == 0 ? 1 : d->p->n_parts;
    double least = fmax(15, 8.0 * lanes), most = 40 + 10.0 * lanes;
    double free_room = PLOT_HEIGHT - head - FOOT;
    d->row = d->n > 0 ? free_room / d->n : most;
    d->row = d->row < least ? least : d->row > most ? most : d->row;
    d->height = fmax(LEAST_HEIGHT, head + FOOT + d->row * d->n);
    d->area.y = head;
    d->area.h = d->n > 0 ? d->row * d->n : LEAST_HEIGHT - head - FOOT;
}

nas_status nas_draw_bars(const char *path, const nas_bars *p) {
    nas_status st = NAS_OK;
    plot d = {.p = p, .n = p->n < MAX_BARS ? p->n : MAX_BARS};
    range r = {0};
    if (p->n_parts > MAX_PARTS)
        return nas_fail(NAS_E_ARG, "%s: bars of %u parts, at most %d", path, p->n_parts, MAX_PARTS);
    d.spec = (nas_plot_axis){.label = p->value_label, .unit = p->unit, .scale = p->scale};
    double head =
        14 + (p->title != NULL ? 24 : 0) + (p->subtitle != NULL ? 20 : 0) + LEGEND_ROOM + 30;
    set_height(&d, head);
    NAS_GO(canvas_create(&d.c, PLOT_WIDTH, d.height));
    measure(&d, &r);
    d.area.w = PLOT_WIDTH - 28 - d.notes - d.area.x;
    axis_init(&d.x, &d.spec, &r, d.area.x, d.area.x + d.area.w, true);
    double top = canvas_title(d.c, p->title, p->subtitle, d.area.x, PLOT_WIDTH - d.area.x - 24);
    draw_legend(&d, top + 4);
    draw_frame(&d);
    for (uint32_t i = 0; i < d.n; i++)
        draw_bar(&d, i);
    NAS_GO(canvas_save(path, d.c));
done:
    canvas_free(d.c);
    return st;
}
