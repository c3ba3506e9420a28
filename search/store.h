/* search/store.h - the study store's insides: the open study, and SQL in one call. */
#ifndef NAS_SEARCH_STORE_H
#define NAS_SEARCH_STORE_H

#include <nas/search.h>
#include <sqlite3.h>

struct nas_store {
    sqlite3 *db;
    char *path;
    int64_t study; /* study_id */
    bool writes;
    bool constrained; /* trials carry Optuna's "constraints" */
    int lock;         /* file descriptor of PATH.lock; -1: none */
    char *lock_path;
    uint32_t n_objectives;
    const char *objective[NAS_MAX_OBJECTIVES]; /* into names */
    char *names;
};

/* ---- store_sql.c ------------------------------------------------------------------------------
 */

/* Values for the '?' of a statement, in order. Text is borrowed during the call. */
typedef struct sql_value {
    enum { SQL_INT, SQL_REAL, SQL_TEXT, SQL_NONE } type;
    int64_t i;
    double d;
    const char *s;
} sql_value;
#define INT(v)  ((sql_value){.type = SQL_INT, .i = (int64_t)(v)})
#define REAL(v) ((sql_value){.type = SQL_REAL, .d = (v)})
#define TEXT(v) ((sql_value){.type = SQL_TEXT, .s = (v)})
#define NONE    ((sql_value){.type = SQL_NONE})

/* Records what SQLite says of the last call on s->db, naming the file; E_STORE. */
nas_status sql_fail(const nas_store *s, int code) NAS_MUST_USE;
/* A statement ready to be stepped; the caller finalises it. */
nas_status sql_prepare(sqlite3_stmt **out, const nas_store *s, const char *sql, const sql_value *v,
                       int n) NAS_MUST_USE;
/* One row: *more is false behind the last. */
nas_status sql_step(bool *more, const nas_store *s, sqlite3_stmt *stmt) NAS_MUST_USE;
/* Runs a statement that gives no rows. */
nas_status sql_run(const nas_store *s, const char *sql, const sql_value *v, int n) NAS_MUST_USE;
/* First column of the first row; *found is false when there is none (out stays as it was). */
nas_status sql_int(int64_t *out, bool *found, const nas_store *s, const char *sql,
                   const sql_value *v, int n) NAS_MUST_USE;
/* The same for text, which is the caller's (nas_free); NULL when there is none. */
nas_status sql_text(char **out, const nas_store *s, const char *sql, const sql_value *v,
                    int n) NAS_MUST_USE;

nas_status sql_begin(const nas_store *s) NAS_MUST_USE;
/* Commits when st is OK, else rolls back; returns st or the failure to commit. */
nas_status sql_finish(const nas_store *s, nas_status st) NAS_MUST_USE;

/* ---- store_schema.c ---------------------------------------------------------------------------
 */

/* Creates the tables in an empty database; otherwise checks that they are of the layout we know. */
nas_status schema_ensure(const nas_store *s) NAS_MUST_USE;
nas_status schema_check(const nas_store *s) NAS_MUST_USE;

/* ---- store_lock.c -----------------------------------------------------------------------------
 */

/* One writer at a time: a lock that ends with the process, however it ends. */
nas_status lock_take(nas_store *s) NAS_MUST_USE;
void lock_drop(nas_store *s);

/* ---- store_study.c ----------------------------------------------------------------------------
 */

/* Finds the study (name NULL: the first) and reads its objectives; E_NOT_FOUND. */
nas_status study_find(nas_store *s, const char *name) NAS_MUST_USE;
nas_status study_create(nas_store *s, const char *name, const nas_study_config *c,
                        const char *fingerprint) NAS_MUST_USE;
/* E_EXISTS with the first line that differs. */
nas_status study_compare(nas_store *s, const char *fingerprint) NAS_MUST_USE;

/* ---- store_trial.c / store_params.c -----------------------------------------------------------
 */

/* Seconds since 1970 as Optuna's "YYYY-MM-DD HH:MM:SS.ffffff" (UTC). */
enum { STAMP_SIZE = 40 };
void stamp_text(char out[STAMP_SIZE], double seconds);
/* Id and state of a trial; *found false when there is none. */
nas_status trial_find(int64_t *id, nas_trial_state *state, bool *found, const nas_store *s,
                      uint32_t number) NAS_MUST_USE;
/* Writes the params of a trial and the attribute with every gene. */
nas_status params_write(const nas_store *s, int64_t trial, const nas_space *sp,
                        const nas_genome *x) NAS_MUST_USE;

/* Optuna's spelling of states and of values that are not finite. */
extern const char *const state_names[];
const char *value_type(double v);

#endif
