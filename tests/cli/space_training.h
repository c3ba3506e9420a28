/* tests/cli/space_training.h - one random network of a space trains at a reduced size. */
#ifndef NAS_TESTS_SPACE_TRAINING_H
#define NAS_TESTS_SPACE_TRAINING_H

#include <stdint.h>

typedef struct family {
    const char *name;
    int32_t size; /* of the reduced image */
    double lr;
} family;

/* A CMocka test whose state is a family: the gradient is right along a random direction, and the
 * loss falls on the device. */
void family_trains(void **state);

#endif
