/* cli/view.c - reads a study from its store and answers what status, front and report ask. */
#include "view.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* A JSON string's text (the store's attributes are JSON): the caller's, or NULL. */
static char *json_string(const char *json) {
    size_t n = strlen(json);
    if (n < 2 || json[0] != '"')
        return NULL;
    nas_yaml *doc = NULL;
    nas_text t = {0};
    nas_text_add(&t, "v: %s\n", json); /* a JSON string is a YAML double-quoted scalar */
    char *out = NULL;
    if (!t.failed && nas_yaml_read_text(&doc, nas_text_str(&t), t.n, "attribute") == NAS_OK) {
        const char *s = nas_yaml_scalar(nas_yaml_get(nas_yaml_root(doc), "v"));
        out = s ? nas_strdup(s) : NULL;
    }
    nas_yaml_free(doc);
    nas_text_free(&t);
    return out;
}

static char *attr_string(nas_store *s, uint32_t number, const char *key) {
    char *json = NULL;
    if (nas_store_get_attr(&json, s, number, key) != NAS_OK)
        return NULL;
    char *text = json_string(json);
    nas_free(json);
    return text;
}

static double attr_number(nas_store *s, uint32_t number, const char *key) {
    char *json = NULL;
    if (nas_store_get_attr(&json, s, number, key) != NAS_OK)
        return (double)NAN;
    double v;
    if (!nas_number_read(&v, json))
        v = (double)NAN;
    nas_free(json);
    return v;
}

static nas_status read_trials(view *v) {
    v->n = nas_store_trial_count(v->store);
    v->trial = nas_calloc(v->n ? v->n : 1, sizeof *v->trial);
    if (!v->trial)
        return nas_fail_memory(v->n * sizeof *v->trial);
    for (uint32_t i = 0; i < v->n; i++) {
        view_trial *t = &v->trial[i];
        NAS_TRY(nas_store_trial(&t->t, v->store, i));
        t->network = attr_string(v->store, i, "network");
        t->reason = attr_string(v->store, i, "reason");
        t->params = attr_number(v->store, i, "params");
        t->macs = attr_number(v->store, i, "macs");
        t->test_accuracy = attr_number(v->store, i, "test_accuracy");
        t->latency_s = attr_number(v->store, i, "latency_s");
        t->latency_batch_s = attr_number(v->store, i, "latency_batch_s");
    }
    return NAS_OK;
}

static bool feasible(const view_trial *t) {
    return t->t.state == NAS_TRIAL_COMPLETE && t->t.violation <= 0;
}

static void mark_front(view *v) {
    for (uint32_t i = 0; i < v->n; i++) {
        bool front = feasible(&v->trial[i]);
        for (uint32_t k = 0; k < v->n && front; k++)
            front =
                !feasible(&v->trial[k]) ||
                !nas_dominates(v->trial[k].t.objective, v->trial[i].t.objective, v->n_objectives);
        v->trial[i].on_front = front;
    }
}

nas_status view_of_store(view *v, nas_store *s) {
    memset(v, 0, sizeof *v);
    v->store = s;
    v->n_objectives = nas_store_objectives(s, &v->objective);
    char *budget = NULL, *table = NULL;
    bool columns = nas_store_get_study_attr(&table, s, "table") == NAS_OK;
    nas_free(table);
    for (uint32_t i = 0; i < v->n_objectives; i++)
        NAS_TRY(columns ? nas_measure_column(&v->measure[i], v->objective[i], v->objective[i])
                        : nas_measure_parse(&v->measure[i], v->objective[i]));
    if (nas_store_get_study_attr(&budget, s, "budget") == NAS_OK)
        v->budget = (uint32_t)strtoul(budget, NULL, 10);
    nas_free(budget);
    NAS_TRY(read_trials(v));
    mark_front(v);
    return NAS_OK;
}

/* A study on a server: its run folder says where. */
static nas_status open_by_settings(nas_store **out, const char *run) {
    nas_text path = {0};
    nas_yaml *doc = NULL;
    nas_status st;
    nas_text_add(&path, "%s/study.yaml", run);
    NAS_GO(nas_text_check(&path));
    if (!nas_file_exists(nas_text_str(&path)))
        NAS_GO(nas_fail(NAS_E_NOT_FOUND, "%s holds no study (no study.db)", run));
    NAS_GO(nas_yaml_read_file(&doc, nas_text_str(&path)));
    const nas_yaml_node *store = nas_yaml_get(nas_yaml_root(doc), "store");
    const nas_yaml_node *name = nas_yaml_get(nas_yaml_root(doc), "name");
    if (!store || !name || !nas_yaml_scalar(store) || !nas_yaml_scalar(name))
        NAS_GO(nas_fail(NAS_E_NOT_FOUND, "%s holds no study (no study.db)", run));
    NAS_GO(nas_store_open_read(out, nas_yaml_scalar(store), nas_yaml_scalar(name)));
done:
    nas_yaml_free(doc);
    nas_text_free(&path);
    return st;
}

static nas_status open_store(nas_store **out, const char *run) {
    nas_text path = {0};
    nas_status st;
    if (nas_store_is_url(run))
        return nas_store_open_read(out, run, NULL);
    if (!nas_dir_exists(run))
        return nas_fail(NAS_E_NOT_FOUND, "%s is no folder", run);
    nas_text_add(&path, "%s/study.db", run);
    NAS_GO(nas_text_check(&path));
    if (nas_file_exists(nas_text_str(&path)))
        NAS_GO(nas_store_open_read(out, nas_text_str(&path), NULL));
    else
        NAS_GO(open_by_settings(out, run));
done:
    nas_text_free(&path);
    return st;
}

nas_status view_open(view *v, const char *run) {
    nas_store *s = NULL;
    memset(v, 0, sizeof *v);
    nas_status st = open_store(&s, run);
    if (st == NAS_OK)
        st = view_of_store(v, s);
    if (st != NAS_OK) {
        view_free(v);
        nas_store_close(s);
        memset(v, 0, sizeof *v);
    }
    return st;
}

void view_free(view *v) {
    for (uint32_t i = 0; v->trial && i < v->n; i++) {
        nas_free(v->trial[i].network);
        nas_free(v->trial[i].reason);
    }
    nas_free(v->trial);
    v->trial = NULL;
    v->n = 0;
}

uint32_t view_front(uint32_t *index, const view *v) {
    uint32_t n = 0;
    for (uint32_t i = 0; i < v->n; i++)
        if (v->trial[i].on_front) {
            if (index)
                index[n] = i;
            n++;
        }
    return n;
}

bool view_reference(double ref[NAS_MAX_OBJECTIVES], const view *v) {
    double lo[NAS_MAX_OBJECTIVES], hi[NAS_MAX_OBJECTIVES];
    bool any = false;
    for (uint32_t i = 0; i < v->n; i++) {
        if (!feasible(&v->trial[i]))
            continue;
        for (uint32_t m = 0; m < v->n_objectives; m++) {
            double x = v->trial[i].t.objective[m];
            lo[m] = !any || x < lo[m] ? x : lo[m];
            hi[m] = !any || x > hi[m] ? x : hi[m];
        }
        any = true;
    }
    for (uint32_t m = 0; any && m < v->n_objectives; m++)
        ref[m] = hi[m] + (hi[m] > lo[m] ? 0.1 * (hi[m] - lo[m]) : fabs(hi[m]) * 0.1 + 1e-12);
    return any;
}

nas_status view_hypervolume(double *out, const view *v, const double *ref, uint32_t upto) {
    uint32_t m = v->n_objectives, n = 0;
    double *obj = nas_malloc((v->n * m + 1) * sizeof *obj);
    if (!obj)
        return nas_fail_memory(v->n * m * sizeof *obj);
    for (uint32_t i = 0; i < v->n && i < upto; i++)
        if (feasible(&v->trial[i])) {
            memcpy(obj + n * m, v->trial[i].t.objective, m * sizeof *obj);
            n++;
        }
    nas_status st = nas_hypervolume(out, obj, n, m, ref);
    nas_free(obj);
    return st;
}

/* Hypervolume of the trials in `index` and of one more. */
static nas_status volume_with(double *volume, const view *v, const uint32_t *index, uint32_t n,
                              uint32_t more, double *obj, const double *ref) {
    uint32_t m = v->n_objectives;
    for (uint32_t i = 0; i <= n; i++)
        memcpy(obj + (size_t)i * m, v->trial[i < n ? index[i] : more].t.objective, m * sizeof *obj);
    return nas_hypervolume(volume, obj, n + 1, m, ref);
}

static bool is_in(const uint32_t *index, uint32_t n, uint32_t trial) {
    for (uint32_t i = 0; i < n; i++)
        if (index[i] == trial)
            return true;
    return false;
}

/* The member of the front, not in `index` yet, that adds most to those n. */
static nas_status next_choice(uint32_t *out, const view *v, const uint32_t *front, uint32_t size,
                              const uint32_t *index, uint32_t n, double *obj, const double *ref) {
    double best = -1;
    for (uint32_t i = 0; i < size; i++) {
        double gain = ref[0] - v->trial[front[i]].t.objective[0];
        if (is_in(index, n, front[i]))
            continue;
        if (n > 0)
            NAS_TRY(volume_with(&gain, v, index, n, front[i], obj, ref));
        if (gain > best) {
            best = gain;
            *out = front[i];
        }
    }
    return NAS_OK;
}

nas_status view_choose(uint32_t *index, uint32_t *n, const view *v, uint32_t want) {
    double ref[NAS_MAX_OBJECTIVES] = {0};
    uint32_t *front = nas_malloc((v->n + 1) * sizeof *front), size = 0;
    double *obj = nas_malloc(((size_t)want + 1) * v->n_objectives * sizeof *obj);
    nas_status st = NAS_OK;
    *n = 0;
    if (!front || !obj)
        NAS_GO(nas_fail_memory((v->n + 1) * sizeof *front));
    size = view_reference(ref, v) ? view_front(front, v) : 0;
    for (; *n < want && *n < size; ++*n)
        NAS_GO(next_choice(&index[*n], v, front, size, index, *n, obj, ref));
done:
    nas_free(front);
    nas_free(obj);
    return st;
}

nas_status view_price_on(char (**name)[1024], uint32_t *n, const view *v) {
    char *json = NULL;
    nas_yaml *doc = NULL;
    nas_text t = {0};
    nas_status st;
    if (nas_store_get_study_attr(&json, v->store, "price_on") != NAS_OK) {
        *name = NULL;
        *n = 0;
        return NAS_OK;
    }
    nas_text_add(&t, "v: %s\n", json); /* a JSON list is a YAML flow sequence */
    NAS_GO(nas_yaml_read_text(&doc, nas_text_str(&t), t.n, "price_on"));
    const nas_yaml_node *list = nas_yaml_get(nas_yaml_root(doc), "v");
    uint32_t count = (uint32_t)nas_yaml_count(list);
    char(*out)[1024] = nas_calloc(count + 1, sizeof *out);
    if (!out)
        NAS_GO(nas_fail_memory(count * sizeof *out));
    for (uint32_t i = 0; i < count; i++) {
        const char *s = nas_yaml_scalar(nas_yaml_at(list, i));
        snprintf(out[i], sizeof out[i], "%s", s ? s : "");
    }
    *name = out;
    *n = count;
done:
    nas_free(json);
    nas_yaml_free(doc);
    nas_text_free(&t);
    return st;
}

static void cell(nas_text *t, const nas_measure *m, double v) {
    char b[TALK_TEXT];
    nas_text_add(t, "  %14s", talk_measure(b, m, v));
}

static bool is_objective(const view *v, const char *name) {
    for (uint32_t m = 0; m < v->n_objectives; m++)
        if (strcmp(v->objective[m], name) == 0)
            return true;
    return false;
}

static void count_cell(nas_text *t, bool shown, double v) {
    char b[TALK_TEXT];
    if (shown)
        nas_text_add(t, "  %12s", isfinite(v) ? talk_count(b, v) : "-");
}

/* Fronts are short; trials that are equal stay in their order. */
static void sort_by_first(uint32_t *index, const view *v, uint32_t n) {
    for (uint32_t i = 1; i < n; i++) {
        uint32_t k = i, moved = index[i];
        for (; k && v->trial[moved].t.objective[0] < v->trial[index[k - 1]].t.objective[0]; k--)
            index[k] = index[k - 1];
        index[k] = moved;
    }
}

void view_table(nas_text *t, const view *v, uint32_t *index, uint32_t n) {
    sort_by_first(index, v, n);
    bool params = !is_objective(v, "params"), macs = !is_objective(v, "macs"), tested = false;
    for (uint32_t i = 0; i < n; i++)
        tested |= (bool)isfinite(v->trial[index[i]].test_accuracy);
    nas_text_add(t, "%5s", "trial");
    for (uint32_t m = 0; m < v->n_objectives; m++)
        nas_text_add(t, "  %14.22s", v->objective[m]);
    if (params)
        nas_text_add(t, "  %12s", "params");
    if (macs)
        nas_text_add(t, "  %12s", "MACs");
    nas_text_add(t, "%s\n", tested ? "  test accuracy" : "");
    for (uint32_t i = 0; i < n; i++) {
        const view_trial *r = &v->trial[index[i]];
        nas_text_add(t, "%5u", r->t.number);
        for (uint32_t m = 0; m < v->n_objectives; m++)
            cell(t, &v->measure[m], r->t.objective[m]);
        count_cell(t, params, r->params);
        count_cell(t, macs, r->macs);
        if (isfinite(r->test_accuracy))
            nas_text_add(t, "  %11.2f %%", 100 * r->test_accuracy);
        nas_text_add(t, "\n");
    }
}
