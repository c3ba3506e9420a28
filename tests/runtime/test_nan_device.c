/* tests/runtime/test_nan_device.c - NaN is never lost on a device, and extreme values give what the
 * reference gives: a diverged training must be seen, and a large logit must not look like one.
 * ctest-labels: device */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <nas/runtime.h>
#include <string.h>

static const float samples[] = {NAN,   0.0f,   1e-30f, -1e-30f, 0.5f,    -0.5f,  2.9f,
                                -2.9f, 3.1f,   -3.1f,  5.9f,    6.1f,    20.0f,  -20.0f,
                                86.9f, -86.9f, 88.6f,  -88.6f,  95.0f,   -95.0f, 1e4f,
                                -1e4f, 1e9f,   -1e9f,  17.0f,   -17.25f, 1.0f};
enum { N = sizeof samples / sizeof samples[0], ROWS = 3 };

static nas_device *device;

/* y = op(in[0], in[1] …), each input a leaf of this shape with these values */
static void run_op(float *y, nas_op op, const nas_attr *attr, uint32_t n_in, const nas_shape *shape,
                   const float *const *values) {
    nas_graph *g = NULL;
    nas_exec *e = NULL;
    nas_value in[NAS_MAX_IN], out;
    char name[16];
    assert_int_equal(nas_graph_create(&g), NAS_OK);
    for (uint32_t i = 0; i < n_in; i++) {
        nas_attr leaf = {.leaf = {.shape = shape[i]}};
        (void)snprintf(name, sizeof name, "in%u", (unsigned)i);
        assert_int_equal(nas_graph_leaf(&in[i], g, NAS_OP_INPUT, name, &leaf), NAS_OK);
    }
    assert_int_equal(nas_graph_add(&out, g, op, in, n_in, attr), NAS_OK);
    assert_int_equal(nas_exec_create(&e, device, g, &out, 1, NULL, 0), NAS_OK);
    for (uint32_t i = 0; i < n_in; i++)
        assert_int_equal(nas_exec_write(e, in[i], values[i], (size_t)nas_shape_count(&shape[i])),
                         NAS_OK);
    assert_int_equal(nas_exec_run(e), NAS_OK);
    assert_int_equal(nas_exec_read(e, out, y, (size_t)nas_shape_count(nas_graph_shape(g, out))),
                     NAS_OK);
    nas_exec_free(e);
    nas_graph_free(g);
}

static void activations_hold_at_extremes_and_keep_nan(void **state) {
    (void)state;
    const nas_shape shape[2] = {NAS_SHAPE(N), NAS_SHAPE(N)};
    float ones[N], y[N], dx[N];
    for (int i = 0; i < N; i++)
        ones[i] = 1;
    for (int kind = 0; kind < NAS_ACT_COUNT; kind++) {
        nas_attr a = {.act = {.kind = kind}};
        run_op(y, NAS_OP_ACT, &a, 1, shape, (const float *const[]){samples});
        run_op(dx, NAS_OP_ACT_GRAD, &a, 2, shape, (const float *const[]){samples, ones});
        assert_true(isnan(y[0]));
        for (int i = 1; i < N; i++) {
            double value = nas_act_value((nas_act)kind, (double)samples[i]);
            double slope = nas_act_slope((nas_act)kind, (double)samples[i]);
            if (fabs((double)y[i] - value) > 1e-6 * (1 + fabs(value)) ||
                fabs((double)dx[i] - slope) > 2e-6 * (1 + fabs(slope)))
                fail_msg("%s at %g: %g and slope %g, not %g and %g", nas_act_name((nas_act)kind),
                         (double)samples[i], (double)y[i], (double)dx[i], value, slope);
        }
    }
}

/* One NaN among the logits of a row spoils this row and no other. */
static void nan_reaches_softmax_loss_and_max(void **state) {
    (void)state;
    const nas_shape shape[2] = {NAS_SHAPE(ROWS, N), NAS_SHAPE(ROWS)};
    float logits[ROWS * N], y[ROWS * N], loss[ROWS], labels[ROWS] = {1, 2, 3};
    for (int where = 0; where < N; where++) {
        for (int i = 0; i < ROWS * N; i++)
            logits[i] = (float)(i % 7);
        logits[N + where] = NAN;
        run_op(y, NAS_OP_SOFTMAX, NULL, 1, shape, (const float *const[]){logits});
        nas_attr smooth = {.loss = {.smoothing = 0.1f}};
        run_op(loss, NAS_OP_CROSS_ENTROPY, &smooth, 2, shape,
               (const float *const[]){logits, labels});
        assert_true(isnan(loss[1]) && isfinite(loss[0]) && isfinite(loss[2]));
        assert_true(isnan(y[N]) && isnan(y[2 * N - 1]));
        assert_true(isfinite(y[0]) && isfinite(y[2 * N]));
    }
}

static void large_logits_are_no_nan(void **state) {
    (void)state;
    const nas_shape shape[2] = {NAS_SHAPE(1, N - 1), NAS_SHAPE(1)};
    float y[N - 1], loss, label = 23, sum = 0;
    run_op(y, NAS_OP_SOFTMAX, NULL, 1, shape, (const float *const[]){samples + 1});
    for (int i = 0; i < N - 1; i++)
        sum += y[i];
    assert_true(sum > 0.999f && sum < 1.001f);
    run_op(&loss, NAS_OP_CROSS_ENTROPY, &(nas_attr){.loss = {0}}, 2, shape,
           (const float *const[]){samples + 1, &label});
    assert_true(isfinite(loss));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(activations_hold_at_extremes_and_keep_nan),
        cmocka_unit_test(nan_reaches_softmax_loss_and_max),
        cmocka_unit_test(large_logits_are_no_nan),
    };
    if (nas_device_open(&device, "auto") != NAS_OK) {
        print_message("skipped: %s\n", nas_error_text());
        return 0;
    }
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    nas_device_close(device);
    return failed;
}
