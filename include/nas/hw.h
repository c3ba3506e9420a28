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
 * it may stand options, each after a ':': bits4, bits8, bits16, bits32 (FPGAs and accelerators), and
 * dataflow or loop-tiled (FPGAs), as in "xilinx-zc706:bits8". info.name keeps them.
 * E_NOT_FOUND names the nearest built-in. E_PARSE has file, line, column. */
nas_status nas_hw_open(nas_hw **out, const char *name_or_path) NAS_MUST_USE;
void nas_hw_free(nas_hw *h);
const nas_hw_info *nas_hw_info_of(const nas_hw *h);
/* Names of the built-in device files, sorted; NULL behind the last. The calling thread's. */
const char *const *nas_hw_names(void);

typedef struct nas_estimate {
    double latency_s;
    double interval_s;    /* total: between the results of two batches that follow at once */
    double energy_j;      /* NAN: not modelled */
    double memory_bytes;  /* total: weights and peak activations; node: its output */
    double compute_s, memory_s, launch_s; /* the parts; latency = max(compute, memory) + launch */
    double dsp, bram18, lut; /* total: of an FPGA design for this network; otherwise NAN */
    const char *binds;    /* what limits it: "compute", "memory", "launch", "dsp", "bram18", "lut"; static */
    int64_t macs, flops, bytes;
} nas_estimate;

/* Prices an inference graph (nas_graph_inference: one node, one kernel) at its own batch size.
 * per_node: nas_graph_count elements, or NULL; leaves and reshapes are 0. A network that does not fit
 * the device (its memory, or an FPGA's resources) is E_TOO_BIG with both numbers. */
nas_status nas_hw_estimate(nas_estimate *total, nas_estimate *per_node, const nas_hw *h, const nas_graph *inference) NAS_MUST_USE;

/* Appends what the model chose for this network, for people: an FPGA's tiling or folding, its resources
 * and its build options. Nothing where the model chooses nothing. */
nas_status nas_hw_explain(nas_text *out, const nas_hw *h, const nas_graph *inference) NAS_MUST_USE;

#ifdef __cplusplus
}
#endif
#endif
