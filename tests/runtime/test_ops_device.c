/* tests/runtime/test_ops_device.c - every op case on the OpenCL device against the reference in
 * double: right values, no reads of what is not there, no writes outside, the same bits twice.
 * ctest-labels: device */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <runtime/exec.h>
#include <stdlib.h>
#include <string.h>
#include <support/cases.h>

/* Largest normalised mean square error, and largest error relative to 1 + the largest value. */
typedef struct tolerance {
    const char *prefix; /* of the op's name; "" ends the table */
    double nmse, worst;
    const char *reason;
} tolerance;
static const tolerance tolerances[] = {
    {"correct", 0, 0, "counts"},
    {"max_pool", 1e-13, 1e-6, "a choice; its gradient adds a few terms"},
    {"conv2d", 1e-11, 2e-5, "sums of up to thousands of products"},
    {"matmul", 1e-11, 2e-5, "sums of up to thousands of products"},
    {"attention", 1e-10, 5e-5, "exp of sums, then sums"},
    {"batch", 1e-10, 1e-4, "deviations from a mean of 100"},
    {"layer", 1e-10, 1e-4, "deviations from a mean of 100"},
    {"", 1e-11, 2e-5, "a few roundings of float"},
};

enum { GUARD = 40 };

static nas_device *device;

static const tolerance *tolerance_of(const char *op) {
    const tolerance *t = tolerances;
    while (*t->prefix && strncmp(op, t->prefix, strlen(t->prefix)))
        t++;
    return t;
}

static bool is_leaf(const nas_graph *g, uint32_t v) {
    return nas_op_get(nas_graph_node(g, (nas_value){v})->op)->flags & NAS_OPF_LEAF;
}

static void poison(nas_exec *e) {
    for (size_t b = 0; b < e->plan.n_blocks; b++)
        if (e->block[b])
            assert_int_equal(nas_buffer_fill(e->block[b], 0, NAN, e->plan.block[b]), NAS_OK);
    if (e->scratch)
        assert_int_equal(nas_buffer_fill(e->scratch, 0, NAN, nas_buffer_count(e->scratch)), NAS_OK);
}

static void write_leaves(nas_exec *e, const op_case_run *r) {
    for (uint32_t v = 0; v < nas_graph_count(r->graph); v++) {
        if (!is_leaf(r->graph, v))
            continue;
        size_t n = e->plan.slot[v].count;
        float *f = nas_malloc(n * sizeof *f);
        assert_non_null(f);
        for (size_t i = 0; i < n; i++)
            f[i] = (float)r->values[v][i];
        assert_int_equal(nas_exec_write(e, (nas_value){v}, f, n), NAS_OK);
        nas_free(f);
    }
}

/* What belongs to no value must still be poison. */
static void check_guards(nas_exec *e) {
    for (size_t b = 0; b < e->plan.n_blocks; b++) {
        size_t n = e->plan.block[b], spoilt = 0;
        if (!e->block[b])
            continue;
        float *f = nas_malloc(n * sizeof *f);
        assert_non_null(f);
        assert_int_equal(nas_buffer_read(e->block[b], 0, f, n), NAS_OK);
        for (uint32_t v = 0; v < e->plan.n; v++)
            if (e->plan.slot[v].block == b && e->plan.slot[v].placed)
                for (size_t i = 0; i < e->plan.slot[v].count; i++)
                    f[e->plan.slot[v].first + i] = NAN;
        for (size_t i = 0; i < n; i++)
            spoilt += !isnan(f[i]);
        nas_free(f);
        if (spoilt)
            fail_msg("%zu elements written outside any value", spoilt);
    }
}

static void compare(const op_case_run *r, uint32_t v, const float *got, size_t n) {
    const double *want = r->values[v];
    const char *op = nas_op_get(nas_graph_node(r->graph, (nas_value){v})->op)->name;
    const tolerance *t = tolerance_of(op), *of_case = tolerance_of(nas_op_get(r->c->op)->name);
    if (of_case->worst > t->worst) /* what moves or adds its results inherits their error */
        t = of_case;
    double error = 0, power = 0, worst = 0, largest = 0;
    size_t where = 0;
    for (size_t i = 0; i < n; i++) {
        double d = fabs((double)got[i] - want[i]);
        if (!(d <= worst)) {
            worst = d;
            where = i;
        }
        error += d * d;
        power += want[i] * want[i];
        largest = fmax(largest, fabs(want[i]));
    }
    bool close = error <= t->nmse * (power + 1e-30) || error <= 1e-12 * (double)n;
    if (!close || !(worst <= t->worst * (1 + largest)))
        fail_msg("%s (value %u): nmse %.2e, worst error %.3e at %zu: %.9g, not %.9g", op,
                 (unsigned)v, error / (power + 1e-30), worst, where, (double)got[where],
                 want[where]);
}

static void run_case(nas_exec *e, const op_case_run *r) {
    poison(e);
    write_leaves(e, r);
    assert_int_equal(nas_exec_run(e), NAS_OK);
    assert_int_equal(nas_exec_wait(e), NAS_OK);
}

static void case_on_device(void **state) {
    op_case_run r = {0};
    nas_exec *e = NULL;
    const op_case *c = *state;
    assert_int_equal(op_case_build(&r, c, op_case_has_grad(c)), NAS_OK);
    assert_int_equal(op_case_fill(&r, 7), NAS_OK);
    uint32_t n = nas_graph_count(r.graph);
    nas_value *keep = nas_malloc(n * sizeof *keep);
    float **first = nas_calloc(n, sizeof *first);
    assert_true(keep && first);
    for (uint32_t v = 0; v < n; v++)
        keep[v] = (nas_value){v};
    exec_options o = {.keep = keep, .n_keep = n, .guard = GUARD};
    if (exec_create(&e, device, r.graph, &o) != NAS_OK)
        fail_msg("%s", nas_error_text());
    run_case(e, &r); /* before the reference: its state leaves change */
    assert_int_equal(nas_graph_run_ref(r.graph, r.values), NAS_OK);
    for (uint32_t v = 0; v < n; v++) {
        size_t count = e->plan.slot[v].count;
        first[v] = nas_malloc(count * sizeof **first);
        assert_non_null(first[v]);
        assert_int_equal(nas_exec_read(e, (nas_value){v}, first[v], count), NAS_OK);
        if (!is_leaf(r.graph, v))
            compare(&r, v, first[v], count);
    }
    check_guards(e);
    assert_int_equal(op_case_fill(&r, 7), NAS_OK);
    run_case(e, &r);
    for (uint32_t v = 0; v < n; v++) {
        size_t count = e->plan.slot[v].count;
        float *again = nas_malloc(count * sizeof *again);
        assert_non_null(again);
        assert_int_equal(nas_exec_read(e, (nas_value){v}, again, count), NAS_OK);
        assert_memory_equal(again, first[v], count * sizeof *again);
        nas_free(again);
        nas_free(first[v]);
    }
    nas_exec_free(e);
    nas_free(first);
    nas_free(keep);
    op_case_close(&r);
}

static void every_op_has_an_unguarded_row(void **state) {
    (void)state;
    for (int op = 0; op < NAS_OP_COUNT; op++) {
        const nas_op_info *info = nas_op_get((nas_op)op);
        if (info->flags & (NAS_OPF_LEAF | NAS_OPF_ALIAS))
            continue;
        const row *r = rows_get((nas_op)op);
        assert_non_null(r);
        while (r->guard)
            r++;
        assert_non_null(r->emit);
    }
}

static bool is_wanted(const char *name, int argc, char **argv) {
    for (int i = 4; i < argc; i++)
        if (!strncmp(name, argv[i], strlen(argv[i])))
            return true;
    return argc <= 4;
}

/* Arguments, for checks of what this machine would not choose: a vector width (4, 8, 16; 0: the
 * device's own), what names the device ("auto", "0:as=gpu"), a candidate that ops must take where
 * they can ("tile64"; "-": the best known), and beginnings of the names of the cases to run. */
int main(int argc, char **argv) {
    if (nas_device_open(&device, argc > 2 ? argv[2] : "auto") != NAS_OK) {
        print_message("skipped: %s\n", nas_error_text());
        return argc > 2; /* a device that was named must be there */
    }
    if (argc > 1 && strtoul(argv[1], NULL, 10))
        device->tile = *device_tile_of((uint32_t)strtoul(argv[1], NULL, 10));
    if (argc > 3 && strcmp(argv[3], "-"))
        device->force = argv[3];
    struct CMUnitTest *t = nas_calloc(op_case_count + 1, sizeof *t);
    size_t n = 0;
    if (!t)
        return 1;
    for (uint32_t i = 0; i < op_case_count; i++)
        if (is_wanted(op_cases[i].name, argc, argv))
            t[n++] = (struct CMUnitTest){.name = op_cases[i].name,
                                         .test_func = case_on_device,
                                         .initial_state = (void *)&op_cases[i]};
    t[n++] = (struct CMUnitTest){.name = "every_op_has_an_unguarded_row",
                                 .test_func = every_op_has_an_unguarded_row};
    int failed = _cmocka_run_group_tests("ops_device", t, n, NULL, NULL);
    nas_free(t);
    nas_device_close(device);
    return failed;
}
