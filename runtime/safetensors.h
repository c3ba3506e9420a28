/* runtime/safetensors.h - named tensors and named strings in a safetensors file: eight bytes header
 * length (little endian), a JSON header, then the tensors' bytes without gaps. */
#ifndef NAS_RUNTIME_SAFETENSORS_H
#define NAS_RUNTIME_SAFETENSORS_H

#include <nas/graph.h>

typedef enum nas_tensor_type {
    NAS_TENSOR_F32,
    NAS_TENSOR_F64,
    NAS_TENSOR_TYPE_COUNT
} nas_tensor_type;

typedef struct nas_tensor {
    char *name;
    nas_tensor_type type;
    nas_shape shape;
    void *data; /* float or double, nas_tensor_count of them */
} nas_tensor;

typedef struct nas_tensor_meta {
    char *key, *value;
} nas_tensor_meta;

/* What one file holds. Zero-initialise ({0}); nas_tensors_free when done. Everything in it is its
 * own. */
typedef struct nas_tensors {
    nas_tensor *tensor;
    size_t n, cap;
    nas_tensor_meta *meta;
    size_t n_meta, meta_cap;
} nas_tensors;

/* Appends a tensor of undefined content; *data is borrowed. */
nas_status nas_tensors_add(void **data, nas_tensors *t, const char *name, nas_tensor_type type,
                           const nas_shape *shape) NAS_MUST_USE;
nas_status nas_tensors_set_meta(nas_tensors *t, const char *key, const char *value) NAS_MUST_USE;
const nas_tensor *nas_tensors_find(const nas_tensors *t, const char *name); /* NULL: none */
const char *nas_tensors_meta(const nas_tensors *t, const char *key);        /* NULL: none */
size_t nas_tensor_count(const nas_tensor *t);
void nas_tensors_free(nas_tensors *t);

nas_status nas_tensors_write(const char *path, const nas_tensors *t) NAS_MUST_USE;
/* Takes F32 and F64 tensors of up to NAS_MAX_RANK dimensions. E_DATA names the file and what is
 * wrong: a header that is cut off or no JSON, names that occur twice, offsets that overlap, leave
 * gaps or point outside, sizes that do not fit the shape. */
nas_status nas_tensors_read(nas_tensors *out, const char *path) NAS_MUST_USE;
/* The same from bytes; errors call them by `name`. */
nas_status nas_tensors_parse(nas_tensors *out, const char *bytes, size_t n,
                             const char *name) NAS_MUST_USE;

#endif
