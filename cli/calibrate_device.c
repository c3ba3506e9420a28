/* cli/calibrate_device.c - clnas calibrate --device: times kernels of small networks on a device
 * that is here, fits its cost model to them, and judges it by networks that were never in the fit.
 */
#include "calibrate.h"

#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_SPACES = 8, MOST_NAME = 64 };

/* Each network is timed once in every round, so that what else the machine did for a while is in
 * some of them only, and the lower quartile of the rounds counts: others make it slower, never
 * faster. */
enum { ROUNDS = 6 };

typedef struct timed { /* a network's inference form and its seconds */
    nas_graph *graph;  /* NULL: too big for the device */
    double whole[ROUNDS];
    double *node; /* ROUNDS x nodes of those that teach, otherwise NULL */
} timed;

typedef struct held { /* a network that judges */
    timed t;
    uint32_t space;
    double measured, odd, even, predicted, macs, params; /* odd, even: of every second round */
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
    timed *teacher; /* n_teach */
    int32_t batch;
    uint64_t seed;
    double from, seconds; /* from: when timing began */
    nas_agreement fitted, macs, params, repeat, of_space[MOST_SPACES];
} job;

static void timed_free(timed *t) {
    nas_graph_free(t->graph);
    nas_free(t->node);
}

static void job_free(job *j) {
    for (uint32_t i = 0; i < j->n_held; i++)
        timed_free(&j->held[i].t);
    for (uint32_t i = 0; j->teacher && i < j->n_teach; i++)
        timed_free(&j->teacher[i]);
    nas_free(j->held);
    nas_free(j->teacher);
    nas_kernel_fit_free(j->fit);
    nas_hw_free(j->hw);
    nas_device_close(j->device);
}

/* ---- networks ---- */

/* Network `index` of a space in its inference form. */
static nas_status draw_network(nas_graph **out, const nas_space *s, uint64_t seed, uint32_t index,
                               int32_t batch) {
    nas_genome x;
    nas_rng r = nas_rng_stream(seed, nas_space_name(s), index);
    nas_graph *g = NULL;
    nas_inference inf = {0};
    nas_status st;
    nas_space_sample(&x, s, &r);
    NAS_GO(nas_space_graph(&g, s, &x, batch));
    NAS_GO(nas_graph_inference(&inf, g));
    *out = inf.graph;
    inf.graph = NULL;
done:
    nas_inference_free(&inf);
    nas_graph_free(g);
    return st;
}

static nas_status draw_held(held *h, const nas_space *s, uint64_t seed, uint32_t index,
                            int32_t batch) {
    nas_cost c;
    NAS_TRY(draw_network(&h->t.graph, s, seed, index, batch));
    nas_graph_cost(&c, h->t.graph);
    h->macs = (double)c.macs;
    h->params = (double)c.params;
    return NAS_OK;
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
            st = draw_held(h, space, j->seed, i, j->batch);
            j->n_held += st == NAS_OK;
        }
        nas_space_free(space);
        NAS_TRY(st);
    }
    return NAS_OK;
}

/* Small network `index`. */
static nas_status write_network(nas_graph **out, const job *j, uint32_t index) {
    nas_text yaml = {0};
    nas_graph *g = NULL;
    nas_inference inf = {0};
    nas_status st;
    NAS_GO(calibrate_teach(&yaml, j->seed, index));
    NAS_GO(nas_network_graph(&g, nas_text_str(&yaml), yaml.n, "teach", j->batch));
    NAS_GO(nas_graph_inference(&inf, g));
    *out = inf.graph;
    inf.graph = NULL;
done:
    nas_inference_free(&inf);
    nas_graph_free(g);
    nas_text_free(&yaml);
    return st;
}

/* Spaces whose networks teach what whole networks are like: how wide and deep, what follows on
 * what. Every SPACE_EVERY-th teacher is of one of them, where that does not judge. */
static const char *const teaching_spaces[] = {
    "nas-bench-101", "fbnet",           "darts", "cifar-mobilenetv3", "proxylessnas",
    "resnet-like",   "nas-bench-macro", "fbnet", "autoformer-small"};
enum { N_TEACHING = sizeof teaching_spaces / sizeof *teaching_spaces, SPACE_EVERY = 4 };

static bool judges(const job *j, const char *space) {
    for (uint32_t s = 0; s < j->n_spaces; s++)
        if (!strcmp(j->space[s], space))
            return true;
    return false;
}

static nas_status draw_teacher(nas_graph **out, const job *j, const char *name, uint32_t index) {
    nas_space *space;
    NAS_TRY(nas_space_open(&space, name));
    nas_status st = draw_network(out, space, j->seed, index, j->batch);
    nas_space_free(space);
    return st;
}

/* Teacher `index`, to be timed by node. */
static nas_status write_teacher(timed *t, const job *j, uint32_t index) {
    const char *space = teaching_spaces[index / SPACE_EVERY % N_TEACHING];
    if (index % SPACE_EVERY == 0 && !judges(j, space))
        NAS_TRY(draw_teacher(&t->graph, j, space, index));
    else
        NAS_TRY(write_network(&t->graph, j, index));
    t->node = nas_calloc((size_t)ROUNDS * nas_graph_count(t->graph), sizeof *t->node);
    if (!t->node)
        return nas_fail_memory(ROUNDS * nas_graph_count(t->graph) * sizeof *t->node);
    return NAS_OK;
}

static nas_status write_teachers(job *j) {
    j->teacher = nas_calloc(j->n_teach, sizeof *j->teacher);
    if (!j->teacher)
        return nas_fail_memory(j->n_teach * sizeof *j->teacher);
    for (uint32_t i = 0; i < j->n_teach; i++)
        NAS_TRY(write_teacher(&j->teacher[i], j, i));
    return NAS_OK;
}

/* ---- times ---- */

static nas_status time_once(timed *t, const job *j, int round) {
    double *node = t->node ? t->node + (size_t)round * nas_graph_count(t->graph) : NULL;
    if (*cli_stop())
        return nas_fail(NAS_E_STOPPED, "stopped");
    return calibrate_time(&t->whole[round], node, j->device, t->graph);
}

static void say_progress(const job *j, int round, uint32_t i) {
    uint32_t each_round = j->n_held + j->n_teach, done = (uint32_t)round * each_round + i;
    double spent = nas_clock() - j->from;
    char left[TALK_TEXT];
    if (done == 0)
        talk_live("round 1 of %d: network 1 of %u", ROUNDS, (unsigned)each_round);
    else
        talk_live("round %d of %d: network %u of %u, %.1f networks/s, %s left", round + 1, ROUNDS,
                  (unsigned)i + 1, (unsigned)each_round, done / spent,
                  talk_time(left, spent / done * (ROUNDS * (double)each_round - done)));
}

static nas_status time_round(job *j, int round) {
    for (uint32_t i = 0; i < j->n_held; i++) {
        say_progress(j, round, i);
        NAS_TRY(time_once(&j->held[i].t, j, round));
    }
    for (uint32_t i = 0; i < j->n_teach; i++) {
        timed *t = &j->teacher[i];
        say_progress(j, round, j->n_held + i);
        nas_status st = t->graph ? time_once(t, j, round) : NAS_OK;
        if (st == NAS_E_TOO_BIG) { /* a small device learns from small networks */
            timed_free(t);
            *t = (timed){0};
        } else if (st != NAS_OK)
            return nas_fail_prefix(st, "teaching network %u", (unsigned)i);
    }
    return NAS_OK;
}

/* Of every step-th number from the first, of ROUNDS that are `stride` apart. */
static double quartile_of(const double *v, size_t stride, int first, int step) {
    double sorted[ROUNDS];
    size_t n = 0;
    for (int r = first; r < ROUNDS; r += step)
        sorted[n++] = v[(size_t)r * stride];
    qsort(sorted, n, sizeof *sorted, nas_by_value);
    return sorted[(n - 1) / 4];
}

static nas_status learn(job *j) {
    for (uint32_t i = 0; i < j->n_teach; i++) {
        const timed *t = &j->teacher[i];
        if (!t->graph)
            continue;
        uint32_t n = nas_graph_count(t->graph);
        for (uint32_t k = 0; k < n; k++) {
            t->node[k] = quartile_of(t->node + k, n, 0, 1);
            j->n_kernels += t->node[k] > 0;
        }
        NAS_TRY(nas_kernel_fit_add(j->fit, t->graph, t->node, quartile_of(t->whole, 1, 0, 1)));
    }
    return nas_kernel_fit_solve(j->fit);
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
        NAS_TRY(nas_hw_estimate(&e, NULL, j->hw, h->t.graph));
        h->predicted = e.latency_s;
        h->measured = quartile_of(h->t.whole, 1, 0, 1);
        h->odd = quartile_of(h->t.whole, 1, 0, 2);
        h->even = quartile_of(h->t.whole, 1, 1, 2);
    }
    return NAS_OK;
}

enum { PREDICTED, MACS, PARAMS, ODD, N_COLUMNS };

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
        const double columns[N_COLUMNS] = {h->predicted, h->macs, h->params, h->odd};
        v[n] = columns[column];
        m[n++] = column == ODD ? h->even : h->measured;
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
    NAS_TRY(agree(&j->repeat, j, ODD, UINT32_MAX));
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
    snprintf(subtitle, sizeof subtitle,
             "%.40s: Spearman %.3f, %.0f %% within 10 %%; measured again %.0f %%",
             nas_device_info_of(j->device)->name, j->fitted.spearman, 100 * j->fitted.within_10,
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
    NAS_TRY(write_teachers(j));
    j->from = nas_clock();
    for (int round = 0; round < ROUNDS; round++)
        NAS_TRY(time_round(j, round));
    talk_end();
    NAS_TRY(learn(j));
    NAS_TRY(write_device(j, cli_get(a, "out")));
    NAS_TRY(judge(j));
    j->seconds = nas_clock() - start;
    return cli_has(a, "png") ? draw(j, cli_get(a, "png")) : NAS_OK;
}

int calibrate_device(cli_args *a) {
    int64_t seed = 0, batch = 1, teachers = 400, held_out = 25;
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
