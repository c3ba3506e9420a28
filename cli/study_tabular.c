/* cli/study_tabular.c - the trials of a study on a table: ask, look up, tell, keep. No device, no
 * data. */
#include "study_run.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

/* Sum of the relative violations; the first is said in reason. */
static double judge(char *reason, size_t size, const nas_study_config *c, const study_row *row) {
    double sum = 0;
    for (uint32_t i = 0; i < c->n_constraints; i++) {
        double limit, over = study_violation(&limit, &c->constraint[i], row->constraint[i]);
        if (over > 0 && sum == 0)
            snprintf(reason, size, "%s %g breaks the limit of %g", c->constraint[i].measure.name,
                     row->constraint[i], limit);
        sum += over;
    }
    return sum;
}

/* What the store keeps of a trial beside its objectives. */
static nas_status describe(study_run *r, uint32_t trial, const nas_genome *x, const char *arch,
                           const study_row *row) {
    const nas_study_config *c = &r->config;
    nas_text yaml = {0};
    nas_status st;
    NAS_GO(nas_space_network(&yaml, r->space, x));
    NAS_GO(trial_text(r, trial, "network", nas_text_str(&yaml)));
    NAS_GO(trial_text(r, trial, "arch", arch));
    for (uint32_t i = 0; i < c->n_reports; i++)
        NAS_GO(trial_number(r, trial, c->report[i].name, row->report[i]));
done:
    nas_text_free(&yaml);
    return st;
}

static nas_status tell(study_run *r, const nas_trial *t) {
    nas_point p = {.trial = t->number,
                   .genome = t->genome,
                   .failed = t->state != NAS_TRIAL_COMPLETE,
                   .violation = t->violation};
    memcpy(p.objective, t->objective, sizeof p.objective);
    if (t->state == NAS_TRIAL_COMPLETE && t->violation <= 0 && !(t->objective[0] >= r->best_error))
        r->best_error = t->objective[0];
    return nas_strategy_tell(r->strategy, &p);
}

static void say_row(const study_run *r, const nas_trial *t, const char *reason) {
    nas_text line = {0};
    nas_text_add(&line, "[%u/%u] trial %u: ", t->number + 1, r->config.trials, t->number);
    for (uint32_t i = 0; t->state == NAS_TRIAL_COMPLETE && i < r->config.n_objectives; i++)
        nas_text_add(&line, "%s%s %.6g", i ? ", " : "", r->config.objective[i].name,
                     t->objective[i]);
    if (reason[0])
        nas_text_add(&line, "%s%s%s", t->state == NAS_TRIAL_COMPLETE ? " (" : "failed: ", reason,
                     t->state == NAS_TRIAL_COMPLETE ? ")" : "");
    nas_text_add(&line, ", best %.6g", r->best_error);
    if (t->state == NAS_TRIAL_COMPLETE)
        talk_live("%s", nas_text_str(&line));
    else
        talk_line("%s", nas_text_str(&line));
    nas_text_free(&line);
}

static nas_status run_trial(study_run *r, uint32_t number, const nas_genome *x) {
    nas_trial t = {
        .number = number, .genome = *x, .started = nas_time(), .state = NAS_TRIAL_COMPLETE};
    study_row row;
    nas_text arch = {0};
    char reason[420] = "";
    nas_status st;
    NAS_GO(nas_store_begin(r->store, number, r->space, x));
    st = study_look_up(&row, &arch, &r->prices, x);
    if (st == NAS_E_NOT_FOUND || st == NAS_E_NAN) {
        t.state = NAS_TRIAL_FAIL;
        snprintf(reason, sizeof reason, "%s", nas_error_text());
    } else {
        NAS_GO(st);
        NAS_GO(describe(r, number, x, nas_text_str(&arch), &row));
        t.violation = judge(reason, sizeof reason, &r->config, &row);
        memcpy(t.objective, row.objective, sizeof t.objective);
    }
    t.ended = nas_time();
    NAS_GO(nas_store_end(r->store, &t, reason[0] ? reason : NULL));
    NAS_GO(tell(r, &t));
    r->ended++;
    say_row(r, &t, reason);
    st = study_keep_time(r, false);
done:
    nas_text_free(&arch);
    return st;
}

/* True when trial `number` had ended in an earlier run and was told again. */
static nas_status replay(bool *had, study_run *r, uint32_t number, const nas_genome *x) {
    nas_trial old;
    *had = false;
    if (number >= nas_store_trial_count(r->store))
        return NAS_OK;
    NAS_TRY(nas_store_trial(&old, r->store, number));
    if (old.state == NAS_TRIAL_RUNNING || old.state == NAS_TRIAL_WAITING)
        return NAS_OK;
    if (old.genome.n != x->n || memcmp(old.genome.gene, x->gene, x->n * sizeof *x->gene) != 0)
        return nas_fail(NAS_E_STORE,
                        "trial %u in the store is not the one that this seed gives; the run was "
                        "made by another version, take a new --out",
                        number);
    *had = true;
    r->done_before++;
    return tell(r, &old);
}

static nas_status look_all_up(study_run *r) {
    for (uint32_t k = 0; k < r->config.trials; k++) {
        nas_genome x;
        bool had;
        nas_status st = nas_strategy_ask(&x, r->strategy, k);
        if (st == NAS_E_NOT_FOUND) {
            talk_line("the space has no more networks after %u trials", k);
            return NAS_OK;
        }
        NAS_TRY(st);
        NAS_TRY(replay(&had, r, k, &x));
        if (had)
            continue;
        if (*cli_stop())
            return nas_fail(NAS_E_STOPPED, "stopped");
        if (r->config.max_seconds > 0 && study_time(r) > r->config.max_seconds) {
            talk_line("budget.seconds is used up after %u trials", k);
            return NAS_OK;
        }
        NAS_TRY(run_trial(r, k, &x));
    }
    return NAS_OK;
}

nas_status study_tabular(study_run *r) {
    NAS_TRY(study_begin(r));
    nas_status st = look_all_up(r);
    if (st == NAS_OK || st == NAS_E_STOPPED) {
        nas_status kept = study_keep_time(r, true);
        st = st == NAS_OK ? kept : st;
    }
    return st;
}
