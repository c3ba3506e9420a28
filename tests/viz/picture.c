/* tests/viz/picture.c - reading pictures back, by bytes and by pixels. */
#include "picture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cairo.h>
#include <cmocka.h>
#include <string.h>

static uint32_t big_endian(const unsigned char *p) {
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

/* PNG's checksum, written from its definition so that no library checks itself. */
static uint32_t checksum(const unsigned char *p, size_t n) {
    uint32_t c = 0xFFFFFFFFu;
    for (size_t i = 0; i < n; i++) {
        c ^= p[i];
        for (int k = 0; k < 8; k++)
            c = c & 1 ? 0xEDB88320u ^ (c >> 1) : c >> 1;
    }
    return ~c;
}

picture picture_read(const char *path) {
    static const unsigned char signature[8] = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1A, '\n'};
    picture p = {0};
    if (nas_file_read(&p.bytes, &p.n, path, 0) != NAS_OK)
        fail_msg("%s", nas_error_text());
    const unsigned char *b = (const unsigned char *)p.bytes;
    assert_true(p.n > 8 && memcmp(b, signature, 8) == 0);
    bool ended = false;
    for (size_t at = 8; at < p.n;) {
        assert_false(ended);
        assert_true(at + 12 <= p.n);
        size_t length = big_endian(b + at);
        assert_true(length <= p.n - at - 12);
        assert_int_equal(big_endian(b + at + 8 + length), checksum(b + at + 4, length + 4));
        if (at == 8) {
            assert_memory_equal(b + at + 4, "IHDR", 4);
            p.width = big_endian(b + at + 8);
            p.height = big_endian(b + at + 12);
            assert_int_equal(b[at + 16], 8); /* bits a channel */
        }
        ended = memcmp(b + at + 4, "IEND", 4) == 0;
        at += length + 12;
    }
    assert_true(ended);
    return p;
}

void picture_free(picture *p) {
    nas_free(p->bytes);
    *p = (picture){0};
}

size_t picture_count(const char *path, uint32_t rgb) {
    cairo_surface_t *s = cairo_image_surface_create_from_png(path);
    assert_int_equal(cairo_surface_status(s), CAIRO_STATUS_SUCCESS);
    cairo_surface_flush(s);
    const unsigned char *rows = cairo_image_surface_get_data(s);
    int width = cairo_image_surface_get_width(s), height = cairo_image_surface_get_height(s);
    int stride = cairo_image_surface_get_stride(s);
    size_t count = 0;
    for (int y = 0; y < height; y++) {
        for (int x = 0; x < width; x++) {
            uint32_t pixel;
            memcpy(&pixel, rows + (size_t)y * (size_t)stride + 4 * (size_t)x, 4);
            count += (pixel & 0xFFFFFF) == rgb;
        }
    }
    cairo_surface_destroy(s);
    return count;
}
