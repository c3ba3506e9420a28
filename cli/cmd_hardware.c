/* cli/cmd_hardware.c - clnas hardware: the device files of the cost models. */
#include "cli.h"

#include <math.h>
#include <string.h>

static void number_json(nas_text *t, const char *key, double v) {
    nas_text_add(t, ", \"%s\": ", key);
    if (v > 0)
        nas_text_json_number(t, v);
    else
        nas_text_add(t, "null");
}

static void row_json(nas_text *t, const nas_hw_info *i) {
    nas_text_add(t, "  {\"name\": ");
    nas_text_json(t, i->name);
    nas_text_add(t, ", \"title\": ");
    nas_text_json(t, i->title);
    nas_text_add(t, ", \"kind\": ");
    nas_text_json(t, i->kind);
    nas_text_add(t, ", \"model\": \"%s\", \"bits\": ", i->model);
    nas_text_json_number(t, i->bits);
    number_json(t, "peak_flops", i->peak_flops);
    number_json(t, "bandwidth_bytes_per_s", i->bandwidth);
    number_json(t, "cache_bytes", i->cache_bytes);
    number_json(t, "launch_s", i->launch_s);
    number_json(t, "memory_bytes", i->memory_bytes);
    number_json(t, "idle_w", i->idle_w);
    number_json(t, "max_w", i->max_w);
    number_json(t, "clock_hz", i->clock_hz);
    number_json(t, "dsp", i->dsp);
    number_json(t, "bram18", i->bram18);
    number_json(t, "lut", i->lut);
    nas_text_add(t, ", \"source\": ");
    nas_text_json(t, i->source);
    nas_text_add(t, "}");
}

static void explain(nas_text *t, const nas_hw_info *i) {
    char b[TALK_TEXT];
    nas_text_add(t, "%s: %s (%s; %s)\n", i->name, i->title, i->kind, i->file);
    nas_text_add(t, "  model           %s\n", i->model);
    nas_text_add(t, "  peak            %.4g GFLOP/s at %g bits\n", i->peak_flops / 1e9, i->bits);
    if (i->clock_hz > 0)
        nas_text_add(t, "  clock           %.4g MHz\n", i->clock_hz / 1e6);
    if (i->dsp > 0)
        nas_text_add(t, "  blocks          %.0f DSP, %.0f BRAM18, %.0f LUT\n", i->dsp, i->bram18,
                     i->lut);
    nas_text_add(t, "  memory          %.4g GB/s", i->bandwidth / 1e9);
    nas_text_add(t, i->memory_bytes > 0 ? ", %s\n" : "\n", talk_bytes(b, i->memory_bytes));
    if (i->cache_bytes > 0)
        nas_text_add(t, "  last cache      %s", talk_bytes(b, i->cache_bytes));
    if (i->cache_bytes > 0)
        nas_text_add(t, i->cache_bandwidth > 0 ? ", %.4g GB/s\n" : "\n", i->cache_bandwidth / 1e9);
    nas_text_add(t, "  kernel launch   %s\n", talk_seconds(b, i->launch_s));
    if (i->max_w > 0)
        nas_text_add(t, "  power           %.4g W idle, %.4g W at most\n", i->idle_w, i->max_w);
    else if (i->idle_w > 0)
        nas_text_add(t, "  power           %.4g W idle, and energy by work done\n", i->idle_w);
    else
        nas_text_add(t, "  power           not given: energy is not modelled\n");
    nas_text_add(t, "  source          %s\n", i->source);
}

static void row_text(nas_text *t, const nas_hw_info *i) {
    nas_text_add(t, "%-24s %-4s %9.1f GFLOP/s %8.1f GB/s  %s\n", i->name, i->kind,
                 i->peak_flops / 1e9, i->bandwidth / 1e9, i->title);
}

static int run(cli_args *a) {
    nas_text t = {0};
    bool json = cli_has(a, "json");
    const char *one[2] = {a->n_words ? a->word[0] : NULL, NULL};
    const char *const *names = a->n_words ? one : nas_hw_names();
    nas_text_add(&t, "%s", json ? "[" : "");
    for (int i = 0; names[i]; i++) {
        nas_hw *h;
        if (nas_hw_open(&h, names[i]) != NAS_OK) {
            nas_text_free(&t);
            return cli_fail(a);
        }
        if (json) {
            nas_text_add(&t, "%s\n", i ? "," : "");
            row_json(&t, nas_hw_info_of(h));
        } else {
            (a->n_words ? explain : row_text)(&t, nas_hw_info_of(h));
        }
        nas_hw_free(h);
    }
    nas_text_add(&t, "%s", json ? "\n]\n" : "");
    return cli_print(a, &t);
}

static const cli_option options[] = {{"json", NULL, "machine-readable, to stdout"},
                                     {NULL, NULL, NULL}};
extern const cli_command cmd_hardware;
const cli_command cmd_hardware = {.name = "hardware",
                                  .synopsis = "[NAME|FILE.yaml] [--json]",
                                  .about =
                                      "list the device files of the cost models, or explain one",
                                  .example = "clnas hardware raspberry-pi-4",
                                  .options = options,
                                  .max_words = 1,
                                  .run = run};
