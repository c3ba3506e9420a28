/* search/own.c - blocks that a file defines from other blocks: reading them, and their uses. */
#include <string.h>

#include "plan.h"

enum { MAX_PARAMS = 16, MAX_INSIDE = 8, MAX_DEPTH = 24 };

/* ---- definitions ---- */

static nas_status read_one(nas_space *s, const char *name, const nas_yaml_node *at) {
    static const char *const keys[] = {"args", "shared", "body"};
    own_block *o = &s->own[s->n_own];
    if (nas_yaml_kind_of(at) != NAS_YAML_MAP)
        return nas_yaml_fail(at, "block %.40s: expected {args: {..}, body: ..}", name);
    NAS_TRY(nas_yaml_only(at, keys, 3));
    *o = (own_block){.name = name, .at = at, .bit = -1};
    o->args = nas_yaml_get(at, "args");
    o->body = nas_yaml_get(at, "body");
    const nas_yaml_node *shared = nas_yaml_get(at, "shared");
    if (o->body == NULL)
        return nas_yaml_fail(at, "block %.40s: body is missing", name);
    if (o->args != NULL &&
        (nas_yaml_kind_of(o->args) != NAS_YAML_MAP || nas_yaml_count(o->args) > MAX_PARAMS))
        return nas_yaml_fail(o->args, "args: expected a map of at most %d parameters",
                             (int)MAX_PARAMS);
    if (o->args != NULL && nas_yaml_get(o->args, "name") != NULL)
        return nas_yaml_fail(o->args, "args: every block has a name already");
    if (shared != NULL)
        NAS_TRY(nas_yaml_bool(&o->shared, shared));
    s->n_own++;
    return NAS_OK;
}

nas_status own_read(nas_space *s, const nas_yaml_node *blocks) {
    if (nas_yaml_kind_of(blocks) != NAS_YAML_MAP)
        return nas_yaml_fail(blocks, "blocks: expected a map of names and definitions");
    for (size_t i = 0; i < nas_yaml_count(blocks); i++) {
        const char *name = nas_yaml_key(blocks, i);
        const nas_yaml_node *at = nas_yaml_at(blocks, i);
        if (block_find(name) != NULL)
            return nas_yaml_fail(at, "block %.40s is built in: choose another name", name);
        NAS_TRY(plan_check_name(name, at));
        if (s->n_own == MAX_OWN)
            return nas_yaml_fail(at, "blocks: at most %d", (int)MAX_OWN);
        NAS_TRY(read_one(s, name, at));
    }
    return NAS_OK;
}

own_block *own_find(nas_space *s, const char *kind) {
    for (uint32_t i = 0; i < s->n_own; i++)
        if (strcmp(s->own[i].name, kind) == 0)
            return &s->own[i];
    return NULL;
}

const char *own_nearest(const nas_space *s, const char *kind) {
    const char *known[MAX_OWN + 3] = {"choose", "case"};
    uint32_t n = 2;
    for (uint32_t i = 0; i < s->n_own; i++)
        known[n++] = s->own[i].name;
    const char *near = block_nearest(kind);
    if (near != NULL)
        known[n++] = near;
    return nas_nearest(kind, known, n);
}

/* ---- arguments ---- */

static bool is_missing(const nas_yaml_node *n) {
    const char *t = nas_yaml_scalar(n);
    return t != NULL && (t[0] == '\0' || strcmp(t, "~") == 0);
}

/* A parameter whose default is the word `block` stands for one or several. */
static bool is_block(const nas_yaml_node *fallback) {
    const char *t = nas_yaml_scalar(fallback);
    return t != NULL && strcmp(t, "block") == 0;
}

static nas_status check_args(const own_block *o, const nas_yaml_node *args) {
    const char *known[MAX_PARAMS + 1] = {"name"};
    size_t n = o->args != NULL ? nas_yaml_count(o->args) : 0;
    if (nas_yaml_kind_of(args) != NAS_YAML_MAP)
        return NAS_OK;
    if (choose_of(args) != NULL)
        return nas_yaml_fail(args, "%s: choose its arguments one by one", o->name);
    for (size_t i = 0; i < n; i++)
        known[i + 1] = nas_yaml_key(o->args, i);
    return nas_yaml_only(args, known, n + 1);
}

typedef struct param {
    const char *path;
    plan *value;                /* NULL: a block, or not planned yet */
    const nas_yaml_node *block; /* NULL: a value */
} param;

static nas_status plan_param(param *out, nas_space *s, const char *name, const nas_yaml_node *n,
                             const nas_yaml_node *fallback, bool later) {
    const block_arg any = {.name = name, .type = ARG_ANY, .min = 0, .max = 65536};
    const char *text = nas_yaml_scalar(n);
    if (is_block(fallback)) {
        out->block = n;
        return NAS_OK;
    }
    if (later &&
        strcmp(name, "stride") == 0) /* strides count in the first repeat of a stage only */
        return plan_text(&out->value, s, n, NULL, "1");
    if (choose_of(n) == NULL && text == NULL)
        return nas_yaml_fail(n, "%s: expected a value or a choice between values", name);
    return plan_value(&out->value, s, &any, n, out->path);
}

/* Arguments are planned in the scope of the use, defaults in that of the arguments. */
static nas_status plan_params(plan *use, nas_space *s, const own_block *o,
                              const nas_yaml_node *args, const char *path, bool later) {
    param p[MAX_PARAMS] = {0};
    size_t n = o->args != NULL ? nas_yaml_count(o->args) : 0;
    bool map = nas_yaml_kind_of(args) == NAS_YAML_MAP;
    for (size_t i = 0; i < n; i++) {
        const char *name = nas_yaml_key(o->args, i);
        const nas_yaml_node *given = map ? nas_yaml_get(args, name) : NULL,
                            *fallback = nas_yaml_at(o->args, i);
        NAS_TRY(plan_join(&p[i].path, s, path, name));
        if (given != NULL)
            NAS_TRY(plan_param(&p[i], s, name, given, fallback, later));
        else if (is_missing(fallback) || is_block(fallback))
            return nas_yaml_fail(args, "%s: %s is missing", o->name, name);
    }
    for (size_t i = 0; i < n; i++)
        if (p[i].value != NULL || p[i].block != NULL)
            NAS_TRY(param_add(s, p[i].path, p[i].value, p[i].block));
    for (size_t i = 0; i < n; i++) {
        if (p[i].value == NULL && p[i].block == NULL) {
            NAS_TRY(plan_param(&p[i], s, nas_yaml_key(o->args, i), nas_yaml_at(o->args, i),
                               nas_yaml_at(o->args, i), later));
            NAS_TRY(param_add(s, p[i].path, p[i].value, p[i].block));
        }
        if (p[i].value != NULL)
            use->arg[use->n_args++] = p[i].value;
    }
    return NAS_OK;
}

/* ---- uses ---- */

static nas_status plan_body(plan *use, nas_space *s, own_block *o, const char *path, place at) {
    const char *dot = strrchr(path, '.'), *prefix = "";
    if (dot != NULL && (prefix = arena_text(&s->mem, "%.*s", (int)(dot - path), path)) == NULL)
        return nas_fail_memory(1);
    if (o->depth == MAX_INSIDE || s->depth == MAX_DEPTH)
        return nas_yaml_fail(o->at, "block %s is made of itself, or stands over %d deep", o->name,
                             o->depth == MAX_INSIDE ? (int)MAX_INSIDE : (int)MAX_DEPTH);
    o->depth++;
    s->depth++;
    NAS_TRY(plan_item(&use->kid[0], s, o->body,
                      (place){.prefix = prefix,
                              .label = dot != NULL ? dot + 1 : path,
                              .name = at.name,
                              .nameless = at.nameless,
                              .later = at.later}));
    o->depth--;
    s->depth--;
    return NAS_OK;
}

static nas_status finish_shared(nas_space *s, own_block *o, const plan *use) {
    if (o->use != NULL)
        return NAS_OK;
    o->use = use;
    NAS_TRY(bit_new(&o->bit, s, o->at));
    s->shared[s->n_shared++] = o;
    return NAS_OK;
}

nas_status plan_own(plan **out, nas_space *s, own_block *o, const nas_yaml_node *args,
                    const char *path, place at) {
    const char *from = s->shared_from, *as = s->shared_as;
    plan *use;
    NAS_TRY(check_args(o, args));
    NAS_TRY(plan_new(&use, s, PLAN_OWN, args, 1));
    use->shared = o->shared ? (int32_t)(o - s->own) : NO_GENE;
    if ((use->arg = arena_new(&s->mem, MAX_PARAMS * sizeof(plan *))) == NULL)
        return nas_fail_memory(MAX_PARAMS * sizeof(plan *));
    NAS_TRY(plan_params(use, s, o, args, path, at.later));
    if (o->shared) {
        s->shared_from = path;
        s->shared_as = o->name;
    }
    NAS_TRY(plan_body(use, s, o, path, at));
    s->shared_from = from;
    s->shared_as = as;
    if (o->shared)
        NAS_TRY(finish_shared(s, o, use));
    *out = use;
    return NAS_OK;
}
