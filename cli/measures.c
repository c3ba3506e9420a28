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

/* ---- prices, each worked out once: strategies ask for them again and again ---- */

/* The table has a power of 2 places and is begun anew when half of them are taken. */
enum { MOST_OPEN = 32, MOST_PRICES = 1 << 14 };

typedef struct price {
    uint64_t key; /* of network and device; 0: free */
    nas_estimate e;
} price;

/* A process prices in one thread; workers are processes of their own. */
static _Thread_local struct {
    nas_hw *hw[MOST_OPEN];
    char name[MOST_OPEN][1024];
    uint32_t n_open, n_prices;
    price *table;
} known;

static nas_status open_once(const nas_hw **out, const char *device) {
    for (uint32_t i = 0; i < known.n_open; i++)
        if (!strcmp(known.name[i], device)) {
            *out = known.hw[i];
            return NAS_OK;
        }
    uint32_t at = known.n_open < MOST_OPEN ? known.n_open : MOST_OPEN - 1;
    nas_hw *hw;
    NAS_TRY(nas_hw_open(&hw, device));
    if (at < known.n_open)
        nas_hw_free(known.hw[at]);
    known.hw[at] = hw;
    snprintf(known.name[at], sizeof known.name[at], "%s", device);
    known.n_open = at + 1;
    *out = hw;
    return NAS_OK;
}

/* Where the price of a key is, or is to be put; NULL without memory. */
static price *find_price(uint64_t key) {
    if (!known.table || known.n_prices > MOST_PRICES / 2) {
        nas_free(known.table);
        known.table = nas_calloc(MOST_PRICES, sizeof *known.table);
        known.n_prices = 0;
    }
    if (!known.table)
        return NULL;
    uint64_t i = key & (MOST_PRICES - 1);
    while (known.table[i].key != 0 && known.table[i].key != key)
        i = (i + 1) & (MOST_PRICES - 1);
    return &known.table[i];
}

/* Price of the inference form on a device, by the hash of the model. */
static nas_status estimate(nas_estimate *out, const char *device, const nas_graph *model,
                           uint64_t hash) {
    const nas_hw *hw;
    nas_inference inf = {0};
    nas_status st;
    uint64_t key = nas_hash_bytes(hash, device, strlen(device)) | 1;
    price *p = find_price(key);
    if (p && p->key == key) {
        *out = p->e;
        return NAS_OK;
    }
    NAS_GO(open_once(&hw, device));
    NAS_GO(nas_graph_inference(&inf, model));
    NAS_GO(nas_hw_estimate(out, NULL, hw, inf.graph));
    if (p) {
        *p = (price){key, *out};
        known.n_prices++;
    }
done:
    nas_inference_free(&inf);
    return st;
}

/* What a quantity is of a price. */
static double part_of(const nas_estimate *e, const char *quantity) {
    const struct part {
        const char *name;
        double v;
    } parts[] = {{"latency", e->latency_s}, {"energy", e->energy_j}, {"memory", e->memory_bytes},
                 {"dsp", e->dsp},           {"bram18", e->bram18},   {"lut", e->lut}};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        if (!strcmp(quantity, parts[i].name))
            return parts[i].v;
    return (double)NAN;
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
        NAS_TRY(estimate(&e, m->device, model, costs->hash));
        *out = part_of(&e, m->quantity);
        if (!isfinite(*out))
            return nas_fail(NAS_E_UNSUPPORTED,
                            strcmp(m->quantity, "energy") == 0
                                ? "%s: the device file of %s gives no power, so energy is not "
                                  "modelled"
                                : "%s: %s is no FPGA, and only those have such resources",
                            m->name, m->device);
    } else {
        return nas_fail(NAS_E_ARG, "%s is not known before training", m->name);
    }
    return NAS_OK;
}
