/* tests/cli/test_attention_spaces_train.c - image spaces of attention alone train.
 * ctest-labels: slow */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "space_training.h"

static const family families[] = {
    {"autoformer-tiny", 32, 0.05}, {"autoformer-small", 32, 0.05},
    {"autoformer-base", 32, 0.05}, {"deit", 32, 0.05},
    {"twins-svt", 56, 0.05},       {"twins-pcpvt", 32, 0.05},
};

int main(void) {
    enum { N = sizeof families / sizeof *families };
    struct CMUnitTest tests[N];
    for (size_t i = 0; i < N; i++)
        tests[i] = (struct CMUnitTest){.name = families[i].name,
                                       .test_func = family_trains,
                                       .initial_state = (void *)(uintptr_t)&families[i]};
    return _cmocka_run_group_tests("spaces of attention train", tests, N, NULL, NULL);
}
