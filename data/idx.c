/* data/idx.c - IDX files of MNIST naming, plain or gzipped, checked to the last byte. */
#include "dataset.h"

#include <ctype.h>
#include <string.h>
#include <zlib.h>

/* Magic numbers: two zero bytes, type 8 (unsigned byte), number of dimensions. */
enum { MAGIC_LABELS = 0x00000801, MAGIC_IMAGES = 0x00000803 };

/* Deflate cannot shrink by more than this; what a header claims beyond it is not in the file. */
enum { MAX_RATIO = 1032, FREE_LABELS = 10, MAX_CLASSES = 256 };

typedef struct source { /* bytes of a file, unpacked on the way */
    char *path;
    char *bytes;
    size_t n, at;
    bool gz, open, ended;
    z_stream z;
} source;

typedef struct part { /* training or test part, as it is in the files */
    uint8_t *image, *label;
    uint32_t n, height, width;
} part;

static const char *const fashion_names[10] = {"T-shirt/top", "Trouser",   "Pullover", "Dress",
                                              "Coat",        "Sandal",    "Shirt",    "Sneaker",
                                              "Bag",         "Ankle boot"};

static void source_close(source *s) {
    if (s->open)
        inflateEnd(&s->z);
    nas_free(s->bytes);
    nas_free(s->path);
    *s = (source){0};
}

/* Opens folder/name, or folder/name.gz where that is missing. */
static nas_status source_open(source *s, const char *folder, const char *name) {
    nas_status st = NAS_OK;
    char packed[64];
    snprintf(packed, sizeof packed, "%s.gz", name);
    s->path = nas_data_join(folder, name);
    if (s->path && !nas_file_exists(s->path)) {
        nas_free(s->path);
        s->path = nas_data_join(folder, packed);
    }
    if (!s->path)
        NAS_GO(nas_fail_memory(strlen(folder) + sizeof packed));
    if (!nas_file_exists(s->path))
        NAS_GO(nas_fail(NAS_E_IO, "%s: missing, with or without .gz", s->path));
    NAS_GO(nas_file_read(&s->bytes, &s->n, s->path, NAS_DATA_MAX_FILE));
    s->gz = s->n >= 2 && (uint8_t)s->bytes[0] == 0x1f && (uint8_t)s->bytes[1] == 0x8b;
    if (s->gz) {
        if (inflateInit2(&s->z, 15 + 16) != Z_OK)
            NAS_GO(nas_fail(NAS_E_MEMORY, "%s: zlib cannot start", s->path));
        s->open = true;
    }
done:
    if (st != NAS_OK)
        source_close(s);
    return st;
}

/* A gzip file may be several streams one after the other; another stream begins with the magic. */
static bool next_member(source *s) {
    const char *p = s->bytes + s->at;
    if (s->n - s->at < 2 || (uint8_t)p[0] != 0x1f || (uint8_t)p[1] != 0x8b)
        return false;
    s->ended = false;
    return inflateReset(&s->z) == Z_OK;
}

/* Unpacks at most n bytes; *got < n only at the end of the stream. */
static nas_status unpack(size_t *got, source *s, uint8_t *out, size_t n) {
    *got = 0;
    while (*got < n && (!s->ended || next_member(s))) {
        size_t in = s->n - s->at, room = n - *got;
        s->z.next_in = (Bytef *)s->bytes + s->at;
        s->z.avail_in = in > UINT32_MAX / 2 ? UINT32_MAX / 2 : (uInt)in;
        s->z.next_out = out + *got;
        s->z.avail_out = room > UINT32_MAX / 2 ? UINT32_MAX / 2 : (uInt)room;
        uInt in0 = s->z.avail_in, out0 = s->z.avail_out;
        int rc = inflate(&s->z, Z_NO_FLUSH);
        s->at += in0 - s->z.avail_in;
        *got += out0 - s->z.avail_out;
        if (rc == Z_STREAM_END)
            s->ended = true;
        else if (rc == Z_BUF_ERROR)
            return nas_fail(NAS_E_DATA, "%s: truncated: the gzip stream ends early", s->path);
        else if (rc != Z_OK)
            return nas_fail(NAS_E_DATA, "%s: broken gzip stream: %s", s->path,
                            s->z.msg ? s->z.msg : "corrupt");
    }
    return NAS_OK;
}

static nas_status source_read(source *s, uint8_t *out, size_t n, const char *what) {
    size_t got = s->n - s->at < n ? s->n - s->at : n;
    if (s->gz) {
        NAS_TRY(unpack(&got, s, out, n));
    } else {
        memcpy(out, s->bytes + s->at, got);
        s->at += got;
    }
    if (got < n)
        return nas_fail(NAS_E_DATA, "%s: truncated: %zu of %zu bytes of %s", s->path, got, n, what);
    return NAS_OK;
}

/* Nothing may follow; reading on also lets zlib check the length and checksum at the end. */
static nas_status source_end(source *s) {
    uint8_t byte;
    size_t got = 0;
    if (s->gz)
        NAS_TRY(unpack(&got, s, &byte, 1));
    if (got > 0 || s->at < s->n)
        return nas_fail(NAS_E_DATA, "%s: more bytes behind the data than the header says", s->path);
    return NAS_OK;
}

static uint32_t big_endian(const uint8_t *p) {
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

/* Reads magic and dimensions (dim[0] = number of items) and then the whole body into *body. */
static nas_status read_body(uint8_t **body, uint32_t *dim, source *s, uint32_t magic) {
    uint8_t head[12] = {0}, word[4];
    uint32_t n_dims = magic & 0xff;
    NAS_TRY(source_read(s, word, 4, "the header"));
    if (big_endian(word) != magic)
        return nas_fail(NAS_E_DATA, "%s: magic number 0x%08x, an IDX file of %s has 0x%08x",
                        s->path, big_endian(word), n_dims == 3 ? "images" : "labels", magic);
    NAS_TRY(source_read(s, head, (size_t)n_dims * 4, "the header"));
    uint64_t bytes = 1;
    for (uint32_t i = 0; i < n_dims; i++) {
        dim[i] = big_endian(head + (size_t)i * 4);
        if (dim[i] == 0 || (i > 0 && dim[i] > NAS_IMAGE_MAX_SIDE))
            return nas_fail(NAS_E_DATA, "%s: dimension %u is %u", s->path, i, dim[i]);
        bytes *= dim[i]; /* at most 2^32 * 2^28 */
    }
    uint64_t most = s->gz ? (uint64_t)s->n * MAX_RATIO : s->n - s->at;
    if (bytes > most)
        return nas_fail(NAS_E_DATA,
                        "%s: truncated: the header speaks of %llu bytes, the file has %zu", s->path,
                        (unsigned long long)bytes, s->n);
    uint8_t *p = nas_malloc((size_t)bytes);
    if (!p)
        return nas_fail_memory((size_t)bytes);
    nas_status st = source_read(s, p, (size_t)bytes, "the body");
    if (st == NAS_OK)
        st = source_end(s);
    if (st != NAS_OK) {
        nas_free(p);
        return st;
    }
    *body = p;
    return NAS_OK;
}

static void part_free(part *p) {
    nas_free(p->image);
    nas_free(p->label);
    *p = (part){0};
}

static nas_status part_read(part *p, const char *folder, const char *prefix) {
    nas_status st = NAS_OK;
    source s = {0};
    char name[48];
    uint32_t dim[3] = {0}, count[1] = {0};
    snprintf(name, sizeof name, "%s-images-idx3-ubyte", prefix);
    NAS_GO(source_open(&s, folder, name));
    NAS_GO(read_body(&p->image, dim, &s, MAGIC_IMAGES));
    source_close(&s);
    snprintf(name, sizeof name, "%s-labels-idx1-ubyte", prefix);
    NAS_GO(source_open(&s, folder, name));
    NAS_GO(read_body(&p->label, count, &s, MAGIC_LABELS));
    if (count[0] != dim[0])
        NAS_GO(nas_fail(NAS_E_DATA, "%s: %u labels for %u images", s.path, count[0], dim[0]));
    p->n = dim[0];
    p->height = dim[1];
    p->width = dim[2];
done:
    source_close(&s);
    return st;
}

/* Moves a part into the set, its images brought to the set's size. */
static nas_status part_store(nas_dataset *d, const part *p) {
    size_t one = nas_dataset_image_bytes(d), raw = (size_t)p->height * p->width;
    size_t first = d->n_items;
    NAS_TRY(nas_dataset_room(d, first + p->n));
    for (uint32_t i = 0; i < p->n; i++) {
        nas_pixels in = {p->image + i * raw, (int32_t)p->height, (int32_t)p->width, 1};
        NAS_TRY(nas_image_fit(d->pixels + (first + i) * one, d->info.height, d->info.width,
                              d->info.channels, &in));
        NAS_TRY(nas_dataset_item(d, p->label[i], NULL));
    }
    return NAS_OK;
}

/* Classes are 0 ... largest label. A label below 10 may be missing from a small set; a larger one
 * counts as a class only when every number up to it has training images, so that a stray byte is
 * an error and not 200 classes. */
static nas_status count_classes(int32_t *classes, const nas_dataset *d) {
    uint32_t seen[MAX_CLASSES] = {0};
    int32_t largest = 0;
    size_t where = 0;
    for (size_t i = 0; i < d->n_items; i++) {
        int32_t label = d->item[i].label;
        seen[label] += i < d->info.n_train;
        if (label > largest) {
            largest = label;
            where = i;
        }
    }
    bool test = where >= d->info.n_train;
    for (int32_t k = FREE_LABELS; k <= largest; k++)
        if (!seen[k])
            return nas_fail(NAS_E_DATA,
                            "%s: label %d of image %zu (from 0) in %s-labels-idx1-ubyte is out of "
                            "range: no training image has label %d",
                            d->path, largest, test ? where - d->info.n_train : where,
                            test ? "t10k" : "train", k);
    *classes = largest + 1;
    return NAS_OK;
}

static bool contains_fashion(const char *path) {
    static const char word[] = "fashion";
    for (const char *p = path; *p; p++) {
        size_t i = 0;
        while (word[i] && tolower((unsigned char)p[i]) == word[i])
            i++;
        if (!word[i])
            return true;
    }
    return false;
}

static nas_status idx_load(nas_dataset *d, const nas_data_options *o) {
    nas_status st = NAS_OK;
    part train = {0}, test = {0};
    int32_t classes = 0;
    NAS_GO(part_read(&train, o->path, "train"));
    NAS_GO(part_read(&test, o->path, "t10k"));
    if (train.height != test.height || train.width != test.width)
        NAS_GO(nas_fail(NAS_E_DATA, "%s: training images are %ux%u, test images %ux%u", o->path,
                        train.height, train.width, test.height, test.width));
    NAS_GO(nas_dataset_size(d, o, (int32_t)train.height, (int32_t)train.width, 1));
    d->info.n_train = train.n;
    d->info.n_test = test.n;
    NAS_GO(part_store(d, &train));
    NAS_GO(part_store(d, &test));
    NAS_GO(count_classes(&classes, d));
    /* Fashion-MNIST has the file names and sizes of MNIST: only its folder's name tells. */
    bool fashion = classes == 10 && train.height == 28 && train.width == 28;
    NAS_GO(nas_dataset_classes(d, fashion && contains_fashion(o->path) ? fashion_names : NULL,
                               classes));
done:
    part_free(&train);
    part_free(&test);
    return st;
}

static bool idx_probe(const char *path) {
    static const char *const names[] = {"train-images-idx3-ubyte", "train-images-idx3-ubyte.gz"};
    bool found = false;
    for (size_t i = 0; i < 2 && !found; i++) {
        char *file = nas_data_join(path, names[i]);
        found = file && nas_file_exists(file);
        nas_free(file);
    }
    return found;
}

const nas_data_format nas_format_idx = {"idx", idx_probe, idx_load};
