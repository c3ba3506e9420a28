/* tests/cli/test_small_spaces_train.c - the quicker image spaces train. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "space_training.h"

static const family families[] = {
    {"resnet-like", 16, 0.05},  {"nas-bench-201", 16, 0.05},   {"enas-macro", 16, 0.05},
    {"hierarchical", 16, 0.05}, {"tiny-mobilenetv3", 28, 0.1}, {"fashion-cnn", 28, 0.05},
    {"fashion-vit", 28, 0.05},  {"fashion-hybrid", 28, 0.05},  {"cifar-hybrid", 32, 0.05},
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
