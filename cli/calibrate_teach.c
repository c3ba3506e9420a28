/* cli/calibrate_teach.c - small networks of random sizes, one family of ops each, whose kernels
 * teach what a device takes. They are of no published space. */
#include "calibrate.h"

#include <math.h>

typedef struct author {
    nas_text *t;
    nas_rng *r;
    int32_t side, c; /* of what the next block reads */
} author;

static const double most_macs = 6e7; /* of one kernel */

static int32_t pick(author *a, const int32_t *of, uint64_t n) {
    return of[nas_rng_below(a->r, n)];
}
#define PICK(a, ...)                                                                               \
    pick(a, (const int32_t[]){__VA_ARGS__},                                                        \
         sizeof((const int32_t[]){__VA_ARGS__}) / sizeof(int32_t))

static bool chance(author *a, double p) {
    return nas_rng_uniform(a->r) < p;
}

/* Evenly in the logarithm; mostly a multiple of 8, as widths of networks are. */
static int32_t width(author *a, double least, double most) {
    double v = exp(log(least) + nas_rng_uniform(a->r) * (log(most) - log(least)));
    int32_t step = chance(a, 0.85) ? 8 : 1, n = (int32_t)(v / step + 0.5) * step;
    return n < 1 ? step : n;
}

static int32_t after_stride(int32_t side, int32_t stride) {
    return (side + stride - 1) / stride;
}

/* What `out` may be at most for a kernel over `taps` inputs. */
static double widest(int32_t side, double taps) {
    return fmin(fmax(most_macs / ((double)side * side * taps), 8), 1280);
}

static const char *activation(author *a) {
    static const char *const acts[] = {"none", "relu", "relu", "relu6", "hswish", "swish", "gelu"};
    return acts[nas_rng_below(a->r, sizeof acts / sizeof *acts)];
}

static void conv(author *a) {
    int32_t kernel = PICK(a, 1, 1, 1, 3, 3, 3, 5, 7);
    int32_t stride = a->side >= 14 && chance(a, 0.2) ? 2 : 1, side = after_stride(a->side, stride);
    double most = widest(side, (double)a->c * kernel * kernel);
    int32_t out = chance(a, 0.3) ? a->c : width(a, 8, most);
    if (out > most)
        out = (int32_t)most;
    nas_text_add(a->t, "  - conv: {out: %d, kernel: %d, stride: %d, act: %s}\n", out, kernel,
                 stride, activation(a));
    a->side = side;
    a->c = out;
}

static void depthwise(author *a) {
    int32_t stride = a->side >= 14 && chance(a, 0.3) ? 2 : 1;
    nas_text_add(a->t, "  - conv: {out: %d, kernel: %d, stride: %d, groups: %d, act: %s}\n", a->c,
                 PICK(a, 3, 3, 5, 7), stride, a->c, activation(a));
    a->side = after_stride(a->side, stride);
}

static void mbconv(author *a) {
    int32_t stride = a->side >= 14 && chance(a, 0.3) ? 2 : 1;
    int32_t expand = PICK(a, 1, 3, 4, 6);
    int32_t out = stride == 1 && chance(a, 0.5) ? a->c : width(a, 8, 200);
    nas_text_add(
        a->t, "  - mbconv: {out: %d, kernel: %d, expand: %d, stride: %d, se: %s, act: %s}\n", out,
        PICK(a, 3, 5, 7), expand, stride, chance(a, 0.4) ? "0.25" : "0", activation(a));
    a->side = after_stride(a->side, stride);
    a->c = out;
}

/* Sums of paths, as cells have them. */
static void paths(author *a) {
    static const char *const other[] = {"skip", "pool: {kind: avg, kernel: 3, stride: 1, pad: 1}",
                                        "pool: {kind: max, kernel: 3, stride: 1, pad: 1}", "act"};
    nas_text_add(a->t, "  - add:\n      branches:\n");
    nas_text_add(a->t, "        - - act\n          - conv: {out: %d, kernel: %d, act: none}\n",
                 a->c, widest(a->side, 9.0 * a->c) >= a->c ? PICK(a, 1, 3) : 1);
    for (int32_t i = PICK(a, 1, 1, 2); i > 0; i--)
        nas_text_add(a->t, "        - - %s\n", other[nas_rng_below(a->r, 4)]);
}

static void stream(author *a) {
    switch (PICK(a, 0, 1, 2, 3, 4)) {
    case 0:
        nas_text_add(a->t, "  - act: {kind: %s}\n", chance(a, 0.5) ? "relu" : "hswish");
        return;
    case 1:
        nas_text_add(a->t, "  - act\n  - norm\n");
        return;
    case 2:
        if (a->side < 4)
            return;
        nas_text_add(a->t, "  - pool: {kind: %s, kernel: 2}\n", chance(a, 0.5) ? "avg" : "max");
        a->side /= 2;
        return;
    case 3:
        if (a->c > 400)
            return;
        nas_text_add(a->t, "  - concat:\n      branches:\n        - - skip\n        - - act\n");
        a->c *= 2;
        return;
    default:
        if (a->c % 4 == 0)
            nas_text_add(a->t, "  - shuffle: {groups: 2}\n");
    }
}

static void image_net(author *a, void (*const *blocks)(author *), uint64_t n) {
    bool stem = chance(a, 0.15);
    a->side = stem ? PICK(a, 32, 64, 128, 224)
                   : PICK(a, 4, 7, 8, 8, 14, 14, 16, 16, 28, 28, 32, 32, 56, 112);
    a->c = stem ? 3 : width(a, 8, fmin(6e5 / ((double)a->side * a->side), 960));
    nas_text_add(a->t, "input: [%d, %d, %d]\nclasses: %d\nnet:\n", a->side, a->side, a->c,
                 PICK(a, 10, 100, 1000));
    if (stem) {
        a->c = width(a, 8, 40);
        a->side = after_stride(a->side, 2);
        nas_text_add(a->t, "  - conv: {out: %d, kernel: 3, stride: 2, act: %s}\n", a->c,
                     activation(a));
    }
    for (int32_t i = PICK(a, 1, 2, 4, 6, 10, 16, 24); i > 0; i--)
        blocks[nas_rng_below(a->r, n)](a);
    if (chance(a, 0.5))
        nas_text_add(a->t, "  - head: {hidden: %d, act: hswish}\n", width(a, 16, 1280));
    else
        nas_text_add(a->t, "  - head\n");
}

static void token_net(author *a, bool split) {
    int32_t size = PICK(a, 4, 8, 14, 16), places = PICK(a, 4, 7, 8, 10, 12, 14, 16);
    int32_t heads = PICK(a, 1, 2, 3, 4, 6, 8), each = PICK(a, 16, 24, 32, 48, 64);
    int32_t dim = heads * each, own = PICK(a, 32, 48, 64);
    if (split) /* heads of a width of their own */
        dim = width(a, 48, 400);
    nas_text_add(a->t, "input: [%d, %d, 3]\nclasses: %d\nnet:\n", size * places, size * places,
                 PICK(a, 10, 100, 1000));
    bool cls = chance(a, 0.6);
    nas_text_add(a->t, "  - patch: {size: %d, dim: %d, cls: %s}\n", size, dim,
                 cls ? "true" : "false");
    for (int32_t i = PICK(a, 1, 1, 2, 3, 10); i > 0; i--) {
        nas_text_add(a->t, "  - transformer: {heads: %d, mlp: %d", heads, PICK(a, 1, 2, 3, 4));
        if (split)
            nas_text_add(a->t, ", width: %d, position: %s", own, chance(a, 0.7) ? "split" : "abs");
        nas_text_add(a->t, "}\n");
    }
    nas_text_add(a->t, "  - head: {pool: %s}\n", !cls ? "avg" : chance(a, 0.5) ? "cls" : "patches");
}

nas_status calibrate_teach(nas_text *yaml, uint64_t seed, uint32_t index) {
    static void (*const convs[])(author *) = {conv, conv, conv, stream};
    static void (*const mobile[])(author *) = {mbconv, mbconv, depthwise, conv, stream};
    static void (*const cells[])(author *) = {paths, paths, conv, stream};
    nas_rng r = nas_rng_stream(seed, "calibrate teach", index);
    author a = {.t = yaml, .r = &r};
    nas_text_add(yaml, "name: teach%u\n", (unsigned)index);
    switch (index % 5) {
    case 0:
        image_net(&a, convs, sizeof convs / sizeof *convs);
        break;
    case 1:
        image_net(&a, mobile, sizeof mobile / sizeof *mobile);
        break;
    case 2:
        image_net(&a, cells, sizeof cells / sizeof *cells);
        break;
    default:
        token_net(&a, index % 5 == 4);
    }
    return nas_text_check(yaml);
}
