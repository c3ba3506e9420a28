/* runtime/model.c - opens model files: checks the metadata and holds the tensors. */
#include "model.h"

#include <float.h>
#include <math.h>
#include <string.h>

enum { MAX_CLASSES = 1 << 20, MAX_SIDE = 1 << 16 };

typedef struct opening {
    nas_model *model;
    const char *path;
} opening;

static nas_status wrong(const opening *o, const char *key) {
    return nas_fail(NAS_E_DATA, "%s: metadata %s is missing or wrong", o->path, key);
}

static nas_status meta_json(nas_json **out, const opening *o, const char *key, nas_json_kind kind) {
    const char *text = nas_tensors_meta(&o->model->tensors, key);
    nas_json *j = NULL;
    if (text == NULL)
        return wrong(o, key);
    nas_status st = nas_json_read(&j, text, strlen(text), key);
    if (st != NAS_OK)
        return nas_fail_prefix(st, "%s", o->path);
    if (nas_json_root(j)->kind != kind) {
        nas_json_free(j);
        return wrong(o, key);
    }
    *out = j;
    return NAS_OK;
}

static nas_status read_input(const opening *o) {
    nas_status st = NAS_OK;
    nas_json *j = NULL;
    nas_model_info *info = &o->model->info;
    int32_t *size[3] = {&info->height, &info->width, &info->channels};
    const uint64_t max[3] = {MAX_SIDE, MAX_SIDE, 4};
    NAS_TRY(meta_json(&j, o, NAS_META_INPUT, NAS_JSON_ARRAY));
    if (nas_json_root(j)->count != 3)
        NAS_GO(wrong(o, NAS_META_INPUT));
    const nas_json_node *n = nas_json_first(j, nas_json_root(j));
    for (int i = 0; i < 3; i++, n = nas_json_next(j, n)) {
        uint64_t v;
        if (!nas_json_whole(n, max[i], &v) || v == 0)
            NAS_GO(wrong(o, NAS_META_INPUT));
        *size[i] = (int32_t)v;
    }
done:
    nas_json_free(j);
    return st;
}

/* One number a channel; above 0 where `positive`. */
static nas_status read_channels(float out[4], const opening *o, const char *key, bool positive) {
    nas_status st = NAS_OK;
    nas_json *j = NULL;
    NAS_TRY(meta_json(&j, o, key, NAS_JSON_ARRAY));
    if (nas_json_root(j)->count != (uint32_t)o->model->info.channels)
        NAS_GO(wrong(o, key));
    const nas_json_node *n = nas_json_first(j, nas_json_root(j));
    for (int i = 0; n != NULL; i++, n = nas_json_next(j, n)) {
        double v;
        if (n->kind != NAS_JSON_NUMBER || !nas_number_read(&v, n->text) ||
            !(fabs(v) <= (double)FLT_MAX))
            NAS_GO(wrong(o, key));
        out[i] = (float)v;
        if (positive && !(out[i] > 0))
            NAS_GO(wrong(o, key));
    }
done:
    nas_json_free(j);
    return st;
}

static nas_status read_number(double *out, const opening *o, const char *key, double max) {
    nas_json *j = NULL;
    NAS_TRY(meta_json(&j, o, key, NAS_JSON_NUMBER));
    double v;
    bool read = nas_number_read(&v, nas_json_root(j)->text);
    nas_json_free(j);
    if (!read || !(v >= -1 && v <= max))
        return wrong(o, key);
    *out = v;
    return NAS_OK;
}

static nas_status read_classes(const opening *o) {
    nas_model *m = o->model;
    NAS_TRY(meta_json(&m->classes, o, NAS_META_CLASSES, NAS_JSON_ARRAY));
    const nas_json_node *root = nas_json_root(m->classes);
    const nas_json_node *n = nas_json_first(m->classes, root);
    if (n == NULL || root->count > MAX_CLASSES)
        return wrong(o, NAS_META_CLASSES);
    for (; n != NULL; n = nas_json_next(m->classes, n))
        if (n->kind != NAS_JSON_STRING)
            return wrong(o, NAS_META_CLASSES);
    m->info.classes = (int32_t)root->count;
    return NAS_OK;
}

static nas_status read_metadata(const opening *o) {
    nas_model *m = o->model;
    double epochs = -1;
    const char *format = nas_tensors_meta(&m->tensors, NAS_META_FORMAT);
    if (format == NULL || strcmp(format, "clnas") != 0)
        return nas_fail(NAS_E_DATA, "%s: not a model of clnas (metadata format is %s)", o->path,
                        format == NULL ? "missing" : format);
    m->info.network = nas_tensors_meta(&m->tensors, NAS_META_NETWORK);
    if (m->info.network == NULL)
        return wrong(o, NAS_META_NETWORK);
    NAS_TRY(read_classes(o));
    NAS_TRY(read_input(o));
    NAS_TRY(read_channels(m->info.mean, o, NAS_META_MEAN, false));
    NAS_TRY(read_channels(m->info.std, o, NAS_META_STD, true));
    NAS_TRY(read_number(&m->info.test_accuracy, o, NAS_META_ACCURACY, 1));
    NAS_TRY(read_number(&epochs, o, NAS_META_EPOCHS, INT32_MAX));
    if (epochs < 0 || epochs != floor(epochs))
        return wrong(o, NAS_META_EPOCHS);
    m->info.epochs_done = (int32_t)epochs;
    return NAS_OK;
}

nas_status nas_model_open(nas_model **out, const char *path) {
    nas_status st = NAS_OK;
    nas_model *m = nas_calloc(1, sizeof *m);
    if (m == NULL)
        return nas_fail_memory(sizeof *m);
    NAS_GO(nas_tensors_read(&m->tensors, path));
    NAS_GO(read_metadata(&(opening){.model = m, .path = path}));
    *out = m;
    m = NULL;
done:
    nas_model_free(m);
    return st;
}

void nas_model_free(nas_model *m) {
    if (m == NULL)
        return;
    nas_tensors_free(&m->tensors);
    nas_json_free(m->classes);
    nas_free(m);
}

const nas_model_info *nas_model_info_of(const nas_model *m) {
    return &m->info;
}

const char *nas_model_class_name(const nas_model *m, int32_t label) {
    const nas_json_node *n = nas_json_first(m->classes, nas_json_root(m->classes));
    for (int32_t i = 0; i < label && n != NULL; i++)
        n = nas_json_next(m->classes, n);
    return n != NULL ? n->text : "";
}
