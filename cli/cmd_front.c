/* cli/cmd_front.c - clnas front: the Pareto set of a study. */
#include "view.h"

#include <math.h>

static void json(nas_text *t, const view *v, const uint32_t *index, uint32_t n) {
    nas_text_add(t, "[");
    for (uint32_t i = 0; i < n; i++) {
        const view_trial *r = &v->trial[index[i]];
        nas_text_add(t, "%s\n  {\"trial\": %u, \"objectives\": {", i ? "," : "", r->t.number);
        for (uint32_t m = 0; m < v->n_objectives; m++) {
            nas_text_add(t, "%s", m ? ", " : "");
            nas_text_json(t, v->objective[m]);
            nas_text_add(t, ": ");
            nas_text_json_number(t, r->t.objective[m]);
        }
        nas_text_add(t, "}");
        if (isfinite(r->params)) {
            nas_text_add(t, ", \"params\": ");
            nas_text_json_number(t, r->params);
            nas_text_add(t, ", \"macs\": ");
            nas_text_json_number(t, r->macs);
        }
        if (isfinite(r->test_accuracy)) {
            nas_text_add(t, ", \"test_accuracy\": ");
            nas_text_json_number(t, r->test_accuracy);
            nas_text_add(t, ", \"model\": \"models/trial-%u.safetensors\"", r->t.number);
        }
        nas_text_add(t, ", \"network\": ");
        nas_text_json(t, r->network ? r->network : "");
        nas_text_add(t, "}");
    }
    nas_text_add(t, "\n]\n");
}

static void csv(nas_text *t, const view *v, const uint32_t *index, uint32_t n) {
    nas_text_add(t, "trial");
    for (uint32_t m = 0; m < v->n_objectives; m++)
        nas_text_add(t, ",%s", v->objective[m]);
    nas_text_add(t, ",test_accuracy\n");
    for (uint32_t i = 0; i < n; i++) {
        const view_trial *r = &v->trial[index[i]];
        nas_text_add(t, "%u", r->t.number);
        for (uint32_t m = 0; m < v->n_objectives; m++) {
            nas_text_add(t, ",");
            nas_text_json_number(t, r->t.objective[m]);
        }
        nas_text_add(t, ",");
        if (isfinite(r->test_accuracy))
            nas_text_json_number(t, r->test_accuracy);
        nas_text_add(t, "\n");
    }
}

static int run(cli_args *a) {
    view v;
    nas_text t = {0};
    if (cli_has(a, "json") && cli_has(a, "csv"))
        return cli_usage(a, "--json and --csv: one of the two");
    if (view_open(&v, a->word[0]) != NAS_OK)
        return cli_fail(a);
    nas_store *store = v.store;
    uint32_t *index = nas_malloc((v.n + 1) * sizeof *index);
    int status = CLI_FAILED;
    if (!index) {
        nas_status st = nas_fail_memory(v.n * sizeof *index);
        (void)st;
        cli_fail(a);
    } else {
        uint32_t n = view_front(index, &v);
        if (cli_has(a, "json"))
            json(&t, &v, index, n);
        else if (cli_has(a, "csv"))
            csv(&t, &v, index, n);
        else if (n)
            view_table(&t, &v, index, n);
        else
            nas_text_add(&t, "no complete, feasible trial yet\n");
        status = cli_print(a, &t);
    }
    nas_free(index);
    view_free(&v);
    nas_store_close(store);
    return status;
}

static const cli_option options[] = {
    {"json", NULL, "array of trial, objectives, test_accuracy, network"},
    {"csv", NULL, "one line a trial, header first"},
    {NULL, NULL, NULL}};
extern const cli_command cmd_front;
const cli_command cmd_front = {.name = "front",
                               .synopsis = "RUN [--json | --csv]",
                               .about = "the Pareto set of a study, finished or running",
                               .example = "clnas front runs/quickstart --csv",
                               .options = options,
                               .min_words = 1,
                               .max_words = 1,
                               .run = run};
