/* tests/search/test_study.c - measures and study files: what is read, and one clear line for the
 * rest. */
#include <nas/search.h>

#include <math.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static char folder[] = "/tmp/clnas-study-XXXXXX";
static char file[64];

static int make_folder(void **state) {
    (void)state;
    if (mkdtemp(folder) == NULL)
        return -1;
    snprintf(file, sizeof file, "%s/my.study.yaml", folder);
    return 0;
}

static int drop_folder(void **state) {
    (void)state;
    unlink(file);
    return rmdir(folder);
}

static nas_status read_text(nas_study_config *out, const char *text) {
    assert_int_equal(nas_file_write(file, text, strlen(text)), NAS_OK);
    return nas_study_read(out, file, NULL, 0);
}

/* ---- measures ---------------------------------------------------------------------------------
 */

static void measures_know_unit_device_and_training(void **state) {
    (void)state;
    static const struct {
        const char *text, *quantity, *device, *unit;
        bool needs_training;
    } cases[] = {
        {"error", "error", "", "", true},
        {"loss", "loss", "", "", true},
        {"params", "params", "", "", false},
        {"macs", "macs", "", "", false},
        {"memory", "memory", "", "B", false},
        {"latency", "latency", "", "s", false},
        {"latency@raspberry-pi-4", "latency", "raspberry-pi-4", "s", false},
        {"energy@boards/mine.yaml", "energy", "boards/mine.yaml", "J", false},
        {"memory@a", "memory", "a", "B", false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        nas_measure m;
        assert_int_equal(nas_measure_parse(&m, cases[i].text), NAS_OK);
        assert_string_equal(m.name, cases[i].text);
        assert_string_equal(m.quantity, cases[i].quantity);
        assert_string_equal(m.device, cases[i].device);
        assert_string_equal(m.unit, cases[i].unit);
        assert_int_equal(m.needs_training, cases[i].needs_training);
    }
}

#define K(s) s s s s /* 4 * 4^5 bytes: over the longest path */

static void wrong_measures_are_refused(void **state) {
    (void)state;
    static const struct {
        const char *text, *said;
    } cases[] = {
        {"latncy", "did you mean 'latency'"},
        {"", "cannot be measured"},
        {"accuracy-of-something-else", "known are error"},
        {"error@cpu", "does not depend on a device"},
        {"energy", "write energy@DEVICE"},
        {"latency@", "name of one device"},
        {"latency@a@b", "name of one device"},
        {"latency@a b", "name of one device"},
        {"latency@" K(K(K(K(K("abcd"))))), "too long"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        nas_measure m;
        assert_int_equal(nas_measure_parse(&m, cases[i].text), NAS_E_PARSE);
        if (strstr(nas_error_text(), cases[i].said) == NULL)
            fail_msg("%s: '%s'", cases[i].text, nas_error_text());
    }
}

/* ---- good study files --------------------------------------------------------------------------
 */

static void a_small_study_gets_defaults(void **state) {
    (void)state;
    nas_study_config c;
    assert_int_equal(read_text(&c, "space: tiny\ndata: {path: images}\n"), NAS_OK);
    assert_string_equal(c.name, "my.study");
    assert_string_equal(c.space, "tiny");
    assert_int_equal(c.n_objectives, 2);
    assert_string_equal(c.objective[0].name, "error");
    assert_string_equal(c.objective[1].name, "latency");
    assert_int_equal(c.n_constraints, 0);
    assert_string_equal(c.strategy, "auto");
    assert_string_equal(c.device, "auto");
    assert_int_equal(c.latency_batch, 1);
    assert_true(c.trials > 0 && c.validation > 0);
    assert_null(c.train);
    assert_null(c.retrain);
    nas_study_config_free(&c);
    nas_study_config_free(NULL);
}

static const char everything[] =
    "name: fashion\n"
    "space: spaces/mine.yaml\n"
    "data: {path: ../data/fashion, validation: 100, train_images: 2000}\n"
    "objectives: [error, latency, 'energy@rpi4']\n"
    "constraints:\n"
    "  - params: {max: 500000}\n"
    "  - latency: {min: 0.001, max: 0.005}\n"
    "strategy: {name: nsga3, population: 8, crossover: 0.5, mutation: 0.25}\n"
    "budget: {trials: 40, seconds: 3600}\n"
    "train: {epochs: 2, batch: 64, optimizer: sgd, lr: 0.1, momentum: 0.9, nesterov: true,\n"
    "  beta1: 0.9, beta2: 0.99, eps: 1e-8, weight_decay: 5e-4, schedule: cosine,\n"
    "  warmup_epochs: 0.5, final_lr: 0, step_epochs: 3, step_factor: 0.1, clip_norm: 1,\n"
    "  label_smoothing: 0.1, flip: true, crop_pad: 2, cutout: 8}\n"
    "retrain: {models: 2, epochs: 20}\n"
    "latency: {batch: 4}\n"
    "device: gpu\n"
    "price_on: [rpi4, jetson]\n"
    "seed: 7\n"
    "trial_seconds: 60\n";

static void every_key_is_read(void **state) {
    (void)state;
    nas_study_config c;
    char path[128];
    assert_int_equal(read_text(&c, everything), NAS_OK);
    assert_string_equal(c.name, "fashion");
    snprintf(path, sizeof path, "%s/spaces/mine.yaml", folder);
    assert_string_equal(c.space, path);
    snprintf(path, sizeof path, "%s/../data/fashion", folder);
    assert_string_equal(c.data, path);
    assert_int_equal(c.validation, 100);
    assert_int_equal(c.train_images, 2000);
    assert_int_equal(c.n_objectives, 3);
    assert_string_equal(c.objective[2].device, "rpi4");
    assert_int_equal(c.n_constraints, 2);
    assert_true(c.constraint[0].max == 500000 && c.constraint[0].min == -INFINITY);
    assert_true(c.constraint[1].max == 0.005 && c.constraint[1].min == 0.001);
    assert_string_equal(c.strategy, "nsga3");
    assert_int_equal(c.population, 8);
    assert_true(c.crossover == 0.5 && c.mutation == 0.25);
    assert_int_equal(c.trials, 40);
    assert_true(c.max_seconds == 3600 && c.trial_seconds == 60);
    assert_int_equal(nas_yaml_count(c.train), 20);
    assert_int_equal(c.retrain_models, 2);
    assert_non_null(nas_yaml_get(c.retrain, "epochs"));
    assert_int_equal(c.latency_batch, 4);
    assert_string_equal(c.device, "gpu");
    assert_int_equal(c.n_price_on, 2);
    assert_string_equal(c.price_on[1], "jetson");
    assert_int_equal(c.seed, 7);
    nas_study_config_free(&c);
}

static void overrides_win_and_their_paths_start_here(void **state) {
    (void)state;
    static const char *const overrides[] = {
        "data.path", "elsewhere",  "budget.trials", "3",           "train.epochs",
        "1",         "objectives", "[params]",      "constraints", "[{macs: {max: 1e6}}]",
        "seed",      "9",
    };
    nas_study_config c;
    assert_int_equal(nas_file_write(file, everything, strlen(everything)), NAS_OK);
    assert_int_equal(nas_study_read(&c, file, overrides, 6), NAS_OK);
    assert_string_equal(c.data, "elsewhere");
    assert_int_equal(c.trials, 3);
    assert_int_equal(c.n_objectives, 1);
    assert_string_equal(c.constraint[0].measure.name, "macs");
    assert_int_equal(c.seed, 9);
    assert_string_equal(nas_yaml_scalar(nas_yaml_get(c.train, "epochs")), "1");
    nas_study_config_free(&c);

    static const char *const alone[] = {"space", "a/b.yaml", "data.path", "d", "name", "n"};
    assert_int_equal(nas_study_read(&c, NULL, alone, 3), NAS_OK);
    assert_string_equal(c.space, "a/b.yaml");
    assert_string_equal(c.name, "n");
    nas_study_config_free(&c);
}

/* ---- bad ones ----------------------------------------------------------------------------------
 */

#define BASE "space: tiny\ndata: {path: d}\n"
static const struct bad {
    const char *text, *at, *said; /* at: "line:column" or NULL */
} bad[] = {
    {"data: {path: d}\n", NULL, "space is missing"},
    {"space: tiny\n", NULL, "data.path is missing"},
    {"space: tiny\ndata: {validation: 3}\n", "2:", "data.path is missing"},
    {"space: tiny\ndata: d\n", "2:7", "map of settings"},
    {"space: ''\ndata: {path: d}\n", "1:8", "space is empty"},
    {"space: [a]\ndata: {path: d}\n", "1:8", ""},
    {BASE "objektives: [error]\n", "3:", "objectives"},
    {BASE "objectives: []\n", "3:13", "1 to 8"},
    {BASE "objectives: error\n", "3:13", "1 to 8"},
    {BASE "objectives: [eror]\n", "3:14", "error"},
    {BASE "objectives: [error, error]\n", "3:21", "twice"},
    {BASE "objectives: [{error: 1}]\n", "3:14", ""},
    {BASE "constraints: {params: 3}\n", "3:14", "list"},
    {BASE "constraints: [params]\n", "3:15", "{params: {max: 500000}}"},
    {BASE "constraints: [{params: 3}]\n", "3:", "{params: {max: 500000}}"},
    {BASE "constraints: [{params: {}}]\n", "3:", "neither min nor max"},
    {BASE "constraints: [{params: {maxi: 3}}]\n", "3:", "max"},
    {BASE "constraints: [{params: {min: 3, max: 2}}]\n", "3:", "above"},
    {BASE "constraints: [{parms: {max: 2}}]\n", "3:", "params"},
    {BASE "constraints: [{macs: {max: 2}}, {macs: {max: 3}}]\n", "3:", "twice"},
    {BASE "strategy: {name: nsga4}\n", "3:18", "did you mean 'nsga2'"},
    {BASE "strategy: {name: xyzzy}\n", "3:18", "known: aging_evolution, auto, bananas"},
    {BASE "strategy: {name: gp, smple: 3}\n", "3:", "did you mean 'sample'"},
    {BASE "strategy: {name: gp, sample: 3}\n", "3:", "gp takes no 'sample'; it takes batch"},
    {BASE "strategy: {name: random, population: 9}\n", "3:", "it takes no settings"},
    {BASE "strategy: {name: gp, mutation: 0.5}\n", "3:", "gp takes no 'mutation'"},
    {BASE "strategy: {population: 1}\n", "3:24", ""},
    {BASE "strategy: {mutation: 1.5}\n", "3:22", ""},
    {BASE "strategy: nsga2\n", "3:11", "map of settings"},
    {BASE "budget: {trials: 0}\n", "3:18", ""},
    {BASE "budget: {trials: many}\n", "3:18", ""},
    {BASE "budget: {secs: 3}\n", "3:", ""},
    {BASE "train: {epoch: 3}\n", "3:", "epochs"},
    {BASE "train: {models: 3}\n", "3:", "models"},
    {BASE "train: {epochs: 0}\n", "3:17", ""},
    {BASE "train: {lr: fast}\n", "3:13", ""},
    {BASE "train: {lr: 0}\n", "3:13", "lr must be above 0"},
    {BASE "retrain: {momentum: 1}\n", "3:21", "momentum must be below 1"},
    {BASE "train: {optimizer: adamv}\n", "3:20", "sgd, adam or adamw"},
    {BASE "train: {flip: 3}\n", "3:15", ""},
    {BASE "retrain: {models: -1}\n", "3:19", ""},
    {BASE "latency: {batch: 0}\n", "3:18", ""},
    {BASE "price_on: rpi4\n", "3:11", "list of at most 4"},
    {BASE "price_on: [a, b, c, d, e]\n", "3:11", "list of at most 4"},
    {BASE "seed: -1\n", "3:7", ""},
    {BASE "seed: 1\nseed: 2\n", NULL, ""},
    {BASE "trial_seconds: .nan\n", "3:16", ""},
    {"- a\n", NULL, ""},
};

static void bad_studies_say_where_and_why(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        nas_study_config c;
        char where[96];
        nas_status st = read_text(&c, bad[i].text);
        snprintf(where, sizeof where, "%s:%s", file, bad[i].at != NULL ? bad[i].at : "");
        if (st != NAS_E_PARSE || strstr(nas_error_text(), bad[i].said) == NULL ||
            strncmp(nas_error_text(), where, strlen(where)) != 0)
            fail_msg("%s -> %d '%s'", bad[i].text, st, nas_error_text());
    }
}

static void bad_overrides_are_called_by_their_option(void **state) {
    (void)state;
    static const char *const overrides[] = {"budget.trials", "none"};
    nas_study_config c;
    assert_int_equal(nas_file_write(file, everything, strlen(everything)), NAS_OK);
    assert_int_equal(nas_study_read(&c, file, overrides, 1), NAS_E_PARSE);
    assert_non_null(strstr(nas_error_text(), "--budget.trials"));
    assert_int_equal(nas_study_read(&c, "/nowhere/at/all.yaml", NULL, 0), NAS_E_IO);
    assert_non_null(strstr(nas_error_text(), "/nowhere/at/all.yaml"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(measures_know_unit_device_and_training),
        cmocka_unit_test(wrong_measures_are_refused),
        cmocka_unit_test(a_small_study_gets_defaults),
        cmocka_unit_test(every_key_is_read),
        cmocka_unit_test(overrides_win_and_their_paths_start_here),
        cmocka_unit_test(bad_studies_say_where_and_why),
        cmocka_unit_test(bad_overrides_are_called_by_their_option),
    };
    return cmocka_run_group_tests(tests, make_folder, drop_folder);
}
