/* cli/cmd_devices.c - clnas devices: every OpenCL device with what it can do and its measured
 * peaks. */
#include "cli.h"

#include <string.h>

static nas_status peaks(double *flops, double *bw, const nas_device_info *info) {
    nas_device *d = NULL;
    char spec[16];
    nas_status st;
    snprintf(spec, sizeof spec, "%d", info->index);
    NAS_GO(nas_device_open(&d, spec));
    NAS_GO(nas_device_peak(flops, bw, d));
done:
    nas_device_close(d);
    return st;
}

static void row_json(nas_text *t, const nas_device_info *i, double flops, double bw) {
    nas_text_add(t, "  {\"name\": ");
    nas_text_json(t, i->name);
    nas_text_add(t, ", \"index\": %d, \"type\": ", i->index);
    nas_text_json(t, i->type);
    nas_text_add(t, ", \"platform\": ");
    nas_text_json(t, i->platform);
    nas_text_add(t, ", \"vendor\": ");
    nas_text_json(t, i->vendor);
    nas_text_add(t, ", \"driver\": ");
    nas_text_json(t, i->driver);
    nas_text_add(t, ", \"version\": ");
    nas_text_json(t, i->version);
    nas_text_add(t,
                 ", \"compute_units\": %u, \"vector_width\": %u, \"memory_bytes\": %llu, "
                 "\"max_alloc_bytes\": %llu, \"fp64\": %s, \"fp16\": %s, \"kernels\": ",
                 i->compute_units, i->vector_width, (unsigned long long)i->memory_bytes,
                 (unsigned long long)i->max_alloc_bytes, i->fp64 ? "true" : "false",
                 i->fp16 ? "true" : "false");
    nas_text_json(t, i->kernels);
    if (flops > 0) {
        nas_text_add(t, ", \"peak_flops\": ");
        nas_text_json_number(t, flops);
        nas_text_add(t, ", \"bandwidth_bytes_per_s\": ");
        nas_text_json_number(t, bw);
        nas_text_add(t, ", \"source\": \"measured\"");
    }
    nas_text_add(t, "}");
}

static void row_text(nas_text *t, const nas_device_info *i, double flops, double bw) {
    char mem[TALK_TEXT], alloc[TALK_TEXT];
    nas_text_add(t, "%d  %s\n", i->index, i->name);
    nas_text_add(t, "   %s, %u compute units, float vector %u, %s%s\n", i->type, i->compute_units,
                 i->vector_width, i->fp64 ? "double" : "no double", i->fp16 ? ", half" : "");
    nas_text_add(t, "   memory %s, largest buffer %s\n", talk_bytes(mem, (double)i->memory_bytes),
                 talk_bytes(alloc, (double)i->max_alloc_bytes));
    nas_text_add(t, "   platform %s, %s, driver %s\n", i->platform, i->version, i->driver);
    nas_text_add(t, "   kernels: %s\n", i->kernels);
    if (flops > 0)
        nas_text_add(t, "   measured: %.1f GFLOP/s float32 multiply-add, %.1f GB/s copy\n",
                     flops / 1e9, bw / 1e9);
}

static int run(cli_args *a) {
    nas_device_info *info = NULL;
    uint32_t n = 0;
    nas_text t = {0};
    bool json = cli_has(a, "json");
    if (nas_device_list(&info, &n) != NAS_OK)
        return cli_fail(a);
    if (n == 0)
        fprintf(stderr,
                "clnas devices: no OpenCL device answers here: is a driver installed (for a "
                "CPU pocl-opencl-icd), and can it write to $HOME?\n");
    nas_text_add(&t, "%s", json ? "[" : "");
    for (uint32_t i = 0; i < n; i++) {
        double flops = 0, bw = 0;
        if (!cli_has(a, "no-peak") && peaks(&flops, &bw, &info[i]) != NAS_OK)
            fprintf(stderr, "clnas devices: %s: %s\n", info[i].name, nas_error_text());
        nas_text_add(&t, "%s", json ? (i ? ",\n" : "\n") : (i ? "\n" : ""));
        (json ? row_json : row_text)(&t, &info[i], flops, bw);
    }
    nas_text_add(&t, "%s", json ? "\n]\n" : "");
    nas_free(info);
    return cli_print(a, &t);
}

static const cli_option options[] = {{"json", NULL, "machine-readable, to stdout"},
                                     {"no-peak", NULL, "do not measure peaks (faster)"},
                                     {NULL, NULL, NULL}};
extern const cli_command cmd_devices;
const cli_command cmd_devices = {.name = "devices",
                                 .synopsis = "[--json] [--no-peak]",
                                 .about = "list the OpenCL devices and measure their peaks",
                                 .example = "clnas devices",
                                 .options = options,
                                 .run = run};
