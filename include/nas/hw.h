/* include/nas/hw.h - what a network costs on hardware that need not be here: device files, analytic
 * models of processors, FPGAs and accelerators, and devices learnt from measurements. Every result says
 * where it comes from; nothing here is measured.
 */
#ifndef NAS_HW_H
#define NAS_HW_H

#include <nas/graph.h>

#ifdef __cplusplus
extern "C" {
#endif

/* A device file (YAML, hwmodels/devices/NAME.yaml) read and checked: every number has a unit in its
 * key, a source beside it, and must lie in a sane range. */
typedef struct nas_hw nas_hw;

typedef struct nas_hw_info {
    const char *name, *title, *kind; /* "raspberry-pi-4", "Raspberry Pi 4 Model B", "cpu" | "gpu" | "fpga" | "asic" */
    const char *model;               /* "roofline", "loop-tiled", "dataflow", "systolic", "spatial" */
    const char *file;                /* path, or "built in" */
    double peak_flops, bandwidth, cache_bytes, cache_bandwidth; /* FLOP/s, B/s, B, B/s at `bits` */
    double launch_s;                 /* cost of one kernel launch */
    double memory_bytes, idle_w, max_w; /* 0: not given */
    double bits;                     /* of a number: 32 but for FPGAs and accelerators */
    double clock_hz, dsp, bram18, lut; /* FPGAs: what is there; 0 for others */
    const char *source;              /* where the numbers come from; estimates say so */
} nas_hw_info;

/* name_or_path: a built-in name, or the path of a file (anything with a '/' or ending in .yaml). Behind
 * it may stand options, each after a ':': bits4, bits8, bits16, bits32 (FPGAs and accelerators),
 * dataflow or loop-tiled (FPGAs), as in "xilinx-zc706:bits8", and eager (processors): as a framework
 * runs it that fuses nothing. info.name keeps them.
 * E_NOT_FOUND names the nearest built-in. E_PARSE has file, line, column. */
nas_status nas_hw_open(nas_hw **out, const char *name_or_path) NAS_MUST_USE;
/* The same from the text of a device file; name: for errors, and as info.file. */
nas_status nas_hw_read(nas_hw **out, const char *yaml, size_t n, const char *name) NAS_MUST_USE;
void nas_hw_free(nas_hw *h);
const nas_hw_info *nas_hw_info_of(const nas_hw *h);
/* Names of the built-in device files, sorted; NULL behind the last. The calling thread's. */
const char *const *nas_hw_names(void);

typedef struct nas_estimate {
    double latency_s;
    double interval_s;    /* total: between the results of two batches that follow at once */
    double energy_j;      /* NAN: not modelled */
    double memory_bytes;  /* total: weights, inputs, peak activations, as the runtime plans them; node: its output */
    double compute_s, memory_s, launch_s; /* the parts; latency = max(compute, memory) + launch */
    double dsp, bram18, lut; /* total: of an FPGA design for this network; otherwise NAN */
    const char *binds;    /* what limits it: "compute", "memory", "launch", "dsp", "bram18", "lut"; static */
    int64_t macs, flops, bytes;
} nas_estimate;

/* Prices an inference graph (nas_graph_inference: one node, one kernel) at its own batch size.
 * per_node: nas_graph_count elements, or NULL; leaves and reshapes are 0. A network that does not fit
 * the device (its memory, or an FPGA's resources) is E_TOO_BIG with both numbers. */
nas_status nas_hw_estimate(nas_estimate *total, nas_estimate *per_node, const nas_hw *h, const nas_graph *inference) NAS_MUST_USE;

/* Prices a training step on a CPU or GPU: the graph of nas_graph_training, whose backward pass are nodes
 * as others, and the optimiser, which is in the total alone. Memory: params, what is kept for the
 * backward pass, gradients, and what the optimiser keeps. E_UNSUPPORTED for FPGAs and accelerators. */
typedef enum nas_hw_optimizer { NAS_HW_SGD, NAS_HW_ADAM } nas_hw_optimizer;
nas_status nas_hw_estimate_training(nas_estimate *total, nas_estimate *per_node, const nas_hw *h, const nas_training *t,
                                    nas_hw_optimizer optimizer) NAS_MUST_USE;

/* Appends what the model chose for this network, for people: an FPGA's tiling or folding, its resources
 * and its build options. Nothing where the model chooses nothing. */
nas_status nas_hw_explain(nas_text *out, const nas_hw *h, const nas_graph *inference) NAS_MUST_USE;

/* ---- learning a device from measurements ---------------------------------------------------------- */

/* How well predictions agree with measurements. Ranks of equals are averaged; Kendall's is tau-b, in
 * time n^2. within: share of predictions that are off by at most so much; bias: mean relative error. */
typedef struct nas_agreement {
    uint32_t n;
    double spearman, kendall, within_5, within_10, rmspe, mape, bias;
} nas_agreement;
/* measured: all > 0 (E_DATA names the first that is not); n >= 2. NAN correlations when all are equal. */
nas_status nas_agreement_of(nas_agreement *out, const double *predicted, const double *measured, uint32_t n) NAS_MUST_USE;

/* Learns latency as
 *   base + sum over kernels (add[type] + factor[type] * latency that the prior device's model gives)
 * where a type is an op with its window ("conv2d-3x3"). Few samples move it little from the prior; how
 * far is decided by marginal likelihood, and samples far off the others weigh little. */
typedef struct nas_fit nas_fit;
/* prior: a device near the one that was measured; borrowed until nas_fit_free. */
nas_status nas_fit_create(nas_fit **out, const nas_hw *prior) NAS_MUST_USE;
void nas_fit_free(nas_fit *f);
/* Adds a network (an inference graph) as the next row, with its measured seconds; NAN: to be predicted
 * only. Prices it once; the graph is not kept. */
nas_status nas_fit_add(nas_fit *f, const nas_graph *inference, double seconds) NAS_MUST_USE;
/* Learns from these rows; none leaves the prior as it is. E_DATA: 1 to 3 rows, or a row without
 * measurement or with one that is not > 0. From more than 2,000 rows the first 2,000 are taken. */
nas_status nas_fit_solve(nas_fit *f, const uint32_t *row, uint32_t n) NAS_MUST_USE;
/* Seconds of a row as now learnt; > 0. Before nas_fit_solve: the prior's. */
double nas_fit_predict(const nas_fit *f, uint32_t row);
/* How well the last nas_fit_solve explains its rows: log marginal likelihood but for a constant of the
 * measurements, to choose between priors that were taught the same rows. */
double nas_fit_evidence(const nas_fit *f);
double nas_fit_measured(const nas_fit *f, uint32_t row);
double nas_fit_macs(const nas_fit *f, uint32_t row);
double nas_fit_params(const nas_fit *f, uint32_t row);
/* Appends a device file: the prior's with what was learnt, under a new name. nas_hw_estimate on it gives
 * what nas_fit_predict says. source: where the measurements come from. */
nas_status nas_fit_write(nas_text *yaml, const nas_fit *f, const char *name, const char *title, const char *source) NAS_MUST_USE;

/* Latencies from d columns of numbers (1 to 32), where a table gives features instead of networks: x is
 * n x d, row by row; the first `taught` rows teach, all are predicted. Least relative errors on the columns
 * or on them and products of two, with boosted trees behind it or without: what does best on every fifth
 * row left out in turn. E_DATA: less than 20 rows teach, or one that is
 * not > 0. */
nas_status nas_columns_fit(double *predicted, const double *x, const double *y, uint32_t n, uint32_t d, uint32_t taught) NAS_MUST_USE;

/* ---- learning a device that is here, from its kernels ---------------------------------------------- */

typedef struct nas_hw_measured { /* what is known of it before; texts are borrowed until the fit is freed */
    const char *name, *title, *kind; /* kind: "cpu" or "gpu" */
    double peak_flops, bandwidth, cache_bytes, cache_bandwidth;
    bool cache_reported;             /* false: cache_bytes is an estimate */
    double memory_bytes;             /* 0: not known */
    uint32_t units, lanes;
    double idle_w, max_w;            /* 0: not measured */
    const char *power_source;
} nas_hw_measured;

/* Learns for each class of kernels its shares of the peaks, what a launch and a run cost, and then, with
 * gradient-boosted trees over the sizes of a kernel, what the roofline does not see. */
typedef struct nas_kernel_fit nas_kernel_fit;
/* E_DATA, naming the number, for a device that reports nonsense: no compute units, a peak of 0. */
nas_status nas_kernel_fit_create(nas_kernel_fit **out, const nas_hw_measured *device) NAS_MUST_USE;
void nas_kernel_fit_free(nas_kernel_fit *f);
/* Adds a graph that was run: seconds of each node by events (nas_graph_count of them; what is not
 * above 0 teaches nothing) and of the whole run by the host's clock. */
nas_status nas_kernel_fit_add(nas_kernel_fit *f, const nas_graph *inference, const double *seconds, double whole_s) NAS_MUST_USE;
/* E_DATA: less than 8 runs. */
nas_status nas_kernel_fit_solve(nas_kernel_fit *f) NAS_MUST_USE;
/* Appends the device file. */
nas_status nas_kernel_fit_write(nas_text *yaml, const nas_kernel_fit *f, const char *source) NAS_MUST_USE;

#ifdef __cplusplus
}
#endif
#endif
