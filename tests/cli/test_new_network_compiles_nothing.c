/* tests/cli/test_new_network_compiles_nothing.c - on a device that is warm, 50 random candidates
 * take their first training step without a program being built or loaded, and a network of 50
 * layers is at the end of its first step within 30 ms. ctest-labels: device */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <time.h>

#include <nas/runtime.h>
#include <nas/space.h>

enum { BATCH = 4, WARM = 12, CANDIDATES = 50, TRIES = 9 };

/* Convolutional and attention networks, so that the candidates ask for many kernels. */
static const char space_text[] =
    "name: mixed\n"
    "input: [16, 16, 3]\n"
    "classes: 10\n"
    "net:\n"
    "  - choose:\n"
    "      cnn:\n"
    "        - conv: {out: {choose: [8, 24, 33]}, kernel: {choose: [1, 3, 5]}}\n"
    "        - stage:\n"
    "            name: s\n"
    "            repeat: {choose: [1, 2, 3]}\n"
    "            block:\n"
    "              mbconv:\n"
    "                out: {choose: [12, 16, 40]}\n"
    "                kernel: {choose: [3, 5, 7]}\n"
    "                expand: {choose: [1, 3, 6]}\n"
    "                stride: 2\n"
    "                se: {choose: [0, 0.25]}\n"
    "                act: {choose: [relu, hswish]}\n"
    "        - head\n"
    "      vit:\n"
    "        - patch: {size: 4, dim: {choose: [24, 36, 48]}}\n"
    "        - stage:\n"
    "            name: e\n"
    "            repeat: {choose: [1, 2, 3]}\n"
    "            block: {transformer: {heads: {choose: [1, 3]}, mlp: {choose: [1, 2, 3]}}}\n"
    "        - head\n"
    "    name: family\n";

/* 48 convolutions with batch norm in residual blocks, the first convolution and the classifier. */
static const char deep_text[] = "name: deep\n"
                                "input: [8, 8, 3]\n"
                                "classes: 10\n"
                                "net:\n"
                                "  - conv: {out: 16}\n"
                                "  - stage:\n"
                                "      name: s\n"
                                "      repeat: 24\n"
                                "      block:\n"
                                "        residual:\n"
                                "          body:\n"
                                "            - conv: {out: 16}\n"
                                "            - conv: {out: 16, act: none}\n"
                                "  - head\n";

static void must(nas_status st) {
    if (st != NAS_OK)
        fail_msg("%s", nas_error_text());
}

static uint32_t programs(const nas_device *d) {
    uint32_t built, cached;
    nas_device_builds(d, &built, &cached);
    return built + cached;
}

/* From the network's text to the end of the first step, as a worker goes. */
static void first_step(nas_device *d, const char *text, size_t size) {
    float x[BATCH * 16 * 16 * 3], labels[BATCH] = {1, 2, 3, 4}, loss[BATCH];
    nas_graph *g = NULL;
    nas_exec *e = NULL;
    nas_training t = {0};
    must(nas_network_graph(&g, text, size, "candidate", BATCH));
    must(nas_graph_training(&t, g, &(nas_training_options){0}));
    must(nas_exec_create(&e, d, t.graph, &t.loss, 1, t.grad, t.n_params));
    must(nas_exec_init(e, 1));
    size_t count = (size_t)nas_shape_count(nas_graph_shape(t.graph, t.x));
    assert_true(count <= sizeof x / sizeof *x);
    for (size_t i = 0; i < count; i++)
        x[i] = (float)(i % 13) / 6 - 1;
    must(nas_exec_write(e, t.x, x, count));
    must(nas_exec_write(e, t.labels, labels, BATCH));
    must(nas_exec_run(e));
    must(nas_exec_read(e, t.loss, loss, BATCH));
    for (int i = 0; i < BATCH; i++)
        assert_true(isfinite(loss[i]));
    nas_exec_free(e);
    nas_training_free(&t);
    nas_graph_free(g);
}

static void fifty_candidates_build_no_program(void **state) {
    nas_device *d = *state;
    nas_space *s = NULL;
    nas_rng r = nas_rng_stream(3, "candidates", 0);
    uint32_t warm = 0, different = 0;
    uint64_t last = 0;
    must(nas_space_parse(&s, space_text, sizeof space_text - 1, "mixed"));
    for (int i = 0; i < WARM + CANDIDATES; i++) {
        nas_genome x;
        nas_text net = {0};
        nas_space_sample(&x, s, &r);
        must(nas_space_network(&net, s, &x));
        if (i == WARM)
            warm = programs(d);
        first_step(d, nas_text_str(&net), net.n);
        uint64_t hash = nas_hash_bytes(0, nas_text_str(&net), net.n);
        different += hash != last;
        last = hash;
        nas_text_free(&net);
    }
    assert_true(different > CANDIDATES / 2);
    assert_true(warm > 0);
    assert_int_equal(programs(d), warm);
    nas_space_free(s);
}

static double seconds_of(clockid_t id) {
    struct timespec t;
    clock_gettime(id, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* Other work on the machine only adds to the time: the best of several tries counts, and of the two
 * clocks the one that a busy machine spoils less. */
static void a_deep_network_starts_at_once(void **state) {
    nas_device *d = *state;
    double wall = 1e9, cpu = 1e9;
    first_step(d, deep_text, sizeof deep_text - 1);
    for (int i = 0; i < TRIES; i++) {
        double w = seconds_of(CLOCK_MONOTONIC), c = seconds_of(CLOCK_PROCESS_CPUTIME_ID);
        first_step(d, deep_text, sizeof deep_text - 1);
        wall = fmin(wall, seconds_of(CLOCK_MONOTONIC) - w);
        cpu = fmin(cpu, seconds_of(CLOCK_PROCESS_CPUTIME_ID) - c);
    }
    print_message("first step of a 50-layer network: %.1f ms, %.1f ms of processor time\n",
                  1e3 * wall, 1e3 * cpu);
    assert_true(fmin(wall, cpu) < 0.030);
}

int main(void) {
    nas_device *d = NULL;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_prestate(fifty_candidates_build_no_program, NULL),
        cmocka_unit_test_prestate(a_deep_network_starts_at_once, NULL),
    };
    struct CMUnitTest given[2] = {tests[0], tests[1]};
    if (nas_device_open(&d, "auto") != NAS_OK) {
        print_message("skipped: %s\n", nas_error_text());
        return 0;
    }
    given[0].initial_state = given[1].initial_state = d;
    int failed = cmocka_run_group_tests(given, NULL, NULL);
    nas_device_close(d);
    return failed;
}
