/* tests/runtime/test_binary.c - hints for FPGAs change no result, kernels go out as sources and as
 * a binary, and a network runs from a binary alone. ctest-labels: device */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>
#include <core/embedded.h>
#include <runtime/candidates.h>
#include <string.h>

static char folder[] = "/tmp/clnas-binary-XXXXXX";

static nas_device *open_device(const char *spec) {
    nas_device *d = NULL;
    if (nas_device_open(&d, spec) != NAS_OK)
        fail_msg("%s: %s", spec, nas_error_text());
    return d;
}

/* A convolution with all of its epilogue, then a product: both have single work-item kernels. */
static nas_graph *network(nas_value *x) {
    nas_graph *g = NULL;
    nas_value w, b, m, y;
    nas_attr image = {.leaf = {.shape = NAS_SHAPE(2, 7, 6, 5)}};
    nas_attr weight = {
        .leaf = {.shape = NAS_SHAPE(3, 3, 5, 19), .init = NAS_INIT_NORMAL, .scale = 0.2f}};
    nas_attr bias = {.leaf = {.shape = NAS_SHAPE(19), .init = NAS_INIT_NORMAL, .scale = 1}};
    nas_attr dense = {.leaf = {.shape = NAS_SHAPE(19, 11), .init = NAS_INIT_NORMAL, .scale = 0.2f}};
    nas_attr conv = {.conv = {.kernel = {3, 3},
                              .stride = {2, 1},
                              .dilation = {1, 1},
                              .pad = {1, 1, 1, 1},
                              .groups = 1,
                              .bias = 1,
                              .act = NAS_ACT_GELU}};
    assert_int_equal(nas_graph_create(&g), NAS_OK);
    assert_int_equal(nas_graph_leaf(x, g, NAS_OP_INPUT, "x", &image), NAS_OK);
    assert_int_equal(nas_graph_leaf(&w, g, NAS_OP_PARAM, "w", &weight), NAS_OK);
    assert_int_equal(nas_graph_leaf(&b, g, NAS_OP_PARAM, "b", &bias), NAS_OK);
    assert_int_equal(nas_graph_leaf(&m, g, NAS_OP_PARAM, "m", &dense), NAS_OK);
    assert_int_equal(nas_graph_add(&y, g, NAS_OP_CONV2D, (nas_value[]){*x, w, b}, 3, &conv),
                     NAS_OK);
    assert_int_equal(nas_matmul(&y, g, y, m, false, false), NAS_OK);
    nas_graph_set_output(g, y);
    return g;
}

enum { INPUT = 2 * 7 * 6 * 5, OUTPUT = 2 * 4 * 6 * 11 };

static void run_on(float *out, const char *spec, uint32_t *built) {
    nas_value x;
    nas_exec *e = NULL;
    float in[INPUT];
    uint32_t cached;
    nas_graph *g = network(&x);
    nas_value y = nas_graph_output(g);
    nas_device *d = open_device(spec);
    for (int i = 0; i < INPUT; i++)
        in[i] = (float)(i % 11 - 5) * 0.25f;
    if (nas_exec_create(&e, d, g, &y, 1, NULL, 0) != NAS_OK)
        fail_msg("%s: %s", spec, nas_error_text());
    assert_int_equal(nas_exec_init(e, 5), NAS_OK);
    assert_int_equal(nas_exec_write(e, x, in, INPUT), NAS_OK);
    assert_int_equal(nas_exec_run(e), NAS_OK);
    assert_int_equal(nas_exec_read(e, y, out, OUTPUT), NAS_OK);
    nas_device_builds(d, built, &cached);
    *built += cached;
    nas_exec_free(e);
    nas_graph_free(g);
    nas_device_close(d);
}

static void hints_change_no_bit(void **state) {
    (void)state;
    static const char *const specs[] = {"auto:as=accelerator:hints=intel",
                                        "auto:as=accelerator:hints=xilinx"};
    float plain[OUTPUT], hinted[OUTPUT];
    uint32_t built;
    run_on(plain, "auto:as=accelerator:hints=none", &built);
    for (size_t i = 0; i < sizeof specs / sizeof specs[0]; i++) {
        run_on(hinted, specs[i], &built);
        assert_memory_equal(hinted, plain, sizeof plain);
    }
}

static void every_kernel_file_builds_with_every_hint(void **state) {
    (void)state;
    static const char *const specs[] = {"auto:hints=none", "auto:hints=intel", "auto:hints=xilinx"};
    for (size_t i = 0; i < sizeof specs / sizeof specs[0]; i++) {
        nas_device *d = open_device(specs[i]);
        for (const nas_embedded *f = nas_embedded_kernels; f->name; f++) {
            cl_program p;
            size_t n = strlen(f->name);
            if (strcmp(f->name + n - 3, ".cl") ||
                (!d->subgroups && !strncmp(f->name, "subgroup", 8)))
                continue;
            nas_text t = {0};
            assert_int_equal(program_source(&t, f->name), NAS_OK);
            bool hinted = strstr(t.s, "SINGLE_TASK") != NULL;
            nas_text_free(&t);
            if ((i == 0 || hinted) && program_get(&p, d, f->name) != NAS_OK)
                fail_msg("%s", nas_error_text());
        }
        nas_device_close(d);
    }
}

static void a_network_runs_from_a_binary_alone(void **state) {
    (void)state;
    static const char *const as[] = {"auto", "auto:as=accelerator"};
    /* all files take a minute */
    static const char *const files[] = {"build.cl",       "conv.cl",      "matmul.cl", "reduce.cl",
                                        "fpga_matmul.cl", "fpga_conv.cl", NULL};
    float from_source[OUTPUT], from_binary[OUTPUT];
    char path[128], spec[256];
    uint32_t built;
    for (size_t i = 0; i < 2; i++) {
        (void)snprintf(path, sizeof path, "%s/kernels-%zu.bin", folder, i);
        (void)snprintf(spec, sizeof spec, "%s:binary=%s", as[i], path);
        run_on(from_source, as[i], &built);
        nas_device *d = open_device(as[i]);
        if (program_save_binary(d, path, files) != NAS_OK)
            fail_msg("%s", nas_error_text());
        nas_device_close(d);
        run_on(from_binary, spec, &built);
        assert_int_equal(built, 0);
        assert_memory_equal(from_binary, from_source, sizeof from_source);
        assert_int_equal(unlink(path), 0);
    }
}

static void a_file_that_is_no_binary_is_refused(void **state) {
    (void)state;
    char path[128], spec[256];
    nas_device *d = NULL;
    (void)snprintf(path, sizeof path, "%s/none.bin", folder);
    (void)snprintf(spec, sizeof spec, "auto:binary=%s", path);
    assert_int_not_equal(nas_device_open(&d, spec), NAS_OK);
    assert_non_null(strstr(nas_error_text(), "none.bin"));
    assert_int_equal(nas_file_write(path, "no program", 10), NAS_OK);
    assert_int_equal(nas_device_open(&d, spec), NAS_E_BUILD);
    assert_non_null(strstr(nas_error_text(), "none.bin"));
    assert_int_equal(unlink(path), 0);
}

static void sources_are_whole(void **state) {
    (void)state;
    static const char *const files[] = {"conv.cl", "fpga_matmul.cl", "options.txt"};
    nas_device *d = open_device("auto:hints=intel");
    char sub[128], path[256];
    (void)snprintf(sub, sizeof sub, "%s/sources", folder);
    assert_int_equal(nas_device_save_sources(d, sub), NAS_OK);
    nas_device_close(d);
    for (size_t i = 0; i < 3; i++) {
        char *text = NULL;
        size_t n = 0;
        (void)snprintf(path, sizeof path, "%s/%s", sub, files[i]);
        assert_int_equal(nas_file_read(&text, &n, path, 0), NAS_OK);
        assert_null(strstr(text, "#include"));
        assert_non_null(strstr(text, i == 2 ? "fpga_matmul.cl -cl-std=CL1.2" : "__kernel"));
        assert_true(i != 2 || strstr(text, "-DHINTS_INTEL"));
        nas_free(text);
    }
    (void)snprintf(path, sizeof path, "rm -r '%s'", sub);
    assert_int_equal(system(path), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hints_change_no_bit),
        cmocka_unit_test(every_kernel_file_builds_with_every_hint),
        cmocka_unit_test(a_network_runs_from_a_binary_alone),
        cmocka_unit_test(a_file_that_is_no_binary_is_refused),
        cmocka_unit_test(sources_are_whole),
    };
    nas_device *d = NULL;
    if (!mkdtemp(folder))
        return 1;
    if (nas_device_open(&d, "auto") != NAS_OK) {
        print_message("skipped: %s\n", nas_error_text());
        return 0;
    }
    nas_device_close(d);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    (void)rmdir(folder);
    return failed;
}
