/* graph/training.c - a training step as one graph: batch statistics, loss, gradients. */
#include "fuse_training.h"

#include <string.h>

/* BATCH_NORM by running statistics becomes BATCH_NORM by those of the batch, and the running ones
 * follow: state = (1-m) state + m stats. `fused` says what else it does. */
static nas_status copy_batch_norm(nas_value *out, nas_graph *g, const nas_graph *model,
                                  const fused *f, const nas_value *map, float momentum) {
    const nas_node *n = nas_graph_node(model, f->first);
    nas_value x = map[n->in[0].id], state = map[n->in[3].id], stats, y, updated;
    nas_attr a = n->attr;
    uint32_t before = nas_graph_scope_enter(g, n->scope);
    nas_status st;
    a.norm.act = (int32_t)f->act;
    NAS_GO(nas_batch_stats(&stats, g, x));
    nas_value in[] = {x, map[n->in[1].id], map[n->in[2].id], stats, NAS_NO_VALUE};
    if (nas_value_ok(f->residual))
        in[4] = map[f->residual.id];
    NAS_GO(nas_graph_add(&y, g, NAS_OP_BATCH_NORM, in, nas_value_ok(in[4]) ? 5 : 4, &a));
    const nas_shape *shape = nas_graph_shape(g, x);
    int64_t count = nas_shape_count(shape) / shape->dim[shape->rank - 1];
    /* One element a channel has no unbiased variance: it is copied as it is. */
    NAS_GO(nas_ema(&updated, g, state, stats, momentum, count > 1 ? (int32_t)count : 0));
    *out = y;
done:
    nas_graph_scope_enter(g, before);
    return st;
}

/* A product with its bias and residual. */
static nas_status copy_product(nas_value *out, nas_graph *g, const nas_graph *model, const fused *f,
                               const nas_value *map) {
    const nas_node *n = nas_graph_node(model, f->first);
    nas_value in[4];
    nas_attr a = n->attr;
    uint32_t k = n->n_in;
    bool conv = n->op == NAS_OP_CONV2D;
    for (uint32_t i = 0; i < n->n_in; i++)
        in[i] = map[n->in[i].id];
    if (nas_value_ok(f->bias)) {
        *(conv ? &a.conv.bias : &a.matmul.bias) = 1;
        in[k++] = map[f->bias.id];
    }
    if (nas_value_ok(f->residual)) {
        *(conv ? &a.conv.residual : &a.matmul.residual) = 1;
        in[k++] = map[f->residual.id];
    }
    uint32_t before = nas_graph_scope_enter(g, n->scope);
    nas_status st = nas_graph_add(out, g, n->op, in, k, &a);
    nas_graph_scope_enter(g, before);
    return st;
}

static nas_status copy_model(nas_value *map, nas_graph *g, const nas_graph *model,
                             const fused *plan, float momentum) {
    NAS_TRY(nas_graph_copy_scopes(g, model));
    for (uint32_t id = 0; id < model->n; id++) {
        const fused *f = &plan[id];
        nas_op op = nas_value_ok(f->first) ? nas_graph_node(model, f->first)->op : NAS_OP_COUNT;
        map[id] = NAS_NO_VALUE;
        if (op == NAS_OP_BATCH_NORM)
            NAS_TRY(copy_batch_norm(&map[id], g, model, f, map, momentum));
        else if (op != NAS_OP_COUNT)
            NAS_TRY(copy_product(&map[id], g, model, f, map));
        else if (!f->inside)
            NAS_TRY(nas_graph_copy_node(&map[id], g, model, (nas_value){id}, map));
    }
    return NAS_OK;
}

static nas_status add_loss(nas_training *t, float smoothing) {
    const nas_shape *logits = nas_graph_shape(t->graph, t->logits);
    if (logits->rank != 2)
        return nas_fail(NAS_E_SHAPE, "training: the output has rank %d, not [batch, classes]",
                        logits->rank);
    nas_attr a = {.leaf = {.shape = NAS_SHAPE(logits->dim[0])}};
    NAS_TRY(nas_graph_leaf(&t->labels, t->graph, NAS_OP_INPUT, "labels", &a));
    NAS_TRY(nas_cross_entropy(&t->loss, t->graph, t->logits, t->labels, smoothing));
    NAS_TRY(nas_correct(&t->correct, t->graph, t->logits, t->labels));
    nas_graph_set_output(t->graph, t->loss);
    return NAS_OK;
}

static nas_status add_gradients(nas_training *t) {
    nas_graph *g = t->graph;
    uint32_t n = 0;
    for (uint32_t id = 0; id < g->n; id++)
        n += g->entry[id].node.op == NAS_OP_PARAM;
    t->param = nas_calloc(n + 1, sizeof *t->param);
    t->grad = nas_calloc(n + 1, sizeof *t->grad);
    if (!t->param || !t->grad)
        return nas_fail_memory((n + 1) * sizeof *t->param);
    for (uint32_t id = 0; id < g->n; id++)
        if (g->entry[id].node.op == NAS_OP_PARAM)
            t->param[t->n_params++] = (nas_value){id};
    float scale = 1.0f / (float)nas_graph_shape(g, t->loss)->dim[0];
    NAS_TRY(nas_graph_backward_scaled(t->grad, g, t->loss, scale, t->param, n));
    for (uint32_t i = 0; i < n; i++)
        if (!nas_value_ok(t->grad[i]))
            return nas_fail(NAS_E_GRAPH, "training: the loss does not depend on \"%s\"",
                            nas_graph_name(g, t->param[i]));
    return NAS_OK;
}

nas_status nas_graph_training(nas_training *out, const nas_graph *model,
                              const nas_training_options *o) {
    if (!nas_value_ok(model->output))
        return nas_fail(NAS_E_GRAPH, "training: the model has no output");
    float momentum = o && o->bn_momentum > 0 ? o->bn_momentum : 0.1f;
    nas_training t = {.x = NAS_NO_VALUE, .seed = NAS_NO_VALUE};
    nas_status st = NAS_OK;
    fused *plan = NULL;
    nas_value *map = nas_malloc((model->n + 1) * sizeof *map);
    if (!map)
        return nas_fail_memory((model->n + 1) * sizeof *map);
    NAS_GO(fuse_training(&plan, model));
    NAS_GO(nas_graph_create(&t.graph));
    NAS_GO(copy_model(map, t.graph, model, plan, momentum));
    t.x = nas_graph_find(t.graph, "x");
    t.seed = nas_graph_find(t.graph, "seed");
    if (!nas_value_ok(t.x)) {
        st = nas_fail(NAS_E_GRAPH, "training: the model has no input \"x\"");
        goto done;
    }
    t.logits = map[model->output.id];
    NAS_GO(add_loss(&t, o ? o->smoothing : 0));
    NAS_GO(add_gradients(&t));
    NAS_GO(nas_graph_verify(t.graph)); /* two norms may share statistics in a model, not here */
    *out = t;
    memset(&t, 0, sizeof t);
done:
    nas_training_free(&t);
    nas_free(plan);
    nas_free(map);
    return st;
}

void nas_training_free(nas_training *t) {
    if (!t)
        return;
    nas_graph_free(t->graph);
    nas_free(t->param);
    nas_free(t->grad);
    memset(t, 0, sizeof *t);
}
