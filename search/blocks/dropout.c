/* search/blocks/dropout.c - drops elements while training: Srivastava et al. 2014. */
#include "../block.h"

static const block_arg args_of_dropout[] = {{"rate", ARG_REAL, NULL, 0, 0.99, NULL, false}};

static nas_status build_dropout(build *b, const form *args, nas_value *x) {
    return dropout(b, x, arg_real(&block_dropout, args, "rate"), false);
}

BLOCK_KIND(dropout, args_of_dropout, NULL);
