/* hwmodels/learnt.c - what was learnt of a device: per type of kernel a summand and a factor over
 * the price of the model; in the device file and applied to a price. */
#include "device.h"

#include <math.h>
#include <string.h>

void nas_kernel_type(char type[NAS_KERNEL_TYPE_TEXT], const nas_graph *g, const nas_node *n) {
    const char *name = nas_op_get(n->op)->name;
    bool window = n->op == NAS_OP_CONV2D || n->op == NAS_OP_MAX_POOL || n->op == NAS_OP_AVG_POOL;
    if (!window) {
        snprintf(type, NAS_KERNEL_TYPE_TEXT, "%s", name);
        return;
    }
    bool depthwise = nas_kernel_class_of(g, n) == NAS_KERNEL_DEPTHWISE;
    snprintf(type, NAS_KERNEL_TYPE_TEXT, "%s-%dx%d%s", name, (int)n->attr.conv.kernel[0],
             (int)n->attr.conv.kernel[1],
             depthwise                                           ? "-depthwise"
             : n->op == NAS_OP_CONV2D && n->attr.conv.groups > 1 ? "-grouped"
                                                                 : "");
}

static nas_status read_key(double *out, const nas_yaml_node *map, const char *key, double si) {
    const nas_yaml_node *n = nas_yaml_get(map, key);
    double v = 0;
    if (!n)
        return nas_yaml_fail(map, "learnt: '%s' is missing", key);
    NAS_TRY(nas_yaml_double(&v, n, -1e9, 1e9));
    *out = v * si;
    return NAS_OK;
}

static nas_status read_kernels(nas_learnt *l, const nas_yaml_node *map) {
    static const char *const keys[] = {"add_us", "factor"};
    if (nas_yaml_kind_of(map) != NAS_YAML_MAP || nas_yaml_count(map) > NAS_MAX_KERNEL_TYPES)
        return nas_yaml_fail(map, "learnt: kernels is to be a map of at most %d types",
                             NAS_MAX_KERNEL_TYPES);
    for (size_t i = 0; i < nas_yaml_count(map); i++) {
        nas_learnt_kernel *k = &l->kernel[l->n];
        const nas_yaml_node *at = nas_yaml_at(map, i);
        if (nas_yaml_kind_of(at) != NAS_YAML_MAP)
            return nas_yaml_fail(at, "learnt: a kernel is to be {add_us: NUMBER, factor: NUMBER}");
        if (strlen(nas_yaml_key(map, i)) >= sizeof k->type)
            return nas_yaml_fail(at, "learnt: the name of a kernel has more than %zu letters",
                                 sizeof k->type - 1);
        snprintf(k->type, sizeof k->type, "%s", nas_yaml_key(map, i));
        NAS_TRY(nas_yaml_only(at, keys, 2));
        NAS_TRY(read_key(&k->add_s, at, "add_us", 1e-6));
        NAS_TRY(read_key(&k->factor, at, "factor", 1));
        l->n++;
    }
    return NAS_OK;
}

static nas_status read_all(nas_learnt *l, const nas_yaml_node *map) {
    static const char *const keys[] = {"source", "base_us", "factor", "kernels"};
    const char *source;
    NAS_TRY(nas_yaml_only(map, keys, sizeof keys / sizeof *keys));
    if (!nas_yaml_get(map, "source") || !nas_yaml_get(map, "kernels"))
        return nas_yaml_fail(map, "learnt: '%s' is missing",
                             nas_yaml_get(map, "source") ? "kernels" : "source");
    NAS_TRY(nas_yaml_string(&source, nas_yaml_get(map, "source")));
    NAS_TRY(read_key(&l->base_s, map, "base_us", 1e-6));
    NAS_TRY(read_key(&l->factor, map, "factor", 1));
    return read_kernels(l, nas_yaml_get(map, "kernels"));
}

nas_status nas_learnt_read(nas_learnt **out, const nas_yaml_node *map) {
    if (nas_yaml_kind_of(map) != NAS_YAML_MAP)
        return nas_yaml_fail(map, "learnt is to be a map");
    nas_learnt *l = nas_calloc(1, sizeof *l);
    if (!l)
        return nas_fail_memory(sizeof *l);
    nas_status st = read_all(l, map);
    if (st == NAS_OK)
        *out = l;
    else
        nas_free(l);
    return st;
}

/* To the digits of a float, with a point in every locale. */
static void number(nas_text *yaml, const char *before, double v) {
    nas_text_add(yaml, "%s", before);
    nas_text_float(yaml, (float)v);
}

void nas_learnt_write(nas_text *yaml, const nas_learnt *l, const char *source) {
    nas_text_add(yaml, "learnt:\n  source: ");
    nas_text_json(yaml, source);
    number(yaml, "\n  base_us: ", l->base_s * 1e6);
    number(yaml, "\n  factor: ", l->factor);
    nas_text_add(yaml, "\n  kernels: %s", l->n ? "\n" : "{}\n");
    for (uint32_t i = 0; i < l->n; i++) {
        nas_text_add(yaml, "    %s", l->kernel[i].type);
        number(yaml, ": {add_us: ", l->kernel[i].add_s * 1e6);
        number(yaml, ", factor: ", l->kernel[i].factor);
        nas_text_add(yaml, "}\n");
    }
}

static const nas_learnt_kernel *find(const nas_learnt *l, const char *type) {
    for (uint32_t i = 0; i < l->n; i++)
        if (!strcmp(l->kernel[i].type, type))
            return &l->kernel[i];
    return NULL;
}

/* A summand may be negative where kernels always come together, so a single kernel's price may be
 * too: it shows as 0, and the sum is taken before. */
void nas_learnt_apply(nas_estimate *total, nas_estimate *per_node, const nas_learnt *l,
                      const nas_graph *g) {
    double sum = l->base_s;
    for (uint32_t i = 0; i < nas_graph_count(g); i++) {
        char type[NAS_KERNEL_TYPE_TEXT];
        const nas_node *n = nas_graph_node(g, (nas_value){i});
        if (!nas_is_kernel(n))
            continue;
        nas_kernel_type(type, g, n);
        const nas_learnt_kernel *k = find(l, type);
        double t = (k ? k->add_s : 0) + (k ? k->factor : l->factor) * per_node[i].latency_s;
        per_node[i].latency_s = fmax(t, 0);
        sum += t;
    }
    total->latency_s = fmax(sum, 1e-9);
    total->interval_s = total->latency_s;
}
