/* cli/cmd_calibrate.c - clnas calibrate: learns a device from a table of measured networks. */
#include "calibrate.h"

#include <math.h>
#include <string.h>

static const struct unit {
    const char *name;
    double si;
} units[] = {{"s", 1}, {"ms", 1e-3}, {"us", 1e-6}, {"ns", 1e-9}};
enum { N_UNITS = sizeof units / sizeof *units };

static nas_status unit_of(double *si, const char *name) {
    const char *names[N_UNITS];
    for (size_t i = 0; i < N_UNITS; i++) {
        names[i] = units[i].name;
        if (strcmp(name, names[i]) == 0) {
            *si = units[i].si;
            return NAS_OK;
        }
    }
    const char *near = nas_nearest(name, names, N_UNITS);
    return nas_fail(NAS_E_ARG, "--unit '%s' is none of s, ms, us, ns%s%s%s", name,
                    near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
}

/* One line of the table: the network of its key, and what was measured. */
static nas_status add_row(calibration *c, nas_fit *f, uint32_t i) {
    nas_genome x;
    nas_graph *g = NULL;
    nas_inference inf = {0};
    double v;
    nas_status st;
    NAS_GO(nas_space_from_arch(&x, c->space, nas_table_key(c->table, i)));
    NAS_GO(nas_expression_value(&v, c->latency, i));
    if (!(v > 0))
        NAS_GO(nas_fail(NAS_E_DATA, "%s is %g, not above 0", c->column, v));
    NAS_GO(nas_space_graph(&g, c->space, &x, c->batch));
    NAS_GO(nas_graph_inference(&inf, g));
    NAS_GO(nas_fit_add(f, inf.graph, v * c->si));
done:
    nas_inference_free(&inf);
    nas_graph_free(g);
    if (st != NAS_OK)
        st = nas_fail_prefix(st, "%s: row %u", c->path, (unsigned)i + 2);
    return st;
}

static nas_status read_rows(calibration *c, nas_fit *f, const uint32_t *row, uint32_t n) {
    for (uint32_t i = 0; i < n; i++) {
        NAS_TRY(add_row(c, f, row ? row[i] : i));
        if (i % 256 == 0)
            talk_live("reading networks: %u of %u", (unsigned)i, (unsigned)n);
        if (*cli_stop())
            return nas_fail(NAS_E_STOPPED, "stopped at row %u", (unsigned)i);
    }
    talk_end();
    return NAS_OK;
}

void calibrate_add_agreement(nas_agreement *sum, const nas_agreement *a, double share) {
    sum->n = a->n;
    sum->spearman += share * a->spearman;
    sum->kendall += share * a->kendall;
    sum->within_5 += share * a->within_5;
    sum->within_10 += share * a->within_10;
    sum->rmspe += share * a->rmspe;
    sum->mape += share * a->mape;
    sum->bias += share * a->bias;
}

static nas_status draw(const calibration *c, const double *predicted, const double *measured,
                       uint32_t n) {
    char subtitle[320];
    snprintf(subtitle, sizeof subtitle,
             "%.100s: %u networks left out, learnt from %u; Spearman %.4f, %.0f %% within 10 %%",
             c->column, (unsigned)n, (unsigned)c->samples, c->fitted.spearman,
             100 * c->fitted.within_10);
    return calibrate_draw(c->png, subtitle, predicted, measured, n, NULL, NULL, 0);
}

static nas_status score(calibration *c, const nas_fit *f, const uint32_t *row, uint32_t n,
                        bool first) {
    nas_status st = NAS_OK;
    nas_agreement a;
    double share = 1.0 / c->repeats;
    double *value = nas_calloc(4 * (size_t)n + 1, sizeof *value);
    if (!value)
        return nas_fail_memory(4 * (size_t)n * sizeof *value);
    double *predicted = value, *measured = value + n, *macs = value + 2 * (size_t)n,
           *params = value + 3 * (size_t)n;
    for (uint32_t i = 0; i < n; i++) {
        predicted[i] = nas_fit_predict(f, row[i]);
        measured[i] = nas_fit_measured(f, row[i]);
        macs[i] = nas_fit_macs(f, row[i]);
        params[i] = nas_fit_params(f, row[i]);
    }
    NAS_GO(nas_agreement_of(&a, predicted, measured, n));
    calibrate_add_agreement(&c->fitted, &a, share);
    NAS_GO(nas_agreement_of(&a, macs, measured, n));
    calibrate_add_agreement(&c->macs, &a, share);
    NAS_GO(nas_agreement_of(&a, params, measured, n));
    calibrate_add_agreement(&c->params, &a, share);
    if (c->png && first)
        NAS_GO(draw(c, predicted, measured, n));
done:
    nas_free(value);
    return st;
}

static nas_status write_device(const calibration *c, const nas_fit *f) {
    nas_text yaml = {0}, source = {0}, title = {0}, name = {0};
    const char *base = strrchr(c->out, '/');
    base = base ? base + 1 : c->out;
    size_t n = strlen(base);
    nas_status st;
    if (n > 5 && strcmp(base + n - 5, ".yaml") == 0)
        n -= 5;
    nas_text_add(&name, "%.*s", (int)n, base);
    nas_text_add(&title, "%s, learnt from %s", c->column, c->path);
    nas_text_add(&source,
                 "learnt from %u measurements of %s, over the model of %s; on the other %u: "
                 "Spearman %.4f, %.0f %% within 10 %%",
                 (unsigned)c->samples, c->column, nas_hw_info_of(c->prior)->name,
                 (unsigned)c->fitted.n, c->fitted.spearman, 100 * c->fitted.within_10);
    NAS_GO(nas_text_check(&name));
    NAS_GO(nas_text_check(&title));
    NAS_GO(nas_text_check(&source));
    NAS_GO(
        nas_fit_write(&yaml, f, nas_text_str(&name), nas_text_str(&title), nas_text_str(&source)));
    NAS_GO(nas_file_write(c->out, nas_text_str(&yaml), yaml.n));
    talk_line("wrote %s", c->out);
done:
    nas_text_free(&yaml);
    nas_text_free(&source);
    nas_text_free(&title);
    nas_text_free(&name);
    return st;
}

static void json(nas_text *t, const calibration *c) {
    const struct pair {
        const char *key;
        double v;
    } all[] = {{"spearman", c->fitted.spearman},   {"kendall", c->fitted.kendall},
               {"within_5", c->fitted.within_5},   {"within_10", c->fitted.within_10},
               {"rmspe", c->fitted.rmspe},         {"mape", c->fitted.mape},
               {"bias", c->fitted.bias},           {"flops_spearman", c->macs.spearman},
               {"flops_kendall", c->macs.kendall}, {"params_spearman", c->params.spearman}};
    nas_text_add(t, "{");
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        nas_text_add(t, "\"%s\": ", all[i].key);
        nas_text_json_number(t, all[i].v);
        nas_text_add(t, ", ");
    }
    nas_text_add(t, "\"samples\": %u, \"repeats\": %u, \"rows\": %u, \"prior\": ",
                 (unsigned)c->samples, (unsigned)c->repeats, (unsigned)c->fitted.n);
    nas_text_json(t, nas_hw_info_of(c->prior)->name);
    nas_text_add(t, "}\n");
}

static void text(nas_text *t, const calibration *c) {
    const nas_agreement *f = &c->fitted;
    nas_text_add(t, "%u networks taught, %u judged, %u draws; prior %s\n\n", (unsigned)c->samples,
                 (unsigned)f->n, (unsigned)c->repeats, nas_hw_info_of(c->prior)->name);
    nas_text_add(t, "%-12s %9s %9s\n", "", "Spearman", "Kendall");
    nas_text_add(t, "%-12s %9.4f %9.4f\n", "learnt", f->spearman, f->kendall);
    nas_text_add(t, "%-12s %9.4f %9.4f\n", "FLOPs only", c->macs.spearman, c->macs.kendall);
    nas_text_add(t, "%-12s %9.4f %9.4f\n", "params only", c->params.spearman, c->params.kendall);
    nas_text_add(t, "\nwithin 5 %%: %.1f %%, within 10 %%: %.1f %%, RMSPE %.1f %%, bias %+.1f %%\n",
                 100 * f->within_5, 100 * f->within_10, 100 * f->rmspe, 100 * f->bias);
}

/* ---- priors ---- */

/* What is tried where no prior was asked for: devices unlike one another. The first is the middling
 * one that no sample speaks for or against. */
static const char *const priors[] = {
    "raspberry-pi-5:eager",     "raspberry-pi-4",  "xilinx-zc706",
    "nvidia-gtx-1080-ti:eager", "nvidia-rtx-3090", "intel-xeon-8480:eager",
    "qualcomm-adreno-640",      "edge-tpu",        "eyeriss"};
enum { N_PRIORS = sizeof priors / sizeof *priors, MOST_TRIED = 100 };

typedef struct candidate {
    nas_hw *hw;
    nas_fit *fit; /* all rows; NULL until it is chosen */
} candidate;

/* The evidence for a prior after the rows that teach. */
static nas_status try_prior(double *evidence, calibration *c, const nas_hw *hw,
                            const uint32_t *row) {
    nas_fit *f = NULL;
    uint32_t n = c->samples < MOST_TRIED ? c->samples : MOST_TRIED, own[MOST_TRIED];
    nas_status st;
    for (uint32_t i = 0; i < n; i++)
        own[i] = i;
    NAS_GO(nas_fit_create(&f, hw));
    NAS_GO(read_rows(c, f, row, n));
    NAS_GO(nas_fit_solve(f, own, n));
    *evidence = nas_fit_evidence(f);
done:
    nas_fit_free(f);
    return st;
}

static nas_status choose_prior(size_t *out, calibration *c, candidate *all, const uint32_t *row) {
    double most = 0;
    size_t best = 0;
    for (size_t k = 0; k < N_PRIORS && !c->on; k++) {
        double e = 0;
        if (!all[k].hw)
            NAS_TRY(nas_hw_open(&all[k].hw, priors[k]));
        if (c->samples == 0)
            break;
        nas_status st = try_prior(&e, c, all[k].hw, row);
        if (st == NAS_E_TOO_BIG && k > 0) /* no prior for networks of this size */
            continue;
        NAS_TRY(st);
        if (k == 0 || e > most) {
            most = e;
            best = k;
        }
    }
    *out = best;
    return NAS_OK;
}

/* Rows in random order: the first `samples` teach, the others judge. */
static nas_status draw_once(calibration *c, candidate *all, uint32_t draw) {
    uint32_t n = nas_table_rows(c->table);
    uint32_t *row = nas_calloc(n + 1, sizeof *row);
    nas_rng rng = nas_rng_stream(c->seed + draw, "calibrate", 0);
    nas_status st;
    size_t k = 0;
    if (!row)
        return nas_fail_memory(n * sizeof *row);
    for (uint32_t i = 0; i < n; i++)
        row[i] = i;
    nas_rng_shuffle(&rng, row, n);
    NAS_GO(choose_prior(&k, c, all, row));
    if (!all[k].fit) {
        NAS_GO(nas_fit_create(&all[k].fit, all[k].hw));
        NAS_GO(read_rows(c, all[k].fit, NULL, n));
    }
    if (draw == 0)
        c->prior = all[k].hw;
    NAS_GO(nas_fit_solve(all[k].fit, row, c->samples));
    NAS_GO(score(c, all[k].fit, row + c->samples, n - c->samples, draw == 0));
    if (c->out && draw == 0)
        NAS_GO(write_device(c, all[k].fit));
done:
    nas_free(row);
    return st;
}

static nas_status open_inputs(calibration *c, const cli_args *a) {
    const char *unit = cli_get(a, "unit");
    NAS_TRY(unit_of(&c->si, unit ? unit : "ms"));
    NAS_TRY(nas_space_open(&c->space, cli_get(a, "space")));
    NAS_TRY(nas_table_open(&c->table, c->path, cli_get(a, "key")));
    NAS_TRY(nas_expression_parse(&c->latency, c->column, c->table));
    uint32_t n = nas_table_rows(c->table);
    if (c->samples + 2 > n)
        return nas_fail(NAS_E_DATA, "%s has %u rows: --samples %u leaves less than two to judge by",
                        c->path, (unsigned)n, (unsigned)c->samples);
    return NAS_OK;
}

static nas_status work(calibration *c, const cli_args *a, nas_text *t) {
    candidate all[N_PRIORS] = {{0}};
    nas_status st;
    NAS_GO(open_inputs(c, a));
    if (c->on)
        NAS_GO(nas_hw_open(&all[0].hw, c->on));
    for (uint32_t draw = 0; draw < c->repeats; draw++)
        NAS_GO(draw_once(c, all, draw));
    (cli_has(a, "json") ? json : text)(t, c);
done:
    for (size_t k = 0; k < N_PRIORS; k++) {
        nas_fit_free(all[k].fit);
        nas_hw_free(all[k].hw);
    }
    return st;
}

static int run(cli_args *a) {
    static const char *const needed[] = {"table", "space", "key", "latency"};
    if (cli_has(a, "device") == cli_has(a, "table"))
        return cli_usage(a, "one of --device and --table is needed");
    if (cli_has(a, "device"))
        return calibrate_device(a);
    if (cli_has(a, "features"))
        return calibrate_columns(a);
    for (size_t i = 0; i < sizeof needed / sizeof *needed; i++)
        if (!cli_has(a, needed[i]))
            return cli_usage(a, "--%s is needed", needed[i]);
    int64_t samples = 50, seed = 0, batch = 1, repeats = 1;
    if (!cli_get_int(&samples, a, "samples", 0, 1000000) ||
        !cli_get_int(&seed, a, "seed", 0, INT64_MAX) ||
        !cli_get_int(&batch, a, "batch", 1, 65536) || !cli_get_int(&repeats, a, "repeats", 1, 1000))
        return CLI_USAGE;
    calibration c = {.path = cli_get(a, "table"),
                     .column = cli_get(a, "latency"),
                     .out = cli_get(a, "out"),
                     .png = cli_get(a, "png"),
                     .on = cli_get(a, "on"),
                     .samples = (uint32_t)samples,
                     .repeats = (uint32_t)repeats,
                     .seed = (uint64_t)seed,
                     .batch = (int32_t)batch};
    nas_text t = {0};
    cli_catch_signals();
    nas_status st = work(&c, a, &t);
    nas_expression_free(c.latency);
    nas_table_free(c.table);
    nas_space_free(c.space);
    if (st == NAS_OK)
        return cli_print(a, &t);
    nas_text_free(&t);
    return cli_fail(a);
}

static const cli_option options[] = {
    {"device", "SPEC", "measure this OpenCL device (clnas devices) and fit its cost model"},
    {"spaces", "NAME,...",
     "with --device: networks of these judge, none of them teaches (default "
     "nas-bench-201,ofa-mobilenetv3,autoformer-tiny)"},
    {"held-out", "N", "with --device: that many of each (default 25)"},
    {"table", "FILE", "CSV, also .gz, of networks and measured latencies"},
    {"space", "NAME", "the space that the networks are of (clnas spaces)"},
    {"key", "COLUMN", "column with the network's name in the notation of the space"},
    {"latency", "COLUMN", "column with the latency, or an expression of columns"},
    {"features", "COLUMN,...", "instead of --space: columns that the latency follows from"},
    {"unit", "UNIT", "of the latency: s, ms, us, ns (default ms)"},
    {"samples", "N",
     "rows to learn from, drawn at random (default 50); 0: the prior alone; with "
     "--device: small networks whose kernels are timed (default 400)"},
    {"seed", "S", "of that draw (default 0)"},
    {"batch", "N", "images in a run that was measured (default 1)"},
    {"repeats", "R", "scores are means over R draws, with seeds S, S + 1 ... (default 1)"},
    {"on", "NAME", "device file near the one that was measured; default: the samples choose one"},
    {"out", "FILE.yaml", "write the device that was learnt"},
    {"png", "FILE.png", "draw predicted against measured"},
    {"json", NULL, "machine-readable, to stdout"},
    {NULL, NULL, NULL}};
extern const cli_command cmd_calibrate;
const cli_command cmd_calibrate = {
    .name = "calibrate",
    .synopsis =
        "--device SPEC | --table FILE --space NAME --key COLUMN --latency COLUMN [--out FILE]",
    .about = "learn a device: measure one that is here, or take a table of measured latencies",
    .example = "clnas calibrate --device 0 --out this.yaml --png this.png\n  clnas calibrate "
               "--table nb201.csv.gz --space nas-bench-201 --key arch --latency "
               "latency_ms_fpga --on xilinx-zc706 --samples 50 --out my-board.yaml",
    .options = options,
    .run = run};
