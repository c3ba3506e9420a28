/* runtime/tune.h - what was measured of candidates on a device: which is the fastest for a class of
 * sizes, which give right results. Kept as text between runs.
 */
#ifndef NAS_RUNTIME_TUNE_H
#define NAS_RUNTIME_TUNE_H

#include "candidates.h"

/* Nodes whose sizes agree within a factor of about 1.4 are a class: sizes are logarithms, to the
 * nearest whole number. */
enum { TUNE_SIZES = 4, TUNE_EXACT = 2, TUNE_NAME = 16 };
typedef struct tune_key {
    nas_op op;
    int32_t size[TUNE_SIZES];  /* classes near in these help each other */
    int32_t exact[TUNE_EXACT]; /* these must agree */
} tune_key;
tune_key tune_key_of(const emitter *e);

typedef struct tune_entry {
    tune_key key;
    char winner[TUNE_NAME]; /* a candidate or candidate_own */
    int64_t ns, own_ns;     /* of a run by the winner, by the op's own rows */
} tune_entry;

typedef struct tune_check { /* is this candidate right on this device? */
    nas_op op;
    char name[TUNE_NAME];
    bool right;
} tune_check;

typedef struct tune_jobs { /* how many such networks are best trained at once */
    uint64_t key;
    uint32_t jobs;
} tune_jobs;

typedef struct tune_table {
    tune_entry *entry;
    size_t n_entries, cap_entries;
    tune_check *check;
    size_t n_checks, cap_checks;
    tune_jobs *jobs;
    size_t n_jobs, cap_jobs;
} tune_table;

/* The device's table, read from disk the first time; NULL when memory is short. */
tune_table *tune_table_of(nas_device *d);
const tune_entry *tune_find(const tune_table *t, const tune_key *k); /* of this very class */
nas_status tune_set(tune_table *t, const tune_entry *e) NAS_MUST_USE;
const tune_check *tune_find_check(const tune_table *t, nas_op op, const char *name);
nas_status tune_set_check(tune_table *t, nas_op op, const char *name, bool right) NAS_MUST_USE;
const tune_jobs *tune_find_jobs(const tune_table *t, uint64_t key);
nas_status tune_set_jobs(tune_table *t, tune_jobs j) NAS_MUST_USE;
/* Writes the table, with what others have written meanwhile; failure only means to measure again.
 */
void tune_save(nas_device *d);

/* Name of the best candidate for the node at hand by its class or the nearest one; NULL: unknown.
 */
const char *tune_look_up(emitter *e);
/* Does this candidate give what the op's general row gives, on this device? Tried the first time.
 */
bool tune_is_right(nas_device *d, nas_op op, const candidate *c);

#endif
