/* cli/view.h - a study as it stands in its run folder, for the verbs that show it.
 *
 * A run folder holds: study.db (the store, unless it is on a server), study.yaml (settings as they
 * were used), space.yaml (the space that is searched), models/trial-N.safetensors and
 * models/trial-N.yaml (retrained models and their networks), and report/ (pictures). */
#ifndef NAS_CLI_VIEW_H
#define NAS_CLI_VIEW_H

#include "cli.h"

typedef struct view_trial {
    nas_trial t;
    char *network;                     /* YAML text; NULL when the trial never got that far */
    char *reason;                      /* why it failed or was not trained; NULL */
    double params, macs;               /* NAN: not known */
    double test_accuracy;              /* NAN: not retrained */
    double latency_s, latency_batch_s; /* measured when it was retrained; NAN */
    bool on_front;                     /* complete, feasible, dominated by none */
} view_trial;

typedef struct view {
    nas_store *store;
    uint32_t n_objectives;
    nas_measure measure[NAS_MAX_OBJECTIVES];
    const char *const *objective; /* names; the store's */
    uint32_t n;
    view_trial *trial; /* by number */
    uint32_t budget;
} view;

/* Opens a run folder's store, or a server's by its address, for reading. */
nas_status view_open(view *v, const char *run);
/* The same over a store that is open already (the caller's). */
nas_status view_of_store(view *v, nas_store *s);
void view_free(view *v);

/* Number of front members; index (room for v->n, or NULL) gets them by rising trial number. */
uint32_t view_front(uint32_t *index, const view *v);
/* Reference point for the hypervolume: each objective's worst value over the feasible complete
 * trials, plus a tenth of its range. False: there are none. */
bool view_reference(double ref[NAS_MAX_OBJECTIVES], const view *v);
/* Hypervolume of the feasible trials with numbers below `upto`. */
nas_status view_hypervolume(double *out, const view *v, const double *ref, uint32_t upto);
/* Up to `want` members of the front, *n of them: the one with the smallest first objective, then
 * one after the other whichever adds most hypervolume to those before (greedy subset selection;
 * Guerreiro, Fonseca and Paquete 2016). Deterministic. */
nas_status view_choose(uint32_t *index, uint32_t *n, const view *v, uint32_t want);

/* Device files that the study prices its chosen models on (its price_on): *name is the caller's. */
nas_status view_price_on(char (**name)[1024], uint32_t *n, const view *v);

/* The table of a front, or of chosen models, by the first objective: sorts index. */
void view_table(nas_text *t, const view *v, uint32_t *index, uint32_t n);

/* report.c: draws every picture of a run into RUN/report; says each path by talk_line. One that
 * fails is said and keeps none of the others from being drawn; the last failure is returned at the
 * end. */
nas_status report_draw(const view *v, const char *run, uint32_t chosen);

#endif
