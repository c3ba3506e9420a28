/* cli/cmd_kernels.c - clnas kernels: writes the kernels out, for compilers and devices elsewhere.
 */
#include "cli.h"

static nas_status work(const cli_args *a) {
    nas_status st = NAS_OK;
    nas_device *d = NULL;
    NAS_GO(cli_device_open(&d, a));
    if (cli_has(a, "sources"))
        NAS_GO(nas_device_save_sources(d, cli_get(a, "sources")));
    if (cli_has(a, "out"))
        NAS_GO(nas_device_save_binary(d, cli_get(a, "out")));
done:
    nas_device_close(d);
    return st;
}

static int run(cli_args *a) {
    if (!cli_has(a, "sources") && !cli_has(a, "out"))
        return cli_usage(a, "nothing to write: --sources DIR or --out FILE is needed");
    return work(a) == NAS_OK ? CLI_OK : cli_fail(a);
}

static const cli_option options[] = {
    {"device", "SPEC", "for which device, as in 0:hints=intel (docs/fpga.md)"},
    {"sources", "DIR", "write every kernel file with its includes put in, and options.txt"},
    {"out", "FILE", "build all kernels and write them as one binary, for --binary"},
    {NULL, NULL, NULL}};
extern const cli_command cmd_kernels;
const cli_command cmd_kernels = {.name = "kernels",
                                 .synopsis = "[--device SPEC] [--sources DIR] [--out FILE]",
                                 .about = "write the kernels out, as sources or one binary",
                                 .example = "clnas kernels --device 0 --out kernels.bin",
                                 .options = options,
                                 .run = run};
