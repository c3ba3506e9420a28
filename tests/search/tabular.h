/* tests/search/tabular.h - runs strategies on a published table, for tests and benchmarks. */
#ifndef NAS_TESTS_TABULAR_H
#define NAS_TESTS_TABULAR_H

#include <nas/search.h>
#include <nas/table.h>

/* A table over a space. Objectives are expressions of columns, worked out for every row at once. */
typedef struct tabular {
    nas_space *space;
    nas_table *table;
    uint32_t rows;
} tabular;

nas_status tabular_open(tabular *t, const char *space, const char *table);
void tabular_close(tabular *t);
/* *out: a value for each row, the caller's (nas_free). */
nas_status tabular_values(double **out, const tabular *t, const char *expression);

typedef struct tabular_run {
    const tabular *t;
    const char *strategy;
    nas_strategy_options options; /* price is set by the run */
    const double *objective[NAS_MAX_OBJECTIVES];
    bool known[NAS_MAX_OBJECTIVES]; /* a strategy may ask for it before it proposes */
} tabular_run;
/* row: the row of each of `budget` trials, one at a time. *used is lower when the space is
 * exhausted. */
nas_status tabular_search(uint32_t *row, uint32_t *used, const tabular_run *run, uint32_t budget);

#endif
