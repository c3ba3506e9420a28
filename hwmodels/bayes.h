/* hwmodels/bayes.h - linear regression with a prior on blocks of weights, robust to outliers. */
#ifndef NAS_HWMODELS_BAYES_H
#define NAS_HWMODELS_BAYES_H

#include <nas/core.h>

/* Columns [first, first + n) share one standard deviation of their weights: one of `deviation`,
 * which ends at a negative number. Columns of a block are scaled together, by the largest of them.
 */
enum { BAYES_BLOCKS = 3, BAYES_CHOICES = 6 };
typedef struct bayes_block {
    uint32_t first, n;
    double deviation[BAYES_CHOICES];
} bayes_block;

/* y ~ base + x w, of n rows with d columns each; block: BAYES_BLOCKS that cover all columns.
 * Deviations and noise are chosen by marginal likelihood on at most 256 rows; rows whose left-out
 * residual is far beyond the others' weigh less. weight: d numbers. evidence: the log marginal
 * likelihood but for a constant of y: higher where the columns explain y better. E_DATA where all y
 * are equal. */
nas_status bayes_fit(double *weight, double *base, double *evidence, const double *x,
                     const double *y, uint32_t n, uint32_t d,
                     const bayes_block *block) NAS_MUST_USE;

#endif
