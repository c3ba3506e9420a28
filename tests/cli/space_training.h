/* tests/cli/space_training.h - one random network of a space trains at a reduced size. */
#ifndef NAS_TESTS_SPACE_TRAINING_H
#define NAS_TESTS_SPACE_TRAINING_H

/* Programs that run side by side. */
typedef enum space_group {
    SPACES_SMALL,
    SPACES_CONVOLUTION,
    SPACES_ATTENTION,
    SPACES_HYBRID,
    SPACES_LANGUAGE, /* not trained */
} space_group;

/* For each space of the group: the gradient is right along a random direction, and the loss falls
 * on the device. SPACES_SMALL also looks whether every built-in space is in a group. Returns how
 * many tests failed. */
int spaces_train(space_group group, const char *title);

#endif
