/* hwmodels/residual.c - the residual of a device file: reads it, writes it, applies it. */
#include "residual.h"

#include <math.h>
#include <string.h>

static const char *const feature_names[RESIDUAL_FEATURES] = {
#define X(symbol, name) [RESIDUAL_##symbol] = #name,
    RESIDUAL_FEATURE_MAP(X)
#undef X
};
enum { TREE_NUMBERS = 2 * BOOST_DEPTH + BOOST_LEAVES };

const char *nas_residual_group(const nas_graph *g, const nas_node *n) {
    if (n->op != NAS_OP_CONV2D)
        return nas_op_get(n->op)->name;
    switch ((int)nas_kernel_class_of(g, n)) {
    case NAS_KERNEL_CONV1X1:
        return "conv1x1";
    case NAS_KERNEL_DEPTHWISE:
        return "depthwise";
    default:
        return n->attr.conv.groups > 1 ? "conv-grouped" : "conv";
    }
}

static double constant_elements(const nas_graph *g, const nas_node *n) {
    double sum = 0;
    for (uint32_t i = 0; i < n->n_in; i++) {
        nas_op op = nas_graph_node(g, n->in[i])->op;
        if (op == NAS_OP_PARAM || op == NAS_OP_CONSTANT || op == NAS_OP_STATE)
            sum += (double)nas_shape_count(nas_graph_shape(g, n->in[i]));
    }
    return sum;
}

static void product_features(double *x, const nas_node *n) {
    bool window = n->op == NAS_OP_CONV2D || n->op == NAS_OP_MAX_POOL || n->op == NAS_OP_AVG_POOL;
    if (window)
        x[RESIDUAL_WINDOW] = log2((double)n->attr.conv.kernel[0] * n->attr.conv.kernel[1]);
    if (n->op == NAS_OP_CONV2D)
        x[RESIDUAL_ACT] = n->attr.conv.act;
    if (n->op == NAS_OP_MATMUL) {
        x[RESIDUAL_ACT] = n->attr.matmul.act;
        x[RESIDUAL_LAYOUT] = n->attr.matmul.ta + 2 * n->attr.matmul.tb;
    }
    if (n->op == NAS_OP_ACT)
        x[RESIDUAL_ACT] = n->attr.act.kind;
    if (n->op == NAS_OP_ATTENTION)
        x[RESIDUAL_WINDOW] = log2((double)n->attr.attention.heads);
    if (n->op == NAS_OP_CONCAT || n->op == NAS_OP_SLICE || n->op == NAS_OP_PAD)
        x[RESIDUAL_LAYOUT] = n->attr.axis.axis == n->shape.rank - 1;
    if (n->op == NAS_OP_TRANSPOSE && n->shape.rank > 0)
        x[RESIDUAL_LAYOUT] = n->attr.transpose.perm[n->shape.rank - 1] == n->shape.rank - 1;
}

void nas_residual_features(double x[RESIDUAL_FEATURES], const nas_hw *h, const nas_graph *g,
                           nas_value v, const nas_footprint *all) {
    const nas_node *n = nas_graph_node(g, v);
    const nas_shape *y = &n->shape, *in = n->n_in ? nas_graph_shape(g, n->in[0]) : y;
    double count = (double)nas_shape_count(y), columns = y->rank ? y->dim[y->rank - 1] : 1;
    nas_cost c = {0};
    nas_graph_node_cost(&c, g, v);
    for (int k = 0; k < RESIDUAL_FEATURES; k++)
        x[k] = 0;
    x[RESIDUAL_FLOPS] = log2(1 + (double)c.flops);
    x[RESIDUAL_BYTES] = log2(1 + (double)(c.bytes_read + c.bytes_written));
    x[RESIDUAL_ROWS] = log2(count / columns);
    x[RESIDUAL_COLUMNS] = log2(columns);
    x[RESIDUAL_DEPTH] = log2(1 + (double)c.macs / count);
    x[RESIDUAL_WEIGHTS] = log2(1 + constant_elements(g, n));
    x[RESIDUAL_IN_COLUMNS] = in->rank ? log2((double)in->dim[in->rank - 1]) : 0;
    x[RESIDUAL_SHRINK] = log2((double)nas_shape_count(in) / count);
    x[RESIDUAL_EPILOGUE] = n->n_in > 2 ? n->n_in - 2 : 0;
    x[RESIDUAL_FILL] = nas_utilisation(h, g, n);
    x[RESIDUAL_IMAGES] = y->rank ? log2((double)y->dim[0]) : 0;
    x[RESIDUAL_ALL_WEIGHTS] = log2(1 + all->weights);
    x[RESIDUAL_ALL_ACTIVATIONS] = log2(1 + all->activations);
    product_features(x, n);
}

double nas_residual_factor(double *add_s, const nas_hw *h, const nas_graph *g, nas_value v,
                           const nas_footprint *all) {
    const char *name = nas_residual_group(g, nas_graph_node(g, v));
    const nas_residual *r = h->residual;
    double x[RESIDUAL_FEATURES];
    *add_s = 0;
    for (uint32_t i = 0; i < r->n; i++)
        if (!strcmp(r->group[i].name, name)) {
            nas_residual_features(x, h, g, v, all);
            *add_s = r->group[i].add_s;
            return exp(fmin(fmax(boost_predict(&r->group[i].trees, x), -7), 7));
        }
    return 1;
}

void nas_residual_free(nas_residual *r) {
    if (!r)
        return;
    for (uint32_t i = 0; i < r->n; i++)
        boost_free(&r->group[i].trees);
    nas_free(r);
}

/* ---- in a file ---- */

static nas_status read_tree(boost_tree *t, const nas_yaml_node *list) {
    double v[TREE_NUMBERS];
    if (nas_yaml_kind_of(list) != NAS_YAML_SEQ || nas_yaml_count(list) != TREE_NUMBERS)
        return nas_yaml_fail(list, "residual: a tree is a list of %d numbers", (int)TREE_NUMBERS);
    for (size_t i = 0; i < TREE_NUMBERS; i++)
        NAS_TRY(nas_yaml_double(&v[i], nas_yaml_at(list, i), -1e9, 1e9));
    for (int k = 0; k < BOOST_DEPTH; k++) {
        double f = v[2 * k];
        if (f < 0 || f >= RESIDUAL_FEATURES || f != floor(f))
            return nas_yaml_fail(nas_yaml_at(list, 2 * (size_t)k),
                                 "residual: %g is no number of a feature, 0 ... %d", f,
                                 RESIDUAL_FEATURES - 1);
        t->feature[k] = (uint32_t)f;
        t->threshold[k] = v[2 * k + 1];
    }
    memcpy(t->leaf, v + 2 * BOOST_DEPTH, sizeof t->leaf);
    return NAS_OK;
}

static nas_status read_group(residual_group *out, const nas_yaml_node *map) {
    static const char *const keys[] = {"add_us", "start", "trees"};
    const nas_yaml_node *add = nas_yaml_get(map, "add_us"), *start = nas_yaml_get(map, "start"),
                        *trees = nas_yaml_get(map, "trees");
    boost *b = &out->trees;
    if (!add || !start || !trees)
        return nas_yaml_fail(map, "residual: '%s' is missing",
                             !add     ? "add_us"
                             : !start ? "start"
                                      : "trees");
    NAS_TRY(nas_yaml_only(map, keys, sizeof keys / sizeof *keys));
    NAS_TRY(nas_yaml_double(&out->add_s, add, 0, 1e6));
    out->add_s *= 1e-6;
    NAS_TRY(nas_yaml_double(&b->start, start, -100, 100));
    size_t n = nas_yaml_count(trees);
    if (nas_yaml_kind_of(trees) != NAS_YAML_SEQ || n > BOOST_MOST_TREES)
        return nas_yaml_fail(trees, "residual: trees is to be a list of at most %d",
                             BOOST_MOST_TREES);
    b->tree = nas_calloc(n + 1, sizeof *b->tree);
    if (!b->tree)
        return nas_fail_memory((n + 1) * sizeof *b->tree);
    for (b->n = 0; b->n < n; b->n++)
        NAS_TRY(read_tree(&b->tree[b->n], nas_yaml_at(trees, b->n)));
    return NAS_OK;
}

static nas_status read_features(const nas_yaml_node *map) {
    const nas_yaml_node *list = nas_yaml_get(map, "features");
    bool same =
        list && nas_yaml_kind_of(list) == NAS_YAML_SEQ && nas_yaml_count(list) == RESIDUAL_FEATURES;
    for (size_t i = 0; same && i < RESIDUAL_FEATURES; i++) {
        const char *name = nas_yaml_scalar(nas_yaml_at(list, i));
        same = name && !strcmp(name, feature_names[i]);
    }
    if (!same)
        return nas_yaml_fail(list ? list : map, "residual: features are not those of this version "
                                                "of clnas: calibrate anew");
    return NAS_OK;
}

static nas_status read_all(nas_residual *r, const nas_yaml_node *map) {
    static const char *const keys[] = {"source", "features", "groups"};
    const nas_yaml_node *groups = nas_yaml_get(map, "groups");
    NAS_TRY(nas_yaml_only(map, keys, 3));
    if (!nas_yaml_get(map, "source") || !groups)
        return nas_yaml_fail(map, "residual: '%s' is missing", groups ? "source" : "groups");
    NAS_TRY(read_features(map));
    if (nas_yaml_kind_of(groups) != NAS_YAML_MAP || nas_yaml_count(groups) > RESIDUAL_MOST_GROUPS)
        return nas_yaml_fail(groups, "residual: groups is to be a map of at most %d",
                             RESIDUAL_MOST_GROUPS);
    for (size_t i = 0; i < nas_yaml_count(groups); i++) {
        residual_group *at = &r->group[r->n++];
        const char *name = nas_yaml_key(groups, i);
        if (strlen(name) >= sizeof at->name)
            return nas_yaml_fail(nas_yaml_at(groups, i), "residual: no group has a name so long");
        if (nas_yaml_kind_of(nas_yaml_at(groups, i)) != NAS_YAML_MAP)
            return nas_yaml_fail(nas_yaml_at(groups, i),
                                 "residual: a group is to be {add_us: NUMBER, start: NUMBER, "
                                 "trees: LIST}");
        memcpy(at->name, name, strlen(name) + 1);
        NAS_TRY(read_group(at, nas_yaml_at(groups, i)));
    }
    return NAS_OK;
}

nas_status nas_residual_read(nas_residual **out, const nas_yaml_node *map) {
    if (nas_yaml_kind_of(map) != NAS_YAML_MAP)
        return nas_yaml_fail(map, "residual is to be a map");
    nas_residual *r = nas_calloc(1, sizeof *r);
    if (!r)
        return nas_fail_memory(sizeof *r);
    nas_status st = read_all(r, map);
    if (st == NAS_OK)
        *out = r;
    else
        nas_residual_free(r);
    return st;
}

void nas_residual_write(nas_text *yaml, const nas_residual *r, const char *source) {
    nas_text_add(yaml, "residual:\n  source: ");
    nas_text_json(yaml, source);
    nas_text_add(yaml, "\n  features: [");
    for (int i = 0; i < RESIDUAL_FEATURES; i++)
        nas_text_add(yaml, "%s%s", i ? ", " : "", feature_names[i]);
    nas_text_add(yaml, "]\n  groups: %s", r->n ? "\n" : "{}\n");
    for (uint32_t i = 0; i < r->n; i++) {
        const boost *b = &r->group[i].trees;
        nas_text_add(yaml, "    %s:\n      add_us: %.4g\n      start: %.5g\n      trees: %s",
                     r->group[i].name, r->group[i].add_s * 1e6, b->start, b->n ? "\n" : "[]\n");
        for (uint32_t t = 0; t < b->n; t++) {
            nas_text_add(yaml, "        - [");
            for (int k = 0; k < BOOST_DEPTH; k++)
                nas_text_add(yaml, "%s%u, %.6g", k ? ", " : "", b->tree[t].feature[k],
                             b->tree[t].threshold[k]);
            for (int l = 0; l < BOOST_LEAVES; l++)
                nas_text_add(yaml, ", %.4g", b->tree[t].leaf[l]);
            nas_text_add(yaml, "]\n");
        }
    }
}
