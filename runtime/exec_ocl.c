/* runtime/exec_ocl.c - runs a graph on OpenCL: a flat list of launches whose arguments are set
 * once. */
#include "ahead.h"

#include <math.h>

/* The part of scratch that starts at `first`; launches of one run never overlap in an in-order
 * queue, so all nodes share the block. */
static nas_status scratch_part(nas_buffer **out, nas_exec *e, size_t first) {
    NAS_TRY(nas_grow(&e->parts, &e->cap_parts, e->n_parts + 1, sizeof *e->parts));
    NAS_TRY(buffer_sub(out, e->scratch, first, e->scratch->count - first));
    e->parts[e->n_parts++] = *out;
    return NAS_OK;
}

static nas_status buffer_of(nas_buffer **out, nas_exec *e, const karg *a) {
    if (a->kind == KARG_SCRATCH)
        return scratch_part(out, e, a->first);
    *out = a->kind == KARG_ZERO       ? e->device->zero
           : a->kind == KARG_TOGETHER ? e->copy_to[a->value]
                                      : e->value[a->value];
    return NAS_OK;
}

static nas_status set_arg(nas_exec *e, cl_kernel k, cl_uint i, const karg *a) {
    if (a->kind == KARG_I32)
        return ocl_check(clSetKernelArg(k, i, sizeof a->i, &a->i), "clSetKernelArg");
    if (a->kind == KARG_F32)
        return ocl_check(clSetKernelArg(k, i, sizeof a->f, &a->f), "clSetKernelArg");
    nas_buffer *b = NULL;
    NAS_TRY(buffer_of(&b, e, a));
    return ocl_check(clSetKernelArg(k, i, sizeof b->mem, &b->mem), "clSetKernelArg");
}

static nas_status prepare_call(nas_exec *e, exec_step *s, const launch *l, const karg *args) {
    s->call = l->call;
    s->call_args = nas_calloc(l->n_args + 1, sizeof *s->call_args);
    if (!s->call_args)
        return nas_fail_memory(l->n_args * sizeof *s->call_args);
    for (uint32_t k = 0; k < l->n_args; k++) {
        nas_buffer *b = NULL;
        if (args[k].kind == KARG_I32)
            s->call_args[k].i = args[k].i;
        else if (args[k].kind == KARG_F32)
            s->call_args[k].f = args[k].f;
        else
            NAS_TRY(buffer_of(&b, e, &args[k]));
        if (b)
            s->call_args[k].mem = b->mem;
    }
    return NAS_OK;
}

static nas_status prepare_kernel(nas_exec *e, exec_step *s, const launch *l, const karg *args) {
    NAS_TRY(program_kernel(&s->kernel, s->local, e->device, l->file, l->kernel));
    for (int k = 0; k < 3; k++) { /* a single work-item may come without a work-group's size */
        s->global[k] = l->global[k];
        s->local[k] = s->local[k] ? s->local[k] : 1;
    }
    for (uint32_t k = 0; k < l->n_args; k++) {
        nas_status st = set_arg(e, s->kernel, k, &args[k]);
        if (st != NAS_OK)
            return nas_fail_prefix(st, "%s argument %u", l->kernel, (unsigned)k);
    }
    return NAS_OK;
}

static nas_status prepare_runs(nas_exec *e, const emitter *em) {
    e->runs = nas_calloc(em->n_launches + 1, sizeof *e->runs);
    if (!e->runs)
        return nas_fail_memory(em->n_launches * sizeof *e->runs);
    for (size_t i = 0; i < em->n_launches;) {
        exec_run *r = &e->runs[e->n_runs++];
        size_t n = joint_length(em, i);
        *r = (exec_run){.first = i, .count = 1};
        if (n > 0)
            NAS_TRY(joint_create(&r->joint, &r->count, e, em, i, n));
        i += r->count;
    }
    return NAS_OK;
}

static nas_status prepare(nas_exec *e, const emitter *em) {
    e->steps = nas_calloc(em->n_launches + 1, sizeof *e->steps);
    if (!e->steps)
        return nas_fail_memory(em->n_launches * sizeof *e->steps);
    for (size_t i = 0; i < em->n_launches; i++) {
        const launch *l = &em->launches[i];
        exec_step *s = &e->steps[i];
        e->n_steps = i + 1;
        s->name = l->kernel;
        s->node = l->node;
        NAS_TRY((l->call ? prepare_call : prepare_kernel)(e, s, l, &em->args[l->first_arg]));
    }
    return prepare_runs(e, em);
}

/* event: NULL, or where the launch's goes; a library's work has none. */
static nas_status enqueue(nas_exec *e, cl_command_queue q, const exec_run *r, cl_event *event) {
    const exec_step *s = &e->steps[r->first];
    if (r->joint)
        return joint_enqueue(r->joint, e->device, q, 0, r->count, event);
    if (s->call)
        return s->call(&q, s->call_args);
    return device_enqueue(e->device, q, s->kernel, s->name, s->global, s->local, event);
}

static nas_status run(nas_exec *e) {
    for (size_t i = 0; i < e->n_runs; i++)
        NAS_TRY(enqueue(e, e->device->queue, &e->runs[i], NULL));
    if (ahead_under_way(e->device)) {
        NAS_TRY(nas_device_finish(e->device));
        ahead_end(e->device);
    }
    return NAS_OK;
}

/* ---- profiling: on a queue of its own, as profiling slows some drivers' queues down ---- */

/* Launches that are timed: whole runs, or the steps of joint ones one by one. */
typedef struct timing {
    nas_exec *e;
    cl_command_queue q;
    bool steps;
    size_t n;
    double *seconds; /* of each */
} timing;

static bool has_event(const timing *t, size_t i) {
    return !t->e->steps[t->steps ? i : t->e->runs[i].first].call;
}

static nas_status enqueue_timed(const timing *t, size_t i, cl_event *event) {
    const exec_run *r = t->e->runs;
    if (!t->steps)
        return enqueue(t->e, t->q, &r[i], event);
    while (i >= r->first + r->count)
        r++;
    return r->joint ? joint_enqueue(r->joint, t->e->device, t->q, i - r->first, 1, event)
                    : enqueue(t->e, t->q, r, event);
}

/* When a launch started and ended by its event; false on drivers that report no such times. */
static bool event_times(cl_ulong *start, cl_ulong *end, cl_event event) {
    return clGetEventProfilingInfo(event, CL_PROFILING_COMMAND_START, sizeof *start, start, NULL) ==
               CL_SUCCESS &&
           clGetEventProfilingInfo(event, CL_PROFILING_COMMAND_END, sizeof *end, end, NULL) ==
               CL_SUCCESS &&
           *end >= *start && *end > 0;
}

/* By the host's clock: a library's work has no event. */
static nas_status time_by_host(const timing *t, size_t i) {
    double from = nas_clock();
    NAS_TRY(enqueue_timed(t, i, NULL));
    NAS_TRY(ocl_check(clFinish(t->q), "clFinish"));
    t->seconds[i] = nas_clock() - from;
    return NAS_OK;
}

/* n launches one behind the other: one takes from the end of the one before it to its own, so that
 * what it costs to start is in it and the sum is the run. */
static nas_status time_queued(const timing *t, size_t first, size_t n, cl_event *event) {
    cl_ulong before = 0, start, end;
    for (size_t i = 0; i < n; i++)
        NAS_TRY(enqueue_timed(t, first + i, &event[i]));
    NAS_TRY(ocl_check(clFinish(t->q), "clFinish"));
    for (size_t i = 0; i < n; i++) {
        if (!event_times(&start, &end, event[i])) {
            NAS_TRY(time_by_host(t, first + i));
            continue;
        }
        if (before > 0 && before < end)
            start = before;
        before = end;
        t->seconds[first + i] = (double)(end - start) * 1e-9;
    }
    return NAS_OK;
}

static nas_status time_all(const timing *t) {
    enum { MOST_EVENTS = 256 }; /* a driver keeps something for each */
    cl_event event[MOST_EVENTS];
    for (size_t i = 0, n; i < t->n; i += n) {
        nas_status st;
        for (n = 0; n < MOST_EVENTS && i + n < t->n && has_event(t, i + n); n++)
            event[n] = NULL;
        if (n == 0) {
            NAS_TRY(time_by_host(t, i));
            n = 1;
            continue;
        }
        st = time_queued(t, i, n, event);
        for (size_t k = 0; k < n; k++)
            if (event[k])
                clReleaseEvent(event[k]);
        NAS_TRY(st);
    }
    return NAS_OK;
}

/* Splits what joint launches took among their steps. Alone a step costs a launch more than there,
 * the same for all; what the launch still costs is shared by them. */
static void split(nas_exec *e, const double *runs, const double *steps, double *seconds) {
    static const double least = 0.05; /* of what a step takes alone: times are noisy */
    for (size_t r = 0; r < e->n_runs; r++) {
        const exec_run *at = &e->runs[r];
        const double *alone = &steps[at->first];
        double sum = 0, own = 0;
        for (size_t i = 0; i < at->count; i++)
            sum += alone[i];
        double start = at->count > 1 ? fmax(sum - runs[r], 0) / (double)(at->count - 1) : 0;
        for (size_t i = 0; i < at->count; i++)
            own += fmax(alone[i] - start, least * alone[i]);
        for (size_t i = 0; i < at->count && own > 0; i++)
            seconds[e->steps[at->first + i].node] +=
                runs[r] * fmax(alone[i] - start, least * alone[i]) / own;
    }
}

/* The run as it is, and once more by steps where some are joined. */
static nas_status profile_steps(nas_exec *e, cl_command_queue q, double *seconds) {
    nas_status st = NAS_OK;
    double *runs = nas_calloc(e->n_runs + e->n_steps + 1, sizeof *runs), *steps = runs + e->n_runs;
    if (!runs)
        return nas_fail_memory((e->n_runs + e->n_steps) * sizeof *runs);
    NAS_GO(time_all(&(timing){.e = e, .q = q, .n = e->n_runs, .seconds = runs}));
    if (e->n_runs < e->n_steps) {
        NAS_GO(
            time_all(&(timing){.e = e, .q = q, .steps = true, .n = e->n_steps, .seconds = steps}));
        split(e, runs, steps, seconds);
    } else {
        for (size_t i = 0; i < e->n_steps; i++)
            seconds[e->steps[i].node] += runs[i];
    }
done:
    nas_free(runs);
    return st;
}

static nas_status profile(nas_exec *e, double *seconds) {
    cl_int err;
    NAS_TRY(nas_device_finish(e->device));
    cl_command_queue q =
        clCreateCommandQueue(e->device->context, e->device->id, CL_QUEUE_PROFILING_ENABLE, &err);
    NAS_TRY(ocl_check(err, "clCreateCommandQueue"));
    nas_status st = profile_steps(e, q, seconds);
    (void)clFinish(q);
    clReleaseCommandQueue(q);
    return st;
}

static void release(nas_exec *e) {
    for (size_t i = 0; i < e->n_runs; i++)
        joint_free(e->runs[i].joint);
    nas_free(e->runs);
    for (size_t i = 0; i < e->n_steps; i++) {
        if (e->steps[i].kernel)
            clReleaseKernel(e->steps[i].kernel);
        nas_free(e->steps[i].call_args);
    }
    nas_free(e->steps);
}

const exec_backend exec_on_ocl = {prepare, run, profile, release};
