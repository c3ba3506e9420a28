/* tests/graph/test_framework_infer.c - the inference graph computes what the model does, in fewer
 * kernels; and graphs survive a shortage of memory. */
#include "framework_nets.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* Both sides in double; folding reorders a few roundings. */
static const double TOLERANCE = 1e-10;

/* w' = w f, b' = beta + (b - mean) f, f = gamma / sqrt(var + eps), from the model's values. */
static void fold_values(const nas_fold *f, const net_run *from, const net_run *to) {
    double *w = from->value[nas_graph_find(from->g, f->w).id];
    double *b = f->b[0] ? from->value[nas_graph_find(from->g, f->b).id] : NULL;
    double *gamma = from->value[nas_graph_find(from->g, f->gamma).id];
    double *beta = from->value[nas_graph_find(from->g, f->beta).id];
    double *stats = from->value[nas_graph_find(from->g, f->stats).id];
    nas_value weight = nas_graph_find(to->g, f->weight), bias = nas_graph_find(to->g, f->bias);
    const nas_shape *s = nas_graph_shape(to->g, weight);
    int32_t c = s->dim[s->rank - 1];
    for (int64_t i = 0; i < nas_shape_count(s); i++) {
        int32_t k = (int32_t)(i % c);
        to->value[weight.id][i] = w[i] * gamma[k] / sqrt(stats[c + k] + (double)f->eps);
    }
    for (int32_t k = 0; k < c; k++)
        to->value[bias.id][k] =
            beta[k] + ((b ? b[k] : 0) - stats[k]) * gamma[k] / sqrt(stats[c + k] + (double)f->eps);
}

/* Runs both with the same leaves and compares the outputs. */
static void check_same_function(const nas_graph *model, const nas_inference *inf) {
    net_must(nas_graph_verify(inf->graph));
    net_run a = net_run_create(model, 5), b = net_run_create(inf->graph, 5);
    for (uint32_t i = 0; i < inf->n_folds; i++)
        fold_values(&inf->fold[i], &a, &b);
    net_run_go(&a);
    net_run_go(&b);
    nas_value y = nas_graph_output(model), z = nas_graph_output(inf->graph);
    assert_true(nas_shape_equal(nas_graph_shape(model, y), nas_graph_shape(inf->graph, z)));
    double worst = 0, largest = 0;
    for (int64_t i = 0; i < nas_shape_count(nas_graph_shape(model, y)); i++) {
        worst = fmax(worst, fabs(a.value[y.id][i] - b.value[z.id][i]));
        largest = fmax(largest, fabs(a.value[y.id][i]));
    }
    assert_true(largest > 0);
    if (!(worst <= TOLERANCE * fmax(1, largest)))
        fail_msg("outputs differ by %g", worst);
    net_run_free(&a);
    net_run_free(&b);
}

static uint32_t kernels(const nas_graph *g) {
    uint32_t n = 0;
    for (uint32_t i = 0; i < nas_graph_count(g); i++)
        n += !(nas_op_get(nas_graph_node(g, (nas_value){i})->op)->flags &
               (NAS_OPF_LEAF | NAS_OPF_ALIAS));
    return n;
}

/* A chain in letters: c convolution, d depthwise one, m matmul, t transposed matmul, b bias, n
 * batch norm, a activation, s keep for a later r (residual add), w the last convolution's weight
 * again, N a batch norm with relu, R one with a kept value as residual and relu, q a second reader
 * of the value (its square is added at the end), o dropout. */
typedef struct fuse_case {
    const char *chain;
    uint32_t kernels, folds;
} fuse_case;

static const fuse_case fuse_cases[] = {
    {"cna", 1, 1},    {"cbna", 1, 1},     {"cba", 1, 0},      {"dna", 1, 1},   {"mna", 1, 1},
    {"mba", 1, 0},    {"tna", 3, 0},      {"tba", 1, 0},      {"scnra", 1, 1}, {"scra", 1, 0},
    {"scbra", 1, 0},  {"scrba", 1, 0},    {"scar", 2, 0},     {"can", 2, 0},   {"nac", 3, 0},
    {"scrn", 2, 0},   {"cnb", 2, 1},      {"cbb", 2, 0},      {"cnn", 2, 1},   {"caa", 2, 0},
    {"cqa", 4, 0},    {"cnqa", 4, 1},     {"cnaqcna", 4, 2},  {"cnwna", 5, 0}, {"ocona", 1, 1},
    {"scnosr", 2, 1}, {"scnacnra", 2, 2}, {"smbasmbr", 2, 0}, {"srr", 2, 0},   {"scnrrn", 3, 1},
    {"cN", 1, 1},     {"scR", 1, 1},      {"scNcR", 2, 2},    {"scRa", 2, 1},  {"scrR", 2, 0},
    {"sR", 1, 0},     {"mN", 1, 1},       {"sccR", 2, 1},
};

typedef struct chain_state {
    nas_graph *g;
    nas_value seed, weight, kept, square;
    int32_t count;
} chain_state;

static nas_status chain_product(nas_value *y, chain_state *s, nas_value x, char letter,
                                const char *name) {
    nas_attr a = {.conv = {{3, 3}, {1, 1}, {1, 1}, {1, 1, 1, 1}, .groups = letter == 'd' ? 4 : 1}};
    bool matmul = letter == 'm' || letter == 't';
    nas_shape shape = matmul ? NAS_SHAPE(4, 4) : NAS_SHAPE(3, 3, 4 / a.conv.groups, 4);
    if (letter != 'w')
        NAS_TRY(net_param(&s->weight, s->g, name, "weight", shape, 0.4f));
    return matmul ? nas_matmul(y, s->g, x, s->weight, false, letter == 't')
                  : nas_conv2d(y, s->g, x, s->weight, &a);
}

static nas_status chain_norm(nas_value *x, chain_state *s, const char *name, bool residual) {
    nas_value plain = NAS_NO_VALUE;
    NAS_TRY(net_norm(&plain, s->g, *x, name)); /* nobody reads it: its leaves are what is needed */
    nas_node n = *nas_graph_node(s->g, plain);
    n.in[4] = s->kept;
    n.attr.norm.act = NAS_ACT_RELU;
    return nas_graph_add(x, s->g, NAS_OP_BATCH_NORM, n.in, residual ? 5 : 4, &n.attr);
}

static nas_status chain_step(nas_value *x, chain_state *s, char letter) {
    char name[16];
    nas_value at = *x;
    snprintf(name, sizeof name, "%d", s->count++);
    if (strchr("cdmtw", letter))
        return chain_product(x, s, at, letter, name);
    if (letter == 'b')
        return net_bias(x, s->g, at, name);
    if (letter == 'n')
        return net_norm(x, s->g, at, name);
    if (letter == 'N' || letter == 'R')
        return chain_norm(x, s, name, letter == 'R');
    if (letter == 'a')
        return nas_activation(x, s->g, at, NAS_ACT_GELU);
    if (letter == 'o')
        return nas_dropout(x, s->g, at, s->seed, 0, false, s->count);
    if (letter == 'r')
        return nas_add(x, s->g, at, s->kept);
    if (letter == 'q')
        return nas_mul(&s->square, s->g, at, at);
    s->kept = at;
    return NAS_OK;
}

static nas_graph *build_chain(const char *letters) {
    chain_state s = {.square = NAS_NO_VALUE, .count = 0};
    nas_value x;
    nas_attr scalar = {.leaf = {.init = NAS_INIT_VALUE}};
    net_must(nas_graph_create(&s.g));
    net_must(net_input(&x, s.g, NAS_SHAPE(2, 4, 3, 4)));
    net_must(nas_graph_leaf(&s.seed, s.g, NAS_OP_INPUT, "seed", &scalar));
    for (const char *p = letters; *p; p++)
        net_must(chain_step(&x, &s, *p));
    if (nas_value_ok(s.square))
        net_must(nas_add(&x, s.g, x, s.square));
    nas_graph_set_output(s.g, x);
    return s.g;
}

static void chains_fuse_as_far_as_they_may(void **state) {
    const fuse_case *c = *state;
    nas_inference inf;
    nas_graph *g = build_chain(c->chain);
    net_must(nas_graph_inference(&inf, g));
    check_same_function(g, &inf);
    assert_int_equal(kernels(inf.graph), c->kernels);
    assert_int_equal(inf.n_folds, c->folds);
    assert_int_equal(net_count(inf.graph, NAS_OP_DROPOUT), 0);
    nas_inference_free(&inf);
    nas_graph_free(g);
}

static nas_status vit(nas_graph **out, int32_t batch) {
    return net_vit(out, batch, 0);
}

typedef struct net_case {
    const char *name;
    nas_status (*net)(nas_graph **out, int32_t batch);
    uint32_t kernels, folds;
} net_case;

/* cnn: 4 convolutions, gate: pool, matmul, multiply; pool, matmul.
 * vit: patches, token, concat, positions, 2 norms, 4 products, attention, norm, slice, head.
 * resnet20: 19 convolutions, 2 shortcuts of pool and pad, pool, matmul.
 * lenet: 2 convolutions, 2 pools, 2 matmuls. */
static const net_case nets[] = {{"cnn", net_cnn, 9, 4},
                                {"vit", vit, 14, 0},
                                {"resnet20", net_resnet20, 25, 19},
                                {"lenet", net_lenet, 6, 0}};

static void networks_run_as_they_were_trained(void **state) {
    const net_case *c = *state;
    nas_graph *g;
    nas_inference inf;
    nas_cost before, after;
    net_must(c->net(&g, 1));
    net_must(nas_graph_inference(&inf, g));
    check_same_function(g, &inf);
    assert_int_equal(inf.n_folds, c->folds);
    assert_int_equal(kernels(inf.graph), c->kernels);
    assert_int_equal(net_count(inf.graph, NAS_OP_BATCH_NORM), 0);
    nas_graph_cost(&before, g);
    nas_graph_cost(&after, inf.graph);
    assert_int_equal(before.macs, after.macs);
    assert_true(after.bytes_read < before.bytes_read);
    assert_true(nas_graph_hash(g) != nas_graph_hash(inf.graph));
    nas_inference_free(&inf);
    nas_graph_free(g);
}

/* An inference graph is a graph like any other: what it has fused stays. */
static void fusing_again_changes_nothing(void **state) {
    (void)state;
    nas_graph *g;
    nas_inference a, b;
    net_must(net_cnn(&g, 2));
    net_must(nas_graph_inference(&a, g));
    net_must(nas_graph_inference(&b, a.graph));
    assert_true(nas_graph_hash(a.graph) == nas_graph_hash(b.graph));
    assert_int_equal(b.n_folds, 0);
    nas_inference_free(&a);
    nas_inference_free(&b);
    nas_graph_free(g);
}

/* At batch 1 positions have the shape of the value; fused as a residual they would fit no other. */
static void positions_are_no_residual(void **state) {
    (void)state;
    nas_graph *g, *five;
    nas_inference inf;
    nas_value x, w, pos;
    net_must(nas_graph_create(&g));
    net_must(net_input(&x, g, NAS_SHAPE(1, 3, 4)));
    net_must(net_param(&w, g, "embed", "weight", NAS_SHAPE(4, 6), 1));
    net_must(net_param(&pos, g, "pos", "embedding", NAS_SHAPE(1, 3, 6), 1));
    net_must(nas_matmul(&x, g, x, w, false, false));
    net_must(nas_add(&x, g, x, pos));
    nas_graph_set_output(g, x);
    net_must(nas_graph_inference(&inf, g));
    check_same_function(g, &inf);
    assert_int_equal(kernels(inf.graph), 2);
    net_must(nas_graph_rebatch(&five, inf.graph, 5));
    assert_int_equal(nas_graph_shape(five, nas_graph_output(five))->dim[0], 5);
    nas_graph_free(five);
    nas_inference_free(&inf);
    nas_graph_free(g);
}

static nas_status everything(void) {
    nas_graph *g = NULL, *other = NULL, *back = NULL;
    nas_training t = {0};
    nas_inference inf = {0};
    nas_text text = {0};
    nas_status st = NAS_OK;
    NAS_GO(net_cnn(&g, 2));
    NAS_GO(nas_graph_training(&t, g, NULL));
    NAS_GO(nas_graph_inference(&inf, g));
    NAS_GO(nas_graph_rebatch(&other, g, 3));
    NAS_GO(nas_graph_write(&text, other));
    NAS_GO(nas_graph_read(&back, text.s, text.n, "text"));
done:
    nas_text_free(&text);
    nas_inference_free(&inf);
    nas_training_free(&t);
    nas_graph_free(g);
    nas_graph_free(other);
    nas_graph_free(back);
    return st;
}

static void every_failed_allocation_is_reported(void **state) {
    (void)state;
    uint64_t k = 1;
    for (nas_status st = NAS_E_MEMORY; st != NAS_OK; k++) {
        nas_alloc_fail_after(k);
        st = everything();
        nas_alloc_fail_after(0);
        assert_true(st == NAS_OK || st == NAS_E_MEMORY);
    }
    assert_true(k > 100);
}

/* A pass that runs out of memory half-way leaves the graph that it was to extend as it was. */
static void backward_out_of_memory_leaves_the_graph(void **state) {
    (void)state;
    nas_graph *g;
    net_must(net_lenet(&g, 2));
    nas_attr a = {.leaf = {.shape = NAS_SHAPE(2)}};
    nas_value labels, loss, grad, w = nas_graph_find(g, "conv1.weight");
    net_must(nas_graph_leaf(&labels, g, NAS_OP_INPUT, "labels", &a));
    net_must(nas_cross_entropy(&loss, g, nas_graph_output(g), labels, 0));
    uint64_t hash = nas_graph_hash(g);
    uint32_t count = nas_graph_count(g);
    uint64_t k = 1;
    for (nas_status st = NAS_E_MEMORY; st != NAS_OK; k++) {
        nas_alloc_fail_after(k);
        st = nas_graph_backward(&grad, g, loss, &w, 1);
        nas_alloc_fail_after(0);
        if (st == NAS_OK)
            break;
        assert_int_equal(st, NAS_E_MEMORY);
        assert_int_equal(nas_graph_count(g), count);
        assert_true(nas_graph_hash(g) == hash);
        net_must(nas_graph_verify(g));
    }
    assert_true(k > 2);
    net_must(nas_graph_verify(g));
    nas_graph_free(g);
}

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

int main(void) {
    const struct CMUnitTest others[] = {
        cmocka_unit_test(fusing_again_changes_nothing),
        cmocka_unit_test(positions_are_no_residual),
        cmocka_unit_test(every_failed_allocation_is_reported),
        cmocka_unit_test(backward_out_of_memory_leaves_the_graph),
    };
    struct CMUnitTest tests[COUNT(fuse_cases) + COUNT(nets) + COUNT(others)];
    size_t n = 0;
    for (size_t i = 0; i < COUNT(fuse_cases); i++)
        tests[n++] = (struct CMUnitTest){fuse_cases[i].chain, chains_fuse_as_far_as_they_may, NULL,
                                         NULL, (void *)&fuse_cases[i]};
    for (size_t i = 0; i < COUNT(nets); i++)
        tests[n++] = (struct CMUnitTest){nets[i].name, networks_run_as_they_were_trained, NULL,
                                         NULL, (void *)&nets[i]};
    memcpy(tests + n, others, sizeof others);
    return _cmocka_run_group_tests("graph inference", tests, COUNT(tests), NULL, NULL);
}
