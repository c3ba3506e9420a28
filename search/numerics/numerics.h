/* search/numerics/numerics.h - the small numerics of model-based strategies, in double. Matrices
 * are row-major with a stride (elements from row to row), so that they can grow in place. */
#ifndef NAS_SEARCH_NUMERICS_H
#define NAS_SEARCH_NUMERICS_H

#include <nas/core.h>

/* ---- normal distribution ---- */

double num_normal_pdf(double x);
double num_normal_cdf(double x);
/* E max(level - Y, 0) of Y normal(mean, sd): the expected improvement on `level`. sd may be 0. */
double num_below(double level, double mean, double sd);

/* ---- kernel ---- */

/* Matern 5/2 of squared scaled distance r2: (1 + s + s²/3) exp(-s), s = sqrt(5 r2). */
double num_matern52(double r2);

/* ---- Cholesky ---- */

/* Replaces the lower triangle of symmetric a by L with L Lᵀ = a; false when a is not positive
 * definite (a is then spoilt). */
bool num_cholesky(double *a, size_t n, size_t stride);
/* Solves L x = b in place, and Lᵀ x = b in place. */
void num_solve_lower(double *x, const double *l, size_t n, size_t stride);
void num_solve_upper(double *x, const double *l, size_t n, size_t stride);

/* ---- minimum without derivatives: Nelder and Mead 1965 ---- */

enum { NUM_SIMPLEX_MAX = 8 };
/* Walks x (n <= NUM_SIMPLEX_MAX values) downhill from a simplex of edge `step` for at most `evals`
 * calls of f; returns the least value seen, x where it was. Deterministic. */
double num_nelder_mead(double *x, uint32_t n, double step, uint32_t evals,
                       double (*f)(void *ctx, const double *x), void *ctx);

/* ---- multi-layer perceptron: ReLU layers, linear output, Adam ---- */

typedef struct num_mlp num_mlp;
typedef enum num_loss { NUM_SQUARED, NUM_ABSOLUTE } num_loss;
typedef struct num_mlp_options {
    uint32_t inputs, layers, width; /* hidden layers and their width; one output */
    num_loss loss;
    double rate, decay; /* Adam's step, weight decay on weights (decoupled) */
    uint32_t epochs, batch;
} num_mlp_options;

/* He-normal weights from r. */
nas_status num_mlp_create(num_mlp **out, const num_mlp_options *o, nas_rng *r) NAS_MUST_USE;
void num_mlp_free(num_mlp *p);
/* Trains on n rows of x (n x inputs, row-major) with shuffled batches; y should be about unit size.
 */
nas_status num_mlp_train(num_mlp *p, const float *x, const double *y, uint32_t n,
                         nas_rng *r) NAS_MUST_USE;
/* The output for one row. */
double num_mlp_predict(num_mlp *p, const float *x);

#endif
