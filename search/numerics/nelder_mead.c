/* search/numerics/nelder_mead.c - minimum of a function of few variables without derivatives. */
#include "numerics.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct corner {
    double x[NUM_SIMPLEX_MAX], f;
} corner;

typedef struct simplex {
    corner c[NUM_SIMPLEX_MAX + 1];  /* sorted, the best first */
    double middle[NUM_SIMPLEX_MAX]; /* of all but the worst */
    uint32_t n, left;
    double (*f)(void *ctx, const double *x);
    void *ctx;
} simplex;

static int by_value(const void *pa, const void *pb) {
    const corner *a = pa, *b = pb;
    return (a->f > b->f) - (a->f < b->f);
}

static void measure(simplex *s, corner *c) {
    c->f = s->f(s->ctx, c->x);
    if (isnan(c->f))
        c->f = INFINITY;
    s->left -= s->left > 0;
}

/* The point on the line from the worst corner through the middle: 1 is the middle's mirror image.
 */
static corner along(simplex *s, double t) {
    corner c;
    for (uint32_t i = 0; i < s->n; i++)
        c.x[i] = s->middle[i] + t * (s->middle[i] - s->c[s->n].x[i]);
    measure(s, &c);
    return c;
}

static void shrink(simplex *s) {
    for (uint32_t k = 1; k <= s->n; k++) {
        for (uint32_t i = 0; i < s->n; i++)
            s->c[k].x[i] = 0.5 * (s->c[k].x[i] + s->c[0].x[i]);
        measure(s, &s->c[k]);
    }
}

static void step_once(simplex *s) {
    corner *worst = &s->c[s->n];
    memset(s->middle, 0, sizeof s->middle);
    for (uint32_t k = 0; k < s->n; k++)
        for (uint32_t i = 0; i < s->n; i++)
            s->middle[i] += s->c[k].x[i] / s->n;
    corner mirrored = along(s, 1);
    if (mirrored.f < s->c[0].f) {
        corner further = along(s, 2);
        *worst = further.f < mirrored.f ? further : mirrored;
    } else if (mirrored.f < s->c[s->n - 1].f) {
        *worst = mirrored;
    } else {
        corner nearer = along(s, mirrored.f < worst->f ? 0.5 : -0.5);
        if (nearer.f < fmin(mirrored.f, worst->f))
            *worst = nearer;
        else
            shrink(s);
    }
}

double num_nelder_mead(double *x, uint32_t n, double step, uint32_t evals,
                       double (*f)(void *ctx, const double *x), void *ctx) {
    assert(n >= 1 && n <= NUM_SIMPLEX_MAX);
    simplex s = {.n = n, .left = evals, .f = f, .ctx = ctx};
    for (uint32_t k = 0; k <= n; k++) {
        memcpy(s.c[k].x, x, n * sizeof *x);
        if (k > 0)
            s.c[k].x[k - 1] += step;
        measure(&s, &s.c[k]);
    }
    qsort(s.c, n + 1, sizeof *s.c, by_value);
    while (s.left > 0) {
        step_once(&s);
        qsort(s.c, n + 1, sizeof *s.c, by_value);
    }
    memcpy(x, s.c[0].x, n * sizeof *x);
    return s.c[0].f;
}
