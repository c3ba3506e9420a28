/* graph/init.c - initial values of params, states and constants. */
#include "graph_impl.h"

#include <math.h>
#include <string.h>

static double draw_normal(nas_rng *r) {
    return nas_rng_normal(r);
}

/* Cut at two standard deviations by drawing again. */
static double draw_trunc_normal(nas_rng *r) {
    double z;
    do
        z = nas_rng_normal(r);
    while (fabs(z) > 2);
    return z;
}

static double draw_uniform(nas_rng *r) {
    return 2 * nas_rng_uniform(r) - 1;
}

static double draw_value(nas_rng *r) {
    (void)r;
    return 1;
}

static double (*const draws[])(nas_rng *) = {
    [NAS_INIT_VALUE] = draw_value,
    [NAS_INIT_NORMAL] = draw_normal,
    [NAS_INIT_TRUNC_NORMAL] = draw_trunc_normal,
    [NAS_INIT_UNIFORM] = draw_uniform,
};

nas_status nas_graph_init_leaf(float *out, const nas_graph *g, nas_value v, uint64_t seed) {
    const nas_node *n = nas_graph_node(g, v);
    const char *name = nas_graph_name(g, v);
    if (n->op != NAS_OP_PARAM && n->op != NAS_OP_STATE && n->op != NAS_OP_CONSTANT)
        return nas_fail(NAS_E_ARG, "init: value %u (%s %s) is no param, state or constant", v.id,
                        nas_op_get(n->op)->name, name);
    int32_t init = n->attr.leaf.init;
    if (init < 0 || init >= (int32_t)(sizeof draws / sizeof draws[0]))
        return nas_fail(NAS_E_ARG, "init: \"%s\" has the unknown initialisation %d", name, init);
    nas_rng r = nas_rng_stream(seed, "init", nas_hash_bytes(0, name, strlen(name)));
    int64_t count = nas_shape_count(&n->shape);
    for (int64_t i = 0; i < count; i++)
        out[i] = (float)(n->attr.leaf.scale * draws[init](&r));
    /* Running statistics: row 0 holds means, which start at 0; row 1 variances. */
    bool stats = n->op == NAS_OP_STATE && n->shape.rank == 2 && n->shape.dim[0] == 2;
    if (stats && init == NAS_INIT_VALUE)
        memset(out, 0, (size_t)n->shape.dim[1] * sizeof *out);
    return NAS_OK;
}
