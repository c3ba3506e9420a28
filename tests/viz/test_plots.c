/* tests/viz/test_plots.c - Pareto plots, curves and bars: whole pictures for any numbers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <math.h>
#include <nas/viz.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "picture.h"

enum { BLUE = 0x0072B2, VERMILLION = 0xD55E00, ORANGE = 0xE69F00, GREEN = 0x009E73 };
static const char path[] = "viz_plot.png";

static const nas_plot_axis plain = {"Error", "%", 100, false, false},
                           logged = {"Latency", "ms", 1e3, true, false};

static picture draw_pareto(const nas_pareto_plot *p) {
    if (nas_draw_pareto(path, p) != NAS_OK)
        fail_msg("%s", nas_error_text());
    picture got = picture_read(path);
    assert_true(got.width >= 1200 && got.height >= 900);
    return got;
}

static const nas_pareto_point points[] = {
    {.001, .30, true, true, "small"}, {.002, .20, true, true, NULL},
    {.004, .10, true, true, "knee"},  {.003, .25, true, false, NULL},
    {.0015, .1, false, false, NULL},
};
static const nas_pareto_plot usual = {"Title",
                                      "40 trials",
                                      {"Latency", "ms", 1e3, true, false},
                                      {"Error", "%", 100, false, false},
                                      points,
                                      5,
                                      .01,
                                      .5,
                                      .8,
                                      .005,
                                      NAN};

static void pareto_shows_front_chosen_and_infeasible(void **state) {
    (void)state;
    picture p = draw_pareto(&usual);
    assert_true(picture_count(path, BLUE) > 500);
    assert_true(picture_count(path, ORANGE) > 50);
    assert_true(picture_count(path, VERMILLION) > 50);
    picture_free(&p);
    nas_pareto_plot fewer = usual;
    fewer.n = 2; /* nothing infeasible, and no constraint */
    fewer.limit_x = NAN;
    p = draw_pareto(&fewer);
    assert_int_equal(picture_count(path, VERMILLION), 0);
    picture_free(&p);
}

static void same_input_gives_the_same_bytes(void **state) {
    (void)state;
    picture a = draw_pareto(&usual), b = draw_pareto(&usual);
    assert_int_equal(a.n, b.n);
    assert_memory_equal(a.bytes, b.bytes, a.n);
    picture_free(&b);
    nas_pareto_plot other = usual;
    other.hypervolume = .9;
    b = draw_pareto(&other);
    assert_true(a.n != b.n || memcmp(a.bytes, b.bytes, a.n) != 0);
    picture_free(&a);
    picture_free(&b);
}

typedef struct odd_case {
    const char *name;
    uint32_t n;
    double x0, x1, y0, y1; /* values run from x0 to x1 */
} odd_case;

static const odd_case odd_cases[] = {
    {"no point", 0, 0, 0, 0, 0},
    {"one point", 1, 3, 3, 4, 4},
    {"one point at zero", 1, 0, 0, 0, 0},
    {"all equal", 20, 2, 2, 5, 5},
    {"equal in x", 20, 2, 2, 1, 5},
    {"nothing but NaN", 5, NAN, NAN, 1, 2},
    {"infinite", 5, 1, INFINITY, -INFINITY, 2},
    {"huge", 30, 1e-300, 1e300, -1e300, 1e300},
    {"largest", 10, -1.7e308, 1.7e308, 1, 2},
    {"tiny", 30, 1e-30, 2e-30, 1e-200, 3e-200},
    {"denormal", 30, 1e-310, 1e-309, 1, 2},
    {"narrow", 30, 1, 1 + 1e-13, 1e9, 1e9 + 1e-3},
    {"negative", 30, -5, -1, -1e-5, 1e-5},
    {"many decades", 60, 1e-12, 1e12, 1e-3, 1e3},
    {"many points", 500, 1e-3, 9e-2, .05, .3},
};

/* Spread evenly in the logarithm where both ends are positive. */
static double between(double a, double b, double t) {
    return a > 0 && b > 0 && isfinite(b) ? exp(log(a) + t * (log(b) - log(a))) : a + t * (b - a);
}

static void pareto_stands_any_numbers(void **state) {
    const odd_case *c = *state;
    nas_pareto_point *v = calloc(c->n + 1, sizeof *v);
    for (uint32_t i = 0; i < c->n; i++) {
        double t = c->n > 1 ? i / (double)(c->n - 1) : 0;
        v[i] = (nas_pareto_point){between(c->x0, c->x1, t), between(c->y1, c->y0, t), i % 5 != 4,
                                  i % 3 == 0, i % 50 == 0 ? "chosen" : NULL};
    }
    nas_pareto_plot p = {NULL, NULL, logged, plain, v, c->n, NAN, NAN, NAN, NAN, NAN};
    picture got = draw_pareto(&p);
    picture_free(&got);
    free(v);
}

static void references_and_limits_may_be_anywhere(void **state) {
    (void)state;
    nas_pareto_plot p = usual;
    p.ref_x = INFINITY;
    p.ref_y = -1;
    p.limit_x = 0;
    p.limit_y = 1e300;
    p.hypervolume = -1e300;
    picture got = draw_pareto(&p);
    picture_free(&got);
    p.ref_x = 1e-9; /* better than all points: nothing is shaded */
    got = draw_pareto(&p);
    picture_free(&got);
}

static void curves_stand_any_numbers(void **state) {
    const odd_case *c = *state;
    double *x = calloc(c->n + 1, sizeof *x), *y = calloc(c->n + 1, sizeof *y);
    for (uint32_t i = 0; i < c->n; i++) {
        double t = c->n > 1 ? i / (double)(c->n - 1) : 0;
        x[i] = between(c->x0, c->x1, t);
        y[i] = i % 7 == 3 ? NAN : between(c->y0, c->y1, t);
    }
    const nas_series series[] = {{"a", x, y, c->n, true, false}, {NULL, x, y, c->n, false, true}};
    const nas_curves p = {"Curves", NULL, logged, logged, series, 2};
    assert_int_equal(nas_draw_curves(path, &p), NAS_OK);
    picture got = picture_read(path);
    assert_true(got.width >= 1200 && got.height >= 900);
    picture_free(&got);
    free(x);
    free(y);
}

static void long_and_broken_texts_are_drawn(void **state) {
    (void)state;
    char longest[3000];
    memset(longest, 'm', sizeof longest);
    longest[sizeof longest - 1] = '\0';
    nas_pareto_point v[40];
    for (int i = 0; i < 40; i++)
        v[i] = (nas_pareto_point){1 + i * 1e-3, 1 - i * 1e-3, true, true,
                                  i % 2 == 0 ? longest : "bad \xff\xfe bytes\n\x01"};
    nas_pareto_plot p = {longest,
                         "\xe2\x82",
                         {longest, longest, 0, false, false},
                         {"\xed\xa0\x80", NULL, 0, false, false},
                         v,
                         40,
                         2,
                         2,
                         1,
                         NAN,
                         NAN};
    picture got = draw_pareto(&p);
    picture_free(&got);
    nas_series series[60];
    static const double at[] = {1, 2};
    for (int i = 0; i < 60; i++)
        series[i] = (nas_series){longest, at, at, 2, false, false};
    const nas_curves c = {NULL, longest, plain, plain, series, 60};
    assert_int_equal(nas_draw_curves(path, &c), NAS_OK);
    const nas_bar bar[] = {{longest, {1}, longest}, {"", {2}, "\xff"}};
    const nas_bars b = {"t", "s", longest, longest, 1, {longest}, 1, bar, 2, true};
    assert_int_equal(nas_draw_bars(path, &b), NAS_OK);
    got = picture_read(path);
    picture_free(&got);
}

static void curves_colour_named_series_only(void **state) {
    (void)state;
    static const double x[] = {1, 2, 3}, y[] = {3, 1, 2};
    nas_series s[] = {{"loss", x, y, 3, true, false},
                      {NULL, x, x, 3, false, true},
                      {"other", x, x, 3, false, false}};
    nas_curves p = {"Loss", NULL, plain, plain, s, 3};
    assert_int_equal(nas_draw_curves(path, &p), NAS_OK);
    assert_true(picture_count(path, BLUE) > 500 && picture_count(path, VERMILLION) > 300);
    s[0].name = s[2].name = NULL;
    assert_int_equal(nas_draw_curves(path, &p), NAS_OK);
    assert_int_equal(picture_count(path, BLUE), 0);
    p.n = 0;
    assert_int_equal(nas_draw_curves(path, &p), NAS_OK);
}

static void bars_are_as_long_as_their_values(void **state) {
    (void)state;
    nas_bar bar[] = {{"a", {1, 2}, "note"}, {"b", {1, NAN}, NULL}, {"c", {-4, INFINITY}, NULL}};
    nas_bars p = {"Bars", NULL, "Latency", "ms", 1, {NULL, NULL}, 2, bar, 3, true};
    assert_int_equal(nas_draw_bars(path, &p), NAS_OK);
    picture got = picture_read(path);
    assert_true(got.width >= 1200 && got.height >= 900);
    picture_free(&got);
    /* two ones in blue against one two in vermillion; edges blend, hence the tolerance */
    double blue = (double)picture_count(path, BLUE), red = (double)picture_count(path, VERMILLION);
    assert_true(blue > 1000 && fabs(blue / red - 1) < 0.05);
    p.n = 0;
    assert_int_equal(nas_draw_bars(path, &p), NAS_OK);
    p.n_parts = 5;
    assert_int_equal(nas_draw_bars(path, &p), NAS_E_ARG);
}

static void many_bars_make_a_long_picture(void **state) {
    (void)state;
    enum { MANY = 2000 };
    nas_bar *bar = calloc(MANY, sizeof *bar);
    for (int i = 0; i < MANY; i++)
        bar[i] = (nas_bar){"layer", {i, 1, 1, 1}, NULL};
    nas_bars p = {NULL, NULL, "Energy", "mJ", 1, {"a", "b", "c", "d"}, 4, bar, 300, false};
    assert_int_equal(nas_draw_bars(path, &p), NAS_OK);
    picture got = picture_read(path);
    assert_true(got.height > 9000 && got.height <= 16384);
    picture_free(&got);
    free(bar);
}

static void unwritable_path_is_an_error_and_leaves_no_file(void **state) {
    (void)state;
    static const char none[] = "no/such/folder/x.png";
    const nas_curves c = {NULL, NULL, plain, plain, NULL, 0};
    const nas_bars b = {.n_parts = 1, .scale = 1};
    assert_int_equal(nas_draw_pareto(none, &usual), NAS_E_IO);
    assert_non_null(strstr(nas_error_text(), none));
    assert_int_equal(nas_draw_curves(none, &c), NAS_E_IO);
    assert_int_equal(nas_draw_bars(none, &b), NAS_E_IO);
    assert_false(nas_file_exists(none));
    if (nas_file_exists("/dev/full"))
        assert_int_equal(nas_draw_pareto("/dev/full", &usual), NAS_E_IO);
}

static void short_memory_fails_cleanly(void **state) {
    (void)state;
    unlink(path);
    uint64_t k = 1;
    for (;; k++) {
        nas_alloc_fail_after(k);
        nas_status st = nas_draw_pareto(path, &usual);
        nas_alloc_fail_after(0);
        if (st == NAS_OK)
            break;
        assert_int_equal(st, NAS_E_MEMORY);
        assert_false(nas_file_exists(path));
        assert_true(k < 1000);
    }
    assert_true(k > 5);
    unlink(path);
}

int main(void) {
    enum { ODD = sizeof odd_cases / sizeof *odd_cases };
    const struct CMUnitTest fixed[] = {
        cmocka_unit_test(pareto_shows_front_chosen_and_infeasible),
        cmocka_unit_test(same_input_gives_the_same_bytes),
        cmocka_unit_test(references_and_limits_may_be_anywhere),
        cmocka_unit_test(long_and_broken_texts_are_drawn),
        cmocka_unit_test(curves_colour_named_series_only),
        cmocka_unit_test(bars_are_as_long_as_their_values),
        cmocka_unit_test(many_bars_make_a_long_picture),
        cmocka_unit_test(unwritable_path_is_an_error_and_leaves_no_file),
        cmocka_unit_test(short_memory_fails_cleanly),
    };
    enum { FIXED = sizeof fixed / sizeof *fixed };
    struct CMUnitTest tests[FIXED + 2 * ODD];
    memcpy(tests, fixed, sizeof fixed);
    for (size_t i = 0; i < ODD; i++) {
        void *c = (void *)&odd_cases[i];
        tests[FIXED + i] =
            (struct CMUnitTest){odd_cases[i].name, pareto_stands_any_numbers, NULL, NULL, c};
        tests[FIXED + ODD + i] =
            (struct CMUnitTest){odd_cases[i].name, curves_stand_any_numbers, NULL, NULL, c};
    }
    return _cmocka_run_group_tests("viz plots", tests, FIXED + 2 * ODD, NULL, NULL);
}
