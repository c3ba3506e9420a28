/* search/predictor.c - evolution that neural predictors guide. */
#include "predictor.h"

#include <math.h>
#include <string.h>

#include "acquisition.h"
#include "candidates.h"
#include "numerics/numerics.h"
#include "values_told.h"

enum { START = 10, ROUND = 10, BATCH = 32, FULL_LOOKS = 100, MEMBERS_MAX = 8 };

/* What is predicted of a candidate, drawn once for its round. */
typedef struct guess {
    double value[ACQUISITION_MAX];
} guess;

typedef struct predictor {
    predictor_options o;
    nas_encoder *encoder;
    uint32_t round;
    bool known[NAS_MAX_OBJECTIVES];
    uint32_t models;  /* one for each unknown objective, or one for all together */
    uint32_t m;       /* of the scores: 1 for ParEGO */
    uint32_t trained; /* trials below the round that `pool` was scored for; 0: none */
    candidates pool;
    guess *guess;
    size_t guess_cap;
    double *points; /* what is known, and what the round took so far: rows of m */
    uint32_t n_points;
    double ref[ACQUISITION_MAX];
    float *x; /* encoded trials */
    double *y;
    size_t points_cap, x_cap, y_cap;
} predictor;

void predictor_free(nas_strategy *t) {
    predictor *s = t->state;
    if (s == NULL)
        return;
    nas_encoder_free(s->encoder);
    candidates_free(&s->pool);
    nas_free(s->guess);
    nas_free(s->points);
    nas_free(s->x);
    nas_free(s->y);
    nas_free(s);
}

nas_status predictor_create(nas_strategy *t, const predictor_options *o) {
    predictor *s = t->state = nas_calloc(1, sizeof *s);
    if (s == NULL)
        return nas_fail_memory(sizeof *s);
    s->o = *o;
    s->round = t->options.numbers.batch >= 1 ? (uint32_t)t->options.numbers.batch : ROUND;
    nas_status st = nas_encoder_create(&s->encoder, t->space, o->encoding);
    if (st == NAS_E_UNSUPPORTED)
        st = nas_encoder_create(&s->encoder, t->space, NAS_ENCODE_ONE_HOT);
    NAS_TRY(st);
    NAS_TRY(candidates_known(s->known, t));
    s->m = t->options.n_objectives;
    if (s->m > ACQUISITION_MAX) {
        s->m = 1;
        memset(s->known, 0, sizeof s->known);
    }
    return NAS_OK;
}

uint32_t predictor_horizon(const nas_strategy *t, uint32_t trial) {
    const predictor *s = t->state;
    return trial < START ? 0 : trial - (trial - START) % s->round;
}

/* ---- learning ---- */

static nas_status encode_trials(nas_strategy *t, uint32_t n) {
    predictor *s = t->state;
    uint32_t size = nas_encoder_size(s->encoder);
    NAS_TRY(nas_grow(&s->x, &s->x_cap, ((size_t)n + 1) * size, sizeof *s->x));
    NAS_TRY(nas_grow(&s->y, &s->y_cap, 5 * ((size_t)n + 1), sizeof *s->y));
    for (uint32_t i = 0; i < n; i++) {
        nas_genome x;
        strategy_genome(&x, t, i);
        nas_encoder_row(s->x + (size_t)i * size, s->encoder, &x);
    }
    return NAS_OK;
}

static nas_status values(nas_strategy *t, uint32_t k, uint32_t n) {
    predictor *s = t->state;
    nas_rng r = nas_rng_stream(t->options.seed, "parego", n);
    if (t->options.n_objectives > ACQUISITION_MAX)
        told_scalarised(s->y, t, n, &r);
    else
        told_values(s->y, t, k, n);
    return NAS_OK;
}

/* Brings the first n numbers of y to mean 0 and deviation 1. */
static void standardise(double *y, uint32_t n, double *mean, double *sd) {
    double sum = 0, square = 0;
    for (uint32_t i = 0; i < n; i++)
        sum += y[i];
    *mean = sum / n;
    for (uint32_t i = 0; i < n; i++)
        square += (y[i] - *mean) * (y[i] - *mean);
    *sd = fmax(sqrt(square / n), 1e-12);
    for (uint32_t i = 0; i < n; i++)
        y[i] = (y[i] - *mean) / *sd;
}

static nas_status train(num_mlp **member, nas_strategy *t, uint32_t n, nas_rng *r) {
    predictor *s = t->state;
    const predictor_options *o = &s->o;
    /* A large table needs fewer looks at each row; the work of a round stays the same. */
    uint32_t epochs = n > FULL_LOOKS ? o->epochs * FULL_LOOKS / n + 1 : o->epochs;
    num_mlp_options mlp = {.inputs = nas_encoder_size(s->encoder),
                           .layers = o->layers,
                           .width = o->width,
                           .loss = o->absolute ? NUM_ABSOLUTE : NUM_SQUARED,
                           .rate = o->rate,
                           .epochs = epochs,
                           .batch = BATCH};
    for (uint32_t e = 0; e < o->members; e++) {
        NAS_TRY(num_mlp_create(&member[e], &mlp, r));
        NAS_TRY(num_mlp_train(member[e], s->x, s->y, n, r));
    }
    return NAS_OK;
}

/* Objective k of every candidate: the members' mean, or a draw from the normal that they span. */
static nas_status predict(nas_strategy *t, uint32_t k, uint32_t n, nas_rng *r) {
    predictor *s = t->state;
    num_mlp *member[MEMBERS_MAX] = {NULL};
    uint32_t size = nas_encoder_size(s->encoder), e_n = s->o.members;
    double mean, sd;
    nas_status st;
    float *row = nas_calloc(size + 1, sizeof *row);
    if (row == NULL)
        NAS_GO(nas_fail_memory(size * sizeof *row));
    NAS_GO(values(t, k, n));
    standardise(s->y, n, &mean, &sd);
    NAS_GO(train(member, t, n, r));
    for (uint32_t i = 0; i < s->pool.n; i++) {
        nas_genome x;
        double sum = 0, square = 0;
        candidates_genome(&x, &s->pool, i);
        nas_encoder_row(row, s->encoder, &x);
        for (uint32_t e = 0; e < e_n; e++) {
            double p = num_mlp_predict(member[e], row);
            sum += p / e_n;
            square += p * p / e_n;
        }
        double spread = sqrt(fmax(0, square - sum * sum));
        double drawn = e_n > 1 ? sum + spread * nas_rng_normal(r) : sum;
        s->guess[i].value[s->m == 1 ? 0 : k] = mean + sd * drawn;
    }
done:
    for (uint32_t e = 0; e < e_n; e++)
        num_mlp_free(member[e]);
    nas_free(row);
    return st;
}

/* ---- rounds ---- */

static nas_status known_points(nas_strategy *t, uint32_t n) {
    predictor *s = t->state;
    uint32_t m = s->m;
    NAS_TRY(
        nas_grow(&s->points, &s->points_cap, ((size_t)n + s->round + 1) * m, sizeof *s->points));
    for (uint32_t k = 0; k < m; k++) {
        if (!s->known[k])
            NAS_TRY(values(t, k, n));
        for (uint32_t i = 0; i < n; i++)
            s->points[(size_t)i * m + k] = s->known[k] ? t->trial[i].objective[k] : s->y[i];
    }
    s->n_points = 0;
    for (uint32_t k = 0; k < m; k++)
        s->ref[k] = -INFINITY;
    for (uint32_t i = 0; i < n; i++) {
        if (!told_counts(&t->trial[i]))
            continue;
        double *p = s->points + (size_t)s->n_points++ * m;
        memmove(p, s->points + (size_t)i * m, m * sizeof *p);
        for (uint32_t k = 0; k < m; k++)
            s->ref[k] = fmax(s->ref[k], p[k]);
    }
    return NAS_OK;
}

static nas_status start_round(nas_strategy *t, uint32_t n) {
    predictor *s = t->state;
    nas_rng r = nas_rng_stream(t->options.seed, "predictor round", n);
    NAS_TRY(encode_trials(t, n));
    NAS_TRY(candidates_around(&s->pool, t, n, s->o.mutants, s->o.random, &r));
    NAS_TRY(nas_grow(&s->guess, &s->guess_cap, s->pool.n, sizeof *s->guess));
    for (uint32_t k = 0; k < s->m; k++) {
        if (!s->known[k])
            NAS_TRY(predict(t, k, n, &r));
        for (uint32_t i = 0; s->known[k] && i < s->pool.n; i++)
            s->guess[i].value[k] = s->pool.one[i].objective[k];
    }
    NAS_TRY(known_points(t, n));
    s->trained = n;
    return NAS_OK;
}

/* Higher is better. Candidates that add nothing are told apart by their first objective. */
static double score(acquisition *a, const guess *g) {
    const double sd[ACQUISITION_MAX] = {0};
    double value = acquisition_value(a, g->value, sd);
    return value > 0 && a->m > 1 ? value : -1e3 - g->value[0];
}

static nas_status take_best(nas_genome *out, nas_strategy *t, nas_rng *r) {
    predictor *s = t->state;
    acquisition a;
    uint32_t at = s->pool.n;
    double best = -INFINITY, least = INFINITY;
    NAS_TRY(acquisition_create(&a, s->points, s->n_points, s->m, s->ref));
    for (uint32_t i = 0; i < s->pool.n; i++) {
        const candidate *c = &s->pool.one[i];
        if (c->gone || c->violation > least)
            continue;
        double value = score(&a, &s->guess[i]);
        if (c->violation == least && !(value > best))
            continue;
        best = value;
        least = c->violation;
        at = i;
    }
    acquisition_free(&a);
    if (at == s->pool.n)
        return candidates_sample(out, t, r);
    s->pool.one[at].gone = true;
    candidates_genome(out, &s->pool, at);
    memcpy(s->points + (size_t)s->n_points++ * s->m, s->guess[at].value, s->m * sizeof *s->points);
    return NAS_OK;
}

nas_status predictor_propose(nas_genome *out, nas_strategy *t, uint32_t trial, nas_rng *r) {
    predictor *s = t->state;
    uint32_t n = predictor_horizon(t, trial);
    if (n == 0)
        return candidates_sample(out, t, r);
    if (s->trained != n)
        NAS_TRY(start_round(t, n));
    if (s->n_points >= n + s->round) /* asked again and again: everything was tried */
        return candidates_sample(out, t, r);
    return take_best(out, t, r);
}
