/* search/store.c - the study store: opens a study and writes its trials, each step one transaction.
 */
#include "store.h"

#include <math.h>
#include <string.h>
#include <time.h>

/* ---- open and close ---------------------------------------------------------------------------
 */

bool nas_store_is_url(const char *path) {
    return strncmp(path, "postgresql://", 13) == 0 || strncmp(path, "postgres://", 11) == 0;
}

/* A server's address without user, password and options: it is shown in messages. */
static char *shown_name(const char *path) {
    if (!nas_store_is_url(path))
        return nas_strdup(path);
    const char *host = strstr(path, "://") + 3;
    size_t n = strcspn(host, "?");
    for (size_t i = strcspn(host, "/?"); i > 0; i--)
        if (host[i - 1] == '@') {
            host += i;
            n -= i;
            break;
        }
    nas_text t = {0};
    nas_text_add(&t, "postgresql://%.*s", (int)n, host);
    return t.failed ? NULL : t.s;
}

static nas_status store_new(nas_store **out, const char *path) {
    nas_store *s = nas_calloc(1, sizeof *s);
    if (s == NULL)
        return nas_fail_memory(sizeof *s);
    s->lock = -1;
    s->path = shown_name(path);
    if (s->path == NULL) {
        nas_free(s);
        return nas_fail_memory(strlen(path) + 1);
    }
    *out = s;
    return NAS_OK;
}

/* Two studies of one database may run at once, one study only once. */
static int64_t lock_key(const char *study_name) {
    uint64_t h = nas_hash_bytes(0, study_name, strlen(study_name));
    return (int64_t)(h >> 2) + 1;
}

static nas_status open_or_create(nas_store *s, const char *study_name, const nas_study_config *c,
                                 const char *fingerprint) {
    NAS_TRY(schema_ensure(s));
    nas_status st = study_find(s, study_name);
    if (st == NAS_E_NOT_FOUND)
        st = study_create(s, study_name, c, fingerprint);
    NAS_TRY(st);
    return study_compare(s, fingerprint);
}

nas_status nas_store_open(nas_store **out, const char *path, const char *study_name,
                          const nas_study_config *c, const char *fingerprint) {
    nas_status st = NAS_OK;
    nas_store *s = NULL;
    NAS_GO(store_new(&s, path));
    if (nas_store_is_url(path)) {
        NAS_GO(postgres_open(&s->db, path, s->path, lock_key(study_name)));
    } else {
        NAS_GO(lock_take(s));
        NAS_GO(sqlite_open(&s->db, path, s->path, true));
    }
    NAS_GO(open_or_create(s, study_name, c, fingerprint));
    *out = s;
    s = NULL;

done:
    nas_store_close(s);
    return st;
}

nas_status nas_store_open_read(nas_store **out, const char *path, const char *study_name) {
    nas_status st = NAS_OK;
    nas_store *s = NULL;
    bool url = nas_store_is_url(path);
    if (!url && !nas_file_exists(path))
        return nas_fail(NAS_E_NOT_FOUND, "%s: there is no such study store", path);
    NAS_GO(store_new(&s, path));
    if (url)
        NAS_GO(postgres_open(&s->db, path, s->path, 0));
    else
        NAS_GO(sqlite_open(&s->db, path, s->path, false));
    NAS_GO(schema_check(s));
    NAS_GO(study_find(s, study_name));
    *out = s;
    s = NULL;

done:
    nas_store_close(s);
    return st;
}

void nas_store_close(nas_store *s) {
    if (s == NULL)
        return;
    sql_close(s->db);
    lock_drop(s);
    nas_free(s->names);
    nas_free(s->path);
    nas_free(s);
}

void nas_store_patience(nas_store *s, double seconds, const volatile int *stop) {
    s->db->patience_s = seconds;
    s->db->stop = stop;
}

/* ---- trials -----------------------------------------------------------------------------------
 */

void trial_now(char out[STAMP_SIZE]) {
    stamp_text(out, nas_time());
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
        NAS_TRY(sql_run(s->db, statements[i], &INT(id), 1));
    return NAS_OK;
}

typedef struct beginning {
    nas_store *s;
    uint32_t number;
    const nas_space *space;
    const nas_genome *x;
} beginning;

static nas_status new_row(int64_t *id, const nas_store *s, uint32_t number, const char *start) {
    uint32_t count = nas_store_trial_count(s);
    bool found;
    if (number != count)
        return nas_fail(NAS_E_STORE, "%s: trial %u cannot begin, %u is next", s->path, number,
                        count);
    return sql_int(id, &found, s->db,
                   "INSERT INTO trials (number, study_id, state, datetime_start)"
                   " VALUES (?, ?, 'RUNNING', ?) RETURNING trial_id",
                   (sql_value[]){INT(number), INT(s->study), TEXT(start)}, 3);
}

/* A trial that beats is run by a worker elsewhere: it is not ours to begin. */
static nas_status refuse_if_beating(const nas_store *s, int64_t id, uint32_t number) {
    int64_t one;
    bool beats;
    NAS_TRY(sql_int(&one, &beats, s->db, "SELECT 1 FROM trial_heartbeats WHERE trial_id = ?",
                    &INT(id), 1));
    return beats && s->db->engine->shared
               ? nas_fail(NAS_E_EXISTS, "%s: a worker is running trial %u", s->path, number)
               : NAS_OK;
}

static nas_status begin_trial(void *ctx) {
    const beginning *b = ctx;
    const nas_store *s = b->s;
    int64_t id = 0;
    nas_trial_state state = NAS_TRIAL_WAITING;
    bool found;
    char start[STAMP_SIZE];
    trial_now(start);
    NAS_TRY(trial_hold(&id, &state, &found, s, b->number));
    if (found && state != NAS_TRIAL_RUNNING && state != NAS_TRIAL_WAITING)
        return nas_fail(NAS_E_STORE, "%s: trial %u has ended already", s->path, b->number);
    if (found) {
        if (state == NAS_TRIAL_RUNNING)
            NAS_TRY(refuse_if_beating(s, id, b->number));
        NAS_TRY(wipe_trial(s, id));
        NAS_TRY(sql_run(s->db,
                        "UPDATE trials SET state = 'RUNNING', datetime_start = ?,"
                        " datetime_complete = NULL WHERE trial_id = ?",
                        (sql_value[]){TEXT(start), INT(id)}, 2));
    } else {
        NAS_TRY(new_row(&id, s, b->number, start));
    }
    return params_write(s, id, b->space, b->x);
}

nas_status nas_store_begin(nas_store *s, uint32_t number, const nas_space *sp,
                           const nas_genome *x) {
    beginning b = {s, number, sp, x};
    return sql_transaction(s->db, begin_trial, &b);
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
        s->db,
        "INSERT INTO trial_intermediate_values (trial_id, step, intermediate_value,"
        " intermediate_value_type) VALUES (?, ?, ?, ?) ON CONFLICT (trial_id, step) DO UPDATE SET"
        " intermediate_value = excluded.intermediate_value,"
        " intermediate_value_type = excluded.intermediate_value_type",
        (sql_value[]){INT(id), INT(step), value_or_null(value), TEXT(value_type(value))}, 4);
}

static nas_status check_json(const nas_store *s, const char *key, const char *json) {
    if (!json_is_valid(json))
        return nas_fail(NAS_E_ARG, "%s: attribute %s is no JSON: %.60s", s->path, key, json);
    return NAS_OK;
}

nas_status trial_put_attr(const nas_store *s, int64_t id, const char *key, const char *json) {
    return sql_run(s->db,
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
    return trial_put_attr(s, id, key, json);
}

nas_status nas_store_study_attr(nas_store *s, const char *key, const char *json) {
    NAS_TRY(check_json(s, key, json));
    return sql_run(s->db,
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
        NAS_TRY(sql_run(s->db,
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
        nas_text_shortest(&json, violation);
    else
        nas_text_add(&json, "1e999"); /* JSON has no infinity; readers make it of this */
    nas_text_add(&json, "]");
    NAS_GO(nas_text_check(&json));
    NAS_GO(sql_run(s->db,
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
        st = trial_put_attr(s, id, "reason", nas_text_str(&json));
    nas_text_free(&json);
    return st;
}

typedef struct ending {
    nas_store *s;
    const nas_trial *t;
    const char *reason;
} ending;

static nas_status end_trial(void *ctx) {
    const ending *e = ctx;
    const nas_store *s = e->s;
    const nas_trial *t = e->t;
    int64_t id;
    nas_trial_state state;
    bool found;
    char start[STAMP_SIZE], end[STAMP_SIZE];
    NAS_TRY(trial_hold(&id, &state, &found, s, t->number));
    if (!found)
        return nas_fail(NAS_E_NOT_FOUND, "%s: no trial %u", s->path, t->number);
    if (s->db->retried && state == t->state)
        return NAS_OK; /* the commit came through, only its answer was lost */
    if (state != NAS_TRIAL_RUNNING)
        return nas_fail(NAS_E_STORE, "%s: trial %u is not running (%s)", s->path, t->number,
                        state_names[state]);
    NAS_TRY(share_forget(s, id));
    if (t->state == NAS_TRIAL_COMPLETE)
        NAS_TRY(write_objectives(s, id, t));
    if (s->constrained || t->violation > 0)
        NAS_TRY(write_violation(s, id, t->violation));
    if (e->reason != NULL)
        NAS_TRY(write_reason(s, id, e->reason));
    stamp_text(start, t->started);
    stamp_text(end, t->ended > 0 ? t->ended : nas_time());
    return sql_run(s->db,
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
    ending e = {s, t, reason};
    return sql_transaction(s->db, end_trial, &e);
}

/* ---- going on ---------------------------------------------------------------------------------
 */

#define LEFT_RUNNING                                                                               \
    " study_id = ? AND state = 'RUNNING' AND NOT EXISTS (SELECT 1 FROM trial_heartbeats AS h"      \
    " WHERE h.trial_id = trials.trial_id)"
#define OF_THOSE "trial_id IN (SELECT trial_id FROM trials WHERE" LEFT_RUNNING ")"

typedef struct recovery {
    nas_store *s;
    uint32_t n;
} recovery;

static nas_status forget_running(void *ctx) {
    /* The row and its params stay, so that numbers stay dense; WAITING is Optuna's word for a trial
     * whose params are settled and which nobody runs. What beats is run by a worker elsewhere. */
    static const char *const statements[] = {
        "DELETE FROM trial_values WHERE " OF_THOSE,
        "DELETE FROM trial_intermediate_values WHERE " OF_THOSE,
        "DELETE FROM trial_system_attributes WHERE " OF_THOSE,
        "DELETE FROM trial_user_attributes WHERE key <> 'genome' AND " OF_THOSE,
        "UPDATE trials SET state = 'WAITING', datetime_start = NULL WHERE" LEFT_RUNNING,
    };
    recovery *r = ctx;
    nas_store *s = r->s;
    int64_t n = 0;
    bool found;
    NAS_TRY(sql_int(&n, &found, s->db, "SELECT count(*) FROM trials WHERE" LEFT_RUNNING,
                    &INT(s->study), 1));
    for (size_t i = 0; i < sizeof statements / sizeof *statements; i++)
        NAS_TRY(sql_run(s->db, statements[i], &INT(s->study), 1));
    r->n = (uint32_t)n;
    return NAS_OK;
}

nas_status nas_store_recover(nas_store *s, uint32_t *n_forgotten) {
    recovery r = {s, 0};
    NAS_TRY(sql_transaction(s->db, forget_running, &r));
    *n_forgotten = r.n;
    return NAS_OK;
}
