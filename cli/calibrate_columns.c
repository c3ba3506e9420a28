/* cli/calibrate_columns.c - clnas calibrate --table --features: latencies from columns of numbers,
 * for tables that give no networks. */
#include "calibrate.h"

#include <math.h>
#include <string.h>

enum { MOST_FEATURES = 32, MOST_NAME = 128 };

typedef struct job {
    nas_table *table;
    nas_expression *latency, *feature[MOST_FEATURES];
    uint32_t n, d, samples, repeats;
    uint64_t seed;
    nas_agreement mean;
} job;

static nas_status parse_features(job *j, const char *list) {
    char name[MOST_NAME];
    for (const char *p = list; *p; p += *p == ',') {
        size_t n = strcspn(p, ",");
        if (j->d == MOST_FEATURES || n == 0 || n >= sizeof name)
            return nas_fail(NAS_E_ARG, "--features: 1 to %d columns with commas between",
                            MOST_FEATURES);
        memcpy(name, p, n);
        name[n] = 0;
        NAS_TRY(nas_expression_parse(&j->feature[j->d], name, j->table));
        j->d++;
        p += n;
    }
    return NAS_OK;
}

/* Rows in random order: the first `samples` teach. */
static nas_status fill(double *x, double *y, const job *j, uint64_t seed) {
    nas_rng rng = nas_rng_stream(seed, "calibrate", 0);
    uint32_t *row = nas_calloc(j->n, sizeof *row);
    nas_status st = NAS_OK;
    if (!row)
        return nas_fail_memory(j->n * sizeof *row);
    for (uint32_t i = 0; i < j->n; i++)
        row[i] = i;
    nas_rng_shuffle(&rng, row, j->n);
    for (uint32_t i = 0; i < j->n; i++) {
        NAS_GO(nas_expression_value(&y[i], j->latency, row[i]));
        for (uint32_t k = 0; k < j->d; k++)
            NAS_GO(nas_expression_value(&x[(size_t)i * j->d + k], j->feature[k], row[i]));
    }
done:
    nas_free(row);
    return st;
}

static nas_status draw_once(job *j, uint32_t draw, const char *png) {
    double *x = nas_calloc((size_t)j->n * (j->d + 2), sizeof *x), *y = x + (size_t)j->n * j->d,
           *predicted = y + j->n, share = 1.0 / j->repeats;
    uint32_t judged = j->n - j->samples;
    char subtitle[160];
    nas_agreement a;
    nas_status st;
    if (!x)
        return nas_fail_memory((size_t)j->n * (j->d + 2) * sizeof *x);
    NAS_GO(fill(x, y, j, j->seed + draw));
    NAS_GO(nas_columns_fit(predicted, x, y, j->n, j->d, j->samples));
    NAS_GO(nas_agreement_of(&a, predicted + j->samples, y + j->samples, judged));
    calibrate_add_agreement(&j->mean, &a, share);
    snprintf(subtitle, sizeof subtitle, "%u rows left out, learnt from %u; MAPE %.1f %%",
             (unsigned)judged, (unsigned)j->samples, 100 * a.mape);
    if (png && draw == 0)
        NAS_GO(calibrate_draw(png, subtitle, predicted + j->samples, y + j->samples, judged, NULL,
                              NULL, 0));
done:
    nas_free(x);
    return st;
}

static void report(nas_text *t, const job *j, bool json) {
    const nas_agreement *a = &j->mean;
    if (json) {
        nas_text_add(t,
                     "{\"spearman\": %.6g, \"kendall\": %.6g, \"within_5\": %.6g, \"within_10\": "
                     "%.6g, \"rmspe\": %.6g, \"mape\": %.6g, \"bias\": %.6g, \"samples\": %u, "
                     "\"rows\": %u, \"repeats\": %u}\n",
                     a->spearman, a->kendall, a->within_5, a->within_10, a->rmspe, a->mape, a->bias,
                     (unsigned)j->samples, (unsigned)a->n, (unsigned)j->repeats);
        return;
    }
    nas_text_add(t,
                 "%u rows taught, %u judged, %u draws\n\nSpearman %.4f, Kendall %.4f, within 5 %%: "
                 "%.1f %%, within 10 %%: %.1f %%, MAPE %.1f %%, RMSPE %.1f %%, bias %+.1f %%\n",
                 (unsigned)j->samples, (unsigned)a->n, (unsigned)j->repeats, a->spearman,
                 a->kendall, 100 * a->within_5, 100 * a->within_10, 100 * a->mape, 100 * a->rmspe,
                 100 * a->bias);
}

static nas_status work(job *j, const cli_args *a, const char *key) {
    NAS_TRY(nas_table_open(&j->table, cli_get(a, "table"), key));
    NAS_TRY(nas_expression_parse(&j->latency, cli_get(a, "latency"), j->table));
    NAS_TRY(parse_features(j, cli_get(a, "features")));
    j->n = nas_table_rows(j->table);
    if (j->samples + 2 > j->n)
        return nas_fail(NAS_E_DATA, "%s has %u rows: --samples %u leaves less than two to judge by",
                        cli_get(a, "table"), (unsigned)j->n, (unsigned)j->samples);
    for (uint32_t draw = 0; draw < j->repeats; draw++)
        NAS_TRY(draw_once(j, draw, cli_get(a, "png")));
    return NAS_OK;
}

int calibrate_columns(cli_args *a) {
    int64_t samples = 50, seed = 0, repeats = 1;
    if (!cli_has(a, "latency") || !cli_has(a, "key"))
        return cli_usage(a, "--features needs --latency and --key (a column whose values differ)");
    if (cli_has(a, "space") || cli_has(a, "out") || cli_has(a, "on"))
        return cli_usage(a, "--features takes no --space, --on or --out: columns are no networks");
    if (!cli_get_int(&samples, a, "samples", 1, 1000000) ||
        !cli_get_int(&seed, a, "seed", 0, INT64_MAX) ||
        !cli_get_int(&repeats, a, "repeats", 1, 1000))
        return CLI_USAGE;
    job j = {.samples = (uint32_t)samples, .repeats = (uint32_t)repeats, .seed = (uint64_t)seed};
    nas_text t = {0};
    nas_status st = work(&j, a, cli_get(a, "key"));
    if (st == NAS_OK)
        report(&t, &j, cli_has(a, "json"));
    for (uint32_t k = 0; k < j.d; k++)
        nas_expression_free(j.feature[k]);
    nas_expression_free(j.latency);
    nas_table_free(j.table);
    return st == NAS_OK ? cli_print(a, &t) : cli_fail(a);
}
