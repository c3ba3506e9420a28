/* cli/study_end.c - the end of a study: the chosen models trained in full, tables, pictures. */
#include "study_run.h"

#include <math.h>
#include <string.h>

static nas_status estimate(nas_estimate *e, const view_trial *trial, const char *device) {
    nas_graph *g = NULL;
    nas_inference inf = {0};
    nas_hw *h = NULL;
    nas_status st;
    NAS_GO(nas_network_graph(&g, trial->network, strlen(trial->network), "the stored network", 1));
    NAS_GO(nas_graph_inference(&inf, g));
    NAS_GO(nas_hw_open(&h, device));
    NAS_GO(nas_hw_estimate(e, NULL, h, inf.graph));
done:
    nas_hw_free(h);
    nas_inference_free(&inf);
    nas_graph_free(g);
    return st;
}

static const char *energy_text(char buf[TALK_TEXT], const nas_estimate *e) {
    if (isfinite(e->energy_j))
        snprintf(buf, TALK_TEXT, "%.3g mJ", e->energy_j * 1e3);
    else
        snprintf(buf, TALK_TEXT, "not modelled");
    return buf;
}

static nas_status price(nas_text *t, const view_trial *trial, const char *device) {
    nas_estimate e;
    char b[TALK_TEXT];
    NAS_TRY(estimate(&e, trial, device));
    nas_text_add(t, "%5u  %-24s %12s", trial->t.number, device, talk_seconds(b, e.latency_s));
    nas_text_add(t, "  %13s\n", energy_text(b, &e));
    return NAS_OK;
}

/* Of a column under this head. */
static size_t width(const char *head) {
    return strlen(head) > 12 ? strlen(head) : 12;
}

static nas_status final_table(nas_text *t, const study_run *r, const view *v,
                              const uint32_t *chosen, uint32_t n) {
    const char *on = r->config.n_price_on ? r->config.price_on[0] : NULL;
    char a[TALK_TEXT], b[TALK_TEXT], energy[16 + sizeof r->config.price_on[0]];
    nas_text_add(t, "\nChosen models, trained on all training images and tested once:\n");
    snprintf(energy, sizeof energy, "energy%s%s", on ? "@" : "", on ? on : "");
    nas_text_add(t, "%5s  %13s  %12s  %18s  %10s  %12s  %12s\n", "trial", "test accuracy",
                 "latency", "batch 128, a image", "params", "MACs", energy);
    for (uint32_t i = 0; i < n; i++) {
        const view_trial *x = &v->trial[chosen[i]];
        if (!isfinite(x->test_accuracy))
            continue;
        nas_text_add(t, "%5u  %11.2f %%  %12s", x->t.number, 100 * x->test_accuracy,
                     talk_seconds(a, x->latency_s));
        nas_text_add(t, "  %18s  %10s", talk_seconds(a, x->latency_batch_s / 128),
                     talk_count(b, x->params));
        nas_estimate e = {.energy_j = (double)NAN};
        if (on && x->network)
            NAS_TRY(estimate(&e, x, on));
        nas_text_add(t, "  %12s  %*s\n", talk_count(a, x->macs), (int)width(energy),
                     energy_text(b, &e));
    }
    nas_text_add(t, "latency: measured here at batch %d, median\n", r->config.latency_batch);
    if (r->config.n_price_on)
        nas_text_add(
            t, "\nModelled on hardware that need not be here (batch 1):\n%5s  %-24s %12s  %13s\n",
            "trial", "device", "latency", "energy");
    for (uint32_t d = 0; d < r->config.n_price_on; d++)
        for (uint32_t i = 0; i < n; i++)
            if (v->trial[chosen[i]].network)
                NAS_TRY(price(t, &v->trial[chosen[i]], r->config.price_on[d]));
    nas_text_add(t, "\n");
    for (uint32_t i = 0; i < n; i++)
        if (isfinite(v->trial[chosen[i]].test_accuracy))
            nas_text_add(t, "model: %s/models/trial-%u.safetensors\n", r->dir, chosen[i]);
    return NAS_OK;
}

/* Complete trials and none of them on the front: all miss the constraints. */
static void say_empty(const view *v) {
    uint32_t complete = 0;
    for (uint32_t i = 0; i < v->n; i++)
        complete += v->trial[i].t.state == NAS_TRIAL_COMPLETE;
    if (complete > 0 && view_front(NULL, v) == 0)
        talk_line("the front is empty: none of %u complete trials meets the constraints", complete);
}

/* A line to paste into a shell. */
static nas_status add_reproduce(nas_text *t, const study_run *r, const char *program) {
    nas_text file = {0};
    nas_text_add(&file, "%s/study.yaml", r->dir);
    nas_text_add(t, "reproduce: ");
    cli_shell_word(t, program);
    nas_text_add(t, " search ");
    cli_shell_word(t, nas_text_str(&file));
    nas_text_add(t, " --out ANOTHER-FOLDER\n");
    nas_status st = nas_text_check(&file);
    nas_text_free(&file);
    return st;
}

nas_status study_end(study_run *r, const cli_args *a) {
    view v = {0};
    nas_text t = {0};
    uint32_t chosen[64], *front = NULL, n;
    nas_status st;
    NAS_GO(view_of_store(&v, r->store));
    NAS_GO(
        view_choose(chosen, &n, &v, r->config.retrain_models < 64 ? r->config.retrain_models : 64));
    if (n) {
        talk_line("retraining %u model%s of the front on all training images", n,
                  n == 1 ? "" : "s");
        NAS_GO(study_retrain(r, chosen, n));
        view_free(&v);
        NAS_GO(view_of_store(&v, r->store));
    }
    front = nas_malloc((v.n + 1) * sizeof *front);
    if (!front)
        NAS_GO(nas_fail_memory(v.n * sizeof *front));
    say_empty(&v);
    nas_text_add(&t, "Pareto front:\n");
    view_table(&t, &v, front, view_front(front, &v));
    if (n)
        NAS_GO(final_table(&t, r, &v, chosen, n));
    nas_text_add(&t, "pictures: %s/report/\n", r->dir);
    NAS_GO(add_reproduce(&t, r, a->program));
    if (cli_print(a, &t) != CLI_OK)
        NAS_GO(nas_fail(NAS_E_IO, "standard output does not take the table"));
    if (report_draw(&v, r->dir, n) != NAS_OK) /* the study stands without them */
        talk_line("%s", nas_error_text());
done:
    nas_free(front);
    nas_text_free(&t);
    view_free(&v);
    return st;
}

/* The reason that most trials have, the first of those that are equally common; "": there is none.
 */
static const char *commonest_reason(const view *v) {
    const char *best = "";
    uint32_t most = 0;
    for (uint32_t i = 0; i < v->n; i++) {
        uint32_t n = 0;
        for (uint32_t k = 0; k < v->n && v->trial[i].reason; k++)
            n += v->trial[k].reason && strcmp(v->trial[k].reason, v->trial[i].reason) == 0;
        if (n > most) {
            most = n;
            best = v->trial[i].reason;
        }
    }
    return best;
}

nas_status study_found(const study_run *r) {
    view v = {0};
    nas_status st;
    bool any = false;
    NAS_GO(view_of_store(&v, r->store));
    for (uint32_t i = 0; i < v.n; i++)
        any |= v.trial[i].t.state == NAS_TRIAL_COMPLETE;
    const char *why = commonest_reason(&v);
    if (!any)
        NAS_GO(nas_fail(NAS_E_NOT_FOUND, "none of %u trial%s has a result%s%s", v.n,
                        v.n == 1 ? "" : "s", why[0] ? "; most often: " : "", why));
done:
    view_free(&v);
    return st;
}
