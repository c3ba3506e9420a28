/* tests/runtime/test_safetensors.c - model files round trip, and files from anywhere end in one
 * clear error. */
#include "training_fixture.h"

#include <runtime/model.h>
#include <runtime/safetensors.h>
#include <string.h>
#include <support/comma_locale.h>
#include <unistd.h>

static void what_is_written_reads_back(void **state) {
    (void)state;
    char folder[PATH_BYTES], path[PATH_BYTES + 32];
    nas_tensors a = {0}, b = {0};
    void *w, *s;
    const nas_shape shape = NAS_SHAPE(2, 3), scalar = {0};
    make_folder(folder);
    snprintf(path, sizeof path, "%s/model.safetensors", folder);
    must(nas_tensors_add(&w, &a, "s1.0 \"w\"\n\xc3\xa9", NAS_TENSOR_F32, &shape));
    must(nas_tensors_add(&s, &a, "scalar", NAS_TENSOR_F64, &scalar));
    for (int i = 0; i < 6; i++)
        ((float *)w)[i] = 0.1f * (float)i;
    *(double *)s = 1.0 / 3;
    must(nas_tensors_set_meta(&a, "network", "net:\n  - conv: {out: 16}\t# \xf0\x9f\x98\x80\n"));
    must(nas_tensors_write(path, &a));
    must(nas_tensors_read(&b, path));
    assert_int_equal(b.n, 2);
    const nas_tensor *x = nas_tensors_find(&b, a.tensor[0].name);
    assert_non_null(x);
    assert_true(nas_shape_equal(&x->shape, &a.tensor[0].shape));
    assert_memory_equal(x->data, w, 6 * sizeof(float));
    x = nas_tensors_find(&b, "scalar");
    assert_non_null(x);
    assert_memory_equal(x->data, s, sizeof(double));
    assert_string_equal(nas_tensors_meta(&b, "network"), a.meta[0].value);
    assert_null(nas_tensors_meta(&b, "other"));
    nas_tensors_free(&a);
    nas_tensors_free(&b);
    remove_folder(folder);
}

static void a_comma_locale_opens_the_same_model(void **state) {
    (void)state;
    static const char *const meta[][2] = {
        {NAS_META_FORMAT, "clnas"},    {NAS_META_NETWORK, "net"}, {NAS_META_CLASSES, "[\"a\"]"},
        {NAS_META_INPUT, "[1, 1, 1]"}, {NAS_META_MEAN, "[0.5]"},  {NAS_META_STD, "[0.25]"},
        {NAS_META_ACCURACY, "0.75"},   {NAS_META_EPOCHS, "1"}};
    char folder[PATH_BYTES], path[PATH_BYTES + 32];
    nas_tensors t = {0};
    nas_model *m = NULL;
    if (!comma_locale())
        skip();
    make_folder(folder);
    snprintf(path, sizeof path, "%s/model.safetensors", folder);
    for (size_t i = 0; i < sizeof meta / sizeof *meta; i++)
        must(nas_tensors_set_meta(&t, meta[i][0], meta[i][1]));
    must(nas_tensors_write(path, &t));
    nas_status st = nas_model_open(&m, path);
    setlocale(LC_ALL, "C");
    must(st);
    const nas_model_info *info = nas_model_info_of(m);
    assert_true(info->mean[0] == 0.5f && info->std[0] == 0.25f && info->test_accuracy == 0.75);
    nas_model_free(m);
    nas_tensors_free(&t);
    remove_folder(folder);
}

/* Two GiB of a file without contents: the first allocation fails, so the size was taken. */
static void large_files_are_not_refused_for_their_size(void **state) {
    (void)state;
    char folder[PATH_BYTES], path[PATH_BYTES + 32];
    nas_tensors t = {0};
    make_folder(folder);
    snprintf(path, sizeof path, "%s/model.safetensors", folder);
    must(nas_file_write(path, "", 0));
    assert_int_equal(truncate(path, (off_t)1 << 31), 0);
    nas_alloc_fail_after(1);
    nas_status st = nas_tensors_read(&t, path);
    nas_alloc_fail_after(0);
    assert_int_equal(st, NAS_E_MEMORY);
    remove_folder(folder);
}

static size_t make_file(char *file, size_t room, const char *header, uint64_t length,
                        size_t data_bytes) {
    size_t n = strlen(header);
    assert_true(8 + n + data_bytes <= room);
    for (int i = 0; i < 8; i++)
        file[i] = (char)(length >> (8 * i));
    memcpy(file + 8, header, n);
    memset(file + 8 + n, 0, data_bytes);
    return 8 + n + data_bytes;
}

/* A header, the bytes of tensors behind it, and what the error has to tell; NULL: it can be read.
 */
typedef struct file_case {
    const char *name, *header;
    size_t data_bytes;
    const char *error;
} file_case;

#define A(rest)  "{\"a\": {" rest "}}"
#define OF(a, b) "\"data_offsets\": [" #a ", " #b "]"
#define F32      "\"dtype\": \"F32\", "
#define TWO      "\"shape\": [2], "
static const file_case files[] = {
    {"plain_is_read", A(F32 TWO OF(0, 8)), 8, NULL},
    {"no_tensor_is_read", "{}", 0, NULL},
    {"scalar_is_read", A(F32 "\"shape\": [], " OF(0, 4)), 4, NULL},
    {"spaces_behind_the_header_are_read", "{}      ", 0, NULL},
    {"unicode_escape_is_read", "{\"\\u00e9\\ud83d\\ude00\": {" F32 TWO OF(0, 8) "}}", 8, NULL},
    {"data_cut_off", A(F32 TWO OF(0, 8)), 7, "outside the 7 bytes"},
    {"data_left_over", A(F32 TWO OF(0, 8)), 9, "9 bytes of tensors"},
    {"gap_before_the_first", A(F32 TWO OF(4, 12)), 12, "starts at byte 4"},
    {"overlapping", "{\"a\": {" F32 TWO OF(0, 8) "}, \"b\": {" F32 TWO OF(4, 12) "}}", 12,
     "starts at byte 4"},
    {"same_bytes_twice", "{\"a\": {" F32 TWO OF(0, 8) "}, \"b\": {" F32 TWO OF(0, 8) "}}", 8,
     "starts at byte 0"},
    {"offsets_backwards", A(F32 TWO OF(8, 0)), 8, "data_offsets"},
    {"offsets_negative", A(F32 TWO OF(-8, 0)), 8, "data_offsets"},
    {"offset_beyond_64_bits", A(F32 TWO OF(0, 18446744073709551624)), 8, "data_offsets"},
    {"offset_fraction", A(F32 TWO OF(0, 8.0)), 8, "data_offsets"},
    {"one_offset", A(F32 TWO "\"data_offsets\": [0]"), 8, "data_offsets"},
    {"offsets_no_list", A(F32 TWO "\"data_offsets\": 8"), 8, "data_offsets"},
    {"dtype_unknown", A("\"dtype\": \"BF16\", " TWO OF(0, 4)), 4, "dtype BF16"},
    {"dtype_missing", A(TWO OF(0, 8)), 8, "no dtype"},
    {"shape_missing", A(F32 OF(0, 8)), 8, "no shape"},
    {"shape_wrong_size", A(F32 "\"shape\": [3], " OF(0, 8)), 8, "its shape needs 12"},
    {"shape_overflows", A(F32 "\"shape\": [65536, 65536, 65536], " OF(0, 8)), 8, "size"},
    {"shape_of_zero", A(F32 "\"shape\": [0], " OF(0, 0)), 0, "size"},
    {"shape_rank_too_high", A(F32 "\"shape\": [1,1,1,1,1,1,2], " OF(0, 8)), 8, "no shape"},
    {"name_twice", "{\"a\": {" F32 TWO OF(0, 8) "}, \"a\": {" F32 TWO OF(8, 16) "}}", 16,
     "a is there twice"},
    {"metadata_no_map", "{\"__metadata__\": [1]}", 0, "__metadata__"},
    {"metadata_no_string", "{\"__metadata__\": {\"k\": 1}}", 0, "metadata k"},
    {"metadata_key_twice", "{\"__metadata__\": {\"k\": \"1\", \"k\": \"2\"}}", 0, "twice"},
    {"tensor_no_map", "{\"a\": 1}", 0, "no dtype"},
    {"header_a_list", "[]", 0, "no JSON object"},
    {"header_empty", "", 0, "JSON"},
    {"header_not_closed", "{\"a\": {", 0, "JSON"},
    {"header_string_not_closed", "{\"a", 0, "string without end"},
    {"header_two_values", "{} {}", 0, "behind the value"},
    {"header_trailing_comma", "{\"a\": {}, }", 0, "JSON"},
    {"header_half_surrogate", "{\"\\ud83d\": 1}", 0, "surrogate"},
    {"header_nul_escape", "{\"\\u0000\": 1}", 0, "escape"},
    {"header_control_character", "{\"\n\": 1}", 0, "control"},
    {"header_wrong_escape", "{\"\\x\": 1}", 0, "escape"},
    {"header_wrong_number", "{\"a\": 01}", 0, "number"},
    {"header_nested_deep", "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[", 0, "deep"},
};

static void check_file(void **state) {
    const file_case *c = *state;
    char file[512];
    nas_tensors t = {0};
    size_t n = make_file(file, sizeof file, c->header, strlen(c->header), c->data_bytes);
    nas_status st = nas_tensors_parse(&t, file, n, "file");
    if (c->error == NULL)
        must(st);
    else
        must_fail(st, NAS_E_DATA, c->error);
    nas_tensors_free(&t);
}

static void header_lengths_are_bounded(void **state) {
    (void)state;
    char file[64];
    nas_tensors t = {0};
    static const uint64_t lengths[] = {3, 1000, UINT64_C(1) << 40, UINT64_MAX, UINT64_MAX - 7};
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        size_t n = make_file(file, sizeof file, "{}", lengths[i], 0);
        must_fail(nas_tensors_parse(&t, file, n, "file"), NAS_E_DATA, "header of");
    }
    must_fail(nas_tensors_parse(&t, file, 7, "file"), NAS_E_DATA, "no model file");
}

/* Every prefix of a good file is refused, and none is read beyond its end. */
static void every_truncation_is_refused(void **state) {
    (void)state;
    char file[256];
    nas_tensors t = {0};
    size_t n = make_file(file, sizeof file, files[0].header, strlen(files[0].header), 8);
    for (size_t k = 0; k < n; k++) {
        char *part = nas_malloc(k + 1);
        assert_non_null(part);
        memcpy(part, file, k);
        part = nas_realloc(part, k > 0 ? k : 1);
        assert_int_equal(nas_tensors_parse(&t, part, k, "file"), NAS_E_DATA);
        nas_free(part);
    }
}

/* Any byte changed to any of a few others: an error or a result, never a crash. */
static void changed_bytes_do_no_harm(void **state) {
    (void)state;
    static const char others[] = {0, 1, '"', '\\', '{', ']', ',', '9', '-', (char)0xff};
    char file[256];
    size_t read = 0, n = make_file(file, sizeof file, files[0].header, strlen(files[0].header), 8);
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < sizeof others; k++) {
            nas_tensors t = {0};
            char kept = file[i];
            file[i] = others[k];
            read += nas_tensors_parse(&t, file, n, "file") == NAS_OK;
            nas_tensors_free(&t);
            file[i] = kept;
        }
    assert_true(read > 0 && read < n * sizeof others);
}

int main(void) {
    enum { N = sizeof files / sizeof *files };
    const struct CMUnitTest others[] = {
        cmocka_unit_test(what_is_written_reads_back),
        cmocka_unit_test(a_comma_locale_opens_the_same_model),
        cmocka_unit_test(large_files_are_not_refused_for_their_size),
        cmocka_unit_test(header_lengths_are_bounded),
        cmocka_unit_test(every_truncation_is_refused),
        cmocka_unit_test(changed_bytes_do_no_harm),
    };
    struct CMUnitTest tests[N];
    for (size_t i = 0; i < N; i++)
        tests[i] = (struct CMUnitTest){files[i].name, check_file, NULL, NULL, (void *)&files[i]};
    int failed = cmocka_run_group_tests_name("safetensors", others, NULL, NULL);
    return failed + _cmocka_run_group_tests("safetensors files", tests, N, NULL, NULL);
}
