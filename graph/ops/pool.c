/* graph/ops/pool.c - max and mean over windows with their gradients, and the mean over an image. */
#include "ops.h"

static int64_t out_size(const nas_attr *a, int axis, int64_t in) {
    int64_t room = in + a->conv.pad[2 * axis] + a->conv.pad[2 * axis + 1] - a->conv.kernel[axis];
    return room < 0 ? 0 : room / a->conv.stride[axis] + 1;
}

/* Padding narrower than the window: then no window lies outside the image altogether. */
static nas_status check_attr(const nas_node *n) {
    const nas_attr *a = &n->attr;
    for (int i = 0; i < 2; i++) {
        int32_t kernel = a->conv.kernel[i], before = a->conv.pad[2 * i];
        int32_t behind = a->conv.pad[2 * i + 1];
        if (kernel < 1 || a->conv.stride[i] < 1 || before < 0 || behind < 0 || before >= kernel ||
            behind >= kernel)
            return nas_fail(NAS_E_ARG, "%s: kernel %d, stride %d, pad %d and %d", nas_ops_name(n),
                            kernel, a->conv.stride[i], before, behind);
        if (a->conv.dilation[i] != 1)
            return nas_fail(NAS_E_ARG, "%s: dilation is %d, but a pool's is 1", nas_ops_name(n),
                            a->conv.dilation[i]);
    }
    return nas_ops_want_flag(n, "include_pad", a->conv.include_pad);
}

static nas_status infer(const nas_node *n, const nas_shape *in, nas_shape *out) {
    NAS_TRY(check_attr(n));
    NAS_TRY(nas_ops_want_rank(n, in, 0, 4));
    return nas_ops_set_shape(out, n,
                             (int64_t[]){in[0].dim[0], out_size(&n->attr, 0, in[0].dim[1]),
                                         out_size(&n->attr, 1, in[0].dim[2]), in[0].dim[3]},
                             4);
}

/* Input `i` is dy; the result is the image of attr.conv.size that makes a dy of this size. */
static nas_status infer_dx(nas_shape *out, const nas_node *n, const nas_shape *in, uint32_t i) {
    const nas_attr *a = &n->attr;
    nas_shape x, y;
    NAS_TRY(check_attr(n));
    NAS_TRY(nas_ops_want_rank(n, in, i, 4));
    NAS_TRY(nas_ops_set_shape(
        &x, n, (int64_t[]){in[i].dim[0], a->conv.size[0], a->conv.size[1], in[i].dim[3]}, 4));
    NAS_TRY(infer(n, &x, &y));
    NAS_TRY(nas_ops_want_shape(n, in, i, &y));
    *out = x;
    return NAS_OK;
}

static nas_status infer_max_dx(const nas_node *n, const nas_shape *in, nas_shape *out) {
    nas_shape x;
    NAS_TRY(infer_dx(&x, n, in, 1));
    NAS_TRY(nas_ops_want_shape(n, in, 0, &x));
    *out = x;
    return NAS_OK;
}

static nas_status infer_avg_dx(const nas_node *n, const nas_shape *in, nas_shape *out) {
    return infer_dx(out, n, in, 0);
}

static void cost(const nas_node *n, const nas_shape *in, nas_cost *c) {
    (void)in;
    c->flops = nas_shape_count(&n->shape) * n->attr.conv.kernel[0] * n->attr.conv.kernel[1];
}

/* As many as forward: each window is looked through, or spread, once. dy is the last input. */
static void cost_dx(const nas_node *n, const nas_shape *in, nas_cost *c) {
    const nas_shape *dy = &in[n->n_in - 1];
    c->flops = nas_shape_count(dy) * n->attr.conv.kernel[0] * n->attr.conv.kernel[1];
}

/* What output pixel i covers of an image: rows h0 … h1-1, columns w0 … w1-1 of sample b, channel c.
 */
typedef struct window {
    int64_t b, c, h0, h1, w0, w1;
} window;

static window window_of(const nas_attr *a, const nas_shape *x, const nas_shape *y, int64_t i) {
    window v = {.c = i % y->dim[3], .b = i / y->dim[3] / y->dim[2] / y->dim[1]};
    v.h0 = i / y->dim[3] / y->dim[2] % y->dim[1] * a->conv.stride[0] - a->conv.pad[0];
    v.w0 = i / y->dim[3] % y->dim[2] * a->conv.stride[1] - a->conv.pad[2];
    v.h1 = v.h0 + a->conv.kernel[0];
    v.w1 = v.w0 + a->conv.kernel[1];
    v.h0 = v.h0 < 0 ? 0 : v.h0;
    v.w0 = v.w0 < 0 ? 0 : v.w0;
    v.h1 = v.h1 > x->dim[1] ? x->dim[1] : v.h1;
    v.w1 = v.w1 > x->dim[2] ? x->dim[2] : v.w1;
    return v;
}

static int64_t pixel(const window *v, const nas_shape *x, int64_t h, int64_t w) {
    return ((v->b * x->dim[1] + h) * x->dim[2] + w) * x->dim[3] + v->c;
}

/* Where the window's largest value lies; the first of equals, in the order of (h, w). */
static int64_t largest(const window *v, const nas_shape *shape, const double *x) {
    int64_t best = pixel(v, shape, v->h0, v->w0);
    for (int64_t h = v->h0; h < v->h1; h++)
        for (int64_t w = v->w0; w < v->w1; w++) {
            int64_t at = pixel(v, shape, h, w);
            best = x[at] > x[best] ? at : best;
        }
    return best;
}

static double divisor(const nas_attr *a, const window *v) {
    if (a->conv.include_pad)
        return (double)a->conv.kernel[0] * a->conv.kernel[1];
    return (double)((v->h1 - v->h0) * (v->w1 - v->w0));
}

static void clear(const nas_node *n, double *out) {
    int64_t count = nas_shape_count(&n->shape);
    for (int64_t i = 0; i < count; i++)
        out[i] = 0;
}

static void ref_max(const nas_node *n, const nas_shape *in_shape, const double *const *in,
                    double *out) {
    int64_t count = nas_shape_count(&n->shape);
    for (int64_t i = 0; i < count; i++) {
        window v = window_of(&n->attr, &in_shape[0], &n->shape, i);
        out[i] = in[0][largest(&v, &in_shape[0], in[0])];
    }
}

static void ref_max_dx(const nas_node *n, const nas_shape *in_shape, const double *const *in,
                       double *out) {
    int64_t count = nas_shape_count(&in_shape[1]);
    clear(n, out);
    for (int64_t i = 0; i < count; i++) {
        window v = window_of(&n->attr, &in_shape[0], &in_shape[1], i);
        out[largest(&v, &in_shape[0], in[0])] += in[1][i];
    }
}

static void ref_avg(const nas_node *n, const nas_shape *in_shape, const double *const *in,
                    double *out) {
    int64_t count = nas_shape_count(&n->shape);
    for (int64_t i = 0; i < count; i++) {
        window v = window_of(&n->attr, &in_shape[0], &n->shape, i);
        double sum = 0;
        for (int64_t h = v.h0; h < v.h1; h++)
            for (int64_t w = v.w0; w < v.w1; w++)
                sum += in[0][pixel(&v, &in_shape[0], h, w)];
        out[i] = sum / divisor(&n->attr, &v);
    }
}

static void ref_avg_dx(const nas_node *n, const nas_shape *in_shape, const double *const *in,
                       double *out) {
    int64_t count = nas_shape_count(&in_shape[0]);
    clear(n, out);
    for (int64_t i = 0; i < count; i++) {
        window v = window_of(&n->attr, &n->shape, &in_shape[0], i);
        for (int64_t h = v.h0; h < v.h1; h++)
            for (int64_t w = v.w0; w < v.w1; w++)
                out[pixel(&v, &n->shape, h, w)] += in[0][i] / divisor(&n->attr, &v);
    }
}

static nas_attr sized(const nas_graph *g, const nas_node *n) {
    const nas_shape *x = nas_graph_shape(g, n->in[0]);
    nas_attr a = n->attr;
    a.conv.size[0] = x->dim[1];
    a.conv.size[1] = x->dim[2];
    return a;
}

static nas_status vjp_max(nas_graph *g, nas_value y, nas_value dy, const bool *want,
                          nas_value *dx) {
    nas_node n = *nas_graph_node(g, y);
    nas_attr a = sized(g, &n);
    return want[0] ? NAS_OPS_ADD(&dx[0], g, NAS_OP_MAX_POOL_DX, &a, n.in[0], dy) : NAS_OK;
}

static nas_status vjp_avg(nas_graph *g, nas_value y, nas_value dy, const bool *want,
                          nas_value *dx) {
    nas_node n = *nas_graph_node(g, y);
    nas_attr a = sized(g, &n);
    return want[0] ? NAS_OPS_ADD(&dx[0], g, NAS_OP_AVG_POOL_DX, &a, dy) : NAS_OK;
}

/* ---- global_pool ---- */

static nas_status infer_global(const nas_node *n, const nas_shape *in, nas_shape *out) {
    NAS_TRY(nas_ops_want_axes(n, in, 0, 2));
    return nas_ops_set_shape(out, n, (int64_t[]){in[0].dim[0], nas_ops_last(&in[0])}, 2);
}

static void cost_global(const nas_node *n, const nas_shape *in, nas_cost *c) {
    c->flops = nas_shape_count(&in[0]) + nas_shape_count(&n->shape);
}

static void ref_global(const nas_node *n, const nas_shape *in_shape, const double *const *in,
                       double *out) {
    int64_t width = n->shape.dim[1], count = nas_shape_count(&in_shape[0]);
    int64_t span = count / n->shape.dim[0];
    clear(n, out);
    for (int64_t i = 0; i < count; i++)
        out[i / span * width + i % width] += in[0][i] / (double)(span / width);
}

static nas_status vjp_global(nas_graph *g, nas_value y, nas_value dy, const bool *want,
                             nas_value *dx) {
    nas_node n = *nas_graph_node(g, y);
    nas_shape x = *nas_graph_shape(g, n.in[0]), thin = x;
    nas_value spread;
    int64_t span = nas_shape_count(&x) / nas_shape_count(&n.shape);
    for (int32_t i = 1; i < x.rank - 1; i++)
        thin.dim[i] = 1;
    if (!want[0])
        return NAS_OK;
    NAS_TRY(nas_reshape(&spread, g, dy, thin));
    return nas_expand(&dx[0], g, spread, x, (float)(1.0 / (double)span));
}

/* ---- the objects ---- */

#define GEOMETRY_FIELDS                                                                            \
    NAS_OPS_FIELD(conv, kernel, INT, 2), NAS_OPS_FIELD(conv, stride, INT, 2),                      \
        NAS_OPS_FIELD(conv, dilation, INT, 2), NAS_OPS_FIELD(conv, pad, INT, 4)
static const nas_field max_fields[] = {GEOMETRY_FIELDS};
static const nas_field max_dx_fields[] = {GEOMETRY_FIELDS, NAS_OPS_FIELD(conv, size, INT, 2)};
static const nas_field avg_fields[] = {GEOMETRY_FIELDS, NAS_OPS_FIELD(conv, include_pad, INT, 1)};
static const nas_field avg_dx_fields[] = {GEOMETRY_FIELDS, NAS_OPS_FIELD(conv, include_pad, INT, 1),
                                          NAS_OPS_FIELD(conv, size, INT, 2)};

const nas_op_info nas_op_max_pool = {.name = "max_pool",
                                     .min_in = 1,
                                     .max_in = 1,
                                     NAS_OPS_FIELDS(max_fields),
                                     .infer = infer,
                                     .cost = cost,
                                     .ref = ref_max,
                                     .vjp = vjp_max};

const nas_op_info nas_op_max_pool_dx = {.name = "max_pool_dx",
                                        .min_in = 2,
                                        .max_in = 2,
                                        NAS_OPS_FIELDS(max_dx_fields),
                                        .infer = infer_max_dx,
                                        .cost = cost_dx,
                                        .ref = ref_max_dx};

const nas_op_info nas_op_avg_pool = {.name = "avg_pool",
                                     .min_in = 1,
                                     .max_in = 1,
                                     NAS_OPS_FIELDS(avg_fields),
                                     .infer = infer,
                                     .cost = cost,
                                     .ref = ref_avg,
                                     .vjp = vjp_avg};

const nas_op_info nas_op_avg_pool_dx = {.name = "avg_pool_dx",
                                        .min_in = 1,
                                        .max_in = 1,
                                        NAS_OPS_FIELDS(avg_dx_fields),
                                        .infer = infer_avg_dx,
                                        .cost = cost_dx,
                                        .ref = ref_avg_dx};

const nas_op_info nas_op_global_pool = {.name = "global_pool",
                                        .min_in = 1,
                                        .max_in = 1,
                                        .infer = infer_global,
                                        .cost = cost_global,
                                        .ref = ref_global,
                                        .vjp = vjp_global};
