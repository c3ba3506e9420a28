/* search/resolve.c - plan and genome to a network without choices. */
#include <assert.h>
#include <math.h>
#include <string.h>

#include "plan.h"

static const nas_yaml_node *let_value(const nas_space *s, int32_t index, const uint16_t *gene) {
    const let *l = &s->lets[index];
    return l->option[l->gene == NO_GENE ? 0 : gene[l->gene]];
}

/* ---- what values are worth ---- */

/* Of the network whose constraints are being checked. */
static _Thread_local struct { double params, macs; } counts;

void plan_set_counts(double params, double macs) {
    counts.params = params;
    counts.macs = macs;
}

static bool digits(double *out, const char **c) {
    const char *start = *c;
    for (; **c >= '0' && **c <= '9'; (*c)++)
        *out = *out * 10 + (**c - '0');
    return *c > start;
}

worth text_worth(const char *text) {
    const char *c = text + (*text == '-');
    double v = 0, part = 0, power = 0;
    bool whole = digits(&v, &c);
    if (strcmp(text, "true") == 0 || strcmp(text, "false") == 0)
        return (worth){.is_number = true, .number = text[0] == 't', .text = text};
    if (*c == '.') {
        const char *point = ++c;
        whole = digits(&part, &c) || whole;
        v += part / pow(10, (double)(c - point));
    }
    if (whole && (*c == 'e' || *c == 'E')) {
        double sign = c[1] == '-' ? -1 : 1;
        c += 1 + (c[1] == '-' || c[1] == '+');
        whole = digits(&power, &c);
        v *= pow(10, sign * power);
    }
    if (!whole || *c != '\0' || !isfinite(v))
        return (worth){.text = text};
    return (worth){.is_number = true, .number = *text == '-' ? -v : v, .text = text};
}

nas_status let_worth(worth *out, const nas_space *s, int32_t index, const uint16_t *gene) {
    const let *l = &s->lets[index];
    uint32_t option = l->gene == NO_GENE ? 0 : gene[l->gene];
    if (l->expr[option] != NULL)
        return expr_worth(out, s, l->expr[option], gene);
    *out = text_worth(nas_yaml_scalar(l->option[option]));
    return NAS_OK;
}

static nas_status product_worth(worth *out, const nas_space *s, const plan *p,
                                const uint16_t *gene) {
    *out = (worth){.is_number = true, .number = (double)p->factor};
    for (uint32_t i = 0; i < p->n_lets; i++) {
        worth w;
        NAS_TRY(let_worth(&w, s, p->let[i], gene));
        if (!w.is_number)
            return nas_yaml_fail(p->at, "'%.40s': '%.30s' is no number", p->text, w.text);
        out->number *= w.number;
    }
    return NAS_OK;
}

nas_status plan_worth(worth *out, const nas_space *s, const plan *p, const uint16_t *gene) {
    if (p->kind == PLAN_COUNT) {
        *out = (worth){.is_number = true,
                       .number = strcmp(p->text, "macs") == 0 ? counts.macs : counts.params};
        return NAS_OK;
    }
    while (p->kind == PLAN_CHOOSE || p->kind == PLAN_ALIAS)
        p = p->kid[p->kind == PLAN_CHOOSE ? gene[p->gene] : 0];
    if (p->kind == PLAN_EXPR)
        return expr_worth(out, s, p->expr, gene);
    if (p->kind == PLAN_REF && p->factor == 0)
        return let_worth(out, s, p->let[0], gene);
    if (p->kind == PLAN_REF)
        return product_worth(out, s, p, gene);
    *out = text_worth(p->text != NULL ? p->text : "");
    return NAS_OK;
}

int64_t plan_number(const nas_space *s, const plan *p, const uint16_t *gene) {
    worth w = {0};
    nas_status st = plan_worth(&w, s, p, gene);
    if (st != NAS_OK || !w.is_number || !(w.number > 0))
        return 0;
    return w.number > INT32_MAX ? INT32_MAX : (int64_t)w.number;
}

/* Numbers are compared as such, and not to the last bit: 0.1 + 0.2 is the label 0.3. */
static bool label_is(const char *label, const worth *w) {
    double v;
    if (!w->is_number)
        return strcmp(label, w->text) == 0;
    return nas_number_read(&v, label) && fabs(v - w->number) <= 1e-9 * fabs(v);
}

/* A case none of whose labels is met takes the last alternative, its else. */
static const plan *case_now(const nas_space *s, const plan *p, const uint16_t *gene) {
    worth w = {0};
    if (expr_worth(&w, s, p->expr, gene) != NAS_OK)
        return p->kid[p->n - 1];
    for (uint32_t i = 0; i + 1 < p->n; i++)
        if (label_is(p->label[i], &w))
            return p->kid[i];
    return p->kid[p->n - 1];
}

const plan *plan_instead(const nas_space *s, const plan *p, const uint16_t *gene) {
    if (p->kind == PLAN_CHOOSE)
        return p->kid[gene[p->gene]];
    if (p->kind == PLAN_ALIAS || p->kind == PLAN_OWN)
        return p->kid[0];
    return p->kind == PLAN_CASE ? case_now(s, p, gene) : NULL;
}

uint32_t plan_copies_now(const nas_space *s, const plan *p, const uint16_t *gene) {
    int64_t n = plan_number(s, p->repeat, gene);
    return n > p->n ? p->n : (uint32_t)n;
}

/* ---- networks ---- */

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

static nas_status computed(form *f, const resolver *r, const plan *p) {
    worth w;
    NAS_TRY(plan_worth(&w, r->s, p, r->gene));
    f->value = NULL;
    f->number = w.is_number ? w.number : 0;
    if (!w.is_number) {
        f->text = w.text;
        return NAS_OK;
    }
    nas_text t = {0};
    nas_text_json_number(&t, w.number);
    f->text = t.failed ? NULL : arena_text(r->mem, "%s", nas_text_str(&t));
    nas_text_free(&t);
    return f->text == NULL ? nas_fail_memory(1) : NAS_OK;
}

static nas_status resolve(form **out, const resolver *r, const plan *p) {
    const plan *instead = plan_instead(r->s, p, r->gene);
    if (instead != NULL) {
        NAS_TRY(resolve(out, r, instead));
        (*out)->key = p->key != NULL ? p->key : (*out)->key;
        return NAS_OK;
    }
    static const form_kind kinds[] = {
        [PLAN_SCALAR] = FORM_SCALAR, [PLAN_SEQ] = FORM_SEQ,     [PLAN_MAP] = FORM_MAP,
        [PLAN_REF] = FORM_SCALAR,    [PLAN_EXPR] = FORM_SCALAR, [PLAN_COPIES] = FORM_SEQ};
    uint32_t n = p->n;
    if (p->kind == PLAN_COPIES)
        n = (uint32_t)plan_copies_now(r->s, p, r->gene);
    form *f = NULL;
    NAS_TRY(form_new(&f, r, kinds[p->kind], p, n));
    if (p->kind == PLAN_COPIES)
        f->copies = p->many ? COPIES_OF_BLOCKS : COPIES_OF_BLOCK;
    if (p->kind == PLAN_SCALAR)
        f->value = p->at;
    const let *l = p->kind == PLAN_REF && p->factor == 0 ? &r->s->lets[p->let[0]] : NULL;
    if (l != NULL && l->expr[l->gene == NO_GENE ? 0 : r->gene[l->gene]] == NULL) {
        f->value = let_value(r->s, p->let[0], r->gene);
        f->text = nas_yaml_scalar(f->value);
    } else if (p->kind == PLAN_REF || p->kind == PLAN_EXPR) {
        NAS_TRY(computed(f, r, p));
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

void resolve_input(int32_t hwc[3], const nas_space *s, const uint16_t *gene) {
    const plan *p = s->hwc, *instead;
    while ((instead = plan_instead(s, p, gene)) != NULL)
        p = instead;
    assert(p->kind == PLAN_SEQ);
    for (uint32_t i = 0; i < 3; i++)
        hwc[i] = (int32_t)plan_number(s, p->kid[i], gene);
}

const form *form_get(const form *map, const char *key) {
    for (uint32_t i = 0; i < map->n; i++)
        if (strcmp(map->kid[i]->key, key) == 0)
            return map->kid[i];
    return NULL;
}
