/* data/cifar.c - the binary forms of CIFAR-10 and CIFAR-100: records of labels and planar pixels.
 */
#include "dataset.h"

#include <string.h>

enum { SIDE = 32, PLANE = SIDE * SIDE, IMAGE = 3 * PLANE, MAX_BATCHES = 99 };

typedef struct layout {
    size_t labels; /* label bytes before the pixels; the last of them counts */
    int32_t classes;
    const char *names_file; /* one class name a line; may be missing */
    const char *test_file;
} layout;

static const layout cifar10 = {1, 10, "batches.meta.txt", "test_batch.bin"};
static const layout cifar100 = {2, 100, "fine_label_names.txt", "test.bin"};

static bool has(const char *folder, const char *name) {
    char *path = nas_data_join(folder, name);
    bool there = path && nas_file_exists(path);
    nas_free(path);
    return there;
}

/* Appends the records of one file; its planes [C,H,W] become [H,W,C]. */
static nas_status add_records(nas_dataset *d, const layout *l, const uint8_t *bytes, size_t n,
                              const char *path) {
    size_t record = l->labels + IMAGE, one = nas_dataset_image_bytes(d);
    uint8_t image[IMAGE];
    if (n == 0 || n % record)
        return nas_fail(NAS_E_DATA, "%s: truncated: %zu bytes are no multiple of %zu", path, n,
                        record);
    size_t first = d->n_items, count = n / record;
    NAS_TRY(nas_dataset_room(d, first + count));
    for (size_t i = 0; i < count; i++) {
        const uint8_t *r = bytes + i * record, *planes = r + l->labels;
        int32_t label = r[l->labels - 1];
        if (label >= l->classes)
            return nas_fail(NAS_E_DATA, "%s: label %d of image %zu is outside 0 ... %d", path,
                            label, i, l->classes - 1);
        for (size_t p = 0; p < PLANE; p++)
            for (size_t c = 0; c < 3; c++)
                image[p * 3 + c] = planes[c * PLANE + p];
        nas_pixels in = {image, SIDE, SIDE, 3};
        NAS_TRY(nas_image_fit(d->pixels + (first + i) * one, d->info.height, d->info.width,
                              d->info.channels, &in));
        NAS_TRY(nas_dataset_item(d, label, NULL));
    }
    return NAS_OK;
}

static nas_status add_file(nas_dataset *d, const layout *l, const char *name) {
    nas_status st = NAS_OK;
    char *bytes = NULL, *path = nas_data_join(d->path, name);
    size_t n = 0;
    if (!path)
        return nas_fail_memory(strlen(d->path) + strlen(name) + 2);
    NAS_GO(nas_file_read(&bytes, &n, path, NAS_DATA_MAX_FILE));
    NAS_GO(add_records(d, l, (const uint8_t *)bytes, n, path));
done:
    nas_free(bytes);
    nas_free(path);
    return st;
}

/* Class names, one a line; numbers where the file is missing or has too few lines. */
static nas_status add_names(nas_dataset *d, const layout *l) {
    nas_status st = NAS_OK;
    char *text = NULL, *rest = NULL, *path = nas_data_join(d->path, l->names_file);
    const char *names[100];
    size_t n = 0;
    int32_t found = 0;
    if (!path)
        return nas_fail_memory(strlen(d->path) + strlen(l->names_file) + 2);
    if (nas_file_exists(path)) {
        NAS_GO(nas_file_read(&text, &n, path, (size_t)1 << 20));
        for (char *p = strtok_r(text, "\r\n", &rest); p && found < l->classes;
             p = strtok_r(NULL, "\r\n", &rest))
            names[found++] = p;
    }
    NAS_GO(nas_dataset_classes(d, found == l->classes ? names : NULL, l->classes));
done:
    nas_free(text);
    nas_free(path);
    return st;
}

static nas_status finish(nas_dataset *d, const layout *l) {
    d->info.n_train = (uint32_t)d->n_items;
    NAS_TRY(add_file(d, l, l->test_file));
    d->info.n_test = (uint32_t)d->n_items - d->info.n_train;
    return add_names(d, l);
}

/* The highest number of a batch that is there; 0: none. */
static int last_batch(const char *folder) {
    char name[32];
    for (int i = MAX_BATCHES; i > 0; i--) {
        snprintf(name, sizeof name, "data_batch_%d.bin", i);
        if (has(folder, name))
            return i;
    }
    return 0;
}

static nas_status cifar10_load(nas_dataset *d, const nas_data_options *o) {
    int last = last_batch(o->path);
    NAS_TRY(nas_dataset_size(d, o, SIDE, SIDE, 3));
    for (int i = 1; i <= last; i++) {
        char name[32];
        snprintf(name, sizeof name, "data_batch_%d.bin", i);
        if (!has(o->path, name))
            return nas_fail(NAS_E_DATA, "%s: %s is missing, but there is data_batch_%d.bin",
                            o->path, name, last);
        NAS_TRY(add_file(d, &cifar10, name));
    }
    return finish(d, &cifar10);
}

static nas_status cifar100_load(nas_dataset *d, const nas_data_options *o) {
    NAS_TRY(nas_dataset_size(d, o, SIDE, SIDE, 3));
    NAS_TRY(add_file(d, &cifar100, "train.bin"));
    return finish(d, &cifar100);
}

static bool cifar10_probe(const char *path) {
    return last_batch(path) > 0;
}

static bool cifar100_probe(const char *path) {
    return has(path, "train.bin");
}

const nas_data_format nas_format_cifar10 = {"cifar10", cifar10_probe, cifar10_load};
const nas_data_format nas_format_cifar100 = {"cifar100", cifar100_probe, cifar100_load};
