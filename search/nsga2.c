/* search/nsga2.c - NSGA-II (Deb et al. 2002) for categorical genes that may be inactive.
 *
 * Trials come in generations of the population's size. The first is random; a child of generation g
 * is bred from the survivors of all trials before g, so that its siblings may run at the same time
 * and end in any order. Constraints are Deb's: feasible first, then by violation; failed trials
 * last.
 */
#include "strategy.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { DEFAULT_POPULATION = 20 };
static const double default_crossover = 0.9, swap_probability = 0.5;

typedef struct member {
    uint32_t trial, rank;
    double crowding;
} member;

typedef struct nsga2 {
    uint32_t population;
    double crossover, mutation;
    uint32_t generation; /* whose parents `parent` holds */
    uint32_t n_parents;
    member *parent; /* population + one generation: survivors first */
    double *obj, *violation, *crowding;
    uint32_t *rank; /* columns of the parents for the Pareto functions */
} nsga2;

static void release(nas_strategy *t) {
    nsga2 *s = t->state;
    if (s == NULL)
        return;
    nas_free(s->parent);
    nas_free(s->obj);
    nas_free(s->violation);
    nas_free(s->crowding);
    nas_free(s->rank);
    nas_free(s);
}

static nas_status create(nas_strategy *t) {
    const nas_strategy_options *o = &t->options;
    nsga2 *s = t->state = nas_calloc(1, sizeof *s);
    if (s == NULL)
        return nas_fail_memory(sizeof *s);
    s->population = o->population ? o->population : DEFAULT_POPULATION;
    s->crossover = o->crossover > 0 ? o->crossover : default_crossover;
    s->mutation = o->mutation;
    size_t n = 2 * (size_t)s->population;
    s->parent = nas_calloc(n, sizeof *s->parent);
    s->obj = nas_calloc(n * o->n_objectives, sizeof *s->obj);
    s->violation = nas_calloc(n, sizeof *s->violation);
    s->crowding = nas_calloc(n, sizeof *s->crowding);
    s->rank = nas_calloc(n, sizeof *s->rank);
    if (!s->parent || !s->obj || !s->violation || !s->crowding || !s->rank)
        return nas_fail_memory(n * o->n_objectives * sizeof *s->obj);
    return NAS_OK;
}

static uint32_t horizon(const nas_strategy *t, uint32_t trial) {
    const nsga2 *s = t->state;
    return trial - trial % s->population;
}

/* Lower rank, then more room around it, then the older trial: a total order, so that the survivors
 * do not depend on the sort. */
static int compare_members(const void *pa, const void *pb) {
    const member *a = pa, *b = pb;
    if (a->rank != b->rank)
        return a->rank < b->rank ? -1 : 1;
    if (a->crowding != b->crowding)
        return a->crowding > b->crowding ? -1 : 1;
    return (a->trial > b->trial) - (a->trial < b->trial);
}

/* Ranks all members anew and sorts them, the fittest first. */
static nas_status sort_members(nas_strategy *t, uint32_t n) {
    nsga2 *s = t->state;
    uint32_t m = t->options.n_objectives;
    for (uint32_t i = 0; i < n; i++) {
        const strategy_trial *p = &t->trial[s->parent[i].trial];
        memcpy(s->obj + (size_t)i * m, p->objective, m * sizeof *s->obj);
        s->violation[i] = p->violation;
    }
    NAS_TRY(nas_pareto_rank(s->rank, s->obj, s->violation, n, m));
    NAS_TRY(nas_crowding(s->crowding, s->obj, s->rank, n, m));
    for (uint32_t i = 0; i < n; i++)
        s->parent[i] = (member){s->parent[i].trial, s->rank[i], s->crowding[i]};
    qsort(s->parent, n, sizeof *s->parent, compare_members);
    return NAS_OK;
}

/* Lets generations in, one after the other, until the parents of `generation` are there. */
static nas_status advance(nas_strategy *t, uint32_t generation) {
    nsga2 *s = t->state;
    for (; s->generation < generation; s->generation++) {
        uint32_t n = s->n_parents;
        for (uint32_t i = 0; i < s->population; i++)
            s->parent[n + i].trial = s->generation * s->population + i;
        n += s->population;
        NAS_TRY(sort_members(t, n));
        s->n_parents = s->population;
        /* Ranks within the survivors stay; their crowding is that of before, as in Deb's. */
    }
    return NAS_OK;
}

static const uint16_t *tournament(const nas_strategy *t, nas_rng *r) {
    const nsga2 *s = t->state;
    const member *a = &s->parent[nas_rng_below(r, s->n_parents)];
    const member *b = &s->parent[nas_rng_below(r, s->n_parents)];
    return strategy_genes(t, (compare_members(a, b) <= 0 ? a : b)->trial);
}

static uint16_t draw(const nas_strategy *t, uint32_t gene, nas_rng *r) {
    return (uint16_t)nas_rng_below(r, nas_space_gene(t->space, gene)->n);
}

/* A gene that was inactive in the parent it came from holds 0 by convention, not by merit: when the
 * child makes it active it is drawn. Drawing may activate others, hence the rounds. */
static void settle(nas_genome *x, bool *meant, const nas_strategy *t, nas_rng *r) {
    bool active[NAS_MAX_GENES];
    for (bool changed = true; changed;) {
        changed = false;
        nas_space_active(active, t->space, x);
        for (uint32_t i = 0; i < t->genes; i++)
            if (active[i] && !meant[i]) {
                x->gene[i] = draw(t, i, r);
                meant[i] = changed = true;
            }
    }
}

static void activity_of(bool *active, const nas_strategy *t, const uint16_t *gene) {
    nas_genome x = {.n = t->genes};
    memcpy(x.gene, gene, t->genes * sizeof *gene);
    nas_space_active(active, t->space, &x);
}

/* Uniform crossover. Where only one parent has a say on a gene, it is that one's. */
static void cross(nas_genome *x, bool *meant, const nas_strategy *t, nas_rng *r) {
    const nsga2 *s = t->state;
    const uint16_t *a = tournament(t, r), *b = tournament(t, r);
    bool in_a[NAS_MAX_GENES], in_b[NAS_MAX_GENES];
    activity_of(in_a, t, a);
    activity_of(in_b, t, b);
    bool mix = nas_rng_uniform(r) < s->crossover;
    for (uint32_t i = 0; i < t->genes; i++) {
        bool swap = mix && nas_rng_uniform(r) < swap_probability;
        bool from_b = swap ? in_b[i] || !in_a[i] : mix && !in_a[i] && in_b[i];
        x->gene[i] = from_b ? b[i] : a[i];
        meant[i] = from_b ? in_b[i] : in_a[i];
    }
}

static void mutate(nas_genome *x, const nas_strategy *t, nas_rng *r) {
    const nsga2 *s = t->state;
    bool active[NAS_MAX_GENES];
    nas_space_active(active, t->space, x);
    uint32_t n = 0;
    for (uint32_t i = 0; i < t->genes; i++)
        n += active[i];
    double p = s->mutation > 0 ? s->mutation : 1.0 / (n ? n : 1);
    for (uint32_t i = 0; i < t->genes; i++)
        if (active[i] && nas_rng_uniform(r) < p)
            x->gene[i] = draw(t, i, r);
}

static nas_status propose(nas_genome *out, nas_strategy *t, uint32_t trial, nas_rng *r) {
    const nsga2 *s = t->state;
    uint32_t generation = trial / s->population;
    if (generation == 0) {
        nas_space_sample(out, t->space, r);
        return NAS_OK;
    }
    NAS_TRY(advance(t, generation));
    bool meant[NAS_MAX_GENES];
    *out = (nas_genome){.n = t->genes};
    cross(out, meant, t, r);
    settle(out, meant, t, r);
    nas_space_active(meant, t->space, out);
    mutate(out, t, r);
    settle(out, meant, t, r);
    nas_space_canonical(out, t->space);
    return NAS_OK;
}

const strategy_kind strategy_nsga2 = {
    .name = "nsga2", .create = create, .free = release, .horizon = horizon, .propose = propose};
