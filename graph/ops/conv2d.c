/* graph/ops/conv2d.c - two-dimensional convolution with its epilogue, and its two gradients.
 *
 * Letters: x [N,H,W,C], w [R,S,D,K] with D = C/groups, y [N,P,Q,K]. Output channel k belongs to
 * group k / (K/groups) and sees the D input channels from group * D on.
 */
#include "ops.h"

typedef struct sizes {
    int64_t n, h, w, c, r, s, d, k, p, q;
} sizes;

static int64_t out_size(const nas_attr *a, int axis, int64_t in) {
    int64_t span = (int64_t)a->conv.dilation[axis] * (a->conv.kernel[axis] - 1) + 1;
    int64_t room = in + a->conv.pad[2 * axis] + a->conv.pad[2 * axis + 1] - span;
    return room < 0 ? 0 : room / a->conv.stride[axis] + 1;
}

/* Attributes alone: what every one of the three ops asks of them. */
static nas_status check_attr(const nas_node *n) {
    const nas_attr *a = &n->attr;
    for (int i = 0; i < 2; i++)
        if (a->conv.kernel[i] < 1 || a->conv.stride[i] < 1 || a->conv.dilation[i] < 1 ||
            a->conv.pad[2 * i] < 0 || a->conv.pad[2 * i + 1] < 0)
            return nas_fail(NAS_E_ARG, "%s: kernel %d, stride %d, dilation %d, pad %d and %d",
                            nas_ops_name(n), a->conv.kernel[i], a->conv.stride[i],
                            a->conv.dilation[i], a->conv.pad[2 * i], a->conv.pad[2 * i + 1]);
    if (a->conv.groups < 1)
        return nas_fail(NAS_E_ARG, "%s: %d groups", nas_ops_name(n), a->conv.groups);
    NAS_TRY(nas_ops_want_act(n, a->conv.act));
    NAS_TRY(nas_ops_want_flag(n, "bias", a->conv.bias));
    return nas_ops_want_flag(n, "residual", a->conv.residual);
}

static nas_status check_groups(const nas_node *n, int64_t c, int64_t k) {
    int32_t groups = n->attr.conv.groups;
    if (c % groups == 0 && k % groups == 0)
        return NAS_OK;
    return nas_fail(NAS_E_SHAPE, "%s: %d groups do not divide %lld and %lld channels",
                    nas_ops_name(n), groups, (long long)c, (long long)k);
}

static sizes sizes_of(const nas_shape *x, const nas_shape *w, const nas_shape *y) {
    return (sizes){x->dim[0], x->dim[1], x->dim[2], x->dim[3], w->dim[0],
                   w->dim[1], w->dim[2], w->dim[3], y->dim[1], y->dim[2]};
}

static nas_status infer(const nas_node *n, const nas_shape *in, nas_shape *out) {
    const nas_attr *a = &n->attr;
    uint32_t need = 2;
    nas_shape y;
    NAS_TRY(check_attr(n));
    need += (uint32_t)(a->conv.bias + a->conv.residual);
    if (n->n_in != need)
        return nas_fail(NAS_E_ARG, "conv2d: %u inputs where bias %d and residual %d make it %u",
                        n->n_in, a->conv.bias, a->conv.residual, need);
    NAS_TRY(nas_ops_want_rank(n, in, 0, 4));
    NAS_TRY(nas_ops_want_rank(n, in, 1, 4));
    NAS_TRY(check_groups(n, in[0].dim[3], in[1].dim[3]));
    nas_shape w = NAS_SHAPE(a->conv.kernel[0], a->conv.kernel[1], in[0].dim[3] / a->conv.groups,
                            in[1].dim[3]);
    NAS_TRY(nas_ops_want_shape(n, in, 1, &w));
    NAS_TRY(nas_ops_set_shape(&y, n,
                              (int64_t[]){in[0].dim[0], out_size(a, 0, in[0].dim[1]),
                                          out_size(a, 1, in[0].dim[2]), in[1].dim[3]},
                              4));
    if (a->conv.bias) {
        nas_shape bias = NAS_SHAPE(y.dim[3]);
        NAS_TRY(nas_ops_want_shape(n, in, 2, &bias));
    }
    if (a->conv.residual)
        NAS_TRY(nas_ops_want_shape(n, in, need - 1, &y));
    *out = y;
    return NAS_OK;
}

/* dy must be what the convolution makes of an h by w image. */
static nas_status check_dy(const nas_node *n, const nas_shape *dy, int64_t h, int64_t w) {
    int64_t p = out_size(&n->attr, 0, h), q = out_size(&n->attr, 1, w);
    if (dy->dim[1] == p && dy->dim[2] == q)
        return NAS_OK;
    return nas_fail(NAS_E_SHAPE, "%s: dy is %dx%d where %lldx%lld makes %lldx%lld", nas_ops_name(n),
                    dy->dim[1], dy->dim[2], (long long)h, (long long)w, (long long)p, (long long)q);
}

static nas_status infer_dx(const nas_node *n, const nas_shape *in, nas_shape *out) {
    const nas_attr *a = &n->attr;
    NAS_TRY(check_attr(n));
    NAS_TRY(nas_ops_want_rank(n, in, 0, 4));
    NAS_TRY(nas_ops_want_rank(n, in, 1, 4));
    NAS_TRY(check_groups(n, a->conv.groups, in[1].dim[3]));
    nas_shape w = NAS_SHAPE(a->conv.kernel[0], a->conv.kernel[1], in[1].dim[2], in[0].dim[3]);
    NAS_TRY(nas_ops_want_shape(n, in, 1, &w));
    NAS_TRY(check_dy(n, &in[0], a->conv.size[0], a->conv.size[1]));
    return nas_ops_set_shape(out, n,
                             (int64_t[]){in[0].dim[0], a->conv.size[0], a->conv.size[1],
                                         (int64_t)in[1].dim[2] * a->conv.groups},
                             4);
}

static nas_status infer_dw(const nas_node *n, const nas_shape *in, nas_shape *out) {
    const nas_attr *a = &n->attr;
    NAS_TRY(check_attr(n));
    NAS_TRY(nas_ops_want_rank(n, in, 0, 4));
    NAS_TRY(nas_ops_want_rank(n, in, 1, 4));
    NAS_TRY(check_groups(n, in[0].dim[3], in[1].dim[3]));
    NAS_TRY(check_dy(n, &in[1], in[0].dim[1], in[0].dim[2]));
    nas_shape dy = in[1];
    dy.dim[0] = in[0].dim[0];
    NAS_TRY(nas_ops_want_shape(n, in, 1, &dy));
    return nas_ops_set_shape(out, n,
                             (int64_t[]){a->conv.kernel[0], a->conv.kernel[1],
                                         in[0].dim[3] / a->conv.groups, in[1].dim[3]},
                             4);
}

static void cost(const nas_node *n, const nas_shape *in, nas_cost *c) {
    int64_t count = nas_shape_count(&n->shape);
    int64_t extra = n->attr.conv.bias + n->attr.conv.residual + nas_ops_act_flops(n->attr.conv.act);
    c->macs = count * (nas_shape_count(&in[1]) / in[1].dim[3]);
    c->flops = 2 * c->macs + count * extra;
}

static void cost_dx(const nas_node *n, const nas_shape *in, nas_cost *c) {
    (void)n;
    c->macs = nas_shape_count(&in[0]) * (nas_shape_count(&in[1]) / in[1].dim[3]);
    c->flops = 2 * c->macs;
}

static void cost_dw(const nas_node *n, const nas_shape *in, nas_cost *c) {
    c->macs = nas_shape_count(&in[1]) * (nas_shape_count(&n->shape) / n->shape.dim[3]);
    c->flops = 2 * c->macs;
}

/* The product x[xi] w[wi] is part of y[yi]: the three ops are one loop over these triples. */
typedef void visit_fn(const double *const *in, double *out, int64_t xi, int64_t wi, int64_t yi);

/* All taps of the output pixel (b, p, q), for every channel. */
static void visit_pixel(visit_fn *visit, const nas_attr *a, const sizes *z, int64_t b, int64_t p,
                        int64_t q, const double *const *in, double *out) {
    int64_t per_group = z->k / a->conv.groups;
    for (int64_t r = 0; r < z->r; r++)
        for (int64_t s = 0; s < z->s; s++) {
            int64_t h = p * a->conv.stride[0] - a->conv.pad[0] + r * a->conv.dilation[0];
            int64_t w = q * a->conv.stride[1] - a->conv.pad[2] + s * a->conv.dilation[1];
            if (h < 0 || h >= z->h || w < 0 || w >= z->w)
                continue;
            for (int64_t d = 0; d < z->d; d++)
                for (int64_t k = 0; k < z->k; k++)
                    visit(in, out, ((b * z->h + h) * z->w + w) * z->c + k / per_group * z->d + d,
                          ((r * z->s + s) * z->d + d) * z->k + k,
                          ((b * z->p + p) * z->q + q) * z->k + k);
        }
}

static void visit_all(visit_fn *visit, const nas_attr *a, const sizes *z, const double *const *in,
                      double *out) {
    for (int64_t b = 0; b < z->n; b++)
        for (int64_t p = 0; p < z->p; p++)
            for (int64_t q = 0; q < z->q; q++)
                visit_pixel(visit, a, z, b, p, q, in, out);
}

static void add_y(const double *const *in, double *out, int64_t xi, int64_t wi, int64_t yi) {
    out[yi] += in[0][xi] * in[1][wi];
}

static void add_dx(const double *const *in, double *out, int64_t xi, int64_t wi, int64_t yi) {
    out[xi] += in[0][yi] * in[1][wi];
}

static void add_dw(const double *const *in, double *out, int64_t xi, int64_t wi, int64_t yi) {
    out[wi] += in[0][xi] * in[1][yi];
}

static void clear(const nas_node *n, double *out) {
    int64_t count = nas_shape_count(&n->shape);
    for (int64_t i = 0; i < count; i++)
        out[i] = 0;
}

static void ref(const nas_node *n, const nas_shape *in_shape, const double *const *in,
                double *out) {
    const nas_attr *a = &n->attr;
    sizes z = sizes_of(&in_shape[0], &in_shape[1], &n->shape);
    int64_t count = nas_shape_count(&n->shape);
    clear(n, out);
    visit_all(add_y, a, &z, in, out);
    for (int64_t i = 0; i < count; i++) {
        double v = out[i];
        if (a->conv.bias)
            v += in[2][i % z.k];
        if (a->conv.residual)
            v += in[n->n_in - 1][i];
        out[i] = nas_act_value((nas_act)a->conv.act, v);
    }
}

static void ref_dx(const nas_node *n, const nas_shape *in_shape, const double *const *in,
                   double *out) {
    sizes z = sizes_of(&n->shape, &in_shape[1], &in_shape[0]);
    clear(n, out);
    visit_all(add_dx, &n->attr, &z, in, out);
}

static void ref_dw(const nas_node *n, const nas_shape *in_shape, const double *const *in,
                   double *out) {
    sizes z = sizes_of(&in_shape[0], &n->shape, &in_shape[1]);
    clear(n, out);
    visit_all(add_dw, &n->attr, &z, in, out);
}

static nas_status vjp(nas_graph *g, nas_value y, nas_value dy, const bool *want, nas_value *dx) {
    nas_node n = *nas_graph_node(g, y);
    nas_attr a = n.attr;
    const nas_shape *x = nas_graph_shape(g, n.in[0]);
    int32_t h = x->dim[1], w = x->dim[2];
    if (a.conv.act != NAS_ACT_NONE)
        return nas_fail(NAS_E_GRAPH, "conv2d: no gradient through the fused activation %s",
                        nas_act_name((nas_act)a.conv.act));
    a.conv.bias = a.conv.residual = 0;
    a.conv.size[0] = a.conv.size[1] = 0;
    if (want[1])
        NAS_TRY(NAS_OPS_ADD(&dx[1], g, NAS_OP_CONV2D_DW, &a, n.in[0], dy));
    a.conv.size[0] = h;
    a.conv.size[1] = w;
    if (want[0])
        NAS_TRY(NAS_OPS_ADD(&dx[0], g, NAS_OP_CONV2D_DX, &a, dy, n.in[1]));
    if (n.attr.conv.bias && want[2])
        NAS_TRY(nas_sum_to(&dx[2], g, dy, NAS_SHAPE(n.shape.dim[3]), 1));
    if (n.attr.conv.residual && want[n.n_in - 1])
        dx[n.n_in - 1] = dy;
    return NAS_OK;
}

#define GEOMETRY_FIELDS                                                                            \
    NAS_OPS_FIELD(conv, kernel, INT, 2), NAS_OPS_FIELD(conv, stride, INT, 2),                      \
        NAS_OPS_FIELD(conv, dilation, INT, 2), NAS_OPS_FIELD(conv, pad, INT, 4),                   \
        NAS_OPS_FIELD(conv, groups, INT, 1)
static const nas_field fields[] = {GEOMETRY_FIELDS, NAS_OPS_FIELD(conv, act, ACT, 1),
                                   NAS_OPS_FIELD(conv, bias, INT, 1),
                                   NAS_OPS_FIELD(conv, residual, INT, 1)};
static const nas_field dx_fields[] = {GEOMETRY_FIELDS, NAS_OPS_FIELD(conv, size, INT, 2)};
static const nas_field dw_fields[] = {GEOMETRY_FIELDS};

const nas_op_info nas_op_conv2d = {.name = "conv2d",
                                   .min_in = 2,
                                   .max_in = 4,
                                   NAS_OPS_FIELDS(fields),
                                   .infer = infer,
                                   .cost = cost,
                                   .ref = ref,
                                   .vjp = vjp};

const nas_op_info nas_op_conv2d_dx = {.name = "conv2d_dx",
                                      .min_in = 2,
                                      .max_in = 2,
                                      NAS_OPS_FIELDS(dx_fields),
                                      .infer = infer_dx,
                                      .cost = cost_dx,
                                      .ref = ref_dx};

const nas_op_info nas_op_conv2d_dw = {.name = "conv2d_dw",
                                      .min_in = 2,
                                      .max_in = 2,
                                      NAS_OPS_FIELDS(dw_fields),
                                      .infer = infer_dw,
                                      .cost = cost_dw,
                                      .ref = ref_dw};
