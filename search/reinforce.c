/* search/reinforce.c - REINFORCE (Williams 1992) on a factorised softmax, as in NATS-Bench (Dong et
 * al. 2021): one step of Adam for each trial, against a moving average of the rewards.
 */
#include "controller.h"
#include "policy.h"

static const double default_learning_rate = 0.1, default_baseline = 0.9;

static nas_status create_one(void **self, const nas_strategy *t) {
    policy *p = NULL;
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

static void learn_one(void *self, const nas_strategy *t, const episode *e, uint32_t n) {
    const nas_strategy_numbers *o = &t->options.numbers;
    double rate = controller_number(o->learning_rate, default_learning_rate);
    double keep = controller_number(o->baseline, default_baseline);
    for (uint32_t i = 0; i < n; i++) {
        nas_genome x;
        strategy_genome(&x, t, e[i].trial);
        policy_gradient(self, t->space, &x, policy_advantage(self, e[i].reward, keep), o->entropy);
        policy_step(self, rate);
    }
}

static const controller_kind kind = {
    .create = create_one, .free = free_one, .propose = propose_one, .learn = learn_one, .batch = 1};

static nas_status create(nas_strategy *t) {
    return controllers_create(t, &kind);
}

static const char *const takes[] = {"population", "learning_rate", "baseline",  "entropy",
                                    "batch",      "alpha",         "threshold", NULL};

const strategy_kind strategy_reinforce = {.name = "reinforce",
                                          .takes = takes,
                                          .create = create,
                                          .free = controllers_free,
                                          .horizon = controllers_horizon,
                                          .propose = controllers_propose};
