/* cli/study_trial.c - one trial of a study: what is known without a device, what came of measuring
 * and training, its end. */
#include "study_run.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

nas_status trial_text(study_run *r, uint32_t trial, const char *key, const char *value) {
    nas_text t = {0};
    nas_text_json(&t, value);
    nas_status st = nas_text_check(&t);
    if (st == NAS_OK)
        st = nas_store_attr(r->store, trial, key, nas_text_str(&t));
    nas_text_free(&t);
    return st;
}

nas_status trial_number(study_run *r, uint32_t trial, const char *key, double value) {
    nas_text t = {0};
    nas_text_shortest(&t, value);
    nas_status st = nas_text_check(&t);
    if (st == NAS_OK)
        st = nas_store_attr(r->store, trial, key, nas_text_str(&t));
    nas_text_free(&t);
    return st;
}

/* ---- values of measures ---- */

/* Value of a measure as far as it is known; NAN: not yet. */
static nas_status value_of(double *out, running *x, const nas_measure *m) {
    *out = (double)NAN;
    if (m->needs_training)
        *out = strcmp(m->name, "loss") == 0 ? x->loss : x->error;
    else if (strcmp(m->name, "latency") == 0)
        *out = x->latency;
    else
        return cli_measure_modelled(out, m, x->graph, &x->costs);
    return NAS_OK;
}

/* Sum of relative violations over the constraints that can be judged; says the first in reason. */
static nas_status judge(running *x) {
    x->t.violation = 0;
    x->reason[0] = 0;
    for (uint32_t i = 0; i < x->r->config.n_constraints; i++) {
        const nas_constraint *c = &x->r->config.constraint[i];
        double v, limit;
        NAS_TRY(value_of(&v, x, &c->measure));
        double over = study_violation(&limit, c, v); /* 0 of what is not known yet */
        x->t.violation += over;
        char a[TALK_TEXT], b[TALK_TEXT];
        if (over > 0 && !x->reason[0])
            snprintf(x->reason, sizeof x->reason, "%s %s breaks the limit of %s", c->measure.name,
                     talk_measure(a, &c->measure, v), talk_measure(b, &c->measure, limit));
    }
    return NAS_OK;
}

static nas_status fill_objectives(running *x) {
    for (uint32_t i = 0; i < x->r->config.n_objectives; i++)
        NAS_TRY(value_of(&x->t.objective[i], x, &x->r->config.objective[i]));
    return NAS_OK;
}

/* ---- twins: trials whose network is the same function ---- */

static nas_status remember(study_run *r, uint64_t hash, uint32_t trial, bool useless) {
    NAS_TRY(nas_grow(&r->hash, &r->hash_cap, r->n_hash + 1, sizeof *r->hash));
    r->hash[r->n_hash++] = (study_hash){hash, trial, useless};
    return NAS_OK;
}

nas_status trial_remember(study_run *r, const nas_trial *t) {
    char *json = NULL, *end;
    if (t->state != NAS_TRIAL_COMPLETE)
        return NAS_OK;
    nas_status st = nas_store_get_attr(&json, r->store, t->number, "hash");
    if (st != NAS_OK)
        return st == NAS_E_NOT_FOUND ? NAS_OK : st;
    const char *digits = json + (json[0] == '"');
    uint64_t hash = strtoull(digits, &end, 16);
    bool read = digits > json && end > digits && *end == '"';
    nas_free(json);
    return read ? remember(r, hash, t->number, false) : NAS_OK;
}

/* The first earlier trial with this network that ended well, or has not ended yet. */
static const study_hash *find_twin(const running *x) {
    for (size_t i = 0; i < x->r->n_hash; i++) {
        const study_hash *h = &x->r->hash[i];
        if (h->hash == x->costs.hash && h->trial < x->t.number && !h->useless)
            return h;
    }
    return NULL;
}

static bool is_open(const study_run *r, uint32_t trial) {
    for (uint32_t i = 0; i < r->n_open; i++)
        if (r->open[i]->t.number == trial && r->open[i]->phase != PHASE_ENDED)
            return true;
    return false;
}

static nas_status finish(running *x);

static nas_status copy_twin(running *x, uint32_t twin) {
    nas_trial old;
    NAS_TRY(nas_store_trial(&old, x->r->store, twin));
    memcpy(x->t.objective, old.objective, sizeof old.objective);
    x->t.violation = old.violation;
    x->t.state = NAS_TRIAL_COMPLETE;
    NAS_TRY(trial_number(x->r, x->t.number, "same_as", twin));
    return finish(x);
}

static nas_status fail_trial(running *x, const char *why) {
    x->t.state = NAS_TRIAL_FAIL;
    snprintf(x->reason, sizeof x->reason, "%s", why);
    return finish(x);
}

/* Everything that the study asks for is known. */
static nas_status complete(running *x) {
    NAS_TRY(judge(x));
    NAS_TRY(fill_objectives(x));
    for (uint32_t i = 0; i < x->r->config.n_objectives; i++)
        if (isnan(x->t.objective[i])) {
            char why[160];
            snprintf(why, sizeof why, "objective %s is not a number",
                     x->r->config.objective[i].name);
            return fail_trial(x, why);
        }
    x->t.state = NAS_TRIAL_COMPLETE;
    return finish(x);
}

/* To be trained, unless nothing that the study asks for needs it. */
static nas_status offer(running *x) {
    if (!nas_study_trains(&x->r->config))
        return complete(x);
    x->phase = PHASE_OFFERED;
    return nas_store_offer(x->r->store, x->t.number);
}

/* Waits for its twin, copies it, or goes on to its own training. */
static nas_status go_on(running *x) {
    const study_hash *twin = find_twin(x);
    x->phase = PHASE_MEASURE;
    if (!twin)
        return x->r->shared.measure_latency && isnan(x->latency) ? NAS_OK : offer(x);
    if (!is_open(x->r, twin->trial))
        return copy_twin(x, twin->trial);
    x->phase = PHASE_TWIN;
    x->twin = twin->trial;
    return NAS_OK;
}

nas_status trial_twin_ended(running *x) {
    return go_on(x);
}

/* ---- begin and end ---- */

static nas_status describe(running *x) {
    nas_text yaml = {0};
    char hash[32];
    nas_status st;
    NAS_GO(nas_space_network(&yaml, x->r->space, &x->t.genome));
    NAS_GO(trial_text(x->r, x->t.number, "network", nas_text_str(&yaml)));
    NAS_GO(trial_number(x->r, x->t.number, "params", (double)x->costs.params));
    NAS_GO(trial_number(x->r, x->t.number, "macs", (double)x->costs.macs));
    snprintf(hash, sizeof hash, "%016" PRIx64, x->costs.hash);
    NAS_GO(trial_text(x->r, x->t.number, "hash", hash));
done:
    nas_text_free(&yaml);
    return st;
}

nas_status trial_tell(study_run *r, const nas_trial *t) {
    nas_point p = {.trial = t->number,
                   .genome = t->genome,
                   .failed = t->state == NAS_TRIAL_FAIL,
                   .violation = t->violation};
    memcpy(p.objective, t->objective, sizeof p.objective);
    if (t->state ==
        NAS_TRIAL_PRUNED) /* known to be infeasible: its place follows from the violation */
        for (uint32_t i = 0; i < r->config.n_objectives; i++)
            p.objective[i] = INFINITY;
    if (t->state == NAS_TRIAL_COMPLETE && t->violation <= 0 && !(t->objective[0] >= r->best_error))
        r->best_error = t->objective[0];
    return nas_strategy_tell(r->strategy, &p);
}

/* Everything of a trial that has got its state. */
static nas_status finish(running *x) {
    study_run *r = x->r;
    x->t.ended = nas_time();
    NAS_TRY(nas_store_end(r->store, &x->t, x->reason[0] ? x->reason : NULL));
    NAS_TRY(trial_tell(r, &x->t));
    for (size_t i = r->n_hash; i-- > 0;)
        if (r->hash[i].trial == x->t.number)
            r->hash[i].useless = x->t.state != NAS_TRIAL_COMPLETE;
    x->phase = PHASE_ENDED;
    r->ended++;
    study_say_end(x);
    return study_keep_time(r, false);
}

/* A worker elsewhere has it since before this run began: its latency is known already. */
static nas_status attach(running *x) {
    char *json = NULL;
    if (nas_store_get_attr(&json, x->r->store, x->t.number, "latency_s") == NAS_OK)
        (void)nas_number_read(&x->latency, json);
    nas_free(json);
    NAS_TRY(judge(x));
    x->phase = PHASE_OFFERED;
    return remember(x->r, x->costs.hash, x->t.number, false);
}

/* With the row there: price, judge, look for a twin. */
static nas_status look_at(running *x) {
    if (!x->graph)
        return fail_trial(x, nas_error_text());
    NAS_TRY(describe(x));
    nas_status st = judge(x);
    if (st == NAS_OK)
        st = fill_objectives(x); /* as far as they are known */
    if (st == NAS_E_TOO_BIG)     /* for a device that it is priced on */
        return fail_trial(x, nas_error_text());
    NAS_TRY(st);
    if (x->t.violation > 0) {
        x->t.state = NAS_TRIAL_PRUNED;
        return finish(x);
    }
    NAS_TRY(go_on(x));
    return remember(x->r, x->costs.hash, x->t.number,
                    x->phase == PHASE_ENDED && x->t.state != NAS_TRIAL_COMPLETE);
}

void trial_free(running *x) {
    if (!x)
        return;
    nas_graph_free(x->graph);
    nas_free(x);
}

nas_status trial_begin(running **out, study_run *r, uint32_t number, const nas_genome *genome) {
    running *x = nas_calloc(1, sizeof *x);
    nas_status st;
    if (!x)
        return nas_fail_memory(sizeof *x);
    *x = (running){.r = r,
                   .t = {.number = number, .genome = *genome, .started = nas_time()},
                   .latency = (double)NAN,
                   .error = (double)NAN,
                   .loss = (double)NAN,
                   .clock = nas_clock()};
    st = nas_store_begin(r->store, number, r->space, genome);
    bool elsewhere = st == NAS_E_EXISTS;
    if (!elsewhere)
        NAS_GO(st);
    st = nas_space_graph(&x->graph, r->space, genome, 1);
    if (st == NAS_E_MEMORY) /* says nothing about the network: the trial is begun anew */
        goto done;
    if (st == NAS_OK)
        NAS_GO(cli_costs_of(&x->costs, x->graph));
    NAS_GO(elsewhere ? attach(x) : look_at(x));
    *out = x;
    x = NULL;
done:
    trial_free(x);
    return st;
}

/* ---- what workers say ---- */

nas_status trial_measured(running *x) {
    NAS_TRY(trial_number(x->r, x->t.number, "latency_s", x->latency));
    NAS_TRY(judge(x));
    if (x->t.violation > 0) { /* nothing to train */
        NAS_TRY(fill_objectives(x));
        x->t.state = NAS_TRIAL_PRUNED;
        return finish(x);
    }
    return offer(x);
}

nas_status trial_trained(running *x, const news *done) {
    return done->status == NAS_OK ? complete(x) : fail_trial(x, done->text);
}
