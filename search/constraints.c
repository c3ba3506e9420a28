/* search/constraints.c - what a network of a space must meet. */
#include <nas/space.h>

#include <stdio.h>

#include "plan.h"

enum { MAX_TRIES = 1000, MAX_BUILT = 100 };

static nas_status count_name(nas_space *s, const nas_yaml_node *at, const char *name) {
    plan *p;
    NAS_TRY(plan_new(&p, s, PLAN_COUNT, at, 0));
    p->text = name;
    return name_add(s, name, p);
}

static void needs_counts(void *ctx, plan *p) {
    bool *needs = ctx;
    *needs = *needs || p->kind == PLAN_COUNT;
}

nas_status constraints_read(nas_space *s, const nas_yaml_node *list) {
    if (nas_yaml_kind_of(list) != NAS_YAML_SEQ || nas_yaml_count(list) > MAX_RULES)
        return nas_yaml_fail(list, "constraints: expected a list of at most %d expressions",
                             (int)MAX_RULES);
    NAS_TRY(count_name(s, list, "params"));
    NAS_TRY(count_name(s, list, "macs"));
    s->anywhere = true;
    for (size_t i = 0; i < nas_yaml_count(list); i++) {
        const nas_yaml_node *n = nas_yaml_at(list, i);
        const char *text;
        plan *p;
        NAS_TRY(nas_yaml_string(&text, n));
        NAS_TRY(plan_expr(&p, s, n, text + (text[0] == '='), ""));
        s->constraint[i].at = n;
        s->constraint[i].expr = p->expr;
        expr_values(p->expr, needs_counts, &s->constraint[i].counts);
        s->n_constraints++;
    }
    return NAS_OK;
}

static nas_status fail_unmet(const nas_yaml_node *at) {
    char line[600];
    nas_status st = nas_yaml_fail(at, "the constraint '%.80s' is not met", nas_yaml_scalar(at));
    snprintf(line, sizeof line, "%s", nas_error_text());
    return st == NAS_E_PARSE ? nas_fail(NAS_E_SHAPE, "%s", line) : st;
}

/* Those over genes, or those over counts. */
static nas_status check(const nas_space *s, const uint16_t *gene, bool counts) {
    for (uint32_t i = 0; i < s->n_constraints; i++) {
        worth w;
        if (s->constraint[i].counts != counts)
            continue;
        NAS_TRY(expr_worth(&w, s, s->constraint[i].expr, gene));
        if (w.is_number && w.number == 0)
            return fail_unmet(s->constraint[i].at);
    }
    return NAS_OK;
}

nas_status constraints_genes(const nas_space *s, const nas_genome *x) {
    return check(s, x->gene, false);
}

nas_status constraints_counts(const nas_space *s, const nas_genome *x, const nas_graph *g) {
    bool counts = false;
    nas_cost c;
    for (uint32_t i = 0; i < s->n_constraints; i++)
        counts = counts || s->constraint[i].counts;
    if (!counts)
        return NAS_OK;
    nas_graph_cost(&c, g);
    plan_set_counts((double)c.params, (double)c.macs / nas_graph_shape(g, (nas_value){0})->dim[0]);
    return check(s, x->gene, true);
}

bool nas_space_allows(const nas_space *s, const nas_genome *x) {
    nas_graph *g;
    if (s->n_constraints == 0)
        return true;
    if (constraints_genes(s, x) != NAS_OK || nas_space_graph(&g, s, x, 1) != NAS_OK)
        return false;
    nas_graph_free(g);
    return true;
}

uint32_t nas_space_draw(nas_genome *x, const nas_space *s, nas_rng *r) {
    uint32_t built = 0;
    for (uint32_t tries = 1;; tries++) {
        for (uint32_t i = 0; i < s->n_genes; i++)
            x->gene[i] = (uint16_t)nas_rng_below(r, s->gene[i].n);
        nas_space_canonical(x, s);
        bool fine = s->n_constraints == 0 || constraints_genes(s, x) == NAS_OK;
        built += fine;
        if ((fine && nas_space_allows(s, x)) || tries == MAX_TRIES || built == MAX_BUILT)
            return tries;
    }
}

void nas_space_sample(nas_genome *x, const nas_space *s, nas_rng *r) {
    nas_space_draw(x, s, r);
}
