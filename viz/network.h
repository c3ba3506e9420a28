/* viz/network.h - a network drawing between the graph and the picture: boxes, edges, their places.
 *
 * network_boxes.c reads the graph, network_rows.c puts ops into words, network_layout.c finds
 * places, network.c draws.
 */
#ifndef NAS_VIZ_NETWORK_H
#define NAS_VIZ_NETWORK_H

#include <nas/viz.h>

#include "axes.h"
#include "canvas.h"

typedef enum op_class {
    CLASS_NONE, /* of no op: a test asks for each */
    CLASS_CONV,
    CLASS_DENSE,
    CLASS_ATTENTION,
    CLASS_POOL,
    CLASS_NORM, /* norms and activations */
    CLASS_JOIN, /* add, multiply, concatenate */
    CLASS_SHAPE,
    CLASS_INPUT,
    CLASS_COUNT
} op_class;

typedef struct class_look {
    const char *name;
    colour fill, text;
} class_look;
extern const class_look class_looks[CLASS_COUNT];
op_class op_class_of(nas_op op);

/* A row may join what came into its box. */
enum { NO_SKIP = -2, SKIP_INPUT = -1 };
enum { ROW_BYTES = 96, NAME_BYTES = 136, MAX_BOXES = 4000, NO_LANE = -1 };

typedef struct net_row {
    op_class class;
    uint32_t last; /* node that gives the row's value */
    int skip;      /* the row before that it joins too; SKIP_INPUT, NO_SKIP */
    char text[ROW_BYTES];
} net_row;

typedef struct net_box {
    char name[NAME_BYTES];
    const char *kind; /* the scope's, or "" */
    op_class class;
    uint32_t scope, copies;
    net_row *rows;
    size_t n_rows, cap_rows;
    int64_t params, macs, most_macs; /* of one copy; most_macs: of the node that gave the class */
    double weight;                   /* of all copies */
    uint64_t likeness;               /* equal for copies that look alike */
    box place;
    uint32_t column;
} net_box;

typedef struct net_edge {
    uint32_t from, to;
    char shape[NAS_SHAPE_TEXT];
    int lane;     /* beside the column; NO_LANE: straight, or by numbered tags */
    uint32_t tag; /* > 0: the tag's number */
} net_edge;

typedef struct net {
    const nas_network_drawing *d;
    canvas *measure; /* for text widths */
    net_box *box;
    size_t n_boxes, cap_boxes;
    net_edge *edge;
    size_t n_edges, cap_edges;
    uint32_t *box_of_node, *box_of_scope; /* UINT32_MAX: none yet */
    bool *param_seen;
    int32_t batch;
    int64_t params, macs;
    double weight, most_weight;
    double box_width, width, height, head;
    uint32_t n_columns;
} net;

/* The words for a node, with its class; an empty text for what needs none (leaves, reshapes). */
op_class row_text(char out[ROW_BYTES], const nas_graph *g, nas_value v);
/* Words that a node adds to the row before it (", bn"), or NULL when it needs a row of its own. */
const char *row_suffix(const nas_graph *g, nas_value v);
bool is_leaf(const nas_graph *g, nas_value v);

nas_status net_read(net *n) NAS_MUST_USE;   /* boxes and edges; n->d and n->measure are set */
nas_status net_layout(net *n) NAS_MUST_USE; /* places, columns, lanes, size of the picture */
void net_free(net *n);

enum {
    HEAD_HEIGHT = 22,
    ROW_HEIGHT = 15,
    FOOT_HEIGHT = 18,
    GAP = 34,    /* between boxes: room for an arrow and a shape */
    LANE = 13,   /* between skips that run side by side */
    GUTTER = 64, /* between columns */
    MARGIN = 34,
    COLUMN_TOP = 26 /* above a column's first box: the arrow from the column before */
};

enum { BRACKET = 7 }; /* between skips that run side by side inside a box */

/* A box of a block has a head with name and kind, and all its rows below; a box of one op has that
 * op as its head. */
size_t first_row(const net_box *b);
size_t skips_inside(const net_box *b);
/* A box's weight as it is written: 0.12, 49.2, 2310. */
const char *weight_text(char out[SI_BYTES], double v);
/* Lines at the foot: counts, and the weight where there is one. */
void foot_text(char counts[ROW_BYTES], char weight[ROW_BYTES], const net *n, const net_box *b);

#endif
