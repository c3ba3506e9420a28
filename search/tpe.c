/* search/tpe.c - tree-structured Parzen estimator (Bergstra et al. 2011), several objectives after
 * Ozaki et al. 2022.
 *
 * Trials are split into the good ones, a tenth of them, and the others; each gene gets a smoothed
 * histogram over either part. Candidates are drawn from that of the good ones and the one is
 * proposed whose likelihood among the good, over that among the others, is largest. A gene that is
 * inactive in a trial tells nothing there. The last rank of good trials is cut by greedy
 * hypervolume subset selection. Trials that have not ended count among the others, so that workers
 * do not meet. */
#include "candidates.h"
#include "values_told.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { START = 10, DRAWS = 24, GOOD_MOST = 25, RECENT = 25, HSSP_MOST = 64 };
static const double good_share = 0.1, prior_weight = 1;

typedef struct tpe {
    uint32_t batch, n_options; /* options of all genes together */
    uint32_t *first;           /* where the histogram of each gene starts */
    double *good, *other;      /* n_options numbers each */
    double *weight;            /* of each trial: above 0 good, below 0 other */
    size_t weight_cap;
    uint32_t split_at; /* trial whose split the histograms hold, + 1 */
} tpe;

static void release(nas_strategy *t) {
    tpe *s = t->state;
    if (s == NULL)
        return;
    nas_free(s->first);
    nas_free(s->good);
    nas_free(s->weight);
    nas_free(s);
}

static nas_status create(nas_strategy *t) {
    tpe *s = t->state = nas_calloc(1, sizeof *s);
    if (s == NULL)
        return nas_fail_memory(sizeof *s);
    s->batch = t->options.numbers.batch >= 1 ? (uint32_t)t->options.numbers.batch : 1;
    s->first = nas_calloc(t->genes + 1, sizeof *s->first);
    if (s->first == NULL)
        return nas_fail_memory(t->genes * sizeof *s->first);
    for (uint32_t i = 0; i < t->genes; i++) {
        s->first[i] = s->n_options;
        s->n_options += nas_space_gene(t->space, i)->n;
    }
    s->good = nas_calloc(2 * (size_t)s->n_options + 1, sizeof *s->good);
    if (s->good == NULL)
        return nas_fail_memory(2 * s->n_options * sizeof *s->good);
    s->other = s->good + s->n_options;
    return NAS_OK;
}

static uint32_t horizon(const nas_strategy *t, uint32_t trial) {
    const tpe *s = t->state;
    return trial < START || trial + 1 <= s->batch ? 0 : trial + 1 - s->batch;
}

/* ---- the split ---- */

/* Reference point a little behind the worst of the rows. */
static void reference(double *ref, const double *row, uint32_t n, uint32_t m) {
    for (uint32_t k = 0; k < m; k++) {
        double worst = -INFINITY;
        for (uint32_t i = 0; i < n; i++)
            worst = fmax(worst, row[(size_t)i * m + k]);
        ref[k] = fmax(1.1 * worst, 0.9 * worst) + 1e-12;
    }
}

/* Moves the `want` of n trials whose rows dominate most together to the front, one after the other.
 */
static nas_status select_subset(uint32_t *trial, double *row, uint32_t n, uint32_t m,
                                uint32_t want) {
    double ref[NAS_MAX_OBJECTIVES], swap[NAS_MAX_OBJECTIVES];
    reference(ref, row, n, m);
    for (uint32_t kept = 0; kept < want; kept++) {
        double most = -1;
        uint32_t at = kept;
        for (uint32_t i = kept; i < n; i++) {
            double *next = row + (size_t)kept * m, *other = row + (size_t)i * m, volume;
            memcpy(swap, next, m * sizeof *row);
            memmove(next, other, m * sizeof *row);
            nas_status st = nas_hypervolume(&volume, row, kept + 1, m, ref);
            memcpy(next, swap, m * sizeof *row);
            NAS_TRY(st);
            if (volume > most) {
                most = volume;
                at = i;
            }
        }
        memcpy(swap, row + (size_t)kept * m, m * sizeof *row);
        memmove(row + (size_t)kept * m, row + (size_t)at * m, m * sizeof *row);
        memcpy(row + (size_t)at * m, swap, m * sizeof *row);
        uint32_t other = trial[kept];
        trial[kept] = trial[at];
        trial[at] = other;
    }
    return NAS_OK;
}

/* Puts the good trials of the first `known` into `trial`; *n at most `most`. */
static nas_status find_good(uint32_t *trial, uint32_t *n, nas_strategy *t, uint32_t known,
                            uint32_t most) {
    nas_status st = NAS_OK;
    uint32_t m = t->options.n_objectives, whole = 0, found = 0;
    double *row = nas_calloc((size_t)known * m + 1, sizeof *row);
    if (row == NULL)
        return nas_fail_memory((size_t)known * m * sizeof *row);
    NAS_GO(candidates_best(trial, &found, known, t, known)); /* ranks stand one behind the other */
    *n = found < most ? found : most;
    if (m == 1 || found <= most || !told_counts(&t->trial[trial[0]]))
        goto done;
    while (whole < found) { /* one rank more, as long as it fits */
        uint32_t end = whole;
        while (end < found && told_counts(&t->trial[trial[end]])) {
            bool dominated = false;
            for (uint32_t i = whole; i < end && !dominated; i++)
                dominated =
                    nas_dominates(t->trial[trial[i]].objective, t->trial[trial[end]].objective, m);
            if (dominated)
                break;
            end++;
        }
        uint32_t cut = end - whole < HSSP_MOST ? end : whole + HSSP_MOST;
        if (end > most || end == whole) {
            for (uint32_t i = whole; i < cut; i++)
                memcpy(row + (size_t)(i - whole) * m, t->trial[trial[i]].objective,
                       m * sizeof *row);
            if (cut > most)
                NAS_GO(select_subset(trial + whole, row, cut - whole, m, most - whole));
            break;
        }
        whole = end;
    }
done:
    nas_free(row);
    return st;
}

/* The newest trials weigh 1, the oldest next to nothing. */
static double age_weight(uint32_t place, uint32_t n) {
    if (n <= RECENT || place + RECENT >= n)
        return 1;
    double oldest = 1.0 / n;
    return oldest + (1 - oldest) * place / (double)(n - RECENT);
}

static nas_status weigh(nas_strategy *t, uint32_t known, uint32_t trial) {
    nas_status st = NAS_OK;
    tpe *s = t->state;
    uint32_t n = 0, most = (uint32_t)ceil(good_share * known), others = 0, place = 0;
    if (t->options.n_objectives == 1 && most > GOOD_MOST)
        most = GOOD_MOST;
    uint32_t *good = nas_calloc(known + 1, sizeof *good);
    if (good == NULL)
        return nas_fail_memory(known * sizeof *good);
    NAS_GO(nas_grow(&s->weight, &s->weight_cap, trial + 1, sizeof *s->weight));
    NAS_GO(find_good(good, &n, t, known, most));
    memset(s->weight, 0, trial * sizeof *s->weight);
    for (uint32_t i = 0; i < n; i++)
        s->weight[good[i]] = 1;
    for (uint32_t i = 0; i < trial; i++)
        others += s->weight[i] == 0;
    for (uint32_t i = 0; i < trial; i++)
        if (s->weight[i] == 0)
            s->weight[i] = -age_weight(place++, others);
done:
    nas_free(good);
    return st;
}

/* Histograms of every gene in either part, each with the prior spread over its options. */
static nas_status learn(nas_strategy *t, uint32_t known, uint32_t trial) {
    tpe *s = t->state;
    bool active[NAS_MAX_GENES];
    NAS_TRY(weigh(t, known, trial));
    for (uint32_t i = 0; i < t->genes; i++) {
        uint32_t n = nas_space_gene(t->space, i)->n;
        for (uint32_t c = 0; c < n; c++)
            s->good[s->first[i] + c] = s->other[s->first[i] + c] = prior_weight / n;
    }
    for (uint32_t k = 0; k < trial; k++) {
        nas_genome x;
        strategy_genome(&x, t, k);
        nas_space_active(active, t->space, &x);
        double *part = s->weight[k] > 0 ? s->good : s->other;
        for (uint32_t i = 0; i < t->genes; i++)
            if (active[i])
                part[s->first[i] + x.gene[i]] += fabs(s->weight[k]);
    }
    for (uint32_t i = 0; i < t->genes; i++) {
        double good = 0, other = 0;
        uint32_t end = s->first[i] + nas_space_gene(t->space, i)->n;
        for (uint32_t c = s->first[i]; c < end; c++) {
            good += s->good[c];
            other += s->other[c];
        }
        for (uint32_t c = s->first[i]; c < end; c++) {
            s->good[c] /= good;
            s->other[c] /= other;
        }
    }
    s->split_at = trial + 1;
    return NAS_OK;
}

/* ---- proposing ---- */

static void draw(nas_genome *x, const nas_strategy *t, nas_rng *r) {
    const tpe *s = t->state;
    *x = (nas_genome){.n = t->genes};
    for (uint32_t i = 0; i < t->genes; i++) {
        uint32_t n = nas_space_gene(t->space, i)->n, c = 0;
        double u = nas_rng_uniform(r);
        while (c + 1 < n && u >= s->good[s->first[i] + c])
            u -= s->good[s->first[i] + c++];
        x->gene[i] = (uint16_t)c;
    }
    nas_space_canonical(x, t->space);
}

/* log of the likelihood among the good over that among the others. */
static double ratio(const nas_strategy *t, const nas_genome *x) {
    const tpe *s = t->state;
    bool active[NAS_MAX_GENES];
    double sum = 0;
    nas_space_active(active, t->space, x);
    for (uint32_t i = 0; i < t->genes; i++)
        if (active[i])
            sum += log(s->good[s->first[i] + x->gene[i]] / s->other[s->first[i] + x->gene[i]]);
    return sum;
}

static nas_status propose(nas_genome *out, nas_strategy *t, uint32_t trial, nas_rng *r) {
    tpe *s = t->state;
    uint32_t known = horizon(t, trial);
    if (known == 0)
        return candidates_sample(out, t, r);
    if (s->split_at != trial + 1)
        NAS_TRY(learn(t, known, trial));
    double best = -INFINITY, least = INFINITY;
    NAS_TRY(candidates_sample(out, t, r));
    for (uint32_t i = 0; i < DRAWS; i++) {
        nas_genome x;
        candidate c;
        draw(&x, t, r);
        if (strategy_was_asked(t, &x))
            continue;
        NAS_TRY(candidate_price(&c, t, &x));
        double value = ratio(t, &x);
        if (c.violation > least || (c.violation == least && !(value > best)))
            continue;
        best = value;
        least = c.violation;
        *out = x;
    }
    return NAS_OK;
}

static const char *const takes[] = {"batch", NULL};

const strategy_kind strategy_tpe = {.name = "tpe",
                                    .takes = takes,
                                    .create = create,
                                    .free = release,
                                    .horizon = horizon,
                                    .propose = propose};
