/* tests/data/fixture.h - temporary folders and the files that the data tests write themselves. */
#ifndef TESTS_DATA_FIXTURE_H
#define TESTS_DATA_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <nas/data.h>

typedef struct blob { /* bytes being put together; free b */
    uint8_t *b;
    size_t n;
} blob;

enum { PATH_TEXT = 512 };

/* A new empty folder, and its end with all that is in it. */
void folder_make(char path[PATH_TEXT]);
void folder_remove(const char *path);

/* Writes folder/name, making the folders on the way. */
void file_put(const char *folder, const char *name, const void *bytes, size_t n);
void file_remove(const char *folder, const char *name);

void blob_add(blob *o, const void *bytes, size_t n);
void blob_u32(blob *o, uint32_t v); /* big-endian */
blob blob_gzip(const blob *in);
void blob_free(blob *o);

/* IDX files: `n` images of height x width whose pixel i is (seed + i) & 255; labels i % classes. */
blob idx_images(uint32_t n, uint32_t height, uint32_t width, uint32_t seed);
blob idx_labels(uint32_t n, uint32_t classes);
/* The four files of a set with 20 training and 10 test images of 4x3 pixels and 10 classes. */
void idx_put(const char *folder);

/* Encoders on the libraries themselves. png_type, depth: libpng's; pixels in that layout. */
blob png_encode(const uint8_t *pixels, uint32_t height, uint32_t width, int png_type, int depth);
blob jpeg_encode(const uint8_t *pixels, uint32_t height, uint32_t width, int channels, int quality);

/* Runs one named test a row; state is the row. */
int run_table(const char *group, void (*test)(void **), void *rows, size_t n, size_t row_size,
              const char *(*name)(const void *row));

#endif
