/* tests/viz/picture.h - reading pictures back, by bytes and by pixels. */
#ifndef TESTS_VIZ_PICTURE_H
#define TESTS_VIZ_PICTURE_H

#include <nas/core.h>

typedef struct picture {
    char *bytes;
    size_t n;
    uint32_t width, height;
} picture;

/* Fails the test unless the file is a whole PNG: signature, chunks with right checksums, end. */
picture picture_read(const char *path);
void picture_free(picture *p);
/* Pixels of exactly this colour (0xRRGGBB). */
size_t picture_count(const char *path, uint32_t rgb);

#endif
