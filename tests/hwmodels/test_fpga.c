/* tests/hwmodels/test_fpga.c - FPGA and array models give published figures and move the right way.
 */
#include "fixture.h"

#include <hwmodels/fpga.h>
#include <math.h>
#include <string.h>

/* Zhang et al. (2015), table 4: the engine 64 x 7 takes 2,006 thousand cycles for AlexNet's
 * convolutions. */
static void cycles_of_alexnet_are_the_published_ones(void **state) {
    (void)state;
    static const double thousand_cycles[] = {732.05, 510.3, 337.662, 255.528, 170.352};
    nas_graph *g = net_alexnet();
    nas_layer *l = NULL;
    uint32_t n = 0;
    double sum = 0;
    assert_int_equal(nas_layers_of(&l, &n, g), NAS_OK);
    assert_int_equal(n, 5);
    for (uint32_t i = 0; i < n; i++) {
        nas_tiling t = {64, 7, 13, 13};
        if (i == 0)
            t.tr = t.tc = 55;
        if (i == 1)
            t.tr = t.tc = 27;
        nas_cycles y = nas_tiling_cycles(&t, &l[i], 1e9);
        assert_float_equal(y.compute / 1e3, thousand_cycles[i], 1e-6);
        sum += y.compute;
    }
    assert_float_equal(sum / 1e3, 2006, 0.5);
    nas_free(l);
    nas_graph_free(g);
}

/* The same paper: 2,240 DSP, 1,024 blocks of 18 Kbit, 186,251 tables; 61.62 GFLOP/s at 100 MHz. */
static void alexnet_on_the_vc707_is_the_published_design(void **state) {
    (void)state;
    nas_graph *g = net_alexnet();
    nas_hw *h = hw_open("xilinx-vc707");
    nas_tiling published = {64, 7, 13, 13};
    nas_layer *l = NULL;
    uint32_t n = 0;
    assert_int_equal(nas_layers_of(&l, &n, g), NAS_OK);
    nas_blocks b = nas_tiling_blocks(h, &published, l, n);
    assert_float_equal(b.dsp, 2240, 0);
    assert_in_range(b.bram18, 922, 1126);   /* within a tenth */
    assert_in_range(b.lut, 167600, 204900); /* within a tenth */
    nas_estimate e = hw_price(h, g);
    double gflops = (double)e.flops / e.latency_s / 1e9;
    if (!(gflops > 0.9 * 61.62 && gflops < 1.1 * 61.62))
        fail_msg("%.2f GFLOP/s, published are 61.62", gflops);
    assert_true(e.dsp <= 0.8 * 2800);
    assert_string_equal(e.binds, "dsp");
    nas_text t = {0};
    assert_int_equal(nas_hw_explain(&t, h, g), NAS_OK);
    assert_non_null(strstr(nas_text_str(&t), "build options: -DTM="));
    nas_text_free(&t);
    nas_free(l);
    nas_hw_free(h);
    nas_graph_free(g);
}

static void lower_precision_is_never_slower(void **state) {
    const char *board = *state;
    char name[64];
    nas_graph *g = net_chain(12, 28, 64);
    double before = INFINITY;
    static const char *const bits[] = {"bits32", "bits16", "bits8"};
    for (size_t i = 0; i < 3; i++) {
        snprintf(name, sizeof name, "%s:%s", board, bits[i]);
        nas_hw *h = hw_open(name);
        nas_estimate e = hw_price(h, g);
        assert_string_equal(nas_hw_info_of(h)->name, name);
        assert_true(e.latency_s < before);
        assert_true(e.dsp <= 0.8 * nas_hw_info_of(h)->dsp);
        assert_true(e.bram18 <= 0.8 * nas_hw_info_of(h)->bram18);
        assert_true(e.lut <= 0.7 * nas_hw_info_of(h)->lut);
        assert_true(isfinite(e.energy_j) && e.energy_j > 0);
        before = e.latency_s;
        nas_hw_free(h);
    }
    nas_graph_free(g);
}

/* MH / PE times MW / SIMD times pixels: one layer, on a board where it may unfold completely. */
static void dataflow_interval_is_that_of_the_slowest_layer(void **state) {
    (void)state;
    nas_value x;
    nas_graph *g = net_open(&x, 1, 8, 4);
    nas_graph_set_output(g, net_conv(g, net_conv(g, x, 3, 8, 1, 1, 1), 1, 8, 1, 1, 0));
    nas_hw *h = hw_open("xilinx-alveo-u250:bits4:dataflow");
    nas_estimate e = hw_price(h, g);
    assert_float_equal(e.interval_s * 300e6, 64, 1e-6); /* a pixel a cycle */
    assert_true(e.latency_s > e.interval_s);
    assert_string_equal(e.binds, "compute");
    assert_float_equal(e.dsp, (8 * 36 + 8 * 8) / 2.0, 0);
    nas_hw_free(h);
    nas_graph_free(g);
}

static void network_that_cannot_fit_is_told(void **state) {
    (void)state;
    nas_graph *g = net_chain(40, 56, 512);
    nas_hw *h = hw_open("xilinx-pynq-z2:dataflow");
    nas_estimate e;
    assert_int_equal(nas_hw_estimate(&e, NULL, h, g), NAS_E_TOO_BIG);
    assert_non_null(strstr(nas_error_text(), "usable are 176,"));
    nas_hw_free(h);
    h = hw_open("xilinx-pynq-z2"); /* one engine still takes it */
    assert_true(hw_price(h, g).latency_s > 0);
    nas_hw_free(h);
    nas_graph_free(g);
}

static void options_that_do_not_fit_are_told(void **state) {
    (void)state;
    static const struct row {
        const char *name;
        nas_status status;
        const char *says;
    } rows[] = {{"raspberry-pi-4:bits8", NAS_E_UNSUPPORTED, "a cpu takes no option 'bits8'"},
                {"edge-tpu:dataflow", NAS_E_UNSUPPORTED, "a asic takes no option"},
                {"xilinx-zc706:bit8", NAS_E_NOT_FOUND, "did you mean 'bits8'"}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        nas_hw *h = NULL;
        assert_int_equal(nas_hw_open(&h, rows[i].name), rows[i].status);
        if (!strstr(nas_error_text(), rows[i].says))
            fail_msg("\"%s\" does not say \"%s\"", nas_error_text(), rows[i].says);
    }
}

/* 64 x 64 at 480 MHz: a convolution that fills the grid is done at its peak but for the fill. */
static void systolic_grid_works_at_its_peak_when_full(void **state) {
    (void)state;
    nas_value x;
    nas_graph *g = net_open(&x, 1, 64, 64);
    nas_graph_set_output(g, net_conv(g, x, 1, 64, 1, 1, 0));
    nas_hw *h = hw_open("edge-tpu");
    nas_estimate e = hw_price(h, g);
    assert_float_equal(e.compute_s * 480e6, 64 * 64 + 126, 1e-3);
    assert_true(e.memory_s == 0); /* weights and both images lie inside */
    nas_hw_free(h);
    nas_graph_free(g);
}

/* More work costs more energy, and most of it in DRAM for a layer that is used once. */
static void spatial_energy_counts_accesses(void **state) {
    (void)state;
    nas_hw *h = hw_open("eyeriss");
    nas_value x;
    nas_graph *g = net_open(&x, 1, 13, 1);
    nas_graph_set_output(g, net_conv(g, x, 3, 1, 1, 1, 1));
    nas_estimate e = hw_price(h, g);
    double macs = 13 * 13 * 9, words = 2 * 13 * 13 + 9, buffer = 2 * 13 * 13 + 9;
    double by_hand =
        0.03 * e.latency_s + 1e-12 * (macs * 10 + macs / 3 * 4 + buffer * 12 + words * 400);
    assert_float_equal(e.energy_j * 1e9, by_hand * 1e9, 1e-6);
    assert_float_equal(e.compute_s * 200e6, macs / (3 * 13), 1e-6);
    nas_graph_free(g);
    nas_hw_free(h);
}

/* 50 layers in under a millisecond, on every built-in device; the fastest of several runs counts,
 * as the machine may be busy. */
static void pricing_50_layers_takes_under_a_millisecond(void **state) {
    (void)state;
    nas_graph *g = net_chain(50, 32, 64);
    for (const char *const *name = nas_hw_names(); *name; name++) {
        nas_hw *h = hw_open(*name);
        double best = INFINITY;
        for (int i = 0; i < 15; i++) {
            double start = nas_clock();
            (void)hw_price(h, g);
            best = fmin(best, nas_clock() - start);
        }
#if defined(__SANITIZE_ADDRESS__)
        best /= 10;
#endif
        if (best >= 1e-3)
            fail_msg("%s: %.3f ms", *name, best * 1e3);
        nas_hw_free(h);
    }
    nas_graph_free(g);
}

static void failed_allocation_is_told(void **state) {
    const char *name = *state;
    nas_graph *g = net_chain(6, 8, 8);
    nas_hw *h = hw_open(name);
    nas_estimate e;
    nas_status st = NAS_E_MEMORY;
    uint64_t k = 1;
    for (; k < 100 && st != NAS_OK; k++) {
        nas_alloc_fail_after(k);
        st = nas_hw_estimate(&e, NULL, h, g);
        nas_alloc_fail_after(0);
        assert_true(st == NAS_OK || st == NAS_E_MEMORY);
    }
    assert_true(st == NAS_OK && k > 2);
    nas_hw_free(h);
    nas_graph_free(g);
}

int main(void) {
    static char zc706[] = "xilinx-zc706", zcu102[] = "xilinx-zcu102",
                arria[] = "intel-arria-10-gx1150", flow[] = "xilinx-zcu102:bits4:dataflow",
                tpu[] = "edge-tpu", eyeriss[] = "eyeriss";
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cycles_of_alexnet_are_the_published_ones),
        cmocka_unit_test(alexnet_on_the_vc707_is_the_published_design),
        {"lower_precision_is_never_slower/zc706", lower_precision_is_never_slower, NULL, NULL,
         zc706},
        {"lower_precision_is_never_slower/zcu102", lower_precision_is_never_slower, NULL, NULL,
         zcu102},
        cmocka_unit_test(dataflow_interval_is_that_of_the_slowest_layer),
        cmocka_unit_test(network_that_cannot_fit_is_told),
        cmocka_unit_test(options_that_do_not_fit_are_told),
        cmocka_unit_test(systolic_grid_works_at_its_peak_when_full),
        cmocka_unit_test(spatial_energy_counts_accesses),
        cmocka_unit_test(pricing_50_layers_takes_under_a_millisecond),
        {"failed_allocation_is_told/loop-tiled", failed_allocation_is_told, NULL, NULL, arria},
        {"failed_allocation_is_told/dataflow", failed_allocation_is_told, NULL, NULL, flow},
        {"failed_allocation_is_told/systolic", failed_allocation_is_told, NULL, NULL, tpu},
        {"failed_allocation_is_told/spatial", failed_allocation_is_told, NULL, NULL, eyeriss},
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
