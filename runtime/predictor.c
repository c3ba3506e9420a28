/* runtime/predictor.c - classifies images with a model file. */
#include "evaluator.h"
#include "model.h"

#include <string.h>

struct nas_predictor {
    nas_evaluator evaluator;
    nas_model_info info; /* network is not kept: it belongs to the model */
    size_t image_values;
    float *x; /* one batch, normalised */
};

nas_status nas_predictor_create(nas_predictor **out, nas_device *d, const nas_graph *model_graph,
                                const nas_model *m, int32_t batch) {
    nas_status st = NAS_OK;
    if (batch < 1)
        return nas_fail(NAS_E_ARG, "batch %d", batch);
    nas_predictor *p = nas_calloc(1, sizeof *p);
    if (p == NULL)
        return nas_fail_memory(sizeof *p);
    p->info = m->info;
    p->info.network = NULL;
    p->image_values = (size_t)p->info.height * (size_t)p->info.width * (size_t)p->info.channels;
    NAS_GO(nas_evaluator_build(&p->evaluator, model_graph, batch));
    const nas_shape *x = nas_graph_shape(p->evaluator.inference.graph, p->evaluator.x);
    nas_shape want = NAS_SHAPE(batch, p->info.height, p->info.width, p->info.channels);
    if (!nas_shape_equal(x, &want))
        NAS_GO(nas_fail(NAS_E_SHAPE, "the network does not take the model's %dx%dx%d images",
                        p->info.height, p->info.width, p->info.channels));
    if (p->evaluator.classes != p->info.classes)
        NAS_GO(nas_fail(NAS_E_SHAPE, "the network tells %d classes apart, the model names %d",
                        p->evaluator.classes, p->info.classes));
    p->x = nas_malloc(p->image_values * (size_t)batch * sizeof *p->x);
    if (p->x == NULL)
        NAS_GO(nas_fail_memory(p->image_values * (size_t)batch * sizeof *p->x));
    NAS_GO(nas_evaluator_start(&p->evaluator, d));
    NAS_GO(nas_evaluator_load(&p->evaluator, &m->tensors));
    *out = p;
    p = NULL;
done:
    nas_predictor_free(p);
    return st;
}

void nas_predictor_free(nas_predictor *p) {
    if (p == NULL)
        return;
    nas_evaluator_free(&p->evaluator);
    nas_free(p->x);
    nas_free(p);
}

/* (byte/255 - mean) / std; images that are not there are zeros. */
static void normalise(nas_predictor *p, const uint8_t *images, uint32_t n) {
    size_t channels = (size_t)p->info.channels, used = n * p->image_values;
    for (size_t i = 0; i < used; i++)
        p->x[i] =
            (float)((images[i] / 255.0 - p->info.mean[i % channels]) / p->info.std[i % channels]);
    memset(p->x + used, 0, (p->image_values * (size_t)p->evaluator.batch - used) * sizeof *p->x);
}

nas_status nas_predictor_run(float *probability, nas_predictor *p, const uint8_t *images,
                             uint32_t n) {
    nas_evaluator *e = &p->evaluator;
    uint32_t batch = (uint32_t)e->batch;
    for (uint32_t at = 0; at < n; at += batch) {
        uint32_t k = n - at < batch ? n - at : batch;
        normalise(p, images + at * p->image_values, k);
        NAS_TRY(nas_exec_write(e->exec, e->x, p->x, p->image_values * batch));
        NAS_TRY(nas_exec_run(e->exec));
        NAS_TRY(nas_buffer_read(nas_exec_buffer(e->exec, e->probability), 0,
                                probability + (size_t)at * (size_t)e->classes,
                                (size_t)k * (size_t)e->classes));
    }
    return NAS_OK;
}

nas_status nas_predictor_evaluate(nas_eval_result *out, nas_predictor *p, const nas_dataset *d,
                                  const uint32_t *index, uint32_t n, const volatile int *stop) {
    if (nas_data_info_of(d)->classes != p->info.classes)
        return nas_fail(NAS_E_SHAPE, "the model tells %d classes apart, but %s has %d",
                        p->info.classes, nas_data_path(d), nas_data_info_of(d)->classes);
    return nas_evaluator_run(out, &p->evaluator, d, index, n, p->info.mean, p->info.std, stop);
}
