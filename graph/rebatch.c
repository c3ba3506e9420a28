/* graph/rebatch.c - the same network at another batch size: every shape is inferred anew. */
#include "graph_impl.h"

static nas_status check(const nas_graph *g, int32_t batch) {
    if (batch < 1)
        return nas_fail(NAS_E_ARG, "rebatch: batch %d is not at least 1", batch);
    if (g->batch == 0)
        return nas_fail(NAS_E_GRAPH, "rebatch: the graph has no input with a batch");
    for (uint32_t id = 0; id < g->n; id++) {
        const nas_node *n = &g->entry[id].node;
        if (n->op == NAS_OP_INPUT && n->shape.rank > 0 && n->shape.dim[0] != g->batch)
            return nas_fail(NAS_E_GRAPH, "rebatch: input \"%s\" has batch %d, another has %d",
                            g->entry[id].name, n->shape.dim[0], g->batch);
        /* Its seed gradient and counts are of one batch; the model it was made from is not. */
        if (n->op == NAS_OP_EMA || n->op == NAS_OP_CROSS_ENTROPY_GRAD)
            return nas_fail(NAS_E_UNSUPPORTED,
                            "rebatch: this is a training step; rebatch its model instead");
    }
    return NAS_OK;
}

static nas_status copy_at(nas_value *out, nas_graph *g, const nas_graph *src, uint32_t id,
                          const nas_value *map, int32_t batch) {
    const graph_entry *e = &src->entry[id];
    nas_node n = e->node;
    int64_t factor = nas_graph_batch_factor(src, &n), lead = factor * batch;
    if (lead > INT32_MAX)
        return nas_fail(NAS_E_SHAPE, "rebatch: %lld batches of %d are too many elements",
                        (long long)factor, batch);
    if (n.op == NAS_OP_INPUT && factor > 0)
        n.attr.leaf.shape.dim[0] = (int32_t)lead;
    else if (factor > 0)
        n.attr.shape.shape.dim[0] = (int32_t)lead;
    for (uint32_t i = 0; i < n.n_in; i++)
        n.in[i] = map[n.in[i].id];
    nas_graph_scope_enter(g, n.scope);
    if (e->name)
        return nas_graph_leaf(out, g, n.op, e->name, &n.attr);
    return nas_graph_add(out, g, n.op, n.in, n.n_in, &n.attr);
}

nas_status nas_graph_rebatch(nas_graph **out, const nas_graph *g, int32_t batch) {
    NAS_TRY(check(g, batch));
    nas_status st = NAS_OK;
    nas_graph *to = NULL;
    nas_value *map = nas_malloc((g->n + 1) * sizeof *map);
    if (!map)
        return nas_fail_memory((g->n + 1) * sizeof *map);
    NAS_GO(nas_graph_create(&to));
    NAS_GO(nas_graph_copy_scopes(to, g));
    for (uint32_t id = 0; id < g->n; id++)
        if ((st = copy_at(&map[id], to, g, id, map, batch)) != NAS_OK) {
            st = nas_fail_prefix(st, "rebatch from %d to %d", g->batch, batch);
            goto done;
        }
    nas_graph_scope_enter(to, 0);
    if (nas_value_ok(g->output))
        to->output = map[g->output.id];
    *out = to;
    to = NULL;
done:
    nas_graph_free(to);
    nas_free(map);
    return st;
}
