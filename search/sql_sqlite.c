/* search/sql_sqlite.c - SQLite behind the store's SQL, and its failures in one line. */
#include "sql.h"

#include <math.h>
#include <sqlite3.h>
#include <string.h>

enum { BUSY_MS = 5000 }; /* how long a reader that copies or tidies the file is waited for */

typedef struct lite {
    sql_db db;
    sqlite3 *handle;
} lite;

typedef struct lite_rows {
    sql_rows rows;
    sqlite3_stmt *stmt;
} lite_rows;

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

static nas_status lite_fail(const lite *d, int code) {
    const char *detail = d->handle != NULL ? sqlite3_errmsg(d->handle) : sqlite3_errstr(code);
    for (size_t i = 0; i < sizeof reasons / sizeof *reasons; i++)
        if (reasons[i].code == (code & 0xff))
            return nas_fail(NAS_E_STORE, "%s: %s (%s)", d->db.name, reasons[i].text, detail);
    return nas_fail(NAS_E_STORE, "%s: %s", d->db.name, detail);
}

static int bind(sqlite3_stmt *stmt, int at, const sql_value *v) {
    switch (v->type) {
    case SQL_INT:
        return sqlite3_bind_int64(stmt, at, v->i);
    case SQL_REAL:
        return sqlite3_bind_double(stmt, at, v->d);
    case SQL_TEXT:
        /* SQLITE_TRANSIENT: rows outlive the values of the call */
        return sqlite3_bind_text(stmt, at, v->s, -1, SQLITE_TRANSIENT);
    case SQL_NONE:
        break;
    }
    return sqlite3_bind_null(stmt, at);
}

static nas_status lite_query(sql_rows **out, sql_db *db, const char *sql, const sql_value *v,
                             int n) {
    lite *d = (lite *)db;
    lite_rows *r = nas_calloc(1, sizeof *r);
    if (r == NULL)
        return nas_fail_memory(sizeof *r);
    r->rows.db = db;
    int code = sqlite3_prepare_v2(d->handle, sql, -1, &r->stmt, NULL);
    for (int i = 0; i < n && code == SQLITE_OK; i++)
        code = bind(r->stmt, i + 1, &v[i]);
    if (code != SQLITE_OK) {
        nas_status st = lite_fail(d, code);
        sqlite3_finalize(r->stmt);
        nas_free(r);
        return st;
    }
    *out = &r->rows;
    return NAS_OK;
}

static nas_status lite_next(bool *more, sql_rows *rows) {
    int code = sqlite3_step(((lite_rows *)rows)->stmt);
    if (code != SQLITE_ROW && code != SQLITE_DONE)
        return lite_fail((const lite *)rows->db, code);
    *more = code == SQLITE_ROW;
    return NAS_OK;
}

static const char *lite_text(sql_rows *rows, int column) {
    return (const char *)sqlite3_column_text(((lite_rows *)rows)->stmt, column);
}

static int64_t lite_integer(sql_rows *rows, int column) {
    return sqlite3_column_int64(((lite_rows *)rows)->stmt, column);
}

static double lite_real(sql_rows *rows, int column) {
    sqlite3_stmt *stmt = ((lite_rows *)rows)->stmt;
    return sqlite3_column_type(stmt, column) == SQLITE_NULL ? (double)NAN
                                                            : sqlite3_column_double(stmt, column);
}

static void lite_end(sql_rows *rows) {
    sqlite3_finalize(((lite_rows *)rows)->stmt);
    nas_free(rows);
}

static void lite_rollback(sql_db *db) {
    lite *d = (lite *)db;
    if (!sqlite3_get_autocommit(d->handle))
        sqlite3_exec(d->handle, "ROLLBACK", NULL, NULL, NULL);
}

static void lite_close(sql_db *db) {
    sqlite3_close(((lite *)db)->handle);
    nas_free(db);
}

static const char *const nothing[] = {NULL};
static const sql_word words[] = {
    {"ID", "INTEGER NOT NULL"},
    {"FLOAT", "FLOAT"},
    {"TIME", "DATETIME"},
    {"STATE", "VARCHAR(8)"},
    {"DIRECTION", "VARCHAR(8)"},
    {"KIND", "VARCHAR(7)"},
    {"CURVE_KIND", "VARCHAR(7)"},
    {"HOLD", ""},
    {"SKIP", ""},
    {NULL, NULL},
};
static const sql_engine engine = {
    .begin = "BEGIN IMMEDIATE",
    .tables = "SELECT count(*) FROM sqlite_master WHERE type = 'table'",
    .prepare = nothing,
    .words = words,
    .query = lite_query,
    .next = lite_next,
    .text = lite_text,
    .integer = lite_integer,
    .real = lite_real,
    .end = lite_end,
    .rollback = lite_rollback,
    .close = lite_close,
};

/* ---- open -------------------------------------------------------------------------------------
 */

static nas_status open_database(lite *d, const char *name, int flags) {
    int code = sqlite3_open_v2(name, &d->handle, flags, NULL);
    if (code == SQLITE_OK)
        code = sqlite3_busy_timeout(d->handle, BUSY_MS);
    return code == SQLITE_OK ? NAS_OK : lite_fail(d, code);
}

/* "file:PATH?immutable=1", with the bytes escaped that mean something in a URI. */
static void immutable_uri(nas_text *out, const char *path) {
    nas_text_add(out, "file:");
    for (const char *p = path; *p; p++)
        if (strchr("%?#", *p) != NULL)
            nas_text_add(out, "%%%02X", (unsigned char)*p);
        else
            nas_text_bytes(out, p, 1);
    nas_text_add(out, "?immutable=1");
}

/* In a folder that cannot be written SQLite cannot set up the WAL's index; without a WAL everything
 * is in the file itself and needs none. */
static nas_status reopen_immutable(lite *d, const char *path) {
    nas_text uri = {0}, wal = {0};
    nas_status st = NAS_OK;
    sqlite3_close(d->handle);
    d->handle = NULL;
    nas_text_add(&wal, "%s-wal", path);
    NAS_GO(nas_text_check(&wal));
    if (nas_file_exists(nas_text_str(&wal)))
        NAS_GO(nas_fail(NAS_E_STORE,
                        "%s: its folder cannot be written to and the study was not "
                        "closed; copy the folder elsewhere",
                        path));
    immutable_uri(&uri, path);
    NAS_GO(nas_text_check(&uri));
    NAS_GO(open_database(d, nas_text_str(&uri), SQLITE_OPEN_READONLY | SQLITE_OPEN_URI));

done:
    nas_text_free(&uri);
    nas_text_free(&wal);
    return st;
}

static nas_status open_to_read(lite *d, const char *path) {
    NAS_TRY(open_database(d, path, SQLITE_OPEN_READONLY));
    int code = sqlite3_exec(d->handle, "SELECT count(*) FROM sqlite_master", NULL, NULL, NULL);
    if (code == SQLITE_CANTOPEN || code == SQLITE_READONLY)
        return reopen_immutable(d, path);
    return NAS_OK;
}

static nas_status open_to_write(lite *d, const char *path) {
    NAS_TRY(open_database(d, path, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE));
    if (sqlite3_db_readonly(d->handle, "main") == 1)
        return nas_fail(NAS_E_STORE, "%s: it cannot be written to", path);
    /* WAL lets others read at any time; FULL keeps a committed trial through a power cut. */
    NAS_TRY(sql_run(&d->db, "PRAGMA journal_mode = WAL", NULL, 0));
    return sql_run(&d->db, "PRAGMA synchronous = FULL", NULL, 0);
}

nas_status sqlite_open(sql_db **out, const char *path, const char *name, bool write) {
    lite *d = nas_calloc(1, sizeof *d);
    if (d == NULL)
        return nas_fail_memory(sizeof *d);
    d->db.engine = &engine;
    d->db.name = name;
    nas_status st = write ? open_to_write(d, path) : open_to_read(d, path);
    if (st != NAS_OK) {
        lite_close(&d->db);
        return st;
    }
    *out = &d->db;
    return NAS_OK;
}
