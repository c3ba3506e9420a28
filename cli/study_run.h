/* cli/study_run.h - the loop of a study: ask, price, train in the worker, tell, keep. */
#ifndef NAS_CLI_STUDY_RUN_H
#define NAS_CLI_STUDY_RUN_H

#include "study_price.h"
#include "view.h"
#include "worker.h"

typedef struct study_run {
    nas_study_config config;
    nas_space *space;
    nas_store *store;
    nas_strategy *strategy;
    study_table *table;   /* results are looked up; NULL: networks are trained */
    study_prices prices;  /* what the strategy may ask */
    worker_study shared;  /* what the worker knows */
    worker *worker;       /* NULL until it is needed */
    const char *dir;      /* run folder */
    double started;       /* clock */
    uint32_t done_before; /* trials that had ended when this run began */
    uint32_t ended;       /* trials that ended in this run */
    double best_error;    /* first objective's best so far, feasible trials */
} study_run;

/* All trials of the budget; goes on where the store stands. E_STOPPED on Ctrl-C. */
nas_status study_trials(study_run *r);
/* study_tabular.c: the same for a study on a table. */
nas_status study_tabular(study_run *r);
/* Trains the chosen models of the front on all training images and tests them once. */
nas_status study_retrain(study_run *r, const uint32_t *trial, uint32_t n);

/* worker_jobs.c: runs one job to its end in the worker, restarting it when it dies. `on` gets every
 * message. limit_s 0: no limit. E_STOPPED when Ctrl-C was pressed. */
nas_status study_job(news *done, study_run *r, const job *j, double limit_s,
                     void (*on)(void *ctx, const news *n), void *ctx);

#endif
