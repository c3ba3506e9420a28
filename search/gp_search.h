/* search/gp_search.h - Bayesian optimisation over networks with Gaussian processes: what gp.c and
 * nasbot.c share. */
#ifndef NAS_SEARCH_GP_SEARCH_H
#define NAS_SEARCH_GP_SEARCH_H

#include "strategy.h"
#include "traits.h"

/* Puts a search with these traits into t->state. */
nas_status gp_search_create(nas_strategy *t, const trait_kind *kind) NAS_MUST_USE;
void gp_search_free(nas_strategy *t);
uint32_t gp_search_horizon(const nas_strategy *t, uint32_t trial);
nas_status gp_search_propose(nas_genome *out, nas_strategy *t, uint32_t trial,
                             nas_rng *r) NAS_MUST_USE;

#endif
