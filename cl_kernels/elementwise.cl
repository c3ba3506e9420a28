/* cl_kernels/elementwise.cl - add, mul, activations, dropout, and copies with strides.
 *
 * A tensor is seen as [d0,d1,d2,d3] with d3 contiguous in the result; the second operand has a step
 * for each of the four, 0 where it is repeated. An item takes RUN vectors of one row of d3.
 */
#include "common.clh"
#include "act.clh"
#ifndef RUN
#define RUN 4
#endif

/* Which row and where in it item id works; false: nothing left. */
static inline bool place(int id, int rows, int d3, int *row, int *first) {
    int items = (d3 + RUN * VW - 1) / (RUN * VW);
    *row = id / items;
    *first = (id - *row * items) * RUN * VW;
    return *row < rows;
}
static inline int source(int row, int d1, int d2, int s0, int s1, int s2) {
    int r = row / d2;
    return r / d1 * s0 + r % d1 * s1 + (row - r * d2) * s2;
}
static inline FV load_step(GLOBAL p, int i, int step, int n) {
    return step ? load_n(p + i, n) : (FV)(*p);
}

/* y = a + b (product: a * b) */
FLAT_KERNEL pair4(ITEM int rows, int d1, int d2, int d3, int s0, int s1, int s2, int s3,
                            int product, GLOBAL a, GLOBAL b, __global float *restrict y) {
    int row, first;
    if (!place(ID(0), rows, d3, &row, &first))
        return;
    GLOBAL from = b + source(row, d1, d2, s0, s1, s2);
    bool stream = streams((size_t)rows * d3, y, d3);
    size_t at = (size_t)row * d3;
    for (int i = first; i < min(d3, first + RUN * VW); i += VW) {
        FV u = load_n(a + at + i, d3 - i), v = load_step(from, i, s3, d3 - i);
        u = product ? u * v : u + v;
        if (stream)
            stream_vector(u, y + at + i);
        else
            store_n(u, y + at + i, d3 - i);
    }
}

/* y = scale * x, x with steps: repeats and transpositions that keep the last axis */
FLAT_KERNEL copy4(ITEM int rows, int d1, int d2, int d3, int s0, int s1, int s2, int s3,
                            float scale, GLOBAL x, __global float *restrict y) {
    int row, first;
    if (!place(ID(0), rows, d3, &row, &first))
        return;
    GLOBAL from = x + source(row, d1, d2, s0, s1, s2);
    size_t at = (size_t)row * d3;
    for (int i = first; i < min(d3, first + RUN * VW); i += VW)
        store_n(scale * load_step(from, i, s3, d3 - i), y + at + i, d3 - i);
}

/* y[row,i] = x[row,i] with a pitch and a start on either side */
FLAT_KERNEL copy_rows(ITEM int rows, int inner, int x_pitch, int x_first, int y_pitch,
                                int y_first, GLOBAL x, __global float *restrict y) {
    int row, first;
    if (!place(ID(0), rows, inner, &row, &first))
        return;
    GLOBAL from = x + x_first + (size_t)row * x_pitch;
    __global float *to = y + y_first + (size_t)row * y_pitch;
    for (int i = first; i < min(inner, first + RUN * VW); i += VW)
        store_n(load_n(from + i, inner - i), to + i, inner - i);
}

/* y[i] = value */
__kernel FLAT_WG void fill(int count, float value, __global float *restrict y) {
    int i = get_global_id(0) * VW;
    if (i < count)
        store_n((FV)(value), y + i, count - i);
}

/* y = f(x) */
FLAT_KERNEL act(ITEM int count, int kind, GLOBAL x, __global float *restrict y) {
    int i = ID(0) * VW;
    if (i < count)
        store_n(act_value(load_n(x + i, count - i), kind), y + i, count - i);
}

/* dx = dy f'(x) */
__kernel FLAT_WG void act_grad(int count, int kind, GLOBAL x, GLOBAL dy,
                               __global float *restrict dx) {
    int i = get_global_id(0) * VW;
    if (i < count)
        store_n(load_n(dy + i, count - i) * act_slope(load_n(x + i, count - i), kind), dx + i,
                count - i);
}

/* The mask of nas_dropout_keep, in the same integer arithmetic. */
#define UV CAT(uint, VW)
static inline UV mix(UV h) {
    h ^= h >> 16;
    h *= 0x85EBCA6Bu;
    h ^= h >> 13;
    h *= 0xC2B2AE35u;
    return h ^ h >> 16;
}
/* y[i] = x[i] mask[i / span] / (1 - rate); limit: rate 2^32 as a whole number */
__kernel FLAT_WG void dropout(int count, int span, int stream, int limit, float rate, GLOBAL x,
                              GLOBAL seed, __global float *restrict y) {
    int i = get_global_id(0) * VW;
    if (i >= count)
        return;
    IV at = i + LANES;
    UV index = CAT(as_uint, VW)(span == 1 ? at : at / span);
    UV key = mix(mix((UV)((uint)seed[0] + 0x9E3779B9u)) ^ (UV)((uint)stream));
    IV keep = mix(key + 0x9E3779B9u * index) >= (UV)((uint)limit);
    FV v = load_n(x + i, count - i) / (1.0f - rate);
    store_n(select((FV)(0.0f), v, keep), y + i, count - i);
}
/* state = (1 - m) state + m fresh, the second half of fresh scaled by `unbias` */
__kernel FLAT_WG void ema(int count, float m, float unbias, GLOBAL fresh, __global float *state) {
    int i = get_global_id(0);
    if (i < count)
        state[i] = (1.0f - m) * state[i] + m * (i >= count / 2 ? unbias : 1.0f) * fresh[i];
}
