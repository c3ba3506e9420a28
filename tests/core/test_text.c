/* tests/core/test_text.c - error lines, growable text, JSON forms, nearest names, memory, log. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <math.h>
#include <nas/core.h>
#include <stdlib.h>
#include <string.h>

static void failure_is_one_line_with_values(void **state) {
    (void)state;
    assert_int_equal(nas_fail(NAS_E_SHAPE, "matmul: inner sizes %d and %d\ndiffer", 4, 5),
                     NAS_E_SHAPE);
    assert_string_equal(nas_error_text(), "matmul: inner sizes 4 and 5 differ");
    assert_non_null(strstr(nas_error_where(), "test_text.c:"));
    assert_null(strchr(nas_error_where(), '/'));
}

static void prefix_goes_before_the_old_line(void **state) {
    (void)state;
    assert_int_equal(nas_fail(NAS_E_IO, "disk full"), NAS_E_IO);
    assert_int_equal(nas_fail_prefix(NAS_E_IO, "trial %d", 7), NAS_E_IO);
    assert_string_equal(nas_error_text(), "trial 7: disk full");
    /* the old text may itself be an argument */
    assert_int_equal(nas_fail(NAS_E_STORE, "again: %s", nas_error_text()), NAS_E_STORE);
    assert_string_equal(nas_error_text(), "again: trial 7: disk full");
}

static void overlong_failure_is_cut_at_a_character(void **state) {
    (void)state;
    char text[2048];
    for (int shift = 0; shift < 3; shift++) {
        memset(text, 'x', (size_t)shift);
        for (size_t i = (size_t)shift; i + 3 < sizeof text; i += 3)
            memcpy(text + i, "\xe2\x80\xa6", 4);
        assert_int_equal(nas_fail(NAS_E_ARG, "%s", text), NAS_E_ARG);
        size_t n = strlen(nas_error_text());
        assert_true(n > 1000 && n < sizeof text);
        assert_int_equal((n - (size_t)shift) % 3, 0);
        assert_int_equal(nas_fail_prefix(NAS_E_ARG, "p"), NAS_E_ARG);
        n = strlen(nas_error_text());
        assert_int_equal((n - (size_t)shift - 3) % 3, 0);
    }
}

static void every_status_has_a_text(void **state) {
    (void)state;
    for (int s = 0; s < NAS_STATUS_COUNT; s++)
        assert_true(strlen(nas_status_text((nas_status)s)) > 2);
    assert_string_equal(nas_status_text((nas_status)9999), "unknown status");
}

static void json_strings_escape_what_json_forbids(void **state) {
    (void)state;
    static const struct {
        const char *in, *out;
    } cases[] = {
        {"", "\"\""},
        {"a\"b\\c", "\"a\\\"b\\\\c\""},
        {"\n\t\r\b\f\x01", "\"\\n\\t\\r\\b\\f\\u0001\""},
        {"\xc3\xa9\xf0\x9f\x98\x80", "\"\xc3\xa9\xf0\x9f\x98\x80\""},
        {"a\xff"
         "b",
         "\"a\\ufffdb\""},
        {"\xc0\xaf", "\"\\ufffd\\ufffd\""},            /* too long a form */
        {"\xed\xa0\x80", "\"\\ufffd\\ufffd\\ufffd\""}, /* a surrogate */
        {"\xe2\x80", "\"\\ufffd\\ufffd\""},            /* cut short */
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        nas_text t = {0};
        nas_text_json(&t, cases[i].in);
        assert_string_equal(nas_text_str(&t), cases[i].out);
        nas_text_free(&t);
    }
}

static void numbers_that_are_kept_are_shortest_and_read_back(void **state) {
    (void)state;
    static const struct {
        double in;
        const char *out;
    } cases[] = {
        {0, "0"},           {0.1, "0.1"},         {1.0 / 3, "0.3333333333333333"},
        {1e21, "1e+21"},    {-2.5, "-2.5"},       {NAN, "null"},
        {5e-324, "5e-324"}, {INFINITY, "null"},   {123456789, "123456789"},
        {20, "2e+01"},      {414000, "4.14e+05"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        nas_text t = {0};
        nas_text_shortest(&t, cases[i].in);
        assert_string_equal(nas_text_str(&t), cases[i].out);
        if (isfinite(cases[i].in))
            assert_true(strtod(t.s, NULL) == cases[i].in);
        nas_text_free(&t);
    }
}

static void whole_json_numbers_are_integers_to_every_reader(void **state) {
    (void)state;
    static const struct {
        double in;
        const char *out;
    } cases[] = {
        {0, "0"},
        {20, "20"},
        {414000, "414000"},
        {-20764800, "-20764800"},
        {999999999999999, "999999999999999"},
        {1e15, "1e+15"}, /* a number, but no count any more */
        {0.5, "0.5"},
        {1e-7, "1e-07"},
        {NAN, "null"},
        {-INFINITY, "null"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        nas_text t = {0};
        nas_text_json_number(&t, cases[i].in);
        assert_string_equal(nas_text_str(&t), cases[i].out);
        nas_text_free(&t);
    }
}

static void text_survives_running_out_of_memory(void **state) {
    (void)state;
    nas_text t = {0};
    nas_text_add(&t, "%s", "kept");
    nas_alloc_fail_after(1);
    for (int i = 0; i < 100; i++)
        nas_text_add(&t, "more and more");
    nas_alloc_fail_after(0);
    assert_true(t.failed);
    assert_int_equal(nas_text_check(&t), NAS_E_MEMORY);
    assert_string_equal(nas_text_str(&t), "kept");
    nas_text_free(&t);
    nas_text_add(&t, "usable");
    assert_int_equal(nas_text_check(&t), NAS_OK);
    assert_string_equal(nas_text_str(&t), "usable");
    nas_text_free(&t);
    assert_string_equal(nas_text_str(&t), "");
}

static void grow_keeps_values_and_leaves_all_on_failure(void **state) {
    (void)state;
    int *v = NULL;
    size_t cap = 0;
    for (int i = 0; i < 1000; i++) {
        assert_int_equal(nas_grow(&v, &cap, (size_t)i + 1, sizeof *v), NAS_OK);
        v[i] = i;
    }
    for (int i = 0; i < 1000; i++)
        assert_int_equal(v[i], i);
    int *before = v;
    size_t cap_before = cap;
    nas_alloc_fail_after(1);
    assert_int_equal(nas_grow(&v, &cap, cap + 1, sizeof *v), NAS_E_MEMORY);
    assert_int_equal(nas_grow(&v, &cap, SIZE_MAX / 2, sizeof *v), NAS_E_MEMORY);
    assert_ptr_equal(v, before);
    assert_int_equal(cap, cap_before);
    nas_free(v);
}

static void alloc_hook_fails_the_kth_and_only_it(void **state) {
    (void)state;
    nas_alloc_fail_after(2);
    void *a = nas_malloc(1), *b = nas_calloc(1, 1), *c = nas_malloc(0);
    assert_non_null(a);
    assert_null(b);
    assert_non_null(c);
    nas_free(a);
    nas_free(c);
    nas_free(NULL);
}

static void nearest_finds_slips_and_refuses_strangers(void **state) {
    (void)state;
    static const char *const known[] = {"latency", "energy", "memory", "params", "macs", "ga"};
    static const struct {
        const char *name, *want;
    } cases[] = {
        {"latncy", "latency"}, {"LATENCY", "latency"}, {"enregy", "energy"}, {"parms", "params"},
        {"mac", "macs"},       {"gi", "ga"},           {"accuracy", NULL},   {"", NULL},
        {"zzzzzz", NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *got = nas_nearest(cases[i].name, known, sizeof known / sizeof *known);
        if (cases[i].want == NULL)
            assert_null(got);
        else
            assert_string_equal(got, cases[i].want);
    }
    char giant[500];
    memset(giant, 'a', sizeof giant);
    giant[sizeof giant - 1] = '\0';
    const char *list[] = {giant};
    assert_null(nas_nearest("aaa", list, 1));
    assert_null(nas_nearest(giant, list, 1));
}

static void keep_line(void *ctx, nas_log_level level, const char *line) {
    snprintf(ctx, 64, "%d:%s", (int)level, line);
}

static void log_drops_what_is_more_talkative(void **state) {
    (void)state;
    char got[64] = "";
    nas_log_set(NAS_LOG_WARN, keep_line, got);
    nas_log(NAS_LOG_DEBUG, "no");
    assert_string_equal(got, "");
    nas_log(NAS_LOG_WARN, "x %d", 3);
    assert_string_equal(got, "1:x 3");
    nas_log_set(NAS_LOG_WARN, NULL, NULL);
    double a = nas_clock(), b = nas_clock();
    assert_true(b >= a);
}

static void floats_are_shortest_and_read_back(void **state) {
    (void)state;
    static const struct {
        float v;
        const char *text;
    } cases[] = {{0.1f, "0.1"},
                 {1, "1"},
                 {-0.25f, "-0.25"},
                 {1e-5f, "1e-05"},
                 {16777216, "16777216"},
                 {3.4028235e38f, "3.4028235e+38"},
                 {1.1754944e-38f, "1.1754944e-38"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        nas_text t = {0};
        double back;
        nas_text_float(&t, cases[i].v);
        assert_string_equal(nas_text_str(&t), cases[i].text);
        assert_true(nas_number_read(&back, nas_text_str(&t)) && (float)back == cases[i].v);
        nas_text_free(&t);
    }
}

static void quantiles_lie_between_the_nearest_values(void **state) {
    (void)state;
    double v[] = {4, 1, 3, 2};
    qsort(v, 4, sizeof *v, nas_by_value);
    assert_true(nas_quantile(v, 4, 0) == 1 && nas_quantile(v, 4, 1) == 4);
    assert_true(nas_quantile(v, 4, 0.5) == 2.5 && nas_quantile(v, 4, 0.25) == 1.75);
    assert_true(nas_quantile(v, 1, 0.75) == 1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(failure_is_one_line_with_values),
        cmocka_unit_test(prefix_goes_before_the_old_line),
        cmocka_unit_test(overlong_failure_is_cut_at_a_character),
        cmocka_unit_test(every_status_has_a_text),
        cmocka_unit_test(json_strings_escape_what_json_forbids),
        cmocka_unit_test(numbers_that_are_kept_are_shortest_and_read_back),
        cmocka_unit_test(whole_json_numbers_are_integers_to_every_reader),
        cmocka_unit_test(text_survives_running_out_of_memory),
        cmocka_unit_test(grow_keeps_values_and_leaves_all_on_failure),
        cmocka_unit_test(alloc_hook_fails_the_kth_and_only_it),
        cmocka_unit_test(nearest_finds_slips_and_refuses_strangers),
        cmocka_unit_test(floats_are_shortest_and_read_back),
        cmocka_unit_test(quantiles_lie_between_the_nearest_values),
        cmocka_unit_test(log_drops_what_is_more_talkative),
    };
    return cmocka_run_group_tests_name("core text", tests, NULL, NULL);
}
