/* cli/report.c - the pictures of a run, from what its store holds. */
#include "view.h"

#include <nas/viz.h>

#include <ctype.h>
#include <math.h>
#include <string.h>

enum { MAX_CHOSEN = 16, MAX_PRICED = 4 };

static nas_status path_of(nas_text *t, const char *run, const char *name) {
    nas_text_free(t);
    nas_text_add(t, "%s/report/%s", run, name);
    return nas_text_check(t);
}

typedef char file_name[sizeof "pareto--.png" + 2 * (sizeof((nas_measure *)NULL)->name + 8)];

/* A name for a file: an objective may be called by a path or an expression. */
static void append_clean(file_name out, const char *name) {
    size_t n = strlen(out);
    for (; *name && n + 1 < sizeof(file_name); name++)
        out[n++] = isalnum((unsigned char)*name) || strchr("._@-", *name) ? *name : '_';
    out[n] = 0;
}

/* Files of the objectives 1 … n-1; names that come out the same get one more '_'. */
static void name_pareto(file_name file[NAS_MAX_OBJECTIVES], const view *v) {
    for (uint32_t m = 1; m < v->n_objectives; m++) {
        file_name *f = &file[m];
        snprintf(*f, sizeof *f, "pareto-");
        append_clean(*f, v->objective[0]);
        append_clean(*f, "-");
        append_clean(*f, v->objective[m]);
        for (uint32_t k = 1; k < m; k++)
            if (strcmp(file[k], *f) == 0) {
                append_clean(*f, "_");
                k = 0; /* the longer name may be taken as well */
            }
    }
    for (uint32_t m = 1; m < v->n_objectives; m++)
        append_clean(file[m], ".png");
}

/* How an objective is shown: label, unit, factor. */
static nas_plot_axis axis_of(const nas_measure *m, const char *label) {
    nas_plot_axis a = {.label = label, .unit = "", .scale = 1, .log = true};
    if (strcmp(m->quantity, "error") == 0) {
        a = (nas_plot_axis){.label = "Validation error", .unit = "%", .scale = 100};
    } else if (strcmp(m->unit, "s") == 0) {
        a.unit = "ms";
        a.scale = 1e3;
    } else if (strcmp(m->unit, "J") == 0) {
        a.unit = "mJ";
        a.scale = 1e3;
    } else if (strcmp(m->unit, "B") == 0) {
        a.unit = "KiB";
        a.scale = 1.0 / 1024;
    }
    return a;
}

static void label_of(char *buf, size_t size, const nas_measure *m) {
    if (strcmp(m->quantity, "column") == 0)
        snprintf(buf, size, "%s", m->name);
    else if (strcmp(m->name, "latency") == 0)
        snprintf(buf, size, "Latency, measured");
    else if (m->device[0])
        snprintf(buf, size, "%c%.*s on %s, modelled", m->name[0] - 'a' + 'A',
                 (int)strcspn(m->name + 1, "@"), m->name + 1, m->device);
    else if (strcmp(m->name, "params") == 0)
        snprintf(buf, size, "Parameters");
    else if (strcmp(m->name, "macs") == 0)
        snprintf(buf, size, "MACs");
    else
        snprintf(buf, size, "%c%s", m->name[0] - 'a' + 'A', m->name + 1);
}

static bool is_chosen(const uint32_t *chosen, uint32_t n, uint32_t trial) {
    for (uint32_t i = 0; i < n; i++)
        if (chosen[i] == trial)
            return true;
    return false;
}

/* Objective m against the first. */
static nas_status draw_pareto(const view *v, const char *run, const char *file, uint32_t m,
                              const uint32_t *chosen, uint32_t n_chosen) {
    nas_text path = {0}, subtitle = {0};
    char label[96], (*name)[24] = nas_calloc(v->n + 1, sizeof *name);
    nas_pareto_point *p = nas_calloc(v->n + 1, sizeof *p);
    double ref[NAS_MAX_OBJECTIVES], *pair = nas_calloc(2 * v->n + 2, sizeof *pair);
    uint32_t n = 0, feasible = 0;
    nas_status st;
    if (!p || !name || !pair)
        NAS_GO(nas_fail_memory(v->n * sizeof *p));
    bool has_ref = view_reference(ref, v);
    for (uint32_t i = 0; i < v->n; i++) {
        const view_trial *t = &v->trial[i];
        if (t->t.state != NAS_TRIAL_COMPLETE)
            continue;
        snprintf(name[n], sizeof name[n], "trial %u", i);
        p[n] = (nas_pareto_point){.x = t->t.objective[m],
                                  .y = t->t.objective[0],
                                  .feasible = t->t.violation <= 0,
                                  .on_front = t->on_front,
                                  .name = is_chosen(chosen, n_chosen, i) ? name[n] : NULL};
        if (p[n].feasible) {
            pair[2 * feasible] = t->t.objective[m];
            pair[2 * feasible++ + 1] = t->t.objective[0];
        }
        n++;
    }
    label_of(label, sizeof label, &v->measure[m]);
    nas_text_add(&subtitle, "%u trials, %u on the front of %u objectives", n, view_front(NULL, v),
                 v->n_objectives);
    nas_pareto_plot plot = {.title = "Pareto front",
                            .subtitle = nas_text_str(&subtitle),
                            .x = axis_of(&v->measure[m], label),
                            .y = axis_of(&v->measure[0], v->objective[0]),
                            .point = p,
                            .n = n,
                            .ref_x = has_ref ? ref[m] : (double)NAN,
                            .ref_y = has_ref ? ref[0] : (double)NAN,
                            .hypervolume = (double)NAN,
                            .limit_x = (double)NAN,
                            .limit_y = (double)NAN};
    if (has_ref) {
        double corner[2] = {ref[m], ref[0]};
        NAS_GO(nas_hypervolume(&plot.hypervolume, pair, feasible, 2, corner));
        plot.hypervolume *= plot.x.scale * plot.y.scale;
    }
    NAS_GO(path_of(&path, run, file));
    NAS_GO(nas_draw_pareto(nas_text_str(&path), &plot));
    talk_line("drew %s", nas_text_str(&path));
done:
    nas_free(p);
    nas_free(name);
    nas_free(pair);
    nas_text_free(&path);
    nas_text_free(&subtitle);
    return st;
}

static nas_status draw_hypervolume(const view *v, const char *run) {
    double ref[NAS_MAX_OBJECTIVES];
    if (!view_reference(ref, v))
        return NAS_OK;
    nas_text path = {0};
    double *x = nas_calloc(2 * v->n + 1, sizeof *x), *y = x ? x + v->n : NULL;
    nas_status st;
    if (!x)
        return nas_fail_memory(2 * v->n * sizeof *x);
    for (uint32_t i = 0; i < v->n; i++) {
        x[i] = i + 1;
        NAS_GO(view_hypervolume(&y[i], v, ref, i + 1));
    }
    for (uint32_t i = 0; i < v->n && y[v->n - 1] > 0; i++)
        y[i] /= y[v->n - 1];
    nas_series s = {
        .name = "this study", .x = x, .y = y, .n = v->n, .emphasis = true, .step = true};
    nas_curves c = {.title = "Hypervolume over trials",
                    .subtitle =
                        "share of the final value; reference point: worst feasible values and a "
                        "tenth of their range",
                    .x = {.label = "Trials", .unit = "", .scale = 1, .whole = true},
                    .y = {.label = "Hypervolume", .unit = "% of final", .scale = 100},
                    .series = &s,
                    .n = 1};
    NAS_GO(path_of(&path, run, "hypervolume.png"));
    NAS_GO(nas_draw_curves(nas_text_str(&path), &c));
    talk_line("drew %s", nas_text_str(&path));
done:
    nas_free(x);
    nas_text_free(&path);
    return st;
}

/* Validation error after each epoch: all trials thin, chosen ones thick and named. */
static nas_status draw_learning(const view *v, const char *run, const uint32_t *chosen,
                                uint32_t n_chosen) {
    nas_text path = {0};
    nas_series *s = nas_calloc(v->n + 1, sizeof *s);
    char(*name)[24] = nas_calloc(v->n + 1, sizeof *name);
    double *epoch = NULL;
    uint32_t n = 0, longest = 0;
    nas_status st = NAS_OK;
    if (!s || !name)
        NAS_GO(nas_fail_memory(v->n * sizeof *s));
    for (int pass = 0; pass < 2; pass++) /* chosen ones last: on top */
        for (uint32_t i = 0; i < v->n; i++) {
            double *y = NULL;
            uint32_t count = 0;
            if (is_chosen(chosen, n_chosen, i) != (pass == 1) ||
                nas_store_get_intermediate(&y, &count, v->store, i) != NAS_OK)
                continue;
            snprintf(name[n], sizeof name[n], "trial %u", i);
            s[n] = (nas_series){
                .name = pass ? name[n] : NULL, .y = y, .n = count, .emphasis = pass == 1};
            longest = count > longest ? count : longest;
            n++;
        }
    epoch = nas_calloc(longest + 1, sizeof *epoch);
    if (!epoch)
        NAS_GO(nas_fail_memory(longest * sizeof *epoch));
    for (uint32_t i = 0; i < longest; i++)
        epoch[i] = i + 1;
    for (uint32_t i = 0; i < n; i++)
        s[i].x = epoch;
    nas_curves c = {.title = "Learning curves",
                    .subtitle = "validation error of the search's short trainings",
                    .x = {.label = "Epoch", .unit = "", .scale = 1, .whole = true},
                    .y = {.label = "Validation error", .unit = "%", .scale = 100},
                    .series = s,
                    .n = n};
    if (longest > 1) { /* one epoch makes no curve */
        NAS_GO(path_of(&path, run, "learning-curves.png"));
        NAS_GO(nas_draw_curves(nas_text_str(&path), &c));
        talk_line("drew %s", nas_text_str(&path));
    }
done:
    for (uint32_t i = 0; s && i < n; i++)
        nas_free((void *)s[i].y);
    nas_free(s);
    nas_free(name);
    nas_free(epoch);
    nas_text_free(&path);
    return st;
}

/* ---- per chosen model ---- */

static bool is_kernel(const nas_node *n) {
    return !(nas_op_get(n->op)->flags & (NAS_OPF_LEAF | NAS_OPF_ALIAS));
}

/* Modelled latency of each kernel on the devices of `on`. */
static nas_status draw_layers(const char *path, const char *title, const nas_graph *g,
                              const char *const *on, uint32_t n_on) {
    uint32_t count = nas_graph_count(g), n = 0;
    nas_bar *bar = nas_calloc(count, sizeof *bar);
    char(*name)[96] = nas_calloc(count, sizeof *name);
    nas_estimate *node = nas_calloc(count, sizeof *node), total;
    nas_hw *hw = NULL;
    nas_status st = NAS_OK;
    nas_bars b = {.title = title,
                  .subtitle = "modelled latency of each inference kernel, batch 1",
                  .value_label = "Latency",
                  .unit = "us",
                  .scale = 1e6,
                  .n_parts = n_on,
                  .bar = bar};
    if (!bar || !name || !node)
        NAS_GO(nas_fail_memory(count * sizeof *bar));
    for (uint32_t d = 0; d < n_on; d++) {
        b.part[d] = on[d];
        NAS_GO(nas_hw_open(&hw, on[d]));
        NAS_GO(nas_hw_estimate(&total, node, hw, g));
        nas_hw_free(hw);
        hw = NULL;
        n = 0;
        for (uint32_t k = 0; k < count; k++) {
            const nas_node *x = nas_graph_node(g, (nas_value){k});
            if (!is_kernel(x))
                continue;
            snprintf(name[n], sizeof name[n], "%s %s", nas_graph_scope(g, x->scope)->name,
                     nas_op_get(x->op)->name);
            bar[n].name = name[n];
            bar[n++].value[d] = node[k].latency_s;
        }
    }
    b.n = n;
    NAS_GO(nas_draw_bars(path, &b));
    talk_line("drew %s", path);
done:
    nas_hw_free(hw);
    nas_free(bar);
    nas_free(name);
    nas_free(node);
    return st;
}

static nas_status draw_model(const view_trial *t, const char *run, const char *const *on,
                             uint32_t n_on) {
    nas_graph *g = NULL;
    nas_inference inf = {0};
    nas_text path = {0}, subtitle = {0};
    char file[64], title[64];
    nas_status st;
    if (!t->network)
        return NAS_OK;
    NAS_GO(nas_network_graph(&g, t->network, strlen(t->network), "the stored network", 1));
    NAS_GO(nas_graph_inference(&inf, g));
    snprintf(title, sizeof title, "Network of trial %u", t->t.number);
    if (isfinite(t->test_accuracy))
        nas_text_add(&subtitle, "test accuracy %.2f %%", 100 * t->test_accuracy);
    snprintf(file, sizeof file, "network-trial-%u.png", t->t.number);
    NAS_GO(path_of(&path, run, file));
    nas_network_drawing d = {.title = title, .subtitle = nas_text_str(&subtitle), .graph = g};
    NAS_GO(nas_draw_network(nas_text_str(&path), &d));
    talk_line("drew %s", nas_text_str(&path));
    if (!n_on) /* no device to price the kernels on */
        goto done;
    snprintf(file, sizeof file, "layers-trial-%u.png", t->t.number);
    NAS_GO(path_of(&path, run, file));
    snprintf(title, sizeof title, "Kernels of trial %u", t->t.number);
    NAS_GO(draw_layers(nas_text_str(&path), title, inf.graph, on, n_on));
done:
    nas_inference_free(&inf);
    nas_graph_free(g);
    nas_text_free(&path);
    nas_text_free(&subtitle);
    return st;
}

/* Counts a picture that failed, and says why. */
static void count_failed(uint32_t *failed, nas_status st) {
    if (st == NAS_OK)
        return;
    talk_line("a picture is missing: %s", nas_error_text());
    ++*failed;
}

nas_status report_draw(const view *v, const char *run, uint32_t want) {
    uint32_t chosen[MAX_CHOSEN], n, n_on = 0, failed = 0;
    file_name file[NAS_MAX_OBJECTIVES];
    const char *on[MAX_PRICED];
    char(*name)[1024] = NULL;
    nas_text dir = {0};
    nas_status st;
    nas_text_add(&dir, "%s/report", run);
    NAS_GO(nas_text_check(&dir));
    NAS_GO(nas_dir_make(nas_text_str(&dir)));
    NAS_GO(view_choose(chosen, &n, v, want < MAX_CHOSEN ? want : MAX_CHOSEN));
    NAS_GO(view_price_on(&name, &n_on, v));
    n_on = n_on < MAX_PRICED ? n_on : MAX_PRICED;
    for (uint32_t i = 0; i < n_on; i++)
        on[i] = name[i];
    name_pareto(file, v);
    for (uint32_t m = 1; m < v->n_objectives; m++)
        count_failed(&failed, draw_pareto(v, run, file[m], m, chosen, n));
    count_failed(&failed, draw_hypervolume(v, run));
    count_failed(&failed, draw_learning(v, run, chosen, n));
    for (uint32_t i = 0; i < n; i++)
        count_failed(&failed, draw_model(&v->trial[chosen[i]], run, on, n_on));
    if (failed)
        NAS_GO(nas_fail_prefix(NAS_E_IO, "%u picture%s could not be drawn", failed,
                               failed == 1 ? "" : "s"));
done:
    nas_free(name);
    nas_text_free(&dir);
    return st;
}
