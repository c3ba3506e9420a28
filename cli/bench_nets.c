/* cli/bench_nets.c - times whole training steps and inference of networks. */
#include "bench.h"

#include <core/embedded.h>
#include <stdlib.h>
#include <string.h>

typedef struct setting { /* how a built-in network is trained */
    const char *file;
    int32_t batch;
    nas_optimizer optimizer;
} setting;
static const setting settings[] = {
    {"cnn-small.yaml", 128, NAS_SGD},     {"vit-small.yaml", 128, NAS_ADAMW},
    {"resnet20.yaml", 128, NAS_SGD},      {"mobilenetv2.yaml", 128, NAS_SGD},
    {"deit-tiny-64.yaml", 32, NAS_ADAMW}, {"nb201.yaml", 128, NAS_SGD}};
static const setting other = {NULL, 128, NAS_SGD};
enum { N_SETTINGS = sizeof settings / sizeof settings[0] };

typedef struct net {
    char name[64];
    nas_graph *graph;
    const setting *how;
    int32_t batch;
} net;

static nas_status add_row(bench *b, const net *n, const char *work, int32_t batch, double seconds,
                          const nas_cost *c) {
    bench_row r = {.batch = batch,
                   .seconds = seconds,
                   .flops = (double)c->flops,
                   .bytes = (double)(c->bytes_read + c->bytes_written),
                   .images = batch};
    snprintf(r.name, sizeof r.name, "%s", n->name);
    snprintf(r.work, sizeof r.work, "%s", work);
    return bench_add(b, &r);
}

/* The cost of the model as written, so that fusing does not change what a network is worth. */
static nas_status model_cost(nas_cost *c, const nas_graph *model, int32_t batch) {
    nas_graph *g = NULL;
    NAS_TRY(nas_graph_rebatch(&g, model, batch));
    nas_graph_cost(c, g);
    nas_graph_free(g);
    return NAS_OK;
}

static nas_status infer(bench *b, const net *n, int32_t batch) {
    nas_latency t;
    nas_cost c;
    NAS_TRY(model_cost(&c, n->graph, batch));
    NAS_TRY(nas_measure_latency(&t, b->device, n->graph, batch));
    return add_row(b, n, "infer", batch, t.median_s, &c);
}

/* What each op of the step takes, summed over its nodes. */
static nas_status op_rows(bench *b, const net *n, const nas_training *t) {
    nas_status st = NAS_OK;
    enum { RUNS = 7 };
    nas_exec *e = NULL;
    uint32_t count = nas_graph_count(t->graph);
    const nas_value keep[] = {t->loss, t->correct};
    double *s = nas_calloc((size_t)count * RUNS, sizeof *s), sum[NAS_OP_COUNT] = {0};
    nas_cost cost[NAS_OP_COUNT] = {{0}};
    if (!s)
        return nas_fail_memory((size_t)count * RUNS * sizeof *s);
    NAS_GO(nas_exec_create(&e, b->device, t->graph, keep, 2, t->grad, t->n_params));
    NAS_GO(nas_exec_init(e, 0));
    NAS_GO(nas_exec_noise(e));
    NAS_GO(nas_exec_run(e));
    for (int r = 0; r < RUNS; r++)
        NAS_GO(nas_exec_profile(e, s + (size_t)r * count, count));
    for (uint32_t v = 0; v < count; v++) {
        double least = s[v];
        nas_op op = nas_graph_node(t->graph, (nas_value){v})->op;
        nas_cost c;
        for (int r = 1; r < RUNS; r++)
            least = s[(size_t)r * count + v] < least ? s[(size_t)r * count + v] : least;
        nas_graph_node_cost(&c, t->graph, (nas_value){v});
        sum[op] += least;
        cost[op].flops += c.flops;
        cost[op].bytes_read += c.bytes_read;
        cost[op].bytes_written += c.bytes_written;
    }
    for (int op = 0; op < NAS_OP_COUNT; op++)
        if (sum[op] > 0)
            NAS_GO(add_row(b, n, nas_op_get((nas_op)op)->name, n->batch, sum[op], &cost[op]));
done:
    nas_exec_free(e);
    nas_free(s);
    return st;
}

static nas_status train(bench *b, const net *n, bool ops) {
    nas_status st = NAS_OK;
    nas_graph *g = NULL;
    nas_training t = {0};
    nas_latency time;
    nas_cost c;
    nas_train_config config = nas_train_config_default();
    config.batch = n->batch;
    config.optimizer = n->how->optimizer;
    config.lr = 1e-4; /* noise is not worth a large step */
    NAS_TRY(nas_graph_rebatch(&g, n->graph, n->batch));
    NAS_GO(nas_graph_training(&t, g, NULL));
    nas_graph_cost(&c, t.graph);
    NAS_GO(nas_measure_training(&time, b->device, n->graph, &config));
    NAS_GO(add_row(b, n, "train", n->batch, time.median_s, &c));
    if (ops)
        NAS_GO(op_rows(b, n, &t));
done:
    if (t.graph)
        nas_training_free(&t);
    nas_graph_free(g);
    return st;
}

static nas_status time_net(bench *b, net *n, const bench_nets_options *o) {
    n->batch = o->batch ? o->batch : n->how->batch;
    talk_live("bench: %s", n->name);
    if (!o->work || !strcmp(o->work, "train"))
        NAS_TRY(train(b, n, o->ops));
    if (o->work && strcmp(o->work, "infer") != 0)
        return NAS_OK;
    if (o->batch)
        return infer(b, n, o->batch);
    NAS_TRY(infer(b, n, 1));
    return infer(b, n, 128);
}

static nas_status time_text(bench *b, const char *name, const char *text, size_t size,
                            const setting *how, const bench_nets_options *o) {
    net n = {.how = how};
    const char *slash = strrchr(name, '/');
    snprintf(n.name, sizeof n.name, "%s", slash ? slash + 1 : name);
    char *dot = strrchr(n.name, '.');
    if (dot)
        *dot = 0;
    NAS_TRY(nas_network_graph(&n.graph, text, size, name, 1));
    nas_status st = time_net(b, &n, o);
    nas_graph_free(n.graph);
    return st == NAS_OK ? st : nas_fail_prefix(st, "%s", name);
}

static const setting *find_setting(const char *word) {
    for (size_t i = 0; i < N_SETTINGS; i++) {
        size_t n = strlen(settings[i].file) - strlen(".yaml");
        if (!strncmp(word, settings[i].file, n) && (!word[n] || !strcmp(word + n, ".yaml")))
            return &settings[i];
    }
    return NULL;
}

static nas_status time_builtin(bench *b, const setting *how, const bench_nets_options *o) {
    const nas_embedded *f = nas_embedded_nets;
    while (f->name && strcmp(f->name, how->file) != 0)
        f++;
    if (!f->name)
        return nas_fail(NAS_E_NOT_FOUND, "no network %s in this program", how->file);
    return time_text(b, f->name, f->text, f->n, how, o);
}

nas_status bench_nets(bench *b, const bench_nets_options *o) {
    char *text = NULL;
    size_t n = 0;
    for (size_t i = 0; !o->word && i < N_SETTINGS; i++)
        NAS_TRY(time_builtin(b, &settings[i], o));
    if (!o->word)
        return NAS_OK;
    const setting *known = find_setting(o->word);
    if (known && !nas_file_exists(o->word))
        return time_builtin(b, known, o);
    NAS_TRY(nas_file_read(&text, &n, o->word, 4 << 20));
    const char *slash = strrchr(o->word, '/');
    known = find_setting(slash ? slash + 1 : o->word);
    nas_status st = time_text(b, o->word, text, n, known ? known : &other, o);
    nas_free(text);
    return st;
}
