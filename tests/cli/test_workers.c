/* tests/cli/test_workers.c - several workers on one machine: the same study for any number of them,
 * devices that fail. ctest-labels: device */
#include "program.h"

#include <nas/search.h>

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

enum { TRIALS = 10 };

static const char space[] =
    "name: tiny\ninput: [28, 28, 1]\nclasses: 10\nnet:\n"
    "  - conv: {out: {choose: [4, 8, 12]}, kernel: {choose: [3, 5]}, stride: 2}\n"
    "  - conv: {out: {choose: [8, 16]}, stride: 2}\n  - head: {pool: avg}\n";
static const char study[] =
    "space: space.yaml\ndata: {path: data, validation: 200}\n"
    "objectives: [error, params]\nstrategy: {name: nsga2, population: 4}\n"
    "budget: {trials: 10}\ntrain: {epochs: 2, batch: 32}\nretrain: {models: 0}\nseed: 3\n";

static const char *prepare(const char *name) {
    const char *folder = program_folder(name);
    char command[8192];
    program_data(folder, 1200, 100);
    snprintf(command, sizeof command, "cd '%s' && mkdir data && mv *ubyte data", folder);
    assert_int_equal(system(command), 0);
    program_file(folder, "space.yaml", space);
    program_file(folder, "study.yaml", study);
    return folder;
}

/* Runs a search that must end with `status`; what it said is the caller's. */
static char *search(const char *folder, const char *run, const char *option, const char *value,
                    int status) {
    const char *const args[] = {"search", "study.yaml", "--out", run, option, value, NULL};
    outcome o = program_run(folder, args);
    if (o.status != status)
        print_error("%s", o.err);
    assert_int_equal(o.status, status);
    free(o.out);
    return o.err;
}

static char *front_of(const char *folder, const char *run) {
    const char *const args[] = {"front", run, "--csv", NULL};
    outcome o = program_run(folder, args);
    assert_int_equal(o.status, 0);
    free(o.err);
    return o.out;
}

/* Every trial of `run` under its number is what it is in `want`: network, state, objectives. */
static void same_trials(const char *folder, const char *want, const char *run) {
    const char *const runs[] = {want, run};
    nas_store *s[2];
    for (int i = 0; i < 2; i++) {
        char path[4200];
        snprintf(path, sizeof path, "%s/%s/study.db", folder, runs[i]);
        assert_int_equal(nas_store_open_read(&s[i], path, NULL), NAS_OK);
        assert_int_equal(nas_store_trial_count(s[i]), TRIALS);
    }
    for (uint32_t k = 0; k < TRIALS; k++) {
        nas_trial a, b;
        assert_int_equal(nas_store_trial(&a, s[0], k), NAS_OK);
        assert_int_equal(nas_store_trial(&b, s[1], k), NAS_OK);
        assert_int_equal(b.state, a.state);
        assert_int_equal(b.genome.n, a.genome.n);
        assert_memory_equal(b.genome.gene, a.genome.gene, a.genome.n * sizeof *a.genome.gene);
        assert_memory_equal(b.objective, a.objective, 2 * sizeof *a.objective);
    }
    nas_store_close(s[0]);
    nas_store_close(s[1]);
}

static void any_number_of_workers_makes_the_same_study(void **state) {
    (void)state;
    const char *folder = prepare("workers");
    static const char *const numbers[] = {"2", "4"};
    free(search(folder, "run1", "--workers", "1", 0));
    for (int i = 0; i < 2; i++) {
        char run[16];
        snprintf(run, sizeof run, "run%s", numbers[i]);
        free(search(folder, run, "--workers", numbers[i], 0));
        same_trials(folder, "run1", run);
    }
    /* killed with three, ended with one */
    static const char *const three[] = {"search",    "study.yaml", "--out", "killed",
                                        "--workers", "3",          NULL};
    pid_t pid = program_start(folder, three);
    nanosleep(&(struct timespec){1, 500000000}, NULL);
    kill(pid, SIGKILL);
    program_wait(pid);
    free(search(folder, "killed", "--workers", "1", 0));
    same_trials(folder, "run1", "killed");
    char *want = front_of(folder, "run1"), *got = front_of(folder, "killed");
    assert_string_equal(got, want);
    free(got);
    free(want);
}

static void failing_device_is_given_up_and_the_others_go_on(void **state) {
    (void)state;
    const char *folder = prepare("device");
    char *said = search(folder, "run", "--devices", "[auto, nosuchdevice]", 0);
    assert_non_null(strstr(said, "device nosuchdevice is given up after 3 failures in a row: "));
    assert_null(strstr(said, "failed:")); /* no trial paid for it */
    free(said);
    said = search(folder, "none", "--device", "nosuchdevice", 1);
    assert_non_null(strstr(said, "clnas search: device \"nosuchdevice\": none of that kind"));
    assert_false(program_exists(folder, "none")); /* said before anything was made */
    free(said);
    said = search(folder, "run2", "--devices", "[nosuchdevice]", 1);
    assert_non_null(strstr(said, "clnas search: no device is left ("));
    assert_non_null(strstr(said, "the same command goes on"));
    free(said);
    free(search(folder, "run2", "--devices", "[auto]", 0)); /* nothing is lost */
    char *a = front_of(folder, "run"), *b = front_of(folder, "run2");
    assert_string_equal(a, b);
    free(a);
    free(b);
}

static void three_hangs_in_a_row_give_the_device_up(void **state) {
    (void)state;
    const char *folder = prepare("slow");
    char *said = search(folder, "run", "--trial-seconds", "0.001", 1);
    /* what tells nothing within the limit looks like a hang, and three are enough */
    assert_non_null(strstr(said, "time limit: more than trial_seconds = 0.001 s"));
    assert_non_null(strstr(said, "is given up"));
    free(said);
}

/* A run that goes on finds the number in the device's table. */
static void without_a_number_the_fastest_is_measured_once(void **state) {
    (void)state;
    const char *folder = prepare("measured");
    char cache[4200];
    snprintf(cache, sizeof cache, "%s/cache", folder);
    const char *before = getenv("CLNAS_CACHE_DIR");
    char *kept = before ? strdup(before) : NULL;
    assert_int_equal(setenv("CLNAS_CACHE_DIR", cache, 1), 0);
    char *first = search(folder, "first", "--seed", "3", 0),
         *second = search(folder, "second", "--seed", "3", 0),
         *few = search(folder, "few", "--trials", "2", 0);
    free(search(folder, "one", "--workers", "1", 0));
    if (!strstr(first, "workers: ")) /* a device of one unit */
        print_message("%s", first);
    else if (!strstr(second, "as measured before") && !strstr(second, "which a step of"))
        fail_msg("%s", second);
    assert_null(strstr(few, "workers: "));
    same_trials(folder, "first", "second");
    same_trials(folder, "first", "one");
    free(first);
    free(second);
    free(few);
    assert_int_equal(kept ? setenv("CLNAS_CACHE_DIR", kept, 1) : unsetenv("CLNAS_CACHE_DIR"), 0);
    free(kept);
}

static void wrong_numbers_of_workers_are_refused(void **state) {
    (void)state;
    const char *folder = prepare("wrong");
    static const struct {
        int status; /* 2: the value alone is wrong */
        const char *option, *value, *said;
    } cases[] = {
        {2, "--workers", "17", "workers"},
        {1, "--workers", "0", "needs a store on a server"},
        {2, "--devices", "[]", "devices is a list of 1 to 16"},
        {2, "--store", "study.db", "postgresql://HOST/DATABASE"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char *said = search(folder, "run", cases[i].option, cases[i].value, cases[i].status);
        if (!strstr(said, cases[i].said))
            fail_msg("%s", said);
        free(said);
    }
    assert_false(program_exists(folder, "run"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(any_number_of_workers_makes_the_same_study),
        cmocka_unit_test(without_a_number_the_fastest_is_measured_once),
        cmocka_unit_test(failing_device_is_given_up_and_the_others_go_on),
        cmocka_unit_test(three_hangs_in_a_row_give_the_device_up),
        cmocka_unit_test(wrong_numbers_of_workers_are_refused),
    };
    return cmocka_run_group_tests_name("workers", tests, NULL, NULL);
}
