/* cli/cmd_search.c - clnas search: the main job, from a study file to tested models and pictures.
 */
#include "study_run.h"

#include <dirent.h>
#include <inttypes.h>
#include <math.h>
#include <string.h>
#include <sys/stat.h>

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

static nas_status check_training(const char *key, const nas_train_config *c, const nas_space *s) {
    int32_t hwc[3], classes;
    nas_space_input(s, hwc, &classes);
    nas_status st = nas_train_config_check(c);
    if (st == NAS_OK)
        st = nas_train_config_fits(c, hwc[0], hwc[1]);
    return st == NAS_OK ? st : nas_fail_prefix(st, "%s", key);
}

nas_status study_shared(study_run *r) {
    const nas_study_config *c = &r->config;
    worker_study *s = &r->shared;
    *s = (worker_study){.config = c, .space = r->space, .latency_limit = INFINITY};
    s->train = s->retrain = nas_train_config_default();
    s->train.epochs = 2;
    NAS_TRY(cli_train_config(&s->train, c->train));
    NAS_TRY(cli_train_config(&s->retrain, c->retrain));
    NAS_TRY(check_training("train", &s->train, r->space));
    NAS_TRY(check_training("retrain", &s->retrain, r->space));
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

/* ---- run folder ---- */

/* Opens and splits the data before anything is written. *record tells, as JSON, which images are
 * held out: their indices and a fingerprint of them; and mean and deviation of the training images,
 * by which a worker tells that its files are the same. */
nas_status study_split(nas_text *record, const study_run *r) {
    nas_dataset *d = NULL;
    nas_split split = {0};
    float mean[4], std[4];
    int32_t hwc[3], classes;
    nas_status st;
    if (!nas_study_needs_images(&r->config))
        return NAS_OK;
    nas_space_input(r->space, hwc, &classes);
    NAS_GO(cli_data(&d, r->config.data, hwc, r->config.resize));
    if (nas_data_info_of(d)->classes != classes)
        NAS_GO(nas_fail(NAS_E_SHAPE, "the space has %d classes but the data in %s have %d", classes,
                        r->config.data, nas_data_info_of(d)->classes));
    NAS_GO(cli_limit(d, r->config.train_images));
    NAS_GO(nas_split_make(&split, d, r->config.validation, r->config.train_images, r->config.seed));
    talk_line("data: %s, %u images for training, %u held out for validation, %u for the final test",
              r->config.data, split.n_train, split.n_validation, split.n_test);
    NAS_GO(nas_data_statistics(mean, std, d, split.train, split.n_train));
    nas_text_add(record,
                 "{\"train\": %u, \"validation\": %u, \"test\": %u, \"validation_hash\": "
                 "\"%016" PRIx64 "\", \"validation_images\": [",
                 split.n_train, split.n_validation, split.n_test,
                 nas_split_hash(split.validation, split.n_validation));
    for (uint32_t i = 0; i < split.n_validation; i++)
        nas_text_add(record, "%s%u", i ? "," : "", split.validation[i]);
    nas_text_add(record, "], \"mean_deviation\": [");
    for (int32_t c = 0; c < hwc[2]; c++) {
        nas_text_add(record, c ? "," : "");
        nas_text_float(record, mean[c]);
        nas_text_add(record, ",");
        nas_text_float(record, std[c]);
    }
    nas_text_add(record, "]}");
    NAS_GO(nas_text_check(record));
done:
    nas_split_free(&split);
    nas_data_free(d);
    return st;
}

static const double patience_s = 3600; /* how long a server that went away is waited for */

/* One device and no other does it: that it is not there is said before anything is made. */
static bool trains_on_one(const study_run *r) {
    return nas_study_needs_images(&r->config) && r->config.n_devices == 0 && r->config.workers > 0;
}

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
    if (r->shared.measure_latency || trains_on_one(r))
        NAS_GO(study_look(r));
    if (!r->shared.measure_latency)
        r->device[0] = 0; /* any device may go on */
    NAS_GO(nas_dir_make(r->dir));
    if (r->config.store[0])
        nas_text_add(&path, "%s", r->config.store);
    else
        nas_text_add(&path, "%s/study.db", r->dir);
    study_fingerprint(&print, r);
    NAS_GO(nas_text_check(&path));
    NAS_GO(nas_store_open(&r->store, nas_text_str(&path), r->config.name, &r->config,
                          nas_text_str(&print)));
    nas_store_patience(r->store, patience_s, cli_stop());
    NAS_GO(nas_store_recover(r->store, &forgotten));
    if (forgotten)
        talk_line("%u trial%s did not end in an earlier run and %s done again", forgotten,
                  forgotten == 1 ? "" : "s", forgotten == 1 ? "is" : "are");
    NAS_GO(study_keep_settings(r, &held_out));
done:
    nas_text_free(&held_out);
    nas_text_free(&path);
    nas_text_free(&print);
    return st;
}

/* Of a folder that is no run: something that a study could overwrite. An empty file may be the log
 * that a shell has just made for this command. */
static bool holds_something(const char *folder, const char *name) {
    nas_text path = {0};
    struct stat s;
    nas_text_add(&path, "%s/%s", folder, name);
    bool empty =
        !path.failed && lstat(nas_text_str(&path), &s) == 0 && S_ISREG(s.st_mode) && s.st_size == 0;
    nas_text_free(&path);
    return !empty && strcmp(name, ".") != 0 && strcmp(name, "..") != 0;
}

/* Settings of a run, whose study.db may be on a server; not the user's own file of that name. */
static bool is_settings(const char *folder, const char *study) {
    nas_text path = {0};
    struct stat kept, given;
    nas_text_add(&path, "%s/study.yaml", folder);
    bool there = !path.failed && stat(nas_text_str(&path), &kept) == 0;
    bool own = there && study && stat(study, &given) == 0 && kept.st_ino == given.st_ino &&
               kept.st_dev == given.st_dev;
    nas_text_free(&path);
    return there && !own;
}

/* A new study wants a folder of its own; one that goes on has its files there. */
static nas_status check_folder(const char *folder, const char *study) {
    bool run = is_settings(folder, study), others = false;
    DIR *d = opendir(folder);
    if (!d) /* it is made, or nas_dir_make says why not */
        return NAS_OK;
    for (struct dirent *e; (e = readdir(d));) {
        run |= strcmp(e->d_name, "study.db") == 0;
        others |= holds_something(folder, e->d_name);
    }
    closedir(d);
    if (others && !run)
        return nas_fail(NAS_E_EXISTS,
                        "%s holds files but no study: --out wants a new folder, an "
                        "empty one or the folder of a study",
                        folder);
    return NAS_OK;
}

static void close_run(study_run *r) {
    study_slots_end(r);
    nas_strategy_free(r->strategy);
    study_table_free(r->table);
    nas_store_close(r->store);
    nas_space_free(r->space);
    nas_study_config_free(&r->config);
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
    if (st == NAS_E_PARSE && !a->n_words) { /* something is missing: all comes from options */
        cli_fail(a);
        return CLI_USAGE;
    }
    if (st == NAS_OK)
        st = check_folder(r.dir, a->n_words ? a->word[0] : NULL);
    if (st == NAS_OK)
        st = open_run(&r);
    if (st == NAS_OK) {
        const char *picked = nas_strategy_name(r.strategy);
        bool is_other = strcmp(picked, r.config.strategy) != 0;
        talk_line("study %s: space %s (%.4g networks), %s%s%s, %u trial%s", r.config.name,
                  nas_space_name(r.space), nas_space_size(r.space), r.config.strategy,
                  is_other ? " picks " : "", is_other ? picked : "", r.config.trials,
                  r.config.trials == 1 ? "" : "s");
        if (!r.table && !nas_study_trains(&r.config))
            talk_line("no objective or constraint needs training: trials are priced, not trained");
        st = study_workers(&r);
        if (st == NAS_OK)
            st = r.table != NULL ? study_tabular(&r) : study_trials(&r);
    }
    if (st == NAS_OK)
        st = study_end(&r, a);
    if (st == NAS_OK && nas_store_shared(r.store))
        st = share_finished(&r, true);
    if (st == NAS_OK)
        st = study_found(&r);
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
    {"workers", "N",
     "processes that train (default: as many as train fastest); 0: leave it to clnas worker"},
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
