/* search/blocks/transformer.c - pre-norm encoder block: x + attention(LN x), then x + MLP(LN x). */
#include "../attention.h"

#include <math.h>

static const char *const positions[] = {"none", "abs", "signed", "split", NULL};

static const block_arg args_of_transformer[] = {
    {"heads", ARG_INT, NULL, 1, 1024, NULL, false},
    {"mlp", ARG_REAL, "4", 0.01, 64, NULL, false},
    {"width", ARG_INT, "0", 0, 4096, NULL, false},
    {"position", ARG_WORD, "none", 0, 0, positions, false},
    {"clip", ARG_INT, "0", 0, 4096, NULL, false},
    {"causal", ARG_BOOL, "false", 0, 0, NULL, false},
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
    int32_t dim = shape_of(b, *x)->dim[2];
    attention_spec spec = {.heads = arg_int(k, args, "heads"),
                           .key = arg_int(k, args, "width"),
                           .position = position_of(arg_word(k, args, "position")),
                           .clip = arg_int(k, args, "clip"),
                           .causal = arg_bool(k, args, "causal"),
                           .bias = true};
    float eps = (float)arg_real(k, args, "eps");
    double hidden = fmin(fmax(round(arg_real(k, args, "mlp") * dim), 1), 65536);
    nas_value y = *x;
    NAS_TRY(layer_norm(b, &y, "norm1", eps));
    NAS_TRY(attention(b, &y, &spec));
    NAS_TRY(add_path(b, args, x, y));
    y = *x;
    NAS_TRY(layer_norm(b, &y, "norm2", eps));
    NAS_TRY(linear(b, &y, "mlp.expand", (int32_t)hidden, true, LINEAR_TRUNC_NORMAL));
    NAS_TRY(nas_activation(&y, b->g, y, arg_act(k, args, "act")));
    NAS_TRY(dropout(b, &y, arg_real(k, args, "dropout"), false));
    NAS_TRY(linear(b, &y, "mlp.project", dim, true, LINEAR_TRUNC_NORMAL));
    NAS_TRY(add_path(b, args, x, y));
    return remember(b, *x);
}

BLOCK_KIND(transformer, args_of_transformer, NULL);
