/* search/numerics/cholesky.c - Cholesky's factor of a symmetric matrix and its triangular solves.
 */
#include "numerics.h"

#include <math.h>

/* Four sums at once: the compiler may not reorder one sum, so that one alone waits for each add. */
static double dot(const double *a, const double *b, size_t n) {
    double s0 = 0, s1 = 0, s2 = 0, s3 = 0;
    size_t i = 0;
    for (; i + 4 <= n; i += 4) {
        s0 += a[i] * b[i];
        s1 += a[i + 1] * b[i + 1];
        s2 += a[i + 2] * b[i + 2];
        s3 += a[i + 3] * b[i + 3];
    }
    for (; i < n; i++)
        s0 += a[i] * b[i];
    return (s0 + s1) + (s2 + s3);
}

bool num_cholesky(double *a, size_t n, size_t stride) {
    for (size_t i = 0; i < n; i++) {
        double *row = a + i * stride;
        for (size_t j = 0; j < i; j++)
            row[j] = (row[j] - dot(row, a + j * stride, j)) / a[j * stride + j];
        double d = row[i] - dot(row, row, i);
        if (!(d > 0))
            return false;
        row[i] = sqrt(d);
    }
    return true;
}

void num_solve_lower(double *x, const double *l, size_t n, size_t stride) {
    for (size_t i = 0; i < n; i++)
        x[i] = (x[i] - dot(l + i * stride, x, i)) / l[i * stride + i];
}

void num_solve_upper(double *x, const double *l, size_t n, size_t stride) {
    for (size_t i = n; i-- > 0;) {
        x[i] /= l[i * stride + i];
        for (size_t j = 0; j < i; j++)
            x[j] -= l[i * stride + j] * x[i];
    }
}
