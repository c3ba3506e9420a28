/* tests/cli/test_hybrid_spaces_train.c - image spaces that mix convolution and attention train.
 * ctest-labels: slow */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "space_training.h"

static const family families[] = {
    {"levit", 32, 0.05}, {"cvt", 32, 0.05},    {"mobilevit", 64, 0.05},
    {"glit", 32, 0.05},  {"nasvit", 32, 0.05},
};

int main(void) {
    enum { N = sizeof families / sizeof *families };
    struct CMUnitTest tests[N];
    for (size_t i = 0; i < N; i++)
        tests[i] = (struct CMUnitTest){.name = families[i].name,
                                       .test_func = family_trains,
                                       .initial_state = (void *)(uintptr_t)&families[i]};
    return _cmocka_run_group_tests("hybrid spaces train", tests, N, NULL, NULL);
}
