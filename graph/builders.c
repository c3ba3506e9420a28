/* graph/builders.c - the typed builders of graph.h: one function an op, no rule of its own. */
#include "graph_impl.h"

/* The single way in: so that *y is written on success only. */
static nas_status add1(nas_value *y, nas_graph *g, nas_op op, nas_value x, const nas_attr *a) {
    return nas_graph_add(y, g, op, &x, 1, a);
}

static nas_status add2(nas_value *y, nas_graph *g, nas_op op, nas_value a, nas_value b,
                       const nas_attr *attr) {
    return nas_graph_add(y, g, op, (nas_value[]){a, b}, 2, attr);
}

nas_status nas_conv2d(nas_value *y, nas_graph *g, nas_value x, nas_value w, const nas_attr *a) {
    return add2(y, g, NAS_OP_CONV2D, x, w, a);
}

nas_status nas_matmul(nas_value *y, nas_graph *g, nas_value a, nas_value b, bool ta, bool tb) {
    return add2(y, g, NAS_OP_MATMUL, a, b, &(nas_attr){.matmul = {.ta = ta, .tb = tb, .alpha = 1}});
}

/* The bias is an ADD of its own: a gradient needs no epilogue, and nas_graph_inference fuses it. */
nas_status nas_linear(nas_value *y, nas_graph *g, nas_value x, nas_value w, nas_value bias) {
    uint32_t before = g->n;
    nas_value product;
    NAS_TRY(nas_matmul(&product, g, x, w, false, false));
    if (!nas_value_ok(bias)) {
        *y = product;
        return NAS_OK;
    }
    nas_status st = nas_add(y, g, product, bias);
    if (st != NAS_OK)
        nas_graph_truncate(g, before);
    return st;
}

nas_status nas_attention(nas_value *y, nas_graph *g, nas_value qkv, int32_t heads) {
    return add1(y, g, NAS_OP_ATTENTION, qkv, &(nas_attr){.attention = {.heads = heads}});
}

nas_status nas_relative(nas_value *y, nas_graph *g, nas_value x, const nas_attr *a) {
    return add1(y, g, NAS_OP_RELATIVE, x, a);
}

nas_status nas_relative_sum(nas_value *y, nas_graph *g, nas_value x, const nas_attr *a) {
    return add1(y, g, NAS_OP_RELATIVE_SUM, x, a);
}

nas_status nas_embed(nas_value *y, nas_graph *g, nas_value table, nas_value ids) {
    return add2(y, g, NAS_OP_EMBED, table, ids, NULL);
}

nas_status nas_add(nas_value *y, nas_graph *g, nas_value a, nas_value b) {
    return add2(y, g, NAS_OP_ADD, a, b, NULL);
}

nas_status nas_mul(nas_value *y, nas_graph *g, nas_value a, nas_value b) {
    return add2(y, g, NAS_OP_MUL, a, b, NULL);
}

nas_status nas_activation(nas_value *y, nas_graph *g, nas_value x, nas_act kind) {
    if (kind != NAS_ACT_NONE)
        return add1(y, g, NAS_OP_ACT, x, &(nas_attr){.act = {.kind = (int32_t)kind}});
    *y = x;
    return NAS_OK;
}

nas_status nas_softmax(nas_value *y, nas_graph *g, nas_value x) {
    return add1(y, g, NAS_OP_SOFTMAX, x, NULL);
}

nas_status nas_layer_norm(nas_value *y, nas_graph *g, nas_value x, nas_value gamma, nas_value beta,
                          float eps) {
    nas_value in[] = {x, gamma, beta};
    return nas_graph_add(y, g, NAS_OP_LAYER_NORM, in, 3, &(nas_attr){.norm = {.eps = eps}});
}

nas_status nas_batch_stats(nas_value *s, nas_graph *g, nas_value x) {
    return add1(s, g, NAS_OP_BATCH_STATS, x, NULL);
}

nas_status nas_batch_norm(nas_value *y, nas_graph *g, nas_value x, nas_value gamma, nas_value beta,
                          nas_value s, float eps) {
    nas_value in[] = {x, gamma, beta, s};
    return nas_graph_add(y, g, NAS_OP_BATCH_NORM, in, 4, &(nas_attr){.norm = {.eps = eps}});
}

nas_status nas_max_pool(nas_value *y, nas_graph *g, nas_value x, const nas_attr *a) {
    return add1(y, g, NAS_OP_MAX_POOL, x, a);
}

nas_status nas_avg_pool(nas_value *y, nas_graph *g, nas_value x, const nas_attr *a) {
    return add1(y, g, NAS_OP_AVG_POOL, x, a);
}

nas_status nas_global_pool(nas_value *y, nas_graph *g, nas_value x) {
    return add1(y, g, NAS_OP_GLOBAL_POOL, x, NULL);
}

nas_status nas_reshape(nas_value *y, nas_graph *g, nas_value x, nas_shape shape) {
    return add1(y, g, NAS_OP_RESHAPE, x, &(nas_attr){.shape = {.shape = shape}});
}

nas_status nas_transpose(nas_value *y, nas_graph *g, nas_value x, const int32_t *perm) {
    nas_attr a = {.transpose = {.perm = {0}}};
    int32_t rank = nas_graph_shape(g, x)->rank;
    for (int32_t i = 0; i < rank; i++)
        a.transpose.perm[i] = perm[i];
    return add1(y, g, NAS_OP_TRANSPOSE, x, &a);
}

nas_status nas_concat(nas_value *y, nas_graph *g, const nas_value *x, uint32_t n, int32_t axis) {
    return nas_graph_add(y, g, NAS_OP_CONCAT, x, n, &(nas_attr){.axis = {.axis = axis}});
}

nas_status nas_slice(nas_value *y, nas_graph *g, nas_value x, int32_t axis, int32_t begin,
                     int32_t end) {
    return add1(y, g, NAS_OP_SLICE, x, &(nas_attr){.axis = {axis, begin, end}});
}

nas_status nas_pad(nas_value *y, nas_graph *g, nas_value x, int32_t axis, int32_t before,
                   int32_t behind) {
    return add1(y, g, NAS_OP_PAD, x, &(nas_attr){.axis = {axis, before, behind}});
}

nas_status nas_expand(nas_value *y, nas_graph *g, nas_value x, nas_shape shape, float scale) {
    return add1(y, g, NAS_OP_EXPAND, x, &(nas_attr){.shape = {shape, scale}});
}

nas_status nas_sum_to(nas_value *y, nas_graph *g, nas_value x, nas_shape shape, float scale) {
    return add1(y, g, NAS_OP_SUM_TO, x, &(nas_attr){.shape = {shape, scale}});
}

nas_status nas_dropout(nas_value *y, nas_graph *g, nas_value x, nas_value seed, float rate,
                       bool per_sample, int32_t stream) {
    nas_attr a = {.dropout = {.rate = rate, .per_sample = per_sample, .stream = stream}};
    return add2(y, g, NAS_OP_DROPOUT, x, seed, &a);
}

nas_status nas_cross_entropy(nas_value *loss, nas_graph *g, nas_value logits, nas_value labels,
                             float smoothing) {
    return add2(loss, g, NAS_OP_CROSS_ENTROPY, logits, labels,
                &(nas_attr){.loss = {.smoothing = smoothing}});
}

nas_status nas_correct(nas_value *y, nas_graph *g, nas_value logits, nas_value labels) {
    return add2(y, g, NAS_OP_CORRECT, logits, labels, NULL);
}

nas_status nas_ema(nas_value *y, nas_graph *g, nas_value state, nas_value fresh, float momentum,
                   int32_t count) {
    return add2(y, g, NAS_OP_EMA, state, fresh,
                &(nas_attr){.norm = {.momentum = momentum, .count = count}});
}
