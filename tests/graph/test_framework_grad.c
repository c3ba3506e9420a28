/* tests/graph/test_framework_grad.c - gradients of whole networks, and the training graph. */
#include "framework_nets.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* Central differences at STEP: error O(STEP^2) of the slope plus 1e-16/STEP of rounding; relative
 * to a slope of order 1. */
static const double STEP = 1e-6, TOLERANCE = 2e-8;

static nas_status vit(nas_graph **out, int32_t batch) {
    return net_vit(out, batch, 0.3f);
}

typedef struct net_case {
    const char *name;
    nas_status (*net)(nas_graph **out, int32_t batch);
    float smoothing;
} net_case;

static const net_case nets[] = {{"cnn", net_cnn, 0}, {"vit", vit, 0}, {"vit_smooth", vit, 0.1f}};

/* value[p] += step * direction, the same direction for the same seed. */
static void move(const net_run *r, const nas_value *p, uint32_t n, uint64_t seed, double step) {
    for (uint32_t i = 0; i < n; i++) {
        nas_rng rng = nas_rng_stream(seed, "direction", i);
        int64_t count = nas_shape_count(nas_graph_shape(r->g, p[i]));
        for (int64_t k = 0; k < count; k++)
            r->value[p[i].id][k] += step * nas_rng_normal(&rng);
    }
}

static double along(const net_run *r, const nas_value *grad, uint32_t n, uint64_t seed) {
    double sum = 0;
    for (uint32_t i = 0; i < n; i++) {
        nas_rng rng = nas_rng_stream(seed, "direction", i);
        int64_t count = nas_shape_count(nas_graph_shape(r->g, grad[i]));
        for (int64_t k = 0; k < count; k++)
            sum += r->value[grad[i].id][k] * nas_rng_normal(&rng);
    }
    return sum;
}

static double sum_of(const net_run *r, nas_value v) {
    double sum = 0;
    int64_t count = nas_shape_count(nas_graph_shape(r->g, v));
    for (int64_t i = 0; i < count; i++)
        sum += r->value[v.id][i];
    return sum;
}

/* (f(p + h d) - f(p - h d)) / 2h, f the sum of value v. */
static double slope(net_run *r, nas_value v, const nas_value *p, uint32_t n, uint64_t seed) {
    move(r, p, n, seed, STEP);
    net_run_go(r);
    double above = sum_of(r, v);
    move(r, p, n, seed, -2 * STEP);
    net_run_go(r);
    double below = sum_of(r, v);
    move(r, p, n, seed, STEP);
    return (above - below) / (2 * STEP);
}

static void check_slope(double have, double want) {
    if (!(fabs(have - want) <= TOLERANCE * fmax(1, fabs(want))))
        fail_msg("gradient along a direction is %.12g, differences say %.12g", have, want);
}

static void mean_loss_falls_along_its_gradient(void **state) {
    const net_case *c = *state;
    enum { BATCH = 5 };
    nas_graph *model;
    nas_training t;
    net_must(c->net(&model, BATCH));
    net_must(nas_graph_training(&t, model, &(nas_training_options){.smoothing = c->smoothing}));
    net_must(nas_graph_verify(t.graph));
    net_run r = net_run_create(t.graph, 11);
    for (uint64_t seed = 1; seed <= 3; seed++) {
        net_run_go(&r);
        double have = along(&r, t.grad, t.n_params, seed);
        assert_true(fabs(have) > 1e-3);
        check_slope(have, slope(&r, t.loss, t.param, t.n_params, seed) / BATCH);
    }
    /* One param at a time: an error must not hide in the sum. */
    for (uint32_t i = 0; i < t.n_params; i++) {
        net_run_go(&r);
        double have = along(&r, &t.grad[i], 1, 9);
        check_slope(have, slope(&r, t.loss, &t.param[i], 1, 9) / BATCH);
    }
    net_run_free(&r);
    nas_training_free(&t);
    nas_graph_free(model);
}

/* The evaluation form of batch norm has constant statistics; loss is summed; x is a wrt as well. */
static void gradient_reaches_inputs_and_inner_values(void **state) {
    (void)state;
    nas_graph *g;
    net_must(net_cnn(&g, 2));
    nas_value x = nas_graph_find(g, "x"), labels, loss, grad[4];
    nas_attr a = {.leaf = {.shape = NAS_SHAPE(2)}};
    net_must(nas_graph_leaf(&labels, g, NAS_OP_INPUT, "labels", &a));
    net_must(nas_cross_entropy(&loss, g, nas_graph_output(g), labels, 0));
    nas_value wrt[] = {x, nas_graph_output(g), nas_graph_find(g, "a.weight"),
                       nas_graph_find(g, "head.bias")};
    net_must(nas_graph_backward(grad, g, loss, wrt, 4));
    net_must(nas_graph_verify(g));
    net_run r = net_run_create(g, 3);
    net_run_go(&r);
    for (uint32_t i = 0; i < 4; i += i ? 1 : 2) {
        net_run_go(&r);
        double have = along(&r, &grad[i], 1, 4);
        check_slope(have, slope(&r, loss, &wrt[i], 1, 4));
    }
    /* head.bias gathers the gradient of the logits over the batch. */
    net_run_go(&r);
    for (int k = 0; k < 3; k++)
        assert_true(fabs(r.value[grad[1].id][k] + r.value[grad[1].id][3 + k] -
                         r.value[grad[3].id][k]) < 1e-14);
    net_run_free(&r);
    nas_graph_free(g);
}

static void what_the_loss_does_not_reach_has_no_gradient(void **state) {
    (void)state;
    nas_graph *g;
    nas_value x, p, q, y, s, grad[2];
    net_must(nas_graph_create(&g));
    net_must(net_input(&x, g, NAS_SHAPE(4)));
    net_must(net_param(&p, g, "p", "w", NAS_SHAPE(4), 1));
    net_must(net_param(&q, g, "q", "w", NAS_SHAPE(4), 1));
    net_must(nas_mul(&y, g, x, p));
    net_must(nas_mul(&s, g, y, q));
    net_must(nas_graph_backward(grad, g, y, (nas_value[]){p, q}, 2));
    assert_true(nas_value_ok(grad[0]));
    assert_false(nas_value_ok(grad[1]));
    uint32_t n = nas_graph_count(g);
    net_must(nas_graph_backward(grad, g, y, &q, 1));
    assert_false(nas_value_ok(grad[0]));
    assert_int_equal(nas_graph_count(g), n);
    /* Twice through the same graph: the names of the seeds do not clash. */
    net_must(nas_graph_backward(grad, g, s, (nas_value[]){p, q}, 2));
    net_must(nas_graph_backward(grad, g, s, (nas_value[]){p, q}, 2));
    net_must(nas_graph_verify(g));
    nas_graph_free(g);
}

static void an_op_without_gradient_is_named_and_nothing_is_left(void **state) {
    (void)state;
    nas_graph *g;
    nas_value x, y, labels, p, grad = {77};
    nas_attr a = {.leaf = {.shape = NAS_SHAPE(4)}};
    net_must(nas_graph_create(&g));
    net_must(net_input(&x, g, NAS_SHAPE(4, 3)));
    net_must(net_param(&p, g, "p", "w", NAS_SHAPE(3), 1));
    net_must(nas_graph_leaf(&labels, g, NAS_OP_INPUT, "labels", &a));
    net_must(nas_mul(&x, g, x, p));
    net_must(nas_correct(&y, g, x, labels));
    uint32_t n = nas_graph_count(g);
    uint64_t hash = nas_graph_hash(g);
    assert_int_equal(nas_graph_backward(&grad, g, y, &p, 1), NAS_E_GRAPH);
    assert_non_null(strstr(nas_error_text(), "correct"));
    assert_int_equal(grad.id, 77);
    assert_int_equal(nas_graph_count(g), n);
    assert_true(nas_graph_hash(g) == hash);
    net_must(nas_graph_verify(g));
    nas_graph_free(g);
}

static void params_come_in_the_order_of_the_model(void **state) {
    (void)state;
    nas_graph *model;
    nas_training t;
    net_must(net_vit(&model, 3, 0.1f));
    net_must(nas_graph_training(&t, model, NULL));
    uint32_t k = 0;
    for (uint32_t i = 0; i < nas_graph_count(model); i++) {
        nas_value v = {i};
        if (nas_graph_node(model, v)->op != NAS_OP_PARAM)
            continue;
        assert_string_equal(nas_graph_name(model, v), nas_graph_name(t.graph, t.param[k]));
        assert_true(nas_shape_equal(nas_graph_shape(t.graph, t.param[k]),
                                    nas_graph_shape(t.graph, t.grad[k])));
        k++;
    }
    assert_int_equal(k, t.n_params);
    assert_string_equal(nas_graph_name(t.graph, t.x), "x");
    assert_string_equal(nas_graph_name(t.graph, t.seed), "seed");
    assert_string_equal(nas_graph_name(t.graph, t.labels), "labels");
    assert_int_equal(net_count(t.graph, NAS_OP_EMA), 0);
    nas_training_free(&t);
    nas_graph_free(model);
    net_must(net_cnn(&model, 3));
    net_must(nas_graph_training(&t, model, NULL));
    assert_false(nas_value_ok(t.seed));
    assert_int_equal(net_count(t.graph, NAS_OP_EMA), 4);
    assert_int_equal(net_count(t.graph, NAS_OP_BATCH_STATS), 4);
    nas_training_free(&t);
    nas_graph_free(model);
}

static void a_param_without_use_stops_training(void **state) {
    (void)state;
    nas_graph *model;
    nas_training t;
    nas_value p;
    net_must(net_cnn(&model, 3));
    net_must(net_param(&p, model, "idle", "weight", NAS_SHAPE(3), 1));
    assert_int_equal(nas_graph_training(&t, model, NULL), NAS_E_GRAPH);
    assert_non_null(strstr(nas_error_text(), "idle.weight"));
    nas_graph_free(model);
}

static void norms_that_share_statistics_stop_training(void **state) {
    (void)state;
    nas_graph *model;
    nas_training t;
    nas_value x, y, again;
    net_must(nas_graph_create(&model));
    net_must(net_input(&x, model, NAS_SHAPE(4, 3)));
    net_must(net_norm(&y, model, x, "bn"));
    const nas_node *n = nas_graph_node(model, y);
    nas_value in[] = {y, n->in[1], n->in[2], n->in[3]};
    net_must(nas_batch_norm(&again, model, in[0], in[1], in[2], in[3], 1e-5f));
    nas_graph_set_output(model, again);
    assert_int_equal(nas_graph_training(&t, model, NULL), NAS_E_GRAPH);
    assert_non_null(strstr(nas_error_text(), "bn.stats"));
    nas_graph_free(model);
}

/* state = (1-m) state + m (mean, variance n/(n-1)), worked out from x itself. */
static void running_statistics_follow_the_batch(void **state) {
    (void)state;
    enum { N = 6, C = 3 };
    static const double momentum = 0.25;
    nas_graph *model;
    nas_training t;
    nas_value x, y;
    net_must(nas_graph_create(&model));
    net_must(net_input(&x, model, NAS_SHAPE(N, C)));
    net_must(net_norm(&y, model, x, "bn"));
    nas_graph_set_output(model, y);
    net_must(nas_graph_training(&t, model, &(nas_training_options){.bn_momentum = 0.25f}));
    net_run r = net_run_create(t.graph, 21);
    double *s = r.value[nas_graph_find(t.graph, "bn.stats").id];
    double before[2 * C];
    memcpy(before, s, sizeof before);
    net_run_go(&r);
    for (int c = 0; c < C; c++) {
        double mean = 0, square = 0;
        for (int i = 0; i < N; i++)
            mean += r.value[t.x.id][i * C + c] / N;
        for (int i = 0; i < N; i++)
            square += pow(r.value[t.x.id][i * C + c] - mean, 2);
        double want_mean = (1 - momentum) * before[c] + momentum * mean;
        double want_var = (1 - momentum) * before[C + c] + momentum * square / (N - 1);
        assert_true(fabs(s[c] - want_mean) < 1e-12);
        assert_true(fabs(s[C + c] - want_var) < 1e-12);
    }
    net_run_free(&r);
    nas_training_free(&t);
    nas_graph_free(model);
}

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

int main(void) {
    const struct CMUnitTest others[] = {
        cmocka_unit_test(gradient_reaches_inputs_and_inner_values),
        cmocka_unit_test(what_the_loss_does_not_reach_has_no_gradient),
        cmocka_unit_test(an_op_without_gradient_is_named_and_nothing_is_left),
        cmocka_unit_test(params_come_in_the_order_of_the_model),
        cmocka_unit_test(a_param_without_use_stops_training),
        cmocka_unit_test(norms_that_share_statistics_stop_training),
        cmocka_unit_test(running_statistics_follow_the_batch),
    };
    struct CMUnitTest tests[COUNT(nets) + COUNT(others)];
    for (size_t i = 0; i < COUNT(nets); i++)
        tests[i] = (struct CMUnitTest){nets[i].name, mean_loss_falls_along_its_gradient, NULL, NULL,
                                       (void *)&nets[i]};
    memcpy(tests + COUNT(nets), others, sizeof others);
    return _cmocka_run_group_tests("graph gradients", tests, COUNT(tests), NULL, NULL);
}
