/* core/rng.c - random streams named by (seed, purpose, index), and hashing. */
#include <nas/core.h>

#include <assert.h>
#include <math.h>
#include <string.h>

static const uint64_t golden = 0x9E3779B97F4A7C15u;

uint64_t nas_mix64(uint64_t x) {
    x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9u;
    x = (x ^ (x >> 27)) * 0x94D049BB133111EBu;
    return x ^ (x >> 31);
}

uint64_t nas_hash_bytes(uint64_t h, const void *data, size_t n) {
    const unsigned char *p = data;
    h ^= 0xCBF29CE484222325u;
    for (size_t i = 0; i < n; i++)
        h = (h ^ p[i]) * 0x100000001B3u;
    return nas_mix64(h);
}

nas_rng nas_rng_stream(uint64_t seed, const char *purpose, uint64_t index) {
    uint64_t key = nas_mix64(seed + golden);
    key = nas_hash_bytes(key, purpose, strlen(purpose));
    key = nas_mix64(key ^ nas_mix64(index + golden));
    nas_rng r;
    for (int i = 0; i < 4; i++)
        r.s[i] = nas_mix64(key += golden);
    return r;
}

static uint64_t rotate_left(uint64_t x, int k) {
    return (x << k) | (x >> (64 - k));
}

uint64_t nas_rng_u64(nas_rng *r) {
    uint64_t *s = r->s;
    uint64_t result = rotate_left(s[1] * 5, 7) * 9;
    uint64_t t = s[1] << 17;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = rotate_left(s[3], 45);
    return result;
}

double nas_rng_uniform(nas_rng *r) {
    return (double)(nas_rng_u64(r) >> 11) * 0x1p-53;
}

uint64_t nas_rng_below(nas_rng *r, uint64_t n) {
    assert(n >= 1);
    /* The 2^64 mod n lowest draws are thrown away, so that every remainder is as likely. */
    uint64_t reject = (0 - n) % n, x;
    do
        x = nas_rng_u64(r);
    while (x < reject);
    return x % n;
}

/* Box and Muller, 1958. The sine half is not kept: a stream holds no state beyond its four words.
 */
double nas_rng_normal(nas_rng *r) {
    double u = 1.0 - nas_rng_uniform(r), v = nas_rng_uniform(r);
    return sqrt(-2.0 * log(u)) * cos(6.283185307179586477 * v);
}

void nas_rng_shuffle(nas_rng *r, uint32_t *v, size_t n) {
    for (size_t i = n; i > 1; i--) {
        size_t j = (size_t)nas_rng_below(r, i);
        uint32_t t = v[i - 1];
        v[i - 1] = v[j];
        v[j] = t;
    }
}
