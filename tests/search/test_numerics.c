/* tests/search/test_numerics.c - the numerics of model-based strategies against known values. */
#include "search/numerics/numerics.h"

#include <math.h>
#include <setjmp.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static void near(double got, double expected, double tolerance) {
    if (!(fabs(got - expected) <= tolerance))
        fail_msg("%.17g is not %.17g within %g", got, expected, tolerance);
}

static void normal_distribution_agrees_with_tables(void **state) {
    (void)state;
    near(num_normal_pdf(0), 0.3989422804014327, 1e-15);
    near(num_normal_cdf(0), 0.5, 1e-15);
    near(num_normal_cdf(1.96), 0.9750021048517795, 1e-14);
    near(num_normal_cdf(-5), 2.866515718791939e-07, 1e-20);
}

static void expected_improvement_agrees_with_integration(void **state) {
    (void)state;
    static const struct {
        double level, mean, sd;
    } cases[] = {{0, 0, 1}, {1, 0.3, 0.5}, {-2, 0, 1}, {5, 1, 0.1}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        double sum = 0, step = 1e-3;
        for (double t = -8; t < 8; t += step) {
            double y = cases[i].mean + cases[i].sd * (t + step / 2);
            sum += fmax(0, cases[i].level - y) * num_normal_pdf(t + step / 2) * step;
        }
        near(num_below(cases[i].level, cases[i].mean, cases[i].sd), sum, 1e-6);
    }
    near(num_below(3, 1, 0), 2, 0);
    near(num_below(1, 3, 0), 0, 0);
}

static void matern_is_that_of_rasmussen_and_williams(void **state) {
    (void)state;
    near(num_matern52(0), 1, 0);
    double s = sqrt(5.0);
    near(num_matern52(1), (1 + s + 5.0 / 3) * exp(-s), 1e-15);
}

static void cholesky_solves_what_was_multiplied(void **state) {
    (void)state;
    enum { N = 7, STRIDE = 9 };
    double a[N * STRIDE], l[N * STRIDE], x[N], b[N] = {0};
    for (int i = 0; i < N; i++) {
        x[i] = 1 + 0.5 * i;
        for (int j = 0; j < N; j++)
            a[i * STRIDE + j] = exp(-0.3 * (i - j) * (i - j)) + (i == j ? 0.1 : 0);
    }
    for (int i = 0; i < N; i++)
        for (int j = 0; j < N; j++)
            b[i] += a[i * STRIDE + j] * x[j];
    memcpy(l, a, sizeof l);
    assert_true(num_cholesky(l, N, STRIDE));
    num_solve_lower(b, l, N, STRIDE);
    num_solve_upper(b, l, N, STRIDE);
    for (int i = 0; i < N; i++)
        near(b[i], x[i], 1e-10);
    a[0] = -1;
    assert_false(num_cholesky(a, N, STRIDE));
}

static double rosenbrock(void *ctx, const double *x) {
    (void)ctx;
    return 100 * pow(x[1] - x[0] * x[0], 2) + pow(1 - x[0], 2);
}

static void simplex_finds_the_valley_of_rosenbrock(void **state) {
    (void)state;
    double x[2] = {-1.2, 1};
    near(num_nelder_mead(x, 2, 0.5, 400, rosenbrock, NULL), 0, 1e-6);
    near(x[0], 1, 1e-2);
    near(x[1], 1, 1e-2);
}

static void perceptron_learns_a_bent_surface(void **state) {
    (void)state;
    enum { N = 200 };
    float x[2 * N];
    double y[N], error = 0;
    nas_rng r = nas_rng_stream(1, "test", 0);
    for (int i = 0; i < N; i++) {
        x[2 * i] = (float)nas_rng_uniform(&r) * 2 - 1;
        x[2 * i + 1] = (float)nas_rng_uniform(&r) * 2 - 1;
        y[i] = fabs((double)x[2 * i]) - (double)x[2 * i + 1];
    }
    num_mlp_options o = {2, 2, 16, NUM_SQUARED, 0.01, 0, 200, 16};
    num_mlp *p = NULL, *again = NULL;
    nas_rng one = nas_rng_stream(2, "test", 0), two = one;
    assert_int_equal(num_mlp_create(&p, &o, &one), NAS_OK);
    assert_int_equal(num_mlp_train(p, x, y, N, &one), NAS_OK);
    for (int i = 0; i < N; i++)
        error += fabs(num_mlp_predict(p, x + 2 * i) - y[i]) / N;
    assert_true(error < 0.05); /* the mean deviation of y itself is about .5 */
    assert_int_equal(num_mlp_create(&again, &o, &two), NAS_OK);
    assert_int_equal(num_mlp_train(again, x, y, N, &two), NAS_OK);
    assert_true(num_mlp_predict(p, x) == num_mlp_predict(again, x));
    num_mlp_free(p);
    num_mlp_free(again);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(normal_distribution_agrees_with_tables),
        cmocka_unit_test(expected_improvement_agrees_with_integration),
        cmocka_unit_test(matern_is_that_of_rasmussen_and_williams),
        cmocka_unit_test(cholesky_solves_what_was_multiplied),
        cmocka_unit_test(simplex_finds_the_valley_of_rosenbrock),
        cmocka_unit_test(perceptron_learns_a_bent_surface),
    };
    return cmocka_run_group_tests_name("numerics", tests, NULL, NULL);
}
