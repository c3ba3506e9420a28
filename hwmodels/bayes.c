/* hwmodels/bayes.c - linear regression with a Gaussian prior, in its dual form: a Gaussian process
 * with a linear kernel for each block of columns. Rasmussen and Williams 2006, chapters 2 and 5;
 * leaving one row out, equation 5.12. Weights of rows as Huber's, squared. */
#include "bayes.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_TUNED = 256, ROUNDS = 3 };
static const double base_variance = 4;      /* of standardised y */
static const double outlier_deviations = 3; /* beyond so many a row weighs less */
static const double noises[] = {0.03, 0.1, 0.3, 0.5};
/* A measurement this far below the median is taken for one that failed. */
static const double least_share = 0.05, least_weight = 1e-3;

typedef struct choice { /* of hyperparameters */
    double deviation[BAYES_BLOCKS], noise;
} choice;

typedef struct problem {
    uint32_t n, d, tuned; /* tuned: rows that choose the hyperparameters */
    const bayes_block *block;
    double *z; /* standardised y */
    double *x; /* n x d, centred and scaled */
    double *mean, *scale;
    double *gram;   /* BAYES_BLOCKS matrices tuned x tuned */
    double *c;      /* n x n */
    double *weight; /* of rows, in (0, 1] */
    double *start;  /* those before any fit */
    double *alpha, *residual, *sorted;
    double *w; /* d + 1: result, standardised */
} problem;

static void problem_free(problem *p) {
    double *const all[] = {p->z,      p->x,     p->mean,  p->scale,    p->gram,   p->c,
                           p->weight, p->start, p->alpha, p->residual, p->sorted, p->w};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        nas_free(all[i]);
}

static nas_status allocate(problem *p) {
    size_t n = p->n, d = p->d, t = p->tuned;
    struct want {
        double **at;
        size_t count;
    } all[] = {{&p->z, n},      {&p->x, n * d}, {&p->mean, d},
               {&p->scale, d},  {&p->c, n * n}, {&p->weight, n},
               {&p->start, n},  {&p->alpha, n}, {&p->residual, n},
               {&p->sorted, n}, {&p->w, d + 1}, {&p->gram, BAYES_BLOCKS * t * t}};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        *all[i].at = nas_calloc(all[i].count, sizeof(double));
        if (!*all[i].at)
            return nas_fail_memory(all[i].count * sizeof(double));
    }
    return NAS_OK;
}

static void standardise(problem *p, const double *x) {
    uint32_t n = p->n, d = p->d;
    for (uint32_t k = 0; k < d; k++)
        for (uint32_t i = 0; i < n; i++)
            p->mean[k] += x[(size_t)i * d + k] / n;
    for (int b = 0; b < BAYES_BLOCKS; b++) {
        double most = 0;
        const bayes_block *block = &p->block[b];
        for (uint32_t k = block->first; k < block->first + block->n; k++) {
            double sum = 0;
            for (uint32_t i = 0; i < n; i++)
                sum += pow(x[(size_t)i * d + k] - p->mean[k], 2);
            most = fmax(most, sqrt(sum / n));
        }
        for (uint32_t k = block->first; k < block->first + block->n; k++)
            p->scale[k] = most > 0 ? most : 1;
    }
    for (uint32_t i = 0; i < n; i++)
        for (uint32_t k = 0; k < d; k++)
            p->x[(size_t)i * d + k] = (x[(size_t)i * d + k] - p->mean[k]) / p->scale[k];
}

static double dot_block(const problem *p, uint32_t i, uint32_t j, int b) {
    const double *xi = p->x + (size_t)i * p->d, *xj = p->x + (size_t)j * p->d;
    double sum = 0;
    for (uint32_t k = p->block[b].first; k < p->block[b].first + p->block[b].n; k++)
        sum += xi[k] * xj[k];
    return sum;
}

static void fill_gram(problem *p) {
    uint32_t t = p->tuned;
    for (int b = 0; b < BAYES_BLOCKS; b++)
        for (uint32_t i = 0; i < t; i++)
            for (uint32_t j = 0; j <= i; j++)
                p->gram[((size_t)b * t + i) * t + j] = dot_block(p, i, j, b);
}

/* Lower triangle of the covariance of the first n rows. */
static void covariance(problem *p, uint32_t n, const choice *h) {
    uint32_t t = p->tuned;
    for (uint32_t i = 0; i < n; i++)
        for (uint32_t j = 0; j <= i; j++) {
            double sum = base_variance;
            for (int b = 0; b < BAYES_BLOCKS; b++) {
                double dot = n <= t ? p->gram[((size_t)b * t + i) * t + j] : dot_block(p, i, j, b);
                sum += h->deviation[b] * h->deviation[b] * dot;
            }
            p->c[(size_t)i * n + j] = sum + (i == j ? h->noise * h->noise / p->weight[i] : 0);
        }
}

/* In place, lower triangle. False: not positive definite in this arithmetic. */
static bool cholesky(double *c, uint32_t n) {
    for (uint32_t j = 0; j < n; j++) {
        double *cj = c + (size_t)j * n, diagonal = cj[j];
        for (uint32_t k = 0; k < j; k++)
            diagonal -= cj[k] * cj[k];
        if (!(diagonal > 0))
            return false;
        cj[j] = sqrt(diagonal);
        for (uint32_t i = j + 1; i < n; i++) {
            double *ci = c + (size_t)i * n, sum = ci[j];
            for (uint32_t k = 0; k < j; k++)
                sum -= ci[k] * cj[k];
            ci[j] = sum / cj[j];
        }
    }
    return true;
}

static void solve(double *v, const double *c, uint32_t n) {
    for (uint32_t i = 0; i < n; i++) {
        for (uint32_t k = 0; k < i; k++)
            v[i] -= c[(size_t)i * n + k] * v[k];
        v[i] /= c[(size_t)i * n + i];
    }
    for (uint32_t i = n; i-- > 0;) {
        v[i] /= c[(size_t)i * n + i];
        for (uint32_t k = 0; k < i; k++)
            v[k] -= c[(size_t)i * n + k] * v[i];
    }
}

/* Leaves the factor in c and the dual weights in alpha; the log marginal likelihood but a constant.
 */
static double likelihood(problem *p, uint32_t n, const choice *h) {
    double sum = 0;
    covariance(p, n, h);
    if (!cholesky(p->c, n))
        return -(double)INFINITY;
    memcpy(p->alpha, p->z, n * sizeof *p->alpha);
    solve(p->alpha, p->c, n);
    for (uint32_t i = 0; i < n; i++)
        sum -= p->z[i] * p->alpha[i] / 2 + log(p->c[(size_t)i * n + i]);
    return sum;
}

/* Calls `each` with every choice. */
static void every_choice(problem *p, void (*each)(void *ctx, problem *p, const choice *h),
                         void *ctx) {
    const bayes_block *b = p->block;
    for (const double *u = b[0].deviation; *u >= 0; u++)
        for (const double *v = b[1].deviation; *v >= 0; v++)
            for (const double *w = b[2].deviation; *w >= 0; w++)
                for (size_t k = 0; k < sizeof noises / sizeof *noises; k++)
                    each(ctx, p, &(choice){{*u, *v, *w}, noises[k]});
}

typedef struct best {
    choice h;
    double likelihood;
} best;

static void keep_best(void *ctx, problem *p, const choice *h) {
    best *b = ctx;
    double l = likelihood(p, p->tuned, h);
    if (l > b->likelihood)
        *b = (best){*h, l};
}

/* Weights of the standardised columns by the alpha that likelihood left; the last is the base. */
static void primal(double *w, const problem *p, const choice *h, double share) {
    for (uint32_t i = 0; i < p->n; i++)
        w[p->d] += share * base_variance * p->alpha[i];
    for (int b = 0; b < BAYES_BLOCKS; b++)
        for (uint32_t k = p->block[b].first; k < p->block[b].first + p->block[b].n; k++) {
            double sum = 0;
            for (uint32_t i = 0; i < p->n; i++)
                sum += p->alpha[i] * p->x[(size_t)i * p->d + k];
            w[k] += share * sum * h->deviation[b] * h->deviation[b];
        }
}

typedef struct mean { /* over choices, each with its likelihood */
    double *w, most, sum;
} mean;

static void add_to_mean(void *ctx, problem *p, const choice *h) {
    mean *m = ctx;
    double share = exp(likelihood(p, p->n, h) - m->most);
    if (share < 1e-6)
        return;
    m->sum += share;
    primal(m->w, p, h, share);
}

static double median(double *sorted, const double *v, uint32_t n) {
    memcpy(sorted, v, n * sizeof *v);
    qsort(sorted, n, sizeof *sorted, nas_by_value);
    return nas_quantile(sorted, n, 0.5);
}

/* Of few rows each is left out in turn; of many, one row hardly moves its own prediction. */
static void residuals(problem *p, uint32_t n, const choice *h) {
    for (uint32_t i = 0; i < n; i++) {
        double own = p->weight[i] / (h->noise * h->noise);
        if (n <= MOST_TUNED) {
            memset(p->sorted, 0, n * sizeof *p->sorted);
            p->sorted[i] = 1;
            solve(p->sorted, p->c, n);
            own = p->sorted[i];
        }
        p->residual[i] = fabs(p->alpha[i] / own);
    }
}

static void weigh(problem *p, uint32_t n, const choice *h) {
    residuals(p, n, h);
    double limit = outlier_deviations * 1.4826 * median(p->sorted, p->residual, n) + 1e-9;
    for (uint32_t i = 0; i < n; i++) {
        double w = fmin(1, limit / fmax(p->residual[i], 1e-300));
        p->weight[i] = fmax(fmin(w * w, p->start[i]), least_weight);
    }
}

/* Few rows cannot tell choices apart: then all of them speak, as loud as they are likely. */
static nas_status regress(double *evidence, problem *p) {
    best b = {0};
    for (int round = 0; round < ROUNDS; round++) {
        b.likelihood = -(double)INFINITY;
        every_choice(p, keep_best, &b);
        if (!isfinite(b.likelihood) || !isfinite(likelihood(p, p->n, &b.h)))
            return nas_fail(NAS_E_DATA, "the samples cannot be told apart from one another");
        if (round + 1 < ROUNDS)
            weigh(p, p->n, &b.h);
    }
    mean m = {p->w, likelihood(p, p->n, &b.h), 1};
    *evidence = m.most;
    if (p->n > p->tuned) {
        primal(p->w, p, &b.h, 1);
        return NAS_OK;
    }
    m.sum = 0;
    every_choice(p, add_to_mean, &m);
    *evidence += log(m.sum);
    for (uint32_t k = 0; k <= p->d; k++)
        p->w[k] /= m.sum;
    return NAS_OK;
}

nas_status bayes_fit(double *weight, double *base, double *evidence, const double *x,
                     const double *y, uint32_t n, uint32_t d, const bayes_block *block) {
    problem p = {.n = n, .d = d, .tuned = n < MOST_TUNED ? n : MOST_TUNED, .block = block};
    nas_status st;
    double centre = 0, spread = 0, all = 0;
    NAS_GO(allocate(&p));
    double middle = median(p.sorted, y, n);
    for (uint32_t i = 0; i < n; i++) {
        p.start[i] = p.weight[i] = y[i] < least_share * middle ? least_weight : 1;
        all += p.weight[i];
        centre += p.weight[i] * y[i];
    }
    centre /= all;
    for (uint32_t i = 0; i < n; i++)
        spread += p.weight[i] * (y[i] - centre) * (y[i] - centre) / all;
    spread = sqrt(spread);
    if (!(spread > 0))
        NAS_GO(nas_fail(NAS_E_DATA, "all %u samples are %g: nothing to learn from", (unsigned)n,
                        centre));
    for (uint32_t i = 0; i < n; i++)
        p.z[i] = (y[i] - middle) / spread;
    standardise(&p, x);
    fill_gram(&p);
    NAS_GO(regress(evidence, &p));
    *base = middle + spread * p.w[d];
    for (uint32_t k = 0; k < d; k++) {
        weight[k] = p.w[k] * spread / p.scale[k];
        *base -= weight[k] * p.mean[k];
    }
done:
    problem_free(&p);
    return st;
}
