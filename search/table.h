/* search/table.h - what expressions need of a table. */
#ifndef NAS_SEARCH_TABLE_H
#define NAS_SEARCH_TABLE_H

#include <nas/table.h>

/* E_NOT_FOUND names the nearest column. */
nas_status table_column(uint32_t *out, const nas_table *t, const char *name) NAS_MUST_USE;
/* "file:line: column 'x' holds 'abc', not <wanted>" */
nas_status table_fail_cell(const nas_table *t, uint32_t row, uint32_t column,
                           const char *wanted) NAS_MUST_USE;

#endif
