/* cl_kernels/reduce.cl - sums by pieces: an item walks a piece and writes a partial sum, a second
 * launch adds the partials in order. No barriers, no atomics: the same bits in every run.
 */
#include "common.clh"

/* parts[piece,a,c] = scale * sum_r x[a,r,c] over the rows of a piece; item: vector of c, a, piece
 */
TILE_KERNEL sum_middle(ITEM int A, int R, int C, int piece, float scale, GLOBAL x,
                                 __global float *restrict parts) {
    int c = ID(0) * VW, a = ID(1), z = ID(2), n = C - c;
    if (c >= C || a >= A)
        return;
    int r = z * piece, end = min(R, r + piece);
    GLOBAL p = x + ((size_t)a * R + r) * C + c;
    FV s0 = (FV)(0.0f), s1 = s0, s2 = s0, s3 = s0;
    if (n >= VW)
        for (; r + 4 <= end; r += 4, p += (size_t)4 * C) {
            s0 += VLD(p);
            s1 += VLD(p + C);
            s2 += VLD(p + (size_t)2 * C);
            s3 += VLD(p + (size_t)3 * C);
        }
    for (; r < end; r++, p += C)
        s0 += load_n(p, n);
    store_n(scale * ((s0 + s1) + (s2 + s3)), parts + ((size_t)z * A + a) * C + c, n);
}

/* y[a] = scale * sum_r x[a,r]; item: a */
__kernel FLAT_WG void sum_last(int A, int R, float scale, GLOBAL x, __global float *restrict y) {
    int a = get_global_id(0);
    if (a >= A)
        return;
    FV s = (FV)(0.0f);
    for (int r = 0; r < R; r += VW)
        s += load_n(x + (size_t)a * R + r, R - r);
    y[a] = scale * hsum(s);
}

/* y[i] = scale * sum_p parts[p,i]; item: vector */
FLAT_KERNEL sum_parts(ITEM int count, int pieces, float scale, GLOBAL parts,
                                __global float *restrict y) {
    int i = ID(0) * VW, n = count - i;
    if (i >= count)
        return;
    FV s = (FV)(0.0f);
    for (int p = 0; p < pieces; p++)
        s += load_n(parts + (size_t)p * count + i, n);
    store_n(scale * s, y + i, n);
}
