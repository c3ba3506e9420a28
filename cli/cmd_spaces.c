/* cli/cmd_spaces.c - clnas spaces: what is built in, one space's genes, pictures, checking a file.
 */
#include "cli.h"

#include <inttypes.h>
#include <nas/viz.h>
#include <string.h>

enum { CHECK_SAMPLES = 50, ENUMERATE_LIMIT = 1000000 };

/* Smallest and largest params and MACs over random samples. */
typedef struct ranges {
    double params[2], macs[2];
    int samples;
    uint32_t draws; /* more than samples where constraints refused some */
} ranges;

static void widen(double r[2], double v, bool first) {
    r[0] = first || v < r[0] ? v : r[0];
    r[1] = first || v > r[1] ? v : r[1];
}

static nas_status sample_ranges(ranges *r, const nas_space *s) {
    nas_rng rng = nas_rng_stream(0, "check", 0);
    char line[600];
    memset(r, 0, sizeof *r);
    for (; r->samples < CHECK_SAMPLES; r->samples++) {
        nas_genome x;
        nas_graph *g;
        nas_cost c;
        uint32_t draws = nas_space_draw(&x, s, &rng);
        nas_status st = nas_space_graph(&g, s, &x, 1);
        if (st == NAS_E_SHAPE && draws > 1) {
            snprintf(line, sizeof line, "%s", nas_error_text());
            return nas_fail(st, "%s by any of %u random networks", line, draws);
        }
        NAS_TRY(st);
        r->draws += draws;
        nas_graph_cost(&c, g);
        nas_graph_free(g);
        widen(r->params, (double)c.params, r->samples == 0);
        widen(r->macs, (double)c.macs, r->samples == 0);
    }
    return NAS_OK;
}

static void size_text(nas_text *t, const nas_space *s, bool exact) {
    char b[TALK_TEXT];
    double size = nas_space_size(s);
    if (size < 1e9) {
        nas_text_add(t, "%s network%s", talk_count(b, size), size == 1 ? "" : "s");
        return;
    }
    nas_text_add(t, "%.3g networks", size);
    if (exact) {
        nas_text_add(t, " (");
        nas_space_size_text(t, s);
        nas_text_add(t, ")");
    }
}

static void explain(nas_text *t, const nas_space *s, const ranges *r) {
    int32_t hwc[3], classes;
    char lo[TALK_TEXT], hi[TALK_TEXT];
    nas_space_input(s, hwc, &classes);
    nas_text_add(t, "%s: ", nas_space_name(s));
    size_text(t, s, true);
    nas_text_add(t, ", input %dx%dx%d, %d classes, %u gene%s\n", hwc[0], hwc[1], hwc[2], classes,
                 nas_space_gene_count(s), nas_space_gene_count(s) == 1 ? "" : "s");
    if (nas_space_about(s)[0])
        nas_text_add(t, "%s\n", nas_space_about(s));
    nas_text_add(t, "over %d samples: params %s to %s", r->samples, talk_count(lo, r->params[0]),
                 talk_count(hi, r->params[1]));
    nas_text_add(t, ", MACs %s to %s\n", talk_count(lo, r->macs[0]), talk_count(hi, r->macs[1]));
    if (r->draws > (uint32_t)r->samples)
        nas_text_add(t, "constraints refused %u of %u draws\n", r->draws - (uint32_t)r->samples,
                     r->draws);
}

static void genes(nas_text *t, const nas_space *s) {
    for (uint32_t i = 0; i < nas_space_gene_count(s); i++) {
        const nas_gene *g = nas_space_gene(s, i);
        nas_text_add(t, "  %-28s", g->path);
        for (uint32_t k = 0; k < g->n; k++) {
            const char *text = g->choices[k];
            size_t len = strcspn(text, "\n");
            bool cut = len > 40 || text[len];
            nas_text_add(t, "%s%.*s%s", k ? " | " : " ", (int)(len > 40 ? 40 : len), text,
                         cut ? "…" : "");
        }
        nas_text_add(t, "\n");
    }
}

/* r: NULL where nothing was sampled. */
static void row_json(nas_text *t, const nas_space *s, const ranges *r) {
    int32_t hwc[3], classes;
    nas_space_input(s, hwc, &classes);
    nas_text_add(t, "  {\"name\": ");
    nas_text_json(t, nas_space_name(s));
    nas_text_add(t, ", \"networks\": ");
    nas_text_json_number(t, nas_space_size(s));
    nas_text_add(t, ", \"networks_exact\": \"");
    nas_space_size_text(t, s);
    nas_text_add(t, "\"");
    nas_text_add(t, ", \"genes\": %u, \"input\": [%d, %d, %d], \"classes\": %d, \"about\": ",
                 nas_space_gene_count(s), hwc[0], hwc[1], hwc[2], classes);
    nas_text_json(t, nas_space_about(s));
    if (r != NULL)
        nas_text_add(t, ", \"samples\": %d, \"params\": [%.0f, %.0f], \"macs\": [%.0f, %.0f]",
                     r->samples, r->params[0], r->params[1], r->macs[0], r->macs[1]);
    nas_text_add(t, "}");
}

static int list(cli_args *a) {
    nas_text t = {0};
    bool json = cli_has(a, "json");
    const char *one[2] = {a->n_words ? a->word[0] : NULL, NULL};
    const char *const *names = a->n_words ? one : nas_space_names();
    nas_text_add(&t, "%s", json ? "[" : "");
    for (int i = 0; names[i]; i++) {
        nas_space *s;
        if (nas_space_open(&s, names[i]) != NAS_OK) {
            nas_text_free(&t);
            return cli_fail(a);
        }
        if (json) {
            nas_text_add(&t, "%s\n", i ? "," : "");
            row_json(&t, s, NULL);
        } else {
            int32_t hwc[3], classes;
            nas_space_input(s, hwc, &classes);
            nas_text_add(&t, "%-20s %dx%dx%d, %d classes, ", nas_space_name(s), hwc[0], hwc[1],
                         hwc[2], classes);
            size_text(&t, s, false);
            nas_text_add(&t, "\n");
        }
        nas_space_free(s);
    }
    nas_text_add(&t, "%s", json ? "\n]\n" : "");
    return cli_print(a, &t);
}

/* One space in detail; the samples prove that what it says can be built. */
static int show(cli_args *a, const char *name) {
    nas_space *s;
    ranges r;
    nas_text t = {0};
    if (nas_space_open(&s, name) != NAS_OK)
        return cli_fail(a);
    if (sample_ranges(&r, s) != NAS_OK) {
        nas_space_free(s);
        return cli_fail(a);
    }
    if (cli_has(a, "json")) {
        nas_text_add(&t, "[\n");
        row_json(&t, s, &r);
        nas_text_add(&t, "\n]\n");
    } else {
        explain(&t, s, &r);
        genes(&t, s);
    }
    nas_space_free(s);
    return cli_print(a, &t);
}

static nas_status enumerate_rows(nas_text *t, const nas_space *s) {
    nas_genome x = {.n = nas_space_gene_count(s)};
    nas_space_canonical(&x, s);
    nas_text_add(t, "arch,params,macs,hash\n");
    do {
        nas_graph *g;
        nas_cost c;
        if (!nas_space_allows(s, &x)) /* constraints; builds nothing where there are none */
            continue;
        NAS_TRY(nas_space_graph(&g, s, &x, 1));
        nas_graph_cost(&c, g);
        uint64_t hash = nas_graph_hash(g);
        nas_graph_free(g);
        NAS_TRY(nas_space_arch(t, s, &x));
        nas_text_add(t, ",%" PRId64 ",%" PRId64 ",%016" PRIx64 "\n", c.params, c.macs, hash);
    } while (nas_space_next(&x, s));
    return nas_text_check(t);
}

static int enumerate(cli_args *a, const char *name) {
    nas_space *s;
    nas_text t = {0};
    if (nas_space_open(&s, name) != NAS_OK)
        return cli_fail(a);
    nas_status st = NAS_OK;
    if (nas_space_size(s) > ENUMERATE_LIMIT)
        st = nas_fail(NAS_E_ARG, "%s has %.3g networks, more than the %d that can be enumerated",
                      name, nas_space_size(s), ENUMERATE_LIMIT);
    else
        st = enumerate_rows(&t, s);
    nas_space_free(s);
    if (st != NAS_OK) {
        nas_text_free(&t);
        return cli_fail(a);
    }
    return cli_print(a, &t);
}

/* ---- pictures and samples ---- */

static nas_status draw_space(const char *path, const nas_space *s) {
    nas_status st = NAS_OK;
    nas_sketch *k = NULL;
    nas_text t = {0};
    size_text(&t, s, false);
    nas_text_add(&t, ", %u gene%s", nas_space_gene_count(s),
                 nas_space_gene_count(s) == 1 ? "" : "s");
    NAS_GO(nas_text_check(&t));
    NAS_GO(nas_space_sketch(&k, s));
    nas_space_drawing d = {
        .title = nas_space_name(s), .subtitle = nas_text_str(&t), .root = nas_sketch_root(k)};
    NAS_GO(nas_draw_space(path, &d));
done:
    nas_sketch_free(k);
    nas_text_free(&t);
    return st;
}

/* Its name where the space has a notation; else the seed and, where they fit into the line, the
 * choices: numbers of genes tell nobody anything. */
static nas_status sample_text(nas_text *t, const nas_space *s, const nas_genome *x, int64_t seed) {
    enum { FIT = 4 };
    NAS_TRY(nas_space_arch(t, s, x));
    const char *arch = nas_text_str(t);
    if (arch[strspn(arch, "0123456789-")] != 0)
        return NAS_OK;
    nas_text_free(t);
    nas_text_add(t, "sample %lld", (long long)seed);
    for (uint32_t i = 0; x->n <= FIT && i < x->n; i++) {
        const nas_gene *g = nas_space_gene(s, i);
        nas_text_add(t, "%s %s %s", i ? "," : ":", g->path, g->choices[x->gene[i]]);
    }
    return nas_text_check(t);
}

static nas_status draw_network(const char *path, const nas_space *s, const nas_genome *x,
                               int64_t seed) {
    nas_status st = NAS_OK;
    nas_graph *g = NULL;
    nas_text about = {0};
    NAS_GO(nas_space_graph(&g, s, x, 1));
    NAS_GO(sample_text(&about, s, x, seed));
    nas_network_drawing d = {
        .title = nas_space_name(s), .subtitle = nas_text_str(&about), .graph = g};
    NAS_GO(nas_draw_network(path, &d));
done:
    nas_graph_free(g);
    nas_text_free(&about);
    return st;
}

/* NAME.png in this folder unless --out says otherwise. */
static nas_status picture_path(nas_text *t, const cli_args *a, const nas_space *s) {
    const char *out = cli_get(a, "out");
    nas_text_add(t, "%s%s", out != NULL ? out : nas_space_name(s), out != NULL ? "" : ".png");
    NAS_TRY(nas_text_check(t));
    for (size_t i = 0; out == NULL && i < t->n; i++)
        t->s[i] = (char)(t->s[i] == '/' ? '-' : t->s[i]);
    return NAS_OK;
}

/* The space or, with --sample, one network of it: as a picture or as its file. */
static int picture_or_sample(cli_args *a, const char *name) {
    nas_status st = NAS_OK;
    nas_space *s = NULL;
    nas_genome x;
    nas_text path = {0}, net = {0};
    int64_t seed = 0;
    if (!cli_get_int(&seed, a, "sample", 0, INT64_MAX))
        return CLI_USAGE;
    NAS_GO(nas_space_open(&s, name));
    nas_rng r = nas_rng_stream((uint64_t)seed, "sample", 0);
    if (cli_has(a, "uniform"))
        NAS_GO(nas_space_sample_uniform(&x, s, &r));
    else
        nas_space_sample(&x, s, &r);
    if (cli_has(a, "png")) {
        NAS_GO(picture_path(&path, a, s));
        NAS_GO(cli_has(a, "sample") ? draw_network(nas_text_str(&path), s, &x, seed)
                                    : draw_space(nas_text_str(&path), s));
        nas_text_add(&net, "%s\n", nas_text_str(&path));
    } else {
        NAS_GO(nas_space_network(&net, s, &x));
    }
done:
    nas_space_free(s);
    nas_text_free(&path);
    if (st == NAS_OK)
        return cli_print(a, &net);
    nas_text_free(&net);
    return cli_fail(a);
}

static int run(cli_args *a) {
    const char *name = cli_has(a, "check") ? cli_get(a, "check") : a->n_words ? a->word[0] : NULL;
    bool picture = cli_has(a, "png") || cli_has(a, "sample"), rows = cli_has(a, "enumerate");
    if (cli_has(a, "check") && a->n_words)
        return cli_usage(a, "--check has its FILE: no NAME beside it");
    if (name == NULL && (picture || rows))
        return cli_usage(a, "--png, --sample and --enumerate want the name of a space");
    if (picture && (rows || cli_has(a, "json")))
        return cli_usage(a, "--png and --sample go without --enumerate and --json");
    if (cli_has(a, "csv") != rows || (rows && cli_has(a, "json")))
        return cli_usage(a, "--enumerate prints CSV: --enumerate --csv");
    if (cli_has(a, "uniform") && !cli_has(a, "sample"))
        return cli_usage(a, "--uniform is for samples: add --sample SEED");
    if (cli_has(a, "out") && !cli_has(a, "png"))
        return cli_usage(a, "--out is the picture's file: add --png");
    if (picture)
        return picture_or_sample(a, name);
    if (rows)
        return enumerate(a, name);
    return cli_has(a, "check") || (name != NULL && !cli_has(a, "json")) ? show(a, name) : list(a);
}

static const cli_option options[] = {
    {"check", "FILE", "check a space or network file, with its ranges"},
    {"enumerate", NULL, "every network of a small space"},
    {"csv", NULL, "for --enumerate: columns arch,params,macs,hash"},
    {"png", NULL, "draw the space, or its sample, to NAME.png in this folder"},
    {"out", "FILE", "where the picture goes"},
    {"sample", "SEED", "a random network of the space: its file, or with --png its picture"},
    {"uniform", NULL, "sample each network as likely as any other, not each choice"},
    {"json", NULL, "machine-readable, to stdout"},
    {NULL, NULL, NULL}};
extern const cli_command cmd_spaces;
const cli_command cmd_spaces = {
    .name = "spaces",
    .synopsis = "[NAME] [--json] | --check FILE | NAME --enumerate --csv | NAME "
                "[--sample SEED [--uniform]] [--png [--out FILE]]",
    .about = "list the search spaces, explain, draw or sample one, or check a file",
    .example = "clnas spaces fashion-hybrid",
    .options = options,
    .max_words = 1,
    .run = run};
