/* tests/cli/test_usage.c - wrong usage and bad input: one clear line, the right status, nothing
 * written. ctest-labels: device */
#include "program.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define NET                                                                                        \
    "name: t\ninput: [28, 28, 1]\nclasses: 10\nnet:\n  - conv: {out: 8, stride: 2}\n  - head: "    \
    "{pool: "                                                                                      \
    "avg}\n"
#define STUDY(rest)                                                                                \
    "space: net.yaml\ndata: {path: data, validation: 50}\nobjectives: [error, params]\n"           \
    "budget: {trials: 1}\nretrain: {models: 0}\n" rest

typedef struct bad_case {
    const char *name;
    const char *args[16];
    int status;
    const char *says[3]; /* all of these stand in the one line on stderr */
    const char *absent;  /* a file that must not exist afterwards */
} bad_case;

static const bad_case cases[] = {
    {"unknown_verb_is_named_with_the_nearest", {"serch"}, 2, {"serch", "search"}, NULL},
    {"unknown_option_is_named_with_the_nearest",
     {"devices", "--jsn"},
     2,
     {"--jsn", "--json"},
     NULL},
    {"missing_argument_is_usage", {"train"}, 2, {"usage"}, NULL},
    {"missing_data_is_named",
     {"train", "net.yaml", "--out", "m"},
     2,
     {"--data DIR is missing"},
     "m"},
    {"missing_out_is_named",
     {"train", "net.yaml", "--data", "data"},
     2,
     {"--out FILE is missing"},
     NULL},
    {"json_and_csv_at_once_is_usage",
     {"front", "run", "--json", "--csv"},
     2,
     {"--json", "--csv"},
     NULL},
    {"setting_out_of_range_is_usage",
     {"search", "study.yaml", "--out", "run", "--trials", "0"},
     2,
     {"--budget.trials: ", "found '0'"},
     "run"},
    {"setting_that_is_no_number_is_usage",
     {"search", "study.yaml", "--out", "run", "--train.lr", "abc"},
     2,
     {"--train.lr: ", "'abc'"},
     "run"},
    {"setting_that_is_no_list_is_usage",
     {"search", "study.yaml", "--out", "run", "--objectives", "error"},
     2,
     {"--objectives: ", "list"},
     "run"},
    {"learning_rate_of_zero_is_usage",
     {"search", "study.yaml", "--out", "run", "--train.lr", "0"},
     2,
     {"lr must be above 0"},
     "run"},
    {"momentum_of_one_is_usage",
     {"search", "study.yaml", "--out", "run", "--train.momentum", "1"},
     2,
     {"momentum must be below 1"},
     "run"},
    {"warm_up_longer_than_the_training",
     {"search", "study.yaml", "--out", "run", "--train.warmup_epochs", "5"},
     1,
     {"train: warmup_epochs 5 is more than epochs 2"},
     "run"},
    {"warm_up_longer_than_the_retraining",
     {"search", "study.yaml", "--out", "run", "--retrain.warmup_epochs", "99"},
     1,
     {"retrain: warmup_epochs 99 is more than epochs"},
     "run"},
    {"crop_pad_of_a_study_as_wide_as_the_image",
     {"search", "study.yaml", "--out", "run", "--retrain.crop_pad", "28"},
     1,
     {"retrain: crop_pad is 28, but must be smaller"},
     "run"},
    {"more_images_for_a_study_than_there_are",
     {"search", "study.yaml", "--out", "run", "--data.train_images", "201"},
     1,
     {"201 training images are asked for, but data has 200"},
     "run"},
    {"setting_of_an_unknown_key_is_usage",
     {"search", "study.yaml", "--out", "run", "--train.epoch", "1"},
     2,
     {"--train.epoch: ", "epochs"},
     "run"},
    {"setting_is_called_as_it_was_written",
     {"search", "study.yaml", "--out", "run", "--trial-seconds", "-1"},
     2,
     {"--trial-seconds: "},
     "run"},
    {"search_without_file_and_data_is_usage",
     {"search", "--space", "net.yaml", "--out", "run"},
     2,
     {"data.path is missing"},
     "run"},
    {"folder_with_other_files_is_no_run",
     {"search", "study.yaml", "--out", "data"},
     1,
     {"data holds files but no study"},
     "data/study.db"},
    {"study_file_is_not_overwritten",
     {"search", "study.yaml", "--out", "."},
     1,
     {". holds files but no study"},
     "study.db"},
    {"crop_pad_as_wide_as_the_image",
     {"train", "net.yaml", "--data", "data", "--out", "m", "--crop-pad", "28"},
     1,
     {"crop_pad is 28", "28x28"},
     "m"},
    {"more_images_than_there_are",
     {"train", "net.yaml", "--data", "data", "--out", "m", "--images", "201"},
     1,
     {"201 training images", "data has 200"},
     "m"},
    {"batch_that_is_too_large_is_to_blame",
     {"cost", "wide.yaml", "--batch", "65536"},
     1,
     {"65536x14x14x2048", "smaller batch"},
     NULL},
    {"unknown_activation_lists_what_there_is",
     {"cost", "act.yaml"},
     1,
     {"relu", "gelu", "silu"},
     NULL},
    {"number_out_of_range_is_usage",
     {"train", "net.yaml", "--data", "data", "--out", "m", "--epochs", "0"},
     2,
     {"--epochs", "0"},
     "m"},
    {"unknown_optimizer_is_usage",
     {"train", "net.yaml", "--data", "data", "--out", "m", "--optimizer", "lamb"},
     2,
     {"lamb", "adamw"},
     "m"},
    {"missing_network_file", {"cost", "nowhere.yaml"}, 1, {"nowhere.yaml", "No such file"}, NULL},
    {"unknown_block_has_line_and_nearest",
     {"cost", "typo.yaml"},
     1,
     {"typo.yaml:5:", "conv"},
     NULL},
    {"broken_yaml_has_line", {"cost", "broken.yaml"}, 1, {"broken.yaml:"}, NULL},
    {"choice_in_a_network_file_is_refused",
     {"cost", "choice.yaml"},
     1,
     {"choice.yaml:5:", "no choices left"},
     NULL},
    {"network_whose_shapes_do_not_meet", {"cost", "shapes.yaml"}, 1, {"heads"}, NULL},
    {"unknown_hardware_names_the_nearest",
     {"cost", "net.yaml", "--on", "raspberry-pi-4x"},
     1,
     {"raspberry-pi-4"},
     NULL},
    {"unknown_device_lists_what_is_there",
     {"train", "net.yaml", "--data", "data", "--out", "m", "--device", "voodoo2"},
     1,
     {"voodoo2"},
     "m"},
    {"missing_data_folder",
     {"train", "net.yaml", "--data", "nodata", "--out", "m"},
     1,
     {"nodata"},
     "m"},
    {"truncated_data_file",
     {"train", "net.yaml", "--data", "short", "--out", "m"},
     1,
     {"train-images"},
     "m"},
    {"label_out_of_range",
     {"train", "net.yaml", "--data", "labels", "--out", "m"},
     1,
     {"label 200 of image 12 (from 0) in train-labels-idx1-ubyte"},
     "m"},
    {"label_of_a_test_image_out_of_range",
     {"train", "net.yaml", "--data", "tests", "--out", "m"},
     1,
     {"label 200 of image 12 (from 0) in t10k-labels-idx1-ubyte"},
     "m"},
    {"wrong_number_of_classes",
     {"train", "two.yaml", "--data", "data", "--out", "m"},
     1,
     {"2 classes", "10"},
     "m"},
    {"model_over_its_own_network_file",
     {"train", "net.yaml", "--data", "data", "--out", "./net.yaml"},
     1,
     {"own network file"},
     NULL},
    {"not_a_model_file", {"eval", "net.yaml", "--data", "data"}, 1, {"net.yaml"}, NULL},
    {"missing_image", {"predict", "none.safetensors", "none.png"}, 1, {"none"}, NULL},
    {"unknown_space_names_the_nearest", {"spaces", "fashion-hybrd"}, 1, {"fashion-hybrid"}, NULL},
    {"search_wants_out", {"search", "study.yaml"}, 2, {"--out"}, NULL},
    {"unknown_study_key_has_line_and_nearest",
     {"search", "key.yaml", "--out", "run"},
     1,
     {"key.yaml:6:", "seed"},
     "run"},
    {"unknown_training_key",
     {"search", "train.yaml", "--out", "run"},
     1,
     {"train.yaml:6:", "epochs"},
     "run"},
    {"more_held_out_than_there_is",
     {"search", "study.yaml", "--out", "run", "--data.validation", "500"},
     1,
     {"500"},
     "run"},
    {"status_of_no_run", {"status", "nothing"}, 1, {"nothing"}, NULL},
    {"front_of_a_folder_without_study", {"front", "data"}, 1, {"study.db"}, NULL},
};

static void truncated_copy(const char *folder) {
    char command[8192];
    snprintf(command, sizeof command,
             "cd '%s' && mkdir data short labels tests && mv *ubyte data && cp data/* short && cp "
             "data/* labels && cp data/* tests &&"
             "head -c 5000 data/train-images-idx3-ubyte >short/train-images-idx3-ubyte &&"
             "printf '\\310' | dd of=tests/t10k-labels-idx1-ubyte bs=1 seek=20 conv=notrunc "
             "2>/dev/null &&"
             "printf '\\310' | dd of=labels/train-labels-idx1-ubyte bs=1 seek=20 conv=notrunc "
             "2>/dev/null",
             folder);
    assert_int_equal(system(command), 0);
}

static void prepare(const char *folder) {
    program_data(folder, 200, 50);
    truncated_copy(folder);
    program_file(folder, "net.yaml", NET);
    program_file(folder, "two.yaml",
                 "name: t\ninput: [28, 28, 1]\nclasses: 2\nnet:\n  - conv: {out: 8}\n  - head: "
                 "{pool: avg}\n");
    program_file(
        folder, "wide.yaml",
        "name: t\ninput: [28, 28, 1]\nclasses: 10\nnet:\n  - conv: {out: 2048, stride: 2}\n"
        "  - head: {pool: avg}\n");
    program_file(
        folder, "act.yaml",
        "name: t\ninput: [28, 28, 1]\nclasses: 10\nnet:\n  - conv: {out: 8, act: zzzzzzzz}\n"
        "  - head: {pool: avg}\n");
    program_file(folder, "typo.yaml",
                 "name: t\ninput: [28, 28, 1]\nclasses: 10\nnet:\n  - cnv: {out: 8}\n");
    program_file(folder, "broken.yaml", "name: t\ninput: [28, 28\nclasses: 10\n");
    program_file(
        folder, "choice.yaml",
        "name: t\ninput: [28, 28, 1]\nclasses: 10\nnet:\n  - conv: {out: {choose: [8, 16]}}\n  - "
        "head: {pool: avg}\n");
    program_file(folder, "shapes.yaml",
                 "name: t\ninput: [28, 28, 1]\nclasses: 10\nnet:\n  - patch: {size: 4, dim: 32}\n"
                 "  - transformer: {heads: 5, mlp: 2}\n  - head: {pool: avg}\n");
    program_file(folder, "study.yaml", STUDY(""));
    program_file(folder, "key.yaml", STUDY("sed: 4\n"));
    program_file(folder, "train.yaml", STUDY("train: {epoch: 4}\n"));
}

static void one_clear_line(void **state) {
    const bad_case *c = *state;
    const char *folder = program_folder("usage");
    prepare(folder);
    outcome o = program_run(folder, c->args);
    if (o.status != c->status)
        print_error("stderr: %s\n", o.err);
    assert_int_equal(o.status, c->status);
    char *end = strchr(o.err, '\n');
    assert_non_null(end);
    if (end[1])
        print_error("more than one line: %s\n", o.err);
    assert_int_equal(end[1], 0);
    for (int i = 0; i < 3 && c->says[i]; i++) {
        if (!strstr(o.err, c->says[i]))
            print_error("'%s' is not in: %s\n", c->says[i], o.err);
        assert_non_null(strstr(o.err, c->says[i]));
    }
    assert_string_equal(o.out, "");
    if (c->absent)
        assert_false(program_exists(folder, c->absent));
    program_free(&o);
}

static void every_verb_has_help_with_an_example(void **state) {
    (void)state;
    static const char *const verbs[] = {"search",  "status", "front",  "report",   "train",  "eval",
                                        "predict", "cost",   "spaces", "hardware", "devices"};
    const char *folder = program_folder("help");
    for (size_t i = 0; i < sizeof verbs / sizeof *verbs; i++) {
        const char *args[] = {verbs[i], "--help", NULL};
        outcome o = program_run(folder, args);
        assert_int_equal(o.status, 0);
        assert_non_null(strstr(o.out, "example:\n  clnas "));
        assert_string_equal(o.err, "");
        program_free(&o);
    }
}

int main(void) {
    enum { N = sizeof cases / sizeof *cases };
    struct CMUnitTest tests[N + 1];
    memset(tests, 0, sizeof tests);
    for (int i = 0; i < N; i++)
        tests[i] = (struct CMUnitTest){
            .name = cases[i].name, .test_func = one_clear_line, .initial_state = (void *)&cases[i]};
    tests[N] = (struct CMUnitTest)cmocka_unit_test(every_verb_has_help_with_an_example);
    return cmocka_run_group_tests_name("usage", tests, NULL, NULL);
}
