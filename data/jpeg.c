/* data/jpeg.c - JPEG through libjpeg-turbo: grey stays grey, all else becomes RGB. */
#include "dataset.h"

#include <setjmp.h>
#include <string.h>

#include <jpeglib.h>

#include <jerror.h>

enum { MAX_SCANS = 500 }; /* each scan of a hostile progressive file costs a pass over the image */

typedef struct decoder { /* lives outside the function that calls setjmp */
    struct jpeg_decompress_struct jpeg;
    struct jpeg_error_mgr errors;
    struct jpeg_progress_mgr progress;
    jmp_buf jump;
    const uint8_t *bytes;
    size_t n;
    uint8_t *pixels;
    size_t channels;
    nas_status size_status; /* what nas_image_check_size said */
    const char *name;
    char error[JMSG_LENGTH_MAX];
} decoder;

bool nas_jpeg_is(const uint8_t *bytes, size_t n) {
    return n >= 3 && bytes[0] == 0xff && bytes[1] == 0xd8 && bytes[2] == 0xff;
}

/* libjpeg's own handler ends the process. */
static void on_error(j_common_ptr jpeg) {
    decoder *d = jpeg->client_data;
    jpeg->err->format_message(jpeg, d->error);
    longjmp(d->jump, 1);
}

/* libjpeg fills missing data with grey and warns: for us the file is broken. Other oddities, which
 * photographs on the web are full of, pass. */
static void on_message(j_common_ptr jpeg, int level) {
    int code = jpeg->err->msg_code;
    if (level < 0 && (code == JWRN_JPEG_EOF || code == JWRN_HIT_MARKER))
        on_error(jpeg);
}

static void on_output(j_common_ptr jpeg) {
    (void)jpeg;
}

static void on_progress(j_common_ptr jpeg) {
    decoder *d = jpeg->client_data;
    if (jpeg->is_decompressor && d->jpeg.input_scan_number > MAX_SCANS) {
        snprintf(d->error, sizeof d->error, "more than %d scans", MAX_SCANS);
        longjmp(d->jump, 1);
    }
}

/* Four-colour prints: Adobe writes them inverted. In place, [H,W,4] to [H,W,3]. */
static void cmyk_to_rgb(uint8_t *p, size_t n, bool inverted) {
    const uint8_t *in = p;
    for (size_t i = 0; i < n; i++, in += 4)
        for (size_t c = 0; c < 3; c++) {
            uint32_t ink = inverted ? in[c] : 255u - in[c], black = inverted ? in[3] : 255u - in[3];
            *p++ = (uint8_t)((ink * black + 127) / 255);
        }
}

static void decode_rows(decoder *d) {
    struct jpeg_decompress_struct *j = &d->jpeg;
    jpeg_mem_src(j, d->bytes, d->n);
    jpeg_read_header(j, TRUE);
    d->size_status = nas_image_check_size(j->image_height, j->image_width, d->name);
    if (d->size_status != NAS_OK)
        return;
    bool cmyk = j->jpeg_color_space == JCS_CMYK || j->jpeg_color_space == JCS_YCCK;
    j->out_color_space = cmyk                                   ? JCS_CMYK
                         : j->jpeg_color_space == JCS_GRAYSCALE ? JCS_GRAYSCALE
                                                                : JCS_RGB;
    j->dct_method = JDCT_ISLOW;
    jpeg_start_decompress(j);
    d->channels = (size_t)j->output_components;
    size_t pitch = (size_t)j->output_width * d->channels;
    d->pixels = nas_malloc(pitch * j->output_height);
    if (!d->pixels)
        ERREXIT1(j, JERR_OUT_OF_MEMORY, 0);
    while (j->output_scanline < j->output_height) {
        JSAMPROW row = d->pixels + j->output_scanline * pitch;
        jpeg_read_scanlines(j, &row, 1);
    }
    jpeg_finish_decompress(j);
    if (cmyk) {
        cmyk_to_rgb(d->pixels, (size_t)j->output_width * j->output_height, j->saw_Adobe_marker);
        d->channels = 3;
    }
}

/* Nothing but this holds the jump buffer's frame: no local variable can be clobbered. */
static bool run(decoder *d) {
    if (setjmp(d->jump))
        return false;
    jpeg_create_decompress(&d->jpeg);
    d->jpeg.progress = &d->progress;
    decode_rows(d);
    return true;
}

nas_status nas_jpeg_decode(nas_pixels *out, const uint8_t *bytes, size_t n, const char *name) {
    nas_status st = NAS_OK;
    decoder *d = nas_calloc(1, sizeof *d);
    if (!d)
        return nas_fail_memory(sizeof *d);
    *d = (decoder){.bytes = bytes, .n = n, .name = name};
    d->jpeg.err = jpeg_std_error(&d->errors);
    d->jpeg.client_data = d;
    d->errors.error_exit = on_error;
    d->errors.emit_message = on_message;
    d->errors.output_message = on_output;
    d->progress.progress_monitor = on_progress;
    if (!run(d))
        NAS_GO(nas_fail(NAS_E_DATA, "%s: broken JPEG: %s", name, d->error));
    NAS_GO(d->size_status);
    *out = (nas_pixels){d->pixels, (int32_t)d->jpeg.output_height, (int32_t)d->jpeg.output_width,
                        (int32_t)d->channels};
    d->pixels = NULL;
done:
    jpeg_destroy_decompress(&d->jpeg);
    nas_free(d->pixels);
    nas_free(d);
    return st;
}
