/* data/dataset.h - what the readers of the data formats share: the set being filled, pixels. */
#ifndef NAS_DATA_DATASET_H
#define NAS_DATA_DATASET_H

#include <nas/data.h>

/* Bounds on what a file may claim, so that a hostile header cannot make us allocate at will. */
enum { NAS_IMAGE_MAX_SIDE = 16384, NAS_IMAGE_MAX_PIXELS = 1 << 26 };
#define NAS_DATA_MAX_FILE ((size_t)1 << 33)

typedef struct nas_data_item {
    int32_t label;
    char *file; /* folders only, else NULL */
} nas_data_item;

struct nas_dataset {
    nas_data_info info;
    char *path;
    nas_data_item *item; /* info.n_train + info.n_test of them */
    size_t n_items, cap_items;
    char **name; /* info.classes of them */
    size_t cap_names;
    uint8_t *pixels; /* every image at the size of info, or NULL: read when asked for */
};

/* One data format: does the folder look like it, and read it into an empty set. */
typedef struct nas_data_format {
    const char *name;
    bool (*probe)(const char *path);
    nas_status (*load)(nas_dataset *d, const nas_data_options *o);
} nas_data_format;

extern const nas_data_format nas_format_idx, nas_format_cifar10, nas_format_cifar100,
    nas_format_folder;

/* Appends an item; `file` (may be NULL) becomes the set's, also on failure. */
nas_status nas_dataset_item(nas_dataset *d, int32_t label, char *file) NAS_MUST_USE;
/* Appends the name of the next class. */
nas_status nas_dataset_class(nas_dataset *d, const char *name) NAS_MUST_USE;
/* Names of the first `classes` classes: those given, or their numbers when names is NULL. */
nas_status nas_dataset_classes(nas_dataset *d, const char *const *names,
                               int32_t classes) NAS_MUST_USE;
/* Settles the size of the images: what the options ask for, else the files' own, which is the only
 * one allowed where the options say exact. */
nas_status nas_dataset_size(nas_dataset *d, const nas_data_options *o, int32_t height,
                            int32_t width, int32_t channels) NAS_MUST_USE;
/* Makes room for `images` images in pixels. */
nas_status nas_dataset_room(nas_dataset *d, size_t images) NAS_MUST_USE;
size_t nas_dataset_image_bytes(const nas_dataset *d);

/* "folder/name" in new memory; NULL when there is none. */
char *nas_data_join(const char *folder, const char *name);

typedef struct nas_pixels { /* a borrowed image [H,W,C] */
    const uint8_t *p;
    int32_t height, width, channels;
} nas_pixels;

/* Brings an image to another size and number of channels (1 or 3). */
nas_status nas_image_fit(uint8_t *out, int32_t height, int32_t width, int32_t channels,
                         const nas_pixels *in) NAS_MUST_USE;

/* Decoders. The bytes are a whole file; *pixels is the caller's (its p is freed by nas_free). */
bool nas_png_is(const uint8_t *bytes, size_t n);
bool nas_jpeg_is(const uint8_t *bytes, size_t n);
nas_status nas_png_decode(nas_pixels *out, const uint8_t *bytes, size_t n,
                          const char *name) NAS_MUST_USE;
nas_status nas_jpeg_decode(nas_pixels *out, const uint8_t *bytes, size_t n,
                           const char *name) NAS_MUST_USE;
/* E_DATA when an image of this size is larger than we are willing to hold. */
nas_status nas_image_check_size(uint64_t height, uint64_t width, const char *name) NAS_MUST_USE;

#endif
