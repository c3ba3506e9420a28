/* tests/data/test_idx.c - IDX sets: what is read is what was written, and what is broken is said.
 */
#include "fixture.h"

#include <stdio.h>
#include <string.h>

static const char train_images[] = "train-images-idx3-ubyte",
                  train_labels[] = "train-labels-idx1-ubyte",
                  test_images[] = "t10k-images-idx3-ubyte",
                  test_labels[] = "t10k-labels-idx1-ubyte";

static nas_status open_at(nas_dataset **d, const char *path) {
    return nas_data_open(d, &(nas_data_options){.path = path});
}

/* One thing that is done to one file of a good set. */
typedef struct breakage {
    const char *name, *file;
    bool gzip, remove;
    uint32_t poke_at, poke; /* 32-bit value written at poke_at - 1 when that is not 0 */
    size_t keep;            /* bytes left of the file; 0: all */
    size_t extra;           /* bytes appended */
    nas_status status;
    const char *says;
} breakage;

static breakage breakages[] = {
    {.name = "header_truncated",
     .file = train_images,
     .keep = 10,
     .status = NAS_E_DATA,
     .says = "truncated"},
    {.name = "magic_truncated",
     .file = train_labels,
     .keep = 2,
     .status = NAS_E_DATA,
     .says = "truncated"},
    {.name = "body_truncated",
     .file = train_images,
     .keep = 200,
     .status = NAS_E_DATA,
     .says = "truncated"},
    {.name = "labels_truncated",
     .file = test_labels,
     .keep = 17,
     .status = NAS_E_DATA,
     .says = "truncated"},
    {.name = "trailing_bytes",
     .file = test_images,
     .extra = 1,
     .status = NAS_E_DATA,
     .says = "more bytes"},
    {.name = "wrong_magic",
     .file = train_images,
     .poke_at = 1,
     .poke = 0x801,
     .status = NAS_E_DATA,
     .says = "0x00000801"},
    {.name = "label_255",
     .file = train_labels,
     .poke_at = 9,
     .poke = 0x00ff0203,
     .status = NAS_E_DATA,
     .says = "label 255 of image 1"},
    {.name = "test_label_12",
     .file = test_labels,
     .poke_at = 9,
     .poke = 0x000c0203,
     .status = NAS_E_DATA,
     .says = "label 12"},
    {.name = "more_images_than_labels",
     .file = train_labels,
     .poke_at = 5,
     .poke = 19,
     .keep = 27,
     .status = NAS_E_DATA,
     .says = "19 labels for 20 images"},
    {.name = "zero_images",
     .file = train_images,
     .poke_at = 5,
     .poke = 0,
     .keep = 16,
     .status = NAS_E_DATA,
     .says = "dimension 0 is 0"},
    {.name = "count_of_4_billion",
     .file = train_images,
     .poke_at = 5,
     .poke = 0xffffffff,
     .status = NAS_E_DATA,
     .says = "truncated"},
    {.name = "width_of_4_billion",
     .file = train_images,
     .poke_at = 13,
     .poke = 0xffffffff,
     .status = NAS_E_DATA,
     .says = "dimension 2"},
    {.name = "sizes_of_parts_differ",
     .file = test_images,
     .poke_at = 9,
     .poke = 2,
     .keep = 16 + 60,
     .status = NAS_E_DATA,
     .says = "test images 2x3"},
    {.name = "labels_missing",
     .file = test_labels,
     .remove = true,
     .status = NAS_E_IO,
     .says = "t10k-labels-idx1-ubyte"},
    {.name = "gz_good", .file = train_images, .gzip = true, .status = NAS_OK},
    {.name = "gz_truncated",
     .file = train_images,
     .gzip = true,
     .keep = 60,
     .status = NAS_E_DATA,
     .says = "truncated"},
    {.name = "gz_without_checksum",
     .file = train_labels,
     .gzip = true,
     .keep = 38,
     .status = NAS_E_DATA,
     .says = "gzip"},
    {.name = "gz_trailing_bytes",
     .file = train_images,
     .gzip = true,
     .extra = 5,
     .status = NAS_E_DATA,
     .says = "more bytes"},
    {.name = "gz_count_of_4_billion",
     .file = train_images,
     .gzip = true,
     .poke_at = 5,
     .poke = 0xffffffff,
     .status = NAS_E_DATA,
     .says = "truncated"},
    {.name = "empty_file",
     .file = train_images,
     .keep = SIZE_MAX,
     .status = NAS_E_DATA,
     .says = "truncated"},
};

static blob good_file(const char *name) {
    if (name == train_images)
        return idx_images(20, 4, 3, 0);
    if (name == test_images)
        return idx_images(10, 4, 3, 100);
    return name == train_labels ? idx_labels(20, 10) : idx_labels(10, 10);
}

static void put_broken(const char *folder, const breakage *b) {
    char name[64];
    snprintf(name, sizeof name, "%s%s", b->file, b->gzip ? ".gz" : "");
    file_remove(folder, b->file);
    if (b->remove)
        return;
    blob o = good_file(b->file);
    for (int i = 0; b->poke_at && i < 4; i++)
        o.b[b->poke_at - 1 + (uint32_t)i] = (uint8_t)(b->poke >> (24 - 8 * i));
    if (b->gzip) {
        blob z = blob_gzip(&o);
        blob_free(&o);
        o = z;
    }
    if (b->keep == SIZE_MAX)
        o.n = 0;
    else if (b->keep) {
        assert_true(b->keep < o.n);
        o.n = b->keep;
    }
    blob_add(&o, "garbage", b->extra);
    file_put(folder, name, o.b, o.n);
    blob_free(&o);
}

static void broken_set_is_told(void **state) {
    const breakage *b = *state;
    char folder[PATH_TEXT];
    nas_dataset *d = NULL;
    folder_make(folder);
    idx_put(folder);
    put_broken(folder, b);
    nas_status st = open_at(&d, folder);
    folder_remove(folder);
    if (b->status == NAS_OK) {
        assert_int_equal(st, NAS_OK);
    } else {
        assert_null(d);
        assert_int_equal(st, b->status);
        if (!strstr(nas_error_text(), b->says))
            fail_msg("\"%s\" does not say \"%s\"", nas_error_text(), b->says);
        assert_non_null(strstr(nas_error_text(), folder));
    }
    nas_data_free(d);
}

static const char *breakage_name(const void *row) {
    return ((const breakage *)row)->name;
}

static void images_and_labels_come_back(void **state) {
    (void)state;
    char folder[PATH_TEXT];
    nas_dataset *d = NULL;
    uint8_t image[12];
    folder_make(folder);
    idx_put(folder);
    assert_int_equal(open_at(&d, folder), NAS_OK);
    folder_remove(folder);
    const nas_data_info *f = nas_data_info_of(d);
    assert_string_equal(f->format, "idx");
    assert_int_equal(f->height, 4);
    assert_int_equal(f->width, 3);
    assert_int_equal(f->channels, 1);
    assert_int_equal(f->classes, 10);
    assert_int_equal(f->n_train, 20);
    assert_int_equal(f->n_test, 10);
    assert_string_equal(nas_data_class_name(d, 3), "3");
    assert_string_equal(nas_data_path(d), folder);
    for (uint32_t i = 0; i < 30; i++) {
        uint32_t first = i < 20 ? i * 12 : 100 + (i - 20) * 12;
        assert_int_equal(nas_data_label(d, i), i < 20 ? i % 10 : i - 20);
        assert_int_equal(nas_data_image(image, d, i), NAS_OK);
        for (uint32_t p = 0; p < 12; p++)
            assert_int_equal(image[p], (uint8_t)(first + p));
        assert_memory_equal(nas_data_all(d) + i * 12, image, 12);
    }
    nas_data_free(d);
}

static void options_resize_and_colour_the_images(void **state) {
    (void)state;
    char folder[PATH_TEXT];
    nas_dataset *d = NULL;
    uint8_t image[8 * 6 * 3];
    folder_make(folder);
    idx_put(folder);
    nas_data_options o = {.path = folder, .height = 8, .width = 6, .channels = 3};
    assert_int_equal(nas_data_open(&d, &o), NAS_OK);
    assert_int_equal(nas_data_info_of(d)->height, 8);
    assert_int_equal(nas_data_info_of(d)->channels, 3);
    assert_int_equal(nas_data_image(image, d, 29), NAS_OK);
    for (int i = 0; i < 8 * 6; i++)
        assert_true(image[3 * i] == image[3 * i + 1] && image[3 * i] == image[3 * i + 2]);
    assert_int_equal(image[0], (100 + 9 * 12) & 255); /* corners keep their values */
    nas_data_free(d);
    o.channels = 2;
    assert_int_equal(nas_data_open(&d, &o), NAS_E_ARG);
    o = (nas_data_options){.path = folder, .height = -1};
    assert_int_equal(nas_data_open(&d, &o), NAS_E_ARG);
    folder_remove(folder);
    assert_int_equal(nas_data_open(&d, &(nas_data_options){.path = folder}), NAS_E_IO);
    assert_int_equal(nas_data_open(&d, &(nas_data_options){0}), NAS_E_ARG);
}

static void images_of_the_wrong_size_are_refused_where_they_must_be_exact(void **state) {
    (void)state;
    static const int32_t sizes[][4] = {
        {4, 3, 1, 1}, {0, 0, 0, 1}, {4, 4, 1, 0}, {3, 3, 1, 0}, {4, 3, 3, 0}};
    char folder[PATH_TEXT];
    folder_make(folder);
    idx_put(folder);
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        nas_dataset *d = NULL;
        nas_data_options o = {folder, sizes[i][0], sizes[i][1], sizes[i][2], true};
        assert_int_equal(nas_data_open(&d, &o), sizes[i][3] ? NAS_OK : NAS_E_DATA);
        if (!sizes[i][3])
            assert_non_null(strstr(nas_error_text(), "images of 4x3x1, but"));
        nas_data_free(d);
    }
    folder_remove(folder);
}

static void gzip_of_two_members_is_one_file(void **state) {
    (void)state;
    char folder[PATH_TEXT];
    nas_dataset *d = NULL;
    folder_make(folder);
    idx_put(folder);
    blob o = idx_labels(20, 10), head = {o.b, 9}, tail = {o.b + 9, o.n - 9};
    blob a = blob_gzip(&head), b = blob_gzip(&tail);
    blob_add(&a, b.b, b.n);
    file_remove(folder, train_labels);
    file_put(folder, "train-labels-idx1-ubyte.gz", a.b, a.n);
    assert_int_equal(open_at(&d, folder), NAS_OK);
    assert_int_equal(nas_data_label(d, 13), 3);
    nas_data_free(d);
    blob_free(&a);
    blob_free(&b);
    blob_free(&o);
    folder_remove(folder);
}

static void failed_allocations_leak_nothing(void **state) {
    (void)state;
    char folder[PATH_TEXT];
    nas_dataset *d = NULL;
    nas_status st = NAS_E_MEMORY;
    folder_make(folder);
    idx_put(folder);
    nas_data_options o = {.path = folder, .height = 5, .width = 2, .channels = 3};
    int k = 0;
    while (st == NAS_E_MEMORY && ++k < 2000) {
        nas_alloc_fail_after((uint64_t)k);
        st = nas_data_open(&d, &o);
        nas_alloc_fail_after(0);
        if (st != NAS_OK)
            assert_null(d);
        if (st != NAS_OK && st != NAS_E_MEMORY) /* the look at the folder itself ran short */
            st = NAS_E_MEMORY;
    }
    assert_int_equal(st, NAS_OK);
    assert_true(k > 20);
    nas_data_free(d);
    folder_remove(folder);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(images_and_labels_come_back),
        cmocka_unit_test(options_resize_and_colour_the_images),
        cmocka_unit_test(images_of_the_wrong_size_are_refused_where_they_must_be_exact),
        cmocka_unit_test(gzip_of_two_members_is_one_file),
        cmocka_unit_test(failed_allocations_leak_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL) +
           run_table("broken idx sets", broken_set_is_told, breakages,
                     sizeof breakages / sizeof *breakages, sizeof *breakages, breakage_name);
}
