/* tests/graph/test_ops_gradient.c - the gradient of every op case against central differences, in
 * double: one named test for each case. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <string.h>

#include <support/cases.h>

/* Central differences with h leave an error of order h^2 and of rounding / h, some 1e-9 here; a
 * wrong gradient is off by far more than the tolerance, which is relative to the largest element.
 */
static const double step = 1e-6, tolerance = 1e-7;

static int64_t count_of(const op_case_run *r, nas_value v) {
    return nas_shape_count(nas_graph_shape(r->graph, v));
}

/* sum of weight (y - base): the change of the loss, free of the loss's own rounding */
static double loss_change(const op_case_run *r, const double *weight, const double *base) {
    double sum = 0;
    for (int64_t i = 0; i < count_of(r, r->y); i++)
        sum += weight[i] * (r->values[r->y.id][i] - base[i]);
    return sum;
}

/* Compares dx of one input; `plain` is the graph without gradient, the one that is disturbed. */
static void check_input(const op_case_run *with, op_case_run *plain, uint32_t i) {
    const double *weight = with->values[with->dy.id], *dx = with->values[with->dx[i].id];
    const double *base = with->values[with->y.id];
    double *x = plain->values[plain->in[i].id], worst = 0, largest = 1;
    int64_t n = count_of(with, with->in[i]), at = 0;
    for (int64_t e = 0; e < n; e++)
        largest = fmax(largest, fabs(dx[e]));
    for (int64_t e = 0; e < n; e++) {
        double kept = x[e], up, down;
        x[e] = kept + step;
        assert_int_equal(nas_graph_run_ref(plain->graph, plain->values), NAS_OK);
        up = loss_change(plain, weight, base);
        x[e] = kept - step;
        assert_int_equal(nas_graph_run_ref(plain->graph, plain->values), NAS_OK);
        down = loss_change(plain, weight, base);
        x[e] = kept;
        double error = fabs((up - down) / (2 * step) - dx[e]) / largest;
        if (!(error <= worst)) {
            worst = error;
            at = e;
        }
    }
    if (!(worst <= tolerance))
        fail_msg("%s: input %u, element %lld: error %g", with->c->name, i, (long long)at, worst);
}

static void gradient_is_right(void **state) {
    op_case_run with = {0}, plain = {0};
    const op_case *c = *state;
    assert_int_equal(op_case_build(&with, c, true), NAS_OK);
    assert_int_equal(op_case_build(&plain, c, false), NAS_OK);
    assert_int_equal(op_case_fill(&with, 1), NAS_OK);
    assert_int_equal(op_case_fill(&plain, 1), NAS_OK);
    assert_int_equal(nas_graph_run_ref(with.graph, with.values), NAS_OK);
    for (uint32_t i = 0; i < with.n_in; i++) {
        assert_int_equal(nas_value_ok(with.dx[i]), op_case_input_has_grad(c, i));
        if (!nas_value_ok(with.dx[i]))
            continue;
        assert_true(nas_shape_equal(nas_graph_shape(with.graph, with.dx[i]),
                                    nas_graph_shape(with.graph, with.in[i])));
        check_input(&with, &plain, i);
    }
    op_case_close(&with);
    op_case_close(&plain);
}

/* Only what is asked for is computed: an unwanted gradient costs memory and time on every step. */
static void unwanted_gradients_are_not_built(void **state) {
    (void)state;
    for (uint32_t k = 0; k < op_case_count; k++) {
        op_case_run r = {0};
        bool want[OP_CASE_MAX_IN + 1] = {false};
        nas_value dx[OP_CASE_MAX_IN + 1];
        uint32_t before;
        if (!op_case_has_grad(&op_cases[k]))
            continue;
        assert_int_equal(op_case_build(&r, &op_cases[k], false), NAS_OK);
        for (uint32_t i = 0; i <= OP_CASE_MAX_IN; i++)
            dx[i] = NAS_NO_VALUE;
        before = nas_graph_count(r.graph);
        assert_int_equal(nas_op_get(r.c->op)->vjp(r.graph, r.y, r.y, want, dx), NAS_OK);
        assert_int_equal(nas_graph_count(r.graph), before);
        for (uint32_t i = 0; i <= OP_CASE_MAX_IN; i++)
            assert_false(nas_value_ok(dx[i]));
        op_case_close(&r);
    }
}

static void fused_activation_has_no_gradient(void **state) {
    uint32_t seen = 0;
    (void)state;
    for (uint32_t k = 0; k < op_case_count; k++) {
        op_case_run r = {0};
        bool want[OP_CASE_MAX_IN] = {true, true};
        nas_value dx[OP_CASE_MAX_IN];
        if (!(op_cases[k].flags & CASE_NO_GRAD))
            continue;
        seen++;
        assert_int_equal(op_case_build(&r, &op_cases[k], false), NAS_OK);
        assert_int_equal(nas_op_get(r.c->op)->vjp(r.graph, r.y, r.y, want, dx), NAS_E_GRAPH);
        assert_non_null(strstr(nas_error_text(), nas_op_get(r.c->op)->name));
        op_case_close(&r);
    }
    assert_true(seen > 0);
}

/* The gradient of a shared matrix is one product over all rows, not one a sample to be summed. */
static void shared_matrix_gradient_is_one_product(void **state) {
    (void)state;
    for (uint32_t k = 0; k < op_case_count; k++) {
        op_case_run r = {0};
        uint32_t products = 0;
        if (strncmp(op_cases[k].name, "matmul/shared", strlen("matmul/shared")))
            continue;
        assert_int_equal(op_case_build(&r, &op_cases[k], true), NAS_OK);
        for (uint32_t id = 0; id < nas_graph_count(r.graph); id++) {
            nas_op op = nas_graph_node(r.graph, (nas_value){id})->op;
            products += op == NAS_OP_MATMUL;
            assert_int_not_equal(op, NAS_OP_SUM_TO);
        }
        assert_int_equal(products, 3);
        op_case_close(&r);
    }
}

int main(void) {
    static const struct CMUnitTest fixed[] = {
        cmocka_unit_test(unwanted_gradients_are_not_built),
        cmocka_unit_test(fused_activation_has_no_gradient),
        cmocka_unit_test(shared_matrix_gradient_is_one_product),
    };
    enum { N_FIXED = sizeof fixed / sizeof fixed[0] };
    struct CMUnitTest *tests = nas_calloc(N_FIXED + op_case_count, sizeof *tests);
    size_t n = N_FIXED;
    int failed;
    if (!tests)
        return 1;
    memcpy(tests, fixed, sizeof fixed);
    for (uint32_t k = 0; k < op_case_count; k++)
        if (op_case_has_grad(&op_cases[k]) && !(op_cases[k].flags & CASE_BIG))
            tests[n++] = (struct CMUnitTest){.name = op_cases[k].name,
                                             .test_func = gradient_is_right,
                                             .initial_state = (void *)&op_cases[k]};
    failed = _cmocka_run_group_tests("ops_gradient", tests, n, NULL, NULL);
    nas_free(tests);
    return failed;
}
