/* search/random.c - random search: every gene uniform, the baseline that others must beat. */
#include "strategy.h"

static nas_status propose(nas_genome *out, nas_strategy *t, uint32_t trial, nas_rng *r) {
    (void)trial;
    nas_space_sample(out, t->space, r);
    return NAS_OK;
}

static const char *const takes[] = {NULL};

const strategy_kind strategy_random = {.name = "random", .takes = takes, .propose = propose};
