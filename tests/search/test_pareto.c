/* tests/search/test_pareto.c - dominance, ranks and crowding: hand-made fronts and brute force. */
#include <nas/search.h>

#include <math.h>
#include <setjmp.h>
#include <string.h>

#include <cmocka.h>

static const double nan_ = NAN;

static void dominance_needs_no_worse_and_one_better(void **state) {
    (void)state;
    static const struct {
        double a[3], b[3];
        bool a_dominates_b;
    } cases[] = {
        {{1, 2, 3}, {1, 2, 4}, true},         {{1, 2, 3}, {1, 2, 3}, false},
        {{1, 2, 3}, {2, 1, 3}, false},        {{1, 2, 4}, {1, 2, 3}, false},
        {{-INFINITY, 0, 0}, {0, 0, 0}, true}, {{0, 0, 0}, {INFINITY, 0, 0}, true},
        {{9, 9, 9}, {0, NAN, 0}, true},       {{0, NAN, 0}, {9, 9, 9}, false},
        {{NAN, 0, 0}, {NAN, 1, 1}, false},    {{INFINITY, 1, 1}, {INFINITY, 1, 2}, true},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_int_equal(nas_dominates(cases[i].a, cases[i].b, 3), cases[i].a_dominates_b);
}

static void ranks_of_hand_made_fronts(void **state) {
    (void)state;
    /* Front 0: (1,5) twice, (2,3), (4,1); front 1: (2,5), (4,3); front 2: (5,5). */
    const double obj[] = {5, 5, 1, 5, 2, 3, 4, 3, 4, 1, 2, 5, 1, 5};
    const uint32_t want[] = {2, 0, 0, 1, 0, 1, 0};
    uint32_t rank[7];
    assert_int_equal(nas_pareto_rank(rank, obj, NULL, 7, 2), NAS_OK);
    assert_memory_equal(rank, want, sizeof want);
    assert_int_equal(nas_pareto_rank(rank, obj, NULL, 0, 2), NAS_OK);
}

static void feasible_before_infeasible_before_nan(void **state) {
    (void)state;
    const double obj[] = {1, 1, 2, 2, 0, 0, 0, 0, nan_, 0, 3, 3, -9, -9, 0, nan_};
    const double violation[] = {0, 0, .5, .1, 0, .5, nan_, 0};
    const uint32_t want[] = {0, 1, 3, 2, 5, 3, 4, 5};
    uint32_t rank[8];
    assert_int_equal(nas_pareto_rank(rank, obj, violation, 8, 2), NAS_OK);
    assert_memory_equal(rank, want, sizeof want);
}

/* Peels front after front by the definition. */
static void peel(uint32_t *rank, const double *obj, const double *violation, uint32_t n,
                 uint32_t m) {
    for (uint32_t i = 0; i < n; i++)
        rank[i] = UINT32_MAX;
    for (uint32_t r = 0, left = n; left > 0; r++)
        for (uint32_t i = 0; i < n; i++) {
            bool beaten = rank[i] != UINT32_MAX;
            for (uint32_t j = 0; j < n && !beaten; j++) {
                if (rank[j] < r || j == i)
                    continue;
                if (violation[i] > 0 || violation[j] > 0)
                    beaten = violation[j] < violation[i];
                else
                    beaten = nas_dominates(obj + j * m, obj + i * m, m);
            }
            if (!beaten) {
                rank[i] = r;
                left--;
            }
        }
}

static void ranks_equal_brute_force(void **state) {
    (void)state;
    enum { N = 60 };
    for (uint32_t round = 0; round < 40; round++) {
        nas_rng r = nas_rng_stream(round, "pareto", 0);
        uint32_t m = 1 + round % 5, rank[N], want[N];
        double obj[N * 5], violation[N];
        for (uint32_t i = 0; i < N * m; i++)
            obj[i] = (double)nas_rng_below(&r, 6); /* few values: many ties */
        for (uint32_t i = 0; i < N; i++)
            violation[i] = round % 2 ? (double)nas_rng_below(&r, 3) : 0;
        assert_int_equal(nas_pareto_rank(rank, obj, violation, N, m), NAS_OK);
        peel(want, obj, violation, N, m);
        assert_memory_equal(rank, want, sizeof want);
    }
}

static void crowding_of_a_hand_made_front(void **state) {
    (void)state;
    /* Front 0: (0,10) (2,5) (4,4) (10,0); front 1: two rows; one with NaN. */
    const double obj[] = {4, 4, 0, 10, 10, 0, 2, 5, 11, 11, 12, 10.5, nan_, 1};
    const uint32_t rank[] = {0, 0, 0, 0, 1, 1, 2};
    double d[7];
    assert_int_equal(nas_crowding(d, obj, rank, 7, 2), NAS_OK);
    assert_true(fabs(d[0] - (8. / 10 + 5. / 10)) < 1e-12);
    assert_true(isinf(d[1]) && isinf(d[2]));
    assert_true(fabs(d[3] - (4. / 10 + 6. / 10)) < 1e-12);
    assert_true(isinf(d[4]) && isinf(d[5]));
    assert_true(d[6] == 0);
}

static void crowding_survives_ties_and_infinity(void **state) {
    (void)state;
    const double same[] = {1, 7, 1, 3, 1, 5, 1, 9};
    const double endless[] = {0, 3, 1, 2, 2, 1, INFINITY, 0};
    const uint32_t rank[] = {0, 0, 0, 0};
    double d[4];
    assert_int_equal(nas_crowding(d, same, rank, 4, 2), NAS_OK);
    assert_true(isinf(d[1]) && isinf(d[3]));
    assert_true(fabs(d[0] - 4. / 6) < 1e-12 && fabs(d[2] - 4. / 6) < 1e-12);
    assert_int_equal(nas_crowding(d, endless, rank, 4, 2), NAS_OK);
    assert_true(isinf(d[0]) && isinf(d[3]));
    assert_true(fabs(d[1] - 2. / 3) < 1e-12 && fabs(d[2] - 2. / 3) < 1e-12);
}

static void running_out_of_memory_is_reported(void **state) {
    (void)state;
    const double obj[] = {1, 2};
    uint32_t rank[2] = {0, 0};
    double d[2];
    nas_alloc_fail_after(1);
    assert_int_equal(nas_pareto_rank(rank, obj, NULL, 2, 1), NAS_E_MEMORY);
    nas_alloc_fail_after(1);
    assert_int_equal(nas_crowding(d, obj, rank, 2, 1), NAS_E_MEMORY);
    nas_alloc_fail_after(0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(dominance_needs_no_worse_and_one_better),
        cmocka_unit_test(ranks_of_hand_made_fronts),
        cmocka_unit_test(feasible_before_infeasible_before_nan),
        cmocka_unit_test(ranks_equal_brute_force),
        cmocka_unit_test(crowding_of_a_hand_made_front),
        cmocka_unit_test(crowding_survives_ties_and_infinity),
        cmocka_unit_test(running_out_of_memory_is_reported),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
