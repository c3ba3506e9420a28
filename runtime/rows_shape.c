/* runtime/rows_shape.c - rows of element-wise ops and of ops that move, repeat or sum elements. */
#include "rows.h"

static const char elementwise_cl[] = "elementwise.cl", strided_cl[] = "strided.cl",
                  reduce_cl[] = "reduce.cl";
enum { RUN = 4 }; /* vectors of an item, as in elementwise.cl */

/* A dense tensor's axes with the steps of an operand that is read along: axes that can be walked as
 * one are merged, so most cases end with one or two. */
typedef struct axes {
    int32_t n;
    int64_t dim[NAS_MAX_RANK], step[NAS_MAX_RANK];
} axes;

static void add_axis(axes *a, int64_t dim, int64_t step) {
    if (dim == 1)
        return;
    if (a->n && a->step[a->n - 1] == step * dim) {
        a->dim[a->n - 1] *= dim;
        a->step[a->n - 1] = step;
        return;
    }
    a->dim[a->n] = dim;
    a->step[a->n++] = step;
}

/* The same axes right-aligned in n places, with ones before them. */
static axes align_axes(const axes *a, int32_t n) {
    axes o = {.n = n};
    for (int32_t i = 0; i < n; i++) {
        int32_t k = i - (n - a->n);
        o.dim[i] = k < 0 ? 1 : a->dim[k];
        o.step[i] = k < 0 ? 0 : a->step[k];
    }
    return o;
}

static void dense_steps(int64_t *step, const nas_shape *s) {
    int64_t run = 1;
    for (int32_t i = s->rank - 1; i >= 0; i--) {
        step[i] = run;
        run *= s->dim[i];
    }
}

/* Axes of big, steps of small, which is repeated over it. */
static axes spread_axes(const nas_shape *big, const nas_shape *small) {
    int64_t step[NAS_MAX_RANK] = {0};
    axes a = {0};
    dense_steps(step, small);
    for (int32_t i = 0; i < big->rank; i++) {
        int32_t k = i - (big->rank - small->rank);
        add_axis(&a, big->dim[i], k < 0 || small->dim[k] == 1 ? 0 : step[k]);
    }
    return a;
}

static bool vectors_fit(const axes *a) {
    return a->n <= 4 && (a->n == 0 || a->step[a->n - 1] <= 1);
}

#define AXES4(a)                                                                                   \
    KI((a).dim[0] * (a).dim[1] * (a).dim[2]), KI((a).dim[1]), KI((a).dim[2]), KI((a).dim[3]),      \
        KI((a).step[0]), KI((a).step[1]), KI((a).step[2]), KI((a).step[3])
#define AXES6(a)                                                                                   \
    KI((a).dim[1]), KI((a).dim[2]), KI((a).dim[3]), KI((a).dim[4]), KI((a).dim[5]),                \
        KI((a).step[0]), KI((a).step[1]), KI((a).step[2]), KI((a).step[3]), KI((a).step[4]),       \
        KI((a).step[5])

static int64_t row_items(const emitter *e, int64_t rows, int64_t inner) {
    return rows * rows_div(inner, RUN * e->d->tile.vw);
}
static int64_t items4(const emitter *e, const axes *a) {
    return row_items(e, a->dim[0] * a->dim[1] * a->dim[2], a->dim[3]);
}

/* ---- add, mul ---- */

static bool pair_by_vectors(const emitter *e) {
    axes a = spread_axes(e->in[0], e->in[1]);
    return vectors_fit(&a);
}
static void emit_pair4(emitter *e) {
    axes a = spread_axes(e->in[0], e->in[1]), b = align_axes(&a, 4);
    LAUNCH(e, elementwise_cl, "pair4", items4(e, &b), 1, 1, AXES4(b), KI(e->n->op == NAS_OP_MUL),
           KIN(e, 0), KIN(e, 1), KOUT(e));
}
static void emit_pair6(emitter *e) {
    axes a = spread_axes(e->in[0], e->in[1]), b = align_axes(&a, 6);
    int64_t count = rows_count(e->in[0]);
    LAUNCH(e, strided_cl, "pair6", count, 1, 1, KI(count), AXES6(b), KI(e->n->op == NAS_OP_MUL),
           KIN(e, 0), KIN(e, 1), KOUT(e));
}

/* ---- copies ---- */

static void emit_copy(emitter *e, const axes *a, float scale) {
    if (vectors_fit(a)) {
        axes b = align_axes(a, 4);
        LAUNCH(e, elementwise_cl, "copy4", items4(e, &b), 1, 1, AXES4(b), KF(scale), KIN(e, 0),
               KOUT(e));
    } else {
        axes b = align_axes(a, 6);
        int64_t count = rows_count(&e->n->shape);
        LAUNCH(e, strided_cl, "copy6", count, 1, 1, KI(count), AXES6(b), KF(scale), KIN(e, 0),
               KOUT(e));
    }
}
static void emit_expand(emitter *e) {
    axes a = spread_axes(&e->n->shape, e->in[0]);
    emit_copy(e, &a, e->n->attr.shape.scale);
}
static void emit_transpose(emitter *e) {
    int64_t step[NAS_MAX_RANK] = {0};
    axes a = {0};
    dense_steps(step, e->in[0]);
    for (int32_t i = 0; i < e->n->shape.rank; i++)
        add_axis(&a, e->n->shape.dim[i], step[e->n->attr.transpose.perm[i]]);
    emit_copy(e, &a, 1);
}

void rows_copy(emitter *e, karg from, karg to, int64_t rows, int64_t inner, int64_t from_pitch,
               int64_t from_first, int64_t to_pitch, int64_t to_first) {
    LAUNCH(e, elementwise_cl, "copy_rows", row_items(e, rows, inner), 1, 1, KI(rows), KI(inner),
           KI(from_pitch), KI(from_first), KI(to_pitch), KI(to_first), from, to);
}

/* Elements behind one step of the axis, and rows before it. */
static int64_t inner_of(const nas_shape *s, int32_t axis) {
    int64_t inner = 1;
    for (int32_t i = axis + 1; i < s->rank; i++)
        inner *= s->dim[i];
    return inner;
}
static void emit_concat(emitter *e) {
    int32_t axis = e->n->attr.axis.axis;
    int64_t inner = inner_of(&e->n->shape, axis), pitch = inner * e->n->shape.dim[axis], at = 0;
    for (uint32_t i = 0; i < e->n->n_in; i++) {
        int64_t part = inner * e->in[i]->dim[axis];
        rows_copy(e, KIN(e, i), KOUT(e), rows_count(&e->n->shape) / pitch, part, part, 0, pitch,
                  at);
        at += part;
    }
}
static void emit_slice(emitter *e) {
    int32_t axis = e->n->attr.axis.axis;
    int64_t inner = inner_of(&e->n->shape, axis), part = inner * e->n->shape.dim[axis];
    rows_copy(e, KIN(e, 0), KOUT(e), rows_count(&e->n->shape) / part, part,
              inner * e->in[0]->dim[axis], inner * e->n->attr.axis.begin, part, 0);
}
static void emit_pad(emitter *e) {
    int32_t axis = e->n->attr.axis.axis;
    int64_t inner = inner_of(&e->n->shape, axis), pitch = inner * e->n->shape.dim[axis];
    int64_t part = inner * e->in[0]->dim[axis], count = rows_count(&e->n->shape);
    LAUNCH(e, elementwise_cl, "fill", rows_div(count, e->d->tile.vw), 1, 1, KI(count), KF(0),
           KOUT(e));
    rows_copy(e, KIN(e, 0), KOUT(e), count / pitch, part, part, 0, pitch,
              inner * e->n->attr.axis.begin);
}

/* ---- sums ---- */

void rows_sum_middle(emitter *e, karg x, karg out, int64_t a, int64_t r, int64_t c, float scale) {
    int64_t vectors = rows_div(c, e->d->tile.vw);
    if (c == 1) {
        int64_t pieces = rows_pieces(e, r, 4096, a, 64);
        while (r % pieces) /* every piece a row of its own */
            pieces--;
        karg parts = pieces > 1 ? KS(rows_scratch(e, (size_t)(a * pieces))) : out;
        LAUNCH(e, reduce_cl, "sum_last", a * pieces, 1, 1, KI(a * pieces), KI(r / pieces),
               KF(scale), x, parts);
        if (pieces > 1)
            LAUNCH(e, reduce_cl, "sum_last", a, 1, 1, KI(a), KI(pieces), KF(1), parts, out);
        return;
    }
    int64_t pieces = rows_pieces(e, r, 32, a * vectors, 256), piece = rows_div(r, pieces);
    pieces = rows_div(r, piece);
    karg parts = pieces > 1 ? KS(rows_scratch(e, (size_t)(pieces * a * c))) : out;
    LAUNCH(e, reduce_cl, "sum_middle", vectors, a, pieces, KI(a), KI(r), KI(c), KI(piece),
           KF(pieces > 1 ? 1 : scale), x, parts);
    if (pieces > 1)
        LAUNCH(e, reduce_cl, "sum_parts", rows_div(a * c, e->d->tile.vw), 1, 1, KI(a * c),
               KI(pieces), KF(scale), parts, out);
}

/* Axes of x merged into runs that are kept or summed: `dim` with step 1 where kept, 0 where summed.
 */
static axes sum_runs(const emitter *e) {
    const nas_shape *x = e->in[0], *y = &e->n->shape;
    axes a = {0};
    for (int32_t i = 0; i < x->rank; i++) {
        int32_t k = i - (x->rank - y->rank);
        int64_t kept = k >= 0 && y->dim[k] == x->dim[i];
        if (x->dim[i] == 1)
            continue;
        if (a.n && a.step[a.n - 1] == kept) {
            a.dim[a.n - 1] *= x->dim[i];
        } else {
            a.dim[a.n] = x->dim[i];
            a.step[a.n++] = kept;
        }
    }
    return a;
}

/* [kept] [summed] [kept], any of them absent. */
static bool sums_the_middle(const emitter *e) {
    axes a = sum_runs(e);
    return a.n <= 2 || (a.n == 3 && a.step[0]);
}
static void emit_sum_middle(emitter *e) {
    axes a = sum_runs(e);
    int64_t part[3] = {1, 1, 1};
    for (int32_t i = 0; i < a.n; i++)
        part[!a.step[i] ? 1 : i == 0 ? 0 : 2] = a.dim[i];
    rows_sum_middle(e, KIN(e, 0), KOUT(e), part[0], part[1], part[2], e->n->attr.shape.scale);
}
static void emit_sum6(emitter *e) {
    axes runs = sum_runs(e), kept = {0}, summed = {0};
    int64_t step = rows_count(e->in[0]), terms = 1, count = rows_count(&e->n->shape);
    for (int32_t i = 0; i < runs.n; i++) {
        step /= runs.dim[i];
        add_axis(runs.step[i] ? &kept : &summed, runs.dim[i], step);
        terms *= runs.step[i] ? 1 : runs.dim[i];
    }
    axes k = align_axes(&kept, 6), s = align_axes(&summed, 6);
    LAUNCH(e, strided_cl, "sum6", count, 1, 1, KI(count), AXES6(k), KI(terms), AXES6(s),
           KF(e->n->attr.shape.scale), KIN(e, 0), KOUT(e));
}

/* ---- one operand ---- */

static void emit_act(emitter *e) {
    int64_t count = rows_count(e->in[0]);
    LAUNCH(e, elementwise_cl, "act", rows_div(count, e->d->tile.vw), 1, 1, KI(count),
           KI(e->n->attr.act.kind), KIN(e, 0), KOUT(e));
}
static void emit_act_grad(emitter *e) {
    int64_t count = rows_count(e->in[0]);
    LAUNCH(e, elementwise_cl, "act_grad", rows_div(count, e->d->tile.vw), 1, 1, KI(count),
           KI(e->n->attr.act.kind), KIN(e, 0), KIN(e, 1), KOUT(e));
}
static void emit_dropout(emitter *e) {
    int64_t count = rows_count(e->in[0]);
    int64_t span = e->n->attr.dropout.per_sample ? count / e->in[0]->dim[0] : 1;
    uint32_t limit = (uint32_t)(e->n->attr.dropout.rate * 4294967296.0f);
    LAUNCH(e, elementwise_cl, "dropout", rows_div(count, e->d->tile.vw), 1, 1, KI(count), KI(span),
           KI(e->n->attr.dropout.stream), KI(limit), KF(e->n->attr.dropout.rate), KIN(e, 0),
           KIN(e, 1), KOUT(e));
}

const row rows_add[] = {{pair_by_vectors, emit_pair4}, {NULL, emit_pair6}};
const row rows_mul[] = {{pair_by_vectors, emit_pair4}, {NULL, emit_pair6}};
const row rows_act[] = {{NULL, emit_act}};
const row rows_act_grad[] = {{NULL, emit_act_grad}};
const row rows_dropout[] = {{NULL, emit_dropout}};
const row rows_expand[] = {{NULL, emit_expand}};
const row rows_transpose[] = {{NULL, emit_transpose}};
const row rows_concat[] = {{NULL, emit_concat}};
const row rows_slice[] = {{NULL, emit_slice}};
const row rows_pad[] = {{NULL, emit_pad}};
const row rows_sum_to[] = {{sums_the_middle, emit_sum_middle}, {NULL, emit_sum6}};
