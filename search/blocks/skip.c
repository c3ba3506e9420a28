/* search/blocks/skip.c - nothing: an alternative that leaves a block out. */
#include "../block.h"

static nas_status build_skip(build *b, const form *args, nas_value *x) {
    (void)b;
    (void)args;
    (void)x;
    return NAS_OK;
}

const block_kind block_skip = {.name = "skip", .build = build_skip};
