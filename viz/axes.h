/* viz/axes.h - axes of a plot: ranges, ticks that people read, legends. */
#ifndef NAS_VIZ_AXES_H
#define NAS_VIZ_AXES_H

#include <nas/viz.h>

#include "canvas.h"

enum { MAX_TICKS = 24, TICK_BYTES = 32, MAX_MINOR = 160 };

/* The values to be shown on an axis, in the units shown. Starts at {0}. */
typedef struct range {
    double lo, hi;
    bool any;
} range;

/* value * scale, or NAN for what cannot be drawn (not finite, or beyond 1e150). */
double axis_shown(const nas_plot_axis *spec, double value);
void range_add(range *r, double shown); /* leaves out NAN */

typedef struct tick {
    double at; /* shown value */
    char text[TICK_BYTES];
} tick;

typedef struct axis {
    const nas_plot_axis *spec;
    bool log;
    double lo, hi;     /* shown values at the two ends */
    double begin, end; /* their coordinates */
    int n_ticks, n_minor;
    tick tick[MAX_TICKS];
    double minor[MAX_MINOR];
} axis;

/* An axis for the values of r, with a rim around them; `from_zero` makes it begin at 0 exactly. */
void axis_init(axis *a, const nas_plot_axis *spec, const range *r, double begin, double end,
               bool from_zero);
double axis_at(const axis *a, double shown); /* the coordinate; clamped far outside */

/* Grid, frame, tick labels and axis labels of a plot in b. */
void axes_draw(canvas *c, const axis *x, const axis *y, box b);
/* What the y axis's labels need to the left of the plot. */
double axes_left_room(canvas *c, const axis *y);
/* "Latency (ms)" */
void axis_label(char *out, size_t room, const nas_plot_axis *spec);

/* v with an SI prefix and about 3 digits: "1.23M", "45.6µ", "0". */
enum { SI_BYTES = 32 };
const char *si_text(char out[SI_BYTES], double v);

/* ---- legend: entries in rows above a plot ---- */

typedef enum legend_kind {
    LEGEND_MARKER,
    LEGEND_LINE,
    LEGEND_DASHED,
    LEGEND_AREA,
    LEGEND_BOTH,
    LEGEND_RING
} legend_kind;
typedef struct legend_entry {
    legend_kind kind;
    marker marker;
    colour colour;
    const char *text;
} legend_entry;

/* Draws n entries from (x, y) on, in rows no wider than width; at most 4 rows, the rest counted.
 * Returns the y below. */
double legend_draw(canvas *c, const legend_entry *e, size_t n, double x, double y, double width);

#endif
