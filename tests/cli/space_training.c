/* tests/cli/space_training.c - one random network of a space trains at a reduced size. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <nas/runtime.h>
#include <nas/space.h>

#include "space_training.h"

enum { BATCH = 4, STEPS = 12 };

typedef struct family {
    const char *name;
    space_group group;
    int32_t size; /* of the reduced image */
    double lr;
} family;

static const family families[] = {
    {"resnet-like", SPACES_SMALL, 16, 0.05},
    {"nas-bench-201", SPACES_SMALL, 16, 0.05},
    {"enas-macro", SPACES_SMALL, 16, 0.05},
    {"hierarchical", SPACES_SMALL, 16, 0.05},
    {"tiny-mobilenetv3", SPACES_SMALL, 28, 0.1},
    {"cifar-mobilenetv3", SPACES_SMALL, 32, 0.1},
    {"fashion-cnn", SPACES_SMALL, 28, 0.05},
    {"fashion-vit", SPACES_SMALL, 28, 0.05},
    {"fashion-hybrid", SPACES_SMALL, 28, 0.05},
    {"cifar-hybrid", SPACES_SMALL, 32, 0.05},
    {"ofa-mobilenetv3", SPACES_CONVOLUTION, 64, 0.05},
    {"proxylessnas", SPACES_CONVOLUTION, 64, 0.05},
    {"fbnet", SPACES_CONVOLUTION, 64, 0.05},
    {"spos-shufflenet", SPACES_CONVOLUTION, 64, 0.05},
    {"attentivenas", SPACES_CONVOLUTION, 64, 0.05},
    {"nas-bench-macro", SPACES_CONVOLUTION, 16, 0.05},
    {"darts", SPACES_CONVOLUTION, 8, 0.05},
    {"enas-micro", SPACES_CONVOLUTION, 8, 0.05},
    {"nas-bench-101", SPACES_CONVOLUTION, 8, 0.05},
    {"autoformer-tiny", SPACES_ATTENTION, 32, 0.05},
    {"autoformer-small", SPACES_ATTENTION, 32, 0.05},
    {"autoformer-base", SPACES_ATTENTION, 32, 0.05},
    {"deit", SPACES_ATTENTION, 32, 0.05},
    {"twins-svt", SPACES_ATTENTION, 56, 0.05},
    {"twins-pcpvt", SPACES_ATTENTION, 32, 0.05},
    {"levit", SPACES_HYBRID, 32, 0.05},
    {"cvt", SPACES_HYBRID, 32, 0.05},
    {"mobilevit", SPACES_HYBRID, 64, 0.05},
    {"glit", SPACES_HYBRID, 32, 0.05},
    {"nasvit", SPACES_HYBRID, 32, 0.05},
    {"evolved-transformer", SPACES_LANGUAGE, 0, 0},
    {"hat", SPACES_LANGUAGE, 0, 0},
    {"lts", SPACES_LANGUAGE, 0, 0},
};
enum { N_FAMILIES = sizeof families / sizeof *families };

static void must(nas_status st) {
    if (st != NAS_OK)
        print_error("%s\n", nas_error_text());
    assert_int_equal(st, NAS_OK);
}

/* The training graph of a random network, its input made smaller and its classes ten. */
static nas_training training_of(const family *f) {
    nas_space *s;
    nas_genome x;
    nas_graph *g;
    nas_training t;
    nas_yaml *doc;
    nas_text net = {0}, small = {0};
    char size[64];
    nas_rng r = nas_rng_stream(7, "train", 0);
    must(nas_space_open(&s, f->name));
    nas_space_sample(&x, s, &r);
    must(nas_space_network(&net, s, &x));
    must(nas_yaml_read_text(&doc, nas_text_str(&net), net.n, f->name));
    int32_t hwc[3], classes;
    nas_space_input(s, hwc, &classes);
    snprintf(size, sizeof size, "[%d, %d, %d]", f->size, f->size, hwc[2]);
    must(nas_yaml_set(doc, "input", size, "test"));
    must(nas_yaml_set(doc, "classes", "10", "test"));
    nas_yaml_print(&small, nas_yaml_root(doc));
    must(nas_network_graph(&g, nas_text_str(&small), small.n, f->name, BATCH));
    must(nas_graph_training(&t, g, &(nas_training_options){0}));
    nas_graph_free(g);
    nas_yaml_free(doc);
    nas_text_free(&net);
    nas_text_free(&small);
    nas_space_free(s);
    return t;
}

static void fill_inputs(float *x, size_t n, float *labels) {
    nas_rng r = nas_rng_stream(1, "images", 0);
    for (size_t i = 0; i < n; i++)
        x[i] = (float)nas_rng_normal(&r);
    for (int i = 0; i < BATCH; i++)
        labels[i] = (float)(3 * i % 10);
}

static size_t count_of(const nas_graph *g, nas_value v) {
    return (size_t)nas_shape_count(nas_graph_shape(g, v));
}

/* ---- reference ---- */

typedef struct reference {
    const nas_training *t;
    double **value;
} reference;

static void reference_start(reference *r, const nas_training *t) {
    uint32_t n = nas_graph_count(t->graph);
    float *x = calloc(count_of(t->graph, t->x), sizeof *x), labels[BATCH];
    r->t = t;
    r->value = calloc(n, sizeof *r->value);
    assert_true(x != NULL && r->value != NULL);
    fill_inputs(x, count_of(t->graph, t->x), labels);
    for (uint32_t i = 0; i < n; i++) {
        nas_op op = nas_graph_node(t->graph, (nas_value){i})->op;
        size_t count = count_of(t->graph, (nas_value){i});
        float *init = calloc(count, sizeof *init);
        r->value[i] = calloc(count, sizeof **r->value);
        assert_true(init != NULL && r->value[i] != NULL);
        if (op == NAS_OP_PARAM || op == NAS_OP_STATE || op == NAS_OP_CONSTANT)
            must(nas_graph_init_leaf(init, t->graph, (nas_value){i}, 1));
        for (size_t k = 0; k < count; k++)
            r->value[i][k] = i == t->x.id ? x[k] : i == t->labels.id ? labels[k] : init[k];
        free(init);
    }
    free(x);
}

static double reference_loss(reference *r) {
    double sum = 0;
    must(nas_graph_run_ref(r->t->graph, r->value));
    for (int i = 0; i < BATCH; i++)
        sum += r->value[r->t->loss.id][i] / BATCH;
    return sum;
}

static void move(reference *r, const char *direction, double step) {
    nas_rng g = nas_rng_stream(2, direction, 0);
    for (uint32_t i = 0; i < r->t->n_params; i++)
        for (size_t k = 0; k < count_of(r->t->graph, r->t->param[i]); k++)
            r->value[r->t->param[i].id][k] += step * nas_rng_normal(&g);
}

/* Central differences along one random direction of all parameters. A deep network has so many
 * rectifiers that some turn between the two points unless they are very near; in double they can
 * be, and the smallest error of the steps is the one without a turn. */
static void check_direction(const nas_training *t) {
    static const double steps[] = {1e-10, 1e-9, 1e-8};
    reference r;
    nas_rng g = nas_rng_stream(2, "direction", 0);
    double slope = 0, best = INFINITY;
    reference_start(&r, t);
    /* off the fresh values, where a dead channel is exactly at a rectifier's corner */
    move(&r, "start", 0.02);
    (void)reference_loss(&r);
    for (uint32_t i = 0; i < t->n_params; i++)
        for (size_t k = 0; k < count_of(t->graph, t->param[i]); k++)
            slope += r.value[t->grad[i].id][k] * nas_rng_normal(&g);
    for (size_t i = 0; i < sizeof steps / sizeof *steps && best > 1e-4; i++) {
        double h = steps[i], up, down;
        move(&r, "direction", h);
        up = reference_loss(&r);
        move(&r, "direction", -2 * h);
        down = reference_loss(&r);
        move(&r, "direction", h);
        best = fmin(best, fabs((up - down) / (2 * h) - slope) / fmax(fabs(slope), 1e-3));
    }
    if (!(best <= 1e-4))
        print_error("slope %g, error %g\n", slope, best);
    assert_true(best <= 1e-4);
    for (uint32_t i = 0; i < nas_graph_count(t->graph); i++)
        free(r.value[i]);
    free(r.value);
}

/* ---- device ---- */

static double device_loss(nas_exec *e, const nas_training *t) {
    float loss[BATCH];
    double sum = 0;
    must(nas_exec_run(e));
    must(nas_exec_read(e, t->loss, loss, BATCH));
    for (int i = 0; i < BATCH; i++)
        sum += loss[i] / BATCH;
    assert_true(isfinite(sum));
    return sum;
}

/* Plain gradient descent on the host, each parameter's step bounded so that any network is stable.
 */
static void step_params(nas_exec *e, const nas_training *t, double lr) {
    for (uint32_t i = 0; i < t->n_params; i++) {
        size_t n = count_of(t->graph, t->param[i]);
        float *p = malloc(n * sizeof *p), *g = malloc(n * sizeof *g);
        double norm = 0;
        assert_true(p != NULL && g != NULL);
        must(nas_exec_read(e, t->param[i], p, n));
        must(nas_exec_read(e, t->grad[i], g, n));
        for (size_t k = 0; k < n; k++)
            norm += (double)g[k] * g[k];
        for (size_t k = 0; k < n; k++)
            p[k] -= (float)(lr * g[k] / fmax(1, sqrt(norm)));
        must(nas_exec_write(e, t->param[i], p, n));
        free(p);
        free(g);
    }
}

static void check_training(const nas_training *t, double lr) {
    nas_device *d;
    nas_exec *e;
    nas_value *keep = calloc(2 * (size_t)t->n_params + 1, sizeof *keep);
    float *x = calloc(count_of(t->graph, t->x), sizeof *x), labels[BATCH], seed = 1;
    assert_true(keep != NULL && x != NULL);
    if (nas_device_open(&d, "auto") != NAS_OK)
        must(nas_device_open(&d, "ref"));
    keep[0] = t->loss;
    for (uint32_t i = 0; i < t->n_params; i++)
        keep[i + 1] = t->grad[i];
    must(nas_exec_create(&e, d, t->graph, keep, t->n_params + 1, NULL, 0));
    must(nas_exec_init(e, 1));
    fill_inputs(x, count_of(t->graph, t->x), labels);
    must(nas_exec_write(e, t->x, x, count_of(t->graph, t->x)));
    must(nas_exec_write(e, t->labels, labels, BATCH));
    if (nas_value_ok(t->seed))
        must(nas_exec_write(e, t->seed, &seed, 1));
    double first = device_loss(e, t), last = first;
    for (int i = 0; i < STEPS; i++) {
        step_params(e, t, lr);
        last = device_loss(e, t);
    }
    if (!(last < 0.9 * first))
        print_error("loss %g, after %d steps %g\n", first, (int)STEPS, last);
    assert_true(last < 0.9 * first);
    nas_exec_free(e);
    nas_device_close(d);
    free(keep);
    free(x);
}

static void family_trains(void **state) {
    const family *f = *state;
    nas_training t = training_of(f);
    check_direction(&t);
    check_training(&t, f->lr);
    nas_training_free(&t);
}

static void every_space_is_in_a_group(void **state) {
    (void)state;
    for (const char *const *name = nas_space_names(); *name != NULL; name++) {
        size_t i = 0;
        while (i < N_FAMILIES && strcmp(families[i].name, *name) != 0)
            i++;
        if (i == N_FAMILIES)
            fail_msg("no test trains %s", *name);
    }
}

int spaces_train(space_group group, const char *title) {
    struct CMUnitTest tests[N_FAMILIES + 1];
    size_t n = 0;
    if (group == SPACES_SMALL)
        tests[n++] = (struct CMUnitTest)cmocka_unit_test(every_space_is_in_a_group);
    for (size_t i = 0; i < N_FAMILIES; i++)
        if (families[i].group == group)
            tests[n++] = (struct CMUnitTest){.name = families[i].name,
                                             .test_func = family_trains,
                                             .initial_state = (void *)(uintptr_t)&families[i]};
    return _cmocka_run_group_tests(title, tests, n, NULL, NULL);
}
