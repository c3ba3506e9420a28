/* tests/cli/test_fuzz_readers.c - replays the fuzzers' corpus of every reader of users' files,
 * whole and cut short. It stands here because the readers belong to many modules. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dirent.h>

#include "../fuzz/fuzz_readers.c"

enum { CUTS = 64 };

static void replay(const struct reader_row *row, const char *path) {
    char *bytes;
    size_t n;
    assert_int_equal(nas_file_read(&bytes, &n, path, 1 << 20), NAS_OK);
    for (size_t cut = 0; cut < CUTS; cut++) {
        size_t k = n * (CUTS - cut) / CUTS;
        uint8_t *part = malloc(k > 0 ? k : 1); /* of the exact size: reading past it is seen */
        assert_non_null(part);
        memcpy(part, bytes, k);
        row->read(part, k);
        free(part);
    }
    nas_free(bytes);
}

static void corpus_is_survived(void **state) {
    const struct reader_row *row = *state;
    char path[1024];
    int files = 0;
    snprintf(path, sizeof path, "%s/tests/fuzz/corpus/%s", NAS_SOURCE_DIR, row->name);
    DIR *dir = opendir(path);
    assert_non_null(dir);
    for (struct dirent *e; (e = readdir(dir)) != NULL;) {
        if (e->d_name[0] == '.')
            continue;
        snprintf(path, sizeof path, "%s/tests/fuzz/corpus/%s/%s", NAS_SOURCE_DIR, row->name,
                 e->d_name);
        replay(row, path);
        files++;
    }
    closedir(dir);
    assert_true(files > 0);
}

int main(void) {
    struct CMUnitTest tests[N_READERS];
    for (size_t i = 0; i < N_READERS; i++)
        tests[i] = (struct CMUnitTest){reader_rows[i].name, corpus_is_survived, NULL, NULL,
                                       (void *)(uintptr_t)&reader_rows[i]};
    return _cmocka_run_group_tests("corpus of the readers", tests, N_READERS, NULL, NULL);
}
