/* runtime/rows_gpu.c - candidates for GPUs: products and convolutions by tiles in local memory, and
 * products by sub-groups. */
#include "candidates.h"

#include <string.h>

static const char matmul_cl[] = "matmul_gpu.cl", conv_cl[] = "conv_gpu.cl",
                  subgroup_cl[] = "subgroup_gpu.cl";

/* Bytes of local memory and items of a work-group that the largest kernel takes. */
enum { LOCAL_BYTES = 12 << 10, ITEMS = 8, SUBGROUP_COLUMNS = 64, SUBGROUP_ROWS = 8 };

static bool has_tiles(const emitter *e) {
    return e->d->info.local_bytes >= LOCAL_BYTES && e->d->group_items >= ITEMS * ITEMS;
}

/* Large tiles reuse more, small ones fill a device that has many units: large where they leave work
 * for every unit. */
static bool fills(const emitter *e, int64_t m, int64_t n, int64_t times) {
    return m > 32 && n > 32 &&
           rows_div(m, 64) * rows_div(n, 64) * times >= 2 * (int64_t)e->d->info.compute_units;
}

/* ---- products ---- */

void emit_parts(emitter *e, const gemm *z, int64_t pieces, karg parts) {
    int64_t rows = z->batch * z->m;
    LAUNCH(e, matmul_cl, "matmul_parts", rows * rows_div(z->n, 4), 1, 1, KI(rows), KI(z->n),
           KI(pieces), KF(z->alpha), KI(z->flags), KI(z->act), parts, z->bias, z->residual,
           KOUT(e));
}

static void emit_product(emitter *e, const char *kernel, int64_t side) {
    enum { PARTS_MAX = 1 << 22 };
    gemm z = gemm_of(e);
    int64_t gx = rows_div(z.n, side), gy = rows_div(z.m, side);
    int64_t most = PARTS_MAX / (z.batch * z.m * z.n);
    int64_t piece =
        rows_div(z.k, rows_pieces(e, z.k, 128, gx * gy * z.batch, most < 64 ? most : 64));
    int64_t pieces = rows_div(z.k, piece);
    bool whole = pieces == 1;
    karg out = whole ? KOUT(e) : KS(rows_scratch(e, (size_t)(pieces * z.batch * z.m * z.n)));
    LAUNCH(e, matmul_cl, kernel, gx * ITEMS, gy * ITEMS, z.batch * pieces, KI(z.m), KI(z.n),
           KI(z.k), KI(z.batch), KI(z.b_step), KI(piece), KI(z.a_turned), KI(z.b_turned),
           KF(whole ? z.alpha : 1), KI(whole ? z.flags : 0), KI(whole ? z.act : NAS_ACT_NONE),
           KIN(e, 0), KIN(e, 1), whole ? z.bias : KZ, whole ? z.residual : KZ, out);
    if (!whole)
        emit_parts(e, &z, pieces, out);
}
static void emit_matmul64(emitter *e) {
    emit_product(e, "matmul_tile64", 64);
}
static void emit_matmul32(emitter *e) {
    emit_product(e, "matmul_tile32", 32);
}
static bool matmul_fills(const emitter *e) {
    gemm z = gemm_of(e);
    return fills(e, z.m, z.n, z.batch);
}

static bool has_subgroups(const emitter *e) {
    return e->d->subgroups && e->d->group_items >= SUBGROUP_COLUMNS && !gemm_of(e).b_turned;
}
static void emit_subgroup(emitter *e) {
    gemm z = gemm_of(e);
    LAUNCH(e, subgroup_cl, "matmul_subgroup", z.n, rows_div(z.m, SUBGROUP_ROWS), z.batch, KI(z.m),
           KI(z.n), KI(z.k), KI(z.b_step), KI(z.a_turned), KF(z.alpha), KI(z.flags), KI(z.act),
           KIN(e, 0), KIN(e, 1), z.bias, z.residual, KOUT(e));
}

/* ---- convolutions ---- */

/* One group, and enough channels on both sides that a tile is not mostly zeros. */
static bool conv_can(const emitter *e) {
    return has_tiles(e) && convolution_of(e).groups == 1;
}
static bool conv_wide(const emitter *e) {
    convolution z = convolution_of(e);
    return z.k >= 16 && z.c >= 8;
}
static bool y_fills(const emitter *e) {
    convolution z = convolution_of(e);
    return conv_wide(e) && fills(e, z.n * z.p * z.q, z.k, 1);
}
static bool dx_fills(const emitter *e) {
    convolution z = convolution_of(e);
    return conv_wide(e) && fills(e, z.n * z.h * z.w, z.c, 1);
}
static bool dw_fills(const emitter *e) {
    convolution z = convolution_of(e);
    return conv_wide(e) && z.c > 32 && z.k > 32;
}

static void emit_conv_y(emitter *e, const char *kernel, int64_t side) {
    convolution z = convolution_of(e);
    int64_t pixels = z.n * z.p * z.q;
    LAUNCH(e, conv_cl, kernel, rows_div(z.k, side) * ITEMS, rows_div(pixels, side) * ITEMS, 1,
           CONV_SIZES(z), KI(pixels), KI(z.flags), KI(z.a->conv.act), KIN(e, 0), KIN(e, 1), z.bias,
           z.residual, KOUT(e));
}
static void emit_conv_dx(emitter *e, const char *kernel, int64_t side) {
    convolution z = convolution_of(e);
    int64_t pixels = z.n * rows_div(z.h, z.sh) * rows_div(z.w, z.sw);
    LAUNCH(e, conv_cl, kernel, rows_div(z.c, side) * ITEMS, rows_div(pixels, side) * ITEMS,
           z.sh * z.sw, CONV_SIZES(z), KI(z.n), KIN(e, 0), KIN(e, 1), KOUT(e));
}
static void emit_conv_dw(emitter *e, const char *kernel, int64_t side) {
    enum { PARTS_MAX = 1 << 23 };
    convolution z = convolution_of(e);
    int64_t gx = rows_div(z.k, side), gy = rows_div(z.c, side), taps = z.r * z.s;
    int64_t pixels = z.n * z.p * z.q, size = taps * z.c * z.k, most = PARTS_MAX / size;
    int64_t piece =
        rows_div(pixels, rows_pieces(e, pixels, 256, gx * gy * taps, most < 256 ? most : 256));
    int64_t pieces = rows_div(pixels, piece);
    karg parts = pieces > 1 ? KS(rows_scratch(e, (size_t)(pieces * size))) : KOUT(e);
    LAUNCH(e, conv_cl, kernel, gx * ITEMS, gy * ITEMS, taps * pieces, CONV_SIZES(z), KI(pixels),
           KI(piece), KIN(e, 0), KIN(e, 1), parts);
    if (pieces > 1)
        emit_parts(
            e,
            &(gemm){.batch = 1, .m = taps * z.c, .n = z.k, .alpha = 1, .bias = KZ, .residual = KZ},
            pieces, parts);
}

static void emit_y64(emitter *e) {
    emit_conv_y(e, "conv_y_tile64", 64);
}
static void emit_y32(emitter *e) {
    emit_conv_y(e, "conv_y_tile32", 32);
}
static void emit_dx64(emitter *e) {
    emit_conv_dx(e, "conv_dx_tile64", 64);
}
static void emit_dx32(emitter *e) {
    emit_conv_dx(e, "conv_dx_tile32", 32);
}
static void emit_dw64(emitter *e) {
    emit_conv_dw(e, "conv_dw_tile64", 64);
}
static void emit_dw32(emitter *e) {
    emit_conv_dw(e, "conv_dw_tile32", 32);
}

const candidate gpu_matmul[] = {{"tile64", "gpu", has_tiles, matmul_fills, emit_matmul64},
                                {"tile32", "gpu", has_tiles, NULL, emit_matmul32},
                                {NULL, NULL, NULL, NULL, NULL}};
const candidate subgroup_matmul[] = {{"subgroup", NULL, has_subgroups, NULL, emit_subgroup},
                                     {NULL, NULL, NULL, NULL, NULL}};
const candidate gpu_conv2d[] = {{"tile64", "gpu", conv_can, y_fills, emit_y64},
                                {"tile32", "gpu", conv_can, conv_wide, emit_y32},
                                {NULL, NULL, NULL, NULL, NULL}};
const candidate gpu_conv2d_dx[] = {{"tile64", "gpu", conv_can, dx_fills, emit_dx64},
                                   {"tile32", "gpu", conv_can, conv_wide, emit_dx32},
                                   {NULL, NULL, NULL, NULL, NULL}};
const candidate gpu_conv2d_dw[] = {{"tile64", "gpu", conv_can, dw_fills, emit_dw64},
                                   {"tile32", "gpu", conv_can, conv_wide, emit_dw32},
                                   {NULL, NULL, NULL, NULL, NULL}};
