/* runtime/exec.c - the executor: plan, storage and values of a graph on any device. */
#include "ahead.h"

#include <assert.h>

static const exec_backend *backend(const nas_device *d) {
    return d->ref ? &exec_on_ref : &exec_on_ocl;
}

static bool runs(const plan *p, const nas_graph *g, uint32_t v) {
    uint32_t flags = nas_op_get(nas_graph_node(g, (nas_value){v})->op)->flags;
    return p->slot[v].live && !(flags & (NAS_OPF_LEAF | NAS_OPF_ALIAS));
}

/* A gradient that needs a copy to its place gets it right behind its node. */
nas_status exec_emit(emitter *em, const plan *p) {
    for (uint32_t v = 0; v < p->n; v++) {
        if (runs(p, em->g, v))
            NAS_TRY(rows_emit(em, v));
        for (size_t c = 0; c < p->n_copies; c++)
            if (p->copy[c].value == v) {
                int64_t n = (int64_t)p->slot[v].count;
                em->id = v;
                rows_copy(em, KV((nas_value){v}),
                          (karg){.kind = KARG_TOGETHER, .value = (uint32_t)c}, 1, n, n, 0, n, 0);
                NAS_TRY(em->status);
            }
    }
    return em->status;
}

/* The plan with its launches, and a check that it fits: nothing is allocated yet. */
static nas_status prepare(plan *p, emitter *em, nas_memory_plan *m, nas_device *d,
                          const nas_graph *g, const exec_options *o) {
    size_t bytes = d ? nas_elem_bytes(d, NAS_F32) : sizeof(float);
    plan_request r = {.keep = o->keep,
                      .n_keep = o->n_keep,
                      .together = o->together,
                      .n_together = o->n_together,
                      .align = d ? d->align : 1,
                      .max_block = d ? (size_t)(d->info.max_alloc_bytes / bytes) : SIZE_MAX,
                      .guard = o->guard,
                      .reuse = !o->no_reuse};
    /* gradients have kernels that do not join */
    *em = (emitter){.d = d, .g = g, .joins = d && !d->ref && !o->n_together && joint_can(d)};
    NAS_TRY(plan_make(p, g, &r));
    if (d && !d->ref) {
        ahead_expect(em, p);
        NAS_TRY(exec_emit(em, p));
    }
    *m = (nas_memory_plan){.leaf_bytes = plan_sum(p, 0, p->first_arena) * bytes,
                           .activation_bytes = plan_sum(p, p->first_arena, p->n_blocks) * bytes,
                           .scratch_bytes = em->scratch_max * bytes + joint_bytes(em),
                           .no_reuse_bytes = p->no_reuse * bytes,
                           .param_elements = p->block[PLAN_PARAMS]};
    uint64_t total = m->leaf_bytes + m->activation_bytes + m->scratch_bytes;
    if (d && (total > d->info.memory_bytes || em->scratch_max * bytes > d->info.max_alloc_bytes))
        return nas_fail(
            NAS_E_TOO_BIG,
            "the graph needs %.1f MiB (leaves %.1f, activations %.1f, scratch %.1f), %s has "
            "%.1f MiB",
            (double)total / 1048576, (double)m->leaf_bytes / 1048576,
            (double)m->activation_bytes / 1048576, (double)m->scratch_bytes / 1048576, d->info.name,
            (double)d->info.memory_bytes / 1048576);
    return NAS_OK;
}

nas_status nas_exec_plan(nas_memory_plan *out, nas_device *d, const nas_graph *g,
                         const nas_value *keep, uint32_t n_keep, const nas_value *together,
                         uint32_t n_together) {
    plan p = {0};
    emitter em = {0};
    nas_memory_plan m;
    exec_options o = {
        .keep = keep, .n_keep = n_keep, .together = together, .n_together = n_together};
    nas_status st = prepare(&p, &em, &m, d, g, &o);
    if (st == NAS_OK)
        *out = m;
    if (d)
        ahead_forget(&em);
    plan_free(&p);
    rows_free(&em);
    return st;
}

static nas_status allocate(nas_exec *e, size_t scratch) {
    plan *p = &e->plan;
    e->block = nas_calloc(p->n_blocks + 1, sizeof *e->block);
    e->value = nas_calloc(p->n + 1, sizeof *e->value);
    e->copy_to = nas_calloc(p->n_copies + 1, sizeof *e->copy_to);
    if (!e->block || !e->value || !e->copy_to)
        return nas_fail_memory((p->n_blocks + p->n) * sizeof *e->value);
    for (size_t b = 0; b < p->n_blocks; b++)
        if (p->block[b])
            NAS_TRY(nas_buffer_create(&e->block[b], e->device, NAS_F32, p->block[b]));
    for (uint32_t v = 0; v < p->n; v++)
        if (p->slot[v].placed && p->slot[v].live)
            NAS_TRY(buffer_sub(&e->value[v], e->block[p->slot[v].block], p->slot[v].first,
                               p->slot[v].count));
    for (size_t c = 0; c < p->n_copies; c++)
        NAS_TRY(buffer_sub(&e->copy_to[c], e->block[PLAN_TOGETHER], p->copy[c].first,
                           p->slot[p->copy[c].value].count));
    for (int b = PLAN_PARAMS; b <= PLAN_TOGETHER; b++) /* the gaps must be zero */
        if (e->block[b])
            NAS_TRY(nas_buffer_fill(e->block[b], 0, 0.0, p->block[b]));
    return scratch ? nas_buffer_create(&e->scratch, e->device, NAS_F32, scratch) : NAS_OK;
}

nas_status exec_create(nas_exec **out, nas_device *d, const nas_graph *g, const exec_options *o) {
    nas_status st = NAS_OK;
    emitter em = {0};
    nas_memory_plan m;
    nas_exec *e = nas_calloc(1, sizeof *e);
    if (!e)
        return nas_fail_memory(sizeof *e);
    e->device = d;
    e->graph = g;
    NAS_GO(prepare(&e->plan, &em, &m, d, g, o));
    NAS_GO(allocate(e, em.scratch_max));
    NAS_GO(backend(d)->prepare(e, &em));
    *out = e;
    e = NULL;
done:
    ahead_forget(&em);
    rows_free(&em);
    nas_exec_free(e);
    return st;
}

nas_status nas_exec_create(nas_exec **out, nas_device *d, const nas_graph *g, const nas_value *keep,
                           uint32_t n_keep, const nas_value *together, uint32_t n_together) {
    return exec_create(
        out, d, g,
        &(exec_options){
            .keep = keep, .n_keep = n_keep, .together = together, .n_together = n_together});
}

void nas_exec_free(nas_exec *e) {
    if (!e)
        return;
    (void)!nas_device_finish(e->device);
    backend(e->device)->release(e);
    for (size_t i = 0; i < e->n_parts; i++)
        nas_buffer_free(e->parts[i]);
    nas_free(e->parts);
    nas_buffer_free(e->scratch);
    for (size_t c = 0; e->copy_to && c < e->plan.n_copies; c++)
        nas_buffer_free(e->copy_to[c]);
    for (uint32_t v = 0; e->value && v < e->plan.n; v++)
        nas_buffer_free(e->value[v]);
    for (size_t b = 0; e->block && b < e->plan.n_blocks; b++)
        nas_buffer_free(e->block[b]);
    nas_free(e->copy_to);
    nas_free(e->value);
    nas_free(e->block);
    plan_free(&e->plan);
    nas_free(e);
}

nas_status nas_exec_init(nas_exec *e, uint64_t seed) {
    nas_status st = NAS_OK;
    float *host = NULL;
    size_t cap = 0;
    for (uint32_t v = 0; v < e->plan.n; v++) {
        nas_op op = nas_graph_node(e->graph, (nas_value){v})->op;
        if (op != NAS_OP_PARAM && op != NAS_OP_STATE && op != NAS_OP_CONSTANT)
            continue;
        size_t count = e->plan.slot[v].count;
        NAS_GO(nas_grow(&host, &cap, count, sizeof *host));
        NAS_GO(nas_graph_init_leaf(host, e->graph, (nas_value){v}, seed));
        NAS_GO(nas_buffer_write(e->value[v], 0, host, count));
    }
done:
    nas_free(host);
    return st;
}

nas_buffer *nas_exec_buffer(nas_exec *e, nas_value v) {
    assert(v.id < e->plan.n && e->value[v.id]);
    return e->value[v.id];
}

static nas_status check_count(const nas_exec *e, nas_value v, size_t count) {
    assert(v.id < e->plan.n);
    if (!e->value[v.id])
        return nas_fail(NAS_E_ARG, "value %u was not kept", (unsigned)v.id);
    if (count != e->plan.slot[v.id].count)
        return nas_fail(NAS_E_ARG, "value %u has %zu elements, not %zu", (unsigned)v.id,
                        e->plan.slot[v.id].count, count);
    return NAS_OK;
}

nas_status nas_exec_write(nas_exec *e, nas_value v, const float *src, size_t count) {
    NAS_TRY(check_count(e, v, count));
    return nas_buffer_write(e->value[v.id], 0, src, count);
}

nas_status nas_exec_noise(nas_exec *e) {
    nas_status st = NAS_OK;
    float *values = NULL;
    size_t cap = 0;
    for (uint32_t i = 0; i < nas_graph_count(e->graph); i++) {
        nas_value v = {i};
        if (nas_graph_node(e->graph, v)->op != NAS_OP_INPUT)
            continue;
        size_t count = (size_t)nas_shape_count(nas_graph_shape(e->graph, v));
        nas_rng rng = nas_rng_stream(0, "noise", i);
        NAS_GO(nas_grow(&values, &cap, count, sizeof *values));
        for (size_t k = 0; k < count; k++)
            values[k] = 0.5f + (float)nas_rng_uniform(&rng);
        NAS_GO(nas_exec_write(e, v, values, count));
    }
done:
    nas_free(values);
    return st;
}

nas_status nas_exec_read(nas_exec *e, nas_value v, float *dst, size_t count) {
    NAS_TRY(check_count(e, v, count));
    return nas_buffer_read(e->value[v.id], 0, dst, count);
}

nas_status nas_exec_run(nas_exec *e) {
    return backend(e->device)->run(e);
}

nas_status nas_exec_wait(nas_exec *e) {
    return nas_device_finish(e->device);
}

nas_status nas_exec_profile(nas_exec *e, double *seconds, uint32_t n) {
    if (n != e->plan.n)
        return nas_fail(NAS_E_ARG, "the graph has %u nodes, not %u", (unsigned)e->plan.n,
                        (unsigned)n);
    for (uint32_t v = 0; v < n; v++)
        seconds[v] = 0;
    return backend(e->device)->profile(e, seconds);
}

nas_param_block nas_exec_params(nas_exec *e) {
    const plan *p = &e->plan;
    return (nas_param_block){.params = e->block[PLAN_PARAMS],
                             .grads = e->block[PLAN_TOGETHER],
                             .count = p->block[PLAN_PARAMS],
                             .n_decay = p->n_decay};
}

size_t nas_exec_param_offset(const nas_exec *e, nas_value param) {
    assert(nas_graph_node(e->graph, param)->op == NAS_OP_PARAM);
    return e->plan.param_first[param.id];
}
