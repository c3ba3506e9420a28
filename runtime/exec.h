/* runtime/exec.h - the executor's insides: what exec.c shares with the two ways to run. */
#ifndef NAS_RUNTIME_EXEC_H
#define NAS_RUNTIME_EXEC_H

#include "joint.h"
#include "plan.h"

typedef struct exec_step { /* one launch with its arguments set */
    cl_kernel kernel;
    library_call call; /* not NULL: instead of the kernel, with call_args */
    call_arg *call_args;
    const char *name;
    uint32_t node;
    size_t global[3], local[3];
} exec_step;

typedef struct exec_run { /* what is enqueued at once: a step, or several as one launch */
    size_t first, count;
    joint *joint; /* NULL: one step */
} exec_run;

struct nas_exec {
    nas_device *device;
    const nas_graph *graph;
    plan plan;
    nas_buffer **block;   /* one a block of the plan; NULL where that is empty */
    nas_buffer **value;   /* one a value: the part of its block; NULL where it is not placed */
    nas_buffer **copy_to; /* one a copy of the plan */
    nas_buffer *scratch;
    nas_buffer **parts; /* of scratch, to be freed */
    size_t n_parts, cap_parts;
    exec_step *steps; /* OpenCL */
    size_t n_steps;
    exec_run *runs; /* all steps, in order */
    size_t n_runs;
};

typedef struct exec_options {
    const nas_value *keep, *together;
    uint32_t n_keep, n_together;
    size_t guard;  /* elements of poison around each value, for tests */
    bool no_reuse; /* for tests */
} exec_options;

nas_status exec_create(nas_exec **out, nas_device *d, const nas_graph *g,
                       const exec_options *o) NAS_MUST_USE;

/* Launches of all of a plan that runs. */
nas_status exec_emit(emitter *em, const plan *p) NAS_MUST_USE;

/* A device's way to run: rows of a table in exec.c. */
typedef struct exec_backend {
    nas_status (*prepare)(nas_exec *e, const emitter *em);
    nas_status (*run)(nas_exec *e);
    nas_status (*profile)(nas_exec *e, double *seconds);
    void (*release)(nas_exec *e);
} exec_backend;
extern const exec_backend exec_on_ocl, exec_on_ref;

#endif
