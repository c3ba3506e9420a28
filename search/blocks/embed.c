/* search/blocks/embed.c - numbers of words to vectors, plus learned positions. */
#include "../parts.h"

static const block_arg args_of_embed[] = {
    {"words", ARG_INT, NULL, 1, 1048576, NULL, false},
    {"dim", ARG_INT, NULL, 1, 65536, NULL, false},
    {"pos", ARG_BOOL, "true", 0, 0, NULL, false},
    {"dropout", ARG_REAL, "0", 0, 0.99, NULL, false},
};

static nas_status build_embed(build *b, const form *args, nas_value *x) {
    const block_kind *k = &block_embed;
    int32_t dim = arg_int(k, args, "dim");
    NAS_TRY(want_image(b, *x, "embed"));
    const nas_shape s = *shape_of(b, *x);
    if (s.dim[3] != 1)
        return nas_fail(NAS_E_SHAPE, "embed needs one number at each place, but here are %d",
                        s.dim[3]);
    int32_t tokens = s.dim[1] * s.dim[2];
    NAS_TRY(nas_reshape(x, b->g, *x, NAS_SHAPE(s.dim[0], tokens)));
    NAS_TRY(embedding(&b->table, b, "words", "", NAS_SHAPE(arg_int(k, args, "words"), dim)));
    b->embedded = true;
    b->class_token = false;
    NAS_TRY(nas_embed(x, b->g, b->table, *x));
    if (arg_bool(k, args, "pos")) {
        nas_value pos;
        NAS_TRY(embedding(&pos, b, "pos", "", NAS_SHAPE(1, tokens, dim)));
        NAS_TRY(nas_add(x, b->g, *x, pos));
    }
    return dropout(b, x, arg_real(k, args, "dropout"), false);
}

BLOCK_KIND(embed, args_of_embed, NULL);
