/* cli/cost.h - one `clnas cost`, between the file that prices and the one that draws. */
#ifndef NAS_CLI_COST_H
#define NAS_CLI_COST_H

#include "cli.h"

enum { MAX_DEVICES = 64, MOST_COLUMNS = 6, WHY_TEXT = 200 };

/* One device's prices of the network. */
typedef struct cost_row {
    char device[128];
    const char *source;     /* of the latency: "modelled" or "measured" */
    char energy_source[48]; /* "modelled", "measured(nvml)"; "": there is no energy */
    double peak_flops, bandwidth, cache_bandwidth; /* of the device; 0: not known */
    bool fits;
    char why[WHY_TEXT]; /* it does not fit */
    nas_estimate total;
    nas_estimate *node; /* one a node of the inference graph */
} cost_row;

typedef struct cost_job {
    nas_graph *model;
    nas_inference inf;
    cli_costs costs;
    int32_t batch;
    const nas_graph *graph; /* whose nodes are priced: of inference, or of a training step */
    nas_training step;      /* --training; graph NULL: inference */
    cost_row row[MAX_DEVICES];
    int n;
    nas_text chosen; /* what models chose for this network */
} cost_job;

/* A kernel; leaves and views cost nothing. */
bool cost_is_kernel(const nas_graph *g, uint32_t id);
void cost_layer_name(char *buf, size_t size, const nas_graph *g, uint32_t id);

/* cost_draw.c: PREFIX-layers.png, PREFIX-network.png, and PREFIX-roofline.png where a device has
 * roofs. */
nas_status cost_draw(const cost_job *j, const char *prefix, const char *net);

#endif
