/* search/count.c - how many networks a space has, exactly. */
#include <string.h>

#include "plan.h"

/* Networks by the set of tracked genes (let names, what others depend on) that they use: such a
 * gene counts once, wherever it is used. */
enum { MAX_SETS = 1024, MAX_WORK = 1 << 24 };
typedef struct tally {
    uint32_t n, cap;
    struct {
        uint64_t used;
        bignum networks;
    } * set;
} tally;

typedef struct counter {
    const nas_space *s;
    const uint16_t *gene; /* values of the genes that decide what else there is */
    uint64_t work;
} counter;

static nas_status fits(const nas_space *s, bool fine) {
    return fine ? NAS_OK
                : nas_yaml_fail(nas_yaml_root(s->doc), "over 2^6144 networks are too many");
}

static nas_status tally_add(tally *t, counter *c, uint64_t used, const bignum *networks) {
    for (uint32_t i = 0; i < t->n; i++) {
        if (t->set[i].used == used) {
            c->work += i + 1;
            return fits(c->s, bignum_add(&t->set[i].networks, networks));
        }
    }
    size_t cap = t->cap;
    c->work += t->n + 1;
    if (t->n == MAX_SETS || c->work > MAX_WORK)
        return nas_yaml_fail(nas_yaml_root(c->s->doc),
                             "too many choices depend on each other to count the networks");
    NAS_TRY(nas_grow(&t->set, &cap, t->n + 1u, sizeof *t->set));
    t->cap = (uint32_t)cap;
    t->set[t->n].used = used;
    t->set[t->n++].networks = *networks;
    return NAS_OK;
}

static nas_status tally_times(tally *t, counter *c, const tally *f) {
    nas_status st = NAS_OK;
    tally product = {0};
    bignum networks;
    for (uint32_t i = 0; i < t->n; i++) {
        for (uint32_t k = 0; k < f->n; k++) {
            networks = t->set[i].networks;
            c->work += networks.n * f->set[k].networks.n;
            NAS_GO(fits(c->s, bignum_multiply(&networks, &f->set[k].networks)));
            NAS_GO(tally_add(&product, c, t->set[i].used | f->set[k].used, &networks));
        }
    }
    tally old = *t;
    *t = product;
    product = old;
done:
    nas_free(product.set);
    return st;
}

typedef struct collector {
    const counter *c;
    uint64_t used;
} collector;

static uint64_t bit_of(const nas_space *s, int32_t gene) {
    return gene != NO_GENE && s->bit[gene] >= 0 ? UINT64_C(1) << s->bit[gene] : 0;
}

/* Of a let name whose options are expressions, what all of them use. */
static void collect(void *ctx, plan *p) {
    collector *k = ctx;
    for (uint32_t i = 0; i < p->n_lets; i++) {
        const let *l = &k->c->s->lets[p->let[i]];
        k->used |= bit_of(k->c->s, l->gene);
        for (uint32_t o = 0; o < l->n; o++)
            if (l->expr[o] != NULL)
                expr_values(l->expr[o], collect, k);
    }
}

static uint64_t used_by(const counter *c, const plan *p) {
    collector k = {.c = c};
    collect(&k, (plan *)p);
    if (p->kind == PLAN_EXPR || p->kind == PLAN_CASE)
        expr_values(p->expr, collect, &k);
    return k.used;
}

static nas_status count(tally *t, counter *c, const plan *p);

static nas_status count_product(tally *t, counter *c, plan *const *kid, uint32_t n, uint64_t used) {
    nas_status st = NAS_OK;
    tally one = {0};
    bignum unit;
    bignum_set(&unit, 1);
    NAS_GO(tally_add(t, c, used, &unit));
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
        NAS_TRY(tally_add(t, c, a->set[i].used, &a->set[i].networks));
    return NAS_OK;
}

/* Adds the networks of a stage for each number of copies that `repeat` can be. */
static nas_status count_copies(tally *t, counter *c, const plan *repeat, const plan *copies) {
    nas_status st = NAS_OK;
    tally one = {0};
    if (repeat->kind == PLAN_CHOOSE && !c->s->counts[repeat->gene]) {
        for (uint32_t i = 0; i < repeat->n; i++)
            NAS_TRY(count_copies(t, c, repeat->kid[i], copies));
        return NAS_OK;
    }
    int64_t n = plan_number(c->s, repeat, c->gene);
    uint64_t used = used_by(c, repeat);
    if (repeat->kind == PLAN_CHOOSE)
        used |= bit_of(c->s, repeat->gene);
    NAS_GO(count_product(&one, c, copies->kid, n > copies->n ? copies->n : (uint32_t)n, used));
    NAS_GO(tally_plus(t, c, &one));
done:
    nas_free(one.set);
    return st;
}

/* The use of a block that the file defines: its arguments, and what it is made of, which of a
 * shared block is counted once in the end. */
static nas_status count_own(tally *t, counter *c, const plan *p) {
    nas_status st = NAS_OK;
    tally one = {0};
    uint64_t used = p->shared != NO_GENE ? UINT64_C(1) << c->s->own[p->shared].bit : 0;
    NAS_GO(count_product(t, c, p->arg, p->n_args, used));
    if (p->shared == NO_GENE) {
        NAS_GO(count(&one, c, p->kid[0]));
        NAS_GO(tally_times(t, c, &one));
    }
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
    if (p->kind == PLAN_OWN)
        return count_own(t, c, p);
    if (p->kind == PLAN_CASE)
        return count_product(t, c, &(plan *){(plan *)plan_instead(c->s, p, c->gene)}, 1,
                             used_by(c, p));
    if (p->kind != PLAN_CHOOSE)
        return count_product(t, c, p->kid, p->kind == PLAN_ALIAS ? 0 : p->n, used_by(c, p));
    if (c->s->counts[p->gene])
        return count_product(t, c, &p->kid[c->gene[p->gene]], 1, bit_of(c->s, p->gene));
    for (uint32_t i = 0; i < p->n; i++) {
        NAS_GO(count(&one, c, p->kid[i]));
        NAS_GO(tally_plus(t, c, &one));
        one.n = 0;
    }
done:
    nas_free(one.set);
    return st;
}

/* Puts what a shared block is made of in the place of its use. A block uses only blocks that are
 * first used before its own end, so they are taken from the last finished one. */
static nas_status expand_shared(tally *t, counter *c, const own_block *o) {
    nas_status st = NAS_OK;
    tally content = {0}, result = {0};
    uint64_t bit = UINT64_C(1) << o->bit;
    bignum networks;
    NAS_GO(count(&content, c, o->use->kid[0]));
    for (uint32_t i = 0; i < t->n; i++) {
        uint64_t used = t->set[i].used;
        if ((used & bit) == 0)
            NAS_GO(tally_add(&result, c, used, &t->set[i].networks));
        for (uint32_t k = 0; (used & bit) != 0 && k < content.n; k++) {
            networks = t->set[i].networks;
            NAS_GO(fits(c->s, bignum_multiply(&networks, &content.set[k].networks)));
            NAS_GO(tally_add(&result, c, (used & ~bit) | content.set[k].used, &networks));
        }
    }
    tally old = *t;
    *t = result;
    result = old;
done:
    nas_free(content.set);
    nas_free(result.set);
    return st;
}

/* Adds the networks under one setting of the genes that decide what else there is. Where such a
 * gene is not used, only its first value counts. */
static nas_status add_networks(nas_space *s, const tally *t, const uint16_t *gene) {
    for (uint32_t i = 0; i < t->n; i++) {
        bignum networks = t->set[i].networks, options;
        for (uint32_t k = 0; k < s->n_genes; k++) {
            bool used = s->bit[k] >= 0 && (t->set[i].used >> s->bit[k] & 1) != 0;
            bool once = s->bit[k] < 0 || s->counts[k] || !used;
            if (s->counts[k] && !used && gene[k] > 0)
                networks.n = 0;
            bignum_set(&options, once ? 1 : s->gene[k].n);
            NAS_TRY(fits(s, bignum_multiply(&networks, &options)));
        }
        NAS_TRY(fits(s, bignum_add(&s->size, &networks)));
    }
    return NAS_OK;
}

static bool next_counts(uint16_t *gene, const nas_space *s) {
    for (uint32_t k = 0; k < s->n_genes; k++) {
        if (!s->counts[k])
            continue;
        if (++gene[k] < s->gene[k].n)
            return true;
        gene[k] = 0;
    }
    return false;
}

nas_status count_networks(nas_space *s) {
    nas_status st = NAS_OK;
    uint16_t gene[NAS_MAX_GENES] = {0};
    counter c = {.s = s, .gene = gene};
    tally t = {0};
    bignum_set(&s->size, 0);
    do {
        t.n = 0;
        NAS_GO(count_product(&t, &c, (plan *[]){s->hwc, s->net}, 2, 0));
        for (uint32_t i = s->n_shared; i-- > 0;)
            NAS_GO(expand_shared(&t, &c, s->shared[i]));
        NAS_GO(add_networks(s, &t, gene));
    } while (next_counts(gene, s));
done:
    nas_free(t.set);
    return st;
}
