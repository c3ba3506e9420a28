/* runtime/batch.c - feeds: decides on the host which image comes when and how it is augmented, and
 * lets one kernel fetch, normalise and augment each batch. */
#include "batch.h"
#include "reader.h"

enum { DRAW_INTS = 6, UPLOAD_CHUNK = 256 };

/* What happens to one image of a pass; the kernel reads it as six ints. */
typedef struct draw {
    int32_t source; /* position in the feed's list */
    int32_t flip, dy, dx;
    int32_t cut_y, cut_x; /* corner of the cutout square */
} draw;

struct nas_feed {
    nas_device *device;
    nas_feed_options o;
    int32_t height, width, channels;
    size_t image_bytes;
    uint32_t batches, slots; /* slots: images of a pass, copies included */
    uint32_t next;           /* batch of the pass */
    draw *draws;             /* slots */
    uint32_t *sequence;      /* slots; data set index of each, for the reader */
    nas_reader *reader;      /* of the pass; NULL when resident */
    nas_buffer *images, *labels, *draws_on_device, *affine;
};

nas_status nas_feed_check(const nas_dataset *data, const nas_shape *x) {
    const nas_data_info *i = nas_data_info_of(data);
    char text[NAS_SHAPE_TEXT];
    if (x->rank != 4 || x->dim[1] != i->height || x->dim[2] != i->width || x->dim[3] != i->channels)
        return nas_fail(NAS_E_SHAPE, "the network takes %s, but the images of %s are %dx%dx%d",
                        nas_shape_text(text, x, 1), nas_data_path(data), i->height, i->width,
                        i->channels);
    if (i->channels < 1 || i->channels > 4)
        return nas_fail(NAS_E_SHAPE, "images of %d channels; 1 to 4 can be fed", i->channels);
    return NAS_OK;
}

static size_t image_size(const nas_dataset *data) {
    const nas_data_info *i = nas_data_info_of(data);
    return (size_t)i->height * (size_t)i->width * (size_t)i->channels;
}

static uint32_t count_batches(const nas_feed_options *o) {
    return o->partial ? (o->n + o->batch - 1) / o->batch : o->n / o->batch;
}

uint64_t nas_feed_bytes(const nas_feed_options *o) {
    uint64_t images = o->resident ? o->n : o->batch;
    return images * image_size(o->data) + (uint64_t)o->n * 4 +
           (uint64_t)count_batches(o) * o->batch * sizeof(draw) +
           8 * sizeof(double); /* the reference's; OpenCL takes half of it */
}

static nas_status upload_images(nas_feed *f) {
    nas_status st = NAS_OK;
    nas_reader *reader = NULL;
    NAS_TRY(nas_reader_create(&reader, f->o.data, f->o.index, f->o.n, UPLOAD_CHUNK));
    for (uint32_t at = 0, n; at < f->o.n; at += n) {
        const uint8_t *bytes;
        NAS_GO(nas_reader_next(&bytes, &n, reader));
        NAS_GO(nas_buffer_write(f->images, at * f->image_bytes, bytes, n * f->image_bytes));
    }
done:
    nas_reader_free(reader);
    return st;
}

static nas_status upload_labels(nas_feed *f) {
    nas_status st = NAS_OK;
    int32_t *label = nas_malloc(f->o.n * sizeof *label);
    if (label == NULL)
        return nas_fail_memory(f->o.n * sizeof *label);
    for (uint32_t i = 0; i < f->o.n; i++)
        label[i] = nas_data_label(f->o.data, f->o.index[i]);
    NAS_GO(nas_buffer_write(f->labels, 0, label, f->o.n));
done:
    nas_free(label);
    return st;
}

/* x = byte * affine[c] + affine[4 + c] */
static nas_status upload_affine(nas_feed *f) {
    float affine[8] = {0};
    for (int32_t c = 0; c < f->channels; c++) {
        affine[c] = (float)(1.0 / (255.0 * f->o.std[c]));
        affine[4 + c] = (float)(-(double)f->o.mean[c] / f->o.std[c]);
    }
    return nas_buffer_write(f->affine, 0, affine, 8);
}

static nas_status allocate(nas_feed *f) {
    uint32_t kept = f->o.resident ? f->o.n : f->o.batch;
    f->draws = nas_malloc(f->slots * sizeof *f->draws);
    f->sequence = nas_malloc(f->slots * sizeof *f->sequence);
    if (f->draws == NULL || f->sequence == NULL)
        return nas_fail_memory(f->slots * sizeof *f->draws);
    NAS_TRY(nas_buffer_create(&f->images, f->device, NAS_U8, kept * f->image_bytes));
    NAS_TRY(nas_buffer_create(&f->labels, f->device, NAS_I32, f->o.n));
    NAS_TRY(
        nas_buffer_create(&f->draws_on_device, f->device, NAS_I32, (size_t)f->slots * DRAW_INTS));
    return nas_buffer_create(&f->affine, f->device, NAS_F32, 8);
}

nas_status nas_feed_create(nas_feed **out, nas_device *d, const nas_feed_options *o) {
    nas_status st = NAS_OK;
    const nas_data_info *info = nas_data_info_of(o->data);
    if (count_batches(o) == 0)
        return nas_fail(NAS_E_ARG, "%u images make no batch of %u", o->n, o->batch);
    for (int32_t c = 0; c < info->channels; c++)
        if (!(o->std[c] > 0))
            return nas_fail(NAS_E_ARG, "standard deviation of channel %d is %g", c, o->std[c]);
    nas_feed *f = nas_calloc(1, sizeof *f);
    if (f == NULL)
        return nas_fail_memory(sizeof *f);
    f->device = d;
    f->o = *o;
    f->height = info->height;
    f->width = info->width;
    f->channels = info->channels;
    f->image_bytes = image_size(o->data);
    f->batches = count_batches(o);
    f->slots = f->batches * o->batch;
    NAS_GO(allocate(f));
    NAS_GO(upload_labels(f));
    NAS_GO(upload_affine(f));
    if (o->resident)
        NAS_GO(upload_images(f));
    *out = f;
    f = NULL;
done:
    nas_feed_free(f);
    return st;
}

void nas_feed_free(nas_feed *f) {
    if (f == NULL)
        return;
    nas_reader_free(f->reader);
    nas_buffer_free(f->images);
    nas_buffer_free(f->labels);
    nas_buffer_free(f->draws_on_device);
    nas_buffer_free(f->affine);
    nas_free(f->draws);
    nas_free(f->sequence);
    nas_free(f);
}

uint32_t nas_feed_batches(const nas_feed *f) {
    return f->batches;
}

/* A whole number in 0 … n-1 from 16 bits of a hash; n is far below 2^16. */
static int32_t pick(uint64_t hash, int shift, int32_t n) {
    return (int32_t)(((hash >> shift & 0xffff) * (uint64_t)n) >> 16);
}

static draw draw_image(const nas_feed_options *o, int32_t height, int32_t width, uint64_t epoch,
                       uint32_t position) {
    draw d = {.source = (int32_t)position};
    uint64_t key = nas_mix64(nas_mix64(o->seed ^ UINT64_C(0x6175676d656e74)) + epoch);
    uint64_t h = nas_mix64(key + position), cut = nas_mix64(h);
    d.flip = o->flip && (h & 1) != 0;
    d.dy = pick(h, 8, 2 * o->crop_pad + 1) - o->crop_pad;
    d.dx = pick(h, 32, 2 * o->crop_pad + 1) - o->crop_pad;
    /* the centre is anywhere in the image, so the square may stick out (DeVries and Taylor 2017) */
    d.cut_y = pick(cut, 0, height) - o->cutout / 2;
    d.cut_x = pick(cut, 16, width) - o->cutout / 2;
    return d;
}

nas_status nas_feed_begin(nas_feed *f, const uint32_t *order, uint64_t epoch) {
    const nas_feed_options *o = &f->o;
    for (uint32_t i = 0; i < f->slots; i++) {
        uint32_t at = i < o->n ? i : o->n - 1;
        uint32_t position = order != NULL ? order[at] : at;
        f->draws[i] = draw_image(o, f->height, f->width, epoch, position);
    }
    f->next = 0;
    nas_reader_free(f->reader);
    f->reader = NULL;
    NAS_TRY(nas_buffer_write(f->draws_on_device, 0, f->draws, (size_t)f->slots * DRAW_INTS));
    if (o->resident)
        return NAS_OK;
    for (uint32_t i = 0; i < f->slots; i++)
        f->sequence[i] = o->index[f->draws[i].source];
    return nas_reader_create(&f->reader, o->data, f->sequence, f->slots, o->batch);
}

/* One pixel of the kernel `gather`, all channels. */
static void gather_pixel(const nas_feed *f, const draw *d, const uint8_t *image, int32_t row,
                         int32_t col, double *x) {
    const double *affine = nas_buffer_host(f->affine);
    int32_t y = row + d->dy, from = col + d->dx, side = f->o.cutout;
    bool inside = y >= 0 && y < f->height && from >= 0 && from < f->width;
    bool cut = row >= d->cut_y && row < d->cut_y + side && col >= d->cut_x && col < d->cut_x + side;
    if (d->flip)
        from = f->width - 1 - from;
    for (int32_t c = 0; c < f->channels; c++) {
        double v = inside ? image[(y * f->width + from) * f->channels + c] : 0;
        x[c] = cut ? 0 : v * affine[c] + affine[4 + c];
    }
}

static void gather_ref(const nas_feed *f, double *x, double *labels) {
    const uint8_t *images = nas_buffer_host(f->images);
    const int32_t *label = nas_buffer_host(f->labels);
    for (uint32_t n = 0; n < f->o.batch; n++) {
        const draw *d = &f->draws[(size_t)f->next * f->o.batch + n];
        size_t i = f->o.resident ? (size_t)d->source : n;
        for (int32_t p = 0; p < f->height * f->width; p++)
            gather_pixel(f, d, images + i * f->image_bytes, p / f->width, p % f->width,
                         x + n * f->image_bytes + (size_t)(p * f->channels));
        labels[n] = label[d->source];
    }
}

static nas_status gather(const nas_feed *f, nas_buffer *x, nas_buffer *labels) {
    if (nas_device_is_ref(f->device)) {
        gather_ref(f, nas_buffer_host(x), nas_buffer_host(labels));
        return NAS_OK;
    }
    const nas_arg args[] = {NAS_ARG_B(f->images),
                            NAS_ARG_B(f->labels),
                            NAS_ARG_B(f->draws_on_device),
                            NAS_ARG_B(f->affine),
                            NAS_ARG_B(x),
                            NAS_ARG_B(labels),
                            NAS_ARG_I(f->next * f->o.batch),
                            NAS_ARG_I(!f->o.resident),
                            NAS_ARG_I(f->height),
                            NAS_ARG_I(f->width),
                            NAS_ARG_I(f->channels),
                            NAS_ARG_I(f->o.cutout)};
    const size_t global[3] = {(size_t)f->height * (size_t)f->width, f->o.batch, 1};
    return nas_device_launch(f->device, "train.cl", "gather", global, (size_t[]){64, 1, 1}, args,
                             sizeof args / sizeof *args);
}

nas_status nas_feed_next(nas_feed *f, nas_buffer *x, nas_buffer *labels, uint32_t *valid) {
    if (!f->o.resident) {
        const uint8_t *bytes;
        uint32_t images;
        NAS_TRY(nas_reader_next(&bytes, &images, f->reader));
        NAS_TRY(nas_buffer_write(f->images, 0, bytes, images * f->image_bytes));
    }
    NAS_TRY(gather(f, x, labels));
    uint32_t left = f->o.n - f->next * f->o.batch;
    *valid = left < f->o.batch ? left : f->o.batch;
    f->next++;
    return NAS_OK;
}
