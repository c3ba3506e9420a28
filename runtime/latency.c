/* runtime/latency.c - measures how long a network takes on a device. */
#include <nas/runtime.h>

#include <stdlib.h>

enum { MIN_REPEATS = 7, MAX_REPEATS = 200, WARM_UP = 3 };
static const double min_seconds = 0.3;

typedef struct probe {
    nas_exec *exec;
    nas_value output;
    size_t count;
    float *result;
} probe;

static nas_status time_once(double *seconds, const probe *p) {
    double start = nas_clock();
    NAS_TRY(nas_exec_run(p->exec));
    NAS_TRY(nas_exec_read(p->exec, p->output, p->result, p->count));
    *seconds = nas_clock() - start;
    return NAS_OK;
}

static nas_status repeat(nas_latency *out, const probe *p) {
    double seconds[MAX_REPEATS], ignored;
    int32_t n = 0;
    for (int i = 0; i < WARM_UP; i++)
        NAS_TRY(time_once(&ignored, p));
    double start = nas_clock();
    while (n < MAX_REPEATS && (n < MIN_REPEATS || nas_clock() - start < min_seconds)) {
        NAS_TRY(time_once(&seconds[n], p));
        n++;
    }
    qsort(seconds, (size_t)n, sizeof *seconds, nas_by_value);
    out->median_s = nas_quantile(seconds, (size_t)n, 0.5);
    out->q1_s = nas_quantile(seconds, (size_t)n, 0.25);
    out->q3_s = nas_quantile(seconds, (size_t)n, 0.75);
    out->repeats = n;
    return NAS_OK;
}

nas_status nas_measure_latency(nas_latency *out, nas_device *d, const nas_graph *model,
                               int32_t batch) {
    nas_status st = NAS_OK;
    nas_graph *g = NULL;
    nas_inference inference = {0};
    probe p = {0};
    nas_latency result = {.batch = batch};
    if (batch < 1)
        return nas_fail(NAS_E_ARG, "batch %d", batch);
    NAS_TRY(nas_graph_rebatch(&g, model, batch));
    NAS_GO(nas_graph_inference(&inference, g));
    p.output = nas_graph_output(inference.graph);
    p.count = (size_t)nas_shape_count(nas_graph_shape(inference.graph, p.output));
    p.result = nas_malloc(p.count * sizeof *p.result);
    if (p.result == NULL)
        NAS_GO(nas_fail_memory(p.count * sizeof *p.result));
    NAS_GO(nas_exec_create(&p.exec, d, inference.graph, &p.output, 1, NULL, 0));
    NAS_GO(nas_exec_init(p.exec, 0));
    NAS_GO(nas_exec_noise(p.exec));
    NAS_GO(repeat(&result, &p));
    *out = result;
done:
    nas_exec_free(p.exec);
    nas_free(p.result);
    if (inference.graph != NULL)
        nas_inference_free(&inference);
    nas_graph_free(g);
    return st;
}
