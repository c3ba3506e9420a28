/* search/blocks/shuffle.c - channels of several groups in turn: Zhang et al. 2018 (ShuffleNet). */
#include "../block.h"

static const block_arg args_of_shuffle[] = {{"groups", ARG_INT, "2", 1, 1024, NULL, false}};

static nas_status build_shuffle(build *b, const form *args, nas_value *x) {
    NAS_TRY(want_image(b, *x, "shuffle"));
    const nas_shape s = *shape_of(b, *x);
    int32_t groups = arg_int(&block_shuffle, args, "groups");
    if (s.dim[3] % groups != 0)
        return nas_fail(NAS_E_SHAPE, "%d groups do not divide %d channels", groups, s.dim[3]);
    nas_shape apart = NAS_SHAPE(s.dim[0], s.dim[1] * s.dim[2], groups, s.dim[3] / groups);
    NAS_TRY(nas_reshape(x, b->g, *x, apart));
    NAS_TRY(nas_transpose(x, b->g, *x, (int32_t[]){0, 1, 3, 2}));
    return nas_reshape(x, b->g, *x, s);
}

BLOCK_KIND(shuffle, args_of_shuffle, NULL);
