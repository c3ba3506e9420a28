/* data/folder.c - folders of PNG and JPEG files, one folder a class, read when asked for. */
#include "dataset.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

typedef struct listing { /* entries of a folder, sorted by name, hidden ones left out */
    char **name;
    size_t n, cap;
} listing;

static void listing_free(listing *l) {
    for (size_t i = 0; i < l->n; i++)
        nas_free(l->name[i]);
    nas_free(l->name);
    *l = (listing){0};
}

static int by_name(const void *a, const void *b) {
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Lists what is in a folder: its folders (folders = true) or its other entries. */
static nas_status list(listing *l, const char *folder, bool folders) {
    nas_status st = NAS_OK;
    DIR *dir = opendir(folder);
    if (!dir)
        return nas_fail(NAS_E_IO, "%s: cannot be listed", folder);
    for (struct dirent *e = readdir(dir); e; e = readdir(dir)) {
        if (e->d_name[0] == '.')
            continue;
        char *path = nas_data_join(folder, e->d_name);
        if (!path)
            NAS_GO(nas_fail_memory(strlen(folder) + strlen(e->d_name) + 2));
        bool wanted = nas_dir_exists(path) == folders;
        nas_free(path);
        if (!wanted)
            continue;
        NAS_GO(nas_grow(&l->name, &l->cap, l->n + 1, sizeof *l->name));
        l->name[l->n] = nas_strdup(e->d_name);
        if (!l->name[l->n])
            NAS_GO(nas_fail_memory(strlen(e->d_name) + 1));
        l->n++;
    }
    if (l->n > 1)
        qsort(l->name, l->n, sizeof *l->name, by_name);
done:
    closedir(dir);
    if (st != NAS_OK)
        listing_free(l);
    return st;
}

static bool image_name(const char *name) {
    static const char *const endings[] = {".png", ".jpg", ".jpeg"};
    const char *dot = strrchr(name, '.');
    for (size_t i = 0; dot && i < sizeof endings / sizeof *endings; i++)
        if (!strcasecmp(dot, endings[i]))
            return true;
    return false;
}

/* Looks at the first bytes only: whether the rest is whole shows when the image is read. */
static nas_status check_magic(const char *path) {
    uint8_t head[8] = {0};
    FILE *f = fopen(path, "rb");
    if (!f)
        return nas_fail(NAS_E_IO, "%s: cannot be opened", path);
    size_t n = fread(head, 1, sizeof head, f);
    fclose(f);
    if (!nas_png_is(head, n) && !nas_jpeg_is(head, n))
        return nas_fail(NAS_E_DATA, "%s: neither a PNG nor a JPEG file, whatever its name", path);
    return NAS_OK;
}

/* Appends the images of one class folder. */
static nas_status add_class(nas_dataset *d, const char *folder, int32_t label) {
    nas_status st = NAS_OK;
    listing files = {0};
    size_t before = d->n_items, others = 0;
    NAS_GO(list(&files, folder, false));
    for (size_t i = 0; i < files.n; i++) {
        if (!image_name(files.name[i])) {
            others++;
            continue;
        }
        char *path = nas_data_join(folder, files.name[i]);
        if (!path)
            NAS_GO(nas_fail_memory(strlen(folder) + strlen(files.name[i]) + 2));
        NAS_GO(nas_dataset_item(d, label, path));
        NAS_GO(check_magic(path));
    }
    if (d->n_items == before)
        NAS_GO(nas_fail(NAS_E_DATA, "%s: no .png, .jpg or .jpeg file among %zu in this class",
                        folder, files.n));
    if (others)
        nas_log(NAS_LOG_WARN, "%s: %zu file%s without an image's name left out", folder, others,
                others == 1 ? "" : "s");
done:
    listing_free(&files);
    return st;
}

static int32_t class_of(const nas_dataset *d, const char *name) {
    for (int32_t k = 0; k < d->info.classes; k++)
        if (!strcmp(d->name[k], name))
            return k;
    return -1;
}

/* Appends every class folder below `folder`. The training part makes the classes. */
static nas_status add_part(nas_dataset *d, const char *folder, bool makes_classes) {
    nas_status st = NAS_OK;
    listing classes = {0};
    char *path = NULL;
    NAS_GO(list(&classes, folder, true));
    for (size_t i = 0; i < classes.n; i++) {
        if (makes_classes)
            NAS_GO(nas_dataset_class(d, classes.name[i]));
        int32_t label = class_of(d, classes.name[i]);
        if (label < 0)
            NAS_GO(nas_fail(NAS_E_DATA, "%s/%s: the training part has no class of this name",
                            folder, classes.name[i]));
        path = nas_data_join(folder, classes.name[i]);
        if (!path)
            NAS_GO(nas_fail_memory(strlen(folder) + strlen(classes.name[i]) + 2));
        NAS_GO(add_class(d, path, label));
        nas_free(path);
        path = NULL;
    }
done:
    nas_free(path);
    listing_free(&classes);
    return st;
}

/* folder/name when that is a folder, else NULL. */
static char *part_folder(const char *folder, const char *name) {
    char *path = nas_data_join(folder, name);
    if (path && nas_dir_exists(path))
        return path;
    nas_free(path);
    return NULL;
}

/* The size that images are brought to, where the options leave it open: the first image's. */
static nas_status settle_size(nas_dataset *d, const nas_data_options *o) {
    uint8_t *pixels = NULL;
    int32_t height = 0, width = 0, channels = 0;
    if (d->n_items == 0)
        return nas_fail(NAS_E_DATA, "%s: no class folders", d->path);
    if (!o->height || !o->width || !o->channels)
        NAS_TRY(nas_image_read_any(&pixels, &height, &width, &channels, d->item[0].file));
    nas_free(pixels);
    nas_data_options any = *o; /* pictures come in all sizes */
    any.exact = false;
    return nas_dataset_size(d, &any, height, width, channels);
}

static nas_status folder_load(nas_dataset *d, const nas_data_options *o) {
    nas_status st = NAS_OK;
    char *train = part_folder(o->path, "train"), *test = NULL;
    NAS_GO(add_part(d, train ? train : o->path, true));
    d->info.n_train = (uint32_t)d->n_items;
    if (train) {
        test = part_folder(o->path, "test");
        if (!test)
            test = part_folder(o->path, "val");
        if (test)
            NAS_GO(add_part(d, test, false));
    }
    d->info.n_test = (uint32_t)d->n_items - d->info.n_train;
    NAS_GO(settle_size(d, o));
done:
    nas_free(train);
    nas_free(test);
    return st;
}

static bool folder_probe(const char *path) {
    listing folders = {0};
    if (list(&folders, path, true) != NAS_OK)
        return false;
    bool any = folders.n > 0;
    listing_free(&folders);
    return any;
}

const nas_data_format nas_format_folder = {"folder", folder_probe, folder_load};
