/* search/blocks/mul.c - the product of branches: gates. */
#include "../block.h"

static const block_arg args_of_mul[] = {{"branches", ARG_LISTS, NULL, 0, 0, NULL, false}};

static nas_status build_mul(build *b, const form *args, nas_value *x) {
    nas_value v[NAS_MAX_IN];
    const form *branches = form_get(args, "branches");
    NAS_TRY(build_branches(v, NAS_MAX_IN, b, branches, *x));
    return combine(x, b, "mul", v, branches->n);
}

BLOCK_KIND(mul, args_of_mul, NULL);
