/* search/genes.c - genomes: which genes count, drawing one, walking through all, how many. */
#include <assert.h>
#include <string.h>

#include "plan.h"

/* ---- which genes count ---- */

static void visit_lets(bool *active, const nas_space *s, const plan *p) {
    for (uint32_t i = 0; i < p->n_lets; i++)
        if (s->lets[p->let[i]].gene != NO_GENE)
            active[s->lets[p->let[i]].gene] = true;
}

static void visit(bool *active, const nas_space *s, const plan *p, const uint16_t *gene) {
    uint32_t n = p->n;
    if (p->kind == PLAN_REF)
        visit_lets(active, s, p);
    if (p->kind == PLAN_COPIES) {
        visit(active, s, p->repeat, gene);
        n = (uint32_t)plan_number(s, p->repeat, gene);
    }
    if (p->kind == PLAN_CHOOSE) {
        active[p->gene] = true;
        visit(active, s, p->kid[gene[p->gene]], gene);
        return;
    }
    for (uint32_t i = 0; i < n; i++)
        visit(active, s, p->kid[i], gene);
}

void nas_space_active(bool *active, const nas_space *s, const nas_genome *x) {
    memset(active, 0, s->n_genes * sizeof *active);
    visit(active, s, s->net, x->gene);
}

void nas_space_canonical(nas_genome *x, const nas_space *s) {
    bool active[NAS_MAX_GENES];
    x->n = s->n_genes;
    for (uint32_t i = 0; i < s->n_genes; i++)
        assert(x->gene[i] < s->gene[i].n);
    nas_space_active(active, s, x);
    for (uint32_t i = 0; i < NAS_MAX_GENES; i++)
        if (i >= s->n_genes || !active[i])
            x->gene[i] = 0;
}

void nas_space_sample(nas_genome *x, const nas_space *s, nas_rng *r) {
    for (uint32_t i = 0; i < s->n_genes; i++)
        x->gene[i] = (uint16_t)nas_rng_below(r, s->gene[i].n);
    nas_space_canonical(x, s);
}

/* ---- walking ---- */

static bool is_let_gene(const nas_space *s, uint32_t gene) {
    for (uint32_t i = 0; i < s->n_lets; i++)
        if (s->lets[i].gene == (int32_t)gene)
            return true;
    return false;
}

/* Counts like an odometer whose last gene turns fastest. Other genes depend on earlier ones alone;
 * whether a let gene counts may depend on later ones, so it turns always, and what is not canonical
 * is passed over. */
static bool step(nas_genome *x, const nas_space *s) {
    bool active[NAS_MAX_GENES];
    nas_space_active(active, s, x);
    for (uint32_t i = s->n_genes; i-- > 0;) {
        if ((active[i] || is_let_gene(s, i)) && x->gene[i] + 1u < s->gene[i].n) {
            x->gene[i]++;
            return true;
        }
        x->gene[i] = 0;
    }
    return false;
}

bool nas_space_next(nas_genome *x, const nas_space *s) {
    nas_genome next = *x, canonical;
    do {
        if (!step(&next, s))
            return false;
        canonical = next;
        nas_space_canonical(&canonical, s);
    } while (memcmp(canonical.gene, next.gene, sizeof next.gene) != 0);
    *x = next;
    return true;
}

/* ---- how many ---- */

/* Networks by the set of let names that they use: a let gene counts once, wherever it is used. */
enum { MAX_SETS = 1024, MAX_WORK = 1 << 26 };
typedef struct tally {
    uint32_t n, cap;
    struct {
        uint32_t lets;
        double networks;
    } * set;
} tally;

typedef struct counter {
    const nas_space *s;
    const uint16_t *gene; /* values of the let genes that decide a number of copies */
    uint64_t work;
} counter;

static nas_status tally_add(tally *t, counter *c, uint32_t lets, double networks) {
    for (uint32_t i = 0; i < t->n; i++) {
        if (t->set[i].lets == lets) {
            t->set[i].networks += networks;
            c->work += i + 1;
            return NAS_OK;
        }
    }
    size_t cap = t->cap;
    c->work += t->n + 1;
    if (t->n == MAX_SETS || c->work > MAX_WORK)
        return nas_yaml_fail(nas_yaml_root(c->s->doc),
                             "let names are used under too many choices to count the networks");
    NAS_TRY(nas_grow(&t->set, &cap, t->n + 1u, sizeof *t->set));
    t->cap = (uint32_t)cap;
    t->set[t->n].lets = lets;
    t->set[t->n++].networks = networks;
    return NAS_OK;
}

static nas_status tally_times(tally *t, counter *c, const tally *f) {
    nas_status st = NAS_OK;
    tally product = {0};
    for (uint32_t i = 0; i < t->n; i++)
        for (uint32_t k = 0; k < f->n; k++)
            NAS_GO(tally_add(&product, c, t->set[i].lets | f->set[k].lets,
                             t->set[i].networks * f->set[k].networks));
    tally old = *t;
    *t = product;
    product = old;
done:
    nas_free(product.set);
    return st;
}

static uint32_t lets_of(const nas_space *s, const plan *ref) {
    uint32_t lets = 0;
    for (uint32_t i = 0; i < ref->n_lets; i++)
        if (s->lets[ref->let[i]].gene != NO_GENE)
            lets |= UINT32_C(1) << ref->let[i];
    return lets;
}

static nas_status count(tally *t, counter *c, const plan *p);

static nas_status count_product(tally *t, counter *c, plan *const *kid, uint32_t n, uint32_t lets) {
    nas_status st = NAS_OK;
    tally one = {0};
    NAS_GO(tally_add(t, c, lets, 1));
    for (uint32_t i = 0; i < n; i++) {
        NAS_GO(count(&one, c, kid[i]));
        NAS_GO(tally_times(t, c, &one));
        one.n = 0;
    }
done:
    nas_free(one.set);
    return st;
}

static nas_status tally_plus(tally *t, counter *c, const tally *a) {
    for (uint32_t i = 0; i < a->n; i++)
        NAS_TRY(tally_add(t, c, a->set[i].lets, a->set[i].networks));
    return NAS_OK;
}

/* Adds the networks of a stage for each number of copies that `repeat` can be. */
static nas_status count_copies(tally *t, counter *c, const plan *repeat, const plan *copies) {
    nas_status st = NAS_OK;
    tally one = {0};
    if (repeat->kind == PLAN_CHOOSE) {
        for (uint32_t i = 0; i < repeat->n; i++)
            NAS_TRY(count_copies(t, c, repeat->kid[i], copies));
        return NAS_OK;
    }
    NAS_GO(count_product(&one, c, copies->kid, (uint32_t)plan_number(c->s, repeat, c->gene),
                         lets_of(c->s, repeat)));
    NAS_GO(tally_plus(t, c, &one));
done:
    nas_free(one.set);
    return st;
}

/* Adds what p can be to the empty t. */
static nas_status count(tally *t, counter *c, const plan *p) {
    nas_status st = NAS_OK;
    tally one = {0};
    if (p->kind == PLAN_COPIES)
        return count_copies(t, c, p->repeat, p);
    if (p->kind != PLAN_CHOOSE)
        return count_product(t, c, p->kid, p->n, lets_of(c->s, p));
    for (uint32_t i = 0; i < p->n; i++) {
        NAS_GO(count(&one, c, p->kid[i]));
        NAS_GO(tally_plus(t, c, &one));
        one.n = 0;
    }
done:
    nas_free(one.set);
    return st;
}

/* Networks under one setting of the let genes that decide numbers of copies. Where such a gene is
 * not used, only its first value counts. */
static double networks_of(const tally *t, const nas_space *s, const uint16_t *gene) {
    double sum = 0;
    for (uint32_t i = 0; i < t->n; i++) {
        double networks = t->set[i].networks;
        for (uint32_t k = 0; k < s->n_lets; k++) {
            const let *l = &s->lets[k];
            bool used = (t->set[i].lets >> k & 1) != 0;
            if (l->gene == NO_GENE)
                continue;
            if (l->counts)
                networks *= used || gene[l->gene] == 0 ? 1 : 0;
            else
                networks *= used ? l->n : 1;
        }
        sum += networks;
    }
    return sum;
}

static bool next_counts(uint16_t *gene, const nas_space *s) {
    for (uint32_t k = 0; k < s->n_lets; k++) {
        const let *l = &s->lets[k];
        if (l->gene == NO_GENE || !l->counts)
            continue;
        if (++gene[l->gene] < l->n)
            return true;
        gene[l->gene] = 0;
    }
    return false;
}

nas_status count_networks(nas_space *s) {
    nas_status st = NAS_OK;
    uint16_t gene[NAS_MAX_GENES] = {0};
    counter c = {.s = s, .gene = gene};
    tally t = {0};
    s->size = 0;
    do {
        t.n = 0;
        NAS_GO(count(&t, &c, s->net));
        s->size += networks_of(&t, s, gene);
    } while (next_counts(gene, s));
done:
    nas_free(t.set);
    return st;
}
