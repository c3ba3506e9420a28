/* data/statistics.c - mean and standard deviation of the channels, in exact integer sums. */
#include "dataset.h"

#include <assert.h>
#include <math.h>

enum { MOST_IMAGES = 10000, MAX_CHANNELS = 4 };

typedef struct sums {
    uint64_t first[MAX_CHANNELS], second[MAX_CHANNELS]; /* of values and of their squares */
} sums;

static void add_image(sums *s, const uint8_t *image, size_t pixels, size_t channels) {
    for (size_t c = 0; c < channels; c++) {
        uint64_t a = 0, b = 0;
        for (size_t i = 0; i < pixels; i++) {
            uint64_t v = image[i * channels + c];
            a += v;
            b += v * v;
        }
        s->first[c] += a;
        s->second[c] += b;
    }
}

nas_status nas_data_statistics(float mean[4], float std[4], const nas_dataset *d,
                               const uint32_t *index, uint32_t n) {
    nas_status st = NAS_OK;
    sums s = {0};
    size_t channels = (size_t)d->info.channels;
    size_t pixels = (size_t)d->info.height * (size_t)d->info.width;
    if (n == 0)
        return nas_fail(NAS_E_ARG, "%s: statistics of no images", d->path);
    uint32_t used = n < MOST_IMAGES ? n : MOST_IMAGES;
    uint8_t *image = nas_malloc(pixels * channels);
    if (!image)
        return nas_fail_memory(pixels * channels);
    for (uint32_t i = 0; i < used; i++) {
        NAS_GO(nas_data_image(image, d, index[i]));
        add_image(&s, image, pixels, channels);
    }
    double count = (double)used * (double)pixels;
    for (size_t c = 0; c < MAX_CHANNELS; c++) {
        double m = (double)s.first[c] / count;
        double variance = (double)s.second[c] / count - m * m;
        mean[c] = (float)(m / 255);
        std[c] = variance > 0 ? (float)(sqrt(variance) / 255) : 1;
    }
done:
    nas_free(image);
    return st;
}
