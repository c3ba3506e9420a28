/* cl_kernels/attention_tile.cl - attention for moderate T and head width: an item does a whole head
 * of an image in a core's cache, a vector of queries at a time.
 *
 * qkv [N,T,3D] (q, k, v; head-major), y [N,T,D], D = heads * d. Scores lie as s[key][query], a
 * query a lane, so that largest and sum are found without going across a vector; the products with
 * v and of the gradients have the head's columns as lanes. Private matrices are W panels of one
 * vector a row, 0 behind column d. Lanes behind the last query repeat it, and nothing of theirs is
 * used.
 *
 * T_MAX   largest T
 * D_MAX   largest head width, a multiple of VW
 * RQ      rows of a register tile; what is left over is done row by row
 */
#include "common.clh"
#ifndef T_MAX
#define T_MAX 256
#endif
#ifndef D_MAX
#define D_MAX 64
#endif
#define RQ    8
#define W_MAX (D_MAX / VW)
#define LOG2E 1.44269504f

/* Lanes of a and b in turn: of their first halves, of their second halves. */
#if VW == 16
#define FIRST_HALVES(a, b)                                                                         \
    (FV)(a.s0, b.s0, a.s1, b.s1, a.s2, b.s2, a.s3, b.s3, a.s4, b.s4, a.s5, b.s5, a.s6, b.s6, a.s7, \
         b.s7)
#define LAST_HALVES(a, b)                                                                          \
    (FV)(a.s8, b.s8, a.s9, b.s9, a.sa, b.sa, a.sb, b.sb, a.sc, b.sc, a.sd, b.sd, a.se, b.se, a.sf, \
         b.sf)
#define ROUNDS 4
#elif VW == 8
#define FIRST_HALVES(a, b) (FV)(a.s0, b.s0, a.s1, b.s1, a.s2, b.s2, a.s3, b.s3)
#define LAST_HALVES(a, b)  (FV)(a.s4, b.s4, a.s5, b.s5, a.s6, b.s6, a.s7, b.s7)
#define ROUNDS             3
#else
#define FIRST_HALVES(a, b) (FV)(a.s0, b.s0, a.s1, b.s1)
#define LAST_HALVES(a, b)  (FV)(a.s2, b.s2, a.s3, b.s3)
#define ROUNDS             2
#endif

/* VW x VW numbers transposed */
static inline void turn(FV *v) {
    UNROLL for (int round = 0; round < ROUNDS; round++) {
        FV t[VW];
        UNROLL for (int i = 0; i < VW / 2; i++) {
            t[2 * i] = FIRST_HALVES(v[i], v[i + VW / 2]);
            t[2 * i + 1] = LAST_HALVES(v[i], v[i + VW / 2]);
        }
        UNROLL for (int i = 0; i < VW; i++) v[i] = t[i];
    }
}

/* out[r] = sum_k a[r * a_row + k * a_step] b[k], added to out or not, for `rows` rows r: tiles of
 * RQ rows; then single rows, in four sums that need not wait for each other. */
static inline void product(FV *out, bool add, const float *a, int a_row, int a_step, const FV *b,
                           int len, int rows) {
    int r = 0;
    for (; r + RQ <= rows; r += RQ) {
        FV v[RQ];
        UNROLL for (int i = 0; i < RQ; i++) v[i] = add ? out[r + i] : (FV)(0.0f);
        for (int k = 0; k < len; k++) {
            FV x = b[k];
            UNROLL for (int i = 0; i < RQ; i++) v[i] =
                fma((FV)(a[(r + i) * a_row + k * a_step]), x, v[i]);
        }
        UNROLL for (int i = 0; i < RQ; i++) out[r + i] = v[i];
    }
    for (; r < rows; r++) {
        FV v[4];
        UNROLL for (int i = 0; i < 4; i++) v[i] = (FV)(0.0f);
        int k = 0;
        for (; k + 4 <= len; k += 4)
            UNROLL for (int i = 0; i < 4; i++) v[i] =
                fma((FV)(a[r * a_row + (k + i) * a_step]), b[k + i], v[i]);
        for (; k < len; k++)
            v[0] = fma((FV)(a[r * a_row + k * a_step]), b[k], v[0]);
        v[0] = (v[0] + v[1]) + (v[2] + v[3]);
        out[r] = add ? out[r] + v[0] : v[0];
    }
}

/* out[j][query] = rows of `panels` . the head's columns turned */
static inline void scores(FV *out, const FV *panels, int pitch, const FV *turned, int W, int keys) {
    for (int w = 0; w < W; w++)
        product(out, w > 0, (const float *)(panels + w * pitch), VW, 1, turned + w * VW, VW, keys);
}

/* Rows [count][d] as panels of one vector each, `pitch` vectors apart. */
static inline void pack_rows(FV *to, int to_pitch, GLOBAL from, int count, int pitch, int d) {
    for (int c = 0; c < d; c += VW, to += to_pitch)
        for (int i = 0; i < count; i++)
            to[i] = load_n(from + (size_t)i * pitch + c, d - c);
}

/* to[c] = column c of VW rows, rows behind count as the last one */
static inline void pack_turned(FV *to, const FV *panels, int count, int W, float scale) {
    for (int w = 0; w < W; w++) {
        FV v[VW];
        UNROLL for (int i = 0; i < VW; i++) v[i] = panels[w * VW + min(i, count - 1)];
        turn(v);
        UNROLL for (int i = 0; i < VW; i++) to[w * VW + i] = v[i] * scale;
    }
}

/* 2^x for x <= 0 to about 2 units in the last place; NaN stays NaN, what underflows is 0. 2^n r as
 * in exp_v; the polynomial is that of Cephes' exp2f. */
static inline FV exp2_v(FV x) {
    FV t = x + 12582912.0f, r = x - (t - 12582912.0f);
    FV p = fma((FV)(1.535336188319500e-4f), r, (FV)(1.339887440266574e-3f));
    p = fma(p, r, (FV)(9.618437357674640e-3f));
    p = fma(p, r, (FV)(5.550332471162809e-2f));
    p = fma(p, r, (FV)(2.402264791363012e-1f));
    p = fma(p, r, (FV)(6.931472028550421e-1f));
    p = fma(p, r, (FV)(1.0f));
    p *= CAT(as_float, VW)((CAT(as_int, VW)(t) << 23) + 0x3f800000);
    return select(p, (FV)(0.0f), x < (FV)(-126.0f));
}

/* s[j] = 2^(s[j] - largest); returns the sums. With causal, query i0 + lane sees keys up to itself. */
static inline FV weights(FV *s, int keys, int i0, int causal) {
    FV top = (FV)(-INFINITY), sum = (FV)(0.0f);
    if (causal)
        for (int j = i0 + 1; j < keys; j++)
            s[j] = select(s[j], (FV)(-INFINITY), (IV)(j) > LANES + i0);
    for (int j = 0; j < keys; j++)
        top = select(s[j], top, s[j] < top);
    for (int j = 0; j < keys; j++) {
        s[j] = exp2_v(s[j] - top);
        sum += s[j];
    }
    return sum;
}

/* item: head, image */
TILE_KERNEL attention_head(ITEM int N, int T, int heads, int d, int causal, float scale,
                                     GLOBAL qkv, __global float *restrict y) {
    int h = ID(0), n = ID(1), D = heads * d, pitch = 3 * D;
    int W = (d + VW - 1) / VW;
    if (h >= heads || n >= N)
        return;
    GLOBAL q = qkv + (size_t)n * T * pitch + h * d;
    FV k[T_MAX * W_MAX], v[T_MAX * W_MAX], a[VW * W_MAX], turned[D_MAX], s[T_MAX], o[VW];
    pack_rows(k, T, q + D, T, pitch, d);
    pack_rows(v, T, q + 2 * D, T, pitch, d);
    for (int i0 = 0; i0 < T; i0 += VW) {
        int rows = min(VW, T - i0), keys = causal ? i0 + rows : T;
        pack_rows(a, VW, q + (size_t)i0 * pitch, rows, pitch, d);
        pack_turned(turned, a, rows, W, scale * LOG2E);
        scores(s, k, T, turned, W, keys);
        float inv[VW];
        VST((FV)(1.0f) / weights(s, keys, i0, causal), inv);
        for (int w = 0; w < W; w++) {
            product(o, false, (const float *)s, 1, VW, v + w * T, keys, rows);
            for (int r = 0; r < rows; r++)
                store_n(o[r] * inv[r], y + ((size_t)n * T + i0 + r) * D + h * d + w * VW,
                        d - w * VW);
        }
    }
}

/* item: head, image */
__kernel TILE_WG void attention_head_grad(int N, int T, int heads, int d, int causal, float scale,
                                          GLOBAL qkv, GLOBAL dy, __global float *restrict dqkv) {
    int h = get_global_id(0), n = get_global_id(1), D = heads * d, pitch = 3 * D;
    int W = (d + VW - 1) / VW;
    if (h >= heads || n >= N)
        return;
    size_t head = (size_t)n * T * pitch + h * d;
    GLOBAL q = qkv + head;
    FV k[T_MAX * W_MAX], v[T_MAX * W_MAX], dk[T_MAX * W_MAX], dv[T_MAX * W_MAX];
    FV a[VW * W_MAX], g[VW * W_MAX], turned[D_MAX], p[T_MAX], ds[T_MAX], o[VW];
    pack_rows(k, T, q + D, T, pitch, d);
    pack_rows(v, T, q + 2 * D, T, pitch, d);
    for (int i = 0; i < T * W; i++)
        dk[i] = dv[i] = (FV)(0.0f);
    for (int i0 = 0; i0 < T; i0 += VW) {
        int rows = min(VW, T - i0), keys = causal ? i0 + rows : T;
        pack_rows(a, VW, q + (size_t)i0 * pitch, rows, pitch, d);
        pack_rows(g, VW, dy + ((size_t)n * T + i0) * D + h * d, rows, D, d);
        pack_turned(turned, a, rows, W, scale * LOG2E);
        scores(p, k, T, turned, W, keys);
        pack_turned(turned, g, rows, W, 1.0f);
        scores(ds, v, T, turned, W, keys);
        FV inv = (FV)(1.0f) / weights(p, keys, i0, causal), delta = (FV)(0.0f);
        for (int j = 0; j < keys; j++) {
            p[j] *= inv;
            delta = fma(p[j], ds[j], delta);
        }
        for (int j = 0; j < keys; j++)
            ds[j] = p[j] * (ds[j] - delta) * scale;
        for (int w = 0; w < W; w++) {
            product(dv + w * T, true, (const float *)p, VW, 1, g + w * VW, rows, keys);
            product(dk + w * T, true, (const float *)ds, VW, 1, a + w * VW, rows, keys);
            product(o, false, (const float *)ds, 1, VW, k + w * T, keys, rows);
            for (int r = 0; r < rows; r++)
                store_n(o[r], dqkv + head + (size_t)(i0 + r) * pitch + w * VW, d - w * VW);
        }
    }
    for (int j = 0; j < T; j++)
        for (int w = 0; w < W; w++) {
            __global float *to = dqkv + head + D + (size_t)j * pitch + w * VW;
            store_n(dk[w * T + j], to, d - w * VW);
            store_n(dv[w * T + j], to + D, d - w * VW);
        }
}
