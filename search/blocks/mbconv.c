/* search/blocks/mbconv.c - inverted residual with squeeze and excitation: Sandler et al. 2018,
 * Howard et al. 2019. */
#include "../block.h"

#include <math.h>

static const block_arg args_of_mbconv[] = {
    {"out", ARG_INT, NULL, 1, 65536, NULL, false},
    {"kernel", ARG_INT, "3", 1, 64, NULL, false},
    {"expand", ARG_REAL, "6", 0.01, 64, NULL, false},
    {"stride", ARG_INT, "1", 1, 64, NULL, true},
    {"se", ARG_REAL, "0", 0, 1, NULL, false},
    {"act", ARG_ACT, "relu", 0, 0, NULL, false},
    {"drop_path", ARG_REAL, "0", 0, 0.99, NULL, false},
};

/* The multiple of 8 nearest to v, at least 8 and not under 0.9 v. */
static int32_t by_eight(double v) {
    int32_t n = (int32_t)(v + 4) / 8 * 8;
    n = n < 8 ? 8 : n;
    return n < 0.9 * v ? n + 8 : n;
}

/* x * hsigmoid(W2 relu(W1 mean(x))) */
static nas_status squeeze_excite(build *b, nas_value *x, double ratio) {
    int32_t c = shape_of(b, *x)->dim[3];
    nas_value gate;
    NAS_TRY(nas_global_pool(&gate, b->g, *x));
    NAS_TRY(linear(b, &gate, "se.squeeze", by_eight(ratio * c), true, LINEAR_UNIFORM));
    NAS_TRY(nas_activation(&gate, b->g, gate, NAS_ACT_RELU));
    NAS_TRY(linear(b, &gate, "se.excite", c, true, LINEAR_UNIFORM));
    NAS_TRY(nas_activation(&gate, b->g, gate, NAS_ACT_HSIGMOID));
    NAS_TRY(nas_reshape(&gate, b->g, gate, NAS_SHAPE(b->batch, 1, 1, c)));
    return nas_mul(x, b->g, *x, gate);
}

static nas_status build_mbconv(build *b, const form *args, nas_value *x) {
    const block_kind *k = &block_mbconv;
    NAS_TRY(want_image(b, *x, "mbconv"));
    int32_t in = shape_of(b, *x)->dim[3], out = arg_int(k, args, "out");
    int32_t stride = arg_int(k, args, "stride");
    double expand = arg_real(k, args, "expand"), se = arg_real(k, args, "se");
    nas_act act = arg_act(k, args, "act");
    double width = fmin(fmax(round(expand * in), 1), 65536);
    int32_t mid = (int32_t)width;
    nas_value y = *x;
    conv_spec wide = {.out = mid, .kernel = 1, .stride = 1, .groups = 1, .norm = true, .act = act};
    conv_spec depth = {.out = mid,
                       .kernel = arg_int(k, args, "kernel"),
                       .stride = stride,
                       .groups = mid,
                       .norm = true,
                       .act = act};
    conv_spec narrow = {.out = out, .kernel = 1, .stride = 1, .groups = 1, .norm = true};
    if (mid != in)
        NAS_TRY(conv_norm_act(b, &y, "expand", &wide));
    NAS_TRY(conv_norm_act(b, &y, "depthwise", &depth));
    if (se > 0)
        NAS_TRY(squeeze_excite(b, &y, se));
    NAS_TRY(conv_norm_act(b, &y, "project", &narrow));
    if (stride == 1 && in == out) {
        NAS_TRY(dropout(b, &y, arg_real(k, args, "drop_path"), true));
        NAS_TRY(nas_add(&y, b->g, y, *x));
    }
    *x = y;
    return NAS_OK;
}

BLOCK_KIND(mbconv, args_of_mbconv, NULL);
