/* tests/runtime/training_fixture.c - see the header. */
#include "training_fixture.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void must(nas_status st) {
    if (st != NAS_OK)
        fail_msg("%s: %s (%s)", nas_status_text(st), nas_error_text(), nas_error_where());
}

void must_fail(nas_status st, nas_status want, const char *part) {
    if (st != want)
        fail_msg("got \"%s\", wanted \"%s\"", nas_status_text(st), nas_status_text(want));
    if (strstr(nas_error_text(), part) == NULL)
        fail_msg("\"%s\" does not tell of \"%s\"", nas_error_text(), part);
}

void make_folder(char path[PATH_BYTES]) {
    const char *tmp = getenv("TMPDIR");
    snprintf(path, PATH_BYTES, "%s/clnas-test-XXXXXX", tmp != NULL ? tmp : "/tmp");
    assert_non_null(mkdtemp(path));
}

static const char *const file_names[] = {"train-images-idx3-ubyte", "train-labels-idx1-ubyte",
                                         "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte",
                                         "model.safetensors"};

void remove_folder(const char *path) {
    char file[PATH_BYTES + 64];
    for (size_t i = 0; i < sizeof file_names / sizeof *file_names; i++) {
        snprintf(file, sizeof file, "%s/%s", path, file_names[i]);
        (void)unlink(file);
    }
    assert_int_equal(rmdir(path), 0);
}

static void put_u32(nas_text *t, uint32_t v) {
    const unsigned char b[4] = {(unsigned char)(v >> 24), (unsigned char)(v >> 16),
                                (unsigned char)(v >> 8), (unsigned char)v};
    nas_text_bytes(t, b, 4);
}

static void write_idx(const char *folder, int part, const uint8_t *pixels, uint32_t n) {
    char file[PATH_BYTES + 64];
    nas_text images = {0}, labels = {0};
    put_u32(&images, 0x803);
    put_u32(&images, n);
    put_u32(&images, SIDE);
    put_u32(&images, SIDE);
    nas_text_bytes(&images, pixels, (size_t)n * SIDE * SIDE);
    put_u32(&labels, 0x801);
    put_u32(&labels, n);
    for (uint32_t i = 0; i < n; i++)
        nas_text_bytes(&labels, &(uint8_t){(uint8_t)(i % CLASSES)}, 1);
    snprintf(file, sizeof file, "%s/%s", folder, file_names[2 * part]);
    must(nas_file_write(file, images.s, images.n));
    snprintf(file, sizeof file, "%s/%s", folder, file_names[2 * part + 1]);
    must(nas_file_write(file, labels.s, labels.n));
    nas_text_free(&images);
    nas_text_free(&labels);
}

static nas_dataset *open_folder(const char *folder) {
    nas_dataset *d = NULL;
    must(nas_data_open(&d, &(nas_data_options){.path = folder}));
    return d;
}

static void draw_patterns(uint8_t *pixels, uint32_t n, uint64_t index) {
    nas_rng rng = nas_rng_stream(7, "patterns", index);
    for (uint32_t i = 0; i < n; i++)
        for (int p = 0; p < SIDE * SIDE; p++) {
            int y = p / SIDE, x = p % SIDE, label = (int)(i % CLASSES);
            int wave[CLASSES] = {y, x, x + y, x - y + SIDE};
            double v = 128 + 70 * sin(wave[label] * 1.5) + 25 * nas_rng_normal(&rng);
            pixels[i * SIDE * SIDE + (uint32_t)p] = (uint8_t)(v < 0 ? 0 : v > 255 ? 255 : v);
        }
}

nas_dataset *pattern_data(const char *folder) {
    static const uint32_t counts[2] = {TRAIN_IMAGES, TEST_IMAGES};
    for (int part = 0; part < 2; part++) {
        uint8_t *pixels = malloc((size_t)counts[part] * SIDE * SIDE);
        assert_non_null(pixels);
        draw_patterns(pixels, counts[part], (uint64_t)part);
        write_idx(folder, part, pixels, counts[part]);
        free(pixels);
    }
    return open_folder(folder);
}

nas_dataset *image_data(const char *folder, const uint8_t *pixels, uint32_t n) {
    write_idx(folder, 0, pixels, n);
    write_idx(folder, 1, pixels, n);
    return open_folder(folder);
}

/* ---- networks ---- */

static nas_value leaf(nas_graph *g, nas_op op, const char *name, nas_shape shape, float scale) {
    nas_value v = NAS_NO_VALUE;
    nas_attr a = {.leaf = {.shape = shape,
                           .init = NAS_INIT_VALUE,
                           .scale = scale,
                           .decay = op == NAS_OP_PARAM && shape.rank > 1}};
    if (op == NAS_OP_PARAM && shape.rank > 1)
        a.leaf.init = NAS_INIT_NORMAL;
    must(nas_graph_leaf(&v, g, op, name, &a));
    return v;
}

static nas_value named(nas_graph *g, const char *layer, const char *what, nas_shape shape,
                       float scale) {
    char name[64];
    snprintf(name, sizeof name, "%s.%s", layer, what);
    return leaf(g, strcmp(what, "stats") == 0 ? NAS_OP_STATE : NAS_OP_PARAM, name, shape, scale);
}

static nas_value conv_norm_relu(nas_graph *g, nas_value x, const char *layer, int32_t in,
                                int32_t out, int32_t stride) {
    nas_attr a = {.conv = {.kernel = {3, 3},
                           .stride = {stride, stride},
                           .dilation = {1, 1},
                           .pad = {1, 1, 1, 1},
                           .groups = 1}};
    nas_value w =
        named(g, layer, "weight", NAS_SHAPE(3, 3, in, out), (float)sqrt(2.0 / (9.0 * in)));
    nas_value gamma = named(g, layer, "gamma", NAS_SHAPE(out), 1);
    nas_value beta = named(g, layer, "beta", NAS_SHAPE(out), 0);
    nas_value stats = named(g, layer, "stats", NAS_SHAPE(2, out), 1), y = NAS_NO_VALUE;
    must(nas_conv2d(&y, g, x, w, &a));
    must(nas_batch_norm(&y, g, y, gamma, beta, stats, 1e-5f));
    must(nas_activation(&y, g, y, NAS_ACT_RELU));
    return y;
}

static nas_value dense(nas_graph *g, nas_value x, const char *layer, int32_t in, int32_t out) {
    nas_value w = named(g, layer, "weight", NAS_SHAPE(in, out), (float)sqrt(1.0 / in));
    nas_value b = named(g, layer, "bias", NAS_SHAPE(out), 0), y = NAS_NO_VALUE;
    must(nas_linear(&y, g, x, w, b));
    return y;
}

nas_graph *cnn_for(int32_t side, int32_t classes) {
    nas_graph *g = NULL;
    must(nas_graph_create(&g));
    nas_value y = leaf(g, NAS_OP_INPUT, "x", NAS_SHAPE(2, side, side, 1), 0);
    nas_value seed = leaf(g, NAS_OP_INPUT, "seed", (nas_shape){0}, 0);
    y = conv_norm_relu(g, y, "c1", 1, 8, 1);
    y = conv_norm_relu(g, y, "c2", 8, 16, 2);
    int32_t features = (side / 2) * (side / 2) * 16;
    must(nas_reshape(&y, g, y, NAS_SHAPE(2, features)));
    must(nas_dropout(&y, g, y, seed, 0.1f, false, 1));
    nas_graph_set_output(g, dense(g, y, "head", features, classes));
    return g;
}

nas_graph *small_cnn(void) {
    return cnn_for(SIDE, CLASSES);
}

static nas_value layer_norm(nas_graph *g, nas_value x, const char *layer, int32_t width) {
    nas_value gamma = named(g, layer, "gamma", NAS_SHAPE(width), 1), y = NAS_NO_VALUE;
    nas_value beta = named(g, layer, "beta", NAS_SHAPE(width), 0);
    must(nas_layer_norm(&y, g, x, gamma, beta, 1e-5f));
    return y;
}

nas_graph *small_vit(void) {
    enum { PATCH = 4, T = (SIDE / PATCH) * (SIDE / PATCH), D = 16 };
    nas_graph *g = NULL;
    must(nas_graph_create(&g));
    nas_attr a = {
        .conv = {
            .kernel = {PATCH, PATCH}, .stride = {PATCH, PATCH}, .dilation = {1, 1}, .groups = 1}};
    nas_value x = leaf(g, NAS_OP_INPUT, "x", NAS_SHAPE(2, SIDE, SIDE, 1), 0), y, z = NAS_NO_VALUE;
    must(nas_conv2d(&x, g, x, named(g, "patch", "weight", NAS_SHAPE(PATCH, PATCH, 1, D), 0.25f),
                    &a));
    must(nas_reshape(&x, g, x, NAS_SHAPE(2, T, D)));
    must(nas_add(&x, g, x, named(g, "position", "weight", NAS_SHAPE(1, T, D), 0.02f)));
    y = dense(g, layer_norm(g, x, "n1", D), "qkv", D, 3 * D);
    must(nas_attention(&z, g, y, 2));
    must(nas_add(&x, g, x, dense(g, z, "proj", D, D)));
    y = dense(g, layer_norm(g, x, "n2", D), "up", D, 2 * D);
    must(nas_activation(&y, g, y, NAS_ACT_GELU));
    must(nas_add(&x, g, x, dense(g, y, "down", 2 * D, D)));
    y = layer_norm(g, x, "n3", D);
    must(nas_global_pool(&y, g, y));
    nas_graph_set_output(g, dense(g, y, "head", D, CLASSES));
    return g;
}

/* ---- devices ---- */

nas_device *opencl_device(void) {
    nas_device *d = NULL;
    nas_status st = nas_device_open(&d, NULL);
    if (st == NAS_OK)
        return d;
    if (st != NAS_E_DEVICE && st != NAS_E_NOT_FOUND)
        must(st);
    print_message("no OpenCL device: %s\n", nas_error_text());
    return NULL;
}

nas_device *ref_device(void) {
    nas_device *d = NULL;
    must(nas_device_open(&d, "ref"));
    return d;
}
