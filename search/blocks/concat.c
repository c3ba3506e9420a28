/* search/blocks/concat.c - branches beside one another in the channels. */
#include "../block.h"

static const block_arg args_of_concat[] = {{"branches", ARG_LISTS, NULL, 0, 0, NULL, false}};

static nas_status build_concat(build *b, const form *args, nas_value *x) {
    nas_value v[NAS_MAX_IN];
    const form *branches = form_get(args, "branches");
    NAS_TRY(build_branches(v, NAS_MAX_IN, b, branches, *x));
    return combine(x, b, "concat", v, branches->n);
}

BLOCK_KIND(concat, args_of_concat, NULL);
