/* search/blocks/patch.c - an image to tokens, one for each square patch: Dosovitskiy et al. 2021.
 */
#include "../parts.h"

static const block_arg args_of_patch[] = {
    {"size", ARG_INT, NULL, 1, 64, NULL, false},
    {"dim", ARG_INT, NULL, 1, 65536, NULL, false},
    {"pos", ARG_BOOL, "true", 0, 0, NULL, false},
    {"cls", ARG_BOOL, "false", 0, 0, NULL, false},
};

static nas_status build_patch(build *b, const form *args, nas_value *x) {
    const block_kind *k = &block_patch;
    int32_t size = arg_int(k, args, "size"), dim = arg_int(k, args, "dim");
    NAS_TRY(want_image(b, *x, "patch"));
    const nas_shape s = *shape_of(b, *x);
    if (s.dim[1] % size != 0 || s.dim[2] % size != 0)
        return nas_fail(NAS_E_SHAPE, "patches of %dx%d do not tile %dx%d", size, size, s.dim[1],
                        s.dim[2]);
    conv_spec project = {
        .out = dim, .kernel = size, .stride = size, .groups = 1, .pad = "valid", .bias = true};
    NAS_TRY(conv_norm_act(b, x, "project", &project));
    NAS_TRY(to_tokens(b, x));
    if (arg_bool(k, args, "cls"))
        NAS_TRY(class_token(b, x));
    if (!arg_bool(k, args, "pos"))
        return NAS_OK;
    nas_value pos;
    NAS_TRY(embedding(&pos, b, "pos", "", NAS_SHAPE(1, shape_of(b, *x)->dim[1], dim)));
    return nas_add(x, b->g, *x, pos);
}

BLOCK_KIND(patch, args_of_patch, NULL);
