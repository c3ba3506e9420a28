/* search/values.c - the values of arguments: scalars, choices between values, let names; genes. */
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "plan.h"

#define NAME_LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_0123456789"

/* ---- scalars ---- */

static bool in_words(const block_arg *a, const char *text) {
    nas_act act;
    if (a->type == ARG_ACT)
        return nas_act_from_name(&act, text) == NAS_OK;
    for (size_t i = 0; a->words != NULL && a->words[i] != NULL; i++)
        if (strcmp(a->words[i], text) == 0)
            return true;
    return a->type == ARG_PAD && (strcmp(text, "same") == 0 || strcmp(text, "valid") == 0);
}

static nas_status check_word(const block_arg *a, const nas_yaml_node *n) {
    const char *s;
    size_t count = 0;
    NAS_TRY(nas_yaml_string(&s, n));
    for (; a->words[count] != NULL; count++)
        if (strcmp(s, a->words[count]) == 0)
            return NAS_OK;
    nas_text all = {0};
    for (size_t i = 0; i < count; i++)
        nas_text_add(&all, "%s%s", i > 0 ? ", " : "", a->words[i]);
    nas_status st =
        nas_yaml_fail(n, "%s: expected one of %s, found '%.40s'", a->name, nas_text_str(&all), s);
    nas_text_free(&all);
    return st;
}

static nas_status check_act(const block_arg *a, const nas_yaml_node *n) {
    const char *s;
    nas_act act;
    NAS_TRY(nas_yaml_string(&s, n));
    if (nas_act_from_name(&act, s) == NAS_OK)
        return NAS_OK;
    char why[256];
    snprintf(why, sizeof why, "%s", nas_error_text());
    return nas_yaml_fail(n, "%s: %s", a->name, why);
}

static nas_status check_pad(const block_arg *a, const nas_yaml_node *n) {
    const char *s = nas_yaml_scalar(n);
    int64_t v;
    if (s != NULL && (strcmp(s, "same") == 0 || strcmp(s, "valid") == 0))
        return NAS_OK;
    if (s != NULL && nas_yaml_int(&v, n, 0, (int64_t)a->max) == NAS_OK)
        return NAS_OK;
    return nas_yaml_fail(n, "%s: expected same, valid or a whole number from 0 to %g", a->name,
                         a->max);
}

/* Puts the argument's name into the line that a typed reader of core recorded. */
static nas_status named(nas_status st, const block_arg *a, const nas_yaml_node *n) {
    if (st != NAS_E_PARSE)
        return st;
    char why[512];
    const char *line = nas_error_text(), *found = strstr(line, ": expected");
    snprintf(why, sizeof why, "%s", found != NULL ? found + 2 : line);
    return nas_yaml_fail(n, "%s: %s", a->name, why);
}

static nas_status check_int(const block_arg *a, const nas_yaml_node *n) {
    int64_t v;
    const char *text = nas_yaml_scalar(n);
    if (text != NULL && in_words(a, text))
        return NAS_OK;
    return named(nas_yaml_int(&v, n, (int64_t)a->min, (int64_t)a->max), a, n);
}

static nas_status check_real(const block_arg *a, const nas_yaml_node *n) {
    double v;
    return named(nas_yaml_double(&v, n, a->min, a->max), a, n);
}

static nas_status check_bool(const block_arg *a, const nas_yaml_node *n) {
    bool v;
    return named(nas_yaml_bool(&v, n), a, n);
}

static nas_status check_any(const block_arg *a, const nas_yaml_node *n) {
    const char *text = nas_yaml_scalar(n);
    return text != NULL && text[0] != '\0' ? NAS_OK
                                           : nas_yaml_fail(n, "%s: expected a value", a->name);
}

nas_status check_scalar(const block_arg *a, const nas_yaml_node *n) {
    static nas_status (*const check[])(const block_arg *, const nas_yaml_node *) = {
        [ARG_INT] = check_int,   [ARG_REAL] = check_real, [ARG_BOOL] = check_bool,
        [ARG_WORD] = check_word, [ARG_ACT] = check_act,   [ARG_PAD] = check_pad,
        [ARG_ANY] = check_any};
    return check[a->type](a, n);
}

/* ---- computed values ---- */

static nas_status expected(const block_arg *a, const nas_yaml_node *at, const worth *w,
                           const char *what) {
    if (w->is_number)
        return nas_yaml_fail(at, "%s: expected %s, '%.60s' gives %.10g", a->name, what,
                             nas_yaml_scalar(at), w->number);
    return nas_yaml_fail(at, "%s: expected %s, '%.60s' gives '%.40s'", a->name, what,
                         nas_yaml_scalar(at), w->text);
}

nas_status check_worth(const block_arg *a, const nas_yaml_node *at, const worth *w) {
    char range[80];
    bool whole = a->type == ARG_INT || a->type == ARG_PAD;
    snprintf(range, sizeof range, "a %s from %.10g to %.10g", whole ? "whole number" : "number",
             a->min, a->max);
    if (a->type == ARG_ANY || (!w->is_number && in_words(a, w->text)))
        return NAS_OK;
    if (a->type == ARG_BOOL)
        return w->is_number && (w->number == 0 || w->number == 1)
                   ? NAS_OK
                   : expected(a, at, w, "true or false");
    if (a->type == ARG_WORD || a->type == ARG_ACT)
        return expected(a, at, w, "another word");
    if (!w->is_number || w->number < a->min || w->number > a->max ||
        (whole && w->number != floor(w->number)))
        return expected(a, at, w, range);
    return NAS_OK;
}

/* ---- genes ---- */

static bool rising_numbers(const nas_yaml_node *options) {
    double v, before = 0;
    for (uint32_t i = 0; i < nas_yaml_count(options); i++) {
        if (nas_yaml_double(&v, nas_yaml_at(options, i), -DBL_MAX, DBL_MAX) != NAS_OK ||
            (i > 0 && !(v > before)))
            return false;
        before = v;
    }
    return true;
}

static nas_status option_texts(const char **text, nas_space *s, const nas_yaml_node *options,
                               const char *const *label) {
    uint32_t n = (uint32_t)nas_yaml_count(options);
    for (uint32_t i = 0; i < n; i++) {
        nas_text t = {0};
        if (label != NULL && label[i] != NULL)
            nas_text_add(&t, "%s", label[i]);
        else
            print_flow_yaml(&t, nas_yaml_at(options, i));
        text[i] = t.failed ? NULL : arena_text(&s->mem, "%s", nas_text_str(&t));
        nas_text_free(&t);
        if (text[i] == NULL)
            return nas_fail_memory(1);
        for (uint32_t k = 0; k < i; k++)
            if (strcmp(text[k], text[i]) == 0)
                return nas_yaml_fail(nas_yaml_at(options, i),
                                     "option '%.60s' stands twice in this choice", text[i]);
    }
    return NAS_OK;
}

nas_status shared_path(const char **out, nas_space *s, const char *path) {
    size_t n = s->shared_from != NULL ? strlen(s->shared_from) : 0;
    *out = NULL;
    if (n == 0 || strncmp(path, s->shared_from, n) != 0 || path[n] != '.')
        return NAS_OK;
    *out = arena_text(&s->mem, "%s%s", s->shared_as, path + n);
    return *out == NULL ? nas_fail_memory(n) : NAS_OK;
}

nas_status gene_new(int32_t *out, nas_space *s, const nas_yaml_node *options, const char *path,
                    const char *const *label) {
    size_t n = nas_yaml_count(options);
    const char *shared;
    NAS_TRY(shared_path(&shared, s, path));
    path = shared != NULL ? shared : path;
    if (n == 0)
        return nas_yaml_fail(options, "choose: expected at least one option");
    if (n > UINT16_MAX / 16)
        return nas_yaml_fail(options, "choose: %zu options, at most %d are possible", n,
                             UINT16_MAX / 16);
    if (s->n_genes == NAS_MAX_GENES)
        return nas_yaml_fail(options, "choice %s is one too many: a space has at most %d", path,
                             (int)NAS_MAX_GENES);
    for (uint32_t i = 0; i < s->n_genes; i++) {
        if (strcmp(s->gene[i].path, path) == 0 && path == shared && s->options[i] == options) {
            *out = (int32_t)i;
            return NAS_OK;
        }
        if (strcmp(s->gene[i].path, path) == 0)
            return nas_yaml_fail(options, "two choices are called %s: give the blocks names", path);
    }
    const char **text = arena_new(&s->mem, n * sizeof *text);
    const char *name = arena_text(&s->mem, "%s", path);
    if (text == NULL || name == NULL)
        return nas_fail_memory(n * sizeof *text);
    NAS_TRY(option_texts(text, s, options, label));
    nas_gene *g = &s->gene[s->n_genes];
    *g = (nas_gene){.path = name, .n = (uint32_t)n, .choices = text};
    g->ordinal = rising_numbers(options);
    s->bit[s->n_genes] = -1;
    s->options[s->n_genes] = options;
    s->late[s->n_genes] = shared != NULL;
    *out = (int32_t)s->n_genes++;
    return NAS_OK;
}

/* ---- let ---- */

static bool is_name(const char *s, size_t n) {
    for (size_t i = 0; i < n; i++) {
        bool letter = (s[i] >= 'a' && s[i] <= 'z') || (s[i] >= 'A' && s[i] <= 'Z') || s[i] == '_';
        if (!letter && (i == 0 || s[i] < '0' || s[i] > '9'))
            return false;
    }
    return n > 0;
}

static nas_status plan_let(nas_space *s, let *l) {
    const nas_yaml_node *options = choose_of(l->at);
    l->chosen = options != NULL;
    l->n = options != NULL ? (uint32_t)nas_yaml_count(options) : 1;
    l->option = arena_new(&s->mem, (l->n + 1) * sizeof *l->option);
    l->expr = arena_new(&s->mem, (l->n + 1) * sizeof *l->expr);
    if (l->option == NULL || l->expr == NULL)
        return nas_fail_memory(l->n * sizeof *l->option);
    if (l->n == 0)
        return nas_yaml_fail(options, "choose: expected at least one option");
    for (uint32_t i = 0; i < l->n; i++) {
        l->option[i] = options != NULL ? nas_yaml_at(options, i) : l->at;
        const char *text = nas_yaml_scalar(l->option[i]);
        if (text == NULL || text[0] == '$' || text[0] == '\0')
            return nas_yaml_fail(l->option[i], "let %s: expected a number or a word", l->name);
        if (is_expr(l->option[i])) {
            plan *p;
            NAS_TRY(plan_expr(&p, s, l->option[i], nas_yaml_scalar(l->option[i]) + 1, ""));
            l->expr[i] = p->expr;
        }
    }
    return NAS_OK;
}

nas_status plan_lets(nas_space *s, const nas_yaml_node *lets) {
    if (nas_yaml_kind_of(lets) != NAS_YAML_MAP)
        return nas_yaml_fail(lets, "let: expected a map of names and values");
    for (size_t i = 0; i < nas_yaml_count(lets); i++) {
        const char *name = nas_yaml_key(lets, i);
        const nas_yaml_node *at = nas_yaml_at(lets, i);
        if (!is_name(name, strlen(name)))
            return nas_yaml_fail(at, "let: '%.40s' is no name (letters, digits and _)", name);
        if (s->n_lets == MAX_LETS)
            return nas_yaml_fail(at, "let: at most %d names", (int)MAX_LETS);
        s->lets[s->n_lets] = (let){.name = name, .at = at, .gene = NO_GENE};
        NAS_TRY(plan_let(s, &s->lets[s->n_lets]));
        s->n_lets++; /* an expression knows the names before it */
    }
    return NAS_OK;
}

nas_status use_let(int32_t *out, nas_space *s, const nas_yaml_node *at, const char *name,
                   size_t n) {
    const char *known[MAX_LETS];
    char text[64];
    for (uint32_t i = 0; i < s->n_lets; i++) {
        let *l = &s->lets[i];
        known[i] = l->name;
        if (strlen(l->name) != n || strncmp(l->name, name, n) != 0)
            continue;
        if (l->chosen && l->gene == NO_GENE)
            NAS_TRY(gene_new(&l->gene, s, choose_of(l->at), l->name, NULL));
        if (l->gene != NO_GENE && s->bit[l->gene] < 0)
            NAS_TRY(gene_track(s, l->gene, l->at));
        if (l->gene != NO_GENE)
            s->late[l->gene] = true;
        l->used = true;
        *out = (int32_t)i;
        return NAS_OK;
    }
    snprintf(text, sizeof text, "%.*s", n > 60 ? 60 : (int)n, name);
    const char *near = nas_nearest(text, known, s->n_lets);
    return near != NULL
               ? nas_yaml_fail(at, "unknown name $%s; did you mean $%s?", text, near)
               : nas_yaml_fail(
                     at, "unknown name $%s: names are set under let, or under args of a block",
                     text);
}

/* Reads one term of "$a * $b * 2" at *p and moves behind it. */
static nas_status read_term(plan *r, nas_space *s, const char **p) {
    const char *c = *p + strspn(*p, " ");
    if (*c == '$') {
        size_t n = strspn(c + 1, NAME_LETTERS);
        if (r->n_lets == MAX_TERMS)
            return nas_yaml_fail(r->at, "'%.40s': at most %d names in a product", r->text,
                                 (int)MAX_TERMS);
        NAS_TRY(use_let(&r->let[r->n_lets++], s, r->at, c + 1, n));
        c += 1 + n;
    } else {
        char *end;
        long v = strtol(c, &end, 10);
        if (end == c || v < 1 || v > 65536 || r->factor > 65536)
            return nas_yaml_fail(r->at,
                                 "'%.40s': expected $name, or a product of names and whole "
                                 "numbers such as $name * 2",
                                 r->text);
        r->factor = (r->factor == 0 ? 1 : r->factor) * v;
        c = end;
    }
    *p = c + strspn(c, " ");
    return NAS_OK;
}

/* Every value that one let name and the factor can give must suit the argument. */
static nas_status check_ref(const block_arg *a, nas_space *s, const plan *r) {
    for (uint32_t k = 0; k < r->n_lets; k++) {
        const let *l = &s->lets[r->let[k]];
        for (uint32_t i = 0; i < l->n; i++) {
            int64_t v;
            if (l->expr[i] != NULL)
                continue;
            if (r->factor == 0) {
                NAS_TRY(check_scalar(a, l->option[i]));
                continue;
            }
            NAS_TRY(named(nas_yaml_int(&v, l->option[i], 1, 65536), a, l->option[i]));
            if ((double)(v * r->factor) > a->max)
                return nas_yaml_fail(r->at, "%s: %lld from '%.40s' is over %g", a->name,
                                     (long long)(v * r->factor), r->text, a->max);
        }
    }
    return NAS_OK;
}

typedef struct suits {
    const block_arg *arg;
    const nas_yaml_node *at;
} suits;

static nas_status check_one(void *ctx, const worth *w) {
    const suits *c = ctx;
    return check_worth(c->arg, c->at, w);
}

/* What can be computed is checked before anything is built from it. */
static nas_status check_all(const block_arg *a, nas_space *s, const plan *p) {
    bool all;
    return plan_each_worth(&all, s, p, check_one, &(suits){.arg = a, .at = p->at});
}

static nas_status plan_ref(plan **out, nas_space *s, const block_arg *a, const nas_yaml_node *n) {
    plan *r;
    NAS_TRY(plan_new(&r, s, PLAN_REF, n, 0));
    r->text = nas_yaml_scalar(n);
    const char *p = r->text;
    for (;;) {
        NAS_TRY(read_term(r, s, &p));
        if (*p == '\0')
            break;
        if (*p++ != '*')
            return nas_yaml_fail(n,
                                 "'%.40s': expected $name, or a product of names and whole "
                                 "numbers such as $name * 2",
                                 r->text);
    }
    if (r->n_lets > 1 && r->factor == 0)
        r->factor = 1;
    if (r->factor != 0 && a->type != ARG_INT && a->type != ARG_REAL && a->type != ARG_ANY)
        return nas_yaml_fail(n, "%s: a product is a number, which does not suit here", a->name);
    NAS_TRY(check_ref(a, s, r));
    *out = r;
    return check_all(a, s, r);
}

/* ---- parameters of the file's own blocks ---- */

/* A parameter is checked where it is used, since only there it has a type. */
static nas_status check_param(const block_arg *a, nas_space *s, const plan *p) {
    if (p->kind == PLAN_EXPR)
        return check_all(a, s, p);
    if (p->kind == PLAN_REF)
        return check_ref(a, s, p);
    for (uint32_t i = 0; i < p->n; i++)
        NAS_TRY(check_param(a, s, p->kid[i]));
    return p->kind == PLAN_SCALAR && nas_yaml_scalar(p->at) == p->text ? check_scalar(a, p->at)
                                                                       : NAS_OK;
}

/* "$name" or a product of such: of parameters around it, else of let names. */
static nas_status plan_dollar(plan **out, nas_space *s, const block_arg *a, const nas_yaml_node *n,
                              const char *path) {
    const char *text = nas_yaml_scalar(n);
    size_t length = strspn(text + 1, NAME_LETTERS);
    char name[64];
    snprintf(name, sizeof name, "%.*s", length < 63 ? (int)length : 63, text + 1);
    const named_value *param = param_find(s, name, path);
    if (param == NULL)
        return plan_ref(out, s, a, n);
    if (param->value == NULL)
        return nas_yaml_fail(n, "%s: $%s is a block, not a value", a->name, name);
    if (text[1 + length] != '\0') {
        NAS_TRY(plan_expr(out, s, n, text, path));
        return check_all(a, s, *out);
    }
    NAS_TRY(check_param(a, s, param->value));
    NAS_TRY(plan_new(out, s, PLAN_ALIAS, n, 1));
    (*out)->kid[0] = param->value;
    return NAS_OK;
}

/* ---- values ---- */

/* A list, or a map with a key that is nearly choose, is most often meant as a choice. */
static nas_status check_plain(const block_arg *a, const nas_yaml_node *n) {
    static const char *const keys[] = {"choose"};
    char line[600];
    nas_status st = check_scalar(a, n);
    if (st != NAS_E_PARSE || nas_yaml_kind_of(n) == NAS_YAML_SCALAR)
        return st;
    snprintf(line, sizeof line, "%s", nas_error_text());
    if (nas_yaml_kind_of(n) == NAS_YAML_MAP)
        NAS_TRY(nas_yaml_only(n, keys, 1));
    return nas_fail(st, "%s; a choice is {choose: [...]}", line);
}

nas_status plan_value(plan **out, nas_space *s, const block_arg *a, const nas_yaml_node *n,
                      const char *path) {
    plan *p;
    const nas_yaml_node *options = choose_of(n);
    const char *text = nas_yaml_scalar(n);
    if (text != NULL && text[0] == '$')
        return plan_dollar(out, s, a, n, path);
    if (is_expr(n)) {
        NAS_TRY(plan_expr(out, s, n, text + 1, path));
        return check_all(a, s, *out);
    }
    if (options == NULL) {
        NAS_TRY(check_plain(a, n));
        NAS_TRY(plan_new(&p, s, PLAN_SCALAR, n, 0));
        p->text = text;
        *out = p;
        return NAS_OK;
    }
    if (nas_yaml_kind_of(options) != NAS_YAML_SEQ)
        return nas_yaml_fail(options, "%s: expected choose: [option, ...]", a->name);
    NAS_TRY(plan_new(&p, s, PLAN_CHOOSE, n, nas_yaml_count(options)));
    NAS_TRY(gene_new(&p->gene, s, options, path, NULL));
    for (uint32_t i = 0; i < p->n; i++) {
        const char *inner = arena_text(&s->mem, "%s.%u", path, i);
        if (inner == NULL)
            return nas_fail_memory(1);
        NAS_TRY(plan_value(&p->kid[i], s, a, nas_yaml_at(options, i), inner));
    }
    *out = p;
    return NAS_OK;
}

static nas_status most_copies(void *ctx, const worth *w) {
    double *most = ctx;
    *most = fmax(*most, w->number);
    return NAS_OK;
}

/* How many copies a repeat can ask for at most; notes which genes beside its own decide it. */
nas_status mark_repeat(uint32_t *max, nas_space *s, const plan *r) {
    bool all;
    double most = 0;
    if (r->kind == PLAN_CHOOSE) {
        for (uint32_t i = 0; i < r->n; i++)
            NAS_TRY(mark_repeat(max, s, r->kid[i]));
        return NAS_OK;
    }
    NAS_TRY(plan_each_worth(&all, s, r, most_copies, &most));
    if (!all)
        return nas_yaml_fail(r->at, "repeat: '%.60s' depends on too many choices",
                             nas_yaml_scalar(r->at));
    if (most > MAX_REPEAT)
        return nas_yaml_fail(r->at, "repeat: %.0f copies, at most %d are possible", most,
                             (int)MAX_REPEAT);
    *max = most > *max ? (uint32_t)most : *max;
    return mark_counts(s, r);
}
