/* search/network.c - a network without choices to its model graph. */
#include <string.h>

#include "plan.h"

enum { MAX_NODES = 4096 };

/* ---- errors ---- */

/* Puts file, line and block before a failure, once. E_PARSE lines have their place already. */
static nas_status locate(build *b, nas_status st, const form *block, const char *kind) {
    char why[600], line[800];
    if (st == NAS_E_MEMORY || b->located)
        return st;
    b->located = true;
    snprintf(why, sizeof why, "%s", nas_error_text());
    nas_status parse = nas_yaml_fail(block->at, "%s (%s): %s", kind, b->path, why);
    (void)parse;
    snprintf(line, sizeof line, "%s", nas_error_text());
    return nas_fail(st, "%s", line);
}

/* What is computed is known only now. */
static nas_status check_computed(build *b, const block_kind *k, const form *args) {
    for (uint32_t i = 0; i < k->n_args; i++) {
        const form *f = form_get(args, k->args[i].name);
        if (f == NULL || f->kind != FORM_SCALAR || f->value != NULL)
            continue;
        worth w = text_worth(f->text);
        nas_status st = check_worth(&k->args[i], f->at, &w);
        if (st == NAS_OK)
            continue;
        char line[600];
        snprintf(line, sizeof line, "%s", nas_error_text());
        b->located = true;
        return nas_fail(NAS_E_SHAPE, "%s", line);
    }
    return NAS_OK;
}

/* ---- blocks ---- */

nas_status build_enter(build *b, const char *label, const char *kind, uint32_t repeat) {
    size_t n = strlen(b->path);
    if (n + strlen(label) + 2 > sizeof b->path)
        return nas_fail(NAS_E_GRAPH, "%s.%s: the path of a block is over %d letters", b->path,
                        label, (int)PATH_BYTES - 1);
    NAS_TRY(nas_graph_scope_push(b->g, label, kind, repeat));
    snprintf(b->path + n, sizeof b->path - n, "%s%s", n > 0 ? "." : "", label);
    return NAS_OK;
}

void build_leave(build *b, size_t length) {
    nas_graph_scope_pop(b->g);
    b->path[length] = '\0';
}

nas_status build_item(build *b, const form *item, const char *label, uint32_t repeat,
                      nas_value *x) {
    bool list = item->kind == FORM_SEQ;
    const block_kind *k = list ? NULL : block_find(item->kid[0]->key);
    const char *kind = list ? "stage" : k->name;
    size_t n = strlen(b->path);
    nas_status st = build_enter(b, label, kind, repeat);
    if (st != NAS_OK)
        return locate(b, st, item, kind);
    if (list)
        st = build_items(b, item, false, x);
    else if ((st = check_computed(b, k, item->kid[0])) == NAS_OK)
        st = k->build(b, item->kid[0], x);
    if (st == NAS_OK && nas_graph_count(b->g) > MAX_NODES)
        st = nas_fail(NAS_E_TOO_BIG, "the network is over %d nodes", (int)MAX_NODES);
    if (st != NAS_OK)
        st = locate(b, st, item, kind);
    build_leave(b, n);
    return st;
}

static const char *kind_name(const form *item) {
    return item->kind == FORM_SEQ ? "" : item->kid[0]->key;
}

/* Blocks of a stage that are all of one kind are copies, whether the file repeats them or not, so
 * that a network that was written out block by block has the scopes of its repeats. */
static bool are_copies(const form *items) {
    bool equal = items->n > 1;
    for (uint32_t i = 1; i < items->n; i++)
        equal = equal && strcmp(kind_name(items->kid[0]), kind_name(items->kid[i])) == 0;
    return equal;
}

nas_status build_items(build *b, const form *items, bool stage, nas_value *x) {
    bool copies = stage && are_copies(items);
    for (uint32_t i = 0; i < items->n; i++) {
        const form *item = items->kid[i];
        char number[16];
        snprintf(number, sizeof number, "%u", i);
        const char *label = number;
        if (item->kind == FORM_MAP && items->copies == COPIES_NONE) {
            const form *name = form_get(item->kid[0], "name");
            const block_kind *k = block_find(item->kid[0]->key);
            label = name != NULL ? name->text : k->label != NULL ? k->label : number;
        }
        NAS_TRY(build_item(b, item, label, copies ? i + 1 : 0, x));
    }
    return NAS_OK;
}

/* ---- the network ---- */

static nas_status check_logits(const build *b, const form *net, nas_value x) {
    char text[NAS_SHAPE_TEXT];
    const nas_shape *s = nas_graph_shape(b->g, x);
    if (s->rank == 2 && s->dim[1] == b->classes)
        return NAS_OK;
    nas_status st = nas_yaml_fail(net->at,
                                  "the net ends with %s, not with %d classes: its last block must "
                                  "be a head",
                                  nas_shape_text(text, s, 1), b->classes);
    char line[600];
    snprintf(line, sizeof line, "%s", nas_error_text());
    return st == NAS_E_PARSE ? nas_fail(NAS_E_SHAPE, "%s", line) : st;
}

nas_status build_network(nas_graph **out, const nas_space *s, const form *net, const int32_t hwc[3],
                         int32_t batch) {
    nas_status st = NAS_OK;
    build b = {.batch = batch, .classes = s->classes, .seed = NAS_NO_VALUE};
    nas_value x;
    if (batch < 1)
        return nas_fail(NAS_E_ARG, "batch %d: must be at least 1", batch);
    nas_attr attr = {.leaf = {.shape = NAS_SHAPE(batch, hwc[0], hwc[1], hwc[2])}};
    NAS_GO(nas_graph_create(&b.g));
    NAS_GO(nas_graph_leaf(&x, b.g, NAS_OP_INPUT, "x", &attr));
    NAS_GO(build_items(&b, net, false, &x));
    NAS_GO(check_logits(&b, net, x));
    nas_graph_set_output(b.g, x);
    *out = b.g;
    b.g = NULL;
done:
    nas_graph_free(b.g);
    return st;
}
