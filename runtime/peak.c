/* runtime/peak.c - measures what a device can do at most: multiply-adds and copies a second. */
#include "device.h"

#include <stdlib.h>

enum { REPEATS = 7, COPY_BYTES = 64 << 20 };

typedef struct trial {
    const char *kernel;
    size_t global;
    const nas_arg *args;
    uint32_t n_args;
} trial;

/* Median seconds of a launch, waited for; the first one, which may compile, is not counted. */
static nas_status median_seconds(double *out, nas_device *d, const trial *t) {
    double seconds[REPEATS];
    for (int i = -1; i < REPEATS; i++) {
        double start = nas_clock();
        NAS_TRY(nas_device_launch(d, "peak.cl", t->kernel, (size_t[3]){t->global, 1, 1},
                                  (size_t[3]){1, 1, 1}, t->args, t->n_args));
        NAS_TRY(nas_device_finish(d));
        if (i >= 0)
            seconds[i] = nas_clock() - start;
    }
    qsort(seconds, REPEATS, sizeof *seconds, nas_by_value);
    *out = nas_quantile(seconds, REPEATS, 0.5);
    return NAS_OK;
}

/* Doubles the work until a launch takes 20 ms: its overhead no longer matters, no watchdog barks.
 */
static nas_status measure_flops(double *out, nas_device *d, nas_buffer *y) {
    bool cpu = d->tile.vw > 4 || d->info.type[0] == 'c';
    int32_t items = (int32_t)d->info.compute_units * (cpu ? 4 : 2048);
    items = (size_t)items * (size_t)d->tile.vw <= nas_buffer_count(y)
                ? items
                : (int32_t)(nas_buffer_count(y) / (size_t)d->tile.vw);
    double seconds = 0;
    int32_t rounds = 1024;
    for (;; rounds *= 2) {
        nas_arg args[] = {NAS_ARG_I(items), NAS_ARG_I(rounds), NAS_ARG_F(0.999f), NAS_ARG_F(1e-3f),
                          NAS_ARG_B(y)};
        NAS_TRY(median_seconds(&seconds, d, &(trial){"peak_fma", (size_t)items, args, 5}));
        if (seconds > 0.02 || rounds > 1 << 24)
            break;
    }
    *out = 2.0 * d->tile.mr * d->tile.nv * d->tile.vw * rounds * items / seconds;
    return NAS_OK;
}

static nas_status measure_copy(double *out, nas_device *d, nas_buffer *x, nas_buffer *y) {
    size_t count = nas_buffer_count(x);
    nas_arg args[] = {NAS_ARG_I(count), NAS_ARG_B(x), NAS_ARG_B(y)};
    double seconds = 0;
    NAS_TRY(
        median_seconds(&seconds, d, &(trial){"peak_copy", count / (size_t)d->tile.vw, args, 3}));
    *out = 2.0 * 4 * (double)count / seconds;
    return NAS_OK;
}

nas_status nas_device_peak(double *flops, double *bytes_per_s, nas_device *d) {
    nas_status st = NAS_OK;
    nas_buffer *x = NULL, *y = NULL;
    if (!d->ref && d->peak_flops == 0) {
        size_t bytes = d->info.max_alloc_bytes < COPY_BYTES ? d->info.max_alloc_bytes : COPY_BYTES;
        NAS_GO(nas_buffer_create(&x, d, NAS_F32, bytes / 4));
        NAS_GO(nas_buffer_create(&y, d, NAS_F32, bytes / 4));
        NAS_GO(nas_buffer_fill(x, 0, 1.0, bytes / 4));
        NAS_GO(measure_copy(&d->peak_bytes, d, x, y));
        NAS_GO(measure_flops(&d->peak_flops, d, y));
    }
    *flops = d->peak_flops;
    *bytes_per_s = d->peak_bytes;
done:
    nas_buffer_free(x);
    nas_buffer_free(y);
    return st;
}
