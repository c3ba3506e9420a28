/* search/blocks/zero.c - zeros of the input's shape. What comes before is computed all the same, as
 * in the tables of networks that count it. */
#include "../block.h"

static nas_status build_zero(build *b, const form *args, nas_value *x) {
    nas_value zero;
    nas_attr attr = {.leaf = {.shape = NAS_SHAPE(1), .init = NAS_INIT_VALUE, .scale = 0}};
    (void)args;
    NAS_TRY(leaf(&zero, b, "zero", "", NAS_OP_CONSTANT, attr));
    return nas_mul(x, b->g, *x, zero);
}

const block_kind block_zero = {.name = "zero", .build = build_zero};
