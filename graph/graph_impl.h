/* graph/graph_impl.h - what the files of graph/ share about a graph's insides.
 *
 * A node's structural hash and whether it carries the batch are worked out when it is appended, so
 * that hashing a graph allocates nothing and the rules about the batch live in one place.
 */
#ifndef GRAPH_IMPL_H
#define GRAPH_IMPL_H

#include <nas/graph.h>

enum { NAS_MAX_NAME = 127, NAS_MAX_SCOPES = 1 << 14 };

typedef struct graph_entry {
    nas_node node;
    char *name; /* leaves: owned; NULL otherwise */
    uint64_t name_hash;
    uint64_t hash;    /* of the node and all below it */
    uint64_t uses;    /* leaves: sum over the nodes that read it; tells sharing from twins */
    uint32_t writers; /* nodes that change it in place: at most one, and of a STATE */
    bool batched;     /* depends on an INPUT whose leading dimension is the batch */
} graph_entry;

struct nas_graph {
    graph_entry *entry;
    size_t cap;
    uint32_t n;
    nas_scope *scope; /* name and kind of one scope lie in one allocation, owned through name */
    size_t scope_cap;
    uint32_t n_scopes, scope_now;
    uint32_t *slot; /* open-addressed table of the leaf names: id + 1, 0 is empty */
    uint32_t n_slots, n_names;
    nas_value output;
    int32_t batch; /* leading dimension of the first INPUT that is no scalar; 0: none yet */
};

/* Appends a copy of src's node v, its inputs sent through map, in the same scope. leaf names stay.
 */
nas_status nas_graph_copy_node(nas_value *out, nas_graph *g, const nas_graph *src, nas_value v,
                               const nas_value *map) NAS_MUST_USE;
/* Gives an empty graph all scopes of src, with the same numbers. */
nas_status nas_graph_copy_scopes(nas_graph *g, const nas_graph *src) NAS_MUST_USE;
/* Appends a scope below `parent`, or finds the equal one that is there. */
nas_status nas_graph_scope_make(uint32_t *out, nas_graph *g, uint32_t parent, const char *name,
                                const char *kind, uint32_t repeat) NAS_MUST_USE;
/* Makes `scope` the one of the nodes to come and returns the one before. */
uint32_t nas_graph_scope_enter(nas_graph *g, uint32_t scope);
/* The name of a scope below its parent: "0" of "s1.0". */
const char *nas_graph_scope_part(const nas_graph *g, uint32_t scope);
/* Drops all nodes from id n on; for passes that fail half-way. */
void nas_graph_truncate(nas_graph *g, uint32_t n);

/* m when the shape attribute of n has leading dimension m * batch and follows the batch, else 0. n
 * need not be part of g, but its inputs are. */
int32_t nas_graph_batch_factor(const nas_graph *g, const nas_node *n);
bool nas_graph_batched(const nas_graph *g, const nas_node *n);
/* The hash of a node of which the inputs are in g, and what it adds to the uses of input i. */
uint64_t nas_graph_node_hash(const nas_graph *g, const nas_node *n);
uint64_t nas_graph_use_hash(const nas_node *n, uint64_t node_hash, uint32_t i);

/* nas_graph_backward with the gradient of loss set to `scale` instead of 1. */
nas_status nas_graph_backward_scaled(nas_value *grad, nas_graph *g, nas_value loss, float scale,
                                     const nas_value *wrt, uint32_t n) NAS_MUST_USE;

#endif
