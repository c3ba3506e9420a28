/* tests/data/test_real.c - the published data sets, where they are installed; else it says so. */
#include "fixture.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

/* Where the sets are: an environment variable, else a usual place. */
static const char *place(const char *variable, const char *usual) {
    const char *path = getenv(variable);
    path = path ? path : usual;
    if (nas_dir_exists(path))
        return path;
    fprintf(stderr, "%s is not there: set %s to the folder of the set\n", path, variable);
    return NULL;
}

static void fashion_mnist_is_what_its_paper_says(void **state) {
    (void)state;
    const char *path = place("CLNAS_FASHION_MNIST", "/usr/share/datasets/fashion-mnist");
    nas_dataset *d = NULL;
    if (!path)
        skip();
    assert_int_equal(nas_data_open(&d, &(nas_data_options){.path = path}), NAS_OK);
    const nas_data_info *f = nas_data_info_of(d);
    assert_int_equal(f->n_train, 60000);
    assert_int_equal(f->n_test, 10000);
    assert_int_equal(f->classes, 10);
    assert_int_equal(f->height, 28);
    assert_string_equal(nas_data_class_name(d, 0), "T-shirt/top");
    assert_string_equal(nas_data_class_name(d, nas_data_label(d, 0)), "Ankle boot");
    uint32_t count[2][10] = {{0}};
    for (uint32_t i = 0; i < 70000; i++)
        count[i >= 60000][nas_data_label(d, i)]++;
    for (int k = 0; k < 10; k++) {
        assert_int_equal(count[0][k], 6000);
        assert_int_equal(count[1][k], 1000);
    }
    float mean[4], std[4];
    nas_split s = {0};
    assert_int_equal(nas_split_make(&s, d, 5000, 0, 1), NAS_OK);
    assert_int_equal(nas_data_statistics(mean, std, d, s.train, s.n_train), NAS_OK);
    /* 0.2860 and 0.3530 over all training images */
    assert_true(fabsf(mean[0] - 0.2860f) < 0.003f && fabsf(std[0] - 0.3530f) < 0.003f);
    nas_split_free(&s);
    nas_data_free(d);
}

static void cifar10_is_what_its_page_says(void **state) {
    (void)state;
    const char *path =
        place("CLNAS_CIFAR10", NAS_SOURCE_DIR "/../shared/data/cifar-10-batches-bin");
    nas_dataset *d = NULL;
    if (!path)
        skip();
    assert_int_equal(nas_data_open(&d, &(nas_data_options){.path = path}), NAS_OK);
    const nas_data_info *f = nas_data_info_of(d);
    assert_true(f->n_train > 0 && f->n_train % 10000 == 0); /* a part of the batches will do */
    assert_true(f->n_test == 2000 || f->n_test == 10000);
    assert_int_equal(f->height, 32);
    assert_int_equal(f->channels, 3);
    assert_string_equal(nas_data_class_name(d, 0), "airplane");
    assert_string_equal(nas_data_class_name(d, 9), "truck");
    float mean[4], std[4];
    uint32_t *index = malloc(f->n_train * sizeof *index);
    for (uint32_t i = 0; i < f->n_train; i++)
        index[i] = i;
    assert_int_equal(nas_data_statistics(mean, std, d, index, f->n_train), NAS_OK);
    /* 0.4914 0.4822 0.4465 and 0.2470 0.2435 0.2616 over all training images */
    static const float want[2][3] = {{0.4914f, 0.4822f, 0.4465f}, {0.2470f, 0.2435f, 0.2616f}};
    for (int c = 0; c < 3; c++)
        assert_true(fabsf(mean[c] - want[0][c]) < 0.005f && fabsf(std[c] - want[1][c]) < 0.005f);
    free(index);
    nas_data_free(d);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fashion_mnist_is_what_its_paper_says),
        cmocka_unit_test(cifar10_is_what_its_page_says),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
