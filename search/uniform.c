/* search/uniform.c - drawing networks so that each is as likely as any other.
 *
 * Genes that nothing else reads stand in a tree: an option is drawn as often as there are networks
 * behind it. Let names, shared blocks and what decides on other things may count in one network and
 * not in another; they are drawn first, and a network without some of them is kept as rarely as it
 * then comes too often. Numbers of networks are logarithms here.
 */
#include <math.h>
#include <string.h>

#include "plan.h"

enum { MAX_DRAWS = 200000, MAX_BUILT = 100 };

typedef struct tree {
    const nas_space *s;
    uint16_t *gene; /* NULL: the most that any setting gives */
    nas_rng *r;
} tree;

static bool is_free(const nas_space *s, const plan *p) {
    return p->kind == PLAN_CHOOSE && s->bit[p->gene] < 0 && !s->counts[p->gene];
}

/* log(exp a + exp b) */
static double log_plus(double a, double b) {
    double most = fmax(a, b);
    return isinf(most) ? most : most + log(exp(a - most) + exp(b - most));
}

static double ways(const tree *t, const plan *p);

static double ways_of(const tree *t, plan *const *kid, uint32_t n) {
    double sum = 0;
    for (uint32_t i = 0; i < n; i++)
        sum += ways(t, kid[i]);
    return sum;
}

/* Without genes, all copies that there can be, unless the number depends on none. */
static uint32_t copies_of(const tree *t, const plan *p, const plan *repeat) {
    static const uint16_t none[NAS_MAX_GENES];
    if (t->gene == NULL && !plan_is_constant(t->s, repeat))
        return p->n;
    int64_t n = plan_number(t->s, repeat, t->gene != NULL ? t->gene : none);
    return n > p->n ? p->n : (uint32_t)n;
}

static double ways_of_copies(const tree *t, const plan *p) {
    double sum = -INFINITY;
    if (!is_free(t->s, p->repeat))
        return ways_of(t, p->kid, copies_of(t, p, p->repeat));
    for (uint32_t i = 0; i < p->repeat->n; i++)
        sum = log_plus(sum, ways_of(t, p->kid, copies_of(t, p, p->repeat->kid[i])));
    return sum;
}

/* How many settings of free genes p has; what a shared block is made of counts apart. */
static double ways(const tree *t, const plan *p) {
    double sum = -INFINITY;
    bool any = p->kind == PLAN_CASE || p->kind == PLAN_CHOOSE;
    if (p->kind == PLAN_COPIES)
        return ways_of_copies(t, p);
    if (p->kind == PLAN_ALIAS)
        return 0;
    if (p->kind == PLAN_OWN)
        return ways_of(t, p->arg, p->n_args) + (p->shared == NO_GENE ? ways(t, p->kid[0]) : 0);
    if (!any)
        return ways_of(t, p->kid, p->n);
    if (!is_free(t->s, p) && t->gene != NULL)
        return ways(t, plan_instead(t->s, p, t->gene));
    for (uint32_t i = 0; i < p->n; i++)
        sum = is_free(t->s, p) ? log_plus(sum, ways(t, p->kid[i])) : fmax(sum, ways(t, p->kid[i]));
    return sum;
}

/* ---- drawing ---- */

/* Which of n, of these logarithms of weights. */
static uint32_t draw_one(nas_rng *r, const double *weight, uint32_t n) {
    double most = -INFINITY, sum = 0, u;
    for (uint32_t i = 0; i < n; i++)
        most = fmax(most, weight[i]);
    for (uint32_t i = 0; i < n; i++)
        sum += exp(weight[i] - most);
    u = nas_rng_uniform(r) * sum;
    for (uint32_t i = 0; i + 1 < n; i++)
        if ((u -= exp(weight[i] - most)) < 0)
            return i;
    return n - 1;
}

static void draw(const tree *t, const plan *p);

static void draw_all(const tree *t, plan *const *kid, uint32_t n) {
    for (uint32_t i = 0; i < n; i++)
        draw(t, kid[i]);
}

/* A free choice, its options weighed by what is behind them, of copies when `copies` has some. */
static void draw_free(const tree *t, const plan *choice, const plan *copies) {
    enum { MAX_OPTIONS = 4096 };
    double weight[MAX_OPTIONS];
    uint32_t n = choice->n < MAX_OPTIONS ? choice->n : MAX_OPTIONS;
    for (uint32_t i = 0; i < n; i++)
        weight[i] = copies == NULL ? ways(t, choice->kid[i])
                                   : ways_of(t, copies->kid, copies_of(t, copies, choice->kid[i]));
    t->gene[choice->gene] = (uint16_t)draw_one(t->r, weight, n);
}

static void draw(const tree *t, const plan *p) {
    if (p->kind == PLAN_COPIES) {
        if (is_free(t->s, p->repeat))
            draw_free(t, p->repeat, p);
        draw_all(t, p->kid, copies_of(t, p, p->repeat));
    } else if (p->kind == PLAN_OWN) {
        draw_all(t, p->arg, p->n_args);
        if (p->shared == NO_GENE)
            draw(t, p->kid[0]);
    } else if (p->kind == PLAN_CHOOSE || p->kind == PLAN_CASE) {
        if (is_free(t->s, p))
            draw_free(t, p, NULL);
        draw(t, plan_instead(t->s, p, t->gene));
    } else if (p->kind != PLAN_ALIAS) {
        draw_all(t, p->kid, p->n);
    }
}

/* ---- the whole ---- */

/* Marks the shared blocks that are in the network. */
static void mark_used(bool used[MAX_OWN], const tree *t, const plan *p) {
    uint32_t n = p->kind == PLAN_COPIES ? copies_of(t, p, p->repeat) : p->n;
    const plan *instead = p->kind == PLAN_ALIAS ? NULL : plan_instead(t->s, p, t->gene);
    for (uint32_t i = 0; i < p->n_args; i++)
        mark_used(used, t, p->arg[i]);
    if (p->kind == PLAN_OWN && p->shared != NO_GENE)
        used[p->shared] = true;
    if (instead != NULL)
        mark_used(used, t, instead);
    for (uint32_t i = 0; instead == NULL && p->kind != PLAN_ALIAS && i < n; i++)
        mark_used(used, t, p->kid[i]);
}

static bool is_tracked(const nas_space *s, uint32_t gene) {
    return s->bit[gene] >= 0 || s->counts[gene];
}

/* The logarithm of how rarely a network is drawn. With used NULL: the most that it can be. */
static double rarity(const tree *t, const bool *used, const bool *active) {
    double sum = ways(t, t->s->hwc) + ways(t, t->s->net);
    for (uint32_t i = 0; i < t->s->n_shared; i++)
        if (used == NULL || used[t->s->shared[i] - t->s->own])
            sum += ways(t, t->s->shared[i]->use->kid[0]);
    for (uint32_t i = 0; i < t->s->n_genes; i++)
        if (is_tracked(t->s, i) && (active == NULL || active[i]))
            sum += log(t->s->gene[i].n);
    return sum;
}

static void draw_network(nas_genome *x, const tree *t) {
    x->n = t->s->n_genes;
    for (uint32_t i = 0; i < t->s->n_genes; i++)
        x->gene[i] =
            is_tracked(t->s, i) ? (uint16_t)nas_rng_below(t->r, t->s->gene[i].n) : (uint16_t)0;
    for (uint32_t i = 0; i < t->s->n_shared; i++)
        draw(t, t->s->shared[i]->use->kid[0]);
    draw(t, t->s->hwc);
    draw(t, t->s->net);
}

nas_status nas_space_sample_uniform(nas_genome *x, const nas_space *s, nas_rng *r) {
    tree t = {.s = s, .gene = x->gene, .r = r}, bound = {.s = s};
    double most = rarity(&bound, NULL, NULL);
    uint32_t built = 0;
    for (uint32_t i = 0; i < MAX_DRAWS && built < MAX_BUILT; i++) {
        bool active[NAS_MAX_GENES], used[MAX_OWN] = {false};
        draw_network(x, &t);
        mark_used(used, &t, s->hwc);
        mark_used(used, &t, s->net);
        nas_space_active(active, s, x);
        if (log(1 - nas_rng_uniform(r)) > rarity(&t, used, active) - most)
            continue;
        nas_space_canonical(x, s);
        if (s->n_constraints > 0 && constraints_genes(s, x) != NAS_OK)
            continue;
        built++;
        if (nas_space_allows(s, x))
            return NAS_OK;
    }
    return nas_fail(NAS_E_UNSUPPORTED,
                    "%s: no network in %d uniform draws: too few of its genes count, or of its "
                    "networks meet the constraints",
                    s->name, (int)MAX_DRAWS);
}
