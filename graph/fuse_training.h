/* graph/fuse_training.h - which nodes of a model a training graph computes in one. */
#ifndef FUSE_TRAINING_H
#define FUSE_TRAINING_H

#include "graph_impl.h"

/* A chain of nodes that ends at a node of the model: what it starts with, and what it takes in. */
typedef struct fused {
    nas_value first;          /* BATCH_NORM by running statistics, CONV2D or MATMUL; NAS_NO_VALUE:
                                 nothing ends here */
    nas_value bias, residual; /* NAS_NO_VALUE: none */
    nas_act act;              /* of a BATCH_NORM */
    bool inside;              /* of a chain, before its end: makes no node of its own */
} fused;

/* *plan: one a node of the model, the caller's (nas_free). Every BATCH_NORM by running statistics
 * starts a chain, if only of itself. */
nas_status fuse_training(fused **plan, const nas_graph *model) NAS_MUST_USE;

#endif
