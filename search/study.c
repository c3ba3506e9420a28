/* search/study.c - reads a study file and the settings put over it; docs/study.md is its manual. */
#include "train_keys.h"

#include <math.h>
#include <string.h>

typedef struct reader {
    nas_study_config *c;
    const char *path; /* NULL: no file */
    const char *const *overrides;
    size_t n_overrides;
} reader;

/* ---- scalars ----------------------------------------------------------------------------------
 */

/* The readers below leave *out alone when the key is absent: defaults stand there already. */

static nas_status read_whole(int64_t *out, const nas_yaml_node *map, const char *key, int64_t min,
                             int64_t max) {
    const nas_yaml_node *n = nas_yaml_get(map, key);
    return n != NULL ? nas_yaml_int(out, n, min, max) : NAS_OK;
}

static nas_status read_u32(uint32_t *out, const nas_yaml_node *map, const char *key, uint32_t min,
                           uint32_t max) {
    int64_t v = *out;
    NAS_TRY(read_whole(&v, map, key, min, max));
    *out = (uint32_t)v;
    return NAS_OK;
}

static nas_status read_number(double *out, const nas_yaml_node *map, const char *key, double min,
                              double max) {
    const nas_yaml_node *n = nas_yaml_get(map, key);
    return n != NULL ? nas_yaml_double(out, n, min, max) : NAS_OK;
}

static nas_status copy_text(char *out, size_t size, const nas_yaml_node *n, const char *what) {
    const char *s;
    NAS_TRY(nas_yaml_string(&s, n));
    size_t length = strlen(s);
    if (length == 0)
        return nas_yaml_fail(n, "%s is empty", what);
    if (length >= size)
        return nas_yaml_fail(n, "%s has %zu bytes, but at most %zu are possible", what, length,
                             size - 1);
    memcpy(out, s, length + 1);
    return NAS_OK;
}

static nas_status read_text(char *out, size_t size, const nas_yaml_node *map, const char *key) {
    const nas_yaml_node *n = nas_yaml_get(map, key);
    return n != NULL ? copy_text(out, size, n, key) : NAS_OK;
}

/* *out is NULL when the key is absent; else a map whose keys are all known. */
static nas_status read_map(const nas_yaml_node **out, const nas_yaml_node *root, const char *key,
                           const char *const *known, size_t n_known) {
    const nas_yaml_node *n = *out = nas_yaml_get(root, key);
    if (n == NULL)
        return NAS_OK;
    if (nas_yaml_kind_of(n) != NAS_YAML_MAP)
        return nas_yaml_fail(n, "%s is a map of settings", key);
    return known != NULL ? nas_yaml_only(n, known, n_known) : NAS_OK;
}

/* ---- paths ------------------------------------------------------------------------------------
 */

static bool is_overridden(const reader *r, const char *key) {
    for (size_t i = 0; i < r->n_overrides; i++)
        if (strcmp(r->overrides[2 * i], key) == 0)
            return true;
    return false;
}

static bool ends_in(const char *s, const char *end) {
    size_t n = strlen(s), m = strlen(end);
    return n >= m && strcmp(s + n - m, end) == 0;
}

/* A relative path in a file starts at the file's folder, one from outside where the program runs.
 */
static nas_status resolve(char *out, size_t size, const reader *r, const char *key,
                          const nas_yaml_node *n) {
    const char *slash = r->path != NULL ? strrchr(r->path, '/') : NULL;
    if (slash == NULL || out[0] == '/' || is_overridden(r, key))
        return NAS_OK;
    size_t folder = (size_t)(slash - r->path) + 1, length = strlen(out);
    if (folder + length >= size)
        return nas_yaml_fail(n, "the path of %s has over %zu bytes with the study's folder", key,
                             size - 1);
    memmove(out + folder, out, length + 1);
    memcpy(out, r->path, folder);
    return NAS_OK;
}

static nas_status read_space(const reader *r, const nas_yaml_node *root) {
    nas_study_config *c = r->c;
    const nas_yaml_node *n = nas_yaml_get(root, "space");
    if (n == NULL)
        return nas_yaml_fail(root, "space is missing: a built-in name or the path of a space file");
    NAS_TRY(copy_text(c->space, sizeof c->space, n, "space"));
    bool is_path = strchr(c->space, '/') != NULL || ends_in(c->space, ".yaml");
    return is_path ? resolve(c->space, sizeof c->space, r, "space", n) : NAS_OK;
}

static nas_status read_data(const reader *r, const nas_yaml_node *root) {
    static const char *const known[] = {"path", "validation", "train_images"};
    nas_study_config *c = r->c;
    const nas_yaml_node *map;
    NAS_TRY(read_map(&map, root, "data", known, 3));
    const nas_yaml_node *path = map != NULL ? nas_yaml_get(map, "path") : NULL;
    if (path == NULL)
        return nas_yaml_fail(map != NULL ? map : root,
                             "data.path is missing: the folder or file of the images");
    NAS_TRY(copy_text(c->data, sizeof c->data, path, "data.path"));
    NAS_TRY(resolve(c->data, sizeof c->data, r, "data.path", path));
    NAS_TRY(read_u32(&c->validation, map, "validation", 1, INT32_MAX));
    return read_u32(&c->train_images, map, "train_images", 0, INT32_MAX);
}

/* ---- objectives and constraints ---------------------------------------------------------------
 */

static nas_status read_measure(nas_measure *out, const nas_yaml_node *n, const char *text) {
    if (nas_measure_parse(out, text) == NAS_OK)
        return NAS_OK;
    nas_text why = {0};
    nas_text_add(&why, "%s", nas_error_text());
    nas_status st = nas_yaml_fail(n, "%s", nas_text_str(&why));
    nas_text_free(&why);
    return st;
}

static nas_status read_objectives(nas_study_config *c, const nas_yaml_node *root) {
    const nas_yaml_node *list = nas_yaml_get(root, "objectives");
    if (list == NULL) {
        NAS_TRY(nas_measure_parse(&c->objective[0], "error"));
        NAS_TRY(nas_measure_parse(&c->objective[1], "latency"));
        c->n_objectives = 2;
        return NAS_OK;
    }
    size_t n = nas_yaml_kind_of(list) == NAS_YAML_SEQ ? nas_yaml_count(list) : 0;
    if (n < 1 || n > NAS_MAX_OBJECTIVES)
        return nas_yaml_fail(list, "objectives is a list of 1 to %d names, like [error, latency]",
                             NAS_MAX_OBJECTIVES);
    for (size_t i = 0; i < n; i++) {
        const nas_yaml_node *item = nas_yaml_at(list, i);
        const char *text;
        NAS_TRY(nas_yaml_string(&text, item));
        NAS_TRY(read_measure(&c->objective[i], item, text));
        for (size_t k = 0; k < i; k++)
            if (strcmp(c->objective[k].name, text) == 0)
                return nas_yaml_fail(item, "objective '%s' stands there twice", text);
    }
    c->n_objectives = (uint32_t)n;
    return NAS_OK;
}

static nas_status read_constraint(nas_constraint *out, const nas_yaml_node *item) {
    static const char *const known[] = {"min", "max"};
    if (nas_yaml_kind_of(item) != NAS_YAML_MAP || nas_yaml_count(item) != 1 ||
        nas_yaml_kind_of(nas_yaml_at(item, 0)) != NAS_YAML_MAP)
        return nas_yaml_fail(item, "a constraint is written {params: {max: 500000}}");
    const nas_yaml_node *limits = nas_yaml_at(item, 0);
    NAS_TRY(read_measure(&out->measure, item, nas_yaml_key(item, 0)));
    NAS_TRY(nas_yaml_only(limits, known, 2));
    out->min = -INFINITY;
    out->max = INFINITY;
    NAS_TRY(read_number(&out->min, limits, "min", -1e300, 1e300));
    NAS_TRY(read_number(&out->max, limits, "max", -1e300, 1e300));
    if (isinf(out->min) && isinf(out->max))
        return nas_yaml_fail(limits, "constraint %s has neither min nor max", out->measure.name);
    if (out->min > out->max)
        return nas_yaml_fail(limits, "constraint %s: min %g is above max %g", out->measure.name,
                             out->min, out->max);
    return NAS_OK;
}

static nas_status read_constraints(nas_study_config *c, const nas_yaml_node *root) {
    const nas_yaml_node *list = nas_yaml_get(root, "constraints");
    if (list == NULL)
        return NAS_OK;
    if (nas_yaml_kind_of(list) != NAS_YAML_SEQ || nas_yaml_count(list) > NAS_MAX_CONSTRAINTS)
        return nas_yaml_fail(list,
                             "constraints is a list of at most %d, like "
                             "[{params: {max: 500000}}]",
                             NAS_MAX_CONSTRAINTS);
    for (size_t i = 0; i < nas_yaml_count(list); i++) {
        const nas_yaml_node *item = nas_yaml_at(list, i);
        NAS_TRY(read_constraint(&c->constraint[i], item));
        for (size_t k = 0; k < i; k++)
            if (strcmp(c->constraint[k].measure.name, c->constraint[i].measure.name) == 0)
                return nas_yaml_fail(item, "constraint '%s' stands there twice",
                                     c->constraint[i].measure.name);
    }
    c->n_constraints = (uint32_t)nas_yaml_count(list);
    return NAS_OK;
}

/* ---- the other maps ---------------------------------------------------------------------------
 */

static nas_status read_strategy(nas_study_config *c, const nas_yaml_node *root) {
    static const char *const known[] = {"name", "population", "crossover", "mutation"};
    const nas_yaml_node *map;
    NAS_TRY(read_map(&map, root, "strategy", known, 4));
    if (map == NULL)
        return NAS_OK;
    NAS_TRY(read_text(c->strategy, sizeof c->strategy, map, "name"));
    const char *const *names = nas_strategy_names();
    size_t n = 0;
    bool found = false;
    for (; names[n] != NULL; n++)
        found |= strcmp(names[n], c->strategy) == 0;
    if (!found) {
        const char *near = nas_nearest(c->strategy, names, n);
        return nas_yaml_fail(nas_yaml_get(map, "name"), "no strategy '%s'%s%s%s", c->strategy,
                             near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
    }
    NAS_TRY(read_u32(&c->population, map, "population", 2, 100000));
    NAS_TRY(read_number(&c->crossover, map, "crossover", 0, 1));
    return read_number(&c->mutation, map, "mutation", 0, 1);
}

static nas_status read_budget(nas_study_config *c, const nas_yaml_node *root) {
    static const char *const known[] = {"trials", "seconds"};
    const nas_yaml_node *map;
    NAS_TRY(read_map(&map, root, "budget", known, 2));
    if (map == NULL)
        return NAS_OK;
    NAS_TRY(read_u32(&c->trials, map, "trials", 1, 10000000));
    return read_number(&c->max_seconds, map, "seconds", 0, 1e9);
}

static nas_status read_training(nas_study_config *c, const nas_yaml_node *root) {
    NAS_TRY(read_map(&c->train, root, "train", NULL, 0));
    NAS_TRY(read_map(&c->retrain, root, "retrain", NULL, 0));
    if (c->train != NULL)
        NAS_TRY(train_keys_check(c->train, NULL));
    if (c->retrain == NULL)
        return NAS_OK;
    NAS_TRY(train_keys_check(c->retrain, "models"));
    return read_u32(&c->retrain_models, c->retrain, "models", 0, 10000);
}

static nas_status read_latency(nas_study_config *c, const nas_yaml_node *root) {
    static const char *const known[] = {"batch"};
    const nas_yaml_node *map;
    NAS_TRY(read_map(&map, root, "latency", known, 1));
    int64_t batch = c->latency_batch;
    if (map != NULL)
        NAS_TRY(read_whole(&batch, map, "batch", 1, 65536));
    c->latency_batch = (int32_t)batch;
    return NAS_OK;
}

static nas_status read_price_on(nas_study_config *c, const nas_yaml_node *root) {
    const uint32_t most = sizeof c->price_on / sizeof *c->price_on;
    const nas_yaml_node *list = nas_yaml_get(root, "price_on");
    if (list == NULL)
        return NAS_OK;
    if (nas_yaml_kind_of(list) != NAS_YAML_SEQ || nas_yaml_count(list) > most)
        return nas_yaml_fail(list, "price_on is a list of at most %u device names", most);
    for (uint32_t i = 0; i < nas_yaml_count(list); i++)
        NAS_TRY(copy_text(c->price_on[i], sizeof c->price_on[i], nas_yaml_at(list, i), "price_on"));
    c->n_price_on = (uint32_t)nas_yaml_count(list);
    return NAS_OK;
}

static nas_status read_all(const reader *r) {
    static const char *const known[] = {
        "name",  "space",   "data",    "objectives", "constraints", "strategy",      "budget",
        "train", "retrain", "latency", "device",     "seed",        "trial_seconds", "price_on",
    };
    nas_study_config *c = r->c;
    const nas_yaml_node *root = nas_yaml_root(c->doc);
    NAS_TRY(nas_yaml_only(root, known, sizeof known / sizeof *known));
    NAS_TRY(read_text(c->name, sizeof c->name, root, "name"));
    NAS_TRY(read_space(r, root));
    NAS_TRY(read_data(r, root));
    NAS_TRY(read_objectives(c, root));
    NAS_TRY(read_constraints(c, root));
    NAS_TRY(read_strategy(c, root));
    NAS_TRY(read_budget(c, root));
    NAS_TRY(read_training(c, root));
    NAS_TRY(read_latency(c, root));
    NAS_TRY(read_price_on(c, root));
    NAS_TRY(read_text(c->device, sizeof c->device, root, "device"));
    int64_t seed = (int64_t)c->seed;
    NAS_TRY(read_whole(&seed, root, "seed", 0, INT64_MAX));
    c->seed = (uint64_t)seed;
    return read_number(&c->trial_seconds, root, "trial_seconds", 0, 1e9);
}

/* ---- public -----------------------------------------------------------------------------------
 */

/* The file's name without folder and ending. */
static void default_name(nas_study_config *c, const char *path) {
    const char *slash = path != NULL ? strrchr(path, '/') : NULL;
    const char *base = path == NULL ? "study" : slash != NULL ? slash + 1 : path;
    const char *dot = strrchr(base, '.');
    size_t n = dot != NULL && dot > base ? (size_t)(dot - base) : strlen(base);
    n = n < sizeof c->name ? n : sizeof c->name - 1;
    memcpy(c->name, base, n);
    c->name[n] = 0;
}

nas_status nas_study_read(nas_study_config *out, const char *path, const char *const *overrides,
                          size_t n) {
    nas_status st = NAS_OK;
    nas_study_config c = {
        .validation = 5000,
        .strategy = "nsga2",
        .population = 20,
        .crossover = 0.9,
        .trials = 100,
        .seed = 1,
        .device = "auto",
        .latency_batch = 1,
        .retrain_models = 3,
    };
    default_name(&c, path);
    if (path != NULL)
        NAS_GO(nas_yaml_read_file(&c.doc, path));
    else
        NAS_GO(nas_yaml_read_text(&c.doc, "", 0, "study"));
    for (size_t i = 0; i < n; i++) {
        char origin[256];
        snprintf(origin, sizeof origin, "--%s", overrides[2 * i]);
        NAS_GO(nas_yaml_set(c.doc, overrides[2 * i], overrides[2 * i + 1], origin));
    }
    NAS_GO(read_all(&(reader){&c, path, overrides, n}));
    *out = c;
    c.doc = NULL;

done:
    nas_yaml_free(c.doc);
    return st;
}

void nas_study_config_free(nas_study_config *c) {
    if (c == NULL)
        return;
    nas_yaml_free(c->doc);
    *c = (nas_study_config){0};
}
