/* search/blocks/residual.c - act(body(x) + shortcut(x)): He et al. 2016. */
#include "../block.h"

static const block_arg args_of_residual[] = {
    {"body", ARG_ITEMS, NULL, 0, 0, NULL, false},
    {"act", ARG_ACT, "relu", 0, 0, NULL, false},
    {"drop_path", ARG_REAL, "0", 0, 0.99, NULL, false},
};

/* x itself, or a 1x1 convolution with batch norm that gives it y's shape. */
static nas_status shortcut(build *b, nas_value *x, nas_value y) {
    char before[NAS_SHAPE_TEXT], behind[NAS_SHAPE_TEXT];
    const nas_shape s = *shape_of(b, *x), t = *shape_of(b, y);
    if (nas_shape_equal(&s, &t))
        return NAS_OK;
    int32_t stride = s.rank == 4 && t.rank == 4 ? (s.dim[1] + t.dim[1] - 1) / t.dim[1] : 0;
    if (stride == 0 || (s.dim[1] - 1) / stride + 1 != t.dim[1] ||
        (s.dim[2] - 1) / stride + 1 != t.dim[2])
        return nas_fail(NAS_E_SHAPE,
                        "no shortcut from %s to %s: the body may change channels and halve sizes",
                        nas_shape_text(before, &s, 1), nas_shape_text(behind, &t, 1));
    conv_spec one = {.out = t.dim[3], .kernel = 1, .stride = stride, .groups = 1, .norm = true};
    return conv_norm_act(b, x, "shortcut", &one);
}

static nas_status build_residual(build *b, const form *args, nas_value *x) {
    const block_kind *k = &block_residual;
    nas_value y = *x;
    NAS_TRY(build_items(b, form_get(args, "body"), false, &y));
    NAS_TRY(shortcut(b, x, y));
    NAS_TRY(dropout(b, &y, arg_real(k, args, "drop_path"), true));
    NAS_TRY(nas_add(x, b->g, y, *x));
    return nas_activation(x, b->g, *x, arg_act(k, args, "act"));
}

BLOCK_KIND(residual, args_of_residual, NULL);
