/* cli/cmd_worker.c - clnas worker: one more machine for a study whose store is on a server. */
#include "study_run.h"

#include <math.h>
#include <string.h>
#include <unistd.h>

static const double listen_s = 0.2, wait_s = 1, patience_s = 3600, grace_s = 3;

typedef struct helper {
    study_run r; /* config, space, store, what the child knows; no strategy */
    slot slot;
    char name[160]; /* host, process and start: never used twice */
    const char *url, *study, *data;
    uint32_t trial;
    share_result result;
    bool mine;   /* the trial is still ours */
    double beat; /* clock of the last sign of life */
    uint32_t done;
} helper;

static void name_self(helper *h) {
    char host[96] = "";
    gethostname(host, sizeof host - 1);
    snprintf(h->name, sizeof h->name, "%s/%ld/%.6f", host, (long)getpid(), nas_clock());
}

static bool pause_s(double s) {
    for (double until = nas_clock() + s; nas_clock() < until && !*cli_stop();)
        slots_wait(NULL, 0, 0.05);
    return !*cli_stop();
}

/* A server or a study that is not there yet may come: machines start in any order. */
static nas_status join(helper *h, double idle_s) {
    double patience = idle_s > 0 && idle_s < patience_s ? idle_s : patience_s;
    double wait = 0.5, until = nas_clock() + patience;
    for (bool said = false;;) {
        nas_status st = nas_store_open_read(&h->r.store, h->url, h->study);
        if (st == NAS_OK) {
            char *json = NULL;
            st = nas_store_get_study_attr(&json, h->r.store, "settings");
            nas_free(json);
            if (st == NAS_OK)
                return NAS_OK;
            nas_store_close(h->r.store);
            h->r.store = NULL;
        }
        if ((st != NAS_E_STORE && st != NAS_E_NOT_FOUND) || nas_clock() > until)
            return st;
        if (!said)
            talk_line("%s; waiting for it", nas_error_text());
        said = true;
        if (!pause_s(wait))
            return nas_fail(NAS_E_STOPPED, "stopped");
        wait = wait < 15 ? 2 * wait : 15;
    }
}

static nas_status keep_alive(helper *h) {
    if (nas_clock() - h->beat < h->r.config.heartbeat)
        return NAS_OK;
    NAS_TRY(nas_store_beat(&h->mine, h->r.store, h->trial, h->name));
    h->beat = nas_clock();
    return NAS_OK;
}

static nas_status on_news(helper *h, const news *n) {
    char rate[TALK_TEXT];
    if (n->kind == NEWS_DEVICE) {
        talk_line("device: %s", n->text);
    } else if (n->kind == NEWS_PROGRESS) {
        talk_live("trial %u  epoch %d/%d %3.0f %%  loss %.3f  %s images/s", h->trial, n->epoch,
                  n->epochs, 100 * n->a, n->c, talk_count(rate, n->b));
    } else if (n->kind == NEWS_EPOCH) {
        h->result.error = n->a;
        h->result.loss = n->b;
        return nas_store_intermediate(h->r.store, h->trial, (uint32_t)n->epoch, n->a);
    }
    return NAS_OK;
}

static nas_status hand_in(helper *h) {
    nas_text json = {0};
    nas_status st;
    bool kept;
    snprintf(h->result.device, sizeof h->result.device, "%s", h->slot.name);
    share_write(&json, &h->result);
    NAS_GO(nas_text_check(&json));
    NAS_GO(nas_store_hand_in(&kept, h->r.store, h->trial, h->name, nas_text_str(&json)));
    h->done += kept;
    if (!kept)
        talk_line("trial %u was given to another worker meanwhile", h->trial);
    else if (h->result.done.status == NAS_OK)
        talk_line("trial %u: error %.2f %%, %.1f s", h->trial, 100 * h->result.error,
                  nas_clock() - h->slot.since);
    else
        talk_line("trial %u failed: %s", h->trial, h->result.done.text);
done:
    nas_text_free(&json);
    return st;
}

/* Trains the trial that was taken, to its end, its loss to another, or a stop. */
static nas_status train(helper *h, const nas_genome *genome) {
    job j = {.kind = JOB_TRIAL, .trial = h->trial, .genome = *genome};
    h->result = (share_result){.error = (double)NAN, .loss = (double)NAN};
    h->mine = true;
    h->beat = nas_clock();
    NAS_TRY(slot_give(&h->slot, &h->r.shared, &j));
    while (h->slot.busy && h->mine) {
        if (*cli_stop())
            return nas_fail(NAS_E_STOPPED, "stopped");
        slots_wait(&h->slot, 1, listen_s);
        while (h->mine && slot_news(&h->result.done, &h->slot, h->r.config.trial_seconds))
            NAS_TRY(on_news(h, &h->result.done));
        NAS_TRY(keep_alive(h));
    }
    if (!h->mine) {
        talk_line("trial %u was given to another worker", h->trial);
        slot_end(&h->slot, 0);
        return NAS_OK;
    }
    bool gone = slot_judge(&h->slot, &h->result.done);
    char why[400];
    snprintf(why, sizeof why, "%s", h->result.done.text);
    bool stopped = h->result.done.status == NAS_E_STOPPED;
    if (stopped)
        slot_end(&h->slot, grace_s);
    if (h->result.done.unopened || stopped)
        NAS_TRY(nas_store_give_back(h->r.store, h->trial, h->name));
    else
        NAS_TRY(hand_in(h));
    return gone ? nas_fail(NAS_E_DEVICE, "device %s is given up after %d failures in a row: %s",
                           h->slot.device, SLOT_FAULTS, why)
                : NAS_OK;
}

static nas_status help(helper *h, double idle_s) {
    double idle_since = nas_clock();
    for (;;) {
        nas_genome genome;
        bool got;
        if (*cli_stop())
            return nas_fail(NAS_E_STOPPED, "stopped");
        NAS_TRY(nas_store_take(&got, &h->trial, &genome, h->r.store, h->name, true));
        if (got) {
            NAS_TRY(train(h, &genome));
            idle_since = nas_clock();
            continue;
        }
        if (share_is_finished(h->r.store)) {
            talk_line("the study is finished");
            return NAS_OK;
        }
        if (idle_s > 0 && nas_clock() - idle_since > idle_s) {
            talk_line("nothing to do for %g s", idle_s);
            return NAS_OK;
        }
        talk_live("waiting for a trial");
        pause_s(wait_s);
    }
}

static void leave(helper *h) {
    bool held = h->slot.busy && h->r.store;
    slot_end(&h->slot, grace_s);
    if (held && h->mine && nas_store_give_back(h->r.store, h->trial, h->name) == NAS_OK)
        talk_line("trial %u is left to another worker", h->trial);
    nas_store_close(h->r.store);
    nas_space_free(h->r.space);
    nas_study_config_free(&h->r.config);
}

static int run(cli_args *a) {
    helper h = {.url = a->word[0], .study = cli_get(a, "study"), .data = cli_get(a, "data")};
    int64_t idle = 0;
    if (!nas_store_is_url(h.url))
        return cli_usage(a,
                         "'%s' is no address of a store; it looks like "
                         "postgresql://HOST/DATABASE",
                         h.url);
    if (!cli_get_int(&idle, a, "idle", 1, 1000000000))
        return CLI_USAGE;
    snprintf(h.slot.device, sizeof h.slot.device, "%s",
             cli_has(a, "device") ? cli_get(a, "device") : "auto");
    talk_quiet(cli_has(a, "quiet"));
    cli_catch_signals();
    name_self(&h);
    nas_status st = join(&h, (double)idle);
    if (st == NAS_OK) {
        nas_store_patience(h.r.store, patience_s, cli_stop());
        st = share_read(&h.r, h.data);
    }
    if (st == NAS_OK) {
        talk_line("working for study %s", h.r.config.name);
        st = help(&h, (double)idle);
    }
    talk_end();
    uint32_t done = h.done;
    leave(&h);
    if (st == NAS_OK || st == NAS_E_STOPPED) {
        talk_line("%u trial%s done", done, done == 1 ? "" : "s");
        return CLI_OK;
    }
    return cli_fail(a);
}

static const cli_option options[] = {
    {"device", "SPEC", "where to train: number, type or part of the name (clnas devices)"},
    {"data", "DIR", "where the study's images are on this machine"},
    {"study", "NAME", "which study of the database (default: the first)"},
    {"idle", "S", "leave when there was nothing to do for so long (default: at the study's end)"},
    {"quiet", NULL, "say nothing"},
    {NULL, NULL, NULL}};
extern const cli_command cmd_worker;
const cli_command cmd_worker = {
    .name = "worker",
    .synopsis = "postgresql://HOST/DATABASE [--device SPEC] [--data DIR]",
    .about = "one more machine for a running study (docs/cluster.md)",
    .example = "clnas worker postgresql://nas@server/studies --device gpu",
    .options = options,
    .min_words = 1,
    .max_words = 1,
    .run = run};
