/* cl_kernels/conv_gpu.cl - direct convolution [N,H,W,C] with weights [R,S,C,K] and its gradients for
 * GPUs: each tap is a product whose operands are gathered into local memory; one group.
 */
#include "gpu.clh"

#define GT 8
#define TS _tile64
#include "gpu_tile.clh"
#include "conv_gpu_tile.clh"
#include "gpu_tile_end.clh"

#define GT 4
#define TS _tile32
#include "gpu_tile.clh"
#include "conv_gpu_tile.clh"
#include "gpu_tile_end.clh"
