/* search/store_share.c - trials that others may run: offered, taken, kept alive, handed in, given
 * back when their worker dies. */
#include "store.h"

#include <string.h>

/* System attributes of a trial under way. */
#define OFFERED "clnas:offered"
#define WORKER  "clnas:worker"
#define RESULT  "clnas:result"

bool nas_store_shared(const nas_store *s) {
    return s->db->engine->shared;
}

static nas_status put(const nas_store *s, int64_t id, const char *key, const char *json) {
    return sql_run(s->db,
                   "INSERT INTO trial_system_attributes (trial_id, key, value_json)"
                   " VALUES (?, ?, ?) ON CONFLICT (trial_id, key)"
                   " DO UPDATE SET value_json = excluded.value_json",
                   (sql_value[]){INT(id), TEXT(key), TEXT(json)}, 3);
}

static nas_status drop(const nas_store *s, int64_t id, const char *key) {
    return sql_run(s->db, "DELETE FROM trial_system_attributes WHERE trial_id = ? AND key = ?",
                   (sql_value[]){INT(id), TEXT(key)}, 2);
}

static nas_status drop_beat(const nas_store *s, int64_t id) {
    return sql_run(s->db, "DELETE FROM trial_heartbeats WHERE trial_id = ?", &INT(id), 1);
}

nas_status share_forget(const nas_store *s, int64_t id) {
    NAS_TRY(drop(s, id, OFFERED));
    NAS_TRY(drop(s, id, WORKER));
    NAS_TRY(drop(s, id, RESULT));
    return drop_beat(s, id);
}

/* What a transaction here works on. */
typedef struct deal {
    nas_store *s;
    uint32_t number;
    const char *worker, *json; /* worker: its name as JSON */
    bool beats, found;
    nas_genome genome;
    double older_s;
    uint32_t n;
} deal;

/* ---- offer ------------------------------------------------------------------------------------
 */

static nas_status offer(void *ctx) {
    const deal *d = ctx;
    int64_t id;
    nas_trial_state state;
    bool found;
    NAS_TRY(trial_hold(&id, &state, &found, d->s, d->number));
    if (d->s->db->retried && found && state != NAS_TRIAL_RUNNING)
        return NAS_OK; /* offered by the try before, and perhaps further on already */
    if (!found || state != NAS_TRIAL_RUNNING)
        return nas_fail(NAS_E_STORE, "%s: trial %u is not running, so it cannot be offered",
                        d->s->path, d->number);
    NAS_TRY(put(d->s, id, OFFERED, "true"));
    return sql_run(d->s->db, "UPDATE trials SET state = 'WAITING' WHERE trial_id = ?", &INT(id), 1);
}

nas_status nas_store_offer(nas_store *s, uint32_t number) {
    deal d = {.s = s, .number = number};
    return sql_transaction(s->db, offer, &d);
}

/* ---- take -------------------------------------------------------------------------------------
 */

static nas_status pick(int64_t *id, deal *d, const char *sql, const char *worker) {
    sql_rows *r;
    sql_value v[] = {INT(d->s->study), TEXT(worker)};
    NAS_TRY(sql_query(&r, d->s->db, sql, v, worker != NULL ? 2 : 1));
    nas_status st = sql_next(&d->found, r);
    if (st == NAS_OK && d->found) {
        *id = sql_column_int(r, 0);
        d->number = (uint32_t)sql_column_int(r, 1);
    }
    sql_end(r);
    return st;
}

static nas_status beat_first(const nas_store *s, int64_t id) {
    return sql_run(s->db,
                   "INSERT INTO trial_heartbeats (trial_id, heartbeat)"
                   " VALUES (?, CURRENT_TIMESTAMP) ON CONFLICT (trial_id)"
                   " DO UPDATE SET heartbeat = excluded.heartbeat",
                   &INT(id), 1);
}

static nas_status take(void *ctx) {
    deal *d = ctx;
    nas_store *s = d->s;
    int64_t id = 0;
    char start[STAMP_SIZE];
    d->found = false;
    if (s->db->retried) /* the commit of the try before may have come through */
        NAS_TRY(pick(&id, d,
                     "SELECT t.trial_id, t.number FROM trials AS t WHERE t.study_id = ?"
                     " AND t.state = 'RUNNING' AND EXISTS (SELECT 1 FROM trial_system_attributes"
                     " AS a WHERE a.trial_id = t.trial_id AND a.key = '" WORKER
                     "' AND a.value_json = ?) AND NOT EXISTS (SELECT 1 FROM"
                     " trial_system_attributes AS a WHERE a.trial_id = t.trial_id"
                     " AND a.key = '" RESULT "')",
                     d->worker));
    if (d->found)
        return trial_genome(&d->genome, s, id, d->number);
    NAS_TRY(pick(&id, d,
                 "SELECT t.trial_id, t.number FROM trials AS t WHERE t.study_id = ?"
                 " AND t.state = 'WAITING' AND EXISTS (SELECT 1 FROM trial_system_attributes AS a"
                 " WHERE a.trial_id = t.trial_id AND a.key = '" OFFERED
                 "') ORDER BY t.number LIMIT 1$SKIP",
                 NULL));
    if (!d->found)
        return NAS_OK;
    trial_now(start);
    NAS_TRY(sql_run(s->db,
                    "UPDATE trials SET state = 'RUNNING', datetime_start = ? WHERE trial_id = ?",
                    (sql_value[]){TEXT(start), INT(id)}, 2));
    NAS_TRY(put(s, id, WORKER, d->worker));
    if (d->beats)
        NAS_TRY(beat_first(s, id));
    return trial_genome(&d->genome, s, id, d->number);
}

nas_status nas_store_take(bool *got, uint32_t *number, nas_genome *genome, nas_store *s,
                          const char *worker, bool beats) {
    nas_text name = {0};
    nas_status st;
    nas_text_json(&name, worker);
    deal d = {.s = s, .worker = nas_text_str(&name), .beats = beats};
    NAS_GO(nas_text_check(&name));
    NAS_GO(sql_transaction(s->db, take, &d));
    *got = d.found;
    if (d.found) {
        *number = d.number;
        *genome = d.genome;
    }
done:
    nas_text_free(&name);
    return st;
}

/* ---- keep, hand in, give back -----------------------------------------------------------------
 */

/* True in *mine when trial `number` runs and `worker` (as JSON) has it; it is held until the
 * transaction ends. */
static nas_status is_mine(bool *mine, int64_t *id, const deal *d) {
    nas_trial_state state;
    bool found;
    char *holder = NULL;
    *mine = false;
    NAS_TRY(trial_hold(id, &state, &found, d->s, d->number));
    if (!found || state != NAS_TRIAL_RUNNING)
        return NAS_OK;
    NAS_TRY(sql_text(&holder, d->s->db,
                     "SELECT value_json FROM trial_system_attributes WHERE trial_id = ?"
                     " AND key = '" WORKER "'",
                     &INT(*id), 1));
    *mine = holder != NULL && strcmp(holder, d->worker) == 0;
    nas_free(holder);
    return NAS_OK;
}

static nas_status hand_in(void *ctx) {
    deal *d = ctx;
    int64_t id;
    NAS_TRY(is_mine(&d->found, &id, d));
    if (!d->found)
        return NAS_OK;
    return d->json != NULL ? put(d->s, id, RESULT, d->json) : beat_first(d->s, id);
}

static nas_status with_worker(bool *mine, nas_store *s, uint32_t number, const char *worker,
                              const char *json) {
    nas_text name = {0};
    nas_status st;
    nas_text_json(&name, worker);
    deal d = {.s = s, .number = number, .worker = nas_text_str(&name), .json = json};
    NAS_GO(nas_text_check(&name));
    NAS_GO(sql_transaction(s->db, hand_in, &d));
    *mine = d.found;
done:
    nas_text_free(&name);
    return st;
}

nas_status nas_store_beat(bool *mine, nas_store *s, uint32_t number, const char *worker) {
    return with_worker(mine, s, number, worker, NULL);
}

nas_status nas_store_hand_in(bool *mine, nas_store *s, uint32_t number, const char *worker,
                             const char *json) {
    if (!json_is_valid(json))
        return nas_fail(NAS_E_ARG, "%s: the result of trial %u is no JSON: %.60s", s->path, number,
                        json);
    return with_worker(mine, s, number, worker, json);
}

nas_status nas_store_next_result(bool *found, uint32_t *number, char **json, nas_store *s,
                                 uint32_t from) {
    sql_rows *r;
    char *copy = NULL;
    NAS_TRY(sql_query(&r, s->db,
                      "SELECT t.number, a.value_json FROM trials AS t, trial_system_attributes AS a"
                      " WHERE a.trial_id = t.trial_id AND t.study_id = ? AND t.number >= ?"
                      " AND t.state = 'RUNNING' AND a.key = '" RESULT "' ORDER BY t.number LIMIT 1",
                      (sql_value[]){INT(s->study), INT(from)}, 2));
    nas_status st;
    NAS_GO(sql_next(found, r));
    if (*found) {
        const char *text = sql_column_text(r, 1);
        if (text == NULL)
            text = "null";
        copy = nas_strdup(text);
        if (copy == NULL)
            NAS_GO(nas_fail_memory(strlen(text) + 1));
        *number = (uint32_t)sql_column_int(r, 0);
        *json = copy;
    }
done:
    sql_end(r);
    return st;
}

/* The row, its params and what was found out before it was offered stay. */
static nas_status offer_again(const nas_store *s, int64_t id) {
    NAS_TRY(drop(s, id, WORKER));
    NAS_TRY(drop_beat(s, id));
    NAS_TRY(
        sql_run(s->db, "DELETE FROM trial_intermediate_values WHERE trial_id = ?", &INT(id), 1));
    return sql_run(s->db,
                   "UPDATE trials SET state = 'WAITING', datetime_start = NULL WHERE trial_id = ?",
                   &INT(id), 1);
}

static nas_status reclaim(void *ctx) {
    deal *d = ctx;
    sql_rows *r;
    d->n = 0;
    NAS_TRY(sql_query(&r, d->s->db,
                      "SELECT t.trial_id FROM trials AS t, trial_heartbeats AS h"
                      " WHERE h.trial_id = t.trial_id AND t.study_id = ? AND t.state = 'RUNNING'"
                      " AND h.heartbeat < CURRENT_TIMESTAMP - ? * interval '1 second'"
                      " AND NOT EXISTS (SELECT 1 FROM trial_system_attributes AS a"
                      " WHERE a.trial_id = t.trial_id AND a.key = '" RESULT "')"
                      " FOR UPDATE OF t SKIP LOCKED",
                      (sql_value[]){INT(d->s->study), REAL(d->older_s)}, 2));
    nas_status st;
    for (bool more;;) {
        NAS_GO(sql_next(&more, r));
        if (!more)
            break;
        NAS_GO(offer_again(d->s, sql_column_int(r, 0)));
        d->n++;
    }
done:
    sql_end(r);
    return st;
}

nas_status nas_store_reclaim(uint32_t *n, nas_store *s, double silent_s) {
    deal d = {.s = s, .older_s = silent_s};
    *n = 0;
    /* A server that was away has heard of nobody: they get their time again. */
    if (!s->db->engine->shared || nas_clock() - s->db->connected < silent_s)
        return NAS_OK;
    NAS_TRY(sql_transaction(s->db, reclaim, &d));
    *n = d.n;
    return NAS_OK;
}

static nas_status give_back(void *ctx) {
    deal *d = ctx;
    int64_t id;
    NAS_TRY(is_mine(&d->found, &id, d));
    return d->found ? offer_again(d->s, id) : NAS_OK;
}

nas_status nas_store_give_back(nas_store *s, uint32_t number, const char *worker) {
    nas_text name = {0};
    nas_status st;
    nas_text_json(&name, worker);
    deal d = {.s = s, .number = number, .worker = nas_text_str(&name)};
    NAS_GO(nas_text_check(&name));
    NAS_GO(sql_transaction(s->db, give_back, &d));
done:
    nas_text_free(&name);
    return st;
}
