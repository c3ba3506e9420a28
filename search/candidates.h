/* search/candidates.h - the networks that a model-based strategy chooses among, with what is known
 * of them before training: all of a small space, or mutants of the best and random ones. */
#ifndef NAS_SEARCH_CANDIDATES_H
#define NAS_SEARCH_CANDIDATES_H

#include "strategy.h"

enum { CANDIDATES_WHOLE = 20000 }; /* spaces of at most so many networks are looked at whole */

typedef struct candidate {
    double objective[NAS_MAX_OBJECTIVES]; /* NAN: known after training only */
    double violation;
    bool gone; /* asked for already */
} candidate;

typedef struct candidates {
    const nas_strategy *t;
    bool whole;
    uint32_t n;
    candidate *one;
    uint16_t *gene; /* those of one[i] start at i * genes */
    size_t cap, gene_cap;
} candidates;

/* Prices of a network (all NAN where nobody can tell); a violation of INFINITY cannot be built. */
nas_status candidate_price(candidate *c, const nas_strategy *t, const nas_genome *x) NAS_MUST_USE;
/* Which objectives the prices tell. */
nas_status candidates_known(bool known[NAS_MAX_OBJECTIVES], const nas_strategy *t) NAS_MUST_USE;

void candidates_free(candidates *c);
/* All networks of the space. */
nas_status candidates_all(candidates *c, const nas_strategy *t) NAS_MUST_USE;
/* `mutants` of the best among the first `known` trials and `random` ones; none was asked for, none
 * is there twice. */
nas_status candidates_around(candidates *c, const nas_strategy *t, uint32_t known, uint32_t mutants,
                             uint32_t random, nas_rng *r) NAS_MUST_USE;
void candidates_genome(nas_genome *x, const candidates *c, uint32_t i);

/* The best trials below `known`, the best first: by Pareto rank, then by crowding; feasible before
 * others, no failed ones. At most `most`; their number is returned in n. */
nas_status candidates_best(uint32_t *trial, uint32_t *n, uint32_t most, const nas_strategy *t,
                           uint32_t known) NAS_MUST_USE;
/* A new network that its prices allow, at random: the least violating of some where none is. */
nas_status candidates_sample(nas_genome *x, const nas_strategy *t, nas_rng *r) NAS_MUST_USE;

#endif
