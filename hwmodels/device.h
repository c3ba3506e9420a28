/* hwmodels/device.h - a device as the models see it, the models, and the classes of kernels. */
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

/* A way to price a graph. A device file names one by its key `model`. */
typedef struct nas_hw_model {
    const char *name, *kinds;    /* kinds: of devices, "cpu gpu" */
    void (*complete)(nas_hw *h); /* fills what follows from the file's numbers */
    /* how: gets what nas_hw_explain promises; NULL when nobody asks. */
    nas_status (*estimate)(nas_estimate *total, nas_estimate *per_node, nas_text *how,
                           const nas_hw *h, const nas_graph *g);
} nas_hw_model;
extern const nas_hw_model nas_hw_roofline, nas_hw_loop_tiled, nas_hw_dataflow, nas_hw_systolic,
    nas_hw_spatial;

/* What was learnt of kernels of a type; hwmodels/kernel_type.c names types. */
enum { NAS_KERNEL_TYPE_TEXT = 40, NAS_MAX_KERNEL_TYPES = 96 };
typedef struct nas_learnt_kernel {
    char type[NAS_KERNEL_TYPE_TEXT];
    double add_s, factor;
} nas_learnt_kernel;
typedef struct nas_learnt { /* over the model's prices */
    double base_s, factor;  /* once a network; of types that were never seen */
    uint32_t n;
    nas_learnt_kernel kernel[NAS_MAX_KERNEL_TYPES];
} nas_learnt;

void nas_kernel_type(char type[NAS_KERNEL_TYPE_TEXT], const nas_graph *g, const nas_node *n);
/* The key `learnt` of a device file. */
nas_status nas_learnt_read(nas_learnt **out, const nas_yaml_node *map) NAS_MUST_USE;
void nas_learnt_write(nas_text *yaml, const nas_learnt *l, const char *source);
/* Replaces the model's latencies by the learnt ones. */
void nas_learnt_apply(nas_estimate *total, nas_estimate *per_node, const nas_learnt *l,
                      const nas_graph *g);

/* Bytes of weights, and the most bytes of inputs and activations that lie beside them at one time.
 * t: g is its graph, whose gradients lie there all the time; NULL: an inference. */
typedef struct nas_footprint {
    double weights, activations;
} nas_footprint;
nas_status nas_footprint_of(nas_footprint *out, const nas_graph *g,
                            const nas_training *t) NAS_MUST_USE;

/* What measured kernels take beyond the roofline; hwmodels/residual.h. */
typedef struct nas_residual nas_residual;
void nas_residual_free(nas_residual *r);
/* A kernel takes the factor times (its slower roof + add_s); 1 and 0 for groups that were not
 * measured. */
double nas_residual_factor(double *add_s, const nas_hw *h, const nas_graph *g, nas_value v,
                           const nas_footprint *all);

struct nas_hw {
    nas_hw_info info;
    const nas_hw_model *model;
    nas_yaml *doc;                  /* owns the texts of info */
    nas_learnt *learnt;             /* NULL: nothing was */
    nas_residual *residual;         /* NULL: there is none */
    char *file, *name;              /* what info.file and info.name point to, or NULL */
    double units;                   /* compute units or cores that work is dealt to */
    double lanes;                   /* float32 lanes of a vector: channels are rounded up to it */
    double tile_rows, tile_columns; /* output tile of a product that one unit computes at a time */
    double flop_j, byte_j;          /* energy; 0: not given */
    bool eager;                     /* roofline: nothing is fused, and the host launches slowly */
    nas_efficiency efficiency[NAS_KERNEL_CLASS_COUNT];
    /* FPGA */
    double dsp_per_mac_32, dsp_per_mac_16, dsp_per_mac_8;
    /* systolic and spatial arrays */
    double rows, columns, buffer_bytes;
    double mac_j, register_j, array_j, buffer_j, dram_j; /* spatial: for a word */
};

/* Fills h from a document and keeps it; after a failure the document is still the caller's. */
nas_status nas_hw_parse(nas_hw *h, nas_yaml *doc, const char *file) NAS_MUST_USE;

nas_kernel_class nas_kernel_class_of(const nas_graph *g, const nas_node *n);

/* The share of the units' and lanes' work that is not lost to the edges of tiles: in (0, 1]. */
double nas_utilisation(const nas_hw *h, const nas_graph *g, const nas_node *n);

/* True for what becomes a kernel: no leaf and no alias. */
bool nas_is_kernel(const nas_node *n);

/* Adds a node's price to a sum; `binds` of the sum is not touched. */
/* What the model says, without what was learnt. */
nas_status nas_model_estimate(nas_estimate *total, nas_estimate *per_node, const nas_hw *h,
                              const nas_graph *g) NAS_MUST_USE;

void nas_estimate_add(nas_estimate *sum, const nas_estimate *e);

#endif
