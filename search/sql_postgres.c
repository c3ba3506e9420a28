/* search/sql_postgres.c - PostgreSQL behind the store's SQL, by libpq where the build has it. */
#include "sql.h"

#ifndef CLNAS_POSTGRES

nas_status postgres_open(sql_db **out, const char *url, const char *name, int64_t lock_key) {
    (void)out, (void)url, (void)lock_key;
    return nas_fail(NAS_E_UNSUPPORTED,
                    "%s: this clnas was built without PostgreSQL (libpq-dev was missing)", name);
}

#else

#include <libpq-fe.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct pg {
    sql_db db;
    PGconn *conn;
    char *url;
    int64_t lock_key; /* 0: none */
} pg;

typedef struct pg_rows {
    sql_rows rows;
    PGresult *result;
    int at; /* row; -1 before the first */
} pg_rows;

/* First line of what the server or libpq says. */
static nas_status pg_fail(pg *d, const char *said) {
    size_t n = strcspn(said, "\n");
    static const char severity[] = "ERROR:  ";
    if (strncmp(said, severity, sizeof severity - 1) == 0) {
        said += sizeof severity - 1;
        n -= sizeof severity - 1;
    }
    return nas_fail(NAS_E_STORE, "%s: %.*s", d->db.name, (int)n, said);
}

/* Classes of SQLSTATE that mean that the server goes or is not there yet. */
static bool is_going(const char *state) {
    return state != NULL && (strncmp(state, "57P", 3) == 0 || strncmp(state, "08", 2) == 0);
}

static nas_status pg_result_fail(pg *d, const PGresult *r) {
    d->db.lost =
        PQstatus(d->conn) != CONNECTION_OK || is_going(PQresultErrorField(r, PG_DIAG_SQLSTATE));
    if (d->db.lost)
        return nas_fail(NAS_E_STORE, "%s: the server went away", d->db.name);
    return pg_fail(d, PQresultErrorMessage(r));
}

/* '?' as "$1", "$2" …; no statement of the store has one in a literal. */
static void number_marks(nas_text *out, const char *sql) {
    int n = 0;
    for (; *sql; sql++)
        if (*sql == '?')
            nas_text_add(out, "$%d", ++n);
        else
            nas_text_bytes(out, sql, 1);
}

enum { MAX_VALUES = 16, NUMBER_SIZE = 32 };

/* As PostgreSQL reads it: with a point in every locale, and with words for what is not finite. */
static void real_text(char buf[NUMBER_SIZE], double v) {
    nas_text t = {0};
    if (isfinite(v))
        nas_text_shortest(&t, v);
    else
        nas_text_add(&t, "%s", isnan(v) ? "NaN" : v < 0 ? "-Infinity" : "Infinity");
    snprintf(buf, NUMBER_SIZE, "%s", nas_text_str(&t));
    nas_text_free(&t);
}

static const char *value_text(char buf[NUMBER_SIZE], const sql_value *v) {
    if (v->type == SQL_TEXT)
        return v->s;
    if (v->type == SQL_NONE)
        return NULL;
    if (v->type == SQL_INT)
        snprintf(buf, NUMBER_SIZE, "%lld", (long long)v->i);
    else
        real_text(buf, v->d);
    return buf;
}

static nas_status pg_query(sql_rows **out, sql_db *db, const char *sql, const sql_value *v, int n) {
    pg *d = (pg *)db;
    nas_text marked = {0};
    const char *value[MAX_VALUES];
    char number[MAX_VALUES][NUMBER_SIZE];
    PGresult *result = NULL;
    pg_rows *r = NULL;
    nas_status st = NAS_OK;
    for (int i = 0; i < n; i++)
        value[i] = value_text(number[i], &v[i]);
    number_marks(&marked, sql);
    NAS_GO(nas_text_check(&marked));
    result = PQexecParams(d->conn, nas_text_str(&marked), n, NULL, value, NULL, NULL, 0);
    ExecStatusType code = PQresultStatus(result);
    if (code != PGRES_TUPLES_OK && code != PGRES_COMMAND_OK)
        NAS_GO(pg_result_fail(d, result));
    r = nas_calloc(1, sizeof *r);
    if (r == NULL)
        NAS_GO(nas_fail_memory(sizeof *r));
    *r = (pg_rows){.rows = {db}, .result = result, .at = -1};
    result = NULL;
    *out = &r->rows;
done:
    PQclear(result);
    nas_text_free(&marked);
    return st;
}

static nas_status pg_next(bool *more, sql_rows *rows) {
    pg_rows *r = (pg_rows *)rows;
    *more = ++r->at < PQntuples(r->result);
    return NAS_OK;
}

static const char *pg_text(sql_rows *rows, int column) {
    const pg_rows *r = (const pg_rows *)rows;
    return PQgetisnull(r->result, r->at, column) ? NULL : PQgetvalue(r->result, r->at, column);
}

static int64_t pg_integer(sql_rows *rows, int column) {
    const char *s = pg_text(rows, column);
    return s != NULL ? strtoll(s, NULL, 10) : 0;
}

static double pg_real(sql_rows *rows, int column) {
    const char *s = pg_text(rows, column);
    double v;
    if (s != NULL && nas_number_read(&v, s))
        return v;
    bool endless = s != NULL && strstr(s, "Infinity") != NULL;
    return endless ? (*s == '-' ? -INFINITY : INFINITY) : (double)NAN;
}

static void pg_end(sql_rows *rows) {
    PQclear(((pg_rows *)rows)->result);
    nas_free(rows);
}

static void pg_rollback(sql_db *db) {
    pg *d = (pg *)db;
    if (PQtransactionStatus(d->conn) != PQTRANS_IDLE)
        PQclear(PQexec(d->conn, "ROLLBACK"));
}

static void pg_close(sql_db *db) {
    pg *d = (pg *)db;
    PQfinish(d->conn);
    nas_free(d->url);
    nas_free(d);
}

/* ---- connect ----------------------------------------------------------------------------------
 */

/* The lock ends with the session. Just after a break the server may not have seen that the old one
 * is gone, so that "taken" then counts as "not connected yet". */
static nas_status take_lock(pg *d, bool again) {
    char sql[96];
    snprintf(sql, sizeof sql, "SELECT pg_try_advisory_lock(%lld)", (long long)d->lock_key);
    PGresult *r = PQexec(d->conn, sql);
    bool answered = PQresultStatus(r) == PGRES_TUPLES_OK;
    bool taken = answered && PQgetvalue(r, 0, 0)[0] == 't';
    nas_status st = answered ? NAS_OK : pg_result_fail(d, r);
    PQclear(r);
    if (st != NAS_OK || taken)
        return st;
    d->db.lost = again;
    return nas_fail(NAS_E_STORE, "%s: the study is being run by another clnas search", d->db.name);
}

/* What a server says beside its answers ("terminating connection") would go to stderr. */
static void ignore_notice(void *ctx, const char *text) {
    (void)ctx, (void)text;
}

static nas_status pg_connect(pg *d, bool again) {
    const char *const keys[] = {"connect_timeout",
                                "keepalives_idle",
                                "tcp_user_timeout",
                                "application_name",
                                "client_encoding",
                                "dbname",
                                NULL};
    const char *const values[] = {"10", "20", "30000", "clnas", "UTF8", d->url, NULL};
    PQfinish(d->conn);
    d->conn = PQconnectdbParams(keys, values, 1);
    PQsetNoticeProcessor(d->conn, ignore_notice, NULL);
    if (PQstatus(d->conn) != CONNECTION_OK) {
        /* A wrong password will not get right by waiting; a server that does not answer may. */
        d->db.lost = !PQconnectionNeedsPassword(d->conn) && !PQconnectionUsedPassword(d->conn);
        d->db.lost |= strstr(PQerrorMessage(d->conn), "refused") != NULL ||
                      strstr(PQerrorMessage(d->conn), "starting up") != NULL ||
                      strstr(PQerrorMessage(d->conn), "shutting down") != NULL;
        return pg_fail(d, PQerrorMessage(d->conn));
    }
    PGresult *r = PQexec(d->conn, "SET TIME ZONE 'UTC'; SET datestyle = 'ISO'; "
                                  "SET client_min_messages = 'warning'");
    nas_status st = PQresultStatus(r) == PGRES_COMMAND_OK ? NAS_OK : pg_result_fail(d, r);
    PQclear(r);
    if (st == NAS_OK && d->lock_key != 0)
        st = take_lock(d, again);
    d->db.connected = nas_clock();
    return st;
}

static nas_status pg_reconnect(sql_db *db) {
    return pg_connect((pg *)db, true);
}

static const char *const types[] = {
    "CREATE TYPE studydirection AS ENUM ('NOT_SET', 'MINIMIZE', 'MAXIMIZE')",
    "CREATE TYPE trialstate AS ENUM ('RUNNING', 'COMPLETE', 'PRUNED', 'FAIL', 'WAITING')",
    "CREATE TYPE trialvaluetype AS ENUM ('FINITE', 'INF_POS', 'INF_NEG')",
    "CREATE TYPE trialintermediatevaluetype AS ENUM ('FINITE', 'INF_POS', 'INF_NEG', 'NAN')",
    NULL,
};
static const sql_word words[] = {
    {"ID", "SERIAL NOT NULL"},
    {"FLOAT", "DOUBLE PRECISION"},
    {"TIME", "TIMESTAMP WITHOUT TIME ZONE"},
    {"STATE", "trialstate"},
    {"DIRECTION", "studydirection"},
    {"KIND", "trialvaluetype"},
    {"CURVE_KIND", "trialintermediatevaluetype"},
    {"HOLD", " FOR UPDATE"},
    {"SKIP", " FOR UPDATE SKIP LOCKED"},
    {NULL, NULL},
};
static const sql_engine engine = {
    .shared = true,
    .begin = "BEGIN",
    .tables = "SELECT count(*) FROM (SELECT table_name AS name FROM information_schema.tables"
              " WHERE table_schema = current_schema()) AS t WHERE true",
    .prepare = types,
    .words = words,
    .query = pg_query,
    .next = pg_next,
    .text = pg_text,
    .integer = pg_integer,
    .real = pg_real,
    .end = pg_end,
    .rollback = pg_rollback,
    .reconnect = pg_reconnect,
    .close = pg_close,
};

nas_status postgres_open(sql_db **out, const char *url, const char *name, int64_t lock_key) {
    pg *d = nas_calloc(1, sizeof *d);
    if (d == NULL)
        return nas_fail_memory(sizeof *d);
    d->db.engine = &engine;
    d->db.name = name;
    d->lock_key = lock_key;
    d->url = nas_strdup(url);
    nas_status st = d->url != NULL ? pg_connect(d, false) : nas_fail_memory(strlen(url) + 1);
    if (st != NAS_OK) {
        pg_close(&d->db);
        return st;
    }
    *out = &d->db;
    return NAS_OK;
}

#endif
