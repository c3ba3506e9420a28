/* tests/cli/test_spaces_train.c - the larger image spaces of convolutions train.
 * ctest-labels: slow */
#include "space_training.h"

int main(void) {
    return spaces_train(SPACES_CONVOLUTION, "spaces train");
}
