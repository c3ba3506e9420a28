/* graph/ops/leaf.c - input, param, state and constant: values that come from outside. */
#include "ops.h"

#include <math.h>

static nas_status check_finite(const nas_node *n) {
    return isfinite(n->attr.leaf.scale) ? NAS_OK
                                        : nas_fail(NAS_E_ARG, "%s: scale is %g", nas_ops_name(n),
                                                   (double)n->attr.leaf.scale);
}

static nas_status infer_input(const nas_node *n, const nas_shape *in, nas_shape *out) {
    (void)in;
    NAS_TRY(nas_ops_check_shape(n, &n->attr.leaf.shape));
    *out = n->attr.leaf.shape;
    return NAS_OK;
}

static nas_status infer_value(const nas_node *n, const nas_shape *in, nas_shape *out) {
    NAS_TRY(check_finite(n));
    return infer_input(n, in, out);
}

static nas_status infer_param(const nas_node *n, const nas_shape *in, nas_shape *out) {
    int32_t init = n->attr.leaf.init;
    if (init < NAS_INIT_VALUE || init > NAS_INIT_UNIFORM)
        return nas_fail(NAS_E_ARG, "%s: no init has number %d", nas_ops_name(n), init);
    NAS_TRY(nas_ops_want_flag(n, "decay", n->attr.leaf.decay));
    NAS_TRY(check_finite(n));
    return infer_input(n, in, out);
}

static const nas_field input_fields[] = {NAS_OPS_FIELD(leaf, shape, SHAPE, 1)};
static const nas_field value_fields[] = {NAS_OPS_FIELD(leaf, shape, SHAPE, 1),
                                         NAS_OPS_FIELD(leaf, scale, FLOAT, 1)};
static const nas_field param_fields[] = {
    NAS_OPS_FIELD(leaf, shape, SHAPE, 1), NAS_OPS_FIELD(leaf, init, INT, 1),
    NAS_OPS_FIELD(leaf, scale, FLOAT, 1), NAS_OPS_FIELD(leaf, decay, INT, 1)};

const nas_op_info nas_op_input = {.name = "input",
                                  .flags = NAS_OPF_LEAF,
                                  NAS_OPS_FIELDS(input_fields),
                                  .infer = infer_input,
                                  .cost = nas_ops_cost_none};

const nas_op_info nas_op_param = {.name = "param",
                                  .flags = NAS_OPF_LEAF,
                                  NAS_OPS_FIELDS(param_fields),
                                  .infer = infer_param,
                                  .cost = nas_ops_cost_none};

const nas_op_info nas_op_state = {.name = "state",
                                  .flags = NAS_OPF_LEAF,
                                  NAS_OPS_FIELDS(value_fields),
                                  .infer = infer_value,
                                  .cost = nas_ops_cost_none};

const nas_op_info nas_op_constant = {.name = "constant",
                                     .flags = NAS_OPF_LEAF,
                                     NAS_OPS_FIELDS(value_fields),
                                     .infer = infer_value,
                                     .cost = nas_ops_cost_none};
