/* search/predictor.h - evolution that neural predictors guide: what bananas.c and npenas.c share.
 *
 * After `start` random trials they come in rounds: the predictors learn from all trials before the
 * round, many mutants of the best are scored, and the round takes the best of them. With several
 * objectives the score is what a candidate adds to the dominated hypervolume. */
#ifndef NAS_SEARCH_PREDICTOR_H
#define NAS_SEARCH_PREDICTOR_H

#include "strategy.h"

typedef struct predictor_options {
    uint32_t members; /* networks of an ensemble; more than one: a draw from their normal is the
                         score (independent Thompson sampling), else the mean */
    uint32_t layers, width, epochs;
    double rate;
    bool absolute;         /* loss |error| instead of its square */
    nas_encoding encoding; /* where the space has it, else one-hot */
    uint32_t mutants, random;
} predictor_options;

nas_status predictor_create(nas_strategy *t, const predictor_options *o) NAS_MUST_USE;
void predictor_free(nas_strategy *t);
uint32_t predictor_horizon(const nas_strategy *t, uint32_t trial);
nas_status predictor_propose(nas_genome *out, nas_strategy *t, uint32_t trial,
                             nas_rng *r) NAS_MUST_USE;

#endif
