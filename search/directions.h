/* search/directions.h - evenly spread directions over objectives (Das and Dennis 1998). */
#ifndef NAS_SEARCH_DIRECTIONS_H
#define NAS_SEARCH_DIRECTIONS_H

#include <nas/core.h>

/* Points of the simplex whose coordinates are multiples of 1/divisions: C(divisions + m - 1, m -
 * 1). */
uint32_t directions_count(uint32_t m, uint32_t divisions);
/* The least divisions (at least 1) that give `wanted` or more. */
uint32_t directions_divisions(uint32_t m, uint32_t wanted);
/* *out: count rows of m numbers that sum to 1; the caller's (nas_free). */
nas_status directions_create(double **out, uint32_t m, uint32_t divisions) NAS_MUST_USE;

#endif
