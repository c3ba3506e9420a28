/* data/resize.c - brings images to a size: area average when shrinking, bilinear when enlarging. */
#include "dataset.h"

#include <math.h>
#include <string.h>

typedef struct tap { /* output pixel = sum over i < n of weight[i] * input[first + i] */
    int32_t first, n;
    float *weight;
} tap;

typedef struct axis {
    tap *tap;
    float *weight;
} axis;

static void axis_free(axis *a) {
    nas_free(a->tap);
    nas_free(a->weight);
    *a = (axis){0};
}

/* Shrinking: each output pixel covers [i s, (i+1) s) of the input. Returns the number of taps. */
static int32_t area_taps(tap *t, int32_t i, int32_t in, double s) {
    double from = i * s, to = fmin((i + 1) * s, in);
    t->first = (int32_t)from;
    int32_t last = (int32_t)ceil(to) - 1;
    t->n = 0;
    for (int32_t j = t->first; j <= last && j < in; j++)
        t->weight[t->n++] = (float)((fmin(to, j + 1) - fmax(from, j)) / (to - from));
    return t->n;
}

/* Enlarging: between the two nearest centres, the border repeated. */
static int32_t linear_taps(tap *t, int32_t i, int32_t in, double s) {
    double x = (i + 0.5) * s - 0.5;
    double low = floor(x), part = x - low;
    if (low < 0 || low >= in - 1) {
        t->first = low < 0 ? 0 : in - 1;
        t->weight[0] = 1;
        return t->n = 1;
    }
    t->first = (int32_t)low;
    t->weight[0] = (float)(1 - part);
    t->weight[1] = (float)part;
    return t->n = 2;
}

static nas_status axis_make(axis *a, int32_t in, int32_t out) {
    double s = (double)in / out;
    size_t most = (size_t)ceil(s) + 2;
    a->tap = nas_calloc((size_t)out, sizeof *a->tap);
    a->weight = nas_calloc((size_t)out * most, sizeof *a->weight);
    if (!a->tap || !a->weight) {
        axis_free(a);
        return nas_fail_memory((size_t)out * most * sizeof *a->weight);
    }
    for (int32_t i = 0; i < out; i++) {
        tap *t = &a->tap[i];
        t->weight = a->weight + (size_t)i * most;
        if (in > out)
            area_taps(t, i, in, s);
        else
            linear_taps(t, i, in, s);
    }
    return NAS_OK;
}

/* Across: rows [in->height, W', C] of floats. */
static void resize_rows(float *out, const nas_pixels *in, const axis *x, int32_t width) {
    int32_t c_n = in->channels;
    for (int32_t h = 0; h < in->height; h++) {
        const uint8_t *row = in->p + (size_t)h * (size_t)in->width * (size_t)c_n;
        for (int32_t w = 0; w < width; w++)
            for (int32_t c = 0; c < c_n; c++) {
                const tap *t = &x->tap[w];
                float v = 0;
                for (int32_t i = 0; i < t->n; i++)
                    v += t->weight[i] * row[(t->first + i) * c_n + c];
                *out++ = v;
            }
    }
}

static void resize_columns(uint8_t *out, const float *rows, const axis *y, int32_t height,
                           size_t pitch) {
    for (int32_t h = 0; h < height; h++)
        for (size_t k = 0; k < pitch; k++) {
            const tap *t = &y->tap[h];
            float v = 0.5f;
            for (int32_t i = 0; i < t->n; i++)
                v += t->weight[i] * rows[(size_t)(t->first + i) * pitch + k];
            *out++ = (uint8_t)(v > 255 ? 255 : v);
        }
}

static nas_status resize(uint8_t *out, int32_t height, int32_t width, const nas_pixels *in) {
    nas_status st = NAS_OK;
    axis x = {0}, y = {0};
    float *rows = NULL;
    size_t pitch = (size_t)width * (size_t)in->channels;
    if (height == in->height && width == in->width) {
        memcpy(out, in->p, (size_t)height * pitch);
        return NAS_OK;
    }
    NAS_GO(axis_make(&x, in->width, width));
    NAS_GO(axis_make(&y, in->height, height));
    rows = nas_malloc((size_t)in->height * pitch * sizeof *rows);
    if (!rows)
        NAS_GO(nas_fail_memory((size_t)in->height * pitch * sizeof *rows));
    resize_rows(rows, in, &x, width);
    resize_columns(out, rows, &y, height, pitch);
done:
    axis_free(&x);
    axis_free(&y);
    nas_free(rows);
    return st;
}

/* Luma of Rec. ITU-R BT.601. */
static void to_grey(uint8_t *out, const uint8_t *rgb, size_t n) {
    for (size_t i = 0; i < n; i++, rgb += 3)
        out[i] = (uint8_t)((299 * rgb[0] + 587 * rgb[1] + 114 * rgb[2] + 500) / 1000);
}

/* In place, from the end, as the result is longer. */
static void to_colour(uint8_t *p, size_t n) {
    for (size_t i = n; i-- > 0;)
        p[3 * i] = p[3 * i + 1] = p[3 * i + 2] = p[i];
}

nas_status nas_image_fit(uint8_t *out, int32_t height, int32_t width, int32_t channels,
                         const nas_pixels *in) {
    nas_status st = NAS_OK;
    uint8_t *grey = NULL;
    nas_pixels from = *in;
    size_t n = (size_t)in->height * (size_t)in->width;
    if (in->channels == 3 && channels == 1) {
        grey = nas_malloc(n);
        if (!grey)
            return nas_fail_memory(n);
        to_grey(grey, in->p, n);
        from = (nas_pixels){grey, in->height, in->width, 1};
    }
    NAS_GO(resize(out, height, width, &from));
    if (from.channels == 1 && channels == 3)
        to_colour(out, (size_t)height * (size_t)width);
done:
    nas_free(grey);
    return st;
}
