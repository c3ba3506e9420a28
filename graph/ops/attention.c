/* graph/ops/attention.c - multi-head self-attention as one op, and its gradient.
 *
 * qkv is [N,T,3D]: the query, key and value of a token, each D = heads * E wide, head after head.
 * The T x T weights p = softmax(q k^T / sqrt(E)) are never stored: both ops find them again row by
 * row.
 */
#include "ops.h"

#include <math.h>

typedef struct sizes {
    int64_t n, t, d, heads, e;
    double scale;
    bool causal;
} sizes;

/* Query t of one head of one sample; keys and values are found from it. */
typedef struct row {
    int64_t q_at;    /* of the query in qkv */
    int64_t k_at;    /* of the sample's first key of this head */
    int64_t y_at;    /* of the result in y */
    int64_t keys;    /* how many the query sees */
    double top, sum; /* largest score, and sum of exp(score - top) */
} row;

static nas_status infer(const nas_node *n, const nas_shape *in, nas_shape *out) {
    int32_t heads = n->attr.attention.heads;
    NAS_TRY(nas_ops_want_rank(n, in, 0, 3));
    NAS_TRY(nas_ops_want_flag(n, "causal", n->attr.attention.causal));
    if (heads < 1)
        return nas_fail(NAS_E_ARG, "%s: %d heads", nas_ops_name(n), heads);
    if (in[0].dim[2] % 3 || in[0].dim[2] / 3 % heads)
        return nas_fail(NAS_E_SHAPE, "%s: width %d is not 3 * %d heads * a whole number",
                        nas_ops_name(n), in[0].dim[2], heads);
    *out = in[0];
    out->dim[2] /= 3;
    return NAS_OK;
}

static nas_status infer_grad(const nas_node *n, const nas_shape *in, nas_shape *out) {
    nas_shape y;
    NAS_TRY(infer(n, in, &y));
    NAS_TRY(nas_ops_want_shape(n, in, 1, &y));
    *out = in[0];
    return NAS_OK;
}

static sizes sizes_of(const nas_node *n, const nas_shape *qkv) {
    sizes z = {.n = qkv->dim[0],
               .t = qkv->dim[1],
               .d = qkv->dim[2] / 3,
               .heads = n->attr.attention.heads,
               .causal = n->attr.attention.causal};
    z.e = z.d / z.heads;
    z.scale = 1 / sqrt((double)z.e);
    return z;
}

/* Two products of [T,E] and [E,T] sizes for each head; a softmax of 5 an element, 1 for the scale.
 */
static void cost(const nas_node *n, const nas_shape *in, nas_cost *c) {
    sizes z = sizes_of(n, &in[0]);
    c->macs = 2 * z.n * z.t * z.t * z.d;
    c->flops = 2 * c->macs + 6 * z.n * z.heads * z.t * z.t;
}

/* The scores again, then the gradients of weights, v, q and k: five products. */
static void cost_grad(const nas_node *n, const nas_shape *in, nas_cost *c) {
    sizes z = sizes_of(n, &in[0]);
    c->macs = 5 * z.n * z.t * z.t * z.d;
    c->flops = 2 * c->macs + 10 * z.n * z.heads * z.t * z.t;
}

static double dot(const double *a, const double *b, int64_t n) {
    double sum = 0;
    for (int64_t i = 0; i < n; i++)
        sum += a[i] * b[i];
    return sum;
}

static double score(const sizes *z, const row *r, const double *qkv, int64_t key) {
    return z->scale * dot(qkv + r->q_at, qkv + r->k_at + key * 3 * z->d, z->e);
}

static double weight(const sizes *z, const row *r, const double *qkv, int64_t key) {
    return exp(score(z, r, qkv, key) - r->top) / r->sum;
}

/* index runs over samples, heads and queries. */
static row row_of(const sizes *z, const double *qkv, int64_t index) {
    int64_t t = index % z->t, h = index / z->t % z->heads, n = index / z->t / z->heads;
    int64_t first = n * z->t * 3 * z->d + h * z->e;
    row r = {.q_at = first + t * 3 * z->d,
             .k_at = first + z->d,
             .y_at = (n * z->t + t) * z->d + h * z->e,
             .keys = z->causal ? t + 1 : z->t,
             .top = -INFINITY};
    for (int64_t k = 0; k < r.keys; k++)
        r.top = fmax(r.top, score(z, &r, qkv, k));
    for (int64_t k = 0; k < r.keys; k++)
        r.sum += exp(score(z, &r, qkv, k) - r.top);
    return r;
}

static void ref(const nas_node *n, const nas_shape *in_shape, const double *const *in,
                double *out) {
    sizes z = sizes_of(n, &in_shape[0]);
    const double *qkv = in[0];
    for (int64_t i = 0; i < z.n * z.heads * z.t; i++) {
        row r = row_of(&z, qkv, i);
        for (int64_t e = 0; e < z.e; e++)
            out[r.y_at + e] = 0;
        for (int64_t k = 0; k < r.keys; k++) {
            double p = weight(&z, &r, qkv, k);
            for (int64_t e = 0; e < z.e; e++)
                out[r.y_at + e] += p * qkv[r.k_at + z.d + k * 3 * z.d + e];
        }
    }
}

/* With dp = dy v^T: ds = p (dp - sum(p dp)), dq = ds k, dk = ds^T q (both scaled), dv = p^T dy. */
static void ref_grad(const nas_node *n, const nas_shape *in_shape, const double *const *in,
                     double *out) {
    sizes z = sizes_of(n, &in_shape[0]);
    const double *qkv = in[0];
    int64_t count = nas_shape_count(&in_shape[0]);
    for (int64_t i = 0; i < count; i++)
        out[i] = 0;
    for (int64_t i = 0; i < z.n * z.heads * z.t; i++) {
        row r = row_of(&z, qkv, i);
        const double *dy = in[1] + r.y_at;
        double mean = 0;
        for (int64_t k = 0; k < r.keys; k++)
            mean += weight(&z, &r, qkv, k) * dot(dy, qkv + r.k_at + z.d + k * 3 * z.d, z.e);
        for (int64_t k = 0; k < r.keys; k++) {
            int64_t k_at = r.k_at + k * 3 * z.d, v_at = k_at + z.d;
            double p = weight(&z, &r, qkv, k);
            double ds = z.scale * p * (dot(dy, qkv + v_at, z.e) - mean);
            for (int64_t e = 0; e < z.e; e++) {
                out[r.q_at + e] += ds * qkv[k_at + e];
                out[k_at + e] += ds * qkv[r.q_at + e];
                out[v_at + e] += p * dy[e];
            }
        }
    }
}

static nas_status vjp(nas_graph *g, nas_value y, nas_value dy, const bool *want, nas_value *dx) {
    nas_node n = *nas_graph_node(g, y);
    if (!want[0])
        return NAS_OK;
    return NAS_OPS_ADD(&dx[0], g, NAS_OP_ATTENTION_GRAD, &n.attr, n.in[0], dy);
}

static const nas_field fields[] = {NAS_OPS_FIELD(attention, heads, INT, 1),
                                   NAS_OPS_FIELD(attention, causal, INT, 1)};

const nas_op_info nas_op_attention = {.name = "attention",
                                      .min_in = 1,
                                      .max_in = 1,
                                      NAS_OPS_FIELDS(fields),
                                      .infer = infer,
                                      .cost = cost,
                                      .ref = ref,
                                      .vjp = vjp};

const nas_op_info nas_op_attention_grad = {.name = "attention_grad",
                                           .min_in = 2,
                                           .max_in = 2,
                                           NAS_OPS_FIELDS(fields),
                                           .infer = infer_grad,
                                           .cost = cost_grad,
                                           .ref = ref_grad};
