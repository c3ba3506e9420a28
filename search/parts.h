/* search/parts.h - parts of blocks that work on tokens: forms, gates, embeddings. */
#ifndef NAS_SEARCH_PARTS_H
#define NAS_SEARCH_PARTS_H

#include "block.h"

/* conv_norm_act on tokens, along which a kernel x 1 window moves (stride 1). */
nas_status token_conv(build *b, nas_value *x, const char *part, conv_spec s);
/* Images to tokens [N,HW,C] and the other way; what they are called by is kept in b->grid. */
nas_status to_tokens(build *b, nas_value *x);
nas_status to_image(build *b, nas_value *x, int32_t height, int32_t width);
/* The first half of the last axis times the sigmoid of the second. Dauphin et al. 2017 */
nas_status gated(build *b, nas_value *x);
/* A param that starts as a truncated normal of .02 without weight decay: positions, class tokens.
 */
nas_status embedding(nas_value *v, build *b, const char *part, const char *role, nas_shape shape);
/* Puts a class token before the tokens. */
nas_status class_token(build *b, nas_value *x);

/* Where the layer norm of a residual block stands: x + f(LN x), LN(x + f(x)), or nowhere. */
typedef enum pre_norm { NORM_BEFORE, NORM_AFTER, NORM_NONE } pre_norm;
pre_norm pre_norm_of(const char *word); /* "before", "after", "none" */
nas_status norm_before(build *b, nas_value *x, pre_norm n);
/* *x = x + y, or y where skip is false; then the norm that stands behind. */
nas_status join_path(build *b, nas_value *x, nas_value y, bool skip, pre_norm n);
/* Keeps a layer's output where an encoder is being built. */
nas_status remember(build *b, nas_value x);

#endif
