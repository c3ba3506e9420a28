/* search/controller.c - lots of trials, their rewards, and whose turn it is. */
#include "controller.h"

#include <math.h>

enum { MAX_CONTROLLERS = 64, DEFAULT_CONTROLLERS = 5 };

/* What was seen of the objectives, for rewards that do not depend on units. */
typedef struct scale {
    double low[NAS_MAX_OBJECTIVES], high[NAS_MAX_OBJECTIVES];
    bool any;
} scale;

typedef struct controllers {
    const controller_kind *kind;
    uint32_t n, batch;
    uint32_t learnt; /* trials that were learnt from: whole lots */
    scale seen;
    void *self[MAX_CONTROLLERS];
    episode *lot; /* of one controller */
} controllers;

double controller_number(double given, double otherwise) {
    return given > 0 ? given : otherwise;
}

void controllers_free(nas_strategy *t) {
    controllers *c = t->state;
    if (c == NULL)
        return;
    for (uint32_t i = 0; i < MAX_CONTROLLERS; i++)
        c->kind->free(c->self[i]);
    nas_free(c->lot);
    nas_free(c);
}

static bool takes_turns(const nas_strategy_options *o) {
    return o->n_objectives > 1 && !(o->numbers.alpha > 0) && !(o->numbers.threshold > 0);
}

nas_status controllers_create(nas_strategy *t, const controller_kind *kind) {
    const nas_strategy_options *o = &t->options;
    controllers *c = t->state = nas_calloc(1, sizeof *c);
    if (c == NULL)
        return nas_fail_memory(sizeof *c);
    c->kind = kind;
    c->n = !takes_turns(o) ? 1 : o->population ? o->population : DEFAULT_CONTROLLERS;
    c->n = c->n < MAX_CONTROLLERS ? c->n : MAX_CONTROLLERS;
    c->batch = (uint32_t)controller_number(o->numbers.batch, kind->batch);
    c->lot = nas_calloc(c->batch, sizeof *c->lot);
    if (c->lot == NULL)
        return nas_fail_memory(c->batch * sizeof *c->lot);
    for (uint32_t i = 0; i < c->n; i++)
        NAS_TRY(kind->create(&c->self[i], t));
    return NAS_OK;
}

uint32_t controllers_horizon(const nas_strategy *t, uint32_t trial) {
    const controllers *c = t->state;
    return trial - trial % (c->n * c->batch);
}

/* ---- rewards ---- */

static bool has_objectives(const strategy_trial *p, uint32_t m) {
    for (uint32_t k = 0; k < m; k++)
        if (!isfinite(p->objective[k]))
            return false;
    return true;
}

static void see(scale *s, const strategy_trial *p, uint32_t m) {
    if (!has_objectives(p, m))
        return;
    for (uint32_t k = 0; k < m; k++) {
        s->low[k] = s->any ? fmin(s->low[k], p->objective[k]) : p->objective[k];
        s->high[k] = s->any ? fmax(s->high[k], p->objective[k]) : p->objective[k];
    }
    s->any = true;
}

/* 0 for the best that was seen, 1 for the worst. */
static double share(const scale *s, const strategy_trial *p, uint32_t k) {
    double range = s->high[k] - s->low[k];
    return range > 0 ? (p->objective[k] - s->low[k]) / range : 0;
}

/* Failed trials and those that break a constraint get less than the worst that was seen. */
static double reward(const controllers *c, const nas_strategy *t, const strategy_trial *p,
                     uint32_t controller) {
    const nas_strategy_numbers *n = &t->options.numbers;
    const scale *s = &c->seen;
    uint32_t m = t->options.n_objectives;
    double alpha = n->alpha > 0 ? n->alpha : (double)controller / (c->n > 1 ? c->n - 1 : 1);
    double range = s->any && s->high[0] > s->low[0] ? s->high[0] - s->low[0] : 1;
    bool failed = !has_objectives(p, m);
    if (m == 1 && (failed || p->violation > 0))
        return -s->high[0] - range * (p->violation > 0 ? fmin(p->violation, 1) : 1);
    if (m == 1)
        return -p->objective[0];
    if (failed || p->violation > 0)
        return -1 - (p->violation > 0 ? fmin(p->violation, 1) : 1);
    double accuracy = 1 - share(s, p, 0), cost = 0;
    if (n->threshold > 0)
        return p->objective[1] < n->threshold ? accuracy : 0;
    for (uint32_t k = 1; k < m; k++)
        cost += share(s, p, k) / (m - 1);
    return alpha * accuracy - (1 - alpha) * cost;
}

/* ---- lots ---- */

/* Trial i belongs to controller i % n. */
static void learn_lot(controllers *c, const nas_strategy *t) {
    uint32_t size = c->n * c->batch;
    for (uint32_t i = 0; i < size; i++)
        see(&c->seen, &t->trial[c->learnt + i], t->options.n_objectives);
    for (uint32_t k = 0; k < c->n; k++) {
        for (uint32_t i = 0; i < c->batch; i++) {
            uint32_t trial = c->learnt + i * c->n + k;
            c->lot[i] = (episode){trial, reward(c, t, &t->trial[trial], k)};
        }
        c->kind->learn(c->self[k], t, c->lot, c->batch);
    }
    c->learnt += size;
}

nas_status controllers_propose(nas_genome *out, nas_strategy *t, uint32_t trial, nas_rng *r) {
    controllers *c = t->state;
    void *self = c->self[trial % c->n];
    uint32_t end = controllers_horizon(t, trial);
    while (c->learnt < end)
        learn_lot(c, t);
    c->kind->propose(out, self, t, trial, r);
    return NAS_OK;
}
