/* search/store.c - the study store: opens a study and writes its trials, each step one transaction.
 */
#include "store.h"

#include <math.h>
#include <string.h>
#include <time.h>

enum { BUSY_MS = 10000 }; /* how long a reader that copies or tidies the file is waited for */

/* ---- open and close ---------------------------------------------------------------------------
 */

static nas_status store_new(nas_store **out, const char *path) {
    nas_store *s = nas_calloc(1, sizeof *s);
    if (s == NULL)
        return nas_fail_memory(sizeof *s);
    s->lock = -1;
    s->path = nas_strdup(path);
    if (s->path == NULL) {
        nas_free(s);
        return nas_fail_memory(strlen(path) + 1);
    }
    *out = s;
    return NAS_OK;
}

static nas_status open_database(nas_store *s, const char *name, int flags) {
    int code = sqlite3_open_v2(name, &s->db, flags, NULL);
    if (code == SQLITE_OK)
        code = sqlite3_busy_timeout(s->db, BUSY_MS);
    return code == SQLITE_OK ? NAS_OK : sql_fail(s, code);
}

nas_status nas_store_open(nas_store **out, const char *path, const char *study_name,
                          const nas_study_config *c, const char *fingerprint) {
    nas_status st = NAS_OK;
    nas_store *s = NULL;
    NAS_GO(store_new(&s, path));
    s->writes = true;
    NAS_GO(lock_take(s));
    NAS_GO(open_database(s, path, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE));
    if (sqlite3_db_readonly(s->db, "main") == 1)
        NAS_GO(nas_fail(NAS_E_STORE, "%s: it cannot be written to", path));
    /* WAL lets others read at any time; FULL keeps a committed trial through a power cut. */
    NAS_GO(sql_run(s, "PRAGMA journal_mode = WAL", NULL, 0));
    NAS_GO(sql_run(s, "PRAGMA synchronous = FULL", NULL, 0));
    NAS_GO(schema_ensure(s));
    st = study_find(s, study_name);
    if (st == NAS_E_NOT_FOUND)
        NAS_GO(study_create(s, study_name, c, fingerprint));
    NAS_GO(st);
    NAS_GO(study_compare(s, fingerprint));
    *out = s;
    s = NULL;

done:
    nas_store_close(s);
    return st;
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
static nas_status reopen_immutable(nas_store *s) {
    nas_text uri = {0}, wal = {0};
    nas_status st = NAS_OK;
    sqlite3_close(s->db);
    s->db = NULL;
    nas_text_add(&wal, "%s-wal", s->path);
    NAS_GO(nas_text_check(&wal));
    if (nas_file_exists(nas_text_str(&wal)))
        NAS_GO(nas_fail(NAS_E_STORE,
                        "%s: its folder cannot be written to and the study was not "
                        "closed; copy the folder elsewhere",
                        s->path));
    immutable_uri(&uri, s->path);
    NAS_GO(nas_text_check(&uri));
    NAS_GO(open_database(s, nas_text_str(&uri), SQLITE_OPEN_READONLY | SQLITE_OPEN_URI));

done:
    nas_text_free(&uri);
    nas_text_free(&wal);
    return st;
}

nas_status nas_store_open_read(nas_store **out, const char *path) {
    nas_status st = NAS_OK;
    nas_store *s = NULL;
    if (!nas_file_exists(path))
        return nas_fail(NAS_E_NOT_FOUND, "%s: there is no such study store", path);
    NAS_GO(store_new(&s, path));
    NAS_GO(open_database(s, path, SQLITE_OPEN_READONLY));
    int code = sqlite3_exec(s->db, "SELECT count(*) FROM sqlite_master", NULL, NULL, NULL);
    if (code == SQLITE_CANTOPEN || code == SQLITE_READONLY)
        NAS_GO(reopen_immutable(s));
    NAS_GO(schema_check(s));
    NAS_GO(study_find(s, NULL));
    *out = s;
    s = NULL;

done:
    nas_store_close(s);
    return st;
}

void nas_store_close(nas_store *s) {
    if (s == NULL)
        return;
    sqlite3_close(s->db);
    lock_drop(s);
    nas_free(s->names);
    nas_free(s->path);
    nas_free(s);
}

/* ---- trials -----------------------------------------------------------------------------------
 */

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

void stamp_text(char out[STAMP_SIZE], double seconds) {
    int64_t micro = (int64_t)floor(seconds * 1e6 + 0.5);
    int64_t whole = micro / 1000000, part = micro % 1000000;
    time_t t = (time_t)whole;
    struct tm utc;
    char date[24];
    gmtime_r(&t, &utc);
    strftime(date, sizeof date, "%Y-%m-%d %H:%M:%S", &utc);
    snprintf(out, STAMP_SIZE, "%s.%06d", date, (int)part);
}

const char *value_type(double v) {
    return isnan(v) ? "NAN" : isfinite(v) ? "FINITE" : v > 0 ? "INF_POS" : "INF_NEG";
}

static sql_value value_or_null(double v) {
    return isfinite(v) ? REAL(v) : NONE;
}

/* What a trial that begins anew leaves behind of its first life. */
static nas_status wipe_trial(const nas_store *s, int64_t id) {
    static const char *const statements[] = {
        "DELETE FROM trial_params WHERE trial_id = ?",
        "DELETE FROM trial_values WHERE trial_id = ?",
        "DELETE FROM trial_intermediate_values WHERE trial_id = ?",
        "DELETE FROM trial_user_attributes WHERE trial_id = ?",
        "DELETE FROM trial_system_attributes WHERE trial_id = ?",
        "DELETE FROM trial_heartbeats WHERE trial_id = ?",
    };
    for (size_t i = 0; i < sizeof statements / sizeof *statements; i++)
        NAS_TRY(sql_run(s, statements[i], &INT(id), 1));
    return NAS_OK;
}

static nas_status begin_trial(nas_store *s, uint32_t number, const nas_space *sp,
                              const nas_genome *x) {
    int64_t id = 0;
    nas_trial_state state = NAS_TRIAL_WAITING;
    bool found;
    char start[STAMP_SIZE];
    stamp_text(start, now());
    NAS_TRY(trial_find(&id, &state, &found, s, number));
    if (found && state != NAS_TRIAL_RUNNING && state != NAS_TRIAL_WAITING)
        return nas_fail(NAS_E_STORE, "%s: trial %u has ended already", s->path, number);
    if (found) {
        NAS_TRY(wipe_trial(s, id));
        NAS_TRY(sql_run(s,
                        "UPDATE trials SET state = 'RUNNING', datetime_start = ?,"
                        " datetime_complete = NULL WHERE trial_id = ?",
                        (sql_value[]){TEXT(start), INT(id)}, 2));
    } else {
        uint32_t count = nas_store_trial_count(s);
        if (number != count)
            return nas_fail(NAS_E_STORE, "%s: trial %u cannot begin, %u is next", s->path, number,
                            count);
        NAS_TRY(sql_run(s,
                        "INSERT INTO trials (number, study_id, state, datetime_start)"
                        " VALUES (?, ?, 'RUNNING', ?)",
                        (sql_value[]){INT(number), INT(s->study), TEXT(start)}, 3));
        id = sqlite3_last_insert_rowid(s->db);
    }
    return params_write(s, id, sp, x);
}

nas_status nas_store_begin(nas_store *s, uint32_t number, const nas_space *sp,
                           const nas_genome *x) {
    NAS_TRY(sql_begin(s));
    return sql_finish(s, begin_trial(s, number, sp, x));
}

static nas_status need_trial(int64_t *id, nas_trial_state *state, const nas_store *s,
                             uint32_t number) {
    bool found;
    NAS_TRY(trial_find(id, state, &found, s, number));
    return found ? NAS_OK : nas_fail(NAS_E_NOT_FOUND, "%s: no trial %u", s->path, number);
}

nas_status nas_store_intermediate(nas_store *s, uint32_t number, uint32_t step, double value) {
    int64_t id;
    nas_trial_state state;
    NAS_TRY(need_trial(&id, &state, s, number));
    return sql_run(
        s,
        "INSERT INTO trial_intermediate_values (trial_id, step, intermediate_value,"
        " intermediate_value_type) VALUES (?, ?, ?, ?) ON CONFLICT (trial_id, step) DO UPDATE SET"
        " intermediate_value = excluded.intermediate_value,"
        " intermediate_value_type = excluded.intermediate_value_type",
        (sql_value[]){INT(id), INT(step), value_or_null(value), TEXT(value_type(value))}, 4);
}

static nas_status check_json(const nas_store *s, const char *key, const char *json) {
    int64_t valid = 0;
    bool found;
    NAS_TRY(sql_int(&valid, &found, s, "SELECT json_valid(?)", &TEXT(json), 1));
    if (!valid)
        return nas_fail(NAS_E_ARG, "%s: attribute %s is no JSON: %.60s", s->path, key, json);
    return NAS_OK;
}

static nas_status put_trial_attr(const nas_store *s, int64_t id, const char *key,
                                 const char *json) {
    return sql_run(s,
                   "INSERT INTO trial_user_attributes (trial_id, key, value_json)"
                   " VALUES (?, ?, ?) ON CONFLICT (trial_id, key)"
                   " DO UPDATE SET value_json = excluded.value_json",
                   (sql_value[]){INT(id), TEXT(key), TEXT(json)}, 3);
}

nas_status nas_store_attr(nas_store *s, uint32_t number, const char *key, const char *json) {
    int64_t id;
    nas_trial_state state;
    NAS_TRY(check_json(s, key, json));
    NAS_TRY(need_trial(&id, &state, s, number));
    return put_trial_attr(s, id, key, json);
}

nas_status nas_store_study_attr(nas_store *s, const char *key, const char *json) {
    NAS_TRY(check_json(s, key, json));
    return sql_run(s,
                   "INSERT INTO study_user_attributes (study_id, key, value_json)"
                   " VALUES (?, ?, ?) ON CONFLICT (study_id, key)"
                   " DO UPDATE SET value_json = excluded.value_json",
                   (sql_value[]){INT(s->study), TEXT(key), TEXT(json)}, 3);
}

/* ---- the end of a trial ------------------------------------------------------------------------
 */

static nas_status write_objectives(const nas_store *s, int64_t id, const nas_trial *t) {
    for (uint32_t k = 0; k < s->n_objectives; k++) {
        double v = t->objective[k];
        if (isnan(v))
            return nas_fail(NAS_E_NAN, "trial %u: objective %s is not a number", t->number,
                            s->objective[k]);
        NAS_TRY(sql_run(s,
                        "INSERT INTO trial_values (trial_id, objective, value, value_type)"
                        " VALUES (?, ?, ?, ?)",
                        (sql_value[]){INT(id), INT(k), value_or_null(v), TEXT(value_type(v))}, 4));
    }
    return NAS_OK;
}

/* Optuna calls a trial feasible when no number of this list is above 0. */
static nas_status write_violation(const nas_store *s, int64_t id, double violation) {
    nas_text json = {0};
    nas_status st = NAS_OK;
    nas_text_add(&json, "[");
    if (isfinite(violation))
        nas_text_json_number(&json, violation);
    else
        nas_text_add(&json, "1e999"); /* JSON has no infinity; readers make it of this */
    nas_text_add(&json, "]");
    NAS_GO(nas_text_check(&json));
    NAS_GO(sql_run(s,
                   "INSERT INTO trial_system_attributes (trial_id, key, value_json)"
                   " VALUES (?, 'constraints', ?)",
                   (sql_value[]){INT(id), TEXT(nas_text_str(&json))}, 2));
done:
    nas_text_free(&json);
    return st;
}

static nas_status write_reason(const nas_store *s, int64_t id, const char *reason) {
    nas_text json = {0};
    nas_text_json(&json, reason);
    nas_status st = nas_text_check(&json);
    if (st == NAS_OK)
        st = put_trial_attr(s, id, "reason", nas_text_str(&json));
    nas_text_free(&json);
    return st;
}

static nas_status end_trial(nas_store *s, const nas_trial *t, const char *reason) {
    int64_t id;
    nas_trial_state state;
    char start[STAMP_SIZE], end[STAMP_SIZE];
    NAS_TRY(need_trial(&id, &state, s, t->number));
    if (state != NAS_TRIAL_RUNNING)
        return nas_fail(NAS_E_STORE, "%s: trial %u is not running (%s)", s->path, t->number,
                        state_names[state]);
    if (t->state == NAS_TRIAL_COMPLETE)
        NAS_TRY(write_objectives(s, id, t));
    if (s->constrained || t->violation > 0)
        NAS_TRY(write_violation(s, id, t->violation));
    if (reason != NULL)
        NAS_TRY(write_reason(s, id, reason));
    stamp_text(start, t->started);
    stamp_text(end, t->ended > 0 ? t->ended : now());
    return sql_run(s,
                   "UPDATE trials SET state = ?, datetime_start = coalesce(?, datetime_start),"
                   " datetime_complete = ? WHERE trial_id = ?",
                   (sql_value[]){TEXT(state_names[t->state]), t->started > 0 ? TEXT(start) : NONE,
                                 TEXT(end), INT(id)},
                   4);
}

nas_status nas_store_end(nas_store *s, const nas_trial *t, const char *reason) {
    if (t->state != NAS_TRIAL_COMPLETE && t->state != NAS_TRIAL_FAIL &&
        t->state != NAS_TRIAL_PRUNED)
        return nas_fail(NAS_E_ARG, "trial %u cannot end as %s", t->number, state_names[t->state]);
    NAS_TRY(sql_begin(s));
    return sql_finish(s, end_trial(s, t, reason));
}

static nas_status forget_running(nas_store *s, uint32_t *n) {
    /* The row and its params stay, so that numbers stay dense; WAITING is Optuna's word for a trial
     * whose params are settled and which nobody runs. */
    static const char *const statements[] = {
        "DELETE FROM trial_values WHERE trial_id IN (SELECT trial_id FROM trials WHERE"
        " study_id = ? AND state = 'RUNNING')",
        "DELETE FROM trial_intermediate_values WHERE trial_id IN (SELECT trial_id FROM trials"
        " WHERE study_id = ? AND state = 'RUNNING')",
        "DELETE FROM trial_system_attributes WHERE trial_id IN (SELECT trial_id FROM trials"
        " WHERE study_id = ? AND state = 'RUNNING')",
        "DELETE FROM trial_user_attributes WHERE key <> 'genome' AND trial_id IN"
        " (SELECT trial_id FROM trials WHERE study_id = ? AND state = 'RUNNING')",
        "UPDATE trials SET state = 'WAITING', datetime_start = NULL WHERE study_id = ?"
        " AND state = 'RUNNING'",
    };
    for (size_t i = 0; i < sizeof statements / sizeof *statements; i++)
        NAS_TRY(sql_run(s, statements[i], &INT(s->study), 1));
    *n = (uint32_t)sqlite3_changes(s->db);
    return NAS_OK;
}

nas_status nas_store_recover(nas_store *s, uint32_t *n_forgotten) {
    uint32_t n = 0;
    NAS_TRY(sql_begin(s));
    NAS_TRY(sql_finish(s, forget_running(s, &n)));
    *n_forgotten = n;
    return NAS_OK;
}
