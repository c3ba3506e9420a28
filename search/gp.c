/* search/gp.c - Bayesian optimisation with a Gaussian process over genes, paths, op counts and
 * costs. */
#include "gp_search.h"

static nas_status create(nas_strategy *t) {
    return gp_search_create(t, &trait_genes);
}

static const char *const takes[] = {"batch", NULL};

const strategy_kind strategy_gp = {.name = "gp",
                                   .takes = takes,
                                   .create = create,
                                   .free = gp_search_free,
                                   .horizon = gp_search_horizon,
                                   .propose = gp_search_propose};
