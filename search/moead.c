/* search/moead.c - MOEA/D (Zhang and Li 2007; Li and Zhang 2009): one subproblem for each of many
 * weightings, neighbours of which mate with each other.
 *
 * A subproblem is the weighted Chebyshev distance from the best values seen, over the objectives'
 * ranges. It keeps one trial, its incumbent; a child may take the place of at most two.
 */
#include "directions.h"
#include "selection.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { DEFAULT_POPULATION = 20, DEFAULT_BATCH = 4, MAX_REPLACED = 2 };
static const double near_share = 0.9, swap_probability = 0.5, least_weight = 1e-4;

typedef struct moead {
    uint32_t n, near, batch, m, seen;
    double mutation, crossover;
    double *weight;      /* n rows of m */
    uint32_t *neighbour; /* n rows of `near`, the nearest first */
    uint32_t *incumbent; /* trial of each subproblem */
    double low[NAS_MAX_OBJECTIVES], high[NAS_MAX_OBJECTIVES];
} moead;

static void release(nas_strategy *t) {
    moead *s = t->state;
    if (s == NULL)
        return;
    nas_free(s->weight);
    nas_free(s->neighbour);
    nas_free(s->incumbent);
    nas_free(s);
}

typedef struct distant {
    double distance;
    uint32_t index;
} distant;

static int compare_distant(const void *pa, const void *pb) {
    const distant *a = pa, *b = pb;
    if (a->distance != b->distance)
        return a->distance < b->distance ? -1 : 1;
    return (a->index > b->index) - (a->index < b->index);
}

static nas_status find_neighbours(moead *s) {
    distant *d = nas_malloc(s->n * sizeof *d);
    if (d == NULL)
        return nas_fail_memory(s->n * sizeof *d);
    for (uint32_t i = 0; i < s->n; i++) {
        for (uint32_t j = 0; j < s->n; j++) {
            d[j] = (distant){0, j};
            for (uint32_t k = 0; k < s->m; k++)
                d[j].distance += fabs(s->weight[i * s->m + k] - s->weight[j * s->m + k]);
        }
        qsort(d, s->n, sizeof *d, compare_distant);
        for (uint32_t j = 0; j < s->near; j++)
            s->neighbour[i * s->near + j] = d[j].index;
    }
    nas_free(d);
    return NAS_OK;
}

static nas_status create(nas_strategy *t) {
    const nas_strategy_options *o = &t->options;
    moead *s = t->state = nas_calloc(1, sizeof *s);
    if (s == NULL)
        return nas_fail_memory(sizeof *s);
    s->m = o->n_objectives;
    uint32_t wanted = o->population ? o->population : DEFAULT_POPULATION;
    uint32_t divisions = o->numbers.divisions > 0 ? (uint32_t)o->numbers.divisions
                                                  : directions_divisions(s->m, wanted);
    s->n = s->m > 1 ? directions_count(s->m, divisions) : wanted;
    s->near = o->numbers.neighbours > 0 ? (uint32_t)o->numbers.neighbours : (s->n + 4) / 5 + 1;
    s->near = s->near < 2 ? 2 : s->near > s->n ? s->n : s->near;
    s->batch = o->numbers.batch > 0 ? (uint32_t)o->numbers.batch : DEFAULT_BATCH;
    s->mutation = o->mutation;
    s->crossover = o->crossover > 0 ? o->crossover : 0.9;
    if (s->m > 1)
        NAS_TRY(directions_create(&s->weight, s->m, divisions));
    else if ((s->weight = nas_calloc(s->n, sizeof *s->weight)) != NULL)
        for (uint32_t i = 0; i < s->n; i++)
            s->weight[i] = 1;
    s->neighbour = nas_calloc((size_t)s->n * s->near, sizeof *s->neighbour);
    s->incumbent = nas_calloc(s->n, sizeof *s->incumbent);
    if (!s->weight || !s->neighbour || !s->incumbent)
        return nas_fail_memory((size_t)s->n * (s->near + 1) * sizeof *s->neighbour);
    for (uint32_t k = 0; k < s->m; k++) {
        s->low[k] = INFINITY;
        s->high[k] = -INFINITY;
    }
    return find_neighbours(s);
}

static uint32_t horizon(const nas_strategy *t, uint32_t trial) {
    const moead *s = t->state;
    return trial < s->n ? 0 : trial - (trial - s->n) % s->batch;
}

/* ---- incumbents ---- */

/* Subproblems take turns in an order that is drawn anew for each round. */
static uint32_t subproblem(const nas_strategy *t, uint32_t trial) {
    const moead *s = t->state;
    uint32_t n = s->n, round = trial / n, turn = trial % n;
    if (round == 0)
        return turn;
    nas_rng r = nas_rng_stream(t->options.seed, "moead.order", round);
    uint32_t start = (uint32_t)nas_rng_below(&r, n), step = 1;
    for (uint32_t k = 1 + (uint32_t)nas_rng_below(&r, n); k > 1 && step == 1; k--)
        step = strategy_common_factor(n, k) == 1 ? k : 1; /* so it meets every subproblem */
    return (uint32_t)((start + (uint64_t)turn * step) % n);
}

static bool is_finite(const strategy_trial *p, uint32_t m) {
    for (uint32_t k = 0; k < m; k++)
        if (!isfinite(p->objective[k]))
            return false;
    return true;
}

static double distance(const moead *s, const strategy_trial *p, const double *weight) {
    double most = 0;
    if (!is_finite(p, s->m))
        return INFINITY;
    for (uint32_t k = 0; k < s->m; k++) {
        double range = s->high[k] - s->low[k];
        double d = range > 0 ? (p->objective[k] - s->low[k]) / range : 0;
        most = fmax(most, fmax(weight[k], least_weight) * d);
    }
    return most;
}

/* Feasible first, then nearer to the constraints, then nearer to the ideal. */
static bool is_better(const moead *s, const strategy_trial *a, const strategy_trial *b,
                      const double *weight) {
    double va = fmax(a->violation, 0), vb = fmax(b->violation, 0);
    if (is_finite(a, s->m) && is_finite(b, s->m) && va != vb)
        return va < vb;
    return distance(s, a, weight) < distance(s, b, weight);
}

/* The pool that trial's parents and victims come from: neighbours, or now and then all. */
static uint32_t pool(const uint32_t **index, const nas_strategy *t, uint32_t trial) {
    const moead *s = t->state;
    nas_rng r = nas_rng_stream(t->options.seed, "moead.pool", trial);
    bool near = nas_rng_uniform(&r) < near_share;
    *index = near ? s->neighbour + (size_t)subproblem(t, trial) * s->near : NULL;
    return near ? s->near : s->n;
}

/* The worst values of the incumbents on the front: outliers behind it would squeeze the scale. */
static void find_worst(moead *s, const nas_strategy *t) {
    for (uint32_t k = 0; k < s->m; k++)
        s->high[k] = -INFINITY;
    for (uint32_t i = 0; i < s->n; i++) {
        const strategy_trial *a = &t->trial[s->incumbent[i]];
        bool front = is_finite(a, s->m);
        for (uint32_t j = 0; j < s->n && front; j++)
            front = !nas_dominates(t->trial[s->incumbent[j]].objective, a->objective, s->m);
        for (uint32_t k = 0; k < s->m && front; k++)
            s->high[k] = fmax(s->high[k], a->objective[k]);
    }
}

static void let_in(nas_strategy *t, uint32_t trial) {
    moead *s = t->state;
    const strategy_trial *p = &t->trial[trial];
    for (uint32_t k = 0; k < s->m && is_finite(p, s->m); k++)
        s->low[k] = fmin(s->low[k], p->objective[k]);
    if (trial < s->n) {
        s->incumbent[trial] = trial;
        return;
    }
    find_worst(s, t);
    const uint32_t *index;
    uint32_t n = pool(&index, t, trial), replaced = 0;
    nas_rng r = nas_rng_stream(t->options.seed, "moead.victims", trial);
    uint32_t first = (uint32_t)nas_rng_below(&r, n);
    for (uint32_t i = 0; i < n && replaced < MAX_REPLACED; i++) {
        uint32_t at = (first + i) % n, j = index ? index[at] : at;
        if (is_better(s, p, &t->trial[s->incumbent[j]], s->weight + (size_t)j * s->m)) {
            s->incumbent[j] = trial;
            replaced++;
        }
    }
}

static nas_status propose(nas_genome *out, nas_strategy *t, uint32_t trial, nas_rng *r) {
    moead *s = t->state;
    if (trial < s->n) {
        nas_space_sample(out, t->space, r);
        return NAS_OK;
    }
    for (uint32_t end = horizon(t, trial); s->seen < end; s->seen++)
        let_in(t, s->seen);
    const uint32_t *index;
    nas_genome a, b;
    uint32_t n = pool(&index, t, trial);
    uint32_t i = (uint32_t)nas_rng_below(r, n), j = (uint32_t)nas_rng_below(r, n);
    strategy_genome(&a, t, s->incumbent[index ? index[i] : i]);
    strategy_genome(&b, t, s->incumbent[index ? index[j] : j]);
    *out = a;
    if (nas_rng_uniform(r) < s->crossover)
        nas_genome_cross(out, t->space, &a, &b, swap_probability, r);
    selection_mutate(out, t, s->mutation, r);
    return NAS_OK;
}

static const char *const takes[] = {"population", "crossover", "mutation", "neighbours",
                                    "divisions",  "batch",     NULL};

const strategy_kind strategy_moead = {.name = "moead",
                                      .takes = takes,
                                      .create = create,
                                      .free = release,
                                      .horizon = horizon,
                                      .propose = propose};
