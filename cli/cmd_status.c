/* cli/cmd_status.c - clnas status: how far a study is. */
#include "view.h"

#include <math.h>
#include <string.h>
#include <time.h>

typedef struct summary {
    uint32_t count[5]; /* by nas_trial_state */
    uint32_t cut_off;  /* begun, but whoever ran them is gone; not counted as running */
    uint32_t retrained;
    double mean_s; /* of a finished trial */
    double last;   /* end of the newest, seconds since 1970 */
    double hypervolume;
} summary;

static nas_status summarise(summary *s, const view *v) {
    double total = 0, ref[NAS_MAX_OBJECTIVES];
    uint32_t ended = 0;
    memset(s, 0, sizeof *s);
    for (uint32_t i = 0; i < v->n; i++) {
        const nas_trial *t = &v->trial[i].t;
        s->count[t->state]++;
        s->retrained += isfinite(v->trial[i].test_accuracy);
        if (t->ended > 0) {
            total += t->ended - t->started;
            s->last = t->ended > s->last ? t->ended : s->last;
            ended++;
        }
    }
    if (nas_store_idle(v->store)) {
        s->cut_off = s->count[NAS_TRIAL_RUNNING];
        s->count[NAS_TRIAL_RUNNING] = 0;
    }
    s->mean_s = ended ? total / ended : 0;
    s->hypervolume = (double)NAN;
    if (view_reference(ref, v))
        NAS_TRY(view_hypervolume(&s->hypervolume, v, ref, v->n));
    return NAS_OK;
}

static void json(nas_text *t, const view *v, const summary *s) {
    nas_text_add(t,
                 "{\"trials\": %u, \"budget\": %u, \"complete\": %u, \"running\": %u, "
                 "\"cut_off\": %u, \"failed\": %u, \"pruned\": %u, \"front\": %u, \"retrained\": "
                 "%u, \"mean_trial_s\": ",
                 v->n, v->budget, s->count[NAS_TRIAL_COMPLETE], s->count[NAS_TRIAL_RUNNING],
                 s->cut_off, s->count[NAS_TRIAL_FAIL], s->count[NAS_TRIAL_PRUNED],
                 view_front(NULL, v), s->retrained);
    nas_text_json_number(t, s->mean_s);
    nas_text_add(t, ", \"hypervolume\": ");
    nas_text_json_number(t, s->hypervolume);
    nas_text_add(t, "}\n");
}

static void best(nas_text *t, const view *v) {
    for (uint32_t m = 0; m < v->n_objectives; m++) {
        const view_trial *b = NULL;
        char text[TALK_TEXT];
        for (uint32_t i = 0; i < v->n; i++)
            if (v->trial[i].on_front && (!b || v->trial[i].t.objective[m] < b->t.objective[m]))
                b = &v->trial[i];
        if (b)
            nas_text_add(t, "smallest %s: %s (trial %u)\n", v->objective[m],
                         talk_measure(text, &v->measure[m], b->t.objective[m]), b->t.number);
    }
}

static void text(nas_text *t, const view *v, const summary *s) {
    char a[TALK_TEXT], b[TALK_TEXT];
    uint32_t ended =
        s->count[NAS_TRIAL_COMPLETE] + s->count[NAS_TRIAL_FAIL] + s->count[NAS_TRIAL_PRUNED];
    nas_text_add(
        t, "%u of %u trials: %u complete, %u running, %u failed, %u not trained (a constraint)\n",
        ended, v->budget, s->count[NAS_TRIAL_COMPLETE], s->count[NAS_TRIAL_RUNNING],
        s->count[NAS_TRIAL_FAIL], s->count[NAS_TRIAL_PRUNED]);
    if (s->cut_off)
        nas_text_add(t, "nothing runs now: %u trial%s cut off, which the same command does again\n",
                     s->cut_off, s->cut_off == 1 ? " was" : "s were");
    if (ended) {
        time_t when = (time_t)s->last;
        struct tm tm;
        char stamp[32] = "";
        if (localtime_r(&when, &tm))
            strftime(stamp, sizeof stamp, "%Y-%m-%d %H:%M:%S", &tm);
        nas_text_add(t, "%s a trial, last one ended %s", talk_seconds(a, s->mean_s), stamp);
        if (ended < v->budget)
            nas_text_add(t, ", about %s to go", talk_time(b, s->mean_s * (v->budget - ended)));
        nas_text_add(t, "\n");
    }
    nas_text_add(t, "front: %u trial%s, %u retrained", view_front(NULL, v),
                 view_front(NULL, v) == 1 ? "" : "s", s->retrained);
    if (isfinite(s->hypervolume))
        nas_text_add(t, ", hypervolume %.4g", s->hypervolume);
    nas_text_add(t, "\n");
    best(t, v);
    for (uint32_t i = 0; i < v->n; i++)
        if (v->trial[i].t.state == NAS_TRIAL_FAIL)
            nas_text_add(t, "trial %u failed: %s\n", i,
                         v->trial[i].reason ? v->trial[i].reason : "no reason kept");
}

static int run(cli_args *a) {
    view v;
    summary s;
    nas_text t = {0};
    if (view_open(&v, a->word[0]) != NAS_OK)
        return cli_fail(a);
    nas_store *store = v.store;
    nas_status st = summarise(&s, &v);
    if (st == NAS_OK)
        (cli_has(a, "json") ? json : text)(&t, &v, &s);
    view_free(&v);
    nas_store_close(store);
    return st == NAS_OK ? cli_print(a, &t) : cli_fail(a);
}

static const cli_option options[] = {{"json", NULL, "machine-readable, to stdout"},
                                     {NULL, NULL, NULL}};
extern const cli_command cmd_status;
const cli_command cmd_status = {.name = "status",
                                .synopsis = "RUN [--json]",
                                .about = "how far a study is, and what failed",
                                .example = "clnas status runs/quickstart",
                                .options = options,
                                .min_words = 1,
                                .max_words = 1,
                                .run = run};
