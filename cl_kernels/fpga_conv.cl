/* cl_kernels/fpga_conv.cl - convolution [N,H,W,C] with weights [R,S,C,K] and its gradients, each as a
 * single work-item; one group.
 */
#include "fpga_tile.clh"

/* Element of an image's pixel (n, h, v), channel c; zero outside of the image. */
static inline float pixel(__global const float *x, int n, int h, int v, int c, int H, int W, int C,
                          bool in) {
    in = in && (uint)h < (uint)H && (uint)v < (uint)W && c < C;
    return in ? x[((size_t)(n * H + h) * W + v) * C + c] : 0.0f;
}

/* y[p,k] = act(sum x[…] w[r,s,c,k] + bias[k] + residual[p,k]), p a pixel of [N,P,Q] */
__kernel SINGLE_TASK void conv_y_single(int H, int W, int C, int P, int Q, int K, int R, int S,
                                        int sh, int sw, int dh, int dw, int top, int left,
                                        int pixels, int flags, int kind, GLOBAL x, GLOBAL w,
                                        GLOBAL bias, GLOBAL residual, __global float *restrict y) {
    __local float at[DEPTH * ROWS] BANKS(1, 4) PARTITION(1, 2);
    __local float bt[DEPTH * COLUMNS] BANKS(1, 64) PARTITION(1, 16);
    __local float sums[ROWS * COLUMNS] BANKS(1, 64) PARTITION(1, 16);
    for (int m0 = 0; m0 < pixels; m0 += ROWS)
        for (int n0 = 0; n0 < K; n0 += COLUMNS) {
            clear_sums(sums);
            for (int tap = 0; tap < R * S; tap++)
                for (int c0 = 0; c0 < C; c0 += DEPTH) {
                    int up = tap / S * dh - top, right = tap % S * dw - left;
                    PIPELINE(1)
                    for (int e = 0; e < DEPTH * ROWS; e++) {
                        int m = m0 + e % ROWS, n = m / (P * Q), p = m / Q % P, q = m % Q;
                        at[e] = pixel(x, n, p * sh + up, q * sw + right, c0 + e / ROWS, H, W, C,
                                      m < pixels);
                    }
                    PIPELINE(1)
                    for (int e = 0; e < DEPTH * COLUMNS; e++) {
                        int c = c0 + e / COLUMNS, k = n0 + e % COLUMNS;
                        bt[e] = c < C && k < K ? w[(size_t)(tap * C + c) * K + k] : 0.0f;
                    }
                    multiply(sums, at, bt);
                }
            PIPELINE(1)
            for (int e = 0; e < ROWS * COLUMNS; e++) {
                int m = m0 + e / COLUMNS, k = n0 + e % COLUMNS;
                size_t to = (size_t)m * K + k;
                if (m < pixels && k < K)
                    y[to] = ended(sums[e], to, k, flags, kind, bias, residual);
            }
        }
}

/* dx[n,h,v,c] = sum dy[n,p,q,k] w[r,s,c,k] over p sh - top + r dh = h, q sw - left + s dw = v */
__kernel SINGLE_TASK void conv_dx_single(int H, int W, int C, int P, int Q, int K, int R, int S,
                                         int sh, int sw, int dh, int dw, int top, int left,
                                         int pixels, GLOBAL dy, GLOBAL w,
                                         __global float *restrict dx) {
    __local float at[DEPTH * ROWS] BANKS(1, 4) PARTITION(1, 2);
    __local float bt[DEPTH * COLUMNS] BANKS(1, 64) PARTITION(1, 16);
    __local float sums[ROWS * COLUMNS] BANKS(1, 64) PARTITION(1, 16);
    for (int m0 = 0; m0 < pixels; m0 += ROWS)
        for (int n0 = 0; n0 < C; n0 += COLUMNS) {
            clear_sums(sums);
            for (int tap = 0; tap < R * S; tap++)
                for (int k0 = 0; k0 < K; k0 += DEPTH) {
                    PIPELINE(1)
                    for (int e = 0; e < DEPTH * ROWS; e++) {
                        int m = m0 + e % ROWS, n = m / (H * W);
                        int u = m / W % H + top - tap / S * dh, v = m % W + left - tap % S * dw;
                        at[e] = pixel(dy, n, u / sh, v / sw, k0 + e / ROWS, P, Q, K,
                                      m < pixels && u >= 0 && v >= 0 && u % sh == 0 && v % sw == 0);
                    }
                    PIPELINE(1)
                    for (int e = 0; e < DEPTH * COLUMNS; e++) {
                        int k = k0 + e / COLUMNS, c = n0 + e % COLUMNS;
                        bt[e] = c < C && k < K ? w[(size_t)(tap * C + c) * K + k] : 0.0f;
                    }
                    multiply(sums, at, bt);
                }
            PIPELINE(1)
            for (int e = 0; e < ROWS * COLUMNS; e++) {
                int m = m0 + e / COLUMNS, c = n0 + e % COLUMNS;
                if (m < pixels && c < C)
                    dx[(size_t)m * C + c] = sums[e];
            }
        }
}

/* dw[r,s,c,k] = sum x[n,p sh - top + r dh,…,c] dy[n,p,q,k] over all pixels of [N,P,Q] */
__kernel SINGLE_TASK void conv_dw_single(int H, int W, int C, int P, int Q, int K, int R, int S,
                                         int sh, int sw, int dh, int dw, int top, int left,
                                         int pixels, GLOBAL x, GLOBAL dy,
                                         __global float *restrict out) {
    __local float at[DEPTH * ROWS] BANKS(1, 4) PARTITION(1, 2);
    __local float bt[DEPTH * COLUMNS] BANKS(1, 64) PARTITION(1, 16);
    __local float sums[ROWS * COLUMNS] BANKS(1, 64) PARTITION(1, 16);
    for (int tap = 0; tap < R * S; tap++)
        for (int m0 = 0; m0 < C; m0 += ROWS)
            for (int n0 = 0; n0 < K; n0 += COLUMNS) {
                int up = tap / S * dh - top, right = tap % S * dw - left;
                clear_sums(sums);
                for (int i0 = 0; i0 < pixels; i0 += DEPTH) {
                    PIPELINE(1)
                    for (int e = 0; e < DEPTH * ROWS; e++) {
                        int i = i0 + e / ROWS, n = i / (P * Q), p = i / Q % P, q = i % Q;
                        at[e] = pixel(x, n, p * sh + up, q * sw + right, m0 + e % ROWS, H, W, C,
                                      i < pixels);
                    }
                    PIPELINE(1)
                    for (int e = 0; e < DEPTH * COLUMNS; e++) {
                        int i = i0 + e / COLUMNS, k = n0 + e % COLUMNS;
                        bt[e] = i < pixels && k < K ? dy[(size_t)i * K + k] : 0.0f;
                    }
                    multiply(sums, at, bt);
                }
                PIPELINE(1)
                for (int e = 0; e < ROWS * COLUMNS; e++) {
                    int c = m0 + e / COLUMNS, k = n0 + e % COLUMNS;
                    if (c < C && k < K)
                        out[(size_t)(tap * C + c) * K + k] = sums[e];
                }
            }
}
