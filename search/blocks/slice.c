/* search/blocks/slice.c - one of several equal parts of the channels. */
#include "../block.h"

static const block_arg args_of_slice[] = {
    {"part", ARG_INT, "0", 0, 1023, NULL, false},
    {"of", ARG_INT, "2", 1, 1024, NULL, false},
};

static nas_status build_slice(build *b, const form *args, nas_value *x) {
    const nas_shape *s = shape_of(b, *x);
    int32_t part = arg_int(&block_slice, args, "part"), of = arg_int(&block_slice, args, "of");
    int32_t last = s->rank - 1, channels = s->dim[last];
    if (part >= of || channels % of != 0)
        return nas_fail(NAS_E_SHAPE, "%d channels have no part %d of %d", channels, part, of);
    return nas_slice(x, b->g, *x, last, channels / of * part, channels / of * (part + 1));
}

BLOCK_KIND(slice, args_of_slice, NULL);
