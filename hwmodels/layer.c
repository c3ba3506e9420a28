/* hwmodels/layer.c - reads the loop nest of a kernel from its node. */
#include "layer.h"

#include <math.h>
#include <string.h>

static double words_of(const nas_graph *g, nas_value v) {
    return (double)nas_shape_count(nas_graph_shape(g, v));
}

static void conv(nas_layer *l, const nas_graph *g, const nas_node *n, bool depthwise) {
    const nas_shape *x = nas_graph_shape(g, n->in[0]);
    double groups = n->attr.conv.groups > 0 ? n->attr.conv.groups : 1;
    l->product = true;
    l->depthwise = depthwise;
    l->m = depthwise ? n->shape.dim[3] : n->shape.dim[3] / groups;
    l->n = depthwise ? 1 : x->dim[3] / groups;
    l->r = n->shape.dim[1];
    l->c = n->shape.dim[2];
    l->kh = n->attr.conv.kernel[0];
    l->kw = n->attr.conv.kernel[1];
    l->s = n->attr.conv.stride[0];
    l->times = n->shape.dim[0] * (depthwise ? 1 : groups);
}

/* Rows of the product stand for the image; a shared right side takes the batch as more rows. */
static void matmul(nas_layer *l, const nas_graph *g, const nas_node *n) {
    const nas_shape *y = &n->shape, *b = nas_graph_shape(g, n->in[1]);
    double columns = y->dim[y->rank - 1], rows = y->dim[y->rank - 2];
    double count = (double)nas_shape_count(y);
    bool shared = b->rank == 2;
    l->product = true;
    l->m = columns;
    l->n = n->attr.matmul.tb ? b->dim[b->rank - 1] : b->dim[b->rank - 2];
    l->r = shared ? count / columns : rows;
    l->times = shared ? 1 : count / (rows * columns);
}

/* Scores and weighted values are two products of the same work. */
static void attention(nas_layer *l, const nas_node *n) {
    double heads = n->attr.attention.heads;
    l->product = true;
    l->m = l->r = n->shape.dim[1];
    l->n = n->shape.dim[2] / heads;
    l->times = 2 * n->shape.dim[0] * heads;
}

static nas_layer layer_of(const nas_graph *g, uint32_t id) {
    const nas_node *n = nas_graph_node(g, (nas_value){id});
    nas_kernel_class k = nas_kernel_class_of(g, n);
    nas_layer l = {
        .node = id, .m = 1, .n = 1, .r = 1, .c = 1, .kh = 1, .kw = 1, .s = 1, .times = 1};
    nas_cost cost;
    nas_graph_node_cost(&cost, g, (nas_value){id});
    l.out = (double)nas_shape_count(&n->shape);
    for (uint32_t i = 0; i < n->n_in; i++) {
        nas_op op = nas_graph_node(g, n->in[i])->op;
        bool weight = op == NAS_OP_PARAM || op == NAS_OP_CONSTANT || op == NAS_OP_STATE;
        *(weight ? &l.weights : &l.in) += words_of(g, n->in[i]);
    }
    l.operations = (double)cost.flops;
    if (n->op == NAS_OP_CONV2D)
        conv(&l, g, n, k == NAS_KERNEL_DEPTHWISE);
    else if (n->op == NAS_OP_MATMUL)
        matmul(&l, g, n);
    else if (n->op == NAS_OP_ATTENTION)
        attention(&l, n);
    else
        l.passing = k == NAS_KERNEL_ELEMENTWISE;
    if (!l.product)
        l.m = n->shape.rank > 0 ? n->shape.dim[n->shape.rank - 1] : 1;
    return l;
}

nas_status nas_layers_of(nas_layer **out, uint32_t *n, const nas_graph *g) {
    uint32_t count = nas_graph_count(g);
    nas_layer *l = nas_calloc(count + 1, sizeof *l);
    if (!l)
        return nas_fail_memory(count * sizeof *l);
    *n = 0;
    for (uint32_t i = 0; i < count; i++)
        if (nas_is_kernel(nas_graph_node(g, (nas_value){i})))
            l[(*n)++] = layer_of(g, i);
    *out = l;
    return NAS_OK;
}

bool nas_layer_equal(const nas_layer *a, const nas_layer *b) {
    return a->m == b->m && a->n == b->n && a->r == b->r && a->c == b->c && a->kh == b->kh &&
           a->kw == b->kw && a->s == b->s && a->times == b->times && a->product == b->product &&
           a->depthwise == b->depthwise && a->passing == b->passing && a->in == b->in &&
           a->out == b->out && a->operations == b->operations;
}

void nas_layer_counts(nas_estimate *e, const nas_graph *g, const nas_layer *l, double word_bytes) {
    nas_cost c;
    nas_graph_node_cost(&c, g, (nas_value){l->node});
    e->macs = c.macs;
    e->flops = c.flops;
    e->bytes = (int64_t)((l->in + l->weights + l->out) * word_bytes);
    e->memory_bytes = l->out * word_bytes;
    e->energy_j = (double)NAN;
    e->dsp = e->bram18 = e->lut = (double)NAN;
}

nas_status nas_memory_fits(const nas_hw *h, double bytes) {
    if (h->info.memory_bytes > 0 && bytes > h->info.memory_bytes)
        return nas_fail(NAS_E_TOO_BIG, "%s: the network needs %.0f MiB, the device has %.0f MiB",
                        h->info.name, bytes / 1048576, h->info.memory_bytes / 1048576);
    return NAS_OK;
}

void nas_grid_complete(nas_hw *h) {
    nas_hw_info *f = &h->info;
    f->peak_flops = 2 * h->rows * h->columns * f->clock_hz;
    f->cache_bytes = h->buffer_bytes;
    f->cache_bandwidth = fmax(f->bandwidth, h->columns * f->bits / 8 * f->clock_hz);
}
