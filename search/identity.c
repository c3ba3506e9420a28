/* search/identity.c - a hash of what a network computes: what computes nothing is left out. */
#include <string.h>

#include <nas/space.h>

/* Of each value: its hash, or for a sum that of its terms, in any order and however they are
 * nested. */
typedef struct mark {
    uint64_t hash, terms;
    bool zero; /* zeros, whatever the input: so is all that is computed from them alone */
} mark;

static uint64_t hash_attr(uint64_t h, const nas_node *n) {
    const nas_op_info *op = nas_op_get(n->op);
    for (uint32_t i = 0; i < op->n_fields; i++) {
        const nas_field *f = &op->fields[i];
        if (f->kind != NAS_FIELD_SHAPE) /* the batch is in shapes */
            h = nas_hash_bytes(h, (const char *)&n->attr + f->offset, 4 * (size_t)f->count);
    }
    return h;
}

static bool is_leaf(const nas_node *n) {
    return (nas_op_get(n->op)->flags & NAS_OPF_LEAF) != 0;
}

/* Ops with two or more inputs of which one is data give zeros for zeros when all data are. */
static bool gives_zeros(const nas_graph *g, const nas_node *n, const mark *m) {
    bool any = false, all = true;
    if (is_leaf(n))
        return n->op == NAS_OP_CONSTANT && n->attr.leaf.scale == 0;
    for (uint32_t i = 0; i < n->n_in; i++) {
        nas_op op = nas_graph_node(g, n->in[i])->op;
        bool zero = m[n->in[i].id].zero;
        any = any || zero;
        all = all && (zero || op == NAS_OP_PARAM || op == NAS_OP_STATE);
    }
    return n->op == NAS_OP_MUL ? any : any && all;
}

static uint64_t hash_node(const nas_graph *g, const nas_node *n, const mark *m) {
    uint64_t h = nas_mix64((uint64_t)n->op + 1);
    bool image = !is_leaf(n) || n->op == NAS_OP_INPUT;
    for (int32_t i = image ? 1 : 0; i < n->shape.rank; i++)
        h = nas_mix64(h ^ (uint64_t)(uint32_t)n->shape.dim[i]);
    if (is_leaf(n) && n->op != NAS_OP_CONSTANT)
        return h;
    h = hash_attr(h, n);
    if (n->op == NAS_OP_CONSTANT)
        h = nas_hash_bytes(h, &n->attr.leaf.scale, sizeof n->attr.leaf.scale);
    for (uint32_t i = 0; i < n->n_in; i++)
        h = nas_mix64(h + m[n->in[i].id].hash);
    (void)g;
    return h;
}

/* A sum without its zeros; one term that is left is that value itself. */
static void mark_sum(mark *out, const nas_node *n, const mark *m) {
    uint32_t left = 0;
    *out = (mark){0};
    for (uint32_t i = 0; i < n->n_in; i++) {
        const mark *in = &m[n->in[i].id];
        if (in->zero)
            continue;
        left++;
        out->terms += in->terms;
        out->hash = in->hash;
    }
    if (left > 1)
        out->hash = nas_mix64(out->terms);
}

nas_status nas_network_identity(uint64_t *out, const nas_graph *g) {
    uint32_t n = nas_graph_count(g);
    mark *m = nas_calloc(n + 1u, sizeof *m);
    if (m == NULL)
        return nas_fail_memory(n * sizeof *m);
    for (uint32_t i = 0; i < n; i++) {
        const nas_node *node = nas_graph_node(g, (nas_value){i});
        bool zero = gives_zeros(g, node, m);
        if (node->op == NAS_OP_ADD && !zero) {
            mark_sum(&m[i], node, m);
            continue;
        }
        m[i].hash = zero ? nas_mix64(0) : hash_node(g, node, m);
        m[i].terms = nas_mix64(m[i].hash + 1);
        m[i].zero = zero;
    }
    *out = m[nas_graph_output(g).id].hash;
    nas_free(m);
    return NAS_OK;
}
