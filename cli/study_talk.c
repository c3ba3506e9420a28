/* cli/study_talk.c - what a study says while it runs: a line for each trial's end, and one that
 * lives. */
#include "study_run.h"

#include <math.h>
#include <string.h>

static uint32_t have_ended(const study_run *r) {
    return r->next - r->n_open;
}

static const char *eta(char buf[TALK_TEXT], const study_run *r, double part) {
    double done = r->ended + part;
    double each = done > 0.05 ? (nas_clock() - r->started) / done : (double)NAN;
    return talk_time(buf, each * (r->config.trials - have_ended(r) - part));
}

void study_say_end(const running *x) {
    const study_run *r = x->r;
    nas_text t = {0};
    char b[TALK_TEXT];
    nas_text_add(&t, "[%u/%u] trial %u: ", r->done_before + r->ended, r->config.trials,
                 x->t.number);
    if (x->t.state == NAS_TRIAL_COMPLETE) {
        for (uint32_t i = 0; i < r->config.n_objectives; i++)
            nas_text_add(&t, "%s%s %s", i ? ", " : "", r->config.objective[i].name,
                         talk_measure(b, &r->config.objective[i], x->t.objective[i]));
        if (x->t.violation > 0)
            nas_text_add(&t, " (%s)", x->reason);
    } else {
        nas_text_add(&t, "%s: %s", x->t.state == NAS_TRIAL_FAIL ? "failed" : "not trained",
                     x->reason);
    }
    nas_text_add(&t, "  %.1f s, best %s", nas_clock() - x->clock,
                 talk_measure(b, &r->config.objective[0], r->best_error));
    nas_text_add(&t, ", ETA %s", eta(b, r, 0));
    talk_line("%s", nas_text_str(&t));
    nas_text_free(&t);
}

static void say_slot(nas_text *t, const slot *s, bool alone) {
    const news *n = &s->progress;
    char rate[TALK_TEXT];
    if (s->job.kind == JOB_MEASURE)
        nas_text_add(t, "trial %u is measured", s->job.trial);
    else if (n->kind == NEWS_NONE)
        nas_text_add(t, "trial %u starts", s->job.trial);
    else if (alone)
        nas_text_add(t, "epoch %d/%d %3.0f %%  loss %.3f  %s images/s", n->epoch, n->epochs,
                     100 * n->a, n->c, talk_count(rate, n->b));
    else
        nas_text_add(t, "trial %u %2.0f %% (%s/s)", s->job.trial, 100 * n->a,
                     talk_count(rate, n->b));
}

void study_say_progress(const study_run *r) {
    nas_text t = {0};
    char best[TALK_TEXT], left[TALK_TEXT];
    double part = 0;
    uint32_t busy = 0, ours = 0;
    for (uint32_t i = 0; i < r->n_slots; i++) {
        const slot *s = &r->slot[i];
        busy += s->busy;
        part += s->busy && s->progress.kind == NEWS_PROGRESS ? s->progress.a : 0;
    }
    for (uint32_t i = 0; i < r->n_slots; i++)
        if (r->slot[i].busy) {
            nas_text_add(&t, "%s", ours++ ? " | " : "");
            say_slot(&t, &r->slot[i], busy == 1);
        }
    if (!busy)
        nas_text_add(&t, "%u trials wait for workers or are with them", r->n_open);
    talk_live("[%u/%u] %s  best %s  ETA %s", have_ended(r), r->config.trials, nas_text_str(&t),
              talk_measure(best, &r->config.objective[0], r->best_error), eta(left, r, part));
    nas_text_free(&t);
}
