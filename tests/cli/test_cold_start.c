/* tests/cli/test_cold_start.c - a first run on a machine says that it compiles and when it is done;
 * a second one is silent; neither says it among data. ctest-labels: device */
#include "program.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <nas/runtime.h>

static const char begins[] = "compiling kernels for ", ends[] = "kernels compiled in ";

static bool any_opencl(void) {
    nas_device_info *info = NULL;
    uint32_t n = 0;
    bool any = nas_device_list(&info, &n) == NAS_OK && n > 0;
    nas_free(info);
    return any;
}

/* Caches of drivers and of clnas, of a machine that never ran it. */
static const char *new_machine(const char *name) {
    static char path[4096];
    const char *folder = program_folder(name);
    (void)snprintf(path, sizeof path, "%s/cache", folder);
    assert_int_equal(nas_dir_make(path), NAS_OK);
    assert_int_equal(setenv("POCL_CACHE_DIR", path, 1), 0);
    assert_int_equal(setenv("CLNAS_CACHE_DIR", path, 1), 0);
    return folder;
}

static void a_cold_start_says_so_and_a_warm_one_does_not(void **state) {
    (void)state;
    const char *const args[] = {"bench",   "net.yaml", "--work", "train",
                                "--batch", "2",        "--json", NULL};
    if (!any_opencl())
        skip();
    const char *folder = new_machine("cold-start");
    program_file(folder, "net.yaml",
                 "name: tiny\ninput: [8, 8, 4]\nclasses: 10\nnet:\n"
                 "  - conv: {out: 32, act: relu}\n  - conv: {out: 32}\n  - head: {pool: avg}\n");
    outcome cold = program_run(folder, args), warm = program_run(folder, args);
    if (cold.status || warm.status)
        print_error("%s%s", cold.err, warm.err);
    assert_int_equal(cold.status, 0);
    assert_int_equal(warm.status, 0);
    const char *first = strstr(cold.err, begins);
    assert_non_null(first);
    assert_non_null(strstr(first, ends));
    assert_null(strstr(cold.out, begins));
    assert_int_equal(cold.out[0], '{');
    assert_null(strstr(warm.err, begins));
    assert_null(strstr(warm.err, ends));
    program_free(&cold);
    program_free(&warm);
}

static void listed_launches_are_compiled_and_a_bad_list_is_refused(void **state) {
    (void)state;
    static const struct {
        const char *text;
        nas_status status;
    } rows[] = {{"", NAS_E_PARSE},
                {"auto\n0 0\n", NAS_E_PARSE},
                {"no-such-device\n0 1\n", NAS_E_NOT_FOUND},
                {"auto\n0 1\nelement.cl\n", NAS_E_PARSE},
                {"auto\n0 1\nx.cl x 1 1 1 999\n", NAS_E_PARSE},
                {"auto\n0 1\nx.cl x 1 1 1 2 n1\n", NAS_E_PARSE},
                {"auto\n0 1\nx.cl no-such-kernel 1 1 1 1 b4\n", NAS_OK},
                {"auto\n0 1\nbuild.cl built_with 1 1 1 1 b64\n", NAS_OK}};
    if (!any_opencl())
        skip();
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        FILE *f = tmpfile();
        assert_non_null(f);
        assert_true(fputs(rows[i].text, f) >= 0);
        rewind(f);
        assert_int_equal(nas_compile_listed(f), rows[i].status);
        assert_int_equal(fclose(f), 0);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_cold_start_says_so_and_a_warm_one_does_not),
        cmocka_unit_test(listed_launches_are_compiled_and_a_bad_list_is_refused),
    };
    return cmocka_run_group_tests_name("cold_start", tests, NULL, NULL);
}
