/* hwmodels/training.c - prices a training step: forward, backward and optimiser. */
#include "device.h"

#include <math.h>

/* Numbers of float32 that the optimiser moves for each param, and those that it keeps beside it:
 * SGD reads param, gradient and momentum and writes two of them, Adam has one moment more. */
static const struct {
    double moved, kept;
} optimizers[] = {[NAS_HW_SGD] = {5, 1}, [NAS_HW_ADAM] = {7, 2}};

nas_status nas_hw_estimate_training(nas_estimate *total, nas_estimate *per_node, const nas_hw *h,
                                    const nas_training *t, nas_hw_optimizer optimizer) {
    nas_cost c;
    nas_estimate sum, step = {0};
    nas_footprint memory;
    const nas_hw_info *f = &h->info;
    if (h->model != &nas_hw_roofline)
        return nas_fail(NAS_E_UNSUPPORTED, "%s: training is modelled for processors, not for %s",
                        f->name, f->kind);
    NAS_TRY(nas_hw_estimate(&sum, per_node, h, t->graph));
    NAS_TRY(nas_footprint_of(&memory, t->graph, t));
    nas_graph_cost(&c, t->graph);
    double bytes = optimizers[optimizer].moved * sizeof(float) * (double)c.params;
    const nas_efficiency *share = &h->efficiency[NAS_KERNEL_ELEMENTWISE];
    step.bytes = (int64_t)bytes;
    step.memory_s = bytes / (share->bandwidth * f->bandwidth); /* a step ago is not in the cache */
    step.launch_s = f->launch_s;
    step.latency_s = step.memory_s + step.launch_s;
    if (h->flop_j > 0)
        step.energy_j = f->idle_w * step.latency_s + bytes * h->byte_j;
    else if (f->max_w > 0)
        step.energy_j =
            f->idle_w * step.latency_s + (f->max_w - f->idle_w) * share->bandwidth * step.memory_s;
    nas_estimate_add(&sum, &step);
    sum.memory_bytes = memory.weights + memory.activations +
                       optimizers[optimizer].kept * sizeof(float) * (double)c.params;
    sum.interval_s = sum.latency_s;
    if (f->memory_bytes > 0 && sum.memory_bytes > f->memory_bytes)
        return nas_fail(NAS_E_TOO_BIG, "%s: training needs %.0f MiB, the device has %.0f MiB",
                        f->name, sum.memory_bytes / 1048576, f->memory_bytes / 1048576);
    *total = sum;
    return NAS_OK;
}
