/* search/store.h - the study store's insides: the open study and what its files share. */
#ifndef NAS_SEARCH_STORE_H
#define NAS_SEARCH_STORE_H

#include "sql.h"

#include <nas/search.h>

struct nas_store {
    sql_db *db;
    char *path;       /* or the address of a server without its password, for messages */
    int64_t study;    /* study_id */
    bool constrained; /* trials carry Optuna's "constraints" */
    int lock;         /* file descriptor of PATH.lock; -1: none */
    char *lock_path;
    uint32_t n_objectives;
    const char *objective[NAS_MAX_OBJECTIVES]; /* into names */
    char *names;
};

/* ---- store_json.c ------------------------------------------------------------------------------
 */

bool json_is_valid(const char *json);
/* Appends a JSON string, or a list of them, each with its NUL; *n says how many. */
nas_status json_strings(nas_text *out, uint32_t *n, const char *json,
                        const char *name) NAS_MUST_USE;
/* A JSON list of numbers; -1: it is none, or has more than `most`. */
int json_numbers(double *out, int most, const char *json);

/* ---- store_schema.c ---------------------------------------------------------------------------
 */

/* Creates the tables in an empty database; otherwise checks that they are of the layout we know. */
nas_status schema_ensure(nas_store *s) NAS_MUST_USE;
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

/* ---- store.c / store_read.c / store_params.c --------------------------------------------------
 */

/* Seconds since 1970 as Optuna's "YYYY-MM-DD HH:MM:SS.ffffff" (UTC). */
enum { STAMP_SIZE = 40 };
void stamp_text(char out[STAMP_SIZE], double seconds);
void trial_now(char out[STAMP_SIZE]);
/* Id and state of a trial; *found false when there is none. trial_hold also keeps others from it
 * until the transaction ends. */
nas_status trial_find(int64_t *id, nas_trial_state *state, bool *found, const nas_store *s,
                      uint32_t number) NAS_MUST_USE;
nas_status trial_hold(int64_t *id, nas_trial_state *state, bool *found, const nas_store *s,
                      uint32_t number) NAS_MUST_USE;
nas_status trial_genome(nas_genome *out, const nas_store *s, int64_t id,
                        uint32_t number) NAS_MUST_USE;
nas_status trial_put_attr(const nas_store *s, int64_t id, const char *key,
                          const char *json) NAS_MUST_USE;
/* Writes the params of a trial and the attribute with every gene. */
nas_status params_write(const nas_store *s, int64_t trial, const nas_space *sp,
                        const nas_genome *x) NAS_MUST_USE;

/* ---- store_share.c ----------------------------------------------------------------------------
 */

/* What only a trial under way carries goes when it ends. */
nas_status share_forget(const nas_store *s, int64_t id) NAS_MUST_USE;

/* Optuna's spelling of states and of values that are not finite. */
extern const char *const state_names[];
const char *value_type(double v);

#endif
