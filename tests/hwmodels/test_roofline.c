/* tests/hwmodels/test_roofline.c - prices agree with hand computation and move the right way. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <nas/hw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Round numbers: 100 GFLOP/s, 10 GB/s, a cache of 1 MiB at 40 GB/s, tiles of 8x16 on 2 units. */
static const char device[] =
    "name: t\ntitle: T\nkind: cpu\nsource: made for this test\n"
    "bandwidth_gb_s: {value: 10, source: s}\n"
    "cache_mib: {value: 1, source: s}\n"
    "cache_bandwidth_gb_s: {value: 40, source: s}\n"
    "units_count: {value: 2, source: s}\nlanes_count: {value: 8, source: s}\n"
    "tile_rows_count: {value: 8, source: s}\ntile_columns_count: {value: 16, source: s}\n"
    "efficiency: {source: s, conv: {compute: 0.5, bandwidth: 0.5}}\n";
static const char watts[] = "idle_w: {value: 10, source: s}\nmax_w: {value: 30, source: s}\n";
static const char picojoules[] = "idle_w: {value: 10, source: s}\nflop_pj: {value: 2, source: s}\n"
                                 "byte_pj: {value: 100, source: s}\n";

static nas_hw *open_device(double gflops, double launch_us, const char *energy) {
    char path[] = "hw-XXXXXX.yaml";
    nas_hw *h = NULL;
    nas_text t = {0};
    nas_text_add(&t, "%speak_gflops: {value: %g, source: s}\nlaunch_us: {value: %g, source: s}\n%s",
                 device, gflops, launch_us, energy);
    int fd = mkstemps(path, 5);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, nas_text_str(&t), t.n), t.n);
    close(fd);
    nas_status st = nas_hw_open(&h, path);
    unlink(path);
    nas_text_free(&t);
    if (st != NAS_OK)
        fail_msg("%s", nas_error_text());
    return h;
}

static nas_value leaf(nas_graph *g, nas_op op, const char *name, nas_shape shape) {
    nas_value v;
    nas_attr a;
    memset(&a, 0, sizeof a);
    a.leaf.shape = shape;
    assert_int_equal(nas_graph_leaf(&v, g, op, name, &a), NAS_OK);
    return v;
}

/* y = conv(x, w), kernel k x k, same size, on the graph's next names. */
static nas_value conv(nas_graph *g, nas_value x, int32_t k, int32_t out, int32_t groups) {
    static const char letters[] = "abcdefghijklmnopqrstuvwxyz";
    char name[8];
    nas_attr a;
    nas_value y;
    int32_t c = nas_graph_shape(g, x)->dim[3];
    snprintf(name, sizeof name, "w%c%u", letters[nas_graph_count(g) % 26], nas_graph_count(g));
    nas_value w = leaf(g, NAS_OP_PARAM, name, NAS_SHAPE(k, k, c / groups, out));
    memset(&a, 0, sizeof a);
    a.conv.kernel[0] = a.conv.kernel[1] = k;
    a.conv.stride[0] = a.conv.stride[1] = a.conv.dilation[0] = a.conv.dilation[1] = 1;
    for (int i = 0; i < 4; i++)
        a.conv.pad[i] = k / 2;
    a.conv.groups = groups;
    if (nas_conv2d(&y, g, x, w, &a) != NAS_OK)
        fail_msg("%s", nas_error_text());
    return y;
}

static nas_graph *new_graph(void) {
    nas_graph *g = NULL;
    assert_int_equal(nas_graph_create(&g), NAS_OK);
    return g;
}

static nas_graph *one_conv(int32_t batch, int32_t side, int32_t c, int32_t k, int32_t out) {
    nas_graph *g = new_graph();
    nas_value x = leaf(g, NAS_OP_INPUT, "x", NAS_SHAPE(batch, side, side, c));
    nas_graph_set_output(g, conv(g, x, k, out, 1));
    return g;
}

static nas_estimate price(const nas_hw *h, const nas_graph *g) {
    nas_estimate e;
    if (nas_hw_estimate(&e, NULL, h, g) != NAS_OK)
        fail_msg("%s", nas_error_text());
    return e;
}

static void near(double a, double b) {
    if (!(fabs(a - b) <= 1e-9 * fabs(b)))
        fail_msg("%.12g is not %.12g", a, b);
}

static void conv_in_cache_is_what_the_hand_computes(void **state) {
    (void)state;
    nas_hw *h = open_device(100, 5, "");
    nas_graph *g = one_conv(1, 16, 16, 3, 32);
    nas_estimate e = price(h, g);
    int64_t macs = 16 * 16 * 32 * 9 * 16;
    double bytes = 4.0 * (16 * 16 * 16 + 9 * 16 * 32 + 16 * 16 * 32);
    assert_int_equal(e.macs, macs);
    assert_int_equal(e.flops, 2 * macs);
    near((double)e.bytes, bytes);
    /* 256 rows by 32 columns fill 64 tiles, 32 rounds on 2 units: nothing is lost */
    near(e.compute_s, 2.0 * (double)macs / (0.5 * 100e9));
    near(e.memory_s, bytes / (0.5 * 40e9));
    near(e.launch_s, 5e-6);
    near(e.latency_s, e.compute_s + 5e-6);
    near(e.memory_bytes, bytes); /* weights, and x and y alive together */
    assert_true(isnan(e.energy_j));
    nas_graph_free(g);
    nas_hw_free(h);
}

static void what_leaves_the_cache_comes_from_memory(void **state) {
    (void)state;
    nas_hw *h = open_device(1e5, 5, ""); /* so fast that memory decides */
    nas_graph *g = one_conv(16, 32, 16, 3, 16);
    nas_estimate e = price(h, g);
    double activations = 4.0 * 2 * 16 * 32 * 32 * 16;
    /* 2 MiB of activations do not fit 0.6 MiB, and the weights do not stay beside them */
    near(e.memory_s, (activations + 4.0 * 9 * 16 * 16) / (0.5 * 10e9));
    near(e.latency_s, e.memory_s + 5e-6);
    nas_graph_free(g);
    nas_hw_free(h);
}

static void edges_of_tiles_cost_whole_tiles(void **state) {
    (void)state;
    nas_hw *h = open_device(100, 5, "");
    /* 9 pixels are 2 rows of tiles as 16 pixels are; 17 channels are 2 columns as 32 are */
    static const int32_t sizes[][4] = {{3, 16, 4, 16}, {4, 17, 4, 32}, {3, 10, 4, 16}};
    for (size_t i = 0; i < 3; i++) {
        nas_graph *a = one_conv(1, sizes[i][0], 8, 3, sizes[i][1]);
        nas_graph *b = one_conv(1, sizes[i][2], 8, 3, sizes[i][3]);
        near(price(h, a).compute_s, price(h, b).compute_s);
        nas_graph_free(a);
        nas_graph_free(b);
    }
    nas_hw_free(h);
}

static void more_batch_and_less_peak_never_get_faster(void **state) {
    (void)state;
    nas_hw *h[4] = {open_device(1, 5, ""), open_device(50, 5, ""), open_device(100, 5, ""),
                    open_device(5000, 5, "")};
    double before[4] = {0};
    for (int32_t batch = 1; batch <= 40; batch++) {
        nas_graph *g = new_graph();
        nas_value x = leaf(g, NAS_OP_INPUT, "x", NAS_SHAPE(batch, 9, 9, 12));
        nas_value y = conv(g, conv(g, conv(g, x, 3, 24, 1), 5, 24, 24), 1, 20, 1);
        nas_graph_set_output(g, y);
        for (int i = 0; i < 4; i++) {
            double t = price(h[i], g).latency_s;
            assert_true(t >= before[i]);
            if (i > 0)
                assert_true(t <= before[i - 1]);
            before[i] = t;
        }
        nas_graph_free(g);
    }
    for (int i = 0; i < 4; i++)
        nas_hw_free(h[i]);
}

static void tiny_network_is_bound_by_launches(void **state) {
    (void)state;
    nas_hw *h = open_device(100, 500, "");
    nas_graph *g = new_graph();
    nas_value y = leaf(g, NAS_OP_INPUT, "x", NAS_SHAPE(1, 4, 4, 4));
    for (int i = 0; i < 20; i++)
        y = conv(g, y, 1, 4, 1);
    nas_graph_set_output(g, y);
    double t = price(h, g).latency_s;
    assert_true(t > 20 * 500e-6 && t < 20 * 500e-6 * 1.01);
    nas_graph_free(g);
    nas_hw_free(h);
}

static void reshape_and_leaves_cost_nothing(void **state) {
    (void)state;
    nas_hw *h = open_device(100, 5, watts);
    nas_graph *g = one_conv(2, 4, 4, 1, 8);
    nas_estimate before = price(h, g), total, node[8];
    nas_value y;
    assert_int_equal(nas_reshape(&y, g, nas_graph_output(g), NAS_SHAPE(2, 128)), NAS_OK);
    nas_graph_set_output(g, y);
    assert_int_equal(nas_graph_count(g), 4);
    assert_int_equal(nas_hw_estimate(&total, node, h, g), NAS_OK);
    near(total.latency_s, before.latency_s);
    near(total.energy_j, before.energy_j);
    near(total.memory_bytes, before.memory_bytes);
    for (uint32_t i = 0; i < 4; i++) {
        bool kernel = nas_graph_node(g, (nas_value){i})->op == NAS_OP_CONV2D;
        assert_true((node[i].latency_s > 0) == kernel && (node[i].energy_j > 0) == kernel);
        assert_true((node[i].memory_bytes > 0) == kernel && (node[i].bytes > 0) == kernel);
    }
    nas_graph_free(g);
    nas_hw_free(h);
}

static void energy_follows_the_figures_given(void **state) {
    (void)state;
    nas_graph *g = one_conv(1, 16, 16, 3, 32);
    nas_hw *none = open_device(100, 5, ""), *w = open_device(100, 5, watts),
           *pj = open_device(100, 5, picojoules);
    nas_estimate e = price(w, g);
    assert_true(isnan(price(none, g).energy_j));
    double busy = (double)e.flops / (100e9 * e.latency_s);
    near(e.energy_j, (10 + 20 * busy) * e.latency_s);
    near(price(pj, g).energy_j,
         10 * e.latency_s + (double)e.flops * 2e-12 + (double)e.bytes * 100e-12);
    nas_hw_free(none);
    nas_hw_free(w);
    nas_hw_free(pj);
    nas_graph_free(g);
}

/* A chain frees what it has read; a residual keeps a value alive over it. The input has a place of
 * its own, all the time. */
static void peak_of_activations_counts_what_is_alive(void **state) {
    (void)state;
    nas_hw *h = open_device(100, 5, "");
    nas_graph *g = new_graph();
    nas_value x = leaf(g, NAS_OP_INPUT, "x", NAS_SHAPE(1, 8, 8, 4));
    nas_value first = conv(g, x, 1, 4, 1), y = first;
    double one = 4.0 * 8 * 8 * 4, weight = 4.0 * 4 * 4;
    for (int i = 0; i < 4; i++)
        y = conv(g, y, 1, 4, 1);
    nas_graph_set_output(g, y);
    near(price(h, g).memory_bytes, 5 * weight + 3 * one);
    assert_int_equal(nas_add(&y, g, y, first), NAS_OK);
    nas_graph_set_output(g, y);
    near(price(h, g).memory_bytes, 5 * weight + 4 * one);
    nas_graph_free(g);
    nas_hw_free(h);
}

static void classes_have_their_own_shares(void **state) {
    (void)state;
    nas_hw *h = open_device(100, 5, "");
    nas_graph *g = new_graph();
    nas_estimate total, node[8];
    nas_value x = leaf(g, NAS_OP_INPUT, "x", NAS_SHAPE(1, 16, 16, 32));
    nas_value d = conv(g, x, 3, 32, 32), p = conv(g, x, 1, 32, 1);
    nas_graph_set_output(g, p);
    assert_int_equal(nas_hw_estimate(&total, node, h, g), NAS_OK);
    near(node[d.id].compute_s, (double)node[d.id].flops / (0.10 * 100e9));
    near(node[p.id].compute_s, (double)node[p.id].flops / (0.45 * 100e9));
    nas_graph_free(g);
    nas_hw_free(h);
}

static void known_devices_rank_as_they_should(void **state) {
    (void)state;
    static const char *const slow_to_fast[] = {"raspberry-pi-4", "zen3-2core-pocl",
                                               "amd-rx-6800-xt"};
    nas_graph *g = one_conv(64, 28, 64, 3, 64);
    double before = INFINITY;
    for (size_t i = 0; i < 3; i++) {
        nas_hw *h = NULL;
        assert_int_equal(nas_hw_open(&h, slow_to_fast[i]), NAS_OK);
        double t = price(h, g).latency_s;
        assert_true(t < before);
        before = t;
        nas_hw_free(h);
    }
    nas_graph_free(g);
}

static void failed_allocation_is_told(void **state) {
    (void)state;
    nas_hw *h = open_device(100, 5, "");
    nas_graph *g = one_conv(1, 4, 4, 1, 4);
    nas_estimate e;
    nas_alloc_fail_after(1);
    assert_int_equal(nas_hw_estimate(&e, NULL, h, g), NAS_E_MEMORY);
    nas_alloc_fail_after(0);
    assert_int_equal(nas_hw_estimate(&e, NULL, h, g), NAS_OK);
    nas_graph_free(g);
    nas_hw_free(h);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(conv_in_cache_is_what_the_hand_computes),
        cmocka_unit_test(what_leaves_the_cache_comes_from_memory),
        cmocka_unit_test(edges_of_tiles_cost_whole_tiles),
        cmocka_unit_test(more_batch_and_less_peak_never_get_faster),
        cmocka_unit_test(tiny_network_is_bound_by_launches),
        cmocka_unit_test(reshape_and_leaves_cost_nothing),
        cmocka_unit_test(energy_follows_the_figures_given),
        cmocka_unit_test(peak_of_activations_counts_what_is_alive),
        cmocka_unit_test(classes_have_their_own_shares),
        cmocka_unit_test(known_devices_rank_as_they_should),
        cmocka_unit_test(failed_allocation_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
