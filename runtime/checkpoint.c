/* runtime/checkpoint.c - saves a trainer as a model file, and sets a trainer back to one. */
#include "model.h"
#include "trainer.h"

#include <inttypes.h>
#include <string.h>

/* ---- values of one leaf or moment, in the device's own precision ---- */

/* float on OpenCL, double on the reference: what makes a resume exact. */
static nas_tensor_type native_type(const nas_trainer *t) {
    return nas_device_is_ref(t->device) ? NAS_TENSOR_F64 : NAS_TENSOR_F32;
}

static nas_status save_native(nas_tensors *out, const nas_trainer *t, const char *name,
                              const nas_leaf_place *p, nas_buffer *buffer) {
    void *data;
    NAS_TRY(nas_tensors_add(&data, out, name, native_type(t), &p->shape));
    if (native_type(t) == NAS_TENSOR_F32)
        return nas_buffer_read(buffer, p->offset, data, p->count);
    memcpy(data, (double *)nas_buffer_host(buffer) + p->offset, p->count * sizeof(double));
    return NAS_OK;
}

static double tensor_value(const nas_tensor *x, size_t i) {
    return x->type == NAS_TENSOR_F64 ? ((const double *)x->data)[i] : ((const float *)x->data)[i];
}

static nas_status load_native(const nas_tensor *x, const nas_trainer *t, const nas_leaf_place *p,
                              nas_buffer *buffer) {
    if (native_type(t) == NAS_TENSOR_F64) {
        double *to = (double *)nas_buffer_host(buffer) + p->offset;
        for (size_t i = 0; i < p->count; i++)
            to[i] = tensor_value(x, i);
        return NAS_OK;
    }
    if (x->type == NAS_TENSOR_F32)
        return nas_buffer_write(buffer, p->offset, x->data, p->count);
    float *values = nas_malloc(p->count * sizeof *values);
    if (values == NULL)
        return nas_fail_memory(p->count * sizeof *values);
    for (size_t i = 0; i < p->count; i++)
        values[i] = (float)tensor_value(x, i);
    nas_status st = nas_buffer_write(buffer, p->offset, values, p->count);
    nas_free(values);
    return st;
}

/* Name of what only a resume needs: the exact value of a leaf (moment -1) or one of its moments. */
static void resume_name(char *out, size_t n, const char *leaf, int moment) {
    if (moment < 0)
        snprintf(out, n, "resume.exact.%s", leaf);
    else
        snprintf(out, n, "resume.moment%d.%s", moment, leaf);
}
enum { NAME_MAX_BYTES = 512 };

/* ---- saving ---- */

static nas_status save_resume_tensors(nas_tensors *out, nas_trainer *t) {
    char name[NAME_MAX_BYTES];
    for (uint32_t i = 0; i < nas_graph_count(t->model); i++) {
        const char *leaf = nas_graph_name(t->model, (nas_value){i});
        nas_op op = nas_graph_node(t->model, (nas_value){i})->op;
        if (op != NAS_OP_PARAM && op != NAS_OP_STATE)
            continue;
        nas_leaf_place p = nas_trainer_leaf(t, leaf);
        resume_name(name, sizeof name, leaf, -1);
        if (native_type(t) != NAS_TENSOR_F32)
            NAS_TRY(save_native(out, t, name, &p, p.buffer));
        for (uint32_t k = 0; p.is_param && k < nas_optim_moments(t->optim); k++) {
            resume_name(name, sizeof name, leaf, (int)k);
            NAS_TRY(save_native(out, t, name, &p, nas_optim_moment(t->optim, k)));
        }
    }
    return NAS_OK;
}

static nas_status set_meta(nas_tensors *t, const char *key, nas_text *value) {
    nas_status st = nas_text_check(value);
    if (st == NAS_OK)
        st = nas_tensors_set_meta(t, key, nas_text_str(value));
    nas_text_free(value);
    return st;
}

static nas_status set_meta_number(nas_tensors *t, const char *key, double v) {
    nas_text text = {0};
    nas_text_json_number(&text, v);
    return set_meta(t, key, &text);
}

static nas_status set_meta_channels(nas_tensors *t, const char *key, const float *v, int32_t n) {
    nas_text text = {0};
    for (int32_t i = 0; i < n; i++) {
        nas_text_add(&text, "%s", i == 0 ? "[" : ", ");
        nas_text_json_number(&text, v[i]);
    }
    nas_text_add(&text, "]");
    return set_meta(t, key, &text);
}

static nas_status save_resume_meta(nas_tensors *out, const nas_trainer *t) {
    nas_text text = {0};
    nas_train_config_print(&text, &t->o.config);
    NAS_TRY(set_meta(out, NAS_META_CONFIG, &text));
    nas_text_add(&text, "%" PRIu64, t->model_hash);
    NAS_TRY(set_meta(out, NAS_META_GRAPH, &text));
    nas_text_add(&text, "%" PRIu64, nas_split_hash(t->o.train, t->o.n_train));
    return set_meta(out, NAS_META_IMAGES, &text);
}

static nas_status save_meta(nas_tensors *out, const nas_trainer *t, const char *network,
                            const char *const *class_names, int32_t classes, double test_accuracy) {
    const nas_data_info *info = nas_data_info_of(t->o.data);
    nas_text text = {0};
    NAS_TRY(nas_tensors_set_meta(out, NAS_META_FORMAT, "clnas"));
    NAS_TRY(nas_tensors_set_meta(out, NAS_META_NETWORK, network));
    for (int32_t i = 0; i < classes; i++) {
        nas_text_add(&text, "%s", i == 0 ? "[" : ", ");
        nas_text_json(&text, class_names[i]);
    }
    nas_text_add(&text, "]");
    NAS_TRY(set_meta(out, NAS_META_CLASSES, &text));
    nas_text_add(&text, "[%d, %d, %d]", info->height, info->width, info->channels);
    NAS_TRY(set_meta(out, NAS_META_INPUT, &text));
    NAS_TRY(set_meta_channels(out, NAS_META_MEAN, t->o.mean, info->channels));
    NAS_TRY(set_meta_channels(out, NAS_META_STD, t->o.std, info->channels));
    NAS_TRY(set_meta_number(out, NAS_META_ACCURACY, test_accuracy));
    return set_meta_number(out, NAS_META_EPOCHS, t->epochs_done);
}

nas_status nas_model_save(const char *path, nas_trainer *t, const char *network,
                          const char *const *class_names, int32_t classes, double test_accuracy,
                          bool resume) {
    nas_status st = NAS_OK;
    nas_tensors file = {0};
    if (classes != t->evaluator.classes)
        return nas_fail(NAS_E_ARG, "%d class names for a network of %d classes", classes,
                        t->evaluator.classes);
    if (resume && t->midway)
        return nas_fail(NAS_E_ARG, "epoch %d ended midway: there is nothing to resume from",
                        t->epochs_done + 1);
    NAS_GO(save_meta(&file, t, network, class_names, classes, test_accuracy));
    NAS_GO(nas_trainer_snapshot(&file, t));
    if (resume) {
        NAS_GO(save_resume_meta(&file, t));
        NAS_GO(save_resume_tensors(&file, t));
    }
    NAS_GO(nas_tensors_write(path, &file));
done:
    nas_tensors_free(&file);
    return st;
}

/* ---- restoring ---- */

/* The split goes by numbers and labels alone; files that were replaced show in what they hold. */
static nas_status check_same_pixels(const nas_trainer *t, const nas_model *m) {
    for (int32_t c = 0; c < m->info.channels; c++)
        if (t->o.mean[c] != m->info.mean[c] || t->o.std[c] != m->info.std[c])
            return nas_fail(NAS_E_ARG,
                            "the saved training is on other images: channel %d has mean %.8g and "
                            "deviation %.8g, there %.8g and %.8g",
                            c, (double)t->o.mean[c], (double)t->o.std[c], (double)m->info.mean[c],
                            (double)m->info.std[c]);
    return NAS_OK;
}

static nas_status check_same_training(const nas_trainer *t, const nas_model *m) {
    char mine[24];
    const char *config = nas_tensors_meta(&m->tensors, NAS_META_CONFIG);
    const char *graph = nas_tensors_meta(&m->tensors, NAS_META_GRAPH);
    const char *images = nas_tensors_meta(&m->tensors, NAS_META_IMAGES);
    if (config == NULL || graph == NULL || images == NULL)
        return nas_fail(NAS_E_ARG, "the model was not saved to be resumed");
    snprintf(mine, sizeof mine, "%" PRIu64, t->model_hash);
    if (strcmp(mine, graph) != 0)
        return nas_fail(NAS_E_ARG, "the saved training is of another network");
    snprintf(mine, sizeof mine, "%" PRIu64, nas_split_hash(t->o.train, t->o.n_train));
    if (strcmp(mine, images) != 0)
        return nas_fail(NAS_E_ARG, "the saved training is on other images");
    NAS_TRY(check_same_pixels(t, m));
    NAS_TRY(nas_train_config_match(&t->o.config, config));
    if (m->info.epochs_done > t->o.config.epochs)
        return nas_fail(NAS_E_DATA, "%d of %d epochs are done", m->info.epochs_done,
                        t->o.config.epochs);
    return NAS_OK;
}

static nas_status find_saved(const nas_tensor **out, const nas_model *m, const char *name,
                             const nas_leaf_place *p) {
    const nas_tensor *x = nas_tensors_find(&m->tensors, name);
    if (x == NULL)
        return nas_fail(NAS_E_DATA, "the model has no tensor %s", name);
    if (!nas_shape_equal(&x->shape, &p->shape))
        return nas_fail(NAS_E_DATA, "tensor %s has another shape than in the network", name);
    *out = x;
    return NAS_OK;
}

/* write false: only checks that everything is there, so that a failure leaves the trainer alone. */
static nas_status restore_leaf(nas_trainer *t, const nas_model *m, const char *leaf, bool write) {
    char name[NAME_MAX_BYTES];
    const nas_tensor *x;
    nas_leaf_place p = nas_trainer_leaf(t, leaf);
    resume_name(name, sizeof name, leaf, -1);
    bool exact = nas_tensors_find(&m->tensors, name) != NULL;
    NAS_TRY(find_saved(&x, m, exact ? name : leaf, &p));
    if (write)
        NAS_TRY(load_native(x, t, &p, p.buffer));
    for (uint32_t k = 0; p.is_param && k < nas_optim_moments(t->optim); k++) {
        resume_name(name, sizeof name, leaf, (int)k);
        NAS_TRY(find_saved(&x, m, name, &p));
        if (write)
            NAS_TRY(load_native(x, t, &p, nas_optim_moment(t->optim, k)));
    }
    return NAS_OK;
}

static nas_status restore_leaves(nas_trainer *t, const nas_model *m, bool write) {
    for (uint32_t i = 0; i < nas_graph_count(t->model); i++) {
        nas_op op = nas_graph_node(t->model, (nas_value){i})->op;
        if (op == NAS_OP_PARAM || op == NAS_OP_STATE)
            NAS_TRY(restore_leaf(t, m, nas_graph_name(t->model, (nas_value){i}), write));
    }
    return NAS_OK;
}

nas_status nas_trainer_restore(nas_trainer *t, const nas_model *m) {
    NAS_TRY(check_same_training(t, m));
    NAS_TRY(restore_leaves(t, m, false));
    t->midway = true; /* until all is written */
    t->evaluator_current = false;
    NAS_TRY(restore_leaves(t, m, true));
    t->epochs_done = m->info.epochs_done;
    t->midway = false;
    return NAS_OK;
}
