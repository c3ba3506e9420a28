/* search/encoding.c - genomes as rows of numbers: one-hot, ordinal, adjacency and paths of cells.
 */
#include <nas/space.h>

#include <stdlib.h>
#include <string.h>

enum { MAX_NODES = 32, MAX_STRINGS = 65536 };

typedef enum op_role { ROLE_OP, ROLE_NONE, ROLE_SKIP } op_role;

typedef struct cell_edge {
    uint32_t gene, from, to;
} cell_edge;

struct nas_encoder {
    const nas_space *space;
    nas_encoding kind;
    uint32_t size;
    uint32_t n_edges, n_nodes, n_ops, longest; /* of the cell */
    cell_edge *edge;
    op_role *role; /* of each op */
};

/* ---- finding the cell ---- */

/* The number that ends before `end`; NULL: none. Its first digit is returned. */
static const char *number_before(uint32_t *out, const char *path, const char *end) {
    const char *first = end;
    while (first > path && first[-1] >= '0' && first[-1] <= '9')
        first--;
    *out = (uint32_t)strtoul(first, NULL, 10);
    return first == end ? NULL : first;
}

/* "cell.n3.1.op": edge 1 of node 3; or "cell.0>1", "cell.0-1", "cell.0_1". *prefix: the characters
 * before, which all edges of a cell have in common. */
static bool edge_of(cell_edge *e, size_t *prefix, const char *path) {
    const char *end = path + strlen(path), *dot = strrchr(path, '.');
    const char *first = number_before(&e->to, path, end);
    bool node_first = first == NULL && dot != NULL;
    if (node_first)
        first = number_before(&e->from, path, dot);
    if (first == NULL || first == path || strchr(node_first ? "." : ">-_", first[-1]) == NULL)
        return false;
    first = number_before(node_first ? &e->to : &e->from, path, first - 1);
    if (first == NULL || e->from >= e->to || e->to >= MAX_NODES)
        return false;
    *prefix = (size_t)(first - path);
    return true;
}

static bool same_choices(const nas_gene *a, const nas_gene *b) {
    if (a->n != b->n)
        return false;
    for (uint32_t i = 0; i < a->n; i++)
        if (strcmp(a->choices[i], b->choices[i]) != 0)
            return false;
    return true;
}

static op_role role_of(const char *choice) {
    static const struct {
        const char *text;
        op_role role;
    } known[] = {{"none", ROLE_NONE}, {"zero", ROLE_NONE},         {"zeroize", ROLE_NONE},
                 {"skip", ROLE_SKIP}, {"skip_connect", ROLE_SKIP}, {"identity", ROLE_SKIP}};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (strcmp(choice, known[i].text) == 0)
            return known[i].role;
    return ROLE_OP;
}

/* Takes the edges that look like the first one: same options, same characters before the nodes. */
static const nas_gene *collect_edges(nas_encoder *e) {
    const nas_gene *first = NULL;
    size_t prefix = 0;
    for (uint32_t i = 0; i < nas_space_gene_count(e->space); i++) {
        const nas_gene *g = nas_space_gene(e->space, i);
        cell_edge edge = {.gene = i};
        size_t length;
        if (!edge_of(&edge, &length, g->path))
            continue;
        if (first == NULL) {
            first = g;
            prefix = length;
        }
        if (length != prefix || strncmp(first->path, g->path, prefix) != 0 ||
            !same_choices(first, g))
            continue;
        e->edge[e->n_edges++] = edge;
        e->n_nodes = edge.to + 1 > e->n_nodes ? edge.to + 1 : e->n_nodes;
    }
    return first;
}

static nas_status find_cell(nas_encoder *e) {
    uint32_t n = nas_space_gene_count(e->space);
    e->edge = nas_calloc(n + 1, sizeof *e->edge);
    if (e->edge == NULL)
        return nas_fail_memory((n + 1) * sizeof *e->edge);
    const nas_gene *first = collect_edges(e);
    /* An edge's place among those of its node is the node it comes from only if all are there. */
    if (e->n_edges < 3 || e->n_edges != e->n_nodes * (e->n_nodes - 1) / 2)
        return nas_fail(NAS_E_UNSUPPORTED, "%s has no cell whose paths could be encoded",
                        nas_space_name(e->space));
    e->n_ops = first->n;
    e->role = nas_calloc(e->n_ops, sizeof *e->role);
    if (e->role == NULL)
        return nas_fail_memory(e->n_ops * sizeof *e->role);
    for (uint32_t i = 0; i < e->n_ops; i++)
        e->role[i] = role_of(first->choices[i]);
    return NAS_OK;
}

/* The most edges on a way from node 0 to the last one. */
static uint32_t longest_way(const nas_encoder *e) {
    uint32_t depth[MAX_NODES] = {0};
    for (uint32_t to = 1; to < e->n_nodes; to++)
        for (uint32_t i = 0; i < e->n_edges; i++)
            if (e->edge[i].to == to && depth[e->edge[i].from] + 1 > depth[to])
                depth[to] = depth[e->edge[i].from] + 1;
    return depth[e->n_nodes - 1];
}

/* ---- sizes ---- */

static nas_status size_paths(nas_encoder *e) {
    NAS_TRY(find_cell(e));
    e->longest = longest_way(e);
    uint64_t strings = 1, size = e->kind == NAS_ENCODE_FUNCTION;
    for (uint32_t i = 0; i < e->longest; i++) {
        strings *= e->n_ops;
        size += strings;
        if (size > MAX_STRINGS)
            return nas_fail(NAS_E_UNSUPPORTED, "%s: paths of up to %u of %u ops are too many",
                            nas_space_name(e->space), e->longest, e->n_ops);
    }
    e->size = (uint32_t)size;
    return NAS_OK;
}

static nas_status size_adjacency(nas_encoder *e) {
    NAS_TRY(find_cell(e));
    e->size = e->n_nodes * (e->n_nodes - 1) / 2 + e->n_edges * e->n_ops;
    return NAS_OK;
}

static nas_status size_one_hot(nas_encoder *e) {
    for (uint32_t i = 0; i < nas_space_gene_count(e->space); i++)
        e->size += nas_space_gene(e->space, i)->n;
    return NAS_OK;
}

static nas_status size_ordinal(nas_encoder *e) {
    e->size = nas_space_gene_count(e->space);
    return NAS_OK;
}

/* ---- rows ---- */

static void row_one_hot(float *row, const nas_encoder *e, const nas_genome *x) {
    bool active[NAS_MAX_GENES];
    nas_space_active(active, e->space, x);
    for (uint32_t i = 0; i < x->n; i++) {
        if (active[i])
            row[x->gene[i]] = 1;
        row += nas_space_gene(e->space, i)->n;
    }
}

static void row_ordinal(float *row, const nas_encoder *e, const nas_genome *x) {
    bool active[NAS_MAX_GENES];
    nas_space_active(active, e->space, x);
    for (uint32_t i = 0; i < x->n; i++) {
        uint32_t n = nas_space_gene(e->space, i)->n;
        row[i] = !active[i] ? -1 : n > 1 ? (float)x->gene[i] / (float)(n - 1) : 0;
    }
}

static void row_adjacency(float *row, const nas_encoder *e, const nas_genome *x) {
    float *op = row + e->n_nodes * (e->n_nodes - 1) / 2;
    for (uint32_t i = 0; i < e->n_edges; i++, op += e->n_ops) {
        const cell_edge *c = &e->edge[i];
        uint16_t choice = x->gene[c->gene];
        op[choice] = 1;
        if (e->role[choice] !=
            ROLE_NONE) /* column `to` of the triangle starts behind the earlier ones */
            row[c->to * (c->to - 1) / 2 + c->from] = 1;
    }
}

/* A path that is walked: where its string stands among those of its length, and how long it is. */
typedef struct walk {
    uint32_t node, length, code, before; /* before: strings that are shorter */
} walk;

static void walk_on(float *row, const nas_encoder *e, const nas_genome *x, walk at) {
    bool function = e->kind == NAS_ENCODE_FUNCTION;
    if (at.node + 1 == e->n_nodes) {
        row[at.before + at.code] = 1;
        return;
    }
    for (uint32_t i = 0; i < e->n_edges; i++) {
        const cell_edge *c = &e->edge[i];
        uint16_t op = x->gene[c->gene];
        if (c->from != at.node || (function && e->role[op] == ROLE_NONE))
            continue;
        walk next = at;
        next.node = c->to;
        if (!function || e->role[op] != ROLE_SKIP) {
            uint32_t same = 1; /* strings of this length, which come before those of the next */
            for (uint32_t k = 0; k < at.length; k++)
                same *= e->n_ops;
            next.before += at.length > 0 || function ? same : 0;
            next.code = at.code * e->n_ops + op;
            next.length++;
        }
        walk_on(row, e, x, next);
    }
}

static void row_paths(float *row, const nas_encoder *e, const nas_genome *x) {
    walk_on(row, e, x, (walk){0});
}

/* ---- public ---- */

static const struct {
    nas_status (*size)(nas_encoder *e);
    void (*row)(float *row, const nas_encoder *e, const nas_genome *x); /* on zeros */
} kinds[] = {
    [NAS_ENCODE_ONE_HOT] = {size_one_hot, row_one_hot},
    [NAS_ENCODE_ORDINAL] = {size_ordinal, row_ordinal},
    [NAS_ENCODE_ADJACENCY] = {size_adjacency, row_adjacency},
    [NAS_ENCODE_PATH] = {size_paths, row_paths},
    [NAS_ENCODE_FUNCTION] = {size_paths, row_paths},
};

nas_status nas_encoder_create(nas_encoder **out, const nas_space *s, nas_encoding kind) {
    nas_status st = NAS_OK;
    nas_encoder *e = nas_calloc(1, sizeof *e);
    if (e == NULL)
        return nas_fail_memory(sizeof *e);
    e->space = s;
    e->kind = kind;
    NAS_GO(kinds[kind].size(e));
    *out = e;
    e = NULL;
done:
    nas_encoder_free(e);
    return st;
}

void nas_encoder_free(nas_encoder *e) {
    if (e == NULL)
        return;
    nas_free(e->edge);
    nas_free(e->role);
    nas_free(e);
}

uint32_t nas_encoder_size(const nas_encoder *e) {
    return e->size;
}

void nas_encoder_row(float *row, const nas_encoder *e, const nas_genome *x) {
    memset(row, 0, e->size * sizeof *row);
    kinds[e->kind].row(row, e, x);
}
