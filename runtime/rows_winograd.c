/* runtime/rows_winograd.c - candidates for CPUs: 3x3 convolutions of stride 1, and their gradients,
 * with fewer multiplications. */
#include "candidates.h"

static const char winograd_cl[] = "winograd.cl", conv_cl[] = "conv.cl", reduce_cl[] = "reduce.cl";

/* As in winograd.cl: floats of an item's transformed pixels, and its tiles. */
enum { FLOATS = 1 << 15, TILES = 24, POSITIONS = 16 };

typedef struct filter { /* a 3x3 convolution from c to k channels, whichever op asks for it */
    int64_t n, h, w, c, p, q, k;
    int64_t top, left;
    bool wide;
    int64_t rows, pitch, tiles; /* of the register tile; of a transformed pixel; in all */
} filter;

static bool is_3x3(const convolution *z) {
    return z->groups == 1 && z->r == 3 && z->s == 3 && z->sh == 1 && z->sw == 1 &&
           z->a->conv.dilation[0] == 1 && z->a->conv.dilation[1] == 1;
}

static filter with_tiles(const emitter *e, filter f) {
    const device_tile *t = &e->d->tile;
    int64_t wide = t->nv * t->vw;
    f.wide = f.k >= wide && (f.k % wide == 0 || f.k % wide > t->vw || f.k > 4 * wide);
    f.rows = f.wide ? t->mr : t->mr1;
    f.pitch = rows_div(f.c, t->vw) * t->vw;
    f.tiles = f.n * rows_div(f.p, 2) * rows_div(f.q, 2);
    return f;
}
static filter forward(const emitter *e) {
    convolution z = convolution_of(e);
    filter f = {.n = z.n, .h = z.h, .w = z.w, .c = z.c, .p = z.p, .q = z.q, .k = z.k};
    f.top = z.a->conv.pad[0];
    f.left = z.a->conv.pad[2];
    return with_tiles(e, f);
}
/* The gradient is a convolution of dy with the weights turned by 180 degrees. */
static filter backward(const emitter *e) {
    convolution z = convolution_of(e);
    filter f = {.n = z.n, .h = z.p, .w = z.q, .c = z.k, .p = z.h, .q = z.w, .k = z.c};
    f.top = 2 - z.a->conv.pad[0];
    f.left = 2 - z.a->conv.pad[2];
    return with_tiles(e, f);
}

static bool fits(const emitter *e, const filter *f) {
    return e->d->tile.vw >= 8 && f->k >= e->d->tile.vw && f->c >= 8 &&
           POSITIONS * f->rows * f->pitch <= FLOATS;
}
static bool y_can(const emitter *e) {
    convolution z = convolution_of(e);
    filter f = forward(e);
    return is_3x3(&z) && fits(e, &f);
}
static bool dx_can(const emitter *e) {
    convolution z = convolution_of(e);
    filter f = backward(e);
    return is_3x3(&z) && fits(e, &f);
}

/* Whole vectors of channels, and tiles enough to pay for the transformed weights. */
static bool pays(const emitter *e, const filter *f) {
    return f->c % e->d->tile.vw == 0 && f->k % e->d->tile.vw == 0 &&
           f->tiles >= 32 * (int64_t)e->d->info.compute_units;
}
static bool y_pays(const emitter *e) {
    filter f = forward(e);
    return pays(e, &f);
}
static bool dx_pays(const emitter *e) {
    filter f = backward(e);
    return pays(e, &f);
}

/* Tiles of an item: enough that weights are used many times from the nearest cache, few where there
 * are few channels and transforms weigh more, and work for every unit. */
static int64_t tiles_of_item(const emitter *e, const filter *f) {
    int64_t most = FLOATS / (POSITIONS * f->pitch), units = (int64_t)e->d->info.compute_units;
    most = most < TILES ? most : TILES;
    most = f->pitch <= 16 ? f->rows : most;
    int64_t share = f->tiles / (8 * units);
    most = most < share ? most : share;
    return most < f->rows ? f->rows : most / f->rows * f->rows;
}

static void emit(emitter *e, const filter *f, karg w, bool turned, karg bias, karg residual,
                 int32_t flags, int32_t act) {
    int64_t count = f->c * f->k, many = tiles_of_item(e, f);
    size_t u = rows_scratch(e, (size_t)(POSITIONS * count));
    LAUNCH(e, winograd_cl, "winograd_w", rows_div(count, e->d->tile.vw), 1, 1, KI(count),
           KI(turned), w, KS(u));
    LAUNCH(e, winograd_cl, f->wide ? "winograd_y_wide" : "winograd_y_slim",
           rows_div(f->tiles, many), 1, 1, KI(f->h), KI(f->w), KI(f->c), KI(f->p), KI(f->q),
           KI(f->k), KI(f->top), KI(f->left), KI(f->n), KI(many), KI(flags), KI(act), KIN(e, 0),
           KS(u), bias, residual, KZ, KOUT(e));
}

static void emit_y(emitter *e) {
    filter f = forward(e);
    convolution z = convolution_of(e);
    emit(e, &f, KIN(e, 1), false, z.bias, z.residual, z.flags, z.a->conv.act);
}
static void emit_dx(emitter *e) {
    filter f = backward(e);
    int64_t size = 9 * f.c * f.k;
    size_t wt = rows_scratch(e, (size_t)size);
    LAUNCH(e, conv_cl, "conv_flip", size, 1, 1, KI(9), KI(f.k), KI(f.c), KIN(e, 1), KS(wt));
    emit(e, &f, KS(wt), true, KZ, KZ, 0, NAS_ACT_NONE);
}

/* ---- the weights' gradient ---- */

/* Channels and columns of an item: their product bounds its sums, and each with AT_A_TIME tiles the
 * transformed pixels; whole vectors and whole rows of the register tile. */
enum { AT_A_TIME = 32 };
static int64_t channels_of_item(const emitter *e) {
    return e->d->tile.mr % 6 ? 32 : 48;
}
static int64_t columns_of_item(const emitter *e, const filter *f) {
    return f->k > 32 && channels_of_item(e) == 32 ? 64 : 32;
}
static bool dw_can(const emitter *e) {
    convolution z = convolution_of(e);
    return is_3x3(&z) && e->d->tile.vw >= 8 && z.k >= e->d->tile.vw && z.c >= 8;
}
/* Sums of few channels are added to too often for what they save. */
static bool dw_pays(const emitter *e) {
    filter f = forward(e);
    return pays(e, &f) && f.c >= 32 && f.k >= 32;
}

static void emit_dw(emitter *e) {
    filter f = forward(e);
    int64_t cs = channels_of_item(e), ks = columns_of_item(e, &f), size = 9 * f.c * f.k;
    int64_t gx = rows_div(f.k, ks), gy = rows_div(f.c, cs), blocks = rows_div(f.tiles, AT_A_TIME);
    int64_t piece = rows_div(blocks, rows_pieces(e, blocks, 1, gx * gy, 64)) * AT_A_TIME;
    int64_t pieces = rows_div(f.tiles, piece);
    karg parts = pieces > 1 ? KS(rows_scratch(e, (size_t)(pieces * size))) : KOUT(e);
    LAUNCH(e, winograd_cl, f.wide ? "winograd_dw_wide" : "winograd_dw_slim", gx, gy, pieces,
           KI(f.h), KI(f.w), KI(f.c), KI(f.p), KI(f.q), KI(f.k), KI(f.top), KI(f.left), KI(f.n),
           KI(piece), KI(AT_A_TIME), KI(cs), KI(ks), KIN(e, 0), KIN(e, 1), KZ, parts);
    if (pieces > 1)
        LAUNCH(e, reduce_cl, "sum_parts", rows_div(size, e->d->tile.vw), 1, 1, KI(size), KI(pieces),
               KF(1), parts, KOUT(e));
}

const candidate winograd_conv2d[] = {{"winograd", "cpu", y_can, y_pays, emit_y},
                                     {NULL, NULL, NULL, NULL, NULL}};
const candidate winograd_conv2d_dx[] = {{"winograd", "cpu", dx_can, dx_pays, emit_dx},
                                        {NULL, NULL, NULL, NULL, NULL}};
const candidate winograd_conv2d_dw[] = {{"winograd", "cpu", dw_can, dw_pays, emit_dw},
                                        {NULL, NULL, NULL, NULL, NULL}};
