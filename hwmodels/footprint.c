/* hwmodels/footprint.c - memory of a network that runs: weights, and what else lies in memory at
 * one time, by the rules of the runtime's own plan. */
#include "device.h"

/* What is known of a value; a reshape is another name of its input, `root`. */
typedef struct life {
    uint32_t root, last; /* last: the last node that reads it */
    double bytes;        /* while it lives; 0 for what has a place of its own, and for reshapes */
} life;

static void read_by(life *l, nas_value in, uint32_t reader) {
    l[l[in.id].root].last = reader;
}

/* First walk: how long each value lives. Leaves have places of their own. */
static nas_footprint find_lives(life *l, const nas_graph *g) {
    nas_footprint resident = {0};
    uint32_t count = nas_graph_count(g);
    for (uint32_t i = 0; i < count; i++) {
        const nas_node *n = nas_graph_node(g, (nas_value){i});
        uint32_t flags = nas_op_get(n->op)->flags;
        double bytes = (double)nas_shape_count(&n->shape) * sizeof(float);
        bool leaf = (flags & NAS_OPF_LEAF) != 0;
        bool alias = (flags & (NAS_OPF_ALIAS | NAS_OPF_WRITES_IN0)) != 0;
        l[i] = (life){alias ? l[n->in[0].id].root : i, i, leaf || alias ? 0 : bytes};
        if (leaf)
            *(n->op == NAS_OP_INPUT ? &resident.activations : &resident.weights) += bytes;
        for (uint32_t k = 0; k < n->n_in; k++)
            read_by(l, n->in[k], i);
    }
    nas_value out = nas_graph_output(g);
    if (nas_value_ok(out))
        read_by(l, out, count);
    return resident;
}

/* Gradients lie together for the optimiser, all the time; most are computed right into their place.
 */
static double place_gradients(life *l, const nas_training *t) {
    double bytes = 0;
    for (uint32_t i = 0; t && i < t->n_params; i++) {
        bytes +=
            (double)nas_shape_count(nas_graph_shape(t->graph, t->grad[i])) * (double)sizeof(float);
        l[l[t->grad[i].id].root].bytes = 0;
    }
    return bytes;
}

nas_status nas_footprint_of(nas_footprint *out, const nas_graph *g, const nas_training *t) {
    uint32_t count = nas_graph_count(g);
    life *l = nas_calloc(count ? count : 1, sizeof *l);
    if (!l)
        return nas_fail_memory(count * sizeof *l);
    nas_footprint resident = find_lives(l, g);
    double alive = resident.activations + place_gradients(l, t), most = alive;
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
    *out = (nas_footprint){resident.weights, most};
    nas_free(l);
    return NAS_OK;
}
