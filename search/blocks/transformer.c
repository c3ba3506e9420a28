/* search/blocks/transformer.c - pre-norm encoder block: x + attention(LN x), then x + MLP(LN x). */
#include "../block.h"

#include <math.h>

static const block_arg args_of_transformer[] = {
    {"heads", ARG_INT, NULL, 1, 1024, NULL, false},
    {"mlp", ARG_REAL, "4", 0.01, 64, NULL, false},
    {"act", ARG_ACT, "gelu", 0, 0, NULL, false},
    {"dropout", ARG_REAL, "0", 0, 0.99, NULL, false},
    {"drop_path", ARG_REAL, "0", 0, 0.99, NULL, false},
    {"eps", ARG_REAL, "1e-6", 1e-12, 0.1, NULL, false},
};

/* x + path(y) */
static nas_status add_path(build *b, const form *args, nas_value *x, nas_value y) {
    NAS_TRY(dropout(b, &y, arg_real(&block_transformer, args, "dropout"), false));
    NAS_TRY(dropout(b, &y, arg_real(&block_transformer, args, "drop_path"), true));
    return nas_add(x, b->g, *x, y);
}

static nas_status build_transformer(build *b, const form *args, nas_value *x) {
    const block_kind *k = &block_transformer;
    NAS_TRY(want_tokens(b, *x, "transformer"));
    int32_t dim = shape_of(b, *x)->dim[2], heads = arg_int(k, args, "heads");
    float eps = (float)arg_real(k, args, "eps");
    double hidden = fmin(fmax(round(arg_real(k, args, "mlp") * dim), 1), 65536);
    if (dim % heads != 0)
        return nas_fail(NAS_E_SHAPE, "%d heads do not divide tokens of width %d", heads, dim);
    nas_value y = *x;
    NAS_TRY(layer_norm(b, &y, "norm1", eps));
    NAS_TRY(linear(b, &y, "attention.qkv", 3 * dim, true, LINEAR_TRUNC_NORMAL));
    NAS_TRY(nas_attention(&y, b->g, y, heads));
    NAS_TRY(linear(b, &y, "attention.project", dim, true, LINEAR_TRUNC_NORMAL));
    NAS_TRY(add_path(b, args, x, y));
    y = *x;
    NAS_TRY(layer_norm(b, &y, "norm2", eps));
    NAS_TRY(linear(b, &y, "mlp.expand", (int32_t)hidden, true, LINEAR_TRUNC_NORMAL));
    NAS_TRY(nas_activation(&y, b->g, y, arg_act(k, args, "act")));
    NAS_TRY(dropout(b, &y, arg_real(k, args, "dropout"), false));
    NAS_TRY(linear(b, &y, "mlp.project", dim, true, LINEAR_TRUNC_NORMAL));
    return add_path(b, args, x, y);
}

BLOCK_KIND(transformer, args_of_transformer, NULL);
