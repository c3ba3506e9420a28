/* runtime/joint.h - many launches as one: cl_kernels/joint.cl. */
#ifndef NAS_RUNTIME_JOINT_H
#define NAS_RUNTIME_JOINT_H

#include "rows.h"

struct nas_exec;

typedef struct joint {
    cl_kernel kernel;
    nas_buffer *table, *state;
    size_t groups; /* work-groups: one a compute unit */
} joint;

/* Whether launches on the device may be joined at all: on PoCL, where that was tried. rusticl
 * computes something else, Oclgrind's compiler does not know a function. */
bool joint_can(const nas_device *d);
/* How many launches from em's i-th on are worth being one; 0: none. */
size_t joint_length(const emitter *em, size_t i);

/* Whether em's i-th launch is one of those. */
bool joint_has(const emitter *em, size_t i);
/* Bytes of the device that joined launches of em take. */
size_t joint_bytes(const emitter *em);

/* Makes one launch of steps first … first+most-1 of e, which are prepared, or of fewer where they
 * want more buffers than joint.cl takes; *count says how many. *out stays NULL, *count as it is,
 * where that is not worth it. */
nas_status joint_create(joint **out, size_t *count, struct nas_exec *e, const emitter *em,
                        size_t first, size_t most) NAS_MUST_USE;
void joint_free(joint *j);

/* Enqueues `count` of its steps from `first` on. event: NULL, or where the launch's goes. */
nas_status joint_enqueue(const joint *j, nas_device *d, cl_command_queue q, size_t first,
                         size_t count, cl_event *event) NAS_MUST_USE;

#endif
