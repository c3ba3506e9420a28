/* cli/train_config.c - training settings from a study file's map or from options: one table for
 * both. */
#include "cli.h"

#include <math.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

typedef enum key_kind { WHOLE, NUMBER, TRUTH, OPTIMIZER, SCHEDULE } key_kind;
typedef struct key {
    const char *name; /* in a file; as an option '_' is '-' */
    key_kind kind;
    size_t offset;
    double min, max;
    bool open_min, open_max; /* the bound itself is not allowed */
} key;

static const key keys[] = {
#define NAS_TRAIN_KEY(name, kind, min, max, open_min, open_max)                                    \
    {#name, kind, offsetof(nas_train_config, name), min, max, open_min, open_max},
#include <nas/train_keys.def>
};
enum { N_KEYS = sizeof keys / sizeof *keys };

const cli_option cli_train_option_table[] = {
    {"epochs", "N", "passes over the training images (default 10)"},
    {"batch", "N", "images of one step (default 128)"},
    {"optimizer", "NAME", "sgd, adam or adamw (default)"},
    {"lr", "X", "peak learning rate (default 0.002)"},
    {"momentum", "X", "of sgd"},
    {"nesterov", "true|false", "Nesterov momentum, of sgd"},
    {"beta1", "X", "of adam and adamw"},
    {"beta2", "X", "of adam and adamw"},
    {"eps", "X", "of adam and adamw"},
    {"weight-decay", "X", "never on norms and biases"},
    {"schedule", "NAME", "cosine (default), step or constant"},
    {"warmup-epochs", "X", "linear warm-up"},
    {"final-lr", "X", "share of lr at the end of cosine"},
    {"step-epochs", "X", "of the step schedule"},
    {"step-factor", "X", "of the step schedule"},
    {"clip-norm", "X", "limit of the global gradient norm; 0: none"},
    {"label-smoothing", "X", "0 to 0.999"},
    {"flip", "true|false", "mirror images at random"},
    {"crop-pad", "N", "random crop after padding by N pixels"},
    {"cutout", "N", "side of a square that is blanked at random"},
    {NULL, NULL, NULL}};

static const char *const optimizers[] = {"sgd", "adam", "adamw"};
static const char *const schedules[] = {"cosine", "step", "constant"};

static bool name_at(int *out, const char *s, const char *const *names, int n) {
    for (int i = 0; i < n; i++)
        if (strcmp(s, names[i]) == 0) {
            *out = i;
            return true;
        }
    return false;
}

static bool set_number(nas_train_config *c, const key *k, const char *s) {
    double v;
    if (!nas_number_read(&v, s) || !isfinite(v) || v < k->min || v > k->max)
        return false;
    if ((k->open_min && v == k->min) || (k->open_max && v == k->max))
        return false;
    char *at = (char *)c + k->offset;
    if (k->kind == NUMBER) {
        *(double *)at = v;
        return true;
    }
    *(int32_t *)at = (int32_t)v;
    return v == floor(v);
}

static bool set_bool(bool *out, const char *s) {
    bool yes = strcmp(s, "true") == 0, no = strcmp(s, "false") == 0;
    *out = yes;
    return yes || no;
}

/* False: s is no value of k. */
static bool set_key(nas_train_config *c, const key *k, const char *s) {
    int i = 0;
    switch (k->kind) {
    case TRUTH:
        return set_bool((bool *)((char *)c + k->offset), s);
    case OPTIMIZER:
        if (!name_at(&i, s, optimizers, 3))
            return false;
        c->optimizer = (nas_optimizer)i;
        return true;
    case SCHEDULE:
        if (!name_at(&i, s, schedules, 3))
            return false;
        c->schedule = (nas_schedule)i;
        return true;
    case WHOLE:
    case NUMBER:
        break;
    }
    return set_number(c, k, s);
}

static const char *what_is_wanted(const key *k, char buf[96]) {
    switch (k->kind) {
    case TRUTH:
        return "true or false";
    case OPTIMIZER:
        return "sgd, adam or adamw";
    case SCHEDULE:
        return "cosine, step or constant";
    case WHOLE:
    case NUMBER:
        break;
    }
    snprintf(buf, 96, "a %snumber %s %g %s %g", k->kind == WHOLE ? "whole " : "",
             k->open_min ? "above" : "from", k->min, k->open_max ? "to below" : "to", k->max);
    return buf;
}

nas_status cli_train_config(nas_train_config *c, const nas_yaml_node *map) {
    if (!map)
        return NAS_OK;
    const char *names[N_KEYS + 1];
    for (int i = 0; i < N_KEYS; i++)
        names[i] = keys[i].name;
    names[N_KEYS] = "models"; /* of `retrain:`, read with the study */
    NAS_TRY(nas_yaml_only(map, names, N_KEYS + 1));
    for (int i = 0; i < N_KEYS; i++) {
        const nas_yaml_node *n = nas_yaml_get(map, keys[i].name);
        char buf[96];
        const char *s = n ? nas_yaml_scalar(n) : NULL;
        if (n && (!s || !set_key(c, &keys[i], s)))
            return nas_yaml_fail(n, "%s wants %s, not '%s'", keys[i].name,
                                 what_is_wanted(&keys[i], buf), s ? s : "a list or map");
    }
    return NAS_OK;
}

int cli_train_options(nas_train_config *c, const cli_args *a) {
    for (int i = 0; i < N_KEYS; i++) {
        char option[32], buf[96];
        snprintf(option, sizeof option, "%s", keys[i].name);
        for (char *p = option; *p; p++)
            *p = *p == '_' ? '-' : *p;
        const char *s = cli_get(a, option);
        if (s && !set_key(c, &keys[i], s))
            return cli_usage(a, "--%s wants %s, not '%s'", option, what_is_wanted(&keys[i], buf),
                             s);
    }
    return CLI_OK;
}
