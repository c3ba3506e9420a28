/* hwmodels/loop_tiled.c - one engine of Tm x Tn multiply-adds that works through all layers, its
 * tiling chosen for the network.
 *
 *   compute = Kh Kw Tr Tc                                 one tile of inputs, one multiply-add a
 * cycle L1 = max(compute, (in + weights) / words_per_cycle)   buffers are double L2 = max(ceil(N /
 * Tn) L1, out / words_per_cycle) L  = times ceil(R / Tr) ceil(C / Tc) ceil(M / Tm) L2 + L1 + out /
 * words_per_cycle Zhang et al., FPGA 2015; the blocks of buffers as Jiang et al. count them
 * (HotNAS, CODES 2020). Loads and stores share one port here.
 */
#include "fpga.h"

#include <math.h>

enum { BRAM_BITS = 18000, LUT_RAM_WORDS = 128, BASE_LUT = 5000, STREAM_LANES = 16 };

/* What fits a device by common experience: beyond it clocks fall. FINN's limits. */
static const double dsp_usable = 0.8, bram_usable = 0.8, lut_usable = 0.7;

/* Look-up tables of a multiply-add with its share of control. 32 bits: 186,251 for 448 (Zhang et
 * al.); the others are estimates. */
static const struct lut_row {
    double bits, lut;
} lut_per_mac[] = {{32, 415}, {16, 60}, {8, 35}, {4, 20}};

nas_blocks nas_blocks_usable(const nas_hw *h) {
    return (nas_blocks){floor(dsp_usable * h->info.dsp), floor(bram_usable * h->info.bram18),
                        floor(lut_usable * h->info.lut)};
}

double nas_dsp_per_mac(const nas_hw *h) {
    if (h->info.bits > 16)
        return h->dsp_per_mac_32;
    return h->info.bits > 8 ? h->dsp_per_mac_16 : h->dsp_per_mac_8;
}

const char *nas_blocks_scarce(const nas_blocks *used, const nas_blocks *usable) {
    double dsp = used->dsp / usable->dsp, bram = used->bram18 / usable->bram18,
           lut = used->lut / usable->lut;
    if (dsp >= bram && dsp >= lut)
        return "dsp";
    return bram >= lut ? "bram18" : "lut";
}

static double luts_of_mac(double bits) {
    for (size_t i = 0; i < sizeof lut_per_mac / sizeof *lut_per_mac; i++)
        if (bits >= lut_per_mac[i].bits)
            return lut_per_mac[i].lut;
    return lut_per_mac[3].lut;
}

typedef struct windows {   /* the largest of a network's layers */
    double taps, in_words; /* taps of a window; inputs of a tile and channel */
} windows;

static windows windows_of(const nas_tiling *t, const nas_layer *l, uint32_t n) {
    windows w = {1, t->tr * t->tc};
    for (uint32_t i = 0; i < n; i++) {
        if (!l[i].product)
            continue;
        double r = fmin(t->tr, l[i].r), c = fmin(t->tc, l[i].c);
        w.taps = fmax(w.taps, l[i].kh * l[i].kw);
        w.in_words = fmax(w.in_words, (l[i].s * r + fmax(l[i].kh - l[i].s, 0)) *
                                          (l[i].s * c + fmax(l[i].kw - l[i].s, 0)));
    }
    return w;
}

static nas_blocks blocks_for(const nas_hw *h, const nas_tiling *t, const windows *w) {
    double bits = h->info.bits, macs = t->tm * t->tn;
    nas_blocks b = {.dsp = ceil(macs * nas_dsp_per_mac(h)),
                    .lut = BASE_LUT + macs * luts_of_mac(bits)};
    b.bram18 = 2 * t->tn * ceil(w->in_words * bits / BRAM_BITS) +
               2 * t->tm * ceil(t->tr * t->tc * bits / BRAM_BITS);
    /* a bank of weights for each multiplier: small ones are look-up tables, of 64 words and two
     * ports */
    if (2 * w->taps <= LUT_RAM_WORDS)
        b.lut += macs * bits * 2 * ceil(2 * w->taps / 64);
    else
        b.bram18 += macs * (bits > 16 ? 2 * ceil(w->taps * bits / BRAM_BITS)
                                      : ceil(4 * w->taps * bits / BRAM_BITS));
    return b;
}

nas_blocks nas_tiling_blocks(const nas_hw *h, const nas_tiling *t, const nas_layer *l, uint32_t n) {
    windows w = windows_of(t, l, n);
    return blocks_for(h, t, &w);
}

/* A dense layer has rows and no columns: its tile is a row of Tr Tc. */
static void tile_of(double *r, double *c, const nas_tiling *t, const nas_layer *l) {
    bool flat = l->c == 1;
    *r = fmin(flat ? t->tr * t->tc : t->tr, l->r);
    *c = fmin(flat ? 1 : t->tc, l->c);
}

nas_cycles nas_tiling_cycles(const nas_tiling *t, const nas_layer *l, double words_per_cycle) {
    nas_cycles y = {0};
    if (l->passing) {
        y.words = fmax(l->in + l->weights - l->out, 0);
        y.total = y.memory = y.words / words_per_cycle;
        return y;
    }
    if (!l->product) {
        y.words = l->in + l->weights + l->out;
        y.compute = l->operations / fmax(STREAM_LANES, t->tm);
        y.memory = y.words / words_per_cycle;
        y.total = fmax(y.compute, y.memory);
        return y;
    }
    double r, c;
    tile_of(&r, &c, t, l);
    double tm = fmin(t->tm, l->m), tn = l->depthwise ? tm : fmin(t->tn, l->n);
    double halo_r = l->s * r + fmax(l->kh - l->s, 0), halo_c = l->s * c + fmax(l->kw - l->s, 0);
    double in = tn * halo_r * halo_c, weights = (l->depthwise ? tm : tm * tn) * l->kh * l->kw;
    double out = tm * r * c, rounds = l->depthwise ? 1 : ceil(l->n / t->tn);
    double compute = l->kh * l->kw * r * c, load = (in + weights) / words_per_cycle;
    double trips = l->times * ceil(l->r / r) * ceil(l->c / c) * ceil(l->m / t->tm);
    double l1 = fmax(compute, load), l2 = fmax(rounds * l1, out / words_per_cycle);
    y.words = trips * (rounds * (in + weights) + out);
    y.compute = trips * rounds * compute;
    y.memory = y.words / words_per_cycle;
    y.total = trips * l2 + l1 + out / words_per_cycle;
    return y;
}

/* ---- search ---- */

typedef struct unique { /* a layer and how often it stands in the network */
    nas_layer layer;
    double count;
} unique;

static nas_status uniques_of(unique **out, uint32_t *n, const nas_layer *l, uint32_t n_layers) {
    unique *u = nas_calloc(n_layers + 1, sizeof *u);
    if (!u)
        return nas_fail_memory(n_layers * sizeof *u);
    *n = 0;
    for (uint32_t i = 0; i < n_layers; i++) {
        uint32_t k = 0;
        while (k < *n && !nas_layer_equal(&u[k].layer, &l[i]))
            k++;
        if (k == *n)
            u[(*n)++].layer = l[i];
        u[k].count++;
    }
    *out = u;
    return NAS_OK;
}

static double words_per_cycle(const nas_hw *h) {
    return h->info.bandwidth / h->info.clock_hz / (h->info.bits / 8);
}

typedef struct search {
    const nas_hw *h;
    const nas_layer *layer;
    const unique *u;
    uint32_t n_layers, n;
    nas_blocks usable;
    nas_tiling best;
    double best_cycles; /* INFINITY: nothing fits yet */
} search;

static bool fits(const nas_blocks *b, const nas_blocks *usable) {
    return b->dsp <= usable->dsp && b->bram18 <= usable->bram18 && b->lut <= usable->lut;
}

static void try_tiling(search *s, const nas_tiling *t, const windows *w) {
    nas_blocks b = blocks_for(s->h, t, w);
    double sum = 0, port = words_per_cycle(s->h);
    if (!fits(&b, &s->usable))
        return;
    for (uint32_t i = 0; i < s->n && sum < s->best_cycles; i++)
        sum += s->u[i].count * nas_tiling_cycles(t, &s->u[i].layer, port).total;
    if (sum < s->best_cycles) {
        s->best_cycles = sum;
        s->best = *t;
    }
}

/* The most output channels at once that the blocks leave for so many input channels, then fewer. */
static void try_channels(search *s, double tn, double side, double most_m) {
    nas_tiling t = {.tn = tn, .tr = side, .tc = side};
    windows w = windows_of(&t, s->layer, s->n_layers);
    double cap = floor(s->usable.dsp / (tn * nas_dsp_per_mac(s->h)));
    double shares[] = {1, 0.75, 0.5, 0.25};
    cap = fmin(fmax(cap, 1), most_m);
    for (size_t i = 0; i < sizeof shares / sizeof *shares; i++) {
        t.tm = floor(cap * shares[i]);
        if (t.tm >= 1)
            try_tiling(s, &t, &w);
    }
}

static void search_tilings(search *s) {
    static const double tns[] = {1,  2,  3,  4,  5,  6,  7,  8,  10, 12, 14,
                                 16, 20, 24, 28, 32, 40, 48, 56, 64, 96, 128};
    double most_m = 1, most_n = 1, tile = 1;
    for (uint32_t i = 0; i < s->n; i++) {
        const nas_layer *l = &s->u[i].layer;
        if (!l->product)
            continue;
        most_m = fmax(most_m, l->m);
        most_n = fmax(most_n, l->n);
        tile = fmax(tile, l->c == 1 ? fmin(ceil(sqrt(l->r)), 64) : fmax(l->r, l->c));
    }
    do {
        for (size_t k = 0; k < sizeof tns / sizeof *tns && (k == 0 || tns[k] <= most_n); k++)
            try_channels(s, tns[k], tile, most_m);
        tile = ceil(tile / 2);
    } while (tile > 3);
}

/* ---- estimate ---- */

static void explain(nas_text *how, const nas_hw *h, const search *s, const nas_blocks *b,
                    const nas_estimate *total) {
    const nas_tiling *t = &s->best;
    nas_text_add(how, "%s: loop-tiled engine Tm=%g Tn=%g Tr=%g Tc=%g, %g bits, %g MHz; binds: %s\n",
                 h->info.name, t->tm, t->tn, t->tr, t->tc, h->info.bits, h->info.clock_hz / 1e6,
                 total->binds);
    nas_text_add(how,
                 "  dsp %.0f of %.0f, bram18 %.0f of %.0f, lut %.0f of %.0f (usable: %.0f, "
                 "%.0f, %.0f)\n",
                 b->dsp, h->info.dsp, b->bram18, h->info.bram18, b->lut, h->info.lut, s->usable.dsp,
                 s->usable.bram18, s->usable.lut);
    nas_text_add(how,
                 "  %.4g GFLOP/s of %.4g; build options: -DTM=%g -DTN=%g -DTR=%g -DTC=%g "
                 "-DBITS=%g\n",
                 (double)total->flops / total->latency_s / 1e9,
                 2 * t->tm * t->tn * h->info.clock_hz / 1e9, t->tm, t->tn, t->tr, t->tc,
                 h->info.bits);
}

static void price_layers(nas_estimate *sum, nas_estimate *per_node, const search *s,
                         const nas_graph *g) {
    const nas_hw *h = s->h;
    double bytes = h->info.bits / 8, hz = h->info.clock_hz;
    for (uint32_t i = 0; i < s->n_layers; i++) {
        const nas_layer *l = &s->layer[i];
        nas_cycles y = nas_tiling_cycles(&s->best, l, words_per_cycle(h));
        nas_estimate e = {0};
        nas_layer_counts(&e, g, l, bytes);
        e.compute_s = y.compute / hz;
        e.memory_s = y.memory / hz;
        e.launch_s = h->info.launch_s;
        e.latency_s = y.total / hz + e.launch_s;
        e.bytes = (int64_t)(y.words * bytes);
        e.binds = y.compute >= y.memory ? "compute" : "memory";
        if (h->flop_j > 0)
            e.energy_j = h->info.idle_w * e.latency_s + (double)e.flops * h->flop_j +
                         (double)e.bytes * h->byte_j;
        nas_estimate_add(sum, &e);
        if (per_node)
            per_node[l->node] = e;
    }
}

static nas_status no_tiling(const search *s) {
    nas_tiling one = {1, 1, 1, 1};
    nas_blocks b = nas_tiling_blocks(s->h, &one, s->layer, s->n_layers);
    return nas_fail(NAS_E_TOO_BIG,
                    "%s: the smallest engine needs %.0f dsp, %.0f bram18, %.0f lut; usable are "
                    "%.0f, %.0f, %.0f",
                    s->h->info.name, b.dsp, b.bram18, b.lut, s->usable.dsp, s->usable.bram18,
                    s->usable.lut);
}

static nas_status run(nas_estimate *total, nas_estimate *per_node, nas_text *how, search *s,
                      const nas_graph *g) {
    const nas_hw *h = s->h;
    nas_footprint f;
    NAS_TRY(nas_footprint_of(&f, g, NULL));
    double memory = (f.weights + f.activations) * h->info.bits / 32;
    NAS_TRY(nas_memory_fits(h, memory));
    search_tilings(s);
    if (!isfinite(s->best_cycles))
        return no_tiling(s);
    nas_estimate sum = {0};
    price_layers(&sum, per_node, s, g);
    nas_blocks b = nas_tiling_blocks(h, &s->best, s->layer, s->n_layers);
    sum.memory_bytes = memory;
    sum.interval_s = sum.latency_s;
    sum.dsp = b.dsp;
    sum.bram18 = b.bram18;
    sum.lut = b.lut;
    sum.binds = sum.memory_s > sum.compute_s ? "memory" : nas_blocks_scarce(&b, &s->usable);
    if (h->flop_j <= 0)
        sum.energy_j = (double)NAN;
    if (how)
        explain(how, h, s, &b, &sum);
    *total = sum;
    return NAS_OK;
}

static nas_status estimate(nas_estimate *total, nas_estimate *per_node, nas_text *how,
                           const nas_hw *h, const nas_graph *g) {
    nas_layer *layer = NULL;
    unique *u = NULL;
    nas_status st;
    search s = {.h = h, .usable = nas_blocks_usable(h), .best_cycles = (double)INFINITY};
    for (uint32_t i = 0; per_node && i < nas_graph_count(g); i++)
        per_node[i] = (nas_estimate){0};
    NAS_GO(nas_layers_of(&layer, &s.n_layers, g));
    NAS_GO(uniques_of(&u, &s.n, layer, s.n_layers));
    s.layer = layer;
    s.u = u;
    NAS_GO(run(total, per_node, how, &s, g));
done:
    nas_free(u);
    nas_free(layer);
    return st;
}

static void complete(nas_hw *h) {
    nas_hw_info *f = &h->info;
    f->peak_flops = 2 * floor(dsp_usable * f->dsp / nas_dsp_per_mac(h)) * f->clock_hz;
    f->cache_bytes = f->bram18 * BRAM_BITS / 8;
    f->cache_bandwidth = fmax(f->bandwidth, f->bram18 * f->clock_hz * 4);
}

const nas_hw_model nas_hw_loop_tiled = {
    .name = "loop-tiled", .kinds = "fpga", .complete = complete, .estimate = estimate};
