/* search/bignum.c - whole numbers of any size that a space can have. */
#include "bignum.h"

#include <math.h>
#include <string.h>

void bignum_set(bignum *a, uint32_t v) {
    a->n = v != 0;
    a->limb[0] = v;
}

static bool push(bignum *a, uint64_t carry) {
    if (carry == 0)
        return true;
    if (a->n == BIGNUM_LIMBS)
        return false;
    a->limb[a->n++] = (uint32_t)carry;
    return true;
}

bool bignum_add(bignum *a, const bignum *b) {
    uint64_t carry = 0;
    for (uint32_t i = 0; i < a->n || i < b->n; i++) {
        carry += (uint64_t)(i < a->n ? a->limb[i] : 0) + (i < b->n ? b->limb[i] : 0);
        if (i == a->n)
            a->n++;
        a->limb[i] = (uint32_t)carry;
        carry >>= 32;
    }
    return push(a, carry);
}

bool bignum_multiply(bignum *a, const bignum *b) {
    bignum c;
    if (a->n == 0 || b->n == 0) {
        a->n = 0;
        return true;
    }
    if (a->n + b->n > BIGNUM_LIMBS)
        return false;
    c.n = a->n + b->n;
    memset(c.limb, 0, c.n * sizeof *c.limb);
    for (uint32_t i = 0; i < a->n; i++) {
        uint64_t carry = 0;
        for (uint32_t k = 0; k < b->n; k++) {
            carry += (uint64_t)a->limb[i] * b->limb[k] + c.limb[i + k];
            c.limb[i + k] = (uint32_t)carry;
            carry >>= 32;
        }
        c.limb[i + b->n] = (uint32_t)carry;
    }
    c.n -= c.limb[c.n - 1] == 0;
    memcpy(a->limb, c.limb, c.n * sizeof *c.limb);
    a->n = c.n;
    return true;
}

/* The upper 64 bits decide, with one sticky bit for all below, so that it is rounded once. */
double bignum_double(const bignum *a) {
    if (a->n <= 2)
        return (double)((a->n > 1 ? (uint64_t)a->limb[1] << 32 : 0) + (a->n > 0 ? a->limb[0] : 0));
    uint64_t top = (uint64_t)a->limb[a->n - 1] << 32 | a->limb[a->n - 2];
    uint32_t next = a->limb[a->n - 3];
    int shift = 0;
    while (top >> 63 == 0) {
        top = top << 1 | next >> 31;
        next <<= 1;
        shift++;
    }
    bool rest = next != 0;
    for (uint32_t i = 0; i + 3 < a->n; i++)
        rest = rest || a->limb[i] != 0;
    return ldexp((double)(top | (rest ? 1 : 0)), 32 * (int)(a->n - 2) - shift);
}

void bignum_text(char *text, const bignum *a) {
    char reversed[BIGNUM_TEXT];
    size_t n = 0;
    bignum rest;
    rest.n = a->n;
    memcpy(rest.limb, a->limb, a->n * sizeof *a->limb);
    do {
        uint64_t carry = 0;
        for (uint32_t i = rest.n; i-- > 0;) {
            carry = carry << 32 | rest.limb[i];
            rest.limb[i] = (uint32_t)(carry / 10);
            carry %= 10;
        }
        while (rest.n > 0 && rest.limb[rest.n - 1] == 0)
            rest.n--;
        reversed[n++] = (char)('0' + carry);
    } while (rest.n > 0);
    for (size_t i = 0; i < n; i++)
        text[i] = reversed[n - 1 - i];
    text[n] = '\0';
}
