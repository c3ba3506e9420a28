/* tests/runtime/test_optimizer.c - each optimiser against a plain loop in double, on the reference
 * and on OpenCL. */
#include "training_fixture.h"

#include <math.h>
#include <runtime/train.h>
#include <string.h>

enum { COUNT = 320, N_DECAY = 192, STEPS = 3 };

typedef struct optim_case {
    const char *name;
    nas_optimizer optimizer;
    double momentum, weight_decay, clip_norm;
    bool nesterov;
} optim_case;

static const optim_case cases[] = {
    {"sgd", NAS_SGD, 0, 0, 0, false},
    {"sgd_decay", NAS_SGD, 0, 0.1, 0, false},
    {"sgd_momentum", NAS_SGD, 0.9, 0.1, 0, false},
    {"sgd_nesterov", NAS_SGD, 0.9, 0.1, 0, true},
    {"sgd_clipped", NAS_SGD, 0.9, 0.1, 2.5, true},
    {"adam", NAS_ADAM, 0, 0, 0, false},
    {"adam_decay", NAS_ADAM, 0, 0.1, 0, false},
    {"adamw", NAS_ADAMW, 0, 0.1, 0, false},
    {"adamw_clipped", NAS_ADAMW, 0, 0.1, 2.5, false},
    {"norm_below_the_bound_is_not_clipped", NAS_SGD, 0.9, 0.1, 1e4, true},
};

static nas_train_config config_of(const optim_case *c) {
    nas_train_config t = nas_train_config_default();
    t.optimizer = c->optimizer;
    t.momentum = c->momentum;
    t.nesterov = c->nesterov;
    t.weight_decay = c->weight_decay;
    t.clip_norm = c->clip_norm;
    return t;
}

typedef struct expected {
    double p[COUNT], m[COUNT], v[COUNT];
} expected;

/* The update of one param as the papers' algorithms have it. */
static void update_one(expected *e, const nas_train_config *c, int i, double g, double lr, int t) {
    double decay = i < N_DECAY ? c->weight_decay : 0;
    if (c->optimizer == NAS_SGD) {
        double d = g + decay * e->p[i];
        e->m[i] = t == 1 ? d : c->momentum * e->m[i] + d;
        e->p[i] -= lr * (c->nesterov ? d + c->momentum * e->m[i] : e->m[i]);
        return;
    }
    if (c->optimizer == NAS_ADAM)
        g += decay * e->p[i];
    else
        e->p[i] -= lr * decay * e->p[i];
    e->m[i] = c->beta1 * e->m[i] + (1 - c->beta1) * g;
    e->v[i] = c->beta2 * e->v[i] + (1 - c->beta2) * g * g;
    double m_hat = e->m[i] / (1 - pow(c->beta1, t)), v_hat = e->v[i] / (1 - pow(c->beta2, t));
    e->p[i] -= lr * m_hat / (sqrt(v_hat) + c->eps);
}

static void update(expected *e, const nas_train_config *c, const float *g, double lr, int t) {
    double norm = 0, scale = 1;
    for (int i = 0; i < COUNT; i++)
        norm += (double)g[i] * g[i];
    norm = sqrt(norm);
    if (c->clip_norm > 0 && norm > c->clip_norm)
        scale = c->clip_norm / norm;
    for (int i = 0; i < COUNT; i++)
        update_one(e, c, i, scale * g[i], lr, t);
}

/* Largest error after STEPS steps. */
static double run_case(const optim_case *c, nas_device *d) {
    nas_train_config t = config_of(c);
    nas_param_block block = {.count = COUNT, .n_decay = N_DECAY};
    nas_rng rng = nas_rng_stream(3, "optimizer", 0);
    nas_optim *o = NULL;
    expected e = {{0}, {0}, {0}};
    float p[COUNT], g[COUNT];
    for (int i = 0; i < COUNT; i++)
        e.p[i] = p[i] = (float)nas_rng_normal(&rng);
    must(nas_buffer_create(&block.params, d, NAS_F32, COUNT));
    must(nas_buffer_create(&block.grads, d, NAS_F32, COUNT));
    must(nas_buffer_write(block.params, 0, p, COUNT));
    must(nas_optim_create(&o, d, &block, &t));
    for (int step = 1; step <= STEPS; step++) {
        double lr = 0.1 / step;
        for (int i = 0; i < COUNT; i++)
            g[i] = (float)nas_rng_normal(&rng);
        must(nas_buffer_write(block.grads, 0, g, COUNT));
        must(nas_optim_step(o, lr, step));
        update(&e, &t, g, lr, step);
    }
    must(nas_buffer_read(block.params, 0, p, COUNT));
    double worst = 0;
    for (int i = 0; i < COUNT; i++)
        worst = fmax(worst, fabs(p[i] - e.p[i]));
    nas_optim_free(o);
    nas_buffer_free(block.params);
    nas_buffer_free(block.grads);
    return worst;
}

/* Params are of size 1 and read as float: half a unit in the last place, and a few roundings more
 * for arithmetic in float. Adam's first steps divide by small numbers. */
static const double ref_tolerance = 3e-7, device_tolerance = 1e-5;

static void check_case(void **state) {
    nas_device *ref = ref_device(), *cl = opencl_device();
    double worst = run_case(*state, ref);
    if (worst > ref_tolerance)
        fail_msg("reference is off by %g", worst);
    worst = cl != NULL ? run_case(*state, cl) : 0;
    if (worst > device_tolerance)
        fail_msg("OpenCL is off by %g", worst);
    nas_device_close(cl);
    nas_device_close(ref);
}

int main(void) {
    enum { N = sizeof cases / sizeof *cases };
    struct CMUnitTest tests[N];
    for (size_t i = 0; i < N; i++)
        tests[i] = (struct CMUnitTest){cases[i].name, check_case, NULL, NULL, (void *)&cases[i]};
    return _cmocka_run_group_tests("optimizer", tests, N, NULL, NULL);
}
