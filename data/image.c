/* data/image.c - one image file, told by its first bytes, to pixels of the size that is wanted. */
#include "dataset.h"

#include <assert.h>
#include <string.h>

enum { MAX_FILE_BYTES = 1 << 28 };

nas_status nas_image_check_size(uint64_t height, uint64_t width, const char *name) {
    if (height == 0 || width == 0 || height > NAS_IMAGE_MAX_SIDE || width > NAS_IMAGE_MAX_SIDE ||
        height * width > NAS_IMAGE_MAX_PIXELS)
        return nas_fail(NAS_E_DATA, "%s: %llux%llu pixels: sides are 1 ... %d, at most %d pixels",
                        name, (unsigned long long)height, (unsigned long long)width,
                        NAS_IMAGE_MAX_SIDE, NAS_IMAGE_MAX_PIXELS);
    return NAS_OK;
}

static nas_status decode(nas_pixels *out, const char *path) {
    nas_status st = NAS_OK;
    char *bytes = NULL;
    size_t n = 0;
    NAS_TRY(nas_file_read(&bytes, &n, path, MAX_FILE_BYTES));
    const uint8_t *p = (const uint8_t *)bytes;
    if (nas_png_is(p, n))
        NAS_GO(nas_png_decode(out, p, n, path));
    else if (nas_jpeg_is(p, n))
        NAS_GO(nas_jpeg_decode(out, p, n, path));
    else
        NAS_GO(nas_fail(NAS_E_DATA, "%s: neither a PNG nor a JPEG file", path));
done:
    nas_free(bytes);
    return st;
}

nas_status nas_image_read_any(uint8_t **pixels, int32_t *height, int32_t *width, int32_t *channels,
                              const char *path) {
    nas_pixels in = {0};
    NAS_TRY(decode(&in, path));
    *pixels = (uint8_t *)in.p;
    *height = in.height;
    *width = in.width;
    *channels = in.channels;
    return NAS_OK;
}

nas_status nas_image_read(uint8_t *out, const char *path, int32_t height, int32_t width,
                          int32_t channels) {
    assert(height > 0 && width > 0 && (channels == 1 || channels == 3));
    nas_pixels in = {0};
    NAS_TRY(decode(&in, path));
    nas_status st = nas_image_fit(out, height, width, channels, &in);
    nas_free((uint8_t *)in.p);
    return st;
}
