/* tests/support/case_table.c - the op cases: odd, never square, each form once; then sizes. */
#include "cases.h"

/* The table is read by columns. */
/* clang-format off */
#define DIMS(...) {(int32_t)(sizeof((int32_t[]){__VA_ARGS__}) / sizeof(int32_t)), {__VA_ARGS__}}
#define IN(...) {FILL_NORMAL, DIMS(__VA_ARGS__)}
#define GRID(...) {FILL_GRID, DIMS(__VA_ARGS__)}
#define LARGE(...) {FILL_LARGE, DIMS(__VA_ARGS__)}
#define LABELS(n) {FILL_LABELS, DIMS(n)}
#define STATS(c) {FILL_STATS, DIMS(2, c)}
#define STATE(c) {FILL_STATE, DIMS(2, c)}
#define IDS(...) {FILL_IDS, DIMS(__VA_ARGS__)}
#define SCALAR {FILL_NORMAL, {0, {0}}}
#define SEED {FILL_SEED, {0, {0}}}

#define NOATTR {.act = {0}}
/* kernel, stride and dilation (h, w); pad top, bottom, left, right; groups */
#define CONV(kh, kw, sh, sw, dh, dw, t, b, l, r, g)                                                \
    {.conv = {.kernel = {kh, kw}, .stride = {sh, sw}, .dilation = {dh, dw}, .pad = {t, b, l, r}, .groups = g}}
/* square kernel, stride, pad; groups; epilogue */
#define CONVE(k, s, p, g, a, bi, re)                                                               \
    {.conv = {.kernel = {k, k}, .stride = {s, s}, .dilation = {1, 1}, .pad = {p, p, p, p},         \
              .groups = g, .act = a, .bias = bi, .residual = re}}
#define CONVQ(k, s, p, g) CONVE(k, s, p, g, NAS_ACT_NONE, 0, 0)
#define POOL(kh, kw, sh, sw, t, b, l, r, inc)                                                      \
    {.conv = {.kernel = {kh, kw}, .stride = {sh, sw}, .dilation = {1, 1}, .pad = {t, b, l, r}, .include_pad = inc}}
#define MATMUL(a, b) {.matmul = {.ta = a, .tb = b, .alpha = 1}}
#define MATMULS(al) {.matmul = {.ta = 1, .alpha = al, .sums = 1}}
#define MATMULE(al, a, bi, re) {.matmul = {.alpha = al, .act = a, .bias = bi, .residual = re}}
#define ATTN(h, c) {.attention = {.heads = h, .causal = c}}
#define ACTK(a) {.act = {.kind = a}}
#define DROP(r, s, st) {.dropout = {.rate = r, .per_sample = s, .stream = st}}
#define EPS(e) {.norm = {.eps = e}}
#define NORMA(e, a) {.norm = {.eps = e, .act = a}}
#define EMA(m, c) {.norm = {.momentum = m, .count = c}}
#define SHAPE(s, ...) {.shape = {.scale = s, .shape = DIMS(__VA_ARGS__)}}
#define TO_SCALAR(s) {.shape = {.scale = s}}
#define PERM(...) {.transpose = {.perm = {__VA_ARGS__}}}
#define AXIS(a, b, e) {.axis = {.axis = a, .begin = b, .end = e}}
/* grid, clip, stride, class tokens, form, shared */
#define REL(h, w, ch, cw, s, f, form_, sh)                                                         \
    {.relative = {.grid = {h, w}, .clip = {ch, cw}, .stride = s, .first = f, .form = NAS_RELATIVE_##form_, .shared = sh}}
#define SMOOTH(e) {.loss = {.smoothing = e}}

/* The sizes at which kernels change from vectors to tails and from one tile to two. */
#define SIZES(X) X(1) X(3) X(7) X(31) X(32) X(33) X(63) X(64) X(65)

#define SIZED(n)                                                                                   \
    {"conv2d/3x3_c" #n, NAS_OP_CONV2D, CASE_BIG, {IN(2, 7, 9, n), IN(3, 3, n, n)}, CONVQ(3, 1, 1, 1)}, \
    {"conv2d/3x3_s2_c" #n, NAS_OP_CONV2D, CASE_BIG, {IN(2, 8, 9, n), IN(3, 3, n, 33)}, CONVQ(3, 2, 1, 1)}, \
    {"conv2d/rgb_to_" #n, NAS_OP_CONV2D, CASE_BIG, {IN(1, 9, 8, 3), IN(5, 5, 3, n), IN(n)}, CONVE(5, 2, 2, 1, NAS_ACT_NONE, 1, 0)}, \
    {"conv2d/1x1_" #n "_to_40", NAS_OP_CONV2D, CASE_BIG, {IN(2, 5, 7, n), IN(1, 1, n, 40)}, CONVQ(1, 1, 0, 1)}, \
    {"conv2d/1x1_24_to_" #n, NAS_OP_CONV2D, CASE_BIG, {IN(2, 5, 7, 24), IN(1, 1, 24, n), IN(n), IN(2, 5, 7, n)}, CONVE(1, 1, 0, 1, NAS_ACT_NONE, 1, 1)}, \
    {"conv2d/fused_c" #n, NAS_OP_CONV2D, CASE_BIG | CASE_NO_GRAD, {IN(2, 7, 5, 8), IN(3, 3, 8, n), IN(n), IN(2, 7, 5, n)}, CONVE(3, 1, 1, 1, NAS_ACT_HSWISH, 1, 1)}, \
    {"conv2d/depthwise_c" #n, NAS_OP_CONV2D, CASE_BIG, {IN(2, 9, 7, n), IN(3, 3, 1, n)}, CONVQ(3, 1, 1, n)}, \
    {"conv2d/depthwise_5x5_s2_c" #n, NAS_OP_CONV2D, CASE_BIG, {IN(2, 9, 8, n), IN(5, 5, 1, n)}, CONVQ(5, 2, 2, n)}, \
    {"conv2d/depthwise_x2_c" #n, NAS_OP_CONV2D, CASE_BIG, {IN(1, 5, 7, n), IN(3, 3, 1, 2 * n)}, CONVQ(3, 1, 1, n)}, \
    {"matmul/nn_" #n, NAS_OP_MATMUL, CASE_BIG, {IN(n, 31), IN(31, n)}, MATMUL(0, 0)},              \
    {"matmul/nn_k" #n, NAS_OP_MATMUL, CASE_BIG, {IN(33, n), IN(n, 65)}, MATMUL(0, 0)},             \
    {"matmul/tn_" #n, NAS_OP_MATMUL, CASE_BIG, {IN(33, n), IN(33, n)}, MATMUL(1, 0)},              \
    {"matmul/sums_" #n, NAS_OP_MATMUL, CASE_BIG | CASE_NO_GRAD, {IN(33, n), IN(33, n)}, MATMULS(1)}, \
    {"matmul/nt_" #n, NAS_OP_MATMUL, CASE_BIG, {IN(n, 63), IN(n, 63)}, MATMUL(0, 1)},              \
    {"matmul/tt_" #n, NAS_OP_MATMUL, CASE_BIG, {IN(n, 17), IN(64, n)}, MATMUL(1, 1)},              \
    {"matmul/batch_nn_" #n, NAS_OP_MATMUL, CASE_BIG, {IN(3, 7, n), IN(3, n, 9)}, MATMUL(0, 0)},    \
    {"matmul/linear_" #n, NAS_OP_MATMUL, CASE_BIG, {IN(2, 9, 24), IN(24, n), IN(n)}, MATMULE(1, NAS_ACT_NONE, 1, 0)}, \
    {"matmul/fused_" #n, NAS_OP_MATMUL, CASE_BIG | CASE_NO_GRAD, {IN(5, 32), IN(32, n), IN(n), IN(5, n)}, MATMULE(0.5f, NAS_ACT_GELU, 1, 1)}, \
    {"attention/t" #n, NAS_OP_ATTENTION, CASE_BIG, {IN(2, n, 96)}, ATTN(4, 0)},                    \
    {"attention/causal_t" #n, NAS_OP_ATTENTION, CASE_BIG, {IN(1, n, 48)}, ATTN(2, 1)},             \
    {"attention/width_" #n, NAS_OP_ATTENTION, CASE_BIG, {IN(2, 9, 6 * n)}, ATTN(2, 0)},            \
    {"add/same_" #n, NAS_OP_ADD, CASE_BIG, {IN(5, n), IN(5, n)}, NOATTR},                            \
    {"add/bias_" #n, NAS_OP_ADD, CASE_BIG, {IN(3, 5, n), IN(n)}, NOATTR},                            \
    {"mul/gate_" #n, NAS_OP_MUL, CASE_BIG, {IN(2, 5, 3, n), IN(2, 1, 1, n)}, NOATTR},                \
    {"act/gelu_" #n, NAS_OP_ACT, CASE_BIG, {GRID(7, n)}, ACTK(NAS_ACT_GELU)},                              \
    {"dropout/" #n, NAS_OP_DROPOUT, CASE_BIG, {IN(n, 5), SEED}, DROP(0.25f, 0, 3)},                \
    {"softmax/" #n, NAS_OP_SOFTMAX, CASE_BIG, {IN(9, n)}, NOATTR},                                   \
    {"layer_norm/" #n, NAS_OP_LAYER_NORM, CASE_BIG, {IN(33, n), IN(n), IN(n)}, EPS(1e-3f)},        \
    {"batch_norm/own_" #n, NAS_OP_BATCH_NORM, CASE_BIG | CASE_OWN_STATS, {IN(2, 7, 9, n), IN(n), IN(n)}, EPS(1e-3f)}, \
    {"batch_norm/frozen_" #n, NAS_OP_BATCH_NORM, CASE_BIG, {IN(2, 7, 9, n), IN(n), IN(n), STATS(n)}, EPS(1e-3f)}, \
    {"batch_norm/hswish_" #n, NAS_OP_BATCH_NORM, CASE_BIG | CASE_OWN_STATS, {IN(2, 7, 9, n), IN(n), IN(n)}, NORMA(1e-3f, NAS_ACT_HSWISH)}, \
    {"batch_norm/residual_" #n, NAS_OP_BATCH_NORM, CASE_BIG, {IN(2, 7, 9, n), IN(n), IN(n), STATS(n), IN(2, 7, 9, n)}, NORMA(1e-3f, NAS_ACT_RELU)}, \
    {"max_pool/" #n, NAS_OP_MAX_POOL, CASE_BIG, {GRID(1, 9, 8, n)}, POOL(3, 3, 2, 2, 1, 1, 1, 1, 0)}, \
    {"avg_pool/" #n, NAS_OP_AVG_POOL, CASE_BIG, {IN(1, 9, 8, n)}, POOL(3, 3, 1, 1, 1, 1, 1, 1, 0)}, \
    {"global_pool/" #n, NAS_OP_GLOBAL_POOL, CASE_BIG, {IN(3, 5, 7, n)}, NOATTR},                     \
    {"transpose/" #n, NAS_OP_TRANSPOSE, CASE_BIG, {IN(33, n)}, PERM(1, 0)},                        \
    {"concat/" #n, NAS_OP_CONCAT, CASE_BIG, {IN(3, 4, n), IN(3, 4, 7), IN(3, 4, n)}, AXIS(2, 0, 0)}, \
    {"sum_to/vector_" #n, NAS_OP_SUM_TO, CASE_BIG, {IN(130, n)}, SHAPE(1, n)},                     \
    {"sum_to/tokens_" #n, NAS_OP_SUM_TO, CASE_BIG, {IN(9, 5, n)}, SHAPE(0.5f, 1, 5, n)},           \
    {"cross_entropy/" #n, NAS_OP_CROSS_ENTROPY, CASE_BIG, {IN(n, 10), LABELS(n)}, SMOOTH(0.1f)},   \
    {"cross_entropy/classes_" #n, NAS_OP_CROSS_ENTROPY, CASE_BIG, {IN(9, n), LABELS(9)}, SMOOTH(0)}, \
    {"correct/" #n, NAS_OP_CORRECT, CASE_BIG, {IN(n, 10), LABELS(n)}, NOATTR},

const op_case op_cases[] = {
    {"conv2d/3x3_same", NAS_OP_CONV2D, 0, {IN(2, 5, 7, 3), IN(3, 3, 3, 4)}, CONVQ(3, 1, 1, 1)},
    {"conv2d/3x3_vectors", NAS_OP_CONV2D, CASE_BIG, {IN(2, 9, 8, 16), IN(3, 3, 16, 48)}, CONV(3, 3, 1, 1, 1, 1, 0, 2, 2, 0, 1)},
    {"conv2d/3x3_blocks", NAS_OP_CONV2D, CASE_BIG, {IN(1, 8, 7, 80), IN(3, 3, 80, 96), IN(96), IN(1, 8, 7, 96)}, CONVE(3, 1, 1, 1, NAS_ACT_NONE, 1, 1)},
    {"conv2d/3x3_s2_vectors", NAS_OP_CONV2D, CASE_BIG, {IN(2, 15, 12, 16), IN(3, 3, 16, 48)}, CONV(3, 3, 2, 2, 1, 1, 0, 2, 2, 0, 1)},
    {"conv2d/3x3_s2_blocks", NAS_OP_CONV2D, CASE_BIG, {IN(1, 13, 9, 80), IN(3, 3, 80, 96), IN(96), IN(1, 7, 5, 96)}, CONVE(3, 2, 1, 1, NAS_ACT_NONE, 1, 1)},
    {"conv2d/3x3_s2_edges", NAS_OP_CONV2D, CASE_BIG, {IN(1, 5, 18, 32), IN(3, 3, 32, 64)}, CONV(3, 3, 2, 2, 1, 1, 1, 2, 0, 0, 1)},
    {"conv2d/3x3_s2_small", NAS_OP_CONV2D, CASE_BIG, {IN(40, 4, 5, 16), IN(3, 3, 16, 16)}, CONVQ(3, 2, 1, 1)},
    {"conv2d/valid", NAS_OP_CONV2D, 0, {IN(2, 5, 6, 2), IN(3, 2, 2, 3)}, CONV(3, 2, 1, 1, 1, 1, 0, 0, 0, 0, 1)},
    {"conv2d/pad_asymmetric", NAS_OP_CONV2D, 0, {IN(2, 7, 6, 2), IN(3, 2, 2, 3)}, CONV(3, 2, 2, 1, 1, 1, 1, 0, 0, 2, 1)},
    {"conv2d/stride_2", NAS_OP_CONV2D, 0, {IN(1, 8, 7, 3), IN(3, 3, 3, 5)}, CONVQ(3, 2, 1, 1)},
    {"conv2d/stride_over_kernel", NAS_OP_CONV2D, 0, {IN(2, 7, 9, 3), IN(1, 1, 3, 2)}, CONV(1, 1, 2, 3, 1, 1, 0, 0, 0, 0, 1)},
    {"conv2d/stride_leaves_rest", NAS_OP_CONV2D, 0, {IN(1, 9, 8, 2), IN(2, 2, 2, 3)}, CONV(2, 2, 3, 3, 1, 1, 0, 0, 0, 0, 1)},
    {"conv2d/dilation", NAS_OP_CONV2D, 0, {IN(1, 9, 8, 2), IN(3, 3, 2, 3)}, CONV(3, 3, 1, 1, 2, 3, 2, 2, 3, 3, 1)},
    {"conv2d/dilation_stride", NAS_OP_CONV2D, 0, {IN(1, 9, 8, 2), IN(3, 2, 2, 3)}, CONV(3, 2, 2, 3, 2, 2, 1, 2, 0, 1, 1)},
    {"conv2d/groups", NAS_OP_CONV2D, 0, {IN(2, 5, 4, 6), IN(3, 3, 3, 4)}, CONVQ(3, 1, 1, 2)},
    {"conv2d/groups_stride", NAS_OP_CONV2D, 0, {IN(1, 5, 7, 6), IN(3, 3, 2, 9)}, CONVQ(3, 2, 1, 3)},
    {"conv2d/depthwise", NAS_OP_CONV2D, 0, {IN(2, 5, 6, 5), IN(3, 3, 1, 5)}, CONVQ(3, 1, 1, 5)},
    {"conv2d/depthwise_multiplier", NAS_OP_CONV2D, 0, {IN(1, 5, 6, 3), IN(3, 3, 1, 6)}, CONVQ(3, 2, 1, 3)},
    {"conv2d/depthwise_dilation", NAS_OP_CONV2D, 0, {IN(1, 7, 6, 3), IN(3, 3, 1, 3)}, CONV(3, 3, 1, 1, 2, 2, 2, 2, 2, 2, 3)},
    {"conv2d/1x1", NAS_OP_CONV2D, 0, {IN(2, 3, 5, 7), IN(1, 1, 7, 3)}, CONVQ(1, 1, 0, 1)},
    {"conv2d/1x1_stride", NAS_OP_CONV2D, 0, {IN(2, 4, 5, 3), IN(1, 1, 3, 4)}, CONVQ(1, 2, 0, 1)},
    {"conv2d/one_pixel", NAS_OP_CONV2D, 0, {IN(1, 1, 1, 1), IN(1, 1, 1, 1)}, CONVQ(1, 1, 0, 1)},
    {"conv2d/7x7_stride", NAS_OP_CONV2D, 0, {IN(1, 9, 11, 3), IN(7, 7, 3, 2)}, CONVQ(7, 2, 3, 1)},
    {"conv2d/patches", NAS_OP_CONV2D, 0, {IN(2, 8, 12, 3), IN(4, 4, 3, 6)}, CONVQ(4, 4, 0, 1)},
    {"conv2d/pad_over_kernel", NAS_OP_CONV2D, 0, {IN(1, 3, 4, 2), IN(2, 2, 2, 3)}, CONV(2, 2, 1, 1, 1, 1, 3, 3, 2, 4, 1)},
    {"conv2d/bias", NAS_OP_CONV2D, 0, {IN(2, 3, 5, 2), IN(3, 3, 2, 3), IN(3)}, CONVE(3, 1, 1, 1, NAS_ACT_NONE, 1, 0)},
    {"conv2d/residual", NAS_OP_CONV2D, 0, {IN(2, 3, 5, 2), IN(3, 3, 2, 3), IN(2, 3, 5, 3)}, CONVE(3, 1, 1, 1, NAS_ACT_NONE, 0, 1)},
    {"conv2d/bias_residual", NAS_OP_CONV2D, 0, {IN(2, 3, 5, 2), IN(3, 3, 2, 3), IN(3), IN(2, 3, 5, 3)}, CONVE(3, 1, 1, 1, NAS_ACT_NONE, 1, 1)},
#define NAS_ACT(symbol, name) {"conv2d/fused_" #name, NAS_OP_CONV2D, NAS_ACT_##symbol ? CASE_NO_GRAD : 0, {IN(1, 5, 7, 3), IN(3, 3, 3, 9), IN(9)}, CONVE(3, 2, 1, 1, NAS_ACT_##symbol, 1, 0)},
#include <nas/act.def>
#undef NAS_ACT
    {"conv2d/depthwise_fused", NAS_OP_CONV2D, CASE_NO_GRAD, {IN(2, 5, 6, 9), IN(3, 3, 1, 9), IN(9)}, CONVE(3, 1, 1, 9, NAS_ACT_RELU6, 1, 0)},

    {"matmul/nn", NAS_OP_MATMUL, 0, {IN(3, 4), IN(4, 2)}, MATMUL(0, 0)},
    {"matmul/tn", NAS_OP_MATMUL, 0, {IN(4, 3), IN(4, 2)}, MATMUL(1, 0)},
    {"matmul/nt", NAS_OP_MATMUL, 0, {IN(3, 4), IN(2, 4)}, MATMUL(0, 1)},
    {"matmul/tt", NAS_OP_MATMUL, 0, {IN(4, 3), IN(2, 4)}, MATMUL(1, 1)},
    {"matmul/row", NAS_OP_MATMUL, 0, {IN(5), IN(5, 3)}, MATMUL(0, 0)},
    {"matmul/row_nt", NAS_OP_MATMUL, 0, {IN(5), IN(3, 5)}, MATMUL(0, 1)},
    {"matmul/row_bias", NAS_OP_MATMUL, 0, {IN(5), IN(5, 3), IN(3)}, MATMULE(1, NAS_ACT_NONE, 1, 0)},
    {"matmul/batch_nn", NAS_OP_MATMUL, 0, {IN(2, 3, 4), IN(2, 4, 5)}, MATMUL(0, 0)},
    {"matmul/batch_tn", NAS_OP_MATMUL, 0, {IN(2, 4, 3), IN(2, 4, 5)}, MATMUL(1, 0)},
    {"matmul/batch_nt", NAS_OP_MATMUL, 0, {IN(2, 3, 4), IN(2, 5, 4)}, MATMUL(0, 1)},
    {"matmul/batch_tt", NAS_OP_MATMUL, 0, {IN(2, 4, 3), IN(2, 5, 4)}, MATMUL(1, 1)},
    {"matmul/rank_4", NAS_OP_MATMUL, 0, {IN(2, 3, 4, 5), IN(2, 3, 5, 2)}, MATMUL(0, 0)},
    {"matmul/shared_nn", NAS_OP_MATMUL, 0, {IN(2, 3, 4), IN(4, 5)}, MATMUL(0, 0)},
    {"matmul/shared_tn", NAS_OP_MATMUL, 0, {IN(2, 4, 3), IN(4, 5)}, MATMUL(1, 0)},
    {"matmul/shared_nt", NAS_OP_MATMUL, 0, {IN(2, 3, 4), IN(5, 4)}, MATMUL(0, 1)},
    {"matmul/shared_tt", NAS_OP_MATMUL, 0, {IN(2, 4, 3), IN(5, 4)}, MATMUL(1, 1)},
    {"matmul/shared_rank_6", NAS_OP_MATMUL, 0, {IN(2, 1, 2, 1, 3, 4), IN(4, 3)}, MATMUL(0, 0)},
    {"matmul/shared_batch_of_one", NAS_OP_MATMUL, 0, {IN(1, 3, 4), IN(4, 2)}, MATMUL(0, 0)},
    {"matmul/alpha", NAS_OP_MATMUL, 0, {IN(3, 4), IN(4, 2)}, MATMULE(-0.5f, NAS_ACT_NONE, 0, 0)},
    {"matmul/bias", NAS_OP_MATMUL, 0, {IN(2, 3, 4), IN(4, 5), IN(5)}, MATMULE(1, NAS_ACT_NONE, 1, 0)},
    {"matmul/residual", NAS_OP_MATMUL, 0, {IN(3, 4), IN(4, 5), IN(3, 5)}, MATMULE(2, NAS_ACT_NONE, 0, 1)},
    {"matmul/bias_residual", NAS_OP_MATMUL, 0, {IN(3, 4), IN(4, 5), IN(5), IN(3, 5)}, MATMULE(0.5f, NAS_ACT_NONE, 1, 1)},
#define NAS_ACT(symbol, name) {"matmul/fused_" #name, NAS_OP_MATMUL, NAS_ACT_##symbol ? CASE_NO_GRAD : 0, {IN(7, 4), IN(4, 9), IN(9)}, MATMULE(1, NAS_ACT_##symbol, 1, 0)},
#include <nas/act.def>
#undef NAS_ACT
    {"matmul/sums", NAS_OP_MATMUL, CASE_NO_GRAD, {IN(5, 3), IN(5, 4)}, MATMULS(-0.5f)},
    {"matmul/sums_tall", NAS_OP_MATMUL, CASE_BIG | CASE_NO_GRAD, {IN(1030, 33), IN(1030, 170)}, MATMULS(1)},
    {"matmul/tall", NAS_OP_MATMUL, CASE_BIG, {IN(1030, 70), IN(1030, 33)}, MATMUL(1, 0)},
    {"matmul/many_rows", NAS_OP_MATMUL, CASE_BIG, {IN(1030, 33), IN(33, 17)}, MATMUL(0, 0)},
    /* large enough for panels, with rows and columns left over; and each way of an operand */
    {"matmul/large_nn", NAS_OP_MATMUL, CASE_BIG | CASE_NO_GRAD, {IN(131, 641), IN(641, 643), IN(643), IN(131, 643)}, MATMULE(0.5f, NAS_ACT_GELU, 1, 1)},
    {"matmul/large_nt", NAS_OP_MATMUL, CASE_BIG, {IN(385, 390), IN(400, 390)}, MATMUL(0, 1)},
    {"matmul/large_tn", NAS_OP_MATMUL, CASE_BIG, {IN(1370, 130), IN(1370, 769)}, MATMUL(1, 0)},
    {"matmul/large_tt", NAS_OP_MATMUL, CASE_BIG, {IN(1370, 129), IN(771, 1370)}, MATMUL(1, 1)},
    {"matmul/large_k", NAS_OP_MATMUL, CASE_BIG | CASE_NO_GRAD, {IN(129, 4100), IN(4100, 193), IN(193)}, MATMULE(2, NAS_ACT_RELU, 1, 0)},
    {"matmul/wide", NAS_OP_MATMUL, CASE_BIG, {IN(130, 200), IN(200, 150)}, MATMUL(0, 0)},

    {"attention/two_heads", NAS_OP_ATTENTION, 0, {IN(2, 5, 18)}, ATTN(2, 0)},
    {"attention/one_head", NAS_OP_ATTENTION, 0, {IN(1, 3, 15)}, ATTN(1, 0)},
    {"attention/causal", NAS_OP_ATTENTION, 0, {IN(2, 5, 12)}, ATTN(2, 1)},
    {"attention/one_token", NAS_OP_ATTENTION, 0, {IN(2, 1, 12)}, ATTN(2, 0)},
    {"attention/heads_of_one", NAS_OP_ATTENTION, 0, {IN(1, 7, 9)}, ATTN(3, 0)},
    {"attention/long", NAS_OP_ATTENTION, CASE_BIG, {IN(1, 197, 96)}, ATTN(1, 0)},

    {"add/same", NAS_OP_ADD, 0, {IN(2, 3, 5), IN(2, 3, 5)}, NOATTR},
    {"add/vector", NAS_OP_ADD, 0, {IN(2, 3, 4, 5), IN(5)}, NOATTR},
    {"add/position", NAS_OP_ADD, 0, {IN(2, 3, 5), IN(1, 3, 5)}, NOATTR},
    {"add/middle", NAS_OP_ADD, 0, {IN(2, 3, 4, 5), IN(3, 1, 5)}, NOATTR},
    {"add/scalar", NAS_OP_ADD, 0, {IN(3, 2), SCALAR}, NOATTR},
    {"add/scalars", NAS_OP_ADD, 0, {SCALAR, SCALAR}, NOATTR},
    {"mul/same", NAS_OP_MUL, 0, {IN(2, 3, 5), IN(2, 3, 5)}, NOATTR},
    {"mul/gate", NAS_OP_MUL, 0, {IN(2, 3, 4, 5), IN(2, 1, 1, 5)}, NOATTR},
    {"mul/gate_streamed", NAS_OP_MUL, CASE_BIG, {IN(8, 128, 128, 32), IN(8, 1, 1, 32)}, NOATTR},
    {"mul/vector", NAS_OP_MUL, 0, {IN(3, 4, 5), IN(5)}, NOATTR},
    {"mul/rank_6", NAS_OP_MUL, 0, {IN(2, 3, 2, 3, 2, 3), IN(2, 1, 2, 1, 2, 1)}, NOATTR},
    {"mul/inner_one", NAS_OP_MUL, 0, {IN(3, 4, 5), IN(3, 4, 1)}, NOATTR},
#define NAS_ACT(symbol, name) {"act/" #name, NAS_OP_ACT, 0, {GRID(3, 7, 5)}, ACTK(NAS_ACT_##symbol)},
#include <nas/act.def>
#undef NAS_ACT
    {"dropout/nothing", NAS_OP_DROPOUT, 0, {IN(3, 5), SEED}, DROP(0, 0, 0)},
    {"dropout/elements", NAS_OP_DROPOUT, 0, {IN(4, 5, 3), SEED}, DROP(0.3f, 0, 1)},
    {"dropout/samples", NAS_OP_DROPOUT, 0, {IN(7, 3, 4), SEED}, DROP(0.5f, 1, 2)},

    {"softmax/rows", NAS_OP_SOFTMAX, 0, {IN(3, 5)}, NOATTR},
    {"softmax/rank_4", NAS_OP_SOFTMAX, 0, {IN(2, 3, 2, 7)}, NOATTR},
    {"softmax/vector", NAS_OP_SOFTMAX, 0, {IN(5)}, NOATTR},
    {"softmax/one", NAS_OP_SOFTMAX, 0, {IN(4, 1)}, NOATTR},
    {"softmax/large", NAS_OP_SOFTMAX, CASE_BIG, {LARGE(5, 9)}, NOATTR},
    {"layer_norm/rows", NAS_OP_LAYER_NORM, 0, {IN(4, 6), IN(6), IN(6)}, EPS(1e-5f)},
    {"layer_norm/tokens", NAS_OP_LAYER_NORM, 0, {IN(2, 3, 5), IN(5), IN(5)}, EPS(1e-3f)},
    {"layer_norm/vector", NAS_OP_LAYER_NORM, 0, {IN(7), IN(7), IN(7)}, EPS(1e-5f)},
    {"layer_norm/large", NAS_OP_LAYER_NORM, CASE_BIG, {LARGE(5, 64), IN(64), IN(64)}, EPS(1e-5f)},
    {"layer_norm/many_rows", NAS_OP_LAYER_NORM, CASE_BIG, {IN(1030, 24), IN(24), IN(24)}, EPS(1e-5f)},
    {"layer_norm_grad/tokens", NAS_OP_LAYER_NORM_GRAD, 0, {IN(2, 3, 5), IN(5), IN(2, 3, 5)}, EPS(1e-3f)},
    {"layer_norm_grad/more", NAS_OP_LAYER_NORM_GRAD, 0, {IN(4, 6), IN(6), IN(4, 6), IN(4, 6)}, EPS(1e-5f)},
    {"layer_norm_grad/many_rows", NAS_OP_LAYER_NORM_GRAD, CASE_BIG, {IN(1030, 40), IN(40), IN(1030, 40), IN(1030, 40)}, EPS(1e-5f)},
    {"batch_stats/image", NAS_OP_BATCH_STATS, 0, {IN(2, 3, 4, 5)}, NOATTR},
    {"batch_stats/rows", NAS_OP_BATCH_STATS, 0, {IN(7, 3)}, NOATTR},
    {"batch_stats/one_pixel", NAS_OP_BATCH_STATS, 0, {IN(1, 1, 1, 3)}, NOATTR},
    {"batch_stats/large", NAS_OP_BATCH_STATS, CASE_BIG, {LARGE(4, 16, 17, 9)}, NOATTR},
    {"batch_norm/own", NAS_OP_BATCH_NORM, CASE_OWN_STATS, {IN(3, 4, 2, 5), IN(5), IN(5)}, EPS(1e-5f)},
    {"batch_norm/own_rows", NAS_OP_BATCH_NORM, CASE_OWN_STATS, {IN(7, 3), IN(3), IN(3)}, EPS(1e-3f)},
    {"batch_norm/frozen", NAS_OP_BATCH_NORM, 0, {IN(3, 2, 4, 5), IN(5), IN(5), STATS(5)}, EPS(1e-5f)},
#define NAS_ACT(symbol, name) {"batch_norm/own_" #name, NAS_OP_BATCH_NORM, CASE_OWN_STATS, {IN(3, 4, 2, 5), IN(5), IN(5)}, NORMA(1e-5f, NAS_ACT_##symbol)},
#include <nas/act.def>
#undef NAS_ACT
    {"batch_norm/frozen_swish", NAS_OP_BATCH_NORM, 0, {IN(3, 2, 4, 5), IN(5), IN(5), STATS(5)}, NORMA(1e-5f, NAS_ACT_SWISH)},
    {"batch_norm/residual", NAS_OP_BATCH_NORM, 0, {IN(3, 2, 4, 5), IN(5), IN(5), STATS(5), IN(3, 2, 4, 5)}, EPS(1e-5f)},
    {"batch_norm/residual_relu", NAS_OP_BATCH_NORM, 0, {IN(3, 2, 4, 5), IN(5), IN(5), STATS(5), IN(3, 2, 4, 5)}, NORMA(1e-5f, NAS_ACT_RELU)},
    {"batch_norm/residual_relu6", NAS_OP_BATCH_NORM, 0, {IN(3, 2, 4, 5), IN(5), IN(5), STATS(5), IN(3, 2, 4, 5)}, NORMA(1e-5f, NAS_ACT_RELU6)},
    {"batch_norm/residual_gelu", NAS_OP_BATCH_NORM, CASE_NO_GRAD, {IN(3, 2, 4, 5), IN(5), IN(5), STATS(5), IN(3, 2, 4, 5)}, NORMA(1e-5f, NAS_ACT_GELU)},
    {"batch_norm/own_large", NAS_OP_BATCH_NORM, CASE_BIG | CASE_OWN_STATS, {LARGE(4, 16, 17, 9), IN(9), IN(9)}, EPS(1e-3f)},
    {"batch_norm/own_streamed", NAS_OP_BATCH_NORM, CASE_BIG | CASE_OWN_STATS, {IN(8, 128, 128, 32), IN(32), IN(32)}, NORMA(1e-3f, NAS_ACT_RELU6)},
    {"ema/plain", NAS_OP_EMA, 0, {STATE(5), STATS(5)}, EMA(0.1f, 0)},
    {"ema/unbiased", NAS_OP_EMA, 0, {STATE(33), STATS(33)}, EMA(0.25f, 12)},
    {"ema/one_element", NAS_OP_EMA, 0, {STATE(3), STATS(3)}, EMA(0.1f, 1)},

    {"max_pool/3x3_s2", NAS_OP_MAX_POOL, 0, {GRID(2, 7, 5, 3)}, POOL(3, 3, 2, 2, 1, 1, 1, 1, 0)},
    {"max_pool/2x2", NAS_OP_MAX_POOL, 0, {GRID(1, 6, 4, 2)}, POOL(2, 2, 2, 2, 0, 0, 0, 0, 0)},
    {"max_pool/asymmetric", NAS_OP_MAX_POOL, 0, {GRID(2, 5, 7, 2)}, POOL(3, 2, 1, 2, 0, 2, 1, 0, 0)},
    {"avg_pool/valid", NAS_OP_AVG_POOL, 0, {IN(1, 6, 4, 2)}, POOL(2, 2, 2, 2, 0, 0, 0, 0, 0)},
    {"avg_pool/without_pad", NAS_OP_AVG_POOL, 0, {IN(2, 5, 7, 3)}, POOL(3, 3, 1, 1, 1, 1, 1, 1, 0)},
    {"avg_pool/with_pad", NAS_OP_AVG_POOL, 0, {IN(2, 5, 7, 3)}, POOL(3, 3, 2, 2, 1, 1, 1, 1, 1)},
    {"avg_pool/asymmetric", NAS_OP_AVG_POOL, 0, {IN(1, 5, 7, 2)}, POOL(3, 2, 1, 2, 0, 2, 1, 0, 0)},
    {"global_pool/image", NAS_OP_GLOBAL_POOL, 0, {IN(2, 3, 5, 4)}, NOATTR},
    {"global_pool/tokens", NAS_OP_GLOBAL_POOL, 0, {IN(2, 7, 3)}, NOATTR},
    {"global_pool/rows", NAS_OP_GLOBAL_POOL, 0, {IN(3, 4)}, NOATTR},

    {"reshape/flatten", NAS_OP_RESHAPE, 0, {IN(2, 3, 5)}, SHAPE(0, 2, 15)},
    {"front/matrix", NAS_OP_FRONT, 0, {IN(5, 3)}, SHAPE(0, 2, 2, 3)},
    {"transpose/matrix", NAS_OP_TRANSPOSE, 0, {IN(3, 5)}, PERM(1, 0)},
    {"transpose/heads", NAS_OP_TRANSPOSE, 0, {IN(2, 3, 4, 5)}, PERM(0, 2, 1, 3)},
    {"transpose/cycle", NAS_OP_TRANSPOSE, 0, {IN(2, 3, 4)}, PERM(2, 0, 1)},
    {"transpose/rank_6", NAS_OP_TRANSPOSE, 0, {IN(2, 3, 1, 2, 3, 2)}, PERM(5, 3, 0, 2, 4, 1)},
    {"concat/middle", NAS_OP_CONCAT, 0, {IN(2, 3, 4), IN(2, 1, 4), IN(2, 5, 4)}, AXIS(1, 0, 0)},
    {"concat/last", NAS_OP_CONCAT, 0, {IN(2, 3, 4), IN(2, 3, 5)}, AXIS(2, 0, 0)},
    {"concat/first", NAS_OP_CONCAT, 0, {IN(2, 3), IN(1, 3)}, AXIS(0, 0, 0)},
    {"concat/single", NAS_OP_CONCAT, 0, {IN(2, 3)}, AXIS(1, 0, 0)},
    {"slice/middle", NAS_OP_SLICE, 0, {IN(2, 7, 3)}, AXIS(1, 2, 5)},
    {"slice/first", NAS_OP_SLICE, 0, {IN(5, 3)}, AXIS(0, 0, 2)},
    {"slice/last", NAS_OP_SLICE, 0, {IN(2, 3, 5)}, AXIS(2, 4, 5)},
    {"slice/whole", NAS_OP_SLICE, 0, {IN(2, 3)}, AXIS(1, 0, 3)},
    {"pad/middle", NAS_OP_PAD, 0, {IN(2, 3, 4)}, AXIS(1, 2, 1)},
    {"pad/last", NAS_OP_PAD, 0, {IN(2, 3)}, AXIS(1, 0, 3)},
    {"expand/token", NAS_OP_EXPAND, 0, {IN(1, 1, 5)}, SHAPE(1, 3, 1, 5)},
    {"expand/leading", NAS_OP_EXPAND, 0, {IN(4)}, SHAPE(0.5f, 2, 3, 4)},
    {"expand/middle", NAS_OP_EXPAND, 0, {IN(2, 1, 1, 3)}, SHAPE(2, 2, 4, 5, 3)},
    {"expand/scalar", NAS_OP_EXPAND, 0, {SCALAR}, SHAPE(1, 3, 2)},
    {"sum_to/vector", NAS_OP_SUM_TO, 0, {IN(2, 3, 5)}, SHAPE(1, 5)},
    {"sum_to/gate", NAS_OP_SUM_TO, 0, {IN(2, 3, 4, 5)}, SHAPE(0.5f, 2, 1, 1, 5)},
    {"sum_to/middle", NAS_OP_SUM_TO, 0, {IN(2, 3, 4, 5)}, SHAPE(1, 3, 1, 5)},
    {"sum_to/scalar", NAS_OP_SUM_TO, 0, {IN(3, 7)}, TO_SCALAR(2)},
    {"sum_to/long", NAS_OP_SUM_TO, CASE_BIG, {IN(4, 15, 16, 40)}, SHAPE(1, 40)},

    {"relative/signed", NAS_OP_RELATIVE, 0, {IN(2, 3, 6, 15)}, REL(2, 3, 1, 2, 1, 0, SIGNED, 0)},
    {"relative/signed_shared", NAS_OP_RELATIVE, 0, {IN(2, 1, 15)}, REL(2, 3, 1, 2, 1, 0, SIGNED, 1)},
    {"relative/abs_stride", NAS_OP_RELATIVE, 0, {IN(3, 1, 12)}, REL(3, 4, 2, 3, 2, 0, ABS, 1)},
    {"relative/abs_clipped", NAS_OP_RELATIVE, 0, {IN(2, 6, 4)}, REL(2, 3, 1, 1, 1, 0, ABS, 0)},
    {"relative/rows_class_token", NAS_OP_RELATIVE, 0, {IN(2, 7, 4)}, REL(3, 2, 1, 9, 1, 1, ROWS, 0)},
    {"relative/columns_class_token", NAS_OP_RELATIVE, 0, {IN(7, 6)}, REL(2, 3, 0, 2, 1, 1, COLUMNS, 0)},
    {"relative/window", NAS_OP_RELATIVE, CASE_BIG, {IN(3, 1, 169)}, REL(7, 7, 6, 6, 1, 0, SIGNED, 1)},
    {"relative/tokens", NAS_OP_RELATIVE, CASE_BIG, {IN(2, 3, 65, 16)}, REL(8, 8, 7, 7, 1, 1, ROWS, 0)},
    {"relative_sum/signed", NAS_OP_RELATIVE_SUM, 0, {IN(2, 6, 6)}, REL(2, 3, 1, 2, 1, 0, SIGNED, 0)},
    {"relative_sum/abs_stride", NAS_OP_RELATIVE_SUM, 0, {IN(2, 4, 12)}, REL(3, 4, 2, 3, 2, 0, ABS, 1)},
    {"relative_sum/class_token", NAS_OP_RELATIVE_SUM, 0, {IN(2, 7, 7)}, REL(2, 3, 1, 1, 1, 1, COLUMNS, 0)},
    {"embed/tokens", NAS_OP_EMBED, 0, {IN(7, 5), IDS(2, 3)}, NOATTR},
    {"embed/one", NAS_OP_EMBED, 0, {IN(3, 4), {FILL_IDS, {0, {0}}}}, NOATTR},
    {"embed/wide", NAS_OP_EMBED, CASE_BIG, {IN(50, 33), IDS(3, 31)}, NOATTR},

    {"cross_entropy/plain", NAS_OP_CROSS_ENTROPY, 0, {IN(4, 5), LABELS(4)}, SMOOTH(0)},
    {"cross_entropy/smoothed", NAS_OP_CROSS_ENTROPY, 0, {IN(3, 7), LABELS(3)}, SMOOTH(0.1f)},
    {"cross_entropy/large", NAS_OP_CROSS_ENTROPY, CASE_BIG, {LARGE(5, 10), LABELS(5)}, SMOOTH(0.1f)},
    {"correct/rows", NAS_OP_CORRECT, 0, {IN(7, 4), LABELS(7)}, NOATTR},
    SIZES(SIZED)
};
/* clang-format on */

const uint32_t op_case_count = sizeof op_cases / sizeof op_cases[0];
