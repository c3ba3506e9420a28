/* runtime/train.h - the small parts of training: settings, optimiser, sums of loss and accuracy. */
#ifndef NAS_RUNTIME_TRAIN_H
#define NAS_RUNTIME_TRAIN_H

#include "backend.h"

/* ---- settings ---- */

/* Appends the settings as a JSON object, numbers in the form that reads back equal. */
void nas_train_config_print(nas_text *out, const nas_train_config *c);
/* E_ARG names the first setting in which c differs from what nas_train_config_print gave. */
nas_status nas_train_config_match(const nas_train_config *c, const char *json) NAS_MUST_USE;

/* ---- optimiser ---- */

/* Moments of every param in the layout of the param block, and the rule that moves the params. One
 * launch a step for all of them; clipping adds two. */
typedef struct nas_optim nas_optim;
nas_status nas_optim_create(nas_optim **out, nas_device *d, const nas_param_block *block,
                            const nas_train_config *c) NAS_MUST_USE;
void nas_optim_free(nas_optim *o);
/* count: of nas_param_block, nas_memory_plan's param_elements. */
uint64_t nas_optim_bytes(uint64_t count, const nas_device *d, const nas_train_config *c);
/* Moves the params along the gradients in the block. step counts from 1 (Adam's bias correction).
 */
nas_status nas_optim_step(nas_optim *o, double lr, int64_t step) NAS_MUST_USE;
/* How many moments the rule keeps, and moment i as a buffer of the block's layout. */
uint32_t nas_optim_moments(const nas_optim *o);
nas_buffer *nas_optim_moment(nas_optim *o, uint32_t i);

/* ---- sums of loss and accuracy ---- */

/* One pair (sum of losses, number of correct answers) a step, kept on the device, so that no step
 * waits for the host and a loss that is not finite is traced to its step. */
typedef struct nas_metrics {
    nas_device *device;
    nas_buffer *pairs;
    int64_t steps, read;  /* capacity; pairs that were read already */
    double loss, correct; /* sums over the pairs read */
} nas_metrics;
nas_status nas_metrics_create(nas_metrics *m, nas_device *d, int64_t steps) NAS_MUST_USE;
uint64_t nas_metrics_bytes(const nas_device *d, int64_t steps);
void nas_metrics_free(nas_metrics *m);
void nas_metrics_restart(nas_metrics *m);
/* Enqueues: pair `step` from the first n elements of loss and correct. */
nas_status nas_metrics_add(nas_metrics *m, int64_t step, nas_buffer *loss, nas_buffer *correct,
                           uint32_t n) NAS_MUST_USE;
/* Waits and adds the pairs before `end` to the sums. *bad: the first step whose loss is not finite,
 * or -1. */
nas_status nas_metrics_read(nas_metrics *m, int64_t end, int64_t *bad) NAS_MUST_USE;

#endif
