/* cl_kernels/pool.cl - max and mean over windows of [N,H,W,C], and their gradients by gathering: an
 * item takes a vector of channels of one output (or input) pixel.
 */
#include "common.clh"

typedef struct {
    FV best;
    IV where; /* r * S + s of the first largest */
} champion;

/* The largest of a window; taps outside the image never win. */
static inline champion window_max(GLOBAL x, int H, int W, int C, int R, int S, int h0, int w0,
                                  int dh, int dw, int n) {
    champion m = {(FV)(-INFINITY), (IV)(-1)};
    for (int r = 0; r < R; r++)
        for (int s = 0; s < S; s++) {
            int h = h0 + r * dh, w = w0 + s * dw;
            if ((uint)h >= (uint)H || (uint)w >= (uint)W)
                continue;
            FV v = load_n(x + (size_t)(h * W + w) * C, n);
            IV wins = (v > m.best) | (m.where < 0) | ((v != v) & (m.best == m.best));
            m.best = select(m.best, v, wins);
            m.where = select(m.where, (IV)(r * S + s), wins);
        }
    return m;
}

FLAT_KERNEL max_pool(ITEM int N, int H, int W, int C, int P, int Q, int R, int S, int sh,
                               int sw, int dh, int dw, int top, int left, GLOBAL x,
                               __global float *restrict y) {
    int vectors = (C + VW - 1) / VW, pixel = ID(0) / vectors;
    int c = (ID(0) - pixel * vectors) * VW, q = pixel % Q, p = pixel / Q % P;
    int image = pixel / Q / P;
    if (image >= N)
        return;
    champion m = window_max(x + (size_t)image * H * W * C + c, H, W, C, R, S, p * sh - top,
                            q * sw - left, dh, dw, C - c);
    store_n(m.best, y + (size_t)pixel * C + c, C - c);
}

/* dx[h,w] = sum of dy over the windows whose first largest it is */
__kernel FLAT_WG void max_pool_dx(int N, int H, int W, int C, int P, int Q, int R, int S, int sh,
                                  int sw, int dh, int dw, int top, int left, GLOBAL x, GLOBAL dy,
                                  __global float *restrict dx) {
    int vectors = (C + VW - 1) / VW, pixel = get_global_id(0) / vectors;
    int c = (get_global_id(0) - pixel * vectors) * VW, w = pixel % W, h = pixel / W % H;
    int image = pixel / W / H, n = C - c;
    if (image >= N)
        return;
    FV sum = (FV)(0.0f);
    for (int r = 0; r < R; r++)
        for (int s = 0; s < S; s++) {
            int u = h + top - r * dh, v = w + left - s * dw, p = u / sh, q = v / sw;
            if (p * sh != u || q * sw != v || (uint)p >= (uint)P || (uint)q >= (uint)Q)
                continue;
            champion m = window_max(x + (size_t)image * H * W * C + c, H, W, C, R, S, p * sh - top,
                                    q * sw - left, dh, dw, n);
            FV d = load_n(dy + (size_t)((image * P + p) * Q + q) * C + c, n);
            sum += select((FV)(0.0f), d, m.where == r * S + s);
        }
    store_n(sum, dx + (size_t)pixel * C + c, n);
}

/* How many taps of a window the mean divides by. */
static inline float window_size(int H, int W, int R, int S, int h0, int w0, int dh, int dw,
                                int include_pad) {
    int count = 0;
    for (int r = 0; r < R; r++)
        for (int s = 0; s < S; s++)
            count +=
                include_pad || ((uint)(h0 + r * dh) < (uint)H && (uint)(w0 + s * dw) < (uint)W);
    return max(count, 1);
}

FLAT_KERNEL avg_pool(ITEM int N, int H, int W, int C, int P, int Q, int R, int S, int sh,
                               int sw, int dh, int dw, int top, int left, int include_pad, GLOBAL x,
                               __global float *restrict y) {
    int vectors = (C + VW - 1) / VW, pixel = ID(0) / vectors;
    int c = (ID(0) - pixel * vectors) * VW, q = pixel % Q, p = pixel / Q % P;
    int image = pixel / Q / P;
    if (image >= N)
        return;
    FV sum = (FV)(0.0f);
    for (int r = 0; r < R; r++)
        for (int s = 0; s < S; s++) {
            int h = p * sh - top + r * dh, w = q * sw - left + s * dw;
            if ((uint)h < (uint)H && (uint)w < (uint)W)
                sum += load_n(x + (size_t)((image * H + h) * W + w) * C + c, C - c);
        }
    sum /= window_size(H, W, R, S, p * sh - top, q * sw - left, dh, dw, include_pad);
    store_n(sum, y + (size_t)pixel * C + c, C - c);
}

__kernel FLAT_WG void avg_pool_dx(int N, int H, int W, int C, int P, int Q, int R, int S, int sh,
                                  int sw, int dh, int dw, int top, int left, int include_pad,
                                  GLOBAL dy, __global float *restrict dx) {
    int vectors = (C + VW - 1) / VW, pixel = get_global_id(0) / vectors;
    int c = (get_global_id(0) - pixel * vectors) * VW, w = pixel % W, h = pixel / W % H;
    int image = pixel / W / H;
    if (image >= N)
        return;
    FV sum = (FV)(0.0f);
    for (int r = 0; r < R; r++)
        for (int s = 0; s < S; s++) {
            int u = h + top - r * dh, v = w + left - s * dw, p = u / sh, q = v / sw;
            if (p * sh != u || q * sw != v || (uint)p >= (uint)P || (uint)q >= (uint)Q)
                continue;
            FV d = load_n(dy + (size_t)((image * P + p) * Q + q) * C + c, C - c);
            sum += d / window_size(H, W, R, S, p * sh - top, q * sw - left, dh, dw, include_pad);
        }
    store_n(sum, dx + (size_t)pixel * C + c, C - c);
}
