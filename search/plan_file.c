/* search/plan_file.c - from the whole file of a space to its plan. */
#include "plan.h"

static nas_status need(const nas_yaml_node **out, const nas_yaml_node *root, const char *key) {
    *out = nas_yaml_get(root, key);
    return *out != NULL ? NAS_OK : nas_yaml_fail(root, "%s is missing", key);
}

/* [height, width, channels], whole or each of them a choice or a computed value. */
static nas_status plan_size(plan **out, nas_space *s, const nas_yaml_node *n, const char *path) {
    static const char *const name[] = {"height", "width", "channels"};
    static const block_arg size = {.name = "input", .type = ARG_INT, .min = 1, .max = 4096};
    const nas_yaml_node *options = choose_of(n), *list = options != NULL ? options : n;
    const char *inner;
    plan *p;
    if (nas_yaml_kind_of(list) != NAS_YAML_SEQ || (options == NULL && nas_yaml_count(n) != 3))
        return nas_yaml_fail(n, "input: expected [height, width, channels]");
    size_t kids = options != NULL ? nas_yaml_count(list) : 3;
    NAS_TRY(plan_new(&p, s, options != NULL ? PLAN_CHOOSE : PLAN_SEQ, n, kids));
    if (options != NULL)
        NAS_TRY(gene_new(&p->gene, s, options, path, NULL));
    for (uint32_t i = 0; i < kids; i++) {
        const char *label = options != NULL ? arena_text(&s->mem, "%u", i) : name[i];
        NAS_TRY(label == NULL ? nas_fail_memory(1) : plan_join(&inner, s, path, label));
        if (options != NULL)
            NAS_TRY(plan_size(&p->kid[i], s, nas_yaml_at(list, i), inner));
        else
            NAS_TRY(plan_value(&p->kid[i], s, &size, nas_yaml_at(list, i), inner));
        if (options == NULL)
            NAS_TRY(name_add(s, inner, p->kid[i]));
    }
    *out = p;
    return NAS_OK;
}

static nas_status plan_input(nas_space *s, const nas_yaml_node *root) {
    const nas_yaml_node *input, *classes;
    int64_t v;
    NAS_TRY(need(&input, root, "input"));
    NAS_TRY(plan_size(&s->hwc, s, input, "input"));
    NAS_TRY(need(&classes, root, "classes"));
    NAS_TRY(nas_yaml_int(&v, classes, 1, 100000));
    s->classes = (int32_t)v;
    return NAS_OK;
}

nas_status plan_space(nas_space *s) {
    static const char *const keys[] = {"name", "about",  "input", "classes",    "arch",
                                       "let",  "blocks", "net",   "constraints"};
    const nas_yaml_node *root = nas_yaml_root(s->doc), *name, *net;
    const nas_yaml_node *about = nas_yaml_get(root, "about"), *lets = nas_yaml_get(root, "let");
    const nas_yaml_node *arch = nas_yaml_get(root, "arch"), *blocks = nas_yaml_get(root, "blocks"),
                        *constraints = nas_yaml_get(root, "constraints");
    NAS_TRY(nas_yaml_only(root, keys, sizeof keys / sizeof *keys));
    NAS_TRY(need(&name, root, "name"));
    NAS_TRY(nas_yaml_string(&s->name, name));
    if (about != NULL)
        NAS_TRY(nas_yaml_string(&s->about, about));
    if (lets != NULL)
        NAS_TRY(plan_lets(s, lets));
    NAS_TRY(plan_input(s, root));
    if (blocks != NULL)
        NAS_TRY(own_read(s, blocks));
    NAS_TRY(need(&net, root, "net"));
    NAS_TRY(plan_items(&s->net, s, net, "", false));
    for (uint32_t i = 0; i < s->n_lets; i++)
        if (!s->lets[i].used)
            return nas_yaml_fail(s->lets[i].at, "let: $%s is never used", s->lets[i].name);
    if (constraints != NULL)
        NAS_TRY(constraints_read(s, constraints));
    if (arch != NULL)
        NAS_TRY(arch_read(s, arch));
    return count_networks(s);
}
