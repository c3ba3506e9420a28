/* hwmodels/residual.h - what measured kernels take beyond the formula of the roofline: for each
 * group of kernels, trees over the sizes of a kernel. */
#ifndef NAS_HWMODELS_RESIDUAL_H
#define NAS_HWMODELS_RESIDUAL_H

#include "boost.h"
#include "device.h"

/* Numbers of a kernel: logarithms are to base 2. */
#define RESIDUAL_FEATURE_MAP(X)                                                                    \
    X(FLOPS, flops)                                                                                \
    X(BYTES, bytes)                                                                                \
    X(ROWS, rows)             /* elements of the result but for its last axis */                   \
    X(COLUMNS, columns)       /* that axis */                                                      \
    X(DEPTH, depth)           /* multiply-adds for an element */                                   \
    X(WEIGHTS, weights)       /* elements of constant inputs */                                    \
    X(IN_COLUMNS, in_columns) /* last axis of the first input */                                   \
    X(SHRINK, shrink)         /* elements of the first input over those of the result */           \
    X(WINDOW, window)         /* places of a window; heads of an attention */                      \
    X(EPILOGUE, epilogue)     /* inputs beyond the product's */                                    \
    X(ACT, act)               /* number of the activation, not a logarithm */                      \
    X(LAYOUT, layout)         /* which operands are transposed, likewise */                        \
    X(FILL, fill)             /* share of full tiles */                                            \
    X(IMAGES, images)         /* the first axis */                                                 \
    X(ALL_WEIGHTS,                                                                                 \
      all_weights) /* bytes of the network, which the caches keep for the next run or */           \
    X(ALL_ACTIVATIONS, all_activations) /* not */

typedef enum residual_feature {
#define X(symbol, name) RESIDUAL_##symbol,
    RESIDUAL_FEATURE_MAP(X)
#undef X
        RESIDUAL_FEATURES
} residual_feature;

enum { RESIDUAL_MOST_GROUPS = 48, RESIDUAL_GROUP_TEXT = 24 };
typedef struct residual_group {
    char name[RESIDUAL_GROUP_TEXT];
    double add_s; /* what every kernel takes beside its roof */
    boost trees;  /* natural logarithm of measured over roof + add_s */
} residual_group;
struct nas_residual {
    uint32_t n;
    residual_group group[RESIDUAL_MOST_GROUPS];
};

/* Convolutions by class, everything else by op. */
const char *nas_residual_group(const nas_graph *g, const nas_node *n);
/* all: of the whole network. */
void nas_residual_features(double x[RESIDUAL_FEATURES], const nas_hw *h, const nas_graph *g,
                           nas_value v, const nas_footprint *all);
/* The key `residual` of a device file. */
nas_status nas_residual_read(nas_residual **out, const nas_yaml_node *map) NAS_MUST_USE;
void nas_residual_write(nas_text *yaml, const nas_residual *r, const char *source);

#endif
