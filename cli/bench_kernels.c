/* cli/bench_kernels.c - times single ops, one family of kernels after the other. */
#include "bench.h"

#include <stdlib.h>
#include <string.h>

enum { REPEATS = 7, MAX_IN = 4 };
static const double least_seconds = 0.01; /* of a repeat: overheads of waiting no longer matter */

typedef struct kernel_case {
    const char *family, *name;
    nas_op op;
    nas_shape in[MAX_IN]; /* up to the first of rank 0 */
    nas_attr attr;
} kernel_case;

#define DIMS(...)                                                                                  \
    {                                                                                              \
        (int32_t)(sizeof((int32_t[]){__VA_ARGS__}) / sizeof(int32_t)), {                           \
            __VA_ARGS__                                                                            \
        }                                                                                          \
    }
#define GEMM(a, b)                                                                                 \
    {                                                                                              \
        .matmul = {.ta = (a), .tb = (b), .alpha = 1 }                                              \
    }
#define CONV(k, s, p, g, h)                                                                        \
    {                                                                                              \
        .conv = {                                                                                  \
            .kernel = {k, k},                                                                      \
            .stride = {s, s},                                                                      \
            .dilation = {1, 1},                                                                    \
            .pad = {p, p, p, p},                                                                   \
            .groups = g,                                                                           \
            .size = {h, h}                                                                         \
        }                                                                                          \
    }
#define EPS                                                                                        \
    {                                                                                              \
        .norm = {.eps = 1e-5f }                                                                    \
    }

/* The table is read by columns. */
/* clang-format off */
#define SQUARE(n) \
    {"gemm", "gemm nn " #n, NAS_OP_MATMUL, {DIMS(n, n), DIMS(n, n)}, GEMM(0, 0)}
/* A 3x3 convolution of h x h images of c channels, and its two gradients. */
#define CONV3(b, h, c) \
    {"conv", "conv3x3 " #c " " #h "x" #h, NAS_OP_CONV2D, {DIMS(b, h, h, c), DIMS(3, 3, c, c)}, CONV(3, 1, 1, 1, 0)}, \
    {"conv dx", "conv3x3 dx " #c " " #h "x" #h, NAS_OP_CONV2D_DX, {DIMS(b, h, h, c), DIMS(3, 3, c, c)}, CONV(3, 1, 1, 1, h)}, \
    {"conv dw", "conv3x3 dw " #c " " #h "x" #h, NAS_OP_CONV2D_DW, {DIMS(b, h, h, c), DIMS(b, h, h, c)}, CONV(3, 1, 1, 1, 0)}
#define DEPTH(b, h, c) \
    {"depthwise", "depthwise3x3 " #c " " #h "x" #h, NAS_OP_CONV2D, {DIMS(b, h, h, c), DIMS(3, 3, 1, c)}, CONV(3, 1, 1, c, 0)}, \
    {"depthwise dx", "depthwise3x3 dx " #c " " #h "x" #h, NAS_OP_CONV2D_DX, {DIMS(b, h, h, c), DIMS(3, 3, 1, c)}, CONV(3, 1, 1, c, h)}, \
    {"depthwise dw", "depthwise3x3 dw " #c " " #h "x" #h, NAS_OP_CONV2D_DW, {DIMS(b, h, h, c), DIMS(b, h, h, c)}, CONV(3, 1, 1, c, 0)}
#define ATTENTION(b, t, h, d) \
    {"attention", "attention " #t "x" #d " x" #h, NAS_OP_ATTENTION, {DIMS(b, t, 3 * (h) * (d))}, {.attention = {.heads = h}}}, \
    {"attention grad", "attention grad " #t "x" #d " x" #h, NAS_OP_ATTENTION_GRAD, {DIMS(b, t, 3 * (h) * (d)), DIMS(b, t, (h) * (d))}, {.attention = {.heads = h}}}

static const kernel_case cases[] = {
    SQUARE(256), SQUARE(512), SQUARE(1024), SQUARE(2048),
    {"gemm", "gemm nn 6272x128x64", NAS_OP_MATMUL, {DIMS(6272, 64), DIMS(64, 128)}, GEMM(0, 0)},
    {"gemm", "gemm nt 6272x64x128", NAS_OP_MATMUL, {DIMS(6272, 128), DIMS(64, 128)}, GEMM(0, 1)},
    {"gemm", "gemm tn 64x128x6272", NAS_OP_MATMUL, {DIMS(6272, 64), DIMS(6272, 128)}, GEMM(1, 0)},
    CONV3(128, 28, 32), CONV3(128, 14, 64), CONV3(128, 7, 128), CONV3(128, 32, 16),
    {"conv", "conv3x3 1 to 32 28x28", NAS_OP_CONV2D, {DIMS(128, 28, 28, 1), DIMS(3, 3, 1, 32)}, CONV(3, 1, 1, 1, 0)},
    {"conv dw", "conv3x3 dw 1 to 32 28x28", NAS_OP_CONV2D_DW, {DIMS(128, 28, 28, 1), DIMS(128, 28, 28, 32)}, CONV(3, 1, 1, 1, 0)},
    {"conv", "conv3x3 3 to 16 32x32", NAS_OP_CONV2D, {DIMS(128, 32, 32, 3), DIMS(3, 3, 3, 16)}, CONV(3, 1, 1, 1, 0)},
    {"conv dw", "conv3x3 dw 3 to 16 32x32", NAS_OP_CONV2D_DW, {DIMS(128, 32, 32, 3), DIMS(128, 32, 32, 16)}, CONV(3, 1, 1, 1, 0)},
    {"conv", "conv3x3 s2 32 to 64 28x28", NAS_OP_CONV2D, {DIMS(128, 28, 28, 32), DIMS(3, 3, 32, 64)}, CONV(3, 2, 1, 1, 0)},
    {"conv", "conv1x1 64 to 64 14x14", NAS_OP_CONV2D, {DIMS(128, 14, 14, 64), DIMS(1, 1, 64, 64)}, CONV(1, 1, 0, 1, 0)},
    DEPTH(128, 32, 96), DEPTH(128, 16, 144),
    ATTENTION(128, 49, 4, 16), ATTENTION(32, 65, 3, 64), ATTENTION(16, 197, 6, 32),
    {"norm", "batch statistics 32 28x28", NAS_OP_BATCH_STATS, {DIMS(128, 28, 28, 32)}, {.act = {0}}},
    {"norm", "batch norm 32 28x28", NAS_OP_BATCH_NORM, {DIMS(128, 28, 28, 32), DIMS(32), DIMS(32), DIMS(2, 32)}, EPS},
    {"norm", "layer norm 6272x64", NAS_OP_LAYER_NORM, {DIMS(6272, 64), DIMS(64), DIMS(64)}, EPS},
    {"norm", "layer norm grad 6272x64", NAS_OP_LAYER_NORM_GRAD, {DIMS(6272, 64), DIMS(64), DIMS(6272, 64)}, EPS},
    {"softmax", "softmax 25088x49", NAS_OP_SOFTMAX, {DIMS(25088, 49)}, {.act = {0}}},
    {"elementwise", "add 12 MiB", NAS_OP_ADD, {DIMS(128, 28, 28, 32), DIMS(128, 28, 28, 32)}, {.act = {0}}},
    {"elementwise", "relu 12 MiB", NAS_OP_ACT, {DIMS(128, 28, 28, 32)}, {.act = {NAS_ACT_RELU}}},
    {"elementwise", "gelu 3 MiB", NAS_OP_ACT, {DIMS(6272, 128)}, {.act = {NAS_ACT_GELU}}},
    {"pool", "max 2x2 32 28x28", NAS_OP_MAX_POOL, {DIMS(128, 28, 28, 32)}, CONV(2, 2, 0, 0, 0)},
    {"pool", "global mean 64 14x14", NAS_OP_GLOBAL_POOL, {DIMS(128, 14, 14, 64)}, {.act = {0}}},
};
/* clang-format on */

static nas_status run_times(double *seconds, nas_exec *e, int n) {
    double start = nas_clock();
    for (int i = 0; i < n; i++)
        NAS_TRY(nas_exec_run(e));
    NAS_TRY(nas_exec_wait(e));
    *seconds = nas_clock() - start;
    return NAS_OK;
}

nas_status bench_graph(double *seconds, nas_device *d, const nas_graph *g, nas_value y) {
    nas_status st = NAS_OK;
    nas_exec *e = NULL;
    double s[REPEATS], once;
    int times = 1;
    NAS_GO(nas_exec_create(&e, d, g, &y, 1, NULL, 0));
    NAS_GO(nas_exec_init(e, 0));
    NAS_GO(nas_exec_noise(e));
    NAS_GO(run_times(&once, e, 2));
    NAS_GO(run_times(&once, e, 1));
    while (once * times < least_seconds && times < 1000)
        times *= 2;
    for (int i = 0; i < REPEATS; i++)
        NAS_GO(run_times(&s[i], e, times));
    qsort(s, REPEATS, sizeof *s, nas_by_value);
    *seconds = nas_quantile(s, REPEATS, 0.5) / times;
done:
    nas_exec_free(e);
    return st;
}

static nas_status time_case(bench *b, const kernel_case *c) {
    nas_status st = NAS_OK;
    nas_graph *g = NULL;
    nas_value in[MAX_IN], y;
    nas_cost cost;
    uint32_t n = 0;
    bench_row r = {.batch = 0};
    NAS_GO(nas_graph_create(&g));
    for (; n < MAX_IN && c->in[n].rank; n++) {
        char name[16];
        nas_attr a = {.leaf = {.shape = c->in[n]}};
        snprintf(name, sizeof name, "in%u", n);
        NAS_GO(nas_graph_leaf(&in[n], g, NAS_OP_INPUT, name, &a));
    }
    NAS_GO(nas_graph_add(&y, g, c->op, in, n, &c->attr));
    nas_graph_set_output(g, y);
    nas_graph_node_cost(&cost, g, y);
    NAS_GO(bench_graph(&r.seconds, b->device, g, y));
    snprintf(r.name, sizeof r.name, "%s", c->name);
    snprintf(r.work, sizeof r.work, "%s", c->family);
    r.flops = (double)cost.flops;
    r.bytes = (double)(cost.bytes_read + cost.bytes_written);
    NAS_GO(bench_add(b, &r));
done:
    nas_graph_free(g);
    return st;
}

nas_status bench_kernels(bench *b) {
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        talk_live("bench: %s", cases[i].name);
        nas_status st = time_case(b, &cases[i]);
        if (st != NAS_OK)
            return nas_fail_prefix(st, "%s", cases[i].name);
    }
    return NAS_OK;
}
