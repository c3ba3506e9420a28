/* tests/cli/test_output.c - what scripts and shells take from clnas: JSON, CSV, a line to paste. */
#include "program.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* A study on a table: all trials in a moment, nothing is trained. Every network is on the front. */
static const char *study_in(const char *name, const char *run) {
    const char *folder = program_folder(name);
    program_file(folder, "results.csv",
                 "arch,err,macs\n0,2.5,782944\n1,30,414000\n2,0.125,20764800\n");
    program_file(folder, "space.yaml",
                 "name: tiny\ninput: [28, 28, 1]\nclasses: 10\nnet:\n"
                 "  - conv: {out: {choose: [4, 8, 12]}, stride: 2}\n  - head: {pool: avg}\n");
    program_file(folder, "study.yaml",
                 "space: space.yaml\nevaluate: {table: results.csv}\nobjectives: [err, macs]\n"
                 "strategy: {name: grid}\nbudget: {trials: 3}\n");
    const char *const args[] = {"search", "study.yaml", "--out", run, NULL};
    outcome o = program_run(folder, args);
    if (o.status)
        print_error("%s", o.err);
    assert_int_equal(o.status, 0);
    program_free(&o);
    return folder;
}

static void assert_says(const outcome *o, const char *const *said) {
    assert_int_equal(o->status, 0);
    for (; *said; said++)
        if (!strstr(o->out, *said))
            fail_msg("'%s' is not in: %s", *said, o->out);
}

static void whole_numbers_are_integers_in_json_and_csv(void **state) {
    (void)state;
    static const char *const json[] = {"front", "run", "--json", NULL},
                             *const csv[] = {"front", "run", "--csv", NULL},
                             *const spaces[] = {"spaces", "fashion-hybrid", "--json", NULL};
    static const char *const in_json[] = {"\"err\": 2.5, \"macs\": 782944}",
                                          "\"err\": 30, \"macs\": 414000}",
                                          "\"err\": 0.125, \"macs\": 20764800}", NULL},
                             *const in_csv[] = {",2.5,782944,", ",30,414000,", ",0.125,20764800,",
                                                NULL};
    const char *folder = study_in("whole-numbers", "run");
    outcome o = program_run(folder, json);
    assert_says(&o, in_json);
    program_free(&o);
    o = program_run(folder, csv);
    assert_says(&o, in_csv);
    program_free(&o);
    o = program_run(folder, spaces);
    assert_int_equal(o.status, 0);
    const char *n = strstr(o.out, "\"networks\": ");
    assert_non_null(n);
    n += strlen("\"networks\": ");
    size_t digits = strspn(n, "0123456789");
    assert_true(digits > 0 && n[digits] == ',');
    program_free(&o);
}

static void table_is_by_the_first_objective_and_csv_by_trial(void **state) {
    (void)state;
    static const char *const text[] = {"front", "run", NULL}, *const csv[] = {"front", "run",
                                                                              "--csv", NULL};
    const char *folder = study_in("order", "run");
    outcome o = program_run(folder, text);
    assert_int_equal(o.status, 0);
    const char *best = strstr(o.out, "0.125"), *middle = strstr(o.out, " 2.5 "),
               *worst = strstr(o.out, " 30 ");
    if (!best || !middle || !worst || best > middle || middle > worst)
        fail_msg("%s", o.out);
    program_free(&o);
    o = program_run(folder, csv);
    assert_int_equal(o.status, 0);
    const char *line = strchr(o.out, '\n') + 1;
    for (int trial = 0; trial < 3; trial++) {
        assert_int_equal(atoi(line), trial);
        line = strchr(line, '\n') + 1;
    }
    program_free(&o);
}

/* The line that a study ends with, given to a shell as it stands. */
static void line_that_reproduces_a_study_can_be_pasted(void **state) {
    (void)state;
    static const char run[] = "k'un & \"zwei\"";
    const char *folder = study_in("paste", run);
    const char *const args[] = {"search", "study.yaml", "--out", run, NULL};
    outcome o = program_run(folder, args); /* goes on, has nothing to do, ends again */
    assert_int_equal(o.status, 0);
    char *line = strstr(o.out, "reproduce: ");
    assert_non_null(line);
    line += strlen("reproduce: ");
    *strchr(line, '\n') = 0;
    assert_true(strncmp(line, NAS_BINARY_DIR, strlen(NAS_BINARY_DIR)) == 0 || line[0] == '\'');
    char command[16384];
    snprintf(command, sizeof command, "cd '%s' && %s >again.txt 2>&1", folder, line);
    assert_int_equal(system(command), 0);
    assert_true(program_exists(folder, "ANOTHER-FOLDER/study.db"));
    program_free(&o);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whole_numbers_are_integers_in_json_and_csv),
        cmocka_unit_test(table_is_by_the_first_objective_and_csv_by_trial),
        cmocka_unit_test(line_that_reproduces_a_study_can_be_pasted),
    };
    return cmocka_run_group_tests_name("output", tests, NULL, NULL);
}
