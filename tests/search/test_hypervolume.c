/* tests/search/test_hypervolume.c - hypervolume: known values, and inclusion-exclusion in 1-D to
 * 6-D. */
#include <nas/search.h>

#include <math.h>
#include <setjmp.h>
#include <string.h>

#include <cmocka.h>

/* Sums of products of a few dozen terms of order 1. */
static const double tolerance = 1e-10;

static double volume_of(const double *obj, uint32_t n, uint32_t m, const double *ref) {
    double v = NAN;
    assert_int_equal(nas_hypervolume(&v, obj, n, m, ref), NAS_OK);
    return v;
}

static void known_values(void **state) {
    (void)state;
    static const struct {
        uint32_t n, m;
        double obj[16], ref[4], want;
    } cases[] = {
        {3, 1, {3, 1, 2}, {5}, 4},
        {1, 2, {1, 1}, {3, 4}, 6},
        {3, 2, {1, 3, 2, 2, 3, 1}, {4, 4}, 6},
        {4, 2, {1, 3, 2, 2, 3, 1, 3, 3}, {4, 4}, 6}, /* a dominated row */
        {4, 2, {1, 3, 2, 2, 3, 1, 2, 2}, {4, 4}, 6}, /* a row twice */
        {2, 2, {1, 4, 5, 0}, {4, 4}, 0},             /* on and beyond ref */
        {2, 2, {1, 3, NAN, 1}, {4, 4}, 3},           /* NaN adds nothing */
        {2, 3, {0, 0, 1, 1, 1, 0}, {2, 2, 2}, 5},
        {3, 3, {1, 2, 3, 2, 3, 1, 3, 1, 2}, {4, 4, 4}, 13},
        {2, 4, {0, 0, 0, 1, 1, 1, 1, 0}, {2, 2, 2, 2}, 9},
        {1, 4, {-0.0, 0, 0, 0}, {1, 2, 3, 4}, 24},
        {2, 2, {-INFINITY, 0, 1, 1}, {4, 4}, INFINITY},
        {0, 3, {0}, {1, 1, 1}, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        double v = volume_of(cases[i].obj, cases[i].n, cases[i].m, cases[i].ref);
        if (!(v == cases[i].want || fabs(v - cases[i].want) < tolerance))
            fail_msg("case %zu: %g instead of %g", i, v, cases[i].want);
    }
}

/* Volume of a union of boxes by inclusion and exclusion over all subsets. */
static double inclusion_exclusion(const double *obj, uint32_t n, uint32_t m, const double *ref) {
    double sum = 0;
    for (uint32_t set = 1; set < 1u << n; set++) {
        double box = -1;
        for (uint32_t i = 0; i < n; i++)
            box = set & 1u << i ? -box : box;
        for (uint32_t k = 0; k < m; k++) {
            double low = -INFINITY;
            for (uint32_t i = 0; i < n; i++)
                low = set & 1u << i ? fmax(low, obj[i * m + k]) : low;
            box *= fmax(0, ref[k] - low);
        }
        sum += box;
    }
    return sum;
}

static void equals_inclusion_exclusion(void **state) {
    (void)state;
    enum { N = 9, M = 6 };
    for (uint32_t round = 0; round < 60; round++) {
        nas_rng r = nas_rng_stream(round, "volume", 0);
        uint32_t m = 1 + round % M;
        double obj[N * M], ref[M];
        for (uint32_t i = 0; i < N * m; i++) /* every third set has many ties */
            obj[i] = round % 3 ? nas_rng_uniform(&r) : (double)nas_rng_below(&r, 4) / 4;
        for (uint32_t k = 0; k < m; k++)
            ref[k] = 0.95;
        double want = inclusion_exclusion(obj, N, m, ref);
        double got = volume_of(obj, N, m, ref);
        if (fabs(got - want) > tolerance)
            fail_msg("round %u, %u objectives: %.15g instead of %.15g", round, m, got, want);
    }
}

/* ZDT1's front is f2 = 1 - sqrt(f1): under ref (1,1) a dense front covers 1 - 1/3 of the square
 * less what the steps lose, which is below one step. */
static void zdt1_front(void **state) {
    (void)state;
    enum { N = 1000 };
    double obj[2 * N];
    const double ref[] = {1, 1};
    for (int i = 0; i < N; i++) {
        obj[2 * i] = (double)i / N;
        obj[2 * i + 1] = 1 - sqrt((double)i / N);
    }
    double v = volume_of(obj, N, 2, ref);
    assert_true(v < 2. / 3 && v > 2. / 3 - 1. / N);
}

/* DTLZ2's front is the unit sphere: under ref (1,1,1) a dense front covers 1 - pi/6 of the cube. A
 * fourth objective that is 0 everywhere multiplies by its ref only. */
static void dtlz2_front(void **state) {
    (void)state;
    enum { SIDE = 40, N = SIDE * SIDE };
    const double half_pi = acos(0), want = 1 - half_pi / 3;
    static double obj3[3 * N], obj4[4 * N];
    const double ref[] = {1, 1, 1, 2};
    for (int i = 0; i < N; i++) {
        double a = (i % SIDE + .5) / SIDE * half_pi, b = (double)(i / SIDE) / (SIDE - 1) * half_pi;
        double p[4] = {cos(a) * cos(b), cos(a) * sin(b), sin(a), 0};
        memcpy(obj3 + 3 * i, p, 3 * sizeof *p);
        memcpy(obj4 + 4 * i, p, sizeof p);
    }
    double v = volume_of(obj3, N, 3, ref);
    assert_true(v < want && v > want - 3. / SIDE);
    enum { FEW = 100 }; /* the first rows: what WFG makes of them must be what slices make */
    double v3 = volume_of(obj3, FEW, 3, ref), v4 = volume_of(obj4, FEW, 4, ref);
    assert_true(fabs(v4 - 2 * v3) < tolerance);
}

static void running_out_of_memory_is_reported(void **state) {
    (void)state;
    const double obj[] = {0, 0, 0, 1, 1, 1, 1, 0}, ref[] = {2, 2, 2, 2};
    double v = -1;
    nas_status st = NAS_E_MEMORY;
    for (uint64_t k = 1; st == NAS_E_MEMORY && k < 100; k++) {
        nas_alloc_fail_after(k);
        st = nas_hypervolume(&v, obj, 2, 4, ref);
        assert_true(st == NAS_OK || v == -1);
    }
    nas_alloc_fail_after(0);
    assert_int_equal(st, NAS_OK);
    assert_true(v == 9);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(known_values),
        cmocka_unit_test(equals_inclusion_exclusion),
        cmocka_unit_test(zdt1_front),
        cmocka_unit_test(dtlz2_front),
        cmocka_unit_test(running_out_of_memory_is_reported),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
