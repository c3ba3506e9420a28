/* tests/graph/test_framework_hash.c - identity of a network, and the same network at another batch.
 */
#include "framework_nets.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static nas_status vit(nas_graph **out, int32_t batch) {
    return net_vit(out, batch, 0.1f);
}

typedef struct net_case {
    const char *name;
    nas_status (*net)(nas_graph **out, int32_t batch);
} net_case;

static const net_case nets[] = {
    {"cnn", net_cnn}, {"vit", vit}, {"resnet20", net_resnet20}, {"lenet", net_lenet}};

static void check_equal(const nas_graph *a, const nas_graph *b) {
    nas_text x = {0}, y = {0};
    net_must(nas_graph_write(&x, a));
    net_must(nas_graph_write(&y, b));
    assert_string_equal(nas_text_str(&x), nas_text_str(&y));
    assert_true(nas_graph_hash(a) == nas_graph_hash(b));
    nas_text_free(&x);
    nas_text_free(&y);
}

static void rebatch_is_building_at_that_batch(void **state) {
    const net_case *c = *state;
    static const int32_t from[] = {1, 3, 8}, to[] = {1, 2, 8, 128};
    for (size_t i = 0; i < sizeof from / sizeof from[0]; i++)
        for (size_t k = 0; k < sizeof to / sizeof to[0]; k++) {
            nas_graph *g, *made, *want;
            net_must(c->net(&g, from[i]));
            net_must(c->net(&want, to[k]));
            net_must(nas_graph_rebatch(&made, g, to[k]));
            net_must(nas_graph_verify(made));
            check_equal(made, want);
            assert_true(nas_graph_hash(g) == nas_graph_hash(want));
            nas_graph_free(g);
            nas_graph_free(made);
            nas_graph_free(want);
        }
}

static void fusing_and_rebatching_commute(void **state) {
    const net_case *c = *state;
    nas_graph *one, *five, *made;
    nas_inference a, b;
    net_must(c->net(&one, 1));
    net_must(c->net(&five, 5));
    net_must(nas_graph_inference(&a, one));
    net_must(nas_graph_inference(&b, five));
    net_must(nas_graph_rebatch(&made, a.graph, 5));
    check_equal(made, b.graph);
    nas_inference_free(&a);
    nas_inference_free(&b);
    nas_graph_free(one);
    nas_graph_free(five);
    nas_graph_free(made);
}

/* [N,H,W,C] -> [2N,H/2,W,C] -> [N,H,W,C]: windows carry a multiple of the batch. */
static void rebatch_scales_multiples_of_the_batch(void **state) {
    (void)state;
    nas_graph *g, *made;
    nas_value x, y, z;
    net_must(nas_graph_create(&g));
    net_must(net_input(&x, g, NAS_SHAPE(3, 4, 2, 5)));
    net_must(nas_reshape(&y, g, x, NAS_SHAPE(6, 2, 2, 5)));
    net_must(nas_softmax(&y, g, y));
    net_must(nas_reshape(&z, g, y, NAS_SHAPE(3, 40)));
    nas_graph_set_output(g, z);
    net_must(nas_graph_rebatch(&made, g, 7));
    nas_shape want_y = NAS_SHAPE(14, 2, 2, 5), want_z = NAS_SHAPE(7, 40);
    assert_true(nas_shape_equal(nas_graph_shape(made, y), &want_y));
    assert_true(nas_shape_equal(nas_graph_shape(made, z), &want_z));
    assert_true(nas_graph_hash(g) == nas_graph_hash(made));
    nas_graph_free(g);
    nas_graph_free(made);
}

static void rebatch_refuses_what_has_no_other_batch(void **state) {
    (void)state;
    nas_graph *g, *made = NULL;
    nas_training t;
    nas_value p;
    net_must(net_cnn(&g, 4));
    assert_int_equal(nas_graph_rebatch(&made, g, 0), NAS_E_ARG);
    net_must(nas_graph_training(&t, g, NULL));
    assert_int_equal(nas_graph_rebatch(&made, t.graph, 2), NAS_E_UNSUPPORTED);
    nas_training_free(&t);
    nas_graph_free(g);
    net_must(nas_graph_create(&g));
    net_must(net_param(&p, g, "p", "w", NAS_SHAPE(2), 1));
    assert_int_equal(nas_graph_rebatch(&made, g, 2), NAS_E_GRAPH);
    assert_null(made);
    nas_graph_free(g);
}

/* A net written down, for what differs in one thing. */
static uint64_t hash_of(const char *body) {
    nas_graph *g;
    nas_text t = {0};
    nas_text_add(&t, "clnas-graph 1\n%s", body);
    net_must(nas_graph_read(&g, t.s, t.n, "t"));
    uint64_t h = nas_graph_hash(g);
    nas_graph_free(g);
    nas_text_free(&t);
    return h;
}

#define BASE                                                                                       \
    "%0 = input \"x\" shape=2x4x4x3 : 2x4x4x3\n%1 = param \"a\" shape=3x3x3x3 : 3x3x3x3\n"         \
    "%2 = param \"b\" shape=3x3x3x3 : 3x3x3x3\n"
#define CONV(y, x, w)                                                                              \
    "%" #y " = conv2d %" #x " %" #w                                                                \
    " kernel=3,3 stride=1,1 dilation=1,1 pad=1,1,1,1 groups=1 : 2x4x4x3\n"

typedef struct pair {
    const char *name, *a, *b;
    bool equal;
} pair;

static const pair pairs[] = {
    {"other_names_and_scopes", BASE CONV(3, 0, 1) "%4 = add %3 %0 : 2x4x4x3\n",
     "@1 = @0 \"s\" \"conv\" 0\n%0 = input \"image\" shape=2x4x4x3 : 2x4x4x3\n"
     "%1 = param \"k\" shape=3x3x3x3 init=1 scale=2 decay=1 : 3x3x3x3 @1\n"
     "%2 = param \"l\" shape=3x3x3x3 : 3x3x3x3\n" CONV(3, 0, 1) "%4 = add %3 %0 : 2x4x4x3 @1\n",
     true},
    {"other_order_of_nodes",
     BASE CONV(3, 0, 1) "%4 = act %3 kind=gelu : 2x4x4x3\n" CONV(5, 0,
                                                                 2) "%6 = mul %4 %5 : 2x4x4x3\n",
     BASE CONV(3, 0, 1) CONV(4, 0, 2) "%5 = act %4 kind=gelu : 2x4x4x3\n%6 = mul %3 %5 : 2x4x4x3\n",
     true},
    {"sum_is_commutative", BASE CONV(3, 0, 1) "%4 = add %3 %0 : 2x4x4x3\n",
     BASE CONV(3, 0, 1) "%4 = add %0 %3 : 2x4x4x3\n", true},
    {"other_attribute", BASE CONV(3, 0, 1) "%4 = act %3 kind=gelu : 2x4x4x3\n",
     BASE CONV(3, 0, 1) "%4 = act %3 kind=relu : 2x4x4x3\n", false},
    {"other_op", BASE "%3 = add %0 %0 : 2x4x4x3\n", BASE "%3 = mul %0 %0 : 2x4x4x3\n", false},
    {"other_wiring", BASE CONV(3, 0, 1) CONV(4, 3, 2) "%5 = add %4 %3 : 2x4x4x3\n",
     BASE CONV(3, 0, 1) CONV(4, 3, 2) "%5 = add %4 %0 : 2x4x4x3\n", false},
    {"weights_shared_or_twins", BASE CONV(3, 0, 1) CONV(4, 3, 1) CONV(5, 4, 2),
     BASE CONV(3, 0, 1) CONV(4, 3, 2) CONV(5, 4, 2), false},
    {"which_weight_is_shared", BASE CONV(3, 0, 1) CONV(4, 3, 2) CONV(5, 4, 1),
     BASE CONV(3, 0, 2) CONV(4, 3, 1) CONV(5, 4, 2), true},
    {"other_image_size", "%0 = input \"x\" shape=2x4 : 2x4\n%1 = softmax %0 : 2x4\n",
     "%0 = input \"x\" shape=2x5 : 2x5\n%1 = softmax %0 : 2x5\n", false},
    {"other_batch", "%0 = input \"x\" shape=2x4 : 2x4\n%1 = softmax %0 : 2x4\n",
     "%0 = input \"x\" shape=9x4 : 9x4\n%1 = softmax %0 : 9x4\n", true},
    {"dropout_streams_are_numbers",
     "%0 = input \"x\" shape=2x4 : 2x4\n%1 = input \"seed\" : scalar\n"
     "%2 = dropout %0 %1 rate=0.5 stream=1 : 2x4\n",
     "%0 = input \"x\" shape=2x4 : 2x4\n%1 = input \"seed\" : scalar\n"
     "%2 = dropout %0 %1 rate=0.5 stream=4 : 2x4\n",
     true},
    {"dropout_rates_are_not",
     "%0 = input \"x\" shape=2x4 : 2x4\n%1 = input \"seed\" : scalar\n"
     "%2 = dropout %0 %1 rate=0.5 stream=1 : 2x4\n",
     "%0 = input \"x\" shape=2x4 : 2x4\n%1 = input \"seed\" : scalar\n"
     "%2 = dropout %0 %1 rate=0.25 stream=1 : 2x4\n",
     false},
    {"other_output", BASE "%3 = softmax %0 : 2x4x4x3\n%4 = softmax %3 : 2x4x4x3\noutput %3\n",
     BASE "%3 = softmax %0 : 2x4x4x3\n%4 = softmax %3 : 2x4x4x3\noutput %4\n", false},
};

static void hash_is_of_the_structure(void **state) {
    const pair *c = *state;
    assert_int_equal(hash_of(c->a) == hash_of(c->b), c->equal);
}

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

int main(void) {
    struct CMUnitTest tests[2 * COUNT(nets) + COUNT(pairs) + 2];
    size_t n = 0;
    for (size_t i = 0; i < COUNT(nets); i++) {
        tests[n++] = (struct CMUnitTest){nets[i].name, rebatch_is_building_at_that_batch, NULL,
                                         NULL, (void *)&nets[i]};
        tests[n++] = (struct CMUnitTest){nets[i].name, fusing_and_rebatching_commute, NULL, NULL,
                                         (void *)&nets[i]};
    }
    for (size_t i = 0; i < COUNT(pairs); i++)
        tests[n++] = (struct CMUnitTest){pairs[i].name, hash_is_of_the_structure, NULL, NULL,
                                         (void *)&pairs[i]};
    const struct CMUnitTest others[] = {
        cmocka_unit_test(rebatch_scales_multiples_of_the_batch),
        cmocka_unit_test(rebatch_refuses_what_has_no_other_batch),
    };
    memcpy(tests + n, others, sizeof others);
    return _cmocka_run_group_tests("graph identity", tests, COUNT(tests), NULL, NULL);
}
