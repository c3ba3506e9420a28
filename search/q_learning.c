/* search/q_learning.c - Q-learning over the genes in turn, after MetaQNN (Baker et al. 2017).
 *
 * A state is a gene and the option of the gene before it that counts; an action is an option. The
 * reward of the whole network is shared out among its steps, as in BlockQNN (Zhong et al. 2018).
 * Choices are greedy but for a share that falls from all to `exploration` over the budget; every
 * lot is followed by a replay of random earlier trials.
 */
#include "controller.h"

#include <math.h>
#include <string.h>

enum { DEFAULT_BUDGET = 200, REPLAYS = 64, MEMORY = 4096 };
static const double default_learning_rate = 0.1, default_exploration = 0.1, random_part = 0.3;

typedef struct learner {
    uint32_t n, *first; /* values of gene g start at first[g]: options before it x its options */
    double *value;
    episode *memory; /* the newest MEMORY episodes, a ring */
    uint64_t n_seen;
    double usual; /* first reward: values are told as differences from it */
} learner;

static void free_one(void *self) {
    learner *q = self;
    if (q == NULL)
        return;
    nas_free(q->first);
    nas_free(q->value);
    nas_free(q->memory);
    nas_free(q);
}

static nas_status create_one(void **self, const nas_strategy *t) {
    nas_status st = NAS_OK;
    learner *q = nas_calloc(1, sizeof *q);
    if (q == NULL)
        return nas_fail_memory(sizeof *q);
    q->first = nas_calloc(t->genes + 1, sizeof *q->first);
    for (uint32_t g = 0, before = 1; q->first != NULL && g < t->genes; g++) {
        uint32_t n = nas_space_gene(t->space, g)->n;
        q->n = q->first[g + 1] = q->first[g] + before * n;
        before = n;
    }
    q->value = nas_calloc(q->n + 1, sizeof *q->value);
    q->memory = nas_calloc(MEMORY, sizeof *q->memory);
    if (!q->first || !q->value || !q->memory)
        NAS_GO(nas_fail_memory(MEMORY * sizeof *q->memory + q->n * sizeof *q->value));
    *self = q;
    q = NULL;
done:
    free_one(q);
    return st;
}

/* Values of gene g's options in the state that the gene before it makes. */
static double *values_of(const learner *q, const nas_strategy *t, const nas_genome *x, uint32_t g) {
    uint32_t state = g > 0 ? x->gene[g - 1] : 0;
    return q->value + q->first[g] + state * nas_space_gene(t->space, g)->n;
}

static double exploration(const nas_strategy *t, uint32_t trial) {
    uint32_t budget = t->options.budget > 0 ? t->options.budget : DEFAULT_BUDGET;
    double end = controller_number(t->options.numbers.exploration, default_exploration);
    double done = (double)trial / budget;
    double rest = (1 - done) / (1 - random_part); /* 1 at the end of the random part, then to 0 */
    return rest >= 1 ? 1 : rest <= 0 ? end : end + (1 - end) * rest;
}

static void propose_one(nas_genome *out, void *self, const nas_strategy *t, uint32_t trial,
                        nas_rng *r) {
    const learner *q = self;
    double random = exploration(t, trial);
    *out = (nas_genome){.n = t->genes};
    for (uint32_t g = 0; g < t->genes; g++) {
        const double *v = values_of(q, t, out, g);
        uint32_t n = nas_space_gene(t->space, g)->n, best = (uint32_t)nas_rng_below(r, n);
        if (nas_rng_uniform(r) >= random)
            for (uint32_t k = 0, from = best; k < n; k++) /* ties are drawn */
                best = v[(from + k) % n] > v[best] ? (from + k) % n : best;
        out->gene[g] = (uint16_t)best;
    }
    nas_space_canonical(out, t->space);
}

/* From the last gene to the first, so that the reward reaches all of them at once. Each gets an
 * equal part of it: a state knows one gene, so what comes behind it does not tell a good start. */
static void replay(learner *q, const nas_strategy *t, const episode *e, double rate) {
    bool active[NAS_MAX_GENES];
    nas_genome x;
    uint32_t steps = 0;
    strategy_genome(&x, t, e->trial);
    nas_space_active(active, t->space, &x);
    for (uint32_t g = 0; g < t->genes; g++)
        steps += active[g];
    double part = (e->reward - q->usual) / fmax(steps, 1), next = 0;
    for (uint32_t g = t->genes; g-- > 0;) {
        if (!active[g])
            continue;
        double *v = values_of(q, t, &x, g);
        uint32_t n = nas_space_gene(t->space, g)->n;
        v[x.gene[g]] += rate * (part + next - v[x.gene[g]]);
        next = v[0];
        for (uint32_t k = 1; k < n; k++)
            next = fmax(next, v[k]);
    }
}

static void learn_one(void *self, const nas_strategy *t, const episode *e, uint32_t n) {
    learner *q = self;
    double rate = controller_number(t->options.numbers.learning_rate, default_learning_rate);
    if (q->n_seen == 0)
        q->usual = e[0].reward;
    for (uint32_t i = 0; i < n; i++) {
        q->memory[q->n_seen++ % MEMORY] = e[i];
        replay(q, t, &e[i], rate);
    }
    nas_rng r = nas_rng_stream(t->options.seed, "q_learning.replay", e[0].trial);
    uint64_t held = q->n_seen < MEMORY ? q->n_seen : MEMORY;
    for (uint32_t i = 0; i < REPLAYS; i++)
        replay(q, t, &q->memory[nas_rng_below(&r, held)], rate);
}

static const controller_kind kind = {
    .create = create_one, .free = free_one, .propose = propose_one, .learn = learn_one, .batch = 1};

static nas_status create(nas_strategy *t) {
    return controllers_create(t, &kind);
}

static const char *const takes[] = {"population", "learning_rate", "exploration", "batch",
                                    "alpha",      "threshold",     NULL};

const strategy_kind strategy_q_learning = {.name = "q_learning",
                                           .takes = takes,
                                           .create = create,
                                           .free = controllers_free,
                                           .horizon = controllers_horizon,
                                           .propose = controllers_propose};
