/* search/grid.c - enumeration: every network in counting order, or evenly spread ones.
 *
 * Where the budget is known and smaller than the space, only every k-th network is asked for, k
 * being the largest step within the budget that has no factor in common with a gene's number of
 * options, so that no gene stands still.
 */
#include "strategy.h"

#include <math.h>

enum { MAX_STEP = 1000000 };

typedef struct grid {
    uint32_t step;
    nas_genome next;
} grid;

static void release(nas_strategy *t) {
    nas_free(t->state);
}

static bool turns_every_gene(const nas_strategy *t, uint32_t step) {
    for (uint32_t i = 0; i < t->genes; i++)
        if (strategy_common_factor(step, nas_space_gene(t->space, i)->n) > 1)
            return false;
    return true;
}

static nas_status create(nas_strategy *t) {
    double size = nas_space_size(t->space), budget = t->options.budget;
    double step = budget > 0 && budget < size ? floor(size / budget) : 1;
    if (step > MAX_STEP)
        return nas_fail(NAS_E_ARG,
                        "grid: %.3g networks are too many to step through for %.0f trials; take "
                        "random",
                        size, budget);
    grid *s = t->state = nas_calloc(1, sizeof *s);
    if (s == NULL)
        return nas_fail_memory(sizeof *s);
    for (s->step = (uint32_t)step; s->step > 1 && !turns_every_gene(t, s->step);)
        s->step--;
    return NAS_OK;
}

/* Where an ask begins anew the walk does, too; within one it goes on. */
static nas_status propose(nas_genome *out, nas_strategy *t, uint32_t trial, nas_rng *r) {
    grid *s = t->state;
    uint32_t steps = s->step;
    (void)r;
    if (t->attempt > 0)
        steps = 1; /* the one that was passed over was not wanted; the next to it may be */
    else if (trial > 0)
        strategy_genome(&s->next, t, trial - 1);
    else {
        s->next = (nas_genome){.n = t->genes};
        nas_space_canonical(&s->next, t->space);
        steps = 0;
    }
    for (uint32_t i = 0; i < steps; i++)
        if (!nas_space_next(&s->next, t->space)) {
            s->next = (nas_genome){.n = t->genes};
            nas_space_canonical(&s->next, t->space);
        }
    *out = s->next;
    return NAS_OK;
}

static const char *const takes[] = {NULL};

const strategy_kind strategy_grid = {
    .name = "grid", .takes = takes, .create = create, .free = release, .propose = propose};
