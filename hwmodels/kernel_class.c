/* hwmodels/kernel_class.c - which class of kernels a node is, and how well its shape fills tiles.
 */
#include "device.h"

#include <math.h>

/* Everything that is not named here streams through memory: ELEMENTWISE, which is 0. */
static const nas_kernel_class classes[NAS_OP_COUNT] = {
    [NAS_OP_CONV2D] = NAS_KERNEL_CONV,
    [NAS_OP_CONV2D_DX] = NAS_KERNEL_CONV,
    [NAS_OP_CONV2D_DW] = NAS_KERNEL_CONV,
    [NAS_OP_MATMUL] = NAS_KERNEL_GEMM,
    [NAS_OP_ATTENTION] = NAS_KERNEL_ATTENTION,
    [NAS_OP_ATTENTION_GRAD] = NAS_KERNEL_ATTENTION,
    [NAS_OP_SOFTMAX] = NAS_KERNEL_NORM,
    [NAS_OP_SOFTMAX_GRAD] = NAS_KERNEL_NORM,
    [NAS_OP_LAYER_NORM] = NAS_KERNEL_NORM,
    [NAS_OP_LAYER_NORM_GRAD] = NAS_KERNEL_NORM,
    [NAS_OP_BATCH_STATS] = NAS_KERNEL_NORM,
    [NAS_OP_BATCH_NORM] = NAS_KERNEL_NORM,
    [NAS_OP_BATCH_NORM_SUMS] = NAS_KERNEL_NORM,
    [NAS_OP_BATCH_NORM_DX] = NAS_KERNEL_NORM,
    [NAS_OP_MAX_POOL] = NAS_KERNEL_POOL,
    [NAS_OP_MAX_POOL_DX] = NAS_KERNEL_POOL,
    [NAS_OP_AVG_POOL] = NAS_KERNEL_POOL,
    [NAS_OP_AVG_POOL_DX] = NAS_KERNEL_POOL,
    [NAS_OP_GLOBAL_POOL] = NAS_KERNEL_POOL,
    [NAS_OP_CROSS_ENTROPY] = NAS_KERNEL_NORM,
    [NAS_OP_CROSS_ENTROPY_GRAD] = NAS_KERNEL_NORM,
};

nas_kernel_class nas_kernel_class_of(const nas_graph *g, const nas_node *n) {
    nas_kernel_class k = classes[n->op];
    if (k != NAS_KERNEL_CONV)
        return k;
    int32_t groups = n->attr.conv.groups;
    /* one input channel a group, whatever of x, w, dy stands first */
    const nas_shape *first = nas_graph_shape(g, n->in[0]);
    if (groups > 1 && (groups == n->shape.dim[3] || groups == first->dim[3]))
        return NAS_KERNEL_DEPTHWISE;
    if (groups == 1 && n->attr.conv.kernel[0] == 1 && n->attr.conv.kernel[1] == 1)
        return NAS_KERNEL_CONV1X1;
    return NAS_KERNEL_CONV;
}

typedef struct work { /* `batch` products, each with rows x columns results */
    double rows, columns, batch;
} work;

static double tiles_of(double n, double tile) {
    return ceil(n / tile);
}

/* Tiles at the edge are computed whole, and the last round of tiles keeps only some units busy. */
static double fill(const work *w, double tile_rows, double tile_columns, double units) {
    double tiles = w->batch * tiles_of(w->rows, tile_rows) * tiles_of(w->columns, tile_columns);
    double slots = tiles_of(tiles, units) * units;
    return w->batch * w->rows * w->columns / (slots * tile_rows * tile_columns);
}

/* The product behind a node; rank of a convolution's result is 4, of a matmul's 2 and more. */
static work work_of(const nas_graph *g, const nas_node *n, nas_kernel_class k) {
    const nas_shape *y = &n->shape;
    double count = (double)nas_shape_count(y);
    if (k == NAS_KERNEL_GEMM) {
        double columns = y->dim[y->rank - 1], rows = y->dim[y->rank - 2];
        bool shared = nas_graph_shape(g, n->in[1])->rank == 2; /* then the batch is more rows */
        return (work){shared ? count / columns : rows, columns,
                      shared ? 1 : count / (rows * columns)};
    }
    if (k == NAS_KERNEL_ATTENTION) {
        double tokens = y->dim[1];
        return (work){tokens, tokens, (double)y->dim[0] * n->attr.attention.heads};
    }
    double columns = y->dim[y->rank - 1], groups = n->attr.conv.groups;
    if (k == NAS_KERNEL_DEPTHWISE)
        return (work){count / columns, columns, 1};
    return (work){count / columns, columns / groups, groups};
}

double nas_utilisation(const nas_hw *h, const nas_graph *g, const nas_node *n) {
    nas_kernel_class k = nas_kernel_class_of(g, n);
    bool product = k == NAS_KERNEL_GEMM || k == NAS_KERNEL_CONV || k == NAS_KERNEL_CONV1X1 ||
                   k == NAS_KERNEL_DEPTHWISE || k == NAS_KERNEL_ATTENTION;
    if (!product)
        return 1;
    work w = work_of(g, n, k);
    /* a depthwise kernel and a narrow product have no columns to fill a whole tile with */
    double columns = k == NAS_KERNEL_DEPTHWISE ? h->lanes : h->tile_columns;
    if (w.columns < columns)
        columns = ceil(w.columns / h->lanes) * h->lanes;
    return fill(&w, h->tile_rows, columns, h->units);
}
