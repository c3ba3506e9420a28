/* tests/graph/test_framework_text.c - the text form reads back equal, and bad text is told apart.
 */
#include "framework_nets.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <support/comma_locale.h>

static nas_status vit(nas_graph **out, int32_t batch) {
    return net_vit(out, batch, 0.1f);
}

typedef struct net_case {
    const char *name;
    nas_status (*net)(nas_graph **out, int32_t batch);
} net_case;

static const net_case nets[] = {
    {"cnn", net_cnn}, {"vit", vit}, {"resnet20", net_resnet20}, {"lenet", net_lenet}};

static void check_round_trip(const nas_graph *g) {
    nas_graph *back;
    nas_text a = {0}, b = {0};
    net_must(nas_graph_write(&a, g));
    net_must(nas_graph_read(&back, a.s, a.n, "text"));
    net_must(nas_graph_write(&b, back));
    assert_string_equal(nas_text_str(&a), nas_text_str(&b));
    assert_true(nas_graph_hash(g) == nas_graph_hash(back));
    assert_int_equal(nas_graph_output(g).id, nas_graph_output(back).id);
    assert_int_equal(nas_graph_count(g), nas_graph_count(back));
    for (uint32_t i = 0; i < nas_graph_count(g); i++)
        assert_memory_equal(nas_graph_node(g, (nas_value){i}), nas_graph_node(back, (nas_value){i}),
                            sizeof(nas_node));
    nas_text_free(&a);
    nas_text_free(&b);
    nas_graph_free(back);
}

static void text_reads_back_equal(void **state) {
    const net_case *c = *state;
    nas_graph *g;
    nas_training t;
    nas_inference inf;
    net_must(c->net(&g, 4));
    check_round_trip(g);
    net_must(nas_graph_training(&t, g, &(nas_training_options){.smoothing = 0.1f}));
    check_round_trip(t.graph);
    net_must(nas_graph_inference(&inf, g));
    check_round_trip(inf.graph);
    nas_training_free(&t);
    nas_inference_free(&inf);
    nas_graph_free(g);
}

static void a_comma_locale_changes_nothing(void **state) {
    (void)state;
    nas_graph *g;
    nas_text plain = {0}, comma = {0};
    net_must(net_cnn(&g, 2));
    net_must(nas_graph_write(&plain, g));
    if (!comma_locale()) {
        nas_text_free(&plain);
        nas_graph_free(g);
        skip();
    }
    net_must(nas_graph_write(&comma, g));
    check_round_trip(g);
    setlocale(LC_ALL, "C");
    assert_non_null(strstr(nas_text_str(&plain), "scale=0."));
    assert_string_equal(nas_text_str(&plain), nas_text_str(&comma));
    nas_text_free(&plain);
    nas_text_free(&comma);
    nas_graph_free(g);
}

#define HEAD "clnas-graph 1\n"
#define X    HEAD "%0 = input \"x\" shape=2x3 : 2x3\n"

typedef struct garbage {
    const char *name, *text, *says;
} garbage;

static const garbage garbages[] = {
    {"empty", "", "t:1"},
    {"no_header", "hello\n", "t:1"},
    {"other_version", "clnas-graph 2\n", "t:1"},
    {"unknown_op", X "%1 = softmaxx %0 : 2x3\n", "t:3: no op \"softmaxx\"; did you mean"},
    {"unknown_attribute", X "%1 = act %0 kinf=relu : 2x3\n", "kinf"},
    {"unknown_activation", X "%1 = act %0 kind=relo : 2x3\n", "relu"},
    {"id_out_of_order", X "%2 = softmax %0 : 2x3\n", "t:3"},
    {"input_from_below", X "%1 = softmax %1 : 2x3\n", "t:3"},
    {"input_is_negative", X "%1 = softmax %-1 : 2x3\n", "t:3"},
    {"input_is_huge", X "%1 = softmax %99999999999999999999 : 2x3\n", "t:3"},
    {"too_many_inputs", X "%1 = add %0 %0 %0 : 2x3\n", "add"},
    {"seventeen_inputs",
     X "%1 = concat %0 %0 %0 %0 %0 %0 %0 %0 %0 %0 %0 %0 %0 %0 %0 %0 %0 axis=1 : 2x51\n", "16"},
    {"wrong_shape", X "%1 = softmax %0 : 3x2\n", "2x3"},
    {"no_shape", X "%1 = softmax %0\n", "shape"},
    {"shape_of_7", HEAD "%0 = input \"x\" shape=1x1x1x1x1x1x1 : 1\n", "6"},
    {"shape_of_0", HEAD "%0 = input \"x\" shape=0x1 : 0x1\n", "t:2"},
    {"shape_is_huge", HEAD "%0 = input \"x\" shape=99999x99999 : 99999x99999\n", "t:2"},
    {"shape_has_no_end", HEAD "%0 = input \"x\" shape=2x : 2\n", "t:2"},
    {"name_is_open", HEAD "%0 = input \"x shape=2 : 2\n", "t:2"},
    {"name_is_missing", HEAD "%0 = input shape=2 : 2\n", "t:2"},
    {"name_twice", X "%1 = input \"x\" shape=2x3 : 2x3\n", "\"x\""},
    {"value_is_no_number", HEAD "%0 = param \"x\" shape=2 scale=abc : 2\n", "abc"},
    {"value_is_not_finite", HEAD "%0 = param \"x\" shape=2 scale=inf : 2\n", "inf"},
    {"value_overflows", HEAD "%0 = param \"x\" shape=2 init=99999999999 : 2\n", "t:2"},
    {"init_is_unknown", HEAD "%0 = param \"x\" shape=2 init=9 : 2\n", "t:2"},
    {"unknown_scope", X "%1 = softmax %0 : 2x3 @1\n", "t:3"},
    {"scope_of_itself", HEAD "@1 = @1 \"a\" \"b\" 0\n", "t:2"},
    {"scope_twice", HEAD "@1 = @0 \"a\" \"b\" 0\n@2 = @0 \"a\" \"b\" 0\n", "t:3"},
    {"scope_without_name", HEAD "@1 = @0 \"\" \"b\" 0\n", "t:2"},
    {"output_is_none", X "output %1\n", "t:3"},
    {"text_behind", X "output %0 %0\n", "t:3"},
    {"leaf_with_inputs", X "%1 = param \"w\" %0 shape=2 : 2\n", "inputs"},
    {"write_to_a_param",
     HEAD "%0 = param \"p\" shape=2x3 : 2x3\n"
          "%1 = ema %0 %0 momentum=0.5 : 2x3\n",
     "state"},
    {"stride_of_0",
     HEAD "%0 = input \"x\" shape=1x4x4x1 : 1x4x4x1\n"
          "%1 = max_pool %0 kernel=2,2 stride=0,0 dilation=1,1 : 1x2x2x1\n",
     "t:3"},
    {"kernel_without_second",
     HEAD "%0 = input \"x\" shape=1x4x4x1 : 1x4x4x1\n"
          "%1 = max_pool %0 kernel=2 : 1x2x2x1\n",
     "kernel"},
};

static void bad_text_is_refused_with_its_line(void **state) {
    const garbage *c = *state;
    nas_graph *g = NULL;
    nas_status st = nas_graph_read(&g, c->text, strlen(c->text), "t");
    assert_true(st == NAS_E_PARSE || st == NAS_E_GRAPH);
    assert_null(g);
    if (!strstr(nas_error_text(), c->says))
        fail_msg("\"%s\" does not say \"%s\"", nas_error_text(), c->says);
}

static void comments_blanks_and_carriage_returns_are_fine(void **state) {
    (void)state;
    static const char text[] = "clnas-graph 1\r\n\n# a comment\n@1 = @0 \"a\" \"\" 0\r\n"
                               "%0 = input  \"x\" shape=2x3 : 2x3\r\n  %1 = softmax %0 : 2x3 @1\n"
                               "output %1";
    nas_graph *g;
    net_must(nas_graph_read(&g, text, sizeof text - 1, "t"));
    assert_int_equal(nas_graph_count(g), 2);
    assert_int_equal(nas_graph_output(g).id, 1);
    nas_graph_free(g);
}

/* Changed bytes, cut ends, swapped pieces: whatever is taken must be a graph that holds together.
 */
static void changed_text_never_breaks_the_reader(void **state) {
    (void)state;
    static const char marks[] = "0123456789 %@=x,\"-:\n.";
    enum { ROUNDS = 1500 };
    nas_graph *g;
    nas_training t;
    nas_text a = {0};
    net_must(net_vit(&g, 2, 0.1f));
    net_must(nas_graph_training(&t, g, NULL));
    net_must(nas_graph_write(&a, t.graph));
    char *copy = malloc(a.n);
    nas_rng r = nas_rng_stream(5, "fuzz", 0);
    uint32_t taken = 0;
    for (int round = 0; round < ROUNDS; round++) {
        size_t n = a.n;
        memcpy(copy, a.s, n);
        for (uint64_t k = nas_rng_below(&r, 3) + 1; k > 0; k--)
            copy[nas_rng_below(&r, n)] = round % 4 ? marks[nas_rng_below(&r, sizeof marks - 1)]
                                                   : (char)nas_rng_below(&r, 256);
        if (round % 5 == 0)
            n = nas_rng_below(&r, n);
        nas_graph *back = NULL;
        nas_status st = nas_graph_read(&back, copy, n, "t");
        taken += st == NAS_OK;
        if (st == NAS_OK)
            net_must(nas_graph_verify(back));
        nas_graph_free(back);
    }
    assert_true(taken > 0 && taken < ROUNDS);
    free(copy);
    nas_text_free(&a);
    nas_training_free(&t);
    nas_graph_free(g);
}

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

int main(void) {
    struct CMUnitTest tests[COUNT(nets) + COUNT(garbages) + 3];
    size_t n = 0;
    for (size_t i = 0; i < COUNT(nets); i++)
        tests[n++] =
            (struct CMUnitTest){nets[i].name, text_reads_back_equal, NULL, NULL, (void *)&nets[i]};
    for (size_t i = 0; i < COUNT(garbages); i++)
        tests[n++] = (struct CMUnitTest){garbages[i].name, bad_text_is_refused_with_its_line, NULL,
                                         NULL, (void *)&garbages[i]};
    const struct CMUnitTest others[] = {
        cmocka_unit_test(a_comma_locale_changes_nothing),
        cmocka_unit_test(comments_blanks_and_carriage_returns_are_fine),
        cmocka_unit_test(changed_text_never_breaks_the_reader),
    };
    memcpy(tests + n, others, sizeof others);
    return _cmocka_run_group_tests("graph text", tests, COUNT(tests), NULL, NULL);
}
