/* graph/ops/ops.h - what the files of graph/ops/ share: the op objects and helpers for shapes.
 *
 * An op is one nas_op_info object; an op and its gradient ops stand in one file. infer sees a node
 * whose number of inputs lies in min_in … max_in; everything else, attributes included, may be
 * anything at all, for the text reader hands in what a file says.
 */
#ifndef NAS_GRAPH_OPS_H
#define NAS_GRAPH_OPS_H

#include <nas/graph.h>

#define NAS_OP(symbol, name) extern const nas_op_info nas_op_##name;
#include <nas/ops.def>
#undef NAS_OP

/* A row of a field table: NAS_OPS_FIELD(conv, kernel, INT, 2). */
#define NAS_OPS_FIELD(part, member, type, n)                                                       \
    {                                                                                              \
        .name = #member, .offset = offsetof(nas_attr, part.member), .kind = NAS_FIELD_##type,      \
        .count = (n)                                                                               \
    }
#define NAS_OPS_FIELDS(table) .fields = (table), .n_fields = sizeof(table) / sizeof((table)[0])

/* Appends a node whose inputs are the values listed. */
#define NAS_OPS_ADD(out, g, op, attr, ...)                                                         \
    nas_graph_add((out), (g), (op), (const nas_value[]){__VA_ARGS__},                              \
                  (uint32_t)(sizeof((nas_value[]){__VA_ARGS__}) / sizeof(nas_value)), (attr))

/* The op's name, for error lines. */
const char *nas_ops_name(const nas_node *n);

/* *out = dim, or E_SHAPE when a dimension is below 1 or the elements exceed 2^31-1. */
nas_status nas_ops_set_shape(nas_shape *out, const nas_node *n, const int64_t *dim,
                             int32_t rank) NAS_MUST_USE;
/* Is s a shape by the rules of nas_shape? For shapes that stand in attributes. */
nas_status nas_ops_check_shape(const nas_node *n, const nas_shape *s) NAS_MUST_USE;

/* E_SHAPE unless input i has this rank / is exactly this shape. */
nas_status nas_ops_want_rank(const nas_node *n, const nas_shape *in, uint32_t i,
                             int32_t rank) NAS_MUST_USE;
nas_status nas_ops_want_shape(const nas_node *n, const nas_shape *in, uint32_t i,
                              const nas_shape *want) NAS_MUST_USE;
/* E_SHAPE unless input i has at least this rank. */
nas_status nas_ops_want_axes(const nas_node *n, const nas_shape *in, uint32_t i,
                             int32_t least) NAS_MUST_USE;
/* E_ARG unless the attribute `what` is 0 or 1. */
nas_status nas_ops_want_flag(const nas_node *n, const char *what, int32_t flag) NAS_MUST_USE;
/* E_ARG unless kind is an activation. */
nas_status nas_ops_want_act(const nas_node *n, int32_t kind) NAS_MUST_USE;
/* E_ARG unless the attribute `what` lies in [min, max); NaN does not. */
nas_status nas_ops_want_real(const nas_node *n, const char *what, float v, float min,
                             float max) NAS_MUST_USE;
/* E_SHAPE unless `small` spreads over `big`: right-aligned, each dimension equal or 1. */
nas_status nas_ops_want_spread(const nas_node *n, const nas_shape *big,
                               const nas_shape *small) NAS_MUST_USE;

static inline int32_t nas_ops_last(const nas_shape *s) {
    return s->dim[s->rank - 1];
}
/* Rows of the last axis. */
static inline int64_t nas_ops_rows(const nas_shape *s) {
    return nas_shape_count(s) / nas_ops_last(s);
}

/* Step in `small` for one step along each axis of `big`; 0 where small is repeated. */
typedef struct nas_ops_steps {
    int64_t step[NAS_MAX_RANK];
} nas_ops_steps;
nas_ops_steps nas_ops_spread(const nas_shape *big, const nas_shape *small);
/* Where element `flat` of big lies, given the steps. */
int64_t nas_ops_locate(const nas_shape *big, const nas_ops_steps *s, int64_t flat);

/* Arithmetic of one activation, as counted by cost; 0 for NAS_ACT_NONE. */
int64_t nas_ops_act_flops(int32_t kind);

/* infer and cost that several ops have in common. */
nas_status nas_ops_infer_as_in0(const nas_node *n, const nas_shape *in, nas_shape *out);
void nas_ops_cost_none(const nas_node *n, const nas_shape *in, nas_cost *c);

/* dx = row `row` of a [2,C] value, as [C]. */
nas_status nas_ops_row(nas_value *dx, nas_graph *g, nas_value pair, int32_t row) NAS_MUST_USE;

#endif
