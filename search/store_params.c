/* search/store_params.c - a genome as Optuna's categorical params, and exactly, as one attribute.
 */
#include "store.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- an option's text as the JSON that Optuna would write for its value ------------------------
 */

static bool add_whole(nas_text *out, const char *s) {
    const char *digits = s + (*s == '-' || *s == '+');
    if (*digits == 0 || digits[strspn(digits, "0123456789")] != 0)
        return false;
    errno = 0;
    long long v = strtoll(s, NULL, 10);
    if (errno != 0)
        return false;
    nas_text_add(out, "%lld", v);
    return true;
}

static bool add_number(nas_text *out, const char *s) {
    double v;
    if (!nas_number_read(&v, s) || !isfinite(v))
        return false;
    size_t from = out->n;
    nas_text_shortest(out, v);
    /* Python keeps 1 and 1.0 apart, and so do we. */
    if (!out->failed && strpbrk(out->s + from, ".eE") == NULL)
        nas_text_add(out, ".0");
    return true;
}

typedef struct word {
    const char *yaml, *json;
} word;
static const word words[] = {
    {"true", "true"},
    {"false", "false"},
    {"null", "null"},
    {"~", "null"},
};

static bool add_word(nas_text *out, const char *s) {
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (strcmp(words[i].yaml, s) == 0) {
            nas_text_add(out, "%s", words[i].json);
            return true;
        }
    return false;
}

static void add_choice(nas_text *out, const char *s) {
    if (!add_whole(out, s) && !add_number(out, s) && !add_word(out, s))
        nas_text_json(out, s);
}

static void add_distribution(nas_text *out, const nas_gene *g) {
    nas_text_add(out, "{\"name\": \"CategoricalDistribution\", \"attributes\": {\"choices\": [");
    for (uint32_t i = 0; i < g->n; i++) {
        nas_text_add(out, "%s", i > 0 ? ", " : "");
        add_choice(out, g->choices[i]);
    }
    nas_text_add(out, "]}}");
}

/* ---- writing ----------------------------------------------------------------------------------
 */

static nas_status write_param(const nas_store *s, int64_t trial, const nas_gene *g, uint16_t v) {
    nas_text json = {0};
    nas_status st = NAS_OK;
    add_distribution(&json, g);
    NAS_GO(nas_text_check(&json));
    NAS_GO(sql_run(s->db,
                   "INSERT INTO trial_params (trial_id, param_name, param_value,"
                   " distribution_json) VALUES (?, ?, ?, ?)",
                   (sql_value[]){INT(trial), TEXT(g->path), REAL(v), TEXT(nas_text_str(&json))},
                   4));
done:
    nas_text_free(&json);
    return st;
}

static nas_status write_genome(const nas_store *s, int64_t trial, const nas_genome *x) {
    nas_text json = {0};
    nas_status st = NAS_OK;
    nas_text_add(&json, "[");
    for (uint32_t i = 0; i < x->n; i++)
        nas_text_add(&json, "%s%u", i > 0 ? ", " : "", x->gene[i]);
    nas_text_add(&json, "]");
    NAS_GO(nas_text_check(&json));
    NAS_GO(sql_run(s->db,
                   "INSERT INTO trial_user_attributes (trial_id, key, value_json)"
                   " VALUES (?, 'genome', ?)",
                   (sql_value[]){INT(trial), TEXT(nas_text_str(&json))}, 2));
done:
    nas_text_free(&json);
    return st;
}

nas_status params_write(const nas_store *s, int64_t trial, const nas_space *sp,
                        const nas_genome *x) {
    bool active[NAS_MAX_GENES];
    nas_space_active(active, sp, x);
    for (uint32_t i = 0; i < x->n; i++)
        if (active[i])
            NAS_TRY(write_param(s, trial, nas_space_gene(sp, i), x->gene[i]));
    return write_genome(s, trial, x);
}
