/* graph/shape.c - shapes as plain values. */
#include <nas/graph.h>

#include <assert.h>
#include <stdio.h>
#include <string.h>

nas_shape nas_shape_of(const int32_t *dim, int32_t rank) {
    assert(rank >= 0 && rank <= NAS_MAX_RANK);
    nas_shape s;
    memset(&s, 0, sizeof s);
    s.rank = rank;
    for (int32_t i = 0; i < rank; i++)
        s.dim[i] = dim[i];
    return s;
}

int64_t nas_shape_count(const nas_shape *s) {
    int64_t n = 1;
    for (int32_t i = 0; i < s->rank; i++)
        n *= s->dim[i];
    return n;
}

bool nas_shape_equal(const nas_shape *a, const nas_shape *b) {
    return memcmp(a, b, sizeof *a) == 0;
}

const char *nas_shape_text(char buf[NAS_SHAPE_TEXT], const nas_shape *s, int32_t skip) {
    if (skip >= s->rank) {
        snprintf(buf, NAS_SHAPE_TEXT, "scalar");
        return buf;
    }
    size_t n = 0;
    for (int32_t i = skip; i < s->rank && n < NAS_SHAPE_TEXT; i++)
        n += (size_t)snprintf(buf + n, NAS_SHAPE_TEXT - n, i > skip ? "x%d" : "%d", s->dim[i]);
    return buf;
}
