/* cli/cost_draw.c - draws what clnas cost found: the network, its kernels' latencies, and the
 * roofline of the first device that has one. */
#include "cost.h"

#include <nas/viz.h>

#include <string.h>

static nas_status draw_bars(const cost_job *j, const char *path, const char *title) {
    uint32_t count = nas_graph_count(j->graph), n = 0;
    nas_bar *bar = nas_calloc(count, sizeof *bar);
    char(*name)[160] = nas_calloc(count, sizeof *name);
    nas_status st;
    if (!bar || !name)
        NAS_GO(nas_fail_memory(count * sizeof *bar));
    nas_bars b = {.title = title,
                  .subtitle = "inference kernels, after fusion",
                  .value_label = "Latency",
                  .unit = "us",
                  .scale = 1e6,
                  .n_parts = j->n < 4 ? (uint32_t)j->n : 4,
                  .bar = bar};
    for (uint32_t i = 0; i < b.n_parts; i++)
        b.part[i] = j->row[i].device;
    for (uint32_t k = 0; k < count; k++) {
        if (!cost_is_kernel(j->graph, k))
            continue;
        cost_layer_name(name[n], sizeof name[n], j->graph, k);
        bar[n].name = name[n];
        for (uint32_t i = 0; i < b.n_parts; i++)
            bar[n].value[i] = j->row[i].node[k].latency_s;
        n++;
    }
    b.n = n;
    NAS_GO(nas_draw_bars(path, &b));
done:
    nas_free(bar);
    nas_free(name);
    return st;
}

/* Ops of the first kernels, as groups; those beyond the last share one. */
static uint32_t group_of(const char **group, uint32_t *n, uint32_t most, const char *op) {
    for (uint32_t i = 0; i < *n; i++)
        if (!strcmp(group[i], op))
            return i;
    if (*n + 1 < most) {
        group[*n] = op;
        return (*n)++;
    }
    if (*n < most)
        group[(*n)++] = "others";
    return most - 1;
}

/* Which device's roofs: the first that has them. */
static const cost_row *with_roofs(const cost_job *j) {
    for (int i = 0; i < j->n; i++)
        if (j->row[i].fits && j->row[i].peak_flops > 0 && j->row[i].bandwidth > 0)
            return &j->row[i];
    return NULL;
}

static nas_status draw_roofline(const cost_job *j, const cost_row *p, const char *path,
                                const char *net) {
    enum { MOST_GROUPS = 7 };
    char title[200];
    uint32_t count = nas_graph_count(j->graph);
    const char *group[MOST_GROUPS];
    nas_roofline_kernel *dot = nas_calloc(count, sizeof *dot);
    if (!dot)
        return nas_fail_memory(count * sizeof *dot);
    snprintf(title, sizeof title, "%.90s on %.90s", net, p->device);
    nas_roofline_plot r = {.title = title,
                           .subtitle = p->source[1] == 'e' ? "kernels as measured by events"
                                                           : "kernels as modelled",
                           .peak_flops = p->peak_flops,
                           .bandwidth = p->bandwidth,
                           .cache_bandwidth = p->cache_bandwidth,
                           .kernel = dot,
                           .group = group};
    for (uint32_t k = 0; k < count; k++) {
        const nas_estimate *e = &p->node[k];
        if (!cost_is_kernel(j->graph, k) || !(e->latency_s > 0))
            continue;
        dot[r.n++] = (nas_roofline_kernel){
            (double)e->flops, (double)e->bytes, e->latency_s,
            group_of(group, &r.n_groups, MOST_GROUPS,
                     nas_op_get(nas_graph_node(j->graph, (nas_value){k})->op)->name)};
    }
    nas_status st = nas_draw_roofline(path, &r);
    if (st == NAS_OK)
        talk_line("drew %s", path);
    nas_free(dot);
    return st;
}

nas_status cost_draw(const cost_job *j, const char *prefix, const char *net) {
    nas_text path = {0}, subtitle = {0};
    char latency[TALK_TEXT];
    uint32_t count = nas_graph_count(j->graph);
    double *weight = nas_calloc(count, sizeof *weight);
    nas_status st;
    if (!weight)
        NAS_GO(nas_fail_memory(count * sizeof *weight));
    for (uint32_t k = 0; k < count; k++)
        weight[k] = j->row[0].node[k].latency_s * 1e6;
    nas_text_add(&path, "%s-layers.png", prefix);
    NAS_GO(draw_bars(j, nas_text_str(&path), net));
    talk_line("drew %s", nas_text_str(&path));
    nas_text_free(&path);
    nas_text_add(&path, "%s-network.png", prefix);
    nas_text_add(&subtitle, "batch %d, %s on %s (%s)", j->batch,
                 talk_seconds(latency, j->row[0].total.latency_s), j->row[0].device,
                 j->row[0].source);
    nas_network_drawing d = {.title = net,
                             .subtitle = nas_text_str(&subtitle),
                             .graph = j->graph,
                             .weight = weight,
                             .weight_label = "latency, us"};
    NAS_GO(nas_draw_network(nas_text_str(&path), &d));
    talk_line("drew %s", nas_text_str(&path));
    if (with_roofs(j)) {
        nas_text_free(&path);
        nas_text_add(&path, "%s-roofline.png", prefix);
        NAS_GO(draw_roofline(j, with_roofs(j), nas_text_str(&path), net));
    }
done:
    nas_text_free(&path);
    nas_text_free(&subtitle);
    nas_free(weight);
    return st;
}
