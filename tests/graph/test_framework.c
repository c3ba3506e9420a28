/* tests/graph/test_framework.c - the graph as a container: what goes in, what is refused, costs. */
#include "framework_nets.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static nas_attr leaf(nas_shape s) {
    return (nas_attr){.leaf = {.shape = s}};
}

/* x [2,3], w [4,5], u [3,4] */
typedef struct fixture {
    nas_graph *g;
    nas_value x, w, u;
} fixture;

static fixture make(void) {
    fixture f;
    net_must(nas_graph_create(&f.g));
    nas_attr x = leaf(NAS_SHAPE(2, 3)), w = leaf(NAS_SHAPE(4, 5)), u = leaf(NAS_SHAPE(3, 4));
    net_must(nas_graph_leaf(&f.x, f.g, NAS_OP_INPUT, "x", &x));
    net_must(nas_graph_leaf(&f.w, f.g, NAS_OP_PARAM, "w", &w));
    net_must(nas_graph_leaf(&f.u, f.g, NAS_OP_PARAM, "u", &u));
    return f;
}

static nas_status add_wrong_shape(nas_value *y, fixture *f) {
    return nas_matmul(y, f->g, f->x, f->w, false, false);
}
static nas_status add_too_few(nas_value *y, fixture *f) {
    return nas_graph_add(y, f->g, NAS_OP_ADD, &f->x, 1, NULL);
}
static nas_status add_foreign(nas_value *y, fixture *f) {
    return nas_graph_add(y, f->g, NAS_OP_SOFTMAX, &(nas_value){99}, 1, NULL);
}
static nas_status add_bias_that_does_not_fit(nas_value *y, fixture *f) {
    return nas_linear(y, f->g, f->x, f->u, f->x);
}
static nas_status add_twin(nas_value *y, fixture *f) {
    nas_attr a = leaf(NAS_SHAPE(1));
    return nas_graph_leaf(y, f->g, NAS_OP_PARAM, "w", &a);
}
static nas_status add_unnamed(nas_value *y, fixture *f) {
    nas_attr a = leaf(NAS_SHAPE(1));
    return nas_graph_leaf(y, f->g, NAS_OP_PARAM, "", &a);
}
static nas_status add_quote(nas_value *y, fixture *f) {
    nas_attr a = leaf(NAS_SHAPE(1));
    return nas_graph_leaf(y, f->g, NAS_OP_PARAM, "a\"b", &a);
}
static nas_status add_empty_dimension(nas_value *y, fixture *f) {
    nas_attr a = leaf(NAS_SHAPE(3, 0));
    return nas_graph_leaf(y, f->g, NAS_OP_PARAM, "v", &a);
}
static nas_status add_huge(nas_value *y, fixture *f) {
    nas_attr a = leaf(NAS_SHAPE(65536, 65536));
    return nas_graph_leaf(y, f->g, NAS_OP_PARAM, "v", &a);
}
static nas_status add_leaf_without_name(nas_value *y, fixture *f) {
    nas_attr a = leaf(NAS_SHAPE(1));
    return nas_graph_add(y, f->g, NAS_OP_PARAM, NULL, 0, &a);
}

typedef struct refusal {
    const char *name;
    nas_status (*add)(nas_value *y, fixture *f);
    nas_status want;
    const char *says;
} refusal;

static const refusal refusals[] = {
    {"inner_sizes_differ", add_wrong_shape, NAS_E_SHAPE, "s1.0: matmul"},
    {"too_few_inputs", add_too_few, NAS_E_ARG, "add"},
    {"value_of_another_graph", add_foreign, NAS_E_ARG, "softmax"},
    {"second_half_of_linear", add_bias_that_does_not_fit, NAS_E_SHAPE, "add"},
    {"name_is_taken", add_twin, NAS_E_EXISTS, "\"w\""},
    {"name_is_empty", add_unnamed, NAS_E_ARG, "name"},
    {"name_has_a_quote", add_quote, NAS_E_ARG, "name"},
    {"dimension_of_0", add_empty_dimension, NAS_E_SHAPE, "\"v\""},
    {"over_2^31_elements", add_huge, NAS_E_SHAPE, "\"v\""},
    {"leaf_by_add", add_leaf_without_name, NAS_E_ARG, "name"},
};

static void a_failed_insertion_changes_nothing(void **state) {
    const refusal *c = *state;
    fixture f = make();
    net_must(nas_graph_scope_push(f.g, "s1", "stage", 0));
    net_must(nas_graph_scope_push(f.g, "0", "conv", 0));
    nas_text before = {0}, after = {0};
    uint64_t hash = nas_graph_hash(f.g);
    net_must(nas_graph_write(&before, f.g));
    nas_value y = {12345};
    assert_int_equal(c->add(&y, &f), c->want);
    assert_non_null(strstr(nas_error_text(), c->says));
    assert_int_equal(y.id, 12345);
    net_must(nas_graph_write(&after, f.g));
    assert_string_equal(nas_text_str(&before), nas_text_str(&after));
    assert_true(hash == nas_graph_hash(f.g));
    net_must(nas_matmul(&y, f.g, f.x, f.u, false, false));
    net_must(nas_graph_verify(f.g));
    nas_text_free(&before);
    nas_text_free(&after);
    nas_graph_free(f.g);
}

static void leaves_are_found_by_name_among_many(void **state) {
    (void)state;
    nas_graph *g;
    net_must(nas_graph_create(&g));
    nas_attr a = leaf(NAS_SHAPE(2));
    nas_value v;
    char name[32];
    for (int i = 0; i < 300; i++) {
        snprintf(name, sizeof name, "p%d", i);
        net_must(nas_graph_leaf(&v, g, NAS_OP_PARAM, name, &a));
    }
    for (uint32_t i = 0; i < 300; i++) {
        snprintf(name, sizeof name, "p%u", i);
        assert_int_equal(nas_graph_find(g, name).id, i);
        assert_string_equal(nas_graph_name(g, (nas_value){i}), name);
    }
    assert_false(nas_value_ok(nas_graph_find(g, "p300")));
    nas_graph_free(g);
}

static void scopes_have_paths_and_parents(void **state) {
    (void)state;
    nas_graph *g;
    nas_value x, y;
    net_must(nas_graph_create(&g));
    net_must(net_input(&x, g, NAS_SHAPE(2, 3)));
    net_must(nas_graph_scope_push(g, "s1", "stage", 0));
    net_must(nas_graph_scope_push(g, "4", "mbconv", 5));
    net_must(nas_softmax(&y, g, x));
    const nas_scope *s = nas_graph_scope(g, nas_graph_node(g, y)->scope);
    assert_string_equal(s->name, "s1.4");
    assert_string_equal(s->kind, "mbconv");
    assert_int_equal(s->repeat, 5);
    assert_string_equal(nas_graph_scope(g, s->parent)->name, "s1");
    nas_graph_scope_pop(g);
    nas_graph_scope_pop(g);
    net_must(nas_softmax(&y, g, x));
    assert_int_equal(nas_graph_node(g, y)->scope, 0);
    net_must(nas_graph_scope_push(g, "s1", "stage", 0));
    assert_int_equal(nas_graph_scope_count(g), 3);
    nas_graph_scope_pop(g);
    assert_int_equal(nas_graph_scope_push(g, "s1", "conv", 0), NAS_E_EXISTS);
    nas_graph_free(g);
}

static void verify_finds_a_write_to_a_param(void **state) {
    (void)state;
    nas_graph *g;
    nas_value p, s, fresh, y;
    nas_attr a = leaf(NAS_SHAPE(2, 3));
    net_must(nas_graph_create(&g));
    net_must(nas_graph_leaf(&p, g, NAS_OP_PARAM, "p", &a));
    net_must(nas_graph_leaf(&s, g, NAS_OP_STATE, "s", &a));
    net_must(nas_graph_leaf(&fresh, g, NAS_OP_INPUT, "fresh", &a));
    net_must(nas_ema(&y, g, s, fresh, 0.1f, 8));
    net_must(nas_graph_verify(g));
    nas_status st = nas_ema(&y, g, p, fresh, 0.1f, 8);
    if (st == NAS_OK)
        st = nas_graph_verify(g);
    assert_int_equal(st, NAS_E_GRAPH);
    nas_graph_free(g);
}

static void verify_finds_two_writers_of_a_state(void **state) {
    (void)state;
    nas_graph *g;
    nas_value s, fresh, y;
    nas_attr a = leaf(NAS_SHAPE(2, 3));
    net_must(nas_graph_create(&g));
    net_must(nas_graph_leaf(&s, g, NAS_OP_STATE, "s", &a));
    net_must(nas_graph_leaf(&fresh, g, NAS_OP_INPUT, "fresh", &a));
    net_must(nas_ema(&y, g, s, fresh, 0.1f, 8));
    net_must(nas_ema(&y, g, s, fresh, 0.1f, 8));
    assert_int_equal(nas_graph_verify(g), NAS_E_GRAPH);
    nas_graph_free(g);
}

typedef struct init_case {
    const char *name;
    nas_op op;
    nas_init init;
    double deviation, limit; /* of the values drawn at scale 0.5 */
} init_case;

static const init_case init_cases[] = {
    {"normal", NAS_OP_PARAM, NAS_INIT_NORMAL, 0.5, 5 * 0.5},
    /* deviation of a normal cut at 2: 0.8796 of the uncut one */
    {"trunc_normal", NAS_OP_PARAM, NAS_INIT_TRUNC_NORMAL, 0.5 * 0.8796, 2 * 0.5},
    {"uniform", NAS_OP_PARAM, NAS_INIT_UNIFORM, 0.5 / 1.7320508, 0.5},
    {"constant", NAS_OP_CONSTANT, NAS_INIT_VALUE, 0.5, 0.5},
};

static void leaves_are_drawn_from_what_they_name(void **state) {
    const init_case *c = *state;
    nas_graph *g;
    nas_value v, w;
    enum { COUNT = 20000 };
    static float a[COUNT], b[COUNT];
    nas_attr attr = {.leaf = {.shape = NAS_SHAPE(COUNT), .init = (int32_t)c->init, .scale = 0.5f}};
    net_must(nas_graph_create(&g));
    net_must(nas_graph_leaf(&v, g, c->op, "v", &attr));
    net_must(nas_graph_leaf(&w, g, c->op, "w", &attr));
    net_must(nas_graph_init_leaf(a, g, v, 1));
    double square = 0, largest = 0;
    for (int i = 0; i < COUNT; i++) {
        square += (double)a[i] * a[i];
        double size = a[i] < 0 ? -(double)a[i] : (double)a[i];
        largest = size > largest ? size : largest;
    }
    double ratio = square / COUNT / (c->deviation * c->deviation);
    assert_true(ratio > 0.96 && ratio < 1.04);
    assert_true(largest <= c->limit);
    net_must(nas_graph_init_leaf(b, g, v, 1));
    assert_memory_equal(a, b, sizeof a);
    if (c->init != NAS_INIT_VALUE) {
        net_must(nas_graph_init_leaf(b, g, w, 1));
        assert_memory_not_equal(a, b, sizeof a);
        net_must(nas_graph_init_leaf(b, g, v, 2));
        assert_memory_not_equal(a, b, sizeof a);
    }
    nas_graph_free(g);
}

static void running_statistics_start_at_mean_0(void **state) {
    (void)state;
    nas_graph *g;
    nas_value s, x;
    float v[6], want[6] = {0, 0, 0, 1, 1, 1};
    nas_attr a = {.leaf = {.shape = NAS_SHAPE(2, 3), .scale = 1}};
    net_must(nas_graph_create(&g));
    net_must(nas_graph_leaf(&s, g, NAS_OP_STATE, "s", &a));
    net_must(net_input(&x, g, NAS_SHAPE(1)));
    net_must(nas_graph_init_leaf(v, g, s, 3));
    assert_memory_equal(v, want, sizeof v);
    assert_int_equal(nas_graph_init_leaf(v, g, x, 3), NAS_E_ARG);
    nas_graph_free(g);
}

static void activations_are_read_by_their_names(void **state) {
    (void)state;
    nas_act a;
    for (int32_t i = 0; i < NAS_ACT_COUNT; i++) {
        net_must(nas_act_from_name(&a, nas_act_name((nas_act)i)));
        assert_int_equal(a, i);
    }
    net_must(nas_act_from_name(&a, "silu"));
    assert_int_equal(a, NAS_ACT_SWISH);
    assert_int_equal(nas_act_from_name(&a, "relo"), NAS_E_ARG);
    assert_non_null(strstr(nas_error_text(), "relu"));
}

typedef struct cost_case {
    const char *name;
    nas_status (*net)(nas_graph **out, int32_t batch);
    int64_t params, macs; /* of one image; products alone */
} cost_case;

static const cost_case cost_cases[] = {
    {"resnet20", net_resnet20, 269722, 40551040},
    {"lenet", net_lenet, 431080, 2293000},
};

static void known_networks_have_their_known_counts(void **state) {
    const cost_case *c = *state;
    for (int32_t batch = 1; batch <= 3; batch += 2) {
        nas_graph *g;
        nas_cost all, products = {0};
        net_must(c->net(&g, batch));
        nas_graph_cost(&all, g);
        for (uint32_t i = 0; i < nas_graph_count(g); i++) {
            nas_op op = nas_graph_node(g, (nas_value){i})->op;
            nas_cost one;
            nas_graph_node_cost(&one, g, (nas_value){i});
            products.macs += op == NAS_OP_CONV2D || op == NAS_OP_MATMUL ? one.macs : 0;
        }
        assert_int_equal(all.params, c->params);
        assert_int_equal(products.macs, batch * c->macs);
        assert_true(all.flops >= 2 * all.macs);
        nas_graph_free(g);
    }
}

static void bytes_count_each_tensor_once(void **state) {
    (void)state;
    fixture f = make();
    nas_value y, z, r;
    nas_cost c;
    net_must(nas_matmul(&y, f.g, f.x, f.u, false, false));
    nas_graph_node_cost(&c, f.g, y);
    assert_int_equal(c.macs, 2 * 3 * 4);
    assert_int_equal(c.bytes_read, 4 * (2 * 3 + 3 * 4));
    assert_int_equal(c.bytes_written, 4 * 2 * 4);
    net_must(nas_mul(&z, f.g, y, y));
    nas_graph_node_cost(&c, f.g, z);
    assert_int_equal(c.bytes_read, 4 * 2 * 4);
    net_must(nas_reshape(&r, f.g, z, NAS_SHAPE(8)));
    nas_graph_node_cost(&c, f.g, r);
    assert_int_equal(c.bytes_read + c.bytes_written + c.flops, 0);
    nas_graph_free(f.g);
}

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define TABLE(t, tests, n, cases, f)                                                               \
    for (size_t i = 0; i < COUNT(cases); i++)                                                      \
        (tests)[(n)++] = (t) {                                                                     \
            (cases)[i].name, f, NULL, NULL, (void *)&(cases)[i]                                    \
        }

int main(void) {
    struct CMUnitTest tests[COUNT(refusals) + COUNT(init_cases) + COUNT(cost_cases) + 7];
    size_t n = 0;
    TABLE(struct CMUnitTest, tests, n, refusals, a_failed_insertion_changes_nothing);
    TABLE(struct CMUnitTest, tests, n, init_cases, leaves_are_drawn_from_what_they_name);
    TABLE(struct CMUnitTest, tests, n, cost_cases, known_networks_have_their_known_counts);
    const struct CMUnitTest others[] = {
        cmocka_unit_test(leaves_are_found_by_name_among_many),
        cmocka_unit_test(scopes_have_paths_and_parents),
        cmocka_unit_test(verify_finds_a_write_to_a_param),
        cmocka_unit_test(verify_finds_two_writers_of_a_state),
        cmocka_unit_test(running_statistics_start_at_mean_0),
        cmocka_unit_test(activations_are_read_by_their_names),
        cmocka_unit_test(bytes_count_each_tensor_once),
    };
    memcpy(tests + n, others, sizeof others);
    return _cmocka_run_group_tests("graph framework", tests, COUNT(tests), NULL, NULL);
}
