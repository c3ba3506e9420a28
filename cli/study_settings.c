/* cli/study_settings.c - what makes a study the same study, and the settings that its run folder and
 * its store keep. */
#include "study_run.h"

#include <inttypes.h>
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

static uint64_t space_hash(const nas_space *s) {
    uint64_t h = 0;
    nas_text yaml = {0};
    nas_genome first = {.n = nas_space_gene_count(s)};
    for (uint32_t i = 0; i < nas_space_gene_count(s); i++) {
        const nas_gene *g = nas_space_gene(s, i);
        h = nas_hash_bytes(h, g->path, strlen(g->path));
        for (uint32_t k = 0; k < g->n; k++)
            h = nas_hash_bytes(h, g->choices[k], strlen(g->choices[k]));
    }
    nas_space_canonical(&first, s);
    if (nas_space_network(&yaml, s, &first) == NAS_OK)
        h = nas_hash_bytes(h, nas_text_str(&yaml), yaml.n);
    nas_text_free(&yaml);
    return h;
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
    nas_text_add(t, "space: %s (%016" PRIx64 ")\n", nas_space_name(r->space), space_hash(r->space));
    nas_text_add(t, "data: %s, %u held out, %u for training\n", c->data, c->validation,
                 c->train_images);
    nas_text_add(t, "objectives:");
    for (uint32_t i = 0; i < c->n_objectives; i++)
        nas_text_add(t, " %s", c->objective[i].name);
    nas_text_add(t, "\nconstraints:");
    for (uint32_t i = 0; i < c->n_constraints; i++)
        nas_text_add(t, " %s in %g…%g", c->constraint[i].measure.name, c->constraint[i].min,
                     c->constraint[i].max);
    nas_text_add(t, "\nstrategy: %s, population %u, crossover %g, mutation %g\n", c->strategy,
                 c->population, c->crossover, c->mutation);
    nas_text_add(t, "seed: %" PRIu64 "\nlatency.batch: %d\n", c->seed, c->latency_batch);
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

/* The settings as they were used: file, flags and defaults of paths in one. */
static nas_status write_study(const study_run *r, const nas_text *held_out) {
    nas_text yaml = {0}, path = {0}, name = {0};
    nas_yaml *copy = NULL;
    nas_status st;
    nas_yaml_print(&yaml, nas_yaml_root(r->config.doc));
    NAS_GO(nas_text_check(&yaml));
    NAS_GO(nas_yaml_read_text(&copy, nas_text_str(&yaml), yaml.n, "study"));
    nas_text_json(&name, r->config.name);
    NAS_GO(nas_yaml_set(copy, "name", nas_text_str(&name), "name"));
    NAS_GO(set_absolute(copy, "data.path", r->config.data));
    if (strchr(r->config.space, '/') || nas_file_exists(r->config.space))
        NAS_GO(set_absolute(copy, "space", r->config.space));
    nas_text_free(&yaml);
    nas_yaml_print(&yaml, nas_yaml_root(copy));
    nas_text_add(&path, "%s/study.yaml", r->dir);
    NAS_GO(nas_text_check(&yaml));
    NAS_GO(nas_text_check(&path));
    NAS_GO(nas_file_write(nas_text_str(&path), nas_text_str(&yaml), yaml.n));
    if (nas_store_shared(r->store)) { /* its address may hold a password: workers have their own */
        nas_text_free(&yaml);
        NAS_GO(nas_yaml_set(copy, "store", "postgresql://", "store"));
        nas_yaml_print(&yaml, nas_yaml_root(copy));
        NAS_GO(nas_text_check(&yaml));
        NAS_GO(share_settings(r, &yaml, held_out));
    }
done:
    nas_yaml_free(copy);
    nas_text_free(&name);
    nas_text_free(&yaml);
    nas_text_free(&path);
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
        nas_text_json(&t, r->config.price_on[i]);
    }
    nas_text_add(&t, "]");
    NAS_GO(nas_store_study_attr(r->store, "price_on", nas_text_str(&t)));
    if (r->config.table[0] == 0) {
        NAS_GO(nas_store_study_attr(r->store, "held_out", nas_text_str(held_out)));
    } else {
        nas_text_free(&t);
        nas_text_json(&t, r->config.table);
        NAS_GO(nas_store_study_attr(r->store, "table", nas_text_str(&t)));
    }
    NAS_GO(write_study(r, held_out));
done:
    nas_text_free(&t);
    return st;
}
