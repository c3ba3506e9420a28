/* search/sql.c - SQL statements in one call, transactions, and the wait for a server that is away.
 */
#include "sql.h"

#include <math.h>
#include <string.h>
#include <time.h>

static const double first_wait_s = 0.25, longest_wait_s = 15;

static void sleep_s(double s) {
    struct timespec t = {(time_t)s, (long)((s - floor(s)) * 1e9)};
    nanosleep(&t, NULL);
}

static bool stopped(const sql_db *d) {
    return d->stop != NULL && *d->stop;
}

/* Waits for the server, ever longer, and says so once; OK when it is back. */
static nas_status wait_for_server(sql_db *d) {
    double until = nas_clock() + d->patience_s, wait = first_wait_s;
    nas_log(NAS_LOG_WARN, "%s; trying again", nas_error_text());
    for (;;) {
        for (double end = nas_clock() + wait; nas_clock() < end && !stopped(d);)
            sleep_s(0.05);
        if (stopped(d))
            return nas_fail(NAS_E_STOPPED, "stopped while waiting for %s", d->name);
        nas_status st = d->engine->reconnect(d);
        if (st == NAS_OK) {
            nas_log(NAS_LOG_WARN, "%s: connected again", d->name);
            return NAS_OK;
        }
        if (!d->lost || nas_clock() > until)
            return st;
        wait = wait < longest_wait_s ? 2 * wait : longest_wait_s;
    }
}

static bool can_wait(const sql_db *d) {
    return d->lost && d->engine->reconnect != NULL && d->patience_s > 0;
}

/* "$NAME" is what the engine calls it; other text stays. */
static void expand(nas_text *out, const sql_db *d, const char *sql) {
    for (const char *at; (at = strchr(sql, '$')) != NULL;) {
        const sql_word *w = d->engine->words;
        while (w->name != NULL && strncmp(at + 1, w->name, strlen(w->name)) != 0)
            w++;
        nas_text_bytes(out, sql, (size_t)(at - sql));
        nas_text_add(out, "%s", w->name != NULL ? w->text : "$");
        sql = at + 1 + (w->name != NULL ? strlen(w->name) : 0);
    }
    nas_text_add(out, "%s", sql);
}

nas_status sql_query(sql_rows **out, sql_db *d, const char *sql, const sql_value *v, int n) {
    nas_text text = {0};
    nas_status st;
    expand(&text, d, sql);
    NAS_GO(nas_text_check(&text));
    for (;;) {
        d->lost = false;
        st = d->engine->query(out, d, nas_text_str(&text), v, n);
        if (st == NAS_OK || d->inside || !can_wait(d))
            break;
        NAS_GO(wait_for_server(d));
    }
done:
    nas_text_free(&text);
    return st;
}

nas_status sql_next(bool *more, sql_rows *r) {
    return r->db->engine->next(more, r);
}

const char *sql_column_text(sql_rows *r, int column) {
    return r->db->engine->text(r, column);
}

int64_t sql_column_int(sql_rows *r, int column) {
    return r->db->engine->integer(r, column);
}

double sql_column_real(sql_rows *r, int column) {
    return r->db->engine->real(r, column);
}

void sql_end(sql_rows *r) {
    if (r != NULL)
        r->db->engine->end(r);
}

nas_status sql_run(sql_db *d, const char *sql, const sql_value *v, int n) {
    sql_rows *r;
    NAS_TRY(sql_query(&r, d, sql, v, n));
    bool more = true;
    nas_status st = NAS_OK;
    while (more && st == NAS_OK) /* a PRAGMA answers with a row */
        st = sql_next(&more, r);
    sql_end(r);
    return st;
}

nas_status sql_int(int64_t *out, bool *found, sql_db *d, const char *sql, const sql_value *v,
                   int n) {
    sql_rows *r;
    NAS_TRY(sql_query(&r, d, sql, v, n));
    nas_status st = sql_next(found, r);
    if (st == NAS_OK && *found)
        *out = sql_column_int(r, 0);
    sql_end(r);
    return st;
}

nas_status sql_text(char **out, sql_db *d, const char *sql, const sql_value *v, int n) {
    sql_rows *r;
    NAS_TRY(sql_query(&r, d, sql, v, n));
    bool found;
    char *copy = NULL;
    nas_status st = NAS_OK;
    NAS_GO(sql_next(&found, r));
    const char *text = found ? sql_column_text(r, 0) : NULL;
    if (text != NULL && (copy = nas_strdup(text)) == NULL)
        NAS_GO(nas_fail_memory(strlen(text) + 1));
    *out = copy;

done:
    sql_end(r);
    return st;
}

static nas_status try_once(sql_db *d, sql_body body, void *ctx) {
    NAS_TRY(sql_run(d, d->engine->begin, NULL, 0));
    d->inside = true;
    nas_status st = body(ctx);
    if (st == NAS_OK)
        st = sql_run(d, "COMMIT", NULL, 0);
    /* The failure is recorded already; a rollback that fails leaves nothing to be undone. */
    if (st != NAS_OK)
        d->engine->rollback(d);
    d->inside = false;
    return st;
}

nas_status sql_transaction(sql_db *d, sql_body body, void *ctx) {
    nas_status st;
    d->retried = false;
    for (;;) {
        st = try_once(d, body, ctx);
        if (st == NAS_OK || !can_wait(d))
            break;
        st = wait_for_server(d);
        if (st != NAS_OK)
            break;
        d->retried = true;
    }
    d->retried = false;
    return st;
}

void sql_close(sql_db *d) {
    if (d != NULL)
        d->engine->close(d);
}
