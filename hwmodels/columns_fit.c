/* hwmodels/columns_fit.c - latencies from columns of numbers, where a table gives no networks:
 * least relative errors on the columns, or on them and their products, and trees on what that
 * leaves. Which of them is taken is decided by leaving every fifth row out. */
#include "boost.h"

#include <math.h>
#include <nas/hw.h>
#include <string.h>

enum { LEAST_ROWS = 20, MOST_COLUMNS = 32, FOLDS = 5, ROUNDS = 10, NO_FOLD = FOLDS };
static const double ridge = 1e-4;       /* share of the rows */
static const double least_error = 1e-2; /* relative; below it errors weigh as their squares */

typedef struct columns {
    uint32_t d, taught, degree, terms; /* terms: of this degree */
    const double *x, *y;
    double mean[MOST_COLUMNS], scale[MOST_COLUMNS];
    double least; /* a sum of products may leave the range of what was measured */
    double *a;    /* terms x (terms + 1): normal equations */
    double *w, *t;
    double *teach_x, *left; /* rows that teach the trees, and what the sum leaves of them */
    boost trees;
    bool has_trees;
} columns;

/* A way to learn. */
typedef struct way {
    uint32_t degree;
    bool trees;
} way;

static void columns_free(columns *c) {
    nas_free(c->a);
    nas_free(c->w);
    nas_free(c->t);
    nas_free(c->teach_x);
    nas_free(c->left);
    boost_free(&c->trees);
}

/* 1, each standardised column, and for degree 2 each product of two. */
static void terms_of(double *t, const columns *c, const double *x) {
    uint32_t k = 0;
    t[k++] = 1;
    for (uint32_t i = 0; i < c->d; i++) {
        double u = (x[i] - c->mean[i]) / c->scale[i];
        t[k++] = u;
        for (uint32_t j = 0; c->degree == 2 && j <= i; j++)
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

static double sum_of(const columns *c, const double *x) {
    double sum = 0;
    terms_of(c->t, c, x);
    for (uint32_t k = 0; k < c->terms; k++)
        sum += c->w[k] * c->t[k];
    return fmax(sum, c->least);
}

static bool is_out(uint32_t row, uint32_t fold) {
    return row % FOLDS == fold;
}

/* One round: squares of relative errors, each over its size in the round before. */
static void least_squares(columns *c, uint32_t fold, bool first) {
    uint32_t m = c->terms, row = m + 1;
    memset(c->a, 0, (size_t)m * row * sizeof *c->a);
    for (uint32_t r = 0; r < c->taught; r++) {
        const double *x = c->x + (size_t)r * c->d;
        double y = c->y[r];
        if (is_out(r, fold))
            continue;
        double size = first ? 1 : fmax(fabs(sum_of(c, x) / y - 1), least_error);
        terms_of(c->t, c, x);
        for (uint32_t i = 0; i < m; i++) {
            double v = c->t[i] / (y * y * size);
            for (uint32_t j = 0; j < m; j++)
                c->a[i * row + j] += v * c->t[j];
            c->a[i * row + m] += v * y;
        }
    }
    for (uint32_t i = 0; i < m; i++)
        c->a[i * row + i] *= 1 + ridge;
    for (uint32_t i = 0; i < m; i++)
        c->a[i * row + i] += c->a[0] * 1e-9;
    solve(c);
}

/* Learns from the rows outside of a fold. */
static nas_status learn(columns *c, way w, uint32_t fold) {
    uint32_t n = 0;
    c->degree = w.degree;
    c->terms = w.degree == 2 ? 1 + c->d + c->d * (c->d + 1) / 2 : 1 + c->d;
    boost_free(&c->trees);
    for (int round = 0; round < ROUNDS; round++)
        least_squares(c, fold, round == 0);
    c->has_trees = w.trees;
    if (!w.trees)
        return NAS_OK;
    for (uint32_t i = 0; i < c->taught; i++) {
        const double *x = c->x + (size_t)i * c->d;
        if (is_out(i, fold))
            continue;
        memcpy(c->teach_x + (size_t)n * c->d, x, c->d * sizeof *x);
        c->left[n++] = log(c->y[i] / sum_of(c, x));
    }
    return boost_fit(&c->trees, c->teach_x, c->left, n, c->d);
}

static double predict(const columns *c, const double *x) {
    return sum_of(c, x) * (c->has_trees ? exp(boost_predict(&c->trees, x)) : 1);
}

/* The way whose errors on rows that did not teach it are smallest; of equals the simplest. */
static nas_status choose(way *best, columns *c) {
    static const way ways[] = {{1, false}, {2, false}, {1, true}, {2, true}};
    double least = INFINITY;
    for (size_t k = 0; k < sizeof ways / sizeof *ways; k++) {
        double error = 0;
        for (uint32_t fold = 0; fold < FOLDS; fold++) {
            NAS_TRY(learn(c, ways[k], fold));
            for (uint32_t i = fold; i < c->taught; i += FOLDS)
                error += fabs(predict(c, c->x + (size_t)i * c->d) / c->y[i] - 1);
        }
        if (error < least) {
            least = error;
            *best = ways[k];
        }
    }
    return NAS_OK;
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

static nas_status make(columns *c) {
    uint32_t most = 1 + c->d + c->d * (c->d + 1) / 2;
    c->a = nas_calloc((size_t)most * (most + 1), sizeof *c->a);
    c->w = nas_calloc(most, sizeof *c->w);
    c->t = nas_calloc(most, sizeof *c->t);
    c->teach_x = nas_calloc((size_t)c->taught * c->d, sizeof *c->teach_x);
    c->left = nas_calloc(c->taught, sizeof *c->left);
    if (!c->a || !c->w || !c->t || !c->teach_x || !c->left)
        return nas_fail_memory((size_t)most * most * sizeof *c->a);
    c->least = INFINITY;
    for (uint32_t i = 0; i < c->taught; i++)
        c->least = fmin(c->least, c->y[i] / 2);
    standardise(c);
    return NAS_OK;
}

nas_status nas_columns_fit(double *predicted, const double *x, const double *y, uint32_t n,
                           uint32_t d, uint32_t taught) {
    columns c = {.d = d, .taught = taught, .x = x, .y = y};
    way best = {1, false};
    nas_status st;
    NAS_TRY(check(y, d, taught));
    NAS_GO(make(&c));
    NAS_GO(choose(&best, &c));
    NAS_GO(learn(&c, best, NO_FOLD));
    for (uint32_t i = 0; i < n; i++)
        predicted[i] = predict(&c, x + (size_t)i * d);
done:
    columns_free(&c);
    return st;
}
