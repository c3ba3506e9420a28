/* tests/cli/test_prices.c - a study on several devices at once, one of which is too small.
 * ctest-labels: device */
#include "program.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define STUDY(fpga)                                                                                \
    "space: fashion-vit\ndata: {path: ., validation: 50}\n"                                        \
    "objectives: [error, latency@raspberry-pi-4, energy@nvidia-a100-40, memory@edge-tpu, "         \
    "dsp@" fpga "]\nconstraints:\n  - lut@xilinx-zcu102: {max: 200000}\n"                          \
    "train: {epochs: 1, batch: 32}\nbudget: {trials: 2}\nretrain: {models: 0}\n"

static const char tiny[] =
    "name: tiny\ntitle: T\nkind: fpga\nmodel: loop-tiled\nsource: made for this test\n"
    "bandwidth_gb_s: {value: 2, source: s}\nclock_mhz: {value: 100, source: s}\n"
    "bits_count: {value: 16, source: s}\ndsp_count: {value: 2, source: s}\n"
    "bram18_count: {value: 3, source: s}\nlut_count: {value: 9000, source: s}\n";

static void prices_of_many_devices_are_objectives(void **state) {
    (void)state;
    const char *folder = program_folder("prices");
    program_data(folder, 150, 20);
    program_file(folder, "study.yaml", STUDY("xilinx-zcu102"));
    outcome o = program_run(folder, (const char *[]){"search", "study.yaml", "--out", "run", NULL});
    if (o.status != 0)
        fail_msg("%s", o.err);
    program_free(&o);
    o = program_run(folder, (const char *[]){"front", "run", "--json", NULL});
    assert_int_equal(o.status, 0);
    assert_non_null(strstr(o.out, "\"dsp@xilinx-zcu102\": "));
    assert_non_null(strstr(o.out, "\"energy@nvidia-a100-40\": 0.0"));
    program_free(&o);
}

static void network_that_does_not_fit_fails_its_trial_alone(void **state) {
    (void)state;
    const char *folder = program_folder("prices-tiny");
    program_data(folder, 150, 20);
    program_file(folder, "tiny.yaml", tiny);
    program_file(folder, "study.yaml", STUDY("./tiny.yaml"));
    outcome o = program_run(folder, (const char *[]){"search", "study.yaml", "--out", "run", NULL});
    program_free(&o);
    o = program_run(folder, (const char *[]){"status", "run", NULL});
    assert_non_null(strstr(o.out, "2 failed"));
    assert_non_null(strstr(o.out, "tiny: the smallest engine needs"));
    program_free(&o);
}

/* There are no images that it could train on, neither for trials nor at the end. */
static void nothing_is_trained_that_no_objective_needs(const char *name, const char *settings) {
    const char *folder = program_folder(name);
    program_file(folder, "study.yaml", settings);
    outcome o = program_run(folder, (const char *[]){"search", "study.yaml", "--out", "run", NULL});
    if (o.status != 0)
        fail_msg("%s", o.err);
    assert_non_null(strstr(o.err, "priced, not trained"));
    program_free(&o);
    o = program_run(folder, (const char *[]){"status", "run", "--json", NULL});
    assert_non_null(strstr(o.out, "\"complete\": 4"));
    program_free(&o);
    o = program_run(folder, (const char *[]){"search", "run/study.yaml", "--out", "again", NULL});
    if (o.status != 0)
        fail_msg("%s", o.err);
    program_free(&o);
}

static void study_of_prices_alone_trains_nothing(void **state) {
    (void)state;
    nothing_is_trained_that_no_objective_needs(
        "prices-alone", "space: fashion-vit\nobjectives: [latency@raspberry-pi-4, params]\n"
                        "constraints:\n  - dsp@xilinx-zcu102: {max: 2500}\n"
                        "strategy: {name: random}\nbudget: {trials: 4}\n");
}

/* The study lies in a folder below, its device beside it; it is run from above, and its record from
 * anywhere. */
static void device_file_starts_at_the_studys_folder(void **state) {
    (void)state;
    const char *folder = program_folder("prices-paths");
    char command[4400];
    snprintf(command, sizeof command, "mkdir '%s/below'", folder);
    assert_int_equal(system(command), 0);
    program_file(folder, "below/tiny.yaml", tiny);
    program_file(folder, "below/study.yaml",
                 "space: fashion-vit\nobjectives: [latency@./tiny.yaml, params]\n"
                 "constraints:\n  - energy@tiny.yaml:bits8: {max: 1e9}\n"
                 "price_on: [tiny.yaml]\nbudget: {trials: 1}\n");
    const char *const runs[][5] = {{"search", "below/study.yaml", "--out", "run", NULL},
                                   {"search", "run/study.yaml", "--out", "again", NULL}};
    for (size_t i = 0; i < 2; i++) {
        outcome o = program_run(folder, runs[i]);
        assert_non_null(strstr(o.err, "the smallest engine needs")); /* it was found */
        program_free(&o);
    }
}

static void study_of_measured_latency_trains_nothing(void **state) {
    (void)state;
    nothing_is_trained_that_no_objective_needs("latency-alone",
                                               "space: fashion-vit\nobjectives: [latency, params]\n"
                                               "strategy: {name: random}\nbudget: {trials: 4}\n");
}

static void images_are_missed_where_something_is_trained(void **state) {
    (void)state;
    static const char *const studies[] = {
        "space: fashion-vit\n", "space: fashion-vit\nobjectives: [params]\nretrain: {models: 1}\n",
        "space: fashion-vit\nobjectives: [params]\nconstraints: [{error: {max: 0.5}}]\n"};
    const char *folder = program_folder("no-images");
    for (size_t i = 0; i < sizeof studies / sizeof *studies; i++) {
        program_file(folder, "study.yaml", studies[i]);
        outcome o =
            program_run(folder, (const char *[]){"search", "study.yaml", "--out", "run", NULL});
        assert_int_equal(o.status, 1);
        assert_non_null(strstr(o.err, "data.path is missing"));
        program_free(&o);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(study_of_prices_alone_trains_nothing),
        cmocka_unit_test(study_of_measured_latency_trains_nothing),
        cmocka_unit_test(device_file_starts_at_the_studys_folder),
        cmocka_unit_test(images_are_missed_where_something_is_trained),
        cmocka_unit_test(prices_of_many_devices_are_objectives),
        cmocka_unit_test(network_that_does_not_fit_fails_its_trial_alone)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
