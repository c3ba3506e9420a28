/* search/store_study.c - the study row: its objectives, and the fingerprint that it goes on under.
 */
#include "store.h"

#include <math.h>
#include <string.h>

static nas_status read_flags(nas_store *s) {
    int64_t one = 0;
    return sql_int(&one, &s->constrained, s->db,
                   "SELECT 1 FROM study_user_attributes WHERE study_id = ? AND key = 'constraints'",
                   &INT(s->study), 1);
}

/* Names are kept one behind the other in one block, each with its NUL. */
static nas_status read_objectives(nas_store *s) {
    nas_text names = {0};
    char *json = NULL;
    uint32_t n = 0;
    nas_status st;
    NAS_GO(sql_text(&json, s->db,
                    "SELECT value_json FROM study_user_attributes WHERE study_id = ?"
                    " AND key = 'objectives'",
                    &INT(s->study), 1));
    if (json != NULL)
        NAS_GO(json_strings(&names, &n, json, s->path));
    if (n > NAS_MAX_OBJECTIVES)
        NAS_GO(nas_fail(NAS_E_STORE, "%s: the study's objectives cannot be read", s->path));
    const char *at = names.s;
    for (uint32_t i = 0; i < n; i++, at += strlen(at) + 1)
        s->objective[i] = at;
    s->n_objectives = n;
    nas_free(s->names);
    s->names = names.s;
    names.s = NULL;

done:
    nas_free(json);
    nas_free(names.s);
    return st;
}

nas_status study_find(nas_store *s, const char *name) {
    bool found;
    if (name != NULL)
        NAS_TRY(sql_int(&s->study, &found, s->db,
                        "SELECT study_id FROM studies WHERE study_name = ?", &TEXT(name), 1));
    else
        NAS_TRY(sql_int(&s->study, &found, s->db,
                        "SELECT study_id FROM studies ORDER BY study_id LIMIT 1", NULL, 0));
    if (!found)
        return nas_fail(NAS_E_NOT_FOUND, "%s: there is no study%s%s in it", s->path,
                        name != NULL ? " " : "", name != NULL ? name : "");
    NAS_TRY(read_flags(s));
    return read_objectives(s);
}

/* ---- create -----------------------------------------------------------------------------------
 */

static void objectives_json(nas_text *out, const nas_study_config *c) {
    nas_text_add(out, "[");
    for (uint32_t i = 0; i < c->n_objectives; i++) {
        nas_text_add(out, "%s", i > 0 ? ", " : "");
        nas_text_json(out, c->objective[i].name);
    }
    nas_text_add(out, "]");
}

static void constraints_json(nas_text *out, const nas_study_config *c) {
    nas_text_add(out, "[");
    for (uint32_t i = 0; i < c->n_constraints; i++) {
        nas_text_add(out, "%s{\"name\": ", i > 0 ? ", " : "");
        nas_text_json(out, c->constraint[i].measure.name);
        nas_text_add(out, ", \"min\": ");
        nas_text_shortest(out, c->constraint[i].min);
        nas_text_add(out, ", \"max\": ");
        nas_text_shortest(out, c->constraint[i].max);
        nas_text_add(out, "}");
    }
    nas_text_add(out, "]");
}

static nas_status put_attr(const nas_store *s, bool system, const char *key, const nas_text *json) {
    NAS_TRY(nas_text_check(json));
    return sql_run(s->db,
                   system ? "INSERT INTO study_system_attributes (study_id, key, value_json)"
                            " VALUES (?, ?, ?)"
                          : "INSERT INTO study_user_attributes (study_id, key, value_json)"
                            " VALUES (?, ?, ?)",
                   (sql_value[]){INT(s->study), TEXT(key), TEXT(nas_text_str(json))}, 3);
}

typedef struct new_study {
    nas_store *s;
    const char *name, *fingerprint;
    const nas_study_config *c;
} new_study;

static nas_status insert_study(void *ctx) {
    const new_study *x = ctx;
    nas_store *s = x->s;
    const nas_study_config *c = x->c;
    nas_text objectives = {0}, constraints = {0}, print = {0};
    nas_status st = NAS_OK;
    bool found;
    NAS_GO(sql_int(&s->study, &found, s->db,
                   "INSERT INTO studies (study_name) VALUES (?) RETURNING study_id", &TEXT(x->name),
                   1));
    for (uint32_t i = 0; i < c->n_objectives; i++)
        NAS_GO(sql_run(s->db,
                       "INSERT INTO study_directions (direction, study_id, objective)"
                       " VALUES ('MINIMIZE', ?, ?)",
                       (sql_value[]){INT(s->study), INT(i)}, 2));
    objectives_json(&objectives, c);
    NAS_GO(put_attr(s, true, "study:metric_names", &objectives));
    NAS_GO(put_attr(s, false, "objectives", &objectives));
    if (c->n_constraints > 0) {
        constraints_json(&constraints, c);
        NAS_GO(put_attr(s, false, "constraints", &constraints));
    }
    nas_text_json(&print, x->fingerprint);
    NAS_GO(put_attr(s, false, "fingerprint", &print));

done:
    nas_text_free(&objectives);
    nas_text_free(&constraints);
    nas_text_free(&print);
    return st;
}

/* A file keeps one study: another name is a mistake, and its trials would be lost to front and
 * report. */
static nas_status refuse_second_study(const nas_store *s, const char *name) {
    char *there = NULL;
    NAS_TRY(sql_text(&there, s->db, "SELECT study_name FROM studies ORDER BY study_id LIMIT 1",
                     NULL, 0));
    if (there == NULL)
        return NAS_OK;
    nas_status st = nas_fail(NAS_E_EXISTS, "%s: the study in it is called '%s', not '%s'", s->path,
                             there, name);
    nas_free(there);
    return st;
}

nas_status study_create(nas_store *s, const char *name, const nas_study_config *c,
                        const char *fingerprint) {
    if (c->n_objectives < 1 || c->n_objectives > NAS_MAX_OBJECTIVES)
        return nas_fail(NAS_E_ARG, "%s: a study has 1 to %d objectives, not %u", s->path,
                        NAS_MAX_OBJECTIVES, c->n_objectives);
    if (!s->db->engine->shared)
        NAS_TRY(refuse_second_study(s, name));
    new_study x = {s, name, fingerprint, c};
    NAS_TRY(sql_transaction(s->db, insert_study, &x));
    return study_find(s, name);
}

/* ---- fingerprint ------------------------------------------------------------------------------
 */

static int line_length(const char *s) {
    return (int)strcspn(s, "\n");
}

static nas_status fail_at_line(const nas_store *s, const char *old, const char *new, int line) {
    enum { SHOWN = 120 };
    int n_old = line_length(old), n_new = line_length(new);
    return nas_fail(NAS_E_EXISTS,
                    "%s: the study in it was started with other settings; line %d was '%.*s' and "
                    "is '%.*s'",
                    s->path, line, n_old < SHOWN ? n_old : SHOWN, old,
                    n_new < SHOWN ? n_new : SHOWN, new);
}

static nas_status compare(const nas_store *s, const char *a, const char *b) {
    nas_status st = NAS_OK;
    for (int line = 1; st == NAS_OK && (*a || *b); line++) {
        int n = line_length(a), m = line_length(b);
        if (n != m || memcmp(a, b, (size_t)n) != 0 || (a[n] == 0) != (b[m] == 0))
            st = fail_at_line(s, a, b, line);
        a += n + (a[n] != 0);
        b += m + (b[m] != 0);
    }
    return st;
}

nas_status study_compare(nas_store *s, const char *fingerprint) {
    char *json = NULL;
    nas_text kept = {0};
    uint32_t n;
    nas_status st;
    NAS_GO(sql_text(&json, s->db,
                    "SELECT value_json FROM study_user_attributes WHERE study_id = ?"
                    " AND key = 'fingerprint'",
                    &INT(s->study), 1));
    if (json == NULL)
        NAS_GO(nas_fail(NAS_E_EXISTS, "%s: the study in it was not made by clnas", s->path));
    NAS_GO(json_strings(&kept, &n, json, s->path));
    NAS_GO(compare(s, nas_text_str(&kept), fingerprint));
done:
    nas_free(json);
    nas_text_free(&kept);
    return st;
}
