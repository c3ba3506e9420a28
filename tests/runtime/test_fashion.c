/* tests/runtime/test_fashion.c - a short training on Fashion-MNIST, where it is installed.
 * ctest-labels: device */
#include "training_fixture.h"

static const char path[] = "/usr/share/datasets/fashion-mnist";

enum { IMAGES = 3000, TESTED = 1000, EPOCHS = 3 };

static void three_epochs_learn_most_of_it(void **state) {
    (void)state;
    nas_device *d = NULL;
    nas_dataset *data = NULL;
    nas_split split = {0};
    nas_trainer *t = NULL;
    nas_eval_result train = {0}, test = {0};
    if (!nas_dir_exists(path)) {
        print_message("%s is not there\n", path);
        skip();
    }
    d = opencl_device();
    if (d == NULL)
        skip();
    must(nas_data_open(&data, &(nas_data_options){.path = path}));
    must(nas_split_make(&split, data, 1000, IMAGES, 1));
    nas_trainer_options o = {.data = data,
                             .train = split.train,
                             .n_train = split.n_train,
                             .config = nas_train_config_default()};
    o.config.epochs = EPOCHS;
    o.config.batch = 32;
    o.config.lr = 1e-2;
    must(nas_data_statistics(o.mean, o.std, data, split.train, split.n_train));
    nas_graph *g = cnn_for(28, 10);
    must(nas_trainer_create(&t, d, g, &o));
    nas_graph_free(g);
    for (int e = 0; e < EPOCHS; e++)
        must(nas_trainer_epoch(t, &train));
    must(nas_trainer_evaluate(&test, t, split.test, TESTED));
    print_message("train: loss %.3f accuracy %.3f, test: loss %.3f accuracy %.3f\n", train.loss,
                  train.accuracy, test.loss, test.accuracy);
    assert_int_equal(test.images, TESTED);
    assert_true(test.accuracy > 0.7); /* chance is 0.1 */
    nas_trainer_free(t);
    nas_split_free(&split);
    nas_data_free(data);
    nas_device_close(d);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(three_epochs_learn_most_of_it)};
    return cmocka_run_group_tests_name("fashion", tests, NULL, NULL);
}
