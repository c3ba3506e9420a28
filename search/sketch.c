/* search/sketch.c - what a space looks like, read off its file: boxes with their choices in them.
 */
#include <stdlib.h>
#include <string.h>

#include "plan.h"

#define TIMES "\xc3\x97"

struct nas_sketch {
    arena mem;
    nas_sketch_box *root;
};

/* Failing leaves `failed`, so that the walk need not stop at every text. */
typedef struct walk {
    nas_sketch *k;
    const nas_space *s;
    bool failed;
    nas_sketch_box spare_box; /* written to after a failure */
    nas_sketch_line spare_line;
} walk;

static void add_item(walk *w, nas_sketch_box *parent, const nas_yaml_node *n, const char *name);

/* ---- pieces ---- */

static const char *keep(walk *w, const char *text) {
    const char *t = arena_text(&w->k->mem, "%s", text);
    w->failed = w->failed || t == NULL;
    return t != NULL ? t : "";
}

static void *array(walk *w, size_t bytes) {
    void *p = arena_new(&w->k->mem, bytes);
    w->failed = w->failed || p == NULL;
    return p;
}

/* Room for one more of n elements; arrays double, what they leave behind goes with the arena. */
static void *room(walk *w, void *old, uint32_t n, size_t size) {
    if (n != 0 && (n & (n - 1)) != 0)
        return old;
    void *p = array(w, (n > 0 ? 2 * (size_t)n : 1) * size);
    if (p != NULL && n > 0)
        memcpy(p, old, n * size);
    return p;
}

static nas_sketch_box *add_box(walk *w, nas_sketch_box *parent, nas_sketch_form arrange,
                               const char *name, const char *kind) {
    nas_sketch_box *b = array(w, sizeof *b);
    if (b == NULL)
        return &w->spare_box;
    *b =
        (nas_sketch_box){.form = arrange, .name = keep(w, name), .kind = keep(w, kind), .note = ""};
    if (parent == NULL)
        return b;
    nas_sketch_box **kid = room(w, parent->kid, parent->n, sizeof(nas_sketch_box *));
    if (kid != NULL) {
        parent->kid = kid;
        parent->kid[parent->n++] = b;
    }
    return b;
}

static nas_sketch_line *add_line(walk *w, nas_sketch_box *b, const char *label) {
    nas_sketch_line *line = room(w, b->line, b->n_lines, sizeof *line);
    if (line == NULL)
        return &w->spare_line;
    b->line = line;
    line += b->n_lines++;
    *line = (nas_sketch_line){.label = keep(w, label)};
    return line;
}

/* A map without its braces, as a block alone reads: "conv {out: 8}". */
static void say(nas_text *t, const nas_yaml_node *n) {
    bool block = nas_yaml_kind_of(n) == NAS_YAML_MAP && nas_yaml_count(n) == 1;
    if (block)
        nas_text_add(t, "%s ", nas_yaml_key(n, 0));
    print_flow_yaml(t, block ? nas_yaml_at(n, 0) : n);
}

static const char *said(walk *w, const nas_yaml_node *n) {
    nas_text t = {0};
    say(&t, n);
    const char *text = keep(w, nas_text_str(&t));
    nas_text_free(&t);
    return text;
}

static void add_options(walk *w, nas_sketch_box *b, const char *label, const char *before,
                        const nas_yaml_node *options) {
    nas_sketch_line *line = add_line(w, b, label);
    uint32_t n = (uint32_t)nas_yaml_count(options);
    const char **option = array(w, n * sizeof *option);
    for (uint32_t i = 0; option != NULL && i < n; i++) {
        const nas_yaml_node *o = nas_yaml_at(options, i);
        const char *text = said(w, o);
        size_t length = strlen(text);
        if (length > 1 && nas_yaml_kind_of(o) == NAS_YAML_MAP && nas_yaml_count(o) > 1) {
            text++; /* "heads: 4, width: 128" reads better bare */
            length -= 2;
        }
        option[i] = arena_text(&w->k->mem, "%s%.*s", before, (int)length, text);
        if (option[i] == NULL) {
            w->failed = true;
            return;
        }
    }
    line->option = option;
    line->n = option != NULL ? n : 0;
}

/* ---- values ---- */

static const block_arg *arg_of(const char *kind, const char *key) {
    const block_kind *k = block_find(kind);
    for (uint32_t i = 0; k != NULL && i < k->n_args; i++)
        if (strcmp(k->args[i].name, key) == 0)
            return &k->args[i];
    return NULL;
}

static const own_block *own_of(const walk *w, const char *kind) {
    for (uint32_t i = 0; i < w->s->n_own; i++)
        if (strcmp(w->s->own[i].name, kind) == 0)
            return &w->s->own[i];
    return NULL;
}

/* What an argument holds when it is no value: ARG_ITEMS and the like; ARG_ANY: a value. */
static arg_type holds(const walk *w, const char *kind, const char *key) {
    const own_block *o = own_of(w, kind);
    const block_arg *a = arg_of(kind, key);
    if (strcmp(kind, "stage") == 0 && strncmp(key, "block", 5) == 0)
        return ARG_ITEMS;
    if (o != NULL && o->args != NULL) {
        const nas_yaml_node *fallback = nas_yaml_get(o->args, key);
        const char *word = fallback != NULL ? nas_yaml_scalar(fallback) : NULL;
        return word != NULL && strcmp(word, "block") == 0 ? ARG_ITEMS : ARG_ANY;
    }
    if (a != NULL && (a->type == ARG_ITEMS || a->type == ARG_LISTS || a->type == ARG_NODES))
        return a->type;
    return ARG_ANY;
}

static void add_fixed(walk *w, nas_text *t, const char *key, const nas_yaml_node *v) {
    const char *text = nas_yaml_scalar(v);
    nas_text_add(t, "%s%s ", t->n > 0 ? ", " : "", key);
    if (text != NULL)
        nas_text_add(t, "%s", text);
    else
        print_flow_yaml(t, v);
    w->failed = w->failed || t->failed;
}

static void add_repeat(walk *w, nas_sketch_box *b, const nas_yaml_node *v) {
    const nas_yaml_node *options = choose_of(v);
    const char *text = nas_yaml_scalar(v);
    if (options != NULL)
        add_options(w, b, "repeat", TIMES, options);
    else if (text != NULL && (b->note = arena_text(&w->k->mem, TIMES "%s", text)) == NULL) {
        b->note = "";
        w->failed = true;
    }
}

/* ---- cells ---- */

static bool is_maybe(const nas_yaml_node *options) {
    const char *first =
        nas_yaml_count(options) == 2 ? nas_yaml_scalar(nas_yaml_at(options, 0)) : NULL;
    return first != NULL && strcmp(first, "none") == 0 &&
           nas_yaml_scalar(nas_yaml_at(options, 1)) != NULL;
}

/* Sets the bits of all nodes that are named somewhere in n. */
static void mark(uint64_t *set, const nas_yaml_node *n) {
    const char *text = nas_yaml_scalar(n);
    if (text != NULL && text[0] >= '0' && text[0] <= '9' && strtoul(text, NULL, 10) < 64)
        *set |= UINT64_C(1) << strtoul(text, NULL, 10);
    for (size_t i = 0; text == NULL && i < nas_yaml_count(n); i++)
        mark(set, nas_yaml_at(n, i));
}

/* All nodes that may be joined beside the others, each by a choice of its own. */
static void add_any(walk *w, nas_sketch_box *b, const nas_yaml_node *from) {
    const char **option = array(w, nas_yaml_count(from) * sizeof *option);
    uint32_t n = 0;
    for (size_t i = 0; option != NULL && i < nas_yaml_count(from); i++) {
        const nas_yaml_node *options = choose_of(nas_yaml_at(from, i));
        if (options != NULL && is_maybe(options))
            option[n++] = said(w, nas_yaml_at(options, 1));
    }
    if (n == 0)
        return;
    nas_sketch_line *line = add_line(w, b, "and any of");
    line->option = option;
    line->n = n;
}

/* "from 3" for what is certain, one line for all that may be missing, one for each other choice. */
static void add_from(walk *w, nas_sketch_box *b, const nas_yaml_node *from) {
    const nas_yaml_node *options = choose_of(from);
    nas_text sure = {0};
    if (options != NULL) {
        add_options(w, b, "from", "", options);
        mark(&b->maybe, options);
        return;
    }
    for (size_t i = 0; i < nas_yaml_count(from); i++) {
        const nas_yaml_node *e = nas_yaml_at(from, i);
        options = choose_of(e);
        mark(options != NULL ? &b->maybe : &b->from, e);
        if (options == NULL)
            nas_text_add(&sure, "%s%s", sure.n > 0 ? ", " : "from ", said(w, e));
    }
    if (sure.n > 0)
        add_line(w, b, nas_text_str(&sure));
    nas_text_free(&sure);
    for (size_t i = 0; i < nas_yaml_count(from); i++) {
        options = choose_of(nas_yaml_at(from, i));
        if (options != NULL && !is_maybe(options))
            add_options(w, b, "from", "", options);
    }
    add_any(w, b, from);
}

static bool has_choice(const nas_yaml_node *n) {
    if (nas_yaml_kind_of(n) == NAS_YAML_SCALAR)
        return false;
    if (choose_of(n) != NULL)
        return true;
    for (size_t i = 0; i < nas_yaml_count(n); i++)
        if (has_choice(nas_yaml_at(n, i)))
            return true;
    return false;
}

/* The ops of a node's edges, equal ones that follow one another once; those with choices as boxes.
 */
static void add_ops(walk *w, nas_sketch_box *b, const nas_yaml_node *ops) {
    nas_text t = {0};
    const char *before = NULL;
    uint32_t times = 0;
    size_t n = nas_yaml_count(ops);
    for (size_t i = 0; i <= n; i++) {
        const nas_yaml_node *op = i < n ? nas_yaml_at(ops, i) : NULL;
        if (op != NULL && has_choice(op)) {
            add_item(w, b, op, "edge");
            continue;
        }
        const char *now = op != NULL ? said(w, op) : NULL;
        if (now != NULL && before != NULL && strcmp(now, before) == 0) {
            times++;
            continue;
        }
        if (before != NULL)
            nas_text_add(&t, times > 1 ? "%s%s " TIMES "%u" : "%s%s",
                         t.n > 0 ? "; " : "edges: ", before, times);
        before = now;
        times = 1;
    }
    if (t.n > 0)
        add_line(w, b, nas_text_str(&t));
    nas_text_free(&t);
}

static void add_nodes(walk *w, nas_sketch_box *cell, const nas_yaml_node *nodes, uint32_t inputs) {
    char name[16];
    cell->form = NAS_SKETCH_GRAPH;
    for (uint32_t i = 0; i < inputs; i++) {
        snprintf(name, sizeof name, "%u", i);
        add_box(w, cell, NAS_SKETCH_FLOW, name, "input");
    }
    for (size_t i = 0; i < nas_yaml_count(nodes); i++) {
        const nas_yaml_node *n = nas_yaml_at(nodes, i), *part;
        const char *own = NULL;
        if ((part = nas_yaml_get(n, "name")) != NULL)
            own = nas_yaml_scalar(part);
        snprintf(name, sizeof name, "%zu %.10s", i + inputs, own != NULL ? own : "");
        nas_sketch_box *b = add_box(w, cell, NAS_SKETCH_FLOW, name, "node");
        if ((part = nas_yaml_get(n, "from")) != NULL)
            add_from(w, b, part);
        if ((part = nas_yaml_get(n, "ops")) != NULL)
            add_ops(w, b, part);
        nas_text t = {0};
        if ((part = nas_yaml_get(n, "combine")) != NULL)
            add_fixed(w, &t, "combine", part);
        if ((part = nas_yaml_get(n, "then")) != NULL)
            add_fixed(w, &t, "then", part);
        if (t.n > 0)
            add_line(w, b, nas_text_str(&t));
        nas_text_free(&t);
    }
}

/* ---- blocks ---- */

static void add_items(walk *w, nas_sketch_box *parent, const nas_yaml_node *n) {
    if (nas_yaml_kind_of(n) != NAS_YAML_SEQ) {
        add_item(w, parent, n, "");
        return;
    }
    for (size_t i = 0; i < nas_yaml_count(n); i++)
        add_item(w, parent, nas_yaml_at(n, i), "");
}

static uint32_t inputs_of(const nas_yaml_node *cell) {
    const nas_yaml_node *n = nas_yaml_get(cell, "inputs");
    const char *text = n != NULL ? nas_yaml_scalar(n) : NULL;
    return text != NULL && strcmp(text, "2") == 0 ? 2 : 1;
}

/* An argument that holds blocks. Where a block has several, they stand in boxes of their own. */
static void add_inner(walk *w, nas_sketch_box *b, const char *kind, const char *key,
                      const nas_yaml_node *args, const nas_yaml_node *v) {
    arg_type type = holds(w, kind, key);
    bool several = strcmp(kind, "seq2seq") == 0 || own_of(w, kind) != NULL;
    if (type == ARG_NODES) {
        add_nodes(w, b, v, inputs_of(args));
    } else if (type == ARG_LISTS && strcmp(key, "branches") == 0) {
        b->form = NAS_SKETCH_BRANCHES;
        for (size_t i = 0; i < nas_yaml_count(v); i++)
            add_item(w, b, nas_yaml_at(v, i), "");
    } else if (type == ARG_LISTS) {
        for (size_t i = 0; i < nas_yaml_count(v); i++) {
            nas_text t = {0};
            nas_text_add(&t, "input %zu: %s", i, said(w, nas_yaml_at(v, i)));
            add_line(w, b, nas_text_str(&t));
            nas_text_free(&t);
        }
    } else {
        add_items(w, several ? add_box(w, b, NAS_SKETCH_FLOW, key, "") : b, v);
    }
}

static void add_args(walk *w, nas_sketch_box *b, const char *kind, const nas_yaml_node *args) {
    nas_text fixed = {0};
    const nas_yaml_node *options = choose_of(args);
    if (options != NULL) {
        add_options(w, b, "", "", options);
        return;
    }
    for (size_t i = 0; i < nas_yaml_count(args); i++) {
        const char *key = nas_yaml_key(args, i);
        const nas_yaml_node *v = nas_yaml_at(args, i);
        if (strcmp(key, "name") == 0 || holds(w, kind, key) != ARG_ANY)
            continue;
        if (strcmp(kind, "stage") == 0 && strcmp(key, "repeat") == 0)
            add_repeat(w, b, v);
        else if ((options = choose_of(v)) != NULL)
            add_options(w, b, key, "", options);
        else
            add_fixed(w, &fixed, key, v);
    }
    if (fixed.n > 0)
        add_line(w, b, nas_text_str(&fixed));
    nas_text_free(&fixed);
    for (size_t i = 0; i < nas_yaml_count(args); i++)
        if (holds(w, kind, nas_yaml_key(args, i)) != ARG_ANY)
            add_inner(w, b, kind, nas_yaml_key(args, i), args, nas_yaml_at(args, i));
}

/* `choose` and `case`: their alternatives beside one another. */
static void add_alternatives(walk *w, nas_sketch_box *b, const nas_yaml_node *options) {
    bool map = nas_yaml_kind_of(options) == NAS_YAML_MAP;
    for (size_t i = 0; i < nas_yaml_count(options); i++)
        add_item(w, b, nas_yaml_at(options, i), map ? nas_yaml_key(options, i) : "");
}

static const char *name_in(const nas_yaml_node *map, const char *fallback) {
    const nas_yaml_node *n =
        nas_yaml_kind_of(map) == NAS_YAML_MAP ? nas_yaml_get(map, "name") : NULL;
    const char *text = n != NULL ? nas_yaml_scalar(n) : NULL;
    return text != NULL ? text : fallback;
}

/* One block, a choice, a case, or a list of them; name: what stands around it calls it. */
static void add_item(walk *w, nas_sketch_box *parent, const nas_yaml_node *n, const char *name) {
    nas_yaml_kind kind = nas_yaml_kind_of(n);
    const nas_yaml_node *part;
    if (kind == NAS_YAML_SCALAR) {
        add_box(w, parent, NAS_SKETCH_FLOW, name, nas_yaml_scalar(n));
    } else if (kind == NAS_YAML_SEQ) {
        add_items(w, add_box(w, parent, NAS_SKETCH_FLOW, name, ""), n);
    } else if ((part = nas_yaml_get(n, "choose")) != NULL) {
        add_alternatives(w, add_box(w, parent, NAS_SKETCH_CHOICE, name_in(n, name), "choose"),
                         part);
    } else if ((part = nas_yaml_get(n, "case")) != NULL) {
        nas_sketch_box *b = add_box(w, parent, NAS_SKETCH_CHOICE, name_in(n, name), "case");
        add_line(w, b, said(w, part));
        if ((part = nas_yaml_get(n, "of")) != NULL)
            add_alternatives(w, b, part);
    } else if (nas_yaml_count(n) > 0) {
        const char *word = nas_yaml_key(n, 0);
        part = nas_yaml_at(n, 0);
        nas_sketch_box *b = add_box(w, parent, NAS_SKETCH_FLOW, name_in(part, name), word);
        if (nas_yaml_kind_of(part) == NAS_YAML_MAP)
            add_args(w, b, word, part);
    }
}

/* ---- the file ---- */

static void add_input(walk *w, nas_sketch_box *net) {
    const nas_yaml_node *input = nas_yaml_get(nas_yaml_root(w->s->doc), "input");
    nas_sketch_box *b = add_box(w, net, NAS_SKETCH_FLOW, "", "input");
    const nas_yaml_node *options = choose_of(input);
    if (options != NULL)
        add_options(w, b, "", "", options);
    else
        add_line(w, b, said(w, input));
}

static void add_lets(walk *w, const nas_yaml_node *lets) {
    nas_sketch_box *b = add_box(w, w->k->root, NAS_SKETCH_FLOW, "let", "drawn once");
    for (size_t i = 0; i < nas_yaml_count(lets); i++) {
        const nas_yaml_node *v = nas_yaml_at(lets, i), *options = choose_of(v);
        nas_text t = {0};
        if (options != NULL)
            add_options(w, b, nas_yaml_key(lets, i), "", options);
        else
            add_fixed(w, &t, nas_yaml_key(lets, i), v);
        if (t.n > 0)
            add_line(w, b, nas_text_str(&t));
        nas_text_free(&t);
    }
}

static void add_own(walk *w, const own_block *o) {
    nas_sketch_box *b =
        add_box(w, w->k->root, NAS_SKETCH_FLOW, o->name, o->shared ? "block, drawn once" : "block");
    nas_text t = {0};
    for (size_t i = 0; o->args != NULL && i < nas_yaml_count(o->args); i++) {
        const char *value = nas_yaml_scalar(nas_yaml_at(o->args, i));
        bool given = value == NULL || value[0] == '\0' || strcmp(value, "~") == 0;
        nas_text_add(&t, "%s%s%s%s", i > 0 ? ", " : "of ", nas_yaml_key(o->args, i),
                     given ? "" : ": ", given ? "" : value);
    }
    if (t.n > 0)
        add_line(w, b, nas_text_str(&t));
    nas_text_free(&t);
    add_items(w, b, o->body);
}

static void sketch(walk *w) {
    const nas_yaml_node *root = nas_yaml_root(w->s->doc), *lets = nas_yaml_get(root, "let"),
                        *rules = nas_yaml_get(root, "constraints");
    w->k->root = add_box(w, NULL, NAS_SKETCH_FLOW, w->s->name, "space");
    nas_sketch_box *net = add_box(w, w->k->root, NAS_SKETCH_FLOW, "net", "");
    add_input(w, net);
    add_items(w, net, nas_yaml_get(root, "net"));
    if (lets != NULL)
        add_lets(w, lets);
    for (uint32_t i = 0; i < w->s->n_own; i++)
        add_own(w, &w->s->own[i]);
    if (rules == NULL)
        return;
    nas_sketch_box *b = add_box(w, w->k->root, NAS_SKETCH_FLOW, "constraints", "");
    for (size_t i = 0; i < nas_yaml_count(rules); i++)
        add_line(w, b, said(w, nas_yaml_at(rules, i)));
}

nas_status nas_space_sketch(nas_sketch **out, const nas_space *s) {
    nas_sketch *k = nas_calloc(1, sizeof *k);
    walk w = {.k = k, .s = s};
    if (k == NULL)
        return nas_fail_memory(sizeof *k);
    sketch(&w);
    if (w.failed) {
        nas_sketch_free(k);
        return nas_fail_memory(sizeof *k);
    }
    *out = k;
    return NAS_OK;
}

const nas_sketch_box *nas_sketch_root(const nas_sketch *k) {
    return k->root;
}

void nas_sketch_free(nas_sketch *k) {
    if (k == NULL)
        return;
    arena_free(&k->mem);
    nas_free(k);
}
