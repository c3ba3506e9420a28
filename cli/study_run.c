/* cli/study_run.c - the trials of a study, one after the other: what has ended is told to the
 * strategy again, what has not is done. */
#include "study_run.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>
#include <time.h>

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* One trial while it runs. */
typedef struct running {
    study_run *r;
    nas_trial t;
    cli_costs costs;
    double latency;     /* measured; NAN: not yet */
    double error, loss; /* validation, of the newest epoch; NAN: none */
    char reason[420];   /* why it failed or was not trained */
    double clock;       /* when it began */
    nas_status kept;    /* first failure of the store */
} running;

static nas_status attr_text(running *x, const char *key, const char *value) {
    nas_text t = {0};
    nas_text_json(&t, value);
    nas_status st = nas_text_check(&t);
    if (st == NAS_OK)
        st = nas_store_attr(x->r->store, x->t.number, key, nas_text_str(&t));
    nas_text_free(&t);
    return st;
}

static nas_status attr_number(running *x, const char *key, double value) {
    nas_text t = {0};
    nas_text_json_number(&t, value);
    nas_status st = nas_store_attr(x->r->store, x->t.number, key, nas_text_str(&t));
    nas_text_free(&t);
    return st;
}

/* ---- values of measures ---- */

/* Value of a measure as far as it is known; NAN: not yet. */
static nas_status value_of(double *out, running *x, const nas_measure *m, const nas_graph *g) {
    *out = (double)NAN;
    if (m->needs_training)
        *out = strcmp(m->name, "loss") == 0 ? x->loss : x->error;
    else if (strcmp(m->name, "latency") == 0)
        *out = x->latency;
    else
        return cli_measure_modelled(out, m, g, &x->costs);
    return NAS_OK;
}

/* Sum of relative violations over the constraints that can be judged; says the first in reason. */
static nas_status judge(running *x, const nas_graph *g) {
    x->t.violation = 0;
    x->reason[0] = 0;
    for (uint32_t i = 0; i < x->r->config.n_constraints; i++) {
        const nas_constraint *c = &x->r->config.constraint[i];
        double v;
        NAS_TRY(value_of(&v, x, &c->measure, g));
        if (isnan(v))
            continue;
        double limit = v > c->max ? c->max : c->min;
        double over = v > c->max ? v - c->max : c->min - v;
        if (over <= 0)
            continue;
        x->t.violation += over / (fabs(limit) > 1e-12 ? fabs(limit) : 1);
        char a[TALK_TEXT], b[TALK_TEXT];
        if (!x->reason[0])
            snprintf(x->reason, sizeof x->reason, "%s %s breaks the limit of %s", c->measure.name,
                     talk_measure(a, &c->measure, v), talk_measure(b, &c->measure, limit));
    }
    return NAS_OK;
}

static nas_status fill_objectives(running *x, const nas_graph *g) {
    for (uint32_t i = 0; i < x->r->config.n_objectives; i++)
        NAS_TRY(value_of(&x->t.objective[i], x, &x->r->config.objective[i], g));
    return NAS_OK;
}

/* ---- talk ---- */

static const char *eta(char buf[TALK_TEXT], const study_run *r, uint32_t trial, double part) {
    double done = r->ended + part;
    double each = done > 0.05 ? (nas_clock() - r->started) / done : (double)NAN;
    return talk_time(buf, each * (r->config.trials - trial - part));
}

static void on_news(void *ctx, const news *n) {
    running *x = ctx;
    char rate[TALK_TEXT], left[TALK_TEXT], best[TALK_TEXT];
    nas_status st = NAS_OK;
    if (n->kind == NEWS_LATENCY) {
        x->latency = n->a;
    } else if (n->kind == NEWS_DEVICE) {
        talk_line("worker: %s", n->text);
    } else if (n->kind == NEWS_EPOCH) {
        x->error = n->a;
        x->loss = n->b;
        st = nas_store_intermediate(x->r->store, x->t.number, (uint32_t)n->epoch, n->a);
    } else if (n->kind == NEWS_PROGRESS) {
        talk_live("[%u/%u] epoch %d/%d %3.0f %%  loss %.3f  %s images/s  best %s  ETA %s",
                  x->t.number + 1, x->r->config.trials, n->epoch, n->epochs, 100 * n->a, n->c,
                  talk_count(rate, n->b),
                  talk_measure(best, &x->r->config.objective[0], x->r->best_error),
                  eta(left, x->r, x->t.number, n->a));
    }
    if (st != NAS_OK && x->kept == NAS_OK)
        x->kept = st;
}

static void say_end(running *x) {
    study_run *r = x->r;
    nas_text t = {0};
    char b[TALK_TEXT];
    nas_text_add(&t, "[%u/%u] trial %u: ", x->t.number + 1, r->config.trials, x->t.number);
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
    nas_text_add(&t, ", ETA %s", eta(b, r, x->t.number + 1, 0));
    talk_line("%s", nas_text_str(&t));
    nas_text_free(&t);
}

/* ---- one trial ---- */

/* An earlier trial whose network is the same function: its values serve, nothing is trained twice.
 */
static nas_status find_twin(bool *found, running *x) {
    char want[32];
    *found = false;
    snprintf(want, sizeof want, "\"%016" PRIx64 "\"", x->costs.hash);
    for (uint32_t i = 0; i < x->t.number && !*found; i++) {
        char *hash = NULL;
        nas_trial old;
        if (nas_store_get_attr(&hash, x->r->store, i, "hash") != NAS_OK)
            continue;
        bool same = strcmp(hash, want) == 0;
        nas_free(hash);
        if (!same)
            continue;
        NAS_TRY(nas_store_trial(&old, x->r->store, i));
        if (old.state != NAS_TRIAL_COMPLETE)
            continue;
        memcpy(x->t.objective, old.objective, sizeof old.objective);
        x->t.violation = old.violation;
        x->t.state = NAS_TRIAL_COMPLETE;
        *found = true;
        NAS_TRY(attr_number(x, "same_as", i));
    }
    return NAS_OK;
}

static nas_status describe(running *x, const nas_graph *g) {
    nas_text yaml = {0};
    char hash[32];
    nas_status st;
    NAS_GO(cli_costs_of(&x->costs, g));
    NAS_GO(nas_space_network(&yaml, x->r->space, &x->t.genome));
    NAS_GO(attr_text(x, "network", nas_text_str(&yaml)));
    NAS_GO(attr_number(x, "params", (double)x->costs.params));
    NAS_GO(attr_number(x, "macs", (double)x->costs.macs));
    snprintf(hash, sizeof hash, "%016" PRIx64, x->costs.hash);
    NAS_GO(attr_text(x, "hash", hash));
done:
    nas_text_free(&yaml);
    return st;
}

static void fail_trial(running *x, const char *why) {
    x->t.state = NAS_TRIAL_FAIL;
    snprintf(x->reason, sizeof x->reason, "%s", why);
}

/* Measures and trains in the worker, then judges and keeps what came of it in x. */
static nas_status evaluate(running *x, const nas_graph *g) {
    job j = {.kind = JOB_TRIAL, .trial = x->t.number, .genome = x->t.genome};
    news done;
    NAS_TRY(study_job(&done, x->r, &j, x->r->config.trial_seconds, on_news, x));
    NAS_TRY(x->kept);
    if (done.status != NAS_OK) {
        fail_trial(x, done.text);
        return NAS_OK;
    }
    if (!isnan(x->latency))
        NAS_TRY(attr_number(x, "latency_s", x->latency));
    NAS_TRY(judge(x, g));
    NAS_TRY(fill_objectives(x, g));
    x->t.state = isnan(x->error) && x->t.violation > 0 ? NAS_TRIAL_PRUNED : NAS_TRIAL_COMPLETE;
    return NAS_OK;
}

static nas_status tell(study_run *r, const nas_trial *t) {
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

static nas_status run_trial(study_run *r, uint32_t number, const nas_genome *genome) {
    running x = {.r = r,
                 .t = {.number = number, .genome = *genome, .started = now()},
                 .latency = (double)NAN,
                 .error = (double)NAN,
                 .loss = (double)NAN,
                 .clock = nas_clock()};
    nas_graph *g = NULL;
    bool twin = false;
    nas_status st;
    NAS_GO(nas_store_begin(r->store, number, r->space, genome));
    if (nas_space_graph(&g, r->space, genome, 1) != NAS_OK) {
        fail_trial(&x, nas_error_text());
    } else {
        NAS_GO(describe(&x, g));
        NAS_GO(judge(&x, g));
        if (x.t.violation > 0)
            x.t.state = NAS_TRIAL_PRUNED;
        else
            NAS_GO(find_twin(&twin, &x));
        if (x.t.violation <= 0 && !twin)
            NAS_GO(evaluate(&x, g));
    }
    x.t.ended = now();
    NAS_GO(nas_store_end(r->store, &x.t, x.reason[0] ? x.reason : NULL));
    NAS_GO(tell(r, &x.t));
    r->ended++;
    say_end(&x);
done:
    nas_graph_free(g);
    return st;
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
    return tell(r, &old);
}

nas_status study_trials(study_run *r) {
    r->started = nas_clock();
    r->best_error = (double)NAN;
    for (uint32_t k = 0; k < r->config.trials; k++) {
        nas_genome genome;
        bool had;
        nas_status st = nas_strategy_ask(&genome, r->strategy, k);
        if (st == NAS_E_NOT_FOUND) {
            talk_line("the space has no more networks after %u trials", k);
            return NAS_OK;
        }
        NAS_TRY(st);
        NAS_TRY(replay(&had, r, k, &genome));
        if (had) {
            r->done_before++;
            continue;
        }
        if (*cli_stop())
            return nas_fail(NAS_E_STOPPED, "stopped");
        if (r->config.max_seconds > 0 && nas_clock() - r->started > r->config.max_seconds) {
            talk_line("budget.seconds is used up after %u trials", k);
            return NAS_OK;
        }
        if (r->done_before && !r->ended && k == r->done_before)
            talk_line("going on after %u trials", k);
        NAS_TRY(run_trial(r, k, &genome));
    }
    return NAS_OK;
}
