/* search/blocks/fork.c - a wide and a narrow branch along the tokens, summed, then a separable
 * convolution, plus the input: the convolutional part of an Evolved Transformer's encoder, So et
 * al. 2019. */
#include "../parts.h"

static const block_arg args_of_fork[] = {
    {"wide", ARG_REAL, "4", 0.01, 64, NULL, false},
    {"narrow", ARG_REAL, "0.5", 0.01, 64, NULL, false},
    {"kernel", ARG_INT, "3", 1, 64, NULL, false},
    {"separable", ARG_INT, "9", 1, 64, NULL, false},
    {"drop_path", ARG_REAL, "0", 0, 0.99, NULL, false},
};

static int32_t times(const form *args, const char *ratio, int32_t dim) {
    double v = arg_real(&block_fork, args, ratio) * dim + 0.5;
    return v < 1 ? 1 : v > 65536 ? 65536 : (int32_t)v;
}

/* Zeros behind the last channel, up to `dim`. */
static nas_status fill(build *b, nas_value *x, int32_t dim) {
    int32_t have = shape_of(b, *x)->dim[2];
    return have < dim ? nas_pad(x, b->g, *x, 2, 0, dim - have) : NAS_OK;
}

static nas_status build_fork(build *b, const form *args, nas_value *x) {
    NAS_TRY(want_tokens(b, *x, "fork"));
    int32_t dim = shape_of(b, *x)->dim[2];
    int32_t wide = times(args, "wide", dim), narrow = times(args, "narrow", dim);
    int32_t most = wide > narrow ? wide : narrow;
    conv_spec near = {.out = narrow,
                      .kernel = arg_int(&block_fork, args, "kernel"),
                      .groups = 1,
                      .bias = true,
                      .act = NAS_ACT_RELU};
    conv_spec along = {
        .out = most, .kernel = arg_int(&block_fork, args, "separable"), .groups = most};
    nas_value left = *x, right;
    NAS_TRY(layer_norm(b, &left, "norm1", 1e-6f));
    right = left;
    NAS_TRY(linear(b, &left, "wide", wide, true, LINEAR_TRUNC_NORMAL));
    NAS_TRY(nas_activation(&left, b->g, left, NAS_ACT_RELU));
    NAS_TRY(token_conv(b, &right, "narrow", near));
    NAS_TRY(fill(b, &left, most));
    NAS_TRY(fill(b, &right, most));
    NAS_TRY(nas_add(&left, b->g, left, right));
    NAS_TRY(layer_norm(b, &left, "norm2", 1e-6f));
    NAS_TRY(token_conv(b, &left, "separable.depthwise", along));
    NAS_TRY(linear(b, &left, "separable.project", narrow < dim ? narrow : dim, true,
                   LINEAR_TRUNC_NORMAL));
    NAS_TRY(fill(b, &left, dim));
    NAS_TRY(dropout(b, &left, arg_real(&block_fork, args, "drop_path"), true));
    return nas_add(x, b->g, *x, left);
}

BLOCK_KIND(fork, args_of_fork, NULL);
