/* search/plan_parts.c - lists of branches, nodes of cells, and blocks that a value decides on. */
#include <string.h>

#include "plan.h"

enum { MAX_BRANCHES = 16 };

/* ---- branches ---- */

nas_status plan_lists(plan **out, nas_space *s, const nas_yaml_node *n, const char *path,
                      bool later) {
    char label[16];
    plan *p;
    if (nas_yaml_kind_of(n) != NAS_YAML_SEQ || nas_yaml_count(n) > MAX_BRANCHES)
        return nas_yaml_fail(n, "expected a list of at most %d blocks or lists of blocks",
                             (int)MAX_BRANCHES);
    NAS_TRY(plan_new(&p, s, PLAN_SEQ, n, nas_yaml_count(n)));
    for (uint32_t i = 0; i < p->n; i++) {
        snprintf(label, sizeof label, "%u", i);
        NAS_TRY(plan_item(&p->kid[i], s, nas_yaml_at(n, i),
                          (place){.prefix = path, .label = label, .later = later}));
    }
    *out = p;
    return NAS_OK;
}

/* ---- nodes ---- */

static const char *const no_edge[] = {"none", NULL};
static const char *const combines[] = {"add", "mul", "concat", NULL};
static const block_arg edge_arg = {
    .name = "from", .type = ARG_INT, .min = 0, .max = 63, .words = no_edge};
static const block_arg combine_arg = {.name = "combine", .type = ARG_WORD, .words = combines};

/* Edge k of a choice between lists of one length is called path.k, as in a list without choice. */
static nas_status name_edges(nas_space *s, const plan *lists, const char *path) {
    const char *inner;
    plan *p;
    for (uint32_t i = 0; i < lists->n; i++)
        if (lists->kid[i]->kind != PLAN_SEQ || lists->kid[i]->n != lists->kid[0]->n)
            return NAS_OK;
    for (uint32_t k = 0; lists->n > 0 && k < lists->kid[0]->n; k++) {
        const char *label = arena_text(&s->mem, "%u", k);
        NAS_TRY(label == NULL ? nas_fail_memory(1) : plan_join(&inner, s, path, label));
        NAS_TRY(plan_new(&p, s, PLAN_CHOOSE, lists->at, lists->n));
        p->gene = lists->gene;
        for (uint32_t i = 0; i < lists->n; i++)
            p->kid[i] = lists->kid[i]->kid[k];
        NAS_TRY(name_add(s, inner, p));
    }
    return NAS_OK;
}

/* A list of node numbers, or a choice between such lists. */
static nas_status plan_edges(plan **out, nas_space *s, const nas_yaml_node *n, const char *path) {
    const nas_yaml_node *options = choose_of(n);
    const nas_yaml_node *list = options != NULL ? options : n;
    const char *inner;
    char label[16];
    plan *p;
    if (nas_yaml_kind_of(list) != NAS_YAML_SEQ || nas_yaml_count(list) > 4096)
        return nas_yaml_fail(n, "from: expected a list of node numbers, or choose: of such lists");
    NAS_TRY(plan_new(&p, s, options != NULL ? PLAN_CHOOSE : PLAN_SEQ, n, nas_yaml_count(list)));
    if (options != NULL)
        NAS_TRY(gene_new(&p->gene, s, options, path, NULL));
    for (uint32_t i = 0; i < p->n; i++) {
        snprintf(label, sizeof label, "%u", i);
        NAS_TRY(plan_join(&inner, s, path, label));
        if (options != NULL)
            NAS_TRY(plan_join(&inner, s, inner, "option"));
        if (options != NULL) {
            NAS_TRY(plan_edges(&p->kid[i], s, nas_yaml_at(list, i), inner));
            continue;
        }
        NAS_TRY(plan_value(&p->kid[i], s, &edge_arg, nas_yaml_at(list, i), inner));
        NAS_TRY(name_add(s, inner, p->kid[i]));
    }
    *out = p;
    return options != NULL ? name_edges(s, p, path) : NAS_OK;
}

static nas_status plan_node(plan **out, nas_space *s, const nas_yaml_node *n, const char *path,
                            const char *name, bool later) {
    static const char *const keys[] = {"name", "from", "ops", "combine", "then"};
    const char *inner;
    plan *p;
    if (nas_yaml_kind_of(n) != NAS_YAML_MAP)
        return nas_yaml_fail(n, "expected a node: {from: [..], ops: [..]}");
    NAS_TRY(nas_yaml_only(n, keys, sizeof keys / sizeof *keys));
    const nas_yaml_node *from = nas_yaml_get(n, "from"), *ops = nas_yaml_get(n, "ops"),
                        *combine = nas_yaml_get(n, "combine"), *then = nas_yaml_get(n, "then");
    if (from == NULL)
        return nas_yaml_fail(n, "node: from is missing");
    NAS_TRY(plan_new(&p, s, PLAN_MAP, n, sizeof keys / sizeof *keys));
    p->n = 0;
    if (name != NULL)
        NAS_TRY(plan_text(&p->kid[p->n++], s, n, "name", name));
    NAS_TRY(plan_join(&inner, s, path, "from"));
    NAS_TRY(plan_edges(&p->kid[p->n], s, from, inner));
    p->kid[p->n++]->key = "from";
    if (ops != NULL) {
        NAS_TRY(plan_lists(&p->kid[p->n], s, ops, path, later));
        p->kid[p->n++]->key = "ops";
    }
    if (combine != NULL) {
        NAS_TRY(plan_join(&inner, s, path, "combine"));
        NAS_TRY(plan_value(&p->kid[p->n], s, &combine_arg, combine, inner));
        p->kid[p->n++]->key = "combine";
    }
    if (then != NULL) {
        NAS_TRY(plan_item(&p->kid[p->n], s, then,
                          (place){.prefix = path, .label = "then", .later = later}));
        p->kid[p->n++]->key = "then";
    }
    *out = p;
    return NAS_OK;
}

nas_status plan_nodes(plan **out, nas_space *s, const nas_yaml_node *n, const char *path,
                      bool later) {
    plan *p;
    if (nas_yaml_kind_of(n) != NAS_YAML_SEQ || nas_yaml_count(n) == 0 || nas_yaml_count(n) > 48)
        return nas_yaml_fail(n, "nodes: expected a list of 1 to 48 nodes");
    NAS_TRY(plan_new(&p, s, PLAN_SEQ, n, nas_yaml_count(n)));
    for (uint32_t i = 0; i < p->n; i++) {
        const nas_yaml_node *node = nas_yaml_at(n, i), *name = NULL;
        const char *inner, *label, *number = arena_text(&s->mem, "%u", i);
        if ((label = number) == NULL)
            return nas_fail_memory(1);
        if (nas_yaml_kind_of(node) == NAS_YAML_MAP && (name = nas_yaml_get(node, "name")) != NULL)
            NAS_TRY(plan_name(&label, name));
        NAS_TRY(plan_join(&inner, s, path, label));
        NAS_TRY(plan_node(&p->kid[i], s, node, inner, label != number ? label : NULL, later));
    }
    *out = p;
    return NAS_OK;
}

/* ---- case ---- */

/* Which alternative a constant takes. */
static uint32_t constant_case(const nas_space *s, const plan *p) {
    static const uint16_t none[NAS_MAX_GENES];
    const plan *taken = plan_instead(s, p, none);
    for (uint32_t i = 0; i < p->n; i++)
        if (p->kid[i] == taken)
            return i;
    return p->n - 1;
}

static nas_status case_labels(plan *p, nas_space *s, const nas_yaml_node *of) {
    plan **mark = p->kid;
    uint32_t n = (uint32_t)nas_yaml_count(of);
    if ((p->label = arena_new(&s->mem, n * sizeof *p->label)) == NULL)
        return nas_fail_memory(n * sizeof *p->label);
    for (uint32_t i = 0; i < n; i++) {
        p->label[i] = nas_yaml_key(of, i);
        NAS_TRY(plan_new(&mark[i], s, PLAN_SEQ, of, 0));
        if ((strcmp(p->label[i], "else") == 0) != (i + 1 == n))
            return nas_yaml_fail(of, "case: of ends with else: what to take for any other value");
    }
    return NAS_OK;
}

/* Whether the number of networks can depend on p being there. */
static bool has_choices(const nas_space *s, const plan *p) {
    if (p->kind == PLAN_ALIAS)
        return false;
    if (p->kind == PLAN_EXPR || p->kind == PLAN_REF)
        return !plan_is_constant(s, p);
    if (p->kind == PLAN_CHOOSE || p->kind == PLAN_CASE || p->shared != NO_GENE)
        return true;
    if (p->kind == PLAN_COPIES && !plan_is_constant(s, p->repeat))
        return true;
    for (uint32_t i = 0; i < p->n_args; i++)
        if (has_choices(s, p->arg[i]))
            return true;
    for (uint32_t i = 0; i < p->n; i++)
        if (has_choices(s, p->kid[i]))
            return true;
    return false;
}

nas_status plan_case(plan **out, nas_space *s, const nas_yaml_node *n, place at) {
    static const char *const keys[] = {"case", "of"};
    const nas_yaml_node *of = nas_yaml_get(n, "of"), *value = nas_yaml_get(n, "case");
    const context *here = s->here;
    const char *path;
    bool all;
    plan *p, *e;
    NAS_TRY(nas_yaml_only(n, keys, 2));
    if (!is_expr(value))
        return nas_yaml_fail(value, "case: expected an expression such as \"= stride\"");
    if (of == NULL || nas_yaml_kind_of(of) != NAS_YAML_MAP || nas_yaml_count(of) == 0)
        return nas_yaml_fail(n, "case: expected of: {value: block, ..., else: block}");
    NAS_TRY(plan_join(&path, s, at.prefix, at.label));
    NAS_TRY(plan_join(&path, s, path, "case"));
    NAS_TRY(plan_expr(&e, s, value, nas_yaml_scalar(value) + 1, path));
    NAS_TRY(plan_each_worth(&all, s, e, NULL, NULL));
    NAS_TRY(plan_new(&p, s, PLAN_CASE, n, nas_yaml_count(of)));
    p->expr = e->expr;
    NAS_TRY(case_labels(p, s, of));
    at.name = NULL;
    if (plan_is_constant(s, e))
        return plan_item(out, s, nas_yaml_at(of, constant_case(s, p)), at);
    for (uint32_t i = 0; i < p->n; i++) {
        NAS_TRY(context_enter(s));
        NAS_TRY(plan_item(&p->kid[i], s, nas_yaml_at(of, i), at));
        s->here = here;
    }
    *out = p;
    for (uint32_t i = 0; i < p->n; i++)
        if (has_choices(s, p->kid[i]))
            return mark_counts(s, e);
    return NAS_OK;
}
