/* cli/cmd_search.c - clnas search: the main job, from a study file to tested models and pictures.
 */
#include "study_run.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- settings ---- */

/* Options that are settings under a shorter name. */
static const struct {
    const char *option, *path;
} short_names[] = {{"space", "space"},
                   {"data", "data.path"},
                   {"trials", "budget.trials"},
                   {"seed", "seed"},
                   {"device", "device"},
                   {"devices", "devices"},
                   {"workers", "workers"},
                   {"store", "store"},
                   {"objectives", "objectives"},
                   {"constraints", "constraints"},
                   {"price-on", "price_on"},
                   {"trial-seconds", "trial_seconds"},
                   {"name", "name"}};
enum { N_SHORT = sizeof short_names / sizeof *short_names };

static nas_status read_settings(nas_study_config *c, const cli_args *a) {
    const char *pair[2 * (N_SHORT + 64)];
    size_t n = 0;
    for (int i = 0; i < N_SHORT; i++)
        if (cli_has(a, short_names[i].option)) {
            pair[2 * n] = short_names[i].path;
            pair[2 * n++ + 1] = cli_get(a, short_names[i].option);
        }
    for (int i = 0; i < a->n_settings; i++) {
        pair[2 * n] = a->setting[2 * i];
        pair[2 * n++ + 1] = a->setting[2 * i + 1];
    }
    return nas_study_read(c, a->n_words ? a->word[0] : NULL, pair, n);
}

static bool is_measured_latency(const nas_measure *m) {
    return strcmp(m->name, "latency") == 0;
}

nas_status study_shared(study_run *r) {
    const nas_study_config *c = &r->config;
    worker_study *s = &r->shared;
    *s = (worker_study){.config = c, .space = r->space, .latency_limit = INFINITY};
    s->train = s->retrain = nas_train_config_default();
    s->train.epochs = 2;
    NAS_TRY(cli_train_config(&s->train, c->train));
    NAS_TRY(cli_train_config(&s->retrain, c->retrain));
    if (c->table[0] != 0)
        return NAS_OK;
    for (uint32_t i = 0; i < c->n_objectives + c->n_constraints; i++) {
        const nas_measure *m =
            i < c->n_objectives ? &c->objective[i] : &c->constraint[i - c->n_objectives].measure;
        nas_hw *h = NULL;
        s->measure_latency |= is_measured_latency(m);
        if (i >= c->n_objectives && is_measured_latency(m))
            s->latency_limit = c->constraint[i - c->n_objectives].max;
        if (m->device[0])
            NAS_TRY(nas_hw_open(&h, m->device));
        nas_hw_free(h);
    }
    for (uint32_t i = 0; i < c->n_price_on; i++) {
        nas_hw *h = NULL;
        NAS_TRY(nas_hw_open(&h, c->price_on[i]));
        nas_hw_free(h);
    }
    return NAS_OK;
}

/* ---- what makes it the same study ---- */

static void fingerprint_map(nas_text *t, const char *key, const nas_yaml_node *n) {
    nas_text y = {0};
    if (n)
        nas_yaml_print(&y, n);
    for (size_t i = 0; i < y.n; i++)
        y.s[i] = y.s[i] == '\n' ? ' ' : y.s[i];
    nas_text_add(t, "%s: %s\n", key, nas_text_str(&y));
    nas_text_free(&y);
}

static uint64_t space_hash(const nas_space *s) {
    uint64_t h = 0;
    nas_text yaml = {0};
    nas_genome first = {.n = nas_space_gene_count(s)};
    for (uint32_t i = 0; i < nas_space_gene_count(s); i++) {
        const nas_gene *g = nas_space_gene(s, i);
        h = nas_hash_bytes(h, g->path, strlen(g->path));
        for (uint32_t k = 0; k < g->n; k++)
            h = nas_hash_bytes(h, g->choices[k], strlen(g->choices[k]));
    }
    nas_space_canonical(&first, s);
    if (nas_space_network(&yaml, s, &first) == NAS_OK)
        h = nas_hash_bytes(h, nas_text_str(&yaml), yaml.n);
    nas_text_free(&yaml);
    return h;
}

/* Settings of the strategy that were given, and where a table's values come from. */
static void fingerprint_more(nas_text *t, const nas_study_config *c) {
    const nas_yaml_node *root = nas_yaml_root(c->doc);
    static const nas_strategy_numbers none = {0};
    /* NOLINTNEXTLINE(bugprone-suspicious-memory-comparison): not given is zero in every byte */
    if (memcmp(&c->numbers, &none, sizeof none) != 0)
        fingerprint_map(t, "strategy", nas_yaml_get(root, "strategy"));
    if (c->table[0] == 0)
        return;
    nas_text_add(t, "table: %s, key %s\n", c->table, c->table_key);
    fingerprint_map(t, "evaluate", nas_yaml_get(root, "evaluate"));
    for (uint32_t i = 0; i < c->n_objectives; i++)
        nas_text_add(t, "%s: %s\n", c->objective[i].name, c->objective[i].expression);
}

static void fingerprint(nas_text *t, const study_run *r) {
    const nas_study_config *c = &r->config;
    nas_text_add(t, "space: %s (%016" PRIx64 ")\n", nas_space_name(r->space), space_hash(r->space));
    nas_text_add(t, "data: %s, %u held out, %u for training\n", c->data, c->validation,
                 c->train_images);
    nas_text_add(t, "objectives:");
    for (uint32_t i = 0; i < c->n_objectives; i++)
        nas_text_add(t, " %s", c->objective[i].name);
    nas_text_add(t, "\nconstraints:");
    for (uint32_t i = 0; i < c->n_constraints; i++)
        nas_text_add(t, " %s in %g…%g", c->constraint[i].measure.name, c->constraint[i].min,
                     c->constraint[i].max);
    nas_text_add(t, "\nstrategy: %s, population %u, crossover %g, mutation %g\n", c->strategy,
                 c->population, c->crossover, c->mutation);
    nas_text_add(t, "seed: %" PRIu64 "\nlatency.batch: %d\n", c->seed, c->latency_batch);
    fingerprint_map(t, "train", c->train);
    fingerprint_more(t, c);
}

/* ---- run folder ---- */

/* Makes a path of the settings absolute, so that study.yaml works from anywhere. */
static nas_status set_absolute(nas_yaml *doc, const char *key, const char *path) {
    nas_text value = {0};
    char *whole = realpath(path, NULL);
    nas_status st = NAS_OK;
    if (whole) {
        nas_text_json(&value, whole);
        st = nas_yaml_set(doc, key, nas_text_str(&value), key);
    }
    free(whole);
    nas_text_free(&value);
    return st;
}

/* The settings as they were used: file, flags and defaults of paths in one. */
static nas_status write_study(const study_run *r, const nas_text *held_out) {
    nas_text yaml = {0}, path = {0}, name = {0};
    nas_yaml *copy = NULL;
    nas_status st;
    nas_yaml_print(&yaml, nas_yaml_root(r->config.doc));
    NAS_GO(nas_text_check(&yaml));
    NAS_GO(nas_yaml_read_text(&copy, nas_text_str(&yaml), yaml.n, "study"));
    nas_text_json(&name, r->config.name);
    NAS_GO(nas_yaml_set(copy, "name", nas_text_str(&name), "name"));
    NAS_GO(set_absolute(copy, "data.path", r->config.data));
    if (strchr(r->config.space, '/') || nas_file_exists(r->config.space))
        NAS_GO(set_absolute(copy, "space", r->config.space));
    nas_text_free(&yaml);
    nas_yaml_print(&yaml, nas_yaml_root(copy));
    nas_text_add(&path, "%s/study.yaml", r->dir);
    NAS_GO(nas_text_check(&yaml));
    NAS_GO(nas_text_check(&path));
    NAS_GO(nas_file_write(nas_text_str(&path), nas_text_str(&yaml), yaml.n));
    if (nas_store_shared(r->store)) { /* its address may hold a password: workers have their own */
        nas_text_free(&yaml);
        NAS_GO(nas_yaml_set(copy, "store", "postgresql://", "store"));
        nas_yaml_print(&yaml, nas_yaml_root(copy));
        NAS_GO(nas_text_check(&yaml));
        NAS_GO(share_settings(r, &yaml, held_out));
    }
done:
    nas_yaml_free(copy);
    nas_text_free(&name);
    nas_text_free(&yaml);
    nas_text_free(&path);
    return st;
}

/* Opens and splits the data before anything is written. *record tells, as JSON, which images are
 * held out: their indices and a fingerprint of them. */
nas_status study_split(nas_text *record, const study_run *r) {
    nas_dataset *d = NULL;
    nas_split split = {0};
    int32_t hwc[3], classes;
    nas_status st;
    if (r->config.table[0] != 0) /* nothing is trained */
        return NAS_OK;
    nas_space_input(r->space, hwc, &classes);
    NAS_GO(cli_data(&d, r->config.data, hwc[0], hwc[1], hwc[2]));
    if (nas_data_info_of(d)->classes != classes)
        NAS_GO(nas_fail(NAS_E_SHAPE, "the space has %d classes but the data in %s have %d", classes,
                        r->config.data, nas_data_info_of(d)->classes));
    NAS_GO(nas_split_make(&split, d, r->config.validation, r->config.train_images, r->config.seed));
    talk_line("data: %s, %u images for training, %u held out for validation, %u for the final test",
              r->config.data, split.n_train, split.n_validation, split.n_test);
    nas_text_add(record,
                 "{\"train\": %u, \"validation\": %u, \"test\": %u, \"validation_hash\": "
                 "\"%016" PRIx64 "\", \"validation_images\": [",
                 split.n_train, split.n_validation, split.n_test,
                 nas_split_hash(split.validation, split.n_validation));
    for (uint32_t i = 0; i < split.n_validation; i++)
        nas_text_add(record, "%s%u", i ? "," : "", split.validation[i]);
    nas_text_add(record, "]}");
    NAS_GO(nas_text_check(record));
done:
    nas_split_free(&split);
    nas_data_free(d);
    return st;
}

static nas_status keep_settings(const study_run *r, const nas_text *held_out) {
    nas_text t = {0};
    nas_status st;
    nas_text_add(&t, "%u", r->config.trials);
    NAS_GO(nas_store_study_attr(r->store, "budget", nas_text_str(&t)));
    nas_text_free(&t);
    nas_text_add(&t, "[");
    for (uint32_t i = 0; i < r->config.n_price_on; i++) {
        nas_text_add(&t, "%s", i ? ", " : "");
        nas_text_json(&t, r->config.price_on[i]);
    }
    nas_text_add(&t, "]");
    NAS_GO(nas_store_study_attr(r->store, "price_on", nas_text_str(&t)));
    if (r->config.table[0] == 0) {
        NAS_GO(nas_store_study_attr(r->store, "held_out", nas_text_str(held_out)));
    } else {
        nas_text_free(&t);
        nas_text_json(&t, r->config.table);
        NAS_GO(nas_store_study_attr(r->store, "table", nas_text_str(&t)));
    }
    NAS_GO(write_study(r, held_out));
done:
    nas_text_free(&t);
    return st;
}

static const double patience_s = 3600; /* how long a server that went away is waited for */

static nas_status open_run(study_run *r) {
    nas_text path = {0}, print = {0}, held_out = {0};
    nas_strategy_options o = {.n_objectives = r->config.n_objectives,
                              .seed = r->config.seed,
                              .population = r->config.population,
                              .crossover = r->config.crossover,
                              .mutation = r->config.mutation,
                              .numbers = r->config.numbers,
                              .budget = r->config.trials,
                              .price = study_price,
                              .price_ctx = &r->prices};
    uint32_t forgotten = 0;
    nas_status st;
    if (!r->config.workers && !r->config.store[0])
        NAS_GO(nas_fail(NAS_E_ARG, "workers: 0 leaves the training to clnas worker, which needs a "
                                   "store on a server (--store postgresql://HOST/DATABASE)"));
    NAS_GO(nas_space_open(&r->space, r->config.space));
    NAS_GO(study_shared(r));
    study_slots(r);
    if (r->config.table[0] != 0)
        NAS_GO(study_table_open(&r->table, &r->config, r->space));
    r->prices = (study_prices){&r->config, r->space, r->table};
    NAS_GO(nas_strategy_create(&r->strategy, r->config.strategy, r->space, &o));
    NAS_GO(study_split(&held_out, r));
    NAS_GO(nas_dir_make(r->dir));
    if (r->config.store[0])
        nas_text_add(&path, "%s", r->config.store);
    else
        nas_text_add(&path, "%s/study.db", r->dir);
    fingerprint(&print, r);
    NAS_GO(nas_text_check(&path));
    NAS_GO(nas_store_open(&r->store, nas_text_str(&path), r->config.name, &r->config,
                          nas_text_str(&print)));
    nas_store_patience(r->store, patience_s, cli_stop());
    NAS_GO(nas_store_recover(r->store, &forgotten));
    if (forgotten)
        talk_line("%u trial%s did not end in an earlier run and %s done again", forgotten,
                  forgotten == 1 ? "" : "s", forgotten == 1 ? "is" : "are");
    NAS_GO(keep_settings(r, &held_out));
done:
    nas_text_free(&held_out);
    nas_text_free(&path);
    nas_text_free(&print);
    return st;
}

static void close_run(study_run *r) {
    study_slots_end(r);
    nas_strategy_free(r->strategy);
    study_table_free(r->table);
    nas_store_close(r->store);
    nas_space_free(r->space);
    nas_study_config_free(&r->config);
}

/* ---- the end ---- */

static nas_status price(nas_text *t, const view_trial *trial, const char *device) {
    nas_graph *g = NULL;
    nas_inference inf = {0};
    nas_hw *h = NULL;
    nas_estimate e;
    char b[TALK_TEXT];
    nas_status st;
    NAS_GO(nas_network_graph(&g, trial->network, strlen(trial->network), "the stored network", 1));
    NAS_GO(nas_graph_inference(&inf, g));
    NAS_GO(nas_hw_open(&h, device));
    NAS_GO(nas_hw_estimate(&e, NULL, h, inf.graph));
    nas_text_add(t, "%5u  %-24s %12s", trial->t.number, device, talk_seconds(b, e.latency_s));
    if (isfinite(e.energy_j))
        nas_text_add(t, "  %10.3g mJ\n", e.energy_j * 1e3);
    else
        nas_text_add(t, "  %13s\n", "not modelled");
done:
    nas_hw_free(h);
    nas_inference_free(&inf);
    nas_graph_free(g);
    return st;
}

static nas_status final_table(nas_text *t, const study_run *r, const view *v,
                              const uint32_t *chosen, uint32_t n) {
    char a[TALK_TEXT], b[TALK_TEXT];
    nas_text_add(t, "\nChosen models, trained on all training images and tested once:\n");
    nas_text_add(t, "%5s  %13s  %12s  %18s  %10s  %12s  %12s\n", "trial", "test accuracy",
                 "latency", "batch 128, a image", "params", "MACs", "energy");
    for (uint32_t i = 0; i < n; i++) {
        const view_trial *x = &v->trial[chosen[i]];
        if (!isfinite(x->test_accuracy))
            continue;
        nas_text_add(t, "%5u  %11.2f %%  %12s", x->t.number, 100 * x->test_accuracy,
                     talk_seconds(a, x->latency_s));
        nas_text_add(t, "  %18s  %10s", talk_seconds(a, x->latency_batch_s / 128),
                     talk_count(b, x->params));
        nas_text_add(t, "  %12s  %12s\n", talk_count(a, x->macs), "not modelled");
    }
    nas_text_add(t, "latency: measured here at batch %d, median\n", r->config.latency_batch);
    if (r->config.n_price_on)
        nas_text_add(
            t, "\nModelled on hardware that need not be here (batch 1):\n%5s  %-24s %12s  %13s\n",
            "trial", "device", "latency", "energy");
    for (uint32_t d = 0; d < r->config.n_price_on; d++)
        for (uint32_t i = 0; i < n; i++)
            if (v->trial[chosen[i]].network)
                NAS_TRY(price(t, &v->trial[chosen[i]], r->config.price_on[d]));
    nas_text_add(t, "\n");
    for (uint32_t i = 0; i < n; i++)
        if (isfinite(v->trial[chosen[i]].test_accuracy))
            nas_text_add(t, "model: %s/models/trial-%u.safetensors\n", r->dir, chosen[i]);
    return NAS_OK;
}

static nas_status finish(study_run *r, const cli_args *a) {
    view v = {0};
    nas_text t = {0};
    uint32_t chosen[64], *front = NULL, n;
    nas_status st;
    NAS_GO(view_of_store(&v, r->store));
    n = view_choose(chosen, &v, r->config.retrain_models < 64 ? r->config.retrain_models : 64);
    if (n) {
        talk_line("retraining %u models of the front on all training images", n);
        NAS_GO(study_retrain(r, chosen, n));
        view_free(&v);
        NAS_GO(view_of_store(&v, r->store));
    }
    NAS_GO(report_draw(&v, r->dir, n));
    front = nas_malloc((v.n + 1) * sizeof *front);
    if (!front)
        NAS_GO(nas_fail_memory(v.n * sizeof *front));
    nas_text_add(&t, "Pareto front:\n");
    view_table(&t, &v, front, view_front(front, &v));
    if (n)
        NAS_GO(final_table(&t, r, &v, chosen, n));
    nas_text_add(&t, "pictures: %s/report/\n", r->dir);
    nas_text_add(&t, "reproduce: clnas search %s/study.yaml --out ANOTHER-FOLDER\n", r->dir);
    if (cli_print(a, &t) != CLI_OK)
        NAS_GO(nas_fail(NAS_E_IO, "standard output does not take the table"));
done:
    nas_free(front);
    nas_text_free(&t);
    view_free(&v);
    return st;
}

static int run(cli_args *a) {
    study_run r = {.dir = cli_get(a, "out")};
    char time[TALK_TEXT];
    double started = nas_clock();
    if (!r.dir || !r.dir[0])
        return cli_usage(a, "--out RUN is missing: the folder that keeps the study");
    if (!a->n_words && !cli_has(a, "space"))
        return cli_usage(a, "a study file is missing, or --space and --data");
    talk_quiet(cli_has(a, "quiet"));
    cli_catch_signals();
    nas_status st = read_settings(&r.config, a);
    if (st == NAS_OK)
        st = open_run(&r);
    if (st == NAS_OK) {
        const char *picked = nas_strategy_name(r.strategy);
        bool is_other = strcmp(picked, r.config.strategy) != 0;
        talk_line("study %s: space %s (%.4g networks), %s%s%s, %u trials", r.config.name,
                  nas_space_name(r.space), nas_space_size(r.space), r.config.strategy,
                  is_other ? " picks " : "", is_other ? picked : "", r.config.trials);
        st = r.table != NULL ? study_tabular(&r) : study_trials(&r);
    }
    if (st == NAS_OK)
        st = finish(&r, a);
    if (st == NAS_OK && nas_store_shared(r.store))
        st = share_finished(&r, true);
    if (st == NAS_OK)
        talk_line("done in %s", talk_time(time, nas_clock() - started));
    close_run(&r);
    if (st == NAS_E_STOPPED) {
        talk_line("stopped; nothing is lost, the same command goes on");
        return CLI_FAILED;
    }
    return st == NAS_OK ? CLI_OK : cli_fail(a);
}

static const cli_option options[] = {
    {"out", "RUN", "folder of the study; the same command goes on where it was"},
    {"space", "NAME|FILE", "search space (clnas spaces)"},
    {"data", "DIR", "data set"},
    {"objectives", "LIST", "e.g. '[error, latency, params]'; all are minimised"},
    {"constraints", "LIST", "e.g. '[{params: {max: 500000}}]'"},
    {"trials", "N", "how many candidates"},
    {"seed", "N", "the same seed gives the same study"},
    {"device", "SPEC", "number, type or part of the name (clnas devices)"},
    {"devices", "LIST", "train on several at once, e.g. '[0, 1]'"},
    {"workers", "N", "processes that train; 0: leave it to clnas worker"},
    {"store", "URL", "postgresql://HOST/DATABASE: other machines may help (clnas worker)"},
    {"price-on", "LIST", "device files to price the chosen models on (clnas hardware)"},
    {"trial-seconds", "S", "a trial that takes longer fails"},
    {"name", "TEXT", "name of the study in the store"},
    {"quiet", NULL, "no progress, only the tables"},
    {NULL, NULL, NULL}};
extern const cli_command cmd_search;
const cli_command cmd_search = {.name = "search",
                                .synopsis = "STUDY.yaml --out RUN [settings]",
                                .about = "search a space for the best trade-offs: the main job",
                                .example =
                                    "clnas search examples/quickstart.yaml --out runs/quickstart",
                                .options = options,
                                .settings = true,
                                .max_words = 1,
                                .run = run};
