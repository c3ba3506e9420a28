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

/* calibrate_draw.c: predicted against measured seconds. */
nas_status calibrate_draw(const calibration *c, const double *predicted, const double *measured,
                          uint32_t n);

#endif
