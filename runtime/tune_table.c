/* runtime/tune_table.c - the table of measured candidates, in memory and as a text file of lines
 *     best OP SIZE*4 EXACT*2 WINNER NANOSECONDS OWN-NANOSECONDS
 *     check OP CANDIDATE right|wrong
 *     jobs KEY NUMBER
 * named by a hash of device, driver and kernel sources. Other lines are passed over. */
#include "tune.h"

#include <core/embedded.h>
#include <stdlib.h>
#include <string.h>

enum { FILE_MAX = 1 << 22, NEAR = 3 };

static bool path_of(nas_text *path, const nas_device *d) {
    uint64_t h = nas_hash_bytes(0, &d->info.compute_units, sizeof d->info.compute_units);
    const char *parts[] = {d->info.platform, d->info.name, d->info.vendor, d->info.driver,
                           d->info.version,  d->info.type, NAS_VERSION};
    if (!program_cache_dir(path))
        return false;
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++)
        h = nas_hash_bytes(h, parts[i], strlen(parts[i]) + 1);
    h = nas_hash_bytes(h, &d->tile, sizeof d->tile);
    h = nas_hash_bytes(h, d->binary_path, strlen(d->binary_path));
    for (const nas_embedded *f = nas_embedded_kernels; f->name; f++)
        h = nas_hash_bytes(h, f->text, f->n);
    nas_text_add(path, "/tune-%016llx.txt", (unsigned long long)h);
    return !path->failed;
}

static nas_op op_named(const char *name) {
    nas_op op = (nas_op)0;
    while (op < NAS_OP_COUNT && strcmp(nas_op_get(op)->name, name) != 0)
        op = (nas_op)(op + 1);
    return op;
}

const tune_entry *tune_find(const tune_table *t, const tune_key *k) {
    for (size_t i = 0; i < t->n_entries; i++)
        if (!memcmp(&t->entry[i].key, k, sizeof *k))
            return &t->entry[i];
    return NULL;
}

nas_status tune_set(tune_table *t, const tune_entry *e) {
    for (size_t i = 0; i < t->n_entries; i++)
        if (!memcmp(&t->entry[i].key, &e->key, sizeof e->key)) {
            t->entry[i] = *e;
            return NAS_OK;
        }
    NAS_TRY(nas_grow(&t->entry, &t->cap_entries, t->n_entries + 1, sizeof *t->entry));
    t->entry[t->n_entries++] = *e;
    return NAS_OK;
}

const tune_check *tune_find_check(const tune_table *t, nas_op op, const char *name) {
    for (size_t i = 0; i < t->n_checks; i++)
        if (t->check[i].op == op && !strcmp(t->check[i].name, name))
            return &t->check[i];
    return NULL;
}

nas_status tune_set_check(tune_table *t, nas_op op, const char *name, bool right) {
    tune_check c = {.op = op, .right = right};
    (void)snprintf(c.name, sizeof c.name, "%s", name);
    NAS_TRY(nas_grow(&t->check, &t->cap_checks, t->n_checks + 1, sizeof *t->check));
    t->check[t->n_checks++] = c;
    return NAS_OK;
}

const tune_jobs *tune_find_jobs(const tune_table *t, uint64_t key) {
    for (size_t i = 0; i < t->n_jobs; i++)
        if (t->jobs[i].key == key)
            return &t->jobs[i];
    return NULL;
}

nas_status tune_set_jobs(tune_table *t, tune_jobs j) {
    NAS_TRY(nas_grow(&t->jobs, &t->cap_jobs, t->n_jobs + 1, sizeof *t->jobs));
    t->jobs[t->n_jobs++] = j;
    return NAS_OK;
}

/* ---- the file ---- */

static nas_status read_best(tune_table *t, char **save) {
    tune_entry e = {.key = {.op = NAS_OP_COUNT}};
    int64_t number[TUNE_SIZES + TUNE_EXACT + 2];
    const char *op = strtok_r(NULL, " ", save);
    if (op)
        e.key.op = op_named(op);
    for (int i = 0; i < TUNE_SIZES + TUNE_EXACT + 2; i++) {
        char *end = NULL, *word = strtok_r(NULL, " ", save);
        if (word && i == TUNE_SIZES + TUNE_EXACT) {
            (void)snprintf(e.winner, sizeof e.winner, "%.15s", word);
            word = strtok_r(NULL, " ", save);
        }
        if (!word)
            return NAS_OK;
        number[i] = strtoll(word, &end, 10);
        if (*end)
            return NAS_OK;
    }
    if (e.key.op == NAS_OP_COUNT)
        return NAS_OK;
    for (int i = 0; i < TUNE_SIZES; i++)
        e.key.size[i] = (int32_t)number[i];
    for (int i = 0; i < TUNE_EXACT; i++)
        e.key.exact[i] = (int32_t)number[TUNE_SIZES + i];
    e.ns = number[TUNE_SIZES + TUNE_EXACT];
    e.own_ns = number[TUNE_SIZES + TUNE_EXACT + 1];
    return tune_find(t, &e.key) ? NAS_OK : tune_set(t, &e);
}

static nas_status read_check(tune_table *t, char **save) {
    const char *op = strtok_r(NULL, " ", save), *name = strtok_r(NULL, " ", save),
               *says = strtok_r(NULL, " ", save);
    nas_op o = op ? op_named(op) : NAS_OP_COUNT;
    bool right = says && !strcmp(says, "right");
    if (o == NAS_OP_COUNT || !says || (!right && strcmp(says, "wrong") != 0) ||
        tune_find_check(t, o, name))
        return NAS_OK;
    return tune_set_check(t, o, name, right);
}

static nas_status read_jobs(tune_table *t, char **save) {
    const char *key = strtok_r(NULL, " ", save), *number = strtok_r(NULL, " ", save);
    char *end, *last;
    if (!key || !number)
        return NAS_OK;
    tune_jobs j = {.key = strtoull(key, &end, 16), .jobs = (uint32_t)strtoul(number, &last, 10)};
    if (*end)
        return NAS_OK;
    return *last || !j.jobs || tune_find_jobs(t, j.key) ? NAS_OK : tune_set_jobs(t, j);
}

/* Adds the file's lines that the table does not have. */
static void merge(tune_table *t, const char *path) {
    char *text = NULL, *lines = NULL;
    size_t n = 0;
    if (!nas_file_exists(path) || nas_file_read(&text, &n, path, FILE_MAX) != NAS_OK)
        return;
    for (char *line = strtok_r(text, "\n", &lines); line; line = strtok_r(NULL, "\n", &lines)) {
        char *save = NULL;
        const char *kind = strtok_r(line, " ", &save);
        nas_status st = NAS_OK;
        if (kind && !strcmp(kind, "best"))
            st = read_best(t, &save);
        else if (kind && !strcmp(kind, "check"))
            st = read_check(t, &save);
        else if (kind && !strcmp(kind, "jobs"))
            st = read_jobs(t, &save);
        if (st != NAS_OK)
            break;
    }
    nas_free(text);
}

tune_table *tune_table_of(nas_device *d) {
    if (d->tune)
        return d->tune;
    nas_text path = {0};
    d->tune = nas_calloc(1, sizeof *d->tune);
    if (d->tune && path_of(&path, d))
        merge(d->tune, path.s);
    nas_text_free(&path);
    return d->tune;
}

void tune_save(nas_device *d) {
    nas_text path = {0}, text = {0};
    tune_table *t = d->tune;
    if (t && path_of(&path, d)) {
        merge(t, path.s);
        nas_text_add(&text, "# %s, %s, driver %s\n", d->info.name, d->info.platform,
                     d->info.driver);
        for (size_t i = 0; i < t->n_checks; i++)
            nas_text_add(&text, "check %s %s %s\n", nas_op_get(t->check[i].op)->name,
                         t->check[i].name, t->check[i].right ? "right" : "wrong");
        for (size_t i = 0; i < t->n_jobs; i++)
            nas_text_add(&text, "jobs %016llx %u\n", (unsigned long long)t->jobs[i].key,
                         (unsigned)t->jobs[i].jobs);
        for (size_t i = 0; i < t->n_entries; i++) {
            const tune_entry *e = &t->entry[i];
            nas_text_add(&text, "best %s", nas_op_get(e->key.op)->name);
            for (int k = 0; k < TUNE_SIZES; k++)
                nas_text_add(&text, " %d", (int)e->key.size[k]);
            for (int k = 0; k < TUNE_EXACT; k++)
                nas_text_add(&text, " %d", (int)e->key.exact[k]);
            nas_text_add(&text, " %s %lld %lld\n", e->winner, (long long)e->ns,
                         (long long)e->own_ns);
        }
        if (nas_text_check(&text) != NAS_OK || nas_file_write(path.s, text.s, text.n) != NAS_OK)
            nas_log(NAS_LOG_DEBUG, "table of candidates: %s", nas_error_text());
    }
    nas_text_free(&path);
    nas_text_free(&text);
}

void tune_free(tune_table *t) {
    if (!t)
        return;
    nas_free(t->entry);
    nas_free(t->check);
    nas_free(t->jobs);
    nas_free(t);
}

bool nas_device_tune_file(nas_text *path, nas_device *d) {
    return !d->ref && path_of(path, d);
}

/* ---- classes ---- */

static int32_t nearest_log2(int64_t n) {
    int32_t k = 0;
    while (n > 1 && k < 62 && (n >> (k + 1)) > 0)
        k++;
    /* n / 2^k is in [1, 2): beyond the square root of 2 the next power is nearer */
    double part = (double)n / (double)((int64_t)1 << k);
    return part > 1.41421356 ? k + 1 : k;
}

tune_key tune_key_of(const emitter *e) {
    tune_key k = {.op = e->n->op};
    if (e->n->op == NAS_OP_MATMUL) {
        gemm z = gemm_of(e);
        const int64_t size[TUNE_SIZES] = {z.m, z.n, z.k, z.batch};
        for (int i = 0; i < TUNE_SIZES; i++)
            k.size[i] = nearest_log2(size[i]);
        k.exact[0] = z.a_turned + 2 * z.b_turned;
        return k;
    }
    convolution z = convolution_of(e);
    const int64_t size[TUNE_SIZES] = {z.n * z.p * z.q, z.c, z.k, z.groups};
    for (int i = 0; i < TUNE_SIZES; i++)
        k.size[i] = nearest_log2(size[i]);
    k.exact[0] = (int32_t)(z.r * 256 + z.s);
    k.exact[1] = (int32_t)(z.sh * 256 + z.sw);
    return k;
}

static int32_t distance(const tune_key *a, const tune_key *b) {
    int32_t sum = 0;
    if (a->op != b->op || memcmp(a->exact, b->exact, sizeof a->exact) != 0)
        return NEAR + 1;
    for (int i = 0; i < TUNE_SIZES; i++)
        sum += abs(a->size[i] - b->size[i]);
    return sum;
}

const char *tune_look_up(emitter *e) {
    const tune_table *t = tune_table_of(e->d);
    const tune_entry *best = NULL;
    if (!t || !t->n_entries)
        return NULL;
    tune_key k = tune_key_of(e);
    int32_t least = NEAR + 1;
    for (size_t i = 0; i < t->n_entries; i++) {
        int32_t far = distance(&t->entry[i].key, &k);
        if (far < least) {
            least = far;
            best = &t->entry[i];
        }
    }
    return best ? best->winner : NULL;
}
