/* search/blocks/mlp.c - x + MLP(LN x) on tokens or on an image: two linear layers. */
#include "../parts.h"

#include <math.h>
#include <string.h>

static const char *const norms[] = {"none", "batch", NULL};
static const char *const lns[] = {"before", "after", "none", NULL};

static const block_arg args_of_mlp[] = {
    {"ratio", ARG_REAL, "4", 0.01, 64, NULL, false},
    {"hidden", ARG_INT, "0", 0, 65536, NULL, false},
    {"act", ARG_ACT, "gelu", 0, 0, NULL, false},
    {"ln", ARG_WORD, "before", 0, 0, lns, false},
    {"norm", ARG_WORD, "none", 0, 0, norms, false},
    {"skip", ARG_BOOL, "true", 0, 0, NULL, false},
    {"dropout", ARG_REAL, "0", 0, 0.99, NULL, false},
    {"drop_path", ARG_REAL, "0", 0, 0.99, NULL, false},
};

static nas_status layer(build *b, const form *args, nas_value *x, const char *part, int32_t out) {
    bool norm = strcmp(arg_word(&block_mlp, args, "norm"), "batch") == 0;
    NAS_TRY(linear(b, x, part, out, !norm, LINEAR_TRUNC_NORMAL));
    return norm ? batch_norm(b, x, part) : NAS_OK;
}

static nas_status build_mlp(build *b, const form *args, nas_value *x) {
    const block_kind *k = &block_mlp;
    const nas_shape s = *shape_of(b, *x);
    pre_norm norm = pre_norm_of(arg_word(k, args, "ln"));
    if (s.rank != 4)
        NAS_TRY(want_tokens(b, *x, "mlp"));
    int32_t dim = s.dim[s.rank - 1], hidden = arg_int(k, args, "hidden");
    if (hidden == 0)
        hidden = (int32_t)fmin(fmax(round(arg_real(k, args, "ratio") * dim), 1), 65536);
    nas_value y = *x;
    NAS_TRY(norm_before(b, &y, norm));
    NAS_TRY(layer(b, args, &y, "mlp.expand", hidden));
    NAS_TRY(nas_activation(&y, b->g, y, arg_act(k, args, "act")));
    NAS_TRY(dropout(b, &y, arg_real(k, args, "dropout"), false));
    NAS_TRY(layer(b, args, &y, "mlp.project", dim));
    NAS_TRY(dropout(b, &y, arg_real(k, args, "drop_path"), true));
    NAS_TRY(join_path(b, x, y, arg_bool(k, args, "skip"), norm));
    return remember(b, *x);
}

BLOCK_KIND(mlp, args_of_mlp, NULL);
