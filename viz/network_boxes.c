/* viz/network_boxes.c - a graph to boxes and edges, with copies of a block folded into one. */
#include <math.h>
#include <string.h>

#include "network.h"

/* ---- which box a node belongs to ---- */

/* What only holds other blocks, which are drawn themselves. */
static bool is_frame(const char *kind) {
    static const char *const frames[] = {"stage", "seq2seq", "encoder", "decoder"};
    for (size_t i = 0; i < sizeof frames / sizeof *frames; i++)
        if (strcmp(frames[i], kind) == 0)
            return true;
    return false;
}

/* The block that a scope belongs to: the outermost one that is no frame; 0 when there is none. */
static uint32_t block_of(const nas_graph *g, uint32_t scope) {
    uint32_t block = 0;
    while (scope != 0) {
        const nas_scope *s = nas_graph_scope(g, scope);
        if (!is_frame(s->kind))
            block = scope;
        scope = s->parent;
    }
    return block;
}

static nas_status add_box(uint32_t *out, net *n, uint32_t scope, const char *name,
                          const char *kind) {
    if (n->n_boxes == MAX_BOXES)
        return nas_fail(NAS_E_UNSUPPORTED, "a drawing of more than %d boxes%s", (int)MAX_BOXES,
                        n->d->detail ? "; draw blocks instead of ops" : "");
    NAS_TRY(nas_grow(&n->box, &n->cap_boxes, n->n_boxes + 1, sizeof *n->box));
    net_box *b = &n->box[n->n_boxes];
    *b =
        (net_box){.scope = scope, .kind = kind, .copies = 1, .class = CLASS_SHAPE, .most_macs = -1};
    snprintf(b->name, sizeof b->name, "%s", name);
    *out = (uint32_t)n->n_boxes++;
    return NAS_OK;
}

/* Shapes are shown by the edges; an op that only changes them needs no words inside a block. */
static bool is_silent(const net *n, nas_value v) {
    nas_op op = nas_graph_node(n->d->graph, v)->op;
    return op == NAS_OP_RESHAPE || op == NAS_OP_BATCH_STATS ||
           (!n->d->detail && (op == NAS_OP_TRANSPOSE || op == NAS_OP_SLICE || op == NAS_OP_EXPAND));
}

/* In detail each op has a box, but for what continues the op before it (norm, activation, bias). */
static nas_status find_box(uint32_t *out, net *n, nas_value v) {
    const nas_graph *g = n->d->graph;
    const nas_node *node = nas_graph_node(g, v);
    uint32_t block = block_of(g, node->scope);
    if (block != 0 && !n->d->detail) {
        if (n->box_of_scope[block] == UINT32_MAX) {
            const nas_scope *s = nas_graph_scope(g, block);
            NAS_TRY(add_box(&n->box_of_scope[block], n, block, s->name, s->kind));
        }
        *out = n->box_of_scope[block];
        return NAS_OK;
    }
    uint32_t before = node->n_in > 0 ? n->box_of_node[node->in[0].id] : UINT32_MAX;
    if (before != UINT32_MAX && before + 1 == n->n_boxes && row_suffix(g, v) != NULL &&
        (block_of(g, n->box[before].scope) == block)) {
        const net_box *b = &n->box[before];
        if (b->n_rows > 0 && b->rows[b->n_rows - 1].last == node->in[0].id) {
            *out = before;
            return NAS_OK;
        }
    }
    return add_box(out, n, node->scope,
                   node->scope != 0 ? nas_graph_scope(g, node->scope)->name : "", "");
}

/* ---- rows ---- */

static void append(char *text, const char *more) {
    size_t n = strlen(text);
    snprintf(text + n, ROW_BYTES - n, ", %s", more);
}

/* Where a value that box b reads comes from: a row of it, or what flows into it. Ops without a row
 * are passed through their first input. */
static int source_row(const net *n, const net_box *b, nas_value v) {
    uint32_t here = (uint32_t)(b - n->box);
    for (;;) {
        if (n->box_of_node[v.id] != here)
            return is_leaf(n->d->graph, v) ? NO_SKIP : SKIP_INPUT;
        for (size_t r = b->n_rows; r > 0; r--)
            if (b->rows[r - 1].last == v.id)
                return (int)r - 1;
        const nas_node *node = nas_graph_node(n->d->graph, v);
        if (node->n_in == 0)
            return NO_SKIP;
        v = node->in[0];
    }
}

/* The farthest of the values that row i joins, besides the row before it. */
static int find_skip(const net *n, const net_box *b, nas_value v, int i) {
    const nas_node *node = nas_graph_node(n->d->graph, v);
    int farthest = NO_SKIP;
    if (i == 0 || n->d->detail)
        return NO_SKIP;
    for (uint32_t k = 0; k < node->n_in; k++) {
        int from = source_row(n, b, node->in[k]);
        if (from != NO_SKIP && from < i - 1 && (farthest == NO_SKIP || from < farthest))
            farthest = from;
    }
    return farthest;
}

static nas_status add_row(net *n, net_box *b, nas_value v) {
    const nas_graph *g = n->d->graph;
    const nas_node *node = nas_graph_node(g, v);
    net_row *last = b->n_rows > 0 ? &b->rows[b->n_rows - 1] : NULL;
    const char *suffix = row_suffix(g, v);
    if (last != NULL && suffix != NULL && node->n_in > 0 && last->last == node->in[0].id) {
        if (suffix[0] != '\0')
            append(last->text, suffix);
        last->last = v.id;
        return NAS_OK;
    }
    if (is_silent(n, v) && (b->n_rows > 0 || b->kind[0] != '\0'))
        return NAS_OK;
    NAS_TRY(nas_grow(&b->rows, &b->cap_rows, b->n_rows + 1, sizeof *b->rows));
    net_row *row = &b->rows[b->n_rows];
    row->skip = find_skip(n, b, v, (int)b->n_rows);
    b->n_rows++;
    row->class = row_text(row->text, g, v);
    row->last = v.id;
    return NAS_OK;
}

/* The class of a box is that of its costliest op; attention gives its name to the whole block. */
static void add_cost(net *n, net_box *b, nas_value v) {
    const nas_graph *g = n->d->graph;
    const nas_node *node = nas_graph_node(g, v);
    nas_cost cost;
    char text[ROW_BYTES];
    nas_graph_node_cost(&cost, g, v);
    b->macs += cost.macs / n->batch;
    op_class class = row_text(text, g, v);
    if (class == CLASS_ATTENTION || (cost.macs > b->most_macs && b->class != CLASS_ATTENTION &&
                                     (class != CLASS_SHAPE || b->most_macs < 0))) {
        b->class = class;
        b->most_macs = cost.macs;
    }
    for (uint32_t i = 0; i < node->n_in; i++) {
        uint32_t id = node->in[i].id;
        if (nas_graph_node(g, node->in[i])->op != NAS_OP_PARAM || n->param_seen[id])
            continue;
        n->param_seen[id] = true;
        b->params += nas_shape_count(nas_graph_shape(g, node->in[i]));
    }
    if (n->d->weight != NULL && isfinite(n->d->weight[v.id]))
        b->weight += n->d->weight[v.id];
}

/* ---- edges ---- */

static nas_status add_edge(net *n, uint32_t from, uint32_t to, nas_value v) {
    for (size_t i = n->n_edges; i > 0 && n->edge[i - 1].to == to; i--)
        if (n->edge[i - 1].from == from)
            return NAS_OK;
    NAS_TRY(nas_grow(&n->edge, &n->cap_edges, n->n_edges + 1, sizeof *n->edge));
    net_edge *e = &n->edge[n->n_edges++];
    *e = (net_edge){.from = from, .to = to, .lane = NO_LANE};
    nas_shape_text(e->shape, nas_graph_shape(n->d->graph, v), 1);
    return NAS_OK;
}

static nas_status read_node(net *n, nas_value v) {
    const nas_graph *g = n->d->graph;
    uint32_t to;
    NAS_TRY(find_box(&to, n, v));
    n->box_of_node[v.id] = to;
    NAS_TRY(add_row(n, &n->box[to], v));
    add_cost(n, &n->box[to], v);
    const nas_node *node = nas_graph_node(g, v);
    for (uint32_t i = 0; i < node->n_in; i++) {
        uint32_t from = n->box_of_node[node->in[i].id];
        if (from != UINT32_MAX && from != to)
            NAS_TRY(add_edge(n, from, to, node->in[i]));
    }
    return NAS_OK;
}

/* Only inputs that are tensors: a scalar seed is no part of the network. */
static bool is_drawn(const nas_graph *g, nas_value v) {
    if (nas_graph_node(g, v)->op == NAS_OP_INPUT)
        return nas_graph_shape(g, v)->rank > 1;
    return !is_leaf(g, v);
}

/* ---- copies ---- */

static uint64_t likeness_of(const net *n, uint32_t i) {
    const net_box *b = &n->box[i];
    uint64_t h = nas_hash_bytes(0, b->kind, strlen(b->kind));
    for (size_t r = 0; r < b->n_rows; r++)
        h = nas_hash_bytes(h, b->rows[r].text, strlen(b->rows[r].text) + 1);
    h = nas_hash_bytes(h, &b->params, sizeof b->params);
    h = nas_hash_bytes(h, &b->macs, sizeof b->macs);
    for (size_t e = 0; e < n->n_edges; e++)
        if (n->edge[e].to == i)
            h = nas_hash_bytes(h, n->edge[e].shape, strlen(n->edge[e].shape));
    return h;
}

static bool are_copies(const net *n, const net_box *a, const net_box *b) {
    if (a->kind[0] == '\0' || b->kind[0] == '\0' || a->likeness != b->likeness)
        return false;
    const nas_scope *s = nas_graph_scope(n->d->graph, a->scope);
    const nas_scope *t = nas_graph_scope(n->d->graph, b->scope);
    return s->repeat > 0 && t->repeat > 0 && s->parent == t->parent;
}

/* A copy takes one edge from its predecessor and hands one to its successor, nothing else. */
static bool is_link(const net *n, uint32_t i) {
    for (size_t e = 0; e < n->n_edges; e++) {
        if (n->edge[e].to == i && n->edge[e].from + 1 != i)
            return false;
        if (n->edge[e].from == i && n->edge[e].to != i + 1)
            return false;
    }
    return true;
}

/* "s1.1" and its copies up to "s1.3" are "s1.1 … 3". */
static void name_copies(net_box *b, const char *last) {
    const char *dot = strrchr(last, '.');
    size_t n = strlen(b->name);
    snprintf(b->name + n, sizeof b->name - n, " \xe2\x80\xa6 %.20s", dot != NULL ? dot + 1 : last);
}

static void fold_copies(net *n) {
    uint32_t kept = 0;
    uint32_t *now = n->box_of_scope; /* free by now: old number of a box -> new one */
    for (uint32_t i = 0; i < n->n_boxes; i++)
        n->box[i].likeness = likeness_of(n, i);
    for (uint32_t i = 0; i < n->n_boxes;) {
        uint32_t end = i + 1;
        while (end < n->n_boxes && are_copies(n, &n->box[i], &n->box[end]) && is_link(n, end - 1))
            end++;
        net_box b = n->box[i];
        now[i] = kept;
        for (uint32_t k = i + 1; k < end; k++) {
            b.weight += n->box[k].weight;
            nas_free(n->box[k].rows);
            now[k] = kept;
        }
        b.copies = end - i;
        if (b.copies > 1)
            name_copies(&b, n->box[end - 1].name);
        n->box[kept++] = b;
        i = end;
    }
    n->n_boxes = kept;
    size_t edges = 0;
    for (size_t e = 0; e < n->n_edges; e++) {
        net_edge k = n->edge[e];
        k.from = now[k.from];
        k.to = now[k.to];
        if (k.from != k.to)
            n->edge[edges++] = k;
    }
    n->n_edges = edges;
}

/* ---- the whole ---- */

static void sum_up(net *n) {
    for (size_t i = 0; i < n->n_boxes; i++) {
        const net_box *b = &n->box[i];
        n->params += b->params * b->copies;
        n->macs += b->macs * b->copies;
        n->weight += b->weight;
        n->most_weight = fmax(n->most_weight, b->weight);
    }
}

static nas_status make_tables(net *n) {
    uint32_t nodes = nas_graph_count(n->d->graph), scopes = nas_graph_scope_count(n->d->graph);
    size_t numbers = scopes > MAX_BOXES ? scopes : MAX_BOXES; /* serves boxes as well */
    n->box_of_node = nas_malloc(nodes * sizeof *n->box_of_node);
    n->box_of_scope = nas_malloc(numbers * sizeof *n->box_of_scope);
    n->param_seen = nas_calloc(nodes, sizeof *n->param_seen);
    if (n->box_of_node == NULL || n->box_of_scope == NULL || n->param_seen == NULL)
        return nas_fail_memory((nodes + numbers) * sizeof(uint32_t));
    memset(n->box_of_node, 0xFF, nodes * sizeof *n->box_of_node);
    memset(n->box_of_scope, 0xFF, numbers * sizeof *n->box_of_scope);
    return NAS_OK;
}

nas_status net_read(net *n) {
    const nas_graph *g = n->d->graph;
    uint32_t nodes = nas_graph_count(g);
    n->batch = 1;
    NAS_TRY(make_tables(n));
    for (uint32_t i = nodes; i > 0; i--) {
        const nas_shape *s = nas_graph_shape(g, (nas_value){i - 1});
        if (nas_graph_node(g, (nas_value){i - 1})->op == NAS_OP_INPUT && s->rank > 1)
            n->batch = s->dim[0];
    }
    for (uint32_t i = 0; i < nodes; i++)
        if (is_drawn(g, (nas_value){i}))
            NAS_TRY(read_node(n, (nas_value){i}));
    fold_copies(n);
    sum_up(n);
    return NAS_OK;
}

void net_free(net *n) {
    for (size_t i = 0; i < n->n_boxes; i++)
        nas_free(n->box[i].rows);
    nas_free(n->box);
    nas_free(n->edge);
    nas_free(n->box_of_node);
    nas_free(n->box_of_scope);
    nas_free(n->param_seen);
}
