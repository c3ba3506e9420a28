/* tests/runtime/test_train.c - training as users rely on it: it learns, the same seed gives the
 * same bits, a resumed run is the uninterrupted one, and what goes wrong ends in the right status.
 */
#include "training_fixture.h"

#include <runtime/device.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { BATCH = 8, EPOCHS = 40, MAX_LEAF = 4096 };

typedef nas_graph *(*network)(void);

typedef struct setup {
    char folder[PATH_BYTES];
    nas_dataset *data;
    nas_device *device;
    uint32_t train[TRAIN_IMAGES], test[TEST_IMAGES];
} setup;

typedef struct device_choice { /* one group of tests a device */
    const char *name;
    nas_device *(*open)(void);
} device_choice;
static const device_choice *chosen; /* the group that runs */

static int set_up(void **state) {
    setup *s = calloc(1, sizeof *s);
    assert_non_null(s);
    s->device = chosen->open();
    make_folder(s->folder);
    s->data = pattern_data(s->folder);
    for (uint32_t i = 0; i < TRAIN_IMAGES; i++)
        s->train[i] = i;
    for (uint32_t i = 0; i < TEST_IMAGES; i++)
        s->test[i] = TRAIN_IMAGES + i;
    *state = s;
    return 0;
}

static int tear_down(void **state) {
    setup *s = *state;
    nas_data_free(s->data);
    nas_device_close(s->device);
    remove_folder(s->folder);
    free(s);
    return 0;
}

static nas_trainer_options options(const setup *s) {
    nas_trainer_options o = {.data = s->data,
                             .train = s->train,
                             .n_train = 32,
                             .config = nas_train_config_default(),
                             .mean = {0.5f},
                             .std = {0.25f}};
    o.config.epochs = EPOCHS;
    o.config.batch = BATCH;
    o.config.lr = 1e-2;
    o.config.weight_decay = 0.01;
    o.config.seed = 5;
    return o;
}

static nas_trainer *make_trainer(const setup *s, network net, const nas_trainer_options *o) {
    nas_graph *g = net();
    nas_trainer *t = NULL;
    must(nas_trainer_create(&t, s->device, g, o));
    nas_graph_free(g);
    return t;
}

/* 32 images learnt by heart; the seeds of these small networks are not chosen for luck: any will
 * do. */
static void overfits(const setup *s, network net) {
    nas_trainer_options o = options(s);
    nas_eval_result r = {0}, first = {0};
    nas_trainer *t = make_trainer(s, net, &o);
    for (int e = 0; e < EPOCHS; e++)
        must(nas_trainer_epoch(t, e == 0 ? &first : &r));
    assert_int_equal(r.images, 32);
    assert_true(first.loss > 0.5 && first.loss < 3); /* log 4 = 1.39 when nothing is known */
    must(nas_trainer_evaluate(&r, t, s->train, 32));
    if (r.accuracy < 1 || r.loss > 0.2)
        fail_msg("accuracy %g, loss %g", r.accuracy, r.loss);
    must(nas_trainer_evaluate(&r, t, s->test, TEST_IMAGES));
    assert_int_equal(r.images, TEST_IMAGES);
    if (r.accuracy < 0.8)
        fail_msg("test accuracy %g", r.accuracy);
    must_fail(nas_trainer_epoch(t, &r), NAS_E_ARG, "all 40 epochs");
    assert_int_equal(nas_trainer_epochs_done(t), EPOCHS);
    nas_trainer_free(t);
}

static void cnn_overfits_32_images(void **state) {
    overfits(*state, small_cnn);
}

static void vit_overfits_32_images(void **state) {
    overfits(*state, small_vit);
}

/* ---- the same bits ---- */

typedef struct leaf_name {
    const char *name;
    size_t count;
} leaf_name;
static const leaf_name cnn_leaves[] = {
    {"c1.weight", 72}, {"c1.stats", 16},      {"c2.weight", 1152},
    {"c2.beta", 16},   {"head.weight", 2304}, {"head.bias", 4},
};

static void assert_same_leaves(nas_trainer *a, nas_trainer *b, bool same) {
    bool all = true;
    for (size_t i = 0; i < sizeof cnn_leaves / sizeof *cnn_leaves; i++) {
        float x[MAX_LEAF], y[MAX_LEAF];
        must(nas_trainer_read(x, a, cnn_leaves[i].name, cnn_leaves[i].count));
        must(nas_trainer_read(y, b, cnn_leaves[i].name, cnn_leaves[i].count));
        all = all && memcmp(x, y, cnn_leaves[i].count * sizeof *x) == 0;
    }
    assert_int_equal(all, same);
}

static nas_trainer_options rich_options(const setup *s) {
    nas_trainer_options o = options(s);
    o.n_train = TRAIN_IMAGES - 1; /* leaves an incomplete batch out */
    o.config.flip = true;
    o.config.crop_pad = 1;
    o.config.cutout = 2;
    o.config.clip_norm = 1;
    o.config.label_smoothing = 0.1;
    return o;
}

static void train_epochs(nas_trainer *t, int n) {
    nas_eval_result r;
    for (int i = 0; i < n; i++)
        must(nas_trainer_epoch(t, &r));
}

static void same_seed_gives_the_same_bits(void **state) {
    nas_trainer_options o = rich_options(*state), streamed = o, other = o;
    streamed.resident_limit = 1;
    other.config.seed++;
    nas_trainer *a = make_trainer(*state, small_cnn, &o);
    nas_trainer *b = make_trainer(*state, small_cnn, &streamed);
    nas_trainer *c = make_trainer(*state, small_cnn, &other);
    train_epochs(a, 2);
    train_epochs(b, 2);
    train_epochs(c, 2);
    assert_same_leaves(a, b, true);
    assert_same_leaves(a, c, false);
    assert_true(nas_trainer_bytes(b) < nas_trainer_bytes(a));
    nas_trainer_free(a);
    nas_trainer_free(b);
    nas_trainer_free(c);
}

static const char *const class_names[CLASSES] = {"rows", "columns", "\"down\"", "up\n"};

static nas_model *save_and_open(const setup *s, nas_trainer *t, bool resume) {
    char path[PATH_BYTES + 32];
    nas_model *m = NULL;
    snprintf(path, sizeof path, "%s/model.safetensors", s->folder);
    must(nas_model_save(path, t, "name: small\n", class_names, CLASSES, 0.75, resume));
    must(nas_model_open(&m, path));
    return m;
}

static void resumed_equals_uninterrupted(void **state) {
    static const nas_optimizer optimizers[] = {NAS_SGD, NAS_ADAMW};
    for (int k = 0; k < 2; k++) {
        nas_trainer_options o = rich_options(*state);
        o.config.optimizer = optimizers[k];
        nas_trainer *a = make_trainer(*state, small_cnn, &o);
        nas_trainer *b = make_trainer(*state, small_cnn, &o);
        train_epochs(a, 1);
        nas_model *m = save_and_open(*state, a, true);
        train_epochs(a, 2);
        must(nas_trainer_restore(b, m));
        assert_int_equal(nas_trainer_epochs_done(b), 1);
        train_epochs(b, 2);
        assert_same_leaves(a, b, true);
        nas_model_free(m);
        nas_trainer_free(a);
        nas_trainer_free(b);
    }
}

static void restore_refuses_another_training(void **state) {
    const setup *s = *state;
    nas_trainer_options o = options(s), other = o, fewer = o, brighter = o;
    nas_trainer *a = make_trainer(s, small_cnn, &o);
    train_epochs(a, 1);
    nas_model *resumable = save_and_open(s, a, true), *plain = save_and_open(s, a, false);
    other.config.weight_decay = 0.02;
    fewer.n_train--;
    brighter.mean[0] = 0.50000006f; /* the next float */
    nas_trainer *b = make_trainer(s, small_cnn, &other);
    nas_trainer *c = make_trainer(s, small_cnn, &fewer);
    nas_trainer *d = make_trainer(s, small_vit, &o), *e = make_trainer(s, small_cnn, &brighter);
    must_fail(nas_trainer_restore(a, plain), NAS_E_ARG, "not saved to be resumed");
    must_fail(nas_trainer_restore(b, resumable), NAS_E_ARG, "weight_decay is 0.02");
    must_fail(nas_trainer_restore(c, resumable), NAS_E_ARG, "other images");
    must_fail(nas_trainer_restore(d, resumable), NAS_E_ARG, "another network");
    must_fail(nas_trainer_restore(e, resumable), NAS_E_ARG, "channel 0 has mean 0.50000006");
    train_epochs(b, 1); /* a refused restore leaves the trainer alone */
    nas_model_free(resumable);
    nas_model_free(plain);
    nas_trainer_free(a);
    nas_trainer_free(b);
    nas_trainer_free(c);
    nas_trainer_free(d);
    nas_trainer_free(e);
}

/* ---- model files and prediction ---- */

static void model_file_tells_what_was_saved(void **state) {
    nas_trainer_options o = options(*state);
    nas_trainer *t = make_trainer(*state, small_cnn, &o);
    train_epochs(t, 1);
    nas_model *m = save_and_open(*state, t, false);
    const nas_model_info *i = nas_model_info_of(m);
    assert_string_equal(i->network, "name: small\n");
    assert_int_equal(i->classes, CLASSES);
    assert_int_equal(i->height, SIDE);
    assert_int_equal(i->width, SIDE);
    assert_int_equal(i->channels, 1);
    assert_int_equal(i->epochs_done, 1);
    assert_true(i->mean[0] == 0.5f && i->std[0] == 0.25f && i->test_accuracy == 0.75);
    for (int32_t k = 0; k < CLASSES; k++)
        assert_string_equal(nas_model_class_name(m, k), class_names[k]);
    nas_model_free(m);
    nas_trainer_free(t);
}

/* Sums over other batches in float: a few units in the last place of losses near 1. */
static const double loss_tolerance = 1e-4, sum_tolerance = 1e-5;

static void predictor_agrees(const setup *s, network net) {
    nas_trainer_options o = options(s);
    nas_trainer *t = make_trainer(s, net, &o);
    nas_eval_result trained, predicted;
    train_epochs(t, 10);
    nas_model *m = save_and_open(s, t, false);
    nas_graph *g = net();
    nas_predictor *p = NULL;
    must(nas_predictor_create(&p, s->device, g, m, 5));
    nas_graph_free(g);
    must(nas_trainer_evaluate(&trained, t, s->test, TEST_IMAGES));
    must(nas_predictor_evaluate(&predicted, p, s->data, s->test, TEST_IMAGES, NULL));
    assert_true(trained.accuracy == predicted.accuracy);
    assert_true(fabs(trained.loss - predicted.loss) < loss_tolerance);

    uint8_t images[TEST_IMAGES * SIDE * SIDE];
    float probability[TEST_IMAGES][CLASSES];
    double loss = 0;
    for (uint32_t i = 0; i < TEST_IMAGES; i++)
        must(nas_data_image(images + i * SIDE * SIDE, s->data, s->test[i]));
    must(nas_predictor_run(&probability[0][0], p, images, TEST_IMAGES));
    for (uint32_t i = 0; i < TEST_IMAGES; i++) {
        double sum = 0;
        for (int k = 0; k < CLASSES; k++)
            sum += probability[i][k];
        assert_true(fabs(sum - 1) < sum_tolerance);
        loss -= log(probability[i][nas_data_label(s->data, s->test[i])]) / TEST_IMAGES;
    }
    assert_true(fabs(loss - trained.loss) < loss_tolerance);
    nas_predictor_free(p);
    nas_model_free(m);
    nas_trainer_free(t);
}

static void predictor_agrees_with_training_cnn(void **state) {
    predictor_agrees(*state, small_cnn);
}

static void predictor_agrees_with_training_vit(void **state) {
    predictor_agrees(*state, small_vit);
}

static void predictor_refuses_another_network(void **state) {
    const setup *s = *state;
    nas_trainer_options o = options(s);
    nas_trainer *t = make_trainer(s, small_cnn, &o);
    nas_model *m = save_and_open(s, t, false);
    nas_graph *g = small_vit();
    nas_predictor *p = NULL;
    must_fail(nas_predictor_create(&p, s->device, g, m, 5), NAS_E_DATA, "no tensor");
    nas_graph_free(g);
    nas_model_free(m);
    nas_trainer_free(t);
}

/* ---- what goes wrong ---- */

static void loss_that_is_not_finite_names_its_step(void **state) {
    nas_trainer_options o = options(*state);
    nas_eval_result r;
    o.config.optimizer = NAS_SGD;
    o.config.lr = o.config.weight_decay = 1000; /* weights grow a millionfold a step */
    o.config.warmup_epochs = 0;
    nas_trainer *t = make_trainer(*state, small_vit, &o);
    nas_status st;
    while ((st = nas_trainer_epoch(t, &r)) == NAS_OK && nas_trainer_epochs_done(t) < EPOCHS)
        ;
    must_fail(st, NAS_E_NAN, "the loss is not finite at step");
    int step = 0, epoch = nas_trainer_epochs_done(t);
    (void)sscanf(strstr(nas_error_text(), "step"), "step %d (epoch %d", &step, &epoch);
    assert_int_equal(epoch, (step - 1) / (32 / BATCH) + 1);
    must_fail(nas_trainer_epoch(t, &r), NAS_E_ARG, "midway");
    nas_trainer_free(t);
}

static void too_big_is_told_before_training(void **state) {
    const setup *s = *state;
    nas_trainer_options o = options(s);
    nas_trainer *t = NULL;
    nas_graph *g = NULL;
    nas_value x = NAS_NO_VALUE, w = NAS_NO_VALUE;
    nas_attr a = {.leaf = {.shape = NAS_SHAPE(2, SIDE, SIDE, 1)}};
    must(nas_graph_create(&g));
    must(nas_graph_leaf(&x, g, NAS_OP_INPUT, "x", &a));
    must(nas_reshape(&x, g, x, NAS_SHAPE(2, SIDE * SIDE)));
    /* each of a thousand layers has 8 GB of weights: beyond any device, and beyond the reference */
    for (int i = 0; i < 1000; i++) {
        char name[32];
        int32_t in = i == 0 ? SIDE * SIDE : 46000;
        snprintf(name, sizeof name, "w%d", i);
        a.leaf.shape = NAS_SHAPE(in, i == 999 ? CLASSES : 46000);
        must(nas_graph_leaf(&w, g, NAS_OP_PARAM, name, &a));
        must(nas_linear(&x, g, x, w, NAS_NO_VALUE));
    }
    nas_graph_set_output(g, x);
    must_fail(nas_trainer_create(&t, s->device, g, &o), NAS_E_TOO_BIG,
              "are over the device's limit");
    nas_graph_free(g);
}

static void told_bytes_are_those_that_buffers_take(void **state) {
    static const network nets[] = {small_cnn, small_vit};
    const setup *s = *state;
    for (int k = 0; k < 4; k++) {
        nas_trainer_options o = options(s);
        o.config.clip_norm = k & 1;
        o.resident_limit = k & 1;
        uint64_t before = nas_device_taken(s->device);
        nas_trainer *t = make_trainer(s, nets[k / 2], &o);
        train_epochs(t, 1);
        uint64_t taken = nas_device_taken(s->device) - before, told = nas_trainer_bytes(t);
        if (told < taken || told - taken > taken / 20)
            fail_msg("%llu bytes told, %llu taken", (unsigned long long)told,
                     (unsigned long long)taken);
        nas_trainer_free(t);
        assert_int_equal(nas_device_taken(s->device), before);
    }
}

/* One byte less than it needs is refused, with both numbers. */
static void what_training_needs_is_told_when_it_is_too_much(void **state) {
    const setup *s = *state;
    nas_trainer_options o = options(s);
    uint64_t memory = s->device->info.memory_bytes;
    char part[64];
    nas_graph *g = small_vit();
    nas_trainer *t = NULL;
    o.resident_limit = 1;
    must(nas_trainer_create(&t, s->device, g, &o));
    uint64_t told = nas_trainer_bytes(t);
    nas_trainer_free(t);
    s->device->info.memory_bytes = told;
    must(nas_trainer_create(&t, s->device, g, &o));
    nas_trainer_free(t);
    s->device->info.memory_bytes = told - 1;
    snprintf(part, sizeof part, "training at batch 8 needs %.1f MiB", (double)told / 1048576);
    must_fail(nas_trainer_create(&t, s->device, g, &o), NAS_E_TOO_BIG, part);
    snprintf(part, sizeof part, "has %.1f MiB", (double)(told - 1) / 1048576);
    assert_non_null(strstr(nas_error_text(), part));
    s->device->info.memory_bytes = memory;
    nas_graph_free(g);
}

static void stop_ends_an_epoch_and_an_evaluation(void **state) {
    const setup *s = *state;
    volatile int stop = 0;
    nas_trainer_options o = options(s);
    nas_eval_result r;
    o.stop = &stop;
    nas_trainer *t = make_trainer(s, small_cnn, &o);
    train_epochs(t, 1);
    nas_model *m = save_and_open(s, t, true);
    stop = 1;
    must_fail(nas_trainer_epoch(t, &r), NAS_E_STOPPED, "epoch 2");
    must_fail(nas_trainer_evaluate(&r, t, s->test, TEST_IMAGES), NAS_E_STOPPED, "stopped");
    stop = 0;
    must_fail(nas_trainer_epoch(t, &r), NAS_E_ARG, "midway");
    must(nas_trainer_restore(t, m));
    must(nas_trainer_epoch(t, &r));
    nas_model_free(m);
    nas_trainer_free(t);
}

static void wrong_classes_and_sizes_are_refused(void **state) {
    const setup *s = *state;
    nas_trainer_options o = options(s);
    nas_trainer *t = NULL;
    nas_graph *g = NULL;
    nas_value x = NAS_NO_VALUE, y = NAS_NO_VALUE, w = NAS_NO_VALUE;
    nas_attr a = {.leaf = {.shape = NAS_SHAPE(2, SIDE, SIDE, 1)}};
    must(nas_graph_create(&g));
    must(nas_graph_leaf(&x, g, NAS_OP_INPUT, "x", &a));
    must(nas_reshape(&y, g, x, NAS_SHAPE(2, SIDE * SIDE)));
    a.leaf.shape = NAS_SHAPE(SIDE * SIDE, CLASSES + 1);
    must(nas_graph_leaf(&w, g, NAS_OP_PARAM, "w", &a));
    must(nas_linear(&y, g, y, w, NAS_NO_VALUE));
    nas_graph_set_output(g, y);
    must_fail(nas_trainer_create(&t, s->device, g, &o), NAS_E_SHAPE, "5 classes");
    o.n_train = 0;
    must_fail(nas_trainer_create(&t, s->device, g, &o), NAS_E_ARG, "no images");
    nas_graph_free(g);
}

static void few_images_make_one_small_batch(void **state) {
    nas_trainer_options o = options(*state);
    nas_eval_result r;
    o.n_train = 5;
    nas_trainer *t = make_trainer(*state, small_cnn, &o);
    must(nas_trainer_epoch(t, &r));
    assert_int_equal(r.images, 5);
    nas_trainer_free(t);
}

static void remember_progress(void *ctx, const nas_progress *p) {
    *(nas_progress *)ctx = *p;
}

static void progress_ends_with_the_epoch(void **state) {
    nas_progress last = {0};
    nas_trainer_options o = options(*state);
    nas_eval_result r;
    o.progress = remember_progress;
    o.progress_ctx = &last;
    nas_trainer *t = make_trainer(*state, small_cnn, &o);
    must(nas_trainer_epoch(t, &r));
    assert_int_equal(last.epoch, 1);
    assert_int_equal(last.image, 32);
    assert_int_equal(last.images, 32);
    assert_true(last.loss == r.loss && last.accuracy == r.accuracy && last.images_per_s > 0);
    nas_trainer_free(t);
}

static void latency_is_measured(void **state) {
    const setup *s = *state;
    nas_graph *g = small_cnn();
    nas_latency l;
    must(nas_measure_latency(&l, s->device, g, 4));
    assert_true(l.q1_s > 0 && l.q1_s <= l.median_s && l.median_s <= l.q3_s);
    assert_true(l.repeats >= 7 && l.repeats <= 200 && l.batch == 4);
    nas_graph_free(g);
}

static int run_group(const device_choice *choice) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cnn_overfits_32_images),
        cmocka_unit_test(vit_overfits_32_images),
        cmocka_unit_test(same_seed_gives_the_same_bits),
        cmocka_unit_test(resumed_equals_uninterrupted),
        cmocka_unit_test(restore_refuses_another_training),
        cmocka_unit_test(model_file_tells_what_was_saved),
        cmocka_unit_test(predictor_agrees_with_training_cnn),
        cmocka_unit_test(predictor_agrees_with_training_vit),
        cmocka_unit_test(predictor_refuses_another_network),
        cmocka_unit_test(loss_that_is_not_finite_names_its_step),
        cmocka_unit_test(too_big_is_told_before_training),
        cmocka_unit_test(told_bytes_are_those_that_buffers_take),
        cmocka_unit_test(what_training_needs_is_told_when_it_is_too_much),
        cmocka_unit_test(stop_ends_an_epoch_and_an_evaluation),
        cmocka_unit_test(wrong_classes_and_sizes_are_refused),
        cmocka_unit_test(few_images_make_one_small_batch),
        cmocka_unit_test(progress_ends_with_the_epoch),
        cmocka_unit_test(latency_is_measured),
    };
    chosen = choice;
    return cmocka_run_group_tests_name(choice->name, tests, set_up, tear_down);
}

int main(void) {
    static const device_choice choices[] = {{"train on the reference", ref_device},
                                            {"train on OpenCL", opencl_device}};
    int failed = run_group(&choices[0]);
    nas_device *d = opencl_device();
    if (d == NULL)
        return failed;
    nas_device_close(d);
    return failed + run_group(&choices[1]);
}
