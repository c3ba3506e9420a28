/* cl_kernels/winograd.cl - 3x3 convolution of stride 1, and its gradients, by Winograd's minimal
 * filtering F(2x2, 3x3) and F(4x4, 3x3) (Lavin, Gray 2016): 16 multiplications for 2 x 2 pixels, 36
 * for 4 x 4, where the direct sum has 9 a pixel. y = A' [(G w G') (B' x B)] A for tiles x that
 * overlap by two pixels; sums over channels lie between. dw = G' [(B' x B) (A dy A')] G likewise.
 *
 * Everything between two tensors stays in private memory, that is, in a core's cache: for CPUs.
 * Channels come in whole vectors.
 */
#include "common.clh"
#include "act.clh"
/* Floats of an item's transformed pixels, its tiles at most, and floats of its sums for the
 * weights; rows_winograd.c keeps to them. Positions lie a vector further apart than they need:
 * steps of 4 KiB would put all of them into the same lines of a cache. */
#define WINOGRAD_V     (36 << 11)
#define WINOGRAD_TILES 24
#define WINOGRAD_SUM   (36 << 11)

/* ---- one dimension, in place: values that lie s apart ---- */

/* F(2,3), at the points 0, 1, -1 and infinity. */
static inline void winograd2_in(FV *d, int s) { /* B' */
    FV b = d[s] + d[2 * s], c = d[2 * s] - d[s];
    d[0] -= d[2 * s];
    d[3 * s] = d[s] - d[3 * s];
    d[s] = b, d[2 * s] = c;
}
static inline void winograd2_out(FV *m, int s) { /* A': 4 to 2 */
    FV b = m[s], c = m[2 * s];
    m[0] += b + c;
    m[s] = b - c - m[3 * s];
}
static inline void winograd2_spread(FV *y, int s) { /* A: 2 to 4 */
    FV a = y[0], b = y[s];
    y[s] = a + b, y[2 * s] = a - b, y[3 * s] = -b;
}
static inline void winograd2_weights(FV *g, int s) { /* G: 3 to 4 */
    FV even = 0.5f * (g[0] + g[2 * s]), odd = 0.5f * g[s];
    g[3 * s] = g[2 * s];
    g[s] = even + odd, g[2 * s] = even - odd;
}
static inline void winograd2_taps(FV *m, int s) { /* G': 4 to 3 */
    FV even = 0.5f * (m[s] + m[2 * s]), odd = 0.5f * (m[s] - m[2 * s]);
    m[0] += even, m[s] = odd, m[2 * s] = even + m[3 * s];
}

/* F(4,3), at the points 0, 2/3, -2/3, 3/2, -3/2 and infinity: with 1 and 2 in their place the error
 * would be twice as large. P Q = 1 shortens the polynomials. */
#define P1 (2.0f / 3)
#define Q1 1.5f
#define P2 (4.0f / 9)
#define Q2 2.25f
#define P3 (8.0f / 27)
#define Q3 3.375f
#define S2 (97.0f / 36)   /* P2 + Q2 */
#define NP (-81.0f / 130) /* 1 / (2 P2 (P2 - Q2)) */
#define NQ (8.0f / 65)    /* 1 / (2 Q2 (Q2 - P2)) */
static inline void winograd4_in(FV *d, int s) { /* B' */
    FV e = fma((FV)(-Q2), d[2 * s], d[4 * s]), o = fma((FV)(P1), d[3 * s], -Q1 * d[s]);
    FV f = fma((FV)(-P2), d[2 * s], d[4 * s]), u = fma((FV)(Q1), d[3 * s], -P1 * d[s]);
    d[0] = fma((FV)(-S2), d[2 * s], d[0] + d[4 * s]);
    d[5 * s] = fma((FV)(-S2), d[3 * s], d[s] + d[5 * s]);
    d[s] = e + o, d[2 * s] = e - o, d[3 * s] = f + u, d[4 * s] = f - u;
}
static inline void winograd4_out(FV *m, int s) { /* A': 6 to 4 */
    FV e = m[s] + m[2 * s], o = m[s] - m[2 * s], f = m[3 * s] + m[4 * s], u = m[3 * s] - m[4 * s];
    m[0] += e + f;
    m[s] = fma((FV)(P1), o, Q1 * u);
    m[2 * s] = fma((FV)(P2), e, Q2 * f);
    m[3 * s] = fma((FV)(P3), o, fma((FV)(Q3), u, m[5 * s]));
}
static inline void winograd4_spread(FV *y, int s) { /* A: 4 to 6 */
    FV e = fma((FV)(P2), y[2 * s], y[0]), o = fma((FV)(P3), y[3 * s], P1 * y[s]);
    FV f = fma((FV)(Q2), y[2 * s], y[0]), u = fma((FV)(Q3), y[3 * s], Q1 * y[s]);
    y[5 * s] = y[3 * s];
    y[s] = e + o, y[2 * s] = e - o, y[3 * s] = f + u, y[4 * s] = f - u;
}
static inline void winograd4_weights(FV *g, int s) { /* G: 3 to 6 */
    FV e = NP * fma((FV)(P2), g[2 * s], g[0]), o = NP * P1 * g[s];
    FV f = NQ * fma((FV)(Q2), g[2 * s], g[0]), u = NQ * Q1 * g[s];
    g[5 * s] = g[2 * s];
    g[s] = e + o, g[2 * s] = e - o, g[3 * s] = f + u, g[4 * s] = f - u;
}
static inline void winograd4_taps(FV *m, int s) { /* G': 6 to 3 */
    FV e = NP * (m[s] + m[2 * s]), o = NP * P1 * (m[s] - m[2 * s]);
    FV f = NQ * (m[3 * s] + m[4 * s]), u = NQ * Q1 * (m[3 * s] - m[4 * s]);
    m[0] += e + f;
    m[s] = o + u;
    m[2 * s] = fma((FV)(P2), e, fma((FV)(Q2), f, m[5 * s]));
}

/* ---- two dimensions and the kernels ---- */

#define WT 2
#include "winograd_form.clh"
#undef WT

#define WT 4
#include "winograd_form.clh"
#undef WT
