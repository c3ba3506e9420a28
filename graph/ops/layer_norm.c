/* graph/ops/layer_norm.c - layer norm over the last axis, with the gradients of x and of gamma,
 * beta. */
#include "ops.h"

#include <float.h>
#include <math.h>

static nas_status check(const nas_node *n, const nas_shape *in) {
    NAS_TRY(nas_ops_want_real(n, "eps", n->attr.norm.eps, 0, FLT_MAX));
    return nas_ops_want_axes(n, in, 0, 1);
}

/* Inputs first … last are vectors as long as the last axis of x. */
static nas_status check_vectors(const nas_node *n, const nas_shape *in, uint32_t first,
                                uint32_t last) {
    nas_shape row = NAS_SHAPE(nas_ops_last(&in[0]));
    for (uint32_t i = first; i <= last; i++)
        NAS_TRY(nas_ops_want_shape(n, in, i, &row));
    return NAS_OK;
}

static nas_status infer(const nas_node *n, const nas_shape *in, nas_shape *out) {
    NAS_TRY(check(n, in));
    NAS_TRY(check_vectors(n, in, 1, 2));
    *out = in[0];
    return NAS_OK;
}

static nas_status infer_grad(const nas_node *n, const nas_shape *in, nas_shape *out) {
    NAS_TRY(check(n, in));
    NAS_TRY(check_vectors(n, in, 1, 1));
    for (uint32_t i = 2; i < n->n_in; i++)
        NAS_TRY(nas_ops_want_shape(n, in, i, &in[0]));
    return nas_ops_set_shape(out, n, (int64_t[]){nas_ops_rows(&in[0]) + 2, nas_ops_last(&in[0])},
                             2);
}

/* Per element: mean 1, variance 3, normalise 2, scale and shift 2. */
static void cost(const nas_node *n, const nas_shape *in, nas_cost *c) {
    (void)n;
    c->flops = 8 * nas_shape_count(&in[0]);
}

/* Per element: statistics 4, xhat 2, gamma dy 1, two sums 3, result 4, sums of the params 3. */
static void cost_grad(const nas_node *n, const nas_shape *in, nas_cost *c) {
    c->flops = (17 + (n->n_in == 4)) * nas_shape_count(&in[0]);
}

typedef struct moments {
    double mean, rstd;
} moments;

static moments moments_of(const double *x, int64_t width, double eps) {
    double sum = 0, square = 0;
    for (int64_t i = 0; i < width; i++)
        sum += x[i];
    for (int64_t i = 0; i < width; i++)
        square += (x[i] - sum / (double)width) * (x[i] - sum / (double)width);
    return (moments){sum / (double)width, 1 / sqrt(square / (double)width + eps)};
}

static void ref(const nas_node *n, const nas_shape *in_shape, const double *const *in,
                double *out) {
    int64_t rows = nas_ops_rows(&in_shape[0]), width = nas_ops_last(&in_shape[0]);
    for (int64_t r = 0; r < rows; r++) {
        const double *x = in[0] + r * width;
        moments m = moments_of(x, width, (double)n->attr.norm.eps);
        for (int64_t i = 0; i < width; i++)
            out[r * width + i] = in[1][i] * (x[i] - m.mean) * m.rstd + in[2][i];
    }
}

/* dx = rstd (t - mean(t) - xhat mean(t xhat)), t = gamma dy; behind its rows dgamma and dbeta */
static void ref_grad(const nas_node *n, const nas_shape *in_shape, const double *const *in,
                     double *out) {
    int64_t rows = nas_ops_rows(&in_shape[0]), width = nas_ops_last(&in_shape[0]);
    const double *gamma = in[1];
    double *dgamma = out + rows * width, *dbeta = dgamma + width;
    for (int64_t i = 0; i < 2 * width; i++)
        dgamma[i] = 0;
    for (int64_t r = 0; r < rows; r++) {
        const double *x = in[0] + r * width, *dy = in[2] + r * width;
        moments m = moments_of(x, width, (double)n->attr.norm.eps);
        double t_mean = 0, tx_mean = 0;
        for (int64_t i = 0; i < width; i++) {
            double xhat = (x[i] - m.mean) * m.rstd;
            t_mean += gamma[i] * dy[i] / (double)width;
            tx_mean += gamma[i] * dy[i] * xhat / (double)width;
            dgamma[i] += dy[i] * xhat;
            dbeta[i] += dy[i];
        }
        for (int64_t i = 0; i < width; i++) {
            double xhat = (x[i] - m.mean) * m.rstd;
            out[r * width + i] = m.rstd * (gamma[i] * dy[i] - t_mean - xhat * tx_mean) +
                                 (n->n_in == 4 ? in[3][r * width + i] : 0);
        }
    }
}

static nas_status vjp(nas_graph *g, nas_value y, nas_value dy, const bool *want, nas_value *dx) {
    nas_node n = *nas_graph_node(g, y);
    nas_value all, in[] = {n.in[0], n.in[1], dy, dx[0]};
    int32_t rows = (int32_t)nas_ops_rows(&n.shape);
    nas_attr front = {.shape = {.shape = n.shape}};
    if (!want[0] && !want[1] && !want[2])
        return NAS_OK;
    NAS_TRY(
        nas_graph_add(&all, g, NAS_OP_LAYER_NORM_GRAD, in, nas_value_ok(dx[0]) ? 4 : 3, &n.attr));
    if (want[0])
        NAS_TRY(NAS_OPS_ADD(&dx[0], g, NAS_OP_FRONT, &front, all));
    if (want[1])
        NAS_TRY(nas_ops_row(&dx[1], g, all, rows));
    if (want[2])
        NAS_TRY(nas_ops_row(&dx[2], g, all, rows + 1));
    return NAS_OK;
}

static const nas_field fields[] = {NAS_OPS_FIELD(norm, eps, FLOAT, 1)};

const nas_op_info nas_op_layer_norm = {.name = "layer_norm",
                                       .min_in = 3,
                                       .max_in = 3,
                                       .flags = NAS_OPF_ADDS_GRAD,
                                       NAS_OPS_FIELDS(fields),
                                       .infer = infer,
                                       .cost = cost,
                                       .ref = ref,
                                       .vjp = vjp};

const nas_op_info nas_op_layer_norm_grad = {.name = "layer_norm_grad",
                                            .min_in = 3,
                                            .max_in = 4,
                                            NAS_OPS_FIELDS(fields),
                                            .infer = infer_grad,
                                            .cost = cost_grad,
                                            .ref = ref_grad};
