/* tests/cli/test_calibrate.c - devices learnt from a published table, whose file prices as was
 * promised. ctest-labels: device */
#include "program.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const char table[] = NAS_SOURCE_DIR "/../shared/data/nb201.csv.gz";

static bool absent(void) {
    FILE *f = fopen(table, "r");
    if (f)
        fclose(f);
    else
        print_message("skipped: %s is not here\n", table);
    return f == NULL;
}

static double number_of(const char *json, const char *key) {
    char what[64];
    snprintf(what, sizeof what, "\"%s\": ", key);
    const char *at = strstr(json, what);
    if (!at)
        fail_msg("no %s in %s", key, json);
    return atof(at + strlen(what));
}

static void ten_rows_beat_macs_and_write_a_device(void **state) {
    (void)state;
    if (absent())
        skip();
    const char *folder = program_folder("calibrate-table");
    outcome o = program_run(
        folder, (const char *[]){"calibrate", "--table", table, "--space", "nas-bench-201", "--key",
                                 "arch", "--latency", "latency_ms_fpga", "--on", "xilinx-zc706",
                                 "--samples", "10", "--out", "mine.yaml", "--json", NULL});
    if (o.status != 0)
        fail_msg("%s", o.err);
    assert_true(number_of(o.out, "spearman") > 0.985);
    assert_true(number_of(o.out, "flops_spearman") < 0.95);
    program_free(&o);
    assert_true(program_exists(folder, "mine.yaml"));
    o = program_run(folder, (const char *[]){"cost", NAS_SOURCE_DIR "/bench/nets/nb201.yaml",
                                             "--on", "./mine.yaml", "--json", NULL});
    assert_int_equal(o.status, 0);
    double t = number_of(o.out, "latency_s");
    assert_true(t > 1e-3 && t < 20e-3); /* the table has 0.9 to 16 ms */
    program_free(&o);
}

typedef struct bad_case {
    const char *args[16];
    int status;
    const char *says;
} bad_case;

static void wrong_use_gets_one_line(void **state) {
    (void)state;
    static const bad_case cases[] = {
        {{"calibrate"}, 2, "one of --device and --table"},
        {{"calibrate", "--device", "ref"}, 1, "times mean nothing"},
        {{"calibrate", "--device", "0", "--spaces", "nas-bench-20"}, 1, "nas-bench-201"},
        {{"calibrate", "--table", "t.csv", "--features", "a", "--latency", "b"}, 2, "--key"},
        {{"calibrate", "--table", "t.csv", "--features", "a", "--latency", "ms", "--key", "k",
          "--samples", "4"},
         1,
         "4 samples are too few"},
    };
    const char *folder = program_folder("calibrate-wrong");
    program_file(folder, "t.csv", "k,a,ms\na,1,2\nb,2,3\nc,3,4\nd,4,5\ne,5,6\nf,6,7\n");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        outcome o = program_run(folder, cases[i].args);
        assert_int_equal(o.status, cases[i].status);
        if (!strstr(o.err, cases[i].says))
            fail_msg("'%s' is not in '%s'", cases[i].says, o.err);
        program_free(&o);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(ten_rows_beat_macs_and_write_a_device),
                                       cmocka_unit_test(wrong_use_gets_one_line)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
