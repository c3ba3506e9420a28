/* graph/ops/relative.c - what a query has for each distance, given to each key at that distance,
 * and its adjoint: relative positions of attention over a grid of tokens.
 *
 * Keys stand on a grid of H x W places, behind `first` class tokens; queries on every stride-th row
 * and column of it, behind as many. r(i, j) is the number of the distance from query i to key j:
 *   abs     min(|dy|, c0) (c1 + 1) + min(|dx|, c1)              (c0 + 1)(c1 + 1) distances
 *   signed  (clamp(dy) + c0)(2 c1 + 1) + clamp(dx) + c1         (2 c0 + 1)(2 c1 + 1)
 *   rows    clamp(dy) + c0                                      2 c0 + 1
 *   columns clamp(dx) + c1                                      2 c1 + 1
 * with clamp to -c0 … c0 or -c1 … c1. With class tokens all of it is one more, and 0 is for the
 * pairs in which one takes part.
 */
#include "ops.h"

#include <stdlib.h>

typedef struct place {
    int32_t y, x;
    bool token; /* a class token, nowhere on the grid */
} place;

static int32_t clamp(int32_t v, int32_t most) {
    return v < -most ? -most : v > most ? most : v;
}

static int32_t by_abs(const int32_t c[2], int32_t dy, int32_t dx) {
    return abs(clamp(dy, c[0])) * (c[1] + 1) + abs(clamp(dx, c[1]));
}
static int32_t by_sign(const int32_t c[2], int32_t dy, int32_t dx) {
    return (clamp(dy, c[0]) + c[0]) * (2 * c[1] + 1) + clamp(dx, c[1]) + c[1];
}
static int32_t by_row(const int32_t c[2], int32_t dy, int32_t dx) {
    (void)dx;
    return clamp(dy, c[0]) + c[0];
}
static int32_t by_column(const int32_t c[2], int32_t dy, int32_t dx) {
    (void)dy;
    return clamp(dx, c[1]) + c[1];
}

static const struct {
    int32_t (*number)(const int32_t c[2], int32_t dy, int32_t dx);
    int32_t per_side[2]; /* distances per step of clip, by axis; 0: the axis does not count */
} forms[] = {[NAS_RELATIVE_ABS] = {by_abs, {1, 1}},
             [NAS_RELATIVE_SIGNED] = {by_sign, {2, 2}},
             [NAS_RELATIVE_ROWS] = {by_row, {2, 0}},
             [NAS_RELATIVE_COLUMNS] = {by_column, {0, 2}}};

static int32_t side(const nas_attr *a, int32_t axis, int32_t stride) {
    return (a->relative.grid[axis] + stride - 1) / stride;
}

static place place_of(const nas_attr *a, int32_t index, int32_t stride) {
    int32_t at = index - a->relative.first, wide = side(a, 1, stride);
    if (at < 0)
        return (place){.token = true};
    return (place){.y = at / wide * stride, .x = at % wide * stride};
}

static int32_t number(const nas_attr *a, int32_t query, int32_t key) {
    place q = place_of(a, query, a->relative.stride), k = place_of(a, key, 1);
    if (q.token || k.token)
        return 0;
    return forms[a->relative.form].number(a->relative.clip, k.y - q.y, k.x - q.x) +
           (a->relative.first > 0);
}

int32_t nas_relative_count(const nas_attr *a) {
    int32_t n = 1;
    for (int axis = 0; axis < 2; axis++)
        n *= forms[a->relative.form].per_side[axis] * a->relative.clip[axis] + 1;
    return n + (a->relative.first > 0);
}

static int32_t queries_of(const nas_attr *a) {
    return a->relative.first + side(a, 0, a->relative.stride) * side(a, 1, a->relative.stride);
}
static int32_t keys_of(const nas_attr *a) {
    return a->relative.first + side(a, 0, 1) * side(a, 1, 1);
}

static nas_status check(const nas_node *n, const nas_shape *in) {
    enum { SIDE_MAX = 4096 };
    const nas_attr *a = &n->attr;
    const char *op = nas_ops_name(n);
    NAS_TRY(nas_ops_want_flag(n, "shared", a->relative.shared));
    NAS_TRY(nas_ops_want_axes(n, in, 0, 2));
    if (a->relative.form < 0 || a->relative.form >= (int32_t)(sizeof forms / sizeof *forms))
        return nas_fail(NAS_E_ARG, "%s: no form has number %d", op, a->relative.form);
    if (a->relative.stride < 1 || a->relative.first < 0 || a->relative.stride > SIDE_MAX ||
        a->relative.first > SIDE_MAX)
        return nas_fail(NAS_E_ARG, "%s: stride %d, %d class tokens", op, a->relative.stride,
                        a->relative.first);
    for (int i = 0; i < 2; i++)
        if (a->relative.grid[i] < 1 || a->relative.grid[i] > SIDE_MAX || a->relative.clip[i] < 0 ||
            a->relative.clip[i] > SIDE_MAX)
            return nas_fail(NAS_E_ARG, "%s: %d places with distances up to %d", op,
                            a->relative.grid[i], a->relative.clip[i]);
    return NAS_OK;
}

/* The last two axes of input 0 must be rows x columns; those of the result are given. */
static nas_status resize(nas_shape *out, const nas_node *n, const nas_shape *in,
                         const int32_t want[2], const int32_t give[2]) {
    int64_t dim[NAS_MAX_RANK];
    nas_shape need = in[0];
    int32_t rank = in[0].rank;
    for (int32_t i = 0; i < rank; i++)
        dim[i] = in[0].dim[i];
    for (int32_t i = 0; i < 2; i++) {
        need.dim[rank - 2 + i] = want[i];
        dim[rank - 2 + i] = give[i];
    }
    NAS_TRY(nas_ops_want_shape(n, in, 0, &need));
    return nas_ops_set_shape(out, n, dim, rank);
}

static nas_status infer(const nas_node *n, const nas_shape *in, nas_shape *out) {
    NAS_TRY(check(n, in));
    const nas_attr *a = &n->attr;
    int32_t rows = a->relative.shared ? 1 : queries_of(a);
    return resize(out, n, in, (int32_t[]){rows, nas_relative_count(a)},
                  (int32_t[]){queries_of(a), keys_of(a)});
}

static nas_status infer_sum(const nas_node *n, const nas_shape *in, nas_shape *out) {
    NAS_TRY(check(n, in));
    const nas_attr *a = &n->attr;
    int32_t rows = a->relative.shared ? 1 : queries_of(a);
    return resize(out, n, in, (int32_t[]){queries_of(a), keys_of(a)},
                  (int32_t[]){rows, nas_relative_count(a)});
}

static void cost_sum(const nas_node *n, const nas_shape *in, nas_cost *c) {
    (void)n;
    c->flops = nas_shape_count(&in[0]);
}

/* One walk over all pairs serves both: from is read, to is written, at the pair and its number. */
typedef struct walk {
    int64_t batch, queries, keys, rows, numbers;
} walk;

static walk walk_of(const nas_node *n, const nas_shape *pairs) {
    walk w = {.queries = queries_of(&n->attr),
              .keys = keys_of(&n->attr),
              .numbers = nas_relative_count(&n->attr)};
    w.rows = n->attr.relative.shared ? 1 : w.queries;
    w.batch = nas_shape_count(pairs) / (w.queries * w.keys);
    return w;
}

static void ref(const nas_node *n, const nas_shape *in_shape, const double *const *in,
                double *out) {
    (void)in_shape;
    walk w = walk_of(n, &n->shape);
    for (int64_t i = 0; i < w.queries; i++)
        for (int64_t j = 0; j < w.keys; j++) {
            int64_t r = number(&n->attr, (int32_t)i, (int32_t)j), row = i % w.rows;
            for (int64_t b = 0; b < w.batch; b++)
                out[(b * w.queries + i) * w.keys + j] = in[0][(b * w.rows + row) * w.numbers + r];
        }
}

static void ref_sum(const nas_node *n, const nas_shape *in_shape, const double *const *in,
                    double *out) {
    walk w = walk_of(n, &in_shape[0]);
    for (int64_t i = 0; i < w.batch * w.rows * w.numbers; i++)
        out[i] = 0;
    for (int64_t i = 0; i < w.queries; i++)
        for (int64_t j = 0; j < w.keys; j++) {
            int64_t r = number(&n->attr, (int32_t)i, (int32_t)j), row = i % w.rows;
            for (int64_t b = 0; b < w.batch; b++)
                out[(b * w.rows + row) * w.numbers + r] += in[0][(b * w.queries + i) * w.keys + j];
        }
}

static nas_status vjp(nas_graph *g, nas_value y, nas_value dy, const bool *want, nas_value *dx) {
    nas_attr a = nas_graph_node(g, y)->attr;
    return want[0] ? nas_relative_sum(&dx[0], g, dy, &a) : NAS_OK;
}

static nas_status vjp_sum(nas_graph *g, nas_value y, nas_value dy, const bool *want,
                          nas_value *dx) {
    nas_attr a = nas_graph_node(g, y)->attr;
    return want[0] ? nas_relative(&dx[0], g, dy, &a) : NAS_OK;
}

static const nas_field fields[] = {
    NAS_OPS_FIELD(relative, grid, INT, 2),   NAS_OPS_FIELD(relative, clip, INT, 2),
    NAS_OPS_FIELD(relative, stride, INT, 1), NAS_OPS_FIELD(relative, first, INT, 1),
    NAS_OPS_FIELD(relative, form, INT, 1),   NAS_OPS_FIELD(relative, shared, INT, 1)};

const nas_op_info nas_op_relative = {.name = "relative",
                                     .min_in = 1,
                                     .max_in = 1,
                                     NAS_OPS_FIELDS(fields),
                                     .infer = infer,
                                     .cost = nas_ops_cost_none,
                                     .ref = ref,
                                     .vjp = vjp};

const nas_op_info nas_op_relative_sum = {.name = "relative_sum",
                                         .min_in = 1,
                                         .max_in = 1,
                                         NAS_OPS_FIELDS(fields),
                                         .infer = infer_sum,
                                         .cost = cost_sum,
                                         .ref = ref_sum,
                                         .vjp = vjp_sum};
