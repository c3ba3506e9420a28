/* tests/runtime/test_joint.c - launches that are joined into one compute what they do one by one,
 * bit for bit, run after run, and are profiled as what they are. ctest-labels: device */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <runtime/exec.h>
#include <string.h>

enum { CLASSES = 10, IMAGES = 2, RUNS = 200 };

typedef struct net {
    nas_graph *g;
    nas_value x, y, last;
    int params;
} net;

static nas_value leaf(net *t, nas_op op, nas_shape shape) {
    char name[32];
    nas_attr a = {.leaf = {.shape = shape, .init = NAS_INIT_NORMAL, .scale = 0.3f}};
    nas_value v = NAS_NO_VALUE;
    if (op == NAS_OP_INPUT)
        a.leaf.init = NAS_INIT_VALUE;
    (void)snprintf(name, sizeof name, "leaf%d", t->params++);
    assert_int_equal(nas_graph_leaf(&v, t->g, op, name, &a), NAS_OK);
    return v;
}
static nas_value param(net *t, nas_shape shape) {
    return leaf(t, NAS_OP_PARAM, shape);
}

static void conv(net *t, int32_t from, int32_t to, int32_t kernel, int32_t groups) {
    int32_t pad = kernel / 2;
    nas_attr a = {.conv = {.kernel = {kernel, kernel},
                           .stride = {1, 1},
                           .dilation = {1, 1},
                           .pad = {pad, pad, pad, pad},
                           .groups = groups}};
    nas_value w = param(t, NAS_SHAPE(kernel, kernel, from / groups, to));
    assert_int_equal(nas_conv2d(&t->y, t->g, t->y, w, &a), NAS_OK);
    assert_int_equal(nas_activation(&t->y, t->g, t->y, NAS_ACT_HSWISH), NAS_OK);
}
static void dense(net *t, int32_t from, int32_t to) {
    assert_int_equal(
        nas_linear(&t->y, t->g, t->y, param(t, NAS_SHAPE(from, to)), param(t, NAS_SHAPE(to))),
        NAS_OK);
}
static void residual(net *t) {
    assert_int_equal(nas_add(&t->y, t->g, t->y, t->last), NAS_OK);
    t->last = t->y;
}
static void head(net *t, int32_t from) {
    assert_int_equal(nas_global_pool(&t->y, t->g, t->y), NAS_OK);
    dense(t, from, CLASSES);
    assert_int_equal(nas_softmax(&t->y, t->g, t->y), NAS_OK);
}

/* Sides and channels that fill no tile. */
static void build_images(net *t) {
    nas_attr pool = {.conv = {.kernel = {3, 3}, .stride = {2, 2}, .dilation = {1, 1}}};
    t->x = t->y = leaf(t, NAS_OP_INPUT, NAS_SHAPE(IMAGES, 17, 15, 3));
    conv(t, 3, 20, 3, 1);
    t->last = t->y;
    conv(t, 20, 40, 1, 1);
    conv(t, 40, 40, 5, 40);
    conv(t, 40, 20, 1, 1);
    residual(t);
    assert_int_equal(nas_max_pool(&t->y, t->g, t->y, &pool), NAS_OK);
    conv(t, 20, 72, 3, 1);
    assert_int_equal(nas_avg_pool(&t->y, t->g, t->y, &pool), NAS_OK);
    head(t, 72);
}
static void norm(net *t, int32_t width) {
    assert_int_equal(nas_layer_norm(&t->y, t->g, t->y, param(t, NAS_SHAPE(width)),
                                    param(t, NAS_SHAPE(width)), 1e-5f),
                     NAS_OK);
}
static void build_tokens(net *t) {
    enum { TOKENS = 13, WIDTH = 24, HEADS = 3 };
    t->x = t->y = t->last = leaf(t, NAS_OP_INPUT, NAS_SHAPE(IMAGES, TOKENS, WIDTH));
    for (int block = 0; block < 2; block++) {
        norm(t, WIDTH);
        dense(t, WIDTH, 3 * WIDTH);
        assert_int_equal(nas_attention(&t->y, t->g, t->y, HEADS), NAS_OK);
        dense(t, WIDTH, WIDTH);
        residual(t);
        norm(t, WIDTH);
        dense(t, WIDTH, 2 * WIDTH);
        assert_int_equal(nas_activation(&t->y, t->g, t->y, NAS_ACT_GELU), NAS_OK);
        dense(t, 2 * WIDTH, WIDTH);
        residual(t);
    }
    head(t, WIDTH);
}
static void (*const nets[])(net *) = {build_images, build_tokens};
enum { NETS = sizeof nets / sizeof nets[0] };

static net build(int which) {
    net t = {0};
    assert_int_equal(nas_graph_create(&t.g), NAS_OK);
    nets[which](&t);
    return t;
}

static nas_exec *open_exec(const net *t, nas_device *d, bool apart) {
    nas_exec *e = NULL;
    d->apart = apart;
    assert_int_equal(nas_exec_create(&e, d, t->g, &t->y, 1, NULL, 0), NAS_OK);
    assert_int_equal(nas_exec_init(e, 7), NAS_OK);
    assert_int_equal(nas_exec_noise(e), NAS_OK);
    return e;
}
static void run_exec(nas_exec *e, const net *t, float *y) {
    assert_int_equal(nas_exec_run(e), NAS_OK);
    assert_int_equal(nas_exec_read(e, t->y, y, IMAGES * CLASSES), NAS_OK);
}

/* NULL, and a line that says so: the machine has no such device, or its driver joins nothing. */
static nas_device *open_device(const char *spec) {
    nas_device *d = NULL;
    if (nas_device_open(&d, spec) != NAS_OK) {
        print_message("device %s: %s\n", spec, nas_error_text());
    } else if (!joint_can(d)) {
        print_message("device %s: launches are not joined\n", spec);
        nas_device_close(d);
        d = NULL;
    }
    return d;
}

static void compare(const char *spec) {
    nas_device *d = open_device(spec);
    if (!d)
        skip();
    for (int which = 0; which < NETS; which++) {
        float one[IMAGES * CLASSES], other[IMAGES * CLASSES];
        net t = build(which);
        nas_exec *apart = open_exec(&t, d, true), *joined = open_exec(&t, d, false);
        run_exec(apart, &t, one);
        assert_int_equal(apart->n_runs, apart->n_steps);
        assert_true(joined->n_runs < joined->n_steps);
        for (int i = 0; i < RUNS; i++) {
            memset(other, 0, sizeof other);
            run_exec(joined, &t, other);
            assert_memory_equal(one, other, sizeof one);
        }
        nas_exec_free(joined);
        nas_exec_free(apart);
        nas_graph_free(t.g);
    }
    nas_device_close(d);
}

static void joined_launches_compute_what_single_ones_do(void **state) {
    (void)state;
    compare("cpu");
}
static void one_compute_unit_does_the_work_of_all(void **state) {
    (void)state;
    compare("cpu.1/2");
}

static void the_profile_is_that_of_joined_launches(void **state) {
    (void)state;
    nas_device *d = open_device("cpu");
    if (!d)
        skip();
    for (int which = 0; which < NETS; which++) {
        float before[IMAGES * CLASSES], after[IMAGES * CLASSES];
        net t = build(which);
        nas_exec *e = open_exec(&t, d, false);
        uint32_t n = nas_graph_count(t.g);
        double *seconds = nas_calloc(n, sizeof *seconds);
        assert_non_null(seconds);
        run_exec(e, &t, before);
        assert_int_equal(nas_exec_profile(e, seconds, n), NAS_OK);
        for (size_t i = 0; i < e->n_steps; i++)
            assert_true(seconds[e->steps[i].node] > 0);
        run_exec(e, &t, after);
        assert_memory_equal(before, after, sizeof before);
        nas_free(seconds);
        nas_exec_free(e);
        nas_graph_free(t.g);
    }
    nas_device_close(d);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(joined_launches_compute_what_single_ones_do),
        cmocka_unit_test(one_compute_unit_does_the_work_of_all),
        cmocka_unit_test(the_profile_is_that_of_joined_launches)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
