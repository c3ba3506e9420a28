/* hwmodels/dataflow.c - a pipeline with an engine of its own for each layer, folded until it fits.
 *
 * A layer computes PE outputs from SIMD inputs each cycle:
 *   cycles = (MH / PE) (MW / SIMD) vectors,   MH = m, MW = n kh kw, vectors = pixels
 * The slowest layer sets the interval between images. Folding starts at one multiply-add a layer
 * and doubles the slowest layer's until it does not fit any more. All weights lie on the chip.
 * Blocks as FINN estimates them: Umuroglu et al., FPGA 2017; Blott et al., 2018.
 */
#include "fpga.h"

#include <math.h>

typedef struct stage {
    const nas_layer *l;
    double pe, simd, mh, mw, vectors;
    nas_blocks blocks;
    double cycles;
} stage;

/* Blocks of a memory of `depth` words of `width` bits: the shape of the block that fits best. */
static double memory_blocks(double width, double depth) {
    static const struct shape {
        double width, depth;
    } shapes[] = {{1, 16384}, {2, 8192}, {4, 4096}, {9, 2048}};
    if (depth <= 128)
        return 0; /* look-up tables */
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++)
        if (width <= shapes[i].width)
            return ceil(depth / shapes[i].depth) * ceil(width / shapes[i].width);
    if (width <= 18 || depth > 512)
        return ceil(depth / 1024) * ceil(width / 18);
    return ceil(depth / 512) * ceil(width / 36);
}

/* A window slides over kh rows and the next ones: a line buffer. */
static double line_blocks(const stage *s, double bits) {
    const nas_layer *l = s->l;
    if (l->kh * l->kw == 1)
        return 0;
    double channels = l->depthwise ? l->m : l->n;
    double words = ceil(channels / s->simd) * l->c * l->s;
    return (l->kh + l->s) * memory_blocks(s->simd * bits, words);
}

static void fold(stage *s, double bits, double dsp_per_mac) {
    const nas_layer *l = s->l;
    double pe = s->pe, simd = s->simd, wide = 2 * bits; /* weight and activation */
    s->cycles = ceil(s->mh / pe) * ceil(s->mw / simd) * s->vectors;
    if (!l->product) {
        s->blocks = (nas_blocks){.lut = 100 + pe * bits * 6};
        return;
    }
    double sum_bits = ceil(log2(fmax(s->mw, 2))) + wide;
    double levels = exp2(fmin(bits, 4)) - 1; /* wider outputs are scaled, not compared */
    double adders = wide * (2 * simd - 1);
    double threshold = levels * sum_bits * ceil(s->mh / pe / 64) + levels * sum_bits;
    double depth = s->mw * s->mh / (simd * pe);
    s->blocks.dsp = ceil(pe * simd * dsp_per_mac);
    s->blocks.lut = 300 + 1.1 * pe * (adders + sum_bits + threshold);
    if (depth <= 128)
        s->blocks.lut += simd * pe * bits * ceil(depth / 64);
    s->blocks.bram18 = memory_blocks(simd * pe * bits, depth) + line_blocks(s, bits);
}

static void open_stage(stage *s, const nas_layer *l) {
    *s = (stage){.l = l, .pe = 1, .simd = 1, .mh = l->m, .mw = l->n * l->kh * l->kw};
    s->vectors = l->r * l->c * l->times;
    if (!l->product) {
        s->mw = 1;
        s->vectors = fmax(l->operations, l->out) / s->mh;
    }
}

/* Twice the work a cycle: along the side that has more left. False: all is done at once. */
static bool widen(stage *s, double bits, double dsp_per_mac) {
    double left_m = s->mh / s->pe, left_w = s->mw / s->simd;
    if (left_m <= 1 && left_w <= 1)
        return false;
    double *side = left_w >= left_m ? &s->simd : &s->pe;
    *side = fmin(*side * 2, side == &s->simd ? s->mw : s->mh);
    fold(s, bits, dsp_per_mac);
    return true;
}

static nas_blocks sum_blocks(const stage *s, uint32_t n) {
    nas_blocks b = {.lut = 5000};
    for (uint32_t i = 0; i < n; i++) {
        b.dsp += s[i].blocks.dsp;
        b.bram18 += s[i].blocks.bram18;
        b.lut += s[i].blocks.lut;
    }
    return b;
}

static bool fits(const nas_blocks *b, const nas_blocks *usable) {
    return b->dsp <= usable->dsp && b->bram18 <= usable->bram18 && b->lut <= usable->lut;
}

/* Returns what stopped it: "dsp", "bram18", "lut", or "compute" when the slowest layer is whole. */
static const char *fold_all(stage *s, uint32_t n, const nas_hw *h, const nas_blocks *usable) {
    double bits = h->info.bits, per_mac = nas_dsp_per_mac(h);
    nas_blocks b = sum_blocks(s, n);
    for (;;) {
        uint32_t slowest = 0;
        for (uint32_t i = 1; i < n; i++)
            if (s[i].cycles > s[slowest].cycles)
                slowest = i;
        stage before = s[slowest];
        if (!widen(&s[slowest], bits, per_mac))
            return "compute";
        nas_blocks next = {b.dsp + s[slowest].blocks.dsp - before.blocks.dsp,
                           b.bram18 + s[slowest].blocks.bram18 - before.blocks.bram18,
                           b.lut + s[slowest].blocks.lut - before.blocks.lut};
        if (!fits(&next, usable)) {
            s[slowest] = before;
            return nas_blocks_scarce(&next, usable);
        }
        b = next;
    }
}

static void explain(nas_text *how, const stage *s, uint32_t n, const nas_hw *h,
                    const nas_estimate *e) {
    nas_text_add(how, "%s: dataflow of %u engines, %g bits, %g MHz; binds: %s\n", h->info.name,
                 (unsigned)n, h->info.bits, h->info.clock_hz / 1e6, e->binds);
    nas_text_add(how, "  dsp %.0f of %.0f, bram18 %.0f of %.0f, lut %.0f of %.0f; %.4g batches/s\n",
                 e->dsp, h->info.dsp, e->bram18, h->info.bram18, e->lut, h->info.lut,
                 1 / e->interval_s);
    nas_text_add(how, "  PE x SIMD:");
    for (uint32_t i = 0; i < n; i++)
        nas_text_add(how, " %gx%g", s[i].pe, s[i].simd);
    nas_text_add(how, "\n");
}

/* The pipeline is full when each layer has seen the rows that its first result needs. */
static double fill_cycles(const stage *s) {
    return s->cycles / s->l->times * fmin(s->l->kh / fmax(s->l->r, 1), 1);
}

static void price_stages(nas_estimate *sum, nas_estimate *per_node, const stage *s, uint32_t n,
                         const nas_hw *h, const nas_graph *g) {
    double slowest = 0, fill = 0, hz = h->info.clock_hz, bytes = h->info.bits / 8;
    for (uint32_t i = 0; i < n; i++) {
        nas_estimate e = {0};
        nas_layer_counts(&e, g, s[i].l, bytes);
        e.compute_s = e.latency_s = s[i].cycles / hz;
        e.bytes = 0; /* nothing leaves the chip */
        e.binds = "compute";
        e.energy_j = h->flop_j > 0 ? (double)e.flops * h->flop_j : (double)NAN;
        nas_estimate_add(sum, &e);
        if (per_node)
            per_node[s[i].l->node] = e;
        slowest = fmax(slowest, s[i].cycles);
        fill += fill_cycles(&s[i]);
    }
    sum->bytes = n ? (int64_t)((s[0].l->in + s[n - 1].l->out) * bytes) : 0;
    sum->memory_s = (double)sum->bytes / h->info.bandwidth;
    sum->interval_s = fmax(slowest / hz, sum->memory_s);
    sum->latency_s = sum->interval_s + fill / hz + h->info.launch_s;
    sum->compute_s = slowest / hz;
    sum->launch_s = h->info.launch_s;
    sum->energy_j += h->info.idle_w * sum->latency_s + (double)sum->bytes * h->byte_j;
}

static nas_status run(nas_estimate *total, nas_estimate *per_node, nas_text *how, stage *s,
                      uint32_t n, const nas_hw *h, const nas_graph *g) {
    nas_blocks usable = nas_blocks_usable(h);
    for (uint32_t i = 0; i < n; i++)
        fold(&s[i], h->info.bits, nas_dsp_per_mac(h));
    nas_blocks b = sum_blocks(s, n);
    if (!fits(&b, &usable))
        return nas_fail(NAS_E_TOO_BIG,
                        "%s: a dataflow of %u layers needs at least %.0f dsp, %.0f bram18, %.0f "
                        "lut; usable are %.0f, %.0f, %.0f",
                        h->info.name, (unsigned)n, b.dsp, b.bram18, b.lut, usable.dsp,
                        usable.bram18, usable.lut);
    nas_estimate sum = {.binds = n ? fold_all(s, n, h, &usable) : "compute"};
    nas_footprint f;
    NAS_TRY(nas_footprint_of(&f, g, NULL));
    price_stages(&sum, per_node, s, n, h, g);
    b = sum_blocks(s, n);
    sum.memory_bytes = (f.weights + f.activations) * h->info.bits / 32;
    sum.dsp = b.dsp;
    sum.bram18 = b.bram18;
    sum.lut = b.lut;
    if (sum.memory_s > sum.compute_s)
        sum.binds = "memory";
    if (h->flop_j <= 0)
        sum.energy_j = (double)NAN;
    if (how)
        explain(how, s, n, h, &sum);
    *total = sum;
    return NAS_OK;
}

static nas_status estimate(nas_estimate *total, nas_estimate *per_node, nas_text *how,
                           const nas_hw *h, const nas_graph *g) {
    nas_layer *l = NULL;
    stage *s = NULL;
    uint32_t n = 0;
    nas_status st;
    for (uint32_t i = 0; per_node && i < nas_graph_count(g); i++)
        per_node[i] = (nas_estimate){0};
    NAS_GO(nas_layers_of(&l, &n, g));
    s = nas_calloc(n + 1, sizeof *s);
    if (!s)
        NAS_GO(nas_fail_memory(n * sizeof *s));
    for (uint32_t i = 0; i < n; i++)
        open_stage(&s[i], &l[i]);
    NAS_GO(run(total, per_node, how, s, n, h, g));
done:
    nas_free(s);
    nas_free(l);
    return st;
}

static void complete(nas_hw *h) {
    nas_hw_loop_tiled.complete(h);
}

const nas_hw_model nas_hw_dataflow = {
    .name = "dataflow", .kinds = "fpga", .complete = complete, .estimate = estimate};
