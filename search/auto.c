/* search/auto.c - the portfolio: picks a strategy by the budget, the number of objectives and the
 * size of the space, and then is that strategy. */
#include "strategy.h"

/* What is known when a study starts. */
typedef struct occasion {
    double size, budget; /* networks of the space, trials */
    uint32_t objectives;
} occasion;

/* The first row that fits is taken. Measured on NAS-Bench-201 (docs/strategies.md): the process
 * finds most with few trials, but its work grows with the cube of their number. Four workers are
 * served whatever is picked, for nobody asked for a strategy that keeps them waiting. */
static const struct {
    const strategy_kind *kind;
    double size_per_trial; /* at most; 0: any */
    double budget;         /* at most; 0: any */
    uint32_t objectives;   /* at most; 0: any */
    uint32_t batch;        /* 0: the strategy's own */
    const char *why;
} picks[] = {
    {&strategy_grid, 1, 0, 0, 0, "the budget covers the whole space"},
    {&strategy_gp, 0, 600, 0, 4, "few trials, each of which should be chosen with care"},
    {&strategy_bananas, 0, 1500, 3, 0,
     "too many trials for a process, enough for networks to learn"},
    {&strategy_aging_evolution, 0, 0, 1, 0, "many trials and one objective"},
    {&strategy_nsga2, 0, 0, 3, 0, "many trials and few objectives"},
    {&strategy_nsga3, 0, 0, 0, 0, "many trials and many objectives"},
};
enum { N_PICKS = sizeof picks / sizeof *picks, USUAL_BUDGET = 200 };

static nas_status create(nas_strategy *t) {
    const occasion o = {.size = nas_space_size(t->space),
                        .budget = t->options.budget ? t->options.budget : USUAL_BUDGET,
                        .objectives = t->options.n_objectives};
    uint32_t i = 0;
    while ((picks[i].size_per_trial > 0 && o.size > picks[i].size_per_trial * o.budget) ||
           (picks[i].budget > 0 && o.budget > picks[i].budget) ||
           (picks[i].objectives > 0 && o.objectives > picks[i].objectives))
        i++; /* the last row fits all */
    nas_log(NAS_LOG_DEBUG, "auto: %s (%s): %g trials, %g networks, %u objectives",
            picks[i].kind->name, picks[i].why, o.budget, o.size, o.objectives);
    t->kind = picks[i].kind;
    if (!(t->options.numbers.batch >= 1))
        t->options.numbers.batch = picks[i].batch;
    return t->kind->create != NULL ? t->kind->create(t) : NAS_OK;
}

static const char *const takes[] = {"population", "crossover", "mutation", "batch", NULL};

const strategy_kind strategy_auto = {.name = "auto", .takes = takes, .create = create};
