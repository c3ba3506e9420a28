/* include/nas/viz.h - pictures to PNG: Pareto plots, network drawings, learning curves, hypervolume,
 * per-layer cost. All take graphs and plain numbers. Colours are Okabe and Ito's, with marker shapes as
 * a second code; sizes are pixels; the same input gives the same bytes.
 */
#ifndef NAS_VIZ_H
#define NAS_VIZ_H

#include <nas/graph.h>
#include <nas/sketch.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct nas_plot_axis {
    const char *label; /* "Latency" */
    const char *unit;  /* "ms", "%", "" */
    double scale;      /* data are multiplied by it before they are shown: 1e3 for s to ms */
    bool log;          /* a hint; taken only when all values are > 0 and span over a factor 8 */
    bool whole; /* values are whole numbers (epochs, trials): ticks stand on them */
} nas_plot_axis;

/* ---- Pareto plot: two objectives, minimised --------------------------------------------------------- */
typedef struct nas_pareto_point {
    double x, y;
    bool feasible, on_front; /* on_front: non-dominated in these two objectives or in the whole study */
    const char *name;        /* chosen models: ringed and labelled; NULL: not chosen */
} nas_pareto_point;
typedef struct nas_pareto_plot {
    const char *title, *subtitle; /* subtitle: device, number of trials */
    nas_plot_axis x, y;
    const nas_pareto_point *point;
    uint32_t n;
    double ref_x, ref_y;        /* reference point; NAN: none drawn */
    double hypervolume;         /* NAN: not shown */
    double limit_x, limit_y;    /* constraint lines; NAN: none */
} nas_pareto_plot;
nas_status nas_draw_pareto(const char *path, const nas_pareto_plot *p) NAS_MUST_USE;

/* ---- curves: learning curves, hypervolume over trials -------------------------------------------------- */
typedef struct nas_series {
    const char *name; /* in the legend; NULL: no entry (thin grey background line) */
    const double *x, *y;
    uint32_t n;
    bool emphasis;    /* thick */
    bool step;        /* staircase: value holds until the next x */
} nas_series;
typedef struct nas_curves {
    const char *title, *subtitle;
    nas_plot_axis x, y;
    const nas_series *series;
    uint32_t n;
} nas_curves;
nas_status nas_draw_curves(const char *path, const nas_curves *c) NAS_MUST_USE;

/* ---- per-layer cost: stacked or grouped horizontal bars ------------------------------------------------- */
typedef struct nas_bar {
    const char *name;      /* layer: "s1.0 mbconv" */
    double value[4];       /* one a device or part */
    const char *note;      /* at the bar's end, may be NULL */
} nas_bar;
typedef struct nas_bars {
    const char *title, *subtitle, *value_label, *unit;
    double scale;
    const char *part[4];   /* legend, n_parts of them */
    uint32_t n_parts;
    const nas_bar *bar;
    uint32_t n;
    bool stacked;
} nas_bars;
nas_status nas_draw_bars(const char *path, const nas_bars *b) NAS_MUST_USE;

/* ---- scatter: predicted against measured ------------------------------------------------------------------- */
/* Both axes have the same range, with the diagonal and a band around it. */
typedef struct nas_scatter_point {
    double x, y;
    uint32_t group;            /* its colour and marker; 0 … n_groups-1 */
} nas_scatter_point;
typedef struct nas_scatter {
    const char *title, *subtitle;
    nas_plot_axis x, y;        /* in one unit */
    const nas_scatter_point *point;
    uint32_t n;
    const char *const *group;  /* names for the legend; NULL: one group, no legend */
    uint32_t n_groups;
    double band;               /* 0.1: the area within 10 %; 0: none */
} nas_scatter;
nas_status nas_draw_scatter(const char *path, const nas_scatter *s) NAS_MUST_USE;

/* ---- roofline: what kernels reach of a device's two peaks --------------------------------------------------- */
typedef struct nas_roofline_kernel {
    double flops, bytes, seconds;
    uint32_t group;
} nas_roofline_kernel;
typedef struct nas_roofline_plot {
    const char *title, *subtitle;
    double peak_flops, bandwidth; /* FLOP/s, B/s */
    double cache_bandwidth;       /* B/s of the cache, a second, dashed roof; 0: none */
    const nas_roofline_kernel *kernel; /* those without flops or bytes are left out */
    uint32_t n;
    const char *const *group;
    uint32_t n_groups;
} nas_roofline_plot;
nas_status nas_draw_roofline(const char *path, const nas_roofline_plot *p) NAS_MUST_USE;

/* ---- network drawing ------------------------------------------------------------------------------------- */
/* Boxes of a model or inference graph by block: kind, shapes, kernel, params, MACs; copies of a stage's
 * block collapsed ("x3") when they are alike; skips routed beside; totals and legend. weight: one number a
 * node (seconds, joules) drawn as heat on its box and summed, or NULL. weight_label e.g. "latency, ms". */
typedef struct nas_network_drawing {
    const char *title, *subtitle;
    const nas_graph *graph;
    const double *weight;
    const char *weight_label;
    bool detail; /* every op a box, instead of every block */
} nas_network_drawing;
nas_status nas_draw_network(const char *path, const nas_network_drawing *d) NAS_MUST_USE;

/* ---- space drawing --------------------------------------------------------------------------------------- */
/* A space before anything is chosen: its blocks as boxes, their options in them; what the file defines
 * (let names, blocks, constraints) beside the net. Box 0 of root is the net. */
typedef struct nas_space_drawing {
    const char *title, *subtitle;
    const nas_sketch_box *root;
} nas_space_drawing;
nas_status nas_draw_space(const char *path, const nas_space_drawing *d) NAS_MUST_USE;

#ifdef __cplusplus
}
#endif
#endif
