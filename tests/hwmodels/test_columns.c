/* tests/hwmodels/test_columns.c - latencies learnt from columns of numbers: laws of products,
 * steps, rows that were measured wrongly, and too little to learn from. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <nas/core.h>
#include <nas/hw.h>
#include <string.h>

enum { ROWS = 400, TAUGHT = 200, COLUMNS = 4 };

typedef double law(const double *x);

static double products(const double *x) {
    return 2 + x[0] * x[1] + 0.5 * x[2];
}

static double steps(const double *x) { /* as where a working set leaves the cache */
    return 2 + x[0] + (x[1] > 3 ? 4 : 0) + (x[2] > 2 ? 2 : 0);
}

/* Mean relative error on the rows that do not teach. Every `wrong`th row took three times as long.
 */
static double error_of(law *f, uint32_t wrong) {
    static double x[ROWS * COLUMNS], y[ROWS], p[ROWS];
    nas_rng r = nas_rng_stream(1, "columns", 0);
    double sum = 0;
    for (uint32_t i = 0; i < ROWS; i++) {
        for (int k = 0; k < COLUMNS; k++)
            x[i * COLUMNS + k] = 1 + 4 * nas_rng_uniform(&r);
        y[i] = f(x + i * COLUMNS) * (wrong && i < TAUGHT && i % wrong == 0 ? 3 : 1);
    }
    assert_int_equal(nas_columns_fit(p, x, y, ROWS, COLUMNS, TAUGHT), NAS_OK);
    for (uint32_t i = TAUGHT; i < ROWS; i++)
        sum += fabs(p[i] / y[i] - 1);
    return sum / (ROWS - TAUGHT);
}

static void products_are_found(void **state) {
    (void)state;
    assert_true(error_of(products, 0) < 0.001);
}

static void steps_are_found(void **state) {
    (void)state;
    assert_true(error_of(steps, 0) < 0.04); /* products alone leave 0.09 */
}

static void rows_measured_wrongly_weigh_little(void **state) {
    (void)state;
    assert_true(error_of(products, 12) < 0.01); /* least squares leave 0.10 */
}

static void expect(const char *part, double *y, uint32_t d, uint32_t taught) {
    static double x[ROWS * COLUMNS], p[ROWS];
    assert_int_not_equal(nas_columns_fit(p, x, y, ROWS, d, taught), NAS_OK);
    if (!strstr(nas_error_text(), part))
        fail_msg("'%s' is not in '%s'", part, nas_error_text());
}

static void too_little_and_nonsense_are_told(void **state) {
    static double y[ROWS];
    (void)state;
    for (int i = 0; i < ROWS; i++)
        y[i] = 1;
    expect("19 samples are too few", y, COLUMNS, 19);
    expect("33 columns", y, 33, TAUGHT);
    y[7] = -1;
    expect("sample 7 was measured as -1 s", y, COLUMNS, TAUGHT);
    y[7] = (double)NAN;
    expect("sample 7", y, COLUMNS, TAUGHT);
}

/* A column that never changes, as HAT's count of encoder layers, divides by nothing. */
static void constant_column_and_equal_rows_are_no_trouble(void **state) {
    static double x[ROWS * COLUMNS], y[ROWS], p[ROWS];
    (void)state;
    for (int i = 0; i < ROWS * COLUMNS; i++)
        x[i] = 6;
    for (int i = 0; i < ROWS; i++)
        y[i] = 0.25;
    assert_int_equal(nas_columns_fit(p, x, y, ROWS, COLUMNS, TAUGHT), NAS_OK);
    for (int i = 0; i < ROWS; i++)
        assert_true(fabs(p[i] - 0.25) < 1e-6);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(products_are_found), cmocka_unit_test(steps_are_found),
        cmocka_unit_test(rows_measured_wrongly_weigh_little),
        cmocka_unit_test(too_little_and_nonsense_are_told),
        cmocka_unit_test(constant_column_and_equal_rows_are_no_trouble)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
