/* cl_kernels/batch_norm.cl - statistics of channels, normalisation by them, and its gradient. x
 * [R,C]: all axes but the last are rows. Statistics s [2,C]: mean, biased variance.
 *
 * An item walks the rows of a piece for one vector of channels.
 */
#include "common.clh"
#include "act.clh"

/* parts[piece,2,C]: mean and sum of squared deviations of a piece. Sums are taken of x minus the
 * piece's first row, so that a large mean does not eat the variance. */
__kernel TILE_WG void stats_parts(int R, int C, int piece, GLOBAL x,
                                  __global float *restrict parts) {
    int c = get_global_id(0) * VW, z = get_global_id(1), n = C - c;
    int r = z * piece, end = min(R, r + piece);
    if (c >= C || r >= end)
        return;
    GLOBAL p = x + (size_t)r * C + c;
    FV shift = load_n(p, n), a0 = (FV)(0.0f), a1 = a0, q0 = a0, q1 = a0;
    float count = end - r;
    if (n >= VW)
        for (; r + 2 <= end; r += 2, p += (size_t)2 * C) {
            FV u = VLD(p) - shift, v = VLD(p + C) - shift;
            a0 += u;
            a1 += v;
            q0 = fma(u, u, q0);
            q1 = fma(v, v, q1);
        }
    for (; r < end; r++, p += C) {
        FV u = load_n(p, n) - shift;
        a0 += u;
        q0 = fma(u, u, q0);
    }
    a0 += a1;
    FV mean = a0 / count, square = fma(-mean, a0, q0 + q1);
    __global float *o = parts + (size_t)z * 2 * C + c;
    store_n(shift + mean, o, n);
    store_n(select(square, (FV)(0.0f), square < (FV)(0.0f)), o + C, n);
}

/* s from the parts, merged in order (Chan, Golub, LeVeque 1983, eq. 2.1); item: vector of channels
 */
__kernel FLAT_WG void stats_merge(int R, int C, int piece, int pieces, GLOBAL parts,
                                  __global float *restrict s) {
    int c = get_global_id(0) * VW, n = C - c;
    if (c >= C)
        return;
    FV mean = load_n(parts + c, n), square = load_n(parts + C + c, n);
    float seen = min(R, piece);
    for (int z = 1; z < pieces; z++) {
        GLOBAL p = parts + (size_t)z * 2 * C + c;
        float more = min(R, (z + 1) * piece) - z * piece, all = seen + more;
        FV delta = load_n(p, n) - mean;
        mean += delta * (more / all);
        square += load_n(p + C, n) + delta * delta * (seen * more / all);
        seen = all;
    }
    store_n(mean, s + c, n);
    store_n(square / (float)R, s + C + c, n);
}

/* y = f(gamma (x - s0) / sqrt(s1 + eps) + beta + residual); item: vector of channels, piece of rows
 */
__kernel TILE_WG void norm_y(int R, int C, int piece, float eps, int kind, int has_residual,
                             GLOBAL x, GLOBAL gamma, GLOBAL beta, GLOBAL s, GLOBAL residual,
                             __global float *restrict y) {
    int c = get_global_id(0) * VW, r = get_global_id(1) * piece, n = C - c;
    if (c >= C)
        return;
    FV mean = load_n(s + c, n), k = load_n(gamma + c, n) / sqrt(load_n(s + C + c, n) + eps);
    FV b = load_n(beta + c, n);
    for (int end = min(R, r + piece); r < end; r++) {
        size_t at = (size_t)r * C + c;
        FV v = fma(load_n(x + at, n) - mean, k, b);
        if (has_residual)
            v += load_n(residual + at, n);
        store_n(act_value(v, kind), y + at, n);
    }
}

/* parts[piece,2,C]: sum of d, sum of d (x - s0) / sqrt(s1 + eps), where d = dy f'(norm of x) */
__kernel TILE_WG void norm_sums(int R, int C, int piece, float eps, int kind, GLOBAL x, GLOBAL dy,
                                GLOBAL s, GLOBAL gamma, GLOBAL beta,
                                __global float *restrict parts) {
    int c = get_global_id(0) * VW, z = get_global_id(1), n = C - c, r = z * piece;
    if (c >= C || r >= R)
        return;
    FV mean = load_n(s + c, n), rstd = (FV)(1.0f) / sqrt(load_n(s + C + c, n) + eps);
    FV k = kind ? load_n(gamma + c, n) * rstd : rstd, shift = kind ? load_n(beta + c, n) : mean;
    FV a = (FV)(0.0f), b = a;
    for (int end = min(R, r + piece); r < end; r++) {
        size_t at = (size_t)r * C + c;
        FV d = load_n(dy + at, n), u = load_n(x + at, n) - mean;
        if (kind)
            d *= act_slope(fma(u, k, shift), kind);
        a += d;
        b = fma(d, u, b);
    }
    __global float *o = parts + (size_t)z * 2 * C + c;
    store_n(a, o, n);
    store_n(b * rstd, o + C, n);
}

/* dx = gamma rstd (d - (sums0 + xhat sums1) / R); without sums (frozen s): gamma rstd d */
__kernel TILE_WG void norm_dx(int R, int C, int piece, float eps, int kind, int has_sums, GLOBAL x,
                              GLOBAL dy, GLOBAL s, GLOBAL gamma, GLOBAL beta, GLOBAL sums,
                              __global float *restrict dx) {
    int c = get_global_id(0) * VW, r = get_global_id(1) * piece, n = C - c;
    if (c >= C)
        return;
    FV mean = load_n(s + c, n), rstd = (FV)(1.0f) / sqrt(load_n(s + C + c, n) + eps);
    FV k = load_n(gamma + c, n) * rstd, m0 = (FV)(0.0f), m1 = m0;
    FV shift = kind ? load_n(beta + c, n) : m0;
    if (has_sums) {
        m0 = load_n(sums + c, n) / (float)R;
        m1 = load_n(sums + C + c, n) * rstd / (float)R;
    }
    for (int end = min(R, r + piece); r < end; r++) {
        size_t at = (size_t)r * C + c;
        FV d = load_n(dy + at, n), u = load_n(x + at, n) - mean;
        if (kind)
            d *= act_slope(fma(u, k, shift), kind);
        store_n(k * fma(-u, m1, d - m0), dx + at, n);
    }
}
