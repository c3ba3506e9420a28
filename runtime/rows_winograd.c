/* runtime/rows_winograd.c - candidates for CPUs: 3x3 convolutions of stride 1, and their gradients,
 * with fewer multiplications: by tiles of 2 x 2 pixels or of 4 x 4. */
#include "candidates.h"

static const char winograd_cl[] = "winograd.cl", conv_cl[] = "conv.cl";

/* As in winograd.cl: floats of an item's transformed pixels and of its sums, and its tiles. */
enum { FLOATS = 36 << 11, TILES = 24 };

typedef struct filter { /* a 3x3 convolution from c to k channels, whichever op asks for it */
    int64_t n, h, w, c, p, q, k;
    int64_t top, left;
    int64_t side, positions, tiles; /* of a tile on y; numbers of a tile; tiles in all */
    bool wide;
    int64_t rows; /* of the register tile */
} filter;

static bool is_3x3(const convolution *z) {
    return z->groups == 1 && z->r == 3 && z->s == 3 && z->sh == 1 && z->sw == 1 &&
           z->a->conv.dilation[0] == 1 && z->a->conv.dilation[1] == 1;
}

static int64_t tiles_of(const filter *f, int64_t side) {
    return f->n * rows_div(f->p, side) * rows_div(f->q, side);
}
static filter with_tiles(const emitter *e, filter f, int64_t side) {
    f.wide = rows_wide(e, f.k);
    f.rows = f.wide ? e->d->tile.mr : e->d->tile.mr1;
    f.side = side;
    f.positions = (side + 2) * (side + 2);
    f.tiles = tiles_of(&f, side);
    return f;
}
static filter forward(const emitter *e, int64_t side) {
    convolution z = convolution_of(e);
    filter f = {.n = z.n, .h = z.h, .w = z.w, .c = z.c, .p = z.p, .q = z.q, .k = z.k};
    f.top = z.a->conv.pad[0];
    f.left = z.a->conv.pad[2];
    return with_tiles(e, f, side);
}
/* The gradient is a convolution of dy with the weights turned by 180 degrees. */
static filter backward(const emitter *e, int64_t side) {
    convolution z = convolution_of(e);
    filter f = {.n = z.n, .h = z.p, .w = z.q, .c = z.k, .p = z.h, .q = z.w, .k = z.c};
    f.top = 2 - z.a->conv.pad[0];
    f.left = 2 - z.a->conv.pad[2];
    return with_tiles(e, f, side);
}

/* Whole vectors of channels, and the smallest strip of tiles within the room for it. */
static bool fits(const emitter *e, const filter *f) {
    convolution z = convolution_of(e);
    int64_t vw = e->d->tile.vw;
    return is_3x3(&z) && vw >= 8 && f->k % vw == 0 && f->c % vw == 0 &&
           f->positions * f->rows * f->c <= FLOATS;
}

/* Work enough to pay for the transformed weights and one launch more, and of the two sides of a
 * tile the one with fewer multiplications: where images are small, larger tiles lie beside them. */
static bool pays(const emitter *e, const filter *f) {
    enum { LEAST = 16 << 20 };
    int64_t other = f->side == 4 ? 2 : 4, direct = 9 * f->n * f->p * f->q;
    int64_t here = f->positions * f->tiles, there = (other + 2) * (other + 2) * tiles_of(f, other);
    return direct * f->c * f->k >= LEAST * (int64_t)e->d->info.compute_units &&
           10 * here <= (f->side == 4 ? 9 : 11) * there && 3 * here <= 2 * direct;
}

/* Tiles of an item: enough that weights are used many times from the nearest cache, and work for
 * every unit. */
static int64_t tiles_of_item(const emitter *e, const filter *f) {
    int64_t most = FLOATS / (f->positions * f->c);
    int64_t share = f->tiles / (8 * (int64_t)e->d->info.compute_units);
    most = most < TILES ? most : TILES;
    most = most < share ? most : share;
    return most < f->rows ? f->rows : most / f->rows * f->rows;
}

static const char *name_of(const filter *f, const char *small_slim, const char *small_wide,
                           const char *large_slim, const char *large_wide) {
    return f->side == 2 ? (f->wide ? small_wide : small_slim) : (f->wide ? large_wide : large_slim);
}

static void emit(emitter *e, const filter *f, karg w, bool turned, karg bias, karg residual,
                 int32_t flags, int32_t act) {
    int64_t count = f->c * f->k, many = tiles_of_item(e, f);
    size_t u = rows_scratch(e, (size_t)(f->positions * count));
    LAUNCH(e, winograd_cl, f->side == 2 ? "winograd2_w" : "winograd4_w",
           rows_div(count, e->d->tile.vw), 1, 1, KI(count), KI(turned), w, KS(u));
    LAUNCH(
        e, winograd_cl,
        name_of(f, "winograd_y2_slim", "winograd_y2_wide", "winograd_y4_slim", "winograd_y4_wide"),
        rows_div(f->tiles, many), 1, 1, KI(f->h), KI(f->w), KI(f->c), KI(f->p), KI(f->q), KI(f->k),
        KI(f->top), KI(f->left), KI(f->n), KI(many), KI(flags), KI(act), KIN(e, 0), KS(u), bias,
        residual, KZ, KOUT(e));
}

static void emit_y(emitter *e, int64_t side) {
    filter f = forward(e, side);
    convolution z = convolution_of(e);
    emit(e, &f, KIN(e, 1), false, z.bias, z.residual, z.flags, z.a->conv.act);
}
static void emit_dx(emitter *e, int64_t side) {
    filter f = backward(e, side);
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
static bool dw_fits(const emitter *e, const filter *f) {
    filter g = *f;
    g.c = e->d->tile.vw;
    return f->c % e->d->tile.vw == 0 && fits(e, &g);
}

static void emit_dw(emitter *e, int64_t side) {
    filter f = forward(e, side);
    int64_t cs = channels_of_item(e), ks = columns_of_item(e, &f), size = 9 * f.c * f.k;
    int64_t gx = rows_div(f.k, ks), gy = rows_div(f.c, cs), blocks = rows_div(f.tiles, AT_A_TIME);
    int64_t piece = rows_div(blocks, rows_pieces(e, blocks, 1, gx * gy, 64)) * AT_A_TIME;
    int64_t pieces = rows_div(f.tiles, piece);
    karg parts = rows_parts_begin(e, pieces, size);
    LAUNCH(e, winograd_cl,
           name_of(&f, "winograd_dw2_slim", "winograd_dw2_wide", "winograd_dw4_slim",
                   "winograd_dw4_wide"),
           gx, gy, pieces, KI(f.h), KI(f.w), KI(f.c), KI(f.p), KI(f.q), KI(f.k), KI(f.top),
           KI(f.left), KI(f.n), KI(piece), KI(AT_A_TIME), KI(cs), KI(ks), KIN(e, 0), KIN(e, 1), KZ,
           parts);
    rows_parts_end(e, parts, pieces, size);
}

/* ---- the candidates: each op by each side ---- */

#define CANDIDATE(op, side, of, fit)                                                               \
    static bool op##side##_can(const emitter *e) {                                                 \
        filter f = of(e, side);                                                                    \
        return fit(e, &f);                                                                         \
    }                                                                                              \
    static bool op##side##_pays(const emitter *e) {                                                \
        filter f = of(e, side);                                                                    \
        return pays(e, &f);                                                                        \
    }                                                                                              \
    static void op##side##_emit(emitter *e) {                                                      \
        emit_##op(e, side);                                                                        \
    }
CANDIDATE(y, 2, forward, fits)
CANDIDATE(y, 4, forward, fits)
CANDIDATE(dx, 2, backward, fits)
CANDIDATE(dx, 4, backward, fits)
CANDIDATE(dw, 2, forward, dw_fits)
CANDIDATE(dw, 4, forward, dw_fits)

#define TABLE(op)                                                                                  \
    {                                                                                              \
        {"winograd4", "cpu", op##4_can, op##4_pays, op##4_emit},                                   \
            {"winograd2", "cpu", op##2_can, op##2_pays, op##2_emit}, {                             \
            NULL, NULL, NULL, NULL, NULL                                                           \
        }                                                                                          \
    }
const candidate winograd_conv2d[] = TABLE(y);
const candidate winograd_conv2d_dx[] = TABLE(dx);
const candidate winograd_conv2d_dw[] = TABLE(dw);
