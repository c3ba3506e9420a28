/* runtime/safetensors.c - reads and writes safetensors files, strictly. */
#include "safetensors.h"
#include "json.h"

#include <stdlib.h>
#include <string.h>

enum { HEADER_MAX = 16 << 20, LENGTH_BYTES = 8 };
/* A training of AdamW keeps 12 bytes a parameter to be resumed: 20 thousand million of them. */
static const size_t MAX_FILE = (size_t)1 << 38;

static const struct {
    const char *name;
    size_t bytes;
} types[] = {[NAS_TENSOR_F32] = {"F32", 4}, [NAS_TENSOR_F64] = {"F64", 8}};

size_t nas_tensor_count(const nas_tensor *t) {
    return (size_t)nas_shape_count(&t->shape);
}

static size_t tensor_bytes(const nas_tensor *t) {
    return nas_tensor_count(t) * types[t->type].bytes;
}

nas_status nas_tensors_add(void **data, nas_tensors *t, const char *name, nas_tensor_type type,
                           const nas_shape *shape) {
    NAS_TRY(nas_grow(&t->tensor, &t->cap, t->n + 1, sizeof *t->tensor));
    nas_tensor x = {.type = type, .shape = *shape};
    x.data = nas_malloc(tensor_bytes(&x));
    x.name = nas_strdup(name);
    if (x.data == NULL || x.name == NULL) {
        nas_free(x.data);
        nas_free(x.name);
        return nas_fail_memory(tensor_bytes(&x));
    }
    t->tensor[t->n++] = x;
    *data = x.data;
    return NAS_OK;
}

nas_status nas_tensors_set_meta(nas_tensors *t, const char *key, const char *value) {
    NAS_TRY(nas_grow(&t->meta, &t->meta_cap, t->n_meta + 1, sizeof *t->meta));
    nas_tensor_meta m = {nas_strdup(key), nas_strdup(value)};
    if (m.key == NULL || m.value == NULL) {
        nas_free(m.key);
        nas_free(m.value);
        return nas_fail_memory(strlen(key) + strlen(value));
    }
    t->meta[t->n_meta++] = m;
    return NAS_OK;
}

const nas_tensor *nas_tensors_find(const nas_tensors *t, const char *name) {
    for (size_t i = 0; i < t->n; i++)
        if (strcmp(t->tensor[i].name, name) == 0)
            return &t->tensor[i];
    return NULL;
}

const char *nas_tensors_meta(const nas_tensors *t, const char *key) {
    for (size_t i = 0; i < t->n_meta; i++)
        if (strcmp(t->meta[i].key, key) == 0)
            return t->meta[i].value;
    return NULL;
}

void nas_tensors_free(nas_tensors *t) {
    for (size_t i = 0; i < t->n; i++) {
        nas_free(t->tensor[i].name);
        nas_free(t->tensor[i].data);
    }
    for (size_t i = 0; i < t->n_meta; i++) {
        nas_free(t->meta[i].key);
        nas_free(t->meta[i].value);
    }
    nas_free(t->tensor);
    nas_free(t->meta);
    *t = (nas_tensors){0};
}

/* ---- writing ---- */

static void header_text(nas_text *out, const nas_tensors *t) {
    size_t offset = 0;
    nas_text_add(out, "{\"__metadata__\": {");
    for (size_t i = 0; i < t->n_meta; i++) {
        nas_text_add(out, "%s", i == 0 ? "" : ", ");
        nas_text_json(out, t->meta[i].key);
        nas_text_add(out, ": ");
        nas_text_json(out, t->meta[i].value);
    }
    nas_text_add(out, "}");
    for (size_t i = 0; i < t->n; i++) {
        const nas_tensor *x = &t->tensor[i];
        nas_text_add(out, ", ");
        nas_text_json(out, x->name);
        nas_text_add(out, ": {\"dtype\": \"%s\", \"shape\": [", types[x->type].name);
        for (int32_t k = 0; k < x->shape.rank; k++)
            nas_text_add(out, "%s%d", k == 0 ? "" : ", ", x->shape.dim[k]);
        nas_text_add(out, "], \"data_offsets\": [%zu, %zu]}", offset, offset + tensor_bytes(x));
        offset += tensor_bytes(x);
    }
    nas_text_add(out, "}");
    while (out->n % 8 != 0 && !out->failed) /* so that the tensors stay aligned */
        nas_text_add(out, " ");
}

nas_status nas_tensors_write(const char *path, const nas_tensors *t) {
    nas_status st = NAS_OK;
    nas_text header = {0};
    unsigned char length[LENGTH_BYTES];
    nas_part *part = nas_malloc((t->n + 2) * sizeof *part);
    if (part == NULL)
        NAS_GO(nas_fail_memory((t->n + 2) * sizeof *part));
    header_text(&header, t);
    NAS_GO(nas_text_check(&header));
    if (header.n > HEADER_MAX)
        NAS_GO(nas_fail(NAS_E_DATA, "%s: header of %zu bytes is too long", path, header.n));
    for (int i = 0; i < LENGTH_BYTES; i++)
        length[i] = (unsigned char)(header.n >> (8 * i));
    part[0] = (nas_part){length, sizeof length};
    part[1] = (nas_part){header.s, header.n};
    for (size_t i = 0; i < t->n; i++) {
        /* floats are little endian in the file, as they are in memory of every host we build for */
        part[i + 2] = (nas_part){t->tensor[i].data, tensor_bytes(&t->tensor[i])};
    }
    NAS_GO(nas_file_write_parts(path, part, t->n + 2));
done:
    nas_text_free(&header);
    nas_free(part);
    return st;
}

/* ---- reading ---- */

typedef struct entry { /* one tensor of the header */
    const char *name;
    nas_tensor_type type;
    nas_shape shape;
    uint64_t begin, end;
} entry;

typedef struct reader {
    const char *file, *data;
    size_t data_bytes;
    const nas_json *json;
    entry *entry;
    size_t n;
} reader;

static nas_status read_shape(entry *e, const reader *r, const nas_json_node *shape) {
    uint64_t count = 1, dim;
    if (shape == NULL || shape->kind != NAS_JSON_ARRAY || shape->count > NAS_MAX_RANK)
        return nas_fail(NAS_E_DATA, "%s: tensor %s has no shape of up to %d sizes", r->file,
                        e->name, NAS_MAX_RANK);
    const nas_json_node *d = nas_json_first(r->json, shape);
    for (; d != NULL; d = nas_json_next(r->json, d)) {
        if (!nas_json_whole(d, INT32_MAX, &dim) || dim == 0 || count * dim > INT32_MAX)
            return nas_fail(NAS_E_DATA, "%s: tensor %s has a size that is none", r->file, e->name);
        count *= dim;
        e->shape.dim[e->shape.rank++] = (int32_t)dim;
    }
    if (e->end - e->begin != count * types[e->type].bytes)
        return nas_fail(NAS_E_DATA, "%s: tensor %s has %llu bytes, but its shape needs %llu",
                        r->file, e->name, (unsigned long long)(e->end - e->begin),
                        (unsigned long long)(count * types[e->type].bytes));
    return NAS_OK;
}

static nas_status read_entry(entry *e, const reader *r, const nas_json_node *node) {
    *e = (entry){.name = node->key, .type = NAS_TENSOR_TYPE_COUNT};
    const nas_json_node *type = nas_json_get(r->json, node, "dtype");
    const nas_json_node *offsets = nas_json_get(r->json, node, "data_offsets");
    if (type == NULL || type->kind != NAS_JSON_STRING)
        return nas_fail(NAS_E_DATA, "%s: tensor %s has no dtype", r->file, e->name);
    for (int i = 0; i < NAS_TENSOR_TYPE_COUNT; i++)
        if (strcmp(type->text, types[i].name) == 0)
            e->type = (nas_tensor_type)i;
    if (e->type == NAS_TENSOR_TYPE_COUNT)
        return nas_fail(NAS_E_DATA, "%s: tensor %s has dtype %s; F32 and F64 can be read", r->file,
                        e->name, type->text);
    if (offsets == NULL || offsets->kind != NAS_JSON_ARRAY || offsets->count != 2)
        return nas_fail(NAS_E_DATA, "%s: tensor %s has no data_offsets", r->file, e->name);
    const nas_json_node *begin = nas_json_first(r->json, offsets);
    const nas_json_node *end = nas_json_next(r->json, begin);
    if (!nas_json_whole(begin, r->data_bytes, &e->begin) ||
        !nas_json_whole(end, r->data_bytes, &e->end) || e->begin > e->end)
        return nas_fail(NAS_E_DATA, "%s: tensor %s: data_offsets %s … %s outside the %zu bytes",
                        r->file, e->name, begin->text, end->text, r->data_bytes);
    return read_shape(e, r, nas_json_get(r->json, node, "shape"));
}

static int by_offset(const void *a, const void *b) {
    const entry *x = a, *y = b;
    return x->begin < y->begin ? -1 : x->begin > y->begin;
}

static int by_name(const void *a, const void *b) {
    return strcmp(((const entry *)a)->name, ((const entry *)b)->name);
}

/* Leaves the entries in the order of their bytes. */
static nas_status check_entries(const reader *r) {
    uint64_t at = 0;
    qsort(r->entry, r->n, sizeof *r->entry, by_name);
    for (size_t i = 1; i < r->n; i++)
        if (strcmp(r->entry[i - 1].name, r->entry[i].name) == 0)
            return nas_fail(NAS_E_DATA, "%s: tensor %s is there twice", r->file, r->entry[i].name);
    qsort(r->entry, r->n, sizeof *r->entry, by_offset);
    for (size_t i = 0; i < r->n; i++) {
        const entry *e = &r->entry[i];
        if (e->begin != at)
            return nas_fail(NAS_E_DATA,
                            "%s: tensor %s starts at byte %llu, the one before ends at "
                            "%llu",
                            r->file, e->name, (unsigned long long)e->begin, (unsigned long long)at);
        at = e->end;
    }
    if (at != r->data_bytes)
        return nas_fail(NAS_E_DATA, "%s: %zu bytes of tensors, but the header tells of %llu",
                        r->file, r->data_bytes, (unsigned long long)at);
    return NAS_OK;
}

static nas_status read_meta(nas_tensors *t, const reader *r, const nas_json_node *map) {
    const nas_json_node *n = nas_json_first(r->json, map);
    if (map->kind != NAS_JSON_OBJECT || map->count > 1024)
        return nas_fail(NAS_E_DATA, "%s: __metadata__ is no map of up to 1024 strings", r->file);
    for (; n != NULL; n = nas_json_next(r->json, n)) {
        if (n->kind != NAS_JSON_STRING)
            return nas_fail(NAS_E_DATA, "%s: metadata %s is no string", r->file, n->key);
        if (nas_tensors_meta(t, n->key) != NULL)
            return nas_fail(NAS_E_DATA, "%s: metadata %s is there twice", r->file, n->key);
        NAS_TRY(nas_tensors_set_meta(t, n->key, n->text));
    }
    return NAS_OK;
}

static nas_status read_header(nas_tensors *t, reader *r) {
    const nas_json_node *root = nas_json_root(r->json);
    if (root->kind != NAS_JSON_OBJECT)
        return nas_fail(NAS_E_DATA, "%s: the header is no JSON object", r->file);
    const nas_json_node *n = nas_json_first(r->json, root);
    bool meta = false;
    for (; n != NULL; n = nas_json_next(r->json, n)) {
        if (strcmp(n->key, "__metadata__") != 0) {
            NAS_TRY(read_entry(&r->entry[r->n++], r, n));
        } else if (meta) {
            return nas_fail(NAS_E_DATA, "%s: __metadata__ is there twice", r->file);
        } else {
            NAS_TRY(read_meta(t, r, n));
            meta = true;
        }
    }
    NAS_TRY(check_entries(r));
    for (size_t i = 0; i < r->n; i++) {
        const entry *e = &r->entry[i];
        void *data;
        NAS_TRY(nas_tensors_add(&data, t, e->name, e->type, &e->shape));
        memcpy(data, r->data + e->begin, (size_t)(e->end - e->begin));
    }
    return NAS_OK;
}

nas_status nas_tensors_parse(nas_tensors *out, const char *bytes, size_t n, const char *name) {
    nas_status st = NAS_OK;
    nas_tensors t = {0};
    nas_json *json = NULL;
    reader r = {.file = name};
    uint64_t length = 0;
    if (n < LENGTH_BYTES)
        return nas_fail(NAS_E_DATA, "%s: %zu bytes are no model file", name, n);
    for (int i = 0; i < LENGTH_BYTES; i++)
        length |= (uint64_t)(unsigned char)bytes[i] << (8 * i);
    if (length > HEADER_MAX || length > n - LENGTH_BYTES)
        return nas_fail(NAS_E_DATA,
                        "%s: header of %llu bytes in a file of %zu: no model file, or "
                        "cut off",
                        name, (unsigned long long)length, n);
    r.data = bytes + LENGTH_BYTES + length;
    r.data_bytes = n - LENGTH_BYTES - (size_t)length;
    NAS_GO(nas_json_read(&json, bytes + LENGTH_BYTES, (size_t)length, name));
    r.json = json;
    r.entry = nas_calloc(nas_json_root(json)->count + 1, sizeof *r.entry);
    if (r.entry == NULL)
        NAS_GO(nas_fail_memory((nas_json_root(json)->count + 1) * sizeof *r.entry));
    NAS_GO(read_header(&t, &r));
    *out = t;
    t = (nas_tensors){0};
done:
    nas_free(r.entry);
    nas_json_free(json);
    nas_tensors_free(&t);
    return st;
}

nas_status nas_tensors_read(nas_tensors *out, const char *path) {
    nas_status st = NAS_OK;
    char *bytes = NULL;
    size_t n;
    NAS_TRY(nas_file_read(&bytes, &n, path, MAX_FILE));
    NAS_GO(nas_tensors_parse(out, bytes, n, path));
done:
    nas_free(bytes);
    return st;
}
