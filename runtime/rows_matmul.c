/* runtime/rows_matmul.c - rows of matmul and attention. */
#include "rows.h"

#include <math.h>
#include <string.h>

static const char matmul_cl[] = "matmul.cl", attention_cl[] = "attention.cl",
                  attention_tile_cl[] = "attention_tile.cl";

typedef struct product {
    int64_t batch, m, n, k;
    int64_t rows; /* of the result: m, and one for sums */
    bool shared;  /* one b for the whole batch */
} product;

static product product_of(const emitter *e) {
    const nas_attr *t = &e->n->attr;
    const nas_shape *a = e->in[0], *b = e->in[1];
    int64_t rows = a->rank < 2 ? 1 : a->dim[a->rank - 2], columns = a->dim[a->rank - 1];
    product z = {.m = t->matmul.ta ? columns : rows,
                 .k = t->matmul.ta ? rows : columns,
                 .n = t->matmul.tb ? b->dim[b->rank - 2] : b->dim[b->rank - 1],
                 .batch = rows_count(a) / (rows * columns),
                 .shared = b->rank == 2};
    /* rows of a batch that shares b are just more rows */
    if (z.shared && !t->matmul.ta) {
        z.m *= z.batch;
        z.batch = 1;
    }
    z.rows = z.m + t->matmul.sums;
    return z;
}

typedef struct tile_choice {
    const char *plain, *turned; /* a as it is, a transposed */
    int64_t rows, columns;
} tile_choice;

static tile_choice choose_tile(const emitter *e, int64_t n) {
    const device_tile *t = &e->d->tile;
    int64_t wide = t->nv * t->vw;
    if (rows_wide(e, n))
        return (tile_choice){"matmul_n_wide", "matmul_t_wide", t->mr, wide};
    if (n >= t->vw)
        return (tile_choice){"matmul_n_slim", "matmul_t_slim", t->mr1, t->vw};
    return (tile_choice){"matmul_n_mask", "matmul_t_mask", t->mr1, t->vw};
}

/* What an item takes: on a CPU whole rows, which are written from end to end, and in a transposed
 * product all tiles of its piece of K. */
typedef struct walk {
    int64_t across, down; /* column tiles, row tiles */
    int64_t gx, gy;       /* items */
    int64_t block;        /* rows of K that stay in cache under all tiles of an item */
} walk;

static walk walk_of(const emitter *e, const product *z, const tile_choice *c) {
    enum { DOWN = 8, ITEMS_A_UNIT = 8, BLOCK = 32 };
    int64_t columns = rows_div(z->n, c->columns), rows = rows_div(z->m, c->rows);
    walk w = {.across = 1, .down = 1, .gx = columns, .gy = rows, .block = z->k};
    int64_t items = ITEMS_A_UNIT * (int64_t)e->d->info.compute_units;
    if (strcmp(e->d->info.type, "cpu") != 0)
        return w;
    if (e->n->attr.matmul.ta) {
        w.down = rows;
    } else if (rows * z->batch >= items) {
        w.down = rows * z->batch / items;
        w.down = w.down > DOWN ? DOWN : w.down;
    } else {
        return w;
    }
    return (walk){columns, w.down, 1, rows_div(rows, w.down), BLOCK};
}

/* Pieces of K: where the items are too few for the device; the partial products must stay small. A
 * transposed product has a long K and few tiles. */
static int64_t pieces_of(const emitter *e, const product *z, const walk *w) {
    enum { PARTS_MAX = 1 << 22, LEAST = 128, LEAST_TURNED = 32, MOST = 64 };
    int64_t least = e->n->attr.matmul.ta ? LEAST_TURNED : LEAST;
    int64_t pieces = rows_pieces(e, z->k, least, w->gx * w->gy * z->batch, MOST);
    int64_t most = PARTS_MAX / (z->batch * z->rows * z->n);
    pieces = pieces < most ? pieces : most;
    return pieces < 1 ? 1 : pieces;
}

static void emit_matmul(emitter *e) {
    const nas_attr *t = &e->n->attr;
    product z = product_of(e);
    tile_choice c = choose_tile(e, z.n);
    walk w = walk_of(e, &z, &c);
    int64_t piece = rows_div(z.k, pieces_of(e, &z, &w)), pieces = rows_div(z.k, piece);
    int64_t sums = t->matmul.sums ? 4 : 0;
    int64_t flags = (t->matmul.bias ? 1 : 0) | (t->matmul.residual ? 2 : 0) | sums;
    karg b = KIN(e, 1), out = KOUT(e), bias = t->matmul.bias ? KIN(e, 2) : KZ;
    karg residual = t->matmul.residual ? KIN(e, e->n->n_in - 1) : KZ;
    if (t->matmul.tb) {
        int64_t copies = z.shared ? 1 : z.batch, size = copies * z.k * z.n;
        b = KS(rows_scratch(e, (size_t)size));
        LAUNCH(e, matmul_cl, "matmul_flip", size, 1, 1, KI(copies), KI(z.n), KI(z.k), KIN(e, 1), b);
    }
    if (pieces > 1)
        out = KS(rows_scratch(e, (size_t)(pieces * z.batch * z.rows * z.n)));
    bool whole = pieces == 1;
    LAUNCH(e, matmul_cl, t->matmul.ta ? c.turned : c.plain, w.gx, w.gy, z.batch * pieces, KI(z.m),
           KI(z.n), KI(z.k), KI(z.batch), KI(z.shared ? 0 : z.k * z.n), KI(piece), KI(w.block),
           KI(w.across), KI(w.down), KF(whole ? t->matmul.alpha : 1), KI(whole ? flags : sums),
           KI(whole ? t->matmul.act : NAS_ACT_NONE), KIN(e, 0), b, whole ? bias : KZ,
           whole ? residual : KZ, out);
    if (!whole)
        LAUNCH(e, matmul_cl, "matmul_sum", z.batch * z.rows * rows_div(z.n, e->d->tile.vw), 1, 1,
               KI(z.batch * z.rows), KI(z.n), KI(pieces), KF(t->matmul.alpha), KI(flags),
               KI(t->matmul.act), out, bias, residual, KOUT(e));
}

void rows_matmul_sums(emitter *e) {
    int64_t k = e->in[1]->dim[0], n = e->in[1]->dim[1];
    karg sums = KS(rows_scratch(e, (size_t)n));
    rows_sum_middle(e, KIN(e, 1), sums, 1, k, n, e->n->attr.matmul.alpha);
    rows_copy(e, sums, KOUT(e), 1, n, n, 0, n, rows_count(&e->n->shape) - n);
}

const row rows_matmul[] = {{NULL, emit_matmul}};

/* ---- attention ---- */

enum { T_MAX = 256, D_MAX = 64 }; /* as in attention_tile.cl */

typedef struct heads {
    int64_t n, t, heads, d;
    float scale;
} heads;

static heads heads_of(const emitter *e) {
    const nas_shape *qkv = e->in[0];
    int64_t count = e->n->attr.attention.heads, d = qkv->dim[2] / 3 / count;
    return (heads){.n = qkv->dim[0],
                   .t = qkv->dim[1],
                   .heads = count,
                   .d = d,
                   .scale = (float)(1.0 / sqrt((double)d))};
}

/* Whole heads in private memory suit a CPU's cache; a GPU would spill them. */
static bool head_fits(const emitter *e) {
    heads z = heads_of(e);
    return !strcmp(e->d->info.type, "cpu") && z.t <= T_MAX && z.d <= D_MAX;
}

static void emit_head(emitter *e) {
    heads z = heads_of(e);
    LAUNCH(e, attention_tile_cl, "attention_head", z.heads, z.n, 1, KI(z.n), KI(z.t), KI(z.heads),
           KI(z.d), KI(e->n->attr.attention.causal), KF(z.scale), KIN(e, 0), KOUT(e));
}
static void emit_head_grad(emitter *e) {
    heads z = heads_of(e);
    LAUNCH(e, attention_tile_cl, "attention_head_grad", z.heads, z.n, 1, KI(z.n), KI(z.t),
           KI(z.heads), KI(z.d), KI(e->n->attr.attention.causal), KF(z.scale), KIN(e, 0), KIN(e, 1),
           KOUT(e));
}
static void emit_attention(emitter *e) {
    heads z = heads_of(e);
    LAUNCH(e, attention_cl, "attention_y", z.t, z.heads, z.n, KI(z.n), KI(z.t), KI(z.heads),
           KI(z.d), KI(e->n->attr.attention.causal), KF(z.scale), KIN(e, 0), KOUT(e));
}
static void emit_attention_grad(emitter *e) {
    heads z = heads_of(e);
    karg rows = KS(rows_scratch(e, (size_t)(z.n * z.heads * z.t * 3)));
    LAUNCH(e, attention_cl, "attention_dq", z.t, z.heads, z.n, KI(z.n), KI(z.t), KI(z.heads),
           KI(z.d), KI(e->n->attr.attention.causal), KF(z.scale), KIN(e, 0), KIN(e, 1), rows,
           KOUT(e));
    LAUNCH(e, attention_cl, "attention_dkv", z.t, z.heads, z.n, KI(z.n), KI(z.t), KI(z.heads),
           KI(z.d), KI(e->n->attr.attention.causal), KF(z.scale), KIN(e, 0), KIN(e, 1), rows,
           KOUT(e));
}

const row rows_attention[] = {{head_fits, emit_head}, {NULL, emit_attention}};
const row rows_attention_grad[] = {{head_fits, emit_head_grad}, {NULL, emit_attention_grad}};
