/* search/bignum.h - whole numbers of any size that a space can have: sums, products, decimal text.
 */
#ifndef NAS_SEARCH_BIGNUM_H
#define NAS_SEARCH_BIGNUM_H

#include <nas/core.h>

/* 512 genes of at most 4095 options are under 2^6144. */
enum { BIGNUM_LIMBS = 193, BIGNUM_TEXT = 1864 };

typedef struct bignum {
    uint32_t n; /* limbs in use, the lowest first; 0 for zero */
    uint32_t limb[BIGNUM_LIMBS];
} bignum;

void bignum_set(bignum *a, uint32_t v);
/* False: the result would not fit, and *a is undefined. */
bool bignum_add(bignum *a, const bignum *b);
bool bignum_multiply(bignum *a, const bignum *b);
double bignum_double(const bignum *a); /* nearest; INFINITY when it is too large */
/* Decimal digits into a buffer of BIGNUM_TEXT bytes. */
void bignum_text(char *text, const bignum *a);

#endif
