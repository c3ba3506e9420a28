/* tests/runtime/test_plan.c - the memory plan: values alive together never share memory, reuse
 * saves memory, gradients lie like their params, and too much is refused before anything is
 * allocated. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <runtime/exec.h>
#include <string.h>

enum { LAYERS = 8, WIDTH = 96, BATCH = 50, ALIGN = 64 };

/* A chain of dense layers of different widths with a residual over every second one. */
typedef struct net {
    nas_graph *g;
    nas_value x, y, param[2 * LAYERS], grad[2 * LAYERS];
    uint32_t n_params;
} net;

static nas_value leaf(nas_graph *g, nas_op op, const char *name, nas_shape shape, bool decay) {
    nas_attr a = {.leaf = {.shape = shape, .init = NAS_INIT_NORMAL, .scale = 0.1f, .decay = decay}};
    nas_value v = NAS_NO_VALUE;
    if (op != NAS_OP_PARAM)
        a.leaf.init = NAS_INIT_VALUE;
    assert_int_equal(nas_graph_leaf(&v, g, op, name, &a), NAS_OK);
    return v;
}

static void build(net *t, bool backward) {
    char name[32];
    *t = (net){0};
    assert_int_equal(nas_graph_create(&t->g), NAS_OK);
    nas_value v = t->x = leaf(t->g, NAS_OP_INPUT, "x", NAS_SHAPE(BATCH, WIDTH), false), last = v;
    for (int i = 0; i < LAYERS; i++) {
        int32_t from = i % 2 ? WIDTH / 3 : WIDTH, to = i % 2 ? WIDTH : WIDTH / 3;
        (void)snprintf(name, sizeof name, "w%d", i);
        nas_value w = leaf(t->g, NAS_OP_PARAM, name, NAS_SHAPE(from, to), true);
        (void)snprintf(name, sizeof name, "b%d", i);
        nas_value b = leaf(t->g, NAS_OP_PARAM, name, NAS_SHAPE(to), false);
        t->param[t->n_params++] = w;
        t->param[t->n_params++] = b;
        assert_int_equal(nas_linear(&v, t->g, v, w, b), NAS_OK);
        assert_int_equal(nas_activation(&v, t->g, v, NAS_ACT_GELU), NAS_OK);
        if (i % 2) {
            assert_int_equal(nas_add(&v, t->g, v, last), NAS_OK);
            last = v;
        }
    }
    assert_int_equal(nas_sum_to(&t->y, t->g, v, NAS_SHAPE(1), 1.0f), NAS_OK);
    if (backward)
        assert_int_equal(nas_graph_backward(t->grad, t->g, t->y, t->param, t->n_params), NAS_OK);
}

static plan_request request(const net *t, bool backward) {
    return (plan_request){.keep = &t->y,
                          .n_keep = 1,
                          .together = backward ? t->grad : NULL,
                          .n_together = backward ? t->n_params : 0,
                          .align = ALIGN,
                          .max_block = SIZE_MAX / 64,
                          .reuse = true};
}

/* Overlap of two roots in time and in space at once. */
static bool clash(const plan_slot *a, const plan_slot *b) {
    return a->block == b->block && a->first < b->first + b->count &&
           b->first < a->first + a->count && a->from <= b->to && b->from <= a->to;
}

static void check_no_clash(const plan *p) {
    for (uint32_t i = 0; i < p->n; i++)
        for (uint32_t k = 0; k < i; k++) {
            const plan_slot *a = &p->slot[i], *b = &p->slot[k];
            if (a->root == i && b->root == k && a->placed && b->placed && clash(a, b))
                fail_msg("values %u and %u share memory while both are alive", (unsigned)i,
                         (unsigned)k);
        }
    for (uint32_t i = 0; i < p->n; i++)
        if (p->slot[i].placed) {
            assert_true(p->slot[i].first + p->slot[i].count <= p->block[p->slot[i].block]);
            assert_int_equal(p->slot[i].first % ALIGN, 0);
        }
}

static void values_alive_together_never_share_memory(void **state) {
    (void)state;
    for (int guard = 0; guard <= 100; guard += 50) {
        net t;
        plan p;
        build(&t, true);
        plan_request r = request(&t, true);
        r.guard = (size_t)guard;
        assert_int_equal(plan_make(&p, t.g, &r), NAS_OK);
        check_no_clash(&p);
        plan_free(&p);
        nas_graph_free(t.g);
    }
}

static void reuse_takes_less_than_no_reuse(void **state) {
    (void)state;
    net t;
    plan p, q;
    build(&t, false);
    plan_request r = request(&t, false);
    assert_int_equal(plan_make(&p, t.g, &r), NAS_OK);
    r.reuse = false;
    assert_int_equal(plan_make(&q, t.g, &r), NAS_OK);
    size_t with = plan_sum(&p, p.first_arena, p.n_blocks);
    size_t without = plan_sum(&q, q.first_arena, q.n_blocks);
    assert_int_equal(without, q.no_reuse);
    assert_int_equal(p.no_reuse, q.no_reuse);
    assert_true(2 * with < without);
    plan_free(&p);
    plan_free(&q);
    nas_graph_free(t.g);
}

static void a_small_block_limit_opens_more_arenas(void **state) {
    (void)state;
    net t;
    plan p;
    build(&t, true);
    plan_request r = request(&t, true);
    assert_int_equal(plan_make(&p, t.g, &r), NAS_OK);
    assert_int_equal(p.n_blocks - p.first_arena, 1);
    r.max_block = p.block[PLAN_PARAMS];
    plan_free(&p);
    assert_int_equal(plan_make(&p, t.g, &r), NAS_OK);
    assert_true(p.n_blocks - p.first_arena > 1);
    for (size_t b = 0; b < p.n_blocks; b++)
        assert_true(p.block[b] <= r.max_block);
    check_no_clash(&p);
    plan_free(&p);
    r.max_block = (size_t)BATCH * WIDTH - 1;
    assert_int_equal(plan_make(&p, t.g, &r), NAS_E_TOO_BIG);
    nas_graph_free(t.g);
}

static void gradients_lie_like_their_params_decay_first(void **state) {
    (void)state;
    net t;
    plan p;
    build(&t, true);
    plan_request r = request(&t, true);
    assert_int_equal(plan_make(&p, t.g, &r), NAS_OK);
    for (uint32_t i = 0; i < t.n_params; i++) {
        uint32_t w = t.param[i].id, g = t.grad[i].id;
        bool decays = nas_graph_node(t.g, t.param[i])->attr.leaf.decay;
        assert_int_equal(p.slot[w].block, PLAN_PARAMS);
        assert_int_equal(p.slot[w].first, p.param_first[w]);
        assert_int_equal(p.slot[w].first < p.n_decay, decays);
        bool copied = false;
        for (size_t c = 0; c < p.n_copies; c++)
            copied |= p.copy[c].value == g && p.copy[c].first == p.param_first[w];
        if (!copied) {
            assert_int_equal(p.slot[g].block, PLAN_TOGETHER);
            assert_int_equal(p.slot[g].first, p.param_first[w]);
        }
    }
    assert_int_equal(p.block[PLAN_PARAMS], p.block[PLAN_TOGETHER]);
    plan_free(&p);
    nas_graph_free(t.g);
}

static void the_same_numbers_with_and_without_reuse(void **state) {
    (void)state;
    net t;
    nas_device *d = NULL;
    float loss[2], grads[2][2 * LAYERS];
    build(&t, true);
    assert_int_equal(nas_device_open(&d, "ref"), NAS_OK);
    for (int k = 0; k < 2; k++) {
        nas_exec *e = NULL;
        float x[BATCH * WIDTH];
        exec_options o = {.keep = &t.y,
                          .n_keep = 1,
                          .together = t.grad,
                          .n_together = t.n_params,
                          .no_reuse = k == 1};
        for (int i = 0; i < BATCH * WIDTH; i++)
            x[i] = (float)(i % 17) / 8 - 1;
        assert_int_equal(exec_create(&e, d, t.g, &o), NAS_OK);
        assert_int_equal(nas_exec_init(e, 3), NAS_OK);
        assert_int_equal(nas_exec_write(e, t.x, x, BATCH * WIDTH), NAS_OK);
        assert_int_equal(nas_exec_run(e), NAS_OK);
        assert_int_equal(nas_exec_read(e, t.y, &loss[k], 1), NAS_OK);
        nas_param_block b = nas_exec_params(e);
        for (uint32_t i = 0; i < t.n_params; i++)
            assert_int_equal(
                nas_buffer_read(b.grads, nas_exec_param_offset(e, t.param[i]), &grads[k][i], 1),
                NAS_OK);
        nas_exec_free(e);
    }
    assert_memory_equal(&loss[0], &loss[1], sizeof loss[0]);
    assert_memory_equal(grads[0], grads[1], sizeof grads[0]);
    assert_true(loss[0] != 0 && grads[0][0] != 0);
    nas_device_close(d);
    nas_graph_free(t.g);
}

/* 2^31 - 1 elements are a legal shape; a hundred of them are no legal wish. */
static void too_big_is_refused_before_anything_is_allocated(void **state) {
    (void)state;
    nas_device *d = NULL;
    nas_graph *g = NULL;
    nas_exec *e = NULL;
    nas_memory_plan m;
    nas_value v[100];
    if (nas_device_open(&d, "auto") != NAS_OK)
        skip();
    assert_int_equal(nas_graph_create(&g), NAS_OK);
    for (int i = 0; i < 100; i++) {
        char name[16];
        (void)snprintf(name, sizeof name, "x%d", i);
        v[i] = leaf(g, NAS_OP_INPUT, name, NAS_SHAPE(1 << 14, 1 << 13), false);
    }
    double start = nas_clock();
    assert_int_equal(nas_exec_plan(&m, d, g, v, 100, NULL, 0), NAS_E_TOO_BIG);
    assert_int_equal(nas_exec_create(&e, d, g, v, 100, NULL, 0), NAS_E_TOO_BIG);
    assert_null(e);
    assert_true(nas_clock() - start < 5);
    assert_non_null(strstr(nas_error_text(), "MiB"));
    nas_graph_free(g);
    nas_device_close(d);
}

/* x [2,3] times w [3,5]: all of x, w and y are alive at once. */
static void without_a_device_the_plan_counts_floats_alone(void **state) {
    (void)state;
    nas_graph *g = NULL;
    nas_value y = NAS_NO_VALUE;
    nas_memory_plan m;
    assert_int_equal(nas_graph_create(&g), NAS_OK);
    nas_value x = leaf(g, NAS_OP_INPUT, "x", NAS_SHAPE(2, 3), false);
    nas_value w = leaf(g, NAS_OP_PARAM, "w", NAS_SHAPE(3, 5), true);
    assert_int_equal(nas_linear(&y, g, x, w, NAS_NO_VALUE), NAS_OK);
    nas_graph_set_output(g, y);
    assert_int_equal(nas_exec_plan(&m, NULL, g, &y, 1, NULL, 0), NAS_OK);
    uint64_t params = 3 * 5, input = 2 * 3, output = 2 * 5;
    assert_int_equal(m.leaf_bytes, 4 * (params + input));
    assert_int_equal(m.leaf_bytes + m.activation_bytes, 4 * (params + input + output));
    assert_int_equal(m.param_elements, params);
    assert_int_equal(m.scratch_bytes, 0);
    nas_graph_free(g);
}

/* The optimiser's kernels count in int32. */
static void more_params_than_an_optimiser_counts_are_refused(void **state) {
    (void)state;
    nas_graph *g = NULL;
    nas_value grad[2];
    plan p;
    assert_int_equal(nas_graph_create(&g), NAS_OK);
    for (int i = 0; i < 2; i++)
        grad[i] = leaf(g, NAS_OP_PARAM, i ? "b" : "a", NAS_SHAPE(1 << 15, 1 << 15), true);
    plan_request r = {
        .together = grad, .n_together = 2, .align = ALIGN, .max_block = SIZE_MAX, .reuse = true};
    assert_int_equal(plan_make(&p, g, &r), NAS_E_TOO_BIG);
    assert_non_null(strstr(nas_error_text(), "2147483648 elements"));
    r.n_together = 0;
    assert_int_equal(plan_make(&p, g, &r), NAS_OK);
    plan_free(&p);
    nas_graph_free(g);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_alive_together_never_share_memory),
        cmocka_unit_test(reuse_takes_less_than_no_reuse),
        cmocka_unit_test(a_small_block_limit_opens_more_arenas),
        cmocka_unit_test(gradients_lie_like_their_params_decay_first),
        cmocka_unit_test(the_same_numbers_with_and_without_reuse),
        cmocka_unit_test(too_big_is_refused_before_anything_is_allocated),
        cmocka_unit_test(without_a_device_the_plan_counts_floats_alone),
        cmocka_unit_test(more_params_than_an_optimiser_counts_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
