/* search/numerics/normal.c - the normal distribution and what improvement it promises. */
#include "numerics.h"

#include <math.h>

static const double inv_sqrt_2pi = 0.39894228040143267794, inv_sqrt_2 = 0.70710678118654752440;

double num_normal_pdf(double x) {
    return inv_sqrt_2pi * exp(-0.5 * x * x);
}

double num_normal_cdf(double x) {
    return 0.5 * erfc(-x * inv_sqrt_2);
}

double num_below(double level, double mean, double sd) {
    double d = level - mean;
    if (!(sd > 0))
        return d > 0 ? d : 0;
    double t = d / sd;
    if (t < -8) /* under 1e-17 of sd: cancellation would leave noise, perhaps below 0 */
        return 0;
    if (t > 8)
        return d;
    return sd * (t * num_normal_cdf(t) + num_normal_pdf(t));
}

double num_matern52(double r2) {
    double s = sqrt(5 * r2);
    return (1 + s + s * s / 3) * exp(-s);
}
