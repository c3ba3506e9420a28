/* graph/ref.c - the reference run: every node in double, in order. */
#include "graph_impl.h"

#include <string.h>

nas_status nas_graph_run_ref(const nas_graph *g, double *const *values) {
    for (uint32_t id = 0; id < g->n; id++) {
        const nas_node *n = &g->entry[id].node;
        const nas_op_info *info = nas_op_get(n->op);
        if (!values[id])
            return nas_fail(NAS_E_ARG, "reference: no storage for value %u (%s %s)", id, info->name,
                            nas_graph_name(g, (nas_value){id}));
        if (info->flags & NAS_OPF_LEAF)
            continue;
        if (!info->ref)
            return nas_fail(NAS_E_UNSUPPORTED, "reference: %s has none", info->name);
        nas_shape shape[NAS_MAX_IN];
        const double *in[NAS_MAX_IN];
        for (uint32_t i = 0; i < n->n_in; i++) {
            shape[i] = g->entry[n->in[i].id].node.shape;
            in[i] = values[n->in[i].id];
        }
        bool in_place = info->flags & NAS_OPF_WRITES_IN0;
        double *to = in_place ? values[n->in[0].id] : values[id];
        info->ref(n, shape, in, to);
        if (to != values[id])
            memcpy(values[id], to, (size_t)nas_shape_count(&n->shape) * sizeof *to);
    }
    return NAS_OK;
}
