/* cl_kernels/batch_norm.cl - statistics of channels, normalisation by them, and its gradient. x
 * [R,C]: all axes but the last are rows. Statistics s [2,C]: mean, biased variance.
 *
 * An item walks the rows of a piece for `many` channels: all of them on CPUs, a few rows at a
 * time, calling for those to come; a vector on GPUs. Where an item has all channels, its last
 * vector is shifted back, so that it is whole.
 */
#include "common.clh"
#include "act.clh"
/* Vectors of channels of an item that keeps sums, at most; rows_norm.c keeps to it. */
#define SUMS 32

/* About a KiB: memory is read nearly from end to end, what a channel needs is seldom loaded anew.
 */
static inline int rows_of_group(int C) {
    return max(2, 256 / C);
}
/* Where the vector of channels at v begins. */
static inline int vector_at(int v, int C, int many) {
    return many >= C && C >= VW ? min(v, C - VW) : v;
}
static inline void store_own(FV v, __global float *p, int c, int own, int C) {
    if (c < own)
        store_lanes(v, p, own - c, VW);
    else
        store_n(v, p, C - c);
}

/* parts[piece,2,C]: mean and sum of squared deviations of a piece. Sums are taken of x minus the
 * piece's first row, so that a large mean does not eat the variance. */
__kernel TILE_WG void stats_parts(int R, int C, int piece, int many, GLOBAL x,
                                  __global float *restrict parts) {
    int first = get_global_id(0) * many, last = min(C, first + many), z = get_global_id(1);
    int r = z * piece, end = min(R, r + piece), group = rows_of_group(C), ahead = 8 * group;
    if (first >= C || r >= end)
        return;
    GLOBAL top = x + (size_t)r * C;
    FV sum[SUMS], square[SUMS];
    float count = end - r;
    for (int j = 0; j < SUMS; j++)
        sum[j] = square[j] = (FV)(0.0f);
    for (; r < end; r += group)
        for (int v = first, j = 0; v < last; v += VW, j++) {
            int c = vector_at(v, C, many), n = C - c, rows = min(group, end - r), i = 0;
            __global const float *p = x + (size_t)r * C + c;
            FV shift = load_n(top + c, n), a0 = sum[j], q0 = square[j], a1 = (FV)(0.0f), q1 = a1;
            if (n >= VW)
                for (; i + 2 <= rows; i += 2, p += 2 * C) {
                    PREFETCH_READ(p + ahead * C);
                    PREFETCH_READ(p + (ahead + 1) * C);
                    FV u = VLD(p) - shift, w = VLD(p + C) - shift;
                    a0 += u;
                    a1 += w;
                    q0 = fma(u, u, q0);
                    q1 = fma(w, w, q1);
                }
            for (; i < rows; i++, p += C) {
                FV u = load_n(p, n) - shift;
                a0 += u;
                q0 = fma(u, u, q0);
            }
            sum[j] = a0 + a1;
            square[j] = q0 + q1;
        }
    for (int v = first, j = 0; v < last; v += VW, j++) {
        int c = vector_at(v, C, many);
        FV mean = sum[j] / count, q = fma(-mean, sum[j], square[j]);
        __global float *o = parts + (size_t)z * 2 * C + c;
        store_own(load_n(top + c, C - c) + mean, o, c, v, C);
        store_own(select(q, (FV)(0.0f), q < (FV)(0.0f)), o + C, c, v, C);
    }
}

/* s from the parts, merged in order (Chan, Golub, LeVeque 1983, eq. 2.1); item: vector of channels
 */
__kernel FLAT_WG void stats_merge(int R, int C, int piece, int pieces, GLOBAL parts,
                                  __global float *restrict s) {
    int c = get_global_id(0) * VW, n = C - c;
    if (c >= C)
        return;
    /* the mean as an offset from the first piece's: a large one would be rounded at every piece */
    FV origin = load_n(parts + c, n), square = load_n(parts + C + c, n), mean = (FV)(0.0f);
    float seen = min(R, piece);
    for (int z = 1; z < pieces; z++) {
        GLOBAL p = parts + (size_t)z * 2 * C + c;
        float more = min(R, (z + 1) * piece) - z * piece, all = seen + more;
        FV delta = (load_n(p, n) - origin) - mean;
        mean += delta * (more / all);
        square += load_n(p + C, n) + delta * delta * (seen * more / all);
        seen = all;
    }
    store_n(origin + mean, s + c, n);
    store_n(square / (float)R, s + C + c, n);
}

/* y = f(gamma (x - s0) / sqrt(s1 + eps) + beta + residual); item: channels, piece of rows */
TILE_KERNEL norm_y(ITEM int R, int C, int piece, int many, float eps, int kind,
                             int has_residual, GLOBAL x, GLOBAL gamma, GLOBAL beta, GLOBAL s,
                             GLOBAL residual, __global float *restrict y) {
    int first = ID(0) * many, last = min(C, first + many);
    int start = ID(1) * piece, end = min(R, start + piece), group = rows_of_group(C),
        ahead = 8 * group;
    bool stream = streams((size_t)R * C, y, C);
    for (int r = start; r < end; r += group)
        for (int v = first; v < last; v += VW) {
            int c = vector_at(v, C, many), n = C - c, rows = min(group, end - r);
            FV mean = load_n(s + c, n);
            FV k = load_n(gamma + c, n) / sqrt(load_n(s + C + c, n) + eps);
            FV b = load_n(beta + c, n);
            size_t at = (size_t)r * C + c;
            for (int i = 0; i < rows; i++, at += C) {
                PREFETCH_READ(x + at + ahead * C);
                if (!stream)
                    PREFETCH_WRITE(y + at + ahead * C);
                FV u = fma(load_n(x + at, n) - mean, k, b);
                if (has_residual)
                    u += load_n(residual + at, n);
                if (stream)
                    stream_vector(act_value(u, kind), y + at);
                else
                    store_n(act_value(u, kind), y + at, n);
            }
        }
}

/* parts[piece,2,C]: sum of d, sum of d (x - s0) / sqrt(s1 + eps), where d = dy f'(norm of x) */
__kernel TILE_WG void norm_sums(int R, int C, int piece, int many, float eps, int kind, GLOBAL x,
                                GLOBAL dy, GLOBAL s, GLOBAL gamma, GLOBAL beta,
                                __global float *restrict parts) {
    int first = get_global_id(0) * many, last = min(C, first + many), z = get_global_id(1);
    int start = z * piece, end = min(R, start + piece), group = rows_of_group(C), ahead = 8 * group;
    if (first >= C || start >= end)
        return;
    FV sum[SUMS], product[SUMS];
    for (int j = 0; j < SUMS; j++)
        sum[j] = product[j] = (FV)(0.0f);
    for (int r = start; r < end; r += group)
        for (int v = first, j = 0; v < last; v += VW, j++) {
            int c = vector_at(v, C, many), n = C - c, rows = min(group, end - r);
            FV mean = load_n(s + c, n), rstd = (FV)(1.0f) / sqrt(load_n(s + C + c, n) + eps);
            FV k = kind ? load_n(gamma + c, n) * rstd : rstd;
            FV shift = kind ? load_n(beta + c, n) : mean, a = sum[j], b = product[j];
            size_t at = (size_t)r * C + c;
            for (int i = 0; i < rows; i++, at += C) {
                PREFETCH_READ(x + at + ahead * C);
                PREFETCH_READ(dy + at + ahead * C);
                FV d = load_n(dy + at, n), u = load_n(x + at, n) - mean;
                if (kind)
                    d *= act_slope(fma(u, k, shift), kind);
                a += d;
                b = fma(d, u, b);
            }
            sum[j] = a;
            product[j] = b;
        }
    for (int v = first, j = 0; v < last; v += VW, j++) {
        int c = vector_at(v, C, many);
        __global float *o = parts + (size_t)z * 2 * C + c;
        store_own(sum[j], o, c, v, C);
        store_own(product[j] / sqrt(load_n(s + C + c, C - c) + eps), o + C, c, v, C);
    }
}

/* dx = gamma rstd (d - (sums0 + xhat sums1) / R); without sums (frozen s): gamma rstd d */
__kernel TILE_WG void norm_dx(int R, int C, int piece, int many, float eps, int kind, int has_sums,
                              GLOBAL x, GLOBAL dy, GLOBAL s, GLOBAL gamma, GLOBAL beta, GLOBAL sums,
                              __global float *restrict dx) {
    int first = get_global_id(0) * many, last = min(C, first + many);
    int start = get_global_id(1) * piece, end = min(R, start + piece), group = rows_of_group(C),
        ahead = 8 * group;
    bool stream = streams((size_t)R * C, dx, C);
    for (int r = start; r < end; r += group)
        for (int v = first; v < last; v += VW) {
            int c = vector_at(v, C, many), n = C - c, rows = min(group, end - r);
            FV mean = load_n(s + c, n), rstd = (FV)(1.0f) / sqrt(load_n(s + C + c, n) + eps);
            FV k = load_n(gamma + c, n) * rstd, m0 = (FV)(0.0f), m1 = m0;
            FV shift = kind ? load_n(beta + c, n) : m0;
            if (has_sums) {
                m0 = load_n(sums + c, n) / (float)R;
                m1 = load_n(sums + C + c, n) * rstd / (float)R;
            }
            size_t at = (size_t)r * C + c;
            for (int i = 0; i < rows; i++, at += C) {
                PREFETCH_READ(x + at + ahead * C);
                PREFETCH_READ(dy + at + ahead * C);
                if (!stream)
                    PREFETCH_WRITE(dx + at + ahead * C);
                FV d = load_n(dy + at, n), u = load_n(x + at, n) - mean;
                if (kind)
                    d *= act_slope(fma(u, k, shift), kind);
                d = k * fma(-u, m1, d - m0);
                if (stream)
                    stream_vector(d, dx + at);
                else
                    store_n(d, dx + at, n);
            }
        }
}
