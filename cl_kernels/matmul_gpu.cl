/* cl_kernels/matmul_gpu.cl - y = act(alpha op(a) op(b) + bias + residual) for GPUs: tiles in local
 * memory, either operand turned without a copy.
 *
 * K may be cut into pieces: each writes a partial product, parts [piece,z,m,n], and matmul_parts adds
 * them in order.
 */
#include "gpu.clh"

#define GT 8
#define TS _tile64
#include "gpu_tile.clh"
#include "matmul_gpu_tile.clh"
#include "gpu_tile_end.clh"

#define GT 4
#define TS _tile32
#include "gpu_tile.clh"
#include "matmul_gpu_tile.clh"
#include "gpu_tile_end.clh"

/* y[m,n] = act(alpha sum_p parts[p,m,n] + bias[n] + residual[m,n]); item: four columns of a row */
__kernel FLAT_WG void matmul_parts(int rows, int N, int pieces, float alpha, int flags, int kind,
                                   GLOBAL parts, GLOBAL bias, GLOBAL residual,
                                   __global float *restrict y) {
    int quads = (N + 3) / 4, row = get_global_id(0) / quads;
    if (row >= rows)
        return;
    int c = (get_global_id(0) - row * quads) * 4;
    size_t at = (size_t)row * N + c, step = (size_t)rows * N;
    float4 v = (float4)(0.0f);
    for (int p = 0; p < pieces; p++)
        v += load_n(parts + at + p * step, N - c);
    finish(v * alpha, at, c, N - c, flags, kind, bias, residual, y);
}
