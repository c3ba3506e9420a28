/* cli/cmd_tune.c - clnas tune: fills a device's table of the fastest kernels ahead. */
#include "cli.h"

#include <core/embedded.h>
#include <string.h>

typedef struct tuning {
    nas_device *device;
    const cli_args *args;
    nas_text rows; /* of a table or of JSON */
    bool json;
    uint32_t classes, fresh, wrong;
    int32_t batch;
} tuning;

static void on_class(void *ctx, const nas_tuned *r) {
    tuning *t = ctx;
    char best[TALK_TEXT], own[TALK_TEXT];
    talk_live("tune: %s %s: %s", r->op, r->sizes, r->winner);
    if (t->json) {
        nas_text_add(&t->rows, "%s\n  {\"op\": ", t->classes ? "," : "");
        nas_text_json(&t->rows, r->op);
        nas_text_add(&t->rows, ", \"sizes\": ");
        nas_text_json(&t->rows, r->sizes);
        nas_text_add(&t->rows, ", \"kernel\": ");
        nas_text_json(&t->rows, r->winner);
        nas_text_add(&t->rows, ", \"seconds\": ");
        nas_text_json_number(&t->rows, r->seconds);
        nas_text_add(&t->rows, ", \"own_seconds\": ");
        nas_text_json_number(&t->rows, r->own_seconds);
        nas_text_add(&t->rows, ", \"measured_now\": %s, \"refused\": %u}",
                     r->known ? "false" : "true", r->wrong);
    } else {
        nas_text_add(&t->rows, "%-10s %-40s %-10s %10s %10s  %s\n", r->op, r->sizes, r->winner,
                     talk_seconds(best, r->seconds), talk_seconds(own, r->own_seconds),
                     r->known ? "known" : "");
    }
    t->classes++;
    t->fresh += !r->known;
    t->wrong += r->wrong;
}

static nas_status tune_graph(tuning *t, const nas_graph *g) {
    return nas_device_tune(
        t->device, g,
        &(nas_tune_options){
            .again = cli_has(t->args, "again"), .tell = on_class, .ctx = t, .stop = cli_stop()});
}

/* What the network runs when it is trained, and when it is used on one image and on many. */
static nas_status tune_network(tuning *t, const nas_graph *model) {
    nas_status st = NAS_OK;
    const int32_t batches[] = {1, t->batch};
    nas_graph *sized = NULL;
    nas_training training = {0};
    nas_inference used = {0};
    for (int i = 0; i < 2; i++) {
        nas_graph_free(sized);
        sized = NULL;
        NAS_GO(nas_graph_rebatch(&sized, model, batches[i]));
        NAS_GO(nas_graph_inference(&used, sized));
        NAS_GO(tune_graph(t, used.graph));
        nas_inference_free(&used);
        used = (nas_inference){0};
    }
    NAS_GO(nas_graph_training(&training, sized, NULL));
    NAS_GO(tune_graph(t, training.graph));
done:
    if (training.graph)
        nas_training_free(&training);
    if (used.graph)
        nas_inference_free(&used);
    nas_graph_free(sized);
    return st;
}

static nas_status tune_all(tuning *t) {
    const cli_args *a = t->args;
    for (int i = 0; i < a->n_words; i++) {
        nas_graph *g = NULL;
        char *text = NULL;
        NAS_TRY(cli_network(&g, &text, a->word[i], 1));
        nas_status st = tune_network(t, g);
        nas_graph_free(g);
        nas_free(text);
        NAS_TRY(st);
    }
    for (const nas_embedded *f = nas_embedded_nets; !a->n_words && f->name; f++) {
        nas_graph *g = NULL;
        NAS_TRY(nas_network_graph(&g, f->text, f->n, f->name, 1));
        nas_status st = tune_network(t, g);
        nas_graph_free(g);
        NAS_TRY(st);
    }
    return NAS_OK;
}

/* How many such networks are best trained at once. */
static nas_status add_jobs(nas_text *out, const tuning *t) {
    nas_status st = NAS_OK;
    char spec[700];
    nas_graph *g = NULL;
    char *text = NULL;
    uint32_t jobs = 1;
    NAS_TRY(cli_device_spec(spec, sizeof spec, t->args));
    NAS_GO(cli_network(&g, &text, t->args->word[0], t->batch));
    NAS_GO(nas_device_jobs_hint(&jobs, spec, g, t->batch));
    nas_text_add(out,
                 t->json ? ", \"jobs\": %u"
                         : "\nnetworks like the first are best trained %u at a time\n",
                 (unsigned)jobs);
done:
    nas_graph_free(g);
    nas_free(text);
    return st;
}

static nas_status work(tuning *t, nas_text *out) {
    nas_text path = {0};
    NAS_TRY(cli_device_open(&t->device, t->args));
    NAS_TRY(tune_all(t));
    const nas_device_info *info = nas_device_info_of(t->device);
    bool kept = nas_device_tune_file(&path, t->device);
    if (t->json) {
        nas_text_add(out, "{\"device\": ");
        nas_text_json(out, info->name);
        nas_text_add(out, ", \"table\": ");
        nas_text_json(out, kept ? nas_text_str(&path) : "");
        nas_text_add(out, ", \"classes\": [%s\n]", nas_text_str(&t->rows));
    } else {
        nas_text_add(out, "%s\n\n%-10s %-40s %-10s %10s %10s\n%s", info->name, "op", "sizes",
                     "kernel", "time", "own", nas_text_str(&t->rows));
        nas_text_add(out, "\n%u classes, %u measured now, %u candidates refused; table: %s\n",
                     t->classes, t->fresh, t->wrong, kept ? nas_text_str(&path) : "not kept");
    }
    nas_text_free(&path);
    if (cli_has(t->args, "jobs"))
        NAS_TRY(add_jobs(out, t));
    if (t->json)
        nas_text_add(out, "}\n");
    return nas_text_check(out);
}

static int run(cli_args *a) {
    tuning t = {.args = a, .json = cli_has(a, "json")};
    nas_text out = {0};
    int64_t batch = 128;
    if (!cli_get_int(&batch, a, "batch", 1, 65536))
        return CLI_USAGE;
    if (cli_has(a, "jobs") && !a->n_words)
        return cli_usage(a, "--jobs wants a network");
    t.batch = (int32_t)batch;
    cli_catch_signals();
    nas_status st = work(&t, &out);
    talk_end();
    nas_device_close(t.device);
    nas_text_free(&t.rows);
    if (st == NAS_OK)
        return cli_print(a, &out);
    nas_text_free(&out);
    return cli_fail(a);
}

static const cli_option options[] = {
    {"device", "SPEC", "number, type or part of the name (clnas devices)"},
    {"binary", "FILE", "kernels from a program that was built elsewhere"},
    {"batch", "N", "images in a training step and a large inference (default 128)"},
    {"again", NULL, "measure what is known, too"},
    {"jobs", NULL, "try as well how many networks are best trained at once"},
    {"json", NULL, "machine-readable, to stdout"},
    {NULL, NULL, NULL}};
extern const cli_command cmd_tune;
const cli_command cmd_tune = {.name = "tune",
                              .synopsis = "[NET.yaml ...] [--device SPEC] [--batch N] [--json]",
                              .about = "measure which kernels are fastest on a device",
                              .example = "clnas tune examples/resnet20.yaml --device gpu",
                              .options = options,
                              .max_words = 64,
                              .run = run};
