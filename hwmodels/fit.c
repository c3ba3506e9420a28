/* hwmodels/fit.c - learns a device from whole networks and their measured latencies. */
#include "bayes.h"
#include "device.h"

#include <math.h>
#include <string.h>

enum { MOST_ROWS = 2000, LEAST_ROWS = 4 };

typedef struct kernels { /* of a network, of one type */
    double count, seconds;
} kernels;

typedef struct row {
    double measured, prior, macs, params;
    kernels type[NAS_MAX_KERNEL_TYPES];
} row;

struct nas_fit {
    const nas_hw *prior;
    row *row;
    size_t cap_rows;
    uint32_t n_rows;
    double evidence;
    nas_learnt learnt; /* its kernels name the types */
};

nas_status nas_fit_create(nas_fit **out, const nas_hw *prior) {
    nas_fit *f = nas_calloc(1, sizeof *f);
    if (!f)
        return nas_fail_memory(sizeof *f);
    f->prior = prior;
    f->learnt.factor = 1;
    *out = f;
    return NAS_OK;
}

void nas_fit_free(nas_fit *f) {
    if (!f)
        return;
    nas_free(f->row);
    nas_free(f);
}

static nas_status type_of(uint32_t *out, nas_fit *f, const nas_graph *g, const nas_node *n) {
    char type[NAS_KERNEL_TYPE_TEXT];
    nas_learnt *l = &f->learnt;
    nas_kernel_type(type, g, n);
    for (uint32_t i = 0; i < l->n; i++)
        if (!strcmp(l->kernel[i].type, type)) {
            *out = i;
            return NAS_OK;
        }
    if (l->n == NAS_MAX_KERNEL_TYPES)
        return nas_fail(NAS_E_UNSUPPORTED, "more than %d types of kernels", NAS_MAX_KERNEL_TYPES);
    memcpy(l->kernel[l->n].type, type, sizeof type);
    l->kernel[l->n].factor = l->factor;
    *out = l->n++;
    return NAS_OK;
}

static nas_status fill(row *r, nas_fit *f, const nas_graph *g, nas_estimate *node) {
    nas_estimate total;
    nas_cost cost;
    nas_graph_cost(&cost, g);
    NAS_TRY(nas_model_estimate(&total, node, f->prior, g));
    r->params = (double)cost.params;
    for (uint32_t i = 0; i < nas_graph_count(g); i++) {
        uint32_t t = 0;
        const nas_node *n = nas_graph_node(g, (nas_value){i});
        if (!nas_is_kernel(n))
            continue;
        NAS_TRY(type_of(&t, f, g, n));
        r->type[t].count++;
        r->type[t].seconds += node[i].latency_s;
        r->prior += node[i].latency_s;
        r->macs += (double)node[i].macs;
    }
    return NAS_OK;
}

nas_status nas_fit_add(nas_fit *f, const nas_graph *inference, double seconds) {
    uint32_t n = nas_graph_count(inference);
    nas_estimate *node = nas_calloc(n + 1, sizeof *node);
    if (!node)
        return nas_fail_memory(n * sizeof *node);
    nas_status st;
    NAS_GO(nas_grow(&f->row, &f->cap_rows, f->n_rows + 1, sizeof *f->row));
    row *r = &f->row[f->n_rows];
    memset(r, 0, sizeof *r);
    r->measured = seconds;
    NAS_GO(fill(r, f, inference, node));
    f->n_rows++;
done:
    nas_free(node);
    return st;
}

static nas_status check(const nas_fit *f, const uint32_t *index, uint32_t n) {
    if (n < LEAST_ROWS)
        return nas_fail(NAS_E_DATA, "%u samples are too few to learn from: take at least %d",
                        (unsigned)n, LEAST_ROWS);
    for (uint32_t i = 0; i < n; i++) {
        double v = f->row[index[i]].measured;
        if (!(v > 0) || !isfinite(v))
            return nas_fail(NAS_E_DATA, "sample %u was measured as %g s, not above 0",
                            (unsigned)index[i], v);
    }
    return NAS_OK;
}

/* A row of numbers: the prior's latency, then for each type its count, then its latency. */
static void numbers_of(double *x, const nas_fit *f, const row *r) {
    uint32_t types = f->learnt.n;
    x[0] = r->prior;
    for (uint32_t t = 0; t < types; t++) {
        x[1 + t] = r->type[t].count;
        x[1 + types + t] = r->type[t].seconds;
    }
}

nas_status nas_fit_solve(nas_fit *f, const uint32_t *index, uint32_t n) {
    nas_learnt *l = &f->learnt;
    uint32_t types = l->n, d = 1 + 2 * types;
    nas_status st = NAS_OK;
    const bayes_block block[BAYES_BLOCKS] = {
        {0, 1, {1, -1}}, {1, types, {0.03, 0.1, 0.2, -1}}, {1 + types, types, {0, 0.03, -1}}};
    l->base_s = 0;
    l->factor = 1;
    for (uint32_t t = 0; t < types; t++) {
        l->kernel[t].add_s = 0;
        l->kernel[t].factor = 1;
    }
    if (n == 0)
        return NAS_OK;
    NAS_TRY(check(f, index, n));
    n = n < MOST_ROWS ? n : MOST_ROWS;
    double base, *x = nas_calloc((size_t)n * d, sizeof *x), *y = nas_calloc(n, sizeof *y),
                 *w = nas_calloc(d, sizeof *w);
    if (!x || !y || !w)
        NAS_GO(nas_fail_memory((size_t)n * d * sizeof *x));
    for (uint32_t i = 0; i < n; i++) {
        numbers_of(x + (size_t)i * d, f, &f->row[index[i]]);
        y[i] = f->row[index[i]].measured;
    }
    NAS_GO(bayes_fit(w, &base, &f->evidence, x, y, n, d, block));
    l->base_s = base;
    l->factor = w[0];
    for (uint32_t t = 0; t < types; t++) {
        l->kernel[t].add_s = w[1 + t];
        l->kernel[t].factor = w[0] + w[1 + types + t];
    }
done:
    nas_free(x);
    nas_free(y);
    nas_free(w);
    return st;
}

double nas_fit_predict(const nas_fit *f, uint32_t index) {
    const row *r = &f->row[index];
    double sum = f->learnt.base_s;
    for (uint32_t t = 0; t < f->learnt.n; t++)
        sum += r->type[t].count * f->learnt.kernel[t].add_s +
               r->type[t].seconds * f->learnt.kernel[t].factor;
    return fmax(sum, 1e-9);
}

double nas_fit_evidence(const nas_fit *f) {
    return f->evidence;
}

double nas_fit_measured(const nas_fit *f, uint32_t index) {
    return f->row[index].measured;
}

double nas_fit_macs(const nas_fit *f, uint32_t index) {
    return f->row[index].macs;
}

double nas_fit_params(const nas_fit *f, uint32_t index) {
    return f->row[index].params;
}

/* Printed maps begin in the first column and go on behind spaces. */
static void without_learnt(nas_text *yaml, const char *printed) {
    bool skip = false;
    while (*printed) {
        size_t n = strcspn(printed, "\n");
        n += printed[n] == '\n';
        if (*printed != ' ')
            skip = strncmp(printed, "learnt:", 7) == 0;
        if (!skip)
            nas_text_bytes(yaml, printed, n);
        printed += n;
    }
}

/* The prior's file as text, changed where the new device differs. */
static nas_status changed(nas_text *yaml, const nas_hw *prior, const char *const *set) {
    nas_yaml *doc = NULL;
    nas_text old = {0};
    nas_status st;
    nas_yaml_print(&old, nas_yaml_root(prior->doc));
    NAS_GO(nas_text_check(&old));
    NAS_GO(nas_yaml_read_text(&doc, nas_text_str(&old), old.n, prior->info.name));
    for (; set[0]; set += 2)
        NAS_GO(nas_yaml_set(doc, set[0], set[1], set[0]));
    const nas_yaml_node *root = nas_yaml_root(doc);
    nas_text_free(&old);
    nas_yaml_print(&old, root);
    NAS_GO(nas_text_check(&old));
    without_learnt(yaml, nas_text_str(&old));
done:
    nas_text_free(&old);
    nas_yaml_free(doc);
    return st;
}

nas_status nas_fit_write(nas_text *yaml, const nas_fit *f, const char *name, const char *title,
                         const char *source) {
    char bits[32];
    nas_text quoted[3] = {{0}};
    const char *const plain[3] = {name, title, source};
    const nas_hw *h = f->prior;
    nas_status st = NAS_OK;
    for (int i = 0; i < 3; i++) {
        nas_text_json(&quoted[i], plain[i]);
        NAS_GO(nas_text_check(&quoted[i]));
    }
    snprintf(bits, sizeof bits, "%g", h->info.bits);
    bool chip = h->model != &nas_hw_roofline;
    const char *const set[] = {"name",
                               nas_text_str(&quoted[0]),
                               "title",
                               nas_text_str(&quoted[1]),
                               "source",
                               nas_text_str(&quoted[2]),
                               chip ? "model" : NULL,
                               h->model->name,
                               "bits_count.value",
                               bits,
                               NULL};
    NAS_GO(changed(yaml, h, set));
    nas_learnt_write(yaml, &f->learnt, source);
    NAS_GO(nas_text_check(yaml));
done:
    for (int i = 0; i < 3; i++)
        nas_text_free(&quoted[i]);
    return st;
}
