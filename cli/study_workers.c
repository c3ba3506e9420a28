/* cli/study_workers.c - how many processes train at once where the study does not say: one, two and
 * more of them train a network of the space on noise for a moment.
 *
 * A process that shares a device does while another waits: for the host, for memory, for the end of
 * a kernel that does not fill the device. The larger the step the less is left to gain. */
#include "study_run.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { LEAST_TRIALS = 10, SAMPLES = 5, MOST = 8 }; /* MOST workers */
static const double worth = 1.05;      /* times as many steps a second: else not worth the memory */
static const double long_step_s = 0.2; /* fills any device, and takes much memory */
static const double patience_s = 300;

typedef struct attempt {
    nas_genome genome;
    double macs;
} attempt;

static int by_macs(const void *a, const void *b) {
    return nas_by_value(&((const attempt *)a)->macs, &((const attempt *)b)->macs);
}

/* The middle one of some by multiply-adds: always the same for a space, so that it is tried once.
 */
static nas_status pick(attempt *out, const nas_space *s) {
    attempt all[SAMPLES];
    for (uint32_t i = 0; i < SAMPLES; i++) {
        nas_graph *g = NULL;
        nas_cost c;
        nas_rng rng = nas_rng_stream(0, "workers", i);
        nas_space_sample(&all[i].genome, s, &rng);
        NAS_TRY(nas_space_graph(&g, s, &all[i].genome, 1));
        nas_graph_cost(&c, g);
        all[i].macs = c.flops / 2;
        nas_graph_free(g);
    }
    qsort(all, SAMPLES, sizeof *all, by_macs);
    *out = all[SAMPLES / 2];
    return NAS_OK;
}

/* The job of one slot to its end. */
static nas_status hear(news *rate, slot *s) {
    news n;
    for (double from = nas_clock(); s->busy;) {
        if (*cli_stop())
            return nas_fail(NAS_E_STOPPED, "stopped");
        slots_wait(s, 1, 0.2);
        while (slot_news(&n, s, 0)) {
            if (n.kind == NEWS_RATE)
                *rate = n;
            if (n.kind == NEWS_DONE)
                return n.status == NAS_OK ? NAS_OK : nas_fail(n.status, "%s", n.text);
        }
        if (nas_clock() - from > patience_s)
            return nas_fail(NAS_E_DEVICE, "no answer for %.0f s", patience_s);
    }
    return NAS_OK;
}

/* All of them at once; *rate is the sum. */
static nas_status ask(news *rate, study_run *r, const attempt *x, job_kind kind, uint32_t workers,
                      uint32_t n) {
    nas_status st = NAS_OK;
    job j = {.kind = kind, .genome = x->genome, .workers = workers};
    double sum = 0;
    r->config.workers = n;
    study_slots(r); /* those that run stay */
    for (uint32_t i = 0; st == NAS_OK && i < n; i++)
        st = slot_give(&r->slot[i], &r->shared, &j);
    for (uint32_t i = 0; st == NAS_OK && i < n; i++) {
        st = hear(rate, &r->slot[i]);
        sum += rate->a;
    }
    rate->a = sum;
    return st;
}

/* New ones compile or load their kernels first, so that they are timed beside the others only the
 * second time. */
static nas_status try_number(double *steps_per_s, study_run *r, const attempt *x, uint32_t n) {
    news rate = {.kind = NEWS_NONE};
    for (int i = 0; i < 2; i++)
        NAS_TRY(ask(&rate, r, x, JOB_TRY, n, n));
    *steps_per_s = rate.a;
    return NAS_OK;
}

/* Doubles the number as long as it is worth it. */
static nas_status climb(uint32_t *best, double *gain, study_run *r, const attempt *x,
                        const news *one) {
    uint32_t most = one->epochs < MOST ? (uint32_t)one->epochs : MOST;
    double steps = one->a, next;
    *best = 1;
    *gain = 1;
    for (uint32_t n = 2; n <= most; n *= 2) {
        nas_status st = try_number(&next, r, x, n);
        if (st == NAS_E_STOPPED)
            return st;
        if (st != NAS_OK) /* so many do not fit */
            break;
        if (n == 2)
            *gain = next / one->a;
        if (next < worth * steps)
            break;
        *best = n;
        *gain = next / one->a;
        steps = next;
    }
    return NAS_OK;
}

static void settle(study_run *r, uint32_t n) {
    for (uint32_t i = n; i < MAX_SLOTS; i++)
        slot_end(&r->slot[i], 0);
    r->config.workers = n;
    study_slots(r);
}

static void say(const study_run *r, uint32_t n, double gain, const attempt *x) {
    char macs[TALK_TEXT];
    talk_line(
        "workers: %u on %s (%u at once train %.2f times the steps of one, at %s multiply-adds an "
        "image and batch %d)",
        n, r->slot[0].name, n > 1 ? n : 2, gain, talk_count(macs, x->macs), r->shared.train.batch);
}

static nas_status find(uint32_t *best, study_run *r, const attempt *x) {
    news one = {.kind = NEWS_NONE}, done;
    double gain;
    const char *name = r->slot[0].name;
    NAS_TRY(ask(&one, r, x, JOB_TRY, 0, 1));
    *best = 1;
    if (one.epoch > 0) {
        *best = one.epoch < MOST ? (uint32_t)one.epoch : MOST;
        talk_line("workers: %u on %s, as measured before", *best, name);
        return NAS_OK;
    }
    if (one.a * long_step_s < 1) {
        talk_line("workers: 1 on %s, which a step of %.2g s fills", name, 1 / one.a);
        return NAS_OK;
    }
    if (one.epochs < 2)
        return NAS_OK;
    NAS_TRY(climb(best, &gain, r, x, &one));
    say(r, *best, gain, x);
    return ask(&done, r, x, JOB_KEEP, *best, 1);
}

nas_status study_workers(study_run *r) {
    const nas_study_config *c = &r->config;
    attempt x;
    uint32_t n = 1;
    if (c->workers_given || r->table || !nas_study_trains(c) || c->trials < LEAST_TRIALS ||
        c->trial_seconds > 0) /* which a training would meet sooner beside others */
        return NAS_OK;
    nas_status st = pick(&x, r->space);
    if (st == NAS_OK)
        st = find(&n, r, &x);
    settle(r, st == NAS_OK ? n : 1);
    return st == NAS_E_STOPPED ? st : NAS_OK; /* what is wrong shows in the trials */
}
