/* search/blocks/dense.c - a fully connected layer; for tokens, the same one for each. */
#include "../block.h"

#include <string.h>

static const char *const norms[] = {"none", "batch", "layer", NULL};

static const block_arg args_of_dense[] = {
    {"out", ARG_INT, NULL, 1, 65536, NULL, false},
    {"act", ARG_ACT, "none", 0, 0, NULL, false},
    {"bias", ARG_BOOL, "true", 0, 0, NULL, false},
    {"norm", ARG_WORD, "none", 0, 0, norms, false},
};

static nas_status build_dense(build *b, const form *args, nas_value *x) {
    const block_kind *k = &block_dense;
    const char *norm = arg_word(k, args, "norm");
    bool tokens = shape_of(b, *x)->rank == 3;
    if (!tokens)
        NAS_TRY(flatten(b, x));
    NAS_TRY(linear(b, x, "dense", arg_int(k, args, "out"), arg_bool(k, args, "bias"),
                   tokens ? LINEAR_TRUNC_NORMAL : LINEAR_UNIFORM));
    if (strcmp(norm, "batch") == 0)
        NAS_TRY(batch_norm(b, x, "dense"));
    if (strcmp(norm, "layer") == 0)
        NAS_TRY(layer_norm(b, x, "dense", 1e-6f));
    return nas_activation(x, b->g, *x, arg_act(k, args, "act"));
}

BLOCK_KIND(dense, args_of_dense, NULL);
