/* tests/graph/test_fuse_training.c - what a training graph computes in one pass over memory, and
 * that it computes the same as the model written out. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "framework_nets.h"

static nas_training training_of(nas_graph *model) {
    nas_training t = {0};
    net_must(nas_graph_training(&t, model, NULL));
    return t;
}

static uint32_t norms_with(const nas_graph *g, nas_act act, uint32_t n_in) {
    uint32_t n = 0;
    for (uint32_t i = 0; i < nas_graph_count(g); i++) {
        const nas_node *v = nas_graph_node(g, (nas_value){i});
        n += v->op == NAS_OP_BATCH_NORM && v->attr.norm.act == (int32_t)act && v->n_in == n_in;
    }
    return n;
}

/* ResNet-20: 10 norms with relu alone, 9 that end a block with the shortcut and relu. */
static void norms_take_activation_and_shortcut(void **state) {
    nas_graph *model = NULL;
    (void)state;
    net_must(net_resnet20(&model, 2));
    nas_training t = training_of(model);
    assert_int_equal(net_count(t.graph, NAS_OP_ACT), 0);
    assert_int_equal(norms_with(t.graph, NAS_ACT_RELU, 4), 10);
    assert_int_equal(norms_with(t.graph, NAS_ACT_RELU, 5), 9);
    assert_int_equal(net_count(t.graph, NAS_OP_ACT_GRAD), 9);
    nas_training_free(&t);
    nas_graph_free(model);
}

static void dense_layers_take_bias_and_residual(void **state) {
    nas_graph *model = NULL;
    nas_value x, y;
    uint32_t biases = 0, residuals = 0;
    (void)state;
    net_must(nas_graph_create(&model));
    net_must(net_input(&x, model, NAS_SHAPE(2, 5, 4)));
    net_must(net_dense(&x, model, x, "in", 4));
    net_must(net_dense(&y, model, x, "path", 4));
    net_must(nas_add(&y, model, x, y));
    net_must(nas_global_pool(&y, model, y));
    net_must(net_dense(&y, model, y, "out", 3));
    nas_graph_set_output(model, y);
    nas_training t = training_of(model);
    for (uint32_t i = 0; i < nas_graph_count(t.graph); i++) {
        const nas_node *v = nas_graph_node(t.graph, (nas_value){i});
        biases += v->op == NAS_OP_MATMUL && v->attr.matmul.bias;
        residuals += v->op == NAS_OP_MATMUL && v->attr.matmul.residual;
    }
    assert_int_equal(biases, 3);
    assert_int_equal(residuals, 1);
    nas_training_free(&t);
    nas_graph_free(model);
}

/* Two readers of a value, and a value that is the output, must stay readable. */
static void values_read_twice_are_not_taken(void **state) {
    nas_graph *g = NULL;
    nas_value x, y, z;
    (void)state;
    net_must(nas_graph_create(&g));
    net_must(net_input(&x, g, NAS_SHAPE(4, 3)));
    net_must(net_norm(&y, g, x, "n"));
    net_must(nas_activation(&z, g, y, NAS_ACT_RELU));
    net_must(nas_add(&z, g, z, y));
    nas_graph_set_output(g, z);
    nas_training t = training_of(g);
    assert_int_equal(net_count(t.graph, NAS_OP_ACT), 1);
    assert_int_equal(norms_with(t.graph, NAS_ACT_NONE, 4), 1);
    nas_training_free(&t);
    nas_graph_free(g);
}

/* The logits of a training graph, computed from the same leaves as a plain copy of the model whose
 * statistics are those of the batch. */
static void fused_graph_computes_the_same(void **state) {
    nas_graph *model = NULL;
    (void)state;
    net_must(net_cnn(&model, 3));
    nas_training t = training_of(model);
    net_run fused = net_run_create(t.graph, 5), plain = net_run_create(model, 5);
    net_run_go(&fused);
    for (uint32_t i = 0; i < nas_graph_count(model); i++) {
        nas_value v = {i}, twin = nas_graph_find(t.graph, nas_graph_name(model, v));
        nas_op op = nas_graph_node(model, v)->op;
        if (op != NAS_OP_PARAM && op != NAS_OP_INPUT)
            continue;
        for (int64_t k = 0; k < nas_shape_count(nas_graph_shape(model, v)); k++)
            plain.value[i][k] = fused.value[twin.id][k];
    }
    /* Running statistics are set to those that the training graph found, one norm after the other:
     * each is read by the norm that they are named after. */
    for (uint32_t i = 0, s = 0; i < nas_graph_count(model); i++) {
        if (nas_graph_node(model, (nas_value){i})->op != NAS_OP_STATE)
            continue;
        nas_value state_in_training =
            nas_graph_find(t.graph, nas_graph_name(model, (nas_value){i}));
        for (s = 0; s < nas_graph_count(t.graph); s++) {
            const nas_node *v = nas_graph_node(t.graph, (nas_value){s});
            if (v->op == NAS_OP_EMA && v->in[0].id == state_in_training.id)
                for (int64_t k = 0; k < nas_shape_count(&v->shape); k++)
                    plain.value[i][k] = fused.value[v->in[1].id][k];
        }
    }
    net_run_go(&plain);
    nas_value y = nas_graph_output(model);
    for (int64_t k = 0; k < nas_shape_count(nas_graph_shape(model, y)); k++)
        assert_true(fabs(plain.value[y.id][k] - fused.value[t.logits.id][k]) < 1e-9);
    net_run_free(&fused);
    net_run_free(&plain);
    nas_training_free(&t);
    nas_graph_free(model);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(norms_take_activation_and_shortcut),
        cmocka_unit_test(dense_layers_take_bias_and_residual),
        cmocka_unit_test(values_read_twice_are_not_taken),
        cmocka_unit_test(fused_graph_computes_the_same),
    };
    return cmocka_run_group_tests_name("fuse_training", tests, NULL, NULL);
}
