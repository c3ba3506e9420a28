/* tests/search/test_store.c - the study store: round trips, kills, second writers, damaged files.
 *
 * With CLNAS_TEST_STORE=PATH it leaves a finished and a running study there for tests/optuna. */
#include <nas/search.h>

#include "small_spaces.h"

#include <fcntl.h>
#include <math.h>
#include <setjmp.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static char folder[] = "/tmp/clnas-store-XXXXXX";
static char file[64];
static nas_space *toy;
static nas_study_config config;
static const char print[] = "space: toy\nseed: 1\nobjectives: error latency\n";

static int open_all(void **state) {
    (void)state;
    static const char *const settings[] = {
        "space",       "toy",
        "data.path",   "images",
        "objectives",  "[error, latency@\"quoted\"]",
        "constraints", "[{params: {max: 1000}}]",
    };
    if (mkdtemp(folder) == NULL)
        return -1;
    snprintf(file, sizeof file, "%s/study.db", folder);
    return nas_space_parse(&toy, toy_space, strlen(toy_space), "toy") != NAS_OK ||
           nas_study_read(&config, NULL, settings, 4) != NAS_OK;
}

static int remove_files(void **state) {
    (void)state;
    static const char *const ends[] = {"", "-wal", "-shm", ".lock"};
    for (size_t i = 0; i < 4; i++) {
        char path[96];
        snprintf(path, sizeof path, "%s%s", file, ends[i]);
        unlink(path);
    }
    return 0;
}

static int close_all(void **state) {
    remove_files(state);
    nas_space_free(toy);
    nas_study_config_free(&config);
    return rmdir(folder);
}

static nas_store *open_store(const char *path) {
    nas_store *s = NULL;
    nas_status st = nas_store_open(&s, path, "a study", &config, print);
    if (st != NAS_OK)
        fail_msg("%s", nas_error_text());
    return s;
}

static nas_genome genome_of(uint32_t trial) {
    nas_rng r = nas_rng_stream(1, "store", trial);
    nas_genome x;
    nas_space_sample(&x, toy, &r);
    return x;
}

/* Trial `number` from begin to end; every fifth fails. */
static nas_trial do_trial(nas_store *s, uint32_t number) {
    nas_trial t = {.number = number,
                   .state = number % 5 == 4 ? NAS_TRIAL_FAIL : NAS_TRIAL_COMPLETE,
                   .genome = genome_of(number),
                   .objective = {1. / (number + 3), number * 7 % 11 * 1e-3},
                   .violation = number % 3 == 2 ? 0.5 : 0,
                   .started = 1.7e9 + number + 0.25,
                   .ended = 1.7e9 + number + 0.75};
    assert_int_equal(nas_store_begin(s, number, toy, &t.genome), NAS_OK);
    assert_int_equal(nas_store_intermediate(s, number, 1, 0.5), NAS_OK);
    assert_int_equal(nas_store_intermediate(s, number, 0, NAN), NAS_OK);
    assert_int_equal(nas_store_attr(s, number, "params", "12345"), NAS_OK);
    assert_int_equal(nas_store_end(s, &t, t.state == NAS_TRIAL_FAIL ? "it \"broke\"" : NULL),
                     NAS_OK);
    return t;
}

static void assert_trial(nas_store *s, const nas_trial *want) {
    nas_trial t;
    assert_int_equal(nas_store_trial(&t, s, want->number), NAS_OK);
    assert_int_equal(t.number, want->number);
    assert_int_equal(t.state, want->state);
    assert_int_equal(t.genome.n, want->genome.n);
    assert_memory_equal(t.genome.gene, want->genome.gene, t.genome.n * sizeof *t.genome.gene);
    for (int k = 0; k < 2; k++)
        assert_true(t.state == NAS_TRIAL_COMPLETE ? t.objective[k] == want->objective[k]
                                                  : isnan(t.objective[k]));
    assert_true(t.violation == want->violation);
    assert_true(fabs(t.started - want->started) < 1e-5 && fabs(t.ended - want->ended) < 1e-5);
}

/* ---- round trips --------------------------------------------------------------------------------
 */

static void trials_come_back_as_they_were(void **state) {
    (void)state;
    enum { N = 10 };
    nas_trial want[N];
    nas_store *s = open_store(file);
    for (uint32_t i = 0; i < N; i++)
        want[i] = do_trial(s, i);
    nas_store_close(s);
    for (int readonly = 0; readonly < 2; readonly++) {
        if (readonly)
            assert_int_equal(nas_store_open_read(&s, file, NULL), NAS_OK);
        else
            s = open_store(file);
        const char *const *names;
        double *curve;
        uint32_t n;
        char *json;
        assert_int_equal(nas_store_trial_count(s), N);
        assert_int_equal(nas_store_objectives(s, &names), 2);
        assert_string_equal(names[0], "error");
        assert_string_equal(names[1], "latency@\"quoted\"");
        for (uint32_t i = 0; i < N; i++)
            assert_trial(s, &want[i]);
        assert_int_equal(nas_store_get_intermediate(&curve, &n, s, 3), NAS_OK);
        assert_true(n == 2 && isnan(curve[0]) && curve[1] == 0.5);
        nas_free(curve);
        assert_int_equal(nas_store_get_attr(&json, s, 4, "reason"), NAS_OK);
        assert_string_equal(json, "\"it \\\"broke\\\"\"");
        nas_free(json);
        assert_int_equal(nas_store_get_attr(&json, s, 3, "reason"), NAS_E_NOT_FOUND);
        nas_trial t;
        assert_int_equal(nas_store_trial(&t, s, N), NAS_E_NOT_FOUND);
        nas_store_close(s);
    }
}

static void odd_numbers_come_back(void **state) {
    (void)state;
    nas_store *s = open_store(file);
    nas_trial t = {.number = 0,
                   .state = NAS_TRIAL_COMPLETE,
                   .genome = genome_of(0),
                   .objective = {INFINITY, -INFINITY},
                   .violation = INFINITY,
                   .started = 1,
                   .ended = 2};
    assert_int_equal(nas_store_begin(s, 0, toy, &t.genome), NAS_OK);
    t.objective[1] = NAN;
    assert_int_equal(nas_store_end(s, &t, NULL), NAS_E_NAN);
    t.objective[1] = -INFINITY; /* what failed left nothing behind */
    assert_int_equal(nas_store_end(s, &t, NULL), NAS_OK);
    assert_trial(s, &t);
    nas_store_close(s);
}

static void attributes_are_replaced_and_must_be_json(void **state) {
    (void)state;
    char *json;
    nas_store *s = open_store(file);
    do_trial(s, 0);
    assert_int_equal(nas_store_attr(s, 0, "model", "\"a.safetensors\""), NAS_OK);
    assert_int_equal(nas_store_attr(s, 0, "model", "\"b.safetensors\""), NAS_OK);
    assert_int_equal(nas_store_get_attr(&json, s, 0, "model"), NAS_OK);
    assert_string_equal(json, "\"b.safetensors\"");
    nas_free(json);
    assert_int_equal(nas_store_attr(s, 0, "model", "b.safetensors"), NAS_E_ARG);
    assert_int_equal(nas_store_attr(s, 7, "model", "1"), NAS_E_NOT_FOUND);
    assert_int_equal(nas_store_study_attr(s, "device", "{\"name\": \"x\"}"), NAS_OK);
    assert_int_equal(nas_store_get_study_attr(&json, s, "device"), NAS_OK);
    assert_string_equal(json, "{\"name\": \"x\"}");
    nas_free(json);
    assert_int_equal(nas_store_get_study_attr(&json, s, "none"), NAS_E_NOT_FOUND);
    nas_store_close(s);
}

static void trials_begin_in_order_and_end_once(void **state) {
    (void)state;
    nas_store *s = open_store(file);
    nas_trial t = do_trial(s, 0);
    assert_int_equal(nas_store_end(s, &t, NULL), NAS_E_STORE);
    assert_int_equal(nas_store_begin(s, 0, toy, &t.genome), NAS_E_STORE);
    assert_int_equal(nas_store_begin(s, 2, toy, &t.genome), NAS_E_STORE);
    t.number = 1;
    assert_int_equal(nas_store_end(s, &t, NULL), NAS_E_NOT_FOUND);
    assert_int_equal(nas_store_begin(s, 1, toy, &t.genome), NAS_OK);
    t.state = NAS_TRIAL_WAITING;
    assert_int_equal(nas_store_end(s, &t, NULL), NAS_E_ARG);
    nas_store_close(s);
}

/* ---- going on
 * ------------------------------------------------------------------------------------ */

static void only_the_same_study_goes_on(void **state) {
    (void)state;
    nas_store_close(open_store(file));
    nas_store *s = NULL;
    static const struct {
        const char *print, *said;
    } cases[] = {
        {"space: toy\nseed: 2\nobjectives: error latency\n",
         "line 2 was 'seed: 1' and is 'seed: 2'"},
        {"space: toy\nseed: 1\n", "line 3 was 'objectives: error latency' and is ''"},
        {"space: toy\nseed: 1\nobjectives: error latency\nmore\n", "line 4 was '' and is 'more'"},
        {"space: toy\nseed: 1\nobjectives: error latency", "line 3"},
        {"", "line 1 was 'space: toy'"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_int_equal(nas_store_open(&s, file, "a study", &config, cases[i].print),
                         NAS_E_EXISTS);
        if (strstr(nas_error_text(), cases[i].said) == NULL)
            fail_msg("%s", nas_error_text());
    }
    nas_store_close(open_store(file));
    assert_int_equal(nas_store_open(&s, file, "another", &config, print), NAS_E_EXISTS);
    assert_non_null(strstr(nas_error_text(), "called 'a study', not 'another'"));
}

static void a_trial_left_running_is_done_anew_under_its_number(void **state) {
    (void)state;
    nas_store *s = open_store(file);
    nas_genome x = genome_of(1);
    uint32_t n = 99;
    char *json;
    nas_trial t;
    nas_trial zero = do_trial(s, 0);
    assert_int_equal(nas_store_begin(s, 1, toy, &x), NAS_OK);
    assert_int_equal(nas_store_intermediate(s, 1, 0, 0.1), NAS_OK);
    assert_int_equal(nas_store_attr(s, 1, "macs", "1"), NAS_OK);
    nas_trial two = do_trial(s, 2);
    nas_store_close(s);

    s = open_store(file);
    assert_int_equal(nas_store_recover(s, &n), NAS_OK);
    assert_int_equal(n, 1);
    assert_int_equal(nas_store_trial_count(s), 3);
    assert_int_equal(nas_store_trial(&t, s, 1), NAS_OK);
    assert_int_equal(t.state, NAS_TRIAL_WAITING);
    assert_memory_equal(t.genome.gene, x.gene, x.n * sizeof *x.gene);
    double *curve = NULL;
    assert_int_equal(nas_store_get_intermediate(&curve, &n, s, 1), NAS_OK);
    assert_int_equal(n, 0);
    nas_free(curve);
    assert_int_equal(nas_store_get_attr(&json, s, 1, "macs"), NAS_E_NOT_FOUND);

    nas_trial one = do_trial(s, 1);
    assert_trial(s, &zero);
    assert_trial(s, &one);
    assert_trial(s, &two);
    assert_int_equal(nas_store_recover(s, &n), NAS_OK);
    assert_int_equal(n, 0);
    nas_store_close(s);
}

/* The child writes trials and says which have ended; the parent kills it in the midst of one. */
static void a_kill_loses_no_finished_trial(void **state) {
    (void)state;
    for (int round = 0; round < 3; round++) {
        int pipe_ends[2];
        remove_files(NULL);
        assert_int_equal(pipe(pipe_ends), 0);
        pid_t child = fork();
        if (child == 0) {
            nas_store *s = NULL;
            if (nas_store_open(&s, file, "a study", &config, print) != NAS_OK)
                _exit(1);
            for (uint32_t i = 0;; i++) {
                do_trial(s, i);
                if (write(pipe_ends[1], &i, sizeof i) != sizeof i)
                    _exit(1);
            }
        }
        close(pipe_ends[1]);
        uint32_t ended = 0, n = 0;
        do
            assert_int_equal(read(pipe_ends[0], &ended, sizeof ended), sizeof ended);
        while (ended < 5 + (uint32_t)round);
        assert_int_equal(kill(child, SIGKILL), 0);
        while (read(pipe_ends[0], &ended, sizeof ended) == sizeof ended) {
        }
        close(pipe_ends[0]);
        assert_int_equal(waitpid(child, NULL, 0), child);

        nas_store *s = open_store(file); /* the lock died with its owner */
        assert_int_equal(nas_store_recover(s, &n), NAS_OK);
        assert_true(n <= 1 && nas_store_trial_count(s) > ended);
        for (uint32_t i = 0; i <= ended; i++) {
            nas_trial t;
            assert_int_equal(nas_store_trial(&t, s, i), NAS_OK);
            assert_int_equal(t.state, i % 5 == 4 ? NAS_TRIAL_FAIL : NAS_TRIAL_COMPLETE);
        }
        nas_store_close(s);
    }
}

/* ---- other openers and wrong files
 * --------------------------------------------------------------- */

static void one_process_writes_and_others_read(void **state) {
    (void)state;
    nas_store *s = open_store(file), *reader = NULL;
    do_trial(s, 0);
    pid_t child = fork();
    if (child == 0) {
        nas_store *second = NULL;
        bool refused = nas_store_open(&second, file, "a study", &config, print) == NAS_E_STORE &&
                       strstr(nas_error_text(), "by process") != NULL;
        bool read_it = nas_store_open_read(&second, file, NULL) == NAS_OK &&
                       nas_store_trial_count(second) == 1;
        _exit(refused && read_it ? 0 : 1);
    }
    int status = -1;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    assert_int_equal(nas_store_open_read(&reader, file, NULL), NAS_OK);
    do_trial(s, 1); /* a reader sees what ends while it looks */
    assert_int_equal(nas_store_trial_count(reader), 2);
    assert_int_equal(nas_store_begin(reader, 2, toy, &(nas_genome){.n = 0}), NAS_E_STORE);
    nas_store_close(reader);
    nas_store_close(s);
}

static void wrong_files_are_refused_in_one_line(void **state) {
    (void)state;
    static const char text[] = "this is a text file and not a database, however long it may get: "
                               "................................................................";
    nas_store *s = NULL;
    assert_int_equal(nas_store_open_read(&s, file, NULL), NAS_E_NOT_FOUND);
    assert_int_equal(nas_store_open(&s, "/nowhere/study.db", "a", &config, print), NAS_E_STORE);
    assert_non_null(strstr(nas_error_text(), "/nowhere/study.db"));

    assert_int_equal(nas_file_write(file, text, sizeof text), NAS_OK);
    assert_int_equal(nas_store_open(&s, file, "a", &config, print), NAS_E_STORE);
    assert_non_null(strstr(nas_error_text(), "no SQLite database"));
    assert_int_equal(nas_store_open_read(&s, file, NULL), NAS_E_STORE);
    char *kept;
    size_t n;
    assert_int_equal(nas_file_read(&kept, &n, file, 0), NAS_OK);
    assert_memory_equal(kept, text, sizeof text); /* what is not ours is not touched */
    nas_free(kept);

    assert_int_equal(nas_file_write(file, "", 0), NAS_OK);
    assert_int_equal(nas_store_open_read(&s, file, NULL), NAS_E_NOT_FOUND);
    assert_null(strchr(nas_error_text(), '\n'));
}

static void a_damaged_store_never_reads_as_a_good_one(void **state) {
    (void)state;
    char *bytes;
    size_t n;
    nas_store *s = open_store(file);
    for (uint32_t i = 0; i < 20; i++)
        do_trial(s, i);
    nas_store_close(s);
    assert_int_equal(nas_file_read(&bytes, &n, file, 0), NAS_OK);
    assert_int_equal(nas_file_write(file, bytes, n / 2), NAS_OK); /* cut off */
    assert_int_equal(nas_store_open(&s, file, "a study", &config, print), NAS_E_STORE);
    assert_non_null(strstr(nas_error_text(), "damaged"));
    assert_int_equal(nas_store_open_read(&s, file, NULL), NAS_E_STORE);

    for (size_t at = 4096; at < n;
         at += 997) { /* noise on every page: whatever is read, or an error */
        memset(bytes + at, 0xa5, 64 < n - at ? 64 : n - at);
        assert_int_equal(nas_file_write(file, bytes, n), NAS_OK);
        if (nas_store_open_read(&s, file, NULL) != NAS_OK)
            continue;
        for (uint32_t i = 0; i < 20; i++) {
            nas_trial t;
            if (nas_store_trial(&t, s, i) == NAS_OK)
                assert_true(t.genome.n <= NAS_MAX_GENES);
        }
        nas_store_close(s);
    }
    nas_free(bytes);
}

/* ---- a store for tests/optuna
 * --------------------------------------------------------------------- */

/* The numbers of the trials on the front, as the study's attribute "front". */
static void leave_front(nas_store *s, const nas_trial *t, uint32_t n) {
    double obj[2 * 12], violation[12];
    uint32_t rank[12];
    nas_text json = {0};
    for (uint32_t i = 0; i < n; i++) {
        bool failed = t[i].state == NAS_TRIAL_FAIL;
        obj[2 * i] = failed ? NAN : t[i].objective[0];
        obj[2 * i + 1] = failed ? NAN : t[i].objective[1];
        violation[i] = t[i].violation;
    }
    assert_int_equal(nas_pareto_rank(rank, obj, violation, n, 2), NAS_OK);
    nas_text_add(&json, "[");
    for (uint32_t i = 0; i < n; i++)
        if (rank[i] == 0)
            nas_text_add(&json, "%s%u", json.n > 1 ? ", " : "", i);
    nas_text_add(&json, "]");
    assert_int_equal(nas_store_study_attr(s, "front", nas_text_str(&json)), NAS_OK);
    nas_text_free(&json);
}

static int leave_store(const char *path) {
    nas_store *s = NULL;
    nas_trial t[12];
    if (open_all(NULL) != 0 || nas_store_open(&s, path, "a study", &config, print) != NAS_OK) {
        fprintf(stderr, "%s\n", nas_error_text());
        return 1;
    }
    for (uint32_t i = 0; i < 12; i++)
        t[i] = do_trial(s, i);
    leave_front(s, t, 12);
    nas_genome x = genome_of(12);
    int st = nas_store_begin(s, 12, toy, &x); /* and one that runs */
    nas_store_close(s);
    close_all(NULL);
    return st;
}

int main(void) {
    const char *path = getenv("CLNAS_TEST_STORE");
    if (path != NULL)
        return leave_store(path);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(trials_come_back_as_they_were, remove_files),
        cmocka_unit_test_teardown(odd_numbers_come_back, remove_files),
        cmocka_unit_test_teardown(attributes_are_replaced_and_must_be_json, remove_files),
        cmocka_unit_test_teardown(trials_begin_in_order_and_end_once, remove_files),
        cmocka_unit_test_teardown(only_the_same_study_goes_on, remove_files),
        cmocka_unit_test_teardown(a_trial_left_running_is_done_anew_under_its_number, remove_files),
        cmocka_unit_test_teardown(a_kill_loses_no_finished_trial, remove_files),
        cmocka_unit_test_teardown(one_process_writes_and_others_read, remove_files),
        cmocka_unit_test_teardown(wrong_files_are_refused_in_one_line, remove_files),
        cmocka_unit_test_teardown(a_damaged_store_never_reads_as_a_good_one, remove_files),
    };
    return cmocka_run_group_tests(tests, open_all, close_all);
}
