/* hwmodels/estimate.c - asks a device's model for a price, and explains what it chose. */
#include "device.h"

bool nas_is_kernel(const nas_node *n) {
    return !(nas_op_get(n->op)->flags & (NAS_OPF_LEAF | NAS_OPF_ALIAS));
}

void nas_estimate_add(nas_estimate *sum, const nas_estimate *e) {
    sum->latency_s += e->latency_s;
    sum->energy_j += e->energy_j;
    sum->compute_s += e->compute_s;
    sum->memory_s += e->memory_s;
    sum->launch_s += e->launch_s;
    sum->macs += e->macs;
    sum->flops += e->flops;
    sum->bytes += e->bytes;
}

nas_status nas_model_estimate(nas_estimate *total, nas_estimate *per_node, const nas_hw *h,
                              const nas_graph *g) {
    return h->model->estimate(total, per_node, NULL, h, g);
}

nas_status nas_hw_estimate(nas_estimate *total, nas_estimate *per_node, const nas_hw *h,
                           const nas_graph *inference) {
    if (!h->learnt)
        return nas_model_estimate(total, per_node, h, inference);
    uint32_t n = nas_graph_count(inference);
    nas_estimate *node = per_node ? per_node : nas_calloc(n + 1, sizeof *node);
    if (!node)
        return nas_fail_memory(n * sizeof *node);
    nas_estimate sum;
    nas_status st = nas_model_estimate(&sum, node, h, inference);
    if (st == NAS_OK) {
        nas_learnt_apply(&sum, node, h->learnt, inference);
        *total = sum;
    }
    if (!per_node)
        nas_free(node);
    return st;
}

nas_status nas_hw_explain(nas_text *out, const nas_hw *h, const nas_graph *inference) {
    nas_estimate ignored;
    NAS_TRY(h->model->estimate(&ignored, NULL, out, h, inference));
    return nas_text_check(out);
}
