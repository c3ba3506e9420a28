/* search/nsga2.c - NSGA-II (Deb et al. 2002) for categorical genes that may be inactive.
 *
 * The first population is random. After it trials come in lots of `batch`: a child is bred from the
 * survivors of all trials before its lot, so that its siblings may run at the same time and end in
 * any order. A lot as big as the population is Deb's generation; smaller lots learn sooner.
 * Constraints are Deb's: feasible first, then by violation; failed trials last.
 */
#include "selection.h"

enum { DEFAULT_POPULATION = 20, DEFAULT_BATCH = 4 };
static const double default_crossover = 0.9, swap_probability = 0.5;

typedef struct nsga2 {
    uint32_t population, batch;
    double crossover, mutation;
    uint32_t seen; /* trials whose survivors `parents` holds */
    selection parents;
} nsga2;

static void release(nas_strategy *t) {
    nsga2 *s = t->state;
    if (s == NULL)
        return;
    selection_free(&s->parents);
    nas_free(s);
}

static nas_status create(nas_strategy *t) {
    const nas_strategy_options *o = &t->options;
    nsga2 *s = t->state = nas_calloc(1, sizeof *s);
    if (s == NULL)
        return nas_fail_memory(sizeof *s);
    s->population = o->population ? o->population : DEFAULT_POPULATION;
    s->batch = o->numbers.batch > 0 ? (uint32_t)o->numbers.batch : DEFAULT_BATCH;
    if (s->batch > s->population)
        s->batch = s->population;
    s->crossover = o->crossover > 0 ? o->crossover : default_crossover;
    s->mutation = o->mutation;
    return selection_create(&s->parents, s->population + s->batch, o->n_objectives);
}

static uint32_t horizon(const nas_strategy *t, uint32_t trial) {
    const nsga2 *s = t->state;
    return trial < s->population ? 0 : trial - (trial - s->population) % s->batch;
}

static void tournament(nas_genome *x, const nas_strategy *t, nas_rng *r) {
    const nsga2 *s = t->state;
    const member *a = &s->parents.member[nas_rng_below(r, s->population)];
    const member *b = &s->parents.member[nas_rng_below(r, s->population)];
    strategy_genome(x, t, (selection_compare(a, b) <= 0 ? a : b)->trial);
}

static nas_status propose(nas_genome *out, nas_strategy *t, uint32_t trial, nas_rng *r) {
    nsga2 *s = t->state;
    if (trial < s->population) {
        nas_space_sample(out, t->space, r);
        return NAS_OK;
    }
    NAS_TRY(selection_survive(&s->parents, t, &s->seen, s->batch, horizon(t, trial)));
    nas_genome a, b;
    tournament(&a, t, r);
    tournament(&b, t, r);
    *out = a;
    if (nas_rng_uniform(r) < s->crossover)
        nas_genome_cross(out, t->space, &a, &b, swap_probability, r);
    selection_mutate(out, t, s->mutation, r);
    return NAS_OK;
}

static const char *const takes[] = {"population", "crossover", "mutation", "batch", NULL};

const strategy_kind strategy_nsga2 = {.name = "nsga2",
                                      .takes = takes,
                                      .create = create,
                                      .free = release,
                                      .horizon = horizon,
                                      .propose = propose};
