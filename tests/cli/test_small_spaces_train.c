/* tests/cli/test_small_spaces_train.c - the quicker image spaces train. */
#include "space_training.h"

int main(void) {
    return spaces_train(SPACES_SMALL, "small spaces train");
}
