/* cli/study_run.c - the trials of a study, as many at once as its strategy and its workers allow:
 * what has ended is told to the strategy again, what has not is done. */
#include "study_run.h"

#include <math.h>
#include <string.h>

static const double listen_s = 0.2; /* how often the loop looks up from the pipes */
static const double grace_s = 3;    /* what a worker gets to stop by itself */
enum { SILENT_BEATS = 4 };          /* so many signs of life missed: the worker is dead */

/* ---- slots ---- */

static void add_slot(study_run *r, const char device[128], bool trains) {
    slot *s = &r->slot[r->n_slots++];
    memcpy(s->device, device, sizeof s->device);
    s->trains = trains;
}

/* The study's device stands first; when nothing is trained on it, it only measures. */
void study_slots(study_run *r) {
    const nas_study_config *c = &r->config;
    uint32_t own = 0;
    r->n_slots = 0;
    while (own < c->n_devices && strcmp(c->devices[own], c->device) != 0)
        own++;
    if (c->n_devices) {
        add_slot(r, c->device, own < c->n_devices);
        for (uint32_t i = 0; i < c->n_devices; i++)
            if (i != own)
                add_slot(r, c->devices[i], true);
        return;
    }
    add_slot(r, c->device, c->workers > 0);
    for (uint32_t i = 1; i < c->workers; i++)
        add_slot(r, c->device, true);
}

void study_slots_end(study_run *r) {
    for (uint32_t i = 0; i < r->n_slots; i++)
        slot_end(&r->slot[i], grace_s);
}

static running *open_trial(const study_run *r, uint32_t number) {
    for (uint32_t i = 0; i < r->n_open; i++)
        if (r->open[i]->t.number == number)
            return r->open[i];
    return NULL;
}

/* A device that measures takes no disturbance: what shares it rests meanwhile. */
static bool shares_device(const study_run *r, uint32_t i) {
    return strcmp(r->slot[i].device, r->slot[0].device) == 0;
}

static bool measuring_device_rests(const study_run *r) {
    for (uint32_t i = 0; i < r->n_slots; i++)
        if (r->slot[i].busy && shares_device(r, i))
            return false;
    return true;
}

static running *first_to_measure(const study_run *r) {
    for (uint32_t i = 0; i < r->n_open; i++)
        if (r->open[i]->phase == PHASE_MEASURE)
            return r->open[i];
    return NULL;
}

static nas_status give(study_run *r, slot *s, job_kind kind, uint32_t trial,
                       const nas_genome *genome) {
    job j = {.kind = kind, .trial = trial, .genome = *genome};
    return slot_give(s, &r->shared, &j);
}

static const char own_name[] = "clnas search"; /* its trials end with it */

/* Gives idle slots work: first measuring, then training. */
static nas_status dispatch(study_run *r) {
    running *m = first_to_measure(r);
    if (m && !r->slot[0].dropped && measuring_device_rests(r)) {
        NAS_TRY(give(r, &r->slot[0], JOB_MEASURE, m->t.number, &m->t.genome));
    }
    for (uint32_t i = 0; i < r->n_slots; i++) {
        slot *s = &r->slot[i];
        bool disturbs =
            shares_device(r, i) && r->slot[0].busy && r->slot[0].job.kind == JOB_MEASURE;
        uint32_t number;
        nas_genome genome;
        bool got;
        if (!s->trains || s->busy || s->dropped || disturbs)
            continue;
        NAS_TRY(nas_store_take(&got, &number, &genome, r->store, own_name, false));
        if (!got)
            return NAS_OK;
        if (!open_trial(r, number)) /* of an earlier run, not asked for yet in this one */
            return nas_store_give_back(r->store, number, own_name);
        NAS_TRY(give(r, s, JOB_TRIAL, number, &genome));
    }
    return NAS_OK;
}

/* ---- news ---- */

/* The device is given up: the study goes on with the others, when there are any. */
static nas_status drop_device(study_run *r, uint32_t at, const news *last) {
    const slot *s = &r->slot[at];
    bool trains = nas_store_shared(r->store);
    for (uint32_t i = 0; i < r->n_slots; i++)
        trains |= r->slot[i].trains && !r->slot[i].dropped;
    talk_line("device %s%s%s%s is given up after %d failures in a row: %s", s->device,
              s->name[0] ? " (" : "", s->name, s->name[0] ? ")" : "", SLOT_FAULTS, last->text);
    if (at == 0 && r->shared.measure_latency)
        return nas_fail(NAS_E_DEVICE,
                        "latency cannot be measured any more: device %s was given up (%s); the "
                        "same command goes on",
                        s->device, last->text);
    if (!trains)
        return nas_fail(NAS_E_DEVICE, "no device is left (%s); the same command goes on",
                        last->text);
    return NAS_OK;
}

static nas_status on_done(study_run *r, uint32_t at, const news *n) {
    slot *s = &r->slot[at];
    running *x = open_trial(r, s->job.trial);
    bool dropped = slot_judge(s, n), stopped = n->status == NAS_E_STOPPED;
    nas_status st = NAS_OK;
    if (stopped)
        slot_end(s, grace_s);
    if (stopped && *cli_stop())
        return nas_fail(NAS_E_STOPPED, "stopped");
    if ((n->unopened || stopped) && s->job.kind == JOB_TRIAL)
        st = nas_store_give_back(r->store, s->job.trial, own_name);
    else if (n->unopened || stopped) /* it still waits to be measured */
        st = NAS_OK;
    else if (n->status != NAS_OK || s->job.kind == JOB_TRIAL)
        st = trial_trained(x, n);
    else
        st = trial_measured(x);
    NAS_TRY(st);
    return dropped ? drop_device(r, at, n) : NAS_OK;
}

static nas_status on_news(study_run *r, uint32_t at, const news *n) {
    running *x = open_trial(r, r->slot[at].job.trial);
    if (n->kind == NEWS_DONE)
        return on_done(r, at, n);
    if (n->kind == NEWS_LATENCY)
        x->latency = n->a;
    if (n->kind == NEWS_DEVICE)
        talk_line("worker: %s", n->text);
    if (n->kind != NEWS_EPOCH)
        return NAS_OK;
    x->error = n->a;
    x->loss = n->b;
    return nas_store_intermediate(r->store, x->t.number, (uint32_t)n->epoch, n->a);
}

static nas_status listen(study_run *r) {
    slots_wait(r->slot, r->n_slots, listen_s);
    for (uint32_t i = 0; i < r->n_slots; i++) {
        news n;
        while (slot_news(&n, &r->slot[i], r->config.trial_seconds))
            NAS_TRY(on_news(r, i, &n));
    }
    study_say_progress(r);
    return NAS_OK;
}

/* ---- workers elsewhere ---- */

static nas_status take_result(study_run *r, uint32_t number, const char *json) {
    share_result result;
    running *x = open_trial(r, number);
    if (!x || x->phase != PHASE_OFFERED) /* not asked for yet in this run */
        return NAS_OK;
    NAS_TRY(share_parse(&result, json));
    x->error = result.error;
    x->loss = result.loss;
    NAS_TRY(trial_text(r, number, "device", result.device));
    return trial_trained(x, &result.done);
}

static nas_status look_at_store(study_run *r) {
    if (!nas_store_shared(r->store) || nas_clock() - r->looked < listen_s)
        return NAS_OK;
    uint32_t from = 0, number = 0;
    for (bool found = true; found; from = number + 1) {
        char *json = NULL;
        NAS_TRY(nas_store_next_result(&found, &number, &json, r->store, from));
        nas_status st = found ? take_result(r, number, json) : NAS_OK;
        nas_free(json);
        NAS_TRY(st);
    }
    if (nas_clock() - r->reclaimed > r->config.heartbeat) {
        uint32_t n;
        NAS_TRY(nas_store_reclaim(&n, r->store, SILENT_BEATS * r->config.heartbeat));
        if (n)
            talk_line("%u trial%s of a worker that fell silent wait%s for another", n,
                      n == 1 ? "" : "s", n == 1 ? "s" : "");
        r->reclaimed = nas_clock();
    }
    r->looked = nas_clock();
    return NAS_OK;
}

/* ---- the loop ---- */

static bool same_genome(const nas_genome *a, const nas_genome *b) {
    return a->n == b->n && memcmp(a->gene, b->gene, a->n * sizeof *a->gene) == 0;
}

/* True when trial `number` had ended before and was told again. */
static nas_status replay(bool *had, study_run *r, uint32_t number, const nas_genome *genome) {
    nas_trial old;
    *had = false;
    if (number >= nas_store_trial_count(r->store))
        return NAS_OK;
    NAS_TRY(nas_store_trial(&old, r->store, number));
    if (old.state == NAS_TRIAL_RUNNING || old.state == NAS_TRIAL_WAITING)
        return NAS_OK;
    if (!same_genome(&old.genome, genome))
        return nas_fail(NAS_E_STORE,
                        "trial %u in the store is not the one that this seed gives; the run "
                        "was made by another version, take a new --out",
                        number);
    *had = true;
    NAS_TRY(trial_remember(r, &old));
    return trial_tell(r, &old);
}

/* Removes what has ended, and wakes the twins of it. */
static nas_status tidy(study_run *r) {
    for (bool again = true; again;) {
        uint32_t n = 0;
        again = false;
        for (uint32_t i = 0; i < r->n_open; i++)
            if (r->open[i]->phase == PHASE_ENDED)
                trial_free(r->open[i]);
            else
                r->open[n++] = r->open[i];
        r->n_open = n;
        for (uint32_t i = 0; i < r->n_open; i++)
            if (r->open[i]->phase == PHASE_TWIN && !open_trial(r, r->open[i]->twin)) {
                NAS_TRY(trial_twin_ended(r->open[i]));
                again = true;
            }
    }
    return NAS_OK;
}

static bool may_ask(study_run *r) {
    uint32_t workers = r->config.workers ? 2 * r->config.workers : 2;
    uint32_t room = nas_store_shared(r->store) || workers > MAX_OPEN ? MAX_OPEN : workers;
    uint32_t told = r->n_open ? r->open[0]->t.number : r->next; /* all below have been */
    if (r->config.workers == 1 && !nas_store_shared(r->store))
        room = 1;
    return !r->exhausted && r->next < r->config.trials && r->n_open < room &&
           nas_strategy_horizon(r->strategy, r->next) <= told;
}

static nas_status ask_one(study_run *r) {
    nas_genome genome;
    bool had;
    uint32_t k = r->next;
    nas_status st = nas_strategy_ask(&genome, r->strategy, k);
    if (st == NAS_E_NOT_FOUND) {
        talk_line("the space has no more networks after %u trials", k);
        r->exhausted = true;
        return NAS_OK;
    }
    NAS_TRY(st);
    NAS_TRY(replay(&had, r, k, &genome));
    if (had) {
        r->done_before++;
        r->next++;
        return NAS_OK;
    }
    if (r->config.max_seconds > 0 && study_time(r) > r->config.max_seconds) {
        talk_line("budget.seconds is used up after %u trials", k);
        r->exhausted = true;
        return NAS_OK;
    }
    if (r->done_before && !r->ended && k == r->done_before && !r->n_open)
        talk_line("going on after %u trials", k);
    NAS_TRY(trial_begin(&r->open[r->n_open], r, k, &genome));
    r->n_open++;
    r->next++;
    return tidy(r);
}

static nas_status run_all(study_run *r) {
    for (;;) {
        while (may_ask(r)) {
            if (*cli_stop())
                return nas_fail(NAS_E_STOPPED, "stopped");
            NAS_TRY(ask_one(r));
        }
        if (!r->n_open)
            return NAS_OK;
        if (*cli_stop())
            return nas_fail(NAS_E_STOPPED, "stopped");
        NAS_TRY(dispatch(r));
        NAS_TRY(listen(r));
        NAS_TRY(look_at_store(r));
        NAS_TRY(tidy(r));
    }
}

/* ---- how long it took, over all runs ---- */

double study_time(const study_run *r) {
    return r->before + nas_clock() - r->started;
}

nas_status study_keep_time(study_run *r, bool at_once) {
    nas_text t = {0};
    if (!at_once && nas_clock() - r->kept < 1)
        return NAS_OK;
    nas_text_json_number(&t, study_time(r));
    nas_status st = nas_text_check(&t);
    if (st == NAS_OK)
        st = nas_store_study_attr(r->store, "seconds", nas_text_str(&t));
    nas_text_free(&t);
    r->kept = nas_clock();
    return st;
}

nas_status study_begin(study_run *r) {
    char *json = NULL;
    r->started = nas_clock();
    r->best_error = (double)NAN;
    nas_status st = nas_store_get_study_attr(&json, r->store, "seconds");
    if (st == NAS_E_NOT_FOUND)
        return NAS_OK;
    NAS_TRY(st);
    if (!nas_number_read(&r->before, json))
        r->before = 0;
    nas_free(json);
    return NAS_OK;
}

nas_status study_trials(study_run *r) {
    NAS_TRY(study_begin(r));
    nas_status st = run_all(r);
    if (st == NAS_OK || st == NAS_E_STOPPED) {
        nas_status kept = study_keep_time(r, true);
        st = st == NAS_OK ? kept : st;
    }
    for (uint32_t i = 0; i < r->n_open; i++)
        trial_free(r->open[i]);
    r->n_open = 0;
    if (st != NAS_OK)
        study_slots_end(r);
    nas_free(r->hash);
    r->hash = NULL;
    return st;
}
