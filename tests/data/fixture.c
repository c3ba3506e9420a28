/* tests/data/fixture.c - temporary folders and the files that the data tests write themselves. */
#define _XOPEN_SOURCE 700 /* nftw */
#include "fixture.h"

#include <ftw.h>
#include <png.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#include <jpeglib.h>

void folder_make(char path[PATH_TEXT]) {
    const char *base = getenv("TMPDIR");
    snprintf(path, PATH_TEXT, "%s/clnas-data-XXXXXX", base ? base : "/tmp");
    assert_non_null(mkdtemp(path));
}

static int remove_entry(const char *path, const struct stat *s, int kind, struct FTW *f) {
    (void)s, (void)kind, (void)f;
    return remove(path);
}

void folder_remove(const char *path) {
    nftw(path, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}

void file_put(const char *folder, const char *name, const void *bytes, size_t n) {
    char path[2 * PATH_TEXT];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    char *slash = strrchr(path, '/');
    *slash = 0;
    assert_int_equal(nas_dir_make(path), NAS_OK);
    *slash = '/';
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    assert_int_equal(n ? fwrite(bytes, 1, n, f) : 0, n);
    fclose(f);
}

void file_remove(const char *folder, const char *name) {
    char path[2 * PATH_TEXT];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    assert_int_equal(unlink(path), 0);
}

void blob_add(blob *o, const void *bytes, size_t n) {
    o->b = realloc(o->b, o->n + n + 1);
    assert_non_null(o->b);
    if (n)
        memcpy(o->b + o->n, bytes, n);
    o->n += n;
}

void blob_u32(blob *o, uint32_t v) {
    uint8_t b[4] = {(uint8_t)(v >> 24), (uint8_t)(v >> 16), (uint8_t)(v >> 8), (uint8_t)v};
    blob_add(o, b, 4);
}

void blob_free(blob *o) {
    free(o->b);
    *o = (blob){0};
}

blob blob_gzip(const blob *in) {
    blob out = {.b = malloc(in->n + 1024)};
    z_stream z = {0};
    assert_int_equal(deflateInit2(&z, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
    z.next_in = in->b;
    z.avail_in = (uInt)in->n;
    z.next_out = out.b;
    z.avail_out = (uInt)in->n + 1024;
    assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
    out.n = z.total_out;
    deflateEnd(&z);
    return out;
}

blob idx_images(uint32_t n, uint32_t height, uint32_t width, uint32_t seed) {
    blob o = {0};
    blob_u32(&o, 0x803);
    blob_u32(&o, n);
    blob_u32(&o, height);
    blob_u32(&o, width);
    for (uint32_t i = 0; i < n * height * width; i++)
        blob_add(&o, &(uint8_t){(uint8_t)(seed + i)}, 1);
    return o;
}

blob idx_labels(uint32_t n, uint32_t classes) {
    blob o = {0};
    blob_u32(&o, 0x801);
    blob_u32(&o, n);
    for (uint32_t i = 0; i < n; i++)
        blob_add(&o, &(uint8_t){(uint8_t)(i % classes)}, 1);
    return o;
}

void idx_put(const char *folder) {
    blob o[4] = {idx_images(20, 4, 3, 0), idx_labels(20, 10), idx_images(10, 4, 3, 100),
                 idx_labels(10, 10)};
    static const char *const names[4] = {"train-images-idx3-ubyte", "train-labels-idx1-ubyte",
                                         "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"};
    for (int i = 0; i < 4; i++) {
        file_put(folder, names[i], o[i].b, o[i].n);
        blob_free(&o[i]);
    }
}

static void png_to_blob(png_structp png, png_bytep bytes, size_t n) {
    blob_add(png_get_io_ptr(png), bytes, n);
}

static void png_no_flush(png_structp png) {
    (void)png;
}

blob png_encode(const uint8_t *pixels, uint32_t height, uint32_t width, int png_type, int depth) {
    blob o = {0};
    png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, NULL, NULL, NULL);
    png_infop info = png_create_info_struct(png);
    png_set_write_fn(png, &o, png_to_blob, png_no_flush);
    png_set_IHDR(png, info, width, height, depth, png_type, PNG_INTERLACE_NONE,
                 PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
    if (png_type == PNG_COLOR_TYPE_PALETTE)
        png_set_PLTE(png, info, (png_color[]){{10, 20, 30}, {40, 50, 60}, {250, 0, 5}}, 3);
    png_write_info(png, info);
    size_t pitch = png_get_rowbytes(png, info);
    for (uint32_t h = 0; h < height; h++)
        png_write_row(png, pixels + h * pitch);
    png_write_end(png, info);
    png_destroy_write_struct(&png, &info);
    return o;
}

blob jpeg_encode(const uint8_t *pixels, uint32_t height, uint32_t width, int channels,
                 int quality) {
    struct jpeg_compress_struct j;
    struct jpeg_error_mgr errors;
    unsigned char *bytes = NULL;
    unsigned long n = 0;
    j.err = jpeg_std_error(&errors);
    jpeg_create_compress(&j);
    jpeg_mem_dest(&j, &bytes, &n);
    j.image_width = width;
    j.image_height = height;
    j.input_components = channels;
    j.in_color_space = channels == 1 ? JCS_GRAYSCALE : channels == 3 ? JCS_RGB : JCS_CMYK;
    jpeg_set_defaults(&j);
    jpeg_set_quality(&j, quality, TRUE);
    jpeg_start_compress(&j, TRUE);
    for (uint32_t h = 0; h < height; h++) {
        JSAMPROW row = (JSAMPROW)pixels + (size_t)h * width * (size_t)channels;
        jpeg_write_scanlines(&j, &row, 1);
    }
    jpeg_finish_compress(&j);
    jpeg_destroy_compress(&j);
    return (blob){bytes, n};
}

int run_table(const char *group, void (*test)(void **), void *rows, size_t n, size_t row_size,
              const char *(*name)(const void *row)) {
    struct CMUnitTest *t = calloc(n, sizeof *t);
    if (!t)
        return 1;
    for (size_t i = 0; i < n; i++) {
        void *row = (char *)rows + i * row_size;
        t[i] = (struct CMUnitTest){.name = name(row), .test_func = test, .initial_state = row};
    }
    int failed = _cmocka_run_group_tests(group, t, n, NULL, NULL);
    free(t);
    return failed;
}
