/* search/genes.c - genomes: which genes count, drawing one, walking through all, how many. */
#include <assert.h>
#include <string.h>

#include "plan.h"

/* ---- which genes count ---- */

typedef struct visitor {
    bool *active;
    const nas_space *s;
    const uint16_t *gene;
} visitor;

/* Values that stand elsewhere count there; let names count where they are used. */
static void visit_lets(void *ctx, plan *p) {
    const visitor *v = ctx;
    for (uint32_t i = 0; i < p->n_lets; i++) {
        const let *l = &v->s->lets[p->let[i]];
        uint32_t option = l->gene != NO_GENE ? v->gene[l->gene] : 0;
        if (l->gene != NO_GENE)
            v->active[l->gene] = true;
        if (l->expr[option] != NULL)
            expr_values(l->expr[option], visit_lets, ctx);
    }
}

static void visit(bool *active, const nas_space *s, const plan *p, const uint16_t *gene) {
    uint32_t n = p->n;
    visitor v = {.active = active, .s = s, .gene = gene};
    if (p->kind == PLAN_REF)
        visit_lets(&v, (plan *)p);
    if (p->kind == PLAN_EXPR || p->kind == PLAN_CASE)
        expr_values(p->expr, visit_lets, &v);
    if (p->kind == PLAN_ALIAS)
        return;
    for (uint32_t i = 0; i < p->n_args; i++)
        visit(active, s, p->arg[i], gene);
    if (p->kind == PLAN_COPIES) {
        visit(active, s, p->repeat, gene);
        n = plan_copies_now(s, p, gene);
    }
    const plan *instead = plan_instead(s, p, gene);
    if (p->kind == PLAN_CHOOSE)
        active[p->gene] = true;
    if (instead != NULL) {
        visit(active, s, instead, gene);
        return;
    }
    for (uint32_t i = 0; i < n; i++)
        visit(active, s, p->kid[i], gene);
}

void nas_space_active(bool *active, const nas_space *s, const nas_genome *x) {
    memset(active, 0, s->n_genes * sizeof *active);
    visit(active, s, s->hwc, x->gene);
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

/* ---- walking ---- */

/* Counts like an odometer whose last gene turns fastest. Other genes depend on earlier ones alone;
 * whether the gene of a let name or of a shared block counts may depend on later ones, so it turns
 * always, and what is not canonical is passed over. */
static bool step(nas_genome *x, const nas_space *s) {
    bool active[NAS_MAX_GENES];
    nas_space_active(active, s, x);
    for (uint32_t i = s->n_genes; i-- > 0;) {
        if ((active[i] || s->late[i]) && x->gene[i] + 1u < s->gene[i].n) {
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
    } while (memcmp(canonical.gene, next.gene, sizeof next.gene) != 0 ||
             constraints_genes(s, &next) != NAS_OK);
    *x = next;
    return true;
}
