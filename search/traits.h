/* search/traits.h - what a kernel sees of a network: a row of bytes, and squared distances
 * between rows in a few groups, each with a length scale of its own. */
#ifndef NAS_SEARCH_TRAITS_H
#define NAS_SEARCH_TRAITS_H

#include <nas/space.h>

enum { TRAIT_GROUPS_MAX = 4 };

typedef struct traits traits;
typedef struct trait_kind {
    nas_status (*create)(traits **out, const nas_space *s);
    void (*free)(traits *f);
    /* Writes the row of x. */
    nas_status (*row)(traits *f, void *row, const nas_genome *x);
    /* d2[i * groups + g]: squared distance in group g of `row` and the i-th of n rows. */
    void (*distance)(const traits *f, float *d2, const void *row, const void *rows, uint32_t n);
    bool slow; /* a distance costs so much that few candidates can be looked at */
} trait_kind;

/* Every kind's object begins so. */
struct traits {
    const trait_kind *kind;
    const nas_space *space;
    size_t row_bytes; /* a multiple of 8 */
    uint32_t groups;
};

/* Genes; of a cell its paths and how often each op is chosen; else counts of MACs and params. */
extern const trait_kind trait_genes;
/* Optimal transport between network graphs (Kandasamy et al. 2018). */
extern const trait_kind trait_transport;

#endif
