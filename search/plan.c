/* search/plan.c - from the file of a space to its plan: blocks, their choices and repeats. */
#include "plan.h"

#include <string.h>

enum { MAX_NAME = 40, MAX_BLOCKS_DEEP = 24 };

/* ---- small things ---- */

nas_status plan_new(plan **out, nas_space *s, plan_kind kind, const nas_yaml_node *at, size_t n) {
    if (n > MAX_PLANS || ++s->n_plans > MAX_PLANS)
        return nas_yaml_fail(at, "the space is too big: over %d values with all repeats",
                             (int)MAX_PLANS);
    plan *p = arena_new(&s->mem, sizeof *p);
    plan **kid = arena_new(&s->mem, (n + 1) * sizeof(plan *));
    if (p == NULL || kid == NULL)
        return nas_fail_memory(sizeof *p + n * sizeof(plan *));
    *p = (plan){
        .kind = kind, .at = at, .gene = NO_GENE, .shared = NO_GENE, .n = (uint32_t)n, .kid = kid};
    *out = p;
    return NAS_OK;
}

nas_status plan_text(plan **out, nas_space *s, const nas_yaml_node *at, const char *key,
                     const char *text) {
    NAS_TRY(plan_new(out, s, PLAN_SCALAR, at, 0));
    (*out)->key = key;
    (*out)->text = text;
    return NAS_OK;
}

nas_status plan_join(const char **out, nas_space *s, const char *prefix, const char *label) {
    *out = arena_text(&s->mem, "%s%s%s", prefix, prefix[0] != '\0' ? "." : "", label);
    return *out == NULL ? nas_fail_memory(1) : NAS_OK;
}

static bool is_map(const nas_yaml_node *n) {
    return nas_yaml_kind_of(n) == NAS_YAML_MAP;
}

static bool is_list(const nas_yaml_node *n) {
    return nas_yaml_kind_of(n) == NAS_YAML_SEQ;
}

/* nas_yaml_get for arguments, which may be left out altogether. */
static const nas_yaml_node *get(const nas_yaml_node *n, const char *key) {
    return is_map(n) ? nas_yaml_get(n, key) : NULL;
}

static bool is_nothing(const nas_yaml_node *n) {
    const char *t = nas_yaml_scalar(n);
    return t != NULL && t[0] == '\0';
}

const nas_yaml_node *choose_of(const nas_yaml_node *n) {
    return is_map(n) && nas_yaml_count(n) == 1 ? nas_yaml_get(n, "choose") : NULL;
}

/* The kind of a single block; NULL for lists and choices. */
const char *plan_kind_of(const nas_yaml_node *n) {
    if (is_map(n))
        return nas_yaml_count(n) == 1 && nas_yaml_get(n, "choose") == NULL ? nas_yaml_key(n, 0)
                                                                           : NULL;
    return nas_yaml_scalar(n);
}

/* ---- names ---- */

nas_status plan_check_name(const char *name, const nas_yaml_node *at) {
    static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_",
                      others[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_0123456789-";
    size_t length = strlen(name);
    if (length > 0 && length <= MAX_NAME && strchr(letters, name[0]) != NULL &&
        name[strspn(name, others)] == '\0')
        return NAS_OK;
    return nas_yaml_fail(
        at, "name: '%.50s' is no name: a letter, then up to %d letters, digits, _ or -", name,
        MAX_NAME - 1);
}

nas_status plan_name(const char **out, const nas_yaml_node *n) {
    const char *name;
    NAS_TRY(nas_yaml_string(&name, n));
    NAS_TRY(plan_check_name(name, n));
    *out = name;
    return NAS_OK;
}

/* The name an element of a list has by itself; NULL: none. */
nas_status plan_own_name(const char **out, const nas_yaml_node **at, const nas_yaml_node *n) {
    *out = NULL;
    *at = n;
    const char *kind = plan_kind_of(n);
    const block_kind *k = kind != NULL ? block_find(kind) : NULL;
    const nas_yaml_node *holder = !is_map(n) ? NULL : kind == NULL ? n : nas_yaml_at(n, 0);
    const nas_yaml_node *name = NULL;
    if (holder != NULL && is_map(holder) && choose_of(holder) == NULL)
        name = nas_yaml_get(holder, "name");
    if (name == NULL) {
        *out = k != NULL ? k->label : NULL;
        return NAS_OK;
    }
    *at = name;
    return plan_name(out, name);
}

static nas_status check_distinct(const nas_yaml_node *list) {
    for (size_t i = 1; i < nas_yaml_count(list); i++) {
        const char *name, *other;
        const nas_yaml_node *at, *before;
        NAS_TRY(plan_own_name(&name, &at, nas_yaml_at(list, i)));
        for (size_t k = 0; name != NULL && k < i; k++) {
            NAS_TRY(plan_own_name(&other, &before, nas_yaml_at(list, k)));
            if (other != NULL && strcmp(name, other) == 0)
                return nas_yaml_fail(at,
                                     "two blocks of this list are called %s (the other in line "
                                     "%d)",
                                     name, nas_yaml_line(before));
        }
    }
    return NAS_OK;
}

/* ---- lists of blocks ---- */

nas_status plan_items(plan **out, nas_space *s, const nas_yaml_node *n, const char *prefix,
                      bool later) {
    const nas_yaml_node *options = choose_of(n);
    const context *here = s->here;
    const char *path;
    char label[16];
    plan *p;
    if (options != NULL && is_list(options)) {
        NAS_TRY(plan_join(&path, s, prefix, "blocks"));
        NAS_TRY(plan_new(&p, s, PLAN_CHOOSE, n, nas_yaml_count(options)));
        NAS_TRY(gene_new(&p->gene, s, options, path, NULL));
        for (uint32_t i = 0; i < p->n; i++) {
            snprintf(label, sizeof label, "%u", i);
            NAS_TRY(plan_join(&path, s, prefix, label));
            NAS_TRY(context_enter(s));
            NAS_TRY(plan_items(&p->kid[i], s, nas_yaml_at(options, i), path, later));
            s->here = here;
        }
        *out = p;
        return NAS_OK;
    }
    if (!is_list(n) || nas_yaml_count(n) == 0)
        return nas_yaml_fail(n, "expected a list of blocks%s", is_list(n) ? ", found none" : "");
    NAS_TRY(check_distinct(n));
    NAS_TRY(plan_new(&p, s, PLAN_SEQ, n, nas_yaml_count(n)));
    for (uint32_t i = 0; i < p->n; i++) {
        snprintf(label, sizeof label, "%u", i);
        NAS_TRY(plan_item(&p->kid[i], s, nas_yaml_at(n, i),
                          (place){.prefix = prefix, .label = label, .list = true, .later = later}));
    }
    *out = p;
    return NAS_OK;
}

/* { stage: { name: NAME, blocks: ITEMS } } */
static nas_status name_list(plan **list, nas_space *s, const char *name) {
    plan *stage, *args;
    NAS_TRY(plan_new(&args, s, PLAN_MAP, (*list)->at, 2));
    NAS_TRY(plan_new(&stage, s, PLAN_MAP, (*list)->at, 1));
    NAS_TRY(plan_text(&args->kid[0], s, (*list)->at, "name", name));
    args->kid[1] = *list;
    args->kid[1]->key = "blocks";
    args->key = "stage";
    stage->kid[0] = args;
    *list = stage;
    return NAS_OK;
}

/* ---- stages ---- */

/* In a copy, `index` is its number. */
static nas_status name_index(nas_space *s, const nas_yaml_node *at, const char *prefix,
                             uint32_t i) {
    const char *path, *text = arena_text(&s->mem, "%u", i);
    plan *index;
    NAS_TRY(text == NULL ? nas_fail_memory(1) : plan_join(&path, s, prefix, "index"));
    NAS_TRY(plan_new(&index, s, PLAN_SCALAR, at, 0));
    index->text = text;
    return name_add(s, path, index);
}

static nas_status plan_copies(plan **out, nas_space *s, const nas_yaml_node *args,
                              const nas_yaml_node *repeat, const char *path, bool later) {
    static const block_arg repeat_arg = {
        .name = "repeat", .type = ARG_INT, .min = 1, .max = MAX_REPEAT};
    const nas_yaml_node *block = nas_yaml_get(args, "block"),
                        *blocks = nas_yaml_get(args, "blocks");
    const char *gene, *prefix;
    char label[16];
    uint32_t max = 0;
    const context *here = s->here;
    plan *p, *r;
    NAS_TRY(plan_join(&gene, s, path, "repeat"));
    if (repeat != NULL)
        NAS_TRY(plan_value(&r, s, &repeat_arg, repeat, gene));
    else
        NAS_TRY(plan_text(&r, s, args, NULL, "1"));
    NAS_TRY(name_add(s, gene, r));
    NAS_TRY(mark_repeat(&max, s, r));
    NAS_TRY(plan_new(&p, s, PLAN_COPIES, args, max));
    p->repeat = r;
    p->many = blocks != NULL;
    for (uint32_t i = 0; i < max; i++) {
        snprintf(label, sizeof label, "%u", i);
        NAS_TRY(plan_join(&prefix, s, path, label));
        NAS_TRY(name_index(s, args, prefix, i));
        if (i > 0)
            NAS_TRY(context_enter(s));
        if (p->many)
            NAS_TRY(plan_items(&p->kid[i], s, blocks, prefix, later || i > 0));
        else
            NAS_TRY(plan_item(
                &p->kid[i], s, block,
                (place){
                    .prefix = path, .label = label, .nameless = true, .later = later || i > 0}));
    }
    s->here = here;
    *out = p;
    return NAS_OK;
}

static nas_status plan_stage(plan **out, nas_space *s, const nas_yaml_node *args, const char *path,
                             bool later) {
    const nas_yaml_node *repeat = get(args, "repeat"), *blocks = get(args, "blocks");
    if ((get(args, "block") == NULL) == (blocks == NULL))
        return nas_yaml_fail(args, "stage: expected either block or blocks");
    if (repeat == NULL && blocks != NULL)
        NAS_TRY(plan_items(out, s, blocks, path, later));
    else
        NAS_TRY(plan_copies(out, s, args, repeat, path, later));
    (*out)->key = "blocks";
    return NAS_OK;
}

/* ---- one block ---- */

/* One argument; *out stays NULL when it is left out. */
static nas_status plan_arg(plan **out, nas_space *s, const block_kind *k, const block_arg *a,
                           const nas_yaml_node *args, const char *path, bool later) {
    const nas_yaml_node *n = get(args, a->name);
    const char *gene;
    if (a->type == ARG_STAGE)
        return NAS_OK;
    if (a->stride && later && (n != NULL || strcmp(a->fallback, "1") != 0))
        return plan_text(out, s, n != NULL ? n : args, a->name, "1");
    if (n == NULL)
        return a->fallback != NULL ? NAS_OK
                                   : nas_yaml_fail(args, "%s: %s is missing", k->name, a->name);
    if (a->type == ARG_ITEMS) {
        NAS_TRY(plan_items(out, s, n, path, later));
    } else if (a->type == ARG_LISTS) {
        NAS_TRY(plan_lists(out, s, n, path, later));
    } else if (a->type == ARG_NODES) {
        NAS_TRY(plan_nodes(out, s, n, path, later));
    } else {
        NAS_TRY(plan_join(&gene, s, path, a->name));
        NAS_TRY(plan_value(out, s, a, n, gene));
        NAS_TRY(name_add(s, gene, *out));
    }
    (*out)->key = a->name;
    return NAS_OK;
}

static nas_status check_keys(const block_kind *k, const nas_yaml_node *args) {
    const char *known[MAX_ARGS + 1] = {"name"};
    for (uint32_t i = 0; i < k->n_args; i++)
        known[i + 1] = k->args[i].name;
    return nas_yaml_only(args, known, k->n_args + 1);
}

static nas_status plan_args(plan **out, nas_space *s, const block_kind *k,
                            const nas_yaml_node *args, const char *path, place at);

/* Whole argument maps to choose from. */
static nas_status plan_args_choice(plan **out, nas_space *s, const block_kind *k,
                                   const nas_yaml_node *args, const char *path, place at) {
    const nas_yaml_node *options = choose_of(args);
    const context *here = s->here;
    const char *gene, *inner;
    char label[16];
    plan *p;
    if (!is_list(options))
        return nas_yaml_fail(options, "%s: expected choose: [{...}, ...]", k->name);
    NAS_TRY(plan_join(&gene, s, path, "choose"));
    NAS_TRY(plan_new(&p, s, PLAN_CHOOSE, args, nas_yaml_count(options)));
    NAS_TRY(gene_new(&p->gene, s, options, gene, NULL));
    for (uint32_t i = 0; i < p->n; i++) {
        snprintf(label, sizeof label, "%u", i);
        NAS_TRY(plan_join(&inner, s, path, label));
        NAS_TRY(context_enter(s));
        NAS_TRY(plan_args(&p->kid[i], s, k, nas_yaml_at(options, i), inner, at));
        s->here = here;
    }
    *out = p;
    return NAS_OK;
}

/* What can refer to other arguments: expressions, choices between such, blocks. */
static bool refers(const block_arg *a, const nas_yaml_node *n) {
    const nas_yaml_node *options = choose_of(n);
    for (size_t i = 0; options != NULL && i < nas_yaml_count(options); i++)
        if (refers(a, nas_yaml_at(options, i)))
            return true;
    return is_expr(n) || a->type == ARG_ITEMS || a->type == ARG_LISTS || a->type == ARG_NODES;
}

/* Plain arguments in the block's order, then those that refer to others in the file's; all are kept
 * in the block's. */
static nas_status plan_each_arg(plan *p, nas_space *s, const block_kind *k,
                                const nas_yaml_node *args, const char *path, bool later) {
    plan *slot[MAX_ARGS] = {NULL};
    for (uint32_t i = 0; i < k->n_args; i++) {
        const nas_yaml_node *n = get(args, k->args[i].name);
        if (n == NULL || !refers(&k->args[i], n))
            NAS_TRY(plan_arg(&slot[i], s, k, &k->args[i], args, path, later));
    }
    for (size_t m = 0; is_map(args) && m < nas_yaml_count(args); m++)
        for (uint32_t i = 0; i < k->n_args; i++)
            if (strcmp(k->args[i].name, nas_yaml_key(args, m)) == 0 &&
                refers(&k->args[i], nas_yaml_at(args, m)))
                NAS_TRY(plan_arg(&slot[i], s, k, &k->args[i], args, path, later));
    for (uint32_t i = 0; i < k->n_args; i++)
        if (slot[i] != NULL)
            p->kid[p->n++] = slot[i];
    return NAS_OK;
}

static nas_status plan_args(plan **out, nas_space *s, const block_kind *k,
                            const nas_yaml_node *args, const char *path, place at) {
    if (choose_of(args) != NULL)
        return plan_args_choice(out, s, k, args, path, at);
    const nas_yaml_node *name = get(args, "name");
    const char *own = at.name;
    plan *p;
    NAS_TRY(is_map(args) ? check_keys(k, args) : NAS_OK);
    if (name != NULL && at.nameless)
        return nas_yaml_fail(name, "a repeated block has no name: it is called by its number");
    if (name != NULL)
        NAS_TRY(plan_name(&own, name));
    NAS_TRY(plan_new(&p, s, PLAN_MAP, args, k->n_args + 1));
    p->n = 0;
    if (own != NULL)
        NAS_TRY(plan_text(&p->kid[p->n++], s, args, "name", own));
    NAS_TRY(plan_each_arg(p, s, k, args, path, at.later));
    if (k == &block_stage)
        NAS_TRY(plan_stage(&p->kid[p->n++], s, args, path, at.later));
    *out = p;
    return NAS_OK;
}

/* n: `kind: {arguments}`, or the bare kind, of a block that the file defines. */
static nas_status plan_use(plan **out, nas_space *s, const nas_yaml_node *n, own_block *o,
                           place at) {
    const nas_yaml_node *args = is_map(n) ? nas_yaml_at(n, 0) : n, *where;
    const char *own, *path;
    if (args != n && !is_map(args) && !is_nothing(args))
        return nas_yaml_fail(args, "%s: expected {argument: value, ...}", o->name);
    NAS_TRY(plan_own_name(&own, &where, n));
    if (own != NULL && at.nameless)
        return nas_yaml_fail(where, "a repeated block has no name: it is called by its number");
    NAS_TRY(plan_join(&path, s, at.prefix, at.list && own != NULL ? own : at.label));
    if (at.list && own == NULL)
        NAS_TRY(plan_join(&path, s, path, o->name));
    at.name = own != NULL ? own : at.name;
    return plan_own(out, s, o, args, path, at);
}

/* n: $name, a parameter that is a block. */
static nas_status plan_dollar_block(plan **out, nas_space *s, const nas_yaml_node *n, place at) {
    const char *name = nas_yaml_scalar(n) + 1, *path;
    NAS_TRY(plan_join(&path, s, at.prefix, at.label));
    const named_value *param = param_find(s, name, path);
    if (param == NULL || param->block == NULL)
        return nas_yaml_fail(n, "$%.40s is no block: none is called so in args: {name: block}",
                             name);
    if (++s->n_plans > MAX_PLANS || s->depth > MAX_BLOCKS_DEEP)
        return nas_yaml_fail(n, "$%.40s: blocks stand in blocks without end", name);
    s->depth++;
    at.list = false;
    NAS_TRY(plan_item(out, s, param->block, at));
    s->depth--;
    return NAS_OK;
}

/* n: `kind: {arguments}`, or the bare kind. */
static nas_status plan_block(plan **out, nas_space *s, const nas_yaml_node *n, const char *kind,
                             place at) {
    const block_kind *k = block_find(kind);
    const nas_yaml_node *args = is_map(n) ? nas_yaml_at(n, 0) : n, *where;
    own_block *mine = own_find(s, kind);
    const char *near = k == NULL ? own_nearest(s, kind) : NULL, *own, *path;
    if (mine != NULL)
        return plan_use(out, s, n, mine, at);
    if (near != NULL)
        return nas_yaml_fail(n, "unknown block '%.40s'; did you mean '%s'?", kind, near);
    if (k == NULL)
        return nas_yaml_fail(n, "unknown block '%.40s'", kind);
    if (args != n && !is_map(args) && !is_nothing(args))
        return nas_yaml_fail(args, "%s: expected {argument: value, ...}", k->name);
    NAS_TRY(plan_own_name(&own, &where, n));
    NAS_TRY(plan_join(&path, s, at.prefix, at.list && own != NULL ? own : at.label));
    if (at.list && own == NULL)
        NAS_TRY(plan_join(&path, s, path, k->name));
    if (k == &block_skip)
        at.name = NULL;
    plan *p;
    NAS_TRY(plan_new(&p, s, PLAN_MAP, n, 1));
    NAS_TRY(plan_args(&p->kid[0], s, k, args, path, at));
    p->kid[0]->key = k->name;
    *out = p;
    return NAS_OK;
}

static nas_status fail_many_keys(const nas_yaml_node *n) {
    static const char *const kinds[] = {"choose", "case"};
    for (size_t i = 0; i < nas_yaml_count(n); i++) {
        const char *near = nas_nearest(nas_yaml_key(n, i), kinds, 2);
        if (near != NULL)
            return nas_yaml_fail(n, "unknown key '%.40s'; did you mean '%s'?", nas_yaml_key(n, i),
                                 near);
    }
    if (nas_yaml_count(n) < 2)
        return nas_yaml_fail(n, "expected one block (kind: {arguments}), found an empty map");
    return nas_yaml_fail(n,
                         "expected one block (kind: {arguments}), found a map of %zu keys, "
                         "'%.40s' and '%.40s': indent arguments deeper than their block",
                         nas_yaml_count(n), nas_yaml_key(n, 0), nas_yaml_key(n, 1));
}

nas_status plan_item(plan **out, nas_space *s, const nas_yaml_node *n, place at) {
    const char *kind = plan_kind_of(n), *path;
    if (kind != NULL && kind == nas_yaml_scalar(n) && kind[0] == '$')
        return plan_dollar_block(out, s, n, at);
    if (kind != NULL)
        return plan_block(out, s, n, kind, at);
    if (is_map(n) && nas_yaml_get(n, "choose") != NULL)
        return plan_choice(out, s, n, at);
    if (is_map(n) && nas_yaml_get(n, "case") != NULL)
        return plan_case(out, s, n, at);
    if (is_map(n))
        return fail_many_keys(n);
    NAS_TRY(plan_join(&path, s, at.prefix, at.label));
    NAS_TRY(plan_items(out, s, n, path, at.later));
    return at.name != NULL ? name_list(out, s, at.name) : NAS_OK;
}
