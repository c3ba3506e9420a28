/* cli/study_settings.c - what makes a study the same study, and the settings that its run folder
 * and its store keep. */
#include "study_run.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- what makes it the same study ---- */

static void fingerprint_map(nas_text *t, const char *key, const nas_yaml_node *n) {
    nas_text y = {0};
    if (n)
        nas_yaml_print(&y, n);
    for (size_t i = 0; i < y.n; i++)
        y.s[i] = y.s[i] == '\n' ? ' ' : y.s[i];
    nas_text_add(t, "%s: %s\n", key, nas_text_str(&y));
    nas_text_free(&y);
}

/* Everything that the space's file says but for comments and layout. */
static void fingerprint_space(nas_text *t, const nas_space *s) {
    nas_text yaml = {0};
    nas_space_text(&yaml, s);
    nas_text_add(t, "space: %s (%016" PRIx64 ")\n", nas_space_name(s),
                 nas_hash_bytes(0, nas_text_str(&yaml), yaml.n));
    t->failed |= yaml.failed;
    nas_text_free(&yaml);
}

static void fingerprint_constraint(nas_text *t, const nas_constraint *c) {
    nas_text_add(t, " %s", c->measure.name);
    if (isfinite(c->min)) {
        nas_text_add(t, " from ");
        nas_text_shortest(t, c->min);
    }
    if (isfinite(c->max)) {
        nas_text_add(t, " to ");
        nas_text_shortest(t, c->max);
    }
}

/* Settings of the strategy that were given, and where a table's values come from. */
static void fingerprint_more(nas_text *t, const nas_study_config *c) {
    const nas_yaml_node *root = nas_yaml_root(c->doc);
    static const nas_strategy_numbers none = {0};
    /* NOLINTNEXTLINE(bugprone-suspicious-memory-comparison): not given is zero in every byte */
    if (memcmp(&c->numbers, &none, sizeof none) != 0)
        fingerprint_map(t, "strategy", nas_yaml_get(root, "strategy"));
    if (c->table[0] == 0)
        return;
    nas_text_add(t, "table: %s, key %s\n", c->table, c->table_key);
    fingerprint_map(t, "evaluate", nas_yaml_get(root, "evaluate"));
    for (uint32_t i = 0; i < c->n_objectives; i++)
        nas_text_add(t, "%s: %s\n", c->objective[i].name, c->objective[i].expression);
}

void study_fingerprint(nas_text *t, const study_run *r) {
    const nas_study_config *c = &r->config;
    fingerprint_space(t, r->space);
    nas_text_add(t, "data: %s, %u held out, %u for training\n", c->data, c->validation,
                 c->train_images);
    nas_text_add(t, "objectives:");
    for (uint32_t i = 0; i < c->n_objectives; i++)
        nas_text_add(t, " %s", c->objective[i].name);
    nas_text_add(t, "\nconstraints:");
    for (uint32_t i = 0; i < c->n_constraints; i++)
        fingerprint_constraint(t, &c->constraint[i]);
    nas_text_add(t, "\nstrategy: %s, population %u, crossover %g, mutation %g\n", c->strategy,
                 c->population, c->crossover, c->mutation);
    nas_text_add(t, "seed: %" PRIu64 "\nlatency.batch: %d\n", c->seed, c->latency_batch);
    if (r->device[0]) /* what another one measures cannot be compared */
        nas_text_add(t, "latency is measured on: %s\n", r->device);
    fingerprint_map(t, "train", c->train);
    fingerprint_more(t, c);
}

/* ---- run folder ---- */

/* Makes a path of the settings absolute, so that study.yaml works from anywhere. */
static nas_status set_absolute(nas_yaml *doc, const char *key, const char *path) {
    nas_text value = {0};
    char *whole = realpath(path, NULL);
    nas_status st = NAS_OK;
    if (whole) {
        nas_text_json(&value, whole);
        st = nas_yaml_set(doc, key, nas_text_str(&value), key);
    }
    free(whole);
    nas_text_free(&value);
    return st;
}

static nas_status write_in(const char *folder, const char *name, const nas_text *text) {
    nas_text path = {0};
    nas_status st;
    nas_text_add(&path, "%s/%s", folder, name);
    NAS_GO(nas_text_check(text));
    NAS_GO(nas_text_check(&path));
    NAS_GO(nas_file_write(nas_text_str(&path), nas_text_str(text), text->n));
done:
    nas_text_free(&path);
    return st;
}

/* The space as it is searched, whatever becomes of the file that it came from. */
static nas_status write_space(const study_run *r) {
    nas_text yaml = {0};
    const char *about = nas_space_about(r->space);
    if (about[0])
        nas_text_add(&yaml, "# %s\n", about);
    nas_space_text(&yaml, r->space);
    nas_status st = write_in(r->dir, "space.yaml", &yaml);
    nas_text_free(&yaml);
    return st;
}

static nas_status print(nas_text *yaml, const nas_yaml *doc) {
    nas_text_free(yaml);
    nas_yaml_print(yaml, nas_yaml_root(doc));
    return nas_text_check(yaml);
}

static bool begins(const char *s, const char *with) {
    return strncmp(s, with, strlen(with)) == 0;
}

/* Appends a server's address without its password; true when it had one. */
static bool add_address(nas_text *t, const char *url) {
    const char *host = strstr(url, "://") + 3, *query = host + strcspn(host, "?");
    const char *end = host + strcspn(host, "/?"), *at = end;
    while (at > host && *at != '@')
        at--;
    const char *colon = *at == '@' ? memchr(host, ':', (size_t)(at - host)) : NULL;
    bool had = colon != NULL;
    const char *rest = had ? at : host;
    nas_text_bytes(t, url, (size_t)((had ? colon : host) - url));
    nas_text_bytes(t, rest, (size_t)(query - rest));
    for (char mark = '?'; *query; query += strcspn(query, "&")) {
        query++; /* the '?' or '&' before the parameter */
        size_t n = strcspn(query, "&");
        bool secret = begins(query, "password=") || begins(query, "sslpassword=");
        had |= secret;
        if (n && !secret) {
            nas_text_bytes(t, &mark, 1);
            nas_text_bytes(t, query, n);
            mark = '&';
        }
    }
    return had;
}

/* The folder may be copied and shown: a password does not belong into it. */
static nas_status set_store(nas_yaml *copy, const char *url) {
    nas_text address = {0}, value = {0};
    nas_status st;
    if (add_address(&address, url))
        talk_line("the run folder does not keep the password of store: set PGPASSWORD or "
                  "~/.pgpass for clnas status, front and report");
    NAS_GO(nas_text_check(&address));
    nas_text_json(&value, nas_text_str(&address));
    NAS_GO(nas_text_check(&value));
    NAS_GO(nas_yaml_set(copy, "store", nas_text_str(&value), "store"));
done:
    nas_text_free(&address);
    nas_text_free(&value);
    return st;
}

static bool is_built_in(const char *space) {
    const char *const *names = nas_space_names();
    while (*names && strcmp(*names, space) != 0)
        names++;
    return *names != NULL;
}

/* ---- device files by their absolute paths ---- */

static bool is_file(const char *device) {
    return strchr(device, '/') || strstr(device, ".yaml");
}

/* Appends a device as JSON would, with what stands before it; a file by its absolute path. */
static void add_device(nas_text *t, const char *before, const char *device) {
    nas_text path = {0}, name = {0};
    const char *slash = strrchr(device, '/'), *options = strchr(slash ? slash : device, ':');
    nas_text_bytes(&path, device, options ? (size_t)(options - device) : strlen(device));
    char *whole = is_file(device) ? realpath(nas_text_str(&path), NULL) : NULL;
    nas_text_add(&name, "%s%s%s", before, whole ? whole : nas_text_str(&path),
                 options ? options : "");
    nas_text_json(t, nas_text_str(&name));
    free(whole);
    nas_text_free(&path);
    nas_text_free(&name);
}

static void add_measure(nas_text *t, const nas_measure *m) {
    char before[sizeof m->quantity + 1];
    snprintf(before, sizeof before, "%s@", m->quantity);
    if (m->device[0])
        add_device(t, before, m->device);
    else
        nas_text_json(t, m->name);
}

static void add_limits(nas_text *t, const nas_constraint *c) {
    nas_text_add(t, ": {");
    if (isfinite(c->min)) {
        nas_text_add(t, "min: ");
        nas_text_json_number(t, c->min);
    }
    if (isfinite(c->max)) {
        nas_text_add(t, isfinite(c->min) ? ", max: " : "max: ");
        nas_text_json_number(t, c->max);
    }
    nas_text_add(t, "}");
}

static nas_status set_list(nas_yaml *doc, const char *key, nas_text *list) {
    nas_text_add(list, "]");
    nas_status st = nas_text_check(list);
    st = st == NAS_OK ? nas_yaml_set(doc, key, nas_text_str(list), key) : st;
    nas_text_free(list);
    return st;
}

static nas_status set_devices(nas_yaml *doc, const nas_study_config *c) {
    nas_text t = {0};
    bool objectives = false, constraints = false, prices = false;
    for (uint32_t i = 0; i < c->n_objectives; i++)
        objectives |= is_file(c->objective[i].device);
    for (uint32_t i = 0; i < c->n_constraints; i++)
        constraints |= is_file(c->constraint[i].measure.device);
    for (uint32_t i = 0; i < c->n_price_on; i++)
        prices |= is_file(c->price_on[i]);
    for (uint32_t i = 0; objectives && i < c->n_objectives; i++) {
        nas_text_add(&t, i ? ", " : "[");
        add_measure(&t, &c->objective[i]);
    }
    if (objectives)
        NAS_TRY(set_list(doc, "objectives", &t));
    for (uint32_t i = 0; constraints && i < c->n_constraints; i++) {
        nas_text_add(&t, i ? "}, {" : "[{");
        add_measure(&t, &c->constraint[i].measure);
        add_limits(&t, &c->constraint[i]);
    }
    if (constraints) {
        nas_text_add(&t, "}");
        NAS_TRY(set_list(doc, "constraints", &t));
    }
    for (uint32_t i = 0; prices && i < c->n_price_on; i++) {
        nas_text_add(&t, i ? ", " : "[");
        add_device(&t, "", c->price_on[i]);
    }
    return prices ? set_list(doc, "price_on", &t) : NAS_OK;
}

/* The settings as they were used: file, flags and defaults of paths in one. */
static nas_status write_study(const study_run *r, const nas_text *held_out) {
    nas_text yaml = {0}, name = {0};
    nas_yaml *copy = NULL;
    nas_status st;
    NAS_GO(print(&yaml, r->config.doc));
    NAS_GO(nas_yaml_read_text(&copy, nas_text_str(&yaml), yaml.n, "study"));
    nas_text_json(&name, r->config.name);
    NAS_GO(nas_yaml_set(copy, "name", nas_text_str(&name), "name"));
    if (r->config.data[0]) /* a study that trains nothing may have none */
        NAS_GO(set_absolute(copy, "data.path", r->config.data));
    if (r->config.table[0])
        NAS_GO(set_absolute(copy, "evaluate.table", r->config.table));
    NAS_GO(set_devices(copy, &r->config));
    if (!is_built_in(r->config.space)) /* space.yaml beside this file has it */
        NAS_GO(nas_yaml_set(copy, "space", "space.yaml", "space"));
    if (r->config.store[0])
        NAS_GO(set_store(copy, r->config.store));
    NAS_GO(print(&yaml, copy));
    NAS_GO(write_in(r->dir, "study.yaml", &yaml));
    if (nas_store_shared(r->store)) { /* its address may hold a password: workers have their own */
        NAS_GO(nas_yaml_set(copy, "store", "postgresql://", "store"));
        NAS_GO(print(&yaml, copy));
        NAS_GO(share_settings(r, &yaml, held_out));
    }
done:
    nas_yaml_free(copy);
    nas_text_free(&name);
    nas_text_free(&yaml);
    return st;
}

nas_status study_keep_settings(const study_run *r, const nas_text *held_out) {
    nas_text t = {0};
    nas_status st;
    nas_text_add(&t, "%u", r->config.trials);
    NAS_GO(nas_store_study_attr(r->store, "budget", nas_text_str(&t)));
    nas_text_free(&t);
    nas_text_add(&t, "[");
    for (uint32_t i = 0; i < r->config.n_price_on; i++) {
        nas_text_add(&t, "%s", i ? ", " : "");
        add_device(&t, "", r->config.price_on[i]);
    }
    nas_text_add(&t, "]");
    NAS_GO(nas_store_study_attr(r->store, "price_on", nas_text_str(&t)));
    if (held_out->n)
        NAS_GO(nas_store_study_attr(r->store, "held_out", nas_text_str(held_out)));
    if (r->config.table[0]) {
        nas_text_free(&t);
        nas_text_json(&t, r->config.table);
        NAS_GO(nas_store_study_attr(r->store, "table", nas_text_str(&t)));
    }
    NAS_GO(write_space(r));
    NAS_GO(write_study(r, held_out));
done:
    nas_text_free(&t);
    return st;
}
