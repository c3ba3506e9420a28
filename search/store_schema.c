/* search/store_schema.c - the tables of Optuna's RDB storage, layout v3.2.0.a (Optuna 3.2 to 5). */
#include "store.h"

#include <string.h>

/* The revision that Optuna's migration tool looks for, and what it calls the layout. */
static const char revision[] = "v3.2.0.a";
enum { SCHEMA_VERSION = 12 };

static const char *const statements[] = {
    "CREATE TABLE studies (study_id $ID, study_name VARCHAR(512) NOT NULL,"
    " PRIMARY KEY (study_id))",
    "CREATE UNIQUE INDEX ix_studies_study_name ON studies (study_name)",
    "CREATE TABLE version_info (version_info_id INTEGER NOT NULL, schema_version INTEGER,"
    " library_version VARCHAR(256), PRIMARY KEY (version_info_id), CHECK (version_info_id=1))",
    "CREATE TABLE study_directions (study_direction_id $ID,"
    " direction $DIRECTION NOT NULL, study_id INTEGER NOT NULL, objective INTEGER NOT NULL,"
    " PRIMARY KEY (study_direction_id), UNIQUE (study_id, objective),"
    " FOREIGN KEY(study_id) REFERENCES studies (study_id))",
    "CREATE TABLE study_user_attributes (study_user_attribute_id $ID,"
    " study_id INTEGER, \"key\" VARCHAR(512), value_json TEXT,"
    " PRIMARY KEY (study_user_attribute_id), UNIQUE (study_id, \"key\"),"
    " FOREIGN KEY(study_id) REFERENCES studies (study_id))",
    "CREATE TABLE study_system_attributes (study_system_attribute_id $ID,"
    " study_id INTEGER, \"key\" VARCHAR(512), value_json TEXT,"
    " PRIMARY KEY (study_system_attribute_id), UNIQUE (study_id, \"key\"),"
    " FOREIGN KEY(study_id) REFERENCES studies (study_id))",
    "CREATE TABLE trials (trial_id $ID, number INTEGER, study_id INTEGER,"
    " state $STATE NOT NULL, datetime_start $TIME, datetime_complete $TIME,"
    " PRIMARY KEY (trial_id), FOREIGN KEY(study_id) REFERENCES studies (study_id))",
    "CREATE INDEX ix_trials_study_id ON trials (study_id)",
    "CREATE TABLE trial_user_attributes (trial_user_attribute_id $ID,"
    " trial_id INTEGER, \"key\" VARCHAR(512), value_json TEXT,"
    " PRIMARY KEY (trial_user_attribute_id), UNIQUE (trial_id, \"key\"),"
    " FOREIGN KEY(trial_id) REFERENCES trials (trial_id))",
    "CREATE TABLE trial_system_attributes (trial_system_attribute_id $ID,"
    " trial_id INTEGER, \"key\" VARCHAR(512), value_json TEXT,"
    " PRIMARY KEY (trial_system_attribute_id), UNIQUE (trial_id, \"key\"),"
    " FOREIGN KEY(trial_id) REFERENCES trials (trial_id))",
    "CREATE TABLE trial_params (param_id $ID, trial_id INTEGER,"
    " param_name VARCHAR(512), param_value $FLOAT, distribution_json TEXT, PRIMARY KEY (param_id),"
    " UNIQUE (trial_id, param_name), FOREIGN KEY(trial_id) REFERENCES trials (trial_id))",
    "CREATE TABLE trial_values (trial_value_id $ID, trial_id INTEGER NOT NULL,"
    " objective INTEGER NOT NULL, value $FLOAT, value_type $KIND NOT NULL,"
    " PRIMARY KEY (trial_value_id), UNIQUE (trial_id, objective),"
    " FOREIGN KEY(trial_id) REFERENCES trials (trial_id))",
    "CREATE TABLE trial_intermediate_values (trial_intermediate_value_id $ID,"
    " trial_id INTEGER NOT NULL, step INTEGER NOT NULL, intermediate_value $FLOAT,"
    " intermediate_value_type $CURVE_KIND NOT NULL, PRIMARY KEY (trial_intermediate_value_id),"
    " UNIQUE (trial_id, step), FOREIGN KEY(trial_id) REFERENCES trials (trial_id))",
    "CREATE TABLE trial_heartbeats (trial_heartbeat_id $ID,"
    " trial_id INTEGER NOT NULL, heartbeat $TIME NOT NULL, PRIMARY KEY (trial_heartbeat_id),"
    " UNIQUE (trial_id), FOREIGN KEY(trial_id) REFERENCES trials (trial_id))",
    "CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL,"
    " CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num))",
};

static nas_status create_tables(void *ctx) {
    sql_db *db = ((nas_store *)ctx)->db;
    for (size_t i = 0; db->engine->prepare[i] != NULL; i++)
        NAS_TRY(sql_run(db, db->engine->prepare[i], NULL, 0));
    for (size_t i = 0; i < sizeof statements / sizeof *statements; i++)
        NAS_TRY(sql_run(db, statements[i], NULL, 0));
    NAS_TRY(
        sql_run(db, "INSERT INTO version_info VALUES (1, ?, '3.2.0')", &INT(SCHEMA_VERSION), 1));
    return sql_run(db, "INSERT INTO alembic_version VALUES (?)", &TEXT(revision), 1);
}

static nas_status count_tables(int64_t *all, int64_t *ours, const nas_store *s) {
    char named[256];
    bool found;
    NAS_TRY(sql_int(all, &found, s->db, s->db->engine->tables, NULL, 0));
    snprintf(named, sizeof named,
             "%s AND name IN"
             " ('studies', 'trials', 'trial_params', 'trial_values', 'alembic_version')",
             s->db->engine->tables);
    return sql_int(ours, &found, s->db, named, NULL, 0);
}

nas_status schema_check(const nas_store *s) {
    int64_t all = 0, ours = 0;
    NAS_TRY(count_tables(&all, &ours, s));
    if (all == 0)
        return nas_fail(NAS_E_NOT_FOUND, "%s: there is no study in it", s->path);
    if (ours != 5)
        return nas_fail(NAS_E_STORE, "%s: a database of something else, not a study store",
                        s->path);
    char *found = NULL;
    NAS_TRY(sql_text(&found, s->db, "SELECT version_num FROM alembic_version", NULL, 0));
    bool same = found != NULL && strcmp(found, revision) == 0;
    nas_status st = NAS_OK;
    if (!same)
        st = nas_fail(NAS_E_STORE, "%s: its layout is '%s', but only '%s' is known here", s->path,
                      found != NULL ? found : "", revision);
    nas_free(found);
    return st;
}

nas_status schema_ensure(nas_store *s) {
    int64_t all = 0, ours = 0;
    NAS_TRY(count_tables(&all, &ours, s));
    if (all == 0)
        NAS_TRY(sql_transaction(s->db, create_tables, s));
    return schema_check(s);
}
