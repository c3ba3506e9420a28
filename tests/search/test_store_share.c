/* tests/search/test_store_share.c - trials that workers take, keep alive, hand in and give back,
 * and what the store says of databases in trouble.
 *
 * With CLNAS_TEST_URL=postgresql://… the same is asked of a server's (empty) database. */
#include <nas/search.h>

#include "small_spaces.h"

#include <setjmp.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static char folder[] = "/tmp/clnas-share-XXXXXX";
static char file[64];
static nas_space *toy;
static nas_study_config config;
static const char print[] = "space: toy\nseed: 1\n";

static int open_all(void **state) {
    (void)state;
    static const char *const settings[] = {"space",  "toy",        "data.path",
                                           "images", "objectives", "[error, params]"};
    if (mkdtemp(folder) == NULL)
        return -1;
    snprintf(file, sizeof file, "%s/study.db", folder);
    return nas_space_parse(&toy, toy_space, strlen(toy_space), "toy") != NAS_OK ||
           nas_study_read(&config, NULL, settings, 3) != NAS_OK;
}

static int remove_files(void **state) {
    (void)state;
    static const char *const ends[] = {"", "-wal", "-shm", "-journal", ".lock"};
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
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

/* Every test runs on a study of its own: in a file, or on the server that the environment names. */
static nas_store *open_store(const char *study) {
    const char *url = getenv("CLNAS_TEST_URL");
    nas_store *s = NULL;
    if (nas_store_open(&s, url ? url : file, study, &config, print) != NAS_OK)
        fail_msg("%s", nas_error_text());
    return s;
}

static void begin(nas_store *s, uint32_t number) {
    nas_rng r = nas_rng_stream(1, "share", number);
    nas_genome x;
    nas_space_sample(&x, toy, &r);
    assert_int_equal(nas_store_begin(s, number, toy, &x), NAS_OK);
}

static nas_status end(nas_store *s, uint32_t number) {
    nas_trial t = {.number = number, .state = NAS_TRIAL_COMPLETE, .objective = {0.5, 100}};
    return nas_store_end(s, &t, NULL);
}

static bool take(nas_store *s, const char *worker, uint32_t want) {
    bool got;
    uint32_t number = UINT32_MAX;
    nas_genome x = {.n = 0};
    assert_int_equal(nas_store_take(&got, &number, &x, s, worker, true), NAS_OK);
    if (got) {
        assert_int_equal(number, want);
        assert_int_equal(x.n, nas_space_gene_count(toy));
    }
    return got;
}

static nas_trial_state state_of(nas_store *s, uint32_t number) {
    nas_trial t;
    assert_int_equal(nas_store_trial(&t, s, number), NAS_OK);
    return t.state;
}

static void a_trial_goes_to_one_worker_and_is_ended_once(void **state) {
    (void)state;
    nas_store *s = open_store("one worker");
    bool mine, found;
    uint32_t number;
    char *json;
    begin(s, 0);
    assert_false(take(s, "a", 0)); /* begun is not offered */
    assert_int_equal(nas_store_offer(s, 0), NAS_OK);
    assert_int_equal(state_of(s, 0), NAS_TRIAL_WAITING);
    assert_int_equal(nas_store_offer(s, 0), NAS_E_STORE);
    assert_true(take(s, "a", 0));
    assert_false(take(s, "b", 0));
    assert_int_equal(nas_store_beat(&mine, s, 0, "a"), NAS_OK);
    assert_true(mine);
    assert_int_equal(nas_store_hand_in(&mine, s, 0, "b", "{\"error\": 1}"), NAS_OK);
    assert_false(mine);
    assert_int_equal(nas_store_next_result(&found, &number, &json, s, 0), NAS_OK);
    assert_false(found);
    assert_int_equal(nas_store_hand_in(&mine, s, 0, "a", "no JSON"), NAS_E_ARG);
    assert_int_equal(nas_store_hand_in(&mine, s, 0, "a", "{\"error\": 0.5}"), NAS_OK);
    assert_true(mine);
    assert_int_equal(nas_store_next_result(&found, &number, &json, s, 1), NAS_OK);
    assert_false(found); /* none from 1 on */
    assert_int_equal(nas_store_next_result(&found, &number, &json, s, 0), NAS_OK);
    assert_true(found && number == 0);
    assert_string_equal(json, "{\"error\": 0.5}");
    nas_free(json);
    assert_int_equal(end(s, 0), NAS_OK);
    assert_int_equal(end(s, 0), NAS_E_STORE);
    assert_int_equal(nas_store_hand_in(&mine, s, 0, "a", "1"), NAS_OK);
    assert_false(mine); /* it has ended */
    nas_store_close(s);
}

static void lowest_numbers_go_first_and_come_back(void **state) {
    (void)state;
    nas_store *s = open_store("order");
    bool mine;
    for (uint32_t i = 0; i < 3; i++)
        begin(s, i);
    for (uint32_t i = 3; i-- > 0;)
        assert_int_equal(nas_store_offer(s, i), NAS_OK);
    assert_true(take(s, "a", 0));
    assert_true(take(s, "b", 1));
    assert_int_equal(nas_store_intermediate(s, 0, 1, 0.5), NAS_OK);
    assert_int_equal(nas_store_give_back(s, 0, "b"), NAS_OK); /* not its own: nothing happens */
    assert_int_equal(state_of(s, 0), NAS_TRIAL_RUNNING);
    assert_int_equal(nas_store_give_back(s, 0, "a"), NAS_OK);
    assert_int_equal(nas_store_beat(&mine, s, 0, "a"), NAS_OK);
    assert_false(mine);
    double *curve;
    uint32_t n;
    assert_int_equal(nas_store_get_intermediate(&curve, &n, s, 0), NAS_OK);
    assert_int_equal(n, 0); /* another begins from nothing */
    nas_free(curve);
    assert_true(take(s, "c", 0));
    assert_true(take(s, "a", 2));
    assert_false(take(s, "d", 9));
    nas_store_close(s);
}

/* Only on a server: in a file every worker is a child of the one process that writes. */
static void a_silent_worker_loses_its_trial_and_a_search_keeps_off_it(void **state) {
    (void)state;
    nas_store *s = open_store("silence");
    uint32_t n;
    bool mine;
    if (!nas_store_shared(s)) {
        assert_int_equal(nas_store_reclaim(&n, s, 0), NAS_OK);
        assert_int_equal(n, 0);
        nas_store_close(s);
        return;
    }
    for (uint32_t i = 0; i < 2; i++) {
        begin(s, i);
        assert_int_equal(nas_store_offer(s, i), NAS_OK);
    }
    assert_true(take(s, "dead", 0));
    assert_true(take(s, "live", 1));
    nas_genome x = {.n = nas_space_gene_count(toy)};
    assert_int_equal(nas_store_begin(s, 0, toy, &x), NAS_E_EXISTS);
    assert_int_equal(nas_store_recover(s, &n), NAS_OK);
    assert_int_equal(n, 0);
    usleep(600000);
    assert_int_equal(nas_store_beat(&mine, s, 1, "live"), NAS_OK);
    assert_int_equal(nas_store_reclaim(&n, s, 0.5), NAS_OK);
    assert_int_equal(n, 1);
    assert_true(take(s, "heir", 0));
    assert_int_equal(nas_store_hand_in(&mine, s, 0, "dead", "1"), NAS_OK);
    assert_false(mine);
    nas_store_close(s);
}

/* ---- trouble ----------------------------------------------------------------------------------
 */

static void run_sql(const char *path, const char *sql) {
    sqlite3 *db;
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
}

static void newer_layout(void) {
    run_sql(file, "UPDATE alembic_version SET version_num = 'v9.0.0'");
}
static void no_layout(void) {
    run_sql(file, "DELETE FROM alembic_version");
}
static void half_of_the_tables(void) {
    run_sql(file, "DROP TABLE trial_params; DROP TABLE trial_values");
}
static void no_study(void) {
    run_sql(file, "DELETE FROM studies");
}
static void objectives_gone(void) {
    run_sql(file, "UPDATE study_user_attributes SET value_json = '[[1]]' WHERE key = 'objectives'");
}
static void cut_off(void) {
    struct stat st;
    assert_int_equal(stat(file, &st), 0);
    assert_int_equal(truncate(file, st.st_size / 2), 0);
}

static void a_database_in_trouble_gets_one_line(void **state) {
    (void)state;
    static const struct {
        void (*spoil)(void);
        nas_status status;
        const char *said;
    } cases[] = {
        {newer_layout, NAS_E_STORE, "its layout is 'v9.0.0', but only"},
        {no_layout, NAS_E_STORE, "its layout is ''"},
        {half_of_the_tables, NAS_E_STORE, "not a study store"},
        {no_study, NAS_E_NOT_FOUND, "there is no study in it"},
        {objectives_gone, NAS_E_STORE, "a text was expected"},
        {cut_off, NAS_E_STORE, "it is damaged"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        nas_store *s = NULL;
        remove_files(NULL);
        assert_int_equal(nas_store_open(&s, file, "a", &config, print), NAS_OK);
        begin(s, 0);
        nas_store_close(s);
        cases[i].spoil();
        nas_status st = nas_store_open_read(&s, file, NULL);
        if (st != cases[i].status || strstr(nas_error_text(), cases[i].said) == NULL)
            fail_msg("case %zu: %s", i, nas_error_text());
        assert_non_null(strstr(nas_error_text(), file)); /* it names the file */
        assert_null(strchr(nas_error_text(), '\n'));
    }
}

static void a_locked_database_is_waited_for_and_then_named(void **state) {
    (void)state;
    nas_store *s = NULL;
    sqlite3 *other;
    assert_int_equal(nas_store_open(&s, file, "a", &config, print), NAS_OK);
    begin(s, 0);
    assert_int_equal(sqlite3_open(file, &other), SQLITE_OK);
    assert_int_equal(sqlite3_exec(other, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(end(s, 0), NAS_E_STORE);
    assert_non_null(strstr(nas_error_text(), "another program is writing to it"));
    sqlite3_close(other);
    assert_int_equal(end(s, 0), NAS_OK); /* nothing was lost */
    nas_store_close(s);
}

/* May be looked at, but no study goes on in it. Root may write everywhere, so it is nobody here. */
static void a_read_only_database_is_named(void **state) {
    (void)state;
    enum { NOBODY = 65534 };
    nas_store *s = NULL, *look = NULL;
    nas_trial t = {.number = 1};
    assert_int_equal(nas_store_open(&s, file, "a", &config, print), NAS_OK);
    begin(s, 0);
    assert_int_equal(end(s, 0), NAS_OK);
    nas_store_close(s);
    assert_int_equal(chmod(file, 0444), 0);
    assert_int_equal(chmod(folder, 0777), 0);
    bool root = geteuid() == 0;
    assert_true(!root || seteuid(NOBODY) == 0);
    nas_status st = nas_store_open(&s, file, "a", &config, print);
    char said[512];
    snprintf(said, sizeof said, "%s", nas_error_text());
    nas_status st_look = nas_store_open_read(&look, file, NULL);
    if (st_look == NAS_OK) {
        st_look = nas_store_trial(&t, look, 0);
        nas_store_close(look);
    }
    assert_true(!root || seteuid(0) == 0);
    assert_int_equal(st, NAS_E_STORE);
    assert_non_null(strstr(said, file));
    assert_non_null(strstr(said, "cannot be written to"));
    assert_int_equal(st_look, NAS_OK);
    assert_int_equal(t.state, NAS_TRIAL_COMPLETE);
}

static void servers_and_unwritable_places_are_named(void **state) {
    (void)state;
    nas_store *s = NULL;
    static const struct {
        const char *path, *said, *unsaid;
    } cases[] = {
        {"postgresql://me:secret@127.0.0.1:1/x?connect_timeout=2",
         "postgresql://127.0.0.1:1/x: ", "secret"},
        {"postgres://127.0.0.1:1/x", "postgresql://127.0.0.1:1/x: ", "?"},
        {"/proc/study.db", "/proc/study.db", "?"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        nas_status st = nas_store_open(&s, cases[i].path, "a", &config, print);
        assert_true(st == NAS_E_STORE || st == NAS_E_UNSUPPORTED); /* built without libpq */
        assert_non_null(strstr(nas_error_text(), cases[i].said));
        assert_null(strstr(nas_error_text(), cases[i].unsaid));
        assert_null(strchr(nas_error_text(), '\n'));
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(a_trial_goes_to_one_worker_and_is_ended_once, remove_files),
        cmocka_unit_test_teardown(lowest_numbers_go_first_and_come_back, remove_files),
        cmocka_unit_test_teardown(a_silent_worker_loses_its_trial_and_a_search_keeps_off_it,
                                  remove_files),
        cmocka_unit_test_teardown(a_database_in_trouble_gets_one_line, remove_files),
        cmocka_unit_test_teardown(a_locked_database_is_waited_for_and_then_named, remove_files),
        cmocka_unit_test_teardown(a_read_only_database_is_named, remove_files),
        cmocka_unit_test_teardown(servers_and_unwritable_places_are_named, remove_files),
    };
    return cmocka_run_group_tests_name("store_share", tests, open_all, close_all);
}
