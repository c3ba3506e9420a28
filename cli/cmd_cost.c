/* cli/cmd_cost.c - clnas cost: what a network costs, per kernel and in total, modelled on named
 * devices or measured on one that is here. */
#include "cost.h"

#include <nas/energy.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

static void job_free(cost_job *j) {
    for (int i = 0; i < j->n; i++)
        nas_free(j->row[i].node);
    nas_text_free(&j->chosen);
    nas_inference_free(&j->inf);
    if (j->step.graph)
        nas_training_free(&j->step);
    nas_graph_free(j->model);
}

static nas_status new_row(cost_row **out, cost_job *j, const char *device, const char *source) {
    if (j->n == MAX_DEVICES)
        return nas_fail(NAS_E_ARG, "more than %d devices", MAX_DEVICES);
    cost_row *p = &j->row[j->n];
    p->node = nas_calloc(nas_graph_count(j->graph), sizeof *p->node);
    if (!p->node)
        return nas_fail_memory(nas_graph_count(j->graph) * sizeof *p->node);
    snprintf(p->device, sizeof p->device, "%s", device);
    p->source = source;
    p->fits = true;
    p->total = (nas_estimate){.latency_s = (double)NAN,
                              .energy_j = (double)NAN,
                              .memory_bytes = (double)NAN,
                              .dsp = (double)NAN,
                              .bram18 = (double)NAN,
                              .lut = (double)NAN};
    j->n++;
    *out = p;
    return NAS_OK;
}

static nas_status price_on(cost_job *j, cost_row *p, const nas_hw *h) {
    const nas_hw_info *i = nas_hw_info_of(h);
    if (j->step.graph)
        NAS_TRY(nas_hw_estimate_training(&p->total, p->node, h, &j->step, NAS_HW_SGD));
    else
        NAS_TRY(nas_hw_estimate(&p->total, p->node, h, j->graph));
    if (isfinite(p->total.energy_j))
        snprintf(p->energy_source, sizeof p->energy_source, "modelled");
    p->peak_flops = i->peak_flops;
    p->bandwidth = i->bandwidth;
    p->cache_bandwidth = i->cache_bandwidth;
    return j->step.graph ? NAS_OK : nas_hw_explain(&j->chosen, h, j->graph);
}

static nas_status price(cost_job *j, const char *device, bool all) {
    nas_hw *h = NULL;
    cost_row *p = NULL;
    NAS_TRY(nas_hw_open(&h, device));
    const char *kind = nas_hw_info_of(h)->kind;
    if (all && j->step.graph && strcmp(kind, "cpu") != 0 && strcmp(kind, "gpu") != 0) {
        nas_hw_free(h); /* nobody trains there */
        return NAS_OK;
    }
    nas_status st = new_row(&p, j, nas_hw_info_of(h)->name, "modelled");
    if (st == NAS_OK && p)
        st = price_on(j, p, h);
    /* one device that is too small leaves the others their rows */
    if (p && st == NAS_E_TOO_BIG) {
        snprintf(p->why, sizeof p->why, "%s", nas_error_text());
        p->fits = false;
        for (uint32_t i = 0; i < nas_graph_count(j->graph); i++)
            p->node[i] = p->total;
        st = NAS_OK;
    }
    nas_hw_free(h);
    return st;
}

/* Per-kernel times by events beside the whole network's latency by the host's clock. */
static nas_status profile(cost_row *p, nas_device *d, const nas_graph *g, nas_value out) {
    nas_exec *e = NULL;
    uint32_t n = nas_graph_count(g);
    double *seconds = nas_calloc(n, sizeof *seconds);
    nas_status st;
    if (!seconds)
        return nas_fail_memory(n * sizeof *seconds);
    NAS_GO(nas_exec_create(&e, d, g, &out, 1, NULL, 0));
    NAS_GO(nas_exec_init(e, 0));
    NAS_GO(nas_exec_noise(e));
    NAS_GO(nas_exec_run(e));
    NAS_GO(nas_exec_profile(e, seconds, n));
    for (uint32_t i = 0; i < n; i++) {
        nas_cost c;
        nas_graph_node_cost(&c, g, (nas_value){i});
        p->node[i] = (nas_estimate){.latency_s = seconds[i],
                                    .energy_j = (double)NAN,
                                    .macs = c.macs,
                                    .flops = c.flops,
                                    .bytes = c.bytes_read + c.bytes_written};
    }
done:
    nas_exec_free(e);
    nas_free(seconds);
    return st;
}

/* Where the device has a meter; where it has none, that is said and the rest stands. */
static nas_status measure_energy(cost_row *p, nas_device *d, const nas_graph *model,
                                 int32_t batch) {
    nas_energy e;
    nas_status st = nas_measure_energy(&e, d, model, batch, 0);
    if (st == NAS_E_UNSUPPORTED) {
        talk_line("%s", nas_error_text());
        return NAS_OK;
    }
    NAS_TRY(st);
    p->total.energy_j = e.joules;
    snprintf(p->energy_source, sizeof p->energy_source, "measured(%s)", e.source);
    return NAS_OK;
}

/* By the plan of the runtime, with the momentum of the optimiser. */
static nas_status training_memory(double *bytes, nas_device *d, const nas_training *t) {
    nas_memory_plan plan;
    NAS_TRY(nas_exec_plan(&plan, d, t->graph, &t->loss, 1, t->grad, t->n_params));
    *bytes = (double)(plan.leaf_bytes + plan.activation_bytes) +
             (double)plan.param_elements * sizeof(float);
    return NAS_OK;
}

static nas_status measure_total(cost_row *p, cost_job *j, nas_device *d) {
    nas_latency l;
    nas_train_config c = nas_train_config_default();
    c.batch = j->batch;
    c.optimizer = NAS_SGD;
    if (j->step.graph)
        NAS_TRY(nas_measure_training(&l, d, j->model, &c));
    else
        NAS_TRY(nas_measure_latency(&l, d, j->model, j->batch));
    NAS_TRY(profile(p, d, j->graph, j->step.graph ? j->step.loss : nas_graph_output(j->graph)));
    p->total.latency_s = l.median_s;
    p->total.memory_bytes = j->costs.memory_bytes;
    if (j->step.graph)
        NAS_TRY(training_memory(&p->total.memory_bytes, d, &j->step));
    p->total.macs = j->costs.macs * j->batch;
    NAS_TRY(nas_device_peak(&p->peak_flops, &p->bandwidth, d));
    return j->step.graph ? NAS_OK : measure_energy(p, d, j->model, j->batch);
}

static nas_status measure(cost_job *j, const char *spec) {
    nas_device *d;
    cost_row *p;
    NAS_TRY(nas_device_open(&d, spec));
    nas_status st = new_row(&p, j, nas_device_info_of(d)->name, "measured");
    if (st == NAS_OK)
        st = measure_total(p, j, d);
    nas_device_close(d);
    return st;
}

static nas_status price_list(cost_job *j, const char *list) {
    char name[256];
    for (const char *p = list; *p;) {
        size_t n = strcspn(p, ",");
        if (n >= sizeof name)
            return nas_fail(NAS_E_ARG, "a device name of %zu characters", n);
        memcpy(name, p, n);
        name[n] = 0;
        NAS_TRY(price(j, name, false));
        p += n + (p[n] == ',');
    }
    return NAS_OK;
}

/* A kernel of the inference graph; leaves and views cost nothing. */
bool cost_is_kernel(const nas_graph *g, uint32_t id) {
    const nas_node *n = nas_graph_node(g, (nas_value){id});
    return !(nas_op_get(n->op)->flags & (NAS_OPF_LEAF | NAS_OPF_ALIAS));
}

void cost_layer_name(char *buf, size_t size, const nas_graph *g, uint32_t id) {
    const nas_node *n = nas_graph_node(g, (nas_value){id});
    const char *scope = nas_graph_scope(g, n->scope)->name;
    snprintf(buf, size, "%s%s%s", scope, scope[0] ? " " : "", nas_op_get(n->op)->name);
}

static void number(nas_text *t, const char *key, double v) {
    nas_text_add(t, "\"%s\": ", key);
    nas_text_json_number(t, v);
    nas_text_add(t, ", ");
}

static void json(nas_text *t, const cost_job *j) {
    nas_text_add(t, "[");
    for (int i = 0; i < j->n; i++) {
        const cost_row *p = &j->row[i];
        nas_text_add(t, "%s\n  {\"device\": ", i ? "," : "");
        nas_text_json(t, p->device);
        nas_text_add(t, ", ");
        number(t, "latency_s", p->total.latency_s);
        number(t, "energy_j", p->total.energy_j);
        number(t, "memory_bytes", p->total.memory_bytes);
        if (isfinite(p->total.dsp)) {
            number(t, "dsp", p->total.dsp);
            number(t, "bram18", p->total.bram18);
            number(t, "lut", p->total.lut);
            number(t, "interval_s", p->total.interval_s);
        }
        nas_text_add(t, "\"fits\": %s, ", p->fits ? "true" : "false");
        if (p->total.binds)
            nas_text_add(t, "\"binds\": \"%s\", ", p->total.binds);
        nas_text_add(t, "\"energy_source\": ");
        if (p->energy_source[0])
            nas_text_json(t, p->energy_source);
        else
            nas_text_add(t, "null");
        nas_text_add(
            t,
            ", \"source\": \"%s\", \"batch\": %d, \"params\": %lld, \"macs\": %lld, \"layers\": [",
            p->source, j->batch, (long long)j->costs.params, (long long)j->costs.macs);
        bool first = true;
        for (uint32_t k = 0; k < nas_graph_count(j->graph); k++) {
            char name[160], shape[NAS_SHAPE_TEXT];
            if (!cost_is_kernel(j->graph, k))
                continue;
            cost_layer_name(name, sizeof name, j->graph, k);
            nas_text_add(t, "%s\n    {\"name\": ", first ? "" : ",");
            nas_text_json(t, name);
            nas_text_add(t, ", \"shape\": \"%s\", ",
                         nas_shape_text(shape, nas_graph_shape(j->graph, (nas_value){k}), 0));
            number(t, "latency_s", p->node[k].latency_s);
            number(t, "energy_j", p->node[k].energy_j);
            nas_text_add(t, "\"macs\": %lld, \"bytes\": %lld}", (long long)p->node[k].macs,
                         (long long)p->node[k].bytes);
            first = false;
        }
        nas_text_add(t, "]}");
    }
    nas_text_add(t, "\n]\n");
}

static void layers_text(nas_text *t, const cost_job *j) {
    nas_text_add(t, "%-34s %-16s %13s", "kernel", "output", "MACs");
    for (int i = 0; i < j->n; i++)
        nas_text_add(t, "  %16.16s", j->row[i].device);
    nas_text_add(t, "\n");
    for (uint32_t k = 0; k < nas_graph_count(j->graph); k++) {
        char name[160], shape[NAS_SHAPE_TEXT], b[TALK_TEXT];
        if (!cost_is_kernel(j->graph, k))
            continue;
        cost_layer_name(name, sizeof name, j->graph, k);
        nas_text_add(t, "%-34.34s %-16s %13s", name,
                     nas_shape_text(shape, nas_graph_shape(j->graph, (nas_value){k}), 0),
                     talk_count(b, (double)j->row[0].node[k].macs));
        for (int i = 0; i < j->n; i++)
            nas_text_add(t, "  %16s", talk_seconds(b, j->row[i].node[k].latency_s));
        nas_text_add(t, "\n");
    }
}

static void text(nas_text *t, const cost_job *j) {
    char b[TALK_TEXT], c[TALK_TEXT];
    if (j->n <= MOST_COLUMNS)
        layers_text(t, j);
    nas_text_add(t, "\nparams %s, MACs %s an image, batch %d\n",
                 talk_count(b, (double)j->costs.params), talk_count(c, (double)j->costs.macs),
                 j->batch);
    nas_text_add(t, "\n%-32s %10s %14s %10s  %s\n", "device", "latency", "energy", "memory",
                 "source");
    for (int i = 0; i < j->n; i++) {
        const cost_row *p = &j->row[i];
        if (!p->fits) {
            nas_text_add(t, "%-32.32s does not fit: %s\n", p->device, p->why);
            continue;
        }
        nas_text_add(t, "%-32.32s %10s ", p->device, talk_seconds(b, p->total.latency_s));
        if (isfinite(p->total.energy_j))
            nas_text_add(t, "%11.3g mJ", p->total.energy_j * 1e3);
        else
            nas_text_add(t, "%14s", p->source[1] == 'e' ? "not measured" : "not modelled");
        nas_text_add(t, " %10s  %s%s%s\n", talk_bytes(b, p->total.memory_bytes), p->source,
                     p->energy_source[0] == 'm' && p->energy_source[1] == 'e' ? ", energy " : "",
                     p->energy_source[1] == 'e' ? p->energy_source : "");
    }
    if (j->chosen.n > 0)
        nas_text_add(t, "\n%s", nas_text_str(&j->chosen));
}

static nas_status work(cost_job *j, const cli_args *a) {
    nas_graph *one = NULL;
    NAS_TRY(cli_network(&j->model, NULL, a->word[0], j->batch));
    NAS_TRY(nas_graph_inference(&j->inf, j->model));
    if (cli_has(a, "training"))
        NAS_TRY(nas_graph_training(&j->step, j->model, NULL));
    j->graph = j->step.graph ? j->step.graph : j->inf.graph;
    NAS_TRY(nas_graph_rebatch(&one, j->model, 1));
    nas_status st = cli_costs_of(&j->costs, one);
    nas_graph_free(one);
    NAS_TRY(st);
    if (cli_has(a, "on"))
        NAS_TRY(price_list(j, cli_get(a, "on")));
    if (cli_has(a, "device") || cli_has(a, "binary")) {
        char spec[700];
        NAS_TRY(cli_device_spec(spec, sizeof spec, a));
        NAS_TRY(measure(j, spec));
    }
    if (!j->n)
        for (const char *const *name = nas_hw_names(); *name; name++)
            NAS_TRY(price(j, *name, true));
    if (!cli_has(a, "png"))
        return NAS_OK;
    char name[128];
    NAS_TRY(cli_network_name(name, sizeof name, a->word[0]));
    return cost_draw(j, cli_get(a, "png"), name);
}

static int run(cli_args *a) {
    cost_job j = {0};
    nas_text t = {0};
    int64_t batch = 1;
    if (!cli_get_int(&batch, a, "batch", 1, 65536))
        return CLI_USAGE;
    j.batch = (int32_t)batch;
    nas_status st = work(&j, a);
    if (st == NAS_OK)
        (cli_has(a, "json") ? json : text)(&t, &j);
    job_free(&j);
    if (st != NAS_OK)
        return cli_fail(a);
    return cli_print(a, &t);
}

static const cli_option options[] = {
    {"on", "NAME,NAME…",
     "device files to model it on (clnas hardware); default: all that are built in"},
    {"device", "SPEC", "measure on this OpenCL device (clnas devices)"},
    {"binary", "FILE", "kernels from a program that was built elsewhere (docs/fpga.md)"},
    {"batch", "N", "images in one run (default 1)"},
    {"training", NULL, "a training step (SGD with momentum) instead of inference"},
    {"png", "PREFIX", "draw PREFIX-network.png, PREFIX-layers.png and PREFIX-roofline.png"},
    {"json", NULL, "machine-readable, to stdout"},
    {NULL, NULL, NULL}};
extern const cli_command cmd_cost;
const cli_command cmd_cost = {
    .name = "cost",
    .synopsis = "NET.yaml [--on NAME,…] [--device SPEC] [--batch N] [--training] [--png PREFIX] "
                "[--json]",
    .about = "latency, energy and memory of a network, modelled or measured",
    .example = "clnas cost examples/cnn-small.yaml --on raspberry-pi-4 --device cpu",
    .options = options,
    .min_words = 1,
    .max_words = 1,
    .run = run};
