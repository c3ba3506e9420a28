/* runtime/rows.c - the table of kernels for every op, and what rows use to append launches. */
#include "candidates.h"

#include <assert.h>

static const row *const table[NAS_OP_COUNT] = {
    [NAS_OP_CONV2D] = rows_conv2d,
    [NAS_OP_CONV2D_DX] = rows_conv2d_dx,
    [NAS_OP_CONV2D_DW] = rows_conv2d_dw,
    [NAS_OP_MATMUL] = rows_matmul,
    [NAS_OP_ATTENTION] = rows_attention,
    [NAS_OP_ATTENTION_GRAD] = rows_attention_grad,
    [NAS_OP_ADD] = rows_add,
    [NAS_OP_MUL] = rows_mul,
    [NAS_OP_ACT] = rows_act,
    [NAS_OP_ACT_GRAD] = rows_act_grad,
    [NAS_OP_DROPOUT] = rows_dropout,
    [NAS_OP_SOFTMAX] = rows_softmax,
    [NAS_OP_SOFTMAX_GRAD] = rows_softmax_grad,
    [NAS_OP_LAYER_NORM] = rows_layer_norm,
    [NAS_OP_LAYER_NORM_GRAD] = rows_layer_norm_grad,
    [NAS_OP_BATCH_STATS] = rows_batch_stats,
    [NAS_OP_BATCH_NORM] = rows_batch_norm,
    [NAS_OP_BATCH_NORM_SUMS] = rows_batch_norm_sums,
    [NAS_OP_BATCH_NORM_DX] = rows_batch_norm_dx,
    [NAS_OP_EMA] = rows_ema,
    [NAS_OP_MAX_POOL] = rows_max_pool,
    [NAS_OP_MAX_POOL_DX] = rows_max_pool_dx,
    [NAS_OP_AVG_POOL] = rows_avg_pool,
    [NAS_OP_AVG_POOL_DX] = rows_avg_pool_dx,
    [NAS_OP_GLOBAL_POOL] = rows_global_pool,
    [NAS_OP_TRANSPOSE] = rows_transpose,
    [NAS_OP_CONCAT] = rows_concat,
    [NAS_OP_SLICE] = rows_slice,
    [NAS_OP_PAD] = rows_pad,
    [NAS_OP_EXPAND] = rows_expand,
    [NAS_OP_SUM_TO] = rows_sum_to,
    [NAS_OP_RELATIVE] = rows_relative,
    [NAS_OP_RELATIVE_SUM] = rows_relative_sum,
    [NAS_OP_EMBED] = rows_embed,
    [NAS_OP_EMBED_GRAD] = rows_embed_grad,
    [NAS_OP_CROSS_ENTROPY] = rows_cross_entropy,
    [NAS_OP_CROSS_ENTROPY_GRAD] = rows_cross_entropy_grad,
    [NAS_OP_CORRECT] = rows_correct,
};

const row *rows_get(nas_op op) {
    return table[op];
}

nas_status rows_emit(emitter *e, uint32_t id) {
    e->id = id;
    e->n = nas_graph_node(e->g, (nas_value){id});
    e->scratch = 0;
    for (uint32_t i = 0; i < e->n->n_in; i++)
        e->in[i] = nas_graph_shape(e->g, e->n->in[i]);
    const row *r = table[e->n->op];
    if (!r)
        return nas_fail(NAS_E_UNSUPPORTED, "no kernel for %s", nas_op_get(e->n->op)->name);
    const candidate *c = candidate_choose(e);
    bool general = e->d->force == candidate_general;
    while (r->guard && (general || !r->guard(e)))
        r++;
    (c ? c->emit : r->emit)(e);
    if (c && e->n->op == NAS_OP_MATMUL && e->n->attr.matmul.sums)
        rows_matmul_sums(e);
    if (e->scratch > e->scratch_max)
        e->scratch_max = e->scratch;
    return e->status;
}

void rows_free(emitter *e) {
    nas_free(e->launches);
    nas_free(e->args);
    e->launches = NULL;
    e->args = NULL;
}

static void append(emitter *e, launch l, const karg *args, size_t n_args) {
    if (e->status != NAS_OK ||
        (e->status = nas_grow(&e->launches, &e->cap_launches, e->n_launches + 1,
                              sizeof *e->launches)) != NAS_OK ||
        (e->status = nas_grow(&e->args, &e->cap_args, e->n_args + n_args, sizeof *e->args)) !=
            NAS_OK)
        return;
    l.node = e->id;
    l.first_arg = e->n_args;
    l.n_args = (uint32_t)n_args;
    e->launches[e->n_launches++] = l;
    for (size_t i = 0; i < n_args; i++)
        e->args[e->n_args++] = args[i];
}

void rows_launch(emitter *e, const char *file, const char *kernel, size_t gx, size_t gy, size_t gz,
                 const karg *args, size_t n_args) {
    append(e, (launch){.file = file, .kernel = kernel, .global = {gx, gy, gz}}, args, n_args);
}

void rows_call(emitter *e, const char *name, library_call call, const karg *args, size_t n_args) {
    append(e, (launch){.kernel = name, .call = call}, args, n_args);
}

size_t rows_scratch(emitter *e, size_t count) {
    size_t at = e->scratch;
    e->scratch += (count + e->d->align - 1) / e->d->align * e->d->align;
    return at;
}

/* Several pieces a unit let the last ones even out. */
int32_t rows_pieces(const emitter *e, int64_t work, int64_t least, int64_t other, int64_t most) {
    int64_t want = rows_div(8 * (int64_t)e->d->info.compute_units, other < 1 ? 1 : other);
    int64_t can = work / (least < 1 ? 1 : least);
    int64_t n = want < can ? want : can;
    n = n < most ? n : most;
    return (int32_t)(n < 1 ? 1 : n);
}

karg rows_parts_begin(emitter *e, int64_t pieces, int64_t size) {
    return pieces > 1 ? KS(rows_scratch(e, (size_t)(pieces * size))) : KOUT(e);
}
void rows_parts_end(emitter *e, karg parts, int64_t pieces, int64_t size) {
    if (pieces > 1)
        LAUNCH(e, "reduce.cl", "sum_parts", rows_div(size, e->d->tile.vw), 1, 1, KI(size),
               KI(pieces), KF(1), parts, KOUT(e));
}
