/* cli/worker_jobs.c - one job in the worker: start, listen, time limit, stop, restart. */
#include "study_run.h"

#include <string.h>

static const double grace_s = 3;    /* what a worker gets to stop by itself */
static const double listen_s = 0.2; /* how often the parent looks up from the pipe */

static void failed(news *done, const job *j, const char *text) {
    memset(done, 0, sizeof *done);
    done->kind = NEWS_DONE;
    done->status = NAS_E_DEVICE;
    done->trial = j->trial;
    snprintf(done->text, sizeof done->text, "%s", text);
}

static void dismiss(study_run *r, double grace) {
    worker_end(r->worker, grace);
    r->worker = NULL;
}

nas_status study_job(news *done, study_run *r, const job *j, double limit_s,
                     void (*on)(void *ctx, const news *n), void *ctx) {
    double started = nas_clock();
    if (!r->worker)
        NAS_TRY(worker_start(&r->worker, &r->shared));
    if (worker_send(r->worker, j) != NAS_OK) {
        dismiss(r, 0); /* it died between two jobs: a new one gets the job */
        NAS_TRY(worker_start(&r->worker, &r->shared));
        NAS_TRY(worker_send(r->worker, j));
    }
    for (;;) {
        news n;
        if (*cli_stop()) {
            dismiss(r, grace_s);
            return nas_fail(NAS_E_STOPPED, "stopped");
        }
        if (limit_s > 0 && nas_clock() - started > limit_s) {
            char text[96];
            snprintf(text, sizeof text, "time limit: more than trial_seconds = %g s", limit_s);
            dismiss(r, 0);
            failed(done, j, text);
            return NAS_OK;
        }
        if (!worker_news(&n, r->worker, listen_s))
            continue;
        if (n.kind != NEWS_DONE) {
            on(ctx, &n);
            continue;
        }
        if (worker_dead(r->worker))
            dismiss(r, 0);
        *done = n;
        return NAS_OK;
    }
}
