/* runtime/exec_ref.c - runs a graph node by node on the reference: plain C in double. */
#include "exec.h"

#include <string.h>

static nas_status prepare(nas_exec *e, const emitter *em) {
    (void)e;
    (void)em;
    return NAS_OK;
}

static void run_node(nas_exec *e, uint32_t v) {
    const nas_node *n = nas_graph_node(e->graph, (nas_value){v});
    const nas_op_info *op = nas_op_get(n->op);
    nas_shape shapes[NAS_MAX_IN];
    const double *in[NAS_MAX_IN];
    if (!e->plan.slot[v].live || (op->flags & (NAS_OPF_LEAF | NAS_OPF_ALIAS)))
        return;
    for (uint32_t i = 0; i < n->n_in; i++) {
        shapes[i] = *nas_graph_shape(e->graph, n->in[i]);
        in[i] = e->value[n->in[i].id]->host;
    }
    op->ref(n, shapes, in, e->value[v]->host);
}

static void copy_due(nas_exec *e, uint32_t v) {
    for (size_t c = 0; c < e->plan.n_copies; c++)
        if (e->plan.copy[c].value == v)
            memcpy(e->copy_to[c]->host, e->value[v]->host, e->plan.slot[v].count * sizeof(double));
}

static nas_status run(nas_exec *e) {
    for (uint32_t v = 0; v < e->plan.n; v++) {
        run_node(e, v);
        copy_due(e, v);
    }
    return NAS_OK;
}

static nas_status profile(nas_exec *e, double *seconds) {
    for (uint32_t v = 0; v < e->plan.n; v++) {
        double start = nas_clock();
        run_node(e, v);
        copy_due(e, v);
        const nas_op_info *op = nas_op_get(nas_graph_node(e->graph, (nas_value){v})->op);
        if (!(op->flags & (NAS_OPF_LEAF | NAS_OPF_ALIAS)))
            seconds[v] = nas_clock() - start;
    }
    return NAS_OK;
}

static void release(nas_exec *e) {
    (void)e;
}

const exec_backend exec_on_ref = {prepare, run, profile, release};
