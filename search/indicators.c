/* search/indicators.c - how near a set of points comes to a reference front: IGD+ and epsilon. */
#include <nas/search.h>

#include <math.h>

static bool has_nan(const double *a, uint32_t m) {
    for (uint32_t k = 0; k < m; k++)
        if (isnan(a[k]))
            return true;
    return false;
}

/* Length of the part of a - z that is a loss. */
static double loss_norm(const double *a, const double *z, uint32_t m) {
    double sum = 0;
    for (uint32_t k = 0; k < m; k++) {
        double d = a[k] > z[k] ? a[k] - z[k] : 0;
        sum += d * d;
    }
    return sqrt(sum);
}

static double loss_max(const double *a, const double *z, uint32_t m) {
    double most = -INFINITY;
    for (uint32_t k = 0; k < m; k++)
        most = fmax(most, a[k] == z[k] ? 0 : a[k] - z[k]); /* two infinities are equal */
    return most;
}

/* The smallest loss of any row against z. */
static double nearest(const double *obj, uint32_t n, const double *z, uint32_t m,
                      double (*loss)(const double *a, const double *z, uint32_t m)) {
    double least = INFINITY;
    for (uint32_t i = 0; i < n; i++) {
        const double *a = obj + (size_t)i * m;
        if (!has_nan(a, m))
            least = fmin(least, loss(a, z, m));
    }
    return least;
}

double nas_igd_plus(const double *obj, uint32_t n, const double *reference, uint32_t n_reference,
                    uint32_t m) {
    double sum = 0;
    uint32_t used = 0;
    for (uint32_t i = 0; i < n_reference; i++) {
        const double *z = reference + (size_t)i * m;
        if (has_nan(z, m))
            continue;
        sum += nearest(obj, n, z, m, loss_norm);
        used++;
    }
    return used > 0 ? sum / used : 0;
}

double nas_epsilon_additive(const double *obj, uint32_t n, const double *reference,
                            uint32_t n_reference, uint32_t m) {
    double most = -INFINITY;
    for (uint32_t i = 0; i < n_reference; i++) {
        const double *z = reference + (size_t)i * m;
        if (!has_nan(z, m))
            most = fmax(most, nearest(obj, n, z, m, loss_max));
    }
    return most;
}
