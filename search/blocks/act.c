/* search/blocks/act.c - an activation alone. */
#include "../block.h"

static const block_arg args_of_act[] = {{"kind", ARG_ACT, "relu", 0, 0, NULL, false}};

static nas_status build_act(build *b, const form *args, nas_value *x) {
    return nas_activation(x, b->g, *x, arg_act(&block_act, args, "kind"));
}

BLOCK_KIND(act, args_of_act, NULL);
