/* hwmodels/roofline.c - prices every kernel of an inference graph by the slower of its two roofs.
 *
 *   t      = max(t_compute, t_memory) + launch
 *   t_compute = flops / (e_c peak u)                 u: hwmodels/kernel_class.c
 *   t_memory  = max(dram / (e_b bandwidth), bytes / (e_b cache_bandwidth))
 * with the shares e_c, e_b of the kernel's class, and dram the bytes that do not stay in the last
 * cache from one kernel, or one run, to the next. Williams, Waterman, Patterson 2009.
 */
#include "device.h"

#include <math.h>
#include <string.h>

/* A cache holds a working set well up to about this share of its size. */
static const double cache_share = 0.6;

/* What a framework's host code takes to start one op; 15 to 25 us are common in Python. */
static const double eager_launch_s = 20e-6;

typedef struct traffic { /* bytes of one kernel */
    double weights, activations;
} traffic;

static traffic traffic_of(const nas_graph *g, const nas_node *n, const nas_cost *c) {
    traffic t = {0};
    for (uint32_t i = 0; i < n->n_in; i++) {
        nas_op op = nas_graph_node(g, n->in[i])->op;
        if (op == NAS_OP_PARAM || op == NAS_OP_CONSTANT || op == NAS_OP_STATE)
            t.weights += (double)nas_shape_count(nas_graph_shape(g, n->in[i])) * sizeof(float);
    }
    t.activations = fmax((double)(c->bytes_read + c->bytes_written) - t.weights, 0);
    return t;
}

static double dram_bytes(const nas_hw *h, const traffic *t, const nas_footprint *f) {
    double room = cache_share * h->info.cache_bytes;
    /* weights come back once a run: they stay only if all of them fit beside the activations */
    bool weights_stay = f->weights + t->activations <= room;
    bool activations_stay = t->weights + t->activations <= room;
    return (weights_stay ? 0 : t->weights) + (activations_stay ? 0 : t->activations);
}

/* Kernels that a fused one is when nothing is fused; each but the first passes over the output. */
static double passes_of(const nas_node *n) {
    if (n->op == NAS_OP_CONV2D)
        return 1 + n->attr.conv.bias + n->attr.conv.residual + (n->attr.conv.act != NAS_ACT_NONE);
    if (n->op == NAS_OP_MATMUL)
        return 1 + n->attr.matmul.residual + (n->attr.matmul.act != NAS_ACT_NONE);
    return 1;
}

static double energy(const nas_hw *h, const nas_estimate *e, double dram) {
    const nas_hw_info *f = &h->info;
    double flops = (double)e->flops, t = e->latency_s;
    if (h->flop_j > 0)
        return f->idle_w * t + flops * h->flop_j + (double)e->bytes * h->byte_j;
    if (f->max_w <= 0)
        return (double)NAN;
    double busy = fmax(flops / (f->peak_flops * t), dram / (f->bandwidth * t));
    return (f->idle_w + (f->max_w - f->idle_w) * fmin(busy, 1)) * t;
}

static void price(nas_estimate *e, const nas_hw *h, const nas_graph *g, nas_value v,
                  const nas_footprint *f) {
    const nas_node *n = nas_graph_node(g, v);
    const nas_hw_info *info = &h->info;
    const nas_efficiency *share = &h->efficiency[nas_kernel_class_of(g, n)];
    nas_cost c = {0};
    nas_graph_node_cost(&c, g, v);
    traffic t = traffic_of(g, n, &c);
    double passes = h->eager ? passes_of(n) : 1;
    t.activations += (passes - 1) * 2 * (double)nas_shape_count(&n->shape) * sizeof(float);
    double bytes = t.weights + t.activations, dram = dram_bytes(h, &t, f);
    e->macs = c.macs;
    e->flops = c.flops;
    e->bytes = (int64_t)bytes;
    e->memory_bytes = (double)nas_shape_count(&n->shape) * sizeof(float);
    e->compute_s = (double)c.flops / (share->compute * info->peak_flops * nas_utilisation(h, g, n));
    e->memory_s = fmax(dram / (share->bandwidth * info->bandwidth),
                       bytes / (share->bandwidth * info->cache_bandwidth));
    e->launch_s = passes * (h->eager ? fmax(info->launch_s, eager_launch_s) : info->launch_s);
    if (h->residual) {
        double add_s, factor = nas_residual_factor(&add_s, h, g, v, f);
        e->compute_s *= factor;
        e->memory_s *= factor;
        e->launch_s += factor * add_s;
    }
    e->latency_s = fmax(e->compute_s, e->memory_s) + e->launch_s;
    e->energy_j = e->latency_s > 0 ? energy(h, e, dram) : 0;
}

static const char *binding(double compute, double memory, double launch) {
    if (launch > fmax(compute, memory))
        return "launch";
    return compute >= memory ? "compute" : "memory";
}

static nas_status estimate(nas_estimate *total, nas_estimate *per_node, nas_text *how,
                           const nas_hw *h, const nas_graph *g) {
    nas_footprint f = {0};
    nas_estimate sum = {.dsp = (double)NAN, .bram18 = (double)NAN, .lut = (double)NAN};
    uint32_t count = nas_graph_count(g);
    (void)how; /* nothing is chosen */
    NAS_TRY(nas_footprint_of(&f, g, NULL));
    if (h->info.memory_bytes > 0 && f.weights + f.activations > h->info.memory_bytes)
        return nas_fail(NAS_E_TOO_BIG, "%s: the network needs %.0f MiB, the device has %.0f MiB",
                        h->info.name, (f.weights + f.activations) / 1048576,
                        h->info.memory_bytes / 1048576);
    for (uint32_t i = 0; i < count; i++) {
        nas_estimate e = {0};
        if (nas_is_kernel(nas_graph_node(g, (nas_value){i}))) {
            price(&e, h, g, (nas_value){i}, &f);
            e.binds = binding(e.compute_s, e.memory_s, e.launch_s);
        }
        nas_estimate_add(&sum, &e);
        if (per_node)
            per_node[i] = e;
    }
    /* a device without figures for power has no energy, not even of a graph without kernels */
    if (h->flop_j <= 0 && h->info.max_w <= 0)
        sum.energy_j = (double)NAN;
    sum.memory_bytes = f.weights + f.activations;
    sum.interval_s = sum.latency_s;
    sum.binds = binding(sum.compute_s, sum.memory_s, sum.launch_s);
    *total = sum;
    return NAS_OK;
}

static void complete(nas_hw *h) {
    h->info.bits = 32;
}

const nas_hw_model nas_hw_roofline = {
    .name = "roofline", .kinds = "cpu gpu", .complete = complete, .estimate = estimate};
