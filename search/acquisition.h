/* search/acquisition.h - what a candidate promises: the expected growth of the hypervolume that the
 * known points dominate, exactly, when its objectives are independent normals. One objective:
 * expected improvement. An objective that is known has standard deviation 0. */
#ifndef NAS_SEARCH_ACQUISITION_H
#define NAS_SEARCH_ACQUISITION_H

#include <nas/search.h>

enum { ACQUISITION_MAX = 3 }; /* objectives */

typedef struct acquisition {
    uint32_t m, n; /* objectives, points of the front */
    double ref[ACQUISITION_MAX];
    double *edge[ACQUISITION_MAX]; /* the front's coordinates, each sorted; ref behind the last */
    uint32_t *level; /* of cell (j, k), or strip j: where in edge[m - 1] its lower end stands */
    double *room;    /* 3 x (n + 1) numbers for the strips of one candidate */
    void *memory;
} acquisition;

/* points: n rows of m <= ACQUISITION_MAX objectives; those that do not beat ref everywhere or that
 * others dominate count for nothing. */
nas_status acquisition_create(acquisition *a, const double *points, uint32_t n, uint32_t m,
                              const double *ref) NAS_MUST_USE;
void acquisition_free(acquisition *a);
double acquisition_value(acquisition *a, const double *mean, const double *sd);

#endif
