/* hwmodels/agreement.c - how well predictions agree with measurements. */
#include <nas/hw.h>

#include <math.h>
#include <stdlib.h>

typedef struct ranked {
    double value, rank;
    uint32_t index;
} ranked;

static int by_value(const void *a, const void *b) {
    double x = ((const ranked *)a)->value, y = ((const ranked *)b)->value;
    return x < y ? -1 : x > y;
}

/* rank[i]: the place of v[i], equals sharing their mean place. */
static void ranks_of(double *rank, ranked *r, const double *v, uint32_t n) {
    for (uint32_t i = 0; i < n; i++)
        r[i] = (ranked){v[i], 0, i};
    qsort(r, n, sizeof *r, by_value);
    for (uint32_t i = 0; i < n;) {
        uint32_t end = i + 1;
        while (end < n && r[end].value == r[i].value)
            end++;
        for (uint32_t k = i; k < end; k++)
            rank[r[k].index] = (i + end - 1) / 2.0;
        i = end;
    }
}

static double correlation(const double *a, const double *b, uint32_t n) {
    double ma = 0, mb = 0, ab = 0, aa = 0, bb = 0;
    for (uint32_t i = 0; i < n; i++) {
        ma += a[i] / n;
        mb += b[i] / n;
    }
    for (uint32_t i = 0; i < n; i++) {
        ab += (a[i] - ma) * (b[i] - mb);
        aa += (a[i] - ma) * (a[i] - ma);
        bb += (b[i] - mb) * (b[i] - mb);
    }
    return aa > 0 && bb > 0 ? ab / sqrt(aa * bb) : (double)NAN;
}

static double kendall(const double *a, const double *b, uint32_t n) {
    double sum = 0, pairs_a = 0, pairs_b = 0;
    for (uint32_t i = 0; i < n; i++)
        for (uint32_t k = i + 1; k < n; k++) {
            int x = (a[i] > a[k]) - (a[i] < a[k]), y = (b[i] > b[k]) - (b[i] < b[k]);
            sum += x * y;
            pairs_a += x != 0;
            pairs_b += y != 0;
        }
    return pairs_a > 0 && pairs_b > 0 ? sum / sqrt(pairs_a * pairs_b) : (double)NAN;
}

static void errors(nas_agreement *out, const double *predicted, const double *measured,
                   uint32_t n) {
    double squares = 0, absolute = 0, sum = 0, near_5 = 0, near_10 = 0;
    for (uint32_t i = 0; i < n; i++) {
        double e = predicted[i] / measured[i] - 1;
        squares += e * e;
        absolute += fabs(e);
        sum += e;
        near_5 += fabs(e) <= 0.05;
        near_10 += fabs(e) <= 0.1;
    }
    out->rmspe = sqrt(squares / n);
    out->mape = absolute / n;
    out->bias = sum / n;
    out->within_5 = near_5 / n;
    out->within_10 = near_10 / n;
}

nas_status nas_agreement_of(nas_agreement *out, const double *predicted, const double *measured,
                            uint32_t n) {
    nas_agreement a = {.n = n};
    nas_status st = NAS_OK;
    if (n < 2)
        return nas_fail(NAS_E_DATA, "%u measurements cannot be ranked", (unsigned)n);
    for (uint32_t i = 0; i < n; i++)
        if (!(measured[i] > 0) || !isfinite(measured[i]))
            return nas_fail(NAS_E_DATA, "measurement %u is %g, not above 0", (unsigned)i,
                            measured[i]);
    ranked *r = nas_calloc(n, sizeof *r);
    double *x = nas_calloc(n, sizeof *x), *y = nas_calloc(n, sizeof *y);
    if (!r || !x || !y)
        NAS_GO(nas_fail_memory(n * sizeof *r));
    ranks_of(x, r, predicted, n);
    ranks_of(y, r, measured, n);
    a.spearman = correlation(x, y, n);
    a.kendall = kendall(predicted, measured, n);
    errors(&a, predicted, measured, n);
    *out = a;
done:
    nas_free(r);
    nas_free(x);
    nas_free(y);
    return st;
}
