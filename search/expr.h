/* search/expr.h - values that follow from other values: "= 64 * heads", and conditions over them.
 *
 *   or     := and { "or" and }           and     := not { "and" not }      not := ["not"] compare
 *   compare:= sum [ (<= < >= > == !=) sum ]
 *   sum    := product { (+ -) product }  product := unary { (* / %) unary }
 *   unary  := - unary | number | 'word' | name | $name | function(or, ...) | (or)
 * Functions: min, max (two or more), floor, ceil, round, abs, if(condition, a, b).
 */
#ifndef NAS_SEARCH_EXPR_H
#define NAS_SEARCH_EXPR_H

#include <nas/space.h>

struct plan;
typedef struct expr expr;

/* What an argument or an expression is worth. text: the word when it is no number. */
typedef struct worth {
    bool is_number;
    double number;
    const char *text;
} worth;

bool is_expr(const nas_yaml_node *n); /* a scalar that starts with '=' */

/* How an expression asks for the value of a name; E_PARSE when there is none. */
typedef struct expr_names {
    nas_status (*find)(void *ctx, struct plan **out, const char *name, const nas_yaml_node *at);
    void *ctx;
} expr_names;

/* text: without the '='. at: where errors are placed. */
nas_status expr_parse(expr **out, nas_space *s, const nas_yaml_node *at, const char *text,
                      const expr_names *names);

/* E_PARSE: division by zero, a word where a number is needed. */
nas_status expr_worth(worth *out, const nas_space *s, const expr *e, const uint16_t *gene);

/* Calls each with every value that the expression is made of. */
void expr_values(const expr *e, void (*each)(void *ctx, struct plan *value), void *ctx);

#endif
