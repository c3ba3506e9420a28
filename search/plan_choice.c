/* search/plan_choice.c - a choice between blocks: its gene, names and alternatives. */
#include <string.h>

#include "plan.h"

/* What an alternative's option and genes are called: its key, or its kind if no other alternative
 * has that; NULL: it has only its number. */
static const char *alternative_label(const nas_yaml_node *options, uint32_t i) {
    if ((nas_yaml_kind_of(options) == NAS_YAML_MAP))
        return nas_yaml_key(options, i);
    const char *kind = plan_kind_of(nas_yaml_at(options, i));
    for (uint32_t k = 0; kind != NULL && k < nas_yaml_count(options); k++) {
        const char *other = plan_kind_of(nas_yaml_at(options, k));
        if (k != i && other != NULL && strcmp(kind, other) == 0)
            return NULL;
    }
    return kind;
}

/* Where alternatives stand, and the path of the gene. own: the choice's name or NULL. */
static nas_status place_alternatives(place *inner, const char **gene, nas_space *s, place at,
                                     const char *own, bool keyed) {
    const char *base, *named = NULL;
    *inner = (place){.name = at.name, .nameless = at.nameless, .later = at.later};
    NAS_TRY(plan_join(&base, s, at.prefix, at.label));
    if (own != NULL) {
        NAS_TRY(plan_join(&named, s, at.list ? at.prefix : base, own));
        *gene = named;
        /* the body of a block that the file defines is called as its use */
        if (at.list || at.name == NULL)
            inner->name = at.nameless ? NULL : own;
    } else {
        NAS_TRY(plan_join(gene, s, base, "choose"));
    }
    inner->prefix = named != NULL ? named : base;
    if (keyed)
        inner->prefix = at.list ? at.prefix : base;
    return NAS_OK;
}

/* The value of a choice between blocks is what its alternative is called. */
static nas_status name_choice(nas_space *s, const plan *choice, const char *path) {
    plan *p;
    NAS_TRY(plan_new(&p, s, PLAN_CHOOSE, choice->at, choice->n));
    p->gene = choice->gene;
    for (uint32_t i = 0; i < p->n; i++) {
        NAS_TRY(plan_new(&p->kid[i], s, PLAN_SCALAR, choice->at, 0));
        p->kid[i]->text = s->gene[p->gene].choices[i];
    }
    return name_add(s, path, p);
}

nas_status plan_choice(plan **out, nas_space *s, const nas_yaml_node *n, place at) {
    static const char *const keys[] = {"choose", "name"};
    const nas_yaml_node *options = nas_yaml_get(n, "choose"), *where;
    const context *here = s->here;
    const char *own, *gene, **label;
    char number[16];
    place inner;
    plan *p;
    NAS_TRY(nas_yaml_only(n, keys, 2));
    NAS_TRY(plan_own_name(&own, &where, n));
    if (nas_yaml_scalar(options) != NULL)
        return nas_yaml_fail(options, "choose: expected a list of alternatives");
    NAS_TRY(
        place_alternatives(&inner, &gene, s, at, own, (nas_yaml_kind_of(options) == NAS_YAML_MAP)));
    NAS_TRY(plan_new(&p, s, PLAN_CHOOSE, n, nas_yaml_count(options)));
    if ((label = arena_new(&s->mem, (p->n + 1) * sizeof *label)) == NULL)
        return nas_fail_memory(p->n * sizeof *label);
    for (uint32_t i = 0; i < p->n; i++) {
        label[i] = alternative_label(options, i);
        if ((nas_yaml_kind_of(options) == NAS_YAML_MAP))
            NAS_TRY(plan_check_name(label[i], nas_yaml_at(options, i)));
    }
    NAS_TRY(gene_new(&p->gene, s, options, gene, label));
    NAS_TRY(name_choice(s, p, gene));
    for (uint32_t i = 0; i < p->n; i++) {
        snprintf(number, sizeof number, "%u", i);
        inner.label = label[i] != NULL ? label[i] : number;
        if ((nas_yaml_kind_of(options) == NAS_YAML_MAP) && at.list)
            inner.name = inner.label;
        NAS_TRY(context_enter(s));
        NAS_TRY(plan_item(&p->kid[i], s, nas_yaml_at(options, i), inner));
        s->here = here;
    }
    *out = p;
    return NAS_OK;
}
