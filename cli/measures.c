/* cli/measures.c - what a network costs without being trained: counts, memory, modelled prices. */
#include "cli.h"

#include <math.h>
#include <string.h>

nas_status cli_costs_of(cli_costs *out, const nas_graph *model) {
    nas_cost c;
    nas_graph_cost(&c, model);
    nas_inference inf = {0};
    nas_memory_plan plan;
    nas_status st;
    nas_value logits;
    NAS_TRY(nas_graph_inference(&inf, model));
    logits = nas_graph_output(inf.graph);
    NAS_GO(nas_exec_plan(&plan, NULL, inf.graph, &logits, 1, NULL, 0));
    *out = (cli_costs){.params = c.params,
                       .macs = c.macs,
                       .memory_bytes = (double)(plan.leaf_bytes + plan.activation_bytes),
                       .hash = nas_graph_hash(model)};
done:
    nas_inference_free(&inf);
    return st;
}

/* Price of the inference form on the device of m. */
static nas_status estimate(nas_estimate *out, const char *device, const nas_graph *model) {
    nas_hw *hw = NULL;
    nas_inference inf = {0};
    nas_status st;
    NAS_GO(nas_graph_inference(&inf, model));
    NAS_GO(nas_hw_open(&hw, device));
    NAS_GO(nas_hw_estimate(out, NULL, hw, inf.graph));
done:
    nas_hw_free(hw);
    nas_inference_free(&inf);
    return st;
}

nas_status cli_measure_modelled(double *out, const nas_measure *m, const nas_graph *model,
                                const cli_costs *costs) {
    if (strcmp(m->name, "params") == 0)
        *out = (double)costs->params;
    else if (strcmp(m->name, "macs") == 0)
        *out = (double)costs->macs;
    else if (strcmp(m->name, "memory") == 0)
        *out = costs->memory_bytes;
    else if (m->device[0]) {
        nas_estimate e;
        NAS_TRY(estimate(&e, m->device, model));
        *out = strncmp(m->name, "latency", 7) == 0  ? e.latency_s
               : strncmp(m->name, "energy", 6) == 0 ? e.energy_j
                                                    : e.memory_bytes;
        if (!isfinite(*out))
            return nas_fail(NAS_E_UNSUPPORTED,
                            "%s: the device file of %s gives no power, so energy "
                            "is not modelled",
                            m->name, m->device);
    } else {
        return nas_fail(NAS_E_ARG, "%s is not known before training", m->name);
    }
    return NAS_OK;
}
