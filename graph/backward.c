/* graph/backward.c - reverse-mode differentiation as a graph-to-graph pass: appends ordinary nodes.
 */
#include "graph_impl.h"

/* What the pass knows about a node that was there before it. */
typedef struct mark {
    nas_value grad;
    bool needed; /* depends on one of wrt */
} mark;

static void mark_needed(mark *m, const nas_graph *g, uint32_t end) {
    for (uint32_t id = 0; id < end; id++) {
        const nas_node *n = &g->entry[id].node;
        for (uint32_t i = 0; i < n->n_in; i++)
            m[id].needed = m[id].needed || m[n->in[i].id].needed;
    }
}

static nas_status accumulate(mark *m, nas_graph *g, nas_value x, nas_value dx) {
    if (!nas_shape_equal(nas_graph_shape(g, x), nas_graph_shape(g, dx)))
        return nas_fail(NAS_E_GRAPH, "backward: the gradient of value %u has another shape", x.id);
    if (!nas_value_ok(m[x.id].grad)) {
        m[x.id].grad = dx;
        return NAS_OK;
    }
    return nas_add(&m[x.id].grad, g, m[x.id].grad, dx);
}

/* Sends the gradient of node id to its inputs. */
static nas_status step(mark *m, nas_graph *g, uint32_t id) {
    const nas_node n = g->entry[id].node; /* a copy: the rule below appends */
    bool want[NAS_MAX_IN] = {false}, any = false;
    nas_value dx[NAS_MAX_IN];
    for (uint32_t i = 0; i < n.n_in; i++) {
        dx[i] = NAS_NO_VALUE;
        want[i] = m[n.in[i].id].needed;
        any = any || want[i];
    }
    if (!any)
        return NAS_OK;
    const nas_op_info *info = nas_op_get(n.op);
    if (!info->vjp)
        return nas_fail(NAS_E_GRAPH, "backward: %s in \"%s\" has no gradient", info->name,
                        g->scope[n.scope].name);
    if (info->flags & NAS_OPF_ADDS_GRAD && want[0]) {
        dx[0] = m[n.in[0].id].grad;
        m[n.in[0].id].grad = NAS_NO_VALUE;
    }
    NAS_TRY(info->vjp(g, (nas_value){id}, m[id].grad, want, dx));
    for (uint32_t i = 0; i < n.n_in; i++)
        if (want[i] && nas_value_ok(dx[i]))
            NAS_TRY(accumulate(m, g, n.in[i], dx[i]));
    return NAS_OK;
}

/* The gradient of the loss with respect to itself. */
static nas_status seed_gradient(nas_value *out, nas_graph *g, nas_value loss, float scale) {
    nas_attr a = {.leaf = {.shape = *nas_graph_shape(g, loss), .scale = scale}};
    char name[40];
    uint32_t k = g->n; /* the first name tried is free unless a caller has taken it */
    do
        snprintf(name, sizeof name, "grad.%u", k++);
    while (nas_value_ok(nas_graph_find(g, name)));
    return nas_graph_leaf(out, g, NAS_OP_CONSTANT, name, &a);
}

nas_status nas_graph_backward_scaled(nas_value *grad, nas_graph *g, nas_value loss, float scale,
                                     const nas_value *wrt, uint32_t n) {
    uint32_t before = g->n, end = loss.id + 1, scope = g->scope_now;
    if (loss.id >= g->n || nas_graph_shape(g, loss)->rank > 1)
        return nas_fail(NAS_E_ARG, "backward: the loss must be a scalar or one number a sample");
    for (uint32_t i = 0; i < n; i++)
        if (wrt[i].id >= before)
            return nas_fail(NAS_E_ARG, "backward: wrt[%u] is no value of this graph", i);
    mark *m = nas_malloc(before * sizeof *m);
    if (!m)
        return nas_fail_memory(before * sizeof *m);
    for (uint32_t i = 0; i < before; i++)
        m[i] = (mark){.grad = NAS_NO_VALUE};
    for (uint32_t i = 0; i < n; i++)
        m[wrt[i].id].needed = true;
    mark_needed(m, g, end);

    nas_status st = NAS_OK;
    if (m[loss.id].needed)
        NAS_GO(seed_gradient(&m[loss.id].grad, g, loss, scale));
    for (uint32_t id = end; id-- > 0;) {
        if (!nas_value_ok(m[id].grad))
            continue;
        nas_graph_scope_enter(g, g->entry[id].node.scope);
        NAS_GO(step(m, g, id));
    }
    for (uint32_t i = 0; i < n; i++)
        grad[i] = m[wrt[i].id].grad;
done:
    nas_graph_scope_enter(g, scope);
    if (st != NAS_OK)
        nas_graph_truncate(g, before);
    nas_free(m);
    return st;
}

nas_status nas_graph_backward(nas_value *grad, nas_graph *g, nas_value loss, const nas_value *wrt,
                              uint32_t n) {
    return nas_graph_backward_scaled(grad, g, loss, 1, wrt, n);
}
