/* search/plan.h - a space in memory: its file as a tree in which every choice is a gene.
 *
 * yaml -> plan (plan.c, values.c: once, checks everything) -> form (resolve.c: plan and genome, no
 * choices left) -> text (print.c) or graph (network.c). Repeats are written out in the plan, so
 * each copy has its own genes.
 */
#ifndef NAS_SEARCH_PLAN_H
#define NAS_SEARCH_PLAN_H

#include <nas/space.h>

#include "arena.h"
#include "block.h"

enum { MAX_LETS = 32, MAX_PLANS = 65536, MAX_REPEAT = 64, MAX_TERMS = 4, NO_GENE = -1 };

typedef enum plan_kind {
    PLAN_SCALAR,
    PLAN_SEQ,
    PLAN_MAP,
    PLAN_CHOOSE, /* kid[value of the gene] */
    PLAN_REF,    /* a product of let values and a factor */
    PLAN_COPIES  /* kid[0 … value of repeat - 1] */
} plan_kind;

typedef struct plan {
    plan_kind kind;
    const nas_yaml_node *at;
    const char *key;  /* what it is called in its MAP */
    const char *text; /* SCALAR */
    int32_t gene;     /* CHOOSE */
    int32_t let[MAX_TERMS];
    uint32_t n_lets;     /* REF */
    int64_t factor;      /* REF; 0: the one let's text as it is */
    struct plan *repeat; /* COPIES */
    bool many;           /* COPIES: of a list of blocks, not of one */
    uint32_t n;
    struct plan **kid;
} plan;

/* A let name: a scalar, or a choice of scalars that is drawn once. */
typedef struct let {
    const char *name;
    const nas_yaml_node *at;
    uint32_t n; /* options: 1 for a scalar */
    const nas_yaml_node **option;
    bool chosen;       /* written as a choice */
    int32_t gene;      /* NO_GENE until its first use */
    bool used, counts; /* counts: its value decides how many copies there are */
} let;

/* A piece of the template `arch`: a text, then the option of a gene (-1: none follows). */
typedef struct arch_piece {
    const char *text;
    int32_t gene;
} arch_piece;

struct nas_space {
    nas_yaml *doc;
    arena mem;
    const char *name, *about;
    int32_t hwc[3], classes;
    plan *net;
    uint32_t n_genes, n_lets, n_plans;
    nas_gene gene[NAS_MAX_GENES];
    let lets[MAX_LETS];
    arch_piece *arch;
    uint32_t n_arch; /* 0: no template */
    double size;
};

/* plan.c */
nas_status plan_space(nas_space *s);
nas_status plan_new(plan **out, nas_space *s, plan_kind kind, const nas_yaml_node *at, size_t n);
/* The options of `{choose: [..]}`, or NULL when the node is something else. */
const nas_yaml_node *choose_of(const nas_yaml_node *n);

/* values.c */
nas_status plan_value(plan **out, nas_space *s, const block_arg *a, const nas_yaml_node *n,
                      const char *path);
nas_status plan_lets(nas_space *s, const nas_yaml_node *lets);
nas_status check_scalar(const block_arg *a, const nas_yaml_node *n);
/* A new gene. Its options are called by their labels, and by their YAML text where there is none.
 */
nas_status gene_new(int32_t *out, nas_space *s, const nas_yaml_node *options, const char *path,
                    const char *const *label);
nas_status mark_repeat(uint32_t *max, nas_space *s, const plan *repeat);

/* resolve.c */
int64_t plan_number(const nas_space *s, const plan *p, const uint16_t *gene);
nas_status resolve_net(form **out, arena *mem, const nas_space *s, const nas_genome *x);

/* genes.c */
nas_status count_networks(nas_space *s);

/* print.c */
void print_flow_yaml(nas_text *t, const nas_yaml_node *n);
nas_status print_network(nas_text *out, const nas_space *s, const form *net);

/* arch.c: the template of a network's name; all genes must be known already. */
nas_status arch_read(nas_space *s, const nas_yaml_node *at);

/* network.c */
nas_status build_network(nas_graph **out, const nas_space *s, const form *net, int32_t batch);

#endif
