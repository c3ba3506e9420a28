/* search/store_sql.c - SQL statements in one call, and SQLite's failures in one line. */
#include "store.h"

#include <string.h>

typedef struct reason {
    int code; /* SQLite's primary result code */
    const char *text;
} reason;

static const reason reasons[] = {
    {SQLITE_BUSY, "another program is writing to it"},
    {SQLITE_LOCKED, "another program is writing to it"},
    {SQLITE_READONLY, "it cannot be written to"},
    {SQLITE_PERM, "it may not be opened"},
    {SQLITE_AUTH, "it may not be opened"},
    {SQLITE_CANTOPEN, "it cannot be opened"},
    {SQLITE_FULL, "the disk is full"},
    {SQLITE_IOERR, "reading or writing failed"},
    {SQLITE_NOTADB, "it is no SQLite database"},
    {SQLITE_CORRUPT, "it is damaged"},
    {SQLITE_NOMEM, "out of memory"},
};

nas_status sql_fail(const nas_store *s, int code) {
    const char *detail = s->db != NULL ? sqlite3_errmsg(s->db) : sqlite3_errstr(code);
    for (size_t i = 0; i < sizeof reasons / sizeof *reasons; i++)
        if (reasons[i].code == (code & 0xff))
            return nas_fail(NAS_E_STORE, "%s: %s (%s)", s->path, reasons[i].text, detail);
    return nas_fail(NAS_E_STORE, "%s: %s", s->path, detail);
}

static int bind(sqlite3_stmt *stmt, int at, const sql_value *v) {
    switch (v->type) {
    case SQL_INT:
        return sqlite3_bind_int64(stmt, at, v->i);
    case SQL_REAL:
        return sqlite3_bind_double(stmt, at, v->d);
    case SQL_TEXT:
        return sqlite3_bind_text(stmt, at, v->s, -1, SQLITE_STATIC);
    case SQL_NONE:
        break;
    }
    return sqlite3_bind_null(stmt, at);
}

nas_status sql_prepare(sqlite3_stmt **out, const nas_store *s, const char *sql, const sql_value *v,
                       int n) {
    sqlite3_stmt *stmt = NULL;
    int code = sqlite3_prepare_v2(s->db, sql, -1, &stmt, NULL);
    for (int i = 0; i < n && code == SQLITE_OK; i++)
        code = bind(stmt, i + 1, &v[i]);
    if (code != SQLITE_OK) {
        nas_status st = sql_fail(s, code);
        sqlite3_finalize(stmt);
        return st;
    }
    *out = stmt;
    return NAS_OK;
}

nas_status sql_step(bool *more, const nas_store *s, sqlite3_stmt *stmt) {
    int code = sqlite3_step(stmt);
    if (code != SQLITE_ROW && code != SQLITE_DONE)
        return sql_fail(s, code);
    *more = code == SQLITE_ROW;
    return NAS_OK;
}

nas_status sql_run(const nas_store *s, const char *sql, const sql_value *v, int n) {
    sqlite3_stmt *stmt;
    NAS_TRY(sql_prepare(&stmt, s, sql, v, n));
    bool more = true;
    nas_status st = NAS_OK;
    while (more && st == NAS_OK) /* a PRAGMA answers with a row */
        st = sql_step(&more, s, stmt);
    sqlite3_finalize(stmt);
    return st;
}

nas_status sql_int(int64_t *out, bool *found, const nas_store *s, const char *sql,
                   const sql_value *v, int n) {
    sqlite3_stmt *stmt;
    NAS_TRY(sql_prepare(&stmt, s, sql, v, n));
    nas_status st = sql_step(found, s, stmt);
    if (st == NAS_OK && *found)
        *out = sqlite3_column_int64(stmt, 0);
    sqlite3_finalize(stmt);
    return st;
}

nas_status sql_text(char **out, const nas_store *s, const char *sql, const sql_value *v, int n) {
    sqlite3_stmt *stmt;
    NAS_TRY(sql_prepare(&stmt, s, sql, v, n));
    bool found;
    char *copy = NULL;
    nas_status st = NAS_OK;
    NAS_GO(sql_step(&found, s, stmt));
    const char *text = found ? (const char *)sqlite3_column_text(stmt, 0) : NULL;
    if (text != NULL && (copy = nas_strdup(text)) == NULL)
        NAS_GO(nas_fail_memory(strlen(text) + 1));
    *out = copy;

done:
    sqlite3_finalize(stmt);
    return st;
}

nas_status sql_begin(const nas_store *s) {
    return sql_run(s, "BEGIN IMMEDIATE", NULL, 0);
}

nas_status sql_finish(const nas_store *s, nas_status st) {
    if (st == NAS_OK)
        st = sql_run(s, "COMMIT", NULL, 0);
    /* The failure is recorded already; a rollback that fails leaves nothing to be undone. */
    if (st != NAS_OK && !sqlite3_get_autocommit(s->db))
        sqlite3_exec(s->db, "ROLLBACK", NULL, NULL, NULL);
    return st;
}
