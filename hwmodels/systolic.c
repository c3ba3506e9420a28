/* hwmodels/systolic.c - a grid of multiply-adds with fixed weights, as in the Edge TPU.
 *
 * Taps and input channels lie along the rows, output channels along the columns; one tile of
 * weights takes every pixel, a row of the grid behind the other: cycles = times ceil(K / rows)
 * ceil(M / columns) (pixels + rows + columns - 2),  K = n kh kw A depthwise window uses one column:
 * as many channels as windows fit the rows go together. Weights stay in the buffer from run to run
 * when all of them fit, else they come from memory each time. After Jouppi et al., ISCA 2017.
 */
#include "layer.h"

#include <math.h>

static double cycles_of(const nas_hw *h, const nas_layer *l) {
    double pixels = l->r * l->c, fill = h->rows + h->columns - 2, taps = l->kh * l->kw;
    if (!l->product) /* one lane a column */
        return l->operations / h->columns;
    if (l->depthwise) {
        double together = fmax(floor(fmin(h->rows / taps, h->columns)), 1);
        return l->times * ceil(l->m / together) * ceil(taps / h->rows) * (pixels + fill);
    }
    return l->times * ceil(l->n * taps / h->rows) * ceil(l->m / h->columns) * (pixels + fill);
}

static void price(nas_estimate *e, const nas_hw *h, const nas_graph *g, const nas_layer *l,
                  bool weights_stay) {
    double bytes = h->info.bits / 8;
    nas_layer_counts(e, g, l, bytes);
    /* activations pass between layers inside the buffer when both sides of one fit half of it */
    bool inside = (l->in + l->out) * bytes <= h->buffer_bytes / 2;
    double moved = ((weights_stay ? 0 : l->weights) + (inside ? 0 : l->in + l->out)) * bytes;
    e->bytes = (int64_t)moved;
    e->compute_s = cycles_of(h, l) / h->info.clock_hz;
    e->memory_s = moved / h->info.bandwidth;
    e->launch_s = h->info.launch_s;
    e->latency_s = fmax(e->compute_s, e->memory_s) + e->launch_s;
    e->binds = e->compute_s >= e->memory_s ? "compute" : "memory";
    if (h->flop_j > 0)
        e->energy_j =
            h->info.idle_w * e->latency_s + (double)e->flops * h->flop_j + moved * h->byte_j;
}

static nas_status estimate(nas_estimate *total, nas_estimate *per_node, nas_text *how,
                           const nas_hw *h, const nas_graph *g) {
    nas_layer *l = NULL;
    nas_footprint f;
    uint32_t n = 0;
    nas_estimate sum = {.dsp = (double)NAN, .bram18 = (double)NAN, .lut = (double)NAN};
    nas_status st;
    NAS_TRY(nas_footprint_of(&f, g, NULL));
    double bytes = h->info.bits / 8, weights = f.weights / 4 * bytes;
    NAS_TRY(nas_memory_fits(h, (f.weights + f.activations) / 4 * bytes));
    NAS_GO(nas_layers_of(&l, &n, g));
    for (uint32_t i = 0; per_node && i < nas_graph_count(g); i++)
        per_node[i] = (nas_estimate){0};
    for (uint32_t i = 0; i < n; i++) {
        nas_estimate e = {0};
        price(&e, h, g, &l[i], weights <= h->buffer_bytes);
        nas_estimate_add(&sum, &e);
        if (per_node)
            per_node[l[i].node] = e;
    }
    sum.memory_bytes = (f.weights + f.activations) / 4 * bytes;
    sum.interval_s = sum.latency_s;
    sum.binds = sum.compute_s >= sum.memory_s ? "compute" : "memory";
    if (h->flop_j <= 0)
        sum.energy_j = (double)NAN;
    if (how)
        nas_text_add(how, "%s: %g x %g grid, %g bits; weights %.4g KiB %s the buffer of %.4g KiB\n",
                     h->info.name, h->rows, h->columns, h->info.bits, weights / 1024,
                     weights <= h->buffer_bytes ? "stay in" : "do not fit", h->buffer_bytes / 1024);
    *total = sum;
done:
    nas_free(l);
    return st;
}

const nas_hw_model nas_hw_systolic = {
    .name = "systolic", .kinds = "asic", .complete = nas_grid_complete, .estimate = estimate};
