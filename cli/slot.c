/* cli/slot.c - jobs on one device: start, time limit, death, restart, and when to give it up. */
#include "slot.h"

#include <math.h>
#include <poll.h>
#include <string.h>

nas_status slot_give(slot *s, const worker_study *study, const job *j) {
    if (!s->worker)
        NAS_TRY(worker_start(&s->worker, study, s->device));
    if (worker_send(s->worker, j) != NAS_OK) {
        slot_end(s, 0); /* it died between two jobs: a new one gets the job */
        NAS_TRY(worker_start(&s->worker, study, s->device));
        NAS_TRY(worker_send(s->worker, j));
    }
    s->busy = true;
    s->told = false;
    s->job = *j;
    s->since = nas_clock();
    s->progress = (news){.kind = NEWS_NONE};
    return NAS_OK;
}

void slot_end(slot *s, double grace_s) {
    worker_end(s->worker, grace_s);
    s->worker = NULL;
    s->busy = false;
}

static void out_of_time(news *out, slot *s, double limit_s) {
    *out = (news){.kind = NEWS_DONE, .status = NAS_E_DEVICE, .trial = s->job.trial, .late = true};
    snprintf(out->text, sizeof out->text, "time limit: more than trial_seconds = %g s", limit_s);
    slot_end(s, 0);
}

bool slot_news(news *out, slot *s, double limit_s) {
    if (!s->busy)
        return false;
    if (limit_s > 0 && nas_clock() - s->since > limit_s) {
        out_of_time(out, s, limit_s);
        return true;
    }
    if (!worker_news(out, s->worker, 0))
        return false;
    if (out->kind == NEWS_DEVICE)
        snprintf(s->name, sizeof s->name, "%.*s", (int)sizeof s->name - 1, out->text);
    else if (out->kind == NEWS_PROGRESS)
        s->progress = *out;
    else if (out->kind == NEWS_NOTE)
        talk_line("%s", out->text);
    s->told |= out->kind != NEWS_DEVICE && out->kind != NEWS_NOTE && out->kind != NEWS_DONE;
    if (out->kind == NEWS_DONE) {
        out->trial = s->job.trial;
        s->busy = false;
        if (worker_dead(s->worker))
            slot_end(s, 0);
    }
    return true;
}

void slots_wait(slot *s, uint32_t n, double timeout_s) {
    struct pollfd fd[64];
    nfds_t count = 0;
    for (uint32_t i = 0; i < n && count < 64; i++)
        if (s[i].busy)
            fd[count++] = (struct pollfd){.fd = worker_fd(s[i].worker), .events = POLLIN};
    poll(fd, count, (int)ceil(timeout_s * 1e3));
}

/* A network that is too big, or whose loss is no number, says nothing against its device; nor does
 * a time limit that a training ran into. A hang that told nothing does, and a child that is stopped
 * over and over. */
bool slot_judge(slot *s, const news *done) {
    bool slow = done->late && s->told;
    bool fault =
        done->unopened || done->status == NAS_E_STOPPED || (done->status == NAS_E_DEVICE && !slow);
    s->faults = fault ? s->faults + 1 : 0;
    if (s->faults < SLOT_FAULTS)
        return false;
    s->dropped = true;
    slot_end(s, 0);
    return true;
}
