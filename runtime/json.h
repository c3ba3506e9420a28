/* runtime/json.h - a small strict JSON reader for the headers of model files. */
#ifndef NAS_RUNTIME_JSON_H
#define NAS_RUNTIME_JSON_H

#include <nas/core.h>

typedef enum nas_json_kind {
    NAS_JSON_NULL,
    NAS_JSON_BOOL,
    NAS_JSON_NUMBER,
    NAS_JSON_STRING,
    NAS_JSON_ARRAY,
    NAS_JSON_OBJECT
} nas_json_kind;

typedef struct nas_json_node {
    nas_json_kind kind;
    uint32_t count, child, next; /* elements; first element, next sibling: 0 for none */
    const char *key;             /* inside an object, else NULL */
    const char *text;            /* decoded string, or the token as it stands; "" for containers */
} nas_json_node;

typedef struct nas_json nas_json;

/* Takes RFC 8259 without what no header needs: nesting over 16, NUL inside strings, more than a
 * million values. E_DATA names `name` and the offset. */
nas_status nas_json_read(nas_json **out, const char *text, size_t n, const char *name) NAS_MUST_USE;
void nas_json_free(nas_json *j);
const nas_json_node *nas_json_root(const nas_json *j);
const nas_json_node *nas_json_first(const nas_json *j, const nas_json_node *parent); /* or NULL */
const nas_json_node *nas_json_next(const nas_json *j, const nas_json_node *n);       /* or NULL */
const nas_json_node *nas_json_get(const nas_json *j, const nas_json_node *object, const char *key);
/* A whole number 0 … max written without sign, fraction or exponent. */
bool nas_json_whole(const nas_json_node *n, uint64_t max, uint64_t *out);

#endif
