/* search/train_keys.c - the training keys of a study file: read by name, type and range. */
#include "train_keys.h"

#include <string.h>

typedef enum key_kind { WHOLE, NUMBER, TRUTH, OPTIMIZER, SCHEDULE } key_kind;
typedef struct train_key {
    const char *name;
    key_kind kind;
    double min, max;
    bool open_min, open_max; /* the bound itself is not allowed */
} train_key;

static const char *const optimizers[] = {"sgd", "adam", "adamw", NULL};
static const char *const schedules[] = {"cosine", "step", "constant", NULL};

static const train_key keys[] = {
#define NAS_TRAIN_KEY(name, kind, min, max, open_min, open_max)                                    \
    {#name, kind, min, max, open_min, open_max},
#include <nas/train_keys.def>
};
enum { N_KEYS = sizeof keys / sizeof *keys };

static nas_status check_word(const nas_yaml_node *n, const train_key *key,
                             const char *const *words) {
    const char *word;
    NAS_TRY(nas_yaml_string(&word, n));
    size_t count = 0;
    for (; words[count] != NULL; count++)
        if (strcmp(words[count], word) == 0)
            return NAS_OK;
    nas_text all = {0};
    for (size_t i = 0; i < count; i++)
        nas_text_add(&all, "%s%s", i == 0 ? "" : i + 1 < count ? ", " : " or ", words[i]);
    nas_status st = nas_yaml_fail(n, "%s is %s, not '%s'", key->name, nas_text_str(&all), word);
    nas_text_free(&all);
    return st;
}

static nas_status check_number(const nas_yaml_node *n, const train_key *key) {
    double v;
    NAS_TRY(nas_yaml_double(&v, n, key->min, key->max));
    if (key->open_min && v <= key->min)
        return nas_yaml_fail(n, "%s must be above %g", key->name, key->min);
    if (key->open_max && v >= key->max)
        return nas_yaml_fail(n, "%s must be below %g", key->name, key->max);
    return NAS_OK;
}

static nas_status check_key(const nas_yaml_node *n, const train_key *key) {
    int64_t whole;
    bool truth;
    switch (key->kind) {
    case WHOLE:
        return nas_yaml_int(&whole, n, (int64_t)key->min, (int64_t)key->max);
    case NUMBER:
        return check_number(n, key);
    case TRUTH:
        return nas_yaml_bool(&truth, n);
    case OPTIMIZER:
        return check_word(n, key, optimizers);
    case SCHEDULE:
        break;
    }
    return check_word(n, key, schedules);
}

nas_status train_keys_check(const nas_yaml_node *map, const char *extra) {
    const char *known[N_KEYS + 1];
    for (size_t i = 0; i < N_KEYS; i++)
        known[i] = keys[i].name;
    known[N_KEYS] = extra;
    NAS_TRY(nas_yaml_only(map, known, N_KEYS + (extra != NULL)));
    for (size_t i = 0; i < N_KEYS; i++) {
        const nas_yaml_node *n = nas_yaml_get(map, keys[i].name);
        if (n != NULL)
            NAS_TRY(check_key(n, &keys[i]));
    }
    return NAS_OK;
}
