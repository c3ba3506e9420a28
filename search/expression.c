/* search/expression.c - arithmetic on the columns of a table, read once into a list of steps. */
#include "table.h"

#include <assert.h>
#include <math.h>
#include <string.h>

enum { MAX_NAME = 128, MAX_DEPTH = 64, MAX_STEPS = 4096 };

/* A step of reverse Polish notation. op: one of "+-*" "/", '~' for the sign, 'n', 'c'. */
typedef struct step {
    char op;
    double number;        /* n */
    const double *column; /* c: a value for each row */
} step;

struct nas_expression {
    char *text;
    const nas_table *table;
    step *step;
    size_t n, cap;
    double **column; /* those that are named, by their number in the table; NULL: not read */
};

typedef struct parser {
    nas_expression *e;
    const char *at;
    int depth;
} parser;

static nas_status fail(const parser *p, const char *what) {
    return nas_fail(NAS_E_PARSE, "'%.100s': at %d: %s", p->e->text, (int)(p->at - p->e->text) + 1,
                    what);
}

static void skip_blanks(parser *p) {
    p->at += strspn(p->at, " \t");
}

static nas_status push(parser *p, step s) {
    nas_expression *e = p->e;
    if (e->n == MAX_STEPS)
        return fail(p, "the expression is too long");
    NAS_TRY(nas_grow(&e->step, &e->cap, e->n + 1, sizeof *e->step));
    e->step[e->n++] = s;
    return NAS_OK;
}

/* ---- columns ---- */

static nas_status read_column(double **out, const nas_table *t, uint32_t column) {
    uint32_t rows = nas_table_rows(t);
    double *v = nas_malloc(rows * sizeof *v);
    if (v == NULL)
        return nas_fail_memory(rows * sizeof *v);
    for (uint32_t r = 0; r < rows; r++) {
        const char *s = nas_table_cell(t, r, column);
        if (!nas_number_read(&v[r], s) || !isfinite(v[r])) {
            nas_free(v);
            return table_fail_cell(t, r, column, "a number");
        }
    }
    *out = v;
    return NAS_OK;
}

static nas_status push_column(parser *p, const char *name, size_t n) {
    nas_expression *e = p->e;
    char copy[MAX_NAME];
    uint32_t column;
    if (n >= sizeof copy)
        return fail(p, "the name of the column is too long");
    memcpy(copy, name, n);
    copy[n] = '\0';
    if (table_column(&column, e->table, copy) != NAS_OK)
        return nas_fail_prefix(NAS_E_NOT_FOUND, "'%.100s': at %d", e->text,
                               (int)(name - e->text) + 1);
    if (e->column[column] == NULL)
        NAS_TRY(read_column(&e->column[column], e->table, column));
    return push(p, (step){.op = 'c', .column = e->column[column]});
}

/* ---- grammar: sum = product {(+|-) product}; product = factor {(*|/) factor} ---- */

static nas_status parse_sum(parser *p);

static bool in_name(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '.';
}

static nas_status parse_number(parser *p) {
    char copy[64];
    double v;
    size_t n = strspn(p->at, "0123456789.");
    size_t exponent = n > 0 && (p->at[n] == 'e' || p->at[n] == 'E')
                          ? 1 + (p->at[n + 1] == '-' || p->at[n + 1] == '+')
                          : 0;
    if (exponent > 0)
        n += exponent + strspn(p->at + n + exponent, "0123456789");
    if (n >= sizeof copy)
        return fail(p, "the number is too long");
    memcpy(copy, p->at, n);
    copy[n] = '\0';
    if (!nas_number_read(&v, copy) || in_name(p->at[n]))
        return fail(p, "no number");
    p->at += n;
    return push(p, (step){.op = 'n', .number = v});
}

static nas_status parse_quoted(parser *p) {
    const char *name = ++p->at;
    size_t n = strcspn(name, "`");
    if (name[n] == '\0')
        return fail(p, "the backquote is not closed");
    NAS_TRY(push_column(p, name, n));
    p->at += n + 1;
    return NAS_OK;
}

static nas_status parse_name(parser *p) {
    size_t n = 0;
    while (in_name(p->at[n]))
        n++;
    NAS_TRY(push_column(p, p->at, n));
    p->at += n;
    return NAS_OK;
}

static nas_status parse_group(parser *p) {
    p->at++;
    NAS_TRY(parse_sum(p));
    if (*p->at != ')')
        return fail(p, "')' is missing");
    p->at++;
    return NAS_OK;
}

static nas_status parse_factor(parser *p) {
    skip_blanks(p);
    if (++p->depth > MAX_DEPTH)
        return fail(p, "too many parentheses and signs");
    char c = *p->at;
    if (c == '-') {
        p->at++;
        NAS_TRY(parse_factor(p));
        NAS_TRY(push(p, (step){.op = '~'}));
    } else if (c == '(') {
        NAS_TRY(parse_group(p));
    } else if (c == '`') {
        NAS_TRY(parse_quoted(p));
    } else if ((c >= '0' && c <= '9') || c == '.') {
        NAS_TRY(parse_number(p));
    } else if (in_name(c)) {
        NAS_TRY(parse_name(p));
    } else {
        return fail(p, "expected a number, a column or '('");
    }
    p->depth--;
    skip_blanks(p);
    return NAS_OK;
}

static nas_status parse_product(parser *p) {
    NAS_TRY(parse_factor(p));
    while (*p->at == '*' || *p->at == '/') {
        char op = *p->at++;
        NAS_TRY(parse_factor(p));
        NAS_TRY(push(p, (step){.op = op}));
    }
    return NAS_OK;
}

static nas_status parse_sum(parser *p) {
    NAS_TRY(parse_product(p));
    while (*p->at == '+' || *p->at == '-') {
        char op = *p->at++;
        NAS_TRY(parse_product(p));
        NAS_TRY(push(p, (step){.op = op}));
    }
    return NAS_OK;
}

/* ---- public ---- */

nas_status nas_expression_parse(nas_expression **out, const char *text, const nas_table *t) {
    nas_status st = NAS_OK;
    nas_expression *e = nas_calloc(1, sizeof *e);
    if (e == NULL)
        return nas_fail_memory(sizeof *e);
    e->table = t;
    e->text = nas_strdup(text);
    e->column = nas_calloc(nas_table_columns(t), sizeof *e->column);
    if (e->text == NULL || e->column == NULL)
        NAS_GO(nas_fail_memory(strlen(text) + nas_table_columns(t) * sizeof *e->column));
    parser p = {.e = e, .at = e->text};
    NAS_GO(parse_sum(&p));
    if (*p.at != '\0')
        NAS_GO(fail(&p, "expected + - * / or the end"));
    *out = e;
    e = NULL;
done:
    nas_expression_free(e);
    return st;
}

void nas_expression_free(nas_expression *e) {
    if (e == NULL)
        return;
    for (uint32_t i = 0; e->column != NULL && i < nas_table_columns(e->table); i++)
        nas_free(e->column[i]);
    nas_free(e->column);
    nas_free(e->step);
    nas_free(e->text);
    nas_free(e);
}

static double apply(char op, double a, double b) {
    return op == '+' ? a + b : op == '-' ? a - b : op == '*' ? a * b : a / b;
}

nas_status nas_expression_value(double *out, const nas_expression *e, uint32_t row) {
    double stack[2 * MAX_DEPTH + 4]; /* at most two operands wait at each depth */
    size_t n = 0;
    for (size_t i = 0; i < e->n; i++) {
        const step *s = &e->step[i];
        assert(n >= (s->op == 'n' || s->op == 'c' ? 0 : s->op == '~' ? 1 : 2));
        if (s->op == 'n' || s->op == 'c') {
            stack[n++] = s->op == 'n' ? s->number : s->column[row];
        } else if (s->op == '~') {
            stack[n - 1] = -stack[n - 1];
        } else {
            n--;
            if (s->op == '/' && stack[n] == 0)
                return nas_fail(NAS_E_NAN, "'%.100s' divides by zero for '%.100s'", e->text,
                                nas_table_key(e->table, row));
            stack[n - 1] = apply(s->op, stack[n - 1], stack[n]);
        }
    }
    assert(n == 1);
    if (!isfinite(stack[0]))
        return nas_fail(NAS_E_NAN, "'%.100s' is not finite for '%.100s'", e->text,
                        nas_table_key(e->table, row));
    *out = stack[0];
    return NAS_OK;
}
