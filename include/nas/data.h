/* include/nas/data.h - labelled images from IDX, CIFAR binary and image-folder data sets.
 *
 * A data set is a list of images of one size, 8 bits a channel, [H,W,C] row-major, each with a label
 * 0 … classes-1. The images of the training part come first, those of the test part behind them; an
 * index counts over both. Splits are lists of indices; nothing but nas_split makes them, so that no
 * search sees a test image.
 */
#ifndef NAS_DATA_H
#define NAS_DATA_H

#include <nas/core.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct nas_dataset nas_dataset;

typedef struct nas_data_options {
    /* What path names is found out by looking:
     *   a folder with train-images-idx3-ubyte[.gz] and its three companions (IDX; MNIST naming)
     *   a folder with data_batch_*.bin + test_batch.bin (CIFAR-10) or train.bin + test.bin (CIFAR-100,
     *   fine labels)
     *   a folder with train/CLASS/x.png|jpg and, if there, test/CLASS/… or val/CLASS/…; or CLASS/… only
     *   (then there is no test part). Hidden files and files without an image's name are left out, the
     *   latter with a warning */
    const char *path;
    /* Size that images are brought to (0: as they are; folders need one or take the first image's).
     * Bilinear with the area averaged when shrinking, channels 1 (grey, Rec. 601) or 3. */
    int32_t height, width, channels;
    /* IDX and CIFAR sets, whose images have one size, must have that size already. */
    bool exact;
} nas_data_options;

/* Opens and checks everything that can be checked at once: magic numbers, sizes, truncation, labels
 * in range, image and label counts equal, empty class folders, another size where `exact`. IDX and CIFAR are held in memory;
 * folders are read when asked for. E_IO / E_DATA name file and reason. */
nas_status nas_data_open(nas_dataset **out, const nas_data_options *o) NAS_MUST_USE;
void nas_data_free(nas_dataset *d);

typedef struct nas_data_info {
    const char *format; /* "idx", "cifar10", "cifar100", "folder" */
    int32_t height, width, channels, classes;
    uint32_t n_train, n_test;
} nas_data_info;
const nas_data_info *nas_data_info_of(const nas_dataset *d);
const char *nas_data_class_name(const nas_dataset *d, int32_t label); /* "T-shirt/top" or "3" */
const char *nas_data_path(const nas_dataset *d);

int32_t nas_data_label(const nas_dataset *d, uint32_t index);
/* Copies image `index` into out (H*W*C bytes). Safe from several threads at once. Only folders can
 * fail here (a file that is broken or went away). */
nas_status nas_data_image(uint8_t *out, const nas_dataset *d, uint32_t index) NAS_MUST_USE;
/* All images one after the other, or NULL when the set is not held in memory. */
const uint8_t *nas_data_all(const nas_dataset *d);

/* Mean and standard deviation of each channel over `n` images (at most the first 10000 of them),
 * scaled to 0…1; the deviation of a constant channel is given as 1, so that dividing by it is safe. */
nas_status nas_data_statistics(float mean[4], float std[4], const nas_dataset *d, const uint32_t *index, uint32_t n) NAS_MUST_USE;

/* One image file to H x W x C bytes (PNG by libpng, JPEG by libjpeg-turbo; by content, not name). 16
 * bits are scaled to 8, palettes looked up, transparency lies on black; no gamma or profile is applied.
 * E_DATA for what is broken, cut off, or larger than 16384 a side or 2^26 pixels. */
nas_status nas_image_read(uint8_t *out, const char *path, int32_t height, int32_t width, int32_t channels) NAS_MUST_USE;
/* As it is: *pixels is the caller's, channels 1 or 3. */
nas_status nas_image_read_any(uint8_t **pixels, int32_t *height, int32_t *width, int32_t *channels, const char *path) NAS_MUST_USE;

/* Training part cut in two, stratified by label and drawn by (seed, "split"): `validation` images are
 * held out, at most train_limit (0: all) of the rest are for training. test: the test part. E_ARG when
 * there are too few images. Arrays are the split's. */
typedef struct nas_split {
    uint32_t n_train, n_validation, n_test;
    uint32_t *train, *validation, *test;
} nas_split;
nas_status nas_split_make(nas_split *out, const nas_dataset *d, uint32_t validation, uint32_t train_limit, uint64_t seed) NAS_MUST_USE;
void nas_split_free(nas_split *s);
/* A fingerprint of a list of indices: what a study records of its held-out images. */
uint64_t nas_split_hash(const uint32_t *index, uint32_t n);

#ifdef __cplusplus
}
#endif
#endif
