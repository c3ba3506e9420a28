/* tests/search/test_fuzz_corpus.c - replays the fuzzers' corpus, whole and cut short. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dirent.h>
#include <stdlib.h>
#include <string.h>

#include "../fuzz/fuzz_space.c"

#define CORPUS NAS_SOURCE_DIR "/tests/fuzz/corpus/space"

static void replay(const char *path) {
    char *bytes;
    size_t n;
    assert_int_equal(nas_file_read(&bytes, &n, path, 1 << 20), NAS_OK);
    for (size_t cut = 0; cut < 64; cut++) {
        size_t k = n * (64 - cut) / 64;
        char *part = malloc(k + 1); /* of the exact size, so that reading past it is seen */
        assert_non_null(part);
        memcpy(part, bytes, k);
        part = realloc(part, k > 0 ? k : 1);
        LLVMFuzzerTestOneInput((const uint8_t *)part, k);
        free(part);
    }
    nas_free(bytes);
}

static void space_corpus_is_survived(void **state) {
    (void)state;
    DIR *dir = opendir(CORPUS);
    assert_non_null(dir);
    int files = 0;
    for (struct dirent *e; (e = readdir(dir)) != NULL;) {
        char path[1024];
        if (e->d_name[0] == '.')
            continue;
        snprintf(path, sizeof path, "%s/%s", CORPUS, e->d_name);
        replay(path);
        files++;
    }
    closedir(dir);
    assert_true(files > 0);
}

int main(void) {
    static const struct CMUnitTest tests[] = {cmocka_unit_test(space_corpus_is_survived)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
