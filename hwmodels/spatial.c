/* hwmodels/spatial.c - an array of processing elements with registers of their own, rows of the
 * filter kept in place, as in Eyeriss; energy by counting accesses.
 *
 * A row of a filter and a row of the image meet in one element; kh elements of a column make one
 * row of results, and as many columns work as there are rows of results. The rest of the array
 * takes other channels. Each multiply-add touches its registers four times (input, weight, sum read
 * and written), a sum passes the array once a filter row, and E = MACs (e_mac + 4 e_register) +
 * (MACs / kw) e_array + buffer words e_buffer + dram words e_dram Chen, Emer, Sze, ISCA 2016: a
 * level of the hierarchy costs so many multiply-adds.
 */
#include "layer.h"

#include <math.h>

typedef struct flow {            /* of one layer */
    double cycles, buffer, dram; /* dram and buffer: words */
} flow;

/* Elements that work at once: columns that the rows of results leave idle take another set. */
static double active(const nas_hw *h, const nas_layer *l) {
    double kh = fmin(l->kh, h->rows), wide = fmin(l->r, h->columns);
    double sets = floor(h->rows / kh) * fmax(floor(h->columns / wide), 1);
    double work = l->depthwise ? l->m : l->m * l->n; /* pairs of channels to give to the sets */
    return kh * wide * fmin(sets, work);
}

static flow flow_of(const nas_hw *h, const nas_layer *l) {
    double bytes = h->info.bits / 8;
    flow f = {.dram = l->in + l->weights + l->out, .buffer = l->in + l->out};
    if (!l->product) {
        f.cycles = l->operations / h->columns;
        return f;
    }
    double macs = l->times * l->m * l->n * l->r * l->c * l->kh * l->kw;
    f.cycles = macs / active(h, l);
    /* inputs are read again for each pass over output channels that the array does not hold at once
     */
    double passes = l->depthwise ? 1 : ceil(l->m / fmax(floor(h->rows / fmin(l->kh, h->rows)), 1));
    double reads =
        l->in * fmin(passes, 16); /* registers hold up to 16 filters beside one another */
    f.buffer = reads + l->weights + l->out * fmax(ceil(l->n / 16), 1);
    /* what does not fit beside the weights of a pass comes from memory again */
    if ((l->in + l->out) * bytes > h->buffer_bytes && !l->depthwise)
        f.dram += l->in * (fmin(ceil(l->weights * bytes / h->buffer_bytes), passes) - 1);
    return f;
}

static void price(nas_estimate *e, const nas_hw *h, const nas_graph *g, const nas_layer *l) {
    flow f = flow_of(h, l);
    double bytes = h->info.bits / 8, macs;
    nas_layer_counts(e, g, l, bytes);
    macs = l->product ? (double)e->macs : l->operations / 2;
    e->bytes = (int64_t)(f.dram * bytes);
    e->compute_s = f.cycles / h->info.clock_hz;
    e->memory_s = f.dram * bytes / h->info.bandwidth;
    e->launch_s = h->info.launch_s;
    e->latency_s = fmax(e->compute_s, e->memory_s) + e->launch_s;
    e->binds = e->compute_s >= e->memory_s ? "compute" : "memory";
    e->energy_j = h->info.idle_w * e->latency_s + macs * (h->mac_j + 4 * h->register_j) +
                  macs / l->kw * h->array_j + f.buffer * h->buffer_j + f.dram * h->dram_j;
}

static nas_status estimate(nas_estimate *total, nas_estimate *per_node, nas_text *how,
                           const nas_hw *h, const nas_graph *g) {
    nas_layer *l = NULL;
    nas_footprint f;
    uint32_t n = 0;
    nas_estimate sum = {.dsp = (double)NAN, .bram18 = (double)NAN, .lut = (double)NAN};
    nas_status st;
    (void)how; /* nothing is chosen */
    NAS_TRY(nas_footprint_of(&f, g, NULL));
    sum.memory_bytes = (f.weights + f.activations) / 32 * h->info.bits;
    NAS_TRY(nas_memory_fits(h, sum.memory_bytes));
    NAS_GO(nas_layers_of(&l, &n, g));
    for (uint32_t i = 0; per_node && i < nas_graph_count(g); i++)
        per_node[i] = (nas_estimate){0};
    for (uint32_t i = 0; i < n; i++) {
        nas_estimate e = {0};
        price(&e, h, g, &l[i]);
        nas_estimate_add(&sum, &e);
        if (per_node)
            per_node[l[i].node] = e;
    }
    sum.interval_s = sum.latency_s;
    sum.binds = sum.compute_s >= sum.memory_s ? "compute" : "memory";
    *total = sum;
done:
    nas_free(l);
    return st;
}

const nas_hw_model nas_hw_spatial = {
    .name = "spatial", .kinds = "asic", .complete = nas_grid_complete, .estimate = estimate};
