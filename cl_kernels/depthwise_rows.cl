/* cl_kernels/depthwise_rows.cl - depthwise.cl for CPUs, of at least a vector of channels: an item
 * walks rows of memory from end to end and calls for what comes next; going along a row once for
 * each vector of channels, a cache's own guesses fail. The last vector of channels is shifted back,
 * so that it is whole.
 *
 * SPAN   neighbouring outputs of one item: a weight is loaded once for all of them
 * AHEAD  spans before their use, pixels are called for
 * BLOCK  pixels of a row whose products are summed before a weight's gradient is touched again
 */
#include "common.clh"
#include "act.clh"
#define SPAN         2
#define AHEAD        2
#define BLOCK        16

/* Taps of a window along one axis, as one output or one input meets them: first tap and the step to
 * the next, how many, and where the first lies; each further one lies `move` on. */
typedef struct {
    int tap, step, count, at, move;
} axis;

static inline axis axis_forward(int i, int taps, int stride, int dilation, int pad) {
    axis a = {0, 1, taps, i * stride - pad, dilation};
    return a;
}
/* The outputs i + pad - t dilation over stride, for the taps t where that is whole. */
static inline axis axis_backward(int i, int taps, int stride, int dilation, int pad) {
    axis a = {0, 1, 0, 0, 0};
    while (a.tap < taps && (i + pad - a.tap * dilation) % stride)
        a.tap++;
    while (a.step * dilation % stride)
        a.step++;
    a.count = (taps - a.tap + a.step - 1) / a.step;
    a.at = (i + pad - a.tap * dilation) / stride;
    a.move = -(a.step * dilation / stride);
    return a;
}
/* Leaves out the taps before 0 and from size on. */
static inline axis axis_clip(axis a, int size) {
    while (a.count > 0 && (uint)a.at >= (uint)size) {
        a.at += a.move;
        a.tap += a.step;
        a.count--;
    }
    while (a.count > 0 && (uint)(a.at + (a.count - 1) * a.move) >= (uint)size)
        a.count--;
    return a;
}

/* acc[i] += sum over taps of w x, the outputs `step` columns apart; x [rows,W,C], w [R,S,C] at
 * their channel. Where all columns lie in the image, the loops know no bounds. */
static inline void add_window(FV *acc, GLOBAL x, GLOBAL w, axis r, axis s, int S, int step, int W,
                              int C) {
    int first = min(s.at, s.at + (s.count - 1) * s.move);
    int last = max(s.at, s.at + (s.count - 1) * s.move) + (SPAN - 1) * step;
    if (first >= 0 && last < W) {
        for (int j = 0; j < r.count; j++) {
            __global const float *px = x + (size_t)((r.at + j * r.move) * W + s.at) * C;
            __global const float *pw = w + ((r.tap + j * r.step) * S + s.tap) * C;
            for (int k = 0; k < s.count; k++, px += s.move * C, pw += s.step * C) {
                FV v = VLD(pw);
                UNROLL for (int i = 0; i < SPAN; i++) acc[i] =
                    fma(VLD(px + i * step * C), v, acc[i]);
            }
        }
        return;
    }
    UNROLL for (int i = 0; i < SPAN; i++) {
        for (int j = 0; j < r.count; j++) {
            GLOBAL px = x + (size_t)(r.at + j * r.move) * W * C;
            GLOBAL pw = w + ((r.tap + j * r.step) * S + s.tap) * C;
            for (int k = 0, at = s.at + i * step; k < s.count; k++, at += s.move)
                if ((uint)at < (uint)W)
                    acc[i] = fma(VLD(px + (size_t)at * C), VLD(pw + k * s.step * C), acc[i]);
        }
    }
}

/* Calls for the pixels of the next spans in the row that is read first. */
static inline void call_ahead(GLOBAL x, axis r, int at, int step, int W, int C) {
    int newest = max(r.at, r.at + (r.count - 1) * r.move);
    UNROLL for (int i = 0; i < SPAN; i++)
        PREFETCH_READ(x + (size_t)(newest * W + at + (i + AHEAD * SPAN) * step) * C);
}

/* item: output row */
TILE_KERNEL depthwise_rows_y(ITEM int N, int H, int W, int C, int P, int Q, int R, int S,
                                       int sh, int sw, int dh, int dw, int top, int left, int flags,
                                       int kind, GLOBAL x, GLOBAL w, GLOBAL bias, GLOBAL residual,
                                       __global float *restrict y) {
    int row = ID(0), n = row / P;
    if (row >= N * P || ID(1))
        return;
    axis r = axis_clip(axis_forward(row - n * P, R, sh, dh, top), H);
    GLOBAL image = x + (size_t)n * H * W * C;
    for (int q = 0; q < Q; q += SPAN) {
        axis s = axis_forward(q, S, sw, dw, left);
        for (int v = 0; v < C; v += VW) {
            int c = min(v, C - VW);
            size_t at = ((size_t)row * Q + q) * C + c;
            FV acc[SPAN], add = flags & HAS_BIAS ? VLD(bias + c) : (FV)(0.0f);
            UNROLL for (int i = 0; i < SPAN; i++) {
                acc[i] = add;
                PREFETCH_WRITE(y + at + (i + AHEAD * SPAN) * C);
            }
            call_ahead(image + c, r, q * sw, sw, W, C);
            add_window(acc, image + c, w + c, r, s, S, sw, W, C);
            UNROLL for (int i = 0; i < SPAN; i++) if (q + i < Q) {
                if (flags & HAS_RESIDUAL)
                    acc[i] += VLD(residual + at + i * C);
                VST(act_value(acc[i], kind), y + at + i * C);
            }
        }
    }
}

/* item: input row. A span takes columns that are equal mod sw: a tap counts for all or for none. */
__kernel TILE_WG void depthwise_rows_dx(int N, int H, int W, int C, int P, int Q, int R, int S,
                                        int sh, int sw, int dh, int dw, int top, int left,
                                        GLOBAL dy, GLOBAL w, __global float *restrict dx) {
    int row = get_global_id(0), n = row / H;
    if (row >= N * H || get_global_id(1))
        return;
    axis r = axis_clip(axis_backward(row - n * H, R, sh, dh, top), P);
    GLOBAL image = dy + (size_t)n * P * Q * C;
    for (int w0 = 0; w0 < W; w0 = w0 % sw == sw - 1 ? w0 + 1 + sw * (SPAN - 1) : w0 + 1) {
        axis s = axis_backward(w0, S, sw, dw, left);
        for (int v = 0; v < C; v += VW) {
            int c = min(v, C - VW);
            size_t at = ((size_t)row * W + w0) * C + c;
            FV acc[SPAN];
            UNROLL for (int i = 0; i < SPAN; i++) {
                acc[i] = (FV)(0.0f);
                PREFETCH_WRITE(dx + at + (i + AHEAD * SPAN) * sw * C);
            }
            call_ahead(image + c, r, w0 / sw, 1, Q, C);
            add_window(acc, image + c, w + c, r, s, S, 1, Q, C);
            UNROLL for (int i = 0; i < SPAN; i++) if (w0 + i * sw < W)
                VST(acc[i], dx + at + i * sw * C);
        }
    }
}

/* to += sum of x dy over len pixels, n lanes */
static inline void add_products(__global float *to, __global const float *x,
                                __global const float *dy, int len, int x_step, int step, int n) {
    FV a = load_n(to, n), b = (FV)(0.0f);
    int q = 0;
    if (n >= VW)
        for (; q + 2 <= len; q += 2, x += 2 * x_step, dy += 2 * step) {
            a = fma(VLD(x), VLD(dy), a);
            b = fma(VLD(x + x_step), VLD(dy + step), b);
        }
    for (; q < len; q++, x += x_step, dy += step)
        a = fma(load_n(x, n), load_n(dy, n), a);
    store_n(a + b, to, n);
}

/* parts[piece,r,s,c] over the images of a piece; item: `many` channels, piece */
__kernel TILE_WG void depthwise_rows_dw(int H, int W, int C, int P, int Q, int R, int S, int sh,
                                        int sw, int dh, int dw, int top, int left, int N, int piece,
                                        int many, GLOBAL x, GLOBAL dy,
                                        __global float *restrict parts) {
    int first = get_global_id(0) * many, z = get_global_id(1), end = min(C, first + many);
    __global float *out = parts + (size_t)z * R * S * C;
    for (int t = 0; t < R * S; t++)
        for (int c = first; c < end; c += VW)
            store_n((FV)(0.0f), out + t * C + c, end - c);
    for (int n = z * piece; n < min(N, (z + 1) * piece); n++)
        for (int p = 0; p < P; p++) {
            axis r = axis_clip(axis_forward(p, R, sh, dh, top), H);
            for (int q0 = 0; q0 < Q; q0 += BLOCK)
                for (int c = first; c < end; c += VW) {
                    GLOBAL py = dy + (size_t)(n * P + p) * Q * C + c;
                    int lanes = end - c;
                    for (int i = 0; i < BLOCK; i++)
                        PREFETCH_READ(py + (size_t)(q0 + BLOCK + i) * C);
                    for (int j = 0; j < r.count; j++) {
                        GLOBAL px = x + (size_t)(n * H + r.at + j * dh) * W * C + c;
                        if (j == r.count - 1)
                            for (int i = 0; i < BLOCK * sw; i++)
                                PREFETCH_READ(px + (size_t)((q0 + BLOCK) * sw + i) * C);
                        for (int s = 0; s < S; s++) {
                            int lead = left - s * dw, room = W - 1 + lead;
                            int q = max(q0, lead > 0 ? (lead + sw - 1) / sw : 0);
                            int hi = room < 0 ? 0 : min(min(Q, q0 + BLOCK), room / sw + 1);
                            add_products(out + ((r.tap + j) * S + s) * C + c,
                                         px + (ptrdiff_t)(q * sw - lead) * C, py + (size_t)q * C,
                                         hi - q, sw * C, C, lanes);
                        }
                    }
                }
        }
}
