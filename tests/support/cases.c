/* tests/support/cases.c - builds the graph of an op case and fills its leaves. */
#include "cases.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

bool op_case_has_grad(const op_case *c) {
    return nas_op_get(c->op)->vjp && !(c->flags & CASE_NO_GRAD);
}

bool op_case_input_has_grad(const op_case *c, uint32_t i) {
    op_fill f = c->in[i].fill;
    return f == FILL_NORMAL || f == FILL_GRID || f == FILL_LARGE;
}

static nas_status add_leaves(op_case_run *r) {
    const op_case *c = r->c;
    for (r->n_in = 0; r->n_in < OP_CASE_MAX_IN && c->in[r->n_in].fill; r->n_in++) {
        uint32_t i = r->n_in;
        char name[16];
        nas_attr a = {.leaf = {.shape = c->in[i].shape}};
        snprintf(name, sizeof name, "in%u", i);
        NAS_TRY(nas_graph_leaf(&r->in[i], r->graph,
                               c->in[i].fill == FILL_STATE ? NAS_OP_STATE : NAS_OP_INPUT, name,
                               &a));
    }
    return NAS_OK;
}

static nas_status add_gradient(op_case_run *r) {
    bool want[OP_CASE_MAX_IN + 1] = {false};
    nas_value dx[OP_CASE_MAX_IN + 1];
    nas_attr a = {.leaf = {.shape = *nas_graph_shape(r->graph, r->y)}};
    for (uint32_t i = 0; i <= OP_CASE_MAX_IN; i++) {
        want[i] = i < nas_graph_node(r->graph, r->y)->n_in;
        dx[i] = NAS_NO_VALUE;
    }
    NAS_TRY(nas_graph_leaf(&r->dy, r->graph, NAS_OP_INPUT, "dy", &a));
    NAS_TRY(nas_op_get(r->c->op)->vjp(r->graph, r->y, r->dy, want, dx));
    memcpy(r->dx, dx, sizeof r->dx);
    return NAS_OK;
}

nas_status op_case_build(op_case_run *out, const op_case *c, bool gradient) {
    nas_status st = NAS_OK;
    nas_value in[OP_CASE_MAX_IN + 1];
    op_case_run r = {.c = c, .dy = NAS_NO_VALUE};
    uint32_t n;
    for (uint32_t i = 0; i < OP_CASE_MAX_IN; i++)
        r.dx[i] = NAS_NO_VALUE;
    NAS_GO(nas_graph_create(&r.graph));
    NAS_GO(add_leaves(&r));
    n = r.n_in;
    memcpy(in, r.in, sizeof r.in);
    if (c->flags & CASE_OWN_STATS)
        NAS_GO(nas_batch_stats(&in[n++], r.graph, r.in[0]));
    NAS_GO(nas_graph_add(&r.y, r.graph, c->op, in, n, &c->attr));
    nas_graph_set_output(r.graph, r.y);
    if (gradient && op_case_has_grad(c))
        NAS_GO(add_gradient(&r));
    *out = r;
done:
    if (st != NAS_OK)
        op_case_close(&r);
    return st;
}

/* The kinks of the activations lie at -3, 0, 3 and 6. */
static double off_kinks(double v) {
    double near = 3 * round(v / 3);
    return fabs(v - near) < 0.01 ? near + 0.02 : v;
}

static void fill_grid(double *v, int64_t count, nas_rng *rng) {
    for (int64_t i = 0; i < count; i++)
        v[i] = off_kinks(((double)i + 0.5) / (double)count * 14 - 7);
    for (int64_t i = count - 1; i > 0; i--) {
        int64_t j = (int64_t)nas_rng_below(rng, (uint64_t)i + 1);
        double kept = v[i];
        v[i] = v[j];
        v[j] = kept;
    }
}

static double draw(const op_case_run *r, op_fill fill, bool second_half, nas_rng *rng) {
    if (fill == FILL_LABELS)
        return (double)nas_rng_below(rng, (uint64_t)r->c->in[0].shape.dim[1]);
    if (fill == FILL_IDS)
        return (double)nas_rng_below(rng, (uint64_t)r->c->in[0].shape.dim[0]);
    if (fill == FILL_SEED)
        return (double)nas_rng_below(rng, 1 << 24);
    if ((fill == FILL_STATS || fill == FILL_STATE) && second_half)
        return 0.5 + nas_rng_uniform(rng);
    return nas_rng_normal(rng) + (fill == FILL_LARGE ? 100 : 0);
}

static void fill_leaf(const op_case_run *r, uint32_t id, op_fill fill, uint64_t seed) {
    nas_rng rng = nas_rng_stream(seed, r->c->name, id);
    int64_t count = nas_shape_count(nas_graph_shape(r->graph, (nas_value){id}));
    double *v = r->values[id];
    if (fill == FILL_GRID)
        fill_grid(v, count, &rng);
    else
        for (int64_t i = 0; i < count; i++)
            v[i] = draw(r, fill, i >= count / 2, &rng);
    for (int64_t i = 0; i < count; i++)
        v[i] = (double)(float)v[i];
}

nas_status op_case_fill(op_case_run *r, uint64_t seed) {
    uint32_t n = nas_graph_count(r->graph);
    if (!r->values) {
        r->values = nas_calloc(n, sizeof *r->values);
        if (!r->values)
            return nas_fail_memory(n * sizeof *r->values);
    }
    for (uint32_t id = 0; id < n; id++) {
        nas_value v = {id};
        size_t count = (size_t)nas_shape_count(nas_graph_shape(r->graph, v));
        bool leaf = nas_op_get(nas_graph_node(r->graph, v)->op)->flags & NAS_OPF_LEAF;
        if (!r->values[id])
            r->values[id] = nas_calloc(count, sizeof **r->values);
        if (!r->values[id])
            return nas_fail_memory(count * sizeof **r->values);
        if (leaf)
            fill_leaf(r, id, id < r->n_in ? r->c->in[id].fill : FILL_NORMAL, seed);
    }
    return NAS_OK;
}

void op_case_close(op_case_run *r) {
    if (r->values)
        for (uint32_t id = 0; id < nas_graph_count(r->graph); id++)
            nas_free(r->values[id]);
    nas_free(r->values);
    nas_graph_free(r->graph);
    *r = (op_case_run){0};
}
