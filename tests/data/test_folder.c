/* tests/data/test_folder.c - folders of images and CIFAR binaries, good and broken. */
#include "fixture.h"

#include <png.h>
#include <stdio.h>
#include <string.h>

static char folder[PATH_TEXT];

static int make(void **state) {
    (void)state;
    folder_make(folder);
    return 0;
}

static int clear(void **state) {
    (void)state;
    folder_remove(folder);
    return 0;
}

static void quiet(void *ctx, nas_log_level level, const char *line) {
    (void)level, (void)line;
    ++*(int *)ctx;
}

static void put_png(const char *name, uint8_t value) {
    uint8_t in[4 * 6];
    memset(in, value, sizeof in);
    blob o = png_encode(in, 4, 6, PNG_COLOR_TYPE_GRAY, 8);
    file_put(folder, name, o.b, o.n);
    blob_free(&o);
}

static nas_status open_folder(nas_dataset **d) {
    return nas_data_open(d, &(nas_data_options){.path = folder});
}

static void fails_with(nas_status want, const char *says) {
    nas_dataset *d = NULL;
    assert_int_equal(open_folder(&d), want);
    assert_null(d);
    if (!strstr(nas_error_text(), says))
        fail_msg("\"%s\" does not say \"%s\"", nas_error_text(), says);
}

static void classes_and_parts_come_from_the_folders(void **state) {
    (void)state;
    nas_dataset *d = NULL;
    uint8_t image[24];
    int lines = 0;
    put_png("train/dog/b.png", 3);
    put_png("train/dog/a.PNG", 2);
    put_png("train/cat/x.jpg", 1); /* told by content */
    put_png("val/dog/q.jpeg", 4);
    file_put(folder, "train/cat/.hidden", "x", 1);
    file_put(folder, "train/cat/notes.txt", "x", 1);
    nas_log_set(NAS_LOG_WARN, quiet, &lines);
    assert_int_equal(open_folder(&d), NAS_OK);
    nas_log_set(NAS_LOG_WARN, NULL, NULL);
    assert_int_equal(lines, 1); /* about notes.txt */
    const nas_data_info *f = nas_data_info_of(d);
    assert_string_equal(f->format, "folder");
    assert_int_equal(f->classes, 2);
    assert_string_equal(nas_data_class_name(d, 0), "cat");
    assert_int_equal(f->n_train, 3);
    assert_int_equal(f->n_test, 1);
    assert_int_equal(f->height, 4);
    assert_int_equal(f->width, 6);
    assert_int_equal(f->channels, 1);
    assert_null(nas_data_all(d));
    static const int labels[] = {0, 1, 1, 1};
    for (uint32_t i = 0; i < 4; i++) {
        assert_int_equal(nas_data_label(d, i), labels[i]);
        assert_int_equal(nas_data_image(image, d, i), NAS_OK);
        assert_int_equal(image[23], i + 1);
    }
    file_remove(folder, "val/dog/q.jpeg");
    assert_int_equal(nas_data_image(image, d, 3), NAS_E_IO);
    nas_data_free(d);
}

static void folder_without_parts_has_no_test_images(void **state) {
    (void)state;
    nas_dataset *d = NULL;
    put_png("a/1.png", 9);
    put_png("b/1.png", 8);
    assert_int_equal(open_folder(&d), NAS_OK);
    assert_int_equal(nas_data_info_of(d)->n_train, 2);
    assert_int_equal(nas_data_info_of(d)->n_test, 0);
    nas_data_free(d);
}

static void empty_class_is_told(void **state) {
    (void)state;
    char path[PATH_TEXT + 32];
    put_png("train/a/1.png", 9);
    snprintf(path, sizeof path, "%s/train/b", folder);
    assert_int_equal(nas_dir_make(path), NAS_OK);
    fails_with(NAS_E_DATA, "train/b: no .png");
}

static void non_image_in_a_class_is_told(void **state) {
    (void)state;
    put_png("a/1.png", 9);
    file_put(folder, "b/1.png", "GIF89a..", 8);
    fails_with(NAS_E_DATA, "b/1.png: neither");
}

static void class_only_in_the_test_part_is_told(void **state) {
    (void)state;
    put_png("train/a/1.png", 9);
    put_png("train/b/1.png", 9);
    put_png("test/c/1.png", 9);
    fails_with(NAS_E_DATA, "test/c: the training part has no class");
}

static void single_class_and_no_data_are_told(void **state) {
    (void)state;
    fails_with(NAS_E_DATA, "no data set here");
    put_png("a/1.png", 9);
    fails_with(NAS_E_DATA, "only 1 class");
}

/* n records of `labels` label bytes (the last one is `label`) and planes of 10, 20 and 30. */
static blob records(int n, int labels, uint8_t label) {
    blob o = {0};
    uint8_t plane[1024];
    for (int i = 0; i < n; i++) {
        for (int l = 1; l < labels; l++)
            blob_add(&o, &(uint8_t){19}, 1);
        blob_add(&o, &label, 1);
        for (uint8_t c = 1; c <= 3; c++) {
            memset(plane, 10 * c, sizeof plane);
            plane[1] = c;
            blob_add(&o, plane, sizeof plane);
        }
    }
    return o;
}

static void put_records(const char *name, int n, int labels, uint8_t label, size_t drop) {
    blob o = records(n, labels, label);
    file_put(folder, name, o.b, o.n - drop);
    blob_free(&o);
}

static void cifar10_planes_become_pixels(void **state) {
    (void)state;
    static const uint8_t want[6] = {10, 20, 30, 1, 2, 3};
    nas_dataset *d = NULL;
    put_records("data_batch_1.bin", 2, 1, 4, 0);
    put_records("data_batch_2.bin", 1, 1, 9, 0);
    put_records("test_batch.bin", 1, 1, 0, 0);
    assert_int_equal(open_folder(&d), NAS_OK);
    assert_string_equal(nas_data_info_of(d)->format, "cifar10");
    assert_int_equal(nas_data_info_of(d)->n_train, 3);
    assert_int_equal(nas_data_info_of(d)->n_test, 1);
    assert_int_equal(nas_data_info_of(d)->channels, 3);
    assert_string_equal(nas_data_class_name(d, 9), "9");
    assert_int_equal(nas_data_label(d, 2), 9);
    assert_memory_equal(nas_data_all(d) + 3072, want, 6);
    nas_data_free(d);
}

static void cifar100_takes_the_fine_label(void **state) {
    (void)state;
    nas_dataset *d = NULL;
    put_records("train.bin", 2, 2, 77, 0);
    put_records("test.bin", 1, 2, 99, 0);
    assert_int_equal(open_folder(&d), NAS_OK);
    assert_string_equal(nas_data_info_of(d)->format, "cifar100");
    assert_int_equal(nas_data_info_of(d)->classes, 100);
    assert_int_equal(nas_data_label(d, 1), 77);
    assert_int_equal(nas_data_label(d, 2), 99);
    nas_data_free(d);
}

static void broken_cifar_is_told(void **state) {
    (void)state;
    put_records("data_batch_1.bin", 2, 1, 4, 0);
    fails_with(NAS_E_IO, "test_batch.bin");
    put_records("test_batch.bin", 2, 1, 4, 100);
    fails_with(NAS_E_DATA, "truncated");
    put_records("test_batch.bin", 2, 1, 10, 0);
    fails_with(NAS_E_DATA, "label 10");
    put_records("data_batch_3.bin", 2, 1, 4, 0);
    fails_with(NAS_E_DATA, "data_batch_2.bin is missing, but there is data_batch_3.bin");
    put_records("data_batch_2.bin", 2, 1, 4, 0);
    file_put(folder, "test_batch.bin", "", 0);
    fails_with(NAS_E_DATA, "truncated");
}

#define IN_FOLDER(f) cmocka_unit_test_setup_teardown(f, make, clear)

int main(void) {
    const struct CMUnitTest tests[] = {
        IN_FOLDER(classes_and_parts_come_from_the_folders),
        IN_FOLDER(folder_without_parts_has_no_test_images),
        IN_FOLDER(empty_class_is_told),
        IN_FOLDER(non_image_in_a_class_is_told),
        IN_FOLDER(class_only_in_the_test_part_is_told),
        IN_FOLDER(single_class_and_no_data_are_told),
        IN_FOLDER(cifar10_planes_become_pixels),
        IN_FOLDER(cifar100_takes_the_fine_label),
        IN_FOLDER(broken_cifar_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
