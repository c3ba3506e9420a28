/* search/acquisition.c - expected hypervolume improvement by strips (2-D) and cells (3-D).
 *
 * The volume that y adds is the integral over the cells of the grid through the front's points of
 * (length of the cell above y) in all axes but the last, times what lies between y and the lowest
 * point that dominates the cell in the last axis. Independent objectives make its mean the sum of
 * products of one-dimensional expectations (Emmerich, Deutz and Klinkenberg 2011). */
#include "acquisition.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "numerics/numerics.h"

static int by_number(const void *pa, const void *pb) {
    double a = *(const double *)pa, b = *(const double *)pb;
    return (a > b) - (a < b);
}

/* Keeps the rows that beat ref and that no other dominates; equal rows once. Returns how many. */
static uint32_t keep_front(double *front, const double *points, uint32_t n, uint32_t m,
                           const double *ref) {
    uint32_t kept = 0;
    for (uint32_t i = 0; i < n; i++) {
        const double *p = points + (size_t)i * m;
        bool keep = true;
        for (uint32_t k = 0; k < m; k++)
            keep = keep && p[k] < ref[k];
        for (uint32_t j = 0; j < n && keep; j++) {
            const double *q = points + (size_t)j * m;
            keep = !nas_dominates(q, p, m) && !(j < i && memcmp(p, q, m * sizeof *p) == 0);
        }
        if (keep)
            memcpy(front + (size_t)m * kept++, p, m * sizeof *p);
    }
    return kept;
}

/* The index of the lowest last coordinate among points at or below the lower corner of a cell; n:
 * none. */
static uint32_t level_of(const acquisition *a, const double *front, const uint32_t *cell) {
    uint32_t last = a->m - 1, level = a->n;
    for (uint32_t i = 0; i < a->n; i++) {
        const double *p = front + (size_t)i * a->m;
        bool below = true;
        for (uint32_t k = 0; k < last; k++)
            below = below && cell[k] > 0 && p[k] <= a->edge[k][cell[k] - 1];
        uint32_t at = 0;
        while (below && a->edge[last][at] < p[last])
            at++;
        if (below && at < level)
            level = at;
    }
    return level;
}

nas_status acquisition_create(acquisition *a, const double *points, uint32_t n, uint32_t m,
                              const double *ref) {
    size_t side = (size_t)n + 1, cells = m == 3 ? side * side : side;
    size_t numbers = side * m + side * ACQUISITION_MAX + (size_t)n * m;
    *a = (acquisition){.m = m};
    a->memory = nas_calloc(1, numbers * sizeof(double) + cells * sizeof(uint32_t));
    if (a->memory == NULL)
        return nas_fail_memory(numbers * sizeof(double) + cells * sizeof(uint32_t));
    double *next = a->memory;
    for (uint32_t k = 0; k < m; k++, next += side) {
        a->edge[k] = next;
        a->ref[k] = ref[k];
    }
    a->room = next;
    double *front = next + side * ACQUISITION_MAX;
    a->level = (uint32_t *)(void *)(front + (size_t)n * m);
    a->n = keep_front(front, points, n, m, ref);
    for (uint32_t k = 0; k < m; k++) {
        for (uint32_t i = 0; i < a->n; i++)
            a->edge[k][i] = front[(size_t)i * m + k];
        qsort(a->edge[k], a->n, sizeof(double), by_number);
        a->edge[k][a->n] = ref[k];
    }
    side = a->n + 1;
    for (uint32_t j = 0; m > 1 && j < side; j++)
        for (uint32_t k = 0; k < (m == 3 ? side : 1); k++)
            a->level[m == 3 ? j * side + k : j] = level_of(a, front, (uint32_t[]){j, k});
    return NAS_OK;
}

void acquisition_free(acquisition *a) {
    nas_free(a->memory);
    *a = (acquisition){0};
}

/* Expected length of each of the first n strips between edges that lies above y; the first reaches
 * down for ever. */
static void strips(double *out, const acquisition *a, uint32_t axis, uint32_t n, double mean,
                   double sd) {
    double before = 0;
    for (uint32_t j = 0; j < n; j++) {
        double below = num_below(a->edge[axis][j], mean, sd);
        out[j] = below - before;
        before = below;
    }
}

double acquisition_value(acquisition *a, const double *mean, const double *sd) {
    uint32_t last = a->m - 1, side = a->n + 1;
    if (a->m == 1)
        return num_below(a->edge[0][0], mean[0], sd[0]);
    double *height = a->room, *first = height + side, *second = first + side, sum = 0;
    for (uint32_t i = 0; i < side; i++)
        height[i] = num_below(a->edge[last][i], mean[last], sd[last]);
    if (a->m == 2) {
        uint32_t n = side; /* the last strips have no height where the last objective is known */
        while (n > 0 && !(height[a->level[n - 1]] > 0))
            n--;
        strips(first, a, 0, n, mean[0], sd[0]);
        for (uint32_t j = 0; j < n; j++)
            sum += first[j] * height[a->level[j]];
        return sum;
    }
    strips(first, a, 0, side, mean[0], sd[0]);
    strips(second, a, 1, side, mean[1], sd[1]);
    for (uint32_t j = 0; j < side; j++) {
        double row = 0;
        if (first[j] <= 0)
            continue;
        for (uint32_t k = 0; k < side; k++)
            row += second[k] * height[a->level[j * side + k]];
        sum += first[j] * row;
    }
    return sum;
}
