/* cli/cmd_bench.c - clnas bench: kernels and networks as shares of this device's measured peak. */
#include "bench.h"

#include <string.h>

nas_status bench_add(bench *b, const bench_row *r) {
    NAS_TRY(nas_grow(&b->row, &b->cap, b->n + 1, sizeof *b->row));
    b->row[b->n++] = *r;
    return NAS_OK;
}

/* The share of the time that the device needs at its peaks, whichever of the two binds. */
static double floor_seconds(const bench *b, const bench_row *r) {
    double f = b->peak_flops > 0 ? r->flops / b->peak_flops : 0;
    double m = b->peak_bytes > 0 ? r->bytes / b->peak_bytes : 0;
    return f > m ? f : m;
}

static void number(nas_text *t, const char *key, double v) {
    nas_text_add(t, ", \"%s\": ", key);
    nas_text_json_number(t, v);
}

static void print_json(nas_text *t, const bench *b) {
    nas_text_add(t, "{\"device\": ");
    nas_text_json(t, nas_device_info_of(b->device)->name);
    number(t, "peak_flops", b->peak_flops);
    number(t, "bandwidth_bytes_per_s", b->peak_bytes);
    nas_text_add(t, ", \"rows\": [");
    for (size_t i = 0; i < b->n; i++) {
        const bench_row *r = &b->row[i];
        nas_text_add(t, "%s\n  {\"name\": ", i ? "," : "");
        nas_text_json(t, r->name);
        nas_text_add(t, ", \"work\": ");
        nas_text_json(t, r->work);
        if (r->batch)
            nas_text_add(t, ", \"batch\": %d", r->batch);
        number(t, "seconds", r->seconds);
        if (r->images > 0)
            number(t, "images_per_s", r->images / r->seconds);
        number(t, "gflops", r->flops / r->seconds / 1e9);
        number(t, "gbytes_per_s", r->bytes / r->seconds / 1e9);
        if (b->peak_flops > 0)
            number(t, "share_of_peak", r->flops / r->seconds / b->peak_flops);
        if (b->peak_flops > 0)
            number(t, "floor_seconds", floor_seconds(b, r));
        nas_text_add(t, "}");
    }
    nas_text_add(t, "\n]}\n");
}

static void print_text(nas_text *t, const bench *b) {
    char time[TALK_TEXT], least[TALK_TEXT];
    nas_text_add(t, "%s: peak %.1f GFLOP/s, copy %.1f GB/s (measured in this run)\n\n",
                 nas_device_info_of(b->device)->name, b->peak_flops / 1e9, b->peak_bytes / 1e9);
    nas_text_add(t, "%-26s %-18s %5s %10s %9s %8s %7s %10s\n", "what", "work", "batch", "time",
                 "GFLOP/s", "GB/s", "peak", "floor");
    for (size_t i = 0; i < b->n; i++) {
        const bench_row *r = &b->row[i];
        char batch[16] = "";
        if (r->batch)
            snprintf(batch, sizeof batch, "%d", r->batch);
        nas_text_add(t, "%-26s %-18s %5s %10s %9.1f %8.1f %5.0f %% %10s\n", r->name, r->work, batch,
                     talk_seconds(time, r->seconds), r->flops / r->seconds / 1e9,
                     r->bytes / r->seconds / 1e9,
                     b->peak_flops > 0 ? 100 * r->flops / r->seconds / b->peak_flops : 0.0,
                     talk_seconds(least, floor_seconds(b, r)));
    }
}

static nas_status measure(bench *b, const cli_args *a, int32_t batch) {
    bool kernels = cli_has(a, "kernels"), ops = cli_has(a, "ops"), words = a->n_words > 0;
    NAS_TRY(cli_device_open(&b->device, a));
    NAS_TRY(nas_device_peak(&b->peak_flops, &b->peak_bytes, b->device));
    if (kernels || (!words && !ops && !cli_has(a, "work")))
        NAS_TRY(bench_kernels(b));
    bench_nets_options o = {.work = cli_get(a, "work"), .ops = ops, .batch = batch};
    if (!words && !kernels)
        return bench_nets(b, &o);
    for (int i = 0; i < a->n_words; i++) {
        o.word = a->word[i];
        NAS_TRY(bench_nets(b, &o));
    }
    return NAS_OK;
}

static int run(cli_args *a) {
    bench b = {0};
    nas_text t = {0};
    int64_t batch = 0;
    int status;
    const char *work = cli_get(a, "work");
    if (!cli_get_int(&batch, a, "batch", 1, 1 << 16))
        return CLI_USAGE;
    if (work && strcmp(work, "train") != 0 && strcmp(work, "infer") != 0)
        return cli_usage(a, "--work %s: train or infer", work);
    nas_status st = measure(&b, a, (int32_t)batch);
    talk_end();
    if (st == NAS_OK) {
        (cli_has(a, "json") ? print_json : print_text)(&t, &b);
        status = cli_print(a, &t);
    } else {
        status = cli_fail(a);
    }
    nas_free(b.row);
    nas_device_close(b.device);
    return status;
}

static const cli_option options[] = {
    {"device", "SPEC", "number, type or part of the name (clnas devices)"},
    {"binary", "FILE", "kernels from a program that was built elsewhere (docs/fpga.md)"},
    {"kernels", NULL, "single ops only, one family of kernels after the other"},
    {"work", "WORK", "of the networks only train (a step) or infer"},
    {"ops", NULL, "also what each op takes in a training step"},
    {"batch", "N", "instead of each network's own (training) and 1 and 128 (inference)"},
    {"json", NULL, "machine-readable, to stdout"},
    {NULL, NULL, NULL}};
extern const cli_command cmd_bench;
const cli_command cmd_bench = {
    .name = "bench",
    .synopsis = "[NET …] [--device SPEC] [--kernels | --work WORK] [--ops] [--batch N] [--json]",
    .about = "time kernels and networks as shares of this device's measured peak",
    .example = "clnas bench cnn-small --ops",
    .options = options,
    .max_words = 32,
    .run = run};
