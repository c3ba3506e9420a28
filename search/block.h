/* search/block.h - what a block is: a table of arguments and a function that appends its nodes.
 *
 * Names of leaves: path of the block, part, role: "s1.0.expand.weight". x is the value that flows
 * through the network: images [N,H,W,C], tokens [N,T,D] or vectors [N,C].
 */
#ifndef NAS_SEARCH_BLOCK_H
#define NAS_SEARCH_BLOCK_H

#include <nas/graph.h>

#include "arena.h"

typedef enum arg_type {
    ARG_INT,  /* whole number min … max */
    ARG_REAL, /* number min … max */
    ARG_BOOL,
    ARG_WORD,  /* one of words */
    ARG_ACT,   /* an activation's name */
    ARG_PAD,   /* same, valid or a whole number */
    ARG_ANY,   /* any scalar: checked where it is used */
    ARG_ITEMS, /* a list of blocks */
    ARG_LISTS, /* a list of branches, each a list of blocks */
    ARG_NODES, /* the nodes of a cell */
    ARG_STAGE  /* block, blocks and repeat of a stage: plan.c reads them */
} arg_type;

typedef struct block_arg {
    const char *name;
    arg_type type;
    const char *fallback; /* NULL: must be given; "": the block decides */
    double min, max;
    const char *const *words; /* NULL behind the last; of a number: words that may stand for it */
    bool stride;              /* 1 in the later repeats of a stage */
} block_arg;

/* A network without choices: scalars, sequences and maps. */
typedef enum form_kind { FORM_SCALAR, FORM_SEQ, FORM_MAP } form_kind;
typedef enum form_copies { COPIES_NONE, COPIES_OF_BLOCK, COPIES_OF_BLOCKS } form_copies;
typedef struct form {
    form_kind kind;
    form_copies copies; /* a SEQ that was written as a repeat */
    const nas_yaml_node *at;
    const nas_yaml_node *value; /* SCALAR: where its text stands; NULL: computed */
    double number;              /* SCALAR without value */
    const char *key, *text;
    uint32_t n;
    struct form **kid;
} form;

const form *form_get(const form *map, const char *key); /* NULL: absent */

enum { PATH_BYTES = 112 }; /* leaves room for ".part.role" in the 128 bytes of a fold's names */
enum { MAX_MEMORY = 64 };

typedef struct build {
    nas_graph *g;
    int32_t batch, classes;
    nas_value seed;   /* made when a dropout first needs it */
    int32_t streams;  /* dropouts so far */
    bool class_token; /* token 0 is a class token */
    nas_value before; /* what went into the last cell; its id 0 before the first */
    int32_t grid[2];  /* rows and columns of the image that the tokens were; 0: none */
    bool embedded;    /* there is a table: the last embedding's */
    nas_value table;
    bool remember; /* the outputs of layers are kept for a decoder: seq2seq.c */
    uint32_t n_memory;
    nas_value memory[MAX_MEMORY]; /* outputs of the encoder's layers, the last one last */
    bool located;                 /* the failure on its way names its block already */
    char path[PATH_BYTES];
} build;

typedef struct block_kind {
    const char *name, *label; /* label: name of an unnamed one in a list; NULL: its index */
    const block_arg *args;
    uint32_t n_args;
    nas_status (*build)(build *b, const form *args, nas_value *x);
} block_kind;

#define BLOCK(name) extern const block_kind block_##name;
#include "blocks.def"
#undef BLOCK

enum { MAX_ARGS = 32 };
#define BLOCK_KIND(kind, args_, label_)                                                            \
    _Static_assert(sizeof(args_) / sizeof *(args_) <= MAX_ARGS, "too many arguments");             \
    const block_kind block_##kind = {.name = #kind,                                                \
                                     .label = (label_),                                            \
                                     .args = (args_),                                              \
                                     .n_args = sizeof(args_) / sizeof *(args_),                    \
                                     .build = build_##kind}

const block_kind *block_find(const char *name); /* NULL: none */
const char *block_nearest(const char *name);    /* NULL: none is near */

/* ---- arguments: checked before build is called, so reading them cannot fail -------------------
 */

bool arg_given(const form *args, const char *name);
const char *arg_word(const block_kind *k, const form *args, const char *name);
int32_t arg_int(const block_kind *k, const form *args, const char *name);
double arg_real(const block_kind *k, const form *args, const char *name);
bool arg_bool(const block_kind *k, const form *args, const char *name);
nas_act arg_act(const block_kind *k, const form *args, const char *name);

/* ---- helpers of block.c ------------------------------------------------------------------------
 */

typedef struct conv_spec {
    int32_t out, kernel, stride, dilation, groups;
    int32_t wide;    /* columns of the kernel; 0: as many as rows */
    const char *pad; /* "same", "valid" or a number; NULL: same */
    bool norm, bias;
    nas_act act;
} conv_spec;

/* Convolution, batch norm and activation as spec says; leaves "PATH.part.weight", "….gamma", …
 * Weights are He-normal with the fan-out R S K / groups. */
nas_status conv_norm_act(build *b, nas_value *x, const char *part, const conv_spec *s);
nas_status batch_norm(build *b, nas_value *x, const char *part);
nas_status layer_norm(build *b, nas_value *x, const char *part, float eps);

typedef enum linear_init {
    LINEAR_TRUNC_NORMAL, /* standard deviation .02: transformers */
    LINEAR_UNIFORM       /* half width 1/sqrt(inputs): everything else */
} linear_init;
nas_status linear(build *b, nas_value *x, const char *part, int32_t out, bool bias,
                  linear_init init);
nas_status dropout(build *b, nas_value *x, double rate, bool per_sample);
nas_status leaf(nas_value *v, build *b, const char *part, const char *role, nas_op op,
                nas_attr attr);

/* "same" is dilation (kernel - 1) zeros in all, the smaller half before: an output of
 * ceil(size / stride). */
void pad_of(int32_t pad[4], const char *text, int32_t kernel, int32_t dilation);

/* E_SHAPE when x is none: `what` says who asks. */
nas_status want_image(const build *b, nas_value x, const char *what);
nas_status want_tokens(const build *b, nas_value x, const char *what);
const nas_shape *shape_of(const build *b, nas_value x);
/* The vector form of x: images are flattened, vectors stay. Tokens are flattened as well. */
nas_status flatten(build *b, nas_value *x);

/* Appends one block of a list (network.c), as `label` in that scope; repeat: nas_graph_scope_push.
 */
nas_status build_item(build *b, const form *item, const char *label, uint32_t repeat, nas_value *x);
/* Opens a scope; leave it with the length that b->path had before. */
nas_status build_enter(build *b, const char *label, const char *kind, uint32_t repeat);
void build_leave(build *b, size_t length);
/* Gives the values of branches (a list of blocks or lists of blocks), each from x. */
nas_status build_branches(nas_value *out, uint32_t max, build *b, const form *branches,
                          nas_value x);
/* Joins values: "add", "mul" or "concat" (of the last axis). A vector [N,C] multiplies images. */
nas_status combine(nas_value *out, build *b, const char *how, const nas_value *v, uint32_t n);

nas_status build_items(build *b, const form *items, bool stage, nas_value *x);

#endif
