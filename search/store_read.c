/* search/store_read.c - reads trials, attributes and learning curves back from the study store. */
#include "store.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

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

static nas_status look_up(int64_t *id, nas_trial_state *state, bool *found, const nas_store *s,
                          const char *sql, uint32_t number) {
    sql_rows *r;
    NAS_TRY(sql_query(&r, s->db, sql, (sql_value[]){INT(s->study), INT(number)}, 2));
    nas_status st = sql_next(found, r);
    if (st == NAS_OK && *found) {
        *id = sql_column_int(r, 0);
        st = parse_state(state, s, number, sql_column_text(r, 1));
    }
    sql_end(r);
    return st;
}

nas_status trial_find(int64_t *id, nas_trial_state *state, bool *found, const nas_store *s,
                      uint32_t number) {
    return look_up(id, state, found, s,
                   "SELECT trial_id, state FROM trials WHERE study_id = ? AND number = ?", number);
}

nas_status trial_hold(int64_t *id, nas_trial_state *state, bool *found, const nas_store *s,
                      uint32_t number) {
    return look_up(id, state, found, s,
                   "SELECT trial_id, state FROM trials WHERE study_id = ? AND number = ?$HOLD",
                   number);
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
    if (sql_int(&n, &found, s->db,
                "SELECT coalesce(max(number) + 1, 0) FROM trials WHERE study_id = ?",
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

static double stored_number(sql_rows *r, int value, int type) {
    const char *kind = sql_column_text(r, type);
    if (kind != NULL && strcmp(kind, "INF_POS") == 0)
        return INFINITY;
    if (kind != NULL && strcmp(kind, "INF_NEG") == 0)
        return -INFINITY;
    return sql_column_real(r, value);
}

static nas_status read_values(nas_trial *t, const nas_store *s, int64_t id) {
    sql_rows *r;
    for (uint32_t k = 0; k < NAS_MAX_OBJECTIVES; k++)
        t->objective[k] = NAN;
    NAS_TRY(sql_query(&r, s->db,
                      "SELECT objective, value, value_type FROM trial_values WHERE trial_id = ?",
                      &INT(id), 1));
    nas_status st = NAS_OK;
    for (bool more;;) {
        NAS_GO(sql_next(&more, r));
        if (!more)
            break;
        int64_t k = sql_column_int(r, 0);
        if (k >= 0 && k < NAS_MAX_OBJECTIVES)
            t->objective[k] = stored_number(r, 1, 2);
    }
done:
    sql_end(r);
    return st;
}

nas_status trial_genome(nas_genome *out, const nas_store *s, int64_t id, uint32_t number) {
    char *json = NULL;
    double *gene = nas_malloc(NAS_MAX_GENES * sizeof *gene);
    nas_status st;
    if (gene == NULL)
        NAS_GO(nas_fail_memory(NAS_MAX_GENES * sizeof *gene));
    NAS_GO(sql_text(&json, s->db,
                    "SELECT value_json FROM trial_user_attributes WHERE trial_id = ?"
                    " AND key = 'genome'",
                    &INT(id), 1));
    int n = json != NULL ? json_numbers(gene, NAS_MAX_GENES, json) : 0;
    for (int i = 0; i < n; i++)
        n = gene[i] >= 0 && gene[i] <= UINT16_MAX && gene[i] == floor(gene[i]) ? n : -1;
    if (n < 0)
        NAS_GO(nas_fail(NAS_E_STORE, "%s: the genome of trial %u cannot be read", s->path, number));
    *out = (nas_genome){.n = (uint32_t)n};
    for (int i = 0; i < n; i++)
        out->gene[i] = (uint16_t)gene[i];
done:
    nas_free(json);
    nas_free(gene);
    return st;
}

/* Seconds since 1970 of "YYYY-MM-DD HH:MM:SS.ffffff"; 0: none. */
static double parse_stamp(const char *s) {
    static const char after[] = "-- ::";
    struct tm t = {0};
    int *const part[] = {&t.tm_year, &t.tm_mon, &t.tm_mday, &t.tm_hour, &t.tm_min};
    double seconds;
    for (size_t i = 0; s != NULL && i < sizeof part / sizeof *part; i++) {
        char *end;
        long v = strtol(s, &end, 10);
        s = end > s && *end == after[i] && v >= 0 && v <= 9999 ? end + 1 : NULL;
        *part[i] = (int)v;
    }
    if (s == NULL || !nas_number_read(&seconds, s))
        return 0;
    t.tm_year -= 1900;
    t.tm_mon--;
    return (double)timegm(&t) + seconds;
}

static double sum_of_violations(const char *json) {
    double v[NAS_MAX_CONSTRAINTS], sum = 0;
    int n = json != NULL ? json_numbers(v, NAS_MAX_CONSTRAINTS, json) : 0;
    for (int i = 0; i < n; i++)
        sum += v[i] > 0 ? v[i] : 0;
    return sum;
}

static nas_status read_numbers(nas_trial *t, const nas_store *s, int64_t id) {
    sql_rows *r;
    NAS_TRY(sql_query(&r, s->db,
                      "SELECT (SELECT value_json FROM trial_system_attributes AS a"
                      " WHERE a.trial_id = t.trial_id AND a.key = 'constraints'),"
                      " datetime_start, datetime_complete FROM trials AS t WHERE t.trial_id = ?",
                      &INT(id), 1));
    bool found;
    nas_status st = sql_next(&found, r);
    if (st == NAS_OK && found) {
        t->violation = sum_of_violations(sql_column_text(r, 0));
        t->started = parse_stamp(sql_column_text(r, 1));
        t->ended = parse_stamp(sql_column_text(r, 2));
    }
    sql_end(r);
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
    NAS_TRY(trial_genome(&t.genome, s, id, number));
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
    NAS_TRY(sql_text(&found, s->db,
                     "SELECT value_json FROM trial_user_attributes WHERE trial_id = ? AND key = ?",
                     (sql_value[]){INT(id), TEXT(key)}, 2));
    if (found == NULL)
        return nas_fail(NAS_E_NOT_FOUND, "%s: trial %u has no %s", s->path, number, key);
    *json = found;
    return NAS_OK;
}

nas_status nas_store_get_study_attr(char **json, nas_store *s, const char *key) {
    char *found = NULL;
    NAS_TRY(sql_text(&found, s->db,
                     "SELECT value_json FROM study_user_attributes WHERE study_id = ? AND key = ?",
                     (sql_value[]){INT(s->study), TEXT(key)}, 2));
    if (found == NULL)
        return nas_fail(NAS_E_NOT_FOUND, "%s: the study has no %s", s->path, key);
    *json = found;
    return NAS_OK;
}

nas_status nas_store_get_intermediate(double **value, uint32_t *n, nas_store *s, uint32_t number) {
    nas_status st = NAS_OK;
    sql_rows *r = NULL;
    double *v = NULL;
    size_t cap = 0, count = 0;
    int64_t id = 0;
    NAS_GO(need_id(&id, s, number));
    NAS_GO(sql_query(&r, s->db,
                     "SELECT intermediate_value, intermediate_value_type FROM"
                     " trial_intermediate_values WHERE trial_id = ? ORDER BY step",
                     &INT(id), 1));
    for (bool more;;) {
        NAS_GO(sql_next(&more, r));
        if (!more)
            break;
        NAS_GO(nas_grow(&v, &cap, count + 1, sizeof *v));
        v[count++] = stored_number(r, 0, 1);
    }
    *value = v;
    *n = (uint32_t)count;
    v = NULL;

done:
    sql_end(r);
    nas_free(v);
    return st;
}
