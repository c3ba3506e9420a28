/* hwmodels/columns_fit.c - latencies from columns of numbers, where a table gives no networks:
 * least squares on the columns and their products, then trees on what that leaves. */
#include "boost.h"

#include <math.h>
#include <nas/hw.h>
#include <string.h>

enum { LEAST_ROWS = 20, MOST_COLUMNS = 32 };
static const double ridge = 1e-4; /* share of the rows */

typedef struct columns {
    uint32_t n, d, taught, terms;
    const double *x, *y;
    double mean[MOST_COLUMNS], scale[MOST_COLUMNS];
    double *a; /* terms x (terms + 1): normal equations */
    double *w, *t, *left;
} columns;

static void columns_free(columns *c) {
    nas_free(c->a);
    nas_free(c->w);
    nas_free(c->t);
    nas_free(c->left);
}

/* 1, each standardised column, each product of two. */
static void terms_of(double *t, const columns *c, uint32_t row) {
    const double *x = c->x + (size_t)row * c->d;
    uint32_t k = 0;
    t[k++] = 1;
    for (uint32_t i = 0; i < c->d; i++) {
        double u = (x[i] - c->mean[i]) / c->scale[i];
        t[k++] = u;
        for (uint32_t j = 0; j <= i; j++)
            t[k++] = u * (x[j] - c->mean[j]) / c->scale[j];
    }
}

static void standardise(columns *c) {
    for (uint32_t k = 0; k < c->d; k++) {
        double sum = 0, squares = 0;
        for (uint32_t i = 0; i < c->taught; i++)
            sum += c->x[(size_t)i * c->d + k];
        c->mean[k] = sum / c->taught;
        for (uint32_t i = 0; i < c->taught; i++)
            squares += pow(c->x[(size_t)i * c->d + k] - c->mean[k], 2);
        c->scale[k] = squares > 0 ? sqrt(squares / c->taught) : 1;
    }
}

/* Positive definite by its ridge, so without pivoting. */
static void solve(columns *c) {
    uint32_t m = c->terms, row = m + 1;
    for (uint32_t i = 0; i < m; i++)
        for (uint32_t j = i + 1; j < m; j++) {
            double q = c->a[j * row + i] / c->a[i * row + i];
            for (uint32_t k = i; k <= m && q != 0; k++)
                c->a[j * row + k] -= q * c->a[i * row + k];
        }
    for (uint32_t i = m; i-- > 0;) {
        c->w[i] = c->a[i * row + m];
        for (uint32_t j = i + 1; j < m; j++)
            c->w[i] -= c->a[i * row + j] * c->w[j];
        c->w[i] /= c->a[i * row + i];
    }
}

/* Squares of relative errors. */
static void least_squares(columns *c) {
    uint32_t m = c->terms, row = m + 1;
    for (uint32_t r = 0; r < c->taught; r++) {
        terms_of(c->t, c, r);
        for (uint32_t i = 0; i < m; i++) {
            double v = c->t[i] / (c->y[r] * c->y[r]);
            for (uint32_t j = 0; j < m; j++)
                c->a[i * row + j] += v * c->t[j];
            c->a[i * row + m] += v * c->y[r];
        }
    }
    for (uint32_t i = 0; i < m; i++)
        c->a[i * row + i] *= 1 + ridge;
    for (uint32_t i = 0; i < m; i++)
        c->a[i * row + i] += c->a[0] * 1e-9;
    solve(c);
}

static double linear(columns *c, uint32_t row) {
    double sum = 0;
    terms_of(c->t, c, row);
    for (uint32_t k = 0; k < c->terms; k++)
        sum += c->w[k] * c->t[k];
    return sum;
}

static nas_status check(const double *y, uint32_t d, uint32_t taught) {
    if (d < 1 || d > MOST_COLUMNS)
        return nas_fail(NAS_E_ARG, "%u columns: 1 to %d can teach", (unsigned)d, MOST_COLUMNS);
    if (taught < LEAST_ROWS)
        return nas_fail(NAS_E_DATA,
                        "%u samples are too few to learn columns from: take at least %d",
                        (unsigned)taught, LEAST_ROWS);
    for (uint32_t i = 0; i < taught; i++)
        if (!(y[i] > 0) || !isfinite(y[i]))
            return nas_fail(NAS_E_DATA, "sample %u was measured as %g s, not above 0", (unsigned)i,
                            y[i]);
    return NAS_OK;
}

nas_status nas_columns_fit(double *predicted, const double *x, const double *y, uint32_t n,
                           uint32_t d, uint32_t taught) {
    columns c = {.n = n, .d = d, .taught = taught, .x = x, .y = y};
    boost b = {0};
    nas_status st;
    NAS_TRY(check(y, d, taught));
    c.terms = 1 + d + d * (d + 1) / 2;
    c.a = nas_calloc((size_t)c.terms * (c.terms + 1), sizeof *c.a);
    c.w = nas_calloc(c.terms, sizeof *c.w);
    c.t = nas_calloc(c.terms, sizeof *c.t);
    c.left = nas_calloc(taught, sizeof *c.left);
    if (!c.a || !c.w || !c.t || !c.left)
        NAS_GO(nas_fail_memory((size_t)c.terms * c.terms * sizeof *c.a));
    standardise(&c);
    least_squares(&c);
    double least = INFINITY; /* a sum of products may leave the range of what was measured */
    for (uint32_t i = 0; i < taught; i++)
        least = fmin(least, y[i] / 2);
    for (uint32_t i = 0; i < taught; i++)
        c.left[i] = log(y[i] / fmax(linear(&c, i), least));
    NAS_GO(boost_fit(&b, x, c.left, taught, d));
    for (uint32_t i = 0; i < n; i++)
        predicted[i] = fmax(linear(&c, i), least) * exp(boost_predict(&b, x + (size_t)i * d));
done:
    boost_free(&b);
    columns_free(&c);
    return st;
}
