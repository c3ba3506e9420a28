/* graph/inference.c - the network as it runs: dropout gone, batch norm folded, epilogues fused.
 *
 * A chain is a convolution or matmul and the nodes behind it that its kernel can do as well:
 *     y = act(product + bias + residual), batch norm before anything but a bias.
 * Each node of a chain but the last has exactly one reader, the next one. The fused node stands
 * where the last stood, so all its inputs are there.
 */
#include "graph_impl.h"

#include <string.h>

typedef struct chain_node {
    nas_value same; /* the value that stands for it: itself, or what its dropout reads */
    uint32_t uses;  /* by nodes that are kept */
    uint32_t ends;  /* 1 + index of the chain that ends here; 0: none */
    bool inside;    /* of a chain, before its end: makes no node of its own */
    bool kept;
    nas_value made; /* in the new graph */
} chain_node;

typedef struct chain {
    nas_value product, last;
    nas_value weight, bias, residual; /* of the model, before folding; NAS_NO_VALUE: none */
    nas_value norm;                   /* the BATCH_NORM that is folded */
    nas_act act;
} chain;

typedef struct fusion {
    const nas_graph *g; /* the model */
    chain_node *node;
    chain *chain;
    uint32_t n_chains, n_folds;
} fusion;

static const nas_node *node_of(const fusion *f, nas_value v) {
    return &f->g->entry[v.id].node;
}

static nas_value input(const fusion *f, nas_value v, uint32_t i) {
    return f->node[node_of(f, v)->in[i].id].same;
}

static bool is_op(const fusion *f, nas_value v, nas_op op) {
    return nas_value_ok(v) && node_of(f, v)->op == op;
}

/* Marks what the output needs, with dropout passed over, and counts the readers. */
static void count_uses(fusion *f) {
    const nas_graph *g = f->g;
    for (uint32_t id = 0; id < g->n; id++) {
        chain_node *c = &f->node[id];
        *c = (chain_node){.same = {id}, .made = NAS_NO_VALUE};
        if (g->entry[id].node.op == NAS_OP_DROPOUT)
            c->same = f->node[g->entry[id].node.in[0].id].same;
    }
    nas_value output = f->node[g->output.id].same;
    f->node[output.id].kept = true;
    f->node[output.id].uses = 1;
    for (uint32_t id = output.id + 1; id-- > 0;) {
        if (!f->node[id].kept)
            continue;
        for (uint32_t i = 0; i < g->entry[id].node.n_in; i++) {
            chain_node *in = &f->node[input(f, (nas_value){id}, i).id];
            in->kept = true;
            in->uses++;
        }
    }
}

/* The one reader of v, or NAS_NO_VALUE. */
static nas_value only_reader(const fusion *f, nas_value v) {
    if (f->node[v.id].uses != 1)
        return NAS_NO_VALUE;
    for (uint32_t id = v.id + 1; id < f->g->n; id++)
        for (uint32_t i = 0; f->node[id].kept && i < f->g->entry[id].node.n_in; i++)
            if (input(f, (nas_value){id}, i).id == v.id)
                return (nas_value){id};
    return NAS_NO_VALUE;
}

static bool own_param(const fusion *f, nas_value v) {
    return is_op(f, v, NAS_OP_PARAM) && f->node[v.id].uses == 1;
}

/* Folding changes weight and bias, so nobody else may read them. The norm's own residual and
 * activation become the product's: what the norm reads is ready where the fused node stands. */
static bool take_norm(chain *c, const fusion *f, nas_value at, nas_value reader) {
    if (!is_op(f, reader, NAS_OP_BATCH_NORM) || input(f, reader, 0).id != at.id ||
        nas_value_ok(c->norm) || nas_value_ok(c->residual))
        return false;
    bool transposed = is_op(f, c->product, NAS_OP_MATMUL) && node_of(f, c->product)->attr.matmul.tb;
    if (transposed || !own_param(f, c->weight) || !own_param(f, input(f, reader, 1)) ||
        !own_param(f, input(f, reader, 2)) || !is_op(f, input(f, reader, 3), NAS_OP_STATE) ||
        (nas_value_ok(c->bias) && !own_param(f, c->bias)))
        return false;
    /* A weight of several matrices has other last axes than the channels' factors alone. */
    if (is_op(f, c->product, NAS_OP_MATMUL) && node_of(f, c->weight)->shape.rank != 2)
        return false;
    const nas_node *norm = node_of(f, reader);
    if (norm->n_in == 5) {
        c->residual = input(f, reader, 4);
        if (!f->g->entry[c->residual.id].batched) { /* see take_residual */
            c->residual = NAS_NO_VALUE;
            return false;
        }
    }
    c->act = (nas_act)norm->attr.norm.act;
    c->norm = reader;
    return true;
}

static bool take_bias(chain *c, const fusion *f, nas_value at, nas_value reader) {
    if (!is_op(f, reader, NAS_OP_ADD) || nas_value_ok(c->bias) || nas_value_ok(c->norm))
        return false;
    nas_value other = input(f, reader, 1);
    const nas_shape *s = &node_of(f, at)->shape, *b = &node_of(f, other)->shape;
    if (!is_op(f, other, NAS_OP_PARAM) || b->rank != 1 || s->rank < 2 ||
        b->dim[0] != s->dim[s->rank - 1])
        return false;
    c->bias = other;
    return true;
}

static bool take_residual(chain *c, const fusion *f, nas_value at, nas_value reader) {
    if (!is_op(f, reader, NAS_OP_ADD) || nas_value_ok(c->residual))
        return false;
    nas_value other = input(f, reader, input(f, reader, 0).id == at.id ? 1 : 0);
    /* At batch 1 a position embedding looks like a residual; at batch 2 it no longer fits. */
    if (!f->g->entry[other.id].batched ||
        !nas_shape_equal(&node_of(f, at)->shape, &node_of(f, other)->shape))
        return false;
    c->residual = other;
    return true;
}

static bool take_act(chain *c, const fusion *f, nas_value at, nas_value reader) {
    (void)at;
    if (!is_op(f, reader, NAS_OP_ACT))
        return false;
    c->act = (nas_act)node_of(f, reader)->attr.act.kind;
    return true;
}

static bool (*const takes[])(chain *, const fusion *, nas_value,
                             nas_value) = {take_norm, take_bias, take_residual, take_act};

/* The chain that starts at a product, with the epilogue that it has already. */
static chain start_chain(const fusion *f, nas_value v) {
    const nas_node *n = node_of(f, v);
    bool conv = n->op == NAS_OP_CONV2D;
    bool bias = conv ? n->attr.conv.bias : n->attr.matmul.bias;
    bool residual = conv ? n->attr.conv.residual : n->attr.matmul.residual;
    return (chain){.product = v,
                   .last = v,
                   .weight = input(f, v, 1),
                   .bias = bias ? input(f, v, 2) : NAS_NO_VALUE,
                   .residual = residual ? input(f, v, bias ? 3 : 2) : NAS_NO_VALUE,
                   .norm = NAS_NO_VALUE,
                   .act = (nas_act)(conv ? n->attr.conv.act : n->attr.matmul.act)};
}

/* From the last product to the first: of two that meet in one ADD the later one takes it, for the
 * other is ready by then. */
static void find_chains(fusion *f) {
    for (uint32_t id = f->g->n; id-- > 0;) {
        nas_value v = {id};
        if (!f->node[id].kept || !(is_op(f, v, NAS_OP_CONV2D) || is_op(f, v, NAS_OP_MATMUL)))
            continue;
        chain c = start_chain(f, v);
        while (c.act == NAS_ACT_NONE) {
            nas_value reader = only_reader(f, c.last);
            bool taken = false;
            if (!nas_value_ok(reader) || f->node[reader.id].inside || f->node[reader.id].ends)
                break;
            for (size_t i = 0; i < sizeof takes / sizeof takes[0] && !taken; i++)
                taken = takes[i](&c, f, c.last, reader);
            if (!taken)
                break;
            f->node[c.last.id].inside = true;
            c.last = reader;
        }
        f->chain[f->n_chains++] = c;
        f->n_folds += nas_value_ok(c.norm);
        f->node[c.last.id].ends = f->n_chains;
    }
}

/* The bias that the fused node reads: a folded one takes beta's place and name. */
static nas_value fused_bias(const fusion *f, const chain *c) {
    return nas_value_ok(c->norm) ? input(f, c->norm, 2) : c->bias;
}

/* Drops the leaves that folding has used up. */
static void drop_folded(fusion *f) {
    for (uint32_t i = 0; i < f->n_chains; i++) {
        const chain *c = &f->chain[i];
        if (!nas_value_ok(c->norm))
            continue;
        f->node[input(f, c->norm, 1).id].kept = false;
        nas_value stats = input(f, c->norm, 3);
        f->node[stats.id].kept = --f->node[stats.id].uses > 0;
        if (nas_value_ok(c->bias))
            f->node[c->bias.id].kept = false;
    }
}

static nas_status emit_chain(nas_value *out, nas_graph *to, const fusion *f, const chain *c) {
    const nas_node *n = node_of(f, c->product);
    nas_value in[4] = {f->node[input(f, c->product, 0).id].made, f->node[c->weight.id].made};
    uint32_t n_in = 2;
    nas_attr a = n->attr;
    nas_value bias_value = fused_bias(f, c);
    bool conv = n->op == NAS_OP_CONV2D, bias = nas_value_ok(bias_value),
         residual = nas_value_ok(c->residual);
    *(conv ? &a.conv.bias : &a.matmul.bias) = bias;
    *(conv ? &a.conv.residual : &a.matmul.residual) = residual;
    *(conv ? &a.conv.act : &a.matmul.act) = (int32_t)c->act;
    if (bias)
        in[n_in++] = f->node[bias_value.id].made;
    if (residual)
        in[n_in++] = f->node[c->residual.id].made;
    nas_graph_scope_enter(to, n->scope);
    return nas_graph_add(out, to, n->op, in, n_in, &a);
}

static nas_status emit(nas_graph *to, fusion *f) {
    nas_value *map = nas_malloc((f->g->n + 1) * sizeof *map);
    nas_status st = NAS_OK;
    if (!map)
        return nas_fail_memory((f->g->n + 1) * sizeof *map);
    NAS_GO(nas_graph_copy_scopes(to, f->g));
    for (uint32_t id = 0; id < f->g->n; id++) {
        chain_node *c = &f->node[id];
        if (c->kept && !c->inside && c->ends)
            NAS_GO(emit_chain(&c->made, to, f, &f->chain[c->ends - 1]));
        else if (c->kept && !c->inside)
            NAS_GO(nas_graph_copy_node(&c->made, to, f->g, (nas_value){id}, map));
        map[id] = f->node[c->same.id].made;
    }
    nas_graph_scope_enter(to, 0);
    nas_graph_set_output(to, map[f->g->output.id]);
done:
    nas_free(map);
    return st;
}

static void copy_name(char to[128], const nas_graph *g, nas_value v) {
    snprintf(to, 128, "%s", nas_value_ok(v) ? nas_graph_name(g, v) : "");
}

/* In the order of the products in the model. */
static void list_folds(nas_inference *out, const fusion *f) {
    for (uint32_t i = f->n_chains; i-- > 0;) {
        const chain *c = &f->chain[i];
        if (!nas_value_ok(c->norm))
            continue;
        nas_fold *fold = &out->fold[out->n_folds++];
        fold->eps = node_of(f, c->norm)->attr.norm.eps;
        copy_name(fold->weight, f->g, c->weight);
        copy_name(fold->bias, f->g, fused_bias(f, c));
        copy_name(fold->w, f->g, c->weight);
        copy_name(fold->b, f->g, c->bias);
        copy_name(fold->gamma, f->g, input(f, c->norm, 1));
        copy_name(fold->beta, f->g, input(f, c->norm, 2));
        copy_name(fold->stats, f->g, input(f, c->norm, 3));
    }
}

nas_status nas_graph_inference(nas_inference *out, const nas_graph *model) {
    if (!nas_value_ok(model->output))
        return nas_fail(NAS_E_GRAPH, "inference: the model has no output");
    nas_inference t = {0};
    fusion f = {.g = model};
    nas_status st = NAS_OK;
    size_t bytes = model->n * (sizeof *f.node + sizeof *f.chain);
    f.node = nas_calloc(model->n, sizeof *f.node);
    f.chain = nas_calloc(model->n, sizeof *f.chain);
    if (!f.node || !f.chain) {
        st = nas_fail_memory(bytes);
        goto done;
    }
    count_uses(&f);
    find_chains(&f);
    drop_folded(&f);
    NAS_GO(nas_graph_create(&t.graph));
    NAS_GO(emit(t.graph, &f));
    t.fold = nas_calloc(f.n_folds + 1, sizeof *t.fold);
    if (!t.fold) {
        st = nas_fail_memory((f.n_folds + 1) * sizeof *t.fold);
        goto done;
    }
    list_folds(&t, &f);
    *out = t;
    memset(&t, 0, sizeof t);
done:
    nas_inference_free(&t);
    nas_free(f.node);
    nas_free(f.chain);
    return st;
}

void nas_inference_free(nas_inference *t) {
    if (!t)
        return;
    nas_graph_free(t->graph);
    nas_free(t->fold);
    memset(t, 0, sizeof *t);
}
