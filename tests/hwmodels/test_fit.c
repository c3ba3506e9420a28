/* tests/hwmodels/test_fit.c - devices that are learnt: from timed kernels, from whole networks, and
 * how good a prediction is. */
#include "fixture.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- agreement ---- */

static void agreement_is_what_the_hand_computes(void **state) {
    (void)state;
    nas_agreement a;
    const double measured[] = {1, 2, 3, 4}, predicted[] = {1.04, 2.18, 4.5, 4.36};
    assert_int_equal(nas_agreement_of(&a, predicted, measured, 4), NAS_OK);
    assert_float_equal(a.spearman, 0.8, 1e-12); /* the last two change places */
    assert_float_equal(a.kendall, 4.0 / 6, 1e-12);
    assert_float_equal(a.within_5, 0.25, 1e-12);
    assert_float_equal(a.within_10, 0.75, 1e-9);
    assert_float_equal(a.bias, (0.04 + 0.09 + 0.5 + 0.09) / 4, 1e-9);
    assert_float_equal(a.rmspe, sqrt((0.0016 + 0.0081 + 0.25 + 0.0081) / 4), 1e-9);
    const double zero[] = {1, 0, 3, 4};
    assert_int_equal(nas_agreement_of(&a, predicted, zero, 4), NAS_E_DATA);
}

/* ---- from kernels ---- */

static nas_hw_measured here(void) {
    return (nas_hw_measured){.name = "here",
                             .title = "Here",
                             .kind = "cpu",
                             .peak_flops = 100e9,
                             .bandwidth = 10e9,
                             .cache_bytes = 1 << 20,
                             .cache_reported = true,
                             .cache_bandwidth = 40e9,
                             .units = 2,
                             .lanes = 8};
}

/* What a device takes whose convolutions reach other shares, and depthwise ones of many channels
 * half of them: no roofline has that. */
static double truth(double *node, const nas_hw *h, const nas_graph *g) {
    uint32_t n = nas_graph_count(g);
    nas_estimate total, *e = calloc(n, sizeof *e);
    double sum = 300e-6;
    assert_non_null(e);
    assert_int_equal(nas_hw_estimate(&total, e, h, g), NAS_OK);
    for (uint32_t i = 0; i < n; i++) {
        const nas_node *at = nas_graph_node(g, (nas_value){i});
        node[i] = e[i].latency_s;
        if (at->op == NAS_OP_CONV2D && at->attr.conv.groups > 100)
            node[i] *= 2;
        sum += node[i] + (e[i].latency_s > 0 ? 20e-6 : 0);
    }
    free(e);
    return sum;
}

static nas_graph *net_number(int i) {
    return net_chain(1 + i % 9, 4 + i * 5 % 23, 8 + i * 37 % 240);
}

static void timed_kernels_teach_shares_launches_and_what_is_left(void **state) {
    (void)state;
    nas_hw *real = hw_from_text(
        "name: r\ntitle: R\nkind: cpu\nsource: s\npeak_gflops: {value: 100, source: s}\n"
        "bandwidth_gb_s: {value: 10, source: s}\ncache_mib: {value: 1, source: s}\n"
        "cache_bandwidth_gb_s: {value: 40, source: s}\nlaunch_us: {value: 0, source: s}\n"
        "units_count: {value: 2, source: s}\nlanes_count: {value: 8, source: s}\n"
        "tile_rows_count: {value: 8, source: s}\ntile_columns_count: {value: 16, source: s}\n"
        "efficiency: {source: s, conv: {compute: 0.7, bandwidth: 0.5}, conv1x1: {compute: 0.2, "
        "bandwidth: 0.9}, depthwise: {compute: 0.03, bandwidth: 0.3}}\n");
    nas_hw_measured m = here();
    nas_kernel_fit *f;
    double node[64], worst = 0;
    nas_text yaml = {0}, again = {0};
    nas_hw *learnt;
    assert_int_equal(nas_kernel_fit_create(&f, &m), NAS_OK);
    for (int i = 0; i < 120; i++) {
        nas_graph *g = net_number(i);
        double whole = truth(node, real, g);
        assert_int_equal(nas_kernel_fit_add(f, g, node, whole), NAS_OK);
        nas_graph_free(g);
    }
    assert_int_equal(nas_kernel_fit_solve(f), NAS_OK);
    assert_int_equal(nas_kernel_fit_write(&yaml, f, "this test"), NAS_OK);
    assert_int_equal(nas_hw_read(&learnt, nas_text_str(&yaml), yaml.n, "learnt"), NAS_OK);
    assert_float_equal(nas_hw_info_of(learnt)->launch_s, 20e-6, 1e-6);
    for (int i = 1000; i < 1040; i++) { /* networks that it has not seen */
        nas_graph *g = net_number(i);
        worst = fmax(worst, fabs(hw_price(learnt, g).latency_s / truth(node, real, g) - 1));
        nas_graph_free(g);
    }
    assert_true(worst < 0.06);
    nas_graph *deep = net_chain(50, 14, 64);
    double least = 1;
    for (int i = 0; i < 20; i++) {
        double start = nas_clock();
        (void)hw_price(learnt, deep);
        least = fmin(least, nas_clock() - start);
    }
    assert_true(least < 1e-3); /* 50 layers, trees and all */
    nas_graph_free(deep);
    assert_int_equal(nas_kernel_fit_write(&again, f, "this test"), NAS_OK);
    assert_string_equal(nas_text_str(&yaml), nas_text_str(&again));
    nas_text_free(&yaml);
    nas_text_free(&again);
    nas_kernel_fit_free(f);
    nas_hw_free(learnt);
    nas_hw_free(real);
}

static void device_that_reports_nonsense_is_told(void **state) {
    (void)state;
    nas_kernel_fit *f = NULL;
    nas_hw_measured m = here();
    m.units = 0;
    assert_int_equal(nas_kernel_fit_create(&f, &m), NAS_E_DATA);
    assert_non_null(strstr(nas_error_text(), "Here reports 0 compute units"));
    m = here();
    m.peak_flops = 0;
    assert_int_equal(nas_kernel_fit_create(&f, &m), NAS_E_DATA);
    assert_non_null(strstr(nas_error_text(), "0 FLOP/s"));
    m = here();
    m.bandwidth = (double)NAN;
    assert_int_equal(nas_kernel_fit_create(&f, &m), NAS_E_DATA);
    assert_null(f);
}

static void too_few_runs_are_told(void **state) {
    (void)state;
    nas_kernel_fit *f;
    nas_hw_measured m = here();
    double node[64] = {0};
    assert_int_equal(nas_kernel_fit_create(&f, &m), NAS_OK);
    for (int i = 0; i < 7; i++) {
        nas_graph *g = net_number(i);
        node[nas_graph_count(g) - 1] = 1e-3;
        assert_int_equal(nas_kernel_fit_add(f, g, node, 2e-3), NAS_OK);
        nas_graph_free(g);
    }
    assert_int_equal(nas_kernel_fit_solve(f), NAS_E_DATA);
    assert_non_null(strstr(nas_error_text(), "7 timed runs are too few"));
    nas_kernel_fit_free(f);
}

/* ---- from whole networks ---- */

/* 60 networks on a device twice as slow as its prior with 1 ms for a run; `bad` of the 40 that
 * teach are near zero, as rows of published tables are. Gives the mean error of the other 20. */
static double taught_error(int bad) {
    nas_hw *prior = hw_open("raspberry-pi-4");
    nas_fit *f;
    uint32_t row[40];
    double sum = 0;
    assert_int_equal(nas_fit_create(&f, prior), NAS_OK);
    for (int i = 0; i < 60; i++) {
        nas_graph *g = net_number(i);
        double t = 1e-3 + 2 * hw_price(prior, g).latency_s;
        assert_int_equal(nas_fit_add(f, g, i < bad ? 1e-8 * (i + 1) : t), NAS_OK);
        nas_graph_free(g);
        if (i < 40)
            row[i] = (uint32_t)i;
    }
    assert_int_equal(nas_fit_solve(f, row, 40), NAS_OK);
    for (uint32_t i = 40; i < 60; i++)
        sum += fabs(nas_fit_predict(f, i) / nas_fit_measured(f, i) - 1) / 20;
    nas_fit_free(f);
    nas_hw_free(prior);
    return sum;
}

static void whole_networks_teach_a_device(void **state) {
    (void)state;
    assert_true(taught_error(0) < 0.03);
}

static void rows_near_zero_do_not_spoil_it(void **state) {
    (void)state;
    assert_true(taught_error(4) < 0.06);
}

static void three_samples_are_too_few(void **state) {
    (void)state;
    nas_hw *prior = hw_open("raspberry-pi-4");
    nas_fit *f;
    const uint32_t row[] = {0, 1, 2, 3};
    assert_int_equal(nas_fit_create(&f, prior), NAS_OK);
    for (int i = 0; i < 4; i++) {
        nas_graph *g = net_number(i);
        assert_int_equal(nas_fit_add(f, g, i == 3 ? -1 : 1e-3 * (i + 1)), NAS_OK);
        nas_graph_free(g);
    }
    assert_int_equal(nas_fit_solve(f, row, 3), NAS_E_DATA);
    assert_non_null(strstr(nas_error_text(), "3 samples are too few"));
    assert_int_equal(nas_fit_solve(f, row, 4), NAS_E_DATA);
    assert_non_null(strstr(nas_error_text(), "-1 s, not above 0"));
    nas_fit_free(f);
    nas_hw_free(prior);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(agreement_is_what_the_hand_computes),
        cmocka_unit_test(timed_kernels_teach_shares_launches_and_what_is_left),
        cmocka_unit_test(device_that_reports_nonsense_is_told),
        cmocka_unit_test(too_few_runs_are_told),
        cmocka_unit_test(whole_networks_teach_a_device),
        cmocka_unit_test(rows_near_zero_do_not_spoil_it),
        cmocka_unit_test(three_samples_are_too_few),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
