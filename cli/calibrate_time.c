/* cli/calibrate_time.c - times kernels and runs for a calibration. */
#include "calibrate.h"

#include <math.h>
#include <stdlib.h>

enum { WARM_UP = 2, LEAST = 5, MOST = 40 };
static const double enough_seconds = 0.015; /* of runs, and of profiled runs */

/* The mean of the middle half: n >= 4. Sorts v. */
static double quartile_mean(double *v, size_t n) {
    double sum = 0;
    qsort(v, n, sizeof *v, nas_by_value);
    for (size_t i = n / 4; i < n - n / 4; i++)
        sum += v[i];
    return sum / (double)(n - 2 * (n / 4));
}

static nas_status time_whole(double *whole_s, nas_exec *e, const nas_graph *g) {
    nas_value y = nas_graph_output(g);
    size_t count = (size_t)nas_shape_count(nas_graph_shape(g, y)), n = 0;
    double s[MOST];
    float *result = nas_malloc(count * sizeof *result);
    nas_status st = NAS_OK;
    if (!result)
        return nas_fail_memory(count * sizeof *result);
    for (double start = nas_clock();
         n < MOST && (n < LEAST || nas_clock() - start < enough_seconds); n++) {
        double from = nas_clock();
        NAS_GO(nas_exec_run(e));
        NAS_GO(nas_exec_read(e, y, result, count));
        s[n] = nas_clock() - from;
    }
    *whole_s = quartile_mean(s, n);
done:
    nas_free(result);
    return st;
}

static nas_status time_nodes(double *node, nas_exec *e, uint32_t count) {
    double one[MOST], *s = nas_calloc((size_t)count * MOST, sizeof *s);
    size_t n = 0;
    nas_status st = NAS_OK;
    if (!s)
        return nas_fail_memory((size_t)count * MOST * sizeof *s);
    for (double start = nas_clock();
         n < MOST && (n < LEAST || nas_clock() - start < enough_seconds); n++)
        NAS_GO(nas_exec_profile(e, s + n * count, count));
    for (uint32_t i = 0; i < count; i++) {
        for (size_t k = 0; k < n; k++)
            one[k] = s[k * count + i];
        node[i] = quartile_mean(one, n);
    }
done:
    nas_free(s);
    return st;
}

nas_status calibrate_time(double *whole_s, double *node, nas_device *d, const nas_graph *g) {
    nas_exec *e = NULL;
    nas_value y = nas_graph_output(g);
    nas_status st;
    NAS_GO(nas_exec_create(&e, d, g, &y, 1, NULL, 0));
    NAS_GO(nas_exec_init(e, 0));
    NAS_GO(nas_exec_noise(e));
    for (int i = 0; i < WARM_UP; i++)
        NAS_GO(nas_exec_run(e));
    NAS_GO(nas_exec_wait(e));
    NAS_GO(time_whole(whole_s, e, g));
    if (node)
        NAS_GO(time_nodes(node, e, nas_graph_count(g)));
done:
    nas_exec_free(e);
    return st;
}

/* y = a + b of n numbers each. */
static nas_status addition(nas_graph **out, int32_t n) {
    nas_graph *g = NULL;
    nas_value a, b, y;
    nas_attr leaf = {.leaf = {.shape = NAS_SHAPE(n / 64, 64)}};
    nas_status st;
    NAS_GO(nas_graph_create(&g));
    NAS_GO(nas_graph_leaf(&a, g, NAS_OP_INPUT, "a", &leaf));
    NAS_GO(nas_graph_leaf(&b, g, NAS_OP_INPUT, "b", &leaf));
    NAS_GO(nas_add(&y, g, a, b));
    nas_graph_set_output(g, y);
    *out = g;
    return NAS_OK;
done:
    nas_graph_free(g);
    return st;
}

nas_status calibrate_cache(double *bytes_per_s, nas_device *d, double cache_bytes) {
    static const double shares[] = {0.4, 0.4 / 3, 0.4 / 9};
    double most = 0;
    for (size_t i = 0; i < sizeof shares / sizeof *shares; i++) {
        int32_t n = (int32_t)fmin(cache_bytes * shares[i] / (3 * sizeof(float)), 1 << 24) / 64 * 64;
        nas_graph *g = NULL;
        double whole, node[3];
        if (n < 4096)
            break;
        NAS_TRY(addition(&g, n));
        nas_status st = calibrate_time(&whole, node, d, g);
        nas_graph_free(g);
        NAS_TRY(st);
        if (node[2] > 0)
            most = fmax(most, 3.0 * n * sizeof(float) / node[2]);
    }
    *bytes_per_s = most;
    return NAS_OK;
}
