/* cli/study_retrain.c - the chosen models of a front, trained on the whole training set and tested
 * once. */
#include "study_run.h"

#include <math.h>
#include <string.h>

typedef struct retraining {
    study_run *r;
    uint32_t trial, at, of; /* number at of `of` models, from 1 */
    double test, latency, latency_n, clock;
} retraining;

static void on_news(void *ctx, const news *n) {
    retraining *x = ctx;
    char rate[TALK_TEXT], left[TALK_TEXT];
    if (n->kind == NEWS_LATENCY)
        x->latency = n->a;
    else if (n->kind == NEWS_LATENCY_N)
        x->latency_n = n->a;
    else if (n->kind == NEWS_TEST)
        x->test = n->a;
    else if (n->kind == NEWS_PROGRESS) {
        double used = nas_clock() - x->clock;
        talk_live(
            "retraining trial %u (%u of %u)  epoch %d/%d %3.0f %%  loss %.3f  %s images/s  ETA %s",
            x->trial, x->at, x->of, n->epoch, n->epochs, 100 * n->a, n->c, talk_count(rate, n->b),
            talk_time(left, used / n->a * (1 - n->a + x->of - x->at)));
    }
}

/* A driver may hang where nothing can tell. Long silence is normal while kernels are tuned and
 * while the test images are gone through, which grows with a step's time: so the limit does, too.
 */
static double patience(double longest_gap_s) {
    return 300 + 200 * longest_gap_s;
}

static void out_of_patience(news *done, slot *s, double silent_s) {
    *done = (news){.kind = NEWS_DONE, .status = NAS_E_DEVICE, .trial = s->job.trial, .late = true};
    snprintf(done->text, sizeof done->text, "no progress for %.0f s", silent_s);
    slot_end(s, 0);
}

/* The job that the slot was given, to its end. */
static nas_status follow(news *done, slot *s, void (*on)(void *ctx, const news *n), void *ctx) {
    double heard = nas_clock(), longest = 0;
    for (;;) {
        if (*cli_stop()) {
            slot_end(s, 3);
            return nas_fail(NAS_E_STOPPED, "stopped");
        }
        slots_wait(s, 1, 0.2);
        double gap = nas_clock() - heard;
        while (slot_news(done, s, 0)) {
            if (done->kind == NEWS_DONE)
                return NAS_OK;
            longest = gap > longest ? gap : longest;
            heard = nas_clock();
            gap = 0;
            on(ctx, done);
        }
        if (gap > patience(longest)) {
            out_of_patience(done, s, gap);
            return NAS_OK;
        }
    }
}

nas_status study_job(news *done, study_run *r, const job *j, void (*on)(void *ctx, const news *n),
                     void *ctx) {
    slot *s = &r->slot[0];
    s->dropped = false; /* one more chance for a device that was given up */
    for (int stops = 1;; stops++) {
        NAS_TRY(slot_give(s, &r->shared, j));
        NAS_TRY(follow(done, s, on, ctx));
        if (done->status != NAS_E_STOPPED)
            return NAS_OK;
        slot_end(s, 3);
        if (*cli_stop())
            return nas_fail(NAS_E_STOPPED, "stopped");
        if (stops == SLOT_FAULTS)
            return NAS_OK;
    }
}

static void on_identity(void *ctx, const news *n) {
    study_run *r = ctx;
    if (n->kind == NEWS_IDENTITY)
        snprintf(r->device, sizeof r->device, "%.*s", (int)sizeof r->device - 1, n->text);
    else if (n->kind == NEWS_DEVICE)
        talk_line("worker: %s", n->text);
}

nas_status study_look(study_run *r) {
    job j = {.kind = JOB_LOOK};
    news done;
    NAS_TRY(study_job(&done, r, &j, on_identity, r));
    return done.status == NAS_OK ? NAS_OK : nas_fail(done.status, "%s", done.text);
}

/* What was not measured is not kept. */
static nas_status keep_number(study_run *r, uint32_t trial, const char *key, double v) {
    return isnan(v) ? NAS_OK : trial_number(r, trial, key, v);
}

static nas_status write_network(const study_run *r, const nas_trial *t) {
    nas_text yaml = {0}, path = {0};
    nas_status st;
    nas_text_add(&path, "%s/models/trial-%u.yaml", r->dir, t->number);
    NAS_GO(nas_space_network(&yaml, r->space, &t->genome));
    NAS_GO(nas_text_check(&path));
    NAS_GO(nas_file_write(nas_text_str(&path), nas_text_str(&yaml), yaml.n));
done:
    nas_text_free(&yaml);
    nas_text_free(&path);
    return st;
}

/* True when this model was trained and tested by an earlier run. */
static bool finished(const study_run *r, uint32_t trial, const char *path) {
    char *json = NULL;
    bool done = nas_store_get_attr(&json, r->store, trial, "test_accuracy") == NAS_OK &&
                nas_file_exists(path);
    nas_free(json);
    return done;
}

static nas_status retrain_one(study_run *r, uint32_t trial, uint32_t at, uint32_t of) {
    retraining x = {.r = r,
                    .trial = trial,
                    .at = at,
                    .of = of,
                    .test = (double)NAN,
                    .latency = (double)NAN,
                    .latency_n = (double)NAN,
                    .clock = nas_clock()};
    job j = {.kind = JOB_RETRAIN, .trial = trial};
    nas_trial t;
    news done;
    if (snprintf(j.out, sizeof j.out, "%s/models/trial-%u.safetensors", r->dir, trial) >=
        (int)sizeof j.out)
        return nas_fail(NAS_E_ARG, "the run folder's path is too long");
    if (finished(r, trial, j.out))
        return NAS_OK;
    NAS_TRY(nas_store_trial(&t, r->store, trial));
    j.genome = t.genome;
    NAS_TRY(write_network(r, &t));
    NAS_TRY(study_job(&done, r, &j, on_news, &x));
    if (done.status != NAS_OK) { /* one model less; the study and the others stand */
        talk_line("retraining trial %u failed: %s", trial, done.text);
        return NAS_OK;
    }
    NAS_TRY(keep_number(r, trial, "latency_s", x.latency));
    NAS_TRY(keep_number(r, trial, "latency_batch_s", x.latency_n));
    NAS_TRY(keep_number(r, trial, "test_accuracy", x.test));
    talk_line("retrained trial %u (%u of %u): test accuracy %.2f %%, %.0f s", trial, at, of,
              100 * x.test, nas_clock() - x.clock);
    return NAS_OK;
}

nas_status study_retrain(study_run *r, const uint32_t *trial, uint32_t n) {
    char dir[1100];
    snprintf(dir, sizeof dir, "%s/models", r->dir);
    NAS_TRY(nas_dir_make(dir));
    for (uint32_t i = 0; i < n; i++)
        NAS_TRY(retrain_one(r, trial[i], i + 1, n));
    return NAS_OK;
}
