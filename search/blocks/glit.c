/* search/blocks/glit.c - attention of some heads beside a convolution along the tokens in place of
 * the others, then an MLP: Chen et al. 2021 (GLiT). */
#include "../attention.h"

#include <math.h>

static const block_arg args_of_glit[] = {
    {"heads", ARG_INT, "3", 1, 1024, NULL, false},
    {"global", ARG_INT, NULL, 0, 1024, NULL, false},
    {"ratio", ARG_REAL, "1", 0.01, 64, NULL, false},
    {"kernel", ARG_INT, "31", 1, 64, NULL, false},
    {"expand", ARG_INT, "1", 1, 64, NULL, false},
    {"mlp", ARG_REAL, "4", 0.01, 64, NULL, false},
    {"drop_path", ARG_REAL, "0", 0, 0.99, NULL, false},
};

/* Linear, gate, depthwise convolution, batch norm, swish, linear */
static nas_status local_path(build *b, const form *args, nas_value *x) {
    int32_t dim = shape_of(b, *x)->dim[2], wide = dim * arg_int(&block_glit, args, "expand");
    conv_spec along = {.out = wide,
                       .kernel = arg_int(&block_glit, args, "kernel"),
                       .groups = wide,
                       .bias = true,
                       .norm = true,
                       .act = NAS_ACT_SWISH};
    NAS_TRY(linear(b, x, "local.expand", 2 * wide, true, LINEAR_TRUNC_NORMAL));
    NAS_TRY(gated(b, x));
    NAS_TRY(token_conv(b, x, "local.depthwise", along));
    return linear(b, x, "local.project", dim, true, LINEAR_TRUNC_NORMAL);
}

static nas_status global_path(build *b, const form *args, nas_value *x, int32_t heads) {
    int32_t width = shape_of(b, *x)->dim[2] / heads;
    double key = round(arg_real(&block_glit, args, "ratio") * width);
    attention_spec s = {.heads = heads, .key = (int32_t)fmax(key, 1), .bias = true};
    return attention(b, x, &s);
}

/* The first channels to the global heads, the others to the local ones. */
static nas_status both_paths(build *b, const form *args, nas_value *x) {
    int32_t heads = arg_int(&block_glit, args, "heads"), dim = shape_of(b, *x)->dim[2];
    int32_t global = arg_int(&block_glit, args, "global"), split = dim / heads * global;
    nas_value part[2];
    if (global > heads || dim % heads != 0)
        return nas_fail(NAS_E_SHAPE, "%d of %d heads cannot be global in tokens of width %d",
                        global, heads, dim);
    if (global == 0)
        return local_path(b, args, x);
    if (global == heads)
        return global_path(b, args, x, heads);
    NAS_TRY(nas_slice(&part[0], b->g, *x, 2, 0, split));
    NAS_TRY(nas_slice(&part[1], b->g, *x, 2, split, dim));
    NAS_TRY(global_path(b, args, &part[0], global));
    NAS_TRY(local_path(b, args, &part[1]));
    return nas_concat(x, b->g, part, 2, 2);
}

static nas_status build_glit(build *b, const form *args, nas_value *x) {
    const block_kind *k = &block_glit;
    NAS_TRY(want_tokens(b, *x, "glit"));
    int32_t dim = shape_of(b, *x)->dim[2];
    double hidden = fmin(fmax(round(arg_real(k, args, "mlp") * dim), 1), 65536);
    nas_value y = *x;
    NAS_TRY(layer_norm(b, &y, "norm1", 1e-6f));
    NAS_TRY(both_paths(b, args, &y));
    NAS_TRY(dropout(b, &y, arg_real(k, args, "drop_path"), true));
    NAS_TRY(nas_add(x, b->g, *x, y));
    y = *x;
    NAS_TRY(layer_norm(b, &y, "norm2", 1e-6f));
    NAS_TRY(linear(b, &y, "mlp.expand", (int32_t)hidden, true, LINEAR_TRUNC_NORMAL));
    NAS_TRY(nas_activation(&y, b->g, y, NAS_ACT_GELU));
    NAS_TRY(linear(b, &y, "mlp.project", dim, true, LINEAR_TRUNC_NORMAL));
    NAS_TRY(dropout(b, &y, arg_real(k, args, "drop_path"), true));
    return nas_add(x, b->g, *x, y);
}

BLOCK_KIND(glit, args_of_glit, NULL);
