/* tests/cli/test_cluster.c - a study on a PostgreSQL server with workers that come, die and lose
 * the server. ctest-labels: device */
#include "program.h"
#include "server.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

enum { TRIALS = 24, WORKERS = 4, PATH = 4096 };
static const char *why_not; /* why there is no server */

#define SPACE                                                                                      \
    "name: tiny\ninput: [28, 28, 1]\nclasses: 10\nnet:\n"                                          \
    "  - conv: {out: {choose: [4, 5, 6, 7, 8, 10, 12]}, kernel: {choose: [3, 5]}, stride: 2}\n"    \
    "  - conv: {out: {choose: [8, 16]}, stride: 2}\n  - head: {pool: avg}\n"

static const char study[] = "space: space.yaml\ndata: {path: data, validation: 200}\n"
                            "objectives: [error, latency, params]\n"
                            "strategy: {name: random}\nbudget: {trials: 24}\n"
                            "train: {epochs: 3, batch: 32}\nretrain: {models: 0}\n"
                            "heartbeat: 0.5\nseed: 3\n";

static int start(void **state) {
    (void)state;
    why_not = server_start();
    return 0;
}

static int stop(void **state) {
    (void)state;
    server_remove();
    return 0;
}

static void need_server(void) {
    if (why_not) {
        print_message("skipped: %s\n", why_not);
        skip();
    }
}

static void sleep_ms(long ms) {
    struct timespec t = {ms / 1000, ms % 1000 * 1000000};
    nanosleep(&t, NULL);
}

/* A folder with data, space and study, and one for each worker. */
static const char *prepare(const char *name) {
    static char folder[PATH];
    char command[2 * PATH];
    snprintf(folder, sizeof folder, "%s", program_folder(name));
    program_data(folder, 2000, 100);
    snprintf(command, sizeof command, "cd '%s' && mkdir data w0 w1 w2 w3 w4 && mv *ubyte data",
             folder);
    assert_int_equal(system(command), 0);
    program_file(folder, "space.yaml", SPACE);
    program_file(folder, "study.yaml", study);
    server_database(name);
    return folder;
}

static pid_t worker(const char *folder, int i, const char *url) {
    char at[PATH];
    snprintf(at, sizeof at, "%s/w%d", folder, i);
    const char *const args[] = {"worker", url, NULL};
    return program_start(at, args);
}

static void wait_until(const char *database, const char *sql, long least, int seconds) {
    for (int i = 0; i < 10 * seconds && server_number(database, sql) < least; i++)
        sleep_ms(100);
    assert_true(server_number(database, sql) >= least);
}

#define ENDED    "SELECT count(*) FROM trials WHERE state IN ('COMPLETE', 'FAIL', 'PRUNED')"
#define COMPLETE "SELECT count(*) FROM trials WHERE state = 'COMPLETE'"
#define BEATING  "SELECT count(*) FROM trial_heartbeats"
/* of the first trial, in nanoseconds */
#define LATENCY                                                                                    \
    "SELECT (value_json::float8 * 1e9)::bigint FROM trial_user_attributes WHERE key = "            \
    "'latency_s' ORDER BY trial_id LIMIT 1"
#define STUDIES "SELECT count(*) FROM pg_tables WHERE tablename = 'trial_heartbeats'"

/* Every trial once, with all that belongs to it. */
static void assert_whole(const char *database, long trials) {
    char sql[512];
    assert_int_equal(server_number(database, "SELECT count(*) FROM trials"), trials);
    assert_int_equal(server_number(database, "SELECT count(DISTINCT number) FROM trials"), trials);
    assert_int_equal(server_number(database, COMPLETE), trials);
    assert_int_equal(server_number(database, "SELECT count(*) FROM trial_values"), 3 * trials);
    assert_int_equal(server_number(database, BEATING), 0);
    snprintf(sql, sizeof sql, "SELECT count(*) FROM trial_user_attributes WHERE key = 'latency_s'");
    assert_true(server_number(database, sql) > 0);
    /* twins have no curve; every trained trial has its three epochs, no more */
    assert_int_equal(server_number(database, "SELECT count(*) FROM (SELECT trial_id FROM "
                                             "trial_intermediate_values GROUP BY trial_id "
                                             "HAVING count(*) <> 3) AS t"),
                     0);
}

static char *front_of(const char *folder, const char *run) {
    const char *const args[] = {"front", run, "--csv", NULL};
    outcome o = program_run(folder, args);
    if (o.status)
        print_error("%s", o.err);
    assert_int_equal(o.status, 0);
    free(o.err);
    return o.out;
}

static void killed_worker_and_restarted_server_lose_no_trial(void **state) {
    (void)state;
    need_server();
    const char *folder = prepare("grind");
    char url[128];
    pid_t pid[WORKERS + 1];
    snprintf(url, sizeof url, "%s", server_url("grind"));
    for (int i = 0; i < WORKERS; i++) /* before there is a study: they wait for it */
        pid[i] = worker(folder, i, url);
    const char *const args[] = {"search", "study.yaml", "--out", "run", "--store",
                                url,      "--workers",  "0",     NULL};
    pid_t search = program_start(folder, args);
    wait_until("grind", STUDIES, 1, 30);
    wait_until("grind", ENDED, 4, 60);
    wait_until("grind", BEATING, 2, 30);
    assert_int_equal(kill(pid[1], SIGKILL), 0);
    assert_int_equal(program_wait(pid[1]), 128 + SIGKILL);
    pid[1] = worker(folder, 4, url);
    wait_until("grind", ENDED, 8, 60);
    server_down();
    sleep_ms(1500);
    server_up();
    assert_int_equal(program_wait(search), 0);
    for (int i = 0; i < WORKERS; i++)
        assert_int_equal(program_wait(pid[i]), 0);
    assert_whole("grind", TRIALS);
    assert_int_equal(server_number("grind", "SELECT count(*) FROM trial_system_attributes "
                                            "WHERE key LIKE 'clnas:%'"),
                     0);
    free(front_of(folder, "run")); /* found by the run folder's settings */
}

/* What a study on a server finds is what the same study in a file finds. */
static void ids_are_those_of_a_study_in_a_file(void **state) {
    (void)state;
    need_server();
    const char *folder = prepare("same");
    char url[128];
    snprintf(url, sizeof url, "%s", server_url("same"));
    char secret[256], command[2 * PATH];
    snprintf(secret, sizeof secret,
             "postgresql://clnas:geheim@%s?password=geheim&connect_timeout=9",
             strchr(url, '@') + 1);
    static const char objectives[] = "[error, params]"; /* measured latency never repeats */
    const char *const file[] = {"search", "study.yaml",   "--out",    "a", "--trials",
                                "8",      "--objectives", objectives, NULL};
    const char *const server[] = {"search",  "study.yaml",   "--out",    "b",         "--trials",
                                  "8",       "--objectives", objectives, "--workers", "2",
                                  "--store", secret,         NULL};
    outcome o = program_run(folder, file);
    assert_int_equal(o.status, 0);
    program_free(&o);
    pid_t helper = worker(folder, 0, url);
    o = program_run(folder, server);
    if (o.status)
        print_error("%s", o.err);
    assert_int_equal(o.status, 0);
    program_free(&o);
    assert_int_equal(program_wait(helper), 0);
    char *a = front_of(folder, "a"), *b = front_of(folder, "b");
    assert_string_equal(a, b);
    free(a);
    free(b);
    /* the run folder keeps the address, but not the password in it */
    snprintf(command, sizeof command,
             "cd '%s/b' && grep -q 'connect_timeout=9' study.yaml && ! grep -rq geheim .", folder);
    assert_int_equal(system(command), 0);
}

static void killed_search_goes_on_with_what_workers_did_meanwhile(void **state) {
    (void)state;
    need_server();
    const char *folder = prepare("head");
    char url[128];
    snprintf(url, sizeof url, "%s", server_url("head"));
    const char *const args[] = {"search", "study.yaml", "--out", "run", "--store",
                                url,      "--workers",  "0",     NULL};
    pid_t helper = worker(folder, 0, url);
    pid_t search = program_start(folder, args);
    wait_until("head", STUDIES, 1, 30);
    wait_until("head", ENDED, 2, 60);
    kill(search, SIGKILL);
    program_wait(search);
    sleep_ms(1500); /* the worker goes on: results wait for the search */
    outcome o = program_run(folder, args);
    if (o.status)
        print_error("%s", o.err);
    assert_int_equal(o.status, 0);
    program_free(&o);
    assert_int_equal(program_wait(helper), 0);
    assert_whole("head", TRIALS);
}

/* ---- bad luck at the start ---- */

static void trouble_gets_one_line(void **state) {
    (void)state;
    need_server();
    const char *folder = prepare("trouble");
    char url[128], missing[160];
    snprintf(url, sizeof url, "%s", server_url("trouble"));
    snprintf(missing, sizeof missing, "%s_missing", url);
    server_sql("trouble", "CREATE TABLE studies (x int)");
    const struct {
        int status; /* 2: no server could help */
        const char *store, *said;
    } cases[] = {
        {1, "postgresql://clnas:secret@127.0.0.1:1/x", "refused"},
        {1, missing, "does not exist"},
        {1, url, "not a study store"},
        {2, "http://x/y", "postgresql://HOST/DATABASE"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *const args[] = {"search",  "study.yaml",   "--out", "run",
                                    "--store", cases[i].store, NULL};
        outcome o = program_run(folder, args);
        assert_int_equal(o.status, cases[i].status);
        if (!strstr(o.err, cases[i].said))
            print_error("%s", o.err);
        assert_non_null(strstr(o.err, cases[i].said));
        assert_null(strstr(o.err, "secret"));
        const char *line = strstr(o.err, "clnas search: ");
        assert_non_null(line);
        assert_string_equal(strchr(line, '\n'), "\n"); /* it is the last, and one */
        program_free(&o);
    }
    /* a worker waits for a server, but not longer than it is told to be idle */
    const char *const helper[] = {"worker", cases[0].store, "--idle", "1", NULL};
    outcome o = program_run(folder, helper);
    assert_int_equal(o.status, 1);
    assert_non_null(strstr(o.err, "; waiting for it\n"));
    assert_non_null(strstr(o.err, "clnas worker: postgresql://127.0.0.1:1/x: "));
    assert_null(strstr(o.err, "secret"));
    program_free(&o);
}

static void one_search_at_a_time(void **state) {
    (void)state;
    need_server();
    const char *folder = prepare("twice");
    char url[128];
    snprintf(url, sizeof url, "%s", server_url("twice"));
    const char *const first[] = {"search", "study.yaml", "--out", "run", "--store",
                                 url,      "--workers",  "0",     NULL};
    pid_t search = program_start(folder, first);
    wait_until("twice", STUDIES, 1, 30);
    wait_until("twice", "SELECT count(*) FROM studies", 1, 30);
    char at[PATH + 8];
    snprintf(at, sizeof at, "%s/w0", folder);
    const char *const second[] = {"search", "../study.yaml", "--out", "run", "--store", url, NULL};
    outcome o = program_run(at, second);
    assert_int_equal(o.status, 1);
    assert_non_null(strstr(o.err, "by another clnas search"));
    program_free(&o);
    kill(search, SIGTERM);
    assert_int_equal(program_wait(search), 1);
}

/* What holds for a store in a file holds on a server. */
static void store_keeps_its_promises_on_a_server(void **state) {
    (void)state;
    need_server();
    char command[2 * PATH];
    server_database("promises");
    snprintf(command, sizeof command,
             "CLNAS_TEST_URL='%s' '%s/tests/test_search_store_share' >/dev/null 2>&1",
             server_url("promises"), NAS_BINARY_DIR);
    assert_int_equal(system(command), 0);
}

/* Where Python has Optuna and psycopg. */
static void optuna_reads_a_study_on_a_server(void **state) {
    (void)state;
    need_server();
    char command[2 * PATH], url[128];
    server_database("optuna_ours");
    server_database("optuna_own");
    snprintf(url, sizeof url, "%s", server_url("optuna_ours"));
    snprintf(command, sizeof command, "CLNAS_TEST_URL='%s' CLNAS_EMPTY_URL='%s' '%s' '%s'", url,
             server_url("optuna_own"), NAS_SOURCE_DIR "/scripts/check-optuna.sh", NAS_BINARY_DIR);
    int status = system(command);
    if (WIFEXITED(status) && WEXITSTATUS(status) == 77)
        skip();
    assert_int_equal(status, 0);
}

static void stopped_worker_gives_its_trial_back(void **state) {
    (void)state;
    need_server();
    const char *folder = prepare("back");
    char url[128];
    snprintf(url, sizeof url, "%s", server_url("back"));
    const char *const args[] = {"search",         "study.yaml", "--out",     "run", "--store", url,
                                "--train.epochs", "500",        "--workers", "0",   NULL};
    pid_t search = program_start(folder, args);
    wait_until("back", STUDIES, 1, 30);
    /* the search measures latency on its own device, before there is a worker to do it */
    wait_until("back", "SELECT count(*) FROM trials WHERE state = 'WAITING'", 1, 60);
    long before = server_number("back", LATENCY);
    assert_true(before > 0);
    pid_t helper = worker(folder, 0, url);
    wait_until("back", BEATING, 1, 60);
    kill(helper, SIGTERM);
    assert_int_equal(program_wait(helper), 0);
    assert_int_equal(server_number("back", BEATING), 0);
    assert_int_equal(server_number("back", LATENCY), before);
    wait_until("back", "SELECT count(*) FROM trials WHERE state = 'WAITING'", 1, 10);
    kill(search, SIGTERM);
    assert_int_equal(program_wait(search), 1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(killed_worker_and_restarted_server_lose_no_trial),
        cmocka_unit_test(ids_are_those_of_a_study_in_a_file),
        cmocka_unit_test(killed_search_goes_on_with_what_workers_did_meanwhile),
        cmocka_unit_test(trouble_gets_one_line),
        cmocka_unit_test(one_search_at_a_time),
        cmocka_unit_test(stopped_worker_gives_its_trial_back),
        cmocka_unit_test(optuna_reads_a_study_on_a_server),
        cmocka_unit_test(store_keeps_its_promises_on_a_server),
    };
    return cmocka_run_group_tests_name("cluster", tests, start, stop);
}
