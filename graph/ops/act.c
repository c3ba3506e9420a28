/* graph/ops/act.c - the activations of act.def: value, slope, and the ops act and act_grad. */
#include "ops.h"

#include <math.h>

static double sigmoid_value(double x) {
    return 1.0 / (1.0 + exp(-x));
}

/* The comparisons are written so that NaN stays NaN: a diverged training must be seen. */
static double clip(double x, double low, double high) {
    return x < low ? low : x > high ? high : x;
}

static double none_value(double x) {
    return x;
}
static double none_slope(double x) {
    (void)x;
    return 1;
}

static double relu_value(double x) {
    return x < 0 ? 0 : x;
}
static double relu_slope(double x) {
    return x > 0 ? 1 : 0;
}

static double relu6_value(double x) {
    return clip(x, 0, 6);
}
static double relu6_slope(double x) {
    return x > 0 && x < 6 ? 1 : 0;
}

/* 2 sqrt(2/pi), and the cubic term of the tanh form (Hendrycks and Gimpel 2016). */
static const double gelu_a = 1.5957691216057308, gelu_b = 0.044715;
static double gelu_value(double x) {
    return x * sigmoid_value(gelu_a * (x + gelu_b * x * x * x));
}
static double gelu_slope(double x) {
    double s = sigmoid_value(gelu_a * (x + gelu_b * x * x * x));
    return s + x * s * (1 - s) * gelu_a * (1 + 3 * gelu_b * x * x);
}

static double hsigmoid_value(double x) {
    return clip(x + 3, 0, 6) / 6;
}
static double hsigmoid_slope(double x) {
    return x > -3 && x < 3 ? 1.0 / 6 : 0;
}

static double hswish_value(double x) {
    return x * hsigmoid_value(x);
}
static double hswish_slope(double x) {
    return hsigmoid_value(x) + x * hsigmoid_slope(x);
}

static double swish_value(double x) {
    return x * sigmoid_value(x);
}
static double swish_slope(double x) {
    double s = sigmoid_value(x);
    return s + x * s * (1 - s);
}

static double sigmoid_slope(double x) {
    double s = sigmoid_value(x);
    return s * (1 - s);
}

enum { /* flops of one element; exp and division count as one */
       none_flops = 0,
       relu_flops = 1,
       relu6_flops = 2,
       gelu_flops = 9,
       hswish_flops = 5,
       swish_flops = 5,
       sigmoid_flops = 4,
       hsigmoid_flops = 4,
};

static const struct act_row {
    double (*value)(double x), (*slope)(double x);
    int64_t flops;
} acts[NAS_ACT_COUNT] = {
#define NAS_ACT(symbol, name) [NAS_ACT_##symbol] = {name##_value, name##_slope, name##_flops},
#include <nas/act.def>
#undef NAS_ACT
};

double nas_act_value(nas_act a, double x) {
    return acts[a].value(x);
}

double nas_act_slope(nas_act a, double x) {
    return acts[a].slope(x);
}

int64_t nas_ops_act_flops(int32_t kind) {
    return acts[kind].flops;
}

static nas_status infer_act(const nas_node *n, const nas_shape *in, nas_shape *out) {
    NAS_TRY(nas_ops_want_act(n, n->attr.act.kind));
    for (uint32_t i = 1; i < n->n_in; i++)
        NAS_TRY(nas_ops_want_shape(n, in, i, &in[0]));
    *out = in[0];
    return NAS_OK;
}

static void cost_act(const nas_node *n, const nas_shape *in, nas_cost *c) {
    c->flops = nas_shape_count(&in[0]) * nas_ops_act_flops(n->attr.act.kind);
}

/* The slope costs about the value, and one product more. */
static void cost_act_grad(const nas_node *n, const nas_shape *in, nas_cost *c) {
    c->flops = nas_shape_count(&in[0]) * (nas_ops_act_flops(n->attr.act.kind) + 1);
}

static void ref_act(const nas_node *n, const nas_shape *in_shape, const double *const *in,
                    double *out) {
    int64_t count = nas_shape_count(&in_shape[0]);
    for (int64_t i = 0; i < count; i++)
        out[i] = nas_act_value((nas_act)n->attr.act.kind, in[0][i]);
}

static void ref_act_grad(const nas_node *n, const nas_shape *in_shape, const double *const *in,
                         double *out) {
    int64_t count = nas_shape_count(&in_shape[0]);
    for (int64_t i = 0; i < count; i++)
        out[i] = in[1][i] * nas_act_slope((nas_act)n->attr.act.kind, in[0][i]);
}

static nas_status vjp_act(nas_graph *g, nas_value y, nas_value dy, const bool *want,
                          nas_value *dx) {
    nas_node n = *nas_graph_node(g, y);
    if (!want[0])
        return NAS_OK;
    return NAS_OPS_ADD(&dx[0], g, NAS_OP_ACT_GRAD, &n.attr, n.in[0], dy);
}

static const nas_field act_fields[] = {NAS_OPS_FIELD(act, kind, ACT, 1)};

const nas_op_info nas_op_act = {.name = "act",
                                .min_in = 1,
                                .max_in = 1,
                                NAS_OPS_FIELDS(act_fields),
                                .infer = infer_act,
                                .cost = cost_act,
                                .ref = ref_act,
                                .vjp = vjp_act};

const nas_op_info nas_op_act_grad = {.name = "act_grad",
                                     .min_in = 2,
                                     .max_in = 2,
                                     NAS_OPS_FIELDS(act_fields),
                                     .infer = infer_act,
                                     .cost = cost_act_grad,
                                     .ref = ref_act_grad};
