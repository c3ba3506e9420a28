/* graph/hash.c - the structural hash, and which values carry the batch.
 *
 * A node's hash is made of its op, its attributes without the batch, and the hashes of its inputs;
 * the graph's is the sum over all nodes, so the order of independent nodes does not matter. Two
 * params of one shape have one hash: what tells `x w w` from `x w v` is the sum of uses at each
 * leaf.
 */
#include "graph_impl.h"

#include <string.h>

/* Attributes that number or count things instead of saying what is computed. */
static const struct ignored {
    nas_op op;
    size_t offset;
} ignored[] = {
    {NAS_OP_DROPOUT, offsetof(nas_attr, dropout.stream)},
    {NAS_OP_EMA, offsetof(nas_attr, norm.count)},
    {NAS_OP_INPUT, offsetof(nas_attr, leaf.init)},
    {NAS_OP_INPUT, offsetof(nas_attr, leaf.scale)},
    {NAS_OP_INPUT, offsetof(nas_attr, leaf.decay)},
    {NAS_OP_PARAM, offsetof(nas_attr, leaf.init)},
    {NAS_OP_PARAM, offsetof(nas_attr, leaf.scale)},
    {NAS_OP_PARAM, offsetof(nas_attr, leaf.decay)},
    {NAS_OP_STATE, offsetof(nas_attr, leaf.init)},
    {NAS_OP_STATE, offsetof(nas_attr, leaf.scale)},
    {NAS_OP_STATE, offsetof(nas_attr, leaf.decay)},
};

static bool is_ignored(nas_op op, size_t offset) {
    for (size_t i = 0; i < sizeof ignored / sizeof ignored[0]; i++)
        if (ignored[i].op == op && ignored[i].offset == offset)
            return true;
    return false;
}

int32_t nas_graph_batch_factor(const nas_graph *g, const nas_node *n) {
    if (n->op == NAS_OP_INPUT)
        return n->attr.leaf.shape.rank > 0 ? 1 : 0;
    if (n->op != NAS_OP_RESHAPE && n->op != NAS_OP_EXPAND && n->op != NAS_OP_SUM_TO)
        return 0;
    const nas_shape *to = &n->attr.shape.shape;
    const graph_entry *x = &g->entry[n->in[0].id];
    const nas_shape *from = &x->node.shape;
    if (to->rank == 0 || g->batch == 0 || to->dim[0] % g->batch != 0)
        return 0;
    int32_t factor = to->dim[0] / g->batch;
    if (n->op == NAS_OP_RESHAPE)
        return x->batched ? factor : 0;
    if (n->op == NAS_OP_SUM_TO)
        return x->batched && from->rank == to->rank && from->dim[0] == to->dim[0] ? factor : 0;
    if (x->batched)
        return factor;
    /* A class token: repeated over a new or a 1-wide leading dimension, once for each sample. */
    return factor == 1 && (from->rank < to->rank || from->dim[0] == 1) ? 1 : 0;
}

bool nas_graph_batched(const nas_graph *g, const nas_node *n) {
    bool batched = nas_graph_batch_factor(g, n) > 0;
    for (uint32_t i = 0; i < n->n_in; i++)
        batched = batched || g->entry[n->in[i].id].batched;
    return batched;
}

static uint64_t hash_i64(uint64_t h, int64_t v) {
    return nas_hash_bytes(h, &v, sizeof v);
}

/* factor > 0: the leading dimension is factor batches, whatever the batch is. */
static uint64_t hash_shape(uint64_t h, const nas_shape *s, int32_t factor) {
    h = hash_i64(h, s->rank);
    for (int32_t i = 0; i < s->rank; i++)
        h = hash_i64(h, i == 0 && factor > 0 ? -(int64_t)factor : s->dim[i]);
    return h;
}

static uint64_t hash_field(uint64_t h, const nas_node *n, const nas_field *f, int32_t factor) {
    const char *at = (const char *)&n->attr + f->offset;
    if (f->later && !*(const int32_t *)(const void *)at)
        return h;
    if (f->kind != NAS_FIELD_SHAPE)
        return nas_hash_bytes(h, at, f->count * sizeof(int32_t));
    nas_shape s;
    for (uint32_t i = 0; i < f->count; i++) {
        memcpy(&s, at + i * sizeof s, sizeof s);
        h = hash_shape(h, &s, factor);
    }
    return h;
}

static bool commutes(const nas_node *n) {
    return n->n_in == 2 && (n->op == NAS_OP_ADD || n->op == NAS_OP_MUL);
}

uint64_t nas_graph_node_hash(const nas_graph *g, const nas_node *n) {
    const nas_op_info *info = nas_op_get(n->op);
    uint64_t h = nas_hash_bytes(0, info->name, strlen(info->name));
    int32_t factor = nas_graph_batch_factor(g, n);
    for (uint32_t i = 0; i < info->n_fields; i++)
        if (!is_ignored(n->op, info->fields[i].offset))
            h = hash_field(h, n, &info->fields[i], factor);
    uint64_t in[NAS_MAX_IN];
    for (uint32_t i = 0; i < n->n_in; i++)
        in[i] = g->entry[n->in[i].id].hash;
    /* Sorted for unequal shapes as well: the broadcast side follows from the shapes below, and at
     * batch 1 a broadcast over the batch looks like none. */
    if (commutes(n) && in[0] > in[1]) {
        uint64_t t = in[0];
        in[0] = in[1];
        in[1] = t;
    }
    h = hash_i64(h, n->n_in);
    for (uint32_t i = 0; i < n->n_in; i++)
        h = nas_hash_bytes(h, &in[i], sizeof in[i]);
    return h;
}

uint64_t nas_graph_use_hash(const nas_node *n, uint64_t node_hash, uint32_t i) {
    return nas_mix64(node_hash + (commutes(n) ? 0 : i) * UINT64_C(0x9e3779b97f4a7c15));
}

uint64_t nas_graph_hash(const nas_graph *g) {
    uint64_t sum = 0;
    for (uint32_t i = 0; i < g->n; i++) {
        const graph_entry *e = &g->entry[i];
        bool leaf = nas_op_get(e->node.op)->flags & NAS_OPF_LEAF;
        sum += nas_mix64(leaf ? e->hash ^ nas_mix64(e->uses) : e->hash);
    }
    uint64_t h = nas_hash_bytes(0, &sum, sizeof sum);
    return nas_value_ok(g->output) ? hash_i64(h, (int64_t)g->entry[g->output.id].hash) : h;
}
