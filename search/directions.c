/* search/directions.c - evenly spread directions over objectives (Das and Dennis 1998). */
#include "directions.h"

enum { MAX_DIRECTIONS = 1 << 20 };

uint32_t directions_count(uint32_t m, uint32_t divisions) {
    uint64_t n = 1;
    for (uint32_t k = 1; k < m; k++) {
        n = n * (divisions + k) / k; /* a binomial at each step, so it divides */
        if (n > MAX_DIRECTIONS)
            return MAX_DIRECTIONS;
    }
    return (uint32_t)n;
}

uint32_t directions_divisions(uint32_t m, uint32_t wanted) {
    uint32_t d = 1;
    while (m > 1 && directions_count(m, d) < wanted)
        d++;
    return d;
}

/* Writes every way to give `left` parts to the coordinates from k on. */
static double *fill(double *row, double *out, uint32_t m, uint32_t k, uint32_t left,
                    uint32_t divisions) {
    if (k + 1 == m) {
        row[k] = (double)left / divisions;
        for (uint32_t i = 0; i < m; i++)
            *out++ = row[i];
        return out;
    }
    for (uint32_t i = 0; i <= left; i++) {
        row[k] = (double)i / divisions;
        out = fill(row, out, m, k + 1, left - i, divisions);
    }
    return out;
}

nas_status directions_create(double **out, uint32_t m, uint32_t divisions) {
    uint32_t n = directions_count(m, divisions);
    if (n >= MAX_DIRECTIONS)
        return nas_fail(NAS_E_TOO_BIG, "%u divisions of %u objectives are over %d directions",
                        divisions, m, MAX_DIRECTIONS);
    double *v = nas_malloc((size_t)n * m * sizeof *v), row[64];
    if (v == NULL)
        return nas_fail_memory((size_t)n * m * sizeof *v);
    fill(row, v, m, 0, divisions, divisions);
    *out = v;
    return NAS_OK;
}
