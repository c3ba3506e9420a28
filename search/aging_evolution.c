/* search/aging_evolution.c - regularised evolution (Real et al. 2019): the oldest die, not the
 * worst.
 *
 * The population is the last P trials that have ended; S of them compete, drawn with replacement,
 * and a mutant of the winner is asked for. Fitness is the objective, or with several objectives
 * Pareto rank and crowding within the population. There is no state: everything follows from the
 * trials.
 */
#include "selection.h"

enum { DEFAULT_POPULATION = 30, DEFAULT_SAMPLE = 10, DEFAULT_BATCH = 4 };

typedef struct aging {
    uint32_t population, sample, batch;
    double mutation;
    uint32_t ranked; /* the horizon that `living` was ranked for; 0: none */
    selection living;
} aging;

static void release(nas_strategy *t) {
    aging *s = t->state;
    if (s == NULL)
        return;
    selection_free(&s->living);
    nas_free(s);
}

static nas_status create(nas_strategy *t) {
    const nas_strategy_options *o = &t->options;
    aging *s = t->state = nas_calloc(1, sizeof *s);
    if (s == NULL)
        return nas_fail_memory(sizeof *s);
    s->population = o->population ? o->population : DEFAULT_POPULATION;
    s->sample = o->numbers.sample > 0 ? (uint32_t)o->numbers.sample : DEFAULT_SAMPLE;
    s->batch = o->numbers.batch > 0 ? (uint32_t)o->numbers.batch : DEFAULT_BATCH;
    s->mutation = o->mutation;
    return selection_create(&s->living, s->population, o->n_objectives);
}

/* A trial is bred while the batch - 1 before it may still run: a pipeline, without generations. */
static uint32_t horizon(const nas_strategy *t, uint32_t trial) {
    const aging *s = t->state;
    return trial < s->population ? 0 : trial - (s->batch < trial ? s->batch - 1 : trial - 1);
}

static nas_status propose(nas_genome *out, nas_strategy *t, uint32_t trial, nas_rng *r) {
    aging *s = t->state;
    uint32_t end = horizon(t, trial);
    if (end == 0) {
        nas_space_sample(out, t->space, r);
        return NAS_OK;
    }
    if (s->ranked != end) {
        s->ranked = 0;
        selection_take(&s->living, end > s->population ? end - s->population : 0, end);
        NAS_TRY(selection_sort(&s->living, t));
        s->ranked = end;
    }
    uint64_t best = s->living.n; /* they stand sorted: the least place wins */
    for (uint32_t i = 0; i < s->sample; i++) {
        uint64_t k = nas_rng_below(r, s->living.n);
        best = k < best ? k : best;
    }
    strategy_genome(out, t, s->living.member[best].trial);
    if (s->mutation > 0)
        selection_mutate(out, t, s->mutation, r);
    else
        nas_genome_mutate(out, t->space, 1, r);
    return NAS_OK;
}

static const char *const takes[] = {"population", "mutation", "sample", "batch", NULL};

const strategy_kind strategy_aging_evolution = {.name = "aging_evolution",
                                                .takes = takes,
                                                .create = create,
                                                .free = release,
                                                .horizon = horizon,
                                                .propose = propose};
