/* graph/ops/softmax.c - softmax over the last axis, and its gradient. */
#include "ops.h"

#include <math.h>

static nas_status infer(const nas_node *n, const nas_shape *in, nas_shape *out) {
    NAS_TRY(nas_ops_want_axes(n, in, 0, 1));
    for (uint32_t i = 1; i < n->n_in; i++)
        NAS_TRY(nas_ops_want_shape(n, in, i, &in[0]));
    *out = in[0];
    return NAS_OK;
}

/* Per element: maximum, difference, exponential, sum, division. */
static void cost(const nas_node *n, const nas_shape *in, nas_cost *c) {
    (void)n;
    c->flops = 5 * nas_shape_count(&in[0]);
}

/* Per element: product, sum, difference, product. */
static void cost_grad(const nas_node *n, const nas_shape *in, nas_cost *c) {
    (void)n;
    c->flops = 4 * nas_shape_count(&in[0]);
}

/* The largest value is taken off first: softmax does not change and nothing overflows. */
static void ref(const nas_node *n, const nas_shape *in_shape, const double *const *in,
                double *out) {
    (void)n;
    int64_t rows = nas_ops_rows(&in_shape[0]), width = nas_ops_last(&in_shape[0]);
    for (int64_t r = 0; r < rows; r++) {
        const double *x = in[0] + r * width;
        double *y = out + r * width, top = x[0], sum = 0;
        for (int64_t i = 1; i < width; i++)
            top = x[i] > top ? x[i] : top;
        for (int64_t i = 0; i < width; i++)
            sum += exp(x[i] - top);
        for (int64_t i = 0; i < width; i++)
            y[i] = exp(x[i] - top) / sum;
    }
}

static void ref_grad(const nas_node *n, const nas_shape *in_shape, const double *const *in,
                     double *out) {
    (void)n;
    int64_t rows = nas_ops_rows(&in_shape[0]), width = nas_ops_last(&in_shape[0]);
    for (int64_t r = 0; r < rows; r++) {
        const double *y = in[0] + r * width, *dy = in[1] + r * width;
        double sum = 0;
        for (int64_t i = 0; i < width; i++)
            sum += y[i] * dy[i];
        for (int64_t i = 0; i < width; i++)
            out[r * width + i] = y[i] * (dy[i] - sum);
    }
}

static nas_status vjp(nas_graph *g, nas_value y, nas_value dy, const bool *want, nas_value *dx) {
    if (!want[0])
        return NAS_OK;
    return NAS_OPS_ADD(&dx[0], g, NAS_OP_SOFTMAX_GRAD, NULL, y, dy);
}

const nas_op_info nas_op_softmax = {.name = "softmax",
                                    .min_in = 1,
                                    .max_in = 1,
                                    .infer = infer,
                                    .cost = cost,
                                    .ref = ref,
                                    .vjp = vjp};

const nas_op_info nas_op_softmax_grad = {.name = "softmax_grad",
                                         .min_in = 2,
                                         .max_in = 2,
                                         .infer = infer,
                                         .cost = cost_grad,
                                         .ref = ref_grad};
