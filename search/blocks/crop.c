/* search/blocks/crop.c - an image without some of its outer rows and columns. */
#include "../block.h"

static const block_arg args_of_crop[] = {
    {"top", ARG_INT, "0", 0, 4095, NULL, false},
    {"left", ARG_INT, "0", 0, 4095, NULL, false},
    {"bottom", ARG_INT, "0", 0, 4095, NULL, false},
    {"right", ARG_INT, "0", 0, 4095, NULL, false},
};

static nas_status cut(build *b, nas_value *x, int32_t axis, int32_t before, int32_t behind) {
    int32_t size = shape_of(b, *x)->dim[axis];
    if (before + behind == 0)
        return NAS_OK;
    if (before + behind >= size)
        return nas_fail(NAS_E_SHAPE, "%d and %d of %d rows or columns leave none", before, behind,
                        size);
    return nas_slice(x, b->g, *x, axis, before, size - behind);
}

static nas_status build_crop(build *b, const form *args, nas_value *x) {
    const block_kind *k = &block_crop;
    NAS_TRY(want_image(b, *x, "crop"));
    NAS_TRY(cut(b, x, 1, arg_int(k, args, "top"), arg_int(k, args, "bottom")));
    return cut(b, x, 2, arg_int(k, args, "left"), arg_int(k, args, "right"));
}

BLOCK_KIND(crop, args_of_crop, NULL);
