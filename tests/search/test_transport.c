/* tests/search/test_transport.c - the transport solver against every assignment, and laws of
 * distances. */
#include "search/traits.h"
#include "search/transport.h"

#include <math.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "small_spaces.h"

enum { N = 6 };

/* The cheapest of all ways to pair N rows with N columns. */
static double by_trying_all(const double *cost, uint32_t row, uint32_t used) {
    double best = row == N ? 0 : INFINITY;
    for (uint32_t j = 0; row < N && j < N; j++)
        if (!(used >> j & 1))
            best = fmin(best, cost[row * N + j] + by_trying_all(cost, row + 1, used | 1u << j));
    return best;
}

static void equal_masses_cost_what_the_best_pairing_costs(void **state) {
    (void)state;
    nas_rng r = nas_rng_stream(1, "test", 0);
    double one[N], cost[N * N];
    for (uint32_t i = 0; i < N; i++)
        one[i] = 1;
    for (int k = 0; k < 100; k++) {
        for (uint32_t i = 0; i < N * N; i++)
            cost[i] = nas_rng_uniform(&r);
        double got = transport_cost(cost, one, N, one, N), expected = by_trying_all(cost, 0, 0);
        if (fabs(got - expected) > 1e-9)
            fail_msg("case %d: %g, expected %g", k, got, expected);
    }
}

/* On a line the cost is the area between the two cumulated masses. */
static void masses_on_a_line_cost_the_area_between_them(void **state) {
    (void)state;
    enum { FROM = 9, TO = 7, STEPS = 100000 };
    nas_rng r = nas_rng_stream(2, "test", 0);
    for (int k = 0; k < 20; k++) {
        double a[FROM], b[TO], supply[FROM], demand[TO], cost[FROM * TO], sa = 0, sb = 0, area = 0;
        for (int i = 0; i < FROM; i++) {
            a[i] = nas_rng_uniform(&r);
            sa += supply[i] = nas_rng_uniform(&r);
        }
        for (int j = 0; j < TO; j++) {
            b[j] = nas_rng_uniform(&r);
            sb += demand[j] = nas_rng_uniform(&r);
        }
        for (int i = 0; i < FROM; i++)
            supply[i] /= sa;
        for (int j = 0; j < TO; j++)
            demand[j] /= sb;
        for (int i = 0; i < FROM * TO; i++)
            cost[i] = fabs(a[i / TO] - b[i % TO]);
        for (int s = 0; s < STEPS; s++) {
            double x = (s + 0.5) / STEPS, fa = 0, fb = 0;
            for (int i = 0; i < FROM; i++)
                fa += a[i] <= x ? supply[i] : 0;
            for (int j = 0; j < TO; j++)
                fb += b[j] <= x ? demand[j] : 0;
            area += fabs(fa - fb) / STEPS;
        }
        double got = transport_cost(cost, supply, FROM, demand, TO);
        if (fabs(got - area) > 1e-4)
            fail_msg("case %d: %g, area %g", k, got, area);
    }
}

static void distances_between_networks_are_distances(void **state) {
    (void)state;
    enum { NETS = 8 };
    nas_space *s = NULL;
    traits *f = NULL;
    nas_rng r = nas_rng_stream(3, "test", 0);
    assert_int_equal(nas_space_parse(&s, toy_space, strlen(toy_space), "toy"), NAS_OK);
    assert_int_equal(trait_transport.create(&f, s), NAS_OK);
    uint8_t *rows = calloc(NETS, f->row_bytes);
    float d[NETS][NETS][2], sum = 0;
    assert_non_null(rows);
    for (uint32_t i = 0; i < NETS; i++) {
        nas_genome x = {0};
        nas_space_sample(&x, s, &r);
        assert_int_equal(trait_transport.row(f, rows + i * f->row_bytes, &x), NAS_OK);
    }
    for (uint32_t i = 0; i < NETS; i++)
        trait_transport.distance(f, d[i][0], rows + i * f->row_bytes, rows, NETS);
    for (uint32_t i = 0; i < NETS; i++)
        for (uint32_t j = 0; j < NETS; j++)
            for (int g = 0; g < 2; g++) {
                assert_true(fabsf(d[i][i][g]) < 1e-9f);
                assert_true(d[i][j][g] >= 0 && fabsf(d[i][j][g] - d[j][i][g]) < 1e-5f);
                sum += d[i][j][g];
            }
    assert_true(sum > 0.1f);
    free(rows);
    f->kind->free(f);
    nas_space_free(s);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(equal_masses_cost_what_the_best_pairing_costs),
        cmocka_unit_test(masses_on_a_line_cost_the_area_between_them),
        cmocka_unit_test(distances_between_networks_are_distances),
    };
    return cmocka_run_group_tests_name("transport", tests, NULL, NULL);
}
