/* cl_kernels/pointwise.cl - 1x1 convolutions of stride 1 on CPUs: y = act(x w + bias + residual)
 * for x [M,C], w [C,K], K >= VW. An item takes some pixels and all K columns, so that pixels are
 * read and written from end to end, and calls for those to come.
 *
 * MR      rows of the tile; its columns are two vectors, or one where no more are left
 */
#include "common.clh"
#include "act.clh"

#define TR    MR
#define TN    2
#define TMASK 0
#define TS    _two
#include "tile.clh"
#include "pointwise_tile.clh"
#include "tile_end.clh"

#define TR    MR
#define TN    1
#define TMASK 0
#define TS    _one
#include "tile.clh"
#include "pointwise_tile.clh"
#include "tile_end.clh"

/* item: `many` pixels */
TILE_KERNEL pointwise_y(ITEM int M, int C, int K, int many, int flags, int kind, GLOBAL x,
                                  GLOBAL w, GLOBAL bias, GLOBAL residual,
                                  __global float *restrict y) {
    int first = ID(0) * many, last = min(M, first + many);
    if (ID(1))
        return;
    for (int m = first; m < last; m += MR) {
        __global const float *at[MR];
        int rows = min(MR, last - m);
        UNROLL for (int i = 0; i < MR; i++) {
            at[i] = x + (size_t)min(m + i, M - 1) * C;
            for (int c = 0; c < C; c += VW)
                PREFETCH_READ(at[i] + 2 * MR * C + c);
        }
        for (int k = 0; k < K; k += 2 * VW) {
            int left = K - k, n0 = left < VW ? K - VW : k;
            for (int i = 0; i < MR; i++) {
                PREFETCH_WRITE(y + (size_t)(m + MR + i) * K + k);
                PREFETCH_WRITE(y + (size_t)(m + MR + i) * K + k + VW);
            }
            if (left > VW)
                columns_two(m, rows, k, min(VW, left - VW), C, K, flags, kind, at, w, bias,
                             residual, y);
            else
                columns_one(m, rows, n0, VW, C, K, flags, kind, at, w, bias, residual, y);
        }
    }
}
