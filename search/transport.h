/* search/transport.h - the least cost of moving masses, for distances between networks. */
#ifndef NAS_SEARCH_TRANSPORT_H
#define NAS_SEARCH_TRANSPORT_H

#include <nas/core.h>

enum { TRANSPORT_MAX = 32 }; /* places on either side */

/* Least sum of flow times cost (n x m, row-major, >= 0) that moves supply[n] to demand[m]; the
 * masses are >= 0 and have equal sums. Exact up to rounding: successive shortest paths. */
double transport_cost(const double *cost, const double *supply, uint32_t n, const double *demand,
                      uint32_t m);

#endif
