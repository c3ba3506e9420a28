/* search/branches.c - several paths from one value, and what joins them. */
#include <string.h>

#include "block.h"

nas_status build_branches(nas_value *out, uint32_t max, build *b, const form *branches,
                          nas_value x) {
    char label[16];
    if (branches->n == 0 || branches->n > max)
        return nas_fail(NAS_E_SHAPE, "%u branches, expected 1 to %u", branches->n, max);
    for (uint32_t i = 0; i < branches->n; i++) {
        snprintf(label, sizeof label, "%u", i);
        out[i] = x;
        NAS_TRY(build_item(b, branches->kid[i], label, 0, &out[i]));
    }
    return NAS_OK;
}

/* A vector becomes an image of one pixel beside an image. */
static nas_status beside(nas_value *v, build *b, nas_value image) {
    const nas_shape s = *shape_of(b, *v);
    if (s.rank != 2 || shape_of(b, image)->rank != 4)
        return NAS_OK;
    return nas_reshape(v, b->g, *v, NAS_SHAPE(s.dim[0], 1, 1, s.dim[1]));
}

static nas_status multiply(nas_value *y, nas_graph *g, nas_value a, nas_value b) {
    bool swap = nas_shape_count(nas_graph_shape(g, b)) > nas_shape_count(nas_graph_shape(g, a));
    return swap ? nas_mul(y, g, b, a) : nas_mul(y, g, a, b);
}

static nas_status sum(nas_value *y, nas_graph *g, nas_value a, nas_value b) {
    char before[NAS_SHAPE_TEXT], behind[NAS_SHAPE_TEXT];
    const nas_shape *s = nas_graph_shape(g, a), *t = nas_graph_shape(g, b);
    if (!nas_shape_equal(s, t))
        return nas_fail(NAS_E_SHAPE, "%s and %s cannot be added", nas_shape_text(before, s, 1),
                        nas_shape_text(behind, t, 1));
    return nas_add(y, g, a, b);
}

nas_status combine(nas_value *out, build *b, const char *how, const nas_value *v, uint32_t n) {
    if (n == 1) {
        *out = v[0];
        return NAS_OK;
    }
    if (strcmp(how, "concat") == 0)
        return nas_concat(out, b->g, v, n, shape_of(b, v[0])->rank - 1);
    bool add = strcmp(how, "add") == 0;
    nas_value y = v[0];
    for (uint32_t i = 1; i < n; i++) {
        nas_value next = v[i];
        if (!add) {
            NAS_TRY(beside(&next, b, y));
            NAS_TRY(beside(&y, b, next));
        }
        NAS_TRY(add ? sum(&y, b->g, y, next) : multiply(&y, b->g, y, next));
    }
    *out = y;
    return NAS_OK;
}
