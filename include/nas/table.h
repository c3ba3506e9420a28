/* include/nas/table.h - tables of evaluated networks (CSV, also .gz), and expressions of their columns.
 *
 * A table has a header line with the names of its columns and one line for each network; fields may be
 * quoted ("a ""b"" c"). One column, the key, says which network a line is about: its values differ.
 */
#ifndef NAS_TABLE_H
#define NAS_TABLE_H

#include <nas/core.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct nas_table nas_table;

/* Reads the whole file. E_PARSE "file:line: …" for a line with another number of fields, a key that is
 * empty or stands there twice, a column name that stands there twice; E_NOT_FOUND names the column
 * nearest to `key`; E_IO for a file that cannot be read or a .gz that is broken. */
nas_status nas_table_open(nas_table **out, const char *path, const char *key) NAS_MUST_USE;
void nas_table_free(nas_table *t);

uint32_t nas_table_rows(const nas_table *t);
uint32_t nas_table_columns(const nas_table *t);
const char *nas_table_column(const nas_table *t, uint32_t column); /* its name */
const char *nas_table_cell(const nas_table *t, uint32_t row, uint32_t column);
const char *nas_table_key(const nas_table *t, uint32_t row);
/* The row of a key; E_NOT_FOUND says which key of which file. */
nas_status nas_table_find(uint32_t *row, const nas_table *t, const char *key) NAS_MUST_USE;

/* Arithmetic on the columns of a row: numbers, column names, + - * / and parentheses. A name is
 * letters, digits, _ and . but does not begin with a digit; any other column name is written in
 * backquotes. The table is borrowed. */
typedef struct nas_expression nas_expression;
/* E_PARSE: "'100 - (x': at 10: …" for what cannot be read, E_NOT_FOUND for an unknown column with the
 * nearest name. A column that is named is checked at once: E_PARSE "file:line: …" where a cell is no
 * finite number. */
nas_status nas_expression_parse(nas_expression **out, const char *text, const nas_table *t) NAS_MUST_USE;
void nas_expression_free(nas_expression *e);
/* E_NAN where the row divides by zero or the result is not finite. */
nas_status nas_expression_value(double *out, const nas_expression *e, uint32_t row) NAS_MUST_USE;

#ifdef __cplusplus
}
#endif
#endif
