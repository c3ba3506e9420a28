/* hwmodels/layer.h - a kernel as a loop nest, which is what FPGA and array models price. */
#ifndef NAS_HWMODELS_LAYER_H
#define NAS_HWMODELS_LAYER_H

#include "device.h"

/* A product reads n and makes m channels of r x c results with a kh x kw window at stride s,
 * `times` times with other data (samples of a convolution, its groups, heads of attention). What is
 * no product streams: `operations` on in + out words. Depthwise: m channels, n = 1, one window
 * each. */
typedef struct nas_layer {
    bool product, depthwise, passing;
    double m, n, r, c, kh, kw, s, times;
    double in, weights, out; /* words, each touched once, over all times */
    double operations;
    uint32_t node;
} nas_layer;

/* Layers of a graph in the order of its kernels; *out is the caller's (nas_free). */
nas_status nas_layers_of(nas_layer **out, uint32_t *n, const nas_graph *g) NAS_MUST_USE;

/* True when the models cannot tell them apart. */
bool nas_layer_equal(const nas_layer *a, const nas_layer *b);

/* The parts of an estimate that every such model has alike: counts, memory, per-node results. */
void nas_layer_counts(nas_estimate *e, const nas_graph *g, const nas_layer *l, double word_bytes);

/* What an array of rows x columns multipliers and its buffer say of peak and cache. */
void nas_grid_complete(nas_hw *h);

/* E_TOO_BIG when the network's weights and activations do not fit a memory that the device names.
 */
nas_status nas_memory_fits(const nas_hw *h, double bytes) NAS_MUST_USE;

#endif
