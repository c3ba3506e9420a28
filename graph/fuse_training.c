/* graph/fuse_training.c - finds what a training graph computes in one pass over memory:
 *
 *     act(batch norm + residual)      the gradient ops redo the activation's slope as they go
 *     product + bias + residual       matmul and convolution, as their epilogue
 *
 * Each node of a chain but the last has one reader, the next one, and the fused node stands where
 * the last stood, so that all its inputs are there. A product takes no activation: its argument is
 * needed for the gradient and would have to be written all the same.
 */
#include "fuse_training.h"

typedef struct search {
    const nas_graph *g;
    fused *plan;
    uint32_t *uses;
} search;

static const nas_node *node_of(const search *s, nas_value v) {
    return &s->g->entry[v.id].node;
}

static bool runs_by_state(const search *s, nas_value v) {
    const nas_node *n = node_of(s, v);
    return n->op == NAS_OP_BATCH_NORM && n->n_in == 4 && n->attr.norm.act == NAS_ACT_NONE &&
           node_of(s, n->in[3])->op == NAS_OP_STATE;
}

/* A product whose epilogue is still free. */
static bool bare_product(const search *s, nas_value v) {
    const nas_node *n = node_of(s, v);
    if (n->op == NAS_OP_CONV2D)
        return !n->attr.conv.bias && !n->attr.conv.residual && n->attr.conv.act == NAS_ACT_NONE;
    return n->op == NAS_OP_MATMUL && !n->attr.matmul.bias && !n->attr.matmul.residual &&
           n->attr.matmul.act == NAS_ACT_NONE;
}

static nas_value only_reader(const search *s, nas_value v) {
    if (s->uses[v.id] != 1)
        return NAS_NO_VALUE;
    for (uint32_t id = v.id + 1; id < s->g->n; id++)
        for (uint32_t i = 0; i < s->g->entry[id].node.n_in; i++)
            if (s->g->entry[id].node.in[i].id == v.id)
                return (nas_value){id};
    return NAS_NO_VALUE; /* the graph's output */
}

static bool take_bias(fused *f, const search *s, nas_value at, const nas_node *reader) {
    const nas_shape *y = &node_of(s, at)->shape;
    if (reader->op != NAS_OP_ADD || nas_value_ok(f->bias) || nas_value_ok(f->residual) ||
        node_of(s, f->first)->op == NAS_OP_BATCH_NORM)
        return false;
    const nas_node *b = node_of(s, reader->in[1]);
    if (reader->in[0].id != at.id || b->op != NAS_OP_PARAM || b->shape.rank != 1 || y->rank < 2 ||
        b->shape.dim[0] != y->dim[y->rank - 1])
        return false;
    f->bias = reader->in[1];
    return true;
}

static bool take_residual(fused *f, const search *s, nas_value at, const nas_node *reader) {
    if (reader->op != NAS_OP_ADD || nas_value_ok(f->residual))
        return false;
    nas_value rest = reader->in[reader->in[0].id == at.id ? 1 : 0];
    if (!s->g->entry[rest.id].batched ||
        !nas_shape_equal(&node_of(s, rest)->shape, &node_of(s, at)->shape))
        return false;
    f->residual = rest;
    return true;
}

/* With a residual the slope must follow from the value: see batch_norm.c. */
static bool take_act(fused *f, const search *s, nas_value at, const nas_node *reader) {
    (void)at;
    if (reader->op != NAS_OP_ACT || node_of(s, f->first)->op != NAS_OP_BATCH_NORM)
        return false;
    nas_act act = (nas_act)reader->attr.act.kind;
    if (nas_value_ok(f->residual) && act != NAS_ACT_RELU && act != NAS_ACT_RELU6)
        return false;
    f->act = act;
    return true;
}

static bool (*const takes[])(fused *, const search *, nas_value,
                             const nas_node *) = {take_bias, take_residual, take_act};
enum { N_TAKES = sizeof takes / sizeof takes[0] };

/* From the last start to the first: of two that meet in one ADD the later one takes it, for the
 * other is ready by then. */
static void find_chains(search *s) {
    for (uint32_t id = s->g->n; id-- > 0;) {
        nas_value last = {id};
        if (!runs_by_state(s, last) && !bare_product(s, last))
            continue;
        fused f = {.first = last, .bias = NAS_NO_VALUE, .residual = NAS_NO_VALUE};
        while (f.act == NAS_ACT_NONE) {
            nas_value reader = only_reader(s, last);
            bool taken = false;
            if (!nas_value_ok(reader) || s->plan[reader.id].inside ||
                nas_value_ok(s->plan[reader.id].first))
                break;
            for (size_t i = 0; i < N_TAKES && !taken; i++)
                taken = takes[i](&f, s, last, node_of(s, reader));
            if (!taken)
                break;
            s->plan[last.id].inside = true;
            last = reader;
        }
        if (last.id != id || node_of(s, f.first)->op == NAS_OP_BATCH_NORM)
            s->plan[last.id] = f;
    }
}

nas_status fuse_training(fused **plan, const nas_graph *model) {
    search s = {.g = model};
    s.plan = nas_calloc(model->n + 1, sizeof *s.plan);
    s.uses = nas_calloc(model->n + 1, sizeof *s.uses);
    if (!s.plan || !s.uses) {
        nas_free(s.plan);
        nas_free(s.uses);
        return nas_fail_memory((model->n + 1) * sizeof *s.plan);
    }
    for (uint32_t id = 0; id < model->n; id++) {
        s.plan[id] = (fused){.first = NAS_NO_VALUE, .bias = NAS_NO_VALUE, .residual = NAS_NO_VALUE};
        for (uint32_t i = 0; i < model->entry[id].node.n_in; i++)
            s.uses[model->entry[id].node.in[i].id]++;
    }
    s.uses[model->output.id]++;
    find_chains(&s);
    nas_free(s.uses);
    *plan = s.plan;
    return NAS_OK;
}
