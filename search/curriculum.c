/* search/curriculum.c - from small networks to large ones: evolution in a space that opens in
 * steps.
 *
 * After curriculum NAS (Guo et al. 2020) with size in the place of vocabulary: in step k of K only
 * networks with fewer MACs than the k/K-quantile of random ones are asked for, in the last step
 * any. Small networks train fast, and what was good among them is where the larger ones are bred
 * from.
 */
#include "selection.h"

#include <math.h>
#include <stdlib.h>

enum { DEFAULT_STEPS = 4, DEFAULT_POPULATION = 20, DEFAULT_BATCH = 4, DEFAULT_BUDGET = 100 };
enum { SAMPLES = 128, TRIES = 32, MAX_STEPS = 64 };
static const double swap_probability = 0.5, drawn_share = 0.25;

typedef struct curriculum {
    uint32_t steps, population, batch, budget, seen;
    double crossover, mutation;
    double limit[MAX_STEPS]; /* MACs that step k stays below */
    selection parents;
} curriculum;

static void release(nas_strategy *t) {
    curriculum *s = t->state;
    if (s == NULL)
        return;
    selection_free(&s->parents);
    nas_free(s);
}

/* INFINITY for a network that cannot be built: it is as if it were large. */
static nas_status size_of(double *out, const nas_space *s, const nas_genome *x) {
    nas_graph *g = NULL;
    nas_cost c;
    nas_status st = nas_space_graph(&g, s, x, 1);
    *out = INFINITY;
    if (st == NAS_E_MEMORY)
        return st;
    if (st != NAS_OK)
        return NAS_OK;
    nas_graph_cost(&c, g);
    *out = (double)c.macs;
    nas_graph_free(g);
    return NAS_OK;
}

static int compare_sizes(const void *pa, const void *pb) {
    const double *a = pa, *b = pb;
    return (*a > *b) - (*a < *b);
}

static nas_status find_limits(curriculum *s, const nas_strategy *t) {
    double size[SAMPLES];
    nas_rng r = nas_rng_stream(t->options.seed, "curriculum.sizes", 0);
    for (int i = 0; i < SAMPLES; i++) {
        nas_genome x;
        nas_space_sample(&x, t->space, &r);
        NAS_TRY(size_of(&size[i], t->space, &x));
    }
    qsort(size, SAMPLES, sizeof *size, compare_sizes);
    for (uint32_t k = 0; k < s->steps; k++)
        s->limit[k] = k + 1 < s->steps ? size[SAMPLES * (k + 1) / s->steps] : INFINITY;
    return NAS_OK;
}

static nas_status create(nas_strategy *t) {
    const nas_strategy_options *o = &t->options;
    if (o->numbers.steps > MAX_STEPS)
        return nas_fail(NAS_E_ARG, "curriculum: %g steps, at most %d are possible",
                        o->numbers.steps, MAX_STEPS);
    curriculum *s = t->state = nas_calloc(1, sizeof *s);
    if (s == NULL)
        return nas_fail_memory(sizeof *s);
    s->steps = o->numbers.steps > 0 ? (uint32_t)o->numbers.steps : DEFAULT_STEPS;
    s->population = o->population ? o->population : DEFAULT_POPULATION;
    s->batch = o->numbers.batch > 0 ? (uint32_t)o->numbers.batch : DEFAULT_BATCH;
    s->budget = o->budget ? o->budget : DEFAULT_BUDGET;
    s->crossover = o->crossover;
    s->mutation = o->mutation;
    NAS_TRY(find_limits(s, t));
    return selection_create(&s->parents, s->population + s->batch, o->n_objectives);
}

static uint32_t horizon(const nas_strategy *t, uint32_t trial) {
    const curriculum *s = t->state;
    return trial < s->population ? 0 : trial - (trial - s->population) % s->batch;
}

static void parent(nas_genome *x, const nas_strategy *t, nas_rng *r) {
    const curriculum *s = t->state;
    uint64_t a = nas_rng_below(r, s->population), b = nas_rng_below(r, s->population);
    strategy_genome(x, t, s->parents.member[a < b ? a : b].trial); /* they stand sorted */
}

static void breed(nas_genome *out, const nas_strategy *t, nas_rng *r) {
    const curriculum *s = t->state;
    nas_genome a, b;
    parent(&a, t, r);
    *out = a;
    if (nas_rng_uniform(r) < s->crossover) {
        parent(&b, t, r);
        nas_genome_cross(out, t->space, &a, &b, swap_probability, r);
        selection_mutate(out, t, s->mutation, r);
    } else {
        nas_genome_mutate(out, t->space, 1, r);
    }
}

static nas_status propose(nas_genome *out, nas_strategy *t, uint32_t trial, nas_rng *r) {
    curriculum *s = t->state;
    uint64_t step = 2 * (uint64_t)trial * s->steps / s->budget;
    double limit = s->limit[step < s->steps ? step : s->steps - 1], size;
    bool first = trial < s->population;
    if (!first)
        NAS_TRY(selection_survive(&s->parents, t, &s->seen, s->batch, horizon(t, trial)));
    bool drawn = first || nas_rng_uniform(r) < (step < s->steps - 1 ? drawn_share : 0);
    for (int i = 0; i < TRIES; i++) {
        if (drawn)
            nas_space_sample(out, t->space, r);
        else
            breed(out, t, r);
        if (limit == INFINITY)
            return NAS_OK;
        NAS_TRY(size_of(&size, t->space, out));
        if (size <= limit)
            return NAS_OK;
    }
    return NAS_OK; /* too large, but the best that was found: the space may be empty down there */
}

static const char *const takes[] = {"population", "crossover", "mutation", "steps", "batch", NULL};

const strategy_kind strategy_curriculum = {.name = "curriculum",
                                           .takes = takes,
                                           .create = create,
                                           .free = release,
                                           .horizon = horizon,
                                           .propose = propose};
