/* cli/cmd_report.c - clnas report: draws all pictures of a run anew. */
#include "view.h"

static int run(cli_args *a) {
    view v;
    int64_t models = 3;
    if (!cli_get_int(&models, a, "models", 0, 16))
        return CLI_USAGE;
    talk_quiet(cli_has(a, "quiet"));
    if (view_open(&v, a->word[0]) != NAS_OK)
        return cli_fail(a);
    nas_store *store = v.store;
    nas_status st = report_draw(&v, a->word[0], (uint32_t)models);
    view_free(&v);
    nas_store_close(store);
    return st == NAS_OK ? CLI_OK : cli_fail(a);
}

static const cli_option options[] = {
    {"models", "N", "models of the front to ring, name and draw (default 3)"},
    {"quiet", NULL, "do not list the pictures"},
    {NULL, NULL, NULL}};
extern const cli_command cmd_report;
const cli_command cmd_report = {.name = "report",
                                .synopsis = "RUN [--models N]",
                                .about = "draw all pictures of a run anew, into RUN/report",
                                .example = "clnas report runs/quickstart",
                                .options = options,
                                .min_words = 1,
                                .max_words = 1,
                                .run = run};
