/* search/blocks/head.c - norm, pooling, an optional hidden layer, and the linear layer to classes.
 */
#include "../block.h"

#include <string.h>

static const char *const pools[] = {"avg", "cls", "none", "patches", NULL};
static const char *const norms[] = {"layer", "batch", "none", NULL};

static const block_arg args_of_head[] = {
    {"pool", ARG_WORD, "avg", 0, 0, pools, false}, {"hidden", ARG_INT, "0", 0, 65536, NULL, false},
    {"norm", ARG_WORD, "", 0, 0, norms, false}, /* tokens: layer; images: none */
    {"act", ARG_ACT, "relu", 0, 0, NULL, false},   {"dropout", ARG_REAL, "0", 0, 0.99, NULL, false},
};

static nas_status pool_none(build *b, nas_value *x) {
    return flatten(b, x);
}

static nas_status pool_avg(build *b, nas_value *x) {
    return shape_of(b, *x)->rank == 2 ? NAS_OK : nas_global_pool(x, b->g, *x);
}

static nas_status pool_cls(build *b, nas_value *x) {
    NAS_TRY(want_tokens(b, *x, "pool: cls"));
    if (!b->class_token)
        return nas_fail(NAS_E_SHAPE,
                        "pool: cls needs a class token: give the patch block cls: true");
    NAS_TRY(nas_slice(x, b->g, *x, 1, 0, 1));
    return flatten(b, x);
}

/* The mean of all tokens but the class token. */
static nas_status pool_patches(build *b, nas_value *x) {
    NAS_TRY(want_tokens(b, *x, "pool: patches"));
    if (b->class_token)
        NAS_TRY(nas_slice(x, b->g, *x, 1, 1, shape_of(b, *x)->dim[1]));
    return nas_global_pool(x, b->g, *x);
}

static const struct {
    const char *name;
    nas_status (*pool)(build *b, nas_value *x);
} pooling[] = {
    {"avg", pool_avg}, {"cls", pool_cls}, {"patches", pool_patches}, {"none", pool_none}};

static nas_status build_head(build *b, const form *args, nas_value *x) {
    const block_kind *k = &block_head;
    bool tokens = shape_of(b, *x)->rank == 3;
    const char *norm = arg_given(args, "norm") ? arg_word(k, args, "norm")
                       : tokens                ? "layer"
                                               : "none";
    linear_init init = tokens ? LINEAR_TRUNC_NORMAL : LINEAR_UNIFORM;
    int32_t hidden = arg_int(k, args, "hidden");
    if (strcmp(norm, "layer") == 0)
        NAS_TRY(layer_norm(b, x, "norm", 1e-6f));
    if (strcmp(norm, "batch") == 0)
        NAS_TRY(batch_norm(b, x, "norm"));
    for (size_t i = 0; i < sizeof pooling / sizeof *pooling; i++)
        if (strcmp(pooling[i].name, arg_word(k, args, "pool")) == 0)
            NAS_TRY(pooling[i].pool(b, x));
    if (hidden > 0) {
        NAS_TRY(linear(b, x, "hidden", hidden, true, init));
        NAS_TRY(nas_activation(x, b->g, *x, arg_act(k, args, "act")));
    }
    NAS_TRY(dropout(b, x, arg_real(k, args, "dropout"), false));
    return linear(b, x, "classes", b->classes, true, init);
}

BLOCK_KIND(head, args_of_head, "head");
