/* runtime/measure.c - measures how long a whole training step takes on a device. */
#include "train.h"

#include <stdlib.h>

enum { MIN_STEPS = 7, MAX_STEPS = 200, WARM_UP = 2 };
static const double min_seconds = 1.0;

typedef struct probe {
    nas_device *device;
    nas_exec *exec;
    nas_optim *optim;
    nas_training graph;
} probe;

/* What nas_trainer does in a step, with the batch already there. */
static nas_status time_step(double *seconds, const probe *p, int64_t step, double lr) {
    double start = nas_clock();
    if (nas_value_ok(p->graph.seed))
        NAS_TRY(nas_buffer_fill(nas_exec_buffer(p->exec, p->graph.seed), 0, (double)step, 1));
    NAS_TRY(nas_exec_run(p->exec));
    NAS_TRY(nas_optim_step(p->optim, lr, step));
    NAS_TRY(nas_device_finish(p->device));
    *seconds = nas_clock() - start;
    return NAS_OK;
}

static nas_status repeat(nas_latency *out, const probe *p, double lr) {
    double seconds[MAX_STEPS], spent = 0;
    int32_t n = 0;
    for (int i = 0; i < WARM_UP; i++)
        NAS_TRY(time_step(&seconds[0], p, i + 1, lr));
    while (n < MAX_STEPS && (n < MIN_STEPS || spent < min_seconds)) {
        NAS_TRY(time_step(&seconds[n], p, n + WARM_UP + 1, lr));
        spent += seconds[n++];
    }
    qsort(seconds, (size_t)n, sizeof *seconds, nas_by_value);
    out->median_s = nas_quantile(seconds, (size_t)n, 0.5);
    out->q1_s = nas_quantile(seconds, (size_t)n, 0.25);
    out->q3_s = nas_quantile(seconds, (size_t)n, 0.75);
    out->repeats = n;
    return NAS_OK;
}

/* Noise for the images, classes in turn for the labels. */
static nas_status write_batch(nas_exec *e, const nas_training *t) {
    nas_status st = NAS_OK;
    const nas_shape *x = nas_graph_shape(t->graph, t->x);
    int32_t batch = x->dim[0], classes = nas_graph_shape(t->graph, t->logits)->dim[1];
    size_t count = (size_t)nas_shape_count(x);
    nas_rng rng = nas_rng_stream(0, "measure", 0);
    float *v = nas_malloc(count * sizeof *v);
    if (!v)
        return nas_fail_memory(count * sizeof *v);
    for (size_t i = 0; i < count; i++)
        v[i] = (float)nas_rng_normal(&rng);
    NAS_GO(nas_exec_write(e, t->x, v, count));
    for (int32_t i = 0; i < batch; i++)
        v[i] = (float)(i % classes);
    NAS_GO(nas_exec_write(e, t->labels, v, (size_t)batch));
done:
    nas_free(v);
    return st;
}

static nas_status probe_open(probe *p, nas_device *d, const nas_graph *model,
                             const nas_train_config *c) {
    nas_status st = NAS_OK;
    nas_graph *g = NULL;
    p->device = d;
    NAS_TRY(nas_train_config_check(c));
    NAS_TRY(nas_graph_rebatch(&g, model, c->batch));
    NAS_GO(nas_graph_training(&p->graph, g,
                              &(nas_training_options){.smoothing = (float)c->label_smoothing}));
    const nas_value keep[] = {p->graph.loss, p->graph.correct};
    NAS_GO(nas_exec_create(&p->exec, d, p->graph.graph, keep, 2, p->graph.grad, p->graph.n_params));
    NAS_GO(nas_exec_init(p->exec, c->seed));
    NAS_GO(write_batch(p->exec, &p->graph));
    nas_param_block block = nas_exec_params(p->exec);
    NAS_GO(nas_optim_create(&p->optim, d, &block, c));
done:
    nas_graph_free(g);
    return st;
}

static void probe_close(probe *p) {
    nas_optim_free(p->optim);
    nas_exec_free(p->exec);
    if (p->graph.graph)
        nas_training_free(&p->graph);
}

nas_status nas_measure_training(nas_latency *out, nas_device *d, const nas_graph *model,
                                const nas_train_config *c) {
    probe p = {.device = d};
    nas_latency result = {.batch = c->batch};
    nas_status st = probe_open(&p, d, model, c);
    if (st == NAS_OK)
        st = repeat(&result, &p, c->lr);
    if (st == NAS_OK)
        *out = result;
    probe_close(&p);
    return st;
}

nas_status nas_measure_rate(double *steps_per_s, nas_device *d, const nas_graph *model,
                            const nas_train_config *c, double seconds) {
    nas_status st = NAS_OK;
    probe p = {.device = d};
    double step, from, spent;
    int64_t n = 0;
    NAS_GO(probe_open(&p, d, model, c));
    NAS_GO(time_step(&step, &p, 1, c->lr)); /* compiles what is left to compile */
    from = nas_clock();
    do {
        NAS_GO(time_step(&step, &p, ++n + 1, c->lr));
        spent = nas_clock() - from;
    } while (spent < seconds);
    *steps_per_s = (double)n / spent;
done:
    probe_close(&p);
    return st;
}
