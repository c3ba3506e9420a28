/* tests/fuzz/fuzz_readers.c - every reader of files that users bring, on any bytes. A libFuzzer
 * target; CLNAS_FUZZ_READER names the row of the table that runs:
 *     scripts/fuzz.sh 60 png
 * tests/cli/test_fuzz_readers.c replays the corpus of each row in every test run. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <data/dataset.h>
#include <nas/hw.h>
#include <nas/runtime.h>
#include <nas/search.h>
#include <nas/table.h>
#include <runtime/safetensors.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

#define DEMAND(what)                                                                               \
    do {                                                                                           \
        if (!(what)) {                                                                             \
            fprintf(stderr, "%s:%d: not so: %s (%s)\n", __FILE__, __LINE__, #what,                 \
                    nas_error_text());                                                             \
            abort();                                                                               \
        }                                                                                          \
    } while (0)

/* ---- files, for the readers that take a path ---- */

static char folder[64];

static const char *const file_names[] = {"train-images-idx3-ubyte",
                                         "train-labels-idx1-ubyte",
                                         "t10k-images-idx3-ubyte",
                                         "t10k-labels-idx1-ubyte",
                                         "data_batch_1.bin",
                                         "test_batch.bin",
                                         "batches.meta.txt",
                                         "train.bin",
                                         "test.bin",
                                         "fine_label_names.txt",
                                         "file"};

static void clear_folder(void) {
    char path[128];
    for (size_t i = 0; i < sizeof file_names / sizeof *file_names; i++) {
        snprintf(path, sizeof path, "%s/%s", folder, file_names[i]);
        (void)unlink(path);
    }
}

static void drop_folder(void) {
    clear_folder();
    (void)rmdir(folder);
}

/* In memory where the system has such a place: a fuzzer writes a thousand files a second. */
static void need_folder(void) {
    if (folder[0])
        return;
    snprintf(folder, sizeof folder, "%s/clnas-fuzz-XXXXXX",
             access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
    DEMAND(mkdtemp(folder) != NULL);
    DEMAND(atexit(drop_folder) == 0);
}

static const char *put(const char *name, const void *bytes, size_t n) {
    static char path[128];
    need_folder();
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *f = fopen(path, "wb");
    DEMAND(f != NULL && fwrite(bytes, 1, n, f) == n && fclose(f) == 0);
    return path;
}

/* ---- the readers ---- */

/* Images and labels of a set that opened can all be had. */
static void open_data(void) {
    nas_dataset *d = NULL;
    uint8_t *image;
    if (nas_data_open(&d, &(nas_data_options){.path = folder}) == NAS_OK) {
        const nas_data_info *info = nas_data_info_of(d);
        DEMAND((image = malloc(nas_dataset_image_bytes(d))) != NULL);
        for (uint32_t i = 0; i < info->n_train + info->n_test && i < 1000; i++) {
            DEMAND(nas_data_image(image, d, i) == NAS_OK);
            DEMAND(nas_data_label(d, i) >= 0 && nas_data_label(d, i) < info->classes);
            DEMAND(nas_data_class_name(d, nas_data_label(d, i)) != NULL);
        }
        free(image);
    }
    nas_data_free(d);
    clear_folder();
}

/* The first byte says which of the set's files the others are; the rest of the set is in order. */
static void fuzz_idx(const uint8_t *p, size_t n) {
    static const uint8_t images[] = "\0\0\x08\x03\0\0\0\x02\0\0\0\x02\0\0\0\x01"
                                    "abcd";
    static const uint8_t labels[] = "\0\0\x08\x01\0\0\0\x02\0\x01";
    if (n == 0)
        return;
    for (int i = 0; i < 4; i++)
        if (i == p[0] % 4)
            put(file_names[i], p + 1, n - 1);
        else
            put(file_names[i], i % 2 ? labels : images, i % 2 ? 10 : 20);
    open_data();
}

static void fuzz_cifar(const uint8_t *p, size_t n) {
    static uint8_t record[2 + 3072];
    if (n == 0)
        return;
    bool many = p[0] & 4; /* CIFAR-100 */
    for (int i = 0; i < 3; i++) {
        const char *name = file_names[4 + 3 * many + i];
        if (i == p[0] % 4 % 3)
            put(name, p + 1, n - 1);
        else if (i < 2)
            put(name, record, 3073 + (size_t)many);
    }
    open_data();
}

static void fuzz_image(const uint8_t *p, size_t n) {
    nas_pixels x = {0};
    nas_status st = NAS_E_DATA;
    uint8_t small[5 * 7 * 3];
    if (nas_png_is(p, n))
        st = nas_png_decode(&x, p, n, "fuzz");
    else if (nas_jpeg_is(p, n))
        st = nas_jpeg_decode(&x, p, n, "fuzz");
    if (st != NAS_OK)
        return;
    DEMAND(x.height > 0 && x.width > 0 && (x.channels == 1 || x.channels == 3));
    DEMAND(nas_image_fit(small, 5, 7, 3, &x) == NAS_OK);
    nas_free((void *)(uintptr_t)x.p);
}

static void fuzz_table(const uint8_t *p, size_t n) {
    nas_table *t = NULL;
    nas_expression *e = NULL;
    uint32_t row;
    if (nas_table_open(&t, put("file", p, n), "a") != NAS_OK)
        return;
    for (uint32_t i = 0; i < nas_table_rows(t); i++)
        DEMAND(nas_table_find(&row, t, nas_table_key(t, i)) == NAS_OK && row == i);
    if (nas_table_columns(t) > 1) /* a column's name as an expression: any text */
        (void)!nas_expression_parse(&e, nas_table_column(t, 1), t);
    nas_expression_free(e);
    nas_table_free(t);
}

/* One convolution, to be priced. */
static nas_graph *small_net(void) {
    static const char text[] = "clnas-graph 1\n"
                               "%0 = input \"x\" shape=1x8x8x4 : 1x8x8x4\n"
                               "%1 = param \"w\" shape=3x3x4x8 : 3x3x4x8\n"
                               "%2 = conv2d %0 %1 kernel=3,3 stride=1,1 dilation=1,1 pad=1,1,1,1 "
                               "groups=1 : 1x8x8x8\n"
                               "output %2\n";
    nas_graph *g = NULL;
    DEMAND(nas_graph_read(&g, text, sizeof text - 1, "net") == NAS_OK);
    return g;
}

static void fuzz_device(const uint8_t *p, size_t n) {
    nas_hw *h = NULL;
    nas_estimate e;
    if (nas_hw_read(&h, (const char *)p, n, "fuzz") != NAS_OK)
        return;
    nas_graph *g = small_net();
    if (nas_hw_estimate(&e, NULL, h, g) == NAS_OK)
        DEMAND(e.latency_s >= 0 && e.memory_bytes >= 0);
    nas_graph_free(g);
    nas_hw_free(h);
}

static void fuzz_study(const uint8_t *p, size_t n) {
    nas_study_config c;
    if (nas_study_read(&c, put("file", p, n), NULL, 0) != NAS_OK)
        return;
    DEMAND(c.n_objectives > 0);
    nas_study_config_free(&c);
}

/* What was read is valid, and its text is the same graph. */
static void fuzz_graph(const uint8_t *p, size_t n) {
    nas_graph *g = NULL, *again = NULL;
    nas_inference inf = {0};
    nas_text t = {0};
    nas_cost c;
    if (nas_graph_read(&g, (const char *)p, n, "fuzz") != NAS_OK)
        return;
    DEMAND(nas_graph_verify(g) == NAS_OK);
    DEMAND(nas_graph_write(&t, g) == NAS_OK);
    DEMAND(nas_graph_read(&again, nas_text_str(&t), t.n, "again") == NAS_OK);
    DEMAND(nas_graph_hash(g) == nas_graph_hash(again));
    nas_graph_cost(&c, g);
    if (nas_graph_inference(&inf, g) == NAS_OK)
        DEMAND(nas_graph_verify(inf.graph) == NAS_OK);
    nas_inference_free(&inf);
    nas_graph_free(g);
    nas_graph_free(again);
    nas_text_free(&t);
}

static void fuzz_tensors(const uint8_t *p, size_t n) {
    nas_tensors t = {0};
    nas_model *m = NULL;
    if (nas_tensors_parse(&t, (const char *)p, n, "fuzz") != NAS_OK)
        return;
    for (size_t i = 0; i < t.n; i++)
        DEMAND(nas_tensors_find(&t, t.tensor[i].name) == &t.tensor[i]);
    if (nas_model_open(&m, put("file", p, n)) == NAS_OK)
        DEMAND(nas_model_class_name(m, nas_model_info_of(m)->classes - 1) != NULL);
    nas_model_free(m);
    nas_tensors_free(&t);
}

/* A row is a folder of tests/fuzz/corpus as well. */
static const struct reader_row {
    const char *name;
    void (*read)(const uint8_t *p, size_t n);
} reader_rows[] = {
    {"idx", fuzz_idx},     {"cifar", fuzz_cifar},     {"image", fuzz_image},
    {"table", fuzz_table}, {"device", fuzz_device},   {"study", fuzz_study},
    {"graph", fuzz_graph}, {"tensors", fuzz_tensors},
};
enum { N_READERS = sizeof reader_rows / sizeof *reader_rows };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n) {
    const char *name = getenv("CLNAS_FUZZ_READER");
    for (size_t i = 0; i < N_READERS; i++)
        if (name != NULL && strcmp(name, reader_rows[i].name) == 0) {
            reader_rows[i].read(data, n);
            return 0;
        }
    fprintf(stderr, "CLNAS_FUZZ_READER must name a reader; see tests/fuzz/fuzz_readers.c\n");
    abort();
}
