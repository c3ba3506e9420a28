/* search/gp_model.h - Gaussian process regression that grows by a point at a time, and its
 * prediction at a fixed set of candidates.
 *
 * Kernel: s² Matern52(sum_g w_g d2_g) + s² noise, d2 squared distances in groups (traits.h). The
 * weights and the noise maximise the posterior (marginal likelihood times log-normal priors); mean
 * and s are profiled out. Rows behind the first `known` are believed to hold what is predicted
 * there (kriging believer, Ginsbourger et al. 2010): they take variance away and leave the mean
 * alone. */
#ifndef NAS_SEARCH_GP_MODEL_H
#define NAS_SEARCH_GP_MODEL_H

#include <nas/core.h>

#include "traits.h"

typedef struct gp_model {
    uint32_t groups, n, cap, known;
    double theta[TRAIT_GROUPS_MAX + 1]; /* logarithms of the weights, then of the noise */
    double *l, *work;                   /* cap x cap: factor, and room for trying hyperparameters */
    double *z, *one, *y;                /* L⁻¹ (y - mean), L⁻¹ 1, what is known */
    double mean, scale;                 /* of y: its constant mean and s */
    uint32_t n_pool, n_seen;            /* candidates, points that they have seen */
    float *v; /* one row of n_pool numbers for each of the n points: L⁻¹ k(points, pool) */
    size_t v_cap;
    double *explained; /* of each candidate: share of s² that the points take away */
} gp_model;

void gp_init(gp_model *g, uint32_t groups);
void gp_free(gp_model *g);

/* Chooses weights and noise for the n points whose distances stand in d2 (a packed lower triangle
 * without its diagonal: point i has i * groups numbers) and factors their kernel. Forgets the
 * candidates. */
nas_status gp_fit(gp_model *g, const float *d2, const double *y, uint32_t n,
                  uint32_t evals) NAS_MUST_USE;
/* Appends a point by its distances to the earlier ones. */
nas_status gp_append(gp_model *g, const float *d2) NAS_MUST_USE;
/* Gives the first `known` points their values. */
void gp_set_values(gp_model *g, const double *y, uint32_t known);
/* The prediction at point i, which the model holds: without its own value when it is only believed.
 */
double gp_mean_at(const gp_model *g, uint32_t i);

/* Forgets the candidates and makes room for n; then gp_pool_point once for each point, in order,
 * with its distances to all n. */
nas_status gp_pool_start(gp_model *g, uint32_t n) NAS_MUST_USE;
nas_status gp_pool_point(gp_model *g, uint32_t point, const float *d2) NAS_MUST_USE;
/* Mean and standard deviation (of the function, without noise) of each candidate. */
void gp_pool_predict(const gp_model *g, double *mean, double *sd);

#endif
