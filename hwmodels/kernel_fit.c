/* hwmodels/kernel_fit.c - learns a device from kernels that were timed on it: shares of the peaks
 * for each class, what a launch and a run cost, and trees for what the roofline does not see. */
#include "residual.h"

#include <math.h>
#include <string.h>

enum { LEAST_RUNS = 8, UNKNOWNS = 3, ROUNDS = 8 };

typedef struct kernel {
    uint32_t group, run;
    nas_kernel_class class;
    double seconds, compute, memory; /* measured; the roofs at shares of 1 */
    double x[RESIDUAL_FEATURES];
} kernel;

typedef struct timed_run { /* of a whole graph */
    double whole, kernels, sum;
} timed_run;

struct nas_kernel_fit {
    nas_hw_measured device;
    nas_hw *peaks; /* the device with common shares */
    kernel *kernel;
    timed_run *run;
    size_t cap_kernels, cap_runs;
    uint32_t n_kernels, n_runs;
    nas_efficiency share[NAS_KERNEL_CLASS_COUNT];
    bool seen[NAS_KERNEL_CLASS_COUNT];
    double base_s, launch_s;
    nas_residual residual;
};

/* ---- the file ---- */

static const char *const class_names[NAS_KERNEL_CLASS_COUNT] = {
#define X(symbol, name) [NAS_KERNEL_##symbol] = #name,
    NAS_KERNEL_CLASS_MAP(X)
#undef X
};

static void text_key(nas_text *t, const char *key, const char *text) {
    nas_text_add(t, "%s: ", key);
    nas_text_json(t, text);
    nas_text_add(t, "\n");
}

static void number_key(nas_text *t, const char *key, double v, const char *source) {
    nas_text_add(t, "%s: {value: %.5g, source: ", key, v);
    nas_text_json(t, source);
    nas_text_add(t, "}\n");
}

static void write_numbers(nas_text *t, const nas_kernel_fit *f) {
    const nas_hw_measured *d = &f->device;
    bool cpu = !strcmp(d->kind, "cpu");
    number_key(t, "peak_gflops", d->peak_flops / 1e9, "measured: multiply-adds in registers");
    number_key(t, "bandwidth_gb_s", d->bandwidth / 1e9, "measured: copy between buffers");
    number_key(t, "cache_mib", d->cache_bytes / 1048576,
               d->cache_reported ? "reported by the driver" : "estimate: the driver reports none");
    number_key(t, "cache_bandwidth_gb_s", fmax(d->cache_bandwidth, d->bandwidth) / 1e9,
               "measured: additions of tensors that fit the cache");
    number_key(t, "launch_us", f->launch_s * 1e6,
               "measured: whole runs less their kernels' events");
    if (d->memory_bytes > 0)
        number_key(t, "memory_gib", d->memory_bytes / 1073741824, "reported by the driver");
    if (d->max_w > 0) {
        number_key(t, "idle_w", d->idle_w, d->power_source);
        number_key(t, "max_w", d->max_w, d->power_source);
    }
    number_key(t, "units_count", d->units, "reported by the driver");
    number_key(t, "lanes_count", d->lanes, "reported by the driver");
    number_key(t, "tile_rows_count", cpu ? 8 : 64, "tile of the kernels of clnas");
    number_key(t, "tile_columns_count", cpu ? 2.0 * d->lanes : 64, "tile of the kernels of clnas");
}

static void write_shares(nas_text *t, const nas_kernel_fit *f) {
    bool any = false;
    for (int k = 0; k < NAS_KERNEL_CLASS_COUNT; k++)
        any |= f->seen[k];
    if (!any)
        return;
    nas_text_add(t, "efficiency:\n  source: \"fitted to %u kernels that were timed\"\n",
                 (unsigned)f->n_kernels);
    for (int k = 0; k < NAS_KERNEL_CLASS_COUNT; k++)
        if (f->seen[k])
            nas_text_add(t, "  %s: {compute: %.4g, bandwidth: %.4g}\n", class_names[k],
                         f->share[k].compute, f->share[k].bandwidth);
}

nas_status nas_kernel_fit_write(nas_text *yaml, const nas_kernel_fit *f, const char *source) {
    text_key(yaml, "name", f->device.name);
    text_key(yaml, "title", f->device.title);
    text_key(yaml, "kind", f->device.kind);
    text_key(yaml, "source", source);
    write_numbers(yaml, f);
    write_shares(yaml, f);
    if (f->residual.n > 0)
        nas_residual_write(yaml, &f->residual, source);
    if (f->base_s > 0) {
        nas_learnt l = {.base_s = f->base_s, .factor = 1};
        nas_learnt_write(yaml, &l, "measured: what a run costs beside its kernels and launches");
    }
    return nas_text_check(yaml);
}

/* ---- samples ---- */

static nas_status check(const nas_hw_measured *d) {
    const struct must {
        double v;
        const char *what, *unit;
    } all[] = {{d->units, "reports", "compute units"},
               {d->lanes, "reports", "lanes of a vector"},
               {d->peak_flops, "was measured at", "FLOP/s"},
               {d->bandwidth, "was measured at", "B/s"},
               {d->cache_bytes, "reports", "bytes of cache"}};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        if (!(all[i].v > 0) || !isfinite(all[i].v))
            return nas_fail(NAS_E_DATA, "%s %s %g %s: nothing can be fitted to that", d->title,
                            all[i].what, all[i].v, all[i].unit);
    return NAS_OK;
}

nas_status nas_kernel_fit_create(nas_kernel_fit **out, const nas_hw_measured *device) {
    nas_text yaml = {0};
    nas_status st;
    NAS_TRY(check(device));
    nas_kernel_fit *f = nas_calloc(1, sizeof *f);
    if (!f)
        return nas_fail_memory(sizeof *f);
    f->device = *device;
    NAS_GO(nas_kernel_fit_write(&yaml, f, "peaks"));
    NAS_GO(nas_hw_read(&f->peaks, nas_text_str(&yaml), yaml.n, device->name));
    *out = f;
    f = NULL;
done:
    nas_text_free(&yaml);
    nas_kernel_fit_free(f);
    return st;
}

void nas_kernel_fit_free(nas_kernel_fit *f) {
    if (!f)
        return;
    for (uint32_t i = 0; i < f->residual.n; i++)
        boost_free(&f->residual.group[i].trees);
    nas_hw_free(f->peaks);
    nas_free(f->kernel);
    nas_free(f->run);
    nas_free(f);
}

static nas_status group_of(uint32_t *out, nas_kernel_fit *f, const char *name) {
    nas_residual *r = &f->residual;
    for (*out = 0; *out < r->n; ++*out)
        if (!strcmp(r->group[*out].name, name))
            return NAS_OK;
    if (r->n == RESIDUAL_MOST_GROUPS)
        return nas_fail(NAS_E_UNSUPPORTED, "more than %d groups of kernels", RESIDUAL_MOST_GROUPS);
    snprintf(r->group[r->n++].name, RESIDUAL_GROUP_TEXT, "%s", name);
    return NAS_OK;
}

static nas_status add_kernel(nas_kernel_fit *f, const nas_graph *g, nas_value v,
                             const nas_footprint *all, const nas_estimate *e, double seconds) {
    const nas_node *n = nas_graph_node(g, v);
    kernel k = {.class = nas_kernel_class_of(g, n), .seconds = seconds, .run = f->n_runs};
    const nas_efficiency *share = &f->peaks->efficiency[k.class];
    k.compute = e->compute_s * share->compute;
    k.memory = e->memory_s * share->bandwidth;
    NAS_TRY(group_of(&k.group, f, nas_residual_group(g, n)));
    NAS_TRY(nas_grow(&f->kernel, &f->cap_kernels, f->n_kernels + 1, sizeof *f->kernel));
    nas_residual_features(k.x, f->peaks, g, v, all);
    f->kernel[f->n_kernels++] = k;
    return NAS_OK;
}

nas_status nas_kernel_fit_add(nas_kernel_fit *f, const nas_graph *inference, const double *seconds,
                              double whole_s) {
    uint32_t count = nas_graph_count(inference);
    nas_estimate total, *node = nas_calloc(count + 1, sizeof *node);
    timed_run r = {.whole = whole_s};
    nas_footprint all = {0};
    nas_status st;
    if (!node)
        return nas_fail_memory(count * sizeof *node);
    NAS_GO(nas_footprint_of(&all, inference, NULL));
    NAS_GO(nas_hw_estimate(&total, node, f->peaks, inference));
    for (uint32_t i = 0; i < count; i++) {
        if (!nas_is_kernel(nas_graph_node(inference, (nas_value){i})))
            continue;
        r.kernels++;
        r.sum += seconds[i];
        if (seconds[i] > 0 && isfinite(seconds[i]))
            NAS_GO(add_kernel(f, inference, (nas_value){i}, &all, &node[i], seconds[i]));
    }
    if (whole_s > 0 && isfinite(whole_s)) {
        NAS_GO(nas_grow(&f->run, &f->cap_runs, f->n_runs + 1, sizeof *f->run));
        f->run[f->n_runs++] = r;
    }
done:
    nas_free(node);
    return st;
}

/* ---- runs: whole = base + launch * kernels + scale * sum ---- */

/* Gauss without pivoting: a normal matrix with a ridge. False: singular all the same. */
static bool solve3(double x[UNKNOWNS], double a[UNKNOWNS][UNKNOWNS + 1]) {
    for (int i = 0; i < UNKNOWNS; i++) {
        if (!(fabs(a[i][i]) > 1e-300))
            return false;
        for (int j = i + 1; j < UNKNOWNS; j++) {
            double q = a[j][i] / a[i][i];
            for (int k = i; k <= UNKNOWNS; k++)
                a[j][k] -= q * a[i][k];
        }
    }
    for (int i = UNKNOWNS; i-- > 0;) {
        x[i] = a[i][UNKNOWNS];
        for (int j = i + 1; j < UNKNOWNS; j++)
            x[i] -= a[i][j] * x[j];
        x[i] /= a[i][i];
    }
    return true;
}

/* Relative errors, those far off with little weight. use: which unknowns are not 0. */
static double fit_runs(double x[UNKNOWNS], const nas_kernel_fit *f, const bool use[UNKNOWNS]) {
    double error = 0;
    for (int round = 0; round < ROUNDS; round++) {
        double a[UNKNOWNS][UNKNOWNS + 1] = {{0}};
        for (uint32_t r = 0; r < f->n_runs; r++) {
            const timed_run *t = &f->run[r];
            const double v[UNKNOWNS] = {use[0], use[1] * t->kernels, use[2] * t->sum};
            double off = (x[0] * v[0] + x[1] * v[1] + x[2] * v[2] - t->whole) / t->whole;
            double w = round == 0 ? 1 : 1 / fmax(fabs(off), 0.01); /* the least sum of |off| */
            for (int i = 0; i < UNKNOWNS; i++) {
                for (int j = 0; j < UNKNOWNS; j++)
                    a[i][j] += w * v[i] * v[j] / (t->whole * t->whole);
                a[i][UNKNOWNS] += w * v[i] / t->whole;
            }
        }
        for (int i = 0; i < UNKNOWNS; i++)
            a[i][i] = use[i] ? a[i][i] * (1 + 1e-9) : 1;
        if (!solve3(x, a))
            return INFINITY;
    }
    for (uint32_t r = 0; r < f->n_runs; r++) {
        const timed_run *t = &f->run[r];
        error += fabs(x[0] + x[1] * t->kernels + x[2] * t->sum - t->whole) / t->whole;
    }
    return x[0] < 0 || x[1] < 0 || x[2] <= 0 ? INFINITY : error;
}

static nas_status solve_runs(nas_kernel_fit *f) {
    static const bool uses[][UNKNOWNS] = {
        {true, true, true}, {false, true, true}, {true, false, true}, {false, false, true}};
    double best = INFINITY;
    for (size_t u = 0; u < sizeof uses / sizeof *uses; u++) {
        double x[UNKNOWNS] = {0, 0, 1}, error = fit_runs(x, f, uses[u]);
        if (!(error < best))
            continue;
        best = error;
        f->base_s = x[0];
        f->launch_s = fmin(x[1], 0.1);
    }
    if (!isfinite(best))
        return nas_fail(NAS_E_DATA, "%s: whole runs do not follow from their kernels' times",
                        f->device.title);
    return NAS_OK;
}

/* Kernels of a run take what it takes beside its base and launches: of each its usual time is
 * known, and what is usual for all of them alone is seldom so for all at once. */
static void fit_to_runs(nas_kernel_fit *f) {
    static const double least = 0.5, most = 3;
    for (uint32_t i = 0; i < f->n_kernels; i++) {
        const timed_run *t = &f->run[f->kernel[i].run];
        double rest = t->whole - f->base_s - f->launch_s * t->kernels;
        f->kernel[i].seconds *= fmin(fmax(rest / t->sum, least), most);
    }
}

/* ---- shares ---- */

enum { STEPS = 48 };

static double step_share(int i) { /* 0.001 ... 1, evenly in the logarithm */
    return pow(10, -3 + 3.0 * i / (STEPS - 1));
}

/* The slower roof of a kernel at these shares of the peaks. */
static double roof_of(const kernel *k, const nas_efficiency *s) {
    return fmax(fmax(k->compute / s->compute, k->memory / s->bandwidth), 1e-12);
}

static double share_error(const nas_kernel_fit *f, nas_kernel_class class, const nas_efficiency *s,
                          const nas_efficiency *prior) {
    double sum = 0.01 * (fabs(log(s->compute / prior->compute)) +
                         fabs(log(s->bandwidth / prior->bandwidth)));
    for (uint32_t i = 0; i < f->n_kernels; i++) {
        const kernel *k = &f->kernel[i];
        if (k->class == class)
            sum += fabs(log(k->seconds / roof_of(k, s)));
    }
    return sum;
}

static void solve_share(nas_kernel_fit *f, nas_kernel_class class) {
    const nas_efficiency *prior = &f->peaks->efficiency[class];
    double best = INFINITY;
    f->share[class] = *prior;
    for (uint32_t i = 0; i < f->n_kernels; i++)
        f->seen[class] |= f->kernel[i].class == class;
    for (int c = 0; c < STEPS && f->seen[class]; c++)
        for (int b = 0; b < STEPS; b++) {
            nas_efficiency s = {step_share(c), step_share(b)};
            double error = share_error(f, class, &s, prior);
            if (error < best) {
                best = error;
                f->share[class] = s;
            }
        }
}

/* ---- trees ---- */

/* What the law seconds = c (roof + add) leaves of a group, as a mean of |log|, with c so that
 * logarithms have the mean 0. */
static double add_error(const nas_kernel_fit *f, uint32_t group, double add) {
    double mean = 0, sum = 0, n = 0;
    for (int round = 0; round < 2; round++)
        for (uint32_t i = 0; i < f->n_kernels; i++) {
            const kernel *k = &f->kernel[i];
            if (k->group != group)
                continue;
            double off = log(k->seconds / (roof_of(k, &f->share[k->class]) + add));
            if (round == 0) {
                mean += off;
                n++;
            } else
                sum += fabs(off - mean / n);
        }
    return sum / n;
}

static double solve_add(const nas_kernel_fit *f, uint32_t group) {
    enum { STEPS_OF_ADD = 40 };
    double best = add_error(f, group, 0), add = 0;
    for (int i = 0; i < STEPS_OF_ADD; i++) { /* 0.1 us ... 1 ms, evenly in the logarithm */
        double at = pow(10, -7 + 4.0 * i / (STEPS_OF_ADD - 1)), error = add_error(f, group, at);
        if (error < best) {
            best = error;
            add = at;
        }
    }
    return add;
}

static nas_status solve_group(nas_kernel_fit *f, uint32_t group) {
    size_t d = RESIDUAL_FEATURES;
    uint32_t n = 0;
    double *x = nas_calloc(f->n_kernels * d, sizeof *x), *y = nas_calloc(f->n_kernels, sizeof *y);
    nas_status st = NAS_OK;
    double add = solve_add(f, group);
    if (!x || !y)
        NAS_GO(nas_fail_memory(f->n_kernels * d * sizeof *x));
    f->residual.group[group].add_s = add;
    for (uint32_t i = 0; i < f->n_kernels; i++) {
        const kernel *k = &f->kernel[i];
        if (k->group != group)
            continue;
        memcpy(x + n * d, k->x, sizeof k->x);
        y[n++] = log(k->seconds / (roof_of(k, &f->share[k->class]) + add));
    }
    boost_free(&f->residual.group[group].trees);
    NAS_GO(boost_fit(&f->residual.group[group].trees, x, y, n, (uint32_t)d));
done:
    nas_free(x);
    nas_free(y);
    return st;
}

nas_status nas_kernel_fit_solve(nas_kernel_fit *f) {
    if (f->n_runs < LEAST_RUNS)
        return nas_fail(NAS_E_DATA, "%u timed runs are too few to learn from: take at least %d",
                        (unsigned)f->n_runs, LEAST_RUNS);
    NAS_TRY(solve_runs(f));
    fit_to_runs(f);
    for (int k = 0; k < NAS_KERNEL_CLASS_COUNT; k++)
        solve_share(f, (nas_kernel_class)k);
    for (uint32_t i = 0; i < f->residual.n; i++)
        NAS_TRY(solve_group(f, i));
    return NAS_OK;
}
