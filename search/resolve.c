/* search/resolve.c - plan and genome to a network without choices. */
#include <stdlib.h>
#include <string.h>

#include "plan.h"

static const nas_yaml_node *let_value(const nas_space *s, int32_t index, const uint16_t *gene) {
    const let *l = &s->lets[index];
    return l->option[l->gene == NO_GENE ? 0 : gene[l->gene]];
}

int64_t plan_number(const nas_space *s, const plan *p, const uint16_t *gene) {
    while (p->kind == PLAN_CHOOSE)
        p = p->kid[gene[p->gene]];
    if (p->kind == PLAN_SCALAR)
        return strtoll(p->text, NULL, 10);
    int64_t v = p->factor > 0 ? p->factor : 1;
    for (uint32_t i = 0; i < p->n_lets; i++) {
        v *= strtoll(nas_yaml_scalar(let_value(s, p->let[i], gene)), NULL, 10);
        v = v > INT32_MAX ? INT32_MAX : v; /* far over every bound: the argument's check fails */
    }
    return v;
}

typedef struct resolver {
    arena *mem;
    const nas_space *s;
    const uint16_t *gene;
} resolver;

static nas_status form_new(form **out, const resolver *r, form_kind kind, const plan *p,
                           uint32_t n) {
    form *f = arena_new(r->mem, sizeof *f);
    form **kid = arena_new(r->mem, (n + 1) * sizeof(form *));
    if (f == NULL || kid == NULL)
        return nas_fail_memory(sizeof *f);
    *f = (form){.kind = kind, .at = p->at, .key = p->key, .text = p->text, .n = n, .kid = kid};
    *out = f;
    return NAS_OK;
}

static nas_status resolve(form **out, const resolver *r, const plan *p) {
    if (p->kind == PLAN_CHOOSE) {
        NAS_TRY(resolve(out, r, p->kid[r->gene[p->gene]]));
        (*out)->key = p->key != NULL ? p->key : (*out)->key;
        return NAS_OK;
    }
    static const form_kind kinds[] = {[PLAN_SCALAR] = FORM_SCALAR,
                                      [PLAN_SEQ] = FORM_SEQ,
                                      [PLAN_MAP] = FORM_MAP,
                                      [PLAN_REF] = FORM_SCALAR,
                                      [PLAN_COPIES] = FORM_SEQ};
    uint32_t n = p->n;
    if (p->kind == PLAN_COPIES)
        n = (uint32_t)plan_number(r->s, p->repeat, r->gene);
    form *f = NULL;
    NAS_TRY(form_new(&f, r, kinds[p->kind], p, n));
    if (p->kind == PLAN_COPIES)
        f->copies = p->many ? COPIES_OF_BLOCKS : COPIES_OF_BLOCK;
    if (p->kind == PLAN_SCALAR)
        f->value = p->at;
    if (p->kind == PLAN_REF) {
        f->value = p->factor == 0 ? let_value(r->s, p->let[0], r->gene) : NULL;
        f->text = f->value != NULL
                      ? nas_yaml_scalar(f->value)
                      : arena_text(r->mem, "%lld", (long long)plan_number(r->s, p, r->gene));
        if (f->text == NULL)
            return nas_fail_memory(1);
    }
    for (uint32_t i = 0; i < n; i++)
        NAS_TRY(resolve(&f->kid[i], r, p->kid[i]));
    *out = f;
    return NAS_OK;
}

nas_status resolve_net(form **out, arena *mem, const nas_space *s, const nas_genome *x) {
    if (x->n != s->n_genes)
        return nas_fail(NAS_E_ARG, "%s: a genome of %u genes, the space has %u", s->name, x->n,
                        s->n_genes);
    for (uint32_t i = 0; i < x->n; i++)
        if (x->gene[i] >= s->gene[i].n)
            return nas_fail(NAS_E_ARG, "%s: option %u of %s, which has %u", s->name, x->gene[i],
                            s->gene[i].path, s->gene[i].n);
    resolver r = {.mem = mem, .s = s, .gene = x->gene};
    return resolve(out, &r, s->net);
}

const form *form_get(const form *map, const char *key) {
    for (uint32_t i = 0; i < map->n; i++)
        if (strcmp(map->kid[i]->key, key) == 0)
            return map->kid[i];
    return NULL;
}
