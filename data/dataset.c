/* data/dataset.c - opens a data set by the format that its folder shows, and answers about it. */
#include "dataset.h"

#include <assert.h>
#include <string.h>

static const nas_data_format *const formats[] = {&nas_format_idx, &nas_format_cifar10,
                                                 &nas_format_cifar100, &nas_format_folder};
enum { N_FORMATS = sizeof formats / sizeof *formats };

char *nas_data_join(const char *folder, const char *name) {
    size_t a = strlen(folder), b = strlen(name);
    while (a > 1 && folder[a - 1] == '/')
        a--;
    char *s = nas_malloc(a + b + 2);
    if (!s)
        return NULL;
    memcpy(s, folder, a);
    s[a] = '/';
    memcpy(s + a + 1, name, b + 1);
    return s;
}

nas_status nas_dataset_item(nas_dataset *d, int32_t label, char *file) {
    nas_status st = nas_grow(&d->item, &d->cap_items, d->n_items + 1, sizeof *d->item);
    if (st == NAS_OK && d->n_items >= UINT32_MAX)
        st = nas_fail(NAS_E_DATA, "%s: more than %u images", d->path, UINT32_MAX);
    if (st != NAS_OK) {
        nas_free(file);
        return st;
    }
    d->item[d->n_items++] = (nas_data_item){.label = label, .file = file};
    return NAS_OK;
}

nas_status nas_dataset_class(nas_dataset *d, const char *name) {
    NAS_TRY(nas_grow(&d->name, &d->cap_names, (size_t)d->info.classes + 1, sizeof *d->name));
    char *copy = nas_strdup(name);
    if (!copy)
        return nas_fail_memory(strlen(name) + 1);
    d->name[d->info.classes++] = copy;
    return NAS_OK;
}

nas_status nas_dataset_classes(nas_dataset *d, const char *const *names, int32_t classes) {
    for (int32_t i = 0; i < classes; i++) {
        char number[16];
        snprintf(number, sizeof number, "%d", i);
        NAS_TRY(nas_dataset_class(d, names ? names[i] : number));
    }
    return NAS_OK;
}

nas_status nas_dataset_size(nas_dataset *d, const nas_data_options *o, int32_t height,
                            int32_t width, int32_t channels) {
    d->info.height = o->height ? o->height : height;
    d->info.width = o->width ? o->width : width;
    d->info.channels = o->channels ? o->channels : channels;
    if (o->exact &&
        (d->info.height != height || d->info.width != width || d->info.channels != channels))
        return nas_fail(
            NAS_E_DATA,
            "%s: images of %dx%dx%d, but %dx%dx%d are wanted (resize brings them there)", d->path,
            height, width, channels, d->info.height, d->info.width, d->info.channels);
    return NAS_OK;
}

size_t nas_dataset_image_bytes(const nas_dataset *d) {
    return (size_t)d->info.height * (size_t)d->info.width * (size_t)d->info.channels;
}

nas_status nas_dataset_room(nas_dataset *d, size_t images) {
    size_t one = nas_dataset_image_bytes(d);
    if (images > SIZE_MAX / one)
        return nas_fail(NAS_E_DATA, "%s: %zu images of %zu bytes do not fit memory", d->path,
                        images, one);
    uint8_t *p = nas_realloc(d->pixels, images * one);
    if (!p)
        return nas_fail_memory(images * one);
    d->pixels = p;
    return NAS_OK;
}

static nas_status check_options(const nas_data_options *o) {
    if (!o->path || !*o->path)
        return nas_fail(NAS_E_ARG, "data: no path is given");
    if (o->height < 0 || o->width < 0 || o->height > NAS_IMAGE_MAX_SIDE ||
        o->width > NAS_IMAGE_MAX_SIDE)
        return nas_fail(NAS_E_ARG, "data: image size %dx%d is outside 1 ... %d", o->height,
                        o->width, NAS_IMAGE_MAX_SIDE);
    if (o->channels != 0 && o->channels != 1 && o->channels != 3)
        return nas_fail(NAS_E_ARG, "data: %d channels: images have 1 or 3", o->channels);
    if (!nas_dir_exists(o->path))
        return nas_fail(NAS_E_IO, "%s: no such folder", o->path);
    return NAS_OK;
}

static nas_status load(nas_dataset *d, const nas_data_options *o) {
    for (size_t i = 0; i < N_FORMATS; i++) {
        if (!formats[i]->probe(o->path))
            continue;
        d->info.format = formats[i]->name;
        NAS_TRY(formats[i]->load(d, o));
        if (d->info.classes < 2)
            return nas_fail(NAS_E_DATA, "%s: only %d class: nothing to tell apart", o->path,
                            d->info.classes);
        return NAS_OK;
    }
    return nas_fail(NAS_E_DATA,
                    "%s: no data set here: neither train-images-idx3-ubyte[.gz], nor "
                    "data_batch_1.bin or train.bin, nor folders of images",
                    o->path);
}

nas_status nas_data_open(nas_dataset **out, const nas_data_options *o) {
    nas_status st = NAS_OK;
    NAS_TRY(check_options(o));
    nas_dataset *d = nas_calloc(1, sizeof *d);
    if (!d)
        return nas_fail_memory(sizeof *d);
    d->path = nas_strdup(o->path);
    if (!d->path)
        NAS_GO(nas_fail_memory(strlen(o->path) + 1));
    NAS_GO(load(d, o));
    *out = d;
    d = NULL;
done:
    nas_data_free(d);
    return st;
}

void nas_data_free(nas_dataset *d) {
    if (!d)
        return;
    for (size_t i = 0; i < d->n_items; i++)
        nas_free(d->item[i].file);
    for (int32_t i = 0; i < d->info.classes; i++)
        nas_free(d->name[i]);
    nas_free(d->item);
    nas_free(d->name);
    nas_free(d->pixels);
    nas_free(d->path);
    nas_free(d);
}

const nas_data_info *nas_data_info_of(const nas_dataset *d) {
    return &d->info;
}

const char *nas_data_class_name(const nas_dataset *d, int32_t label) {
    assert(label >= 0 && label < d->info.classes);
    return d->name[label];
}

const char *nas_data_path(const nas_dataset *d) {
    return d->path;
}

int32_t nas_data_label(const nas_dataset *d, uint32_t index) {
    assert(index < d->n_items);
    return d->item[index].label;
}

nas_status nas_data_image(uint8_t *out, const nas_dataset *d, uint32_t index) {
    assert(index < d->n_items);
    const nas_data_info *f = &d->info;
    if (!d->pixels)
        return nas_image_read(out, d->item[index].file, f->height, f->width, f->channels);
    size_t one = nas_dataset_image_bytes(d);
    memcpy(out, d->pixels + index * one, one);
    return NAS_OK;
}

const uint8_t *nas_data_all(const nas_dataset *d) {
    return d->pixels;
}
