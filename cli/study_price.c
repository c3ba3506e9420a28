/* cli/study_price.c - prices of networks for strategies, and results from a table. */
#include "study_price.h"

#include <math.h>
#include <string.h>

double study_violation(double *limit, const nas_constraint *c, double v) {
    *limit = v > c->max ? c->max : c->min;
    double over = v > c->max ? v - c->max : c->min - v;
    if (!(over > 0))
        return 0;
    return over / (fabs(*limit) > 1e-12 ? fabs(*limit) : 1);
}

/* ---- tables ---- */

void study_table_free(study_table *t) {
    if (t == NULL)
        return;
    for (int i = 0; i < NAS_MAX_OBJECTIVES; i++)
        nas_expression_free(t->objective[i]);
    for (int i = 0; i < NAS_MAX_CONSTRAINTS; i++)
        nas_expression_free(t->constraint[i]);
    for (int i = 0; i < NAS_MAX_REPORTS; i++)
        nas_expression_free(t->report[i]);
    nas_table_free(t->table);
    nas_free(t);
}

static nas_status parse(nas_expression **out, const nas_measure *m, const study_table *t) {
    nas_status st = nas_expression_parse(out, m->expression, t->table);
    return st == NAS_OK || st == NAS_E_MEMORY ? st : nas_fail_prefix(st, "%s", m->name);
}

nas_status study_table_open(study_table **out, const nas_study_config *c, const nas_space *s) {
    nas_status st = NAS_OK;
    nas_genome first;
    study_table *t = nas_calloc(1, sizeof *t);
    if (t == NULL)
        return nas_fail_memory(sizeof *t);
    NAS_GO(nas_table_open(&t->table, c->table, c->table_key));
    for (uint32_t i = 0; i < c->n_objectives; i++)
        NAS_GO(parse(&t->objective[i], &c->objective[i], t));
    for (uint32_t i = 0; i < c->n_constraints; i++)
        NAS_GO(parse(&t->constraint[i], &c->constraint[i].measure, t));
    for (uint32_t i = 0; i < c->n_reports; i++)
        NAS_GO(parse(&t->report[i], &c->report[i], t));
    st = nas_space_from_arch(&first, s, nas_table_key(t->table, 0));
    if (st != NAS_OK)
        NAS_GO(nas_fail_prefix(st, "%s: column '%s'", c->table, c->table_key));
    if (nas_table_rows(t->table) < nas_space_size(s))
        talk_line("%s has %u rows, the space has %.10g networks: those without a row fail",
                  c->table, nas_table_rows(t->table), nas_space_size(s));
    *out = t;
    t = NULL;
done:
    study_table_free(t);
    return st;
}

nas_status study_look_up(study_row *out, nas_text *arch, const study_prices *p,
                         const nas_genome *x) {
    const study_table *t = p->table;
    const nas_study_config *c = p->config;
    uint32_t row;
    NAS_TRY(nas_space_arch(arch, p->space, x));
    NAS_TRY(nas_table_find(&row, t->table, nas_text_str(arch)));
    for (uint32_t i = 0; i < c->n_objectives; i++)
        NAS_TRY(nas_expression_value(&out->objective[i], t->objective[i], row));
    for (uint32_t i = 0; i < c->n_constraints; i++)
        NAS_TRY(nas_expression_value(&out->constraint[i], t->constraint[i], row));
    for (uint32_t i = 0; i < c->n_reports; i++)
        NAS_TRY(nas_expression_value(&out->report[i], t->report[i], row));
    return NAS_OK;
}

/* ---- prices ---- */

/* No price: the trial itself will say what is wrong with the network. */
static nas_status unknown(double *objective, double *violation, const nas_study_config *c) {
    for (uint32_t i = 0; i < c->n_objectives; i++)
        objective[i] = (double)NAN;
    *violation = INFINITY;
    return NAS_OK;
}

static nas_status price_on_table(const study_prices *p, const nas_genome *x, double *objective,
                                 double *violation) {
    const nas_study_config *c = p->config;
    study_row row;
    nas_text arch = {0};
    double limit;
    nas_status st = study_look_up(&row, &arch, p, x);
    nas_text_free(&arch);
    if (st == NAS_E_NOT_FOUND || st == NAS_E_NAN)
        return unknown(objective, violation, c);
    NAS_TRY(st);
    *violation = 0;
    for (uint32_t i = 0; i < c->n_objectives; i++)
        objective[i] = c->objective[i].needs_training ? (double)NAN : row.objective[i];
    for (uint32_t i = 0; i < c->n_constraints; i++)
        if (!c->constraint[i].measure.needs_training)
            *violation += study_violation(&limit, &c->constraint[i], row.constraint[i]);
    return NAS_OK;
}

static bool is_known(const nas_measure *m) {
    return !m->needs_training && strcmp(m->name, "latency") != 0; /* which is measured */
}

/* Whether anything of a study is known before training, so that prices are worth a graph. */
static bool any_known(const nas_study_config *c) {
    for (uint32_t i = 0; i < c->n_objectives; i++)
        if (is_known(&c->objective[i]))
            return true;
    for (uint32_t i = 0; i < c->n_constraints; i++)
        if (is_known(&c->constraint[i].measure))
            return true;
    return false;
}

static nas_status price_network(const study_prices *p, const nas_graph *g, double *objective,
                                double *violation) {
    const nas_study_config *c = p->config;
    cli_costs costs;
    NAS_TRY(cli_costs_of(&costs, g));
    *violation = 0;
    for (uint32_t i = 0; i < c->n_objectives; i++) {
        objective[i] = (double)NAN;
        if (is_known(&c->objective[i]))
            NAS_TRY(cli_measure_modelled(&objective[i], &c->objective[i], g, &costs));
    }
    for (uint32_t i = 0; i < c->n_constraints; i++) {
        double v, limit;
        if (!is_known(&c->constraint[i].measure))
            continue;
        NAS_TRY(cli_measure_modelled(&v, &c->constraint[i].measure, g, &costs));
        *violation += study_violation(&limit, &c->constraint[i], v);
    }
    return NAS_OK;
}

nas_status study_price(void *prices, const nas_genome *x, double *objective, double *violation) {
    const study_prices *p = prices;
    nas_graph *g = NULL;
    if (p->table != NULL)
        return price_on_table(p, x, objective, violation);
    if (!any_known(p->config)) {
        NAS_TRY(unknown(objective, violation, p->config));
        *violation = 0;
        return NAS_OK;
    }
    nas_status st = nas_space_graph(&g, p->space, x, 1);
    if (st == NAS_E_MEMORY)
        return st;
    if (st != NAS_OK)
        return unknown(objective, violation, p->config);
    st = price_network(p, g, objective, violation);
    nas_graph_free(g);
    return st == NAS_E_TOO_BIG ? unknown(objective, violation, p->config) : st;
}
