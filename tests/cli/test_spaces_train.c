/* tests/cli/test_spaces_train.c - the larger image spaces train; test_small_spaces_train.c has the
 * rest. ctest-labels: slow */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "space_training.h"

static const family families[] = {
    {"ofa-mobilenetv3", 64, 0.05},
    {"proxylessnas", 64, 0.05},
    {"fbnet", 64, 0.05},
    {"spos-shufflenet", 64, 0.05},
    {"attentivenas", 64, 0.05},
    {"nas-bench-macro", 16, 0.05},
    {"darts", 8, 0.05},
    {"enas-micro", 8, 0.05},
    {"nas-bench-101", 8, 0.05},
};

int main(void) {
    enum { N = sizeof families / sizeof *families };
    struct CMUnitTest tests[N];
    for (size_t i = 0; i < N; i++)
        tests[i] = (struct CMUnitTest){.name = families[i].name,
                                       .test_func = family_trains,
                                       .initial_state = (void *)(uintptr_t)&families[i]};
    return _cmocka_run_group_tests("spaces train", tests, N, NULL, NULL);
}
