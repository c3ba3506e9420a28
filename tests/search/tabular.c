/* tests/search/tabular.c - ask, look up, tell. */
#include "tabular.h"

#include <math.h>

nas_status tabular_open(tabular *t, const char *space, const char *table) {
    *t = (tabular){0};
    NAS_TRY(nas_space_open(&t->space, space));
    NAS_TRY(nas_table_open(&t->table, table, "arch"));
    t->rows = nas_table_rows(t->table);
    return NAS_OK;
}

void tabular_close(tabular *t) {
    nas_space_free(t->space);
    nas_table_free(t->table);
    *t = (tabular){0};
}

nas_status tabular_values(double **out, const tabular *t, const char *expression) {
    nas_status st = NAS_OK;
    nas_expression *e = NULL;
    double *v = nas_malloc(t->rows * sizeof *v);
    if (v == NULL)
        return nas_fail_memory(t->rows * sizeof *v);
    NAS_GO(nas_expression_parse(&e, expression, t->table));
    for (uint32_t r = 0; r < t->rows; r++)
        NAS_GO(nas_expression_value(&v[r], e, r));
    *out = v;
    v = NULL;
done:
    nas_expression_free(e);
    nas_free(v);
    return st;
}

static nas_status find_row(uint32_t *row, const tabular *t, const nas_genome *x) {
    nas_text arch = {0};
    nas_status st = nas_space_arch(&arch, t->space, x);
    if (st == NAS_OK)
        st = nas_table_find(row, t->table, nas_text_str(&arch));
    nas_text_free(&arch);
    return st;
}

static nas_status price(void *ctx, const nas_genome *x, double *objective, double *violation) {
    const tabular_run *run = ctx;
    uint32_t row;
    NAS_TRY(find_row(&row, run->t, x));
    for (uint32_t k = 0; k < run->options.n_objectives; k++)
        objective[k] = run->known[k] ? run->objective[k][row] : (double)NAN;
    *violation = 0;
    return NAS_OK;
}

nas_status tabular_search(uint32_t *row, uint32_t *used, const tabular_run *run, uint32_t budget) {
    nas_status st = NAS_OK;
    nas_strategy *s = NULL;
    tabular_run context = *run;
    nas_strategy_options o = run->options;
    o.budget = budget;
    o.price = price;
    o.price_ctx = &context;
    *used = 0;
    NAS_GO(nas_strategy_create(&s, run->strategy, run->t->space, &o));
    for (uint32_t i = 0; i < budget; i++) {
        nas_point p = {.trial = i};
        st = nas_strategy_ask(&p.genome, s, i);
        if (st == NAS_E_NOT_FOUND && i > 0) {
            st = NAS_OK;
            break;
        }
        NAS_GO(st);
        NAS_GO(find_row(&row[i], run->t, &p.genome));
        for (uint32_t k = 0; k < o.n_objectives; k++)
            p.objective[k] = run->objective[k][row[i]];
        NAS_GO(nas_strategy_tell(s, &p));
        *used = i + 1;
    }
done:
    nas_strategy_free(s);
    return st;
}
