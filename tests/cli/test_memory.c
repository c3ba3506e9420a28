/* tests/cli/test_memory.c - the memory that is modelled, of inference and of a training step, is
 * what the runtime's own plan takes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <nas/hw.h>
#include <nas/runtime.h>
#include <nas/space.h>

static void must(nas_status st) {
    if (st != NAS_OK)
        print_error("%s\n", nas_error_text());
    assert_int_equal(st, NAS_OK);
}

typedef struct tally {
    uint32_t n, exact;
} tally;

/* The plan may leave gaps between values of unlike sizes; what is alive at one time it never
 * undercuts.
 */
static void compare(tally *t, double modelled, double planned, const char *what,
                    const char *space) {
    if (modelled > planned || planned > 1.12 * modelled)
        fail_msg("%s of %s: %.0f bytes modelled, %.0f planned", what, space, modelled, planned);
    t->n++;
    t->exact += modelled == planned;
}

static void inference(tally *sum, const nas_hw *h, const nas_graph *model, const char *space) {
    nas_inference inf;
    nas_memory_plan plan;
    nas_estimate e;
    must(nas_graph_inference(&inf, model));
    nas_value y = nas_graph_output(inf.graph);
    must(nas_exec_plan(&plan, NULL, inf.graph, &y, 1, NULL, 0));
    must(nas_hw_estimate(&e, NULL, h, inf.graph));
    compare(sum, e.memory_bytes, (double)(plan.leaf_bytes + plan.activation_bytes), "inference",
            space);
    nas_inference_free(&inf);
}

static void training(tally *sum, const nas_hw *h, const nas_graph *model, const char *space) {
    nas_training t;
    nas_memory_plan plan;
    nas_estimate e;
    must(nas_graph_training(&t, model, &(nas_training_options){0}));
    const nas_value keep[] = {t.loss, t.correct}; /* as the trainer plans it */
    must(nas_exec_plan(&plan, NULL, t.graph, keep, 2, t.grad, t.n_params));
    must(nas_hw_estimate_training(&e, NULL, h, &t, NAS_HW_ADAM));
    double moments = 2.0 * sizeof(float) * (double)plan.param_elements;
    compare(sum, e.memory_bytes, (double)(plan.leaf_bytes + plan.activation_bytes) + moments,
            "training", space);
    nas_training_free(&t);
}

static void modelled_memory_is_the_runtimes_plan(void **state) {
    static const char *const spaces[] = {"nas-bench-201", "ofa-mobilenetv3", "fashion-vit",
                                         "fashion-hybrid", "autoformer-tiny"};
    tally sum = {0};
    nas_hw *h;
    (void)state;
    must(nas_hw_open(&h, "amd-epyc-9654"));
    for (size_t i = 0; i < 2 * sizeof spaces / sizeof *spaces; i++) {
        const char *name = spaces[i / 2];
        nas_rng r = nas_rng_stream(1, name, i);
        nas_space *s;
        nas_genome x;
        nas_graph *one, *eight;
        must(nas_space_open(&s, name));
        nas_space_sample(&x, s, &r);
        must(nas_space_graph(&one, s, &x, 1));
        must(nas_space_graph(&eight, s, &x, 8));
        inference(&sum, h, one, name);
        inference(&sum, h, eight, name);
        training(&sum, h, eight, name);
        nas_graph_free(one);
        nas_graph_free(eight);
        nas_space_free(s);
    }
    assert_true(2 * sum.exact > sum.n); /* most plans have no gap at their peak */
    nas_hw_free(h);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(modelled_memory_is_the_runtimes_plan)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
