/* search/study_strategy.c - reads which strategy a study takes, and its settings. */
#include "strategy.h"
#include "study_keys.h"

#include <string.h>

/* Keys of the map `strategy` that are numbers. */
static const struct {
    const char *key;
    size_t offset;
    double max;
    bool whole;
} numbers[] = {
#define N(name, most, is_whole)                                                                    \
    { #name, offsetof(nas_strategy_numbers, name), most, is_whole }
    N(sample, 100000, true),     N(learning_rate, 1000, false),
    N(baseline, 1, false),       N(entropy, 1000, false),
    N(clip, 1, false),           N(passes, 1000, true),
    N(batch, 1000, true),        N(exploration, 1, false),
    N(alpha, 1, false),          N(threshold, 1e300, false),
    N(neighbours, 100000, true), N(divisions, 1000, true),
    N(steps, 1000, true),
#undef N
};
enum { N_NUMBERS = sizeof numbers / sizeof *numbers, N_STRATEGY_KEYS = 4 };

/* A setting that the strategy would not look at is a mistake. */
static nas_status check_taken(const nas_study_config *c, const nas_yaml_node *map,
                              const char *key) {
    const char *const *takes = strategy_takes(c->strategy);
    nas_text all = {0};
    if (takes == NULL || nas_yaml_get(map, key) == NULL)
        return NAS_OK;
    for (size_t i = 0; takes[i] != NULL; i++) {
        if (strcmp(takes[i], key) == 0) {
            nas_text_free(&all);
            return NAS_OK;
        }
        nas_text_add(&all, "%s%s", i > 0 ? ", " : "", takes[i]);
    }
    nas_status st =
        nas_yaml_fail(nas_yaml_get(map, key), "%s takes no '%s'; it takes %s", c->strategy, key,
                      takes[0] != NULL ? nas_text_str(&all) : "no settings");
    nas_text_free(&all);
    return st;
}

static nas_status read_numbers(nas_study_config *c, const nas_yaml_node *map) {
    for (size_t i = 0; i < N_NUMBERS; i++) {
        double *out = (double *)((char *)&c->numbers + numbers[i].offset);
        int64_t whole = 0;
        NAS_TRY(check_taken(c, map, numbers[i].key));
        if (numbers[i].whole) {
            NAS_TRY(key_whole(&whole, map, numbers[i].key, 0, (int64_t)numbers[i].max));
            *out = (double)whole;
        } else {
            NAS_TRY(key_number(out, map, numbers[i].key, 0, numbers[i].max));
        }
    }
    return NAS_OK;
}

static nas_status check_strategy(const nas_study_config *c, const nas_yaml_node *map) {
    const char *const *names = nas_strategy_names();
    size_t n = 0;
    for (; names[n] != NULL; n++)
        if (strcmp(names[n], c->strategy) == 0)
            return NAS_OK;
    const char *near = nas_nearest(c->strategy, names, n);
    const nas_yaml_node *at = nas_yaml_get(map, "name");
    if (near != NULL)
        return nas_yaml_fail(at, "no strategy '%s'; did you mean '%s'?", c->strategy, near);
    nas_text all = {0};
    for (size_t i = 0; i < n; i++)
        nas_text_add(&all, "%s%s", i > 0 ? ", " : "", names[i]);
    nas_status st =
        nas_yaml_fail(at, "no strategy '%s'; known: %s", c->strategy, nas_text_str(&all));
    nas_text_free(&all);
    return st;
}

nas_status study_strategy(nas_study_config *c, const nas_yaml_node *root) {
    const char *known[N_STRATEGY_KEYS + N_NUMBERS] = {"name", "population", "crossover",
                                                      "mutation"};
    const nas_yaml_node *map;
    for (size_t i = 0; i < N_NUMBERS; i++)
        known[N_STRATEGY_KEYS + i] = numbers[i].key;
    NAS_TRY(key_map(&map, root, "strategy", known, N_STRATEGY_KEYS + N_NUMBERS));
    if (map == NULL)
        return NAS_OK;
    NAS_TRY(key_text(c->strategy, sizeof c->strategy, map, "name"));
    NAS_TRY(check_strategy(c, map));
    for (size_t i = 1; i < N_STRATEGY_KEYS; i++)
        NAS_TRY(check_taken(c, map, known[i]));
    NAS_TRY(key_u32(&c->population, map, "population", 0, 100000));
    if (c->population == 1)
        return nas_yaml_fail(nas_yaml_get(map, "population"), "a population of 1 cannot mate");
    NAS_TRY(key_number(&c->crossover, map, "crossover", 0, 1));
    NAS_TRY(key_number(&c->mutation, map, "mutation", 0, 1));
    return read_numbers(c, map);
}
