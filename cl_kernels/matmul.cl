/* cl_kernels/matmul.cl - y = act(alpha op(a) op(b) + bias + residual) by register tiles.
 *
 * y[z,m,n] = sum_k a[z,m,k] b[z,k,n] (a[z,k,m] in the _t kernels); a transposed b is copied first.
 * K may be cut into pieces: each writes a partial product, parts [piece,z,m,n], and matmul_sum adds
 * them in order.
 */
#include "common.clh"
#include "act.clh"

#ifndef JOINED /* joint.cl has the tiles of all families */
#define TR    MR
#define TN    NV
#define TMASK 0
#define TS    _wide
#include "tile.clh"
#include "matmul_tile.clh"
#include "tile_end.clh"

#define TR    MR1
#define TN    1
#define TMASK 0
#define TS    _slim
#include "tile.clh"
#include "matmul_tile.clh"
#include "tile_end.clh"

#define TR    MR1
#define TN    1
#define TMASK 1
#define TS    _mask
#include "tile.clh"
#include "matmul_tile.clh"
#include "tile_end.clh"
#endif

/* y[m,n] = act(alpha sum_p parts[p,m,n] + bias[n] + residual[m,n]); item: vector of a row */
FLAT_KERNEL matmul_sum(ITEM int rows, int N, int pieces, float alpha, int flags, int kind,
                                 GLOBAL parts, GLOBAL bias, GLOBAL residual,
                                 __global float *restrict y) {
    int vectors = (N + VW - 1) / VW, row = ID(0) / vectors;
    if (row >= rows)
        return;
    int c = (ID(0) - row * vectors) * VW, n = N - c;
    size_t at = (size_t)row * N + c, step = (size_t)rows * N;
    FV v = (FV)(0.0f);
    for (int p = 0; p < pieces; p++)
        v += load_n(parts + at + p * step, n);
    v *= alpha;
    if (flags & HAS_BIAS)
        v += load_n(bias + c, n);
    if (flags & HAS_RESIDUAL)
        v += load_n(residual + at, n);
    store_n(act_value(v, kind), y + at, n);
}

/* to[z,c,r] = from[z,r,c]; item: element of to */
FLAT_KERNEL matmul_flip(ITEM int batches, int rows, int columns, GLOBAL from,
                                  __global float *restrict to) {
    size_t i = ID(0), area = (size_t)rows * columns;
    if (i >= area * batches)
        return;
    size_t z = i / area, e = i - z * area;
    int c = e / rows, r = e - (size_t)c * rows;
    to[i] = from[z * area + (size_t)r * columns + c];
}
