/* runtime/trainer.c - trains a network epoch by epoch, and evaluates it. */
#include "trainer.h"

#include <string.h>

/* ---- creation ---- */

static nas_feed_options feed_options(const nas_trainer *t, bool resident) {
    const nas_trainer_options *o = &t->o;
    nas_feed_options f = {.data = o->data,
                          .index = o->train,
                          .n = o->n_train,
                          .batch = (uint32_t)t->batch,
                          .resident = resident,
                          .flip = o->config.flip,
                          .crop_pad = o->config.crop_pad,
                          .cutout = o->config.cutout,
                          .seed = o->config.seed};
    memcpy(f.mean, o->mean, sizeof f.mean);
    memcpy(f.std, o->std, sizeof f.std);
    return f;
}

static nas_status build_graphs(nas_trainer *t, const nas_graph *model) {
    const nas_train_config *c = &t->o.config;
    const nas_data_info *info = nas_data_info_of(t->o.data);
    nas_value x = nas_graph_find(model, "x");
    const nas_shape *logits = nas_graph_shape(model, nas_graph_output(model));
    if (!nas_value_ok(x))
        return nas_fail(NAS_E_GRAPH, "the network has no input x");
    NAS_TRY(nas_feed_check(t->o.data, nas_graph_shape(model, x)));
    if (logits->rank != 2 || logits->dim[1] != info->classes)
        return nas_fail(NAS_E_SHAPE, "the network tells %d classes apart, but %s has %d",
                        logits->rank == 2 ? logits->dim[1] : 0, nas_data_path(t->o.data),
                        info->classes);
    t->model_hash = nas_graph_hash(model);
    NAS_TRY(nas_graph_rebatch(&t->model, model, t->batch));
    const nas_training_options o = {.smoothing = (float)c->label_smoothing};
    NAS_TRY(nas_graph_training(&t->training, t->model, &o));
    return nas_evaluator_build(&t->evaluator, t->model, t->batch);
}

/* Everything is counted before anything is allocated. *resident: the images fit as well. */
static nas_status plan_memory(nas_trainer *t, bool *resident) {
    const nas_device_info *info = nas_device_info_of(t->device);
    const nas_value keep[] = {t->training.loss, t->training.correct};
    nas_memory_plan plan;
    uint64_t evaluator;
    NAS_TRY(nas_exec_plan(&plan, t->device, t->training.graph, keep, 2, t->training.grad,
                          t->training.n_params));
    NAS_TRY(nas_evaluator_bytes(&evaluator, &t->evaluator, t->device));
    nas_feed_options streamed = feed_options(t, false), kept = feed_options(t, true);
    t->bytes = plan.leaf_bytes + plan.activation_bytes + plan.scratch_bytes + evaluator +
               nas_optim_bytes(plan.param_elements, t->device, &t->o.config) +
               nas_metrics_bytes(t->device, t->steps_per_epoch) + nas_feed_bytes(&streamed);
    if (t->bytes > info->memory_bytes)
        return nas_fail(NAS_E_TOO_BIG, "training at batch %d needs %.1f MiB, but %s has %.1f MiB",
                        t->batch, (double)t->bytes / 1048576, info->name,
                        (double)info->memory_bytes / 1048576);
    uint64_t extra = nas_feed_bytes(&kept) - nas_feed_bytes(&streamed);
    uint64_t limit = t->o.resident_limit != 0 ? t->o.resident_limit : info->memory_bytes / 4;
    uint64_t images = nas_feed_bytes(&kept);
    *resident = images <= limit && images <= info->max_alloc_bytes &&
                t->bytes + extra <= info->memory_bytes;
    t->bytes += *resident ? extra : 0;
    return NAS_OK;
}

static nas_status start(nas_trainer *t, bool resident) {
    const nas_value keep[] = {t->training.loss, t->training.correct};
    const nas_train_config *c = &t->o.config;
    NAS_TRY(nas_exec_create(&t->exec, t->device, t->training.graph, keep, 2, t->training.grad,
                            t->training.n_params));
    NAS_TRY(nas_exec_init(t->exec, c->seed));
    nas_param_block block = nas_exec_params(t->exec);
    NAS_TRY(nas_optim_create(&t->optim, t->device, &block, c));
    nas_feed_options f = feed_options(t, resident);
    NAS_TRY(nas_feed_create(&t->feed, t->device, &f));
    NAS_TRY(nas_metrics_create(&t->sums, t->device, t->steps_per_epoch));
    return nas_evaluator_start(&t->evaluator, t->device);
}

nas_status nas_trainer_create(nas_trainer **out, nas_device *d, const nas_graph *model,
                              const nas_trainer_options *o) {
    nas_status st = NAS_OK;
    bool resident = false;
    const nas_data_info *info = nas_data_info_of(o->data);
    NAS_TRY(nas_train_config_check(&o->config));
    NAS_TRY(nas_train_config_fits(&o->config, info->height, info->width));
    if (o->n_train == 0)
        return nas_fail(NAS_E_ARG, "there are no images to train on");
    nas_trainer *t = nas_calloc(1, sizeof *t);
    if (t == NULL)
        return nas_fail_memory(sizeof *t);
    t->device = d;
    t->o = *o;
    t->batch = (uint32_t)o->config.batch > o->n_train ? (int32_t)o->n_train : o->config.batch;
    t->steps_per_epoch = o->n_train / (uint32_t)t->batch;
    t->order = nas_malloc(o->n_train * sizeof *t->order);
    if (t->order == NULL)
        NAS_GO(nas_fail_memory(o->n_train * sizeof *t->order));
    NAS_GO(build_graphs(t, model));
    NAS_GO(plan_memory(t, &resident));
    NAS_GO(start(t, resident));
    *out = t;
    t = NULL;
done:
    nas_trainer_free(t);
    return st;
}

void nas_trainer_free(nas_trainer *t) {
    if (t == NULL)
        return;
    nas_evaluator_free(&t->evaluator);
    nas_metrics_free(&t->sums);
    nas_feed_free(t->feed);
    nas_optim_free(t->optim);
    nas_exec_free(t->exec);
    if (t->training.graph != NULL)
        nas_training_free(&t->training);
    nas_graph_free(t->model);
    nas_free(t->order);
    nas_free(t);
}

uint64_t nas_trainer_bytes(const nas_trainer *t) {
    return t->bytes;
}

int32_t nas_trainer_epochs_done(const nas_trainer *t) {
    return t->epochs_done;
}

/* ---- an epoch ---- */

typedef struct pace { /* when to look at the sums next: about twice a second */
    double started, looked;
    int64_t next;
} pace;

static nas_status step_once(nas_trainer *t, int64_t step_of_epoch) {
    const nas_train_config *c = &t->o.config;
    const nas_training *g = &t->training;
    int64_t step = (int64_t)t->epochs_done * t->steps_per_epoch + step_of_epoch;
    uint32_t valid;
    NAS_TRY(nas_feed_next(t->feed, nas_exec_buffer(t->exec, g->x),
                          nas_exec_buffer(t->exec, g->labels), &valid));
    if (nas_value_ok(g->seed)) {
        uint64_t seed = nas_mix64(nas_mix64(c->seed) + (uint64_t)step) & 0xffffff;
        NAS_TRY(nas_buffer_fill(nas_exec_buffer(t->exec, g->seed), 0, (double)seed, 1));
    }
    NAS_TRY(nas_exec_run(t->exec));
    NAS_TRY(nas_optim_step(t->optim, nas_lr_at(c, step, t->steps_per_epoch), step + 1));
    NAS_TRY(nas_metrics_add(&t->sums, step_of_epoch, nas_exec_buffer(t->exec, g->loss),
                            nas_exec_buffer(t->exec, g->correct), valid));
    return nas_device_flush(t->device);
}

/* Reads the sums up to step `done` of the epoch, checks them and tells the progress. Reading waits
 * for the device, which also bounds how far the host runs ahead of it. */
static nas_status look(nas_trainer *t, pace *p, int64_t done) {
    int64_t bad;
    NAS_TRY(nas_metrics_read(&t->sums, done, &bad));
    if (bad >= 0)
        return nas_fail(
            NAS_E_NAN,
            "the loss is not finite at step %lld (epoch %d, learning rate "
            "%g)",
            (long long)(t->epochs_done * t->steps_per_epoch + bad + 1), t->epochs_done + 1,
            nas_lr_at(&t->o.config, t->epochs_done * t->steps_per_epoch + bad, t->steps_per_epoch));
    double now = nas_clock(), images = (double)done * t->batch;
    double step_s = (now - p->started) / (double)done;
    double ahead = step_s > 0 ? 0.5 / step_s : 1;
    p->next = done + (ahead < 1 ? 1 : ahead > 1e6 ? 1000000 : (int64_t)ahead);
    if (t->o.progress != NULL && (now - p->looked >= 0.4 || done == t->steps_per_epoch)) {
        const nas_progress told = {.epoch = t->epochs_done + 1,
                                   .epochs = t->o.config.epochs,
                                   .image = done * t->batch,
                                   .images = t->steps_per_epoch * t->batch,
                                   .loss = t->sums.loss / images,
                                   .accuracy = t->sums.correct / images,
                                   .images_per_s = images / (now - p->started + 1e-9)};
        p->looked = now;
        t->o.progress(t->o.progress_ctx, &told);
    }
    return NAS_OK;
}

nas_status nas_trainer_epoch(nas_trainer *t, nas_eval_result *train) {
    if (t->epochs_done >= t->o.config.epochs)
        return nas_fail(NAS_E_ARG, "all %d epochs are done", t->o.config.epochs);
    if (t->midway)
        return nas_fail(NAS_E_ARG, "epoch %d ended midway: restore a checkpoint first",
                        t->epochs_done + 1);
    uint64_t epoch = (uint64_t)t->epochs_done;
    nas_rng rng = nas_rng_stream(t->o.config.seed, "shuffle", epoch);
    for (uint32_t i = 0; i < t->o.n_train; i++)
        t->order[i] = i;
    nas_rng_shuffle(&rng, t->order, t->o.n_train);
    NAS_TRY(nas_feed_begin(t->feed, t->order, epoch));
    nas_metrics_restart(&t->sums);
    t->midway = true;
    t->evaluator_current = false;
    double now = nas_clock();
    pace p = {.started = now, .looked = now, .next = 1};
    for (int64_t step = 0; step < t->steps_per_epoch; step++) {
        if (t->o.stop != NULL && *t->o.stop)
            return nas_fail(NAS_E_STOPPED, "training stopped in epoch %d at step %lld of %lld",
                            t->epochs_done + 1, (long long)step + 1, (long long)t->steps_per_epoch);
        NAS_TRY(step_once(t, step));
        if (step + 1 >= p.next || step + 1 == t->steps_per_epoch)
            NAS_TRY(look(t, &p, step + 1));
    }
    uint32_t images = (uint32_t)(t->steps_per_epoch * t->batch);
    *train = (nas_eval_result){
        .accuracy = t->sums.correct / images, .loss = t->sums.loss / images, .images = images};
    t->epochs_done++;
    t->midway = false;
    return NAS_OK;
}

/* ---- evaluation and reading ---- */

nas_status nas_trainer_evaluate(nas_eval_result *out, nas_trainer *t, const uint32_t *index,
                                uint32_t n) {
    nas_status st = NAS_OK;
    nas_tensors weights = {0};
    if (!t->evaluator_current) {
        NAS_GO(nas_trainer_snapshot(&weights, t));
        NAS_GO(nas_evaluator_load(&t->evaluator, &weights));
        t->evaluator_current = true;
    }
    NAS_GO(
        nas_evaluator_run(out, &t->evaluator, t->o.data, index, n, t->o.mean, t->o.std, t->o.stop));
done:
    nas_tensors_free(&weights);
    return st;
}

nas_leaf_place nas_trainer_leaf(nas_trainer *t, const char *name) {
    const nas_graph *g = t->training.graph;
    nas_leaf_place p = {.value = nas_graph_find(g, name)};
    if (!nas_value_ok(p.value))
        return p;
    nas_op op = nas_graph_node(g, p.value)->op;
    if (op != NAS_OP_PARAM && op != NAS_OP_STATE) {
        p.value = NAS_NO_VALUE;
        return p;
    }
    p.is_param = op == NAS_OP_PARAM;
    p.shape = *nas_graph_shape(g, p.value);
    p.count = (size_t)nas_shape_count(&p.shape);
    p.buffer = p.is_param ? nas_exec_params(t->exec).params : nas_exec_buffer(t->exec, p.value);
    p.offset = p.is_param ? nas_exec_param_offset(t->exec, p.value) : 0;
    return p;
}

nas_status nas_trainer_read(float *out, nas_trainer *t, const char *leaf, size_t count) {
    nas_leaf_place p = nas_trainer_leaf(t, leaf);
    if (!nas_value_ok(p.value))
        return nas_fail(NAS_E_NOT_FOUND, "the network has no param or state %s", leaf);
    if (p.count != count)
        return nas_fail(NAS_E_ARG, "%s has %zu elements, not %zu", leaf, p.count, count);
    return nas_buffer_read(p.buffer, p.offset, out, count);
}

nas_status nas_trainer_snapshot(nas_tensors *out, nas_trainer *t) {
    for (uint32_t i = 0; i < nas_graph_count(t->model); i++) {
        nas_value v = {i};
        nas_op op = nas_graph_node(t->model, v)->op;
        const char *name = nas_graph_name(t->model, v);
        void *data;
        if (op != NAS_OP_PARAM && op != NAS_OP_STATE)
            continue;
        nas_leaf_place p = nas_trainer_leaf(t, name);
        if (!nas_value_ok(p.value))
            return nas_fail(NAS_E_NOT_FOUND, "the training graph lacks %s", name);
        NAS_TRY(nas_tensors_add(&data, out, name, NAS_TENSOR_F32, &p.shape));
        NAS_TRY(nas_buffer_read(p.buffer, p.offset, data, p.count));
    }
    return NAS_OK;
}
