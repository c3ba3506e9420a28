/* search/train_keys.c - the training keys of a study file: their names, types and ranges. */
#include "train_keys.h"

#include <string.h>

typedef struct train_key {
    const char *name;
    enum { WHOLE, NUMBER, TRUTH, WORD } type;
    double min, max;
    const char *const *words; /* ended by NULL */
} train_key;

static const char *const optimizers[] = {"sgd", "adam", "adamw", NULL};
static const char *const schedules[] = {"cosine", "step", "constant", NULL};

static const train_key keys[] = {
    {"epochs", WHOLE, 1, 100000, NULL},
    {"batch", WHOLE, 1, 65536, NULL},
    {"optimizer", WORD, 0, 0, optimizers},
    {"lr", NUMBER, 0, 1e3, NULL},
    {"momentum", NUMBER, 0, 1, NULL},
    {"nesterov", TRUTH, 0, 0, NULL},
    {"beta1", NUMBER, 0, 1, NULL},
    {"beta2", NUMBER, 0, 1, NULL},
    {"eps", NUMBER, 0, 1, NULL},
    {"weight_decay", NUMBER, 0, 1e3, NULL},
    {"schedule", WORD, 0, 0, schedules},
    {"warmup_epochs", NUMBER, 0, 1e5, NULL},
    {"final_lr", NUMBER, 0, 1, NULL},
    {"step_epochs", NUMBER, 0, 1e5, NULL},
    {"step_factor", NUMBER, 0, 1, NULL},
    {"clip_norm", NUMBER, 0, 1e9, NULL},
    {"label_smoothing", NUMBER, 0, 0.999, NULL},
    {"flip", TRUTH, 0, 0, NULL},
    {"crop_pad", WHOLE, 0, 1024, NULL},
    {"cutout", WHOLE, 0, 1024, NULL},
};
enum { N_KEYS = sizeof keys / sizeof *keys };

static nas_status check_word(const nas_yaml_node *n, const train_key *key) {
    const char *word;
    NAS_TRY(nas_yaml_string(&word, n));
    size_t count = 0;
    for (; key->words[count] != NULL; count++)
        if (strcmp(key->words[count], word) == 0)
            return NAS_OK;
    nas_text all = {0};
    for (size_t i = 0; i < count; i++)
        nas_text_add(&all, "%s%s", i == 0 ? "" : i + 1 < count ? ", " : " or ", key->words[i]);
    nas_status st = nas_yaml_fail(n, "%s is %s, not '%s'", key->name, nas_text_str(&all), word);
    nas_text_free(&all);
    return st;
}

static nas_status check_key(const nas_yaml_node *n, const train_key *key) {
    int64_t whole;
    double number;
    bool truth;
    switch (key->type) {
    case WHOLE:
        return nas_yaml_int(&whole, n, (int64_t)key->min, (int64_t)key->max);
    case NUMBER:
        return nas_yaml_double(&number, n, key->min, key->max);
    case TRUTH:
        return nas_yaml_bool(&truth, n);
    case WORD:
        break;
    }
    return check_word(n, key);
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
