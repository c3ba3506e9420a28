/* runtime/evaluator.h - a network in its inference form with the weights of a model: what
 * validation, testing and prediction run. */
#ifndef NAS_RUNTIME_EVALUATOR_H
#define NAS_RUNTIME_EVALUATOR_H

#include "backend.h"
#include "safetensors.h"

typedef struct nas_evaluator {
    nas_device *device;
    nas_inference inference; /* with loss, correctness and probability appended */
    nas_value x, labels, loss, correct, probability;
    int32_t batch, classes;
    nas_exec *exec; /* NULL until started */
} nas_evaluator;

/* Builds the graph only. Zero-initialise ({0}) first; nas_evaluator_free also after a failure. */
nas_status nas_evaluator_build(nas_evaluator *e, const nas_graph *model,
                               int32_t batch) NAS_MUST_USE;
/* Device bytes that it takes once started. */
nas_status nas_evaluator_bytes(uint64_t *bytes, const nas_evaluator *e, nas_device *d) NAS_MUST_USE;
nas_status nas_evaluator_start(nas_evaluator *e, nas_device *d) NAS_MUST_USE;
void nas_evaluator_free(nas_evaluator *e);
/* Folds (in double) and uploads the params and states of a model. E_DATA names a leaf that is not
 * there or has another shape. */
nas_status nas_evaluator_load(nas_evaluator *e, const nas_tensors *weights) NAS_MUST_USE;
/* Mean loss and accuracy over images of a data set. */
nas_status nas_evaluator_run(nas_eval_result *out, nas_evaluator *e, const nas_dataset *data,
                             const uint32_t *index, uint32_t n, const float mean[4],
                             const float std[4], const volatile int *stop) NAS_MUST_USE;

#endif
