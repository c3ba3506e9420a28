/* tests/data/test_split.c - splits are disjoint, stratified and a function of the seed; statistics.
 */
#include "fixture.h"

#include <math.h>
#include <string.h>

enum { N = 1000, N_TEST = 10, CLASSES = 7 };

/* A set of 1000 training images, label i % 7: 143 images of classes 0 ... 5, 142 of class 6. */
static nas_dataset *open_set(void) {
    char folder[PATH_TEXT];
    nas_dataset *d = NULL;
    folder_make(folder);
    blob o[4] = {idx_images(N, 2, 2, 0), idx_labels(N, CLASSES), idx_images(N_TEST, 2, 2, 0),
                 idx_labels(N_TEST, CLASSES)};
    file_put(folder, "train-images-idx3-ubyte", o[0].b, o[0].n);
    file_put(folder, "train-labels-idx1-ubyte", o[1].b, o[1].n);
    file_put(folder, "t10k-images-idx3-ubyte", o[2].b, o[2].n);
    file_put(folder, "t10k-labels-idx1-ubyte", o[3].b, o[3].n);
    assert_int_equal(nas_data_open(&d, &(nas_data_options){.path = folder}), NAS_OK);
    folder_remove(folder);
    for (int i = 0; i < 4; i++)
        blob_free(&o[i]);
    return d;
}

static void count_labels(int count[CLASSES], const nas_dataset *d, const uint32_t *v, uint32_t n) {
    memset(count, 0, CLASSES * sizeof *count);
    for (uint32_t i = 0; i < n; i++)
        count[nas_data_label(d, v[i])]++;
}

static void parts_are_disjoint_and_test_stays_apart(void **state) {
    (void)state;
    static const uint32_t cases[][2] = {{0, 0}, {100, 0}, {1, 1}, {333, 200}, {999, 0}, {10, 5000}};
    nas_dataset *d = open_set();
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
        nas_split s = {0};
        uint8_t seen[N + N_TEST] = {0};
        uint32_t rest = N - cases[k][0];
        assert_int_equal(nas_split_make(&s, d, cases[k][0], cases[k][1], 5), NAS_OK);
        assert_int_equal(s.n_validation, cases[k][0]);
        assert_int_equal(s.n_train, cases[k][1] && cases[k][1] < rest ? cases[k][1] : rest);
        assert_int_equal(s.n_test, N_TEST);
        for (uint32_t i = 0; i < s.n_train; i++)
            assert_true(s.train[i] < N && !seen[s.train[i]]++);
        for (uint32_t i = 0; i < s.n_validation; i++)
            assert_true(s.validation[i] < N && !seen[s.validation[i]]++);
        for (uint32_t i = 0; i < s.n_test; i++)
            assert_true(s.test[i] >= N && s.test[i] < N + N_TEST && !seen[s.test[i]]++);
        nas_split_free(&s);
    }
    nas_data_free(d);
}

static void every_class_has_its_share(void **state) {
    (void)state;
    nas_dataset *d = open_set();
    nas_split s = {0};
    int count[CLASSES];
    assert_int_equal(nas_split_make(&s, d, 100, 350, 1), NAS_OK);
    count_labels(count, d, s.validation, s.n_validation);
    for (int k = 0; k < CLASSES; k++)
        assert_in_range(count[k], 14, 15); /* 14.3 and 14.2 */
    count_labels(count, d, s.train, s.n_train);
    for (int k = 0; k < CLASSES; k++)
        assert_in_range(count[k], 49, 51);
    count_labels(count, d, s.train, 175); /* mixed: the first half of the list has its share too */
    for (int k = 0; k < CLASSES; k++)
        assert_in_range(count[k], 10, 40);
    nas_split_free(&s);
    nas_data_free(d);
}

static void same_seed_same_split(void **state) {
    (void)state;
    nas_dataset *d = open_set();
    nas_split a = {0}, b = {0}, c = {0}, limited = {0};
    assert_int_equal(nas_split_make(&a, d, 100, 0, 7), NAS_OK);
    assert_int_equal(nas_split_make(&b, d, 100, 0, 7), NAS_OK);
    assert_int_equal(nas_split_make(&c, d, 100, 0, 8), NAS_OK);
    assert_int_equal(nas_split_make(&limited, d, 100, 50, 7), NAS_OK);
    assert_memory_equal(a.train, b.train, a.n_train * sizeof *a.train);
    assert_memory_equal(a.validation, b.validation, 100 * sizeof *a.validation);
    assert_true(nas_split_hash(a.validation, 100) == nas_split_hash(b.validation, 100));
    assert_true(nas_split_hash(a.validation, 100) != nas_split_hash(c.validation, 100));
    assert_true(nas_split_hash(a.validation, 100) != nas_split_hash(a.validation, 99));
    /* how much is trained on does not change what is held out */
    assert_true(nas_split_hash(a.validation, 100) == nas_split_hash(limited.validation, 100));
    nas_split_free(&a);
    nas_split_free(&b);
    nas_split_free(&c);
    nas_split_free(&limited);
    nas_data_free(d);
}

static void too_few_images_are_told(void **state) {
    (void)state;
    nas_dataset *d = open_set();
    nas_split s = {0};
    assert_int_equal(nas_split_make(&s, d, N, 0, 1), NAS_E_ARG);
    assert_non_null(strstr(nas_error_text(), "1000 validation images"));
    assert_int_equal(nas_split_make(&s, d, UINT32_MAX, 0, 1), NAS_E_ARG);
    nas_split_free(&s);
    nas_split_free(NULL);
    nas_data_free(d);
}

static void statistics_match_the_definition(void **state) {
    (void)state;
    nas_dataset *d = open_set();
    static const uint32_t index[3] = {0, 5, 1007};
    float mean[4], std[4];
    double sum = 0, square = 0;
    const uint8_t *all = nas_data_all(d);
    for (int i = 0; i < 3; i++)
        for (int p = 0; p < 4; p++) {
            double v = all[index[i] * 4 + (uint32_t)p] / 255.0;
            sum += v;
            square += v * v;
        }
    double m = sum / 12, s = sqrt(square / 12 - m * m);
    assert_int_equal(nas_data_statistics(mean, std, d, index, 3), NAS_OK);
    assert_true(fabs(mean[0] - m) < 1e-6 && fabs(std[0] - s) < 1e-6);
    assert_int_equal(nas_data_statistics(mean, std, d, index, 0), NAS_E_ARG);
    nas_data_free(d);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parts_are_disjoint_and_test_stays_apart),
        cmocka_unit_test(every_class_has_its_share),
        cmocka_unit_test(same_seed_same_split),
        cmocka_unit_test(too_few_images_are_told),
        cmocka_unit_test(statistics_match_the_definition),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
