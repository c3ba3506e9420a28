/* search/scope.c - names of values, what they mean where, and what they can be. */
#include <string.h>

#include "plan.h"

enum { MAX_SETTINGS = 4096, MAX_BITS = 64, MAX_PATH = 512 };

/* ---- contexts ---- */

nas_status context_enter(nas_space *s) {
    context *c = arena_new(&s->mem, sizeof *c);
    if (c == NULL)
        return nas_fail_memory(sizeof *c);
    *c = (context){.outer = s->here};
    s->here = c;
    return NAS_OK;
}

static bool is_there(const nas_space *s, const context *where) {
    for (const context *c = s->here; c != NULL; c = c->outer)
        if (c == where)
            return true;
    return where == NULL;
}

/* ---- names ---- */

static named_value **chain(nas_space *s, const char *path) {
    return &s->names[nas_hash_bytes(0, path, strlen(path)) % NAME_CHAINS];
}

static nas_status add(named_value **out, nas_space *s, const char *path, plan *value) {
    named_value *v = arena_new(&s->mem, sizeof *v);
    if (v == NULL)
        return nas_fail_memory(sizeof *v);
    *v = (named_value){.path = path, .value = value, .where = s->here, .next = *chain(s, path)};
    *chain(s, path) = v;
    *out = v;
    return NAS_OK;
}

/* A value of a shared block is known by the block's name, as its genes are, and by its place. */
nas_status name_add(nas_space *s, const char *path, plan *value) {
    named_value *v = NULL;
    const char *shared;
    NAS_TRY(shared_path(&shared, s, path));
    if (shared != NULL)
        NAS_TRY(add(&v, s, shared, value));
    return add(&v, s, path, value);
}

nas_status param_add(nas_space *s, const char *path, plan *value, const nas_yaml_node *block) {
    named_value *v = NULL;
    NAS_TRY(add(&v, s, path, value));
    v->param = true;
    v->block = block;
    return NAS_OK;
}

/* The last value of that path that is there, else one that need not be. */
static const named_value *look(nas_space *s, const char *path) {
    const named_value *hidden = NULL;
    for (const named_value *v = *chain(s, path); v != NULL; v = v->next) {
        if (v->value == NULL || strcmp(v->path, path) != 0)
            continue;
        if (is_there(s, v->where))
            return v;
        hidden = v;
    }
    return hidden;
}

static nas_status let_value(plan **out, nas_space *s, const char *name, const nas_yaml_node *at) {
    NAS_TRY(plan_new(out, s, PLAN_REF, at, 0));
    (*out)->text = name;
    NAS_TRY(use_let(&(*out)->let[0], s, at, name, strlen(name)));
    (*out)->n_lets = 1;
    return NAS_OK;
}

static bool is_let(const nas_space *s, const char *name) {
    for (uint32_t i = 0; i < s->n_lets; i++)
        if (strcmp(s->lets[i].name, name) == 0)
            return true;
    return false;
}

/* The last part of a path that names a value. */
static const char *last_part(const char *path) {
    const char *dot = strrchr(path, '.');
    return dot != NULL ? dot + 1 : path;
}

static nas_status unknown(nas_space *s, const char *name, const nas_yaml_node *at) {
    enum { MAX_KNOWN = 1024 };
    const char *known[MAX_KNOWN + MAX_LETS], *elsewhere = NULL;
    size_t n = 0;
    for (uint32_t i = 0; i < s->n_lets; i++)
        known[n++] = s->lets[i].name;
    for (size_t i = 0; i < NAME_CHAINS; i++)
        for (const named_value *v = s->names[i]; v != NULL && n < MAX_KNOWN; v = v->next)
            if (v->value != NULL && is_there(s, v->where) && strcmp(last_part(v->path), name) == 0)
                elsewhere = v->path;
            else if (v->value != NULL && is_there(s, v->where))
                known[n++] = strchr(name, '.') != NULL ? v->path : last_part(v->path);
    const char *near = nas_nearest(name, known, n);
    near = near != NULL ? near : elsewhere;
    if (near != NULL)
        return nas_yaml_fail(at, "unknown name '%.60s'; did you mean '%s'?", name, near);
    return nas_yaml_fail(at, "unknown name '%.60s': it is neither under let nor an earlier value",
                         name);
}

/* From the path's own level outwards: prefix.name, …, name. */
static bool outwards(char full[MAX_PATH], size_t *n, const char *path, const char *name) {
    if (*n == 0)
        return false;
    do
        (*n)--;
    while (*n > 0 && path[*n] != '.');
    snprintf(full, MAX_PATH, "%.*s%s%s", (int)*n, path, *n > 0 ? "." : "", name);
    return true;
}

const named_value *param_find(nas_space *s, const char *name, const char *path) {
    char full[MAX_PATH];
    for (size_t n = strlen(path) + 1; outwards(full, &n, path, name);)
        for (const named_value *v = *chain(s, full); v != NULL; v = v->next)
            if (v->param && strcmp(v->path, full) == 0)
                return v;
    return NULL;
}

nas_status name_find(plan **out, nas_space *s, const char *name, const char *path,
                     const nas_yaml_node *at) {
    char full[MAX_PATH];
    const named_value *hidden = NULL, *param = NULL;
    if (name[0] == '$' && (param = param_find(s, name + 1, path)) == NULL)
        return let_value(out, s, name + 1, at);
    if (param != NULL && param->value != NULL) {
        *out = param->value;
        return NAS_OK;
    }
    for (size_t n = strlen(path) + 1; outwards(full, &n, path, name);) {
        const named_value *v = look(s, full);
        if (v != NULL && is_there(s, v->where)) {
            *out = v->value;
            return NAS_OK;
        }
        hidden = v != NULL ? v : hidden;
    }
    if (is_let(s, name))
        return let_value(out, s, name, at);
    if (hidden != NULL && s->anywhere) {
        *out = hidden->value;
        return NAS_OK;
    }
    if (hidden != NULL)
        return nas_yaml_fail(at, "'%.60s' stands in an alternative or copy that need not be there",
                             name);
    return unknown(s, name, at);
}

/* ---- expressions ---- */

typedef struct finder {
    nas_space *s;
    const char *path;
} finder;

static nas_status find(void *ctx, plan **out, const char *name, const nas_yaml_node *at) {
    const finder *f = ctx;
    return name_find(out, f->s, name, f->path, at);
}

nas_status plan_expr(plan **out, nas_space *s, const nas_yaml_node *n, const char *text,
                     const char *path) {
    finder f = {.s = s, .path = path};
    plan *p;
    NAS_TRY(plan_new(&p, s, PLAN_EXPR, n, 0));
    NAS_TRY(expr_parse(&p->expr, s, n, text, &(expr_names){.find = find, .ctx = &f}));
    *out = p;
    return NAS_OK;
}

/* ---- what a value depends on ---- */

typedef struct genes_of {
    const nas_space *s;
    uint32_t n;
    int32_t gene[NAS_MAX_GENES];
    uint32_t visits;
} genes_of;

static void depend(void *ctx, plan *p) {
    genes_of *d = ctx;
    if (++d->visits > MAX_PLANS)
        return;
    int32_t gene = p->kind == PLAN_CHOOSE ? p->gene : NO_GENE;
    for (uint32_t i = 0; i < p->n_lets; i++) {
        const let *l = &d->s->lets[p->let[i]];
        plan of_let = {.kind = PLAN_CHOOSE, .gene = l->gene};
        if (l->gene != NO_GENE)
            depend(d, &of_let);
        for (uint32_t k = 0; k < l->n; k++)
            if (l->expr[k] != NULL)
                expr_values(l->expr[k], depend, d);
    }
    if (p->kind == PLAN_EXPR || p->kind == PLAN_CASE)
        expr_values(p->expr, depend, d);
    for (uint32_t i = 0; i < p->n; i++)
        depend(d, p->kid[i]);
    for (uint32_t i = 0; gene != NO_GENE && i < d->n; i++)
        if (d->gene[i] == gene)
            gene = NO_GENE;
    if (gene != NO_GENE)
        d->gene[d->n++] = gene;
}

static bool turn(uint16_t *gene, const nas_space *s, const genes_of *d) {
    for (uint32_t i = 0; i < d->n; i++) {
        if (++gene[d->gene[i]] < s->gene[d->gene[i]].n)
            return true;
        gene[d->gene[i]] = 0;
    }
    return false;
}

nas_status plan_each_worth(bool *all, const nas_space *s, const plan *p,
                           nas_status (*each)(void *ctx, const worth *w), void *ctx) {
    genes_of d = {.s = s};
    uint16_t gene[NAS_MAX_GENES] = {0};
    double settings = 1;
    depend(&d, (plan *)p);
    for (uint32_t i = 0; i < d.n; i++)
        settings *= s->gene[d.gene[i]].n;
    *all = settings <= MAX_SETTINGS && d.visits <= MAX_PLANS;
    if (!*all)
        return NAS_OK;
    do {
        worth w;
        NAS_TRY(plan_worth(&w, s, p, gene));
        NAS_TRY(each != NULL ? each(ctx, &w) : NAS_OK);
    } while (turn(gene, s, &d));
    return NAS_OK;
}

/* ---- sets of genes ---- */

nas_status bit_new(int8_t *out, nas_space *s, const nas_yaml_node *at) {
    if (s->n_bits == MAX_BITS)
        return nas_yaml_fail(at, "over %d names, shared blocks and choices that others depend on",
                             (int)MAX_BITS);
    *out = (int8_t)s->n_bits++;
    return NAS_OK;
}

nas_status gene_track(nas_space *s, int32_t gene, const nas_yaml_node *at) {
    if (s->bit[gene] >= 0)
        return NAS_OK;
    return bit_new(&s->bit[gene], s, at);
}

bool plan_is_constant(const nas_space *s, const plan *p) {
    genes_of d = {.s = s};
    depend(&d, (plan *)p);
    return d.n == 0 && d.visits <= MAX_PLANS;
}

nas_status mark_counts(nas_space *s, const plan *p) {
    genes_of d = {.s = s};
    depend(&d, (plan *)p);
    for (uint32_t i = 0; i < d.n; i++) {
        NAS_TRY(gene_track(s, d.gene[i], p->at));
        s->counts[d.gene[i]] = true;
    }
    return NAS_OK;
}
