/* search/controller.h - what strategies share that learn from rewards: reinforce, ppo, q_learning.
 *
 * Trials come in lots; a lot is proposed by the controllers as they are, and learnt from when all
 * of it has ended. The reward is one number. For one objective it is the objective, with its sign
 * turned. For several it is MONAS' (Hsu et al. 2018): alpha * accuracy - (1 - alpha) * cost, where
 * both lie in 0 to 1 over what was seen so far, accuracy is the first objective and cost the mean
 * of the others; or accuracy where the second objective is below `threshold` and 0 elsewhere.
 * Without an alpha several controllers take turns, each with an alpha of its own, so that together
 * they cover the front.
 */
#ifndef NAS_SEARCH_CONTROLLER_H
#define NAS_SEARCH_CONTROLLER_H

#include "strategy.h"

typedef struct episode {
    uint32_t trial;
    double reward;
} episode;

/* A way to learn. `self` is one controller. Only create may fail or take memory. */
typedef struct controller_kind {
    nas_status (*create)(void **self, const nas_strategy *t);
    void (*free)(void *self);
    void (*propose)(nas_genome *out, void *self, const nas_strategy *t, uint32_t trial, nas_rng *r);
    /* Episodes of one lot, in the order of their trials. */
    void (*learn)(void *self, const nas_strategy *t, const episode *e, uint32_t n);
    uint32_t batch; /* trials of a lot for each controller, by default */
} controller_kind;

nas_status controllers_create(nas_strategy *t, const controller_kind *kind) NAS_MUST_USE;
void controllers_free(nas_strategy *t);
uint32_t controllers_horizon(const nas_strategy *t, uint32_t trial);
nas_status controllers_propose(nas_genome *out, nas_strategy *t, uint32_t trial,
                               nas_rng *r) NAS_MUST_USE;

/* numbers.learning_rate and the like, with the default where they are 0. */
double controller_number(double given, double otherwise);

#endif
