/* tests/runtime/training_fixture.h - a small data set, two small networks and the devices there
 * are. */
#ifndef TESTS_RUNTIME_TRAINING_FIXTURE_H
#define TESTS_RUNTIME_TRAINING_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <nas/runtime.h>

enum { SIDE = 12, CLASSES = 4, TRAIN_IMAGES = 40, TEST_IMAGES = 22, PATH_BYTES = 512 };

/* Fails the test with the error line when st is a failure. */
void must(nas_status st);
/* Fails unless st is `want`; the error line has to contain `part`. */
void must_fail(nas_status st, nas_status want, const char *part);

/* An empty folder of this process for files, removed with remove_folder. */
void make_folder(char path[PATH_BYTES]);
void remove_folder(const char *path);

/* Writes the data set (grey images: one of four stripe patterns, and noise) and opens it. */
nas_dataset *pattern_data(const char *folder);
/* The same from pixels of the caller: n images of SIDE x SIDE, labels i % CLASSES, used as training
 * and as test part. */
nas_dataset *image_data(const char *folder, const uint8_t *pixels, uint32_t n);

/* Convolutions with batch norm, a dropout, a dense head. */
nas_graph *small_cnn(void);
nas_graph *cnn_for(int32_t side, int32_t classes); /* the same for other images */
/* Patches, one transformer block, a dense head. */
nas_graph *small_vit(void);

/* The OpenCL device of choice, or NULL after saying why there is none. */
nas_device *opencl_device(void);
nas_device *ref_device(void);

#endif
