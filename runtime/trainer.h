/* runtime/trainer.h - what training and checkpoints share of a trainer. */
#ifndef NAS_RUNTIME_TRAINER_H
#define NAS_RUNTIME_TRAINER_H

#include "batch.h"
#include "evaluator.h"
#include "train.h"

struct nas_trainer {
    nas_device *device;
    nas_trainer_options o;
    int32_t batch;    /* the config's, or n_train when that is smaller */
    nas_graph *model; /* at this batch */
    uint64_t model_hash;
    nas_training training;
    nas_exec *exec;
    nas_optim *optim;
    nas_feed *feed;
    nas_metrics sums;
    nas_evaluator evaluator;
    bool evaluator_current; /* it has the weights of now */
    uint32_t *order;
    int64_t steps_per_epoch;
    int32_t epochs_done;
    bool midway; /* an epoch failed or was stopped: the weights are between two epochs */
    uint64_t bytes;
};

/* Appends every param and state of the model, read from the device, as float. */
nas_status nas_trainer_snapshot(nas_tensors *out, nas_trainer *t) NAS_MUST_USE;

/* A leaf in the training executor: part of the block for a PARAM, a buffer of its own for a STATE.
 */
typedef struct nas_leaf_place {
    nas_value value; /* in the training graph; NAS_NO_VALUE when it is not there */
    nas_shape shape;
    nas_buffer *buffer;
    size_t offset, count;
    bool is_param;
} nas_leaf_place;
nas_leaf_place nas_trainer_leaf(nas_trainer *t, const char *name);

#endif
