/* cl_kernels/depthwise.cl - depthwise convolution (groups = C = K) and its gradients, vectors along
 * C.
 *
 * y[n,p,q,c] = act(sum_{r,s} x[n, p sh - top + r dh, q sw - left + s dw, c] w[r,s,c] + bias +
 * residual)
 *
 * RUN  neighbouring outputs of one item: a weight is loaded once for all of them
 */
#include "common.clh"
#include "act.clh"
#ifndef RUN
#define RUN 4
#endif

/* acc[i] += w * row[(at + i * step) * C] where the index lies in 0 … size-1; n lanes */
static inline void add_run(FV *acc, GLOBAL row, int at, int step, int size, int C, int n, FV w) {
    if (n >= VW && at >= 0 && at + (RUN - 1) * step < size) {
        UNROLL for (int i = 0; i < RUN; i++) acc[i] =
            fma(VLD(row + (size_t)(at + i * step) * C), w, acc[i]);
    } else {
        UNROLL for (int i = 0; i < RUN; i++) {
            int k = at + i * step;
            if (k >= 0 && k < size)
                acc[i] = fma(load_n(row + (size_t)k * C, n), w, acc[i]);
        }
    }
}

/* item: vector of channels, output row */
__kernel TILE_WG void depthwise_y(int N, int H, int W, int C, int P, int Q, int R, int S, int sh,
                                  int sw, int dh, int dw, int top, int left, int flags, int kind,
                                  GLOBAL x, GLOBAL w, GLOBAL bias, GLOBAL residual,
                                  __global float *restrict y) {
    int c = get_global_id(0) * VW, row = get_global_id(1), lanes_left = C - c;
    if (c >= C || row >= N * P)
        return;
    int n = row / P, p = row - n * P;
    for (int q = 0; q < Q; q += RUN) {
        FV acc[RUN];
        UNROLL for (int i = 0; i < RUN; i++) acc[i] = (FV)(0.0f);
        for (int r = 0; r < R; r++) {
            int h = p * sh - top + r * dh;
            if ((uint)h >= (uint)H)
                continue;
            for (int s = 0; s < S; s++)
                add_run(acc, x + (size_t)(n * H + h) * W * C + c, q * sw - left + s * dw, sw, W, C,
                        lanes_left, load_n(w + (r * S + s) * C + c, lanes_left));
        }
        UNROLL for (int i = 0; i < RUN; i++) if (q + i < Q) {
            size_t at = ((size_t)row * Q + q + i) * C + c;
            FV v = acc[i];
            if (flags & HAS_BIAS)
                v += load_n(bias + c, lanes_left);
            if (flags & HAS_RESIDUAL)
                v += load_n(residual + at, lanes_left);
            store_n(act_value(v, kind), y + at, lanes_left);
        }
    }
}

/* dx[n,h,w,c] = sum dy[n,p,q,c] w[r,s,c]; item: vector of channels, input row. A run takes columns
 * that are equal mod sw, so that a tap counts for all of them or for none. */
__kernel TILE_WG void depthwise_dx(int N, int H, int W, int C, int P, int Q, int R, int S, int sh,
                                   int sw, int dh, int dw, int top, int left, GLOBAL dy, GLOBAL w,
                                   __global float *restrict dx) {
    int c = get_global_id(0) * VW, row = get_global_id(1), lanes_left = C - c;
    if (c >= C || row >= N * H)
        return;
    int n = row / H, h = row - n * H;
    for (int w0 = 0; w0 < W; w0 = (w0 % sw == sw - 1) ? w0 + 1 + sw * (RUN - 1) : w0 + 1) {
        FV acc[RUN];
        UNROLL for (int i = 0; i < RUN; i++) acc[i] = (FV)(0.0f);
        for (int r = 0; r < R; r++) {
            int u = h + top - r * dh, p = u / sh;
            if (p * sh != u || (uint)p >= (uint)P)
                continue;
            for (int s = 0; s < S; s++) {
                int v = w0 + left - s * dw, q = v / sw;
                if (q * sw == v)
                    add_run(acc, dy + (size_t)(n * P + p) * Q * C + c, q, 1, Q, C, lanes_left,
                            load_n(w + (r * S + s) * C + c, lanes_left));
            }
        }
        UNROLL for (int i = 0; i < RUN; i++) if (w0 + i * sw < W)
            store_n(acc[i], dx + ((size_t)row * W + w0 + i * sw) * C + c, lanes_left);
    }
}

/* parts[piece,r,s,c] over the images of a piece; item: vector of channels, tap, piece */
__kernel TILE_WG void depthwise_dw(int H, int W, int C, int P, int Q, int R, int S, int sh, int sw,
                                   int dh, int dw, int top, int left, int N, int piece, GLOBAL x,
                                   GLOBAL dy, __global float *restrict parts) {
    int c = get_global_id(0) * VW, tap = get_global_id(1), z = get_global_id(2), lanes_left = C - c;
    int r = tap / S, s = tap - r * S;
    if (c >= C || r >= R)
        return;
    int lead = left - s * dw, room = W - 1 + lead;
    int lo = lead > 0 ? (lead + sw - 1) / sw : 0, hi = room < 0 ? 0 : min(Q, room / sw + 1);
    FV acc[4];
    UNROLL for (int i = 0; i < 4; i++) acc[i] = (FV)(0.0f);
    for (int n = z * piece; n < min(N, (z + 1) * piece); n++)
        for (int p = 0; p < P; p++) {
            int h = p * sh - top + r * dh, q = lo;
            if ((uint)h >= (uint)H)
                continue;
            GLOBAL xr = x + (size_t)(n * H + h) * W * C + c;
            GLOBAL dr = dy + (size_t)(n * P + p) * Q * C + c;
            if (lanes_left >= VW)
                for (; q + 4 <= hi; q += 4) {
                    UNROLL for (int i = 0; i < 4; i++) acc[i] =
                        fma(VLD(xr + (size_t)((q + i) * sw - lead) * C),
                            VLD(dr + (size_t)(q + i) * C), acc[i]);
                }
            for (; q < hi; q++)
                acc[0] = fma(load_n(xr + (size_t)(q * sw - lead) * C, lanes_left),
                             load_n(dr + (size_t)q * C, lanes_left), acc[0]);
        }
    store_n((acc[0] + acc[1]) + (acc[2] + acc[3]), parts + (size_t)(z * R * S + tap) * C + c,
            lanes_left);
}
