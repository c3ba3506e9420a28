/* tests/runtime/test_program_cache.c - the disk cache of programs: a second start builds nothing, a
 * new network builds nothing, a spoilt file or an unusable folder only costs a build. ctest-labels:
 * device */
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>
#include <runtime/exec.h>
#include <string.h>

static char folder[] = "/tmp/clnas-cache-XXXXXX";

static bool driver_keeps; /* as the device says; false: whatever it says */

/* y = relu(x) + x of n elements on a device of its own; returns what it built. */
static void run_relu(int32_t n, uint32_t *built, uint32_t *cached) {
    nas_device *d = NULL;
    nas_graph *g = NULL;
    nas_exec *e = NULL;
    nas_value x, y;
    nas_attr a = {.leaf = {.shape = NAS_SHAPE(n)}};
    assert_int_equal(nas_device_open(&d, "auto"), NAS_OK);
    d->keeps_kernels = d->keeps_kernels && driver_keeps;
    assert_int_equal(nas_graph_create(&g), NAS_OK);
    assert_int_equal(nas_graph_leaf(&x, g, NAS_OP_INPUT, "x", &a), NAS_OK);
    assert_int_equal(nas_activation(&y, g, x, NAS_ACT_RELU), NAS_OK);
    assert_int_equal(nas_add(&y, g, y, x), NAS_OK);
    assert_int_equal(nas_exec_create(&e, d, g, &y, 1, NULL, 0), NAS_OK);
    float *v = nas_calloc((size_t)n, sizeof *v);
    assert_non_null(v);
    for (int32_t i = 0; i < n; i++)
        v[i] = (float)(i % 5 - 2);
    assert_int_equal(nas_exec_write(e, x, v, (size_t)n), NAS_OK);
    assert_int_equal(nas_exec_run(e), NAS_OK);
    assert_int_equal(nas_exec_read(e, y, v, (size_t)n), NAS_OK);
    for (int32_t i = 0; i < n; i++) {
        int32_t w = i % 5 - 2;
        assert_true(v[i] == (float)(w > 0 ? 2 * w : w));
    }
    nas_device_builds(d, built, cached);
    nas_free(v);
    nas_exec_free(e);
    nas_graph_free(g);
    nas_device_close(d);
}

/* Calls each on every cache file; returns how many there are. */
static uint32_t each_file(void (*each)(const char *path)) {
    uint32_t n = 0;
    DIR *dir = opendir(folder);
    assert_non_null(dir);
    for (struct dirent *f; (f = readdir(dir)) != NULL;) {
        char path[512];
        if (f->d_name[0] == '.')
            continue;
        (void)snprintf(path, sizeof path, "%s/%.200s", folder, f->d_name);
        if (each)
            each(path);
        n++;
    }
    closedir(dir);
    return n;
}

static void spoil_middle(const char *path) {
    char *bytes = NULL;
    size_t n = 0;
    assert_int_equal(nas_file_read(&bytes, &n, path, 0), NAS_OK);
    bytes[n / 2] ^= 0x5A;
    assert_int_equal(nas_file_write(path, bytes, n), NAS_OK);
    nas_free(bytes);
}
static void cut_short(const char *path) {
    char *bytes = NULL;
    size_t n = 0;
    assert_int_equal(nas_file_read(&bytes, &n, path, 0), NAS_OK);
    assert_int_equal(nas_file_write(path, bytes, n / 3), NAS_OK);
    nas_free(bytes);
}
static void empty_it(const char *path) {
    assert_int_equal(nas_file_write(path, "", 0), NAS_OK);
}
static void remove_it(const char *path) {
    assert_int_equal(unlink(path), 0);
}

static void second_start_builds_nothing(void **state) {
    (void)state;
    uint32_t built, cached;
    each_file(remove_it);
    run_relu(1000, &built, &cached);
    assert_int_equal(built, 1);
    assert_int_equal(cached, 0);
    assert_int_equal(each_file(NULL), 1);
    run_relu(1000, &built, &cached);
    assert_int_equal(built, 0);
    assert_int_equal(cached, 1);
}

static void pocl_is_not_asked_for_binaries(void **state) {
    (void)state;
    uint32_t built, cached;
    nas_device *d = NULL;
    assert_int_equal(nas_device_open(&d, "auto"), NAS_OK);
    bool pocl = !strcmp(nas_device_info_of(d)->platform, "Portable Computing Language");
    assert_int_equal(d->keeps_kernels, pocl);
    nas_device_close(d);
    each_file(remove_it);
    driver_keeps = true;
    run_relu(1000, &built, &cached);
    driver_keeps = false;
    assert_int_equal(each_file(NULL), pocl ? 0 : 1);
}

static void new_network_compiles_nothing(void **state) {
    (void)state;
    static const int32_t sizes[] = {1, 7, 64, 1025, 70000};
    uint32_t built, cached;
    run_relu(33, &built, &cached);
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        run_relu(sizes[i], &built, &cached);
        assert_int_equal(built, 0);
    }
}

static void spoilt_files_only_cost_a_build(void **state) {
    (void)state;
    static void (*const harm[])(const char *path) = {spoil_middle, cut_short, empty_it};
    uint32_t built, cached;
    for (size_t i = 0; i < sizeof harm / sizeof harm[0]; i++) {
        run_relu(100, &built, &cached);
        assert_true(each_file(harm[i]) > 0);
        run_relu(100, &built, &cached);
        assert_int_equal(built, 1);
        run_relu(100, &built, &cached); /* and the file is whole again */
        assert_int_equal(built, 0);
    }
}

static void a_folder_that_cannot_be_made_only_costs_builds(void **state) {
    (void)state;
    uint32_t built, cached;
    assert_int_equal(setenv("CLNAS_CACHE_DIR", "/dev/null/no", 1), 0);
    run_relu(100, &built, &cached);
    assert_int_equal(built, 1);
    assert_int_equal(setenv("CLNAS_CACHE_DIR", folder, 1), 0);
}

static void every_kernel_file_builds(void **state) {
    (void)state;
    nas_device *d = NULL;
    assert_int_equal(nas_device_open(&d, "auto"), NAS_OK);
    for (int op = 0; op < NAS_OP_COUNT; op++)
        assert_true(rows_get((nas_op)op) || nas_op_get((nas_op)op)->flags);
    cl_program p;
    static const char *const files[] = {"grouped.cl", "strided.cl", "loss.cl", "reduce.cl"};
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++)
        assert_int_equal(program_get(&p, d, files[i]), NAS_OK);
    assert_int_equal(program_get(&p, d, "none.cl"), NAS_E_NOT_FOUND);
    nas_device_close(d);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(second_start_builds_nothing),
        cmocka_unit_test(pocl_is_not_asked_for_binaries),
        cmocka_unit_test(new_network_compiles_nothing),
        cmocka_unit_test(spoilt_files_only_cost_a_build),
        cmocka_unit_test(a_folder_that_cannot_be_made_only_costs_builds),
        cmocka_unit_test(every_kernel_file_builds),
    };
    nas_device *d = NULL;
    if (!mkdtemp(folder) || setenv("CLNAS_CACHE_DIR", folder, 1))
        return 1;
    if (nas_device_open(&d, "auto") != NAS_OK) {
        print_message("skipped: %s\n", nas_error_text());
        return 0;
    }
    nas_device_close(d);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    each_file(remove_it);
    (void)rmdir(folder);
    return failed;
}
