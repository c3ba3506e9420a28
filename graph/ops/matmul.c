/* graph/ops/matmul.c - matrix product of batches, all transposes, with its epilogue.
 *
 * a is [..,M,K] ([..,K,M] when ta), or [K] for a single row; b is [..,K,N] ([..,N,K] when tb) with
 * the batch of a, or one matrix for the whole batch.
 */
#include "ops.h"

#include <math.h>

typedef struct sizes {
    int64_t batch, m, n, k;
    bool shared; /* one b for every matrix of the batch */
} sizes;

static sizes sizes_of(const nas_attr *t, const nas_shape *a, const nas_shape *b) {
    sizes z = {.batch = 1, .m = 1, .k = a->dim[a->rank - 1], .shared = b->rank == 2};
    if (a->rank >= 2) {
        z.m = a->dim[a->rank - (t->matmul.ta ? 1 : 2)];
        z.k = a->dim[a->rank - (t->matmul.ta ? 2 : 1)];
    }
    z.n = b->dim[b->rank - (t->matmul.tb ? 2 : 1)];
    z.batch = nas_shape_count(a) / (z.m * z.k);
    return z;
}

static nas_status check_attr(const nas_node *n, const nas_shape *in) {
    const nas_attr *t = &n->attr;
    NAS_TRY(nas_ops_want_flag(n, "ta", t->matmul.ta));
    NAS_TRY(nas_ops_want_flag(n, "tb", t->matmul.tb));
    NAS_TRY(nas_ops_want_flag(n, "bias", t->matmul.bias));
    NAS_TRY(nas_ops_want_flag(n, "residual", t->matmul.residual));
    NAS_TRY(nas_ops_want_act(n, t->matmul.act));
    NAS_TRY(nas_ops_want_flag(n, "sums", t->matmul.sums));
    if (t->matmul.sums && (!t->matmul.ta || t->matmul.tb || t->matmul.bias || t->matmul.residual ||
                           t->matmul.act != NAS_ACT_NONE || in[0].rank != 2))
        return nas_fail(NAS_E_ARG, "matmul: sums need one matrix a, transposed, b as it is, and "
                                   "nothing behind the product");
    if (!isfinite(t->matmul.alpha))
        return nas_fail(NAS_E_ARG, "matmul: alpha is %g", (double)t->matmul.alpha);
    NAS_TRY(nas_ops_want_axes(n, in, 0, t->matmul.ta ? 2 : 1));
    return nas_ops_want_axes(n, in, 1, 2);
}

/* Either b is one matrix or its batch is that of a. */
static nas_status check_batch(const nas_shape *a, const nas_shape *b) {
    char a_text[NAS_SHAPE_TEXT], b_text[NAS_SHAPE_TEXT];
    bool equal = a->rank == b->rank;
    if (b->rank == 2)
        return NAS_OK;
    for (int32_t i = 0; equal && i < a->rank - 2; i++)
        equal = a->dim[i] == b->dim[i];
    if (equal)
        return NAS_OK;
    return nas_fail(NAS_E_SHAPE, "matmul: the batches of %s and %s differ",
                    nas_shape_text(a_text, a, 0), nas_shape_text(b_text, b, 0));
}

static nas_status infer(const nas_node *n, const nas_shape *in, nas_shape *out) {
    const nas_attr *t = &n->attr;
    uint32_t need = 2;
    nas_shape y = in[0];
    NAS_TRY(check_attr(n, in));
    need += (uint32_t)(t->matmul.bias + t->matmul.residual);
    if (n->n_in != need)
        return nas_fail(NAS_E_ARG, "matmul: %u inputs where bias %d and residual %d make it %u",
                        n->n_in, t->matmul.bias, t->matmul.residual, need);
    NAS_TRY(check_batch(&in[0], &in[1]));
    sizes z = sizes_of(t, &in[0], &in[1]);
    int32_t k = in[1].dim[in[1].rank - (t->matmul.tb ? 1 : 2)];
    if (k != z.k)
        return nas_fail(NAS_E_SHAPE, "matmul: inner sizes %lld and %d differ", (long long)z.k, k);
    int64_t dim[NAS_MAX_RANK];
    for (int32_t i = 0; i < y.rank; i++)
        dim[i] = y.dim[i];
    if (y.rank >= 2)
        dim[y.rank - 2] = z.m + t->matmul.sums;
    dim[y.rank - 1] = z.n;
    NAS_TRY(nas_ops_set_shape(&y, n, dim, y.rank));
    if (t->matmul.bias) {
        nas_shape bias = NAS_SHAPE((int32_t)z.n);
        NAS_TRY(nas_ops_want_shape(n, in, 2, &bias));
    }
    if (t->matmul.residual)
        NAS_TRY(nas_ops_want_shape(n, in, need - 1, &y));
    *out = y;
    return NAS_OK;
}

static void cost(const nas_node *n, const nas_shape *in, nas_cost *c) {
    const nas_attr *t = &n->attr;
    sizes z = sizes_of(t, &in[0], &in[1]);
    int64_t extra = t->matmul.bias + t->matmul.residual + nas_ops_act_flops(t->matmul.act) +
                    (t->matmul.alpha != 1.0f);
    c->macs = z.batch * z.m * z.n * z.k;
    c->flops = 2 * c->macs + nas_shape_count(&n->shape) * extra + t->matmul.sums * z.k * z.n;
}

static void ref(const nas_node *n, const nas_shape *in_shape, const double *const *in,
                double *out) {
    const nas_attr *t = &n->attr;
    sizes z = sizes_of(t, &in_shape[0], &in_shape[1]);
    for (int64_t row = 0; row < z.batch * z.m; row++)
        for (int64_t j = 0; j < z.n; j++) {
            int64_t b = row / z.m, i = row % z.m, at = row * z.n + j;
            const double *ma = in[0] + b * z.m * z.k, *mb = in[1] + (z.shared ? 0 : b * z.k * z.n);
            double sum = 0;
            for (int64_t k = 0; k < z.k; k++)
                sum += (t->matmul.ta ? ma[k * z.m + i] : ma[i * z.k + k]) *
                       (t->matmul.tb ? mb[j * z.k + k] : mb[k * z.n + j]);
            sum *= (double)t->matmul.alpha;
            if (t->matmul.bias)
                sum += in[2][j];
            if (t->matmul.residual)
                sum += in[n->n_in - 1][at];
            out[at] = nas_act_value((nas_act)t->matmul.act, sum);
        }
    for (int64_t j = 0; t->matmul.sums && j < z.n; j++) {
        double sum = 0;
        for (int64_t k = 0; k < z.k; k++)
            sum += in[1][k * z.n + j];
        out[z.m * z.n + j] = (double)t->matmul.alpha * sum;
    }
}

static nas_status product(nas_value *y, nas_graph *g, nas_value a, nas_value b, bool ta, bool tb,
                          float alpha) {
    nas_attr t = {.matmul = {.ta = ta, .tb = tb, .alpha = alpha}};
    return NAS_OPS_ADD(y, g, NAS_OP_MATMUL, &t, a, b);
}

/* v with its last two axes exchanged. */
static nas_status flip(nas_value *y, nas_graph *g, nas_value v) {
    int32_t perm[NAS_MAX_RANK] = {0}, rank = nas_graph_shape(g, v)->rank;
    for (int32_t i = 0; i < rank; i++)
        perm[i] = i;
    perm[rank - 1] = rank - 2;
    perm[rank - 2] = rank - 1;
    return nas_transpose(y, g, v, perm);
}

/* v as one matrix: all rows of its last axis. */
static nas_status flatten(nas_value *y, nas_graph *g, nas_value v) {
    const nas_shape *s = nas_graph_shape(g, v);
    nas_shape flat = NAS_SHAPE((int32_t)nas_ops_rows(s), nas_ops_last(s));
    if (s->rank == 2) {
        *y = v;
        return NAS_OK;
    }
    return nas_reshape(y, g, v, flat);
}

/* da: dy op(b)^T, transposed when a was. */
static nas_status grad_a(nas_value *da, nas_graph *g, const nas_node *n, nas_value dy) {
    const nas_attr *t = &n->attr;
    bool ta = t->matmul.ta, tb = t->matmul.tb;
    nas_value flipped;
    if (!ta)
        return product(da, g, dy, n->in[1], false, !tb, t->matmul.alpha);
    if (nas_graph_shape(g, n->in[1])->rank == n->shape.rank)
        return product(da, g, n->in[1], dy, tb, true, t->matmul.alpha);
    NAS_TRY(product(&flipped, g, dy, n->in[1], false, !tb, t->matmul.alpha));
    return flip(da, g, flipped);
}

/* db: op(a)^T dy, transposed when b was. A shared b collects all rows of the batch, so the batch is
 * flattened and one product does it. */
static nas_status grad_b(nas_value *db, nas_graph *g, const nas_node *n, nas_value dy) {
    const nas_attr *t = &n->attr;
    bool ta = t->matmul.ta;
    nas_value a = n->in[0];
    if (nas_graph_shape(g, n->in[1])->rank != n->shape.rank) {
        if (ta)
            NAS_TRY(flip(&a, g, a));
        ta = false;
        NAS_TRY(flatten(&a, g, a));
        NAS_TRY(flatten(&dy, g, dy));
    }
    if (t->matmul.tb)
        return product(db, g, dy, a, true, ta, t->matmul.alpha);
    return product(db, g, a, dy, !ta, false, t->matmul.alpha);
}

static nas_status grad_bias(nas_value *dx, nas_graph *g, const nas_node *n, nas_value dy) {
    *dx = dy;
    return n->shape.rank == 1 ? NAS_OK
                              : nas_sum_to(dx, g, dy, NAS_SHAPE(nas_ops_last(&n->shape)), 1);
}

/* Whether db and the gradient of the bias can come from one pass over dy. */
static bool shares_its_pass(const nas_graph *g, const nas_node *n, const bool *want) {
    const nas_attr *t = &n->attr;
    return t->matmul.bias && want[1] && want[2] && !t->matmul.ta && !t->matmul.tb &&
           t->matmul.alpha == 1 && n->shape.rank > 1 && nas_graph_shape(g, n->in[1])->rank == 2;
}

static nas_status grad_b_and_bias(nas_value *dx, nas_graph *g, const nas_node *n, nas_value dy) {
    nas_value a, both;
    nas_attr t = {.matmul = {.ta = 1, .alpha = 1, .sums = 1}};
    int32_t rows = nas_ops_last(nas_graph_shape(g, n->in[0]));
    NAS_TRY(flatten(&a, g, n->in[0]));
    NAS_TRY(flatten(&dy, g, dy));
    NAS_TRY(NAS_OPS_ADD(&both, g, NAS_OP_MATMUL, &t, a, dy));
    NAS_TRY(nas_slice(&dx[1], g, both, 0, 0, rows));
    return nas_ops_row(&dx[2], g, both, rows);
}

static nas_status vjp(nas_graph *g, nas_value y, nas_value dy, const bool *want, nas_value *dx) {
    nas_node n = *nas_graph_node(g, y);
    if (n.attr.matmul.act != NAS_ACT_NONE)
        return nas_fail(NAS_E_GRAPH, "matmul: no gradient through the fused activation %s",
                        nas_act_name((nas_act)n.attr.matmul.act));
    if (n.attr.matmul.sums)
        return nas_fail(NAS_E_GRAPH, "matmul: no gradient through sums");
    if (want[0])
        NAS_TRY(grad_a(&dx[0], g, &n, dy));
    if (shares_its_pass(g, &n, want)) {
        NAS_TRY(grad_b_and_bias(dx, g, &n, dy));
    } else {
        if (want[1])
            NAS_TRY(grad_b(&dx[1], g, &n, dy));
        if (n.attr.matmul.bias && want[2])
            NAS_TRY(grad_bias(&dx[2], g, &n, dy));
    }
    if (n.attr.matmul.residual && want[n.n_in - 1])
        dx[n.n_in - 1] = dy;
    return NAS_OK;
}

static const nas_field fields[] = {NAS_OPS_FIELD(matmul, ta, INT, 1),
                                   NAS_OPS_FIELD(matmul, tb, INT, 1),
                                   NAS_OPS_FIELD(matmul, act, ACT, 1),
                                   NAS_OPS_FIELD(matmul, bias, INT, 1),
                                   NAS_OPS_FIELD(matmul, residual, INT, 1),
                                   NAS_OPS_FIELD(matmul, alpha, FLOAT, 1),
                                   {.name = "sums",
                                    .offset = offsetof(nas_attr, matmul.sums),
                                    .kind = NAS_FIELD_INT,
                                    .count = 1,
                                    .later = true}};

const nas_op_info nas_op_matmul = {.name = "matmul",
                                   .min_in = 2,
                                   .max_in = 4,
                                   NAS_OPS_FIELDS(fields),
                                   .infer = infer,
                                   .cost = cost,
                                   .ref = ref,
                                   .vjp = vjp};
