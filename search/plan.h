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
#include "bignum.h"
#include "block.h"
#include "expr.h"

enum {
    MAX_LETS = 32,
    MAX_PLANS = 65536,
    MAX_REPEAT = 64,
    MAX_TERMS = 4,
    NO_GENE = -1,
    MAX_OWN = 32,
    MAX_RULES = 16
};

typedef enum plan_kind {
    PLAN_SCALAR,
    PLAN_SEQ,
    PLAN_MAP,
    PLAN_CHOOSE, /* kid[value of the gene] */
    PLAN_REF,    /* a product of let values and a factor */
    PLAN_EXPR,   /* what an expression gives */
    PLAN_ALIAS,  /* a value that stands elsewhere: kid[0] */
    PLAN_CASE,   /* kid[i] whose label is what the expression gives, else the last */
    PLAN_OWN,    /* a block that the file defines: kid[0], made with its arguments */
    PLAN_COUNT,  /* params or MACs of the network, in constraints */
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
    expr *expr;          /* EXPR, CASE */
    const char **label;  /* CASE */
    struct plan **arg;   /* OWN */
    uint32_t n_args;     /* OWN */
    int32_t shared;      /* OWN: index in own, or NO_GENE */
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
    expr **expr;  /* one an option; NULL where that is a scalar */
    bool chosen;  /* written as a choice */
    int32_t gene; /* NO_GENE until its first use */
    bool used;
} let;

/* Where values stand: inside an alternative there is all that is outside of it, in a copy all that
 * is in the copies before it. */
typedef struct context {
    const struct context *outer;
} context;

typedef struct named_value {
    const char *path;
    plan *value;
    const nas_yaml_node *block; /* a parameter that is a block: what to put there; else NULL */
    bool param;                 /* of a block that the file defines */
    const context *where;
    struct named_value *next;
} named_value;
enum { NAME_CHAINS = 1024 };

/* A piece of the template `arch`: a text, then the option of a gene (-1: none follows). */
typedef struct arch_piece {
    const char *text;
    int32_t gene;
} arch_piece;

/* A block that the file defines. */
typedef struct own_block {
    const char *name;
    const nas_yaml_node *at, *args, *body;
    bool shared;     /* its choices are drawn once, however often it is used */
    int8_t bit;      /* shared: in sets of what is used; -1 before its first use */
    uint32_t depth;  /* how many times it is being planned right now */
    const plan *use; /* shared: its first use */
} own_block;

/* Where an item stands: its gene path is prefix.label, unless it brings a name of its own. */
typedef struct place {
    const char *prefix, *label;
    const char *name; /* what its leaves are to be called, from the choice around it; or NULL */
    bool list;        /* an element of a list: may have a name */
    bool nameless;    /* a copy of a stage: called by its number */
    bool later;       /* in a later repeat of a stage: strides are 1 */
} place;

struct nas_space {
    nas_yaml *doc;
    arena mem;
    const char *name, *about;
    plan *hwc; /* a list of three */
    int32_t classes;
    plan *net;
    uint32_t n_genes, n_lets, n_plans;
    nas_gene gene[NAS_MAX_GENES];
    let lets[MAX_LETS];
    own_block own[MAX_OWN];
    uint32_t n_own, depth;
    const own_block *shared[MAX_OWN]; /* in the order in which their first use was finished */
    uint32_t n_shared;
    const char *shared_from, *shared_as; /* paths that begin so are called so; or NULL */
    uint32_t n_constraints;
    struct {
        const nas_yaml_node *at;
        expr *expr;
        bool counts; /* needs params or MACs */
    } constraint[MAX_RULES];
    const context *here;
    bool anywhere; /* names of constraints may stand in alternatives */
    named_value *names[NAME_CHAINS];
    const nas_yaml_node *options[NAS_MAX_GENES]; /* of each gene */
    int8_t bit[NAS_MAX_GENES];                   /* in sets of used genes (genes.c); -1: in none */
    bool late[NAS_MAX_GENES];                    /* may count whatever the genes before it are */
    bool counts[NAS_MAX_GENES]; /* its value decides what else there is: genes.c tries each */
    uint32_t n_bits;
    arch_piece *arch;
    uint32_t n_arch; /* 0: no template */
    bignum size;     /* constraints left aside */
};

/* plan.c */
nas_status plan_new(plan **out, nas_space *s, plan_kind kind, const nas_yaml_node *at, size_t n);
/* The options of `{choose: [..]}`, or NULL when the node is something else. */
const nas_yaml_node *choose_of(const nas_yaml_node *n);

nas_status plan_item(plan **out, nas_space *s, const nas_yaml_node *n, place at);
nas_status plan_join(const char **out, nas_space *s, const char *prefix, const char *label);
nas_status plan_check_name(const char *name, const nas_yaml_node *at);
/* The kind of a single block; NULL for lists and choices. */
const char *plan_kind_of(const nas_yaml_node *n);
/* The name an element of a list has by itself; NULL: none. */
nas_status plan_own_name(const char **out, const nas_yaml_node **at, const nas_yaml_node *n);
nas_status plan_choice(plan **out, nas_space *s, const nas_yaml_node *n, place at);
nas_status plan_name(const char **out, const nas_yaml_node *n); /* a name that blocks may have */
nas_status plan_text(plan **out, nas_space *s, const nas_yaml_node *at, const char *key,
                     const char *text);
nas_status plan_items(plan **out, nas_space *s, const nas_yaml_node *n, const char *prefix,
                      bool later);

/* plan_parts.c */
nas_status plan_lists(plan **out, nas_space *s, const nas_yaml_node *n, const char *path,
                      bool later);
nas_status plan_nodes(plan **out, nas_space *s, const nas_yaml_node *n, const char *path,
                      bool later);
/* { case: "= expression", of: {value: block, else: block} } */
nas_status plan_case(plan **out, nas_space *s, const nas_yaml_node *n, place at);

/* own.c */
nas_status own_read(nas_space *s, const nas_yaml_node *blocks);
own_block *own_find(nas_space *s, const char *kind);
const char *own_nearest(const nas_space *s, const char *kind);
nas_status plan_own(plan **out, nas_space *s, own_block *o, const nas_yaml_node *args,
                    const char *path, place at);

/* constraints.c */
/* E_SHAPE: one is not met. Those over genes alone, and those over the counts of the graph. */
nas_status constraints_genes(const nas_space *s, const nas_genome *x);
nas_status constraints_counts(const nas_space *s, const nas_genome *x, const nas_graph *g);
nas_status constraints_read(nas_space *s, const nas_yaml_node *list);

/* plan_file.c */
nas_status plan_space(nas_space *s);

/* values.c */
nas_status plan_value(plan **out, nas_space *s, const block_arg *a, const nas_yaml_node *n,
                      const char *path);
nas_status plan_lets(nas_space *s, const nas_yaml_node *lets);
nas_status check_scalar(const block_arg *a, const nas_yaml_node *n);
/* Whether a computed value suits the argument. */
nas_status check_worth(const block_arg *a, const nas_yaml_node *at, const worth *w);
nas_status use_let(int32_t *out, nas_space *s, const nas_yaml_node *at, const char *name, size_t n);
/* A new gene. Its options are called by their labels, and by their YAML text where there is none.
 */
nas_status gene_new(int32_t *out, nas_space *s, const nas_yaml_node *options, const char *path,
                    const char *const *label);
/* What a value of a shared block is called at all its uses; NULL: it belongs to none. */
nas_status shared_path(const char **out, nas_space *s, const char *path);
nas_status mark_repeat(uint32_t *max, nas_space *s, const plan *repeat);

/* scope.c */
nas_status bit_new(int8_t *out, nas_space *s, const nas_yaml_node *at);
/* Gives a gene a bit in the sets of used genes. */
nas_status gene_track(nas_space *s, int32_t gene, const nas_yaml_node *at);
nas_status context_enter(nas_space *s); /* an alternative or a copy; leave by restoring s->here */
nas_status name_add(nas_space *s, const char *path, plan *value);
/* The value that `name` means in an argument called `path`: an argument beside it, else one further
 * outside, else a let name. */
nas_status name_find(plan **out, nas_space *s, const char *name, const char *path,
                     const nas_yaml_node *at);
nas_status param_add(nas_space *s, const char *path, plan *value, const nas_yaml_node *block);
/* The parameter `name` of the block around; NULL: there is none. */
const named_value *param_find(nas_space *s, const char *name, const char *path);
/* text: without '='. */
nas_status plan_expr(plan **out, nas_space *s, const nas_yaml_node *n, const char *text,
                     const char *path);
bool plan_is_constant(const nas_space *s, const plan *p);
/* Calls each with what every setting of the genes that p depends on gives; E_PARSE when one cannot
 * be evaluated. *all is false when there are too many settings to try. */
nas_status plan_each_worth(bool *all, const nas_space *s, const plan *p,
                           nas_status (*each)(void *ctx, const worth *w), void *ctx);
/* From now on the genes that p depends on are tried one by one when networks are counted. */
nas_status mark_counts(nas_space *s, const plan *p);

/* resolve.c */
nas_status plan_worth(worth *out, const nas_space *s, const plan *p, const uint16_t *gene);
nas_status let_worth(worth *out, const nas_space *s, int32_t index, const uint16_t *gene);
worth text_worth(const char *text);
int64_t plan_number(const nas_space *s, const plan *p, const uint16_t *gene);
/* What stands for a choice, case, alias or own block under a genome; NULL: p itself. */
const plan *plan_instead(const nas_space *s, const plan *p, const uint16_t *gene);
void plan_set_counts(double params, double macs);
void resolve_input(int32_t hwc[3], const nas_space *s, const uint16_t *gene);
uint32_t plan_copies_now(const nas_space *s, const plan *p, const uint16_t *gene);
nas_status resolve_net(form **out, arena *mem, const nas_space *s, const nas_genome *x);

/* count.c */
nas_status count_networks(nas_space *s);

/* print.c */
void print_flow_yaml(nas_text *t, const nas_yaml_node *n);
nas_status print_network(nas_text *out, const nas_space *s, const form *net, const int32_t hwc[3]);

/* arch.c: the template of a network's name; all genes must be known already. */
nas_status arch_read(nas_space *s, const nas_yaml_node *at);

/* network.c */
nas_status build_network(nas_graph **out, const nas_space *s, const form *net, const int32_t hwc[3],
                         int32_t batch);

#endif
