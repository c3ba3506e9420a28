/* runtime/energy.c - measures the energy of a network on a device that has a meter. */
#include <nas/energy.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { REPEATS = 3, WARM_UP = 3, MOST_WAITING = 16 };
static const double usual_seconds = 1;

static nas_status rest(double *watts, nas_meter *m, double seconds) {
    double joules, took;
    struct timespec wait = {(time_t)seconds, (long)((seconds - floor(seconds)) * 1e9)};
    NAS_TRY(nas_meter_start(m));
    nanosleep(&wait, NULL);
    NAS_TRY(nas_meter_stop(&joules, &took, m));
    *watts = took > 0 ? joules / took : 0;
    return NAS_OK;
}

/* Runs for so long; several are in flight, so that the device does not wait for the host. */
static nas_status runs(double *each, double *watts, nas_exec *e, nas_meter *m, double seconds) {
    double joules, took, start = nas_clock();
    int64_t n = 0;
    NAS_TRY(nas_meter_start(m));
    do {
        for (int i = 0; i < MOST_WAITING; i++, n++)
            NAS_TRY(nas_exec_run(e));
        NAS_TRY(nas_exec_wait(e));
    } while (nas_clock() - start < seconds);
    NAS_TRY(nas_meter_stop(&joules, &took, m));
    *each = joules / (double)n;
    *watts = took > 0 ? joules / took : 0;
    return NAS_OK;
}

static int by_value(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static nas_status measure(nas_energy *out, nas_exec *e, nas_meter *m, double seconds) {
    double each[REPEATS], watts = 0;
    for (int i = 0; i < WARM_UP; i++)
        NAS_TRY(nas_exec_run(e));
    NAS_TRY(nas_exec_wait(e));
    NAS_TRY(rest(&out->idle_w, m, seconds));
    for (int i = 0; i < REPEATS; i++) {
        NAS_TRY(runs(&each[i], &watts, e, m, seconds));
        out->busy_w += watts / REPEATS;
    }
    qsort(each, REPEATS, sizeof *each, by_value);
    out->least = each[0];
    out->joules = each[REPEATS / 2];
    out->most = each[REPEATS - 1];
    out->repeats = REPEATS;
    if (!(out->most > 0))
        return nas_fail(NAS_E_DATA, "%s: the meter stands still while the device works",
                        nas_meter_source(m));
    return NAS_OK;
}

nas_status nas_measure_energy(nas_energy *out, nas_device *d, const nas_graph *model, int32_t batch,
                              double seconds) {
    nas_meter *m = NULL;
    nas_graph *g = NULL;
    nas_inference inf = {0};
    nas_exec *e = NULL;
    nas_value y;
    nas_energy result = {0};
    nas_status st;
    NAS_TRY(nas_meter_open(&m, nas_device_info_of(d)));
    NAS_GO(nas_graph_rebatch(&g, model, batch));
    NAS_GO(nas_graph_inference(&inf, g));
    y = nas_graph_output(inf.graph);
    NAS_GO(nas_exec_create(&e, d, inf.graph, &y, 1, NULL, 0));
    NAS_GO(nas_exec_init(e, 0));
    NAS_GO(measure(&result, e, m, seconds > 0 ? seconds : usual_seconds));
    snprintf(result.source, sizeof result.source, "%s", nas_meter_source(m));
    *out = result;
done:
    nas_meter_free(m);
    nas_exec_free(e);
    nas_inference_free(&inf);
    nas_graph_free(g);
    return st;
}
