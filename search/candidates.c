/* search/candidates.c - the networks that a model-based strategy chooses among. */
#include "candidates.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { PARENTS = 16, SAMPLE_TRIES = 64 };

nas_status candidate_price(candidate *c, const nas_strategy *t, const nas_genome *x) {
    *c = (candidate){0};
    for (uint32_t k = 0; k < NAS_MAX_OBJECTIVES; k++)
        c->objective[k] = (double)NAN;
    if (t->options.price == NULL)
        return NAS_OK;
    return t->options.price(t->options.price_ctx, x, c->objective, &c->violation);
}

nas_status candidates_known(bool known[NAS_MAX_OBJECTIVES], const nas_strategy *t) {
    nas_rng r = nas_rng_stream(t->options.seed, "which prices", 0);
    memset(known, 0, NAS_MAX_OBJECTIVES * sizeof *known);
    for (uint32_t i = 0; i < SAMPLE_TRIES; i++) { /* some networks cannot be built */
        nas_genome x = {.n = t->genes};
        candidate c;
        nas_space_sample(&x, t->space, &r);
        NAS_TRY(candidate_price(&c, t, &x));
        for (uint32_t k = 0; k < t->options.n_objectives; k++)
            known[k] = !isnan(c.objective[k]);
        if (c.violation < INFINITY)
            break;
    }
    return NAS_OK;
}

void candidates_free(candidates *c) {
    nas_free(c->one);
    nas_free(c->gene);
    *c = (candidates){0};
}

void candidates_genome(nas_genome *x, const candidates *c, uint32_t i) {
    uint32_t n = c->t->genes;
    *x = (nas_genome){.n = n};
    memcpy(x->gene, c->gene + (size_t)i * n, n * sizeof *x->gene);
}

static nas_status append(candidates *c, const nas_genome *x) {
    uint32_t n = c->t->genes;
    NAS_TRY(nas_grow(&c->one, &c->cap, c->n + 1, sizeof *c->one));
    NAS_TRY(nas_grow(&c->gene, &c->gene_cap, (size_t)(c->n + 1) * n + 1, sizeof *c->gene));
    NAS_TRY(candidate_price(&c->one[c->n], c->t, x));
    memcpy(c->gene + (size_t)c->n * n, x->gene, n * sizeof *x->gene);
    c->n++;
    return NAS_OK;
}

nas_status candidates_all(candidates *c, const nas_strategy *t) {
    nas_genome x = {.n = t->genes};
    c->t = t;
    c->whole = true;
    c->n = 0;
    nas_space_canonical(&x, t->space);
    do
        NAS_TRY(append(c, &x));
    while (nas_space_next(&x, t->space));
    return NAS_OK;
}

/* ---- the best ---- */

typedef struct ranked {
    uint32_t trial, rank;
    double crowding;
} ranked;

static int by_rank(const void *pa, const void *pb) {
    const ranked *a = pa, *b = pb;
    if (a->rank != b->rank)
        return a->rank < b->rank ? -1 : 1;
    if (a->crowding != b->crowding)
        return a->crowding > b->crowding ? -1 : 1;
    return (a->trial > b->trial) - (a->trial < b->trial);
}

nas_status candidates_best(uint32_t *trial, uint32_t *n, uint32_t most, const nas_strategy *t,
                           uint32_t known) {
    nas_status st = NAS_OK;
    uint32_t m = t->options.n_objectives, kept = 0;
    size_t room = known + 1;
    double *obj = nas_calloc(room * (m + 2), sizeof *obj);
    ranked *row = nas_calloc(room, sizeof *row);
    uint32_t *rank = nas_calloc(room, sizeof *rank);
    if (!obj || !row || !rank)
        NAS_GO(nas_fail_memory(room * (m + 2) * sizeof *obj));
    double *violation = obj + room * m, *crowding = violation + room;
    for (uint32_t i = 0; i < known; i++) {
        const strategy_trial *p = &t->trial[i];
        if (isnan(p->objective[0]))
            continue;
        row[kept].trial = i;
        violation[kept] = p->violation;
        memcpy(obj + (size_t)kept * m, p->objective, m * sizeof *obj);
        kept++;
    }
    NAS_GO(nas_pareto_rank(rank, obj, violation, kept, m));
    NAS_GO(nas_crowding(crowding, obj, rank, kept, m));
    for (uint32_t i = 0; i < kept; i++)
        row[i] = (ranked){row[i].trial, rank[i], crowding[i]};
    qsort(row, kept, sizeof *row, by_rank);
    *n = kept < most ? kept : most;
    for (uint32_t i = 0; i < *n; i++)
        trial[i] = row[i].trial;
done:
    nas_free(obj);
    nas_free(row);
    nas_free(rank);
    return st;
}

/* ---- around the best ---- */

static bool is_there(const candidates *c, const nas_genome *x) {
    uint32_t n = c->t->genes;
    for (uint32_t i = 0; i < c->n; i++)
        if (memcmp(c->gene + (size_t)i * n, x->gene, n * sizeof *x->gene) == 0)
            return true;
    return false;
}

static nas_status append_new(candidates *c, const nas_genome *x) {
    return strategy_was_asked(c->t, x) || is_there(c, x) ? NAS_OK : append(c, x);
}

nas_status candidates_around(candidates *c, const nas_strategy *t, uint32_t known, uint32_t mutants,
                             uint32_t random, nas_rng *r) {
    uint32_t parent[PARENTS], n = 0;
    nas_genome x, mate;
    c->t = t;
    c->whole = false;
    c->n = 0;
    NAS_TRY(candidates_best(parent, &n, PARENTS, t, known));
    for (uint32_t i = 0; n > 0 && i < mutants; i++) {
        strategy_genome(&x, t, parent[nas_rng_below(r, n)]);
        if (i % 4 == 3) {
            strategy_genome(&mate, t, parent[nas_rng_below(r, n)]);
            nas_genome_cross(&x, t->space, &x, &mate, 0.5, r);
        }
        nas_genome_mutate(&x, t->space, i % 4 == 3 ? (uint32_t)nas_rng_below(r, 2) : 1 + i % 4, r);
        NAS_TRY(append_new(c, &x));
    }
    for (uint32_t i = 0; i < random || c->n == 0; i++) {
        NAS_TRY(candidates_sample(&x, t, r));
        if (c->n == 0)
            NAS_TRY(append(c, &x));
        else
            NAS_TRY(append_new(c, &x));
    }
    return NAS_OK;
}

nas_status candidates_sample(nas_genome *x, const nas_strategy *t, nas_rng *r) {
    double least = INFINITY;
    for (uint32_t i = 0; i < SAMPLE_TRIES; i++) {
        nas_genome y = {.n = t->genes};
        candidate c;
        nas_space_sample(&y, t->space, r);
        if (strategy_was_asked(t, &y) && i + 1 < SAMPLE_TRIES)
            continue;
        NAS_TRY(candidate_price(&c, t, &y));
        if (c.violation < least || i == 0 || (i + 1 == SAMPLE_TRIES && isinf(least))) {
            *x = y;
            least = c.violation;
        }
        if (!(least > 0))
            break;
    }
    return NAS_OK;
}
