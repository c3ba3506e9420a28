/* cli/study_run.h - the loop of a study: ask, price, measure and train in workers, tell, keep. */
#ifndef NAS_CLI_STUDY_RUN_H
#define NAS_CLI_STUDY_RUN_H

#include "slot.h"
#include "study_price.h"
#include "view.h"

enum { MAX_SLOTS = 17, MAX_OPEN = 64 }; /* devices and one that only measures; trials at once */

typedef enum trial_phase {
    PHASE_MEASURE, /* waits for its latency on the study's device */
    PHASE_TWIN,    /* waits for an earlier trial with the same network */
    PHASE_OFFERED, /* waits for a worker, or a worker has it */
    PHASE_ENDED,
} trial_phase;

typedef struct study_run study_run;

/* One trial from begin to end. */
typedef struct running {
    study_run *r;
    nas_trial t;
    trial_phase phase;
    nas_graph *graph; /* NULL: it could not be built */
    cli_costs costs;
    uint32_t twin;      /* PHASE_TWIN: of which trial */
    double latency;     /* measured; NAN: not yet */
    double error, loss; /* validation, of the newest epoch; NAN: none */
    char reason[420];   /* why it failed or was not trained */
    double clock;       /* when it began */
} running;

/* What stands for the network of a trial that ended or runs. */
typedef struct study_hash {
    uint64_t hash;
    uint32_t trial;
    bool useless; /* it failed or was not trained: nothing to copy */
} study_hash;

struct study_run {
    nas_study_config config;
    nas_space *space;
    nas_store *store;
    nas_strategy *strategy;
    study_table *table;   /* results are looked up; NULL: networks are trained */
    study_prices prices;  /* what the strategy may ask */
    worker_study shared;  /* what the workers know */
    slot slot[MAX_SLOTS]; /* the first measures latency */
    uint32_t n_slots;
    const char *dir;         /* run folder */
    char device[256];        /* where latency is measured, as it calls itself; "": it is not */
    double started;          /* clock */
    double before;           /* seconds that earlier runs took */
    double kept;             /* clock: when the time spent was last written */
    uint32_t done_before;    /* trials that had ended when this run began */
    uint32_t ended;          /* trials that ended in this run */
    double best_error;       /* first objective's best so far, feasible trials */
    running *open[MAX_OPEN]; /* by rising number */
    uint32_t n_open, next;   /* next: the trial to be asked for */
    bool exhausted;          /* nothing more will be asked for */
    study_hash *hash;
    size_t n_hash, hash_cap;
    double looked, reclaimed; /* clock: when the store was asked for results, for the dead */
};

/* All trials of the budget; goes on where the store stands. E_STOPPED on Ctrl-C. */
nas_status study_trials(study_run *r);
/* study_tabular.c: the same for a study on a table. */
nas_status study_tabular(study_run *r);
/* Of both: reads what earlier runs took. Seconds of all runs, for budget.seconds; kept in the store
 * with a trial's end, at most once a second unless at_once. */
nas_status study_begin(study_run *r);
double study_time(const study_run *r);
nas_status study_keep_time(study_run *r, bool at_once);
/* Trains the chosen models of the front on all training images and tests them once. */
nas_status study_retrain(study_run *r, const uint32_t *trial, uint32_t n);
/* Makes the slots that the study's devices call for, and ends them. */
void study_slots(study_run *r);
void study_slots_end(study_run *r);

/* study_workers.c: how many processes train, where the settings leave it open. E_STOPPED on Ctrl-C.
 */
nas_status study_workers(study_run *r);

/* cmd_search.c: fills r->shared from the settings; checks the training settings and every device
 * name at once. */
nas_status study_shared(study_run *r);
/* Opens and splits the data; *record tells, as JSON, which images are held out. */
nas_status study_split(nas_text *record, const study_run *r);

/* study_settings.c: appends what must be the same when a study goes on. */
void study_fingerprint(nas_text *t, const study_run *r);
/* Keeps the settings in the store and the run folder, from where they make the same study again. */
nas_status study_keep_settings(const study_run *r, const nas_text *held_out);

/* study_end.c: retrains the chosen models, prints the tables, draws. */
nas_status study_end(study_run *r, const cli_args *a);
/* E_NOT_FOUND, with the commonest reason, when no trial is COMPLETE. */
nas_status study_found(const study_run *r);

/* study_retrain.c: asks the device that measures latency which it is, into r->device. */
nas_status study_look(study_run *r);
/* study_retrain.c: runs one job on the study's device to its end. `on` gets every message.
 * E_STOPPED when Ctrl-C was pressed. */
nas_status study_job(news *done, study_run *r, const job *j, void (*on)(void *ctx, const news *n),
                     void *ctx);

/* ---- study_trial.c: one trial ---- */

/* Begins trial `number` in the store and finds out what needs no device; says in *x->phase what it
 * waits for. The caller frees. */
nas_status trial_begin(running **out, study_run *r, uint32_t number, const nas_genome *genome);
void trial_free(running *x);
/* Attributes of a trial. */
nas_status trial_text(study_run *r, uint32_t trial, const char *key, const char *value);
nas_status trial_number(study_run *r, uint32_t trial, const char *key, double value);
/* After its latency is known: offers it, or prunes it. */
nas_status trial_measured(running *x);
/* After training, or a failure of it (status, text of done); ends it. */
nas_status trial_trained(running *x, const news *done);
/* When the trial that it waited for has ended. */
nas_status trial_twin_ended(running *x);
/* Tells the strategy of a trial that has ended. */
nas_status trial_tell(study_run *r, const nas_trial *t);
/* Remembers a trial of the store for find-a-twin. */
nas_status trial_remember(study_run *r, const nas_trial *t);

/* ---- study_talk.c ---- */

void study_say_end(const running *x);
void study_say_progress(const study_run *r);

/* ---- study_share.c: a study that other machines work for ---- */

/* Keeps settings, space and held-out images where workers read them. */
nas_status share_settings(const study_run *r, const nas_text *yaml, const nas_text *held_out);
/* Reads settings and space of the study in r->store; data NULL: the images are where the study has
 * them. E_DATA when other images come out as held out. */
nas_status share_read(study_run *r, const char *data);
nas_status share_finished(const study_run *r, bool finished);
bool share_is_finished(nas_store *s);
/* What a worker made of a trial, as the store carries it. */
typedef struct share_result {
    news done; /* status, text */
    double error, loss;
    char device[128];
} share_result;
void share_write(nas_text *out, const share_result *x);
nas_status share_parse(share_result *out, const char *json);

#endif
