/* runtime/batch.h - a feed: images of a data set, batch by batch, normalised and augmented, into
 * the input of an executor. */
#ifndef NAS_RUNTIME_BATCH_H
#define NAS_RUNTIME_BATCH_H

#include "backend.h"

typedef struct nas_feed nas_feed;

typedef struct nas_feed_options {
    const nas_dataset *data;
    const uint32_t *index; /* which images; borrowed for the feed's life */
    uint32_t n, batch;
    float mean[4], std[4];
    bool resident; /* all images are kept on the device; otherwise threads stream them */
    bool partial;  /* the last batch may be incomplete: it is filled up with copies */
    bool flip;     /* augmentation: as in nas_train_config */
    int32_t crop_pad, cutout;
    uint64_t seed;
} nas_feed_options;

nas_status nas_feed_create(nas_feed **out, nas_device *d, const nas_feed_options *o) NAS_MUST_USE;
void nas_feed_free(nas_feed *f);
/* Device bytes that such a feed takes. */
uint64_t nas_feed_bytes(const nas_feed_options *o);
/* E_SHAPE unless x is [N,H,W,C] with the images' H, W, C and 1 … 4 channels. */
nas_status nas_feed_check(const nas_dataset *data, const nas_shape *x) NAS_MUST_USE;

uint32_t nas_feed_batches(const nas_feed *f);
/* Starts a pass. order: a permutation of 0 … n-1 that tells which image comes when, or NULL for as
 * listed. Augmentation is a function of (seed, epoch, image position) alone. */
nas_status nas_feed_begin(nas_feed *f, const uint32_t *order, uint64_t epoch) NAS_MUST_USE;
/* Enqueues: x [batch,H,W,C] and labels [batch] of the pass's next batch. *valid: how many of them
 * are no copies. Call it nas_feed_batches times at most. */
nas_status nas_feed_next(nas_feed *f, nas_buffer *x, nas_buffer *labels,
                         uint32_t *valid) NAS_MUST_USE;

#endif
