/* runtime/rows_norm.c - rows of batch norm, layer norm, softmax, pooling and the loss. */
#include "rows.h"

#include <string.h>

static const char batch_norm_cl[] = "batch_norm.cl", row_norm_cl[] = "row_norm.cl",
                  pool_cl[] = "pool.cl", loss_cl[] = "loss.cl", reduce_cl[] = "reduce.cl";

/* As in batch_norm.cl: vectors of an item that keeps sums, at most. */
enum { SUMS = 32 };

typedef struct plane { /* all axes but the last are rows */
    int64_t rows, width;
    int64_t many, across; /* columns of an item, and how many items make a row */
} plane;

static plane plane_of(const emitter *e) {
    int64_t width = rows_last(e->in[0]);
    int64_t vw = e->d->tile.vw, most = strcmp(e->d->info.type, "cpu") ? vw : SUMS * vw;
    int64_t many = width < most ? width : most;
    return (plane){.rows = rows_count(e->in[0]) / width,
                   .width = width,
                   .many = many,
                   .across = rows_div(width, many)};
}

/* Rows of a piece: pieces of about 64 KiB, so that neighbouring vectors find their lines in cache.
 */
static int64_t rows_of_piece(const emitter *e, const plane *z, int64_t most) {
    int64_t rows = rows_div(1 << 14, z->width), pieces = rows_div(z->rows, rows);
    int64_t least = rows_pieces(e, z->rows, 16, z->across, most);
    pieces = pieces < least ? least : pieces > most ? most : pieces;
    return rows_div(z->rows, pieces);
}

/* ---- batch norm ---- */

static void emit_batch_stats(emitter *e) {
    plane z = plane_of(e);
    int64_t piece = rows_of_piece(e, &z, 256), pieces = rows_div(z.rows, piece);
    karg parts = KS(rows_scratch(e, (size_t)(pieces * 2 * z.width)));
    LAUNCH(e, batch_norm_cl, "stats_parts", z.across, pieces, 1, KI(z.rows), KI(z.width), KI(piece),
           KI(z.many), KIN(e, 0), parts);
    LAUNCH(e, batch_norm_cl, "stats_merge", rows_div(z.width, e->d->tile.vw), 1, 1, KI(z.rows),
           KI(z.width), KI(piece), KI(pieces), parts, KOUT(e));
}

static void emit_batch_norm(emitter *e) {
    plane z = plane_of(e);
    int64_t piece = rows_of_piece(e, &z, 1 << 20);
    bool residual = e->n->n_in == 5;
    LAUNCH(e, batch_norm_cl, "norm_y", z.across, rows_div(z.rows, piece), 1, KI(z.rows),
           KI(z.width), KI(piece), KI(z.many), KF(e->n->attr.norm.eps), KI(e->n->attr.norm.act),
           KI(residual), KIN(e, 0), KIN(e, 1), KIN(e, 2), KIN(e, 3), residual ? KIN(e, 4) : KZ,
           KOUT(e));
}

static void emit_batch_norm_sums(emitter *e) {
    plane z = plane_of(e);
    int64_t piece = rows_of_piece(e, &z, 256), pieces = rows_div(z.rows, piece);
    karg parts = KS(rows_scratch(e, (size_t)(pieces * 2 * z.width)));
    bool act = e->n->attr.norm.act != NAS_ACT_NONE;
    LAUNCH(e, batch_norm_cl, "norm_sums", z.across, pieces, 1, KI(z.rows), KI(z.width), KI(piece),
           KI(z.many), KF(e->n->attr.norm.eps), KI(e->n->attr.norm.act), KIN(e, 0), KIN(e, 1),
           KIN(e, 2), act ? KIN(e, 3) : KZ, act ? KIN(e, 4) : KZ, parts);
    LAUNCH(e, reduce_cl, "sum_parts", rows_div(2 * z.width, e->d->tile.vw), 1, 1, KI(2 * z.width),
           KI(pieces), KF(1), parts, KOUT(e));
}

static void emit_batch_norm_dx(emitter *e) {
    plane z = plane_of(e);
    int64_t piece = rows_of_piece(e, &z, 1 << 20);
    bool act = e->n->attr.norm.act != NAS_ACT_NONE, sums = e->n->n_in == (act ? 6 : 5);
    LAUNCH(e, batch_norm_cl, "norm_dx", z.across, rows_div(z.rows, piece), 1, KI(z.rows),
           KI(z.width), KI(piece), KI(z.many), KF(e->n->attr.norm.eps), KI(e->n->attr.norm.act),
           KI(sums), KIN(e, 0), KIN(e, 1), KIN(e, 2), KIN(e, 3), act ? KIN(e, e->n->n_in - 1) : KZ,
           sums ? KIN(e, 4) : KZ, KOUT(e));
}

static void emit_ema(emitter *e) {
    int64_t count = rows_count(e->in[0]), behind = e->n->attr.norm.count;
    double unbias = behind > 1 ? (double)behind / (double)(behind - 1) : 1;
    LAUNCH(e, "elementwise.cl", "ema", count, 1, 1, KI(count), KF(e->n->attr.norm.momentum),
           KF(unbias), KIN(e, 1), KOUT(e));
}

/* ---- softmax and layer norm ---- */

static void emit_softmax(emitter *e) {
    plane z = plane_of(e);
    LAUNCH(e, row_norm_cl, "softmax", z.rows, 1, 1, KI(z.rows), KI(z.width), KIN(e, 0), KOUT(e));
}
static void emit_softmax_grad(emitter *e) {
    plane z = plane_of(e);
    LAUNCH(e, row_norm_cl, "softmax_grad", z.rows, 1, 1, KI(z.rows), KI(z.width), KIN(e, 0),
           KIN(e, 1), KOUT(e));
}
static void emit_layer_norm(emitter *e) {
    plane z = plane_of(e);
    LAUNCH(e, row_norm_cl, "layer_norm", z.rows, 1, 1, KI(z.rows), KI(z.width),
           KF(e->n->attr.norm.eps), KIN(e, 0), KIN(e, 1), KIN(e, 2), KOUT(e));
}
/* The gradients of gamma and beta lie behind the rows of dx. */
static void emit_layer_norm_sums(emitter *e, const plane *z, int64_t pieces, karg parts) {
    LAUNCH(e, row_norm_cl, "layer_norm_sums", rows_div(2 * z->width, e->d->tile.vw), 1, 1,
           KI(2 * z->width), KI(pieces), KI(z->rows * z->width), parts, KOUT(e));
}
static int64_t layer_norm_piece(const emitter *e, const plane *z) {
    return rows_div(z->rows, rows_pieces(e, z->rows, 8, 1, 256));
}
/* A CPU reads x and dy once; a GPU wants an item for every row. */
static bool on_cpu(const emitter *e) {
    return !strcmp(e->d->info.type, "cpu");
}
static void emit_layer_norm_grad(emitter *e) {
    plane z = plane_of(e);
    int64_t piece = layer_norm_piece(e, &z), pieces = rows_div(z.rows, piece);
    karg parts = KS(rows_scratch(e, (size_t)(pieces * 2 * z.width)));
    bool more = e->n->n_in == 4;
    LAUNCH(e, row_norm_cl, "layer_norm_grad", pieces, 1, 1, KI(z.rows), KI(z.width), KI(piece),
           KF(e->n->attr.norm.eps), KI(more), KIN(e, 0), KIN(e, 1), KIN(e, 2),
           more ? KIN(e, 3) : KZ, parts, KOUT(e));
    emit_layer_norm_sums(e, &z, pieces, parts);
}
static void emit_layer_norm_two(emitter *e) {
    plane z = plane_of(e);
    int64_t piece = layer_norm_piece(e, &z), pieces = rows_div(z.rows, piece);
    karg parts = KS(rows_scratch(e, (size_t)(pieces * 2 * z.width)));
    bool more = e->n->n_in == 4;
    LAUNCH(e, row_norm_cl, "layer_norm_dx", z.rows, 1, 1, KI(z.rows), KI(z.width),
           KF(e->n->attr.norm.eps), KI(more), KIN(e, 0), KIN(e, 1), KIN(e, 2),
           more ? KIN(e, 3) : KZ, KOUT(e));
    LAUNCH(e, row_norm_cl, "layer_norm_dparam", pieces, 1, 1, KI(z.rows), KI(z.width), KI(piece),
           KF(e->n->attr.norm.eps), KIN(e, 0), KIN(e, 2), parts);
    emit_layer_norm_sums(e, &z, pieces, parts);
}

/* ---- pools ---- */

#define WINDOW(a, x, y)                                                                            \
    KI((x)->dim[0]), KI((x)->dim[1]), KI((x)->dim[2]), KI((x)->dim[3]), KI((y)->dim[1]),           \
        KI((y)->dim[2]), KI((a)->conv.kernel[0]), KI((a)->conv.kernel[1]),                         \
        KI((a)->conv.stride[0]), KI((a)->conv.stride[1]), KI((a)->conv.dilation[0]),               \
        KI((a)->conv.dilation[1]), KI((a)->conv.pad[0]), KI((a)->conv.pad[2])

/* An item a vector of channels of one pixel. */
static int64_t vectors_of(const emitter *e, const nas_shape *s) {
    return rows_count(s) / rows_last(s) * rows_div(rows_last(s), e->d->tile.vw);
}

static void emit_max_pool(emitter *e) {
    const nas_shape *x = e->in[0], *y = &e->n->shape;
    LAUNCH(e, pool_cl, "max_pool", vectors_of(e, y), 1, 1, WINDOW(&e->n->attr, x, y), KIN(e, 0),
           KOUT(e));
}
static void emit_max_pool_dx(emitter *e) {
    const nas_shape *x = e->in[0], *y = e->in[1];
    LAUNCH(e, pool_cl, "max_pool_dx", vectors_of(e, x), 1, 1, WINDOW(&e->n->attr, x, y), KIN(e, 0),
           KIN(e, 1), KOUT(e));
}
static void emit_avg_pool(emitter *e) {
    const nas_shape *x = e->in[0], *y = &e->n->shape;
    LAUNCH(e, pool_cl, "avg_pool", vectors_of(e, y), 1, 1, WINDOW(&e->n->attr, x, y),
           KI(e->n->attr.conv.include_pad), KIN(e, 0), KOUT(e));
}
static void emit_avg_pool_dx(emitter *e) {
    const nas_shape *x = &e->n->shape, *y = e->in[0];
    LAUNCH(e, pool_cl, "avg_pool_dx", vectors_of(e, x), 1, 1, WINDOW(&e->n->attr, x, y),
           KI(e->n->attr.conv.include_pad), KIN(e, 0), KOUT(e));
}
static void emit_global_pool(emitter *e) {
    int64_t n = e->in[0]->dim[0], c = rows_last(e->in[0]), r = rows_count(e->in[0]) / (n * c);
    rows_sum_middle(e, KIN(e, 0), KOUT(e), n, r, c, (float)(1.0 / (double)r));
}

/* ---- the loss ---- */

static void emit_cross_entropy(emitter *e) {
    plane z = plane_of(e);
    LAUNCH(e, loss_cl, "cross_entropy", z.rows, 1, 1, KI(z.rows), KI(z.width),
           KF(e->n->attr.loss.smoothing), KIN(e, 0), KIN(e, 1), KOUT(e));
}
static void emit_cross_entropy_grad(emitter *e) {
    plane z = plane_of(e);
    LAUNCH(e, loss_cl, "cross_entropy_grad", z.rows, 1, 1, KI(z.rows), KI(z.width),
           KF(e->n->attr.loss.smoothing), KIN(e, 0), KIN(e, 1), KIN(e, 2), KOUT(e));
}
static void emit_correct(emitter *e) {
    plane z = plane_of(e);
    LAUNCH(e, loss_cl, "correct", z.rows, 1, 1, KI(z.rows), KI(z.width), KIN(e, 0), KIN(e, 1),
           KOUT(e));
}

const row rows_batch_stats[] = {{NULL, emit_batch_stats}};
const row rows_batch_norm[] = {{NULL, emit_batch_norm}};
const row rows_batch_norm_sums[] = {{NULL, emit_batch_norm_sums}};
const row rows_batch_norm_dx[] = {{NULL, emit_batch_norm_dx}};
const row rows_ema[] = {{NULL, emit_ema}};
const row rows_softmax[] = {{NULL, emit_softmax}};
const row rows_softmax_grad[] = {{NULL, emit_softmax_grad}};
const row rows_layer_norm[] = {{NULL, emit_layer_norm}};
const row rows_layer_norm_grad[] = {{on_cpu, emit_layer_norm_grad}, {NULL, emit_layer_norm_two}};
const row rows_max_pool[] = {{NULL, emit_max_pool}};
const row rows_max_pool_dx[] = {{NULL, emit_max_pool_dx}};
const row rows_avg_pool[] = {{NULL, emit_avg_pool}};
const row rows_avg_pool_dx[] = {{NULL, emit_avg_pool_dx}};
const row rows_global_pool[] = {{NULL, emit_global_pool}};
const row rows_cross_entropy[] = {{NULL, emit_cross_entropy}};
const row rows_cross_entropy_grad[] = {{NULL, emit_cross_entropy_grad}};
const row rows_correct[] = {{NULL, emit_correct}};
