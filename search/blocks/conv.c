/* search/blocks/conv.c - convolution, batch norm, activation. */
#include "../block.h"

#include <string.h>

static const char *const norms[] = {"batch", "layer", "none", NULL};

static const block_arg args_of_conv[] = {
    {"out", ARG_INT, NULL, 1, 65536, NULL, false},
    {"kernel", ARG_INT, "3", 1, 64, NULL, false},
    {"stride", ARG_INT, "1", 1, 64, NULL, true},
    {"pad", ARG_PAD, "same", 0, 64, NULL, false},
    {"dilation", ARG_INT, "1", 1, 64, NULL, false},
    {"groups", ARG_INT, "1", 1, 65536, NULL, false},
    {"norm", ARG_WORD, "batch", 0, 0, norms, false},
    {"act", ARG_ACT, "relu", 0, 0, NULL, false},
    {"bias", ARG_BOOL, "", 0, 0, NULL, false},
};

static nas_status build_conv(build *b, const form *args, nas_value *x) {
    const block_kind *k = &block_conv;
    conv_spec s = {.out = arg_int(k, args, "out"),
                   .kernel = arg_int(k, args, "kernel"),
                   .stride = arg_int(k, args, "stride"),
                   .dilation = arg_int(k, args, "dilation"),
                   .groups = arg_int(k, args, "groups"),
                   .pad = arg_word(k, args, "pad"),
                   .norm = strcmp(arg_word(k, args, "norm"), "batch") == 0,
                   .act = arg_act(k, args, "act")};
    nas_act act = s.act;
    bool layer = strcmp(arg_word(k, args, "norm"), "layer") == 0;
    s.bias = arg_given(args, "bias") ? arg_bool(k, args, "bias") : !s.norm;
    if (!layer)
        return conv_norm_act(b, x, "conv", &s);
    s.act = NAS_ACT_NONE;
    NAS_TRY(conv_norm_act(b, x, "conv", &s));
    NAS_TRY(layer_norm(b, x, "conv", 1e-5f));
    return nas_activation(x, b->g, *x, act);
}

BLOCK_KIND(conv, args_of_conv, NULL);
