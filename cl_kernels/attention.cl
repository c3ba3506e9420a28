/* cl_kernels/attention.cl - multi-head self-attention without a T x T matrix in memory, any T and
 * head width: the general rows. qkv [N,T,3D] (q, k, v; head-major), y [N,T,D], D = heads * d.
 *
 * p_ij = softmax_j(q_i k_j scale), y_i = sum_j p_ij v_j; causal: j <= i. A query's weights are
 * found in two walks over the keys (largest and sum, then use), so nothing is kept but two numbers
 * a query.
 */
#include "common.clh"

static inline float dot_head(GLOBAL a, GLOBAL b, int d) {
    FV s = (FV)(0.0f);
    for (int c = 0; c < d; c += VW)
        s = fma(load_n(a + c, d - c), load_n(b + c, d - c), s);
    return hsum(s);
}

/* largest score and sum of exp(score - largest) of query q over keys 0 … n-1 */
static inline float2 score_sum(GLOBAL q, GLOBAL k, int n, int pitch, int d, float scale) {
    float top = -INFINITY, sum = 0.0f;
    for (int j = 0; j < n; j++) {
        float s = dot_head(q, k + (size_t)j * pitch, d) * scale;
        if (s > top || s != s) {
            sum *= exp(top - s);
            top = s;
        }
        sum += exp(s - top);
    }
    return (float2)(top, sum);
}

/* item: query, head, image */
__kernel FLAT_WG void attention_y(int N, int T, int heads, int d, int causal, float scale,
                                  GLOBAL qkv, __global float *restrict y) {
    int i = get_global_id(0), h = get_global_id(1), n = get_global_id(2);
    if (i >= T || n >= N)
        return;
    int D = heads * d, pitch = 3 * D, keys = causal ? i + 1 : T;
    GLOBAL k = qkv + (size_t)n * T * pitch + D + h * d;
    GLOBAL q = k - D + (size_t)i * pitch;
    float2 m = score_sum(q, k, keys, pitch, d, scale);
    __global float *o = y + ((size_t)n * T + i) * D + h * d;
    for (int j = 0; j < keys; j++) {
        GLOBAL kj = k + (size_t)j * pitch;
        float p = exp(dot_head(q, kj, d) * scale - m.x) / m.y;
        for (int c = 0; c < d; c += VW) {
            FV v = p * load_n(kj + D + c, d - c);
            store_n(j ? load_n(o + c, d - c) + v : v, o + c, d - c);
        }
    }
}

/* dq, and for the next kernel largest, sum and delta = y . dy of each query; rows [N,heads,T,3] */
__kernel FLAT_WG void attention_dq(int N, int T, int heads, int d, int causal, float scale,
                                   GLOBAL qkv, GLOBAL dy, __global float *restrict rows,
                                   __global float *restrict dqkv) {
    int i = get_global_id(0), h = get_global_id(1), n = get_global_id(2);
    if (i >= T || n >= N)
        return;
    int D = heads * d, pitch = 3 * D, keys = causal ? i + 1 : T;
    size_t head = (size_t)n * T * pitch + h * d;
    GLOBAL k = qkv + head + D;
    GLOBAL q = qkv + head + (size_t)i * pitch;
    GLOBAL g = dy + ((size_t)n * T + i) * D + h * d;
    __global float *dq = dqkv + head + (size_t)i * pitch;
    float2 m = score_sum(q, k, keys, pitch, d, scale);
    float delta = 0.0f;
    for (int j = 0; j < keys; j++) {
        GLOBAL kj = k + (size_t)j * pitch;
        delta += exp(dot_head(q, kj, d) * scale - m.x) / m.y * dot_head(g, kj + D, d);
    }
    for (int j = 0; j < keys; j++) {
        GLOBAL kj = k + (size_t)j * pitch;
        float p = exp(dot_head(q, kj, d) * scale - m.x) / m.y;
        float ds = p * (dot_head(g, kj + D, d) - delta) * scale;
        for (int c = 0; c < d; c += VW) {
            FV v = ds * load_n(kj + c, d - c);
            store_n(j ? load_n(dq + c, d - c) + v : v, dq + c, d - c);
        }
    }
    __global float *o = rows + (((size_t)n * heads + h) * T + i) * 3;
    o[0] = m.x;
    o[1] = m.y;
    o[2] = delta;
}

/* dk and dv; item: key, head, image */
__kernel FLAT_WG void attention_dkv(int N, int T, int heads, int d, int causal, float scale,
                                    GLOBAL qkv, GLOBAL dy, GLOBAL rows,
                                    __global float *restrict dqkv) {
    int j = get_global_id(0), h = get_global_id(1), n = get_global_id(2);
    if (j >= T || n >= N)
        return;
    int D = heads * d, pitch = 3 * D, first = causal ? j : 0;
    size_t head = (size_t)n * T * pitch + h * d;
    GLOBAL k = qkv + head + D + (size_t)j * pitch;
    __global float *dk = dqkv + head + D + (size_t)j * pitch, *dv = dk + D;
    for (int i = first; i < T; i++) {
        GLOBAL q = qkv + head + (size_t)i * pitch;
        GLOBAL g = dy + ((size_t)n * T + i) * D + h * d;
        GLOBAL m = rows + (((size_t)n * heads + h) * T + i) * 3;
        float p = exp(dot_head(q, k, d) * scale - m[0]) / m[1];
        float ds = p * (dot_head(g, k + D, d) - m[2]) * scale;
        for (int c = 0; c < d; c += VW) {
            FV a = ds * load_n(q + c, d - c), b = p * load_n(g + c, d - c);
            store_n(i > first ? load_n(dk + c, d - c) + a : a, dk + c, d - c);
            store_n(i > first ? load_n(dv + c, d - c) + b : b, dv + c, d - c);
        }
    }
}
