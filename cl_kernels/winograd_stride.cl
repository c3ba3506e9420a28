/* cl_kernels/winograd_stride.cl - 3x3 convolution of stride 2, and its gradients, with fewer
 * multiplications. Along one side the taps 0 and 2 meet the even pixels of x, tap 1 the odd ones:
 * two convolutions of stride 1, the first by Winograd's minimal filtering F(4,2), 5 multiplications
 * for 4 pixels of y, the second as it is. Along both, 81 multiplications for 4 x 4 pixels where the
 * direct sum has 144. y = A' [(G w G') (B' x B)] A as in winograd.cl, with dw likewise; in the
 * gradient of x even and odd pixels have taps of their own and are not added.
 *
 * Odd pixels share their weights, so positions come in 6 x 6 classes: 5 points and the odd ones
 * along each side. A class is a matrix: its rows are those of all tiles of an item, which use its
 * weights together. Tiles at an edge have 3, 2 or 1 pixels and the first 4, 3 or 2 points: G's rows
 * are the points' powers alone, so points mean the same in every tile.
 *
 * Everything between two tensors stays in private memory, that is, in a core's cache: for CPUs.
 * Channels come in whole vectors.
 */
#include "common.clh"
#include "act.clh"
#define SW 4           /* a tile's side on y */
#define SP (SW + 1)    /* points */
#define SN (SP + SW)   /* positions along a side: points, then odd pixels */
#define SC (SP + 1)    /* classes along a side */
#define SD (SC * SC)
/* Floats of an item's transformed pixels, its tiles at most, and floats of its sums for the
 * weights; rows_winograd_stride.c keeps to them. */
#define STRIDE_V     (81 << 10)
#define STRIDE_TILES 32
#define STRIDE_SUM   (36 << 11)

/* ---- one dimension, in place: values that lie s apart; e pixels ---- */

/* The points 0, infinity, 1, -1 and 1/2, in this order: e pixels take the first e + 1. */
#define HALF       0.5f
#define THIRD      (1.0f / 3)
#define EIGHT3     (8.0f / 3)
static inline void stride_in(FV *d, int s, int e) { /* B' */
    FV a = d[0], b = d[s], c = d[2 * s];
    if (e == 4) {
        FV p = d[3 * s], g = fma((FV)(-HALF), b, c), f = fma((FV)(-HALF), c, p), u = p - b;
        d[0] = fma((FV)(2.0f), u, a - c);
        d[s] = fma((FV)(-HALF), p, d[4 * s]) - g;
        d[2 * s] = f + g, d[3 * s] = THIRD * (g - f), d[4 * s] = -EIGHT3 * u;
    } else if (e == 3) {
        d[0] = a - c, d[s] = d[3 * s] - b;
        d[2 * s] = HALF * (c + b), d[3 * s] = HALF * (c - b);
    } else if (e == 2) {
        d[0] = a - b, d[s] = c - b, d[2 * s] = b;
    }
}
static inline void stride_out(FV *m, int s, int e) { /* A': points to pixels */
    FV end = m[s];
    if (e == 4) {
        FV p = m[2 * s] + m[3 * s], q = m[2 * s] - m[3 * s], u = m[4 * s];
        m[0] += p + u;
        m[s] = fma((FV)(HALF), u, q);
        m[2 * s] = fma((FV)(HALF * HALF), u, p);
        m[3 * s] = fma((FV)(HALF * HALF * HALF), u, q + end);
    } else if (e == 3) {
        FV p = m[2 * s] + m[3 * s];
        m[s] = m[2 * s] - m[3 * s];
        m[0] += p, m[2 * s] = p + end;
    } else if (e == 2) {
        m[0] += m[2 * s], m[s] = m[2 * s] + end;
    } else if (e == 1) {
        m[0] += end;
    }
}
static inline void stride_spread(FV *y, int s, int e) { /* A: pixels to points */
    FV a = y[0], b = y[s], c = y[2 * s];
    if (e == 4) {
        FV d = y[3 * s], p = a + c, q = b + d;
        y[4 * s] = fma((FV)(HALF), fma((FV)(HALF), fma((FV)(HALF), d, c), b), a);
        y[s] = d, y[2 * s] = p + q, y[3 * s] = p - q;
    } else if (e == 3) {
        y[s] = c, y[2 * s] = a + c + b, y[3 * s] = a + c - b;
    } else if (e == 2) {
        y[2 * s] = a + b;
    } else if (e == 1) {
        y[s] = a;
    }
}
static inline void stride_weights(FV *g, int s) { /* G: 3 taps to classes */
    FV a = g[0], b = g[s], c = g[2 * s];
    g[s] = c, g[2 * s] = a + c, g[3 * s] = a - c, g[4 * s] = fma((FV)(HALF), c, a), g[5 * s] = b;
}
static inline void stride_taps(FV *m, int s) { /* G': classes to 3 taps */
    FV p = m[2 * s] + m[3 * s], q = m[2 * s] - m[3 * s];
    m[0] += p + m[4 * s];
    m[2 * s] = fma((FV)(HALF), m[4 * s], q + m[s]);
    m[s] = m[5 * s];
}

/* ---- tiles ---- */

typedef struct {
    int e, o;       /* pixels of two taps and of one */
    int at_e, at_o; /* where the first of their values lie */
} stride_side;

/* Side of tile t on y, of P pixels, and its values on x. */
static inline stride_side stride_on_x(int t, int P, int top) {
    int n = min(SW, P - SW * t), at = 2 * SW * t - top;
    return (stride_side){n, n, at, at + 1};
}
/* The same, and its values on y. */
static inline stride_side stride_on_y(int t, int P) {
    int n = min(SW, P - SW * t);
    return (stride_side){n, n, SW * t, SW * t};
}
/* The first pixel of dx with two taps is 2 first - top, of those with one 2 first + 1 - top. */
static inline int stride_first(int top, int odd) {
    return (top + 1 - odd) / 2;
}
/* Side of tile t on dx, of H pixels: its values on dy. */
static inline stride_side stride_on_dx(int t, int H, int top) {
    int e = stride_first(top, 0), o = stride_first(top, 1), from = SW * t;
    return (stride_side){clamp((H + top + 1) / 2 - e - from, 0, SW),
                         clamp((H + top) / 2 - o - from, 0, SW), e + from - 1, o + from};
}

/* Rows of class i along a side: none for points that its pixels do without. */
static inline int stride_span(int i, stride_side a) {
    return i == SP ? a.o : a.e && i <= a.e;
}
/* row[class] = where the rows of one more tile start; count[class] grows by them. */
static inline void stride_count(int *row, int *count, stride_side h, stride_side w) {
    for (int i = 0; i < SC; i++)
        for (int j = 0; j < SC; j++) {
            row[i * SC + j] = count[i * SC + j];
            count[i * SC + j] += stride_span(i, h) * stride_span(j, w);
        }
}
/* Puts the classes one after the other, each with room for `least` rows. */
static inline void stride_place(int *row, int *base, const int *count, int tiles, int least) {
    for (int i = 0, at = 0; i < SD; i++) {
        base[i] = at;
        at += max(count[i], least);
    }
    for (int t = 0; t < tiles; t++)
        for (int i = 0; i < SD; i++)
            row[t * SD + i] += base[i];
}

/* Zeros for the rows that blocks of `least` want beyond a class's own. */
static inline void stride_clear(float *v, int pitch, const int *base, const int *count, int least) {
    for (int i = 0; i < SD; i++)
        for (int c = count[i] * pitch; c < least * pitch; c += VW)
            VST((FV)(0.0f), v + base[i] * pitch + c);
}
/* Zeros for the channels from n to `all` of each row. */
static inline void stride_widen(float *v, int rows, int n, int all) {
    for (int i = 0; i < rows; i++)
        for (int c = n; c < all; c += VW)
            VST((FV)(0.0f), v + i * all + c);
}

/* v[row] = B' x B of one tile, or A x A': n channels; its values lie step apart. */
static inline void stride_values(float *v, int pitch, const int *row, GLOBAL x, GLOBAL zero,
                                 stride_side h, stride_side w, int step, bool spread, int H, int W,
                                 int C, int n) {
    __global const float *at[SN * SN];
    int he = h.e && !spread ? h.e + 1 : h.e, we = w.e && !spread ? w.e + 1 : w.e;
    for (int i = 0; i < SN; i++)
        for (int j = 0; j < SN; j++) {
            int p = i < SP ? h.at_e + i * step : h.at_o + (i - SP) * step;
            int q = j < SP ? w.at_e + j * step : w.at_o + (j - SP) * step;
            bool in = (uint)p < (uint)H && (uint)q < (uint)W;
            at[i * SN + j] = in ? x + (size_t)(p * W + q) * C : zero;
        }
    for (int c = 0; c < n; c += VW) {
        FV d[SN * SN];
        for (int j = 0; j < SN; j++) {
            if (j < SP ? j >= we : j >= SP + w.o)
                continue;
            UNROLL for (int i = 0; i < SP; i++) if (i < he) d[i * SN + j] = VLD(at[i * SN + j] + c);
            UNROLL for (int i = SP; i < SN; i++) if (i < SP + h.o) d[i * SN + j] =
                VLD(at[i * SN + j] + c);
            if (spread)
                stride_spread(d + j, SN, h.e);
            else
                stride_in(d + j, SN, h.e);
        }
        for (int i = 0; i < SN; i++) {
            if (i < SP ? !h.e || i > h.e : i >= SP + h.o)
                continue;
            if (spread)
                stride_spread(d + i * SN, 1, w.e);
            else
                stride_in(d + i * SN, 1, w.e);
            const int *to = row + min(i, SP) * SC;
            int copy = max(i - SP, 0);
            UNROLL for (int j = 0; j < SP; j++) if (w.e && j <= w.e)
                VST(d[i * SN + j], v + (to[j] + copy) * pitch + c);
            UNROLL for (int j = 0; j < SW; j++) if (j < w.o)
                VST(d[i * SN + SP + j], v + (to[SP] + copy * w.o + j) * pitch + c);
        }
    }
}

/* to[tap] = G' m G of one channel, a vector of columns; `pitch` between taps, `step` between classes */
static inline void stride_dw_out(__global float *to, size_t pitch, const FV *m, int step) {
    FV d[SD];
    UNROLL for (int j = 0; j < SC; j++) {
        UNROLL for (int i = 0; i < SC; i++) d[i * SC + j] = m[(i * SC + j) * step];
        stride_taps(d + j, SC);
    }
    UNROLL for (int i = 0; i < 3; i++) {
        stride_taps(d + i * SC, 1);
        UNROLL for (int j = 0; j < 3; j++) VST(d[i * SC + j], to + (3 * i + j) * pitch);
    }
}

/* u[class,c,k] = G w G' of w [3,3,C,K]; turned: of the weights turned by 180 degrees, as the
 * gradient of x wants them. item: vector of [C,K] */
__kernel FLAT_WG void stride_w(int count, int turned, GLOBAL w, __global float *restrict u) {
    int at = get_global_id(0) * VW;
    if (at >= count)
        return;
    FV g[SD];
    UNROLL for (int s = 0; s < 3; s++) {
        UNROLL for (int r = 0; r < 3; r++) {
            int tap = 3 * r + s;
            g[r * SC + s] = VLD(w + (size_t)(turned ? 8 - tap : tap) * count + at);
        }
        stride_weights(g + s, SC);
    }
    UNROLL for (int i = 0; i < SD; i += SC) {
        stride_weights(g + i, 1);
        UNROLL for (int j = 0; j < SC; j++) VST(g[i + j], u + (size_t)(i + j) * count + at);
    }
}

#define TR    MR
#define TN    NV
#define TMASK 0
#define TS    _wide
#include "tile.clh"
#include "winograd_stride_tile.clh"
#include "tile_end.clh"

#define TR    MR1
#define TN    1
#define TMASK 0
#define TS    _slim
#include "tile.clh"
#include "winograd_stride_tile.clh"
#include "tile_end.clh"
