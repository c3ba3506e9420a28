/* graph/ops/batch_norm.c - statistics of a batch, batch norm by given statistics with residual and
 * activation as its epilogue, its gradients, and the running statistics (ema).
 *
 * Statistics are [2,C]: mean, then biased variance, over all axes but the last.
 */
#include "ops.h"

#include <float.h>
#include <math.h>

static nas_status check(const nas_node *n, const nas_shape *in) {
    NAS_TRY(nas_ops_want_act(n, n->attr.norm.act));
    NAS_TRY(nas_ops_want_real(n, "eps", n->attr.norm.eps, 0, FLT_MAX));
    return nas_ops_want_axes(n, in, 0, 2);
}

static nas_status want_pair(const nas_node *n, const nas_shape *in, uint32_t i) {
    nas_shape pair = NAS_SHAPE(2, nas_ops_last(&in[0]));
    return nas_ops_want_shape(n, in, i, &pair);
}

static nas_status want_vector(const nas_node *n, const nas_shape *in, uint32_t i) {
    nas_shape vector = NAS_SHAPE(nas_ops_last(&in[0]));
    return nas_ops_want_shape(n, in, i, &vector);
}

/* ---- batch_stats ---- */

static nas_status infer_stats(const nas_node *n, const nas_shape *in, nas_shape *out) {
    NAS_TRY(nas_ops_want_axes(n, in, 0, 2));
    return nas_ops_set_shape(out, n, (int64_t[]){2, nas_ops_last(&in[0])}, 2);
}

/* Per element: mean 1, variance 3. */
static void cost_stats(const nas_node *n, const nas_shape *in, nas_cost *c) {
    (void)n;
    c->flops = 4 * nas_shape_count(&in[0]);
}

static void ref_stats(const nas_node *n, const nas_shape *in_shape, const double *const *in,
                      double *out) {
    (void)n;
    int64_t rows = nas_ops_rows(&in_shape[0]), width = nas_ops_last(&in_shape[0]);
    for (int64_t c = 0; c < width; c++) {
        double sum = 0, square = 0;
        for (int64_t r = 0; r < rows; r++)
            sum += in[0][r * width + c];
        double mean = sum / (double)rows;
        for (int64_t r = 0; r < rows; r++)
            square += (in[0][r * width + c] - mean) * (in[0][r * width + c] - mean);
        out[c] = mean;
        out[width + c] = square / (double)rows;
    }
}

/* ---- batch_norm: x, gamma, beta, s, and residual if it has one ---- */

static nas_status infer_norm(const nas_node *n, const nas_shape *in, nas_shape *out) {
    NAS_TRY(check(n, in));
    NAS_TRY(want_vector(n, in, 1));
    NAS_TRY(want_vector(n, in, 2));
    NAS_TRY(want_pair(n, in, 3));
    if (n->n_in == 5)
        NAS_TRY(nas_ops_want_shape(n, in, 4, &in[0]));
    *out = in[0];
    return NAS_OK;
}

/* Per element: normalise 2, scale and shift 2. */
static void cost_norm(const nas_node *n, const nas_shape *in, nas_cost *c) {
    c->flops = (4 + (n->n_in == 5) + nas_ops_act_flops(n->attr.norm.act)) * nas_shape_count(&in[0]);
}

static double rstd(const nas_node *n, const double *stats, int64_t width, int64_t c) {
    return 1 / sqrt(stats[width + c] + (double)n->attr.norm.eps);
}

static void ref_norm(const nas_node *n, const nas_shape *in_shape, const double *const *in,
                     double *out) {
    const double *x = in[0], *gamma = in[1], *beta = in[2], *s = in[3];
    int64_t count = nas_shape_count(&in_shape[0]), width = nas_ops_last(&in_shape[0]);
    for (int64_t i = 0; i < count; i++) {
        int64_t c = i % width;
        double z = gamma[c] * (x[i] - s[c]) * rstd(n, s, width, c) + beta[c];
        out[i] = nas_act_value((nas_act)n->attr.norm.act, n->n_in == 5 ? z + in[4][i] : z);
    }
}

/* Statistics of this very batch follow x; all others stand still. */
static bool stats_of_x(const nas_graph *g, const nas_node *n) {
    const nas_node *s = nas_graph_node(g, n->in[3]);
    return s->op == NAS_OP_BATCH_STATS && s->in[0].id == n->in[0].id;
}

/* Behind a residual the argument of the activation is no longer at hand, but the slope of these
 * follows from their value. */
static nas_status through_residual(nas_value *dz, nas_graph *g, const nas_node *n, nas_value y,
                                   nas_value dy) {
    nas_attr a = {.act = {.kind = n->attr.norm.act}};
    *dz = dy;
    if (a.act.kind == NAS_ACT_NONE)
        return NAS_OK;
    if (a.act.kind != NAS_ACT_RELU && a.act.kind != NAS_ACT_RELU6)
        return nas_fail(NAS_E_GRAPH, "batch_norm: no gradient through a residual and %s",
                        nas_act_name((nas_act)a.act.kind));
    return NAS_OPS_ADD(dz, g, NAS_OP_ACT_GRAD, &a, y, dy);
}

/* The gradient ops do the activation's part themselves: they have x and with gamma and beta its
 * argument. */
static nas_status vjp_norm(nas_graph *g, nas_value y, nas_value dy, const bool *want,
                           nas_value *dx) {
    nas_node n = *nas_graph_node(g, y);
    nas_value in[6] = {n.in[0], dy, n.in[3], n.in[1], n.in[2]}, sums = NAS_NO_VALUE;
    bool moving = stats_of_x(g, &n), need = want[1] || want[2] || (want[0] && moving);
    if (n.n_in == 5 && (want[4] || want[0] || need)) {
        NAS_TRY(through_residual(&in[1], g, &n, y, dy));
        n.attr.norm.act = NAS_ACT_NONE;
    }
    bool act = n.attr.norm.act != NAS_ACT_NONE;
    if (n.n_in == 5 && want[4])
        dx[4] = in[1];
    if (need)
        NAS_TRY(nas_graph_add(&sums, g, NAS_OP_BATCH_NORM_SUMS, in, act ? 5 : 3, &n.attr));
    if (want[0]) {
        uint32_t k = 4;
        if (moving)
            in[k++] = sums;
        if (act)
            in[k++] = n.in[2];
        NAS_TRY(nas_graph_add(&dx[0], g, NAS_OP_BATCH_NORM_DX, in, k, &n.attr));
    }
    if (want[1])
        NAS_TRY(nas_ops_row(&dx[1], g, sums, 1));
    if (want[2])
        NAS_TRY(nas_ops_row(&dx[2], g, sums, 0));
    return NAS_OK;
}

/* dy f'(gamma xhat + beta), element i of channel c. */
static double before_act(const nas_node *n, double xhat, double dy, double gamma, double beta) {
    return dy * nas_act_slope((nas_act)n->attr.norm.act, gamma * xhat + beta);
}

/* ---- batch_norm_sums: x, dy, s, and gamma, beta where there is an activation ---- */

static nas_status infer_sums(const nas_node *n, const nas_shape *in, nas_shape *out) {
    NAS_TRY(check(n, in));
    NAS_TRY(nas_ops_want_shape(n, in, 1, &in[0]));
    NAS_TRY(want_pair(n, in, 2));
    if (n->n_in != (n->attr.norm.act != NAS_ACT_NONE ? 5u : 3u))
        return nas_fail(NAS_E_ARG, "batch_norm_sums: %u inputs with activation %s", n->n_in,
                        nas_act_name((nas_act)n->attr.norm.act));
    for (uint32_t i = 3; i < n->n_in; i++)
        NAS_TRY(want_vector(n, in, i));
    *out = in[2];
    return NAS_OK;
}

/* What an activation adds: its argument 2, the slope about its value, a product. */
static int64_t act_work(const nas_node *n) {
    return n->attr.norm.act != NAS_ACT_NONE ? 3 + nas_ops_act_flops(n->attr.norm.act) : 0;
}

/* Per element: xhat 2, two sums 3. */
static void cost_sums(const nas_node *n, const nas_shape *in, nas_cost *c) {
    c->flops = (5 + act_work(n)) * nas_shape_count(&in[0]);
}

static void ref_sums(const nas_node *n, const nas_shape *in_shape, const double *const *in,
                     double *out) {
    const double *x = in[0], *dy = in[1], *s = in[2];
    int64_t count = nas_shape_count(&in_shape[0]), width = nas_ops_last(&in_shape[0]);
    for (int64_t i = 0; i < 2 * width; i++)
        out[i] = 0;
    for (int64_t i = 0; i < count; i++) {
        int64_t c = i % width;
        double xhat = (x[i] - s[c]) * rstd(n, s, width, c), d = dy[i];
        if (n->n_in == 5)
            d = before_act(n, xhat, d, in[3][c], in[4][c]);
        out[c] += d;
        out[width + c] += d * xhat;
    }
}

/* ---- batch_norm_dx: x, dy, s, gamma, then sums when s follows x, then beta where there is an
 * activation ---- */

static bool has_sums(const nas_node *n) {
    return n->n_in - (n->attr.norm.act != NAS_ACT_NONE) == 5;
}

static nas_status infer_dx(const nas_node *n, const nas_shape *in, nas_shape *out) {
    NAS_TRY(check(n, in));
    NAS_TRY(nas_ops_want_shape(n, in, 1, &in[0]));
    NAS_TRY(want_pair(n, in, 2));
    NAS_TRY(want_vector(n, in, 3));
    uint32_t act = n->attr.norm.act != NAS_ACT_NONE;
    if (n->n_in < 4 + act || n->n_in > 5 + act)
        return nas_fail(NAS_E_ARG, "batch_norm_dx: %u inputs with activation %s", n->n_in,
                        nas_act_name((nas_act)n->attr.norm.act));
    if (has_sums(n))
        NAS_TRY(want_pair(n, in, 4));
    if (act)
        NAS_TRY(want_vector(n, in, n->n_in - 1));
    *out = in[0];
    return NAS_OK;
}

/* Per element: scale 1; with the sums xhat 2, two corrections 3 more. */
static void cost_dx(const nas_node *n, const nas_shape *in, nas_cost *c) {
    c->flops = ((has_sums(n) ? 6 : 1) + act_work(n)) * nas_shape_count(&in[0]);
}

static void ref_dx(const nas_node *n, const nas_shape *in_shape, const double *const *in,
                   double *out) {
    const double *x = in[0], *dy = in[1], *s = in[2], *gamma = in[3];
    const double *sums = has_sums(n) ? in[4] : NULL;
    int64_t count = nas_shape_count(&in_shape[0]), width = nas_ops_last(&in_shape[0]);
    double rows = (double)nas_ops_rows(&in_shape[0]);
    for (int64_t i = 0; i < count; i++) {
        int64_t c = i % width;
        double scale = rstd(n, s, width, c), xhat = (x[i] - s[c]) * scale, centred = dy[i];
        if (n->attr.norm.act != NAS_ACT_NONE)
            centred = before_act(n, xhat, centred, gamma[c], in[n->n_in - 1][c]);
        if (sums)
            centred -= (sums[c] + xhat * sums[width + c]) / rows;
        out[i] = gamma[c] * scale * centred;
    }
}

/* ---- ema: state, fresh ---- */

static nas_status infer_ema(const nas_node *n, const nas_shape *in, nas_shape *out) {
    float m = n->attr.norm.momentum;
    if (!(m >= 0 && m <= 1) || n->attr.norm.count < 0)
        return nas_fail(NAS_E_ARG, "ema: momentum %g (0 to 1) and count %d (0 or more)", (double)m,
                        n->attr.norm.count);
    NAS_TRY(nas_ops_want_shape(n, in, 1, &in[0]));
    if (n->attr.norm.count > 0) {
        NAS_TRY(nas_ops_want_rank(n, in, 0, 2));
        NAS_TRY(want_pair(n, in, 0));
    }
    *out = in[0];
    return NAS_OK;
}

static void cost_ema(const nas_node *n, const nas_shape *in, nas_cost *c) {
    (void)n;
    c->flops = 3 * nas_shape_count(&in[0]);
}

/* One element has no unbiased variance; its biased one, 0, stays. */
static void ref_ema(const nas_node *n, const nas_shape *in_shape, const double *const *in,
                    double *out) {
    int64_t count = nas_shape_count(&in_shape[0]);
    double m = (double)n->attr.norm.momentum, elements = n->attr.norm.count;
    double unbias = elements > 1 ? elements / (elements - 1) : 1;
    for (int64_t i = 0; i < count; i++)
        out[i] = (1 - m) * in[0][i] + m * (i >= count / 2 ? unbias : 1) * in[1][i];
}

/* ---- the objects ---- */

static const nas_field eps_fields[] = {NAS_OPS_FIELD(norm, eps, FLOAT, 1),
                                       NAS_OPS_FIELD(norm, act, ACT, 1)};
static const nas_field ema_fields[] = {NAS_OPS_FIELD(norm, momentum, FLOAT, 1),
                                       NAS_OPS_FIELD(norm, count, INT, 1)};

const nas_op_info nas_op_batch_stats = {.name = "batch_stats",
                                        .min_in = 1,
                                        .max_in = 1,
                                        .infer = infer_stats,
                                        .cost = cost_stats,
                                        .ref = ref_stats};

const nas_op_info nas_op_batch_norm = {.name = "batch_norm",
                                       .min_in = 4,
                                       .max_in = 5,
                                       NAS_OPS_FIELDS(eps_fields),
                                       .infer = infer_norm,
                                       .cost = cost_norm,
                                       .ref = ref_norm,
                                       .vjp = vjp_norm};

const nas_op_info nas_op_batch_norm_sums = {.name = "batch_norm_sums",
                                            .min_in = 3,
                                            .max_in = 5,
                                            NAS_OPS_FIELDS(eps_fields),
                                            .infer = infer_sums,
                                            .cost = cost_sums,
                                            .ref = ref_sums};

const nas_op_info nas_op_batch_norm_dx = {.name = "batch_norm_dx",
                                          .min_in = 4,
                                          .max_in = 6,
                                          NAS_OPS_FIELDS(eps_fields),
                                          .infer = infer_dx,
                                          .cost = cost_dx,
                                          .ref = ref_dx};

const nas_op_info nas_op_ema = {.name = "ema",
                                .min_in = 2,
                                .max_in = 2,
                                .flags = NAS_OPF_WRITES_IN0,
                                NAS_OPS_FIELDS(ema_fields),
                                .infer = infer_ema,
                                .cost = cost_ema,
                                .ref = ref_ema};
