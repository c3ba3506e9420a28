/* tests/hwmodels/test_device_file.c - built-in device files open, broken ones are told in one line.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <nas/hw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void every_built_in_file_opens(void **state) {
    (void)state;
    const char *const *names = nas_hw_names();
    size_t n = 0;
    for (; names[n]; n++) {
        nas_hw *h = NULL;
        if (nas_hw_open(&h, names[n]) != NAS_OK)
            fail_msg("%s", nas_error_text());
        const nas_hw_info *f = nas_hw_info_of(h);
        assert_string_equal(f->name, names[n]);
        assert_string_equal(f->file, "built in");
        assert_true(f->peak_flops > 1e9 && f->bandwidth > 1e8 && f->cache_bytes > 0);
        bool processor = !strcmp(f->kind, "cpu") || !strcmp(f->kind, "gpu");
        assert_true(f->launch_s >= (processor ? 1e-7 : 0) && f->launch_s < 1e-3);
        assert_true(strlen(f->source) > 10 && strlen(f->title) > 0);
        if (n > 0)
            assert_true(strcmp(names[n - 1], names[n]) < 0);
        nas_hw_free(h);
    }
    assert_true(n >= 45);
}

static void unknown_name_gets_the_nearest(void **state) {
    (void)state;
    nas_hw *h = NULL;
    assert_int_equal(nas_hw_open(&h, "rasberry-pi-4"), NAS_E_NOT_FOUND);
    assert_non_null(strstr(nas_error_text(), "'raspberry-pi-4'"));
    assert_int_equal(nas_hw_open(&h, "raspberry-pi"), NAS_E_NOT_FOUND); /* a prefix is no name */
    assert_int_equal(nas_hw_open(&h, "/nowhere/x.yaml"), NAS_E_IO);
    assert_null(h);
    nas_hw_free(NULL);
}

/* A good file, in lines; a case replaces the line that begins with `key:` (NULL: adds a line). */
static const char *const good[] = {
    "name: t",
    "title: T",
    "kind: cpu",
    "source: made for this test",
    "peak_gflops: {value: 100, source: s}",
    "bandwidth_gb_s: {value: 10, source: s}",
    "cache_mib: {value: 1, source: s}",
    "cache_bandwidth_gb_s: {value: 40, source: s}",
    "launch_us: {value: 5, source: s}",
    "units_count: {value: 2, source: s}",
    "lanes_count: {value: 8, source: s}",
    "tile_rows_count: {value: 8, source: s}",
    "tile_columns_count: {value: 16, source: s}",
};

typedef struct change {
    const char *name, *key, *line; /* line "" removes it */
    const char *says;              /* NULL: still good */
} change;

static change changes[] = {
    {"good", NULL, "", NULL},
    {"power", NULL, "idle_w: {value: 1, source: s}\nmax_w: {value: 5, source: s}", NULL},
    {"missing_peak", "peak_gflops:", "", "'peak_gflops' (GFLOP/s) is missing"},
    {"missing_name", "name:", "", "'name' is missing"},
    {"missing_source", "launch_us:", "launch_us: {value: 5}", "'source' is missing"},
    {"no_map", "launch_us:", "launch_us: 5", "NUMBER in us"},
    {"no_value", "launch_us:", "launch_us: {source: s}", "no value in us"},
    {"no_number", "launch_us:", "launch_us: {value: fast, source: s}", "expected a number"},
    {"negative", "bandwidth_gb_s:", "bandwidth_gb_s: {value: -3, source: s}", "-3 GB/s is outside"},
    {"absurd", "peak_gflops:", "peak_gflops: {value: 2e12, source: s}",
     "2e+12 GFLOP/s is outside 0.01 ... 1e+06 GFLOP/s"},
    {"zero_lanes", "lanes_count:", "lanes_count: {value: 0, source: s}", "lanes_count: 0 lanes"},
    {"not_a_number", "cache_mib:", "cache_mib: {value: .nan, source: s}", "expected a number"},
    {"unknown_key", NULL, "bandwith_gb_s: {value: 1, source: s}",
     "unknown key 'bandwith_gb_s'; did you mean 'bandwidth_gb_s'?"},
    {"unknown_class", NULL, "efficiency: {source: s, convs: {compute: 1}}", "did you mean 'conv'"},
    {"efficiency_over_1", NULL, "efficiency: {source: s, conv: {compute: 35}}",
     "share of the peak"},
    {"efficiency_without_source", NULL, "efficiency: {conv: {compute: 0.5}}",
     "'source' is missing"},
    {"kind", "kind:", "kind: tpu", "neither cpu, gpu, fpga nor asic"},
    {"cache_slower_than_memory", "cache_bandwidth_gb_s:",
     "cache_bandwidth_gb_s: {value: 5, source: s}", "slower than the memory"},
    {"max_below_idle", NULL, "idle_w: {value: 9, source: s}\nmax_w: {value: 5, source: s}",
     "below idle_w"},
    {"idle_alone", NULL, "idle_w: {value: 9, source: s}", "energy takes"},
    {"flop_without_byte", NULL, "idle_w: {value: 9, source: s}\nflop_pj: {value: 1, source: s}",
     "energy takes"},
};

static void broken_file_is_told(void **state) {
    const change *c = *state;
    char path[] = "hw-XXXXXX.yaml";
    nas_text t = {0};
    nas_hw *h = NULL;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        if (!c->key || strncmp(good[i], c->key, strlen(c->key)) != 0)
            nas_text_add(&t, "%s\n", good[i]);
    nas_text_add(&t, "%s\n", c->line);
    int fd = mkstemps(path, 5);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, nas_text_str(&t), t.n), t.n);
    close(fd);
    nas_status st = nas_hw_open(&h, path);
    unlink(path);
    nas_text_free(&t);
    if (!c->says) {
        if (st != NAS_OK)
            fail_msg("%s", nas_error_text());
        assert_string_equal(nas_hw_info_of(h)->file, path);
        assert_true(nas_hw_info_of(h)->peak_flops == 100e9);
        assert_true(fabs(nas_hw_info_of(h)->launch_s - 5e-6) < 1e-18);
    } else {
        assert_int_equal(st, NAS_E_PARSE);
        assert_null(h);
        if (!strstr(nas_error_text(), c->says) || !strstr(nas_error_text(), path))
            fail_msg("\"%s\" does not say \"%s\"", nas_error_text(), c->says);
    }
    nas_hw_free(h);
}

int main(void) {
    enum { N = sizeof changes / sizeof *changes };
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_built_in_file_opens),
        cmocka_unit_test(unknown_name_gets_the_nearest),
    };
    struct CMUnitTest rows[N];
    for (size_t i = 0; i < N; i++)
        rows[i] =
            (struct CMUnitTest){changes[i].name, broken_file_is_told, NULL, NULL, &changes[i]};
    return cmocka_run_group_tests(tests, NULL, NULL) +
           _cmocka_run_group_tests("device files", rows, N, NULL, NULL);
}
