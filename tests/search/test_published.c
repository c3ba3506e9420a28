/* tests/search/test_published.c - strategies reach what is published for NAS-Bench-201, on its
 * table.
 *
 * The table is no part of the sources: where it is absent the tests are skipped. Few seeds, so the
 * bounds lie below the means (docs/strategies.md) by two to three standard errors; they catch a
 * strategy that stopped to learn.
 */
#include "tabular.h"

#include <math.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const char table[] = NAS_SOURCE_DIR "/../shared/data/nb201.csv.gz";
static const char space[] = NAS_SOURCE_DIR "/bench/nb201.yaml";
static tabular t;

static int open_table(void **state) {
    (void)state;
    if (!nas_file_exists(table))
        return 0;
    return tabular_open(&t, space, table) != NAS_OK;
}

static int close_table(void **state) {
    (void)state;
    tabular_close(&t);
    return 0;
}

static void need_table(void) {
    if (t.table == NULL) {
        print_message("skipped: %s is not there\n", table);
        skip();
    }
}

/* Every row is a network of the space and every network a row, with the same name. */
static void check_names(const nas_space *s, uint32_t step) {
    assert_int_equal(t.rows, (uint32_t)nas_space_size(s));
    for (uint32_t r = 0; r < t.rows; r += step) {
        nas_genome x;
        nas_text arch = {0};
        assert_int_equal(nas_space_from_arch(&x, s, nas_table_key(t.table, r)), NAS_OK);
        assert_int_equal(nas_space_arch(&arch, s, &x), NAS_OK);
        assert_string_equal(nas_text_str(&arch), nas_table_key(t.table, r));
        nas_text_free(&arch);
    }
}

static void names_are_those_of_the_table(void **state) {
    (void)state;
    nas_space *built_in = NULL;
    need_table();
    check_names(t.space, 1);
    nas_encoder *e = NULL; /* models see its paths */
    assert_int_equal(nas_encoder_create(&e, t.space, NAS_ENCODE_PATH), NAS_OK);
    nas_encoder_free(e);
    assert_int_equal(nas_space_open(&built_in, "nas-bench-201"), NAS_OK);
    check_names(built_in, 7);
    nas_space_free(built_in);
}

/* Mean test accuracy after 200 epochs of the best of 100 by validation after 12. */
static double single(const char *strategy, const nas_strategy_options *o, uint32_t seeds) {
    enum { BUDGET = 100 };
    double *validation = NULL, *test = NULL, sum = 0;
    assert_int_equal(tabular_values(&validation, &t, "100 - c10_val_12"), NAS_OK);
    assert_int_equal(tabular_values(&test, &t, "c10_test_200"), NAS_OK);
    for (uint32_t seed = 0; seed < seeds; seed++) {
        uint32_t row[BUDGET], used, best = 0;
        tabular_run run = {.t = &t, .strategy = strategy, .options = *o, .objective = {validation}};
        run.options.n_objectives = 1;
        run.options.seed = seed;
        assert_int_equal(tabular_search(row, &used, &run, BUDGET), NAS_OK);
        assert_int_equal(used, BUDGET);
        for (uint32_t i = 1; i < used; i++)
            best = validation[row[i]] < validation[row[best]] ? i : best;
        sum += test[row[best]];
    }
    nas_free(validation);
    nas_free(test);
    return sum / seeds;
}

static void single_objective_means_hold(void **state) {
    (void)state;
    enum { SEEDS = 60, SLOW_SEEDS = 8 };
    static const struct {
        const char *strategy;
        nas_strategy_options options;
        double least, most;
        uint32_t seeds;
    } cases[] = {
        {"auto", {0}, 94.1, 94.38, SLOW_SEEDS},
        {"bananas", {0}, 94.0, 94.35, SLOW_SEEDS},
        {"tpe", {0}, 93.95, 94.35, SEEDS},
        {"random", {0}, 93.59, 93.89, SEEDS},
        {"aging_evolution", {.population = 30, .numbers = {.sample = 10}}, 94.0, 94.35, SEEDS},
        {"local_search", {0}, 94.05, 94.35, SEEDS},
        {"reinforce", {0}, 93.80, 94.35, SEEDS},
        {"ppo", {0}, 93.80, 94.35, SEEDS},
        {"q_learning", {0}, 93.85, 94.35, SEEDS},
        {"nsga2", {0}, 93.85, 94.35, SEEDS},
    };
    need_table();
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        double v = single(cases[i].strategy, &cases[i].options, cases[i].seeds);
        if (!(v >= cases[i].least && v <= cases[i].most))
            fail_msg("%s reaches %.3f, not %.2f to %.2f", cases[i].strategy, v, cases[i].least,
                     cases[i].most);
    }
}

/* Mean share of the true hypervolume below (20 %, the largest latency) after 200 trials. */
static double multi(const char *strategy, const char *latency_column, uint32_t seeds) {
    enum { BUDGET = 200 };
    static double obj[2 * 15625];
    double *error = NULL, *latency = NULL, ref[2] = {20, 0}, whole = 0, sum = 0;
    assert_int_equal(tabular_values(&error, &t, "100 - c10_test_200"), NAS_OK);
    assert_int_equal(tabular_values(&latency, &t, latency_column), NAS_OK);
    for (uint32_t i = 0; i < t.rows; i++) {
        obj[2 * i] = error[i];
        obj[2 * i + 1] = latency[i];
        ref[1] = fmax(ref[1], latency[i]);
    }
    assert_int_equal(nas_hypervolume(&whole, obj, t.rows, 2, ref), NAS_OK);
    for (uint32_t seed = 0; seed < seeds; seed++) {
        uint32_t row[BUDGET], used;
        double v = 0;
        tabular_run run = {.t = &t,
                           .strategy = strategy,
                           .options = {.n_objectives = 2, .seed = seed},
                           .objective = {error, latency},
                           .known = {false, true}};
        assert_int_equal(tabular_search(row, &used, &run, BUDGET), NAS_OK);
        for (uint32_t i = 0; i < used; i++) {
            obj[2 * i] = error[row[i]];
            obj[2 * i + 1] = latency[row[i]];
        }
        assert_int_equal(nas_hypervolume(&v, obj, used, 2, ref), NAS_OK);
        sum += v / whole;
    }
    nas_free(error);
    nas_free(latency);
    return sum / seeds;
}

static void shares_of_the_hypervolume_hold(void **state) {
    (void)state;
    enum { SEEDS = 20, SLOW_SEEDS = 2 };
    static const struct {
        const char *strategy, *column;
        double least;
        uint32_t seeds;
    } cases[] = {
        {"auto", "latency_ms_fpga", .978, SLOW_SEEDS},
        {"auto", "latency_ms_raspi4", .978, SLOW_SEEDS},
        {"auto", "latency_ms_titan_rtx_32", .978, SLOW_SEEDS},
        {"nsga2", "latency_ms_fpga", .973, SEEDS},
        {"nsga2", "latency_ms_raspi4", .972, SEEDS},
        {"nsga2", "latency_ms_titan_rtx_32", .962, SEEDS},
        {"nsga3", "latency_ms_fpga", .960, SEEDS},
        {"aging_evolution", "latency_ms_fpga", .973, SEEDS},
        {"local_search", "latency_ms_fpga", .977, SEEDS},
        {"moead", "latency_ms_fpga", .955, SEEDS},
    };
    need_table();
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        double v = multi(cases[i].strategy, cases[i].column, cases[i].seeds);
        if (!(v >= cases[i].least && v <= 1 + 1e-9))
            fail_msg("%s on %s reaches %.4f, not %.3f", cases[i].strategy, cases[i].column, v,
                     cases[i].least);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_are_those_of_the_table),
        cmocka_unit_test(single_objective_means_hold),
        cmocka_unit_test(shares_of_the_hypervolume_hold),
    };
    return cmocka_run_group_tests(tests, open_table, close_table);
}
