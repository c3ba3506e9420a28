/* search/store_read.c - reads trials, attributes and learning curves back from the study store. */
#include "store.h"

#include <math.h>
#include <string.h>

const char *const state_names[] = {
    [NAS_TRIAL_RUNNING] = "RUNNING", [NAS_TRIAL_COMPLETE] = "COMPLETE",
    [NAS_TRIAL_PRUNED] = "PRUNED",   [NAS_TRIAL_FAIL] = "FAIL",
    [NAS_TRIAL_WAITING] = "WAITING",
};
enum { N_STATES = sizeof state_names / sizeof *state_names };

static nas_status parse_state(nas_trial_state *out, const nas_store *s, uint32_t number,
                              const char *text) {
    for (int i = 0; text != NULL && i < N_STATES; i++)
        if (strcmp(state_names[i], text) == 0) {
            *out = (nas_trial_state)i;
            return NAS_OK;
        }
    return nas_fail(NAS_E_STORE, "%s: trial %u has the unknown state '%s'", s->path, number,
                    text != NULL ? text : "");
}

nas_status trial_find(int64_t *id, nas_trial_state *state, bool *found, const nas_store *s,
                      uint32_t number) {
    sqlite3_stmt *stmt;
    NAS_TRY(sql_prepare(&stmt, s,
                        "SELECT trial_id, state FROM trials WHERE study_id = ? AND number = ?",
                        (sql_value[]){INT(s->study), INT(number)}, 2));
    nas_status st = sql_step(found, s, stmt);
    if (st == NAS_OK && *found) {
        *id = sqlite3_column_int64(stmt, 0);
        st = parse_state(state, s, number, (const char *)sqlite3_column_text(stmt, 1));
    }
    sqlite3_finalize(stmt);
    return st;
}

static nas_status need_id(int64_t *id, const nas_store *s, uint32_t number) {
    bool found;
    nas_trial_state state;
    NAS_TRY(trial_find(id, &state, &found, s, number));
    return found ? NAS_OK : nas_fail(NAS_E_NOT_FOUND, "%s: no trial %u", s->path, number);
}

uint32_t nas_store_trial_count(const nas_store *s) {
    int64_t n = 0;
    bool found;
    /* A failure is recorded and looks like an empty study; whatever is asked next reports it. */
    if (sql_int(&n, &found, s, "SELECT coalesce(max(number) + 1, 0) FROM trials WHERE study_id = ?",
                &INT(s->study), 1) != NAS_OK)
        return 0;
    return (uint32_t)n;
}

uint32_t nas_store_objectives(const nas_store *s, const char *const **names) {
    *names = s->objective;
    return s->n_objectives;
}

/* ---- parts of a trial --------------------------------------------------------------------------
 */

static double stored_number(sqlite3_stmt *stmt, int value, int type) {
    const char *kind = (const char *)sqlite3_column_text(stmt, type);
    if (kind != NULL && strcmp(kind, "INF_POS") == 0)
        return INFINITY;
    if (kind != NULL && strcmp(kind, "INF_NEG") == 0)
        return -INFINITY;
    return sqlite3_column_type(stmt, value) == SQLITE_NULL ? NAN
                                                           : sqlite3_column_double(stmt, value);
}

static nas_status read_values(nas_trial *t, const nas_store *s, int64_t id) {
    sqlite3_stmt *stmt;
    for (uint32_t k = 0; k < NAS_MAX_OBJECTIVES; k++)
        t->objective[k] = NAN;
    NAS_TRY(sql_prepare(&stmt, s,
                        "SELECT objective, value, value_type FROM trial_values WHERE trial_id = ?",
                        &INT(id), 1));
    nas_status st = NAS_OK;
    for (bool more;;) {
        NAS_GO(sql_step(&more, s, stmt));
        if (!more)
            break;
        int64_t k = sqlite3_column_int64(stmt, 0);
        if (k >= 0 && k < NAS_MAX_OBJECTIVES)
            t->objective[k] = stored_number(stmt, 1, 2);
    }
done:
    sqlite3_finalize(stmt);
    return st;
}

static nas_status read_genome(nas_trial *t, const nas_store *s, int64_t id) {
    sqlite3_stmt *stmt;
    NAS_TRY(sql_prepare(&stmt, s,
                        "SELECT json_each.value FROM trial_user_attributes, json_each(value_json)"
                        " WHERE trial_id = ? AND trial_user_attributes.key = 'genome'"
                        " ORDER BY json_each.id",
                        &INT(id), 1));
    nas_status st = NAS_OK;
    for (bool more;;) {
        NAS_GO(sql_step(&more, s, stmt));
        if (!more)
            break;
        int64_t v = sqlite3_column_int64(stmt, 0);
        if (t->genome.n == NAS_MAX_GENES || v < 0 || v > UINT16_MAX)
            NAS_GO(nas_fail(NAS_E_STORE, "%s: the genome of trial %u cannot be read", s->path,
                            t->number));
        t->genome.gene[t->genome.n++] = (uint16_t)v;
    }
done:
    sqlite3_finalize(stmt);
    return st;
}

/* Violation and times; seconds and their fraction are read apart, because SQLite's own dates end at
 * milliseconds. */
static nas_status read_numbers(nas_trial *t, const nas_store *s, int64_t id) {
    sqlite3_stmt *stmt;
    NAS_TRY(sql_prepare(
        &stmt, s,
        "SELECT (SELECT sum(max(json_each.value, 0)) FROM trial_system_attributes AS a,"
        "        json_each(a.value_json) WHERE a.trial_id = t.trial_id AND a.key = 'constraints'),"
        " strftime('%s', datetime_start) + ('0' || substr(datetime_start, 20)),"
        " strftime('%s', datetime_complete) + ('0' || substr(datetime_complete, 20))"
        " FROM trials AS t WHERE t.trial_id = ?",
        &INT(id), 1));
    bool found;
    nas_status st = sql_step(&found, s, stmt);
    if (st == NAS_OK && found) {
        t->violation = sqlite3_column_double(stmt, 0); /* NULL reads as 0 */
        t->started = sqlite3_column_double(stmt, 1);
        t->ended = sqlite3_column_double(stmt, 2);
    }
    sqlite3_finalize(stmt);
    return st;
}

nas_status nas_store_trial(nas_trial *out, nas_store *s, uint32_t number) {
    nas_trial t = {.number = number};
    int64_t id = 0;
    bool found;
    /* The state is read first: a trial that has ended has everything, for it ends in one step. */
    NAS_TRY(trial_find(&id, &t.state, &found, s, number));
    if (!found)
        return nas_fail(NAS_E_NOT_FOUND, "%s: no trial %u", s->path, number);
    NAS_TRY(read_values(&t, s, id));
    NAS_TRY(read_genome(&t, s, id));
    NAS_TRY(read_numbers(&t, s, id));
    *out = t;
    return NAS_OK;
}

/* ---- attributes and curves ---------------------------------------------------------------------
 */

nas_status nas_store_get_attr(char **json, nas_store *s, uint32_t number, const char *key) {
    int64_t id = 0;
    char *found = NULL;
    NAS_TRY(need_id(&id, s, number));
    NAS_TRY(sql_text(&found, s,
                     "SELECT value_json FROM trial_user_attributes WHERE trial_id = ? AND key = ?",
                     (sql_value[]){INT(id), TEXT(key)}, 2));
    if (found == NULL)
        return nas_fail(NAS_E_NOT_FOUND, "%s: trial %u has no %s", s->path, number, key);
    *json = found;
    return NAS_OK;
}

nas_status nas_store_get_study_attr(char **json, nas_store *s, const char *key) {
    char *found = NULL;
    NAS_TRY(sql_text(&found, s,
                     "SELECT value_json FROM study_user_attributes WHERE study_id = ? AND key = ?",
                     (sql_value[]){INT(s->study), TEXT(key)}, 2));
    if (found == NULL)
        return nas_fail(NAS_E_NOT_FOUND, "%s: the study has no %s", s->path, key);
    *json = found;
    return NAS_OK;
}

nas_status nas_store_get_intermediate(double **value, uint32_t *n, nas_store *s, uint32_t number) {
    nas_status st = NAS_OK;
    sqlite3_stmt *stmt = NULL;
    double *v = NULL;
    size_t cap = 0, count = 0;
    int64_t id = 0;
    NAS_GO(need_id(&id, s, number));
    NAS_GO(sql_prepare(&stmt, s,
                       "SELECT intermediate_value, intermediate_value_type FROM"
                       " trial_intermediate_values WHERE trial_id = ? ORDER BY step",
                       &INT(id), 1));
    for (bool more;;) {
        NAS_GO(sql_step(&more, s, stmt));
        if (!more)
            break;
        NAS_GO(nas_grow(&v, &cap, count + 1, sizeof *v));
        v[count++] = stored_number(stmt, 0, 1);
    }
    *value = v;
    *n = (uint32_t)count;
    v = NULL;

done:
    sqlite3_finalize(stmt);
    nas_free(v);
    return st;
}
