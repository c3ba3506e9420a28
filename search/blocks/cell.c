/* search/blocks/cell.c - a graph of nodes: each joins earlier nodes, every edge through blocks. */
#include "../block.h"

#include <stdlib.h>
#include <string.h>

enum { MAX_NODES = 64 };

static const char *const outputs[] = {"last", "add", "concat", "loose", NULL};

static const block_arg args_of_cell[] = {
    {"inputs", ARG_INT, "1", 1, 2, NULL, false},
    {"prepare", ARG_LISTS, "", 0, 0, NULL, false}, /* one for each input */
    {"nodes", ARG_NODES, NULL, 0, 0, NULL, false},
    {"output", ARG_WORD, "last", 0, 0, outputs, false},
    {"combine", ARG_WORD, "concat", 0, 0, (const char *const[]){"concat", "add", NULL}, false},
};

/* Nodes 0 … inputs - 1 are the inputs. */
typedef struct cell {
    build *b;
    const form *nodes;
    uint32_t inputs, n;
    struct {
        nas_value value; /* NAS_NO_VALUE: nothing comes in */
        bool used, needed;
    } node[MAX_NODES];
} cell;

/* The node that an edge comes from; UINT32_MAX: the edge is left out. */
static uint32_t edge(const form *from, uint32_t i) {
    const char *text = from->kid[i]->text;
    return strcmp(text, "none") == 0 ? UINT32_MAX : (uint32_t)strtoul(text, NULL, 10);
}

static nas_status check_edges(cell *c, uint32_t i) {
    const form *node = c->nodes->kid[i - c->inputs], *from = form_get(node, "from"),
               *ops = form_get(node, "ops");
    if (ops != NULL && ops->n != from->n)
        return nas_fail(NAS_E_SHAPE, "node %u has %u edges and %u ops", i, from->n, ops->n);
    if (from->n > NAS_MAX_IN)
        return nas_fail(NAS_E_SHAPE, "node %u has %u edges, at most %d are possible", i, from->n,
                        (int)NAS_MAX_IN);
    for (uint32_t k = 0; k < from->n; k++) {
        uint32_t j = edge(from, k);
        if (j == UINT32_MAX)
            continue;
        if (j >= i)
            return nas_fail(NAS_E_SHAPE,
                            "node %u comes from node %u: only earlier nodes can be "
                            "joined, or the cell would have a cycle",
                            i, j);
        c->node[j].used = true;
    }
    return NAS_OK;
}

/* What no output depends on is left out. */
static void mark_needed(cell *c, const char *output) {
    bool all = strcmp(output, "add") == 0 || strcmp(output, "concat") == 0;
    for (uint32_t i = c->n; i-- > c->inputs;) {
        const form *from = form_get(c->nodes->kid[i - c->inputs], "from");
        bool loose = strcmp(output, "loose") == 0 && !c->node[i].used;
        c->node[i].needed = c->node[i].needed || all || loose || i + 1 == c->n;
        for (uint32_t k = 0; c->node[i].needed && k < from->n; k++)
            if (edge(from, k) != UINT32_MAX)
                c->node[edge(from, k)].needed = true;
    }
}

static nas_status join(cell *c, uint32_t i) {
    const form *node = c->nodes->kid[i - c->inputs], *from = form_get(node, "from"),
               *ops = form_get(node, "ops"), *how = form_get(node, "combine"),
               *then = form_get(node, "then");
    nas_value v[NAS_MAX_IN], *value = &c->node[i].value;
    char label[16];
    uint32_t n = 0;
    for (uint32_t k = 0; k < from->n; k++) {
        uint32_t j = edge(from, k);
        if (j == UINT32_MAX || !nas_value_ok(c->node[j].value))
            continue;
        v[n] = c->node[j].value;
        snprintf(label, sizeof label, "%u", k);
        if (ops != NULL)
            NAS_TRY(build_item(c->b, ops->kid[k], label, 0, &v[n]));
        n++;
    }
    if (n == 0)
        return NAS_OK;
    NAS_TRY(combine(value, c->b, how != NULL ? how->text : "add", v, n));
    return then != NULL ? build_item(c->b, then, "then", 0, value) : NAS_OK;
}

static nas_status build_nodes(cell *c) {
    char number[16];
    for (uint32_t i = c->inputs; i < c->n; i++) {
        const form *name = form_get(c->nodes->kid[i - c->inputs], "name");
        size_t length = strlen(c->b->path);
        c->node[i].value = NAS_NO_VALUE;
        if (!c->node[i].needed)
            continue;
        snprintf(number, sizeof number, "%u", i - c->inputs);
        NAS_TRY(build_enter(c->b, name != NULL ? name->text : number, "node", 0));
        nas_status st = join(c, i);
        build_leave(c->b, length);
        NAS_TRY(st);
    }
    return NAS_OK;
}

static nas_status output(cell *c, const char *which, const char *how, nas_value *x) {
    nas_value v[NAS_MAX_IN];
    uint32_t n = 0;
    for (uint32_t i = c->inputs; i < c->n; i++) {
        bool wanted = strcmp(which, "last") == 0    ? i + 1 == c->n
                      : strcmp(which, "loose") == 0 ? !c->node[i].used
                                                    : true;
        if (!wanted || !nas_value_ok(c->node[i].value))
            continue;
        if (n == NAS_MAX_IN)
            return nas_fail(NAS_E_SHAPE, "over %d nodes are joined to the cell's output",
                            (int)NAS_MAX_IN);
        v[n++] = c->node[i].value;
    }
    if (n == 0)
        return nas_fail(NAS_E_SHAPE, "no path leads from the cell's input to its output");
    return combine(x, c->b, strcmp(which, "loose") == 0 ? how : which, v, n);
}

static nas_status prepare(cell *c, const form *args, nas_value *x) {
    const form *lists = form_get(args, "prepare");
    char label[16];
    nas_value *before = &c->b->before;
    c->node[c->inputs - 1].value = *x;
    if (c->inputs == 2)
        c->node[0].value = before->id != 0 ? *before : *x;
    *before = *x;
    if (lists != NULL && lists->n != c->inputs)
        return nas_fail(NAS_E_SHAPE, "prepare has %u lists of blocks for %u inputs", lists->n,
                        c->inputs);
    for (uint32_t i = 0; lists != NULL && i < c->inputs; i++) {
        snprintf(label, sizeof label, "in%u", i);
        if (c->node[i].needed)
            NAS_TRY(build_item(c->b, lists->kid[i], label, 0, &c->node[i].value));
    }
    return NAS_OK;
}

static nas_status build_cell(build *b, const form *args, nas_value *x) {
    const char *which = arg_word(&block_cell, args, "output");
    cell c = {.b = b,
              .nodes = form_get(args, "nodes"),
              .inputs = (uint32_t)arg_int(&block_cell, args, "inputs")};
    c.n = c.inputs + c.nodes->n;
    for (uint32_t i = c.inputs; i < c.n; i++)
        NAS_TRY(check_edges(&c, i));
    mark_needed(&c, which);
    NAS_TRY(prepare(&c, args, x));
    NAS_TRY(build_nodes(&c));
    return output(&c, which, arg_word(&block_cell, args, "combine"), x);
}

BLOCK_KIND(cell, args_of_cell, NULL);
