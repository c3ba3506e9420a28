/* tests/runtime/test_device_spec.c - what names a device is read as it is meant, and said when it
 * is not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <runtime/device_spec.h>
#include <string.h>

typedef struct good_row {
    const char *text;
    device_spec want;
} good_row;
static const good_row good[] = {
    {"", {.name = "auto", .part = 1, .parts = 1}},
    {"0", {.name = "0", .part = 1, .parts = 1}},
    {"0.1/2", {.name = "0", .part = 1, .parts = 2}},
    {"cpu.4/4", {.name = "cpu", .part = 4, .parts = 4}},
    {"RTX 3060", {.name = "RTX 3060", .part = 1, .parts = 1}},
    {"v1.2", {.name = "v1.2", .part = 1, .parts = 1}},
    {"gfx90a:sramecc+:xnack-", {.name = "gfx90a:sramecc+:xnack-", .part = 1, .parts = 1}},
    {"0:binary=/a/b.aocx", {.name = "0", .part = 1, .parts = 1, .binary = "/a/b.aocx"}},
    {"0.2/3:as=gpu:binary=k.bin:hints=intel",
     {.name = "0", .part = 2, .parts = 3, .binary = "k.bin", .as = "gpu", .hints = "intel"}},
    {":as=accelerator", {.name = "auto", .part = 1, .parts = 1, .as = "accelerator"}},
};

static void specs_are_read_and_written(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        device_spec s, again;
        char text[1024];
        assert_int_equal(device_spec_read(&s, good[i].text), NAS_OK);
        assert_string_equal(s.name, good[i].want.name);
        assert_string_equal(s.binary, good[i].want.binary);
        assert_string_equal(s.as, good[i].want.as);
        assert_string_equal(s.hints, good[i].want.hints);
        assert_int_equal(s.part, good[i].want.part);
        assert_int_equal(s.parts, good[i].want.parts);
        assert_int_equal(device_spec_write(text, sizeof text, &s), NAS_OK);
        assert_int_equal(device_spec_read(&again, text), NAS_OK);
        assert_memory_equal(&again.part, &s.part, sizeof s.part);
        assert_string_equal(again.name, s.name);
        assert_string_equal(again.binary, s.binary);
    }
}

static void mistakes_are_named(void **state) {
    (void)state;
    static const char *const bad[][2] = {{"0.0/2", "parts"},
                                         {"0.3/2", "parts"},
                                         {"0.1/9999", "parts"},
                                         {"0:binary=", "no value"},
                                         {"0:as=tpu", "no such value"},
                                         {"0:hints=amd", "no such value"},
                                         {"0:sort=2", "no such option"}};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        device_spec s;
        assert_int_equal(device_spec_read(&s, bad[i][0]), NAS_E_ARG);
        assert_non_null(strstr(nas_error_text(), bad[i][1]));
        assert_non_null(strstr(nas_error_text(), bad[i][0]));
    }
}

static void a_text_that_does_not_fit_is_refused(void **state) {
    (void)state;
    device_spec s;
    char small[12];
    assert_int_equal(device_spec_read(&s, "0.1/2:binary=a-long-name.bin"), NAS_OK);
    assert_int_equal(device_spec_write(small, sizeof small, &s), NAS_E_ARG);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(specs_are_read_and_written),
                                       cmocka_unit_test(mistakes_are_named),
                                       cmocka_unit_test(a_text_that_does_not_fit_is_refused)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
