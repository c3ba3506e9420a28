/* tests/viz/test_network.c - drawings of real graphs, small, folded, large and odd. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <math.h>
#include <nas/viz.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "picture.h"

#include <viz/network.h>

enum { CONV_BLUE = 0x0072B2 };
static const char path[] = "viz_network.png";

#define MUST(expr)                                                                                 \
    do {                                                                                           \
        if ((expr) != NAS_OK)                                                                      \
            fail_msg("%s", nas_error_text());                                                      \
    } while (0)

static nas_value param(nas_graph *g, nas_shape shape) {
    char name[32];
    nas_value v;
    snprintf(name, sizeof name, "p%u", nas_graph_count(g));
    nas_attr a = {.leaf = {.shape = shape}};
    MUST(nas_graph_leaf(&v, g, NAS_OP_PARAM, name, &a));
    return v;
}

static nas_value input(nas_graph *g, nas_shape shape) {
    nas_value v;
    nas_attr a = {.leaf = {.shape = shape}};
    MUST(nas_graph_leaf(&v, g, NAS_OP_INPUT, "x", &a));
    return v;
}

static nas_value conv(nas_graph *g, nas_value x, int32_t out, int32_t stride) {
    int32_t in = nas_graph_shape(g, x)->dim[3];
    nas_attr a = {.conv = {.kernel = {3, 3},
                           .stride = {stride, stride},
                           .dilation = {1, 1},
                           .pad = {1, 1, 1, 1},
                           .groups = 1}};
    nas_value y;
    MUST(nas_conv2d(&y, g, x, param(g, NAS_SHAPE(3, 3, in, out)), &a));
    MUST(nas_activation(&y, g, y, NAS_ACT_RELU));
    return y;
}

/* Copies of a residual block, `different` of which is wider inside (-1: none). */
static nas_graph *residual_net(uint32_t copies, int different) {
    nas_graph *g;
    MUST(nas_graph_create(&g));
    nas_value x = input(g, NAS_SHAPE(2, 16, 16, 3)), y;
    MUST(nas_graph_scope_push(g, "stem", "conv", 0));
    x = conv(g, x, 8, 2);
    nas_graph_scope_pop(g);
    MUST(nas_graph_scope_push(g, "s1", "stage", 0));
    for (uint32_t i = 0; i < copies; i++) {
        char name[16];
        snprintf(name, sizeof name, "%u", i);
        MUST(nas_graph_scope_push(g, name, "residual", i + 1));
        y = conv(g, conv(g, x, (int)i == different ? 16 : 8, 1), 8, 1);
        MUST(nas_add(&x, g, y, x));
        nas_graph_scope_pop(g);
    }
    nas_graph_scope_pop(g);
    MUST(nas_graph_scope_push(g, "head", "head", 0));
    MUST(nas_global_pool(&y, g, x));
    MUST(nas_linear(&y, g, y, param(g, NAS_SHAPE(8, 10)), param(g, NAS_SHAPE(10))));
    nas_graph_scope_pop(g);
    nas_graph_set_output(g, y);
    return g;
}

static picture draw(const nas_graph *g, bool detail, const double *weight) {
    const nas_network_drawing d = {"Network", "of a test", g, weight, "latency, ms", detail};
    MUST(nas_draw_network(path, &d));
    picture p = picture_read(path);
    assert_true(p.width >= 1200 && p.height >= 900);
    return p;
}

static void copies_of_a_block_are_folded(void **state) {
    (void)state;
    nas_graph *few = residual_net(2, -1), *many = residual_net(40, -1), *odd = residual_net(40, 20);
    picture a = draw(few, false, NULL), b = draw(many, false, NULL);
    size_t folded = picture_count(path, CONV_BLUE);
    picture c = draw(odd, false, NULL);
    size_t apart = picture_count(path, CONV_BLUE);
    /* forty alike take no more room than two; one that differs stands apart */
    assert_true(a.width == b.width && a.height == b.height);
    assert_true(apart > folded * 3 / 2);
    picture d = draw(many, true, NULL);
    assert_true((double)d.width * d.height > 4.0 * b.width * b.height);
    picture_free(&a);
    picture_free(&b);
    picture_free(&c);
    picture_free(&d);
    nas_graph_free(few);
    nas_graph_free(many);
    nas_graph_free(odd);
}

static void same_graph_gives_the_same_bytes(void **state) {
    (void)state;
    nas_graph *g = residual_net(3, 1);
    picture a = draw(g, false, NULL), b = draw(g, false, NULL);
    assert_int_equal(a.n, b.n);
    assert_memory_equal(a.bytes, b.bytes, a.n);
    picture_free(&a);
    picture_free(&b);
    nas_graph_free(g);
}

static void weights_are_drawn_as_heat(void **state) {
    (void)state;
    nas_graph *g = residual_net(1, -1);
    uint32_t n = nas_graph_count(g);
    double *w = calloc(n, sizeof *w);
    picture p = draw(g, false, w); /* all zero: no heat, no trouble */
    picture_free(&p);
    w[n - 1] = 2.5;
    w[0] = NAN;
    p = draw(g, false, w);
    picture_free(&p);
    assert_true(picture_count(path, 0xF0904A) > 1000); /* the hottest box */
    p = draw(g, false, NULL);
    picture_free(&p);
    assert_int_equal(picture_count(path, 0xF0904A), 0);
    free(w);
    nas_graph_free(g);
}

static void inference_graph_is_drawn_too(void **state) {
    (void)state;
    nas_graph *g = residual_net(3, -1);
    nas_inference t;
    MUST(nas_graph_inference(&t, g));
    picture p = draw(t.graph, false, NULL);
    picture_free(&p);
    p = draw(t.graph, true, NULL);
    picture_free(&p);
    nas_inference_free(&t);
    nas_graph_free(g);
}

static void transformer_without_scopes_is_drawn(void **state) {
    (void)state;
    nas_graph *g;
    MUST(nas_graph_create(&g));
    nas_value x = input(g, NAS_SHAPE(1, 8, 12)), y;
    for (int i = 0; i < 3; i++) {
        MUST(nas_layer_norm(&y, g, x, param(g, NAS_SHAPE(12)), param(g, NAS_SHAPE(12)), 1e-6f));
        MUST(nas_linear(&y, g, y, param(g, NAS_SHAPE(12, 36)), param(g, NAS_SHAPE(36))));
        MUST(nas_attention(&y, g, y, 3));
        MUST(nas_linear(&y, g, y, param(g, NAS_SHAPE(12, 12)), NAS_NO_VALUE));
        MUST(nas_add(&x, g, y, x));
    }
    nas_graph_set_output(g, x);
    for (int detail = 0; detail < 2; detail++) {
        picture p = draw(g, detail != 0, NULL);
        picture_free(&p);
        assert_true(picture_count(path, 0xCC79A7) > 1000); /* attention's colour */
    }
    nas_graph_free(g);
}

/* q k^T of one array costs more than the layer that made it. */
static void written_out_attention_is_attention(void **state) {
    (void)state;
    nas_graph *g;
    MUST(nas_graph_create(&g));
    nas_value x = input(g, NAS_SHAPE(1, 32, 8)), q, y;
    MUST(nas_graph_scope_push(g, "a", "attention", 0));
    MUST(nas_linear(&q, g, x, param(g, NAS_SHAPE(8, 8)), NAS_NO_VALUE));
    MUST(nas_matmul(&y, g, q, q, false, true));
    MUST(nas_softmax(&y, g, y));
    MUST(nas_matmul(&y, g, y, q, false, false));
    nas_graph_scope_pop(g);
    nas_graph_set_output(g, y);
    picture p = draw(g, false, NULL);
    picture_free(&p);
    assert_true(picture_count(path, 0xCC79A7) > 1000); /* attention's colour */
    nas_graph_free(g);
}

/* Every value is used by every later one: more skips than there are lanes. */
static void dense_connections_are_drawn(void **state) {
    (void)state;
    nas_graph *g;
    MUST(nas_graph_create(&g));
    nas_value v[12] = {input(g, NAS_SHAPE(1, 4, 4, 8))};
    for (uint32_t i = 1; i < 12; i++) {
        v[i] = conv(g, v[i - 1], 8, 1);
        for (uint32_t k = 0; k + 1 < i; k++)
            MUST(nas_add(&v[i], g, v[i], v[k]));
    }
    picture p = draw(g, false, NULL);
    picture_free(&p);
    p = draw(g, true, NULL);
    picture_free(&p);
    nas_graph_free(g);
}

static void empty_and_tiny_graphs_are_drawn(void **state) {
    (void)state;
    nas_graph *g;
    MUST(nas_graph_create(&g));
    picture p = draw(g, false, NULL);
    picture_free(&p);
    input(g, NAS_SHAPE(1, 4, 4, 1));
    p = draw(g, true, NULL);
    picture_free(&p);
    nas_graph_free(g);
}

static void long_network_wraps_and_too_long_is_refused(void **state) {
    (void)state;
    nas_graph *g;
    MUST(nas_graph_create(&g));
    nas_value x = input(g, NAS_SHAPE(1, 2, 2, 1));
    nas_attr a = {.conv = {.kernel = {1, 1}, .stride = {1, 1}, .dilation = {1, 1}}};
    for (int i = 0; i < 300; i++)
        MUST(nas_max_pool(&x, g, x, &a));
    picture p = draw(g, true, NULL);
    assert_true(p.width < 2 * p.height && p.height < 2 * p.width);
    picture_free(&p);
    for (int i = 0; i < 4000; i++)
        MUST(nas_max_pool(&x, g, x, &a));
    const nas_network_drawing d = {NULL, NULL, g, NULL, NULL, true};
    assert_int_equal(nas_draw_network(path, &d), NAS_E_UNSUPPORTED);
    assert_non_null(strstr(nas_error_text(), "more than 4000 boxes"));
    nas_graph_free(g);
}

static void unwritable_path_is_an_error(void **state) {
    (void)state;
    nas_graph *g = residual_net(1, -1);
    const nas_network_drawing d = {NULL, NULL, g, NULL, NULL, false};
    assert_int_equal(nas_draw_network("no/such/x.png", &d), NAS_E_IO);
    assert_non_null(strstr(nas_error_text(), "no/such/x.png"));
    nas_graph_free(g);
}

static void short_memory_fails_cleanly(void **state) {
    (void)state;
    nas_graph *g = residual_net(2, 1);
    const nas_network_drawing d = {"Network", NULL, g, NULL, NULL, false};
    unlink(path);
    for (uint64_t k = 1;; k += 1 + k / 8) { /* each run encodes a picture: later ones in strides */
        nas_alloc_fail_after(k);
        nas_status st = nas_draw_network(path, &d);
        nas_alloc_fail_after(0);
        if (nas_file_exists(path))
            break;
        assert_int_equal(st, NAS_E_MEMORY);
        assert_true(k < 10000);
    }
    unlink(path);
    nas_graph_free(g);
}

/* An op without a class would be drawn in the colour of another. */
static void every_op_has_a_class_with_a_look(void **state) {
    (void)state;
    for (int op = 0; op < NAS_OP_COUNT; op++) {
        op_class c = op_class_of((nas_op)op);
        if (c <= CLASS_NONE || c >= CLASS_COUNT || class_looks[c].name == NULL)
            fail_msg("op %s has no class", nas_op_get((nas_op)op)->name);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(copies_of_a_block_are_folded),
        cmocka_unit_test(every_op_has_a_class_with_a_look),
        cmocka_unit_test(same_graph_gives_the_same_bytes),
        cmocka_unit_test(weights_are_drawn_as_heat),
        cmocka_unit_test(inference_graph_is_drawn_too),
        cmocka_unit_test(transformer_without_scopes_is_drawn),
        cmocka_unit_test(written_out_attention_is_attention),
        cmocka_unit_test(dense_connections_are_drawn),
        cmocka_unit_test(empty_and_tiny_graphs_are_drawn),
        cmocka_unit_test(long_network_wraps_and_too_long_is_refused),
        cmocka_unit_test(unwritable_path_is_an_error),
        cmocka_unit_test(short_memory_fails_cleanly),
    };
    return cmocka_run_group_tests_name("viz network", tests, NULL, NULL);
}
