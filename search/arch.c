/* search/arch.c - a network's name in its space's own notation, and back. */
#include <stdlib.h>
#include <string.h>

#include "plan.h"

/* A template is literals and genes in turn; a space without one has "-" between all its genes. */

enum { NO_TEMPLATE_GENE = -1 };

static nas_status unknown_gene(const nas_space *s, const nas_yaml_node *at, const char *name) {
    const char *known[NAS_MAX_GENES];
    for (uint32_t i = 0; i < s->n_genes; i++)
        known[i] = s->gene[i].path;
    const char *near = nas_nearest(name, known, s->n_genes);
    return nas_yaml_fail(at, "arch: no gene '%.60s'%s%s%s", name, near ? "; did you mean '" : "",
                         near ? near : "", near ? "'?" : "");
}

static int32_t find_gene(const nas_space *s, const char *name, size_t n) {
    for (uint32_t i = 0; i < s->n_genes; i++)
        if (strlen(s->gene[i].path) == n && strncmp(s->gene[i].path, name, n) == 0)
            return (int32_t)i;
    return NO_TEMPLATE_GENE;
}

/* The piece that starts at *p, which moves behind it. */
static nas_status read_piece(arch_piece *out, nas_space *s, const nas_yaml_node *at,
                             const char **p) {
    size_t n = strcspn(*p, "{");
    const char *text = arena_text(&s->mem, "%.*s", (int)n, *p);
    if (text == NULL)
        return nas_fail_memory(n);
    *out = (arch_piece){.text = text, .gene = NO_TEMPLATE_GENE};
    *p += n;
    if (**p == '\0')
        return NAS_OK;
    size_t length = strcspn(++*p, "}");
    if ((*p)[length] == '\0')
        return nas_yaml_fail(at, "arch: '{%.40s' has no closing '}'", *p);
    out->gene = find_gene(s, *p, length);
    if (out->gene == NO_TEMPLATE_GENE)
        return unknown_gene(s, at, arena_text(&s->mem, "%.*s", (int)length, *p));
    *p += length + 1;
    return NAS_OK;
}

nas_status arch_read(nas_space *s, const nas_yaml_node *at) {
    const char *text;
    bool named[NAS_MAX_GENES] = {false};
    NAS_TRY(nas_yaml_string(&text, at));
    size_t most = 1;
    for (const char *p = text; *p; p++)
        most += *p == '{';
    s->arch = arena_new(&s->mem, most * sizeof *s->arch);
    if (s->arch == NULL)
        return nas_fail_memory(most * sizeof *s->arch);
    while (*text != '\0') {
        arch_piece *piece = &s->arch[s->n_arch];
        NAS_TRY(read_piece(piece, s, at, &text));
        s->n_arch++;
        if (piece->gene != NO_TEMPLATE_GENE)
            named[piece->gene] = true;
    }
    for (uint32_t i = 0; i < s->n_genes; i++)
        if (!named[i])
            return nas_yaml_fail(at, "arch: gene %s is missing, so two networks would share a name",
                                 s->gene[i].path);
    return NAS_OK;
}

static nas_status check_genome(const nas_space *s, const nas_genome *x) {
    if (x->n != s->n_genes)
        return nas_fail(NAS_E_ARG, "%s: a genome of %u genes, the space has %u", s->name, x->n,
                        s->n_genes);
    for (uint32_t i = 0; i < x->n; i++)
        if (x->gene[i] >= s->gene[i].n)
            return nas_fail(NAS_E_ARG, "%s: option %u of %s, which has %u", s->name, x->gene[i],
                            s->gene[i].path, s->gene[i].n);
    return NAS_OK;
}

nas_status nas_space_arch(nas_text *out, const nas_space *s, const nas_genome *x) {
    NAS_TRY(check_genome(s, x));
    for (uint32_t i = 0; s->n_arch == 0 && i < x->n; i++)
        nas_text_add(out, "%s%u", i > 0 ? "-" : "", x->gene[i]);
    for (uint32_t i = 0; i < s->n_arch; i++) {
        const arch_piece *p = &s->arch[i];
        nas_text_add(out, "%s", p->text);
        if (p->gene != NO_TEMPLATE_GENE)
            nas_text_add(out, "%s", s->gene[p->gene].choices[x->gene[p->gene]]);
    }
    return nas_text_check(out);
}

/* ---- and back ---- */

/* Matches pieces from `i` on. An option may begin another ("3" and "32"), so each is tried; a gene
 * that was met before keeps its option. */
static bool match(nas_genome *x, bool *set, const nas_space *s, uint32_t i, const char *text) {
    if (i == s->n_arch)
        return *text == '\0';
    const arch_piece *p = &s->arch[i];
    size_t n = strlen(p->text);
    if (strncmp(text, p->text, n) != 0)
        return false;
    text += n;
    if (p->gene == NO_TEMPLATE_GENE)
        return match(x, set, s, i + 1, text);
    const nas_gene *g = &s->gene[p->gene];
    bool fixed = set[p->gene];
    for (uint32_t k = fixed ? x->gene[p->gene] : 0; k < g->n; k++) {
        size_t length = strlen(g->choices[k]);
        if (strncmp(text, g->choices[k], length) == 0) {
            x->gene[p->gene] = (uint16_t)k;
            set[p->gene] = true;
            if (match(x, set, s, i + 1, text + length))
                return true;
            set[p->gene] = fixed;
        }
        if (fixed)
            break;
    }
    return false;
}

static bool read_numbers(nas_genome *x, const nas_space *s, const char *text) {
    for (uint32_t i = 0; i < s->n_genes; i++) {
        char *end;
        if (*text < '0' || *text > '9')
            return false;
        unsigned long v = strtoul(text, &end, 10);
        if (v >= s->gene[i].n || *end != (i + 1 < s->n_genes ? '-' : '\0'))
            return false;
        x->gene[i] = (uint16_t)v;
        text = end + (*end == '-');
    }
    return *text == '\0';
}

nas_status nas_space_from_arch(nas_genome *out, const nas_space *s, const char *text) {
    nas_genome x = {.n = s->n_genes};
    bool set[NAS_MAX_GENES] = {false};
    if (!(s->n_arch > 0 ? match(&x, set, s, 0, text) : read_numbers(&x, s, text))) {
        nas_text example = {0};
        nas_genome first = {.n = s->n_genes};
        nas_space_canonical(&first, s);
        nas_status st = nas_space_arch(&example, s, &first);
        if (st == NAS_OK)
            st = nas_fail(NAS_E_PARSE, "'%.100s' is no network of %s, whose names look like '%s'",
                          text, s->name, nas_text_str(&example));
        nas_text_free(&example);
        return st;
    }
    nas_space_canonical(&x, s);
    *out = x;
    return NAS_OK;
}
