/* cli/study_share.c - what a study tells workers on other machines by its store, and what they tell
 * it. */
#include "study_run.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static nas_status put_text(nas_store *s, const char *key, const char *text) {
    nas_text json = {0};
    nas_status st;
    nas_text_json(&json, text);
    NAS_GO(nas_text_check(&json));
    NAS_GO(nas_store_study_attr(s, key, nas_text_str(&json)));
done:
    nas_text_free(&json);
    return st;
}

nas_status share_settings(const study_run *r, const nas_text *yaml, const nas_text *held_out) {
    char *text = NULL;
    size_t n;
    nas_status st;
    if (nas_file_exists(r->config.space))
        NAS_GO(nas_file_read(&text, &n, r->config.space, 0));
    NAS_GO(put_text(r->store, "settings", nas_text_str(yaml)));
    NAS_GO(put_text(r->store, "space_file", text ? text : ""));
    NAS_GO(put_text(r->store, "version", NAS_VERSION));
    NAS_GO(
        nas_store_study_attr(r->store, "held_out", held_out->n ? nas_text_str(held_out) : "null"));
    NAS_GO(share_finished(r, false));
done:
    nas_free(text);
    return st;
}

nas_status share_finished(const study_run *r, bool finished) {
    return nas_store_study_attr(r->store, "finished", finished ? "true" : "false");
}

bool share_is_finished(nas_store *s) {
    char *json = NULL;
    if (nas_store_get_study_attr(&json, s, "finished") != NAS_OK)
        return false;
    bool yes = strcmp(json, "true") == 0;
    nas_free(json);
    return yes;
}

/* ---- a worker's side ---- */

/* A JSON value as a document under "v"; the caller frees it. */
static nas_status read_json(nas_yaml **doc, const char *json, const char *name) {
    nas_text t = {0};
    nas_status st;
    nas_text_add(&t, "v: %s\n", json); /* JSON is YAML */
    NAS_GO(nas_text_check(&t));
    NAS_GO(nas_yaml_read_text(doc, nas_text_str(&t), t.n, name));
done:
    nas_text_free(&t);
    return st;
}

/* Writes a text attribute of the study to a file; *empty: it is "". */
static nas_status attr_to_file(bool *empty, nas_store *s, const char *key, const char *path) {
    char *json = NULL;
    nas_yaml *doc = NULL;
    nas_status st;
    NAS_GO(nas_store_get_study_attr(&json, s, key));
    NAS_GO(read_json(&doc, json, key));
    const char *text = nas_yaml_scalar(nas_yaml_get(nas_yaml_root(doc), "v"));
    if (!text)
        NAS_GO(nas_fail(NAS_E_STORE, "the study's %s cannot be read", key));
    *empty = !text[0];
    NAS_GO(nas_file_write(path, text, strlen(text)));
done:
    nas_yaml_free(doc);
    nas_free(json);
    return st;
}

typedef struct paths {
    char dir[256], study[300], space[300];
} paths;

static nas_status make_paths(paths *p) {
    const char *tmp = getenv("TMPDIR");
    if (snprintf(p->dir, sizeof p->dir, "%s/clnas-worker-XXXXXX", tmp ? tmp : "/tmp") >=
            (int)sizeof p->dir ||
        !mkdtemp(p->dir))
        return nas_fail(NAS_E_IO, "no folder can be made in %s", tmp ? tmp : "/tmp");
    snprintf(p->study, sizeof p->study, "%s/study.yaml", p->dir);
    snprintf(p->space, sizeof p->space, "%s/space.yaml", p->dir);
    return NAS_OK;
}

static nas_status compare_images(const study_run *r) {
    nas_text ours = {0};
    char *theirs = NULL;
    nas_status st;
    NAS_GO(study_split(&ours, r));
    NAS_GO(nas_store_get_study_attr(&theirs, r->store, "held_out"));
    if (strcmp(theirs, nas_text_str(&ours)) != 0)
        NAS_GO(nas_fail(NAS_E_DATA,
                        "the images in %s are not those of the study: other ones come "
                        "out as held out, or their pixels differ",
                        r->config.data));
done:
    nas_text_free(&ours);
    nas_free(theirs);
    return st;
}

nas_status share_read(study_run *r, const char *data) {
    paths p = {.dir = ""};
    const char *set[4];
    size_t n = 0;
    bool empty, built_in;
    nas_status st;
    NAS_GO(make_paths(&p));
    NAS_GO(attr_to_file(&empty, r->store, "settings", p.study));
    NAS_GO(attr_to_file(&built_in, r->store, "space_file", p.space));
    if (data) {
        set[2 * n] = "data.path";
        set[2 * n++ + 1] = data;
    }
    if (!built_in) {
        set[2 * n] = "space";
        set[2 * n++ + 1] = p.space;
    }
    NAS_GO(nas_study_read(&r->config, p.study, set, n));
    if (r->config.table[0])
        NAS_GO(nas_fail(NAS_E_UNSUPPORTED,
                        "study %s looks its results up in a table: there is "
                        "nothing for a worker to train",
                        r->config.name));
    if (!nas_study_trains(&r->config))
        NAS_GO(nas_fail(NAS_E_UNSUPPORTED,
                        "no objective or constraint of study %s needs training: there is nothing "
                        "for a worker to do",
                        r->config.name));
    NAS_GO(nas_space_open(&r->space, r->config.space));
    NAS_GO(study_shared(r));
    NAS_GO(compare_images(r));
done:
    if (p.dir[0]) {
        unlink(p.study);
        unlink(p.space);
        rmdir(p.dir);
    }
    return st;
}

/* ---- results ---- */

void share_write(nas_text *out, const share_result *x) {
    nas_text_add(out, "{\"ok\": %s, \"text\": ", x->done.status == NAS_OK ? "true" : "false");
    nas_text_json(out, x->done.text);
    nas_text_add(out, ", \"device\": ");
    nas_text_json(out, x->device);
    nas_text_add(out, ", \"error\": ");
    nas_text_shortest(out, x->error);
    nas_text_add(out, ", \"loss\": ");
    nas_text_shortest(out, x->loss);
    nas_text_add(out, "}");
}

static double number_of(const nas_yaml_node *map, const char *key) {
    const nas_yaml_node *n = nas_yaml_get(map, key);
    const char *s = n ? nas_yaml_scalar(n) : NULL;
    double v;
    return s && nas_number_read(&v, s) ? v : (double)NAN;
}

static void text_of(char *out, size_t size, const nas_yaml_node *map, const char *key) {
    const nas_yaml_node *n = nas_yaml_get(map, key);
    const char *s = n ? nas_yaml_scalar(n) : NULL;
    snprintf(out, size, "%s", s ? s : "");
}

nas_status share_parse(share_result *out, const char *json) {
    nas_yaml *doc = NULL;
    char ok[8];
    NAS_TRY(read_json(&doc, json, "a worker's result"));
    const nas_yaml_node *v = nas_yaml_get(nas_yaml_root(doc), "v");
    *out = (share_result){.done = {.kind = NEWS_DONE}};
    text_of(ok, sizeof ok, v, "ok");
    out->done.status = strcmp(ok, "true") == 0 ? NAS_OK : NAS_E_DEVICE;
    text_of(out->done.text, sizeof out->done.text, v, "text");
    text_of(out->device, sizeof out->device, v, "device");
    out->error = number_of(v, "error");
    out->loss = number_of(v, "loss");
    nas_yaml_free(doc);
    return NAS_OK;
}
