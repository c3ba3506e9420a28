/* cl_kernels/row_norm.cl - softmax and layer norm over the last axis, and their gradients. x [R,D];
 * an item takes one row (softmax, layer norm) or the rows of a piece (gradients of gamma and beta).
 */
#include "common.clh"

FLAT_KERNEL softmax(ITEM int R, int D, GLOBAL x, __global float *restrict y) {
    int r = ID(0);
    if (r >= R)
        return;
    size_t at = (size_t)r * D;
    FV top = mask_n(load_n(x + at, D), D, -INFINITY), sum = (FV)(0.0f);
    for (int i = VW; i < D; i += VW) {
        FV v = mask_n(load_n(x + at + i, D - i), D - i, -INFINITY);
        top = select(v, top, v < top);
    }
    float m = hmax(top);
    for (int i = 0; i < D; i += VW) {
        FV e = mask_n(exp_v(load_n(x + at + i, D - i) - m), D - i, 0.0f);
        sum += e;
        store_n(e, y + at + i, D - i);
    }
    float k = 1.0f / hsum(sum);
    for (int i = 0; i < D; i += VW)
        store_n(load_n(y + at + i, D - i) * k, y + at + i, D - i);
}

/* dx = y (dy - sum_i y dy) */
__kernel FLAT_WG void softmax_grad(int R, int D, GLOBAL y, GLOBAL dy, __global float *restrict dx) {
    int r = get_global_id(0);
    if (r >= R)
        return;
    size_t at = (size_t)r * D;
    FV sum = (FV)(0.0f);
    for (int i = 0; i < D; i += VW)
        sum = fma(load_n(y + at + i, D - i), load_n(dy + at + i, D - i), sum);
    float s = hsum(sum);
    for (int i = 0; i < D; i += VW)
        store_n(load_n(y + at + i, D - i) * (load_n(dy + at + i, D - i) - s), dx + at + i, D - i);
}

/* mean and 1 / sqrt(var + eps) of a row, deviations from the mean squared in a second walk */
static inline float2 moments(GLOBAL x, int D, float eps) {
    FV sum = (FV)(0.0f), square = sum;
    for (int i = 0; i < D; i += VW)
        sum += load_n(x + i, D - i);
    float mean = hsum(sum) / D;
    for (int i = 0; i < D; i += VW) {
        FV v = mask_n(load_n(x + i, D - i) - mean, D - i, 0.0f);
        square = fma(v, v, square);
    }
    return (float2)(mean, 1.0f / sqrt(hsum(square) / D + eps));
}

/* y = gamma (x - mean) / sqrt(var + eps) + beta */
FLAT_KERNEL layer_norm(ITEM int R, int D, float eps, GLOBAL x, GLOBAL gamma, GLOBAL beta,
                                 __global float *restrict y) {
    int r = ID(0);
    if (r >= R)
        return;
    size_t at = (size_t)r * D;
    float2 m = moments(x + at, D, eps);
    for (int i = 0; i < D; i += VW) {
        FV v = (load_n(x + at + i, D - i) - m.x) * m.y;
        store_n(fma(v, load_n(gamma + i, D - i), load_n(beta + i, D - i)), y + at + i, D - i);
    }
}

/* dx = rstd (g - mean(g) - xhat mean(g xhat)) + more, g = gamma dy, for one row of moments m */
static inline void row_dx(int D, float2 m, int has_more, GLOBAL x, GLOBAL gamma, GLOBAL dy,
                          GLOBAL more, __global float *restrict dx) {
    FV a = (FV)(0.0f), b = a;
    for (int i = 0; i < D; i += VW) {
        FV g = load_n(gamma + i, D - i) * load_n(dy + i, D - i);
        a += g;
        b = fma(g, load_n(x + i, D - i) - m.x, b);
    }
    float mean_g = hsum(a) / D, mean_gx = hsum(b) * m.y / D;
    for (int i = 0; i < D; i += VW) {
        FV g = load_n(gamma + i, D - i) * load_n(dy + i, D - i);
        FV xhat = (load_n(x + i, D - i) - m.x) * m.y;
        g = m.y * (g - mean_g - xhat * mean_gx);
        store_n(has_more ? g + load_n(more + i, D - i) : g, dx + i, D - i);
    }
}

/* o[2,D] += dy xhat, dy; = for the first row */
static inline void row_dparam(int D, float2 m, bool first, GLOBAL x, GLOBAL dy,
                              __global float *restrict o) {
    for (int i = 0; i < D; i += VW) {
        int n = D - i;
        FV d = load_n(dy + i, n), xhat = (load_n(x + i, n) - m.x) * m.y;
        FV a = first ? (FV)(0.0f) : load_n(o + i, n);
        FV b = first ? (FV)(0.0f) : load_n(o + D + i, n);
        store_n(fma(d, xhat, a), o + i, n);
        store_n(b + d, o + D + i, n);
    }
}

/* dx alone; item: row */
__kernel FLAT_WG void layer_norm_dx(int R, int D, float eps, int has_more, GLOBAL x, GLOBAL gamma,
                                    GLOBAL dy, GLOBAL more, __global float *restrict dx) {
    int r = get_global_id(0);
    if (r >= R)
        return;
    size_t at = (size_t)r * D;
    row_dx(D, moments(x + at, D, eps), has_more, x + at, gamma, dy + at, more + at, dx + at);
}

/* parts[piece,2,D]: sum of dy xhat, sum of dy, over the rows of a piece; item: piece */
__kernel TILE_WG void layer_norm_dparam(int R, int D, int piece, float eps, GLOBAL x, GLOBAL dy,
                                        __global float *restrict parts) {
    int z = get_global_id(0);
    if (get_global_id(1) || z * piece >= R)
        return;
    for (int r = z * piece; r < min(R, (z + 1) * piece); r++) {
        size_t at = (size_t)r * D;
        row_dparam(D, moments(x + at, D, eps), r == z * piece, x + at, dy + at,
                   parts + (size_t)z * 2 * D);
    }
}

/* both from one pass over x and dy; item: piece */
__kernel TILE_WG void layer_norm_grad(int R, int D, int piece, float eps, int has_more, GLOBAL x,
                                      GLOBAL gamma, GLOBAL dy, GLOBAL more,
                                      __global float *restrict parts, __global float *restrict dx) {
    int z = get_global_id(0);
    if (get_global_id(1) || z * piece >= R)
        return;
    for (int r = z * piece; r < min(R, (z + 1) * piece); r++) {
        size_t at = (size_t)r * D;
        float2 m = moments(x + at, D, eps);
        row_dparam(D, m, r == z * piece, x + at, dy + at, parts + (size_t)z * 2 * D);
        row_dx(D, m, has_more, x + at, gamma, dy + at, more + at, dx + at);
    }
}

/* y[first + i] = sum_p parts[p,i]; item: vector */
__kernel FLAT_WG void layer_norm_sums(int count, int pieces, int first, GLOBAL parts,
                                      __global float *restrict y) {
    int i = get_global_id(0) * VW, n = count - i;
    if (i >= count)
        return;
    FV s = (FV)(0.0f);
    for (int p = 0; p < pieces; p++)
        s += load_n(parts + (size_t)p * count + i, n);
    store_n(s, y + first + i, n);
}
