/* search/nsga3.c - NSGA-III (Deb and Jain 2014): survivors of the last rank are chosen by reference
 * directions that few others follow, which spreads three and more objectives better than crowding.
 */
#include "directions.h"
#include "selection.h"

#include <math.h>
#include <string.h>

enum { DEFAULT_POPULATION = 20, DEFAULT_BATCH = 4 };
static const double default_crossover = 0.9, swap_probability = 0.5, tiny = 1e-12;

/* Where a member stands among the directions. */
typedef struct niche {
    uint32_t direction;
    double distance; /* from its ray */
} niche;

typedef struct nsga3 {
    uint32_t population, batch, m, seen, n_directions;
    double crossover, mutation;
    double *direction; /* rows of m */
    uint32_t *crowd;   /* members that follow each direction */
    niche *niche;      /* of each member */
    selection parents;
} nsga3;

static void release(nas_strategy *t) {
    nsga3 *s = t->state;
    if (s == NULL)
        return;
    selection_free(&s->parents);
    nas_free(s->direction);
    nas_free(s->crowd);
    nas_free(s->niche);
    nas_free(s);
}

static nas_status create(nas_strategy *t) {
    const nas_strategy_options *o = &t->options;
    nsga3 *s = t->state = nas_calloc(1, sizeof *s);
    if (s == NULL)
        return nas_fail_memory(sizeof *s);
    s->m = o->n_objectives;
    s->population = o->population ? o->population : DEFAULT_POPULATION;
    s->batch = o->numbers.batch > 0 ? (uint32_t)o->numbers.batch : DEFAULT_BATCH;
    s->batch = s->batch < s->population ? s->batch : s->population;
    s->crossover = o->crossover > 0 ? o->crossover : default_crossover;
    s->mutation = o->mutation;
    uint32_t divisions = o->numbers.divisions > 0 ? (uint32_t)o->numbers.divisions
                                                  : directions_divisions(s->m, s->population);
    s->n_directions = directions_count(s->m, divisions);
    NAS_TRY(directions_create(&s->direction, s->m, divisions));
    uint32_t cap = s->population + s->batch;
    s->crowd = nas_calloc(s->n_directions, sizeof *s->crowd);
    s->niche = nas_calloc(cap, sizeof *s->niche);
    if (!s->crowd || !s->niche)
        return nas_fail_memory(cap * sizeof *s->niche);
    return selection_create(&s->parents, cap, s->m);
}

static uint32_t horizon(const nas_strategy *t, uint32_t trial) {
    const nsga3 *s = t->state;
    return trial < s->population ? 0 : trial - (trial - s->population) % s->batch;
}

/* ---- normalisation ---- */

static bool is_finite(const double *v, uint32_t m) {
    for (uint32_t k = 0; k < m; k++)
        if (!isfinite(v[k]))
            return false;
    return true;
}

static const double *objective(const nas_strategy *t, const member *a) {
    return t->trial[a->trial].objective;
}

/* Solves the m x m system a x = 1 in place; false where it has no good solution. */
static bool solve_ones(double x[NAS_MAX_OBJECTIVES],
                       double a[NAS_MAX_OBJECTIVES][NAS_MAX_OBJECTIVES], uint32_t m) {
    for (uint32_t i = 0; i < m; i++)
        x[i] = 1;
    for (uint32_t c = 0; c < m; c++) {
        uint32_t pivot = c;
        for (uint32_t r = c + 1; r < m; r++)
            pivot = fabs(a[r][c]) > fabs(a[pivot][c]) ? r : pivot;
        if (fabs(a[pivot][c]) < tiny)
            return false;
        for (uint32_t k = 0; k < m; k++) {
            double v = a[c][k];
            a[c][k] = a[pivot][k];
            a[pivot][k] = v;
        }
        double v = x[c];
        x[c] = x[pivot];
        x[pivot] = v;
        for (uint32_t r = 0; r < m; r++) {
            double f = r == c ? 0 : a[r][c] / a[c][c];
            for (uint32_t k = c; k < m; k++)
                a[r][k] -= f * a[c][k];
            x[r] -= f * x[c];
        }
    }
    for (uint32_t c = 0; c < m; c++)
        x[c] /= a[c][c];
    return true;
}

/* Where the plane through the extreme members of the first front meets the axes; where there is
 * none, the front's worst values. */
static void find_ranges(double *low, double *range, const nas_strategy *t, uint32_t n) {
    const nsga3 *s = t->state;
    const member *a = s->parents.member;
    double extreme[NAS_MAX_OBJECTIVES][NAS_MAX_OBJECTIVES] = {{0}}, x[NAS_MAX_OBJECTIVES];
    for (uint32_t k = 0; k < s->m; k++) {
        low[k] = INFINITY;
        for (uint32_t i = 0; i < n; i++)
            low[k] = fmin(low[k], objective(t, &a[i])[k]);
    }
    for (uint32_t axis = 0; axis < s->m; axis++) {
        double best = INFINITY;
        for (uint32_t i = 0; i < n; i++) {
            double most = 0;
            for (uint32_t k = 0; k < s->m; k++)
                most = fmax(most, (objective(t, &a[i])[k] - low[k]) / (k == axis ? 1 : 1e-6));
            if (most < best)
                for (uint32_t k = 0; k < s->m; k++)
                    extreme[axis][k] = objective(t, &a[i])[k] - low[k];
            best = fmin(best, most);
        }
    }
    bool plane = solve_ones(x, extreme, s->m);
    for (uint32_t k = 0; k < s->m; k++)
        plane = plane && x[k] > 0 && isfinite(1 / x[k]) && 1 / x[k] > tiny;
    for (uint32_t k = 0; k < s->m; k++) {
        range[k] = plane ? 1 / x[k] : 0;
        for (uint32_t i = 0; i < n && !plane && a[i].rank == 0; i++)
            range[k] = fmax(range[k], objective(t, &a[i])[k] - low[k]);
        range[k] = range[k] > tiny ? range[k] : 1;
    }
}

/* The direction whose ray is nearest. */
static niche find_niche(const nsga3 *s, const double *v, const double *low, const double *range) {
    niche best = {0, INFINITY};
    for (uint32_t j = 0; j < s->n_directions; j++) {
        const double *w = s->direction + (size_t)j * s->m;
        double dot = 0, ww = 0, d = 0;
        for (uint32_t k = 0; k < s->m; k++) {
            dot += w[k] * (v[k] - low[k]) / range[k];
            ww += w[k] * w[k];
        }
        for (uint32_t k = 0; k < s->m; k++) {
            double off = (v[k] - low[k]) / range[k] - dot / ww * w[k];
            d += off * off;
        }
        if (d < best.distance)
            best = (niche){j, d};
    }
    return best;
}

/* ---- survivors ---- */

/* Moves to place `at` the member of at … end-1 whose direction has the fewest followers: the
 * nearest to its ray for the first of a direction, else the fittest. Ties go to the older. */
static void pick(nsga3 *s, uint32_t at, uint32_t end) {
    member *a = s->parents.member;
    uint32_t best = at;
    for (uint32_t i = at + 1; i < end; i++) {
        uint32_t ci = s->crowd[s->niche[i].direction], cb = s->crowd[s->niche[best].direction];
        bool nearer = s->niche[i].distance < s->niche[best].distance;
        if (ci < cb || (ci == cb && ci == 0 && nearer))
            best = i;
    }
    member m = a[best];
    niche n = s->niche[best];
    memmove(a + at + 1, a + at, (best - at) * sizeof *a); /* keeps the order of the others */
    memmove(s->niche + at + 1, s->niche + at, (best - at) * sizeof *s->niche);
    a[at] = m;
    s->niche[at] = n;
    s->crowd[n.direction]++;
}

/* Cuts the sorted members to a population. */
static void cut(nas_strategy *t) {
    nsga3 *s = t->state;
    selection *p = &s->parents;
    uint32_t first = s->population, end = s->population; /* of the rank that does not fit whole */
    while (first > 0 && p->member[first - 1].rank == p->member[s->population].rank)
        first--;
    while (end < p->n && p->member[end].rank == p->member[s->population].rank)
        end++;
    bool usable = true;
    for (uint32_t i = 0; i < end; i++)
        usable = usable && is_finite(objective(t, &p->member[i]), s->m) &&
                 !(t->trial[p->member[i].trial].violation > 0);
    if (usable && first < s->population && s->population < p->n) {
        double low[NAS_MAX_OBJECTIVES], range[NAS_MAX_OBJECTIVES];
        find_ranges(low, range, t, end);
        memset(s->crowd, 0, s->n_directions * sizeof *s->crowd);
        for (uint32_t i = 0; i < end; i++) {
            s->niche[i] = find_niche(s, objective(t, &p->member[i]), low, range);
            s->crowd[s->niche[i].direction] += i < first;
        }
        for (uint32_t at = first; at < s->population; at++)
            pick(s, at, end);
    }
    p->n = s->population;
}

static nas_status survive(nas_strategy *t, uint32_t end) {
    nsga3 *s = t->state;
    selection *p = &s->parents;
    if (s->seen == 0) {
        selection_take(p, 0, s->population);
        s->seen = s->population;
    }
    for (; s->seen < end; s->seen += s->batch) {
        p->n = s->population;
        for (uint32_t i = 0; i < s->batch; i++)
            p->member[p->n++].trial = s->seen + i;
        NAS_TRY(selection_sort(p, t)); /* which leaves them as they were when it fails */
        cut(t);
    }
    return NAS_OK;
}

/* The less violating of two; among feasible ones any, as in the paper. */
static void parent(nas_genome *x, const nas_strategy *t, nas_rng *r) {
    const nsga3 *s = t->state;
    uint32_t a = s->parents.member[nas_rng_below(r, s->population)].trial;
    uint32_t b = s->parents.member[nas_rng_below(r, s->population)].trial;
    bool failed = !is_finite(t->trial[a].objective, s->m);
    bool worse = fmax(t->trial[a].violation, 0) > fmax(t->trial[b].violation, 0);
    strategy_genome(x, t, failed || worse ? b : a);
}

static nas_status propose(nas_genome *out, nas_strategy *t, uint32_t trial, nas_rng *r) {
    const nsga3 *s = t->state;
    if (trial < s->population) {
        nas_space_sample(out, t->space, r);
        return NAS_OK;
    }
    NAS_TRY(survive(t, horizon(t, trial)));
    nas_genome a, b;
    parent(&a, t, r);
    parent(&b, t, r);
    *out = a;
    if (nas_rng_uniform(r) < s->crossover)
        nas_genome_cross(out, t->space, &a, &b, swap_probability, r);
    selection_mutate(out, t, s->mutation, r);
    return NAS_OK;
}

static const char *const takes[] = {"population", "crossover", "mutation",
                                    "divisions",  "batch",     NULL};

const strategy_kind strategy_nsga3 = {.name = "nsga3",
                                      .takes = takes,
                                      .create = create,
                                      .free = release,
                                      .horizon = horizon,
                                      .propose = propose};
