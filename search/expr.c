/* search/expr.c - reading and evaluating expressions over values. */
#include "expr.h"

#include <float.h>
#include <math.h>
#include <string.h>

#include "plan.h"

enum { MAX_KIDS = 8, MAX_DEPTH = 32, MAX_WORD = 64, MAX_TEXT = 1000, MAX_WEIGHT = 100000 };

typedef struct operator operator;
struct expr {
    const operator* op;
    const nas_yaml_node *at;
    worth constant;
    plan *value;
    uint32_t n, weight; /* weight: steps of one evaluation */
    expr *kid[MAX_KIDS];
};

typedef nas_status (*evaluate)(worth *out, const expr *e, const worth *v);
struct operator{
    const char *name;
    uint32_t least, most; /* arguments, of functions */
    evaluate run;
};

typedef struct parser {
    nas_space *s;
    const nas_yaml_node *at;
    const char *text, *c; /* whole, and what comes next */
    const expr_names *names;
    int depth;
} parser;

bool is_expr(const nas_yaml_node *n) {
    const char *t = nas_yaml_scalar(n);
    return t != NULL && t[0] == '=';
}

/* ---- operators ---- */

static nas_status number(worth *out, const expr *e, double v) {
    if (!isfinite(v))
        return nas_yaml_fail(e->at, "%s: the value is too large", e->op->name);
    *out = (worth){.is_number = true, .number = v};
    return NAS_OK;
}

#define BINARY(name, formula)                                                                      \
    static nas_status run_##name(worth *out, const expr *e, const worth *v) {                      \
        double a = v[0].number, b = v[1].number;                                                   \
        return number(out, e, formula);                                                            \
    }
BINARY(plus, a + b)
BINARY(minus, a - b)
BINARY(times, a *b)
BINARY(less, a < b)
BINARY(at_most, a <= b)
BINARY(more, a > b)
BINARY(at_least, a >= b)
BINARY(both, a != 0 && b != 0)
BINARY(either, a != 0 || b != 0)

#define UNARY(name, formula)                                                                       \
    static nas_status run_##name(worth *out, const expr *e, const worth *v) {                      \
        double a = v[0].number;                                                                    \
        return number(out, e, formula);                                                            \
    }
UNARY(negative, -a)
UNARY(not, a == 0)
UNARY(floor, floor(a))
UNARY(ceil, ceil(a))
UNARY(round, round(a))
UNARY(abs, fabs(a))

static nas_status run_divide(worth *out, const expr *e, const worth *v) {
    if (v[1].number == 0)
        return nas_yaml_fail(e->at, "division by zero in '%.60s'", nas_yaml_scalar(e->at));
    return number(out, e, v[0].number / v[1].number);
}

static nas_status run_modulo(worth *out, const expr *e, const worth *v) {
    if (v[1].number == 0)
        return nas_yaml_fail(e->at, "division by zero in '%.60s'", nas_yaml_scalar(e->at));
    return number(out, e, v[0].number - v[1].number * floor(v[0].number / v[1].number));
}

static nas_status run_min(worth *out, const expr *e, const worth *v) {
    double least = v[0].number;
    for (uint32_t i = 1; i < e->n; i++)
        least = fmin(least, v[i].number);
    return number(out, e, least);
}

static nas_status run_max(worth *out, const expr *e, const worth *v) {
    double most = v[0].number;
    for (uint32_t i = 1; i < e->n; i++)
        most = fmax(most, v[i].number);
    return number(out, e, most);
}

static bool equal(const worth *a, const worth *b) {
    if (a->is_number != b->is_number)
        return false;
    return a->is_number ? a->number == b->number : strcmp(a->text, b->text) == 0;
}

static nas_status run_equal(worth *out, const expr *e, const worth *v) {
    return number(out, e, equal(&v[0], &v[1]));
}

static nas_status run_unequal(worth *out, const expr *e, const worth *v) {
    return number(out, e, !equal(&v[0], &v[1]));
}

static const operator op_if = {"if", 3, 3, NULL}, op_not = {"not", 1, 1, run_not},
                      op_negative = {"-", 1, 1, run_negative}, op_constant = {"number", 0, 0, NULL},
                      op_value = {"name", 0, 0, NULL};
static const operator functions[] = {{"min", 2, MAX_KIDS, run_min}, {"max", 2, MAX_KIDS, run_max},
                                     {"floor", 1, 1, run_floor},    {"ceil", 1, 1, run_ceil},
                                     {"round", 1, 1, run_round},    {"abs", 1, 1, run_abs}};

/* Levels of binary operators, from the loosest. Of two with one start the longer stands first. */
static const operator ors[] = {{"or", 2, 2, run_either}, {0}};
static const operator ands[] = {{"and", 2, 2, run_both}, {0}};
static const operator compares[] = {{"<=", 2, 2, run_at_most},
                                    {"<", 2, 2, run_less},
                                    {">=", 2, 2, run_at_least},
                                    {">", 2, 2, run_more},
                                    {"==", 2, 2, run_equal},
                                    {"!=", 2, 2, run_unequal},
                                    {0}};
static const operator sums[] = {{"+", 2, 2, run_plus}, {"-", 2, 2, run_minus}, {0}};
static const operator products[] = {
    {"*", 2, 2, run_times}, {"/", 2, 2, run_divide}, {"%", 2, 2, run_modulo}, {0}};
static const operator* const levels[] = {ors, ands, compares, sums, products};
enum { N_LEVELS = sizeof levels / sizeof *levels };

/* ---- reading ---- */

static bool is_letter(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

static bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

static nas_status fail(const parser *p, const char *what) {
    if (*p->c == '\0')
        return nas_yaml_fail(p->at, "'%.60s' ends where %s is expected", p->text, what);
    return nas_yaml_fail(p->at, "'%.60s': expected %s at '%.20s'", p->text, what, p->c);
}

static void blanks(parser *p) {
    p->c += strspn(p->c, " ");
}

static bool take(parser *p, const char *word) {
    size_t n = strlen(word);
    blanks(p);
    if (strncmp(p->c, word, n) != 0 ||
        (is_letter(word[0]) && (is_letter(p->c[n]) || is_digit(p->c[n]))))
        return false;
    p->c += n;
    return true;
}

static nas_status expr_new(expr **out, const parser *p, const operator* op, uint32_t n,
                           expr *const *kid) {
    expr *e = arena_new(&p->s->mem, sizeof *e);
    if (e == NULL)
        return nas_fail_memory(sizeof *e);
    *e = (expr){.op = op, .at = p->at, .n = n, .weight = 1};
    for (uint32_t i = 0; i < n; i++) {
        e->kid[i] = kid[i];
        e->weight += kid[i]->weight;
    }
    *out = e;
    return NAS_OK;
}

static nas_status read_level(expr **out, parser *p, size_t level);

/* Digits, point and exponent, in every locale. */
static nas_status read_number(expr **out, parser *p) {
    double v = 0, unit = 1;
    int power = 0, sign = 1;
    for (; is_digit(*p->c); p->c++)
        v = v * 10 + (*p->c - '0');
    if (*p->c == '.')
        for (p->c++; is_digit(*p->c); p->c++)
            v += (*p->c - '0') * (unit /= 10);
    if ((*p->c == 'e' || *p->c == 'E') && (is_digit(p->c[1]) || strchr("+-", p->c[1]) != NULL)) {
        p->c++;
        sign = *p->c == '-' ? -1 : 1;
        p->c += *p->c == '-' || *p->c == '+';
        for (; is_digit(*p->c); p->c++)
            power = power < 1000 ? power * 10 + (*p->c - '0') : power;
        v *= pow(10, sign * power);
    }
    if (!isfinite(v) || is_letter(*p->c))
        return fail(p, "a number");
    NAS_TRY(expr_new(out, p, &op_constant, 0, NULL));
    (*out)->constant = (worth){.is_number = true, .number = v};
    return NAS_OK;
}

static nas_status read_word(expr **out, parser *p) {
    const char *end = strchr(++p->c, '\'');
    if (end == NULL)
        return nas_yaml_fail(p->at, "'%.60s': a word in quotes does not end", p->text);
    const char *word = arena_text(&p->s->mem, "%.*s", (int)(end - p->c), p->c);
    if (word == NULL)
        return nas_fail_memory(1);
    p->c = end + 1;
    NAS_TRY(expr_new(out, p, &op_constant, 0, NULL));
    (*out)->constant = (worth){.text = word};
    return NAS_OK;
}

static nas_status read_call(expr **out, parser *p, const operator* f) {
    expr *kid[MAX_KIDS];
    uint32_t n = 0;
    do {
        if (n == f->most)
            return nas_yaml_fail(p->at, "'%.60s': %s takes at most %u values", p->text, f->name,
                                 f->most);
        NAS_TRY(read_level(&kid[n++], p, 0));
    } while (take(p, ","));
    if (!take(p, ")"))
        return fail(p, "')'");
    if (n < f->least)
        return nas_yaml_fail(p->at, "'%.60s': %s takes at least %u values", p->text, f->name,
                             f->least);
    return expr_new(out, p, f, n, kid);
}

/* Values that are expressions themselves are evaluated with it. */
static uint32_t value_weight(const nas_space *s, const plan *v) {
    uint32_t weight = v->kind == PLAN_EXPR ? v->expr->weight : 1;
    for (uint32_t i = 0; i < v->n_lets; i++)
        for (uint32_t k = 0; k < s->lets[v->let[i]].n; k++)
            if (s->lets[v->let[i]].expr[k] != NULL)
                weight += s->lets[v->let[i]].expr[k]->weight;
    for (uint32_t i = 0; i < v->n; i++)
        weight += value_weight(s, v->kid[i]);
    return weight;
}

static nas_status read_name(expr **out, parser *p) {
    char name[MAX_WORD + 1];
    size_t n = *p->c == '$';
    while (is_letter(p->c[n]) || is_digit(p->c[n]) ||
           (p->c[n] == '.' && (is_letter(p->c[n + 1]) || is_digit(p->c[n + 1]))))
        n++;
    if (n > MAX_WORD)
        return nas_yaml_fail(p->at, "'%.60s': a name of over %d letters", p->text, (int)MAX_WORD);
    snprintf(name, sizeof name, "%.*s", (int)n, p->c);
    p->c += n;
    if (take(p, "(")) {
        for (size_t i = 0; i < sizeof functions / sizeof *functions; i++)
            if (strcmp(functions[i].name, name) == 0)
                return read_call(out, p, &functions[i]);
        if (strcmp(name, "if") == 0)
            return read_call(out, p, &op_if);
        return nas_yaml_fail(p->at,
                             "unknown function '%s': there are min, max, floor, ceil, round, abs "
                             "and if",
                             name);
    }
    NAS_TRY(expr_new(out, p, &op_value, 0, NULL));
    NAS_TRY(p->names->find(p->names->ctx, &(*out)->value, name, p->at));
    (*out)->weight += value_weight(p->s, (*out)->value);
    return NAS_OK;
}

static nas_status read_unary(expr **out, parser *p) {
    blanks(p);
    if (take(p, "-")) {
        expr *kid;
        NAS_TRY(read_level(&kid, p, N_LEVELS));
        return expr_new(out, p, &op_negative, 1, &kid);
    }
    if (take(p, "(")) {
        NAS_TRY(read_level(out, p, 0));
        return take(p, ")") ? NAS_OK : fail(p, "')'");
    }
    if (is_digit(*p->c) || *p->c == '.')
        return read_number(out, p);
    if (*p->c == '\'')
        return read_word(out, p);
    if (is_letter(*p->c) || (*p->c == '$' && is_letter(p->c[1])))
        return read_name(out, p);
    return fail(p, "a number, a name or '('");
}

static const operator* take_operator(parser *p, const operator* level) {
    for (; level->name != NULL; level++)
        if (take(p, level->name))
            return level;
    return NULL;
}

static nas_status read_level(expr **out, parser *p, size_t level) {
    const operator* op;
    expr *kid[2];
    if (++p->depth > MAX_DEPTH * (int)N_LEVELS)
        return nas_yaml_fail(p->at, "'%.60s': nested too deeply", p->text);
    nas_status st = NAS_OK;
    if (level == N_LEVELS) {
        st = read_unary(out, p);
    } else if (levels[level] == compares && take(p, "not")) {
        NAS_TRY(read_level(&kid[0], p, level));
        st = expr_new(out, p, &op_not, 1, kid);
    } else {
        NAS_TRY(read_level(&kid[0], p, level + 1));
        while ((op = take_operator(p, levels[level])) != NULL) {
            NAS_TRY(read_level(&kid[1], p, level + 1));
            NAS_TRY(expr_new(&kid[0], p, op, 2, kid));
        }
        *out = kid[0];
    }
    p->depth--;
    return st;
}

nas_status expr_parse(expr **out, nas_space *s, const nas_yaml_node *at, const char *text,
                      const expr_names *names) {
    parser p = {.s = s, .at = at, .text = text, .c = text, .names = names};
    if (strlen(text) > MAX_TEXT)
        return nas_yaml_fail(at, "an expression of over %d letters", (int)MAX_TEXT);
    NAS_TRY(read_level(out, &p, 0));
    blanks(&p);
    if (*p.c != '\0')
        return fail(&p, "the end or an operator");
    if ((*out)->weight > MAX_WEIGHT)
        return nas_yaml_fail(at, "'%.60s' stands on too many other values", text);
    return NAS_OK;
}

/* ---- evaluating ---- */

static bool takes_words(const operator* op) {
    return op->run == run_equal || op->run == run_unequal;
}

nas_status expr_worth(worth *out, const nas_space *s, const expr *e, const uint16_t *gene) {
    worth v[MAX_KIDS];
    if (e->op == &op_constant) {
        *out = e->constant;
        return NAS_OK;
    }
    if (e->op == &op_value)
        return plan_worth(out, s, e->value, gene);
    if (e->op == &op_if) { /* only the branch that is taken, so that it can guard a division */
        NAS_TRY(expr_worth(v, s, e->kid[0], gene));
        return expr_worth(out, s, e->kid[v[0].is_number && v[0].number != 0 ? 1 : 2], gene);
    }
    for (uint32_t i = 0; i < e->n; i++) {
        NAS_TRY(expr_worth(&v[i], s, e->kid[i], gene));
        if (!v[i].is_number && !takes_words(e->op))
            return nas_yaml_fail(e->at, "'%.60s': %s needs numbers, '%.30s' is a word",
                                 nas_yaml_scalar(e->at), e->op->name, v[i].text);
    }
    return e->op->run(out, e, v);
}

void expr_values(const expr *e, void (*each)(void *ctx, plan *value), void *ctx) {
    if (e->op == &op_value)
        each(ctx, e->value);
    for (uint32_t i = 0; i < e->n; i++)
        expr_values(e->kid[i], each, ctx);
}
