/* cli/calibrate.h - one calibration, between the file that learns and the one that draws. */
#ifndef NAS_CLI_CALIBRATE_H
#define NAS_CLI_CALIBRATE_H

#include "cli.h"

#include <nas/table.h>

typedef struct calibration {
    const char *path, *column, *out, *png; /* out, png: NULL when not wanted */
    double si;                             /* of the column's unit */
    const char *on;                        /* the prior that was asked for; NULL: is chosen */
    uint32_t samples, repeats;
    uint64_t seed;
    int32_t batch;
    nas_hw *prior; /* the first draw's */
    nas_space *space;
    nas_table *table;
    nas_expression *latency;
    nas_agreement fitted, macs, params; /* on the rows left out; means over the draws */
} calibration;

/* calibrate_draw.c: predicted against measured seconds; group: of each point, or NULL. */
nas_status calibrate_draw(const char *png, const char *subtitle, const double *predicted,
                          const double *measured, uint32_t n, const uint32_t *group,
                          const char *const *group_name, uint32_t n_groups);

/* calibrate_teach.c: appends small network number `index`, the same for the same seed. */
nas_status calibrate_teach(nas_text *yaml, uint64_t seed, uint32_t index);

/* calibrate_time.c: inter-quartile means over repeats, after warm-up: of every node by events (node
 * is NULL or has nas_graph_count elements), and of a run from its start to its result on the host.
 */
nas_status calibrate_time(double *whole_s, double *node, nas_device *d, const nas_graph *g);
/* Bytes a second of additions that fit a cache of this size. */
nas_status calibrate_cache(double *bytes_per_s, nas_device *d, double cache_bytes);

/* cmd_calibrate.c: sums up means over draws. */
void calibrate_add_agreement(nas_agreement *sum, const nas_agreement *a, double share);

/* calibrate_columns.c: the whole of `clnas calibrate --table --features`; an exit status. */
int calibrate_columns(cli_args *a);
/* calibrate_device.c: the whole of `clnas calibrate --device`; an exit status. */
int calibrate_device(cli_args *a);

#endif
