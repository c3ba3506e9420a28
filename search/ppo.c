/* search/ppo.c - proximal policy optimisation (Schulman et al. 2017) on a factorised softmax:
 * several steps on each lot, as long as the new policy stays near the one that proposed it.
 */
#include "controller.h"
#include "policy.h"

#include <math.h>

enum { DEFAULT_PASSES = 4, DEFAULT_BATCH = 8, MAX_LOT = 1024 };
static const double default_learning_rate = 0.1, default_baseline = 0.9, default_clip = 0.2,
                    default_entropy = 0.01;

static nas_status create_one(void **self, const nas_strategy *t) {
    policy *p = NULL;
    if (t->options.numbers.batch > MAX_LOT)
        return nas_fail(NAS_E_ARG, "ppo: a batch of %g, at most %d are possible",
                        t->options.numbers.batch, MAX_LOT);
    NAS_TRY(policy_create(&p, t->space));
    *self = p;
    return NAS_OK;
}

static void free_one(void *self) {
    policy_free(self);
}

static void propose_one(nas_genome *out, void *self, const nas_strategy *t, uint32_t trial,
                        nas_rng *r) {
    (void)trial;
    policy_sample(out, self, t->space, r);
}

/* Advantages of a lot have a standard deviation of 1. */
static void scale_advantages(double *advantage, uint32_t n) {
    double square = 0;
    for (uint32_t i = 0; i < n; i++)
        square += advantage[i] * advantage[i] / n;
    for (uint32_t i = 0; square > 0 && i < n; i++)
        advantage[i] /= sqrt(square);
}

static void learn_one(void *self, const nas_strategy *t, const episode *e, uint32_t n) {
    const nas_strategy_numbers *o = &t->options.numbers;
    double rate = controller_number(o->learning_rate, default_learning_rate);
    double keep = controller_number(o->baseline, default_baseline);
    double clip = controller_number(o->clip, default_clip);
    double entropy = controller_number(o->entropy, default_entropy);
    uint32_t passes = (uint32_t)controller_number(o->passes, DEFAULT_PASSES);
    double old[MAX_LOT], advantage[MAX_LOT];
    nas_genome x;
    for (uint32_t i = 0; i < n; i++) {
        strategy_genome(&x, t, e[i].trial);
        old[i] = policy_log_probability(self, t->space, &x);
        advantage[i] = policy_advantage(self, e[i].reward, keep);
    }
    scale_advantages(advantage, n);
    for (uint32_t k = 0; k < passes; k++) {
        for (uint32_t i = 0; i < n; i++) {
            strategy_genome(&x, t, e[i].trial);
            double ratio = exp(policy_log_probability(self, t->space, &x) - old[i]);
            bool clipped = advantage[i] > 0 ? ratio > 1 + clip : ratio < 1 - clip;
            policy_gradient(self, t->space, &x, clipped ? 0 : ratio * advantage[i] / n,
                            entropy / n);
        }
        policy_step(self, rate);
    }
}

static const controller_kind kind = {.create = create_one,
                                     .free = free_one,
                                     .propose = propose_one,
                                     .learn = learn_one,
                                     .batch = DEFAULT_BATCH};

static nas_status create(nas_strategy *t) {
    return controllers_create(t, &kind);
}

static const char *const takes[] = {"population", "learning_rate", "baseline", "entropy",   "clip",
                                    "passes",     "batch",         "alpha",    "threshold", NULL};

const strategy_kind strategy_ppo = {.name = "ppo",
                                    .takes = takes,
                                    .create = create,
                                    .free = controllers_free,
                                    .horizon = controllers_horizon,
                                    .propose = controllers_propose};
