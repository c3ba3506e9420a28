/* search/selection.c - ranks trials as parents. */
#include "selection.h"

#include <stdlib.h>
#include <string.h>

nas_status selection_create(selection *s, uint32_t cap, uint32_t n_objectives) {
    *s = (selection){.cap = cap};
    s->member = nas_calloc(cap, sizeof *s->member);
    s->obj = nas_calloc((size_t)cap * n_objectives, sizeof *s->obj);
    s->violation = nas_calloc(cap, sizeof *s->violation);
    s->crowding = nas_calloc(cap, sizeof *s->crowding);
    s->rank = nas_calloc(cap, sizeof *s->rank);
    if (!s->member || !s->obj || !s->violation || !s->crowding || !s->rank)
        return nas_fail_memory((size_t)cap * n_objectives * sizeof *s->obj);
    return NAS_OK;
}

void selection_free(selection *s) {
    nas_free(s->member);
    nas_free(s->obj);
    nas_free(s->violation);
    nas_free(s->crowding);
    nas_free(s->rank);
    *s = (selection){0};
}

int selection_compare(const void *pa, const void *pb) {
    const member *a = pa, *b = pb;
    if (a->rank != b->rank)
        return a->rank < b->rank ? -1 : 1;
    if (a->crowding != b->crowding)
        return a->crowding > b->crowding ? -1 : 1;
    return (a->trial > b->trial) - (a->trial < b->trial);
}

nas_status selection_sort(selection *s, const nas_strategy *t) {
    uint32_t m = t->options.n_objectives;
    for (uint32_t i = 0; i < s->n; i++) {
        const strategy_trial *p = &t->trial[s->member[i].trial];
        memcpy(s->obj + (size_t)i * m, p->objective, m * sizeof *s->obj);
        s->violation[i] = p->violation;
    }
    NAS_TRY(nas_pareto_rank(s->rank, s->obj, s->violation, s->n, m));
    NAS_TRY(nas_crowding(s->crowding, s->obj, s->rank, s->n, m));
    for (uint32_t i = 0; i < s->n; i++)
        s->member[i] = (member){s->member[i].trial, s->rank[i], s->crowding[i]};
    qsort(s->member, s->n, sizeof *s->member, selection_compare);
    return NAS_OK;
}

void selection_take(selection *s, uint32_t first, uint32_t end) {
    s->n = 0;
    for (uint32_t i = first; i < end; i++)
        s->member[s->n++].trial = i;
}

nas_status selection_survive(selection *s, const nas_strategy *t, uint32_t *seen, uint32_t batch,
                             uint32_t end) {
    const uint32_t population = s->cap - batch;
    if (*seen == 0) {
        selection_take(s, 0, population);
        NAS_TRY(selection_sort(s, t));
        *seen = population;
    }
    for (; *seen < end; *seen += batch) {
        s->n = population;
        for (uint32_t i = 0; i < batch; i++)
            s->member[s->n++].trial = *seen + i;
        NAS_TRY(selection_sort(s, t));
        s->n = population;
    }
    return NAS_OK;
}

void selection_mutate(nas_genome *x, const nas_strategy *t, double rate, nas_rng *r) {
    bool active[NAS_MAX_GENES];
    uint32_t n = 0, edits = 0;
    nas_space_active(active, t->space, x);
    for (uint32_t i = 0; i < t->genes; i++)
        n += active[i];
    double p = rate > 0 ? rate : 1.0 / (n ? n : 1);
    for (uint32_t i = 0; i < n; i++)
        edits += nas_rng_uniform(r) < p;
    nas_genome_mutate(x, t->space, edits, r);
}
