/* search/arena.c - memory that is taken in pieces and given back at once. */
#include "arena.h"

#include <stddef.h>
#include <string.h>

struct chunk {
    struct chunk *before;
    size_t size;
    max_align_t data[];
};

enum { CHUNK_BYTES = 16384 };

void *arena_new(arena *a, size_t bytes) {
    size_t need = (bytes + sizeof(max_align_t) - 1) / sizeof(max_align_t) * sizeof(max_align_t);
    if (a->last == NULL || a->last->size - a->used < need) {
        size_t size = need > CHUNK_BYTES ? need : CHUNK_BYTES;
        struct chunk *c = nas_calloc(1, sizeof *c + size);
        if (c == NULL) {
            nas_status st = nas_fail_memory(size);
            (void)st; /* the caller sees NULL and returns E_MEMORY */
            return NULL;
        }
        c->before = a->last;
        c->size = size;
        a->last = c;
        a->used = 0;
    }
    void *p = (char *)a->last->data + a->used;
    a->used += need;
    return p;
}

const char *arena_text(arena *a, const char *fmt, ...) {
    va_list ap, again;
    va_start(ap, fmt);
    va_copy(again, ap);
    int n = vsnprintf(NULL, 0, fmt, ap);
    char *s = n < 0 ? NULL : arena_new(a, (size_t)n + 1);
    if (s != NULL)
        vsnprintf(s, (size_t)n + 1, fmt, again);
    va_end(again);
    va_end(ap);
    return s;
}

void arena_free(arena *a) {
    while (a->last != NULL) {
        struct chunk *before = a->last->before;
        nas_free(a->last);
        a->last = before;
    }
    a->used = 0;
}
