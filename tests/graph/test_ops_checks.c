/* tests/graph/test_ops_checks.c - what ops refuse, with which error, and what they are counted at.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <string.h>

#include <support/cases.h>

static op_case case_named(const char *name) {
    for (uint32_t i = 0; i < op_case_count; i++)
        if (strcmp(op_cases[i].name, name) == 0)
            return op_cases[i];
    fail_msg("no case is called %s", name);
    return op_cases[0];
}

/* The error must name the op and say the status. */
static void expect_refusal(const op_case *c, nas_status want, const char *what, int at) {
    op_case_run r = {0};
    nas_status st = op_case_build(&r, c, false);
    if (st != want)
        fail_msg("%s, %s %d: %s", c->name, what, at, st == NAS_OK ? "was taken" : nas_error_text());
    assert_non_null(strstr(nas_error_text(), nas_op_get(c->op)->name));
}

/* A good case with one dimension of one input made wrong. axis -1 makes the rank `to`. */
static void wrong_shapes_are_refused(void **state) {
    static const struct {
        const char *name;
        int input, axis, to;
    } rows[] = {
        {"conv2d/3x3_same", 1, 2, 4},
        {"conv2d/3x3_same", 1, 0, 5},
        {"conv2d/3x3_same", 0, -1, 3},
        {"conv2d/valid", 0, 1, 2},
        {"conv2d/bias", 2, 0, 4},
        {"conv2d/residual", 2, 1, 4},
        {"conv2d/groups", 1, 3, 5},
        {"matmul/nn", 1, 0, 5},
        {"matmul/tt", 0, 0, 5},
        {"matmul/batch_nn", 1, 0, 3},
        {"matmul/row", 1, -1, 1},
        {"matmul/bias", 2, 0, 4},
        {"matmul/residual", 2, 0, 4},
        {"attention/two_heads", 0, 2, 17},
        {"attention/two_heads", 0, 2, 15},
        {"add/vector", 1, 0, 4},
        {"add/same", 0, -1, 2},
        {"mul/gate", 1, 0, 3},
        {"dropout/elements", 1, -1, 1},
        {"layer_norm/rows", 1, 0, 5},
        {"layer_norm/rows", 2, 0, 1},
        {"batch_stats/rows", 0, -1, 1},
        {"batch_norm/frozen", 3, 0, 3},
        {"batch_norm/frozen", 1, 0, 4},
        {"ema/unbiased", 1, 1, 32},
        {"max_pool/2x2", 0, 1, 1},
        {"avg_pool/valid", 0, -1, 3},
        {"reshape/flatten", 0, 1, 4},
        {"concat/middle", 1, 2, 5},
        {"concat/middle", 2, -1, 2},
        {"slice/middle", 0, 1, 4},
        {"expand/leading", 0, 0, 3},
        {"sum_to/vector", 0, 2, 6},
        {"cross_entropy/plain", 1, 0, 3},
        {"correct/rows", 0, -1, 1},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        op_case c = case_named(rows[i].name);
        nas_shape *s = &c.in[rows[i].input].shape;
        if (rows[i].axis >= 0) {
            s->dim[rows[i].axis] = rows[i].to;
        } else {
            for (int32_t k = s->rank; k < rows[i].to; k++)
                s->dim[k] = 1;
            for (int32_t k = rows[i].to; k < s->rank; k++)
                s->dim[k] = 0;
            s->rank = rows[i].to;
        }
        expect_refusal(&c, NAS_E_SHAPE, "input", rows[i].input);
    }
}

/* A good case with one whole-number attribute made wrong, as a hostile graph file may. */
static void wrong_attributes_are_refused(void **state) {
    static const struct {
        const char *name;
        size_t offset;
        int32_t to;
        nas_status want;
    } rows[] = {
#define AT(part, member) offsetof(nas_attr, part.member)
        {"conv2d/3x3_same", AT(conv, stride[0]), 0, NAS_E_ARG},
        {"conv2d/3x3_same", AT(conv, stride[1]), INT32_MIN, NAS_E_ARG},
        {"conv2d/3x3_same", AT(conv, dilation[1]), 0, NAS_E_ARG},
        {"conv2d/3x3_same", AT(conv, dilation[1]), INT32_MAX, NAS_E_SHAPE},
        {"conv2d/3x3_same", AT(conv, kernel[0]), 0, NAS_E_ARG},
        {"conv2d/3x3_same", AT(conv, kernel[0]), INT32_MAX, NAS_E_SHAPE},
        {"conv2d/3x3_same", AT(conv, pad[2]), -1, NAS_E_ARG},
        {"conv2d/3x3_same", AT(conv, pad[2]), INT32_MAX, NAS_E_SHAPE},
        {"conv2d/3x3_same", AT(conv, groups), 0, NAS_E_ARG},
        {"conv2d/3x3_same", AT(conv, groups), 2, NAS_E_SHAPE},
        {"conv2d/3x3_same", AT(conv, act), NAS_ACT_COUNT, NAS_E_ARG},
        {"conv2d/3x3_same", AT(conv, bias), 1, NAS_E_ARG},
        {"conv2d/3x3_same", AT(conv, residual), 2, NAS_E_ARG},
        {"matmul/nn", AT(matmul, ta), 2, NAS_E_ARG},
        {"matmul/row", AT(matmul, ta), 1, NAS_E_SHAPE},
        {"matmul/nn", AT(matmul, sums), 1, NAS_E_ARG},
        {"matmul/tn", AT(matmul, sums), 2, NAS_E_ARG},
        {"matmul/nn", AT(matmul, act), -1, NAS_E_ARG},
        {"matmul/nn", AT(matmul, residual), 1, NAS_E_ARG},
        {"attention/two_heads", AT(attention, heads), 0, NAS_E_ARG},
        {"attention/two_heads", AT(attention, heads), 4, NAS_E_SHAPE},
        {"attention/two_heads", AT(attention, causal), 3, NAS_E_ARG},
        {"act/relu", AT(act, kind), -1, NAS_E_ARG},
        {"dropout/samples", AT(dropout, per_sample), 2, NAS_E_ARG},
        {"ema/plain", AT(norm, count), -1, NAS_E_ARG},
        {"max_pool/3x3_s2", AT(conv, pad[0]), 3, NAS_E_ARG},
        {"max_pool/3x3_s2", AT(conv, stride[0]), 0, NAS_E_ARG},
        {"max_pool/3x3_s2", AT(conv, dilation[0]), 2, NAS_E_ARG},
        {"avg_pool/valid", AT(conv, include_pad), -1, NAS_E_ARG},
        {"reshape/flatten", AT(shape, shape.rank), 7, NAS_E_SHAPE},
        {"reshape/flatten", AT(shape, shape.rank), -1, NAS_E_SHAPE},
        {"reshape/flatten", AT(shape, shape.dim[0]), -2, NAS_E_SHAPE},
        {"reshape/flatten", AT(shape, shape.dim[4]), 1, NAS_E_SHAPE},
        {"transpose/heads", AT(transpose, perm[0]), 2, NAS_E_ARG},
        {"transpose/heads", AT(transpose, perm[1]), 4, NAS_E_ARG},
        {"transpose/heads", AT(transpose, perm[5]), 1, NAS_E_ARG},
        {"concat/middle", AT(axis, axis), 3, NAS_E_ARG},
        {"concat/middle", AT(axis, axis), -1, NAS_E_ARG},
        {"slice/middle", AT(axis, begin), 5, NAS_E_SHAPE},
        {"slice/middle", AT(axis, begin), -1, NAS_E_SHAPE},
        {"slice/middle", AT(axis, end), 8, NAS_E_SHAPE},
        {"pad/middle", AT(axis, begin), -1, NAS_E_SHAPE},
        {"pad/middle", AT(axis, end), INT32_MAX, NAS_E_SHAPE},
        {"expand/leading", AT(shape, shape.dim[0]), INT32_MAX, NAS_E_SHAPE},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        op_case c = case_named(rows[i].name);
        memcpy((char *)&c.attr + rows[i].offset, &rows[i].to, sizeof rows[i].to);
        expect_refusal(&c, rows[i].want, "attribute at", (int)rows[i].offset);
    }
}

static void wrong_real_attributes_are_refused(void **state) {
    static const struct {
        const char *name;
        size_t offset;
        float to;
    } rows[] = {
        {"matmul/nn", AT(matmul, alpha), INFINITY},
        {"dropout/elements", AT(dropout, rate), 1},
        {"dropout/elements", AT(dropout, rate), -0.1f},
        {"dropout/elements", AT(dropout, rate), NAN},
        {"layer_norm/rows", AT(norm, eps), -1e-5f},
        {"batch_norm/own", AT(norm, eps), NAN},
        {"ema/plain", AT(norm, momentum), 1.5f},
        {"ema/plain", AT(norm, momentum), NAN},
        {"cross_entropy/plain", AT(loss, smoothing), 1},
        {"cross_entropy/plain", AT(loss, smoothing), NAN},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        op_case c = case_named(rows[i].name);
        memcpy((char *)&c.attr + rows[i].offset, &rows[i].to, sizeof rows[i].to);
        expect_refusal(&c, NAS_E_ARG, "attribute at", (int)rows[i].offset);
    }
}

/* Leaves come from files as well. */
static void wrong_leaves_are_refused(void **state) {
    static const struct {
        nas_op op;
        nas_attr attr;
        nas_status want;
    } rows[] = {
        {NAS_OP_INPUT, {.leaf = {.shape = {1, {0}}}}, NAS_E_SHAPE},
        {NAS_OP_INPUT, {.leaf = {.shape = {7, {1, 1, 1, 1, 1, 1}}}}, NAS_E_SHAPE},
        {NAS_OP_INPUT, {.leaf = {.shape = {2, {65536, 65536}}}}, NAS_E_SHAPE},
        {NAS_OP_PARAM, {.leaf = {.shape = {1, {3}}, .init = 4}}, NAS_E_ARG},
        {NAS_OP_PARAM, {.leaf = {.shape = {1, {3}}, .scale = NAN}}, NAS_E_ARG},
        {NAS_OP_PARAM, {.leaf = {.shape = {1, {3}}, .decay = 2}}, NAS_E_ARG},
        {NAS_OP_STATE, {.leaf = {.shape = {1, {3}}, .scale = NAN}}, NAS_E_ARG},
        {NAS_OP_CONSTANT, {.leaf = {.shape = {1, {3}}, .scale = INFINITY}}, NAS_E_ARG},
    };
    nas_graph *g = NULL;
    (void)state;
    assert_int_equal(nas_graph_create(&g), NAS_OK);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        nas_value v;
        assert_int_equal(nas_graph_leaf(&v, g, rows[i].op, "leaf", &rows[i].attr), rows[i].want);
        assert_non_null(strstr(nas_error_text(), nas_op_get(rows[i].op)->name));
    }
    assert_int_equal(nas_graph_count(g), 0);
    nas_graph_free(g);
}

static nas_cost cost_of(const op_case_run *r, nas_value v) {
    const nas_node *n = nas_graph_node(r->graph, v);
    nas_shape in[NAS_MAX_IN];
    nas_cost c = {0};
    for (uint32_t i = 0; i < n->n_in; i++)
        in[i] = *nas_graph_shape(r->graph, n->in[i]);
    nas_op_get(n->op)->cost(n, in, &c);
    return c;
}

/* The convention of docs/numerics.md, on sizes small enough to multiply by hand. */
static void counts_follow_the_convention(void **state) {
    static const struct {
        const char *name;
        int64_t macs, flops;
    } rows[] = {
        {"conv2d/3x3_same", 2 * 5 * 7 * 4 * 27, 2 * 2 * 5 * 7 * 4 * 27},
        {"conv2d/depthwise", 2 * 5 * 6 * 5 * 9, 2 * 2 * 5 * 6 * 5 * 9},
        {"conv2d/groups", 2 * 5 * 4 * 4 * 27, 2 * 2 * 5 * 4 * 4 * 27},
        {"conv2d/bias_residual", 90 * 18, 2 * 90 * 18 + 2 * 90},
        {"matmul/nn", 24, 48},
        {"matmul/shared_rank_6", 4 * 3 * 4 * 3, 2 * 4 * 3 * 4 * 3},
        {"matmul/bias", 120, 240 + 30},
        {"attention/two_heads", 2 * 2 * 5 * 5 * 6, 4 * 2 * 5 * 5 * 6 + 6 * 2 * 2 * 5 * 5},
        {"add/vector", 0, 120},
        {"act/relu", 0, 105},
        {"act/none", 0, 0},
        {"softmax/rows", 0, 75},
        {"max_pool/2x2", 0, 12 * 4},
        {"reshape/flatten", 0, 0},
        {"transpose/heads", 0, 0},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        op_case c = case_named(rows[i].name);
        op_case_run r = {0};
        assert_int_equal(op_case_build(&r, &c, false), NAS_OK);
        nas_cost cost = cost_of(&r, r.y);
        if (cost.macs != rows[i].macs || cost.flops != rows[i].flops)
            fail_msg("%s: %lld MACs and %lld flops, not %lld and %lld", c.name,
                     (long long)cost.macs, (long long)cost.flops, (long long)rows[i].macs,
                     (long long)rows[i].flops);
        op_case_close(&r);
    }
}

/* A gradient op of a product costs what the product costs (attention: 5 products instead of 2), and
 * every op counts both operations of each of its MACs. */
static void counts_of_gradients_match_their_op(void **state) {
    (void)state;
    for (uint32_t k = 0; k < op_case_count; k++) {
        op_case_run r = {0};
        assert_int_equal(op_case_build(&r, &op_cases[k], true), NAS_OK);
        int64_t macs = cost_of(&r, r.y).macs;
        for (uint32_t id = 0; id < nas_graph_count(r.graph); id++) {
            nas_op op = nas_graph_node(r.graph, (nas_value){id})->op;
            nas_cost c = cost_of(&r, (nas_value){id});
            assert_true(c.macs >= 0 && c.flops >= 2 * c.macs);
            if (op == NAS_OP_CONV2D_DX || op == NAS_OP_CONV2D_DW || op == NAS_OP_MATMUL)
                assert_int_equal(c.macs, macs);
            if (op == NAS_OP_ATTENTION_GRAD)
                assert_int_equal(2 * c.macs, 5 * macs);
        }
        op_case_close(&r);
    }
}

/* The text form and the hash see an attribute only through its field table. */
static void fields_lie_inside_the_attribute(void **state) {
    (void)state;
    for (int op = 0; op < NAS_OP_COUNT; op++) {
        const nas_op_info *info = nas_op_get((nas_op)op);
        for (uint32_t f = 0; f < info->n_fields; f++) {
            const nas_field *field = &info->fields[f];
            size_t size = field->kind == NAS_FIELD_SHAPE ? sizeof(nas_shape) : sizeof(int32_t);
            assert_true(field->count >= 1);
            assert_true(field->offset + field->count * size <= sizeof(nas_attr));
            for (uint32_t e = 0; e < f; e++)
                assert_string_not_equal(info->fields[e].name, field->name);
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(wrong_shapes_are_refused),
        cmocka_unit_test(wrong_attributes_are_refused),
        cmocka_unit_test(wrong_real_attributes_are_refused),
        cmocka_unit_test(wrong_leaves_are_refused),
        cmocka_unit_test(counts_follow_the_convention),
        cmocka_unit_test(counts_of_gradients_match_their_op),
        cmocka_unit_test(fields_lie_inside_the_attribute),
    };
    return cmocka_run_group_tests_name("ops_checks", tests, NULL, NULL);
}
