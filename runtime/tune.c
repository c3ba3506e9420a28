/* runtime/tune.c - tries candidates on a device: are they right, and which is the fastest. */
#include "tune.h"
#include "exec.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { ROUNDS = 3, RUNS_MAX = 50 };
static const double ROUND_SECONDS = 0.01, GIVE_UP = 3;

/* The node alone: its inputs as leaves with random values. */
static nas_status graph_of(nas_graph **out, nas_op op, const nas_shape *in, uint32_t n_in,
                           const nas_attr *attr) {
    nas_status st = NAS_OK;
    nas_graph *g = NULL;
    nas_value v[NAS_MAX_IN], y;
    NAS_GO(nas_graph_create(&g));
    for (uint32_t i = 0; i < n_in; i++) {
        nas_attr leaf = {.leaf = {.shape = in[i], .init = NAS_INIT_NORMAL, .scale = 1}};
        char name[16];
        (void)snprintf(name, sizeof name, "in%u", (unsigned)i);
        NAS_GO(nas_graph_leaf(&v[i], g, NAS_OP_PARAM, name, &leaf));
    }
    NAS_GO(nas_graph_add(&y, g, op, v, n_in, attr));
    nas_graph_set_output(g, y);
    *out = g;
    g = NULL;
done:
    nas_graph_free(g);
    return st;
}

typedef struct attempt { /* one way to compute the output of a graph of one node */
    double seconds;      /* of a run; given when it was timed */
    float *result;       /* nas_free */
} attempt;

/* Median over rounds of many runs each; one run only when that is already over the limit. */
static nas_status time_runs(double *out, nas_exec *e, double limit) {
    double from = nas_clock(), round[ROUNDS];
    NAS_TRY(nas_exec_run(e));
    NAS_TRY(nas_exec_wait(e));
    double once = nas_clock() - from;
    *out = once;
    if (once > limit)
        return NAS_OK;
    int runs = once * RUNS_MAX < ROUND_SECONDS ? RUNS_MAX : 1 + (int)(ROUND_SECONDS / once);
    for (int r = 0; r < ROUNDS; r++) {
        from = nas_clock();
        for (int i = 0; i < runs; i++)
            NAS_TRY(nas_exec_run(e));
        NAS_TRY(nas_exec_wait(e));
        round[r] = (nas_clock() - from) / runs;
    }
    qsort(round, ROUNDS, sizeof *round, nas_by_value);
    *out = nas_quantile(round, ROUNDS, 0.5);
    return NAS_OK;
}

/* By the rows of that name or by a candidate. limit: seconds after which a run is too slow to be
 * timed well; 0: not timed at all. */
static nas_status try_one(attempt *out, nas_device *d, const nas_graph *g, const char *rows,
                          const candidate *c, double limit) {
    nas_status st = NAS_OK;
    nas_exec *e = NULL;
    attempt a = {0};
    nas_value y = nas_graph_output(g);
    size_t n = (size_t)nas_shape_count(nas_graph_shape(g, y));
    const char *before = d->force;
    d->force = rows;
    d->trial = c;
    NAS_GO(nas_exec_create(&e, d, g, &y, 1, NULL, 0));
    NAS_GO(nas_exec_init(e, 1));
    NAS_GO(nas_exec_run(e)); /* compiles what is left to compile */
    a.result = nas_malloc(n * sizeof *a.result);
    if (!a.result)
        NAS_GO(nas_fail_memory(n * sizeof *a.result));
    NAS_GO(nas_exec_read(e, y, a.result, n));
    if (limit > 0)
        NAS_GO(time_runs(&a.seconds, e, limit));
    *out = a;
    a.result = NULL;
done:
    d->force = before;
    d->trial = NULL;
    nas_exec_free(e);
    nas_free(a.result);
    return st;
}

/* As close as two orders of summing floats are. */
static bool same(const float *a, const float *b, size_t n) {
    double error = 0, power = 0, worst = 0, largest = 0;
    for (size_t i = 0; i < n; i++) {
        double d = fabs((double)a[i] - b[i]);
        if (!(d < INFINITY))
            return false;
        error += d * d;
        power += (double)b[i] * b[i];
        worst = d > worst ? d : worst;
        largest = fabs((double)b[i]) > largest ? fabs((double)b[i]) : largest;
    }
    return error <= 1e-10 * power && worst <= 1e-4 * largest + 1e-30;
}

/* ---- is it right at all: odd sizes, every way in and out ---- */

typedef struct check_row {
    nas_op op;
    nas_shape in[4];
    uint32_t n_in;
    nas_attr attr;
} check_row;
#define DIMS(...)                                                                                  \
    {                                                                                              \
        .rank = (int32_t)(sizeof((int32_t[]){__VA_ARGS__}) / sizeof(int32_t)), .dim = {            \
            __VA_ARGS__                                                                            \
        }                                                                                          \
    }
#define PRODUCT(...)                                                                               \
    {                                                                                              \
        .matmul = { __VA_ARGS__ }                                                                  \
    }
#define CONV(s, b, r, f, ...)                                                                      \
    {                                                                                              \
        .conv = {                                                                                  \
            .kernel = {3, 3},                                                                      \
            .stride = {s, s},                                                                      \
            .dilation = {1, 1},                                                                    \
            .pad = {1, 1, 1, 1},                                                                   \
            .groups = 1,                                                                           \
            .bias = b,                                                                             \
            .residual = r,                                                                         \
            .act = f,                                                                              \
            __VA_ARGS__                                                                            \
        }                                                                                          \
    }
static const check_row checks[] = {
    {NAS_OP_MATMUL, {DIMS(70, 90), DIMS(90, 50)}, 2, PRODUCT(.alpha = 1)},
    {NAS_OP_MATMUL, {DIMS(600, 33), DIMS(600, 65)}, 2, PRODUCT(.alpha = 1, .ta = 1)},
    {NAS_OP_MATMUL,
     {DIMS(3, 37, 19), DIMS(3, 41, 19)},
     2,
     PRODUCT(.alpha = 0.5f, .tb = 1, .act = NAS_ACT_GELU)},
    {NAS_OP_MATMUL, {DIMS(2, 9, 3), DIMS(2, 5, 9)}, 2, PRODUCT(.alpha = 1, .ta = 1, .tb = 1)},
    {NAS_OP_MATMUL,
     {DIMS(65, 130), DIMS(130, 67), DIMS(67), DIMS(65, 67)},
     4,
     PRODUCT(.alpha = 2, .bias = 1, .residual = 1, .act = NAS_ACT_RELU)},
    {NAS_OP_CONV2D, {DIMS(2, 9, 11, 20), DIMS(3, 3, 20, 36)}, 2, CONV(1, 0, 0, 0)},
    {NAS_OP_CONV2D,
     {DIMS(2, 9, 8, 33), DIMS(3, 3, 33, 70), DIMS(70), DIMS(2, 5, 4, 70)},
     4,
     CONV(2, 1, 1, NAS_ACT_HSWISH)},
    {NAS_OP_CONV2D,
     {DIMS(2, 9, 11, 80), DIMS(3, 3, 80, 48), DIMS(48), DIMS(2, 9, 11, 48)},
     4,
     CONV(1, 1, 1, NAS_ACT_RELU)},
    {NAS_OP_CONV2D, {DIMS(1, 7, 6, 32), DIMS(3, 3, 32, 96)}, 2, CONV(1, 0, 0, 0)},
    {NAS_OP_CONV2D,
     {DIMS(2, 9, 11, 80), DIMS(3, 3, 80, 48), DIMS(48), DIMS(2, 5, 6, 48)},
     4,
     CONV(2, 1, 1, NAS_ACT_RELU)},
    {NAS_OP_CONV2D_DX,
     {DIMS(2, 5, 6, 48), DIMS(3, 3, 80, 48)},
     2,
     CONV(2, 0, 0, 0, .size = {9, 11})},
    {NAS_OP_CONV2D_DW, {DIMS(2, 9, 11, 80), DIMS(2, 5, 6, 48)}, 2, CONV(2, 0, 0, 0)},
    {NAS_OP_CONV2D_DX,
     {DIMS(2, 9, 11, 48), DIMS(3, 3, 80, 48)},
     2,
     CONV(1, 0, 0, 0, .size = {9, 11})},
    {NAS_OP_CONV2D_DX,
     {DIMS(1, 7, 6, 96), DIMS(3, 3, 32, 96)},
     2,
     CONV(1, 0, 0, 0, .size = {7, 6})},
    {NAS_OP_CONV2D_DX,
     {DIMS(2, 9, 11, 36), DIMS(3, 3, 20, 36)},
     2,
     CONV(1, 0, 0, 0, .size = {9, 11})},
    {NAS_OP_CONV2D_DX,
     {DIMS(2, 5, 4, 70), DIMS(3, 3, 33, 70)},
     2,
     CONV(2, 0, 0, 0, .size = {9, 8})},
    {NAS_OP_CONV2D_DW, {DIMS(2, 9, 11, 80), DIMS(2, 9, 11, 48)}, 2, CONV(1, 0, 0, 0)},
    {NAS_OP_CONV2D_DW, {DIMS(7, 7, 6, 32), DIMS(7, 7, 6, 96)}, 2, CONV(1, 0, 0, 0)},
    {NAS_OP_CONV2D_DW, {DIMS(2, 9, 11, 20), DIMS(2, 9, 11, 36)}, 2, CONV(1, 0, 0, 0)},
    {NAS_OP_CONV2D_DW, {DIMS(8, 9, 8, 33), DIMS(8, 5, 4, 70)}, 2, CONV(2, 0, 0, 0)},
};

/* The node of a graph of one, ready for a candidate's questions. */
static emitter emitter_of(nas_device *d, const nas_graph *g) {
    emitter e = {.d = d, .g = g, .id = nas_graph_output(g).id};
    e.n = nas_graph_node(g, nas_graph_output(g));
    for (uint32_t i = 0; i < e.n->n_in; i++)
        e.in[i] = nas_graph_shape(g, e.n->in[i]);
    return e;
}

static bool passes(nas_device *d, const check_row *r, const candidate *c) {
    nas_graph *g = NULL;
    attempt want = {0}, got = {0};
    bool ok = false;
    if (graph_of(&g, r->op, r->in, r->n_in, &r->attr) == NAS_OK) {
        emitter e = emitter_of(d, g);
        size_t n = (size_t)nas_shape_count(nas_graph_shape(g, nas_graph_output(g)));
        ok = !c->can(&e) ||
             (try_one(&want, d, g, candidate_general, NULL, 0) == NAS_OK &&
              try_one(&got, d, g, NULL, c, 0) == NAS_OK && same(got.result, want.result, n));
    }
    nas_free(want.result);
    nas_free(got.result);
    nas_graph_free(g);
    return ok;
}

bool tune_is_right(nas_device *d, nas_op op, const candidate *c) {
    tune_table *t = tune_table_of(d);
    if (!t)
        return false;
    const tune_check *known = tune_find_check(t, op, c->name);
    if (known)
        return known->right;
    bool right = true;
    for (size_t i = 0; right && i < sizeof checks / sizeof checks[0]; i++)
        right = checks[i].op != op || passes(d, &checks[i], c);
    if (!right)
        nas_log(NAS_LOG_WARN, "%s by %s is not right on %s and is not used", nas_op_get(op)->name,
                c->name, d->info.name);
    if (tune_set_check(t, op, c->name, right) == NAS_OK)
        tune_save(d);
    return right;
}

/* ---- the fastest for a node ---- */

/* Keeps what is faster and as right as the general row; a candidate that fails is none. */
static nas_status challenge(nas_tuned *r, tune_entry *best, nas_device *d, const nas_graph *g,
                            const candidate *c, const float *truth) {
    attempt a = {0};
    size_t n = (size_t)nas_shape_count(nas_graph_shape(g, nas_graph_output(g)));
    r->tried++;
    if (!tune_is_right(d, best->key.op, c) ||
        try_one(&a, d, g, NULL, c, GIVE_UP * (double)best->ns * 1e-9) != NAS_OK ||
        !same(a.result, truth, n)) {
        r->wrong++;
    } else if (a.seconds * 1e9 < (double)best->ns) {
        best->ns = (int64_t)(a.seconds * 1e9);
        (void)snprintf(best->winner, sizeof best->winner, "%.15s", c->name);
    }
    nas_free(a.result);
    return NAS_OK;
}

static nas_status measure(nas_tuned *r, tune_entry *best, nas_device *d, const nas_graph *g) {
    nas_status st = NAS_OK;
    attempt truth = {0}, own = {0};
    const candidate *all[CANDIDATES_MAX];
    emitter e = emitter_of(d, g);
    uint32_t n = candidates_of(all, best->key.op);
    NAS_GO(try_one(&truth, d, g, candidate_general, NULL, 0));
    NAS_GO(try_one(&own, d, g, candidate_own, NULL, 1e9));
    best->own_ns = best->ns = (int64_t)(own.seconds * 1e9);
    (void)snprintf(best->winner, sizeof best->winner, "%s", candidate_own);
    for (uint32_t i = 0; i < n; i++)
        if (all[i]->can(&e))
            NAS_GO(challenge(r, best, d, g, all[i], truth.result));
done:
    nas_free(truth.result);
    nas_free(own.result);
    return st;
}

static void describe(char *out, size_t cap, const nas_graph *g, nas_value v) {
    const nas_node *n = nas_graph_node(g, v);
    int at = 0;
    for (uint32_t i = 0; i < n->n_in && i < 2; i++) {
        char shape[NAS_SHAPE_TEXT];
        at += snprintf(out + at, cap - (size_t)at, "%s%s", i ? ", " : "",
                       nas_shape_text(shape, nas_graph_shape(g, n->in[i]), 0));
        at = (size_t)at < cap ? at : (int)cap - 1;
    }
}

static nas_status tune_node(nas_tuned *r, nas_device *d, const nas_graph *from, nas_value v,
                            bool again) {
    nas_status st = NAS_OK;
    const nas_node *n = nas_graph_node(from, v);
    nas_shape in[NAS_MAX_IN];
    nas_graph *g = NULL;
    tune_table *t = tune_table_of(d);
    if (!t)
        return nas_fail_memory(sizeof *t);
    for (uint32_t i = 0; i < n->n_in; i++)
        in[i] = *nas_graph_shape(from, n->in[i]);
    NAS_GO(graph_of(&g, n->op, in, n->n_in, &n->attr));
    emitter e = emitter_of(d, g);
    tune_entry best = {.key = tune_key_of(&e)};
    const tune_entry *known = again ? NULL : tune_find(t, &best.key);
    if (known)
        best = *known;
    else
        NAS_GO(measure(r, &best, d, g));
    r->known = known != NULL;
    r->op = nas_op_get(n->op)->name;
    describe(r->sizes, sizeof r->sizes, from, v);
    (void)snprintf(r->winner, sizeof r->winner, "%s", best.winner);
    r->seconds = (double)best.ns * 1e-9;
    r->own_seconds = (double)best.own_ns * 1e-9;
    if (!known)
        NAS_GO(tune_set(t, &best));
done:
    nas_graph_free(g);
    return st;
}

nas_status nas_device_tune(nas_device *d, const nas_graph *g, const nas_tune_options *o) {
    nas_status st = NAS_OK;
    const candidate *all[CANDIDATES_MAX];
    tune_key *seen = NULL;
    size_t n_seen = 0, cap = 0;
    if (d->ref)
        return nas_fail(NAS_E_UNSUPPORTED, "the reference has nothing to tune");
    for (uint32_t v = 0; v < nas_graph_count(g); v++) {
        const nas_node *n = nas_graph_node(g, (nas_value){v});
        bool done_before = false;
        if (!candidates_of(all, n->op))
            continue;
        if (o->stop && *o->stop)
            NAS_GO(nas_fail(NAS_E_STOPPED, "stopped while tuning"));
        emitter e = {.d = d, .g = g, .id = v, .n = n};
        for (uint32_t i = 0; i < n->n_in; i++)
            e.in[i] = nas_graph_shape(g, n->in[i]);
        tune_key k = tune_key_of(&e);
        for (size_t i = 0; i < n_seen; i++)
            done_before = done_before || !memcmp(&seen[i], &k, sizeof k);
        if (done_before)
            continue;
        NAS_GO(nas_grow(&seen, &cap, n_seen + 1, sizeof *seen));
        seen[n_seen++] = k;
        nas_tuned r = {0};
        NAS_GO(tune_node(&r, d, g, (nas_value){v}, o->again));
        if (!r.known)
            tune_save(d);
        if (o->tell)
            o->tell(o->ctx, &r);
    }
done:
    nas_free(seen);
    return st;
}
