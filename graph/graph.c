/* graph/graph.c - the graph as a container: nodes, leaf names, scopes, output. */
#include "graph_impl.h"

#include <assert.h>
#include <limits.h>
#include <string.h>

nas_status nas_graph_create(nas_graph **out) {
    nas_graph *g = nas_calloc(1, sizeof *g);
    if (!g)
        return nas_fail_memory(sizeof *g);
    g->output = NAS_NO_VALUE;
    uint32_t root;
    nas_status st = nas_graph_scope_make(&root, g, 0, "", "", 0);
    if (st != NAS_OK) {
        nas_graph_free(g);
        return st;
    }
    *out = g;
    return NAS_OK;
}

void nas_graph_free(nas_graph *g) {
    if (!g)
        return;
    for (uint32_t i = 0; i < g->n; i++)
        nas_free(g->entry[i].name);
    for (uint32_t i = 0; i < g->n_scopes; i++)
        nas_free((void *)g->scope[i].name);
    nas_free(g->entry);
    nas_free(g->scope);
    nas_free(g->slot);
    nas_free(g);
}

/* ---- leaf names ------------------------------------------------------------------------------ */

static bool name_is_clean(const char *s, size_t max) {
    size_t n = strlen(s);
    for (size_t i = 0; i < n; i++) {
        unsigned char c = (unsigned char)s[i];
        if (c < 0x20 || c == 0x7f || c == '"' || c == '\\')
            return false;
    }
    return n <= max;
}

/* The slot of a name, or the empty one where it belongs. The table is never full. */
static uint32_t slot_of(const nas_graph *g, const char *name, uint64_t hash) {
    uint32_t i = (uint32_t)hash & (g->n_slots - 1);
    for (; g->slot[i]; i = (i + 1) & (g->n_slots - 1)) {
        const graph_entry *e = &g->entry[g->slot[i] - 1];
        if (e->name_hash == hash && strcmp(e->name, name) == 0)
            break;
    }
    return i;
}

static void slots_fill(nas_graph *g) {
    memset(g->slot, 0, g->n_slots * sizeof *g->slot);
    g->n_names = 0;
    for (uint32_t id = 0; id < g->n; id++)
        if (g->entry[id].name) {
            g->slot[slot_of(g, g->entry[id].name, g->entry[id].name_hash)] = id + 1;
            g->n_names++;
        }
}

static nas_status slots_reserve(nas_graph *g) {
    if (g->n_slots && g->n_names + 1 <= g->n_slots / 2)
        return NAS_OK;
    uint32_t n_slots = g->n_slots ? g->n_slots * 2 : 32;
    uint32_t *slot = nas_calloc(n_slots, sizeof *slot);
    if (!slot)
        return nas_fail_memory(n_slots * sizeof *slot);
    nas_free(g->slot);
    g->slot = slot;
    g->n_slots = n_slots;
    slots_fill(g);
    return NAS_OK;
}

nas_value nas_graph_find(const nas_graph *g, const char *leaf_name) {
    if (!g->n_slots)
        return NAS_NO_VALUE;
    uint64_t hash = nas_hash_bytes(0, leaf_name, strlen(leaf_name));
    uint32_t found = g->slot[slot_of(g, leaf_name, hash)];
    return found ? (nas_value){found - 1} : NAS_NO_VALUE;
}

/* ---- appending ------------------------------------------------------------------------------- */

/* Callers may leave the rest of the union undefined; equal nodes must have equal bytes. */
static void attr_copy(nas_attr *dst, const nas_attr *src, const nas_op_info *info) {
    memset(dst, 0, sizeof *dst);
    for (uint32_t i = 0; src && i < info->n_fields; i++) {
        const nas_field *f = &info->fields[i];
        size_t one = f->kind == NAS_FIELD_SHAPE ? sizeof(nas_shape) : sizeof(int32_t);
        memcpy((char *)dst + f->offset, (const char *)src + f->offset, one * f->count);
    }
}

static nas_status check_shape(const nas_shape *s) {
    if (s->rank < 0 || s->rank > NAS_MAX_RANK)
        return nas_fail(NAS_E_SHAPE, "rank %d is not in 0 ... %d", s->rank, NAS_MAX_RANK);
    int64_t count = 1;
    for (int32_t i = 0; i < NAS_MAX_RANK; i++) {
        if (i >= s->rank && s->dim[i] != 0)
            return nas_fail(NAS_E_SHAPE, "dimension %d is %d behind rank %d", i, s->dim[i],
                            s->rank);
        if (i < s->rank && s->dim[i] < 1)
            return nas_fail(NAS_E_SHAPE, "dimension %d is %d, not at least 1", i, s->dim[i]);
        count *= i < s->rank ? s->dim[i] : 1;
        if (count > INT32_MAX)
            return nas_fail(NAS_E_SHAPE, "more than %d elements", INT32_MAX);
    }
    return NAS_OK;
}

/* Everything about a new node but its name: fills the rest of n. */
static nas_status node_infer(nas_node *n, const nas_graph *g, const nas_op_info *info,
                             const nas_attr *attr) {
    nas_shape in[NAS_MAX_IN];
    memset(in, 0, sizeof in);
    for (uint32_t i = 0; i < n->n_in; i++) {
        if (n->in[i].id >= g->n)
            return nas_fail(NAS_E_ARG, "input %u is no value of this graph", i);
        in[i] = g->entry[n->in[i].id].node.shape;
    }
    attr_copy(&n->attr, attr, info);
    nas_shape shape = {0};
    NAS_TRY(info->infer(n, in, &shape));
    NAS_TRY(check_shape(&shape));
    n->shape = shape;
    return NAS_OK;
}

/* "s1.0: conv2d: ..." whichever of the two the rule's own text has left out. */
static nas_status name_failure(nas_status st, const nas_graph *g, const char *op) {
    const char *path = g->scope[g->scope_now].name;
    size_t n = strlen(op);
    const char *text = nas_error_text();
    bool said = strncmp(text, op, n) == 0 && (text[n] == ':' || text[n] == ' ');
    if (said)
        return path[0] ? nas_fail_prefix(st, "%s", path) : st;
    return path[0] ? nas_fail_prefix(st, "%s: %s", path, op) : nas_fail_prefix(st, "%s", op);
}

static nas_status append(nas_value *out, nas_graph *g, const nas_node *n, char *name) {
    NAS_TRY(nas_grow(&g->entry, &g->cap, (size_t)g->n + 1, sizeof *g->entry));
    if (name)
        NAS_TRY(slots_reserve(g));
    if (n->op == NAS_OP_INPUT && n->shape.rank > 0 && g->batch == 0)
        g->batch = n->shape.dim[0];
    graph_entry e = {.node = *n, .name = name};
    e.hash = nas_graph_node_hash(g, n);
    e.batched = nas_graph_batched(g, n);
    for (uint32_t i = 0; i < n->n_in; i++)
        g->entry[n->in[i].id].uses += nas_graph_use_hash(n, e.hash, i);
    if (nas_op_get(n->op)->flags & NAS_OPF_WRITES_IN0)
        g->entry[n->in[0].id].writers++;
    uint32_t id = g->n++;
    if (name) {
        e.name_hash = nas_hash_bytes(0, name, strlen(name));
        g->slot[slot_of(g, name, e.name_hash)] = id + 1;
        g->n_names++;
    }
    g->entry[id] = e;
    *out = (nas_value){id};
    return NAS_OK;
}

nas_status nas_graph_add(nas_value *out, nas_graph *g, nas_op op, const nas_value *in,
                         uint32_t n_in, const nas_attr *attr) {
    assert(g && op >= 0 && op < NAS_OP_COUNT);
    const nas_op_info *info = nas_op_get(op);
    nas_status st = NAS_OK;
    if (info->flags & NAS_OPF_LEAF)
        st = nas_fail(NAS_E_ARG, "%s: a leaf needs a name", info->name);
    else if (n_in < info->min_in || n_in > info->max_in || n_in > NAS_MAX_IN)
        st = nas_fail(NAS_E_ARG, "%s: %u inputs, not %u ... %u", info->name, n_in, info->min_in,
                      info->max_in);
    if (st != NAS_OK)
        return name_failure(st, g, info->name);
    nas_node n;
    memset(&n, 0, sizeof n);
    n.op = op;
    n.n_in = n_in;
    n.scope = g->scope_now;
    memcpy(n.in, in, n_in * sizeof *in);
    if ((st = node_infer(&n, g, info, attr)) != NAS_OK)
        return name_failure(st, g, info->name);
    return append(out, g, &n, NULL);
}

nas_status nas_graph_leaf(nas_value *out, nas_graph *g, nas_op op, const char *name,
                          const nas_attr *attr) {
    assert(g && op >= 0 && op < NAS_OP_COUNT && name);
    const nas_op_info *info = nas_op_get(op);
    if (!(info->flags & NAS_OPF_LEAF))
        return nas_fail(NAS_E_ARG, "%s: \"%s\" is no leaf", info->name, name);
    if (!name[0] || !name_is_clean(name, NAS_MAX_NAME))
        return nas_fail(NAS_E_ARG,
                        "%s: the name \"%.40s\" is empty, longer than %d bytes, or has a quote, "
                        "backslash or control character",
                        info->name, name, NAS_MAX_NAME);
    if (nas_value_ok(nas_graph_find(g, name)))
        return nas_fail(NAS_E_EXISTS, "%s: the graph has a leaf \"%s\" already", info->name, name);
    nas_node n;
    memset(&n, 0, sizeof n);
    n.op = op;
    n.scope = g->scope_now;
    nas_status st = node_infer(&n, g, info, attr);
    if (st != NAS_OK)
        return nas_fail_prefix(st, "\"%s\"", name);
    char *copy = nas_strdup(name);
    if (!copy)
        return nas_fail_memory(strlen(name) + 1);
    if ((st = append(out, g, &n, copy)) != NAS_OK)
        nas_free(copy);
    return st;
}

void nas_graph_truncate(nas_graph *g, uint32_t n) {
    if (n >= g->n)
        return;
    while (g->n > n) {
        graph_entry *e = &g->entry[--g->n];
        for (uint32_t i = 0; i < e->node.n_in; i++)
            g->entry[e->node.in[i].id].uses -= nas_graph_use_hash(&e->node, e->hash, i);
        if (nas_op_get(e->node.op)->flags & NAS_OPF_WRITES_IN0)
            g->entry[e->node.in[0].id].writers--;
        nas_free(e->name);
        e->name = NULL;
    }
    if (g->n_slots)
        slots_fill(g);
    if (nas_value_ok(g->output) && g->output.id >= n)
        g->output = NAS_NO_VALUE;
    g->batch = 0;
    for (uint32_t i = 0; i < n && g->batch == 0; i++)
        if (g->entry[i].node.op == NAS_OP_INPUT && g->entry[i].node.shape.rank > 0)
            g->batch = g->entry[i].node.shape.dim[0];
}

nas_status nas_graph_copy_node(nas_value *out, nas_graph *g, const nas_graph *src, nas_value v,
                               const nas_value *map) {
    const graph_entry *e = &src->entry[v.id];
    uint32_t before = nas_graph_scope_enter(g, e->node.scope);
    nas_status st;
    if (e->name) {
        st = nas_graph_leaf(out, g, e->node.op, e->name, &e->node.attr);
    } else {
        nas_value in[NAS_MAX_IN];
        for (uint32_t i = 0; i < e->node.n_in; i++)
            in[i] = map[e->node.in[i].id];
        st = nas_graph_add(out, g, e->node.op, in, e->node.n_in, &e->node.attr);
    }
    nas_graph_scope_enter(g, before);
    return st;
}

/* ---- scopes ---------------------------------------------------------------------------------- */

nas_status nas_graph_scope_make(uint32_t *out, nas_graph *g, uint32_t parent, const char *name,
                                const char *kind, uint32_t repeat) {
    const char *up = g->n_scopes ? g->scope[parent].name : "";
    size_t n_up = strlen(up), n_name = strlen(name), n_kind = strlen(kind);
    size_t dot = n_up > 0, bytes = n_up + dot + n_name + 1 + n_kind + 1;
    if (bytes > 1024 || (g->n_scopes && !name[0]) || !name_is_clean(name, NAS_MAX_NAME) ||
        !name_is_clean(kind, NAS_MAX_NAME))
        return nas_fail(NAS_E_ARG, "the block \"%.40s\" of \"%.40s\" has no usable name", name, up);
    for (uint32_t i = 1; i < g->n_scopes; i++) {
        const nas_scope *s = &g->scope[i];
        if (s->parent != parent || strcmp(nas_graph_scope_part(g, i), name) != 0)
            continue;
        if (s->repeat != repeat || strcmp(s->kind, kind) != 0)
            return nas_fail(NAS_E_EXISTS, "block \"%s\" is a %s already, not a %s", s->name,
                            s->kind, kind);
        *out = i;
        return NAS_OK;
    }
    if (g->n_scopes >= NAS_MAX_SCOPES)
        return nas_fail(NAS_E_ARG, "more than %d blocks", NAS_MAX_SCOPES);
    NAS_TRY(nas_grow(&g->scope, &g->scope_cap, (size_t)g->n_scopes + 1, sizeof *g->scope));
    char *text = nas_malloc(bytes);
    if (!text)
        return nas_fail_memory(bytes);
    memcpy(text, up, n_up);
    memset(text + n_up, '.', dot);
    memcpy(text + n_up + dot, name, n_name + 1);
    char *kind_text = text + n_up + dot + n_name + 1;
    memcpy(kind_text, kind, n_kind + 1);
    g->scope[g->n_scopes] = (nas_scope){text, kind_text, parent, repeat};
    *out = g->n_scopes++;
    return NAS_OK;
}

nas_status nas_graph_scope_push(nas_graph *g, const char *name, const char *kind, uint32_t repeat) {
    uint32_t scope;
    NAS_TRY(nas_graph_scope_make(&scope, g, g->scope_now, name, kind, repeat));
    g->scope_now = scope;
    return NAS_OK;
}

void nas_graph_scope_pop(nas_graph *g) {
    assert(g->scope_now != 0);
    g->scope_now = g->scope[g->scope_now].parent;
}

uint32_t nas_graph_scope_enter(nas_graph *g, uint32_t scope) {
    uint32_t before = g->scope_now;
    assert(scope < g->n_scopes);
    g->scope_now = scope;
    return before;
}

const char *nas_graph_scope_part(const nas_graph *g, uint32_t scope) {
    const nas_scope *s = &g->scope[scope];
    size_t up = strlen(g->scope[s->parent].name);
    return scope ? s->name + up + (up > 0) : "";
}

nas_status nas_graph_copy_scopes(nas_graph *g, const nas_graph *src) {
    for (uint32_t i = 1; i < src->n_scopes; i++) {
        const nas_scope *s = &src->scope[i];
        uint32_t made;
        NAS_TRY(nas_graph_scope_make(&made, g, s->parent, nas_graph_scope_part(src, i), s->kind,
                                     s->repeat));
    }
    return NAS_OK;
}

/* ---- reading --------------------------------------------------------------------------------- */

uint32_t nas_graph_scope_count(const nas_graph *g) {
    return g->n_scopes;
}

const nas_scope *nas_graph_scope(const nas_graph *g, uint32_t scope) {
    assert(scope < g->n_scopes);
    return &g->scope[scope];
}

void nas_graph_set_output(nas_graph *g, nas_value v) {
    assert(v.id < g->n || !nas_value_ok(v));
    g->output = v;
}

nas_value nas_graph_output(const nas_graph *g) {
    return g->output;
}

uint32_t nas_graph_count(const nas_graph *g) {
    return g->n;
}

const nas_node *nas_graph_node(const nas_graph *g, nas_value v) {
    assert(v.id < g->n);
    return &g->entry[v.id].node;
}

const nas_shape *nas_graph_shape(const nas_graph *g, nas_value v) {
    return &nas_graph_node(g, v)->shape;
}

const char *nas_graph_name(const nas_graph *g, nas_value v) {
    assert(v.id < g->n);
    return g->entry[v.id].name ? g->entry[v.id].name : "";
}
