/* cli/bench.h - what clnas bench measures, and the rows it prints. */
#ifndef CLI_BENCH_H
#define CLI_BENCH_H

#include "cli.h"

typedef struct bench_row { /* one measured thing; numbers that do not apply are 0 */
    char name[64];         /* "gemm 512x512x512", "cnn-small" */
    char work[32];         /* family of a kernel, "train" or "infer" of a network, an op of one */
    int32_t batch;
    double seconds; /* median of one run */
    double flops, bytes;
    double images; /* of one run */
} bench_row;

typedef struct bench {
    nas_device *device;
    double peak_flops, peak_bytes; /* measured in this run */
    bench_row *row;
    size_t n, cap;
} bench;

nas_status bench_add(bench *b, const bench_row *r) NAS_MUST_USE;

/* bench_kernels.c: every family of kernels on sizes that networks have. */
nas_status bench_kernels(bench *b) NAS_MUST_USE;
/* Median seconds of one run of g, whose inputs get noise; y is kept. */
nas_status bench_graph(double *seconds, nas_device *d, const nas_graph *g,
                       nas_value y) NAS_MUST_USE;

/* bench_nets.c: training steps and inference. word: a network file, or the name of a built-in one;
 * NULL: all of these. work: "train", "infer" or NULL for both. ops: adds what each op takes in a
 * training step. batch 0: the network's own. */
typedef struct bench_nets_options {
    const char *word, *work;
    bool ops;
    int32_t batch;
} bench_nets_options;
nas_status bench_nets(bench *b, const bench_nets_options *o) NAS_MUST_USE;

#endif
