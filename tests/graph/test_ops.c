/* tests/graph/test_ops.c - ops by hand: values worked out on paper, identities, counts, and what
 * each op refuses. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include <support/cases.h>

/* Double arithmetic of a few dozen terms. */
static const double tolerance = 1e-12;

enum { MAX_HAND_IN = 5, MAX_HAND = 24 };

/* The table is read by columns. */
/* clang-format off */
#define DIMS(...) {(int32_t)(sizeof((int32_t[]){__VA_ARGS__}) / sizeof(int32_t)), {__VA_ARGS__}}
#define V(...) {__VA_ARGS__}
#define IN(shape, ...) {1, shape, {__VA_ARGS__}}
#define NOATTR {.act = {0}}
#define CONV(kh, kw, s, t, b, l, r, g, a)                                                          \
    {.conv = {.kernel = {kh, kw}, .stride = {s, s}, .dilation = {1, 1}, .pad = {t, b, l, r},       \
              .groups = g, .act = a}}
#define POOL(k, s, p, inc)                                                                         \
    {.conv = {.kernel = {k, k}, .stride = {s, s}, .dilation = {1, 1}, .pad = {p, p, p, p},         \
              .include_pad = inc}}

typedef struct hand {
    const char *name;
    nas_op op;
    struct {
        int there;
        nas_shape shape;
        double v[MAX_HAND];
    } in[MAX_HAND_IN];
    nas_attr attr;
    nas_shape shape;
    double want[MAX_HAND];
} hand;

static const hand hands[] = {
    {"conv2d: ones, padded", NAS_OP_CONV2D, {IN(DIMS(1, 3, 3, 1), 1, 2, 3, 4, 5, 6, 7, 8, 9), IN(DIMS(3, 3, 1, 1), 1, 1, 1, 1, 1, 1, 1, 1, 1)},
     CONV(3, 3, 1, 1, 1, 1, 1, 1, NAS_ACT_NONE), DIMS(1, 3, 3, 1), V(12, 21, 16, 27, 45, 33, 24, 39, 28)},
    {"conv2d: the kernel is not turned", NAS_OP_CONV2D, {IN(DIMS(1, 2, 2, 1), 1, 2, 3, 4), IN(DIMS(2, 2, 1, 1), 1, 10, 100, 1000)},
     CONV(2, 2, 1, 0, 0, 0, 0, 1, NAS_ACT_NONE), DIMS(1, 1, 1, 1), V(4321)},
    {"conv2d: padding on the left only", NAS_OP_CONV2D, {IN(DIMS(1, 2, 2, 1), 1, 2, 3, 4), IN(DIMS(1, 2, 1, 1), 1, 10)},
     CONV(1, 2, 1, 0, 0, 1, 0, 1, NAS_ACT_NONE), DIMS(1, 2, 2, 1), V(10, 21, 30, 43)},
    {"conv2d: two groups", NAS_OP_CONV2D, {IN(DIMS(1, 1, 1, 4), 1, 2, 3, 4), IN(DIMS(1, 1, 2, 4), 1, 2, 3, 4, 10, 20, 30, 40)},
     CONV(1, 1, 1, 0, 0, 0, 0, 2, NAS_ACT_NONE), DIMS(1, 1, 1, 4), V(21, 42, 129, 172)},
    {"conv2d: depthwise, multiplier 2", NAS_OP_CONV2D, {IN(DIMS(1, 1, 1, 2), 3, 5), IN(DIMS(1, 1, 1, 4), 1, 2, 3, 4)},
     CONV(1, 1, 1, 0, 0, 0, 0, 2, NAS_ACT_NONE), DIMS(1, 1, 1, 4), V(3, 6, 15, 20)},
    {"conv2d: bias, residual, then relu", NAS_OP_CONV2D, {IN(DIMS(1, 1, 2, 1), 1, 2), IN(DIMS(1, 1, 1, 2), 1, -1), IN(DIMS(2), 0.5, 0.25), IN(DIMS(1, 1, 2, 2), 1, 2, -4, 3)},
     {.conv = {.kernel = {1, 1}, .stride = {1, 1}, .dilation = {1, 1}, .groups = 1, .act = NAS_ACT_RELU, .bias = 1, .residual = 1}}, DIMS(1, 1, 2, 2), V(2.5, 1.25, 0, 1.25)},
    {"matmul", NAS_OP_MATMUL, {IN(DIMS(2, 3), 1, 2, 3, 4, 5, 6), IN(DIMS(3, 2), 1, 2, 3, 4, 5, 6)},
     {.matmul = {.alpha = 2}}, DIMS(2, 2), V(44, 56, 98, 128)},
    {"attention: one token sees itself", NAS_OP_ATTENTION, {IN(DIMS(1, 1, 6), 1, 2, 3, 4, 5, 6)},
     {.attention = {.heads = 2}}, DIMS(1, 1, 2), V(5, 6)},
    {"attention: equal keys give the mean value", NAS_OP_ATTENTION, {IN(DIMS(1, 3, 3), 1, 7, 3, 2, 7, 6, 3, 7, 12)},
     {.attention = {.heads = 1}}, DIMS(1, 3, 1), V(7, 7, 7)},
    {"attention: causal sees the past only", NAS_OP_ATTENTION, {IN(DIMS(1, 3, 3), 1, 7, 3, 2, 7, 6, 3, 7, 12)},
     {.attention = {.heads = 1, .causal = 1}}, DIMS(1, 3, 1), V(3, 4.5, 7)},
    {"attention: weights 1 and 3 by a key of ln 3", NAS_OP_ATTENTION, {IN(DIMS(1, 2, 3), 1, 0, 4, 1, 1.0986122886681098, 8)},
     {.attention = {.heads = 1}}, DIMS(1, 2, 1), V(7, 7)},
    {"add spreads", NAS_OP_ADD, {IN(DIMS(2, 3), 1, 2, 3, 4, 5, 6), IN(DIMS(2, 1), 10, 20)},
     NOATTR, DIMS(2, 3), V(11, 12, 13, 24, 25, 26)},
    {"mul spreads", NAS_OP_MUL, {IN(DIMS(2, 3), 1, 2, 3, 4, 5, 6), IN(DIMS(3), 1, 10, 100)},
     NOATTR, DIMS(2, 3), V(1, 20, 300, 4, 50, 600)},
    {"softmax of 0 and ln 2", NAS_OP_SOFTMAX, {IN(DIMS(2), 0, 0.69314718055994531)},
     NOATTR, DIMS(2), V(1.0 / 3, 2.0 / 3)},
    {"softmax of huge values", NAS_OP_SOFTMAX, {IN(DIMS(2), 1e4, 1e4)},
     NOATTR, DIMS(2), V(0.5, 0.5)},
    {"layer_norm", NAS_OP_LAYER_NORM, {IN(DIMS(1, 2), 1, 3), IN(DIMS(2), 2, 5), IN(DIMS(2), 1, 1)},
     NOATTR, DIMS(1, 2), V(-1, 6)},
    {"batch_stats", NAS_OP_BATCH_STATS, {IN(DIMS(2, 2), 1, 10, 3, 16)},
     NOATTR, DIMS(2, 2), V(2, 13, 1, 9)},
    {"batch_norm", NAS_OP_BATCH_NORM, {IN(DIMS(2, 2), 1, 10, 3, 16), IN(DIMS(2), 1, 2), IN(DIMS(2), 0, 1), IN(DIMS(2, 2), 2, 13, 1, 9)},
     NOATTR, DIMS(2, 2), V(-1, -1, 1, 3)},
    {"batch_norm_sums: dbeta, then dgamma", NAS_OP_BATCH_NORM_SUMS, {IN(DIMS(2, 1), 1, 3), IN(DIMS(2, 1), 5, 7), IN(DIMS(2, 1), 2, 1)},
     NOATTR, DIMS(2, 1), V(12, 2)},
    {"layer_norm_grad: dx, dgamma, dbeta", NAS_OP_LAYER_NORM_GRAD, {IN(DIMS(2, 2), 1, 3, 3, 1), IN(DIMS(2), 1, 1), IN(DIMS(2, 2), 1, 2, 3, 4), IN(DIMS(2, 2), 5, 6, 7, 8)},
     NOATTR, DIMS(4, 2), V(5, 6, 7, 8, 2, -2, 4, 6)},
    {"front", NAS_OP_FRONT, {IN(DIMS(2, 3), 1, 2, 3, 4, 5, 6)}, {.shape = {.shape = {.rank = 2, .dim = {2, 2}}}}, DIMS(2, 2), V(1, 2, 3, 4)},
    {"ema: unbiased variance", NAS_OP_EMA, {IN(DIMS(2, 1), 4, 8), IN(DIMS(2, 1), 8, 3)},
     {.norm = {.momentum = 0.25f, .count = 4}}, DIMS(2, 1), V(5, 7)},
    {"ema: plain", NAS_OP_EMA, {IN(DIMS(2, 1), 4, 8), IN(DIMS(2, 1), 8, 4)},
     {.norm = {.momentum = 0.25f}}, DIMS(2, 1), V(5, 7)},
    {"max_pool", NAS_OP_MAX_POOL, {IN(DIMS(1, 4, 4, 1), 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16)},
     POOL(2, 2, 0, 0), DIMS(1, 2, 2, 1), V(6, 8, 14, 16)},
    {"max_pool: padding never wins", NAS_OP_MAX_POOL, {IN(DIMS(1, 1, 1, 1), -5)},
     POOL(3, 1, 1, 0), DIMS(1, 1, 1, 1), V(-5)},
    {"max_pool_dx: the first of equals", NAS_OP_MAX_POOL_DX, {IN(DIMS(1, 2, 2, 1), 3, 3, 3, 3), IN(DIMS(1, 1, 1, 1), 7)},
     {.conv = {.kernel = {2, 2}, .stride = {2, 2}, .dilation = {1, 1}, .size = {2, 2}}}, DIMS(1, 2, 2, 1), V(7, 0, 0, 0)},
    {"avg_pool: padding counts", NAS_OP_AVG_POOL, {IN(DIMS(1, 1, 1, 1), 9)},
     POOL(3, 1, 1, 1), DIMS(1, 1, 1, 1), V(1)},
    {"avg_pool: padding does not count", NAS_OP_AVG_POOL, {IN(DIMS(1, 1, 2, 1), 4, 8)},
     POOL(3, 2, 1, 0), DIMS(1, 1, 1, 1), V(6)},
    {"global_pool", NAS_OP_GLOBAL_POOL, {IN(DIMS(2, 2, 1, 2), 1, 2, 3, 4, 5, 6, 7, 8)},
     NOATTR, DIMS(2, 2), V(2, 3, 6, 7)},
    {"transpose", NAS_OP_TRANSPOSE, {IN(DIMS(2, 3), 1, 2, 3, 4, 5, 6)},
     {.transpose = {.perm = {1, 0}}}, DIMS(3, 2), V(1, 4, 2, 5, 3, 6)},
    {"concat", NAS_OP_CONCAT, {IN(DIMS(2, 1), 1, 2), IN(DIMS(2, 2), 3, 4, 5, 6)},
     {.axis = {.axis = 1}}, DIMS(2, 3), V(1, 3, 4, 2, 5, 6)},
    {"slice", NAS_OP_SLICE, {IN(DIMS(2, 3), 1, 2, 3, 4, 5, 6)},
     {.axis = {.axis = 1, .begin = 1, .end = 3}}, DIMS(2, 2), V(2, 3, 5, 6)},
    {"pad", NAS_OP_PAD, {IN(DIMS(2, 1), 1, 2)},
     {.axis = {.axis = 1, .begin = 1, .end = 2}}, DIMS(2, 4), V(0, 1, 0, 0, 0, 2, 0, 0)},
    {"expand", NAS_OP_EXPAND, {IN(DIMS(2, 1), 1, 2)},
     {.shape = {.scale = 0.5f, .shape = DIMS(2, 2, 2)}}, DIMS(2, 2, 2), V(0.5, 0.5, 1, 1, 0.5, 0.5, 1, 1)},
    {"relative: signed distances of a row of three", NAS_OP_RELATIVE, {IN(DIMS(1, 5), 1, 2, 3, 4, 5)},
     {.relative = {.grid = {1, 3}, .clip = {0, 2}, .stride = 1, .form = NAS_RELATIVE_SIGNED, .shared = 1}}, DIMS(3, 3), V(3, 4, 5, 2, 3, 4, 1, 2, 3)},
    {"relative: pairs with the class token are number 0", NAS_OP_RELATIVE, {IN(DIMS(1, 4), 9, 1, 2, 3)},
     {.relative = {.grid = {2, 1}, .clip = {1, 5}, .stride = 1, .first = 1, .form = NAS_RELATIVE_ROWS, .shared = 1}}, DIMS(3, 3), V(9, 9, 9, 9, 2, 3, 9, 1, 2)},
    {"relative: queries on every second place", NAS_OP_RELATIVE, {IN(DIMS(2, 3), 1, 2, 3, 10, 20, 30)},
     {.relative = {.grid = {1, 3}, .clip = {0, 2}, .stride = 2, .form = NAS_RELATIVE_ABS}}, DIMS(2, 3), V(1, 2, 3, 30, 20, 10)},
    {"relative_sum counts pairs", NAS_OP_RELATIVE_SUM, {IN(DIMS(3, 3), 1, 1, 1, 1, 1, 1, 1, 1, 1)},
     {.relative = {.grid = {1, 3}, .clip = {0, 2}, .stride = 1, .form = NAS_RELATIVE_COLUMNS, .shared = 1}}, DIMS(1, 5), V(1, 2, 3, 2, 1)},
    {"embed: what is no row is 0", NAS_OP_EMBED, {IN(DIMS(2, 2), 1, 2, 3, 4), IN(DIMS(4), 1, 0, 2, -1)},
     NOATTR, DIMS(4, 2), V(3, 4, 1, 2, 0, 0, 0, 0)},
    {"embed_grad adds equal numbers", NAS_OP_EMBED_GRAD, {IN(DIMS(3), 1, 1, 7), IN(DIMS(3, 2), 1, 2, 3, 4, 5, 6)},
     {.embed = {.rows = 2}}, DIMS(2, 2), V(0, 0, 4, 6)},
    {"sum_to", NAS_OP_SUM_TO, {IN(DIMS(2, 3), 1, 2, 3, 4, 5, 6)},
     {.shape = {.scale = 2, .shape = DIMS(3)}}, DIMS(3), V(10, 14, 18)},
    {"cross_entropy: two equal logits", NAS_OP_CROSS_ENTROPY, {IN(DIMS(2, 2), 0, 0, 1000, 1000), IN(DIMS(2), 0, 1)},
     NOATTR, DIMS(2), V(0.69314718055994531, 0.69314718055994531)},
    {"cross_entropy: smoothing 0.5", NAS_OP_CROSS_ENTROPY, {IN(DIMS(1, 2), 0, 1.0986122886681098), IN(DIMS(1), 1)},
     {.loss = {.smoothing = 0.5f}}, DIMS(1), V(0.56233514461880830)},
    {"correct: the first of equals", NAS_OP_CORRECT, {IN(DIMS(4, 3), 1, 2, 2, 1, 2, 2, 5, 4, 3, 5, 4, 3), IN(DIMS(4), 1, 2, 0, -1)},
     NOATTR, DIMS(4), V(1, 0, 1, 0)},
};
/* clang-format on */

/* One op without a graph: infers the shape and runs the reference. */
static nas_shape apply(double *out, size_t room, nas_op op, const nas_attr *a,
                       const nas_shape *shape, const double *const *in, uint32_t n) {
    nas_node node = {.op = op, .n_in = n, .attr = *a};
    if (nas_op_get(op)->infer(&node, shape, &node.shape) != NAS_OK)
        fail_msg("%s", nas_error_text());
    assert_true((size_t)nas_shape_count(&node.shape) <= room);
    nas_op_get(op)->ref(&node, shape, in, out);
    return node.shape;
}

static void value_is_what_paper_says(void **state) {
    const hand *h = *state;
    nas_shape shape[MAX_HAND_IN];
    const double *in[MAX_HAND_IN];
    double out[MAX_HAND];
    uint32_t n = 0;
    for (; n < MAX_HAND_IN && h->in[n].there; n++) {
        shape[n] = h->in[n].shape;
        in[n] = h->in[n].v;
    }
    nas_shape got = apply(out, MAX_HAND, h->op, &h->attr, shape, in, n);
    assert_true(nas_shape_equal(&got, &h->shape));
    for (int64_t i = 0; i < nas_shape_count(&got); i++)
        if (!(fabs(out[i] - h->want[i]) <= tolerance * fmax(1, fabs(h->want[i]))))
            fail_msg("element %lld is %.17g, not %.17g", (long long)i, out[i], h->want[i]);
}

static void activations_have_their_published_values(void **state) {
    static const struct {
        nas_act act;
        double x, value, slope;
    } rows[] = {
        {NAS_ACT_NONE, -2, -2, 1},
        {NAS_ACT_RELU, -2, 0, 0},
        {NAS_ACT_RELU, 3, 3, 1},
        {NAS_ACT_RELU6, 7, 6, 0},
        {NAS_ACT_RELU6, 5, 5, 1},
        {NAS_ACT_GELU, 0, 0, 0.5},
        {NAS_ACT_GELU, 9, 9, 1},
        {NAS_ACT_HSWISH, 1, 4.0 / 6, 5.0 / 6},
        {NAS_ACT_HSWISH, -4, 0, 0},
        {NAS_ACT_HSWISH, 4, 4, 1},
        {NAS_ACT_SWISH, 0, 0, 0.5},
        {NAS_ACT_SIGMOID, 0, 0.5, 0.25},
        {NAS_ACT_SIGMOID, 800, 1, 0},
        {NAS_ACT_SIGMOID, -800, 0, 0},
        {NAS_ACT_HSIGMOID, 0, 0.5, 1.0 / 6},
        {NAS_ACT_HSIGMOID, 4, 1, 0},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_true(fabs(nas_act_value(rows[i].act, rows[i].x) - rows[i].value) < tolerance);
        assert_true(fabs(nas_act_slope(rows[i].act, rows[i].x) - rows[i].slope) < tolerance);
    }
    /* the tanh form stays within 5e-4 of x Phi(x) */
    for (double x = -4; x <= 4; x += 0.125)
        assert_true(fabs(nas_act_value(NAS_ACT_GELU, x) - x * 0.5 * erfc(-x / sqrt(2))) < 5e-4);
    for (int a = 0; a < NAS_ACT_COUNT; a++)
        assert_true(isnan(nas_act_value((nas_act)a, NAN)));
}

static const op_case *case_named(const char *name) {
    for (uint32_t i = 0; i < op_case_count; i++)
        if (strcmp(op_cases[i].name, name) == 0)
            return &op_cases[i];
    fail_msg("no case is called %s", name);
    return NULL;
}

static void conv_1x1_is_a_matmul(void **state) {
    op_case_run r = {0};
    double y[128];
    (void)state;
    assert_int_equal(op_case_build(&r, case_named("conv2d/1x1"), false), NAS_OK);
    assert_int_equal(op_case_fill(&r, 3), NAS_OK);
    assert_int_equal(nas_graph_run_ref(r.graph, r.values), NAS_OK);
    nas_shape flat[] = {NAS_SHAPE(30, 7), NAS_SHAPE(7, 3)};
    const double *in[] = {r.values[r.in[0].id], r.values[r.in[1].id]};
    nas_attr a = {.matmul = {.alpha = 1}};
    nas_shape got = apply(y, 128, NAS_OP_MATMUL, &a, flat, in, 2);
    assert_int_equal(nas_shape_count(&got), nas_shape_count(nas_graph_shape(r.graph, r.y)));
    for (int64_t i = 0; i < nas_shape_count(&got); i++)
        assert_true(fabs(y[i] - r.values[r.y.id][i]) < tolerance);
    op_case_close(&r);
}

static void softmax_ignores_a_shift(void **state) {
    double x[] = {0.3, -1.5, 2.25, 0}, shifted[4], y[4], y_shifted[4];
    const double *in[] = {x}, *in_shifted[] = {shifted};
    nas_shape shape = NAS_SHAPE(1, 4);
    nas_attr a = {.act = {0}};
    (void)state;
    for (int i = 0; i < 4; i++)
        shifted[i] = x[i] + 512;
    apply(y, 4, NAS_OP_SOFTMAX, &a, &shape, in, 1);
    apply(y_shifted, 4, NAS_OP_SOFTMAX, &a, &shape, in_shifted, 1);
    for (int i = 0; i < 4; i++)
        assert_true(fabs(y[i] - y_shifted[i]) < tolerance);
}

/* Swapping the halves of qkv's heads swaps the halves of y: heads do not see each other. */
static void attention_heads_are_independent(void **state) {
    enum { T = 3, D = 4, E = 2 };
    double x[T * 3 * D], swapped[T * 3 * D], y[T * D], y_swapped[T * D];
    const double *in[] = {x}, *in_swapped[] = {swapped};
    nas_shape shape = NAS_SHAPE(1, T, 3 * D);
    nas_attr a = {.attention = {.heads = 2}};
    nas_rng rng = nas_rng_stream(5, "heads", 0);
    (void)state;
    for (int i = 0; i < T * 3 * D; i++)
        x[i] = nas_rng_normal(&rng);
    for (int i = 0; i < T * 3 * D; i++)
        swapped[i] = x[i % D < E ? i + E : i - E];
    apply(y, T * D, NAS_OP_ATTENTION, &a, &shape, in, 1);
    apply(y_swapped, T * D, NAS_OP_ATTENTION, &a, &shape, in_swapped, 1);
    for (int i = 0; i < T * D; i++)
        assert_true(fabs(y_swapped[i] - y[i % D < E ? i + E : i - E]) < tolerance);
}

static void dropout_keeps_its_share_and_its_mean(void **state) {
    static const float rates[] = {0, 0.1f, 0.5f, 0.9f};
    enum { N = 100000 };
    (void)state;
    for (size_t r = 0; r < 4; r++)
        for (uint32_t stream = 0; stream < 3; stream++) {
            int kept = 0, both = 0;
            for (uint32_t i = 0; i < N; i++) {
                bool now = nas_dropout_keep(7, stream, i, rates[r]);
                kept += now;
                both += now && nas_dropout_keep(8, stream, i, rates[r]);
            }
            /* 5 standard deviations of a fair draw, at most 0.5/sqrt(N) each */
            double p = 1 - (double)rates[r], slack = 5 * 0.5 / sqrt(N);
            assert_true(fabs(kept / (double)N - p) <= slack);
            assert_true(fabs(both / (double)N - p * p) <= slack);
        }
}

/* What a device must reproduce bit for bit; from the formula of graph.h, worked out apart. */
static void dropout_mask_is_fixed(void **state) {
    uint32_t mask = 0;
    (void)state;
    for (uint32_t i = 0; i < 32; i++)
        mask |= (uint32_t)nas_dropout_keep(12345, 6, i, 0.5f) << i;
    assert_int_equal(mask, 0x5E9F4289u);
}

static void dropout_of_samples_drops_whole_samples(void **state) {
    op_case_run r = {0};
    int dropped = 0;
    (void)state;
    assert_int_equal(op_case_build(&r, case_named("dropout/samples"), false), NAS_OK);
    assert_int_equal(op_case_fill(&r, 2), NAS_OK);
    assert_int_equal(nas_graph_run_ref(r.graph, r.values), NAS_OK);
    for (int n = 0; n < 7; n++) {
        const double *x = r.values[r.in[0].id] + n * 12, *y = r.values[r.y.id] + n * 12;
        double scale = y[0] == 0 ? 0 : 2;
        dropped += scale == 0;
        for (int i = 0; i < 12; i++)
            assert_true(fabs(y[i] - scale * x[i]) < tolerance);
    }
    assert_in_range(dropped, 1, 6);
    op_case_close(&r);
}

static void ops_every_op_has_a_case(void **state) {
    bool seen[NAS_OP_COUNT] = {false};
    (void)state;
    for (uint32_t i = 0; i < op_case_count; i++) {
        op_case_run r = {0};
        if (op_case_build(&r, &op_cases[i], true) != NAS_OK)
            fail_msg("%s: %s", op_cases[i].name, nas_error_text());
        for (uint32_t id = 0; id < nas_graph_count(r.graph); id++)
            seen[nas_graph_node(r.graph, (nas_value){id})->op] = true;
        op_case_close(&r);
    }
    for (int op = 0; op < NAS_OP_COUNT; op++)
        if (!seen[op] && !(nas_op_get((nas_op)op)->flags & NAS_OPF_LEAF))
            fail_msg("%s has no case", nas_op_get((nas_op)op)->name);
}

int main(void) {
    static const struct CMUnitTest fixed[] = {
        cmocka_unit_test(ops_every_op_has_a_case),
        cmocka_unit_test(activations_have_their_published_values),
        cmocka_unit_test(conv_1x1_is_a_matmul),
        cmocka_unit_test(softmax_ignores_a_shift),
        cmocka_unit_test(attention_heads_are_independent),
        cmocka_unit_test(dropout_keeps_its_share_and_its_mean),
        cmocka_unit_test(dropout_mask_is_fixed),
        cmocka_unit_test(dropout_of_samples_drops_whole_samples),
    };
    enum { N_FIXED = sizeof fixed / sizeof fixed[0], N_HANDS = sizeof hands / sizeof hands[0] };
    struct CMUnitTest tests[N_FIXED + N_HANDS];
    memcpy(tests, fixed, sizeof fixed);
    for (size_t i = 0; i < N_HANDS; i++)
        tests[N_FIXED + i] = (struct CMUnitTest){.name = hands[i].name,
                                                 .test_func = value_is_what_paper_says,
                                                 .initial_state = (void *)&hands[i]};
    return _cmocka_run_group_tests("ops", tests, N_FIXED + N_HANDS, NULL, NULL);
}
