/* hwmodels/footprint.c - memory of an inference: weights, and activations alive at one time. */
#include "device.h"

/* What is known of a value; a reshape is another name of its input, `root`. */
typedef struct life {
    uint32_t root, last; /* last: the last node that reads it */
    double bytes;        /* 0 for leaves that are weights and for reshapes */
} life;

static void read_by(life *l, nas_value in, uint32_t reader) {
    l[l[in.id].root].last = reader;
}

/* First walk: how long each value lives. */
static double find_lives(life *l, const nas_graph *g) {
    double weights = 0;
    uint32_t count = nas_graph_count(g);
    for (uint32_t i = 0; i < count; i++) {
        const nas_node *n = nas_graph_node(g, (nas_value){i});
        uint32_t flags = nas_op_get(n->op)->flags;
        double bytes = (double)nas_shape_count(&n->shape) * sizeof(float);
        bool weight = (flags & NAS_OPF_LEAF) && n->op != NAS_OP_INPUT;
        bool alias = (flags & (NAS_OPF_ALIAS | NAS_OPF_WRITES_IN0)) != 0;
        l[i] = (life){alias ? l[n->in[0].id].root : i, i, weight || alias ? 0 : bytes};
        weights += weight ? bytes : 0;
        for (uint32_t k = 0; k < n->n_in; k++)
            read_by(l, n->in[k], i);
    }
    nas_value out = nas_graph_output(g);
    if (nas_value_ok(out))
        read_by(l, out, count);
    return weights;
}

nas_status nas_footprint_of(nas_footprint *out, const nas_graph *g) {
    uint32_t count = nas_graph_count(g);
    double alive = 0, most = 0;
    life *l = nas_calloc(count ? count : 1, sizeof *l);
    if (!l)
        return nas_fail_memory(count * sizeof *l);
    double weights = find_lives(l, g);
    for (uint32_t i = 0; i < count; i++) {
        const nas_node *n = nas_graph_node(g, (nas_value){i});
        alive += l[i].bytes;
        most = alive > most ? alive : most;
        for (uint32_t k = 0; k < n->n_in; k++) {
            life *in = &l[l[n->in[k].id].root];
            if (in->last != i)
                continue;
            alive -= in->bytes;
            in->bytes = 0; /* the same input may stand twice */
        }
    }
    *out = (nas_footprint){weights, most};
    nas_free(l);
    return NAS_OK;
}
