/* include/nas/search.h - strategies (ask and tell), Pareto tools, the study file and the study store.
 * Objectives are minimised, always.
 */
#ifndef NAS_SEARCH_H
#define NAS_SEARCH_H

#include <nas/space.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- Pareto tools: pure functions; obj is n rows of m objectives, row-major, minimised ------------- */

/* a dominates b: no worse in each, better in one. */
bool nas_dominates(const double *a, const double *b, uint32_t m);
/* rank[i] = 0 for the non-dominated rows, 1 for those that only rank 0 dominates, … (Deb et al. 2002).
 * violation: one number >= 0 a row (0: feasible), or NULL; feasible rows come before infeasible ones,
 * those by smaller violation. NaN objectives rank behind all. E_MEMORY. */
nas_status nas_pareto_rank(uint32_t *rank, const double *obj, const double *violation, uint32_t n, uint32_t m) NAS_MUST_USE;
/* Crowding distance within the rows of equal rank; INFINITY at the ends. */
nas_status nas_crowding(double *distance, const double *obj, const uint32_t *rank, uint32_t n, uint32_t m) NAS_MUST_USE;
/* Exact hypervolume of what the rows dominate up to ref: sweep in 2-D, slices in 3-D, WFG above
 * (While et al. 2012). Rows not better than ref in each objective add nothing. */
nas_status nas_hypervolume(double *out, const double *obj, uint32_t n, uint32_t m, const double *ref) NAS_MUST_USE;
/* IGD+ (Ishibuchi et al. 2015): mean over the rows of `reference` of the distance to the nearest row of
 * obj, counting only what that row is worse in. 0: every reference row is reached; INFINITY: obj has no
 * row. Rows with NaN are passed over. Scale the objectives first when their units differ. */
double nas_igd_plus(const double *obj, uint32_t n, const double *reference, uint32_t n_reference, uint32_t m);
/* Additive epsilon (Zitzler et al. 2003): the smallest amount that, taken off every objective of obj,
 * makes some row no worse than each row of `reference`. Below 0: obj is better everywhere. */
double nas_epsilon_additive(const double *obj, uint32_t n, const double *reference, uint32_t n_reference, uint32_t m);

/* ---- strategies --------------------------------------------------------------------------------------- */

enum { NAS_MAX_OBJECTIVES = 8 };

/* A finished trial, as a strategy is told of it. */
typedef struct nas_point {
    uint32_t trial;
    nas_genome genome;
    bool failed;               /* no objectives: NaN loss, crash, too big */
    double objective[NAS_MAX_OBJECTIVES]; /* INFINITY where it was not measured: too much violated */
    double violation;          /* sum of relative constraint violations; 0: feasible */
} nas_point;

typedef struct nas_strategy nas_strategy;

/* Settings of single strategies; 0 means the strategy's own default. docs/strategies.md says which
 * strategy takes which, what they do and what the defaults are. The names are the keys of a study's
 * `strategy:` map. */
typedef struct nas_strategy_numbers {
    double sample;        /* aging_evolution: how many of the population compete to be the parent */
    double learning_rate; /* reinforce, ppo, q_learning */
    double baseline;      /* reinforce, ppo: share of the old baseline that is kept by each reward */
    double entropy;       /* reinforce, ppo: weight of the policy's entropy */
    double clip;          /* ppo: how far the ratio of probabilities may leave 1 */
    double passes;        /* ppo: steps on one batch */
    double batch;         /* trials that are proposed from the same results: workers that are served */
    double exploration;   /* q_learning: share of random choices at the end of the schedule */
    double alpha;         /* MONAS' mixed reward: weight of the first objective, 0 to 1 */
    double threshold;     /* MONAS' threshold form: limit on the second objective */
    double neighbours;    /* moead: subproblems that mate with each other */
    double divisions;     /* nsga3, moead: parts of an axis of the reference points */
    double steps;         /* curriculum: stages from the smallest networks to the whole space */
} nas_strategy_numbers;

/* What is known of a network without training it. objective: n_objectives values, NAN where training
 * or measuring is needed. violation: sum of the relative violations of the constraints that can be
 * judged, INFINITY for a network that cannot be built. The same genome always gives the same answer. */
typedef nas_status (*nas_price_fn)(void *ctx, const nas_genome *x, double *objective, double *violation);

typedef struct nas_strategy_options {
    uint32_t n_objectives;
    uint64_t seed;
    uint32_t population;       /* strategies with a population: 0 means their default (nsga2: 20) */
    double crossover, mutation; /* evolution: 0 means the default (nsga2: .9 and 1/genes) */
    nas_strategy_numbers numbers;
    uint32_t budget;           /* trials that will be asked for, as far as is known; 0: unknown */
    nas_price_fn price;        /* NULL: nothing is known before training */
    void *price_ctx;           /* must live as long as the strategy */
} nas_strategy_options;

/* name: one of nas_strategy_names. E_NOT_FOUND names the nearest. The space is borrowed. */
nas_status nas_strategy_create(nas_strategy **out, const char *name, const nas_space *s, const nas_strategy_options *o) NAS_MUST_USE;
void nas_strategy_free(nas_strategy *t);
const char *const *nas_strategy_names(void);
/* Which strategy this is; of "auto" the one that was picked. */
const char *nas_strategy_name(const nas_strategy *t);
/* The genome of trial number `trial` (0, 1, 2 … in this order). It depends on seed, trial and the
 * points told of trials below nas_strategy_horizon(trial) only, so any number of workers and any stop
 * give the same study. Never one that was asked before (E_NOT_FOUND: the space is exhausted). */
nas_status nas_strategy_ask(nas_genome *out, nas_strategy *t, uint32_t trial) NAS_MUST_USE;
/* All trials below this number must have been told before `trial` may be asked for. */
uint32_t nas_strategy_horizon(const nas_strategy *t, uint32_t trial);
nas_status nas_strategy_tell(nas_strategy *t, const nas_point *p) NAS_MUST_USE; /* in any order */

/* ---- study file --------------------------------------------------------------------------------------- */

/* An objective or constraint by name:
 *   error             1 - validation accuracy
 *   loss              validation loss
 *   params, macs      counts of the network, MACs at batch 1
 *   memory            peak bytes of inference at batch 1 by the runtime's plan (parameters included)
 *   latency           seconds measured on the study's device at latency.batch (default 1)
 *   latency@NAME, energy@NAME, memory@NAME   by the cost model of device NAME
 * A study's trained quantities are error and loss; everything else is known before training. */
typedef struct nas_measure {
    char name[1024];   /* the whole text, unique in a study: "latency@raspberry-pi-4" */
    char quantity[16]; /* what stands before '@': "latency" */
    char device[1024]; /* "" or what stands behind '@'; a path in a study file starts at the file's folder */
    bool needs_training;
    const char *unit;  /* "", "s", "J", "B" */
    char expression[256]; /* of a study on a table: what is worked out from its columns; else "" */
} nas_measure;
nas_status nas_measure_parse(nas_measure *out, const char *text) NAS_MUST_USE;
/* A measure of a study on a table: quantity "column". It counts as known before training where its
 * name begins with latency, energy, memory, params, macs or flops. E_PARSE: a text is too long. */
nas_status nas_measure_column(nas_measure *out, const char *name, const char *expression) NAS_MUST_USE;

typedef struct nas_constraint {
    nas_measure measure;
    double min, max; /* -INFINITY, INFINITY when open */
} nas_constraint;

enum { NAS_MAX_CONSTRAINTS = 16, NAS_MAX_REPORTS = 8 };
typedef struct nas_study_config {
    char name[128];
    char space[1024];            /* built-in name or path (made relative to the study file) */
    char data[1024];
    char table[1024];            /* results are looked up in this file, nothing is trained; "": no */
    char table_key[64];          /* its column with the networks' names (nas_space_arch) */
    uint32_t n_reports;          /* columns that are kept with each trial, beside the objectives */
    nas_measure report[NAS_MAX_REPORTS];
    uint32_t validation, train_images; /* held out of the training part; limit for a trial (0: all) */
    bool resize;                       /* images of a set of another size are brought to the network's */
    uint32_t n_objectives, n_constraints;
    nas_measure objective[NAS_MAX_OBJECTIVES];
    nas_constraint constraint[NAS_MAX_CONSTRAINTS];
    char strategy[32];
    uint32_t population;
    double crossover, mutation;
    nas_strategy_numbers numbers; /* the other keys of the map `strategy` */
    uint32_t trials;             /* budget */
    double max_seconds;          /* 0: none; no trial is started after so much time */
    uint64_t seed;
    char device[128];            /* where latency is measured; trials too unless devices says else */
    uint32_t n_devices;          /* 0: trials are trained on `device` */
    char devices[16][128];
    uint32_t workers;            /* processes that train, one for each of devices when there are any */
    bool workers_given;          /* false: 1 stands for "as many as are fastest" */
    char store[1024];            /* address of a server's database; "": study.db in the run folder */
    double heartbeat;            /* seconds between signs of life of workers on other machines */
    int32_t latency_batch;
    double trial_seconds;        /* a trial that runs longer fails; 0: none */
    uint32_t retrain_models;     /* how many of the front are trained fully at the end; 0: none, as by default
                                  * where no trial is trained */
    uint32_t n_price_on;         /* device files on which the chosen models are priced at the end */
    char price_on[4][1024];
    const nas_yaml_node *train, *retrain; /* maps for nas_train_config; NULL: defaults */
    nas_yaml *doc;
} nas_study_config;
/* overrides: n pairs "path", "value" ("budget.trials", "40"), put over the file's. path NULL: defaults
 * and overrides only. Unknown keys name the nearest. docs/study.md is the manual. */
nas_status nas_study_read(nas_study_config *out, const char *path, const char *const *overrides, size_t n) NAS_MUST_USE;
void nas_study_config_free(nas_study_config *c);
/* Whether trials are trained: an objective or a constraint needs it, and no table has the results. */
bool nas_study_trains(const nas_study_config *c);
/* Whether images are needed, for trials or for the models at the end. */
bool nas_study_needs_images(const nas_study_config *c);

/* ---- study store: Optuna's layout, in an SQLite file or on a PostgreSQL server --------------------------- */

typedef struct nas_store nas_store;

typedef enum nas_trial_state { /* Optuna's TrialState */
    NAS_TRIAL_RUNNING, NAS_TRIAL_COMPLETE, NAS_TRIAL_PRUNED, NAS_TRIAL_FAIL, NAS_TRIAL_WAITING
} nas_trial_state;

/* Creates the file and the study, or opens it. A path that begins with postgresql:// or postgres:// is
 * the address of a server's database (E_UNSUPPORTED where the build has no libpq); one database may
 * keep many studies, a file keeps one. `fingerprint` is a text that must be the same when a
 * study goes on (space text, objectives, seed, strategy, data …): E_EXISTS says which line differs, or
 * what other study is in the file. One process writes, under a lock on PATH.lock that ends with it
 * (E_STORE names the holder), or under an advisory lock of the server that ends with the session;
 * readers may look at any time. A child made by fork must not use or close the parent's store. */
nas_status nas_store_open(nas_store **out, const char *path, const char *study_name, const nas_study_config *c,
                          const char *fingerprint) NAS_MUST_USE;
bool nas_store_is_url(const char *path);
/* For looking, or for a worker; study_name NULL: the first study in it. E_NOT_FOUND when there is none.
 * A file is opened for reading only. */
nas_status nas_store_open_read(nas_store **out, const char *path, const char *study_name) NAS_MUST_USE;
/* How long a server that went away is waited for (0: not at all, as at first), with ever longer pauses;
 * log lines say so. What was under way is then done again from its start, and nothing twice. *stop
 * non-zero (may be NULL) ends the wait with E_STOPPED. A store in a file never waits. */
void nas_store_patience(nas_store *s, double seconds, const volatile int *stop);
void nas_store_close(nas_store *s);

/* A trial as it is kept: a value that holds nothing of the store. */
typedef struct nas_trial {
    uint32_t number;
    nas_trial_state state;
    nas_genome genome;
    double objective[NAS_MAX_OBJECTIVES];
    double violation;
    double started, ended; /* seconds since 1970 */
} nas_trial;

/* Begins trial `number` (one transaction): its genes as params (categorical; inactive ones are left
 * out), and every gene in the attribute "genome", exactly. The number is the next one (the count), or
 * that of a trial that is WAITING or RUNNING, which then starts from nothing; E_EXISTS when a worker
 * elsewhere runs it. */
nas_status nas_store_begin(nas_store *s, uint32_t number, const nas_space *sp, const nas_genome *x) NAS_MUST_USE;
nas_status nas_store_intermediate(nas_store *s, uint32_t number, uint32_t step, double value) NAS_MUST_USE;
/* Attributes: values are JSON texts. Names used by clnas: network, hash, params, macs, latency_s,
 * test_accuracy, model, reason, source. */
nas_status nas_store_attr(nas_store *s, uint32_t number, const char *key, const char *json) NAS_MUST_USE;
nas_status nas_store_study_attr(nas_store *s, const char *key, const char *json) NAS_MUST_USE;
/* Ends a trial (COMPLETE, PRUNED, FAIL) with everything in one transaction. reason may be NULL. Only
 * COMPLETE keeps objectives, which must not be NaN (E_NAN). started, ended 0: begin's time, now. */
nas_status nas_store_end(nas_store *s, const nas_trial *t, const char *reason) NAS_MUST_USE;
/* Trials that were left running by a killed process become WAITING: all but number and genome is
 * forgotten, so that they are begun anew. Call it before the first begin of a study that goes on.
 * Trials that workers elsewhere run are left to them (nas_store_reclaim). */
nas_status nas_store_recover(nas_store *s, uint32_t *n_forgotten) NAS_MUST_USE;

/* A trial that is begun may be offered to whoever is free: to other workers of this process, and
 * with a shared store to other machines. It goes
 *   begin -> offer (WAITING) -> take (RUNNING) -> hand_in -> end,
 * and who began it ends it. A worker has a name of its own, never used twice. */
bool nas_store_shared(const nas_store *s); /* others can reach it */
nas_status nas_store_offer(nas_store *s, uint32_t number) NAS_MUST_USE;
/* The offered trial of the lowest number; *got false when there is none. beats: the worker gives signs
 * of life and loses the trial when it does not; otherwise the trial ends with this process
 * (nas_store_recover). Two that ask at once get different trials. */
nas_status nas_store_take(bool *got, uint32_t *number, nas_genome *genome, nas_store *s, const char *worker, bool beats) NAS_MUST_USE;
/* A sign of life. *mine false: the trial was given to another, or has ended. */
nas_status nas_store_beat(bool *mine, nas_store *s, uint32_t number, const char *worker) NAS_MUST_USE;
/* What came of a trial, a JSON text for the one that began it. *mine false: too late, it is not kept. */
nas_status nas_store_hand_in(bool *mine, nas_store *s, uint32_t number, const char *worker, const char *json) NAS_MUST_USE;
/* Offers it again, when this worker still has it. */
nas_status nas_store_give_back(nas_store *s, uint32_t number, const char *worker) NAS_MUST_USE;
/* The result of the lowest number from `from` on that was handed in and whose trial has not ended; *json
 * is the caller's. */
nas_status nas_store_next_result(bool *found, uint32_t *number, char **json, nas_store *s, uint32_t from) NAS_MUST_USE;
/* Offers again what workers hold that gave no sign of life for so long (by the server's clock; not
 * before the server itself has been back for so long). *n: how many. */
nas_status nas_store_reclaim(uint32_t *n, nas_store *s, double silent_s) NAS_MUST_USE;

/* True: no process runs a study on this file, so that trials that are RUNNING were cut off. Of a
 * server's store that is never known. Not for the process that runs it: asking drops its lock. */
bool nas_store_idle(const nas_store *s);

uint32_t nas_store_trial_count(const nas_store *s); /* highest number + 1; 0 also when asking fails, with
                                                      * nas_error_text set: the next call fails */
/* Objectives are NaN unless the trial is COMPLETE. */
nas_status nas_store_trial(nas_trial *out, nas_store *s, uint32_t number) NAS_MUST_USE; /* E_NOT_FOUND */
/* *json is the caller's (nas_free); E_NOT_FOUND when there is none. */
nas_status nas_store_get_attr(char **json, nas_store *s, uint32_t number, const char *key) NAS_MUST_USE;
nas_status nas_store_get_study_attr(char **json, nas_store *s, const char *key) NAS_MUST_USE;
/* Intermediate values of a trial, by rising step: *value is the caller's. */
nas_status nas_store_get_intermediate(double **value, uint32_t *n, nas_store *s, uint32_t number) NAS_MUST_USE;
/* Objective names of the study, in order. */
uint32_t nas_store_objectives(const nas_store *s, const char *const **names);

#ifdef __cplusplus
}
#endif
#endif
