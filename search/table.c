/* search/table.c - reads a table of evaluated networks from CSV or CSV.gz. */
#include "table.h"

#include <errno.h>
#include <limits.h>
#include <string.h>
#include <zlib.h>

enum { MAX_BYTES = 1 << 30, MAX_COLUMNS = 4096, READ_BYTES = 1 << 16 };

struct nas_table {
    char *path;
    char *text;  /* the file; fields are ended by NUL in place */
    char **cell; /* row-major, the header first */
    size_t n_cells, cell_cap;
    uint32_t *line; /* where each row stands, from 1; the header first */
    size_t n_lines, line_cap;
    uint32_t columns, key;
    uint32_t *slot; /* hash table of row + 1, open addressing */
    size_t n_slots;
};

/* ---- the file ---- */

static nas_status fail_gz(gzFile f, const char *path) {
    int code;
    const char *why = gzerror(f, &code);
    return nas_fail(NAS_E_IO, "%s: %s", path,
                    code == Z_ERRNO       ? strerror(errno)
                    : code == Z_OK        ? "cannot be read"
                    : why[0] != '\0'      ? why
                    : code == Z_BUF_ERROR ? "ends too early"
                                          : "is broken");
}

/* gzread passes plain files through. */
static nas_status read_text(char **out, size_t *n, const char *path) {
    nas_status st = NAS_OK;
    char *text = NULL;
    size_t used = 0, cap = 0;
    errno = 0;
    gzFile f = gzopen(path, "rb");
    if (f == NULL)
        return nas_fail(NAS_E_IO, "%s: %s", path, errno ? strerror(errno) : "cannot be opened");
    for (;;) {
        NAS_GO(nas_grow(&text, &cap, used + READ_BYTES + 1, 1));
        int got = gzread(f, text + used, READ_BYTES);
        if (got < 0)
            NAS_GO(fail_gz(f, path));
        if (got == 0)
            break;
        used += (size_t)got;
        if (used > MAX_BYTES)
            NAS_GO(nas_fail(NAS_E_TOO_BIG, "%s: a table of over 1 GiB", path));
    }
    int code = Z_OK;
    gzerror(f, &code);
    if (code == Z_BUF_ERROR || code == Z_DATA_ERROR)
        NAS_GO(nas_fail(NAS_E_IO, "%s: the compressed file is cut off", path));
    text[used] = '\0';
    if (strlen(text) != used)
        NAS_GO(nas_fail(NAS_E_PARSE, "%s: is no text: it has a NUL byte", path));
    *out = text;
    *n = used;
    text = NULL;
done:
    gzclose(f);
    nas_free(text);
    return st;
}

/* ---- fields ---- */

/* Ends the quoted field at p in place. NULL: its closing quote is missing. */
static char *end_quoted(char *p) {
    char *to = p;
    for (; *p != '\0'; p++) {
        if (*p == '"' && p[1] == '"')
            p++;
        else if (*p == '"')
            break;
        *to++ = *p;
    }
    if (*p == '\0')
        return NULL;
    *p = '\0'; /* also when to == p */
    *to = '\0';
    return p + 1;
}

/* Reads the line at *p into cells; *p moves behind it and *line counts on. */
static nas_status read_line(nas_table *t, char **p, uint32_t *line) {
    const size_t first = t->n_cells;
    const uint32_t at = *line;
    for (bool more = true; more;) {
        char *start = *p, *end;
        NAS_TRY(nas_grow(&t->cell, &t->cell_cap, t->n_cells + 1, sizeof *t->cell));
        if (*start == '"') {
            end = end_quoted(++start);
            if (end == NULL)
                return nas_fail(NAS_E_PARSE, "%s:%u: a quote is not closed", t->path, at);
            for (const char *c = start; *c != '\0'; c++)
                *line += *c == '\n';
            if (*end != '\0' && strchr(",\r\n", *end) == NULL)
                return nas_fail(NAS_E_PARSE, "%s:%u: text behind a closing quote", t->path, at);
        } else {
            end = start + strcspn(start, ",\r\n");
        }
        more = *end == ',';
        *p = end + (*end != '\0') + (end[0] == '\r' && end[1] == '\n');
        *end = '\0';
        t->cell[t->n_cells++] = start;
    }
    ++*line;
    size_t n = t->n_cells - first;
    if (first == 0 && n > MAX_COLUMNS)
        return nas_fail(NAS_E_TOO_BIG, "%s:%u: %zu columns, at most %d are possible", t->path, at,
                        n, MAX_COLUMNS);
    if (first == 0)
        t->columns = (uint32_t)n;
    else if (n != t->columns)
        return nas_fail(NAS_E_PARSE, "%s:%u: %zu fields, but the header has %u", t->path, at, n,
                        t->columns);
    NAS_TRY(nas_grow(&t->line, &t->line_cap, t->n_lines + 1, sizeof *t->line));
    t->line[t->n_lines++] = at;
    return NAS_OK;
}

static nas_status read_lines(nas_table *t) {
    uint32_t line = 1;
    char *p = t->text;
    if (strncmp(p, "\xef\xbb\xbf", 3) == 0)
        p += 3; /* what some programs put before UTF-8 */
    while (*p != '\0') {
        if (*p == '\n' || *p == '\r') { /* empty lines are passed over */
            line += *p++ == '\n';
            continue;
        }
        NAS_TRY(read_line(t, &p, &line));
    }
    if (t->n_lines < 2)
        return nas_fail(NAS_E_PARSE, "%s: a table needs a header line and at least one row",
                        t->path);
    return NAS_OK;
}

/* ---- columns and keys ---- */

nas_status table_column(uint32_t *out, const nas_table *t, const char *name) {
    for (uint32_t i = 0; i < t->columns; i++)
        if (strcmp(t->cell[i], name) == 0) {
            *out = i;
            return NAS_OK;
        }
    const char *near = nas_nearest(name, (const char *const *)t->cell, t->columns);
    return nas_fail(NAS_E_NOT_FOUND, "%s has no column '%.60s'%s%.60s%s", t->path, name,
                    near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
}

nas_status table_fail_cell(const nas_table *t, uint32_t row, uint32_t column, const char *wanted) {
    const char *s = nas_table_cell(t, row, column);
    return nas_fail(NAS_E_PARSE, "%s:%u: column '%.60s' holds '%.40s', not %s", t->path,
                    t->line[row + 1], t->cell[column], s, wanted);
}

static nas_status check_columns(const nas_table *t) {
    for (uint32_t i = 0; i < t->columns; i++)
        for (uint32_t k = 0; k < i; k++)
            if (strcmp(t->cell[i], t->cell[k]) == 0)
                return nas_fail(NAS_E_PARSE, "%s:%u: two columns are called '%.60s'", t->path,
                                t->line[0], t->cell[i]);
    return NAS_OK;
}

/* The slot of this key, or the empty one where it belongs. */
static size_t find_slot(const nas_table *t, const char *key) {
    size_t i = nas_hash_bytes(0, key, strlen(key)) & (t->n_slots - 1);
    while (t->slot[i] != 0 && strcmp(nas_table_key(t, t->slot[i] - 1), key) != 0)
        i = (i + 1) & (t->n_slots - 1);
    return i;
}

static nas_status index_keys(nas_table *t) {
    uint32_t rows = nas_table_rows(t);
    for (t->n_slots = 64; t->n_slots < 2 * (size_t)rows;)
        t->n_slots *= 2;
    t->slot = nas_calloc(t->n_slots, sizeof *t->slot);
    if (t->slot == NULL)
        return nas_fail_memory(t->n_slots * sizeof *t->slot);
    for (uint32_t r = 0; r < rows; r++) {
        const char *key = nas_table_key(t, r);
        if (key[0] == '\0')
            return table_fail_cell(t, r, t->key, "the name of a network");
        size_t at = find_slot(t, key);
        if (t->slot[at] != 0)
            return nas_fail(NAS_E_PARSE, "%s:%u: '%.100s' stands on line %u already", t->path,
                            t->line[r + 1], key, t->line[t->slot[at]]);
        t->slot[at] = r + 1;
    }
    return NAS_OK;
}

/* ---- public ---- */

nas_status nas_table_open(nas_table **out, const char *path, const char *key) {
    nas_status st = NAS_OK;
    size_t n;
    nas_table *t = nas_calloc(1, sizeof *t);
    if (t == NULL)
        return nas_fail_memory(sizeof *t);
    t->path = nas_strdup(path);
    if (t->path == NULL)
        NAS_GO(nas_fail_memory(strlen(path) + 1));
    NAS_GO(read_text(&t->text, &n, path));
    NAS_GO(read_lines(t));
    NAS_GO(check_columns(t));
    NAS_GO(table_column(&t->key, t, key));
    NAS_GO(index_keys(t));
    *out = t;
    t = NULL;
done:
    nas_table_free(t);
    return st;
}

void nas_table_free(nas_table *t) {
    if (t == NULL)
        return;
    nas_free(t->path);
    nas_free(t->text);
    nas_free(t->cell);
    nas_free(t->line);
    nas_free(t->slot);
    nas_free(t);
}

uint32_t nas_table_rows(const nas_table *t) {
    return (uint32_t)t->n_lines - 1;
}

uint32_t nas_table_columns(const nas_table *t) {
    return t->columns;
}

const char *nas_table_column(const nas_table *t, uint32_t column) {
    return t->cell[column];
}

const char *nas_table_cell(const nas_table *t, uint32_t row, uint32_t column) {
    return t->cell[(size_t)(row + 1) * t->columns + column];
}

const char *nas_table_key(const nas_table *t, uint32_t row) {
    return nas_table_cell(t, row, t->key);
}

nas_status nas_table_find(uint32_t *row, const nas_table *t, const char *key) {
    uint32_t found = t->slot[find_slot(t, key)];
    if (found == 0)
        return nas_fail(NAS_E_NOT_FOUND, "%s has no row for '%.100s'", t->path, key);
    *row = found - 1;
    return NAS_OK;
}
