/* runtime/rows_extra.c - rows of relative positions and embeddings. */
#include "rows.h"

static const char lookup_cl[] = "lookup.cl";

/* The pairs: batch x queries x keys; what is looked up: batch x rows x numbers. */
typedef struct pairs {
    int64_t batch, queries, keys, rows, numbers;
} pairs;

static pairs pairs_of(const emitter *e, const nas_shape *all) {
    pairs p = {.queries = all->dim[all->rank - 2],
               .keys = all->dim[all->rank - 1],
               .numbers = nas_relative_count(&e->n->attr)};
    p.batch = rows_count(all) / (p.queries * p.keys);
    p.rows = e->n->attr.relative.shared ? 1 : p.queries;
    return p;
}

#define GRID_ARGS(a)                                                                               \
    KI((a)->relative.grid[1]), KI((a)->relative.clip[0]), KI((a)->relative.clip[1]),               \
        KI((a)->relative.stride), KI((a)->relative.first), KI((a)->relative.form)

static void emit_relative(emitter *e) {
    const nas_attr *a = &e->n->attr;
    pairs p = pairs_of(e, &e->n->shape);
    LAUNCH(e, lookup_cl, "relative_pairs", rows_div(p.keys, e->d->tile.vw), p.queries, p.batch,
           KI(p.batch), KI(p.queries), KI(p.keys), KI(p.rows), KI(p.numbers), GRID_ARGS(a),
           KIN(e, 0), KOUT(e));
}

static void emit_relative_sum(emitter *e) {
    const nas_attr *a = &e->n->attr;
    pairs p = pairs_of(e, e->in[0]);
    karg each = p.rows == p.queries
                    ? KOUT(e)
                    : KS(rows_scratch(e, (size_t)(p.batch * p.queries * p.numbers)));
    LAUNCH(e, lookup_cl, "relative_numbers", p.queries, p.batch, 1, KI(p.batch), KI(p.queries),
           KI(p.keys), KI(p.numbers), GRID_ARGS(a), KIN(e, 0), each);
    if (each.kind == KARG_SCRATCH)
        rows_sum_middle(e, each, KOUT(e), p.batch, p.queries, p.numbers, 1);
}

static void emit_embed(emitter *e) {
    int64_t d = rows_last(&e->n->shape), count = rows_count(e->in[1]);
    LAUNCH(e, lookup_cl, "embed_rows", rows_div(d, e->d->tile.vw), count, 1, KI(count),
           KI(e->in[0]->dim[0]), KI(d), KIN(e, 0), KIN(e, 1), KOUT(e));
}

static void emit_embed_grad(emitter *e) {
    int64_t d = rows_last(&e->n->shape), rows = e->n->shape.dim[0];
    LAUNCH(e, lookup_cl, "embed_sums", rows, 1, 1, KI(rows_count(e->in[0])), KI(rows), KI(d),
           KIN(e, 0), KIN(e, 1), KOUT(e));
}

const row rows_relative[] = {{NULL, emit_relative}};
const row rows_relative_sum[] = {{NULL, emit_relative_sum}};
const row rows_embed[] = {{NULL, emit_embed}};
const row rows_embed_grad[] = {{NULL, emit_embed_grad}};
