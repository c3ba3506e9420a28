/* viz/sketch.h - a space drawing between the boxes and the picture: their sizes and places.
 *
 * sketch_layout.c finds sizes and places, sketch.c draws.
 */
#ifndef NAS_VIZ_SKETCH_H
#define NAS_VIZ_SKETCH_H

#include <nas/viz.h>

#include "canvas.h"

enum {
    SKETCH_HEAD = 22,
    SKETCH_ROW = 17,
    SKETCH_PAD = 8,  /* inside a box, around what it holds */
    SKETCH_GAP = 18, /* between boxes that follow one another: room for an arrow */
    SKETCH_LANE = 11,
    SKETCH_TEXT = 250, /* texts and options are broken beyond */
    SKETCH_WIDE = 720, /* alternatives go on in a new row beyond */
    SKETCH_GUTTER = 46,
    SKETCH_MARGIN = 30,
    MAX_ARCS = 24,
    MAX_PIECE = 120 /* bytes of a word or option that is drawn in one piece */
};

typedef struct sketch_item {
    const nas_sketch_box *b;
    box place;
    double lines;   /* height of the lines */
    uint32_t lanes; /* of a GRAPH: for arcs at the right */
    uint32_t column;
    uint32_t n;
    struct sketch_item *kid;
} sketch_item;

/* An edge of a GRAPH between its kids; lane < 0: straight from one to the next. */
typedef struct sketch_arc {
    uint32_t from, to;
    bool maybe;
    int lane;
} sketch_arc;
/* Their number; 0 where there are too many to draw. */
uint32_t sketch_arcs(sketch_arc out[MAX_ARCS], uint32_t *lanes, const nas_sketch_box *graph);

/* Lines of a box from (x, y) on, broken at width; returns the height. used: the width taken, or
 * NULL. Nothing is drawn when `draw` is false. */
double sketch_lines(canvas *c, const nas_sketch_box *b, double x, double y, double width, bool draw,
                    double *used);
double sketch_head(const nas_sketch_box *b); /* height of its head; 0: it has none */

typedef struct sketch_picture {
    const nas_space_drawing *d;
    canvas *measure;
    sketch_item net, *part; /* the blocks of the net; what stands beside it */
    uint32_t n_parts;
    double width, height;
} sketch_picture;

nas_status sketch_layout(sketch_picture *p) NAS_MUST_USE;
void sketch_free(sketch_picture *p);

#endif
