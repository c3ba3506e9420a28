/* cl_kernels/attention_tile.cl - attention for moderate T and head width: an item does a whole head
 * of an image with the transposed keys (and values) in private memory, queries in tiles of RQ.
 *
 * qkv [N,T,3D] (q, k, v; head-major), y [N,T,D], D = heads * d. Private rows have pitch TP = T
 * rounded up to two vectors; what lies behind T has weight 0.
 *
 * T_MAX   largest T rounded up to two vectors
 * D_MAX   largest head width, a multiple of VW
 * RQ      queries of a tile
 */
#include "common.clh"
#ifndef T_MAX
#define T_MAX 256
#endif
#ifndef D_MAX
#define D_MAX 64
#endif
#ifndef RQ
#define RQ 6
#endif

/* to[c * TP + j] = from[j * pitch + c], 0 for j >= T */
static inline void flip_head(float *to, GLOBAL from, int T, int TP, int pitch, int d) {
    for (int j = 0; j < TP; j++)
        for (int c = 0; c < d; c++)
            to[c * TP + j] = j < T ? from[(size_t)j * pitch + c] : 0.0f;
}

/* s[r * TP + j] = scale * sum_c a[r][c] b[c * TP + j] for the RQ rows of a tile */
static inline void scores(float *s, __global const float *const *a, const float *b, int TP, int d,
                          float scale) {
    for (int j = 0; j < TP; j += 2 * VW) {
        FV u[RQ], v[RQ];
        UNROLL for (int r = 0; r < RQ; r++) u[r] = v[r] = (FV)(0.0f);
        for (int c = 0; c < d; c++) {
            FV b0 = VLD(b + c * TP + j), b1 = VLD(b + c * TP + j + VW);
            UNROLL for (int r = 0; r < RQ; r++) {
                FV x = (FV)(a[r][c]);
                u[r] = fma(x, b0, u[r]);
                v[r] = fma(x, b1, v[r]);
            }
        }
        UNROLL for (int r = 0; r < RQ; r++) {
            VST(u[r] * scale, s + r * TP + j);
            VST(v[r] * scale, s + r * TP + j + VW);
        }
    }
}

/* exp(s - largest) over the first n; returns the sum. Behind n: 0. */
static inline float weights(float *s, int n, int TP) {
    FV top = (FV)(-INFINITY), sum = (FV)(0.0f);
    for (int j = 0; j < n; j += VW) {
        FV v = mask_n(VLD(s + j), n - j, -INFINITY);
        top = select(v, top, v < top);
    }
    float m = hmax(top);
    for (int j = 0; j < TP; j += VW) {
        FV e = j < n ? mask_n(exp_v(VLD(s + j) - m), n - j, 0.0f) : (FV)(0.0f);
        sum += e;
        VST(e, s + j);
    }
    return hsum(sum);
}

/* item: head, image */
__kernel TILE_WG void attention_head(int N, int T, int TP, int heads, int d, int causal,
                                     float scale, GLOBAL qkv, __global float *restrict y) {
    int h = get_global_id(0), n = get_global_id(1), D = heads * d, pitch = 3 * D;
    if (h >= heads || n >= N)
        return;
    GLOBAL q = qkv + (size_t)n * T * pitch + h * d;
    float kt[D_MAX * T_MAX], p[RQ * T_MAX], inv[RQ];
    flip_head(kt, q + D, T, TP, pitch, d);
    for (int i0 = 0; i0 < T; i0 += RQ) {
        __global const float *a[RQ];
        UNROLL for (int r = 0; r < RQ; r++) a[r] = q + (size_t)min(i0 + r, T - 1) * pitch;
        scores(p, a, kt, TP, d, scale);
        for (int r = 0; r < RQ; r++)
            inv[r] = 1.0f / weights(p + r * TP, causal ? min(i0 + r + 1, T) : T, TP);
        for (int c = 0; c < d; c += VW) {
            FV o[RQ];
            UNROLL for (int r = 0; r < RQ; r++) o[r] = (FV)(0.0f);
            for (int j = 0; j < T; j++) {
                FV v = load_n(q + 2 * D + (size_t)j * pitch + c, d - c);
                UNROLL for (int r = 0; r < RQ; r++) o[r] = fma((FV)(p[r * TP + j]), v, o[r]);
            }
            for (int r = 0; r < RQ && i0 + r < T; r++)
                store_n(o[r] * inv[r], y + ((size_t)n * T + i0 + r) * D + h * d + c, d - c);
        }
    }
}

/* dk, dv [T][d] += weights and score gradients of a tile; dq of its rows. g: rows of dy, a: of q */
static inline void add_grads(float *dk, float *dv, const float *p, const float *ds,
                             __global const float *const *a, __global const float *const *g,
                             GLOBAL k, __global float *dq, int rows, int T, int TP, int pitch,
                             int d) {
    for (int c = 0; c < d; c += VW) {
        FV gv[RQ], qv[RQ], o[RQ];
        UNROLL for (int r = 0; r < RQ; r++) {
            gv[r] = load_n(g[r] + c, d - c);
            qv[r] = load_n(a[r] + c, d - c);
            o[r] = (FV)(0.0f);
        }
        for (int j = 0; j < T; j++) {
            FV kv = load_n(k + (size_t)j * pitch + c, d - c);
            FV u = VLD(dk + j * D_MAX + c), v = VLD(dv + j * D_MAX + c);
            UNROLL for (int r = 0; r < RQ; r++) {
                FV s = (FV)(ds[r * TP + j]);
                u = fma(s, qv[r], u);
                v = fma((FV)(p[r * TP + j]), gv[r], v);
                o[r] = fma(s, kv, o[r]);
            }
            VST(u, dk + j * D_MAX + c);
            VST(v, dv + j * D_MAX + c);
        }
        for (int r = 0; r < rows; r++)
            store_n(o[r], dq + (size_t)r * pitch + c, d - c);
    }
}

/* item: head, image */
__kernel TILE_WG void attention_head_grad(int N, int T, int TP, int heads, int d, int causal,
                                          float scale, GLOBAL qkv, GLOBAL dy,
                                          __global float *restrict dqkv) {
    int h = get_global_id(0), n = get_global_id(1), D = heads * d, pitch = 3 * D;
    if (h >= heads || n >= N)
        return;
    size_t head = (size_t)n * T * pitch + h * d;
    GLOBAL q = qkv + head;
    float kt[D_MAX * T_MAX], vt[D_MAX * T_MAX], dk[T_MAX * D_MAX], dv[T_MAX * D_MAX];
    float p[RQ * T_MAX], ds[RQ * T_MAX];
    flip_head(kt, q + D, T, TP, pitch, d);
    flip_head(vt, q + 2 * D, T, TP, pitch, d);
    for (int i = 0; i < T * D_MAX; i += VW) {
        VST((FV)(0.0f), dk + i);
        VST((FV)(0.0f), dv + i);
    }
    for (int i0 = 0; i0 < T; i0 += RQ) {
        __global const float *a[RQ], *g[RQ];
        int rows = min(RQ, T - i0);
        UNROLL for (int r = 0; r < RQ; r++) {
            int i = min(i0 + r, T - 1);
            a[r] = q + (size_t)i * pitch;
            g[r] = dy + ((size_t)n * T + i) * D + h * d;
        }
        scores(p, a, kt, TP, d, scale);
        scores(ds, g, vt, TP, d, 1.0f);
        for (int r = 0; r < RQ; r++) {
            float *pr = p + r * TP, *dr = ds + r * TP;
            float sum = weights(pr, causal ? min(i0 + r + 1, T) : T, TP);
            float inv = r < rows ? 1.0f / sum : 0.0f; /* rows behind the last weigh nothing */
            FV t = (FV)(0.0f);
            for (int j = 0; j < TP; j += VW) {
                FV w = VLD(pr + j) * inv;
                t = fma(w, VLD(dr + j), t);
                VST(w, pr + j);
            }
            float delta = hsum(t);
            for (int j = 0; j < TP; j += VW)
                VST(VLD(pr + j) * (VLD(dr + j) - delta) * scale, dr + j);
        }
        add_grads(dk, dv, p, ds, a, g, q + D, dqkv + head + (size_t)i0 * pitch, rows, T, TP, pitch,
                  d);
    }
    for (int j = 0; j < T; j++)
        for (int c = 0; c < d; c += VW) {
            __global float *o = dqkv + head + D + (size_t)j * pitch + c;
            store_n(VLD(dk + j * D_MAX + c), o, d - c);
            store_n(VLD(dv + j * D_MAX + c), o + D, d - c);
        }
}
