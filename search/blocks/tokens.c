/* search/blocks/tokens.c - every pixel of an image is a token, maybe behind a class token. */
#include "../parts.h"

static const block_arg args_of_tokens[] = {
    {"cls", ARG_BOOL, "false", 0, 0, NULL, false},
};

static nas_status build_tokens(build *b, const form *args, nas_value *x) {
    NAS_TRY(want_image(b, *x, "tokens"));
    NAS_TRY(to_tokens(b, x));
    return arg_bool(&block_tokens, args, "cls") ? class_token(b, x) : NAS_OK;
}

BLOCK_KIND(tokens, args_of_tokens, NULL);
