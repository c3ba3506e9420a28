/* search/space.c - opening a space: built in, from a file, from text. */
#include <nas/space.h>

#include <string.h>

#include <core/embedded.h>

#include "plan.h"

enum { MAX_FILE = 4 << 20, MAX_BUILTIN = 64 };

/* The comment on top of a file, without its marks, as one text. */
static nas_status top_comment(nas_space *s, const char *text, size_t n) {
    nas_text about = {0};
    const char *end = text + n;
    while (text < end && *text == '#') {
        const char *line = memchr(text, '\n', (size_t)(end - text));
        line = line != NULL ? line : end;
        text += 1 + (text + 1 < line && text[1] == ' ');
        if (about.n > 0)
            nas_text_add(&about, " ");
        nas_text_bytes(&about, text, (size_t)(line - text));
        text = line < end ? line + 1 : end;
    }
    s->about = about.failed ? NULL : arena_text(&s->mem, "%s", nas_text_str(&about));
    nas_text_free(&about);
    return s->about == NULL ? nas_fail_memory(n) : NAS_OK;
}

nas_status nas_space_parse(nas_space **out, const char *text, size_t n, const char *name) {
    nas_status st = NAS_OK;
    nas_space *s = nas_calloc(1, sizeof *s);
    if (s == NULL)
        return nas_fail_memory(sizeof *s);
    NAS_GO(top_comment(s, text, n));
    NAS_GO(nas_yaml_read_text(&s->doc, text, n, name));
    NAS_GO(plan_space(s));
    *out = s;
    s = NULL;
done:
    nas_space_free(s);
    return st;
}

void nas_space_free(nas_space *s) {
    if (s == NULL)
        return;
    arena_free(&s->mem);
    nas_yaml_free(s->doc);
    nas_free(s);
}

/* ---- built in ---- */

/* "fashion-cnn" of "fashion-cnn.yaml". */
static bool is_builtin(const nas_embedded *e, const char *name) {
    size_t n = strlen(name);
    return strncmp(e->name, name, n) == 0 && strcmp(e->name + n, ".yaml") == 0;
}

/* The names live as long as the thread, since the table of files has them with their endings. */
const char *const *nas_space_names(void) {
    static _Thread_local char text[MAX_BUILTIN][48];
    static _Thread_local const char *names[MAX_BUILTIN + 1];
    size_t n = 0;
    for (const nas_embedded *e = nas_embedded_spaces; e->name != NULL && n < MAX_BUILTIN; e++) {
        snprintf(text[n], sizeof text[n], "%.*s", (int)(strlen(e->name) - strlen(".yaml")),
                 e->name);
        names[n] = text[n];
        n++;
    }
    names[n] = NULL;
    return names;
}

static nas_status unknown_space(const char *name) {
    const char *const *names = nas_space_names();
    size_t n = 0;
    while (names[n] != NULL)
        n++;
    const char *near = nas_nearest(name, names, n);
    if (near != NULL)
        return nas_fail(NAS_E_NOT_FOUND, "no built-in space '%.60s'; did you mean '%s'?", name,
                        near);
    return nas_fail(NAS_E_NOT_FOUND,
                    "no built-in space '%.60s'; a file's name has a '/' or ends in .yaml", name);
}

static bool is_path(const char *name) {
    size_t n = strlen(name);
    return strchr(name, '/') != NULL || (n >= 5 && strcmp(name + n - 5, ".yaml") == 0) ||
           (n >= 4 && strcmp(name + n - 4, ".yml") == 0);
}

nas_status nas_space_open(nas_space **out, const char *name_or_path) {
    char *text;
    size_t n;
    if (!is_path(name_or_path)) {
        for (const nas_embedded *e = nas_embedded_spaces; e->name != NULL; e++)
            if (is_builtin(e, name_or_path))
                return nas_space_parse(out, e->text, e->n, e->name);
        return unknown_space(name_or_path);
    }
    NAS_TRY(nas_file_read(&text, &n, name_or_path, MAX_FILE));
    nas_status st = nas_space_parse(out, text, n, name_or_path);
    nas_free(text);
    return st;
}

/* ---- reading ---- */

const char *nas_space_name(const nas_space *s) {
    return s->name;
}

const char *nas_space_about(const nas_space *s) {
    return s->about;
}

static nas_status most(void *ctx, const worth *w) {
    int32_t *size = ctx;
    *size = w->is_number && w->number > *size ? (int32_t)w->number : *size;
    return NAS_OK;
}

static void largest(int32_t hwc[3], const nas_space *s, const plan *p) {
    bool all;
    for (uint32_t i = 0; i < p->n; i++) {
        if (p->kind == PLAN_CHOOSE)
            largest(hwc, s, p->kid[i]);
        else if (plan_each_worth(&all, s, p->kid[i], most, &hwc[i]) != NAS_OK)
            return;
    }
}

void nas_space_input(const nas_space *s, int32_t hwc[3], int32_t *classes) {
    memset(hwc, 0, 3 * sizeof *hwc);
    largest(hwc, s, s->hwc);
    *classes = s->classes;
}

void nas_space_text(nas_text *out, const nas_space *s) {
    nas_yaml_print(out, nas_yaml_root(s->doc));
}

uint32_t nas_space_gene_count(const nas_space *s) {
    return s->n_genes;
}

const nas_gene *nas_space_gene(const nas_space *s, uint32_t i) {
    return &s->gene[i];
}

double nas_space_size(const nas_space *s) {
    return bignum_double(&s->size);
}

void nas_space_size_text(nas_text *out, const nas_space *s) {
    char text[BIGNUM_TEXT];
    bignum_text(text, &s->size);
    nas_text_add(out, "%s", text);
}

/* ---- networks ---- */

nas_status nas_space_network(nas_text *yaml, const nas_space *s, const nas_genome *x) {
    arena mem = {0};
    form *net;
    int32_t hwc[3];
    nas_status st = resolve_net(&net, &mem, s, x);
    if (st == NAS_OK) {
        resolve_input(hwc, s, x->gene);
        st = print_network(yaml, s, net, hwc);
    }
    arena_free(&mem);
    return st;
}

nas_status nas_space_graph(nas_graph **out, const nas_space *s, const nas_genome *x,
                           int32_t batch) {
    arena mem = {0};
    form *net;
    int32_t hwc[3];
    nas_graph *g = NULL;
    nas_status st = NAS_OK;
    NAS_GO(resolve_net(&net, &mem, s, x));
    NAS_GO(constraints_genes(s, x));
    resolve_input(hwc, s, x->gene);
    NAS_GO(build_network(&g, s, net, hwc, batch));
    NAS_GO(constraints_counts(s, x, g));
    *out = g;
    g = NULL;
done:
    nas_graph_free(g);
    arena_free(&mem);
    return st;
}

/* The first choice in file order. */
static const nas_yaml_node *first_choice(const nas_yaml_node *n) {
    if (nas_yaml_kind_of(n) == NAS_YAML_SCALAR)
        return NULL;
    if (nas_yaml_kind_of(n) == NAS_YAML_MAP && nas_yaml_get(n, "choose") != NULL)
        return n;
    const nas_yaml_node *found = NULL;
    for (size_t i = 0; found == NULL && i < nas_yaml_count(n); i++)
        found = first_choice(nas_yaml_at(n, i));
    return found;
}

nas_status nas_network_graph(nas_graph **out, const char *yaml_text, size_t n, const char *name,
                             int32_t batch) {
    nas_space *s;
    nas_genome none = {0};
    NAS_TRY(nas_space_parse(&s, yaml_text, n, name));
    const nas_yaml_node *choice = first_choice(nas_yaml_root(s->doc));
    nas_status st =
        choice != NULL
            ? nas_yaml_fail(choice, "a network has no choices left; this file is a space of %g",
                            nas_space_size(s))
            : nas_space_graph(out, s, &none, batch);
    nas_space_free(s);
    return st;
}
