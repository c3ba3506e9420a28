/* data/png.c - PNG through libpng: any depth and colour type to 8 bits, grey or RGB, on black. */
#include "dataset.h"

#include <png.h>
#include <setjmp.h>
#include <string.h>

enum { MAX_CHUNK_BYTES = 8 << 20, ERROR_TEXT = 96 };

typedef struct decoder { /* lives outside the function that calls setjmp */
    const uint8_t *bytes;
    size_t n, at;
    png_structp png;
    png_infop info;
    uint8_t *pixels;
    png_bytep *row;
    size_t height, width, channels;
    nas_status size_status; /* what nas_image_check_size said */
    const char *name;
    char error[ERROR_TEXT];
} decoder;

bool nas_png_is(const uint8_t *bytes, size_t n) {
    static const uint8_t magic[8] = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n'};
    return n >= sizeof magic && !memcmp(bytes, magic, sizeof magic);
}

static void read_bytes(png_structp png, png_bytep out, size_t n) {
    decoder *d = png_get_io_ptr(png);
    if (n > d->n - d->at)
        png_error(png, "truncated");
    memcpy(out, d->bytes + d->at, n);
    d->at += n;
}

static void on_error(png_structp png, png_const_charp text) {
    decoder *d = png_get_error_ptr(png);
    snprintf(d->error, sizeof d->error, "%s", text);
    png_longjmp(png, 1);
}

static void on_warning(png_structp png, png_const_charp text) {
    const decoder *d = png_get_error_ptr(png);
    nas_log(NAS_LOG_DEBUG, "%s: %s", d->name, text);
}

/* Palette, few bits, tRNS and 16 bits become 8-bit grey, grey+alpha, RGB or RGBA. No gamma. */
static void decode_rows(decoder *d) {
    png_read_info(d->png, d->info);
    d->height = png_get_image_height(d->png, d->info);
    d->width = png_get_image_width(d->png, d->info);
    d->size_status = nas_image_check_size(d->height, d->width, d->name);
    if (d->size_status != NAS_OK)
        return;
    png_set_expand(d->png);
    png_set_scale_16(d->png);
    png_set_interlace_handling(d->png);
    png_read_update_info(d->png, d->info);
    d->channels = png_get_channels(d->png, d->info);
    size_t pitch = png_get_rowbytes(d->png, d->info);
    d->pixels = nas_malloc(pitch * d->height);
    d->row = nas_malloc(d->height * sizeof *d->row);
    if (!d->pixels || !d->row)
        png_error(d->png, "out of memory");
    for (size_t h = 0; h < d->height; h++)
        d->row[h] = d->pixels + h * pitch;
    png_read_image(d->png, d->row);
    png_read_end(d->png, NULL);
}

/* Nothing but this holds the jump buffer's frame: no local variable can be clobbered. */
static bool run(decoder *d) {
    if (setjmp(png_jmpbuf(d->png)))
        return false;
    decode_rows(d);
    return true;
}

/* Lays images with alpha on black, in place: [H,W,C+1] to [H,W,C]. */
static void drop_alpha(uint8_t *p, size_t n, size_t channels) {
    const uint8_t *in = p;
    for (size_t i = 0; i < n; i++, in += channels + 1) {
        uint32_t alpha = in[channels];
        for (size_t c = 0; c < channels; c++)
            *p++ = (uint8_t)((in[c] * alpha + 127) / 255);
    }
}

nas_status nas_png_decode(nas_pixels *out, const uint8_t *bytes, size_t n, const char *name) {
    nas_status st = NAS_OK;
    decoder d = {.bytes = bytes, .n = n, .name = name};
    d.png = png_create_read_struct(PNG_LIBPNG_VER_STRING, &d, on_error, on_warning);
    if (d.png)
        d.info = png_create_info_struct(d.png);
    if (!d.info)
        NAS_GO(nas_fail(NAS_E_MEMORY, "%s: libpng cannot start", name));
    png_set_read_fn(d.png, &d, read_bytes);
    png_set_user_limits(d.png, 0x7fffffff, 0x7fffffff); /* nas_image_check_size says it better */
    png_set_chunk_malloc_max(d.png, MAX_CHUNK_BYTES);
    if (!run(&d))
        NAS_GO(nas_fail(NAS_E_DATA, "%s: broken PNG: %s", name, d.error));
    NAS_GO(d.size_status);
    if (d.channels == 2 || d.channels == 4)
        drop_alpha(d.pixels, d.height * d.width, --d.channels);
    *out = (nas_pixels){d.pixels, (int32_t)d.height, (int32_t)d.width, (int32_t)d.channels};
    d.pixels = NULL;
done:
    if (d.png)
        png_destroy_read_struct(&d.png, d.info ? &d.info : NULL, NULL);
    nas_free(d.pixels);
    nas_free(d.row);
    return st;
}
