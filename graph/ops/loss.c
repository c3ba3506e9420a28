/* graph/ops/loss.c - cross-entropy of class numbers with label smoothing, its gradient, and the
 * count of right answers. */
#include "ops.h"

#include <math.h>

static nas_status want_labels(const nas_node *n, const nas_shape *in, nas_shape *out) {
    NAS_TRY(nas_ops_want_rank(n, in, 0, 2));
    nas_shape labels = NAS_SHAPE(in[0].dim[0]);
    for (uint32_t i = 1; i < n->n_in; i++)
        NAS_TRY(nas_ops_want_shape(n, in, i, &labels));
    *out = labels;
    return NAS_OK;
}

static nas_status infer(const nas_node *n, const nas_shape *in, nas_shape *out) {
    NAS_TRY(nas_ops_want_real(n, "smoothing", n->attr.loss.smoothing, 0, 1));
    return want_labels(n, in, out);
}

static nas_status infer_grad(const nas_node *n, const nas_shape *in, nas_shape *out) {
    nas_shape rows;
    NAS_TRY(infer(n, in, &rows));
    *out = in[0];
    return NAS_OK;
}

/* Per logit: softmax 5, product with t and sum 2. */
static void cost(const nas_node *n, const nas_shape *in, nas_cost *c) {
    (void)n;
    c->flops = 7 * nas_shape_count(&in[0]);
}

static void cost_correct(const nas_node *n, const nas_shape *in, nas_cost *c) {
    (void)n;
    c->flops = nas_shape_count(&in[0]);
}

/* log of the sum of exp(x); the largest x is taken out first so that nothing overflows. */
static double log_sum(const double *x, int64_t width) {
    double top = x[0], sum = 0;
    for (int64_t k = 1; k < width; k++)
        top = x[k] > top ? x[k] : top;
    for (int64_t k = 0; k < width; k++)
        sum += exp(x[k] - top);
    return top + log(sum);
}

static double target(const nas_node *n, double label, int64_t k, int64_t width) {
    double e = (double)n->attr.loss.smoothing;
    return (label == (double)k ? 1 - e : 0) + e / (double)width;
}

static void ref(const nas_node *n, const nas_shape *in_shape, const double *const *in,
                double *out) {
    int64_t width = in_shape[0].dim[1];
    for (int64_t i = 0; i < in_shape[0].dim[0]; i++) {
        const double *x = in[0] + i * width;
        double all = log_sum(x, width), loss = 0;
        for (int64_t k = 0; k < width; k++)
            loss -= target(n, in[1][i], k, width) * (x[k] - all);
        out[i] = loss;
    }
}

static void ref_grad(const nas_node *n, const nas_shape *in_shape, const double *const *in,
                     double *out) {
    int64_t width = in_shape[0].dim[1];
    for (int64_t i = 0; i < in_shape[0].dim[0]; i++) {
        const double *x = in[0] + i * width;
        double all = log_sum(x, width);
        for (int64_t k = 0; k < width; k++)
            out[i * width + k] = in[2][i] * (exp(x[k] - all) - target(n, in[1][i], k, width));
    }
}

static void ref_correct(const nas_node *n, const nas_shape *in_shape, const double *const *in,
                        double *out) {
    (void)n;
    int64_t width = in_shape[0].dim[1];
    for (int64_t i = 0; i < in_shape[0].dim[0]; i++) {
        const double *x = in[0] + i * width;
        int64_t best = 0;
        for (int64_t k = 1; k < width; k++)
            best = x[k] > x[best] ? k : best;
        out[i] = in[1][i] == (double)best;
    }
}

static nas_status vjp(nas_graph *g, nas_value y, nas_value dy, const bool *want, nas_value *dx) {
    nas_node n = *nas_graph_node(g, y);
    if (!want[0])
        return NAS_OK;
    return NAS_OPS_ADD(&dx[0], g, NAS_OP_CROSS_ENTROPY_GRAD, &n.attr, n.in[0], n.in[1], dy);
}

static const nas_field fields[] = {NAS_OPS_FIELD(loss, smoothing, FLOAT, 1)};

const nas_op_info nas_op_cross_entropy = {.name = "cross_entropy",
                                          .min_in = 2,
                                          .max_in = 2,
                                          NAS_OPS_FIELDS(fields),
                                          .infer = infer,
                                          .cost = cost,
                                          .ref = ref,
                                          .vjp = vjp};

const nas_op_info nas_op_cross_entropy_grad = {.name = "cross_entropy_grad",
                                               .min_in = 3,
                                               .max_in = 3,
                                               NAS_OPS_FIELDS(fields),
                                               .infer = infer_grad,
                                               .cost = cost,
                                               .ref = ref_grad};

const nas_op_info nas_op_correct = {.name = "correct",
                                    .min_in = 2,
                                    .max_in = 2,
                                    .infer = want_labels,
                                    .cost = cost_correct,
                                    .ref = ref_correct};
