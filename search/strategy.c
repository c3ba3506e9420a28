/* search/strategy.c - ask and tell: the table of strategies, and that no network is asked for
 * twice. */
#include "strategy.h"

#include <math.h>
#include <string.h>

static const strategy_kind *const kinds[] = {
#define X(name) &strategy_##name,
#include "strategies.def"
#undef X
};
enum { N_KINDS = sizeof kinds / sizeof *kinds };

static const char *const names[N_KINDS + 1] = {
#define X(name) #name,
#include "strategies.def"
#undef X
    NULL};

const char *const *nas_strategy_names(void) {
    return names;
}

const char *nas_strategy_name(const nas_strategy *t) {
    return t->kind->name;
}

const uint16_t *strategy_genes(const nas_strategy *t, uint32_t trial) {
    return t->pool + (size_t)trial * t->genes;
}

void strategy_genome(nas_genome *x, const nas_strategy *t, uint32_t trial) {
    *x = (nas_genome){.n = t->genes};
    memcpy(x->gene, strategy_genes(t, trial), t->genes * sizeof *x->gene);
}

/* ---- what was asked ---------------------------------------------------------------------------
 */

static uint64_t genes_hash(const nas_strategy *t, const uint16_t *gene) {
    return nas_hash_bytes(0, gene, t->genes * sizeof *gene);
}

/* The slot of these genes, or the empty one where they belong. */
static size_t find_slot(const nas_strategy *t, const uint16_t *gene) {
    size_t i = genes_hash(t, gene) & (t->n_slots - 1);
    while (t->slot[i] != 0 &&
           memcmp(strategy_genes(t, t->slot[i] - 1), gene, t->genes * sizeof *gene) != 0)
        i = (i + 1) & (t->n_slots - 1);
    return i;
}

bool strategy_was_asked(const nas_strategy *t, const nas_genome *x) {
    return t->n_slots > 0 && t->slot[find_slot(t, x->gene)] != 0;
}

uint32_t strategy_common_factor(uint32_t a, uint32_t b) {
    while (b != 0) {
        uint32_t c = a % b;
        a = b;
        b = c;
    }
    return a;
}

static nas_status grow_slots(nas_strategy *t) {
    size_t n = t->n_slots ? 2 * t->n_slots : 64;
    uint32_t *slot = nas_calloc(n, sizeof *slot);
    if (slot == NULL)
        return nas_fail_memory(n * sizeof *slot);
    nas_free(t->slot);
    t->slot = slot;
    t->n_slots = n;
    for (size_t i = 0; i < t->n_trials; i++)
        slot[find_slot(t, strategy_genes(t, (uint32_t)i))] = (uint32_t)i + 1;
    return NAS_OK;
}

static nas_status remember(nas_strategy *t, const nas_genome *x) {
    size_t n = t->n_trials;
    NAS_TRY(nas_grow(&t->trial, &t->trial_cap, n + 1, sizeof *t->trial));
    NAS_TRY(nas_grow(&t->pool, &t->pool_cap, (n + 1) * t->genes + 1, sizeof *t->pool));
    if (2 * (n + 1) > t->n_slots)
        NAS_TRY(grow_slots(t));
    size_t at = find_slot(t, x->gene);
    memcpy(t->pool + n * t->genes, x->gene, t->genes * sizeof *x->gene);
    t->trial[n] = (strategy_trial){0};
    t->n_trials++;
    t->slot[at] = (uint32_t)n + 1;
    return NAS_OK;
}

/* ---- when proposals repeat --------------------------------------------------------------------
 */

/* Tries every genome that differs from x in one active gene, in random order. */
static bool new_neighbour(nas_genome *x, const nas_strategy *t, nas_rng *r) {
    bool active[NAS_MAX_GENES];
    uint32_t order[NAS_MAX_GENES];
    const nas_genome from = *x;
    nas_space_active(active, t->space, &from);
    for (uint32_t i = 0; i < t->genes; i++)
        order[i] = i;
    nas_rng_shuffle(r, order, t->genes);
    for (uint32_t i = 0; i < t->genes; i++) {
        uint32_t g = order[i], n = nas_space_gene(t->space, g)->n;
        if (!active[g])
            continue;
        uint32_t first = (uint32_t)nas_rng_below(r, n);
        for (uint32_t k = 0; k < n; k++) {
            *x = from;
            x->gene[g] = (uint16_t)((first + k) % n);
            nas_space_canonical(x, t->space);
            if (!strategy_was_asked(t, x))
                return true;
        }
    }
    return false;
}

/* The first genome in counting order that is new; it takes at most one step more than there were
 * asks, because every genome on the way was asked. */
static bool new_by_counting(nas_genome *x, const nas_strategy *t) {
    *x = (nas_genome){.n = t->genes};
    nas_space_canonical(x, t->space);
    while (strategy_was_asked(t, x))
        if (!nas_space_next(x, t->space))
            return false;
    return true;
}

/* How far a network is known to miss the constraints before anything is trained. */
static nas_status known_violation(double *out, const nas_strategy *t, const nas_genome *x) {
    double objective[NAS_MAX_OBJECTIVES];
    *out = 0;
    if (t->options.price == NULL)
        return NAS_OK;
    return t->options.price(t->options.price_ctx, x, objective, out);
}

/* The new network that misses the constraints least, so far. */
typedef struct least {
    nas_genome x;
    double violation;
    bool any;
} least;

/* Takes x into account; *good when it is new and nothing is known against it. */
static nas_status weigh(bool *good, least *l, const nas_strategy *t, const nas_genome *x) {
    double v;
    *good = false;
    if (strategy_was_asked(t, x))
        return NAS_OK;
    NAS_TRY(known_violation(&v, t, x));
    *good = !(v > 0);
    if (!l->any || v < l->violation)
        *l = (least){*x, v, true};
    return NAS_OK;
}

static nas_status find_new(nas_genome *x, nas_strategy *t, uint32_t trial) {
    nas_rng r = nas_rng_stream(t->options.seed, t->kind->name, trial);
    least l = {.any = false};
    bool good;
    for (t->attempt = 0; t->attempt < STRATEGY_TRIES; t->attempt++) {
        NAS_TRY(t->kind->propose(x, t, trial, &r));
        NAS_TRY(weigh(&good, &l, t, x));
        if (good)
            return NAS_OK;
    }
    const nas_genome last = *x;
    for (int i = 0; i < STRATEGY_TRIES; i++) {
        nas_space_sample(x, t->space, &r);
        NAS_TRY(weigh(&good, &l, t, x));
        if (good)
            return NAS_OK;
    }
    *x = l.any ? l.x : last;
    if (l.any || new_neighbour(x, t, &r) || new_by_counting(x, t))
        return NAS_OK;
    return nas_fail(NAS_E_NOT_FOUND, "the space is exhausted: all its %zu networks were asked for",
                    t->n_trials);
}

/* ---- public -----------------------------------------------------------------------------------
 */

static nas_status check_options(const char *name, const nas_strategy_options *o) {
    if (o->n_objectives < 1 || o->n_objectives > NAS_MAX_OBJECTIVES)
        return nas_fail(NAS_E_ARG, "%s: %u objectives, but 1 to %d are possible", name,
                        o->n_objectives, NAS_MAX_OBJECTIVES);
    if (!(o->crossover >= 0 && o->crossover <= 1) || !(o->mutation >= 0 && o->mutation <= 1))
        return nas_fail(NAS_E_ARG, "%s: crossover %g and mutation %g must lie in 0 to 1", name,
                        o->crossover, o->mutation);
    if (o->population == 1)
        return nas_fail(NAS_E_ARG, "%s: a population of 1 cannot mate", name);
    return NAS_OK;
}

static const strategy_kind *find_kind(const char *name) {
    for (size_t i = 0; i < N_KINDS; i++)
        if (strcmp(kinds[i]->name, name) == 0)
            return kinds[i];
    return NULL;
}

const char *const *strategy_takes(const char *name) {
    const strategy_kind *kind = find_kind(name);
    return kind != NULL ? kind->takes : NULL;
}

nas_status nas_strategy_create(nas_strategy **out, const char *name, const nas_space *s,
                               const nas_strategy_options *o) {
    nas_status st = NAS_OK;
    const strategy_kind *kind = find_kind(name);
    if (kind == NULL) {
        const char *near = nas_nearest(name, names, N_KINDS);
        return nas_fail(NAS_E_NOT_FOUND, "no strategy '%s'%s%s%s", name,
                        near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
    }
    NAS_TRY(check_options(name, o));
    nas_strategy *t = nas_calloc(1, sizeof *t);
    if (t == NULL)
        return nas_fail_memory(sizeof *t);
    t->kind = kind;
    t->space = s;
    t->options = *o;
    t->genes = nas_space_gene_count(s);
    if (kind->create != NULL)
        NAS_GO(kind->create(t));
    *out = t;
    t = NULL;

done:
    nas_strategy_free(t);
    return st;
}

void nas_strategy_free(nas_strategy *t) {
    if (t == NULL)
        return;
    if (t->kind->free != NULL)
        t->kind->free(t);
    nas_free(t->trial);
    nas_free(t->pool);
    nas_free(t->slot);
    nas_free(t);
}

uint32_t nas_strategy_horizon(const nas_strategy *t, uint32_t trial) {
    return t->kind->horizon != NULL ? t->kind->horizon(t, trial) : 0;
}

nas_status nas_strategy_ask(nas_genome *out, nas_strategy *t, uint32_t trial) {
    if (trial != t->n_trials)
        return nas_fail(NAS_E_ARG, "%s: trial %u was asked for, but %zu is next", t->kind->name,
                        trial, t->n_trials);
    uint32_t horizon = nas_strategy_horizon(t, trial);
    for (uint32_t i = 0; i < horizon; i++)
        if (!t->trial[i].told)
            return nas_fail(NAS_E_ARG, "%s: trial %u needs the result of trial %u first",
                            t->kind->name, trial, i);
    nas_genome x = {.n = t->genes};
    NAS_TRY(find_new(&x, t, trial));
    NAS_TRY(remember(t, &x));
    *out = x;
    return NAS_OK;
}

nas_status nas_strategy_tell(nas_strategy *t, const nas_point *p) {
    const char *name = t->kind->name;
    if (p->trial >= t->n_trials)
        return nas_fail(NAS_E_ARG, "%s: trial %u was never asked for", name, p->trial);
    strategy_trial *trial = &t->trial[p->trial];
    if (trial->told)
        return nas_fail(NAS_E_ARG, "%s: trial %u was told before", name, p->trial);
    /* Another genome means that the study was kept by another space or another version. */
    if (p->genome.n != t->genes ||
        memcmp(p->genome.gene, strategy_genes(t, p->trial), t->genes * sizeof *p->genome.gene) != 0)
        return nas_fail(NAS_E_ARG, "%s: trial %u was told with another network than was asked for",
                        name, p->trial);
    for (uint32_t k = 0; k < NAS_MAX_OBJECTIVES; k++)
        trial->objective[k] = p->failed ? NAN : p->objective[k];
    trial->violation = p->violation;
    trial->told = true;
    return NAS_OK;
}
