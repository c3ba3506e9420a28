/* runtime/plan.h - where every value of a graph lies: blocks of memory and offsets, before anything
 * is allocated. Sizes are in elements. */
#ifndef NAS_RUNTIME_PLAN_H
#define NAS_RUNTIME_PLAN_H

#include "backend.h"

typedef struct plan_slot {
    uint32_t root; /* the value whose storage this one shares (itself, mostly) */
    bool live;     /* its node runs, or it is a leaf */
    bool placed;   /* roots: block and first are set */
    uint32_t block;
    size_t first, count;
    uint32_t from, to; /* roots: nodes between which the storage must not be given to others */
} plan_slot;

/* A gradient that shares its storage with another value and so must be copied to its place. */
typedef struct plan_copy {
    uint32_t value;
    size_t first; /* in block PLAN_TOGETHER */
} plan_copy;

enum { PLAN_PARAMS = 0, PLAN_TOGETHER = 1, PLAN_FIRST_LEAF = 2 };

typedef struct plan {
    plan_slot *slot; /* one a node */
    uint32_t n;
    size_t *block; /* elements of each block: params, together, leaves, arenas */
    size_t n_blocks, cap_blocks, first_arena;
    size_t *param_first; /* offset of each PARAM in its block, by value; 0 for others */
    plan_copy *copy;
    size_t n_copies, cap_copies;
    size_t n_decay;  /* elements of the params that decay */
    size_t no_reuse; /* arena elements if nothing were reused */
} plan;

typedef struct plan_request {
    const nas_value *keep, *together;
    uint32_t n_keep, n_together;
    size_t align;     /* starts are multiples of it */
    size_t max_block; /* no block may be longer */
    size_t guard;     /* elements left free around each value: a test's poison */
    bool reuse;       /* false: every value keeps its place, for comparison */
} plan_request;

/* E_TOO_BIG when one value or block exceeds max_block. */
nas_status plan_make(plan *out, const nas_graph *g, const plan_request *r) NAS_MUST_USE;
void plan_free(plan *p);
/* Elements of blocks first … end-1. */
size_t plan_sum(const plan *p, size_t first, size_t end);

#endif
