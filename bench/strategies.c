/* bench/strategies.c - every strategy on a published table, by the published protocols.
 *
 * Single objective: search on the validation accuracy after 12 epochs, report the test accuracy
 * after 200 of the best found. Several: error and latency on a device; the share of the true
 * front's hypervolume below (20 %, the largest latency). See docs/strategies.md.
 */
#include <search/tabular.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_LIST = 32, MAX_BUDGET = 20000, N_MARKS = 3 };

static const uint32_t marks[N_MARKS] = {200, 500, 1000};

typedef struct settings {
    const char *table, *space, *only[MAX_LIST];
    uint32_t n_only, seeds_single, seeds_multi, budget;
    bool json, single, multi;
} settings;

/* What is run: a strategy under settings of its own. */
typedef struct entry {
    const char *label, *strategy;
    nas_strategy_options options;
} entry;

/* Variants whose numbers are published beside those of the defaults. */
static const entry variants[] = {
    {"aging_evolution P10 S3",
     "aging_evolution",
     {.population = 10, .numbers = {.sample = 3, .batch = 1}}},
    {"aging_evolution P30 S10",
     "aging_evolution",
     {.population = 30, .numbers = {.sample = 10, .batch = 1}}},
    {"reinforce lr .01", "reinforce", {.numbers = {.learning_rate = .01}}},
    {"reinforce lr .1", "reinforce", {.numbers = {.learning_rate = .1}}},
    {"nsga2 P50", "nsga2", {.population = 50}},
    {"gp batch 4", "gp", {.numbers = {.batch = 4}}},
};

/* Models that are fitted anew again and again: a thousand trials of them take minutes. Like the
 * slow peers they stop at the first mark; auto picks by the budget, which is then 200. */
static const char *const slow[] = {"auto", "bananas", "gp", "nasbot", "npenas"};

static int marks_of(const char *strategy) {
    for (size_t i = 0; i < sizeof slow / sizeof *slow; i++)
        if (strcmp(slow[i], strategy) == 0)
            return 1;
    return N_MARKS;
}

static int fail(void) {
    fprintf(stderr, "bench_strategies: %s\n", nas_error_text());
    return 1;
}

static bool wanted(const settings *s, const char *strategy) {
    for (uint32_t i = 0; i < s->n_only; i++)
        if (strcmp(s->only[i], strategy) == 0)
            return true;
    return s->n_only == 0;
}

typedef struct sum {
    double n, mean, m2;
} sum;

static void add(sum *s, double v) {
    double d = v - s->mean;
    s->mean += d / ++s->n;
    s->m2 += d * (v - s->mean);
}

static double deviation(const sum *s) {
    return s->n > 1 ? sqrt(s->m2 / (s->n - 1)) : 0;
}

/* ---- one objective ---- */

static nas_status run_single(const settings *s, const tabular *t, const entry *e, bool first) {
    nas_status st = NAS_OK;
    double *validation = NULL, *test = NULL, started = nas_clock();
    uint32_t row[MAX_BUDGET], used;
    sum found = {0};
    NAS_GO(tabular_values(&validation, t, "100 - c10_val_12"));
    NAS_GO(tabular_values(&test, t, "c10_test_200"));
    for (uint32_t seed = 0; seed < s->seeds_single; seed++) {
        tabular_run run = {
            .t = t, .strategy = e->strategy, .options = e->options, .objective = {validation}};
        run.options.n_objectives = 1;
        run.options.seed = seed;
        NAS_GO(tabular_search(row, &used, &run, s->budget));
        uint32_t best = 0;
        for (uint32_t i = 1; i < used; i++)
            best = validation[row[i]] < validation[row[best]] ? i : best;
        add(&found, test[row[best]]);
    }
    double each = (nas_clock() - started) / s->seeds_single;
    if (s->json)
        printf("%s\n  {\"protocol\": \"single\", \"strategy\": \"%s\", \"budget\": %u, \"seeds\": "
               "%u, \"test_accuracy\": %.4f, \"deviation\": %.4f, \"seconds_a_run\": %.4f}",
               first ? "" : ",", e->label, s->budget, s->seeds_single, found.mean,
               deviation(&found), each);
    else
        printf("%-26s %7.3f +- %.3f   %8.3f s a run\n", e->label, found.mean, deviation(&found),
               each);
    fflush(stdout);
done:
    nas_free(validation);
    nas_free(test);
    return st;
}

/* ---- several ---- */

static const char *const devices[] = {"fpga", "raspi4", "titan_rtx_32"};
enum { N_DEVICES = sizeof devices / sizeof *devices };

typedef struct problem {
    const char *device;
    double *error, *latency;
    double ref[2], whole; /* hypervolume of all rows */
} problem;

static nas_status volume(double *out, const problem *p, const uint32_t *row, uint32_t n) {
    double *obj = nas_malloc((2 * (size_t)n + 1) * sizeof *obj);
    if (obj == NULL)
        return nas_fail_memory(2 * (size_t)n * sizeof *obj);
    for (uint32_t i = 0; i < n; i++) {
        obj[2 * i] = p->error[row ? row[i] : i];
        obj[2 * i + 1] = p->latency[row ? row[i] : i];
    }
    nas_status st = nas_hypervolume(out, obj, n, 2, p->ref);
    nas_free(obj);
    return st;
}

static void close_problem(problem *p) {
    nas_free(p->error);
    nas_free(p->latency);
}

static nas_status open_problem(problem *p, const tabular *t, const char *device) {
    char column[64];
    *p = (problem){.device = device, .ref = {20, 0}};
    snprintf(column, sizeof column, "latency_ms_%s", device);
    NAS_TRY(tabular_values(&p->error, t, "100 - c10_test_200"));
    NAS_TRY(tabular_values(&p->latency, t, column));
    for (uint32_t i = 0; i < t->rows; i++)
        p->ref[1] = fmax(p->ref[1], p->latency[i]);
    return volume(&p->whole, p, NULL, t->rows);
}

static void print_shares(const settings *s, const problem *p, const entry *e, const sum *share,
                         double seconds, bool first) {
    int n = marks_of(e->strategy);
    if (s->json) {
        printf("%s\n  {\"protocol\": \"multi\", \"device\": \"%s\", \"strategy\": \"%s\", "
               "\"seeds\": %u, ",
               first ? "" : ",", p->device, e->label, s->seeds_multi);
        for (int k = 0; k < n; k++)
            printf("\"share_%u\": %.4f, ", marks[k], share[k].mean);
        printf("\"deviation_%u\": %.4f, \"seconds_a_run\": %.4f}", marks[0], deviation(&share[0]),
               seconds);
    } else {
        printf("%-13s %-26s %.3f +- %.3f", p->device, e->label, share[0].mean,
               deviation(&share[0]));
        for (int k = 1; k < N_MARKS; k++)
            if (k < n)
                printf("  %.3f", share[k].mean);
            else
                printf("    -  ");
        printf("   %8.3f s a run\n", seconds);
    }
    fflush(stdout);
}

static nas_status run_multi(const settings *s, const tabular *t, const problem *p, const entry *e,
                            bool first) {
    uint32_t row[MAX_BUDGET], used;
    double started = nas_clock();
    sum share[N_MARKS] = {{0}};
    int n = marks_of(e->strategy);
    for (uint32_t seed = 0; seed < s->seeds_multi; seed++) {
        tabular_run run = {.t = t,
                           .strategy = e->strategy,
                           .options = e->options,
                           .objective = {p->error, p->latency},
                           .known = {false, true}};
        run.options.n_objectives = 2;
        run.options.seed = seed;
        NAS_TRY(tabular_search(row, &used, &run, marks[n - 1]));
        for (int k = 0; k < n; k++) {
            double v = 0;
            NAS_TRY(volume(&v, p, row, used < marks[k] ? used : marks[k]));
            add(&share[k], v / p->whole);
        }
    }
    print_shares(s, p, e, share, (nas_clock() - started) / s->seeds_multi, first);
    return NAS_OK;
}

/* ---- the program ---- */

static uint32_t list(entry *out, const settings *s) {
    uint32_t n = 0;
    for (const char *const *name = nas_strategy_names(); *name != NULL; name++)
        if (wanted(s, *name))
            out[n++] = (entry){.label = *name, .strategy = *name};
    for (size_t i = 0; i < sizeof variants / sizeof *variants; i++)
        if (wanted(s, variants[i].strategy))
            out[n++] = variants[i];
    return n;
}

static nas_status run_all(const settings *s, const tabular *t) {
    entry e[2 * MAX_LIST];
    uint32_t n = list(e, s), printed = 0;
    if (s->json)
        printf("[");
    else if (s->single)
        printf(
            "test accuracy %% after 200 epochs of the best by validation after 12; %u trials, %u "
            "seeds\n",
            s->budget, s->seeds_single);
    for (uint32_t i = 0; s->single && i < n; i++)
        NAS_TRY(run_single(s, t, &e[i], printed++ == 0));
    if (!s->json && s->multi)
        printf("share of the true hypervolume after 200, 500, 1000 trials; %u seeds\n",
               s->seeds_multi);
    for (int d = 0; s->multi && d < N_DEVICES; d++) {
        problem p;
        nas_status st = open_problem(&p, t, devices[d]);
        for (uint32_t i = 0; st == NAS_OK && i < n; i++)
            st = run_multi(s, t, &p, &e[i], printed++ == 0);
        close_problem(&p);
        NAS_TRY(st);
    }
    if (s->json)
        printf("\n]\n");
    return NAS_OK;
}

static int usage(void) {
    fprintf(stderr, "usage: bench_strategies TABLE.csv.gz [--space FILE] [--only NAME]... [--single"
                    " | --multi]\n"
                    "       [--seeds N] [--multi-seeds N] [--budget N] [--json]\n");
    return 2;
}

/* A strategy, or one of the peers, which bench/strategies_peers.py runs. */
static bool is_known(const char *name) {
    const char *const *names = nas_strategy_names();
    size_t n = 0;
    for (; names[n] != NULL; n++)
        if (strcmp(names[n], name) == 0)
            return true;
    if (strncmp(name, "optuna ", 7) == 0 || strncmp(name, "pymoo ", 6) == 0)
        return true;
    const char *near = nas_nearest(name, names, n);
    fprintf(stderr, "bench_strategies: --only: no strategy '%s'%s%s%s\n", name,
            near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
    return false;
}

static bool read_count(uint32_t *out, const char *text, uint32_t max) {
    char *end;
    unsigned long v = text != NULL ? strtoul(text, &end, 10) : 0;
    if (v < 1 || v > max || *end != '\0')
        return false;
    *out = (uint32_t)v;
    return true;
}

static bool read_arguments(settings *s, char **arg) {
    for (; *arg != NULL; arg++) {
        const char *next = arg[1];
        if (strcmp(*arg, "--json") == 0)
            s->json = true;
        else if (strcmp(*arg, "--single") == 0)
            s->multi = false;
        else if (strcmp(*arg, "--multi") == 0)
            s->single = false;
        else if (**arg != '-' && s->table == NULL)
            s->table = *arg;
        else if (strcmp(*arg, "--space") == 0 && next != NULL)
            s->space = *++arg;
        else if (strcmp(*arg, "--only") == 0 && next != NULL && s->n_only < MAX_LIST &&
                 is_known(next))
            s->only[s->n_only++] = *++arg;
        else if (strcmp(*arg, "--seeds") == 0 && read_count(&s->seeds_single, next, 100000))
            arg++;
        else if (strcmp(*arg, "--multi-seeds") == 0 && read_count(&s->seeds_multi, next, 100000))
            arg++;
        else if (strcmp(*arg, "--budget") == 0 && read_count(&s->budget, next, MAX_BUDGET))
            arg++;
        else
            return false;
    }
    return s->table != NULL && (s->single || s->multi);
}

int main(int argc, char **argv) {
    settings s = {.space = NAS_SOURCE_DIR "/bench/nb201.yaml",
                  .seeds_single = 300,
                  .seeds_multi = 20,
                  .budget = 100,
                  .single = true,
                  .multi = true};
    tabular t = {0};
    if (argc < 2 || !read_arguments(&s, argv + 1))
        return usage();
    nas_status st = tabular_open(&t, s.space, s.table);
    if (st == NAS_OK)
        st = run_all(&s, &t);
    tabular_close(&t);
    return st == NAS_OK ? 0 : fail();
}
