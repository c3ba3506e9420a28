/* hwmodels/device.h - a device as the roofline model sees it, and the classes of kernels. */
#ifndef NAS_HWMODELS_DEVICE_H
#define NAS_HWMODELS_DEVICE_H

#include <nas/hw.h>

/* Kernels that reach alike shares of a device's peaks. ELEMENTWISE is what every op is that
 * hwmodels/kernel_class.c does not name. */
#define NAS_KERNEL_CLASS_MAP(X)                                                                    \
    X(ELEMENTWISE, elementwise)                                                                    \
    X(GEMM, gemm)                                                                                  \
    X(CONV, conv)                                                                                  \
    X(CONV1X1, conv1x1)                                                                            \
    X(DEPTHWISE, depthwise)                                                                        \
    X(POOL, pool)                                                                                  \
    X(NORM, norm)                                                                                  \
    X(ATTENTION, attention)

typedef enum nas_kernel_class {
#define X(symbol, name) NAS_KERNEL_##symbol,
    NAS_KERNEL_CLASS_MAP(X)
#undef X
        NAS_KERNEL_CLASS_COUNT
} nas_kernel_class;

typedef struct nas_efficiency { /* shares of the peaks, in (0, 1] */
    double compute, bandwidth;
} nas_efficiency;

struct nas_hw {
    nas_hw_info info;
    nas_yaml *doc;                  /* owns the texts of info */
    char *file;                     /* what info.file points to, or NULL */
    double units;                   /* compute units or cores that work is dealt to */
    double lanes;                   /* float32 lanes of a vector: channels are rounded up to it */
    double tile_rows, tile_columns; /* output tile of a product that one unit computes at a time */
    double flop_j, byte_j;          /* energy; 0: not given */
    nas_efficiency efficiency[NAS_KERNEL_CLASS_COUNT];
};

/* Fills h from a document and keeps it; after a failure the document is still the caller's. */
nas_status nas_hw_parse(nas_hw *h, nas_yaml *doc, const char *file) NAS_MUST_USE;

nas_kernel_class nas_kernel_class_of(const nas_graph *g, const nas_node *n);

/* The share of the units' and lanes' work that is not lost to the edges of tiles: in (0, 1]. */
double nas_utilisation(const nas_hw *h, const nas_graph *g, const nas_node *n);

/* Bytes of weights, and the most bytes of activations alive at one time. */
typedef struct nas_footprint {
    double weights, activations;
} nas_footprint;
nas_status nas_footprint_of(nas_footprint *out, const nas_graph *g) NAS_MUST_USE;

#endif
