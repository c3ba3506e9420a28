/* search/attention.h - attention in all the forms that blocks need: of tokens or images, global or
 * in windows, with keys of their own number and width, with relative positions. */
#ifndef NAS_SEARCH_ATTENTION_H
#define NAS_SEARCH_ATTENTION_H

#include "parts.h"

typedef enum position_kind {
    POSITION_NONE,
    POSITION_ABS,    /* a bias for each |dy|, |dx|: Graham et al. 2021 */
    POSITION_SIGNED, /* a bias for each dy, dx: Liu et al. 2021 */
    POSITION_SPLIT   /* vectors for each dy and each dx, met by queries and added to values: Shaw et
                        al. 2018, in two dimensions Wu et al. 2021 */
} position_kind;

typedef struct attention_spec {
    int32_t heads;
    int32_t key, value; /* width of a head's keys and values; 0: channels / heads, as the keys */
    int32_t out;        /* channels of the result; 0: as before */
    int32_t window;     /* > 0: within windows of so many rows and columns */
    int32_t reduce;    /* > 1: keys from a convolution of this kernel and stride, then layer norm */
    int32_t stride;    /* > 1: queries on every stride-th row and column */
    int32_t project;   /* > 0: a depthwise convolution of this kernel before each projection ... */
    int32_t kv_stride; /* ... and its stride for keys and values */
    int32_t local;     /* > 0: a depthwise convolution of this kernel on the values */
    position_kind position;
    int32_t clip;    /* distances beyond it count as it; 0: all are told apart */
    bool bias;       /* of the projections to queries, keys, values */
    bool norm;       /* batch norm behind every projection, and no biases */
    bool talk;       /* heads are mixed before and behind the softmax: Shazeer et al. 2020 */
    bool causal;     /* token t sees tokens 0 ... t */
    uint32_t memory; /* > 0: keys and values are the last outputs of so many encoder layers */
    nas_act act;     /* before the last projection */
} attention_spec;

position_kind position_of(const char *word); /* "none", "abs", "signed", "split" */

/* E_SHAPE when heads, windows or strides do not fit x. */
nas_status attention(build *b, nas_value *x, const attention_spec *s);

#endif
