/* cl_kernels/winograd.cl - 3x3 convolution of stride 1 by Winograd's minimal filtering F(2x2, 3x3)
 * (Lavin, Gray 2016): 16 multiplications instead of 36 for 2 x 2 pixels. y = A' [(G w G') (B' x B)]
 * A for tiles x of 4 x 4 pixels that overlap by two; sums over channels lie between.
 *
 * Everything between two tensors stays in private memory, that is, in a core's cache: for CPUs.
 *
 * MR, NV  rows and vectors of the large tile; MR1 rows where one vector of columns is enough
 */
#include "common.clh"
#include "act.clh"
#ifndef MR
#define MR 6
#endif
#ifndef NV
#define NV 2
#endif
#ifndef MR1
#define MR1 8
#endif
#define HAS_BIAS     1
#define HAS_RESIDUAL 2
/* Floats of an item's transformed pixels, its tiles at most, and floats of its sums for the
 * weights; rows_winograd.c keeps to them. Positions lie a vector further apart than they need:
 * steps of 4 KiB would put all of them into the same lines of a cache. */
#define WINOGRAD_V     (1 << 15)
#define WINOGRAD_TILES 24
#define WINOGRAD_SUM   (1 << 15)

/* v[position] = B' x B of one tile: n channels, zeros up to `all`; `step` between positions. */
static inline void winograd_x(float *v, int step, GLOBAL x, GLOBAL zero, int h0, int w0, int H,
                              int W, int C, int n, int all) {
    __global const float *at[16];
    UNROLL for (int i = 0; i < 16; i++) {
        int h = h0 + i / 4, w = w0 + i % 4;
        at[i] = (uint)h < (uint)H && (uint)w < (uint)W ? x + (size_t)(h * W + w) * C : zero;
    }
    for (int c = 0; c < all; c += VW) {
        FV d[16];
        UNROLL for (int i = 0; i < 16; i++) d[i] = load_n(at[i] + c, n - c);
        UNROLL for (int i = 0; i < 4; i++) { /* B' x */
            FV a = d[i] - d[8 + i], b = d[4 + i] + d[8 + i], e = d[8 + i] - d[4 + i];
            d[12 + i] = d[4 + i] - d[12 + i];
            d[i] = a, d[4 + i] = b, d[8 + i] = e;
        }
        UNROLL for (int i = 0; i < 16; i += 4) { /* … B */
            FV b = d[i + 1] + d[i + 2], e = d[i + 2] - d[i + 1];
            VST(d[i] - d[i + 2], v + i * step + c);
            VST(b, v + (i + 1) * step + c);
            VST(e, v + (i + 2) * step + c);
            VST(d[i + 1] - d[i + 3], v + (i + 3) * step + c);
        }
    }
}

/* z[position] = A dy A' of one tile of 2 x 2 pixels, the same way. */
static inline void winograd_dy(float *z, int step, GLOBAL dy, GLOBAL zero, int p, int q, int P,
                               int Q, int K, int n, int all) {
    __global const float *at[4];
    UNROLL for (int i = 0; i < 4; i++) {
        int h = p + i / 2, w = q + i % 2;
        at[i] = h < P && w < Q ? dy + (size_t)(h * Q + w) * K : zero;
    }
    for (int k = 0; k < all; k += VW) {
        FV d[8];
        UNROLL for (int i = 0; i < 2; i++) {
            FV a = load_n(at[i] + k, n - k), b = load_n(at[2 + i] + k, n - k);
            d[i] = a, d[2 + i] = a + b, d[4 + i] = a - b, d[6 + i] = -b;
        }
        UNROLL for (int i = 0; i < 4; i++) {
            FV a = d[2 * i], b = d[2 * i + 1];
            VST(a, z + 4 * i * step + k);
            VST(a + b, z + (4 * i + 1) * step + k);
            VST(a - b, z + (4 * i + 2) * step + k);
            VST(-b, z + (4 * i + 3) * step + k);
        }
    }
}

/* to[tap] = G' m G of one channel, n columns; `pitch` between taps, `step` between positions */
static inline void winograd_dw_out(__global float *to, size_t pitch, const FV *m, int step, int n) {
    FV a[12];
    UNROLL for (int i = 0; i < 4; i++) {
        FV s = m[(4 + i) * step], t = m[(8 + i) * step], even = 0.5f * (s + t);
        a[i] = m[i * step] + even;
        a[4 + i] = 0.5f * (s - t);
        a[8 + i] = even + m[(12 + i) * step];
    }
    UNROLL for (int r = 0; r < 3; r++) {
        FV s = a[4 * r + 1], t = a[4 * r + 2], even = 0.5f * (s + t);
        store_n(a[4 * r] + even, to + 3 * r * pitch, n);
        store_n(0.5f * (s - t), to + (3 * r + 1) * pitch, n);
        store_n(even + a[4 * r + 3], to + (3 * r + 2) * pitch, n);
    }
}

/* o = A' m A of one tile; `step` between positions */
static inline void winograd_out(FV *o, const FV *m, int step) {
    FV a[4], b[4];
    UNROLL for (int i = 0; i < 4; i++) {
        FV s = m[(4 + i) * step], t = m[(8 + i) * step];
        a[i] = m[i * step] + s + t;
        b[i] = s - t - m[(12 + i) * step];
    }
    o[0] = a[0] + a[1] + a[2];
    o[1] = a[1] - a[2] - a[3];
    o[2] = b[0] + b[1] + b[2];
    o[3] = b[1] - b[2] - b[3];
}

#define TR    MR
#define TN    NV
#define TMASK 0
#define TS    _wide
#include "tile.clh"
#include "winograd_tile.clh"
#include "tile_end.clh"

#define TR    MR1
#define TN    1
#define TMASK 0
#define TS    _slim
#include "tile.clh"
#include "winograd_tile.clh"
#include "tile_end.clh"

/* u[position,c,k] = G w G' of w [3,3,C,K]; turned: of the weights turned by 180 degrees, as the
 * gradient of x wants them. item: vector of [C,K] */
__kernel FLAT_WG void winograd_w(int count, int turned, GLOBAL w, __global float *restrict u) {
    int i = get_global_id(0) * VW, n = count - i;
    if (n <= 0)
        return;
    FV g[9], r[12];
    UNROLL for (int t = 0; t < 9; t++) g[t] =
        load_n(w + (size_t)(turned ? 8 - t : t) * count + i, n);
    UNROLL for (int s = 0; s < 3; s++) {
        FV even = 0.5f * (g[s] + g[6 + s]), odd = 0.5f * g[3 + s];
        r[s] = g[s];
        r[3 + s] = even + odd;
        r[6 + s] = even - odd;
        r[9 + s] = g[6 + s];
    }
    UNROLL for (int t = 0; t < 4; t++) {
        FV even = 0.5f * (r[3 * t] + r[3 * t + 2]), odd = 0.5f * r[3 * t + 1];
        store_n(r[3 * t], u + (size_t)(4 * t) * count + i, n);
        store_n(even + odd, u + (size_t)(4 * t + 1) * count + i, n);
        store_n(even - odd, u + (size_t)(4 * t + 2) * count + i, n);
        store_n(r[3 * t + 2], u + (size_t)(4 * t + 3) * count + i, n);
    }
}
