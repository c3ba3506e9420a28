/* tests/cli/test_study.c - what a study promises when it is killed, stopped, shared or fed with
 * trouble. ctest-labels: device */
#include "program.h"

#include <nas/core.h>

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

enum { TRIALS = 8 };

#define SPACE                                                                                      \
    "name: tiny\ninput: [28, 28, 1]\nclasses: 10\nnet:\n"                                          \
    "  - conv: {out: {choose: [4, 8, 12]}, kernel: {choose: [3, 5]}, stride: 2}\n"                 \
    "  - conv: {out: {choose: [8, 16]}, stride: 2}\n  - head: {pool: avg}\n"

static const char study[] =
    "space: space.yaml\ndata: {path: data, validation: 200}\n"
    "objectives: [error, params]\nstrategy: {name: nsga2, population: 4}\n"
    "budget: {trials: 8}\ntrain: {epochs: 2, batch: 32}\nretrain: {models: 0}\n"
    "seed: 3\n";

static const char *prepare(const char *name) {
    const char *folder = program_folder(name);
    char command[8192];
    program_data(folder, 1200, 100);
    snprintf(command, sizeof command, "cd '%s' && mkdir data && mv *ubyte data", folder);
    assert_int_equal(system(command), 0);
    program_file(folder, "space.yaml", SPACE);
    program_file(folder, "study.yaml", study);
    return folder;
}

static const char *const search[] = {"search", "study.yaml", "--out", "run", NULL};
static const char *const front[] = {"front", "run", "--json", NULL};

static void sleep_ms(long ms) {
    struct timespec t = {ms / 1000, ms % 1000 * 1000000};
    nanosleep(&t, NULL);
}

static int number_after(const char *text, const char *key) {
    const char *at = strstr(text, key);
    assert_non_null(at);
    return atoi(at + strlen(key));
}

static int trials(const char *folder, const char *state) {
    static const char *const args[] = {"status", "run", "--json", NULL};
    outcome o = program_run(folder, args);
    int n = o.status == 0 ? number_after(o.out, state) : -1;
    program_free(&o);
    return n;
}

static int complete_trials(const char *folder) {
    return trials(folder, "\"complete\": ");
}

static void run_with(const char *folder, const char *const *args) {
    outcome o = program_run(folder, args);
    if (o.status)
        print_error("%s", o.err);
    assert_int_equal(o.status, 0);
    program_free(&o);
}

static void run_to_the_end(const char *folder) {
    run_with(folder, search);
}

static char *front_of(const char *folder) {
    outcome o = program_run(folder, front);
    assert_int_equal(o.status, 0);
    free(o.err);
    return o.out;
}

static void killed_study_goes_on_and_ends_with_the_same_front(void **state) {
    (void)state;
    char whole[4096];
    snprintf(whole, sizeof whole, "%s", prepare("whole"));
    run_to_the_end(whole);
    char *want = front_of(whole);
    assert_non_null(strstr(want, "\"objectives\""));

    char killed[4096];
    snprintf(killed, sizeof killed, "%s", prepare("killed"));
    int before = 0;
    for (int kills = 0; kills < 3; kills++) {
        pid_t pid = program_start(killed, search);
        for (int i = 0; i < 400 && complete_trials(killed) <= before; i++)
            sleep_ms(50);
        kill(pid, SIGKILL);
        program_wait(pid);
        assert_int_equal(trials(killed, "\"running\": "), 0); /* nobody is left to run them */
        int now = complete_trials(killed);
        assert_true(now >= before); /* no finished trial is lost */
        before = now;
    }
    assert_true(before > 0);
    run_to_the_end(killed);
    assert_int_equal(complete_trials(killed), TRIALS);
    char *got = front_of(killed);
    assert_string_equal(got, want);
    free(got);
    free(want);
}

static void stop_ends_within_seconds_and_keeps_everything(void **state) {
    (void)state;
    const char *folder = prepare("stopped");
    pid_t pid = program_start(folder, search);
    for (int i = 0; i < 400 && complete_trials(folder) < 1; i++)
        sleep_ms(50);
    int running = 0;
    for (int i = 0; i < 400 && running < 1; i++)
        running = trials(folder, "\"running\": ");
    assert_true(running >= 1);
    time_t asked = time(NULL);
    kill(pid, SIGINT);
    assert_int_equal(program_wait(pid), 1);
    assert_true(time(NULL) - asked <= 5);
    assert_true(complete_trials(folder) >= 1);
    assert_int_equal(trials(folder, "\"running\": "), 0);
    assert_true(trials(folder, "\"cut_off\": ") >= 1);
    run_to_the_end(folder);
    assert_int_equal(complete_trials(folder), TRIALS);
}

/* The first child of a process; 0: there is none. */
static pid_t child_of(pid_t pid) {
    char command[128];
    int child = 0;
    snprintf(command, sizeof command, "ps -o pid= --ppid %d", (int)pid);
    FILE *f = popen(command, "r");
    assert_non_null(f);
    if (fscanf(f, "%d", &child) != 1)
        child = 0;
    pclose(f);
    return child;
}

static void worker_that_is_stopped_alone_costs_no_trial(void **state) {
    (void)state;
    const char *folder = prepare("child");
    pid_t pid = program_start(folder, search);
    for (int i = 0; i < 400 && complete_trials(folder) < 1; i++)
        sleep_ms(50);
    pid_t child = child_of(pid);
    assert_true(child > 0);
    kill(child, SIGTERM);
    assert_int_equal(program_wait(pid), 0);
    assert_int_equal(complete_trials(folder), TRIALS);
}

/* What the store knows of a study, as `clnas status` shows it. */
static char *status_of(const char *folder) {
    static const char *const args[] = {"status", "run", NULL};
    outcome o = program_run(folder, args);
    assert_int_equal(o.status, 0);
    free(o.err);
    return o.out;
}

static int failed_trials(const char *folder) {
    static const char *const args[] = {"status", "run", "--json", NULL};
    outcome o = program_run(folder, args);
    int n = o.status == 0 ? number_after(o.out, "\"failed\": ") : 0;
    program_free(&o);
    return n;
}

/* A search whose child gets `signal` in the middle: one trial fails with this reason, no other. */
static void hurt(const char *folder, int signal, const char *reason) {
    enum { FEW = 4 };
    static const char *const args[] = {
        "search",         "study.yaml", "--out",           "run", "--trials", "4",
        "--train.epochs", "12",         "--trial-seconds", "8",   NULL};
    pid_t pid = program_start(folder, args);
    for (int i = 0; i < 400 && complete_trials(folder) < 1; i++)
        sleep_ms(50);
    for (int i = 0; i < 20 && failed_trials(folder) < 1; i++) {
        pid_t child = child_of(pid); /* 0: one has died, the next is not there yet */
        if (child > 0)
            kill(child, signal);
        for (int k = 0; k < 10 && failed_trials(folder) < 1; k++)
            sleep_ms(30);
    }
    assert_int_equal(program_wait(pid), 0);
    int failed = failed_trials(folder);
    assert_true(failed >= 1);
    assert_int_equal(complete_trials(folder), FEW - failed);
    char *said = status_of(folder);
    if (!strstr(said, reason))
        fail_msg("%s", said);
    free(said);
}

static void crash_and_hang_end_one_trial_with_the_reason(void **state) {
    (void)state;
    hurt(prepare("crash"), SIGSEGV, " failed: the worker was ended by signal 11");
    hurt(prepare("hang"), SIGSTOP, " failed: time limit: more than trial_seconds = 8 s");
}

static void network_that_does_not_fit_into_memory_fails_alone(void **state) {
    (void)state;
    const char *folder = prepare("big");
    program_file(folder, "space.yaml",
                 "name: big\ninput: [28, 28, 1]\nclasses: 10\nlet: {w: {choose: [4, 2000]}}\n"
                 "net:\n  - stage: {name: s, repeat: 16, block: {conv: {out: $w, kernel: 1}}}\n"
                 "  - head: {pool: avg}\n");
    static const char *const args[] = {"search", "study.yaml",    "--out", "run", "--trials",
                                       "2",      "--train.batch", "1000",  NULL};
    run_with(folder, args); /* over 200 GB for the second */
    assert_int_equal(complete_trials(folder), 1);
    assert_int_equal(failed_trials(folder), 1);
    char *said = status_of(folder);
    if (!strstr(said, " failed: ") ||
        (!strstr(said, "over the device's limit") && !strstr(said, "at batch 1000 needs")))
        fail_msg("%s", said);
    free(said);
}

static void time_budget_is_of_all_runs_together(void **state) {
    (void)state;
    const char *folder = prepare("budget");
    static const char *const args[] = {"search",           "study.yaml", "--out", "run",
                                       "--budget.seconds", "0.2",        NULL};
    int before = 0;
    for (int run = 0; run < 2; run++) {
        outcome o = program_run(folder, args);
        assert_int_equal(o.status, 0);
        assert_non_null(strstr(o.err, "budget.seconds is used up after"));
        program_free(&o);
        assert_true(run == 0 || complete_trials(folder) == before);
        before = complete_trials(folder);
    }
    assert_true(before >= 1 && before < TRIALS);
}

static void nan_loss_fails_the_trial_and_the_study_goes_on(void **state) {
    (void)state;
    const char *folder = prepare("nan");
    static const char *const args[] = {
        "search", "study.yaml", "--out", "run", "--train.lr", "900", "--train.optimizer",
        "sgd",    "--trials",   "3",     NULL};
    outcome o = program_run(folder, args);
    assert_non_null(strstr(o.err, "failed"));
    program_free(&o);
    static const char *const status[] = {"status", "run", "--json", NULL};
    o = program_run(folder, status);
    assert_true(number_after(o.out, "\"failed\": ") >= 1);
    assert_int_equal(number_after(o.out, "\"trials\": "), 3);
    program_free(&o);
    char *said = status_of(folder);
    assert_non_null(strstr(said, " failed: the loss "));
    assert_non_null(strstr(said, "is not finite"));
    free(said);
}

/* The same command with one more setting must be refused, and say why. */
static void refused(const char *folder, const char *option, const char *value, const char *said) {
    const char *const args[] = {"search", "study.yaml", "--out", "run", "--trials",
                                "1",      option,       value,   NULL};
    outcome o = program_run(folder, args);
    assert_int_equal(o.status, 1);
    if (!strstr(o.err, said))
        fail_msg("%s", o.err);
    program_free(&o);
}

static void run_folder_of_another_study_is_refused(void **state) {
    (void)state;
    const char *folder = prepare("other");
    static const char *const one[] = {"search",   "study.yaml", "--out", "run",
                                      "--trials", "1",          NULL};
    outcome o = program_run(folder, one);
    assert_int_equal(o.status, 0);
    program_free(&o);
    char *before = front_of(folder);
    refused(folder, "--seed", "4", "seed");
    program_file(folder, "space.yaml", "# only a comment more\n" SPACE);
    o = program_run(folder, one);
    assert_int_equal(o.status, 0);
    program_free(&o);
    program_file(folder, "space.yaml", SPACE "constraints: [params < 100000]\n");
    refused(folder, NULL, NULL, "was 'space: tiny ");
    char *after = front_of(folder);
    assert_string_equal(after, before);
    free(before);
    free(after);
    /* what one device measures is not what another does */
    program_file(folder, "space.yaml", SPACE);
    static const char *const latency[] = {
        "search", "study.yaml", "--out", "timed", "--objectives", "[error, latency]", "--trials",
        "1",      NULL,         NULL,    NULL};
    const char *other[sizeof latency / sizeof *latency];
    memcpy(other, latency, sizeof latency);
    other[8] = "--device";
    other[9] = "ref";
    o = program_run(folder, latency);
    assert_int_equal(o.status, 0);
    program_free(&o);
    o = program_run(folder, other);
    assert_int_equal(o.status, 1);
    assert_non_null(strstr(o.err, "was 'latency is measured on: "));
    program_free(&o);
    /* the run folder has the space as it was */
    static const char *const again[] = {
        "search", "run/study.yaml", "--out", "again", "--trials", "1", NULL};
    program_file(folder, "space.yaml", "nonsense\n");
    o = program_run(folder, again);
    assert_int_equal(o.status, 0);
    program_free(&o);
}

static void constraint_is_checked_before_anything_is_trained(void **state) {
    (void)state;
    const char *folder = prepare("constraint");
    static const char *const args[] = {
        "search",   "study.yaml", "--out", "run", "--constraints", "[{params: {max: 10}}]",
        "--trials", "4",          NULL};
    outcome o = program_run(folder, args);
    assert_int_equal(o.status, 1); /* there is no network to show */
    assert_non_null(strstr(o.err, "not trained"));
    assert_non_null(
        strstr(o.err, "clnas search: none of 4 trials has a result; most often: params"));
    program_free(&o);
    assert_int_equal(complete_trials(folder), 0);
}

static void full_disk_gets_one_line_and_loses_nothing(void **state) {
    (void)state;
    const char *folder = prepare("disk");
    char command[8192];
    /* A limit on file size stands in for a full disk: writes fail, here with EFBIG. */
    snprintf(
        command, sizeof command,
        "cd '%s' && (trap '' XFSZ; ulimit -f 24; '%s/clnas' search study.yaml --out run) >o 2>e; "
        "s=$?; tail -n 1 e; [ $s -eq 1 ]",
        folder, NAS_BINARY_DIR);
    assert_int_equal(system(command), 0);
    run_to_the_end(folder);
    assert_int_equal(complete_trials(folder), TRIALS);
}

static void retrained_model_evaluates_to_what_the_front_says(void **state) {
    (void)state;
    const char *folder = prepare("retrain");
    static const char *const args[] = {"search",
                                       "study.yaml",
                                       "--out",
                                       "run",
                                       "--trials",
                                       "2",
                                       "--retrain.models",
                                       "1",
                                       "--retrain.epochs",
                                       "2",
                                       "--price-on",
                                       "[raspberry-pi-4]",
                                       NULL};
    outcome o = program_run(folder, args);
    if (o.status)
        print_error("%s", o.err);
    assert_int_equal(o.status, 0);
    assert_non_null(strstr(o.out, "  energy@raspberry-pi-4\n"));
    assert_null(strstr(o.out, "not modelled")); /* that device's file gives its power */
    program_free(&o);
    char *json = front_of(folder), model[256];
    const char *at = strstr(json, "\"model\": \"");
    assert_non_null(at);
    snprintf(model, sizeof model, "run/%.*s", (int)strcspn(at + 10, "\""), at + 10);
    const char *const eval[] = {"eval", model, "--data", "data", "--json", NULL};
    o = program_run(folder, eval);
    assert_int_equal(o.status, 0);
    double accuracy = strtod(strstr(o.out, "\"accuracy\": ") + 12, NULL);
    double promised = strtod(strstr(json, "\"test_accuracy\": ") + 17, NULL);
    assert_true(accuracy >= promised - 0.011 && accuracy <= promised + 0.011);
    program_free(&o);
    free(json);
    assert_true(program_exists(folder, "run/report/pareto-error-params.png"));
    assert_true(program_exists(folder, "run/report/hypervolume.png"));
}

static void picture_names_are_safe_whatever_objectives_are_called(void **state) {
    (void)state;
    const char *folder = program_folder("table");
    nas_text csv = {0};
    nas_text_add(&csv, "arch,err,ms\n");
    for (int i = 0; i < 12; i++)
        nas_text_add(&csv, "%d-%d-%d,%g,%d\n", i / 4, i / 2 % 2, i % 2, 10 - 0.5 * i, i);
    program_file(folder, "results.csv", nas_text_str(&csv));
    nas_text_free(&csv);
    program_file(folder, "space.yaml", SPACE);
    program_file(folder, "study.yaml",
                 "space: space.yaml\nevaluate: {table: results.csv}\n"
                 "objectives: [err, {ms/image: ms}, {ms_image: ms}]\nbudget: {trials: 12}\n");
    run_to_the_end(folder);
    assert_true(program_exists(folder, "run/report/pareto-err-ms_image.png"));
    assert_true(program_exists(folder, "run/report/pareto-err-ms_image_.png"));
    /* the command that reproduces it works from anywhere */
    char elsewhere[4200];
    snprintf(elsewhere, sizeof elsewhere, "%s/run/report", folder);
    static const char *const again[] = {"search", "../study.yaml", "--out", "../../again", NULL};
    run_with(elsewhere, again);
    assert_true(program_exists(folder, "again/report/pareto-err-ms_image.png"));
    /* one that cannot be drawn is a line; the tables come all the same */
    char command[8192];
    snprintf(command, sizeof command, "cd '%s/run/report' && rm -r * && mkdir hypervolume.png",
             folder);
    assert_int_equal(system(command), 0);
    outcome o = program_run(folder, search);
    assert_int_equal(o.status, 0);
    assert_non_null(strstr(o.out, "Pareto front:"));
    assert_non_null(strstr(o.err, "a picture is missing: run/report/hypervolume.png"));
    program_free(&o);
    assert_true(program_exists(folder, "run/report/pareto-err-ms_image.png"));
    static const char *const report[] = {"report", "run", NULL};
    o = program_run(folder, report);
    assert_int_equal(o.status, 1);
    program_free(&o);
    /* no device to price kernels on: no empty picture of them */
    snprintf(command, sizeof command,
             "cd '%s/run/report' && ls network-trial-*.png && ! ls layers-trial-*.png 2>&-",
             folder);
    assert_int_equal(system(command), 0);
}

/* A row that is missing costs its trial; a wrong one is named before anything is done. */
static void faulty_table_is_named_and_loses_nothing(void **state) {
    (void)state;
    const char *folder = program_folder("rows");
    nas_text csv = {0};
    nas_text_add(&csv, "arch,err,ms\n");
    for (int i = 1; i < 12; i++)
        nas_text_add(&csv, "%d-%d-%d,%d,1\n", i / 4, i / 2 % 2, i % 2, 20 - i);
    program_file(folder, "results.csv", nas_text_str(&csv));
    program_file(folder, "space.yaml", SPACE);
    program_file(folder, "study.yaml",
                 "space: space.yaml\nevaluate: {table: results.csv}\n"
                 "objectives: [err, ms]\nbudget: {trials: 12}\n");
    run_to_the_end(folder);
    assert_int_equal(complete_trials(folder), 11);
    char *said = status_of(folder), *before = front_of(folder);
    assert_non_null(strstr(said, "failed: results.csv has no row for '0-0-0'"));
    free(said);
    nas_text_add(&csv, "0-0-0,nan,1\n");
    program_file(folder, "results.csv", nas_text_str(&csv));
    nas_text_free(&csv);
    outcome o = program_run(folder, search);
    assert_int_equal(o.status, 1);
    assert_string_equal(o.err, "clnas search: err: results.csv:13: column 'err' holds 'nan', not a "
                               "number\n");
    program_free(&o);
    char *after = front_of(folder);
    assert_string_equal(after, before);
    free(before);
    free(after);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(killed_study_goes_on_and_ends_with_the_same_front),
        cmocka_unit_test(stop_ends_within_seconds_and_keeps_everything),
        cmocka_unit_test(worker_that_is_stopped_alone_costs_no_trial),
        cmocka_unit_test(crash_and_hang_end_one_trial_with_the_reason),
        cmocka_unit_test(network_that_does_not_fit_into_memory_fails_alone),
        cmocka_unit_test(time_budget_is_of_all_runs_together),
        cmocka_unit_test(nan_loss_fails_the_trial_and_the_study_goes_on),
        cmocka_unit_test(run_folder_of_another_study_is_refused),
        cmocka_unit_test(constraint_is_checked_before_anything_is_trained),
        cmocka_unit_test(full_disk_gets_one_line_and_loses_nothing),
        cmocka_unit_test(retrained_model_evaluates_to_what_the_front_says),
        cmocka_unit_test(faulty_table_is_named_and_loses_nothing),
        cmocka_unit_test(picture_names_are_safe_whatever_objectives_are_called),
    };
    return cmocka_run_group_tests_name("study", tests, NULL, NULL);
}
