/* tests/data/test_image.c - PNG and JPEG files of every kind, resizing, and hostile files. */
#include "fixture.h"

#include <png.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

enum { H = 6, W = 5 };

/* Reads the blob as an image file; the caller frees *p. */
static nas_status read_blob(uint8_t **p, int32_t size[3], const blob *o) {
    char folder[PATH_TEXT], path[PATH_TEXT + 8];
    folder_make(folder);
    file_put(folder, "x", o->b, o->n);
    snprintf(path, sizeof path, "%s/x", folder);
    nas_status st = nas_image_read_any(p, &size[0], &size[1], &size[2], path);
    folder_remove(folder);
    return st;
}

typedef struct kind { /* a kind of PNG: what is written and what must come back */
    const char *name;
    int type, depth, in_bytes, channels; /* in_bytes a pixel as written */
    void (*expect)(uint8_t *out, const uint8_t *in);
} kind;

static void same1(uint8_t *out, const uint8_t *in) {
    out[0] = in[0];
}
static void same3(uint8_t *out, const uint8_t *in) {
    memcpy(out, in, 3);
}
static uint8_t to8(const uint8_t *in) {
    return (uint8_t)(((in[0] << 8 | in[1]) * 255 + 32895) >> 16);
}
static void grey16(uint8_t *out, const uint8_t *in) {
    out[0] = to8(in);
}
static void rgb16(uint8_t *out, const uint8_t *in) {
    for (int c = 0; c < 3; c++)
        out[c] = to8(in + 2 * c);
}
static void grey_alpha(uint8_t *out, const uint8_t *in) {
    out[0] = (uint8_t)((in[0] * in[1] + 127) / 255);
}
static void rgb_alpha(uint8_t *out, const uint8_t *in) {
    for (int c = 0; c < 3; c++)
        out[c] = (uint8_t)((in[c] * in[3] + 127) / 255);
}
static void palette(uint8_t *out, const uint8_t *in) {
    static const uint8_t colour[3][3] = {{10, 20, 30}, {40, 50, 60}, {250, 0, 5}};
    memcpy(out, colour[in[0]], 3);
}

static kind kinds[] = {
    {"png_grey_8", PNG_COLOR_TYPE_GRAY, 8, 1, 1, same1},
    {"png_grey_16", PNG_COLOR_TYPE_GRAY, 16, 2, 1, grey16},
    {"png_grey_alpha_lies_on_black", PNG_COLOR_TYPE_GRAY_ALPHA, 8, 2, 1, grey_alpha},
    {"png_rgb_8", PNG_COLOR_TYPE_RGB, 8, 3, 3, same3},
    {"png_rgb_16", PNG_COLOR_TYPE_RGB, 16, 6, 3, rgb16},
    {"png_rgb_alpha_lies_on_black", PNG_COLOR_TYPE_RGB_ALPHA, 8, 4, 3, rgb_alpha},
    {"png_palette", PNG_COLOR_TYPE_PALETTE, 8, 1, 3, palette},
};

static void png_comes_back(void **state) {
    const kind *k = *state;
    uint8_t in[H * W * 8], want[3], *p = NULL;
    int32_t size[3] = {0};
    for (int i = 0; i < H * W * k->in_bytes; i++)
        in[i] = (uint8_t)(k->type == PNG_COLOR_TYPE_PALETTE ? i % 3 : i * 37 + 11);
    blob o = png_encode(in, H, W, k->type, k->depth);
    assert_int_equal(read_blob(&p, size, &o), NAS_OK);
    assert_int_equal(size[0], H);
    assert_int_equal(size[1], W);
    assert_int_equal(size[2], k->channels);
    for (int i = 0; i < H * W; i++) {
        k->expect(want, in + i * k->in_bytes);
        assert_memory_equal(p + i * k->channels, want, (size_t)k->channels);
    }
    nas_free(p);
    blob_free(&o);
}

static void one_bit_png_becomes_black_and_white(void **state) {
    (void)state;
    const uint8_t rows[2] = {0xa0, 0x40}; /* 101 and 010 */
    static const uint8_t want[6] = {255, 0, 255, 0, 255, 0};
    uint8_t *p = NULL;
    int32_t size[3] = {0};
    blob o = png_encode(rows, 2, 3, PNG_COLOR_TYPE_GRAY, 1);
    assert_int_equal(read_blob(&p, size, &o), NAS_OK);
    assert_memory_equal(p, want, 6);
    nas_free(p);
    blob_free(&o);
}

typedef struct jpeg_kind {
    const char *name;
    int channels_in, channels, tolerance;
} jpeg_kind;

static jpeg_kind jpeg_kinds[] = {
    {"jpeg_grey", 1, 1, 3}, {"jpeg_rgb", 3, 3, 6}, {"jpeg_cmyk_becomes_rgb", 4, 3, 6}};

/* A smooth picture, which compression at quality 100 hardly changes. */
static void jpeg_comes_back(void **state) {
    const jpeg_kind *k = *state;
    enum { SIDE = 32 };
    uint8_t in[SIDE * SIDE * 4], *p = NULL;
    int32_t size[3] = {0};
    int worst = 0;
    for (int i = 0; i < SIDE * SIDE; i++)
        for (int c = 0; c < k->channels_in; c++)
            in[i * k->channels_in + c] = (uint8_t)(c == 3 ? 255 : 3 * (i / SIDE) + i % SIDE + 30);
    blob o = jpeg_encode(in, SIDE, SIDE, k->channels_in, 100);
    assert_int_equal(read_blob(&p, size, &o), NAS_OK);
    assert_int_equal(size[0], SIDE);
    assert_int_equal(size[1], SIDE);
    assert_int_equal(size[2], k->channels);
    for (int i = 0; i < SIDE * SIDE; i++)
        for (int c = 0; c < k->channels; c++) {
            int e = abs(p[i * k->channels + c] - in[i * k->channels_in + c]);
            worst = e > worst ? e : worst;
        }
    assert_in_range(worst, 0, k->tolerance);
    nas_free(p);
    blob_free(&o);
}

/* A PNG whose header claims this size, with nothing behind it. */
static blob png_header(uint32_t width, uint32_t height) {
    blob o = {0};
    blob_add(&o, "\x89PNG\r\n\x1a\n\0\0\0\rIHDR", 16);
    blob_u32(&o, width);
    blob_u32(&o, height);
    blob_add(&o, "\x08\x02\0\0\0", 5);
    blob_u32(&o, (uint32_t)crc32(0, o.b + 12, 17));
    blob_u32(&o, 0);
    blob_add(&o, "IDAT\x35\xaf\x06\x1e", 8);
    return o;
}

static blob huge_png(void) {
    return png_header(1000000, 1000000);
}
static blob wide_png(void) {
    return png_header(16000, 16000);
}
static blob bad_crc_png(void) {
    blob o = png_header(4, 4);
    o.b[20] ^= 1;
    return o;
}
static blob cut_png(void) {
    static uint8_t in[64 * 64];
    for (int i = 0; i < 64 * 64; i++)
        in[i] = (uint8_t)(i * i >> 3);
    blob o = png_encode(in, 64, 64, PNG_COLOR_TYPE_GRAY, 8);
    o.n /= 2;
    return o;
}
static blob whole_jpeg(void) {
    static uint8_t in[64 * 64 * 3];
    for (int i = 0; i < 64 * 64 * 3; i++)
        in[i] = (uint8_t)(i * i >> 3);
    return jpeg_encode(in, 64, 64, 3, 90);
}
static blob cut_jpeg(void) {
    blob o = whole_jpeg();
    o.n /= 2;
    return o;
}
static blob header_only_jpeg(void) {
    blob o = whole_jpeg();
    o.n = 40;
    return o;
}
static blob magic_only_jpeg(void) {
    blob o = {0};
    blob_add(&o, "\xff\xd8\xff\xe0", 4);
    return o;
}
static blob huge_jpeg(void) {
    blob o = whole_jpeg();
    for (size_t i = 2; i + 9 < o.n; i++)
        if (o.b[i] == 0xff && o.b[i + 1] == 0xc0) { /* frame header: height and width */
            memset(o.b + i + 5, 0xf0, 4);
            break;
        }
    return o;
}
static blob text_file(void) {
    blob o = {0};
    blob_add(&o, "not an image", 12);
    return o;
}
static blob empty_file(void) {
    blob o = {0};
    blob_add(&o, "", 0);
    return o;
}

typedef struct hostile {
    const char *name;
    blob (*make)(void);
    const char *says;
} hostile;

static hostile hostiles[] = {
    {"png_header_of_a_million_squared", huge_png, "sides are 1 ..."},
    {"png_header_of_256_megapixels", wide_png, "16000x16000"},
    {"png_with_wrong_checksum", bad_crc_png, "CRC"},
    {"png_cut_in_half", cut_png, "truncated"},
    {"jpeg_cut_in_half", cut_jpeg, "broken JPEG"},
    {"jpeg_header_only", header_only_jpeg, "broken JPEG"},
    {"jpeg_magic_only", magic_only_jpeg, "broken JPEG"},
    {"jpeg_header_of_61680_squared", huge_jpeg, "61680x61680"},
    {"text_is_no_image", text_file, "neither"},
    {"empty_file_is_no_image", empty_file, "neither"},
};

static void hostile_file_is_told(void **state) {
    const hostile *h = *state;
    uint8_t *p = NULL;
    int32_t size[3] = {0};
    blob o = h->make();
    assert_int_equal(read_blob(&p, size, &o), NAS_E_DATA);
    assert_null(p);
    if (!strstr(nas_error_text(), h->says))
        fail_msg("\"%s\" does not say \"%s\"", nas_error_text(), h->says);
    blob_free(&o);
}

/* Any change of one byte must end in pixels or in an error, never in a crash. */
static void files_with_changed_bytes_never_crash(void **state) {
    (void)state;
    blob files[2] = {cut_png(), whole_jpeg()};
    files[0].n *= 2;
    for (int f = 0; f < 2; f++) {
        nas_rng r = nas_rng_stream(1, "test", (uint64_t)f);
        for (int i = 0; i < 150; i++) {
            size_t at = nas_rng_below(&r, files[f].n);
            uint8_t old = files[f].b[at], *p = NULL;
            int32_t size[3] = {0};
            files[f].b[at] = (uint8_t)nas_rng_u64(&r);
            nas_status st = read_blob(&p, size, &files[f]);
            assert_true((st == NAS_OK) == (p != NULL));
            nas_free(p);
            files[f].b[at] = old;
        }
        blob_free(&files[f]);
    }
}

static void resize(uint8_t *out, int32_t h, int32_t w, const uint8_t *in, uint32_t ih,
                   uint32_t iw) {
    char folder[PATH_TEXT], path[PATH_TEXT + 8];
    folder_make(folder);
    blob o = png_encode(in, ih, iw, PNG_COLOR_TYPE_GRAY, 8);
    file_put(folder, "x", o.b, o.n);
    blob_free(&o);
    snprintf(path, sizeof path, "%s/x", folder);
    assert_int_equal(nas_image_read(out, path, h, w, 1), NAS_OK);
    folder_remove(folder);
}

static void resize_of_a_constant_is_constant(void **state) {
    (void)state;
    static const int32_t sizes[][2] = {{1, 1}, {3, 7}, {17, 5}, {40, 41}, {64, 2}, {23, 29}};
    static const int values[] = {0, 1, 100, 254, 255};
    uint8_t in[23 * 29], out[64 * 64];
    for (size_t v = 0; v < 5; v++) {
        memset(in, values[v], sizeof in);
        for (size_t s = 0; s < 6; s++) {
            resize(out, sizes[s][0], sizes[s][1], in, 23, 29);
            for (int32_t i = 0; i < sizes[s][0] * sizes[s][1]; i++)
                assert_int_equal(out[i], values[v]);
        }
    }
}

static void shrinking_averages_areas_and_enlarging_interpolates(void **state) {
    (void)state;
    static const uint8_t four[16] = {0, 100, 8, 8, 100, 200, 8, 8, 1, 1, 40, 60, 1, 1, 80, 100};
    static const uint8_t halved[4] = {100, 8, 1, 70};
    static const uint8_t two[2] = {0, 100};
    static const uint8_t wide[4] = {0, 25, 75, 100};
    static const uint8_t three[3] = {30, 60, 90};
    static const uint8_t thirds[2] = {40, 80}; /* (30 + 60/2) / 1.5 and its mirror */
    uint8_t out[4];
    resize(out, 2, 2, four, 4, 4);
    assert_memory_equal(out, halved, 4);
    resize(out, 1, 4, two, 1, 2);
    assert_memory_equal(out, wide, 4);
    resize(out, 1, 2, three, 1, 3);
    assert_memory_equal(out, thirds, 2);
}

static void grey_of_rgb_is_rec_601(void **state) {
    (void)state;
    static const uint8_t rgb[12] = {255, 0, 0, 0, 255, 0, 0, 0, 255, 90, 90, 90};
    static const uint8_t want[4] = {76, 150, 29, 90};
    char folder[PATH_TEXT], path[PATH_TEXT + 8];
    uint8_t out[4];
    folder_make(folder);
    blob o = png_encode(rgb, 2, 2, PNG_COLOR_TYPE_RGB, 8);
    file_put(folder, "x", o.b, o.n);
    blob_free(&o);
    snprintf(path, sizeof path, "%s/x", folder);
    assert_int_equal(nas_image_read(out, path, 2, 2, 1), NAS_OK);
    assert_memory_equal(out, want, 4);
    folder_remove(folder);
    assert_int_equal(nas_image_read(out, path, 2, 2, 1), NAS_E_IO);
}

/* Every row type begins with its name. */
static const char *row_name(const void *row) {
    return *(const char *const *)row;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_bit_png_becomes_black_and_white),
        cmocka_unit_test(files_with_changed_bytes_never_crash),
        cmocka_unit_test(resize_of_a_constant_is_constant),
        cmocka_unit_test(shrinking_averages_areas_and_enlarging_interpolates),
        cmocka_unit_test(grey_of_rgb_is_rec_601),
    };
    return cmocka_run_group_tests(tests, NULL, NULL) +
           run_table("png", png_comes_back, kinds, sizeof kinds / sizeof *kinds, sizeof *kinds,
                     row_name) +
           run_table("jpeg", jpeg_comes_back, jpeg_kinds, sizeof jpeg_kinds / sizeof *jpeg_kinds,
                     sizeof *jpeg_kinds, row_name) +
           run_table("hostile files", hostile_file_is_told, hostiles,
                     sizeof hostiles / sizeof *hostiles, sizeof *hostiles, row_name);
}
