/* runtime/joint.c - which launches become one, and the table that joint.cl reads them from. */
#include "joint.h"

#include "exec.h"

#include <assert.h>
#include <string.h>

/* As in joint.cl. */
enum {
    STEP_KERNEL,
    STEP_ITEMS,
    STEP_ACROSS,
    STEP_DOWN,
    STEP_PIECE,
    STEP_ARGS,
    STEP_SIZE = 32,
    LINE = 16,
    BUFFERS = 32,
    BEGINS = 64
};

/* Fewer launches than this are not worth a kernel of their own, nor larger ones: starting one takes
 * about ten microseconds, a thread's wake-up included. */
enum { LEAST_STEPS = 4, MOST_FLOPS = 1 << 26, MOST_BYTES = 1 << 23 };
/* Pieces of a step for each group: the last ones even out. */
enum { PIECES = 8 };

static const char *const kernels[] = {
#define JOINT(name, items, ...) #name,
#include <cl_kernels/joint_list.clh>
#undef JOINT
};
enum { N_KERNELS = sizeof kernels / sizeof kernels[0] };

static size_t number_of(const char *kernel) {
    size_t k = 0;
    while (k < N_KERNELS && strcmp(kernels[k], kernel) != 0)
        k++;
    return k;
}

static bool is_small(const emitter *em, const launch *l) {
    nas_cost c = {0};
    nas_graph_node_cost(&c, em->g, (nas_value){l->node});
    return c.flops <= MOST_FLOPS && c.bytes_read + c.bytes_written <= MOST_BYTES;
}

bool joint_can(const nas_device *d) {
    return device_is_pocl(d) && !strcmp(d->info.type, "cpu") && !d->binary && !d->apart;
}

size_t joint_length(const emitter *em, size_t i) {
    size_t n = 0;
    if (!em->joins)
        return 0;
    while (i + n < em->n_launches && !em->launches[i + n].call &&
           number_of(em->launches[i + n].kernel) < N_KERNELS && is_small(em, &em->launches[i + n]))
        n++;
    return n < LEAST_STEPS ? 0 : n;
}

bool joint_has(const emitter *em, size_t i) {
    for (size_t k = 0, n; k <= i; k += n ? n : 1)
        if ((n = joint_length(em, k)) > 0 && i < k + n)
            return true;
    return false;
}

static size_t table_words(size_t count) {
    return count * STEP_SIZE;
}
static size_t state_words(size_t count, size_t groups) {
    return (count * (groups + 1) + 1) * LINE;
}

size_t joint_bytes(const emitter *em) {
    size_t words = 0;
    for (size_t i = 0, n; i < em->n_launches; i += n ? n : 1)
        if ((n = joint_length(em, i)) > 0)
            words += table_words(n) + state_words(n, em->d->info.compute_units);
    return words * sizeof(int32_t);
}

/* ---- the table ---- */

typedef struct writer {
    nas_exec *e;
    nas_buffer *buffer[BUFFERS];
    int n_buffers;
} writer;

/* Number and start of a buffer in one word; false where there is no room. */
static bool add_buffer(writer *w, int32_t *word, nas_buffer *b, size_t first) {
    int k = 0;
    while (k < w->n_buffers && w->buffer[k] != b)
        k++;
    if (k == BUFFERS || first % BEGINS != 0 || first / BEGINS > UINT32_MAX / BUFFERS)
        return false;
    w->buffer[k] = b;
    w->n_buffers = k == w->n_buffers ? k + 1 : w->n_buffers;
    *word = (int32_t)((uint32_t)(first / BEGINS) * BUFFERS + (uint32_t)k);
    return true;
}

static bool add_arg(writer *w, int32_t *word, const karg *a) {
    const plan *p = &w->e->plan;
    switch (a->kind) {
    case KARG_I32:
        *word = a->i;
        return true;
    case KARG_F32:
        memcpy(word, &a->f, sizeof *word);
        return true;
    case KARG_SCRATCH:
        return add_buffer(w, word, w->e->scratch, a->first);
    case KARG_ZERO:
        return add_buffer(w, word, w->e->device->zero, 0);
    case KARG_TOGETHER:
        return add_buffer(w, word, w->e->block[PLAN_TOGETHER], p->copy[a->value].first);
    case KARG_VALUE:
        break;
    }
    const plan_slot *s = &p->slot[a->value];
    return add_buffer(w, word, w->e->block[s->block], s->first);
}

static bool add_step(writer *w, int32_t *to, const exec_step *s, const launch *l, const karg *args,
                     size_t groups) {
    size_t n[3], items;
    for (int i = 0; i < 3; i++) {
        size_t global = s->global[i] ? s->global[i] : 1;
        n[i] = (global + s->local[i] - 1) / s->local[i];
    }
    items = n[0] * n[1] * n[2];
    if (l->n_args > STEP_SIZE - STEP_ARGS || items > INT32_MAX / 2)
        return false;
    to[STEP_KERNEL] = (int32_t)number_of(l->kernel);
    to[STEP_ITEMS] = (int32_t)items;
    to[STEP_ACROSS] = (int32_t)n[0];
    to[STEP_DOWN] = (int32_t)n[1];
    to[STEP_PIECE] = (int32_t)(items / (PIECES * groups) > 0 ? items / (PIECES * groups) : 1);
    for (uint32_t k = 0; k < l->n_args; k++)
        if (!add_arg(w, &to[STEP_ARGS + k], &args[k]))
            return false;
    return true;
}

static nas_status set_args(const joint *j, const writer *w) {
    int32_t groups = (int32_t)j->groups;
    enum { FIRST_BUFFER = 5 };
    NAS_TRY(ocl_check(clSetKernelArg(j->kernel, 2, sizeof groups, &groups), "clSetKernelArg"));
    NAS_TRY(
        ocl_check(clSetKernelArg(j->kernel, 3, sizeof(cl_mem), &j->table->mem), "clSetKernelArg"));
    NAS_TRY(
        ocl_check(clSetKernelArg(j->kernel, 4, sizeof(cl_mem), &j->state->mem), "clSetKernelArg"));
    for (int k = 0; k < BUFFERS; k++) {
        const nas_buffer *b = k < w->n_buffers ? w->buffer[k] : w->e->device->zero;
        NAS_TRY(ocl_check(
            clSetKernelArg(j->kernel, (cl_uint)(FIRST_BUFFER + k), sizeof b->mem, &b->mem),
            "clSetKernelArg"));
    }
    return NAS_OK;
}

static nas_status fill(joint *j, const writer *w, const int32_t *table, size_t count) {
    size_t local[3], counters = state_words(count, j->groups);
    nas_device *d = w->e->device;
    NAS_TRY(program_kernel(&j->kernel, local, d, "joint.cl", "joint"));
    NAS_TRY(nas_buffer_create(&j->table, d, NAS_I32, table_words(count)));
    NAS_TRY(nas_buffer_write(j->table, 0, table, table_words(count)));
    NAS_TRY(nas_buffer_create(&j->state, d, NAS_I32, counters));
    NAS_TRY(nas_buffer_fill(j->state, 0, 0, counters));
    return set_args(j, w);
}

nas_status joint_create(joint **out, size_t *count, nas_exec *e, const emitter *em, size_t first,
                        size_t most) {
    nas_status st = NAS_OK;
    writer w = {.e = e};
    size_t n = 0;
    int32_t *table = nas_calloc(table_words(most), sizeof *table);
    joint *j = nas_calloc(1, sizeof *j);
    if (!table || !j) {
        st = nas_fail_memory(table_words(most) * sizeof *table);
        goto done;
    }
    j->groups = e->device->info.compute_units;
    for (const launch *l = &em->launches[first];
         n < most && add_step(&w, &table[n * STEP_SIZE], &e->steps[first + n], l,
                              &em->args[l->first_arg], j->groups);
         n++, l++) {
    }
    if (n < LEAST_STEPS)
        goto done;
    NAS_GO(fill(j, &w, table, n));
    *count = n;
    *out = j;
    j = NULL;
done:
    joint_free(j);
    nas_free(table);
    return st;
}

void joint_free(joint *j) {
    if (!j)
        return;
    if (j->kernel)
        clReleaseKernel(j->kernel);
    nas_buffer_free(j->table);
    nas_buffer_free(j->state);
    nas_free(j);
}

nas_status joint_enqueue(const joint *j, nas_device *d, cl_command_queue q, size_t first,
                         size_t count, cl_event *event) {
    static const size_t local[3] = {1, 1, 1};
    const size_t global[3] = {j->groups, 1, 1};
    int32_t range[2] = {(int32_t)first, (int32_t)count};
    for (cl_uint i = 0; i < 2; i++)
        NAS_TRY(
            ocl_check(clSetKernelArg(j->kernel, i, sizeof range[i], &range[i]), "clSetKernelArg"));
    return device_enqueue(d, q, j->kernel, "joint", global, local, event);
}
