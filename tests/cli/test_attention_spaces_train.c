/* tests/cli/test_attention_spaces_train.c - image spaces of attention alone train.
 * ctest-labels: slow */
#include "space_training.h"

int main(void) {
    return spaces_train(SPACES_ATTENTION, "attention spaces train");
}
