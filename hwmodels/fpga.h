/* hwmodels/fpga.h - the loop-tiled engine: what a tiling costs, in cycles and in blocks. */
#ifndef NAS_HWMODELS_FPGA_H
#define NAS_HWMODELS_FPGA_H

#include "layer.h"

typedef struct nas_tiling { /* output and input channels at once; rows and columns of a tile */
    double tm, tn, tr, tc;
} nas_tiling;

typedef struct nas_blocks {
    double dsp, bram18, lut;
} nas_blocks;

typedef struct nas_cycles {
    double compute, memory, total; /* total: with what does not overlap */
    double words;                  /* that pass the memory's port */
} nas_cycles;

/* What the engine takes, its buffers sized for the largest window of `n` layers. */
nas_blocks nas_tiling_blocks(const nas_hw *h, const nas_tiling *t, const nas_layer *l, uint32_t n);

/* Cycles of one layer on an engine of that tiling. words_per_cycle: of the memory's port. */
nas_cycles nas_tiling_cycles(const nas_tiling *t, const nas_layer *l, double words_per_cycle);

/* Blocks that a design may use: what place and route still copes with. */
nas_blocks nas_blocks_usable(const nas_hw *h);

/* DSP blocks of one multiply-add at the device's precision. */
double nas_dsp_per_mac(const nas_hw *h);

/* The block of which the largest share is used. */
const char *nas_blocks_scarce(const nas_blocks *used, const nas_blocks *usable);

#endif
