/* graph/ops/broadcast.c - add and mul with a second operand that spreads over the first, and the
 * pair expand and sum_to that such spreading is made of. */
#include "ops.h"

static nas_status infer_pair(const nas_node *n, const nas_shape *in, nas_shape *out) {
    NAS_TRY(nas_ops_want_spread(n, &in[0], &in[1]));
    *out = in[0];
    return NAS_OK;
}

static void cost_pair(const nas_node *n, const nas_shape *in, nas_cost *c) {
    (void)n;
    c->flops = nas_shape_count(&in[0]);
}

static void ref_add(const nas_node *n, const nas_shape *in_shape, const double *const *in,
                    double *out) {
    (void)n;
    nas_ops_steps s = nas_ops_spread(&in_shape[0], &in_shape[1]);
    int64_t count = nas_shape_count(&in_shape[0]);
    for (int64_t i = 0; i < count; i++)
        out[i] = in[0][i] + in[1][nas_ops_locate(&in_shape[0], &s, i)];
}

static void ref_mul(const nas_node *n, const nas_shape *in_shape, const double *const *in,
                    double *out) {
    (void)n;
    nas_ops_steps s = nas_ops_spread(&in_shape[0], &in_shape[1]);
    int64_t count = nas_shape_count(&in_shape[0]);
    for (int64_t i = 0; i < count; i++)
        out[i] = in[0][i] * in[1][nas_ops_locate(&in_shape[0], &s, i)];
}

/* The gradient of an operand of this shape, given its gradient as if it had been repeated. */
static nas_status gather(nas_value *dx, nas_graph *g, nas_value spread, nas_shape shape) {
    if (nas_shape_equal(nas_graph_shape(g, spread), &shape)) {
        *dx = spread;
        return NAS_OK;
    }
    return nas_sum_to(dx, g, spread, shape, 1);
}

static nas_status vjp_add(nas_graph *g, nas_value y, nas_value dy, const bool *want,
                          nas_value *dx) {
    nas_node n = *nas_graph_node(g, y);
    if (want[0])
        dx[0] = dy;
    if (want[1])
        NAS_TRY(gather(&dx[1], g, dy, *nas_graph_shape(g, n.in[1])));
    return NAS_OK;
}

static nas_status vjp_mul(nas_graph *g, nas_value y, nas_value dy, const bool *want,
                          nas_value *dx) {
    nas_node n = *nas_graph_node(g, y);
    nas_value spread;
    if (want[0])
        NAS_TRY(nas_mul(&dx[0], g, dy, n.in[1]));
    if (!want[1])
        return NAS_OK;
    NAS_TRY(nas_mul(&spread, g, dy, n.in[0]));
    return gather(&dx[1], g, spread, *nas_graph_shape(g, n.in[1]));
}

const nas_op_info nas_op_add = {.name = "add",
                                .min_in = 2,
                                .max_in = 2,
                                .infer = infer_pair,
                                .cost = cost_pair,
                                .ref = ref_add,
                                .vjp = vjp_add};

const nas_op_info nas_op_mul = {.name = "mul",
                                .min_in = 2,
                                .max_in = 2,
                                .infer = infer_pair,
                                .cost = cost_pair,
                                .ref = ref_mul,
                                .vjp = vjp_mul};

/* ---- expand and sum_to ---- */

static nas_status infer_expand(const nas_node *n, const nas_shape *in, nas_shape *out) {
    NAS_TRY(nas_ops_check_shape(n, &n->attr.shape.shape));
    NAS_TRY(nas_ops_want_spread(n, &n->attr.shape.shape, &in[0]));
    *out = n->attr.shape.shape;
    return NAS_OK;
}

static nas_status infer_sum_to(const nas_node *n, const nas_shape *in, nas_shape *out) {
    NAS_TRY(nas_ops_check_shape(n, &n->attr.shape.shape));
    NAS_TRY(nas_ops_want_spread(n, &in[0], &n->attr.shape.shape));
    *out = n->attr.shape.shape;
    return NAS_OK;
}

static void cost_expand(const nas_node *n, const nas_shape *in, nas_cost *c) {
    (void)in;
    c->flops = nas_shape_count(&n->shape);
}

static void cost_sum_to(const nas_node *n, const nas_shape *in, nas_cost *c) {
    c->flops = nas_shape_count(&in[0]) + nas_shape_count(&n->shape);
}

static void ref_expand(const nas_node *n, const nas_shape *in_shape, const double *const *in,
                       double *out) {
    nas_ops_steps s = nas_ops_spread(&n->shape, &in_shape[0]);
    int64_t count = nas_shape_count(&n->shape);
    for (int64_t i = 0; i < count; i++)
        out[i] = (double)n->attr.shape.scale * in[0][nas_ops_locate(&n->shape, &s, i)];
}

static void ref_sum_to(const nas_node *n, const nas_shape *in_shape, const double *const *in,
                       double *out) {
    nas_ops_steps s = nas_ops_spread(&in_shape[0], &n->shape);
    int64_t count = nas_shape_count(&in_shape[0]), n_out = nas_shape_count(&n->shape);
    for (int64_t i = 0; i < n_out; i++)
        out[i] = 0;
    for (int64_t i = 0; i < count; i++)
        out[nas_ops_locate(&in_shape[0], &s, i)] += in[0][i];
    for (int64_t i = 0; i < n_out; i++)
        out[i] *= (double)n->attr.shape.scale;
}

static nas_status vjp_expand(nas_graph *g, nas_value y, nas_value dy, const bool *want,
                             nas_value *dx) {
    nas_node n = *nas_graph_node(g, y);
    if (!want[0])
        return NAS_OK;
    return nas_sum_to(&dx[0], g, dy, *nas_graph_shape(g, n.in[0]), n.attr.shape.scale);
}

static nas_status vjp_sum_to(nas_graph *g, nas_value y, nas_value dy, const bool *want,
                             nas_value *dx) {
    nas_node n = *nas_graph_node(g, y);
    if (!want[0])
        return NAS_OK;
    return nas_expand(&dx[0], g, dy, *nas_graph_shape(g, n.in[0]), n.attr.shape.scale);
}

static const nas_field fields[] = {NAS_OPS_FIELD(shape, shape, SHAPE, 1),
                                   NAS_OPS_FIELD(shape, scale, FLOAT, 1)};

const nas_op_info nas_op_expand = {.name = "expand",
                                   .min_in = 1,
                                   .max_in = 1,
                                   NAS_OPS_FIELDS(fields),
                                   .infer = infer_expand,
                                   .cost = cost_expand,
                                   .ref = ref_expand,
                                   .vjp = vjp_expand};

const nas_op_info nas_op_sum_to = {.name = "sum_to",
                                   .min_in = 1,
                                   .max_in = 1,
                                   NAS_OPS_FIELDS(fields),
                                   .infer = infer_sum_to,
                                   .cost = cost_sum_to,
                                   .ref = ref_sum_to,
                                   .vjp = vjp_sum_to};
