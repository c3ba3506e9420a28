/* cl_kernels/conv.cl - direct convolution of images [N,H,W,C] with weights [R,S,C,K], and its two
 * gradients, by register tiles; one group.
 *
 * y[n,p,q,k] = sum_{r,s,c} x[n, p sh - top + r dh, q sw - left + s dw, c] w[r,s,c,k]
 */
#include "common.clh"
#include "act.clh"

#ifndef JOINED /* joint.cl has the tiles of all families */
#define TR    MR
#define TN    NV
#define TMASK 0
#define TS    _wide
#include "tile.clh"
#include "conv_tile.clh"
#include "tile_end.clh"

#define TR    MR1
#define TN    1
#define TMASK 0
#define TS    _slim
#include "tile.clh"
#include "conv_tile.clh"
#include "tile_end.clh"

#define TR    MR1
#define TN    1
#define TMASK 1
#define TS    _mask
#include "tile.clh"
#include "conv_tile.clh"
#include "tile_end.clh"
#endif

/* wt[t,k,c] = w[t,c,k]; item: element of wt */
__kernel FLAT_WG void conv_flip(int taps, int C, int K, GLOBAL w, __global float *restrict wt) {
    int i = get_global_id(0);
    if (i >= taps * C * K)
        return;
    int t = i / (K * C), e = i - t * K * C, k = e / C, c = e - k * C;
    wt[i] = w[(t * C + c) * K + k];
}
