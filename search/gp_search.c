/* search/gp_search.c - Bayesian optimisation over networks with Gaussian processes.
 *
 * Objectives that prices tell are not modelled; each of the others has a process of its own. Up to
 * three objectives the candidate of the largest expected hypervolume improvement is proposed; with
 * more, ParEGO (Knowles 2006): a new random weighting for each trial makes one objective of all.
 * Trial t sees the results of trials below t - batch + 1; the others are believed to give what is
 * predicted, so that `batch` workers are served and any number of them gives the same study. */
#include "gp_search.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "acquisition.h"
#include "candidates.h"
#include "gp_model.h"
#include "values_told.h"

enum { START = 10, FIT_EVALS = 60, REFIT_EVALS = 40 };
enum { MUTANTS = 300, RANDOM = 100, SLOW_MUTANTS = 40, SLOW_RANDOM = 10, CHUNK = 512 };

typedef struct process {
    gp_model model;
    uint32_t objective;
} process;

typedef struct gp_search {
    traits *f;
    uint32_t start, batch;
    bool known[NAS_MAX_OBJECTIVES];
    uint32_t n_processes;
    process *process;
    candidates pool;
    uint8_t *pool_row;
    size_t pool_row_cap;
    uint32_t n_rows; /* trials whose rows and distances are here */
    uint8_t *row;
    size_t row_cap, d2_cap;
    float *d2;    /* packed lower triangle: trial i's i * groups distances */
    float *chunk; /* distances of one trial to all candidates */
    size_t chunk_cap;
    double *column; /* values of one process; mean and sd of all candidates */
    size_t column_cap;
    uint32_t fit_at; /* known trials at which hyperparameters are chosen next */
} gp_search;

void gp_search_free(nas_strategy *t) {
    gp_search *s = t->state;
    if (s == NULL)
        return;
    for (uint32_t i = 0; s->process != NULL && i < s->n_processes; i++)
        gp_free(&s->process[i].model);
    if (s->f != NULL)
        s->f->kind->free(s->f);
    candidates_free(&s->pool);
    nas_free(s->process);
    nas_free(s->pool_row);
    nas_free(s->row);
    nas_free(s->d2);
    nas_free(s->chunk);
    nas_free(s->column);
    nas_free(s);
}

nas_status gp_search_create(nas_strategy *t, const trait_kind *kind) {
    uint32_t m = t->options.n_objectives;
    gp_search *s = t->state = nas_calloc(1, sizeof *s);
    if (s == NULL)
        return nas_fail_memory(sizeof *s);
    s->batch = t->options.numbers.batch >= 1 ? (uint32_t)t->options.numbers.batch : 1;
    s->start = START;
    NAS_TRY(kind->create(&s->f, t->space));
    NAS_TRY(candidates_known(s->known, t));
    s->process = nas_calloc(m, sizeof *s->process);
    if (s->process == NULL)
        return nas_fail_memory(m * sizeof *s->process);
    for (uint32_t k = 0; k < m; k++)
        if (!s->known[k] && m <= ACQUISITION_MAX)
            s->process[s->n_processes++].objective = k;
    if (s->n_processes == 0) /* ParEGO; or nothing is unknown, and then the model says so */
        s->n_processes = 1;
    for (uint32_t k = 0; k < s->n_processes; k++)
        gp_init(&s->process[k].model, s->f->groups);
    return NAS_OK;
}

uint32_t gp_search_horizon(const nas_strategy *t, uint32_t trial) {
    const gp_search *s = t->state;
    if (trial < s->start)
        return 0;
    return trial + 1 > s->batch ? trial + 1 - s->batch : 0;
}

/* ---- rows and distances of trials ---- */

static float *distances_of(const gp_search *s, uint32_t trial) {
    return s->d2 + (size_t)trial * (trial - 1) / 2 * s->f->groups;
}

static nas_status add_row(nas_strategy *t) {
    gp_search *s = t->state;
    uint32_t i = s->n_rows;
    size_t bytes = s->f->row_bytes, triangle = (size_t)(i + 1) * i / 2 * s->f->groups;
    nas_genome x;
    NAS_TRY(nas_grow(&s->row, &s->row_cap, (i + 1) * bytes, 1));
    NAS_TRY(nas_grow(&s->d2, &s->d2_cap, triangle + 1, sizeof *s->d2));
    strategy_genome(&x, t, i);
    NAS_TRY(s->f->kind->row(s->f, s->row + i * bytes, &x));
    if (i > 0)
        s->f->kind->distance(s->f, distances_of(s, i), s->row + i * bytes, s->row, i);
    s->n_rows++;
    return NAS_OK;
}

/* ---- models ---- */

static nas_status pool_point(gp_search *s, uint32_t point) {
    uint32_t n = s->pool.n;
    NAS_TRY(nas_grow(&s->chunk, &s->chunk_cap, (size_t)n * s->f->groups, sizeof *s->chunk));
    s->f->kind->distance(s->f, s->chunk, s->row + point * s->f->row_bytes, s->pool_row, n);
    for (uint32_t k = 0; k < s->n_processes; k++)
        NAS_TRY(gp_pool_point(&s->process[k].model, point, s->chunk));
    return NAS_OK;
}

static nas_status fill_pool(nas_strategy *t, uint32_t known, nas_rng *r) {
    gp_search *s = t->state;
    size_t bytes = s->f->row_bytes;
    bool slow = s->f->kind->slow;
    if (s->pool.whole)
        return NAS_OK;
    if (!slow && nas_space_size(t->space) <= CANDIDATES_WHOLE)
        NAS_TRY(candidates_all(&s->pool, t));
    else
        NAS_TRY(candidates_around(&s->pool, t, known, slow ? SLOW_MUTANTS : MUTANTS,
                                  slow ? SLOW_RANDOM : RANDOM, r));
    NAS_TRY(nas_grow(&s->pool_row, &s->pool_row_cap, s->pool.n * bytes, 1));
    for (uint32_t i = 0; i < s->pool.n; i++) {
        nas_genome x;
        candidates_genome(&x, &s->pool, i);
        NAS_TRY(s->f->kind->row(s->f, s->pool_row + i * bytes, &x));
    }
    for (uint32_t k = 0; k < s->n_processes; k++)
        s->process[k].model.n_pool = 0;
    return NAS_OK;
}

/* Values of process k for the first `known` trials into s->column. */
static nas_status process_values(nas_strategy *t, uint32_t k, uint32_t known, uint32_t trial) {
    gp_search *s = t->state;
    NAS_TRY(nas_grow(&s->column, &s->column_cap, 5 * ((size_t)known + 1), sizeof *s->column));
    nas_rng r = nas_rng_stream(t->options.seed, "parego", trial);
    if (t->options.n_objectives > ACQUISITION_MAX)
        told_scalarised(s->column, t, known, &r);
    else
        told_values(s->column, t, s->process[k].objective, known);
    return NAS_OK;
}

/* Chooses hyperparameters now and then, and brings the models up to all trials below `trial`. */
static nas_status update_models(nas_strategy *t, uint32_t known, uint32_t trial) {
    gp_search *s = t->state;
    bool fit = known >= s->fit_at;
    for (uint32_t k = 0; k < s->n_processes; k++) {
        gp_model *g = &s->process[k].model;
        NAS_TRY(process_values(t, k, known, trial));
        if (fit)
            NAS_TRY(gp_fit(g, s->d2, s->column, known, s->fit_at == 0 ? FIT_EVALS : REFIT_EVALS));
        while (g->n < trial)
            NAS_TRY(gp_append(g, distances_of(s, g->n)));
        gp_set_values(g, s->column, known);
    }
    if (fit)
        s->fit_at = known + 1 + known / 6;
    bool fresh = s->process[0].model.n_pool == 0;
    for (uint32_t k = 0; fresh && k < s->n_processes; k++)
        NAS_TRY(gp_pool_start(&s->process[k].model, s->pool.n));
    for (uint32_t i = s->process[0].model.n_seen; i < trial; i++)
        NAS_TRY(pool_point(s, i));
    return NAS_OK;
}

/* ---- choosing ---- */

/* The known points, the believed ones behind them, and where the volume ends. */
typedef struct scene {
    double *points; /* n rows of m */
    uint32_t n, m;
    double ref[ACQUISITION_MAX];
} scene;

static void add_point(scene *sc, const double *p) {
    memcpy(sc->points + (size_t)sc->n * sc->m, p, sc->m * sizeof *p);
    sc->n++;
}

/* What is predicted for a trial that has not ended. */
static nas_status believe(double *p, nas_strategy *t, uint32_t trial) {
    gp_search *s = t->state;
    nas_genome x;
    candidate c;
    strategy_genome(&x, t, trial);
    NAS_TRY(candidate_price(&c, t, &x));
    for (uint32_t k = 0; k < t->options.n_objectives; k++)
        p[k] = c.objective[k];
    for (uint32_t k = 0; k < s->n_processes; k++)
        p[s->process[k].objective] = gp_mean_at(&s->process[k].model, trial);
    return NAS_OK;
}

static void place_ref(scene *sc) {
    for (uint32_t k = 0; k < sc->m; k++) {
        sc->ref[k] = -INFINITY;
        for (uint32_t i = 0; i < sc->n; i++)
            sc->ref[k] = fmax(sc->ref[k], sc->points[(size_t)i * sc->m + k]);
    }
}

static nas_status set_scene(scene *sc, nas_strategy *t, uint32_t known, uint32_t trial) {
    gp_search *s = t->state;
    uint32_t m = t->options.n_objectives;
    bool parego = m > ACQUISITION_MAX;
    *sc = (scene){.m = parego ? 1 : m};
    sc->points = nas_calloc((size_t)(trial + 1) * sc->m, sizeof *sc->points);
    if (sc->points == NULL)
        return nas_fail_memory((size_t)trial * sc->m * sizeof *sc->points);
    for (uint32_t k = 0; k < s->n_processes; k++) {
        NAS_TRY(process_values(t, k, known, trial));
        for (uint32_t i = 0; i < known; i++)
            sc->points[(size_t)i * sc->m + (parego ? 0 : s->process[k].objective)] = s->column[i];
    }
    for (uint32_t i = 0; i < known; i++) {
        double *p = sc->points + (size_t)sc->n * sc->m;
        memmove(p, sc->points + (size_t)i * sc->m, sc->m * sizeof *p);
        for (uint32_t k = 0; !parego && k < m; k++)
            if (s->known[k])
                p[k] = t->trial[i].objective[k];
        sc->n += told_counts(&t->trial[i]);
    }
    for (uint32_t i = known; !parego && i < trial; i++) {
        double p[ACQUISITION_MAX];
        NAS_TRY(believe(p, t, i));
        add_point(sc, p);
    }
    place_ref(sc);
    return NAS_OK;
}

static bool is_better(double value, double violation, double best, double best_violation) {
    if (violation != best_violation)
        return violation < best_violation;
    return value > best;
}

static nas_status choose(nas_genome *out, nas_strategy *t, acquisition *a, nas_rng *r) {
    gp_search *s = t->state;
    candidates *c = &s->pool;
    size_t n = c->n;
    bool parego = t->options.n_objectives > ACQUISITION_MAX;
    NAS_TRY(nas_grow(&s->column, &s->column_cap, 2 * n * s->n_processes, sizeof *s->column));
    for (uint32_t k = 0; k < s->n_processes; k++)
        gp_pool_predict(&s->process[k].model, s->column + 2 * k * n, s->column + (2 * k + 1) * n);
    double best = -INFINITY, best_violation = INFINITY;
    size_t at = n;
    for (size_t i = 0; i < n; i++) {
        double mean[ACQUISITION_MAX], sd[ACQUISITION_MAX] = {0};
        if (c->one[i].gone || c->one[i].violation > best_violation)
            continue;
        for (uint32_t k = 0; !parego && k < a->m; k++)
            mean[k] = c->one[i].objective[k];
        for (uint32_t k = 0; k < s->n_processes; k++) {
            uint32_t to = s->process[k].objective;
            mean[to] = s->column[2 * k * n + i];
            sd[to] = s->column[(2 * k + 1) * n + i];
        }
        double value = acquisition_value(a, mean, sd);
        if (!is_better(value, c->one[i].violation, best, best_violation))
            continue;
        nas_genome x;
        candidates_genome(&x, c, (uint32_t)i);
        if (strategy_was_asked(t, &x)) {
            c->one[i].gone = true;
            continue;
        }
        best = value;
        best_violation = c->one[i].violation;
        at = i;
        *out = x;
    }
    return at < n ? NAS_OK : candidates_sample(out, t, r);
}

nas_status gp_search_propose(nas_genome *out, nas_strategy *t, uint32_t trial, nas_rng *r) {
    gp_search *s = t->state;
    uint32_t known = gp_search_horizon(t, trial);
    acquisition a = {0};
    scene sc = {0};
    nas_status st = NAS_OK;
    if (trial < s->start || known < 2)
        return candidates_sample(out, t, r);
    NAS_GO(fill_pool(t, known, r));
    while (s->n_rows < trial)
        NAS_GO(add_row(t));
    NAS_GO(update_models(t, known, trial));
    NAS_GO(set_scene(&sc, t, known, trial));
    NAS_GO(acquisition_create(&a, sc.points, sc.n, sc.m, sc.ref));
    NAS_GO(choose(out, t, &a, r));
done:
    acquisition_free(&a);
    nas_free(sc.points);
    return st;
}
