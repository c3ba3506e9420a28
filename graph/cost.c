/* graph/cost.c - counts of multiply-adds, operations, parameters and bytes. */
#include "graph_impl.h"

#include <string.h>

void nas_graph_node_cost(nas_cost *out, const nas_graph *g, nas_value v) {
    const nas_node *n = nas_graph_node(g, v);
    const nas_op_info *info = nas_op_get(n->op);
    const int64_t word = (int64_t)sizeof(float);
    nas_cost c = {0};
    if (n->op == NAS_OP_PARAM)
        c.params = nas_shape_count(&n->shape);
    if (info->flags & (NAS_OPF_LEAF | NAS_OPF_ALIAS)) {
        *out = c;
        return;
    }
    nas_shape in[NAS_MAX_IN];
    memset(in, 0, sizeof in);
    for (uint32_t i = 0; i < n->n_in; i++) {
        in[i] = *nas_graph_shape(g, n->in[i]);
        bool seen = false;
        for (uint32_t j = 0; j < i; j++)
            seen = seen || n->in[j].id == n->in[i].id;
        c.bytes_read += seen ? 0 : nas_shape_count(&in[i]) * word;
    }
    c.bytes_written = nas_shape_count(&n->shape) * word;
    if (info->cost)
        info->cost(n, in, &c);
    *out = c;
}

void nas_graph_cost(nas_cost *out, const nas_graph *g) {
    nas_cost sum = {0};
    for (uint32_t i = 0; i < g->n; i++) {
        nas_cost c;
        nas_graph_node_cost(&c, g, (nas_value){i});
        sum.macs += c.macs;
        sum.flops += c.flops;
        sum.params += c.params;
        sum.bytes_read += c.bytes_read;
        sum.bytes_written += c.bytes_written;
    }
    *out = sum;
}
