/* search/values_told.h - objectives of told trials as models like them: finite, without outliers,
 * bent so that what is near the best is told apart. */
#ifndef NAS_SEARCH_VALUES_TOLD_H
#define NAS_SEARCH_VALUES_TOLD_H

#include "strategy.h"

/* A trial whose objectives may be learnt from: not failed, not infeasible. */
bool told_counts(const strategy_trial *p);
/* Objective k of the first n trials into y, which has room for 3 n numbers; a trial that does not
 * count is as bad as the worst. Monotone in the objective. */
void told_values(double *y, const nas_strategy *t, uint32_t k, uint32_t n);
/* One objective of all (ParEGO, Knowles 2006): augmented Chebyshev of values scaled to 0 … 1, by
 * weights drawn from r. y has room for 5 n numbers. */
void told_scalarised(double *y, const nas_strategy *t, uint32_t n, nas_rng *r);

#endif
