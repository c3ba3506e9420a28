/* cl_kernels/grouped.cl - convolution with any number of groups, one item an element: the general
 * row that always works. Cg = C / groups, Kg = K / groups.
 *
 * y[n,p,q,k] = act(sum_{r,s,c} x[n, p sh - top + r dh, q sw - left + s dw, k/Kg Cg + c] w[r,s,c,k]
 *                  + bias[k] + residual)
 */
#include "common.clh"
#include "act.clh"

__kernel FLAT_WG void grouped_y(int N, int H, int W, int C, int P, int Q, int K, int R, int S,
                                int sh, int sw, int dh, int dw, int top, int left, int groups,
                                int flags, int kind, GLOBAL x, GLOBAL w, GLOBAL bias,
                                GLOBAL residual, __global float *restrict y) {
    int i = get_global_id(0), Cg = C / groups;
    if (i >= N * P * Q * K)
        return;
    int k = i % K, q = i / K % Q, p = i / K / Q % P, n = i / K / Q / P, g = k / (K / groups);
    float sum = 0.0f;
    for (int r = 0; r < R; r++)
        for (int s = 0; s < S; s++) {
            int h = p * sh - top + r * dh, v = q * sw - left + s * dw;
            if ((uint)h >= (uint)H || (uint)v >= (uint)W)
                continue;
            GLOBAL xp = x + (size_t)((n * H + h) * W + v) * C + g * Cg;
            for (int c = 0; c < Cg; c++)
                sum = fma(xp[c], w[(size_t)((r * S + s) * Cg + c) * K + k], sum);
        }
    if (flags & HAS_BIAS)
        sum += bias[k];
    if (flags & HAS_RESIDUAL)
        sum += residual[i];
    float out[VW];
    VST(act_value((FV)(sum), kind), out);
    y[i] = out[0];
}

__kernel FLAT_WG void grouped_dx(int N, int H, int W, int C, int P, int Q, int K, int R, int S,
                                 int sh, int sw, int dh, int dw, int top, int left, int groups,
                                 GLOBAL dy, GLOBAL w, __global float *restrict dx) {
    int i = get_global_id(0), Cg = C / groups, Kg = K / groups;
    if (i >= N * H * W * C)
        return;
    int c = i % C, v = i / C % W, h = i / C / W % H, n = i / C / W / H, g = c / Cg;
    float sum = 0.0f;
    for (int r = 0; r < R; r++)
        for (int s = 0; s < S; s++) {
            int u = h + top - r * dh, t = v + left - s * dw, p = u / sh, q = t / sw;
            if (p * sh != u || q * sw != t || (uint)p >= (uint)P || (uint)q >= (uint)Q)
                continue;
            GLOBAL d = dy + (size_t)((n * P + p) * Q + q) * K + g * Kg;
            GLOBAL wp = w + (size_t)((r * S + s) * Cg + c - g * Cg) * K + g * Kg;
            for (int k = 0; k < Kg; k++)
                sum = fma(d[k], wp[k], sum);
        }
    dx[i] = sum;
}

/* parts[piece,r,s,c,k] over the images of a piece; item: element of dw, piece */
__kernel FLAT_WG void grouped_dw(int H, int W, int C, int P, int Q, int K, int R, int S, int sh,
                                 int sw, int dh, int dw, int top, int left, int groups, int N,
                                 int piece, GLOBAL x, GLOBAL dy, __global float *restrict parts) {
    int Cg = C / groups, size = R * S * Cg * K, i = get_global_id(0), z = get_global_id(1);
    if (i >= size)
        return;
    int k = i % K, c = i / K % Cg, s = i / K / Cg % S, r = i / K / Cg / S, g = k / (K / groups);
    float sum = 0.0f;
    for (int n = z * piece; n < min(N, (z + 1) * piece); n++)
        for (int p = 0; p < P; p++)
            for (int q = 0; q < Q; q++) {
                int h = p * sh - top + r * dh, v = q * sw - left + s * dw;
                if ((uint)h < (uint)H && (uint)v < (uint)W)
                    sum = fma(x[(size_t)((n * H + h) * W + v) * C + g * Cg + c],
                              dy[(size_t)((n * P + p) * Q + q) * K + k], sum);
            }
    parts[(size_t)z * size + i] = sum;
}
