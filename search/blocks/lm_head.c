/* search/blocks/lm_head.c - for each token the logits of the word that comes next. */
#include "../parts.h"

#include <string.h>

static const char *const norms[] = {"layer", "none", NULL};

static const block_arg args_of_lm_head[] = {
    {"tie", ARG_BOOL, "true", 0, 0, NULL, false}, /* the embedding's table is the weight */
    {"norm", ARG_WORD, "layer", 0, 0, norms, false},
    {"bias", ARG_BOOL, "false", 0, 0, NULL, false},
};

static nas_status tied(build *b, nas_value *x) {
    const nas_shape *s = shape_of(b, *x);
    if (!b->embedded)
        return nas_fail(NAS_E_SHAPE, "tie: no embed block stands before it");
    const nas_shape *t = shape_of(b, b->table);
    if (t->dim[0] != b->classes || t->dim[1] != s->dim[1])
        return nas_fail(NAS_E_SHAPE,
                        "tie: the table is %dx%d, which is no weight from width %d to %d classes",
                        t->dim[0], t->dim[1], s->dim[1], b->classes);
    return nas_matmul(x, b->g, *x, b->table, false, true);
}

static nas_status build_lm_head(build *b, const form *args, nas_value *x) {
    const block_kind *k = &block_lm_head;
    NAS_TRY(want_tokens(b, *x, "lm_head"));
    if (strcmp(arg_word(k, args, "norm"), "layer") == 0)
        NAS_TRY(layer_norm(b, x, "norm", 1e-5f));
    const nas_shape s = *shape_of(b, *x);
    NAS_TRY(nas_reshape(x, b->g, *x, NAS_SHAPE(s.dim[0] * s.dim[1], s.dim[2])));
    if (arg_bool(k, args, "tie"))
        return tied(b, x);
    return linear(b, x, "words", b->classes, arg_bool(k, args, "bias"), LINEAR_TRUNC_NORMAL);
}

BLOCK_KIND(lm_head, args_of_lm_head, "head");
