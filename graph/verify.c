/* graph/verify.c - checks every invariant of a graph; for passes and tests. */
#include "graph_impl.h"

#include <string.h>

static nas_status verify_node(const nas_graph *g, uint32_t id) {
    const graph_entry *e = &g->entry[id];
    const nas_node *n = &e->node;
    if ((unsigned)n->op >= NAS_OP_COUNT)
        return nas_fail(NAS_E_GRAPH, "node %u: unknown op %d", id, (int)n->op);
    const nas_op_info *info = nas_op_get(n->op);
    bool leaf = info->flags & NAS_OPF_LEAF;
    if (n->n_in < info->min_in || n->n_in > info->max_in)
        return nas_fail(NAS_E_GRAPH, "node %u: %s has %u inputs", id, info->name, n->n_in);
    if (n->scope >= g->n_scopes)
        return nas_fail(NAS_E_GRAPH, "node %u: %s is in no scope", id, info->name);
    if (leaf != (e->name != NULL))
        return nas_fail(NAS_E_GRAPH, "node %u: %s %s a name", id, info->name,
                        leaf ? "lacks" : "must not have");
    if (leaf && nas_graph_find(g, e->name).id != id)
        return nas_fail(NAS_E_GRAPH, "node %u: the name \"%s\" is taken", id, e->name);
    nas_shape in[NAS_MAX_IN];
    memset(in, 0, sizeof in);
    for (uint32_t i = 0; i < n->n_in; i++) {
        if (n->in[i].id >= id)
            return nas_fail(NAS_E_GRAPH, "node %u: %s reads node %u, which is not before it", id,
                            info->name, n->in[i].id);
        in[i] = g->entry[n->in[i].id].node.shape;
    }
    nas_shape shape = {0};
    nas_status st = info->infer(n, in, &shape);
    if (st != NAS_OK)
        return nas_fail_prefix(NAS_E_GRAPH, "node %u", id);
    if (!nas_shape_equal(&shape, &n->shape))
        return nas_fail(NAS_E_GRAPH, "node %u: %s has not the shape of its rule", id, info->name);
    if (e->hash != nas_graph_node_hash(g, n))
        return nas_fail(NAS_E_GRAPH, "node %u: %s has changed since it was added", id, info->name);
    return NAS_OK;
}

/* What is written in place must be a STATE, and only one node may write it. */
static nas_status verify_writes(const nas_graph *g, uint32_t id) {
    const nas_node *n = &g->entry[id].node;
    const nas_op_info *info = nas_op_get(n->op);
    if (!(info->flags & NAS_OPF_WRITES_IN0))
        return NAS_OK;
    uint32_t state = n->in[0].id;
    if (g->entry[state].node.op != NAS_OP_STATE)
        return nas_fail(NAS_E_GRAPH, "node %u: %s writes node %u, a %s, not a state", id,
                        info->name, state, nas_op_get(g->entry[state].node.op)->name);
    if (g->entry[state].writers > 1)
        return nas_fail(NAS_E_GRAPH, "%u nodes write \"%s\"", g->entry[state].writers,
                        g->entry[state].name);
    return NAS_OK;
}

nas_status nas_graph_verify(const nas_graph *g) {
    for (uint32_t i = 1; i < g->n_scopes; i++)
        if (g->scope[i].parent >= i)
            return nas_fail(NAS_E_GRAPH, "scope %u: its parent %u is not before it", i,
                            g->scope[i].parent);
    for (uint32_t i = 0; i < g->n; i++) {
        NAS_TRY(verify_node(g, i));
        NAS_TRY(verify_writes(g, i));
    }
    if (nas_value_ok(g->output) && g->output.id >= g->n)
        return nas_fail(NAS_E_GRAPH, "the output %u is no node", g->output.id);
    return NAS_OK;
}
