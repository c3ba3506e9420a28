/* search/plan_file.c - from the whole file of a space to its plan. */
#include "plan.h"

static nas_status need(const nas_yaml_node **out, const nas_yaml_node *root, const char *key) {
    *out = nas_yaml_get(root, key);
    return *out != NULL ? NAS_OK : nas_yaml_fail(root, "%s is missing", key);
}

static nas_status plan_input(nas_space *s, const nas_yaml_node *root) {
    const nas_yaml_node *input, *classes;
    int64_t v;
    NAS_TRY(need(&input, root, "input"));
    if (nas_yaml_kind_of(input) != NAS_YAML_SEQ || nas_yaml_count(input) != 3)
        return nas_yaml_fail(input, "input: expected [height, width, channels]");
    for (size_t i = 0; i < 3; i++) {
        NAS_TRY(nas_yaml_int(&v, nas_yaml_at(input, i), 1, 4096));
        s->hwc[i] = (int32_t)v;
    }
    NAS_TRY(need(&classes, root, "classes"));
    NAS_TRY(nas_yaml_int(&v, classes, 1, 100000));
    s->classes = (int32_t)v;
    return NAS_OK;
}

nas_status plan_space(nas_space *s) {
    static const char *const keys[] = {"name", "about", "input", "classes", "arch", "let", "net"};
    const nas_yaml_node *root = nas_yaml_root(s->doc), *name, *net;
    const nas_yaml_node *about = nas_yaml_get(root, "about"), *lets = nas_yaml_get(root, "let");
    const nas_yaml_node *arch = nas_yaml_get(root, "arch");
    NAS_TRY(nas_yaml_only(root, keys, sizeof keys / sizeof *keys));
    NAS_TRY(need(&name, root, "name"));
    NAS_TRY(nas_yaml_string(&s->name, name));
    if (about != NULL)
        NAS_TRY(nas_yaml_string(&s->about, about));
    NAS_TRY(plan_input(s, root));
    if (lets != NULL)
        NAS_TRY(plan_lets(s, lets));
    NAS_TRY(need(&net, root, "net"));
    NAS_TRY(plan_items(&s->net, s, net, "", false));
    for (uint32_t i = 0; i < s->n_lets; i++)
        if (!s->lets[i].used)
            return nas_yaml_fail(s->lets[i].at, "let: $%s is never used", s->lets[i].name);
    if (arch != NULL)
        NAS_TRY(arch_read(s, arch));
    return count_networks(s);
}
