/* search/study.c - reads a study file and the settings put over it; docs/study.md is its manual. */
#include "study_keys.h"
#include "train_keys.h"

#include <math.h>
#include <string.h>

typedef struct reader {
    nas_study_config *c;
    const char *path; /* NULL: no file */
    const char *const *overrides;
    size_t n_overrides;
} reader;

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
    NAS_TRY(node_text(c->space, sizeof c->space, n, "space"));
    bool is_path = strchr(c->space, '/') != NULL || ends_in(c->space, ".yaml");
    return is_path ? resolve(c->space, sizeof c->space, r, "space", n) : NAS_OK;
}

static nas_status read_data(const reader *r, const nas_yaml_node *root) {
    static const char *const known[] = {"path", "validation", "train_images", "resize"};
    nas_study_config *c = r->c;
    const nas_yaml_node *map;
    NAS_TRY(key_map(&map, root, "data", known, 4));
    const nas_yaml_node *path = map != NULL ? nas_yaml_get(map, "path") : NULL;
    if (path == NULL && !nas_study_needs_images(c))
        return NAS_OK;
    if (path == NULL)
        return nas_yaml_fail(map != NULL ? map : root,
                             "data.path is missing: the folder or file of the images");
    NAS_TRY(node_text(c->data, sizeof c->data, path, "data.path"));
    NAS_TRY(resolve(c->data, sizeof c->data, r, "data.path", path));
    NAS_TRY(key_u32(&c->validation, map, "validation", 1, INT32_MAX));
    const nas_yaml_node *resize = nas_yaml_get(map, "resize");
    if (resize != NULL)
        NAS_TRY(nas_yaml_bool(&c->resize, resize));
    return key_u32(&c->train_images, map, "train_images", 0, INT32_MAX);
}

/* ---- objectives and constraints ---------------------------------------------------------------
 */

/* The line that was recorded last, said again with the place of n. */
static nas_status at_node(const nas_yaml_node *n) {
    nas_text why = {0};
    nas_text_add(&why, "%s", nas_error_text());
    nas_status st = nas_yaml_fail(n, "%s", nas_text_str(&why));
    nas_text_free(&why);
    return st;
}

/* A measure by name; of a study on a table a column or an expression, or the name of an objective.
 */
static nas_status read_measure(nas_measure *out, const nas_study_config *c, const nas_yaml_node *n,
                               const char *text) {
    for (uint32_t i = 0; c->table[0] != 0 && i < c->n_objectives; i++)
        if (strcmp(c->objective[i].name, text) == 0) {
            *out = c->objective[i];
            return NAS_OK;
        }
    nas_status st =
        c->table[0] != 0 ? nas_measure_column(out, text, text) : nas_measure_parse(out, text);
    return st == NAS_OK ? NAS_OK : at_node(n);
}

/* {NAME: expression}, for studies on a table. */
static nas_status read_named(nas_measure *out, const nas_study_config *c,
                             const nas_yaml_node *item) {
    const char *expression;
    if (c->table[0] == 0)
        return nas_yaml_fail(item, "an objective is a name, like error; only a study on a table "
                                   "(evaluate) has expressions");
    if (nas_yaml_count(item) != 1)
        return nas_yaml_fail(item, "an objective on a table is written {NAME: expression}");
    NAS_TRY(nas_yaml_string(&expression, nas_yaml_at(item, 0)));
    return nas_measure_column(out, nas_yaml_key(item, 0), expression) == NAS_OK ? NAS_OK
                                                                                : at_node(item);
}

static nas_status read_item(nas_measure *out, const nas_study_config *c,
                            const nas_yaml_node *item) {
    const char *text;
    if (nas_yaml_kind_of(item) == NAS_YAML_MAP)
        return read_named(out, c, item);
    NAS_TRY(nas_yaml_string(&text, item));
    return read_measure(out, c, item, text);
}

/* Names in `known` are the objectives that a strategy may ask for before it proposes. */
static nas_status read_known(nas_study_config *c, const nas_yaml_node *list) {
    if (nas_yaml_kind_of(list) != NAS_YAML_SEQ)
        return nas_yaml_fail(list, "evaluate.known is a list of objectives");
    for (uint32_t k = 0; k < c->n_objectives; k++)
        c->objective[k].needs_training = true;
    for (size_t i = 0; i < nas_yaml_count(list); i++) {
        const char *name, *names[NAS_MAX_OBJECTIVES];
        bool found = false;
        NAS_TRY(nas_yaml_string(&name, nas_yaml_at(list, i)));
        for (uint32_t k = 0; k < c->n_objectives; k++) {
            names[k] = c->objective[k].name;
            if (strcmp(names[k], name) == 0) {
                c->objective[k].needs_training = false;
                found = true;
            }
        }
        const char *near = nas_nearest(name, names, c->n_objectives);
        if (!found)
            return nas_yaml_fail(nas_yaml_at(list, i), "evaluate.known: '%s' is no objective%s%s%s",
                                 name, near ? "; did you mean '" : "", near ? near : "",
                                 near ? "'?" : "");
    }
    return NAS_OK;
}

static nas_status read_evaluate(const reader *r, const nas_yaml_node *root) {
    static const char *const known[] = {"table", "key", "known", "report"};
    nas_study_config *c = r->c;
    const nas_yaml_node *map, *table;
    NAS_TRY(key_map(&map, root, "evaluate", known, 4));
    if (map == NULL)
        return NAS_OK;
    if ((table = nas_yaml_get(map, "table")) == NULL)
        return nas_yaml_fail(map, "evaluate.table is missing: a CSV file of results");
    NAS_TRY(node_text(c->table, sizeof c->table, table, "evaluate.table"));
    NAS_TRY(resolve(c->table, sizeof c->table, r, "evaluate.table", table));
    memcpy(c->table_key, "arch", sizeof "arch");
    return key_text(c->table_key, sizeof c->table_key, map, "key");
}

/* What of `evaluate` speaks of objectives, when they are known. */
static nas_status read_columns(nas_study_config *c, const nas_yaml_node *root) {
    const nas_yaml_node *map = nas_yaml_get(root, "evaluate");
    const nas_yaml_node *known = map != NULL ? nas_yaml_get(map, "known") : NULL;
    const nas_yaml_node *report = map != NULL ? nas_yaml_get(map, "report") : NULL;
    if (known != NULL)
        NAS_TRY(read_known(c, known));
    if (report == NULL)
        return NAS_OK;
    if (nas_yaml_kind_of(report) != NAS_YAML_SEQ || nas_yaml_count(report) > NAS_MAX_REPORTS)
        return nas_yaml_fail(report,
                             "evaluate.report is a list of at most %d columns or "
                             "{NAME: expression}",
                             NAS_MAX_REPORTS);
    for (uint32_t i = 0; i < nas_yaml_count(report); i++)
        NAS_TRY(read_item(&c->report[i], c, nas_yaml_at(report, i)));
    c->n_reports = (uint32_t)nas_yaml_count(report);
    return NAS_OK;
}

static nas_status read_objectives(nas_study_config *c, const nas_yaml_node *root) {
    const nas_yaml_node *list = nas_yaml_get(root, "objectives");
    if (list == NULL && c->table[0] != 0)
        return nas_yaml_fail(root, "objectives are missing: columns of evaluate.table or "
                                   "{NAME: expression}");
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
        NAS_TRY(read_item(&c->objective[i], c, item));
        for (size_t k = 0; k < i; k++)
            if (strcmp(c->objective[k].name, c->objective[i].name) == 0)
                return nas_yaml_fail(item, "objective '%s' stands there twice",
                                     c->objective[i].name);
    }
    c->n_objectives = (uint32_t)n;
    return NAS_OK;
}

static nas_status read_constraint(nas_constraint *out, const nas_study_config *c,
                                  const nas_yaml_node *item) {
    static const char *const known[] = {"min", "max"};
    if (nas_yaml_kind_of(item) != NAS_YAML_MAP || nas_yaml_count(item) != 1 ||
        nas_yaml_kind_of(nas_yaml_at(item, 0)) != NAS_YAML_MAP)
        return nas_yaml_fail(item, "a constraint is written {params: {max: 500000}}");
    const nas_yaml_node *limits = nas_yaml_at(item, 0);
    NAS_TRY(read_measure(&out->measure, c, item, nas_yaml_key(item, 0)));
    NAS_TRY(nas_yaml_only(limits, known, 2));
    out->min = -INFINITY;
    out->max = INFINITY;
    NAS_TRY(key_number(&out->min, limits, "min", -1e300, 1e300));
    NAS_TRY(key_number(&out->max, limits, "max", -1e300, 1e300));
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
        NAS_TRY(read_constraint(&c->constraint[i], c, item));
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

static nas_status read_budget(nas_study_config *c, const nas_yaml_node *root) {
    static const char *const known[] = {"trials", "seconds"};
    const nas_yaml_node *map;
    NAS_TRY(key_map(&map, root, "budget", known, 2));
    if (map == NULL)
        return NAS_OK;
    NAS_TRY(key_u32(&c->trials, map, "trials", 1, 10000000));
    return key_number(&c->max_seconds, map, "seconds", 0, 1e9);
}

static nas_status read_training(nas_study_config *c, const nas_yaml_node *root) {
    NAS_TRY(key_map(&c->train, root, "train", NULL, 0));
    NAS_TRY(key_map(&c->retrain, root, "retrain", NULL, 0));
    if (!nas_study_trains(c)) /* what nothing is known of is trained only when asked for */
        c->retrain_models = 0;
    if (c->train != NULL)
        NAS_TRY(train_keys_check(c->train, NULL));
    if (c->retrain == NULL)
        return NAS_OK;
    NAS_TRY(train_keys_check(c->retrain, "models"));
    return key_u32(&c->retrain_models, c->retrain, "models", 0, 10000);
}

static nas_status read_latency(nas_study_config *c, const nas_yaml_node *root) {
    static const char *const known[] = {"batch"};
    const nas_yaml_node *map;
    NAS_TRY(key_map(&map, root, "latency", known, 1));
    int64_t batch = c->latency_batch;
    if (map != NULL)
        NAS_TRY(key_whole(&batch, map, "batch", 1, 65536));
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
        NAS_TRY(node_text(c->price_on[i], sizeof c->price_on[i], nas_yaml_at(list, i), "price_on"));
    c->n_price_on = (uint32_t)nas_yaml_count(list);
    return NAS_OK;
}

/* A device file is a path in the study file, as the space is; options may stand behind it. */
static nas_status resolve_device(char *out, size_t size, const reader *r, const char *key,
                                 const nas_yaml_node *n) {
    char file[sizeof((nas_measure *)0)->device];
    const char *slash = strrchr(out, '/'), *options = strchr(slash != NULL ? slash : out, ':');
    snprintf(file, sizeof file, "%.*s", options != NULL ? (int)(options - out) : (int)strlen(out),
             out);
    return slash != NULL || ends_in(file, ".yaml") ? resolve(out, size, r, key, n) : NAS_OK;
}

static nas_status resolve_devices(const reader *r, const nas_yaml_node *root) {
    nas_study_config *c = r->c;
    for (uint32_t i = 0; i < c->n_objectives; i++)
        NAS_TRY(resolve_device(c->objective[i].device, sizeof c->objective[i].device, r,
                               "objectives", root));
    for (uint32_t i = 0; i < c->n_constraints; i++)
        NAS_TRY(resolve_device(c->constraint[i].measure.device,
                               sizeof c->constraint[i].measure.device, r, "constraints", root));
    for (uint32_t i = 0; i < c->n_price_on; i++)
        NAS_TRY(resolve_device(c->price_on[i], sizeof c->price_on[i], r, "price_on", root));
    return NAS_OK;
}

/* Where trials run: `devices` says how many processes, else `workers` on one device. */
static nas_status read_workers(nas_study_config *c, const nas_yaml_node *root) {
    const uint32_t most = sizeof c->devices / sizeof *c->devices;
    const nas_yaml_node *list = nas_yaml_get(root, "devices");
    NAS_TRY(key_text(c->device, sizeof c->device, root, "device"));
    NAS_TRY(key_u32(&c->workers, root, "workers", 0, most));
    c->workers_given = list != NULL || nas_yaml_get(root, "workers") != NULL;
    NAS_TRY(key_text(c->store, sizeof c->store, root, "store"));
    NAS_TRY(key_number(&c->heartbeat, root, "heartbeat", 0.1, 3600));
    if (c->store[0] && !nas_store_is_url(c->store))
        return nas_yaml_fail(nas_yaml_get(root, "store"),
                             "store is the address of a server, postgresql://HOST/DATABASE; "
                             "without it the study is kept in its run folder");
    if (list == NULL)
        return NAS_OK;
    size_t n = nas_yaml_kind_of(list) == NAS_YAML_SEQ ? nas_yaml_count(list) : 0;
    if (n < 1 || n > most)
        return nas_yaml_fail(list, "devices is a list of 1 to %u, like [0, 1]", most);
    if (nas_yaml_get(root, "workers") != NULL && c->workers != n)
        return nas_yaml_fail(nas_yaml_get(root, "workers"),
                             "workers is %u, but devices lists %zu; one of the two is enough",
                             c->workers, n);
    for (size_t i = 0; i < n; i++)
        NAS_TRY(node_text(c->devices[i], sizeof c->devices[i], nas_yaml_at(list, i), "devices"));
    c->workers = c->n_devices = (uint32_t)n;
    if (nas_yaml_get(root, "device") == NULL)
        memcpy(c->device, c->devices[0], sizeof c->device);
    return NAS_OK;
}

static nas_status read_all(const reader *r) {
    static const char *const known[] = {
        "name",     "space",   "data",    "evaluate", "objectives", "constraints", "strategy",
        "budget",   "train",   "retrain", "latency",  "device",     "seed",        "trial_seconds",
        "price_on", "devices", "workers", "store",    "heartbeat",
    };
    nas_study_config *c = r->c;
    const nas_yaml_node *root = nas_yaml_root(c->doc);
    NAS_TRY(nas_yaml_only(root, known, sizeof known / sizeof *known));
    NAS_TRY(key_text(c->name, sizeof c->name, root, "name"));
    NAS_TRY(read_space(r, root));
    NAS_TRY(read_evaluate(r, root));
    NAS_TRY(read_objectives(c, root));
    NAS_TRY(read_columns(c, root));
    NAS_TRY(read_constraints(c, root));
    NAS_TRY(study_strategy(c, root));
    NAS_TRY(read_budget(c, root));
    NAS_TRY(read_training(c, root));
    NAS_TRY(read_data(r, root));
    NAS_TRY(read_latency(c, root));
    NAS_TRY(read_price_on(c, root));
    NAS_TRY(resolve_devices(r, root));
    NAS_TRY(read_workers(c, root));
    int64_t seed = (int64_t)c->seed;
    NAS_TRY(key_whole(&seed, root, "seed", 0, INT64_MAX));
    c->seed = (uint64_t)seed;
    return key_number(&c->trial_seconds, root, "trial_seconds", 0, 1e9);
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
        .strategy = "auto",
        .trials = 100,
        .seed = 1,
        .device = "auto",
        .workers = 1,
        .heartbeat = 5,
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
        bool nested = strchr(overrides[2 * i], '.') != NULL;
        snprintf(origin, sizeof origin, "--%s", overrides[2 * i]);
        for (char *p = origin; *p != 0 && !nested; p++) /* as it is written: --trial-seconds */
            *p = *p == '_' ? '-' : *p;
        NAS_GO(nas_yaml_set(c.doc, overrides[2 * i], overrides[2 * i + 1], origin));
    }
    NAS_GO(read_all(&(reader){&c, path, overrides, n}));
    *out = c;
    c.doc = NULL;

done:
    nas_yaml_free(c.doc);
    return st;
}

bool nas_study_trains(const nas_study_config *c) {
    bool trains = false;
    for (uint32_t i = 0; i < c->n_objectives; i++)
        trains |= c->objective[i].needs_training;
    for (uint32_t i = 0; i < c->n_constraints; i++)
        trains |= c->constraint[i].measure.needs_training;
    return trains && c->table[0] == 0;
}

bool nas_study_needs_images(const nas_study_config *c) {
    return c->table[0] == 0 && (nas_study_trains(c) || c->retrain_models > 0);
}

void nas_study_config_free(nas_study_config *c) {
    if (c == NULL)
        return;
    nas_yaml_free(c->doc);
    *c = (nas_study_config){0};
}
