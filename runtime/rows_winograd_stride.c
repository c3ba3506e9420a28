/* runtime/rows_winograd_stride.c - candidates for CPUs: 3x3 convolutions of stride 2, and their
 * gradients, with fewer multiplications: by tiles of 4 x 4 pixels of y. */
#include "candidates.h"

static const char stride_cl[] = "winograd_stride.cl", conv_cl[] = "conv.cl";

/* As in winograd_stride.cl: a tile's side and positions, its classes; floats of an item's
 * transformed pixels, and its tiles. */
enum { SIDE = 4, POSITIONS = 81, CLASSES = 36, FLOATS = 81 << 10, TILES = 32 };

static bool is_3x3(const convolution *z) {
    return z->groups == 1 && z->r == 3 && z->s == 3 && z->sh == 2 && z->sw == 2 &&
           z->a->conv.dilation[0] == 1 && z->a->conv.dilation[1] == 1;
}

/* Whole vectors of channels, and the fewest tiles within the room for them. `from` channels are
 * transformed, `to` are the register tile's columns. */
static int64_t rows_of(const emitter *e, int64_t to) {
    return rows_wide(e, to) ? e->d->tile.mr : e->d->tile.mr1;
}
static bool fits(const emitter *e, int64_t from, int64_t to) {
    convolution z = convolution_of(e);
    int64_t vw = e->d->tile.vw;
    return is_3x3(&z) && vw >= 8 && from % vw == 0 && to % vw == 0 &&
           POSITIONS * rows_of(e, to) * from <= FLOATS;
}

/* Multiplications along a side of `n` pixels: an edge has only the points that it needs. */
static int64_t along(int64_t n) {
    return n / SIDE * (2 * SIDE + 1) + (n % SIDE ? 2 * (n % SIDE) + 1 : 0);
}
/* Work enough to pay for the transformed weights and one launch more. */
static bool pays(const emitter *e) {
    enum { LEAST = 16 << 20 };
    convolution z = convolution_of(e);
    int64_t direct = 9 * z.n * z.p * z.q, here = z.n * along(z.p) * along(z.q);
    return direct * z.c * z.k >= LEAST * (int64_t)e->d->info.compute_units &&
           4 * here <= 3 * direct;
}

/* Tiles of an item: enough that weights are used many times from the nearest cache, and work for
 * every unit. */
static int64_t tiles_of_item(const emitter *e, int64_t tiles, int64_t from, int64_t rows) {
    int64_t most = FLOATS / (POSITIONS * from);
    int64_t share = tiles / (8 * (int64_t)e->d->info.compute_units);
    most = most < TILES ? most : TILES;
    most = most < share ? most : share;
    return most < rows ? rows : most;
}

/* ---- forward ---- */

static bool y_can(const emitter *e) {
    convolution z = convolution_of(e);
    return fits(e, z.c, z.k);
}
static void emit_y(emitter *e) {
    convolution z = convolution_of(e);
    int64_t count = z.c * z.k, tiles = z.n * rows_div(z.p, SIDE) * rows_div(z.q, SIDE);
    int64_t many = tiles_of_item(e, tiles, z.c, rows_of(e, z.k));
    size_t u = rows_scratch(e, (size_t)(CLASSES * count));
    LAUNCH(e, stride_cl, "stride_w", rows_div(count, e->d->tile.vw), 1, 1, KI(count), KI(0),
           KIN(e, 1), KS(u));
    LAUNCH(e, stride_cl, rows_wide(e, z.k) ? "stride_y_wide" : "stride_y_slim",
           rows_div(tiles, many), 1, 1, KI(z.h), KI(z.w), KI(z.c), KI(z.p), KI(z.q), KI(z.k),
           KI(z.a->conv.pad[0]), KI(z.a->conv.pad[2]), KI(z.n), KI(many), KI(z.flags),
           KI(z.a->conv.act), KIN(e, 0), KS(u), z.bias, z.residual, KZ, KOUT(e));
}

/* ---- the gradient of x ---- */

static bool dx_can(const emitter *e) {
    convolution z = convolution_of(e);
    return fits(e, z.k, z.c);
}
/* Tiles along a side of n pixels of x: as many as its pixels of two taps, or of one, need. */
static int64_t tiles_along_x(int64_t n, int64_t before) {
    int64_t two = (n + before + 1) / 2 - (before + 1) / 2, one = (n + before) / 2 - before / 2;
    return rows_div(two > one ? two : one, SIDE);
}
static void emit_dx(emitter *e) {
    convolution z = convolution_of(e);
    int64_t top = z.a->conv.pad[0], left = z.a->conv.pad[2], count = z.c * z.k;
    int64_t down = tiles_along_x(z.h, top), across = tiles_along_x(z.w, left);
    int64_t tiles = z.n * down * across, many = tiles_of_item(e, tiles, z.k, rows_of(e, z.c));
    size_t wt = rows_scratch(e, (size_t)(9 * count)),
           u = rows_scratch(e, (size_t)(CLASSES * count));
    LAUNCH(e, conv_cl, "conv_flip", 9 * count, 1, 1, KI(9), KI(z.c), KI(z.k), KIN(e, 1), KS(wt));
    LAUNCH(e, stride_cl, "stride_w", rows_div(count, e->d->tile.vw), 1, 1, KI(count), KI(1), KS(wt),
           KS(u));
    LAUNCH(e, stride_cl, rows_wide(e, z.c) ? "stride_dx_wide" : "stride_dx_slim",
           rows_div(tiles, many), 1, 1, KI(z.h), KI(z.w), KI(z.c), KI(z.p), KI(z.q), KI(z.k),
           KI(top), KI(left), KI(z.n), KI(down), KI(across), KI(many), KIN(e, 0), KS(u), KZ,
           KOUT(e));
}

/* ---- the weights' gradient ---- */

/* Channels and columns of an item: their product bounds its sums, and each with AT_A_TIME tiles the
 * transformed pixels; whole vectors and whole rows of the register tile. */
enum { AT_A_TIME = 16 };
static int64_t channels_of_item(const emitter *e) {
    return e->d->tile.mr % 6 ? 32 : 48;
}
static int64_t columns_of_item(const emitter *e, int64_t k) {
    return k > 32 && channels_of_item(e) == 32 ? 64 : 32;
}
static bool dw_can(const emitter *e) {
    convolution z = convolution_of(e);
    return z.c % e->d->tile.vw == 0 && fits(e, e->d->tile.vw, z.k);
}
static void emit_dw(emitter *e) {
    convolution z = convolution_of(e);
    int64_t cs = channels_of_item(e), ks = columns_of_item(e, z.k), size = 9 * z.c * z.k;
    int64_t gx = rows_div(z.k, ks), gy = rows_div(z.c, cs);
    int64_t tiles = z.n * rows_div(z.p, SIDE) * rows_div(z.q, SIDE);
    int64_t blocks = rows_div(tiles, AT_A_TIME);
    int64_t piece = rows_div(blocks, rows_pieces(e, blocks, 1, gx * gy, 64)) * AT_A_TIME;
    int64_t pieces = rows_div(tiles, piece);
    karg parts = rows_parts_begin(e, pieces, size);
    LAUNCH(e, stride_cl, rows_wide(e, z.k) ? "stride_dw_wide" : "stride_dw_slim", gx, gy, pieces,
           KI(z.h), KI(z.w), KI(z.c), KI(z.p), KI(z.q), KI(z.k), KI(z.a->conv.pad[0]),
           KI(z.a->conv.pad[2]), KI(z.n), KI(piece), KI(AT_A_TIME), KI(cs), KI(ks), KIN(e, 0),
           KIN(e, 1), KZ, parts);
    rows_parts_end(e, parts, pieces, size);
}

#define TABLE(op, type)                                                                            \
    {                                                                                              \
        {"winograd_stride", type, op##_can, pays, emit_##op}, {                                    \
            NULL, NULL, NULL, NULL, NULL                                                           \
        }                                                                                          \
    }
const candidate winograd_stride_conv2d[] = TABLE(y, "cpu");
const candidate winograd_stride_conv2d_dx[] = TABLE(dx, "cpu");
/* No faster than direct tiles on the devices at hand. */
const candidate winograd_stride_conv2d_dw[] = TABLE(dw, NULL);
