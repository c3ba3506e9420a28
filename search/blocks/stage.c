/* search/blocks/stage.c - a block or list of blocks, repeated; the plan has written out the
 * repeats. */
#include "../block.h"

static const block_arg args_of_stage[] = {
    {"repeat", ARG_STAGE, "", 0, 0, NULL, false},
    {"block", ARG_STAGE, "", 0, 0, NULL, false},
    {"blocks", ARG_STAGE, "", 0, 0, NULL, false},
};

static nas_status build_stage(build *b, const form *args, nas_value *x) {
    return build_items(b, form_get(args, "blocks"), true, x);
}

BLOCK_KIND(stage, args_of_stage, NULL);
