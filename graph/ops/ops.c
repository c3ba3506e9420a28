/* graph/ops/ops.c - helpers of the ops: checks of shapes and attributes, broadcast indices. */
#include "ops.h"

#include <math.h>

const char *nas_ops_name(const nas_node *n) {
    return nas_op_get(n->op)->name;
}

static nas_status too_many(const nas_node *n, const int64_t *dim, int32_t rank) {
    nas_text t = {0};
    double count = 1;
    for (int32_t i = 0; i < rank; i++) {
        nas_text_add(&t, "%s%lld", i ? "x" : "", (long long)dim[i]);
        count *= (double)dim[i];
    }
    nas_status st =
        nas_fail(NAS_E_SHAPE, "%s: the result would be %s, %.3g elements of at most 2^31-1%s",
                 nas_ops_name(n), nas_text_str(&t), count,
                 rank > 1 && dim[0] > 1 ? " (N is the first: a smaller batch needs less)" : "");
    nas_text_free(&t);
    return st;
}

nas_status nas_ops_set_shape(nas_shape *out, const nas_node *n, const int64_t *dim, int32_t rank) {
    nas_shape s = {.rank = rank};
    int64_t count = 1;
    if (rank < 0 || rank > NAS_MAX_RANK)
        return nas_fail(NAS_E_SHAPE, "%s: rank %d is outside 0 to %d", nas_ops_name(n), rank,
                        NAS_MAX_RANK);
    for (int32_t i = 0; i < rank; i++) {
        if (dim[i] < 1)
            return nas_fail(NAS_E_SHAPE, "%s: dimension %d of the result would be %lld",
                            nas_ops_name(n), i, (long long)dim[i]);
        if (dim[i] > INT32_MAX || count > INT32_MAX / dim[i])
            return too_many(n, dim, rank);
        s.dim[i] = (int32_t)dim[i];
        count *= dim[i];
    }
    *out = s;
    return NAS_OK;
}

nas_status nas_ops_check_shape(const nas_node *n, const nas_shape *s) {
    int64_t dim[NAS_MAX_RANK];
    nas_shape same;
    for (int32_t i = 0; i < NAS_MAX_RANK; i++)
        dim[i] = s->dim[i];
    NAS_TRY(nas_ops_set_shape(&same, n, dim, s->rank));
    return nas_shape_equal(&same, s)
               ? NAS_OK
               : nas_fail(NAS_E_SHAPE, "%s: dimensions behind rank %d are set", nas_ops_name(n),
                          s->rank);
}

nas_status nas_ops_want_rank(const nas_node *n, const nas_shape *in, uint32_t i, int32_t rank) {
    char text[NAS_SHAPE_TEXT];
    if (in[i].rank == rank)
        return NAS_OK;
    return nas_fail(NAS_E_SHAPE, "%s: input %u is %s, of rank %d where %d is needed",
                    nas_ops_name(n), i, nas_shape_text(text, &in[i], 0), in[i].rank, rank);
}

nas_status nas_ops_want_axes(const nas_node *n, const nas_shape *in, uint32_t i, int32_t least) {
    char text[NAS_SHAPE_TEXT];
    if (in[i].rank >= least)
        return NAS_OK;
    return nas_fail(NAS_E_SHAPE, "%s: input %u is %s, of rank %d where %d or more is needed",
                    nas_ops_name(n), i, nas_shape_text(text, &in[i], 0), in[i].rank, least);
}

nas_status nas_ops_want_shape(const nas_node *n, const nas_shape *in, uint32_t i,
                              const nas_shape *want) {
    char have_text[NAS_SHAPE_TEXT], want_text[NAS_SHAPE_TEXT];
    if (nas_shape_equal(&in[i], want))
        return NAS_OK;
    return nas_fail(NAS_E_SHAPE, "%s: input %u is %s where %s is needed", nas_ops_name(n), i,
                    nas_shape_text(have_text, &in[i], 0), nas_shape_text(want_text, want, 0));
}

nas_status nas_ops_want_flag(const nas_node *n, const char *what, int32_t flag) {
    if (flag == 0 || flag == 1)
        return NAS_OK;
    return nas_fail(NAS_E_ARG, "%s: %s is %d, neither 0 nor 1", nas_ops_name(n), what, flag);
}

nas_status nas_ops_want_act(const nas_node *n, int32_t kind) {
    if (kind >= 0 && kind < NAS_ACT_COUNT)
        return NAS_OK;
    return nas_fail(NAS_E_ARG, "%s: no activation has number %d", nas_ops_name(n), kind);
}

nas_status nas_ops_want_real(const nas_node *n, const char *what, float v, float min, float max) {
    if (v >= min && v < max)
        return NAS_OK;
    return nas_fail(NAS_E_ARG, "%s: %s is %g, outside %g to below %g", nas_ops_name(n), what,
                    (double)v, (double)min, (double)max);
}

nas_status nas_ops_want_spread(const nas_node *n, const nas_shape *big, const nas_shape *small) {
    char big_text[NAS_SHAPE_TEXT], small_text[NAS_SHAPE_TEXT];
    int32_t lead = big->rank - small->rank;
    bool fits = lead >= 0;
    for (int32_t i = 0; fits && i < small->rank; i++)
        fits = small->dim[i] == 1 || small->dim[i] == big->dim[lead + i];
    if (fits)
        return NAS_OK;
    return nas_fail(NAS_E_SHAPE, "%s: %s does not spread over %s", nas_ops_name(n),
                    nas_shape_text(small_text, small, 0), nas_shape_text(big_text, big, 0));
}

nas_ops_steps nas_ops_spread(const nas_shape *big, const nas_shape *small) {
    nas_ops_steps s = {{0}};
    int64_t step = 1;
    for (int32_t i = small->rank - 1; i >= 0; i--) {
        if (small->dim[i] != 1)
            s.step[big->rank - small->rank + i] = step;
        step *= small->dim[i];
    }
    return s;
}

int64_t nas_ops_locate(const nas_shape *big, const nas_ops_steps *s, int64_t flat) {
    int64_t at = 0;
    for (int32_t i = big->rank - 1; i >= 0; i--) {
        at += flat % big->dim[i] * s->step[i];
        flat /= big->dim[i];
    }
    return at;
}

nas_status nas_ops_infer_as_in0(const nas_node *n, const nas_shape *in, nas_shape *out) {
    (void)n;
    *out = in[0];
    return NAS_OK;
}

void nas_ops_cost_none(const nas_node *n, const nas_shape *in, nas_cost *c) {
    (void)n, (void)in;
    c->macs = c->flops = 0;
}

nas_status nas_ops_row(nas_value *dx, nas_graph *g, nas_value pair, int32_t row) {
    nas_value one;
    int32_t width = nas_graph_shape(g, pair)->dim[1];
    NAS_TRY(nas_slice(&one, g, pair, 0, row, row + 1));
    return nas_reshape(dx, g, one, NAS_SHAPE(width));
}
