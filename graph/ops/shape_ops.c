/* graph/ops/shape_ops.c - ops that move values without computing: reshape, transpose, concat, slice
 * and pad. */
#include "ops.h"

/* ---- reshape ---- */

static nas_status infer_reshape(const nas_node *n, const nas_shape *in, nas_shape *out) {
    char from[NAS_SHAPE_TEXT], to[NAS_SHAPE_TEXT];
    NAS_TRY(nas_ops_check_shape(n, &n->attr.shape.shape));
    if (nas_shape_count(&in[0]) != nas_shape_count(&n->attr.shape.shape))
        return nas_fail(NAS_E_SHAPE, "reshape: %s and %s differ in elements",
                        nas_shape_text(from, &in[0], 0),
                        nas_shape_text(to, &n->attr.shape.shape, 0));
    *out = n->attr.shape.shape;
    return NAS_OK;
}

static void ref_reshape(const nas_node *n, const nas_shape *in_shape, const double *const *in,
                        double *out) {
    (void)n;
    int64_t count = nas_shape_count(&in_shape[0]);
    for (int64_t i = 0; i < count; i++)
        out[i] = in[0][i];
}

static nas_status vjp_reshape(nas_graph *g, nas_value y, nas_value dy, const bool *want,
                              nas_value *dx) {
    nas_value x = nas_graph_node(g, y)->in[0];
    return want[0] ? nas_reshape(&dx[0], g, dy, *nas_graph_shape(g, x)) : NAS_OK;
}

/* ---- front ---- */

static nas_status infer_front(const nas_node *n, const nas_shape *in, nas_shape *out) {
    char from[NAS_SHAPE_TEXT], to[NAS_SHAPE_TEXT];
    NAS_TRY(nas_ops_check_shape(n, &n->attr.shape.shape));
    if (nas_shape_count(&in[0]) < nas_shape_count(&n->attr.shape.shape))
        return nas_fail(NAS_E_SHAPE, "front: %s has fewer elements than %s",
                        nas_shape_text(from, &in[0], 0),
                        nas_shape_text(to, &n->attr.shape.shape, 0));
    *out = n->attr.shape.shape;
    return NAS_OK;
}

static void ref_front(const nas_node *n, const nas_shape *in_shape, const double *const *in,
                      double *out) {
    (void)in_shape;
    int64_t count = nas_shape_count(&n->shape);
    for (int64_t i = 0; i < count; i++)
        out[i] = in[0][i];
}

/* ---- transpose ---- */

static nas_status infer_transpose(const nas_node *n, const nas_shape *in, nas_shape *out) {
    const int32_t *perm = n->attr.transpose.perm;
    bool taken[NAS_MAX_RANK] = {false};
    nas_shape s = {.rank = in[0].rank};
    for (int32_t i = 0; i < NAS_MAX_RANK; i++) {
        bool right = i < s.rank ? perm[i] >= 0 && perm[i] < s.rank && !taken[perm[i]] : !perm[i];
        if (!right)
            return nas_fail(NAS_E_ARG, "transpose: perm[%d] = %d is no axis of rank %d, or twice",
                            i, perm[i], s.rank);
        if (i < s.rank) {
            taken[perm[i]] = true;
            s.dim[i] = in[0].dim[perm[i]];
        }
    }
    *out = s;
    return NAS_OK;
}

static void ref_transpose(const nas_node *n, const nas_shape *in_shape, const double *const *in,
                          double *out) {
    nas_ops_steps s = {{0}};
    int64_t step[NAS_MAX_RANK], count = nas_shape_count(&n->shape), run = 1;
    for (int32_t i = in_shape[0].rank - 1; i >= 0; i--) {
        step[i] = run;
        run *= in_shape[0].dim[i];
    }
    for (int32_t i = 0; i < n->shape.rank; i++)
        s.step[i] = step[n->attr.transpose.perm[i]];
    for (int64_t i = 0; i < count; i++)
        out[i] = in[0][nas_ops_locate(&n->shape, &s, i)];
}

static nas_status vjp_transpose(nas_graph *g, nas_value y, nas_value dy, const bool *want,
                                nas_value *dx) {
    nas_node n = *nas_graph_node(g, y);
    int32_t back[NAS_MAX_RANK] = {0};
    for (int32_t i = 0; i < n.shape.rank; i++)
        back[n.attr.transpose.perm[i]] = i;
    return want[0] ? nas_transpose(&dx[0], g, dy, back) : NAS_OK;
}

/* ---- concat, slice, pad: a tensor seen as [outer, axis, inner] ---- */

typedef struct slab {
    int64_t outer, axis, inner;
} slab;

static slab slab_of(const nas_shape *s, int32_t axis) {
    slab b = {1, s->dim[axis], 1};
    for (int32_t i = 0; i < axis; i++)
        b.outer *= s->dim[i];
    for (int32_t i = axis + 1; i < s->rank; i++)
        b.inner *= s->dim[i];
    return b;
}

static nas_status want_axis(const nas_node *n, const nas_shape *in) {
    int32_t axis = n->attr.axis.axis;
    if (axis >= 0 && axis < in[0].rank)
        return NAS_OK;
    return nas_fail(NAS_E_ARG, "%s: axis %d does not exist in rank %d", nas_ops_name(n), axis,
                    in[0].rank);
}

/* The first input's shape with another size along the axis. */
static nas_status resized(nas_shape *out, const nas_node *n, const nas_shape *in, int64_t size) {
    int64_t dim[NAS_MAX_RANK];
    for (int32_t i = 0; i < in[0].rank; i++)
        dim[i] = i == n->attr.axis.axis ? size : in[0].dim[i];
    return nas_ops_set_shape(out, n, dim, in[0].rank);
}

/* Copies axis positions 0 … len-1 of src, from src_at on, to dst_at on. */
static void copy_slab(double *dst, slab d, int64_t dst_at, const double *src, slab s,
                      int64_t src_at, int64_t len) {
    for (int64_t o = 0; o < d.outer; o++)
        for (int64_t a = 0; a < len; a++)
            for (int64_t i = 0; i < d.inner; i++)
                dst[(o * d.axis + dst_at + a) * d.inner + i] =
                    src[(o * s.axis + src_at + a) * s.inner + i];
}

static nas_status infer_concat(const nas_node *n, const nas_shape *in, nas_shape *out) {
    int64_t size = 0;
    NAS_TRY(want_axis(n, in));
    for (uint32_t i = 0; i < n->n_in; i++) {
        nas_shape like = in[0];
        NAS_TRY(nas_ops_want_rank(n, in, i, in[0].rank));
        like.dim[n->attr.axis.axis] = in[i].dim[n->attr.axis.axis];
        NAS_TRY(nas_ops_want_shape(n, in, i, &like));
        size += like.dim[n->attr.axis.axis];
    }
    return resized(out, n, in, size);
}

static void ref_concat(const nas_node *n, const nas_shape *in_shape, const double *const *in,
                       double *out) {
    slab d = slab_of(&n->shape, n->attr.axis.axis);
    int64_t at = 0;
    for (uint32_t i = 0; i < n->n_in; i++) {
        slab s = slab_of(&in_shape[i], n->attr.axis.axis);
        copy_slab(out, d, at, in[i], s, 0, s.axis);
        at += s.axis;
    }
}

static nas_status vjp_concat(nas_graph *g, nas_value y, nas_value dy, const bool *want,
                             nas_value *dx) {
    nas_node n = *nas_graph_node(g, y);
    int32_t axis = n.attr.axis.axis, at = 0;
    for (uint32_t i = 0; i < n.n_in; i++) {
        int32_t size = nas_graph_shape(g, n.in[i])->dim[axis];
        if (want[i])
            NAS_TRY(nas_slice(&dx[i], g, dy, axis, at, at + size));
        at += size;
    }
    return NAS_OK;
}

static nas_status infer_slice(const nas_node *n, const nas_shape *in, nas_shape *out) {
    int32_t begin = n->attr.axis.begin, end = n->attr.axis.end;
    NAS_TRY(want_axis(n, in));
    if (begin < 0 || begin >= end || end > in[0].dim[n->attr.axis.axis])
        return nas_fail(NAS_E_SHAPE, "slice: %d to %d is no part of axis %d, which has %d", begin,
                        end, n->attr.axis.axis, in[0].dim[n->attr.axis.axis]);
    return resized(out, n, in, end - begin);
}

/* Reads its part only. */
static void cost_slice(const nas_node *n, const nas_shape *in, nas_cost *c) {
    (void)n, (void)in;
    c->bytes_read = c->bytes_written;
}

static void ref_slice(const nas_node *n, const nas_shape *in_shape, const double *const *in,
                      double *out) {
    slab d = slab_of(&n->shape, n->attr.axis.axis), s = slab_of(&in_shape[0], n->attr.axis.axis);
    copy_slab(out, d, 0, in[0], s, n->attr.axis.begin, d.axis);
}

static nas_status vjp_slice(nas_graph *g, nas_value y, nas_value dy, const bool *want,
                            nas_value *dx) {
    nas_node n = *nas_graph_node(g, y);
    int32_t axis = n.attr.axis.axis, size = nas_graph_shape(g, n.in[0])->dim[axis];
    if (!want[0])
        return NAS_OK;
    return nas_pad(&dx[0], g, dy, axis, n.attr.axis.begin, size - n.attr.axis.end);
}

static nas_status infer_pad(const nas_node *n, const nas_shape *in, nas_shape *out) {
    int32_t before = n->attr.axis.begin, behind = n->attr.axis.end;
    NAS_TRY(want_axis(n, in));
    if (before < 0 || behind < 0)
        return nas_fail(NAS_E_SHAPE, "pad: %d before and %d behind: neither may be negative",
                        before, behind);
    return resized(out, n, in, (int64_t)before + in[0].dim[n->attr.axis.axis] + behind);
}

static void ref_pad(const nas_node *n, const nas_shape *in_shape, const double *const *in,
                    double *out) {
    slab d = slab_of(&n->shape, n->attr.axis.axis), s = slab_of(&in_shape[0], n->attr.axis.axis);
    int64_t count = nas_shape_count(&n->shape);
    for (int64_t i = 0; i < count; i++)
        out[i] = 0;
    copy_slab(out, d, n->attr.axis.begin, in[0], s, 0, s.axis);
}

static nas_status vjp_pad(nas_graph *g, nas_value y, nas_value dy, const bool *want,
                          nas_value *dx) {
    nas_node n = *nas_graph_node(g, y);
    int32_t axis = n.attr.axis.axis, begin = n.attr.axis.begin;
    if (!want[0])
        return NAS_OK;
    return nas_slice(&dx[0], g, dy, axis, begin, begin + nas_graph_shape(g, n.in[0])->dim[axis]);
}

/* ---- the objects ---- */

static const nas_field reshape_fields[] = {NAS_OPS_FIELD(shape, shape, SHAPE, 1)};
static const nas_field transpose_fields[] = {NAS_OPS_FIELD(transpose, perm, INT, NAS_MAX_RANK)};
static const nas_field concat_fields[] = {NAS_OPS_FIELD(axis, axis, INT, 1)};
static const nas_field range_fields[] = {NAS_OPS_FIELD(axis, axis, INT, 1),
                                         NAS_OPS_FIELD(axis, begin, INT, 1),
                                         NAS_OPS_FIELD(axis, end, INT, 1)};

const nas_op_info nas_op_reshape = {.name = "reshape",
                                    .min_in = 1,
                                    .max_in = 1,
                                    .flags = NAS_OPF_ALIAS,
                                    NAS_OPS_FIELDS(reshape_fields),
                                    .infer = infer_reshape,
                                    .cost = nas_ops_cost_none,
                                    .ref = ref_reshape,
                                    .vjp = vjp_reshape};

const nas_op_info nas_op_front = {.name = "front",
                                  .min_in = 1,
                                  .max_in = 1,
                                  .flags = NAS_OPF_ALIAS,
                                  NAS_OPS_FIELDS(reshape_fields),
                                  .infer = infer_front,
                                  .cost = nas_ops_cost_none,
                                  .ref = ref_front};

const nas_op_info nas_op_transpose = {.name = "transpose",
                                      .min_in = 1,
                                      .max_in = 1,
                                      NAS_OPS_FIELDS(transpose_fields),
                                      .infer = infer_transpose,
                                      .cost = nas_ops_cost_none,
                                      .ref = ref_transpose,
                                      .vjp = vjp_transpose};

const nas_op_info nas_op_concat = {.name = "concat",
                                   .min_in = 1,
                                   .max_in = NAS_MAX_IN,
                                   NAS_OPS_FIELDS(concat_fields),
                                   .infer = infer_concat,
                                   .cost = nas_ops_cost_none,
                                   .ref = ref_concat,
                                   .vjp = vjp_concat};

const nas_op_info nas_op_slice = {.name = "slice",
                                  .min_in = 1,
                                  .max_in = 1,
                                  NAS_OPS_FIELDS(range_fields),
                                  .infer = infer_slice,
                                  .cost = cost_slice,
                                  .ref = ref_slice,
                                  .vjp = vjp_slice};

const nas_op_info nas_op_pad = {.name = "pad",
                                .min_in = 1,
                                .max_in = 1,
                                NAS_OPS_FIELDS(range_fields),
                                .infer = infer_pad,
                                .cost = nas_ops_cost_none,
                                .ref = ref_pad,
                                .vjp = vjp_pad};
