/* tests/cli/test_hybrid_spaces_train.c - image spaces that mix convolution and attention train.
 * ctest-labels: slow */
#include "space_training.h"

int main(void) {
    return spaces_train(SPACES_HYBRID, "hybrid spaces train");
}
