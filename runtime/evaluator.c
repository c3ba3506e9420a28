/* runtime/evaluator.c - builds, loads and runs the inference form of a network. */
#include "evaluator.h"
#include "batch.h"
#include "train.h"

#include <math.h>
#include <string.h>

static nas_status append_outputs(nas_evaluator *e) {
    nas_graph *g = e->inference.graph;
    nas_value logits = nas_graph_output(g);
    const nas_shape *s = nas_graph_shape(g, logits);
    if (s->rank != 2 || s->dim[0] != e->batch)
        return nas_fail(NAS_E_SHAPE, "the network's output is no [batch, classes]");
    e->classes = s->dim[1];
    const nas_attr attr = {.leaf = {.shape = NAS_SHAPE(e->batch)}};
    NAS_TRY(nas_graph_leaf(&e->labels, g, NAS_OP_INPUT, "labels", &attr));
    NAS_TRY(nas_softmax(&e->probability, g, logits));
    NAS_TRY(nas_cross_entropy(&e->loss, g, logits, e->labels, 0));
    return nas_correct(&e->correct, g, logits, e->labels);
}

nas_status nas_evaluator_build(nas_evaluator *e, const nas_graph *model, int32_t batch) {
    nas_status st = NAS_OK;
    nas_graph *g = NULL;
    e->batch = batch;
    NAS_TRY(nas_graph_rebatch(&g, model, batch));
    NAS_GO(nas_graph_inference(&e->inference, g));
    e->x = nas_graph_find(e->inference.graph, "x");
    if (!nas_value_ok(e->x))
        NAS_GO(nas_fail(NAS_E_GRAPH, "the network has no input x"));
    NAS_GO(append_outputs(e));
done:
    nas_graph_free(g);
    return st;
}

nas_status nas_evaluator_bytes(uint64_t *bytes, const nas_evaluator *e, nas_device *d) {
    const nas_value keep[] = {e->loss, e->correct, e->probability};
    nas_memory_plan plan;
    NAS_TRY(nas_exec_plan(&plan, d, e->inference.graph, keep, 3, NULL, 0));
    *bytes = plan.leaf_bytes + plan.activation_bytes + plan.scratch_bytes;
    return NAS_OK;
}

nas_status nas_evaluator_start(nas_evaluator *e, nas_device *d) {
    const nas_value keep[] = {e->loss, e->correct, e->probability};
    e->device = d;
    NAS_TRY(nas_exec_create(&e->exec, d, e->inference.graph, keep, 3, NULL, 0));
    NAS_TRY(nas_exec_init(e->exec, 0)); /* constants; the weights come with the model */
    return nas_buffer_fill(nas_exec_buffer(e->exec, e->labels), 0, 0, (size_t)e->batch);
}

void nas_evaluator_free(nas_evaluator *e) {
    nas_exec_free(e->exec);
    if (e->inference.graph != NULL)
        nas_inference_free(&e->inference);
    *e = (nas_evaluator){0};
}

/* ---- weights ---- */

static nas_status find_tensor(const nas_tensor **out, const nas_tensors *t, const char *name,
                              size_t count) {
    const nas_tensor *x = nas_tensors_find(t, name);
    if (x == NULL || x->type != NAS_TENSOR_F32)
        return nas_fail(NAS_E_DATA, "the model has no tensor %s", name);
    if (nas_tensor_count(x) != count)
        return nas_fail(NAS_E_DATA, "tensor %s has %zu elements, but the network needs %zu", name,
                        nas_tensor_count(x), count);
    *out = x;
    return NAS_OK;
}

/* f[k] = gamma[k] / sqrt(var[k] + eps); see nas_fold for what is done with it. */
static double fold_factor(const float *gamma, const float *stats, size_t channels, size_t k,
                          float eps) {
    return gamma[k] / sqrt((double)stats[channels + k] + eps);
}

static nas_status fold_weight(float *out, const nas_tensors *t, const nas_fold *f, size_t count,
                              size_t channels) {
    const nas_tensor *w, *gamma, *stats;
    NAS_TRY(find_tensor(&w, t, f->w, count));
    NAS_TRY(find_tensor(&gamma, t, f->gamma, channels));
    NAS_TRY(find_tensor(&stats, t, f->stats, 2 * channels));
    for (size_t i = 0; i < count; i++)
        out[i] = (float)(((const float *)w->data)[i] *
                         fold_factor(gamma->data, stats->data, channels, i % channels, f->eps));
    return NAS_OK;
}

static nas_status fold_bias(float *out, const nas_tensors *t, const nas_fold *f, size_t channels) {
    const nas_tensor *b = NULL, *beta, *gamma, *stats;
    if (f->b[0] != '\0')
        NAS_TRY(find_tensor(&b, t, f->b, channels));
    NAS_TRY(find_tensor(&beta, t, f->beta, channels));
    NAS_TRY(find_tensor(&gamma, t, f->gamma, channels));
    NAS_TRY(find_tensor(&stats, t, f->stats, 2 * channels));
    for (size_t k = 0; k < channels; k++) {
        double bias = b != NULL ? ((const float *)b->data)[k] : 0;
        double mean = ((const float *)stats->data)[k];
        double factor = fold_factor(gamma->data, stats->data, channels, k, f->eps);
        out[k] = (float)(((const float *)beta->data)[k] + (bias - mean) * factor);
    }
    return NAS_OK;
}

static nas_status leaf_values(float *out, const nas_evaluator *e, const nas_tensors *t,
                              nas_value v) {
    const nas_inference *inf = &e->inference;
    const char *name = nas_graph_name(inf->graph, v);
    const nas_shape *s = nas_graph_shape(inf->graph, v);
    size_t count = (size_t)nas_shape_count(s);
    size_t channels = s->rank > 0 ? (size_t)s->dim[s->rank - 1] : 1;
    const nas_tensor *x;
    for (uint32_t i = 0; i < inf->n_folds; i++) {
        if (strcmp(inf->fold[i].weight, name) == 0)
            return fold_weight(out, t, &inf->fold[i], count, channels);
        if (strcmp(inf->fold[i].bias, name) == 0)
            return fold_bias(out, t, &inf->fold[i], count);
    }
    NAS_TRY(find_tensor(&x, t, name, count));
    memcpy(out, x->data, count * sizeof *out);
    return NAS_OK;
}

nas_status nas_evaluator_load(nas_evaluator *e, const nas_tensors *weights) {
    nas_status st = NAS_OK;
    const nas_graph *g = e->inference.graph;
    float *values = NULL;
    size_t cap = 0;
    for (uint32_t i = 0; i < nas_graph_count(g); i++) {
        nas_value v = {i};
        nas_op op = nas_graph_node(g, v)->op;
        size_t count = (size_t)nas_shape_count(nas_graph_shape(g, v));
        if (op != NAS_OP_PARAM && op != NAS_OP_STATE)
            continue;
        NAS_GO(nas_grow(&values, &cap, count, sizeof *values));
        NAS_GO(leaf_values(values, e, weights, v));
        NAS_GO(nas_exec_write(e->exec, v, values, count));
    }
done:
    nas_free(values);
    return st;
}

/* ---- running ---- */

static nas_status run_batches(nas_evaluator *e, nas_feed *feed, nas_metrics *sums,
                              const volatile int *stop) {
    nas_buffer *x = nas_exec_buffer(e->exec, e->x), *labels = nas_exec_buffer(e->exec, e->labels);
    nas_buffer *loss = nas_exec_buffer(e->exec, e->loss);
    nas_buffer *correct = nas_exec_buffer(e->exec, e->correct);
    for (uint32_t b = 0; b < nas_feed_batches(feed); b++) {
        uint32_t valid;
        if (stop != NULL && *stop)
            return nas_fail(NAS_E_STOPPED, "evaluation stopped at batch %u of %u", b + 1,
                            nas_feed_batches(feed));
        NAS_TRY(nas_feed_next(feed, x, labels, &valid));
        NAS_TRY(nas_exec_run(e->exec));
        NAS_TRY(nas_metrics_add(sums, b, loss, correct, valid));
        NAS_TRY(nas_device_flush(e->device));
    }
    return NAS_OK;
}

nas_status nas_evaluator_run(nas_eval_result *out, nas_evaluator *e, const nas_dataset *data,
                             const uint32_t *index, uint32_t n, const float mean[4],
                             const float std[4], const volatile int *stop) {
    nas_status st = NAS_OK;
    nas_feed *feed = NULL;
    nas_metrics sums = {0};
    int64_t bad;
    nas_feed_options o = {
        .data = data, .index = index, .n = n, .batch = (uint32_t)e->batch, .partial = true};
    memcpy(o.mean, mean, sizeof o.mean);
    memcpy(o.std, std, sizeof o.std);
    NAS_TRY(nas_feed_check(data, nas_graph_shape(e->inference.graph, e->x)));
    NAS_GO(nas_feed_create(&feed, e->device, &o));
    NAS_GO(nas_metrics_create(&sums, e->device, nas_feed_batches(feed)));
    NAS_GO(nas_feed_begin(feed, NULL, 0));
    NAS_GO(run_batches(e, feed, &sums, stop));
    NAS_GO(nas_metrics_read(&sums, nas_feed_batches(feed), &bad));
    if (bad >= 0)
        NAS_GO(nas_fail(NAS_E_NAN, "the loss of evaluation batch %lld is not finite",
                        (long long)bad + 1));
    *out = (nas_eval_result){.accuracy = sums.correct / n, .loss = sums.loss / n, .images = n};
done:
    nas_metrics_free(&sums);
    nas_feed_free(feed);
    return st;
}
