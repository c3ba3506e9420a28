/* tests/search/test_acquisition.c - expected hypervolume improvement against Monte Carlo, and the
 * Gaussian process on functions that are known. */
#include "search/acquisition.h"
#include "search/gp_model.h"

#include <math.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { FRONT = 6, SAMPLES = 40000 };

/* Mean growth of the hypervolume over samples, and its standard error. */
static double by_sampling(double *error, const double *points, uint32_t m, const double *ref,
                          const double *mean, const double *sd, nas_rng *r) {
    double all[(FRONT + 1) * ACQUISITION_MAX], before, sum = 0, square = 0;
    memcpy(all, points, FRONT * m * sizeof *all);
    assert_int_equal(nas_hypervolume(&before, all, FRONT, m, ref), NAS_OK);
    for (int i = 0; i < SAMPLES; i++) {
        double after;
        for (uint32_t k = 0; k < m; k++)
            all[FRONT * m + k] = mean[k] + sd[k] * nas_rng_normal(r);
        assert_int_equal(nas_hypervolume(&after, all, FRONT + 1, m, ref), NAS_OK);
        sum += after - before;
        square += (after - before) * (after - before);
    }
    sum /= SAMPLES;
    *error = sqrt(fmax(0, square / SAMPLES - sum * sum) / SAMPLES);
    return sum;
}

static void expected_improvement_agrees_with_sampling(void **state) {
    (void)state;
    nas_rng r = nas_rng_stream(1, "test", 0);
    for (uint32_t m = 1; m <= ACQUISITION_MAX; m++)
        for (int c = 0; c < 8; c++) {
            double points[FRONT * ACQUISITION_MAX], ref[ACQUISITION_MAX], mean[ACQUISITION_MAX],
                sd[ACQUISITION_MAX], error;
            for (uint32_t i = 0; i < FRONT * m; i++)
                points[i] = nas_rng_uniform(&r);
            for (uint32_t k = 0; k < m; k++) {
                ref[k] = 0.9; /* some points lie behind it */
                mean[k] = nas_rng_uniform(&r);
                sd[k] = k == 1 && c % 2 ? 0 : 0.1 + 0.3 * nas_rng_uniform(&r); /* 0: known */
            }
            acquisition a = {0};
            assert_int_equal(acquisition_create(&a, points, FRONT, m, ref), NAS_OK);
            double exact = acquisition_value(&a, mean, sd);
            double sampled = by_sampling(&error, points, m, ref, mean, sd, &r);
            if (fabs(exact - sampled) > 5 * error + 1e-9)
                fail_msg("m %u case %d: %g, sampled %g +- %g", m, c, exact, sampled, error);
            acquisition_free(&a);
        }
}

static void a_dominated_certainty_promises_nothing(void **state) {
    (void)state;
    const double points[] = {0.2, 0.6, 0.5, 0.3}, ref[] = {1, 1};
    acquisition a = {0};
    assert_int_equal(acquisition_create(&a, points, 2, 2, ref), NAS_OK);
    assert_true(acquisition_value(&a, (double[]){0.6, 0.7}, (double[]){0, 0}) == 0);
    /* [.1, 1] x [.5, 1] less .32 + .25 - .2 that the two points dominate of it */
    assert_true(fabs(acquisition_value(&a, (double[]){0.1, 0.5}, (double[]){0, 0}) - 0.08) < 1e-12);
    acquisition_free(&a);
}

/* ---- Gaussian process ---- */

static double smooth(double x) {
    return sin(6 * x) + 0.5 * x;
}

static void fill_triangle(float *d2, const double *x, uint32_t n) {
    for (uint32_t i = 0; i < n; i++)
        for (uint32_t j = 0; j < i; j++)
            *d2++ = (float)((x[i] - x[j]) * (x[i] - x[j]));
}

static void process_predicts_a_smooth_function_between_its_points(void **state) {
    (void)state;
    enum { N = 15, POOL = 40 };
    double x[N], y[N], mean[POOL], sd[POOL];
    float d2[N * (N - 1) / 2], to_pool[POOL];
    for (int i = 0; i < N; i++)
        y[i] = smooth(x[i] = (i + 0.5) / N);
    fill_triangle(d2, x, N);
    gp_model g;
    gp_init(&g, 1);
    assert_int_equal(gp_fit(&g, d2, y, N, 60), NAS_OK);
    assert_int_equal(gp_pool_start(&g, POOL), NAS_OK);
    for (uint32_t i = 0; i < N; i++) {
        for (int p = 0; p < POOL; p++) {
            double at = (p + 0.5) / POOL;
            to_pool[p] = (float)((at - x[i]) * (at - x[i]));
        }
        assert_int_equal(gp_pool_point(&g, i, to_pool), NAS_OK);
    }
    gp_pool_predict(&g, mean, sd);
    for (int p = 0; p < POOL; p++) {
        double miss = fabs(mean[p] - smooth((p + 0.5) / POOL));
        if (miss > 0.05 || miss > 6 * sd[p] + 0.01)
            fail_msg("at %g: off by %g, sd %g", (p + 0.5) / POOL, miss, sd[p]);
    }
    gp_free(&g);
}

/* Growing by a point at a time is the same as fitting all, and a believed point moves no mean. */
static void points_that_are_appended_count_like_fitted_ones(void **state) {
    (void)state;
    enum { N = 12, HALF = 6 };
    double x[N], y[N], all_mean, all_sd, mean, sd, before_mean, before_sd;
    float d2[N * (N - 1) / 2], near[N];
    for (int i = 0; i < N; i++)
        y[i] = smooth(x[i] = fmod(0.37 * i, 1));
    fill_triangle(d2, x, N);
    for (int i = 0; i < N; i++)
        near[i] = (float)((0.5 - x[i]) * (0.5 - x[i]));
    gp_model all, grown;
    gp_init(&all, 1);
    gp_init(&grown, 1);
    assert_int_equal(gp_fit(&all, d2, y, N, 0), NAS_OK);
    assert_int_equal(gp_fit(&grown, d2, y, HALF, 0), NAS_OK);
    assert_int_equal(gp_pool_start(&all, 1), NAS_OK);
    assert_int_equal(gp_pool_start(&grown, 1), NAS_OK);
    for (uint32_t i = 0; i < N; i++)
        assert_int_equal(gp_pool_point(&all, i, &near[i]), NAS_OK);
    gp_pool_predict(&all, &all_mean, &all_sd);
    for (uint32_t i = 0; i < HALF; i++)
        assert_int_equal(gp_pool_point(&grown, i, &near[i]), NAS_OK);
    gp_pool_predict(&grown, &before_mean, &before_sd);
    for (uint32_t i = HALF; i < N; i++) {
        assert_int_equal(gp_append(&grown, d2 + i * (i - 1) / 2), NAS_OK);
        assert_int_equal(gp_pool_point(&grown, i, &near[i]), NAS_OK);
    }
    gp_pool_predict(&grown, &mean, &sd);
    assert_true(fabs(mean - before_mean) < 1e-12);
    assert_true(sd < before_sd);
    gp_set_values(&grown, y, N);
    gp_pool_predict(&grown, &mean, &sd);
    assert_true(fabs(mean - all_mean) < 1e-4 && fabs(sd - all_sd) < 1e-4);
    gp_free(&all);
    gp_free(&grown);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(expected_improvement_agrees_with_sampling),
        cmocka_unit_test(a_dominated_certainty_promises_nothing),
        cmocka_unit_test(process_predicts_a_smooth_function_between_its_points),
        cmocka_unit_test(points_that_are_appended_count_like_fitted_ones),
    };
    return cmocka_run_group_tests_name("acquisition", tests, NULL, NULL);
}
