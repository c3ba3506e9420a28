/* search/gp_model.c - Gaussian process regression that grows by a point at a time. */
#include "gp_model.h"

#include <math.h>
#include <string.h>

#include "numerics/numerics.h"

/* Priors on the logarithms: weights about 1 within a factor of some e's; noise about a thousandth
 * of the signal, and never so small that equal rows spoil the factor. */
static const double weight_mean = -0.5, weight_sd = 1.5, noise_mean = -5, noise_sd = 2;
static const double least_noise = 1e-5;
enum { NOISE_MOST = 8 }; /* logarithm; the kernel's diagonal then rules every row */

void gp_init(gp_model *g, uint32_t groups) {
    *g = (gp_model){.groups = groups, .scale = 1};
    for (uint32_t i = 0; i < groups; i++)
        g->theta[i] = weight_mean;
    g->theta[groups] = noise_mean;
}

void gp_free(gp_model *g) {
    nas_free(g->l);
    nas_free(g->v);
    nas_free(g->explained);
    *g = (gp_model){0};
}

static nas_status make_room(gp_model *g, uint32_t need) {
    if (need <= g->cap)
        return NAS_OK;
    uint32_t cap = g->cap ? 2 * g->cap : 64;
    while (cap < need)
        cap *= 2;
    size_t square = (size_t)cap * cap, total = 2 * square + 3 * (size_t)cap;
    double *l = nas_calloc(total, sizeof *l);
    if (l == NULL)
        return nas_fail_memory(total * sizeof *l);
    for (uint32_t i = 0; i < g->n; i++)
        memcpy(l + (size_t)i * cap, g->l + (size_t)i * g->cap, (i + 1) * sizeof *l);
    double *z = l + 2 * square, *one = z + cap, *y = one + cap;
    if (g->n > 0) {
        memcpy(z, g->z, g->n * sizeof *z);
        memcpy(one, g->one, g->n * sizeof *one);
        memcpy(y, g->y, g->n * sizeof *y);
    }
    nas_free(g->l);
    g->l = l;
    g->work = l + square;
    g->z = z;
    g->one = one;
    g->y = y;
    g->cap = cap;
    return NAS_OK;
}

static double kernel(const double *weight, uint32_t groups, const float *d2) {
    double r2 = 0;
    for (uint32_t k = 0; k < groups; k++)
        r2 += weight[k] * (double)d2[k];
    return num_matern52(r2);
}

static void weights_of(double *weight, const double *theta, uint32_t groups) {
    for (uint32_t k = 0; k < groups; k++)
        weight[k] = exp(theta[k]);
}

static double noise_of(const double *theta, uint32_t groups) {
    return least_noise + exp(theta[groups]);
}

/* ---- hyperparameters ---- */

typedef struct trial_fit {
    gp_model *g;
    const float *d2;
    uint32_t n;
    const double *y;
} trial_fit;

static bool factor(double *a, const trial_fit *f, const double *theta) {
    const gp_model *g = f->g;
    double weight[TRAIT_GROUPS_MAX], noise = noise_of(theta, g->groups);
    weights_of(weight, theta, g->groups);
    for (uint32_t i = 0; i < f->n; i++) {
        const float *row = i ? f->d2 + (size_t)i * (i - 1) / 2 * g->groups : NULL;
        for (uint32_t j = 0; j < i; j++)
            a[(size_t)i * g->cap + j] = kernel(weight, g->groups, row + (size_t)j * g->groups);
        a[(size_t)i * g->cap + i] = 1 + noise;
    }
    return num_cholesky(a, f->n, g->cap);
}

/* Solves for the constant mean by generalised least squares; the residuals' square sum is returned.
 */
static double profile(gp_model *g, const double *l, const double *y, uint32_t n) {
    for (uint32_t i = 0; i < n; i++) {
        g->z[i] = y[i];
        g->one[i] = 1;
    }
    num_solve_lower(g->z, l, n, g->cap);
    num_solve_lower(g->one, l, n, g->cap);
    double zo = 0, oo = 0, zz = 0;
    for (uint32_t i = 0; i < n; i++) {
        zo += g->z[i] * g->one[i];
        oo += g->one[i] * g->one[i];
    }
    g->mean = oo > 0 ? zo / oo : 0;
    for (uint32_t i = 0; i < n; i++) {
        g->z[i] -= g->mean * g->one[i];
        zz += g->z[i] * g->z[i];
    }
    return zz;
}

/* Minus the logarithm of the posterior, without constants. */
static double loss(void *ctx, const double *theta) {
    const trial_fit *f = ctx;
    gp_model *g = f->g;
    double penalty = 0;
    for (uint32_t k = 0; k <= g->groups; k++) {
        double mean = k < g->groups ? weight_mean : noise_mean;
        double d = (theta[k] - mean) / (k < g->groups ? weight_sd : noise_sd);
        penalty += 0.5 * d * d;
    }
    if (penalty > 100 || !factor(g->work, f, theta))
        return INFINITY;
    double zz = profile(g, g->work, f->y, f->n), logdet = 0;
    for (uint32_t i = 0; i < f->n; i++)
        logdet += log(g->work[(size_t)i * g->cap + i]);
    return 0.5 * f->n * log(zz / f->n + 1e-300) + logdet + penalty;
}

nas_status gp_fit(gp_model *g, const float *d2, const double *y, uint32_t n, uint32_t evals) {
    g->n = 0;
    g->n_pool = g->n_seen = 0;
    NAS_TRY(make_room(g, n));
    trial_fit f = {.g = g, .d2 = d2, .n = n, .y = y};
    if (evals > 0)
        num_nelder_mead(g->theta, g->groups + 1, 1.0, evals, loss, &f);
    /* Distances that are no Euclidean ones (transport) may make the kernel indefinite: more noise.
     */
    while (!factor(g->l, &f, g->theta)) {
        if (!(g->theta[g->groups] < NOISE_MOST))
            return nas_fail(NAS_E_NAN, "Gaussian process: the kernel of %u points is not positive",
                            n);
        g->theta[g->groups] += 1;
    }
    g->n = n;
    gp_set_values(g, y, n);
    return NAS_OK;
}

/* ---- points ---- */

nas_status gp_append(gp_model *g, const float *d2) {
    NAS_TRY(make_room(g, g->n + 1));
    double weight[TRAIT_GROUPS_MAX], rest = 1 + noise_of(g->theta, g->groups);
    double *row = g->l + (size_t)g->n * g->cap;
    weights_of(weight, g->theta, g->groups);
    for (uint32_t j = 0; j < g->n; j++)
        row[j] = kernel(weight, g->groups, d2 + (size_t)j * g->groups);
    num_solve_lower(row, g->l, g->n, g->cap);
    for (uint32_t j = 0; j < g->n; j++)
        rest -= row[j] * row[j];
    row[g->n] = sqrt(fmax(rest, least_noise));
    g->z[g->n] = 0;
    g->n++;
    return NAS_OK;
}

void gp_set_values(gp_model *g, const double *y, uint32_t known) {
    g->known = known;
    memmove(g->y, y, known * sizeof *y);
    double zz = profile(g, g->l, g->y, known);
    g->scale = fmax(sqrt(zz / (known ? known : 1)), 1e-9); /* constant values still have room */
    for (uint32_t i = known; i < g->n; i++)
        g->z[i] = 0;
}

double gp_mean_at(const gp_model *g, uint32_t i) {
    const double *row = g->l + (size_t)i * g->cap;
    double mean = g->mean;
    for (uint32_t j = 0; j < i && j < g->known; j++)
        mean += row[j] * g->z[j];
    return mean;
}

/* ---- candidates ---- */

nas_status gp_pool_start(gp_model *g, uint32_t n) {
    nas_free(g->explained);
    g->n_pool = 0;
    g->explained = nas_calloc(n + 1, sizeof *g->explained);
    if (g->explained == NULL)
        return nas_fail_memory(n * sizeof *g->explained);
    g->n_pool = n;
    g->n_seen = 0;
    return NAS_OK;
}

nas_status gp_pool_point(gp_model *g, uint32_t point, const float *d2) {
    size_t n = g->n_pool;
    double weight[TRAIT_GROUPS_MAX];
    const double *row = g->l + (size_t)point * g->cap;
    NAS_TRY(nas_grow(&g->v, &g->v_cap, (point + 1) * n, sizeof *g->v));
    float *v = g->v + point * n;
    weights_of(weight, g->theta, g->groups);
    for (size_t i = 0; i < n; i++)
        v[i] = (float)kernel(weight, g->groups, d2 + i * g->groups);
    for (uint32_t j = 0; j < point; j++) {
        const float factor_j = (float)row[j], *other = g->v + j * n;
        for (size_t i = 0; i < n; i++)
            v[i] -= factor_j * other[i];
    }
    const float inverse = (float)(1 / row[point]);
    for (size_t i = 0; i < n; i++) {
        v[i] *= inverse;
        g->explained[i] += (double)v[i] * (double)v[i];
    }
    g->n_seen = point + 1;
    return NAS_OK;
}

void gp_pool_predict(const gp_model *g, double *mean, double *sd) {
    for (size_t i = 0; i < g->n_pool; i++) {
        mean[i] = g->mean;
        sd[i] = g->scale * sqrt(fmax(1 - g->explained[i], 1e-9));
    }
    for (uint32_t j = 0; j < g->n; j++) {
        const float *v = g->v + (size_t)j * g->n_pool;
        double z = g->z[j];
        if (z == 0)
            continue;
        for (size_t i = 0; i < g->n_pool; i++)
            mean[i] += z * (double)v[i];
    }
}
