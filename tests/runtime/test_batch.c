/* tests/runtime/test_batch.c - batches are the right images, augmentation has the right odds, and
 * where images are kept changes no bit. */
#include "training_fixture.h"

#include <math.h>
#include <runtime/batch.h>
#include <stdlib.h>
#include <string.h>

enum { PIXELS = SIDE * SIDE, MAX_BATCH = 64 };

typedef struct batch_result {
    float x[MAX_BATCH * PIXELS], label[MAX_BATCH];
    uint32_t valid;
} batch_result;

typedef struct setup {
    char folder[PATH_BYTES];
    nas_dataset *data;
    uint32_t index[TRAIN_IMAGES];
} setup;

static int set_up(void **state) {
    setup *s = calloc(1, sizeof *s);
    assert_non_null(s);
    make_folder(s->folder);
    s->data = pattern_data(s->folder);
    for (uint32_t i = 0; i < TRAIN_IMAGES; i++)
        s->index[i] =
            (i * 7 + 3) % TRAIN_IMAGES; /* a permutation, so that positions are no indices */
    *state = s;
    return 0;
}

static int tear_down(void **state) {
    setup *s = *state;
    nas_data_free(s->data);
    remove_folder(s->folder);
    free(s);
    return 0;
}

static nas_feed_options plain_options(const setup *s, uint32_t batch) {
    return (nas_feed_options){.data = s->data,
                              .index = s->index,
                              .n = TRAIN_IMAGES,
                              .batch = batch,
                              .mean = {0.4f},
                              .std = {0.3f},
                              .resident = true,
                              .seed = 11};
}

/* All batches of a pass; results are the caller's, as many as the feed has batches. */
static batch_result *run_pass(nas_device *d, const nas_feed_options *o, const uint32_t *order,
                              uint64_t epoch) {
    const nas_data_info *info = nas_data_info_of(o->data);
    size_t pixels = (size_t)info->height * (size_t)info->width;
    nas_buffer *x = NULL, *label = NULL;
    nas_feed *f = NULL;
    must(nas_feed_create(&f, d, o));
    must(nas_buffer_create(&x, d, NAS_F32, o->batch * pixels));
    must(nas_buffer_create(&label, d, NAS_F32, o->batch));
    must(nas_feed_begin(f, order, epoch));
    batch_result *r = calloc(nas_feed_batches(f), sizeof *r);
    assert_non_null(r);
    for (uint32_t b = 0; b < nas_feed_batches(f); b++) {
        must(nas_feed_next(f, x, label, &r[b].valid));
        must(nas_buffer_read(x, 0, r[b].x, o->batch * pixels));
        must(nas_buffer_read(label, 0, r[b].label, o->batch));
    }
    nas_buffer_free(x);
    nas_buffer_free(label);
    nas_feed_free(f);
    return r;
}

static void batches_hold_the_images_in_order(void **state) {
    const setup *s = *state;
    nas_device *d = ref_device();
    nas_feed_options o = plain_options(s, 16);
    uint32_t order[TRAIN_IMAGES];
    o.partial = true;
    for (uint32_t i = 0; i < TRAIN_IMAGES; i++)
        order[i] = TRAIN_IMAGES - 1 - i;
    batch_result *r = run_pass(d, &o, order, 0);
    double worst = 0;
    for (uint32_t i = 0; i < 48; i++) {
        uint8_t image[PIXELS];
        uint32_t index = s->index[order[i < TRAIN_IMAGES ? i : TRAIN_IMAGES - 1]];
        const batch_result *b = &r[i / 16];
        must(nas_data_image(image, s->data, index));
        assert_int_equal(b->label[i % 16], nas_data_label(s->data, index));
        for (int p = 0; p < PIXELS; p++)
            worst = fmax(worst, fabs((image[p] / 255.0 - 0.4f) / 0.3f - b->x[i % 16 * PIXELS + p]));
    }
    assert_true(worst < 1e-6);
    assert_int_equal(r[0].valid, 16);
    assert_int_equal(r[2].valid, TRAIN_IMAGES - 32);
    free(r);
    nas_device_close(d);
}

static nas_feed_options full_augmentation(const setup *s, uint32_t batch) {
    nas_feed_options o = plain_options(s, batch);
    o.flip = true;
    o.crop_pad = 2;
    o.cutout = 3;
    return o;
}

static void resident_and_streamed_are_the_same_bits(void **state) {
    const setup *s = *state;
    nas_device *devices[2] = {ref_device(), opencl_device()};
    nas_feed_options o = full_augmentation(s, 8), streamed = o;
    uint32_t order[TRAIN_IMAGES];
    streamed.resident = false;
    nas_rng rng = nas_rng_stream(1, "order", 0);
    for (uint32_t i = 0; i < TRAIN_IMAGES; i++)
        order[i] = i;
    nas_rng_shuffle(&rng, order, TRAIN_IMAGES);
    for (int k = 0; k < 2 && devices[k] != NULL; k++) {
        batch_result *a = run_pass(devices[k], &o, order, 5);
        batch_result *b = run_pass(devices[k], &streamed, order, 5);
        assert_memory_equal(a, b, TRAIN_IMAGES / 8 * sizeof *a);
        free(a);
        free(b);
    }
    nas_device_close(devices[1]);
    nas_device_close(devices[0]);
}

static void opencl_draws_what_the_reference_draws(void **state) {
    const setup *s = *state;
    nas_device *ref = ref_device(), *cl = opencl_device();
    nas_feed_options o = full_augmentation(s, 8);
    if (cl == NULL) {
        nas_device_close(ref);
        skip();
    }
    batch_result *a = run_pass(ref, &o, NULL, 2), *b = run_pass(cl, &o, NULL, 2);
    double worst = 0;
    for (uint32_t n = 0; n < TRAIN_IMAGES; n++) {
        assert_true(a[n / 8].label[n % 8] == b[n / 8].label[n % 8]);
        for (int p = 0; p < PIXELS; p++)
            worst = fmax(worst, fabs(a[n / 8].x[n % 8 * PIXELS + (uint32_t)p] -
                                     b[n / 8].x[n % 8 * PIXELS + (uint32_t)p]));
    }
    assert_true(worst < 1e-6); /* a wrong draw is off by a tenth and more */
    free(a);
    free(b);
    nas_device_close(cl);
    nas_device_close(ref);
}

static void epochs_and_seeds_draw_differently(void **state) {
    const setup *s = *state;
    nas_device *d = ref_device();
    nas_feed_options o = full_augmentation(s, 40), other = o;
    other.seed++;
    batch_result *a = run_pass(d, &o, NULL, 0), *again = run_pass(d, &o, NULL, 0);
    batch_result *epoch = run_pass(d, &o, NULL, 1), *seed = run_pass(d, &other, NULL, 0);
    assert_memory_equal(a->x, again->x, sizeof a->x);
    assert_memory_not_equal(a->x, epoch->x, sizeof a->x);
    assert_memory_not_equal(a->x, seed->x, sizeof a->x);
    free(a);
    free(again);
    free(epoch);
    free(seed);
    nas_device_close(d);
}

/* ---- odds: images with one bright pixel tell where it went ---- */

enum { COPIES = 60, EPOCHS = 20, DRAWS = COPIES * EPOCHS, BRIGHT_Y = 5, BRIGHT_X = 3, PAD = 2 };

typedef struct counts {
    int at[SIDE][SIDE];  /* where the bright pixel came to lie */
    int cut[SIDE][SIDE]; /* how often a pixel was cut out */
} counts;

static void count_draws(counts *c, bool flip, int32_t crop_pad, int32_t cutout) {
    static uint8_t pixels[COPIES * PIXELS];
    char folder[PATH_BYTES];
    uint32_t index[COPIES];
    nas_device *d = ref_device();
    memset(c, 0, sizeof *c);
    memset(pixels, 51, sizeof pixels);
    for (uint32_t i = 0; i < COPIES; i++) {
        pixels[i * PIXELS + BRIGHT_Y * SIDE + BRIGHT_X] = 255;
        index[i] = i;
    }
    make_folder(folder);
    nas_dataset *data = image_data(folder, pixels, COPIES);
    nas_feed_options o = {.data = data,
                          .index = index,
                          .n = COPIES,
                          .batch = COPIES,
                          .mean = {0.5f},
                          .std = {0.5f},
                          .resident = true,
                          .flip = flip,
                          .crop_pad = crop_pad,
                          .cutout = cutout,
                          .seed = 4};
    for (uint64_t epoch = 0; epoch < EPOCHS; epoch++) {
        batch_result *r = run_pass(d, &o, NULL, epoch);
        for (int p = 0; p < COPIES * PIXELS; p++) {
            int y = p % PIXELS / SIDE, x = p % SIDE;
            c->at[y][x] += r->x[p] > 0.9f;
            c->cut[y][x] += fabsf(r->x[p]) < 1e-6f; /* the mean; 51 is at -0.6, padding at -1 */
        }
        free(r);
    }
    nas_data_free(data);
    remove_folder(folder);
    nas_device_close(d);
}

/* Within five standard deviations of what `share` of the draws is. */
static void assert_share(int count, double share) {
    double want = DRAWS * share, width = 5 * sqrt(DRAWS * share * (1 - share));
    if (fabs(count - want) > width)
        fail_msg("%d of %d, wanted %.0f +- %.0f", count, DRAWS, want, width);
}

static void half_of_the_images_are_mirrored(void **state) {
    (void)state;
    counts c;
    count_draws(&c, true, 0, 0);
    assert_share(c.at[BRIGHT_Y][BRIGHT_X], 0.5);
    assert_int_equal(c.at[BRIGHT_Y][BRIGHT_X] + c.at[BRIGHT_Y][SIDE - 1 - BRIGHT_X], DRAWS);
}

static void every_crop_is_equally_likely(void **state) {
    (void)state;
    counts c;
    int all = 0;
    count_draws(&c, false, PAD, 0);
    for (int y = -PAD; y <= PAD; y++)
        for (int x = -PAD; x <= PAD; x++) {
            assert_share(c.at[BRIGHT_Y + y][BRIGHT_X + x], 1.0 / 25);
            all += c.at[BRIGHT_Y + y][BRIGHT_X + x];
        }
    assert_int_equal(all, DRAWS);
}

/* A pixel is cut when the centre is within the square around it: 3x3 of 144 places inside, fewer at
 * the border, where squares stick out. */
static void cutout_covers_the_image_evenly(void **state) {
    (void)state;
    counts c;
    count_draws(&c, false, 0, 3);
    assert_share(c.cut[5][8], 9.0 / PIXELS);
    assert_share(c.cut[1][1], 9.0 / PIXELS);
    assert_share(c.cut[0][7], 6.0 / PIXELS);
    assert_share(c.cut[SIDE - 1][SIDE - 1], 4.0 / PIXELS);
}

static void a_network_of_another_size_is_refused(void **state) {
    const setup *s = *state;
    const nas_shape shape = NAS_SHAPE(8, SIDE, SIDE, 3);
    must_fail(nas_feed_check(s->data, &shape), NAS_E_SHAPE, "12x12x3");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(batches_hold_the_images_in_order),
        cmocka_unit_test(resident_and_streamed_are_the_same_bits),
        cmocka_unit_test(opencl_draws_what_the_reference_draws),
        cmocka_unit_test(epochs_and_seeds_draw_differently),
        cmocka_unit_test(half_of_the_images_are_mirrored),
        cmocka_unit_test(every_crop_is_equally_likely),
        cmocka_unit_test(cutout_covers_the_image_evenly),
        cmocka_unit_test(a_network_of_another_size_is_refused),
    };
    return cmocka_run_group_tests_name("batch", tests, set_up, tear_down);
}
