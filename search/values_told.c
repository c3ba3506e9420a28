/* search/values_told.c - objectives of told trials as models like them. */
#include "values_told.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Values above the median by more than this many times the median's distance from the best are
 * pulled in to there. */
static const double cap_factor = 3;
/* Then y becomes log(y - best + this share of what is left of the range): near the best small steps
 * matter as much as large ones far from it. */
static const double bend_share = 0.1;

bool told_counts(const strategy_trial *p) {
    return !isnan(p->objective[0]) && !isinf(p->objective[0]) && p->violation <= 0;
}

static int by_number(const void *pa, const void *pb) {
    double a = *(const double *)pa, b = *(const double *)pb;
    return (a > b) - (a < b);
}

/* Pulls in what lies far above the rest, so that a few hopeless networks do not bend the model. */
static double cap_of(const double *y, uint32_t n, double *room) {
    memcpy(room, y, n * sizeof *y);
    qsort(room, n, sizeof *room, by_number);
    double middle = room[n / 2];
    return middle + cap_factor * (middle - room[0]);
}

static void bend(double *y, uint32_t n) {
    double low = INFINITY, high = -INFINITY;
    for (uint32_t i = 0; i < n; i++) {
        low = fmin(low, y[i]);
        high = fmax(high, y[i]);
    }
    for (uint32_t i = 0; high > low && i < n; i++)
        y[i] = log(y[i] - low + bend_share * (high - low));
}

/* Objective k of the first n trials; a trial that failed or broke a limit is as bad as the worst.
 */
void told_values(double *y, const nas_strategy *t, uint32_t k, uint32_t n) {
    double worst = -INFINITY, *room = y + n;
    uint32_t kept = 0;
    for (uint32_t i = 0; i < n; i++)
        if (told_counts(&t->trial[i])) {
            room[kept++] = t->trial[i].objective[k];
            worst = fmax(worst, t->trial[i].objective[k]);
        }
    if (kept == 0)
        worst = 0;
    else
        worst = fmin(worst, cap_of(room, kept, room + n));
    for (uint32_t i = 0; i < n; i++)
        y[i] = told_counts(&t->trial[i]) ? fmin(t->trial[i].objective[k], worst) : worst;
    bend(y, n);
}

/* One objective of all for ParEGO: augmented Chebyshev of values scaled to 0 … 1. */
void told_scalarised(double *y, const nas_strategy *t, uint32_t n, nas_rng *r) {
    uint32_t m = t->options.n_objectives;
    double weight[NAS_MAX_OBJECTIVES], total = 0, *one = y + n;
    double *sum = one + 3 * (size_t)n;
    for (uint32_t k = 0; k < m; k++)
        total += weight[k] = -log(1 - nas_rng_uniform(r));
    memset(y, 0, n * sizeof *y);
    memset(sum, 0, n * sizeof *sum);
    for (uint32_t k = 0; k < m; k++) {
        told_values(one, t, k, n);
        double low = INFINITY, high = -INFINITY;
        for (uint32_t i = 0; i < n; i++) {
            low = fmin(low, one[i]);
            high = fmax(high, one[i]);
        }
        for (uint32_t i = 0; i < n; i++) {
            double v = weight[k] / total * (one[i] - low) / (high > low ? high - low : 1);
            y[i] = fmax(y[i], v);
            sum[i] += v;
        }
    }
    for (uint32_t i = 0; i < n; i++)
        y[i] += 0.05 * sum[i];
}
