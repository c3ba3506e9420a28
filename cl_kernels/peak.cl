/* cl_kernels/peak.cl - what a device can do at most: multiply-adds in registers, and a copy.
 *
 * MR, NV  accumulators as in the product kernels, enough to hide the latency of a multiply-add
 */
#include "common.clh"

/* rounds * MR * NV * VW multiply-adds an item; y [items * VW] keeps them from being dropped */
__kernel TILE_WG void peak_fma(int items, int rounds, float a, float b,
                               __global float *restrict y) {
    int id = get_global_id(0);
    if (id >= items || get_global_id(1))
        return;
    FV t[MR * NV], sum = (FV)(0.0f), u = (FV)(a), v = (FV)(b);
    UNROLL for (int i = 0; i < MR * NV; i++) t[i] = (FV)(i + id);
    for (int k = 0; k < rounds; k++) {
        UNROLL for (int i = 0; i < MR * NV; i++) t[i] = fma(t[i], u, v);
    }
    UNROLL for (int i = 0; i < MR * NV; i++) sum += t[i];
    VST(sum, y + (size_t)id * VW);
}

/* y = x; item: vector */
__kernel FLAT_WG void peak_copy(int count, GLOBAL x, __global float *restrict y) {
    int i = get_global_id(0) * VW;
    if (i + VW <= count)
        VST(VLD(x + i), y + i);
}
