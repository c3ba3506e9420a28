/* search/selection.h - ranks trials as parents: Pareto rank, then room around them, then age. */
#ifndef NAS_SEARCH_SELECTION_H
#define NAS_SEARCH_SELECTION_H

#include "strategy.h"

typedef struct member {
    uint32_t trial, rank;
    double crowding;
} member;

/* Members and the columns that the Pareto functions want of them. */
typedef struct selection {
    uint32_t n, cap;
    member *member;
    double *obj, *violation, *crowding;
    uint32_t *rank;
} selection;

/* Room for `cap` members. After a failure selection_free is still to be called. */
nas_status selection_create(selection *s, uint32_t cap, uint32_t n_objectives) NAS_MUST_USE;
void selection_free(selection *s);
/* Ranks the n members by what their trials were told and sorts them, the fittest first. */
nas_status selection_sort(selection *s, const nas_strategy *t) NAS_MUST_USE;
/* Below 0: a is fitter. A total order, so that nothing depends on how it is sorted. */
int selection_compare(const void *a, const void *b);
/* Makes the members trials first … end-1. */
void selection_take(selection *s, uint32_t first, uint32_t end);

/* Lets trials below `end` in, lot after lot of `batch`, keeping the fittest of a population of
 * cap - batch; they stand sorted, their crowding that of before they were cut. *seen: how many
 * trials had their chance before; 0 at the start. */
nas_status selection_survive(selection *s, const nas_strategy *t, uint32_t *seen, uint32_t batch,
                             uint32_t end) NAS_MUST_USE;
/* Changes each active gene with probability `rate`; 0 means once a network on average. */
void selection_mutate(nas_genome *x, const nas_strategy *t, double rate, nas_rng *r);

#endif
