/* search/blocks/glu.c - x + gate(W LN x): a gated linear unit, Dauphin et al. 2017. */
#include "../parts.h"

static const block_arg args_of_glu[] = {
    {"drop_path", ARG_REAL, "0", 0, 0.99, NULL, false},
};

static nas_status build_glu(build *b, const form *args, nas_value *x) {
    NAS_TRY(want_tokens(b, *x, "glu"));
    nas_value y = *x;
    NAS_TRY(layer_norm(b, &y, "norm", 1e-6f));
    NAS_TRY(linear(b, &y, "expand", 2 * shape_of(b, y)->dim[2], true, LINEAR_TRUNC_NORMAL));
    NAS_TRY(gated(b, &y));
    NAS_TRY(dropout(b, &y, arg_real(&block_glu, args, "drop_path"), true));
    return nas_add(x, b->g, *x, y);
}

BLOCK_KIND(glu, args_of_glu, NULL);
