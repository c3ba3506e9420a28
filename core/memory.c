/* core/memory.c - the allocation hook and growing arrays. */
#include <nas/core.h>

#include <stdlib.h>
#include <string.h>

static _Thread_local uint64_t fail_after;

void nas_alloc_fail_after(uint64_t k) {
    fail_after = k;
}

static bool must_fail(void) {
    return fail_after > 0 && --fail_after == 0;
}

/* Zero bytes still give a pointer of their own, so that NULL means short of memory and only that.
 */
void *nas_malloc(size_t bytes) {
    return must_fail() ? NULL : malloc(bytes > 0 ? bytes : 1);
}

void *nas_calloc(size_t count, size_t size) {
    if (count == 0 || size == 0)
        count = size = 1;
    return must_fail() ? NULL : calloc(count, size);
}

void *nas_realloc(void *p, size_t bytes) {
    return must_fail() ? NULL : realloc(p, bytes > 0 ? bytes : 1);
}

void nas_free(void *p) {
    free(p);
}

char *nas_strdup(const char *s) {
    size_t n = strlen(s) + 1;
    char *copy = nas_malloc(n);
    if (copy != NULL)
        memcpy(copy, s, n);
    return copy;
}

nas_status nas_grow(void *array_pointer, size_t *cap, size_t need, size_t elem_size) {
    if (need <= *cap)
        return NAS_OK;
    size_t fresh_cap = *cap > 0 ? *cap : 8;
    while (fresh_cap < need && fresh_cap <= SIZE_MAX / 2)
        fresh_cap *= 2;
    if (fresh_cap < need || fresh_cap > SIZE_MAX / elem_size)
        return nas_fail_memory(SIZE_MAX);
    /* Callers hold arrays of many types: the pointer is copied as bytes, never aliased. */
    void *old;
    memcpy(&old, array_pointer, sizeof old);
    void *fresh = nas_realloc(old, fresh_cap * elem_size);
    if (fresh == NULL)
        return nas_fail_memory(fresh_cap * elem_size);
    memcpy(array_pointer, &fresh, sizeof fresh);
    *cap = fresh_cap;
    return NAS_OK;
}

nas_status nas_fail_memory(size_t bytes) {
    return nas_fail(NAS_E_MEMORY, "out of host memory: %zu bytes asked for", bytes);
}
