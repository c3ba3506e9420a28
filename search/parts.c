/* search/parts.c - parts of blocks that work on tokens. */
#include "parts.h"

#include <string.h>

nas_status token_conv(build *b, nas_value *x, const char *part, conv_spec s) {
    NAS_TRY(want_tokens(b, *x, "a convolution along tokens"));
    s.wide = 1;
    s.stride = 1;
    NAS_TRY(to_image(b, x, shape_of(b, *x)->dim[1], 1));
    NAS_TRY(conv_norm_act(b, x, part, &s));
    const nas_shape *y = shape_of(b, *x);
    return nas_reshape(x, b->g, *x, NAS_SHAPE(y->dim[0], y->dim[1], y->dim[3]));
}

nas_status to_tokens(build *b, nas_value *x) {
    const nas_shape s = *shape_of(b, *x);
    b->grid[0] = s.dim[1];
    b->grid[1] = s.dim[2];
    b->class_token = false;
    return nas_reshape(x, b->g, *x, NAS_SHAPE(s.dim[0], s.dim[1] * s.dim[2], s.dim[3]));
}

nas_status to_image(build *b, nas_value *x, int32_t height, int32_t width) {
    const nas_shape s = *shape_of(b, *x);
    return nas_reshape(x, b->g, *x, NAS_SHAPE(s.dim[0], height, width, s.dim[2]));
}

nas_status gated(build *b, nas_value *x) {
    const nas_shape s = *shape_of(b, *x);
    int32_t last = s.rank - 1, half = s.dim[last] / 2;
    nas_value y, gate;
    NAS_TRY(nas_slice(&y, b->g, *x, last, 0, half));
    NAS_TRY(nas_slice(&gate, b->g, *x, last, half, 2 * half));
    NAS_TRY(nas_activation(&gate, b->g, gate, NAS_ACT_SIGMOID));
    return nas_mul(x, b->g, y, gate);
}

nas_status embedding(nas_value *v, build *b, const char *part, const char *role, nas_shape shape) {
    nas_attr attr = {.leaf = {.shape = shape, .init = NAS_INIT_TRUNC_NORMAL, .scale = 0.02f}};
    return leaf(v, b, part, role, NAS_OP_PARAM, attr);
}

nas_status class_token(build *b, nas_value *x) {
    int32_t dim = shape_of(b, *x)->dim[2];
    nas_value token, each;
    NAS_TRY(embedding(&token, b, "cls", "", NAS_SHAPE(1, 1, dim)));
    NAS_TRY(nas_expand(&each, b->g, token, NAS_SHAPE(b->batch, 1, dim), 1));
    b->class_token = true;
    return nas_concat(x, b->g, (nas_value[]){each, *x}, 2, 1);
}

pre_norm pre_norm_of(const char *word) {
    static const char *const words[] = {
        [NORM_BEFORE] = "before", [NORM_AFTER] = "after", [NORM_NONE] = "none"};
    size_t i = 0;
    while (i < NORM_NONE && strcmp(words[i], word) != 0)
        i++;
    return (pre_norm)i;
}

nas_status norm_before(build *b, nas_value *x, pre_norm n) {
    return n == NORM_BEFORE ? layer_norm(b, x, "norm", 1e-6f) : NAS_OK;
}

nas_status join_path(build *b, nas_value *x, nas_value y, bool skip, pre_norm n) {
    if (skip)
        NAS_TRY(nas_add(x, b->g, *x, y));
    else
        *x = y;
    return n == NORM_AFTER ? layer_norm(b, x, "norm", 1e-6f) : NAS_OK;
}

nas_status remember(build *b, nas_value x) {
    if (!b->remember)
        return NAS_OK;
    if (b->n_memory == MAX_MEMORY)
        return nas_fail(NAS_E_TOO_BIG, "an encoder of over %d layers", (int)MAX_MEMORY);
    b->memory[b->n_memory++] = x;
    return NAS_OK;
}
