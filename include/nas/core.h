/* include/nas/core.h - what every module shares: status and error text, memory, random streams,
 * growable text, whole-file input and atomic output, log lines, and the YAML reader.
 *
 * Conventions of every public header:
 *   - A function that can fail returns nas_status; its results come through out parameters, which
 *     stand first and are written only on success. The caller frees nothing after a failure.
 *   - After a failure nas_error_text() holds one line with the values that matter.
 *   - X_create / X_open / X_read pair with X_free, which accepts NULL.
 *   - A pointer that is returned is borrowed from its parent and dies with it.
 *   - Misuse by the program (a NULL object, a value of another graph) asserts; data that a user
 *     brings never does.
 *   - Different objects may be used by different threads at once; one object by one thread.
 *   - Letters: N batch, H height, W width, C channels, K kernel or output channels (said where),
 *     T tokens, D width of a token. Units are SI and stand in the name or the comment.
 */
#ifndef NAS_CORE_H
#define NAS_CORE_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#ifdef __cplusplus
extern "C" {
#endif

#define NAS_VERSION "0.1.0"

#if defined(__GNUC__)
#define NAS_PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))
#define NAS_MUST_USE          __attribute__((warn_unused_result))
#else
#define NAS_PRINTF(fmt, args)
#define NAS_MUST_USE
#endif

/* ---- status and error text ------------------------------------------------------------------ */

#define NAS_STATUS_MAP(X)                                                                          \
    X(OK, "success")                                                                               \
    X(E_ARG, "wrong argument")                                                                     \
    X(E_SHAPE, "shapes do not agree")                                                              \
    X(E_GRAPH, "not a valid graph")                                                                \
    X(E_PARSE, "cannot be parsed")                                                                 \
    X(E_IO, "input or output failed")                                                              \
    X(E_DATA, "bad data")                                                                          \
    X(E_MEMORY, "out of host memory")                                                              \
    X(E_DEVICE, "OpenCL call failed")                                                              \
    X(E_BUILD, "OpenCL program does not build")                                                    \
    X(E_TOO_BIG, "does not fit the device")                                                        \
    X(E_NAN, "not a number")                                                                       \
    X(E_STOPPED, "stopped on request")                                                             \
    X(E_STORE, "study store failed")                                                               \
    X(E_NOT_FOUND, "not found")                                                                    \
    X(E_UNSUPPORTED, "not supported")                                                              \
    X(E_EXISTS, "exists already")

typedef enum nas_status {
#define X(name, text) NAS_##name,
    NAS_STATUS_MAP(X)
#undef X
        NAS_STATUS_COUNT
} nas_status;

/* The fixed text of a status, e.g. "shapes do not agree". Never NULL. */
const char *nas_status_text(nas_status s);

/* This thread's last failure: one line without a newline, e.g. "matmul: inner sizes 4 and 5
 * differ". Never NULL; valid until the next failure on this thread. */
const char *nas_error_text(void);

/* Where the last failure was recorded, "file.c:line". For bug reports and --verbose. */
const char *nas_error_where(void);

/* Records a failure (replacing the last one) and returns its status:
 *     return nas_fail(NAS_E_SHAPE, "matmul: inner sizes %d and %d differ", k, l); */
#define nas_fail(status, ...) nas_failed(nas_fail_at((status), __FILE__, __LINE__, __VA_ARGS__))
nas_status nas_fail_at(nas_status s, const char *file, int line, const char *fmt, ...)
    NAS_PRINTF(4, 5) NAS_MUST_USE;

/* Tells the compiler that a recorded failure is no success, so that it knows what is set. */
static inline nas_status nas_failed(nas_status s) {
#if defined(__GNUC__)
    if (s == NAS_OK)
        __builtin_unreachable();
#endif
    return s;
}

/* Puts text and ": " before the last error line and returns s; for adding the file or the trial. */
nas_status nas_fail_prefix(nas_status s, const char *fmt, ...) NAS_PRINTF(2, 3) NAS_MUST_USE;

/* Propagate a failure when nothing is held; go to the single exit `done:` (with `st` declared)
 * when something is. */
#define NAS_TRY(expr)                                                                              \
    do {                                                                                           \
        nas_status nas_try_ = (expr);                                                              \
        if (nas_try_ != NAS_OK)                                                                    \
            return nas_try_;                                                                       \
    } while (0)
#define NAS_GO(expr)                                                                               \
    do {                                                                                           \
        if ((st = (expr)) != NAS_OK)                                                               \
            goto done;                                                                             \
    } while (0)

/* ---- memory ---------------------------------------------------------------------------------- */

/* All allocation of the library goes through these. They return NULL when memory is short,
 * which nas_fail_memory turns into a failure. nas_free(NULL) is fine. */
void *nas_malloc(size_t bytes);
void *nas_calloc(size_t count, size_t size);
void *nas_realloc(void *p, size_t bytes);
void nas_free(void *p);
char *nas_strdup(const char *s);

/* Test hook: the k-th allocation from now fails (k >= 1); 0 turns it off. Thread-local. */
void nas_alloc_fail_after(uint64_t k);

/* Makes room for `need` elements in a growing array (doubling). *cap is updated; existing elements
 * keep their values. E_MEMORY leaves everything as it was. */
nas_status nas_grow(void *array_pointer, size_t *cap, size_t need, size_t elem_size) NAS_MUST_USE;

/* Records E_MEMORY with the size asked for. */
nas_status nas_fail_memory(size_t bytes) NAS_MUST_USE;

/* ---- random streams ---------------------------------------------------------------------------
 */

/* xoshiro256** (Blackman and Vigna, 2018), seeded by SplitMix64 from a key. A stream is named by
 * (seed, purpose, index), so that a new consumer does not shift the others. */
typedef struct nas_rng {
    uint64_t s[4];
} nas_rng;

nas_rng nas_rng_stream(uint64_t seed, const char *purpose, uint64_t index);
uint64_t nas_rng_u64(nas_rng *r);
double nas_rng_uniform(nas_rng *r);                      /* in [0, 1) */
uint64_t nas_rng_below(nas_rng *r, uint64_t n);          /* in 0 … n-1, unbiased; n >= 1 */
double nas_rng_normal(nas_rng *r);                       /* mean 0, variance 1 */
void nas_rng_shuffle(nas_rng *r, uint32_t *v, size_t n); /* Fisher-Yates */

/* 64-bit mixing (SplitMix64's finaliser), for hashes and counters. */
uint64_t nas_mix64(uint64_t x);
/* FNV-1a followed by nas_mix64; `h` chains calls (start with 0). */
uint64_t nas_hash_bytes(uint64_t h, const void *data, size_t n);

/* ---- growable text ----------------------------------------------------------------------------
 */

/* A string that grows. Zero-initialise ({0}); nas_text_free when done. Appending never fails
 * visibly: running out of memory sets `failed`, which nas_text_check turns into a status. */
typedef struct nas_text {
    char *s; /* NUL-terminated, or NULL while empty: use nas_text_str */
    size_t n, cap;
    bool failed;
} nas_text;

void nas_text_add(nas_text *t, const char *fmt, ...) NAS_PRINTF(2, 3);
void nas_text_bytes(nas_text *t, const void *p, size_t n);
/* Appends s as a JSON string with its quotes. */
void nas_text_json(nas_text *t, const char *s);
/* Appends a number that JSON accepts and that reads back equal; null if not finite. Whole numbers
 * below 1e15 have neither point nor exponent, so that a count is an integer to every reader. */
void nas_text_json_number(nas_text *t, double v);
/* The shortest form instead (2e+01): what is kept and compared as text is written so. */
void nas_text_shortest(nas_text *t, double v);
/* The shortest form of a float: 0.1f becomes 0.1. */
void nas_text_float(nas_text *t, float v);
const char *nas_text_str(const nas_text *t); /* never NULL */
/* Reads the whole of s as a decimal number (digits, sign, point, exponent; no hex, no "inf", no
 * blanks), whatever the program's locale is. */
bool nas_number_read(double *out, const char *s);
nas_status nas_text_check(const nas_text *t) NAS_MUST_USE;
void nas_text_free(nas_text *t); /* leaves it empty and usable */

/* The length in bytes (1 to 4) of the well-formed UTF-8 character at s, a NUL-terminated string,
 * with its code point; 0 when what stands there is none. */
int nas_utf8_next(uint32_t *code, const char *s);

/* ---- files ------------------------------------------------------------------------------------
 */

/* Reads a whole file; *bytes is the caller's (nas_free) and has a NUL behind its n bytes.
 * max_bytes bounds what a hostile file can make us allocate (0: 1 GiB). E_IO names the path. */
nas_status nas_file_read(char **bytes, size_t *n, const char *path, size_t max_bytes) NAS_MUST_USE;

/* Writes a file so that a reader sees the old content or the new one, never a part: temporary
 * file in the same folder, fsync, rename. On failure the old file stands and the temporary one is
 * gone. E_IO names the path and the reason ("No space left on device"). */
nas_status nas_file_write(const char *path, const void *bytes, size_t n) NAS_MUST_USE;

/* The same from parts, one behind the other. */
typedef struct nas_part {
    const void *bytes;
    size_t n;
} nas_part;
nas_status nas_file_write_parts(const char *path, const nas_part *part, size_t n) NAS_MUST_USE;

bool nas_file_exists(const char *path);
bool nas_dir_exists(const char *path);
/* mkdir -p */
nas_status nas_dir_make(const char *path) NAS_MUST_USE;

/* ---- log and clock -----------------------------------------------------------------------------
 */

typedef enum nas_log_level {
    NAS_LOG_ERROR,
    NAS_LOG_WARN,
    NAS_LOG_INFO,
    NAS_LOG_DEBUG
} nas_log_level;

/* Lines go to stderr unless a sink is set; the library itself writes WARN and DEBUG lines, and INFO
 * where a first run takes longer.
 * level: what is more talkative than it is dropped (default WARN). Set both before threads start.
 */
void nas_log_set(nas_log_level level,
                 void (*sink)(void *ctx, nas_log_level level, const char *line), void *ctx);
void nas_log(nas_log_level level, const char *fmt, ...) NAS_PRINTF(2, 3);

double nas_clock(void); /* monotonic seconds */
double nas_time(void);  /* seconds since 1970 */

/* ---- order statistics --------------------------------------------------------------------------
 */

/* For qsort: ascending doubles, none of them NaN. */
int nas_by_value(const void *a, const void *b);
/* The q-quantile (0 … 1) of n >= 1 ascending values, between the two nearest of them. */
double nas_quantile(const double *sorted, size_t n, double q);

/* The known name nearest to `name` by edit distance, or NULL if none is near; for "did you mean".
 */
const char *nas_nearest(const char *name, const char *const *known, size_t n);

/* ---- YAML --------------------------------------------------------------------------------------
 */

/* A document held in memory as scalars, sequences and maps, each knowing its line and column. The
 * reader takes what libyaml takes except anchors, aliases and tags (so no "YAML bomb"), nesting
 * over 64, files over 4 MiB and duplicate keys: each is a clear error. */
typedef struct nas_yaml nas_yaml;
typedef struct nas_yaml_node nas_yaml_node;
typedef enum nas_yaml_kind { NAS_YAML_SCALAR, NAS_YAML_SEQ, NAS_YAML_MAP } nas_yaml_kind;

/* `name` is what errors call the text, e.g. its path. */
nas_status nas_yaml_read_file(nas_yaml **out, const char *path) NAS_MUST_USE;
nas_status nas_yaml_read_text(nas_yaml **out, const char *text, size_t n,
                              const char *name) NAS_MUST_USE;
void nas_yaml_free(nas_yaml *doc);

/* The root is always a map (an empty file is an empty map). */
const nas_yaml_node *nas_yaml_root(const nas_yaml *doc);
nas_yaml_kind nas_yaml_kind_of(const nas_yaml_node *n);
size_t nas_yaml_count(const nas_yaml_node *n);                      /* elements or keys */
const nas_yaml_node *nas_yaml_at(const nas_yaml_node *n, size_t i); /* element or value i */
const char *nas_yaml_key(const nas_yaml_node *map, size_t i);       /* key i */
const nas_yaml_node *nas_yaml_get(const nas_yaml_node *map, const char *key); /* NULL: absent */
const char *nas_yaml_scalar(const nas_yaml_node *n); /* text; NULL: no scalar */
int nas_yaml_line(const nas_yaml_node *n);           /* from 1 */

/* Typed readers: E_PARSE "file:line:col: …" when the node has another type or is out of range. */
nas_status nas_yaml_int(int64_t *out, const nas_yaml_node *n, int64_t min,
                        int64_t max) NAS_MUST_USE;
nas_status nas_yaml_double(double *out, const nas_yaml_node *n, double min,
                           double max) NAS_MUST_USE;
nas_status nas_yaml_bool(bool *out, const nas_yaml_node *n) NAS_MUST_USE;
nas_status nas_yaml_string(const char **out, const nas_yaml_node *n) NAS_MUST_USE;

/* Records "file:line:col: message" at the node and returns E_PARSE. */
nas_status nas_yaml_fail(const nas_yaml_node *n, const char *fmt, ...)
    NAS_PRINTF(2, 3) NAS_MUST_USE;

/* E_PARSE when the map has a key outside `known`, naming the nearest known one. */
nas_status nas_yaml_only(const nas_yaml_node *map, const char *const *known, size_t n) NAS_MUST_USE;

/* Sets the value at a dotted path of map keys ("train.epochs"), creating maps on the way; `value`
 * is parsed as YAML. Errors call the value by `origin` (e.g. "--train.epochs"). */
nas_status nas_yaml_set(nas_yaml *doc, const char *path, const char *value,
                        const char *origin) NAS_MUST_USE;

/* Prints a node as YAML in one canonical form (block style outside, flow style for leaf maps and
 * sequences) that reads back equal. */
void nas_yaml_print(nas_text *out, const nas_yaml_node *n);

#ifdef __cplusplus
}
#endif
#endif
