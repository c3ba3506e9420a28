/* tests/search/test_indicators.c - IGD+, epsilon and hypervolume against values known in closed
 * form: by hand, on ZDT1 to ZDT3 and on DTLZ2. */
#include <nas/search.h>

#include <math.h>
#include <setjmp.h>
#include <string.h>

#include <cmocka.h>

static const double rounding = 1e-12;

static void known_values(void **state) {
    (void)state;
    static const struct {
        uint32_t n, n_reference, m;
        double obj[8], reference[8], igd_plus, epsilon;
    } cases[] = {
        {1, 1, 2, {1, 1}, {1, 1}, 0, 0},
        {1, 1, 2, {4, 5}, {1, 1}, 5, 4},             /* 3-4-5 */
        {1, 1, 2, {0, 5}, {1, 1}, 4, 4},             /* what is better does not count */
        {1, 1, 2, {0, 0}, {1, 1}, 0, -1},            /* epsilon goes below 0 */
        {2, 1, 2, {4, 5, 1, 3}, {1, 1}, 2, 2},       /* the nearest row */
        {2, 2, 2, {0, 2, 2, 0}, {0, 1, 1, 0}, 1, 1}, /* mean and worst over the reference */
        {1, 2, 2, {0, 2}, {0, 1, 0, 2}, 0.5, 1},
        {2, 1, 2, {NAN, 0, 3, 3}, {1, 1}, 2.8284271247461903, 2},
        {1, 1, 3, {1, 2, 3}, {1, 1, 1}, 2.2360679774997898, 2},
        {0, 1, 2, {0}, {1, 1}, INFINITY, INFINITY},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        double igd = nas_igd_plus(cases[i].obj, cases[i].n, cases[i].reference,
                                  cases[i].n_reference, cases[i].m);
        double eps = nas_epsilon_additive(cases[i].obj, cases[i].n, cases[i].reference,
                                          cases[i].n_reference, cases[i].m);
        if (!(igd == cases[i].igd_plus || fabs(igd - cases[i].igd_plus) < rounding) ||
            !(eps == cases[i].epsilon || fabs(eps - cases[i].epsilon) < rounding))
            fail_msg("case %zu: IGD+ %.17g, epsilon %.17g", i, igd, eps);
    }
}

/* ---- fronts in closed form ---- */

typedef double (*front)(double f1);

static double zdt1(double f1) {
    return 1 - sqrt(f1);
}

static double zdt2(double f1) {
    return 1 - f1 * f1;
}

static double zdt3(double f1) {
    return 1 - sqrt(f1) - f1 * sin(10 * M_PI * f1);
}

/* Volume below ref (1, 1): the integral over f1 of 1 - the least f2 that any smaller f1 reaches. */
static double swept(front f, int steps) {
    double least = INFINITY, sum = 0;
    for (int i = 0; i < steps; i++) {
        least = fmin(least, f((i + 0.5) / steps));
        sum += fmax(0, 1 - least) / steps;
    }
    return sum;
}

/* A front of n points covers the exact volume but for what its steps lose, at most (range of f2) /
 * n. */
static void zdt_fronts_have_their_volume(void **state) {
    (void)state;
    enum { N = 4000 };
    static double obj[2 * N];
    static const struct {
        const char *name;
        front f;
        double exact; /* 0: by integration */
    } cases[] = {{"ZDT1", zdt1, 2.0 / 3}, {"ZDT2", zdt2, 1.0 / 3}, {"ZDT3", zdt3, 0}};
    const double ref[] = {1, 1};
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
        double want = cases[k].exact > 0 ? cases[k].exact : swept(cases[k].f, 4000000), v = 0;
        for (int i = 0; i < N; i++) {
            obj[2 * i] = (double)i / N;
            obj[2 * i + 1] = cases[k].f(obj[2 * i]);
        }
        assert_int_equal(nas_hypervolume(&v, obj, N, 2, ref), NAS_OK);
        if (fabs(v - want) > 2.0 / N)
            fail_msg("%s: %.6f instead of %.6f", cases[k].name, v, want);
        assert_true(nas_igd_plus(obj, N, obj, N, 2) == 0);
        assert_true(nas_epsilon_additive(obj, N, obj, N, 2) <= 0);
    }
}

/* DTLZ2's front is the part of the unit sphere with positive coordinates: below ref (1, 1, 1) it
 * leaves 1 - pi/6, an eighth of the ball being out of reach. */
static void dtlz2_front_has_its_volume(void **state) {
    (void)state;
    enum { SIDE = 60, N = SIDE * SIDE };
    static double obj[3 * N];
    for (int i = 0; i < SIDE; i++)
        for (int k = 0; k < SIDE; k++) {
            double a = M_PI / 2 * (i + 0.5) / SIDE, b = M_PI / 2 * (k + 0.5) / SIDE;
            double *o = obj + 3 * (i * SIDE + k);
            o[0] = cos(a) * cos(b);
            o[1] = cos(a) * sin(b);
            o[2] = sin(a);
        }
    const double ref[] = {1, 1, 1}, step = M_PI / 2 / SIDE;
    double v = 0;
    assert_int_equal(nas_hypervolume(&v, obj, N, 3, ref), NAS_OK);
    double lost = 1 - M_PI / 6 - v; /* steps lose at most one step for each unit of area, twice */
    if (lost < 0 || lost > 2 * step)
        fail_msg("%.6f instead of a little below %.6f", v, 1 - M_PI / 6);

    /* The plane front f1 + f2 + f3 = 1 lies below the sphere: its nearest loss is along the
     * diagonal, where the sphere is at 1/sqrt(3) and the plane at 1/3. */
    const double centre[] = {1 / 3.0, 1 / 3.0, 1 / 3.0};
    double eps = nas_epsilon_additive(obj, N, centre, 1, 3), want = 1 / sqrt(3) - 1 / 3.0;
    double igd = nas_igd_plus(obj, N, centre, 1, 3);
    assert_true(fabs(eps - want) < step);
    assert_true(fabs(igd - sqrt(3) * want) < step);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(known_values),
        cmocka_unit_test(zdt_fronts_have_their_volume),
        cmocka_unit_test(dtlz2_front_has_its_volume),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
