/* cli/calibrate_device.c - clnas calibrate --device: times kernels of small networks on a device
 * that is here, fits its cost model to them, and judges it by networks that were never in the fit.
 */
#include "calibrate.h"

#include <ctype.h>
#include <math.h>
#include <string.h>

enum { MOST_SPACES = 8, MOST_NAME = 64 };

typedef struct held { /* a network that judges */
    nas_graph *graph; /* its inference form */
    uint32_t space;
    double time[2]; /* measured before and after what teaches */
    double measured, predicted, macs, params;
} held;

typedef struct job {
    nas_device *device;
    nas_hw_measured known;
    char name[MOST_NAME], title[300];
    nas_kernel_fit *fit;
    nas_hw *hw; /* what was fitted, read back from its file */
    char space[MOST_SPACES][MOST_NAME];
    uint32_t n_spaces, each, n_teach, n_kernels, n_held;
    held *held;
    int32_t batch;
    uint64_t seed;
    double seconds;
    nas_agreement fitted, macs, params, repeat, of_space[MOST_SPACES];
} job;

static void job_free(job *j) {
    for (uint32_t i = 0; i < j->n_held; i++)
        nas_graph_free(j->held[i].graph);
    nas_free(j->held);
    nas_kernel_fit_free(j->fit);
    nas_hw_free(j->hw);
    nas_device_close(j->device);
}

/* ---- networks ---- */

static nas_status draw_network(held *h, const nas_space *s, uint64_t seed, uint32_t index,
                               int32_t batch) {
    nas_genome x;
    nas_rng r = nas_rng_stream(seed, nas_space_name(s), index);
    nas_graph *g = NULL;
    nas_inference inf = {0};
    nas_cost c;
    nas_status st;
    nas_space_sample(&x, s, &r);
    NAS_GO(nas_space_graph(&g, s, &x, batch));
    NAS_GO(nas_graph_inference(&inf, g));
    nas_graph_cost(&c, inf.graph);
    h->macs = (double)c.macs;
    h->params = (double)c.params;
    h->graph = inf.graph;
    inf.graph = NULL;
done:
    nas_inference_free(&inf);
    nas_graph_free(g);
    return st;
}

static nas_status draw_networks(job *j) {
    j->held = nas_calloc((size_t)j->n_spaces * j->each + 1, sizeof *j->held);
    if (!j->held)
        return nas_fail_memory((size_t)j->n_spaces * j->each * sizeof *j->held);
    for (uint32_t s = 0; s < j->n_spaces; s++) {
        nas_space *space;
        nas_status st = NAS_OK;
        NAS_TRY(nas_space_open(&space, j->space[s]));
        for (uint32_t i = 0; i < j->each && st == NAS_OK; i++) {
            held *h = &j->held[j->n_held];
            h->space = s;
            st = draw_network(h, space, j->seed, i, j->batch);
            j->n_held += st == NAS_OK;
        }
        nas_space_free(space);
        NAS_TRY(st);
    }
    return NAS_OK;
}

static nas_status stopped(void) {
    return *cli_stop() ? nas_fail(NAS_E_STOPPED, "stopped") : NAS_OK;
}

static nas_status time_held(job *j, int round) {
    for (uint32_t i = 0; i < j->n_held; i++) {
        talk_live("networks that judge, round %d: %u of %u", round + 1, (unsigned)i + 1,
                  (unsigned)j->n_held);
        NAS_TRY(stopped());
        NAS_TRY(calibrate_time(&j->held[i].time[round], NULL, j->device, j->held[i].graph));
    }
    return NAS_OK;
}

/* ---- what teaches ---- */

static nas_status teach(job *j, uint32_t index) {
    nas_text yaml = {0};
    nas_graph *g = NULL;
    nas_inference inf = {0};
    double whole, *node = NULL;
    nas_status st;
    NAS_GO(calibrate_teach(&yaml, j->seed, index));
    NAS_GO(nas_network_graph(&g, nas_text_str(&yaml), yaml.n, "teach", j->batch));
    NAS_GO(nas_graph_inference(&inf, g));
    node = nas_calloc(nas_graph_count(inf.graph), sizeof *node);
    if (!node)
        NAS_GO(nas_fail_memory(nas_graph_count(inf.graph) * sizeof *node));
    NAS_GO(calibrate_time(&whole, node, j->device, inf.graph));
    NAS_GO(nas_kernel_fit_add(j->fit, inf.graph, node, whole));
    for (uint32_t i = 0; i < nas_graph_count(inf.graph); i++)
        j->n_kernels += node[i] > 0;
done:
    nas_free(node);
    nas_inference_free(&inf);
    nas_graph_free(g);
    nas_text_free(&yaml);
    return st;
}

static nas_status teach_all(job *j) {
    for (uint32_t i = 0; i < j->n_teach; i++) {
        talk_live("kernels that teach: network %u of %u", (unsigned)i + 1, (unsigned)j->n_teach);
        NAS_TRY(stopped());
        nas_status st = teach(j, i);
        if (st != NAS_OK && st != NAS_E_TOO_BIG) /* a small device learns from small networks */
            return nas_fail_prefix(st, "teaching network %u", (unsigned)i);
    }
    return NAS_OK;
}

/* ---- the device ---- */

/* A name as device files have them: letters, digits and dashes. */
static void name_of(char out[MOST_NAME], const char *title) {
    size_t n = 0;
    for (; *title && n + 1 < MOST_NAME; title++)
        if (isalnum((unsigned char)*title))
            out[n++] = (char)tolower((unsigned char)*title);
        else if (n > 0 && out[n - 1] != '-')
            out[n++] = '-';
    while (n > 0 && out[n - 1] == '-')
        n--;
    out[n] = 0;
}

static nas_status know_device(job *j, const cli_args *a) {
    NAS_TRY(cli_device_open(&j->device, a));
    const nas_device_info *i = nas_device_info_of(j->device);
    if (i->compute_units == 0)
        return nas_fail(NAS_E_DEVICE, "%s reports 0 compute units", i->name);
    if (!strcmp(i->type, "reference"))
        return nas_fail(NAS_E_ARG, "the reference is no device: its times mean nothing");
    snprintf(j->title, sizeof j->title, "%s (%s)", i->name, i->platform);
    name_of(j->name, i->name);
    nas_hw_measured *k = &j->known;
    *k = (nas_hw_measured){.name = j->name,
                           .title = j->title,
                           .kind = strcmp(i->type, "cpu") == 0 ? "cpu" : "gpu",
                           .cache_bytes = i->cache_bytes > 0 ? (double)i->cache_bytes : 1 << 20,
                           .cache_reported = i->cache_bytes > 0,
                           .memory_bytes = (double)i->memory_bytes,
                           .units = i->compute_units,
                           .lanes = i->vector_width};
    talk_live("peaks of %s", j->title);
    NAS_TRY(nas_device_peak(&k->peak_flops, &k->bandwidth, j->device));
    NAS_TRY(calibrate_cache(&k->cache_bandwidth, j->device, k->cache_bytes));
    return nas_kernel_fit_create(&j->fit, k);
}

/* ---- what came out ---- */

static nas_status predict(job *j) {
    for (uint32_t i = 0; i < j->n_held; i++) {
        held *h = &j->held[i];
        nas_estimate e;
        NAS_TRY(nas_hw_estimate(&e, NULL, j->hw, h->graph));
        h->predicted = e.latency_s;
        h->measured = (h->time[0] + h->time[1]) / 2;
    }
    return NAS_OK;
}

enum { PREDICTED, MACS, PARAMS, FIRST, N_COLUMNS };

/* Agreement of a column with the measured ones, of one space or of all (UINT32_MAX). */
static nas_status agree(nas_agreement *out, const job *j, int column, uint32_t space) {
    uint32_t n = 0;
    double *v = nas_calloc(2 * (size_t)j->n_held + 1, sizeof *v), *m = v + j->n_held;
    if (!v)
        return nas_fail_memory(2 * (size_t)j->n_held * sizeof *v);
    for (uint32_t i = 0; i < j->n_held; i++) {
        const held *h = &j->held[i];
        if (space != UINT32_MAX && h->space != space)
            continue;
        const double columns[N_COLUMNS] = {h->predicted, h->macs, h->params, h->time[0]};
        v[n] = columns[column];
        m[n++] = column == FIRST ? h->time[1] : h->measured;
    }
    nas_status st = nas_agreement_of(out, v, m, n);
    nas_free(v);
    return st;
}

static nas_status judge(job *j) {
    NAS_TRY(predict(j));
    NAS_TRY(agree(&j->fitted, j, PREDICTED, UINT32_MAX));
    NAS_TRY(agree(&j->macs, j, MACS, UINT32_MAX));
    NAS_TRY(agree(&j->params, j, PARAMS, UINT32_MAX));
    NAS_TRY(agree(&j->repeat, j, FIRST, UINT32_MAX));
    for (uint32_t s = 0; s < j->n_spaces; s++)
        NAS_TRY(agree(&j->of_space[s], j, PREDICTED, s));
    return NAS_OK;
}

static nas_status draw(const job *j, const char *png) {
    char subtitle[400];
    const char *names[MOST_SPACES];
    size_t n = j->n_held;
    double *v = nas_calloc(2 * n + 1, sizeof *v);
    uint32_t *group = nas_calloc(n + 1, sizeof *group);
    nas_status st;
    if (!v || !group)
        NAS_GO(nas_fail_memory(2 * n * sizeof *v));
    for (size_t i = 0; i < n; i++) {
        v[i] = j->held[i].predicted;
        v[n + i] = j->held[i].measured;
        group[i] = j->held[i].space;
    }
    for (uint32_t s = 0; s < j->n_spaces; s++)
        names[s] = j->space[s];
    snprintf(
        subtitle, sizeof subtitle,
        "%.120s: %u networks of spaces that were not in the fit; Spearman %.4f, %.0f %% within "
        "10 %%, repeats %.0f %%",
        j->title, (unsigned)n, j->fitted.spearman, 100 * j->fitted.within_10,
        100 * j->repeat.within_10);
    NAS_GO(calibrate_draw(png, subtitle, v, v + n, (uint32_t)n, group, names, j->n_spaces));
done:
    nas_free(v);
    nas_free(group);
    return st;
}

static void text(nas_text *t, const job *j) {
    const struct row {
        const char *name;
        const nas_agreement *a;
        bool errors;
    } rows[] = {{"predicted", &j->fitted, true},
                {"measured again", &j->repeat, true},
                {"FLOPs only", &j->macs, false},
                {"params only", &j->params, false}};
    const nas_hw_measured *k = &j->known;
    char b[TALK_TEXT];
    nas_text_add(t,
                 "%s: %.0f GFLOP/s, %.1f GB/s (cache %.1f GB/s)\n%u kernels of %u networks taught, "
                 "%u networks judged, in %s\n\n",
                 j->title, k->peak_flops / 1e9, k->bandwidth / 1e9, k->cache_bandwidth / 1e9,
                 (unsigned)j->n_kernels, (unsigned)j->n_teach, (unsigned)j->n_held,
                 talk_time(b, j->seconds));
    nas_text_add(t, "%-22s %9s %9s %9s %9s %9s %9s\n", "", "Spearman", "Kendall", "+-5 %", "+-10 %",
                 "RMSPE", "bias");
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const nas_agreement *a = rows[i].a;
        nas_text_add(t, "%-22s %9.4f %9.4f", rows[i].name, a->spearman, a->kendall);
        if (rows[i].errors)
            nas_text_add(t, " %7.1f %% %7.1f %% %7.1f %% %+7.1f %%", 100 * a->within_5,
                         100 * a->within_10, 100 * a->rmspe, 100 * a->bias);
        nas_text_add(t, "\n");
    }
    nas_text_add(t, "\n");
    for (uint32_t s = 0; s < j->n_spaces; s++) {
        const nas_agreement *a = &j->of_space[s];
        nas_text_add(t, "%-22.22s %9.4f %9.4f %7.1f %% %7.1f %% %7.1f %% %+7.1f %%\n", j->space[s],
                     a->spearman, a->kendall, 100 * a->within_5, 100 * a->within_10, 100 * a->rmspe,
                     100 * a->bias);
    }
}

static void agreement_json(nas_text *t, const nas_agreement *a) {
    const struct pair {
        const char *key;
        double v;
    } all[] = {{"spearman", a->spearman}, {"kendall", a->kendall},
               {"within_5", a->within_5}, {"within_10", a->within_10},
               {"rmspe", a->rmspe},       {"mape", a->mape},
               {"bias", a->bias}};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        nas_text_add(t, "\"%s\": ", all[i].key);
        nas_text_json_number(t, all[i].v);
        nas_text_add(t, ", ");
    }
    nas_text_add(t, "\"networks\": %u", (unsigned)a->n);
}

static void json(nas_text *t, const job *j) {
    nas_text_add(t, "{\"device\": ");
    nas_text_json(t, j->title);
    nas_text_add(t, ", ");
    agreement_json(t, &j->fitted);
    nas_text_add(t, ", \"flops_spearman\": ");
    nas_text_json_number(t, j->macs.spearman);
    nas_text_add(t, ", \"params_spearman\": ");
    nas_text_json_number(t, j->params.spearman);
    nas_text_add(t, ", \"repeat\": {");
    agreement_json(t, &j->repeat);
    nas_text_add(t, "}, \"kernels\": %u, \"seconds\": ", (unsigned)j->n_kernels);
    nas_text_json_number(t, j->seconds);
    nas_text_add(t, ", \"spaces\": [");
    for (uint32_t s = 0; s < j->n_spaces; s++) {
        nas_text_add(t, "%s{\"name\": ", s ? ", " : "");
        nas_text_json(t, j->space[s]);
        nas_text_add(t, ", ");
        agreement_json(t, &j->of_space[s]);
        nas_text_add(t, "}");
    }
    nas_text_add(t, "]}\n");
}

/* ---- the verb ---- */

static nas_status read_spaces(job *j, const char *list) {
    for (const char *p = list; *p; p += *p == ',') {
        size_t n = strcspn(p, ",");
        if (j->n_spaces == MOST_SPACES || n == 0 || n >= MOST_NAME)
            return nas_fail(NAS_E_ARG, "--spaces '%s': 1 to %d names with commas between", list,
                            MOST_SPACES);
        memcpy(j->space[j->n_spaces++], p, n);
        p += n;
    }
    return NAS_OK;
}

static nas_status write_device(job *j, const char *out) {
    nas_text yaml = {0}, source = {0};
    nas_status st;
    nas_text_add(&source, "clnas calibrate: %u kernels timed, batch %d", (unsigned)j->n_kernels,
                 j->batch);
    NAS_GO(nas_text_check(&source));
    NAS_GO(nas_kernel_fit_write(&yaml, j->fit, nas_text_str(&source)));
    NAS_GO(nas_hw_read(&j->hw, nas_text_str(&yaml), yaml.n, out ? out : "the fitted device"));
    if (out) {
        NAS_GO(nas_file_write(out, nas_text_str(&yaml), yaml.n));
        talk_line("wrote %s", out);
    }
done:
    nas_text_free(&yaml);
    nas_text_free(&source);
    return st;
}

static nas_status work(job *j, const cli_args *a) {
    double start = nas_clock();
    const char *spaces = cli_get(a, "spaces");
    NAS_TRY(read_spaces(j, spaces ? spaces : "nas-bench-201,ofa-mobilenetv3,autoformer-tiny"));
    NAS_TRY(draw_networks(j));
    NAS_TRY(know_device(j, a));
    NAS_TRY(time_held(j, 0));
    NAS_TRY(teach_all(j));
    NAS_TRY(time_held(j, 1));
    talk_end();
    NAS_TRY(nas_kernel_fit_solve(j->fit));
    NAS_TRY(write_device(j, cli_get(a, "out")));
    NAS_TRY(judge(j));
    j->seconds = nas_clock() - start;
    return cli_has(a, "png") ? draw(j, cli_get(a, "png")) : NAS_OK;
}

int calibrate_device(cli_args *a) {
    int64_t seed = 0, batch = 1, teachers = 250, held_out = 25;
    if (!cli_get_int(&seed, a, "seed", 0, INT64_MAX) ||
        !cli_get_int(&batch, a, "batch", 1, 65536) ||
        !cli_get_int(&teachers, a, "samples", 8, 100000) ||
        !cli_get_int(&held_out, a, "held-out", 2, 10000))
        return CLI_USAGE;
    job j = {.seed = (uint64_t)seed,
             .batch = (int32_t)batch,
             .n_teach = (uint32_t)teachers,
             .each = (uint32_t)held_out};
    nas_text t = {0};
    cli_catch_signals();
    nas_status st = work(&j, a);
    talk_end();
    if (st == NAS_OK)
        (cli_has(a, "json") ? json : text)(&t, &j);
    job_free(&j);
    return st == NAS_OK ? cli_print(a, &t) : cli_fail(a);
}
