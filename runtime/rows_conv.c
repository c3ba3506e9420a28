/* runtime/rows_conv.c - rows of conv2d and its gradients: register tiles, depthwise, any groups. */
#include "rows.h"

#include <string.h>

static const char conv_cl[] = "conv.cl", depthwise_cl[] = "depthwise.cl",
                  rows_cl[] = "depthwise_rows.cl", grouped_cl[] = "grouped.cl";

typedef struct geometry { /* x [N,H,W,C], y [N,P,Q,K], w [R,S,C/groups,K] */
    int64_t n, h, w, c, p, q, k, r, s, groups;
    const nas_attr *a;
} geometry;

static geometry geometry_of(const nas_attr *a, const nas_shape *x, const nas_shape *y) {
    return (geometry){.n = x->dim[0],
                      .h = x->dim[1],
                      .w = x->dim[2],
                      .c = x->dim[3],
                      .p = y->dim[1],
                      .q = y->dim[2],
                      .k = y->dim[3],
                      .r = a->conv.kernel[0],
                      .s = a->conv.kernel[1],
                      .groups = a->conv.groups,
                      .a = a};
}
static geometry forward(const emitter *e) {
    return geometry_of(&e->n->attr, e->in[0], &e->n->shape);
}
static geometry for_dx(const emitter *e) {
    return geometry_of(&e->n->attr, &e->n->shape, e->in[0]);
}
static geometry for_dw(const emitter *e) {
    return geometry_of(&e->n->attr, e->in[0], e->in[1]);
}

/* What all kernels take in the same order. */
#define STEPS(a)                                                                                   \
    KI((a)->conv.stride[0]), KI((a)->conv.stride[1]), KI((a)->conv.dilation[0]),                   \
        KI((a)->conv.dilation[1]), KI((a)->conv.pad[0]), KI((a)->conv.pad[2])

typedef struct tile_choice {
    const char *y, *dx, *dw;
    int64_t rows, columns;
} tile_choice;

/* The tile for n columns: whole vectors where the row has them. */
static tile_choice choose_tile(const emitter *e, int64_t n) {
    const device_tile *t = &e->d->tile;
    int64_t wide = t->nv * t->vw;
    if (rows_wide(e, n))
        return (tile_choice){"conv_y_wide", "conv_dx_wide", "conv_dw_wide", t->mr, wide};
    if (n >= t->vw)
        return (tile_choice){"conv_y_slim", "conv_dx_slim", "conv_dw_slim", t->mr1, t->vw};
    return (tile_choice){"conv_y_mask", "conv_dx_mask", "conv_dw_mask", t->mr1, t->vw};
}

static int32_t flags_of(const nas_attr *a) {
    return (a->conv.bias ? 1 : 0) | (a->conv.residual ? 2 : 0);
}
static karg bias_of(const emitter *e) {
    return e->n->attr.conv.bias ? KIN(e, 2) : KZ;
}
static karg residual_of(const emitter *e) {
    return e->n->attr.conv.residual ? KIN(e, e->n->n_in - 1) : KZ;
}

/* ---- one group ---- */

static bool y_one_group(const emitter *e) {
    geometry z = forward(e);
    return z.groups == 1 && z.c <= DEVICE_ZEROS;
}
static bool dx_one_group(const emitter *e) {
    geometry z = for_dx(e);
    return z.groups == 1 && z.k <= DEVICE_ZEROS;
}
static bool dw_one_group(const emitter *e) {
    return for_dw(e).groups == 1;
}

static void emit_y(emitter *e) {
    geometry z = forward(e);
    tile_choice t = choose_tile(e, z.k);
    int64_t pixels = z.n * z.p * z.q;
    LAUNCH(e, conv_cl, t.y, rows_div(z.k, t.columns), rows_div(pixels, t.rows), 1, KI(z.h), KI(z.w),
           KI(z.c), KI(z.p), KI(z.q), KI(z.k), KI(z.r), KI(z.s), STEPS(z.a), KI(pixels),
           KI(flags_of(z.a)), KI(z.a->conv.act), KIN(e, 0), KIN(e, 1), bias_of(e), residual_of(e),
           KZ, KOUT(e));
}

static void emit_dx(emitter *e) {
    geometry z = for_dx(e);
    tile_choice t = choose_tile(e, z.c);
    int64_t sh = z.a->conv.stride[0], sw = z.a->conv.stride[1], size = z.r * z.s * z.c * z.k;
    int64_t pixels = z.n * rows_div(z.h, sh) * rows_div(z.w, sw);
    size_t wt = rows_scratch(e, (size_t)size);
    LAUNCH(e, conv_cl, "conv_flip", size, 1, 1, KI(z.r * z.s), KI(z.c), KI(z.k), KIN(e, 1), KS(wt));
    LAUNCH(e, conv_cl, t.dx, rows_div(z.c, t.columns), rows_div(pixels, t.rows), sh * sw, KI(z.h),
           KI(z.w), KI(z.c), KI(z.p), KI(z.q), KI(z.k), KI(z.r), KI(z.s), STEPS(z.a), KI(z.n),
           KIN(e, 0), KS(wt), KZ, KOUT(e));
}

/* Images of a piece: few enough that a piece of x and dy stays in a core's cache, while the partial
 * sums stay small beside the tensors. */
static int64_t images_of_piece(const emitter *e, const geometry *z, int64_t items) {
    int64_t image = z->h * z->w * z->c + z->p * z->q * z->k, size = z->r * z->s * z->c * z->k;
    int64_t cached = (1 << 17) / image, least = rows_div(2 * size, image);
    int64_t images = cached > least ? cached : least;
    int64_t spread = rows_div(z->n, rows_pieces(e, z->n, 1, items, 4096));
    images = images < 1 ? 1 : images;
    return images < spread ? images : (spread < least && least <= z->n ? least : spread);
}

static void emit_dw(emitter *e) {
    geometry z = for_dw(e);
    tile_choice t = choose_tile(e, z.k);
    int64_t gx = rows_div(z.k, t.columns), gy = rows_div(z.c, t.rows) * z.r * z.s;
    int64_t images = images_of_piece(e, &z, gx * gy), pieces = rows_div(z.n, images);
    int64_t size = z.r * z.s * z.c * z.k;
    karg parts = rows_parts_begin(e, pieces, size);
    LAUNCH(e, conv_cl, t.dw, gx, gy, pieces, KI(z.h), KI(z.w), KI(z.c), KI(z.p), KI(z.q), KI(z.k),
           KI(z.r), KI(z.s), STEPS(z.a), KI(z.n), KI(images), KIN(e, 0), KIN(e, 1), parts);
    rows_parts_end(e, parts, pieces, size);
}

/* ---- 1x1, stride 1: a product of all pixels with the weights ---- */

static bool pointwise(const emitter *e, geometry z, int64_t columns) {
    return z.groups == 1 && z.r == 1 && z.s == 1 && z.a->conv.stride[0] == 1 &&
           z.a->conv.stride[1] == 1 && z.h == z.p && z.w == z.q && z.a->conv.pad[0] == 0 &&
           z.a->conv.pad[2] == 0 && columns >= e->d->tile.vw && !strcmp(e->d->info.type, "cpu") &&
           z.n * z.p * z.q >= 4 * e->d->tile.mr * (int64_t)e->d->info.compute_units;
}
static bool y_pointwise(const emitter *e) {
    geometry z = forward(e);
    return pointwise(e, z, z.k);
}
static bool dx_pointwise(const emitter *e) {
    geometry z = for_dx(e);
    return pointwise(e, z, z.c);
}

static void emit_product(emitter *e, int64_t pixels, int64_t c, int64_t k, int32_t flags,
                         int32_t act, karg w, karg bias, karg residual) {
    int64_t rows = e->d->tile.mr, tiles = rows_div(pixels, rows);
    int64_t many = rows * rows_div(tiles, rows_pieces(e, tiles, 1, 1, tiles));
    many = many < 8 * rows ? many : 8 * rows;
    LAUNCH(e, "pointwise.cl", "pointwise_y", rows_div(pixels, many), 1, 1, KI(pixels), KI(c), KI(k),
           KI(many), KI(flags), KI(act), KIN(e, 0), w, bias, residual, KOUT(e));
}
static void emit_pointwise_y(emitter *e) {
    geometry z = forward(e);
    emit_product(e, z.n * z.p * z.q, z.c, z.k, flags_of(z.a), z.a->conv.act, KIN(e, 1), bias_of(e),
                 residual_of(e));
}
static void emit_pointwise_dx(emitter *e) {
    geometry z = for_dx(e);
    size_t wt = rows_scratch(e, (size_t)(z.c * z.k));
    LAUNCH(e, conv_cl, "conv_flip", z.c * z.k, 1, 1, KI(1), KI(z.c), KI(z.k), KIN(e, 1), KS(wt));
    emit_product(e, z.n * z.p * z.q, z.k, z.c, 0, NAS_ACT_NONE, KS(wt), KZ, KZ);
}

/* ---- depthwise ---- */

static bool depthwise(geometry z) {
    return z.groups == z.c && z.k == z.c;
}
static bool y_depthwise(const emitter *e) {
    return depthwise(forward(e));
}
static bool dx_depthwise(const emitter *e) {
    return depthwise(for_dx(e));
}
static bool dw_depthwise(const emitter *e) {
    return depthwise(for_dw(e));
}

static void emit_depthwise_y(emitter *e) {
    geometry z = forward(e);
    LAUNCH(e, depthwise_cl, "depthwise_y", rows_div(z.c, e->d->tile.vw), z.n * z.p, 1, KI(z.n),
           KI(z.h), KI(z.w), KI(z.c), KI(z.p), KI(z.q), KI(z.r), KI(z.s), STEPS(z.a),
           KI(flags_of(z.a)), KI(z.a->conv.act), KIN(e, 0), KIN(e, 1), bias_of(e), residual_of(e),
           KOUT(e));
}

static void emit_depthwise_dx(emitter *e) {
    geometry z = for_dx(e);
    LAUNCH(e, depthwise_cl, "depthwise_dx", rows_div(z.c, e->d->tile.vw), z.n * z.h, 1, KI(z.n),
           KI(z.h), KI(z.w), KI(z.c), KI(z.p), KI(z.q), KI(z.r), KI(z.s), STEPS(z.a), KIN(e, 0),
           KIN(e, 1), KOUT(e));
}

static void emit_depthwise_dw(emitter *e) {
    geometry z = for_dw(e);
    int64_t gx = rows_div(z.c, e->d->tile.vw), size = z.r * z.s * z.c;
    int64_t image = (z.h * z.w + z.p * z.q) * z.c, spread = rows_pieces(e, z.n, 1, gx, 4096);
    int64_t images = image < 1 << 16 ? (1 << 16) / image : 1;
    images = images < rows_div(z.n, spread) ? images : rows_div(z.n, spread);
    int64_t pieces = rows_div(z.n, images);
    karg parts = rows_parts_begin(e, pieces, size);
    LAUNCH(e, depthwise_cl, "depthwise_dw", gx, z.r * z.s, pieces, KI(z.h), KI(z.w), KI(z.c),
           KI(z.p), KI(z.q), KI(z.r), KI(z.s), STEPS(z.a), KI(z.n), KI(images), KIN(e, 0),
           KIN(e, 1), parts);
    rows_parts_end(e, parts, pieces, size);
}

/* On CPUs an item walks whole rows, all channels; on GPUs neighbouring items are neighbouring
 * channels. */
static bool by_rows(const emitter *e, geometry z) {
    return depthwise(z) && z.c >= e->d->tile.vw && !strcmp(e->d->info.type, "cpu");
}
static bool y_by_rows(const emitter *e) {
    return by_rows(e, forward(e));
}
static bool dx_by_rows(const emitter *e) {
    return by_rows(e, for_dx(e));
}
static bool dw_by_rows(const emitter *e) {
    return by_rows(e, for_dw(e));
}

static void emit_rows_y(emitter *e) {
    geometry z = forward(e);
    LAUNCH(e, rows_cl, "depthwise_rows_y", z.n * z.p, 1, 1, KI(z.n), KI(z.h), KI(z.w), KI(z.c),
           KI(z.p), KI(z.q), KI(z.r), KI(z.s), STEPS(z.a), KI(flags_of(z.a)), KI(z.a->conv.act),
           KIN(e, 0), KIN(e, 1), bias_of(e), residual_of(e), KOUT(e));
}

static void emit_rows_dx(emitter *e) {
    geometry z = for_dx(e);
    LAUNCH(e, rows_cl, "depthwise_rows_dx", z.n * z.h, 1, 1, KI(z.n), KI(z.h), KI(z.w), KI(z.c),
           KI(z.p), KI(z.q), KI(z.r), KI(z.s), STEPS(z.a), KIN(e, 0), KIN(e, 1), KOUT(e));
}

static void emit_rows_dw(emitter *e) {
    geometry z = for_dw(e);
    int64_t size = z.r * z.s * z.c, vw = e->d->tile.vw, vectors = rows_div(z.c, vw);
    int64_t images = rows_div(z.n, rows_pieces(e, z.n, 1, 1, 64)), pieces = rows_div(z.n, images);
    int64_t many = rows_div(vectors, rows_pieces(e, vectors, 1, pieces, vectors)) * vw;
    karg parts = rows_parts_begin(e, pieces, size);
    LAUNCH(e, rows_cl, "depthwise_rows_dw", rows_div(z.c, many), pieces, 1, KI(z.h), KI(z.w),
           KI(z.c), KI(z.p), KI(z.q), KI(z.r), KI(z.s), STEPS(z.a), KI(z.n), KI(images), KI(many),
           KIN(e, 0), KIN(e, 1), parts);
    rows_parts_end(e, parts, pieces, size);
}

/* ---- any groups ---- */

static void emit_grouped_y(emitter *e) {
    geometry z = forward(e);
    LAUNCH(e, grouped_cl, "grouped_y", z.n * z.p * z.q * z.k, 1, 1, KI(z.n), KI(z.h), KI(z.w),
           KI(z.c), KI(z.p), KI(z.q), KI(z.k), KI(z.r), KI(z.s), STEPS(z.a), KI(z.groups),
           KI(flags_of(z.a)), KI(z.a->conv.act), KIN(e, 0), KIN(e, 1), bias_of(e), residual_of(e),
           KOUT(e));
}

static void emit_grouped_dx(emitter *e) {
    geometry z = for_dx(e);
    LAUNCH(e, grouped_cl, "grouped_dx", z.n * z.h * z.w * z.c, 1, 1, KI(z.n), KI(z.h), KI(z.w),
           KI(z.c), KI(z.p), KI(z.q), KI(z.k), KI(z.r), KI(z.s), STEPS(z.a), KI(z.groups),
           KIN(e, 0), KIN(e, 1), KOUT(e));
}

static void emit_grouped_dw(emitter *e) {
    geometry z = for_dw(e);
    int64_t size = z.r * z.s * z.c / z.groups * z.k;
    int64_t images = rows_div(z.n, rows_pieces(e, z.n, 1, rows_div(size, 64), 64));
    int64_t pieces = rows_div(z.n, images);
    karg parts = rows_parts_begin(e, pieces, size);
    LAUNCH(e, grouped_cl, "grouped_dw", size, pieces, 1, KI(z.h), KI(z.w), KI(z.c), KI(z.p),
           KI(z.q), KI(z.k), KI(z.r), KI(z.s), STEPS(z.a), KI(z.groups), KI(z.n), KI(images),
           KIN(e, 0), KIN(e, 1), parts);
    rows_parts_end(e, parts, pieces, size);
}

const row rows_conv2d[] = {{y_pointwise, emit_pointwise_y},
                           {y_one_group, emit_y},
                           {y_by_rows, emit_rows_y},
                           {y_depthwise, emit_depthwise_y},
                           {NULL, emit_grouped_y}};
const row rows_conv2d_dx[] = {{dx_pointwise, emit_pointwise_dx},
                              {dx_one_group, emit_dx},
                              {dx_by_rows, emit_rows_dx},
                              {dx_depthwise, emit_depthwise_dx},
                              {NULL, emit_grouped_dx}};
const row rows_conv2d_dw[] = {{dw_one_group, emit_dw},
                              {dw_by_rows, emit_rows_dw},
                              {dw_depthwise, emit_depthwise_dw},
                              {NULL, emit_grouped_dw}};
