/* tests/graph/framework_nets.c - small networks and a reference run for the tests of the framework.
 */
#include "framework_nets.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

void net_must(nas_status st) {
    if (st != NAS_OK)
        fail_msg("%s: %s (%s)", nas_status_text(st), nas_error_text(), nas_error_where());
}

uint32_t net_count(const nas_graph *g, nas_op op) {
    uint32_t n = 0;
    for (uint32_t i = 0; i < nas_graph_count(g); i++)
        n += nas_graph_node(g, (nas_value){i})->op == op;
    return n;
}

/* ---- layers ---------------------------------------------------------------------------------- */

static int32_t channels(const nas_graph *g, nas_value x) {
    const nas_shape *s = nas_graph_shape(g, x);
    return s->dim[s->rank - 1];
}

nas_status net_input(nas_value *x, nas_graph *g, nas_shape shape) {
    return nas_graph_leaf(x, g, NAS_OP_INPUT, "x", &(nas_attr){.leaf = {.shape = shape}});
}

nas_status net_param(nas_value *y, nas_graph *g, const char *name, const char *part,
                     nas_shape shape, float scale) {
    char full[96];
    snprintf(full, sizeof full, "%s.%s", name, part);
    nas_attr a = {.leaf = {.shape = shape, .init = NAS_INIT_NORMAL, .scale = scale, .decay = 1}};
    return nas_graph_leaf(y, g, NAS_OP_PARAM, full, &a);
}

nas_status net_conv(nas_value *y, nas_graph *g, nas_value x, const char *name, int32_t out,
                    int32_t kernel, int32_t stride, int32_t groups) {
    nas_value w;
    int32_t p = kernel / 2;
    nas_shape s = NAS_SHAPE(kernel, kernel, channels(g, x) / groups, out);
    nas_attr a = {.conv = {.kernel = {kernel, kernel},
                           .stride = {stride, stride},
                           .dilation = {1, 1},
                           .pad = {p, p, p, p},
                           .groups = groups}};
    NAS_TRY(net_param(&w, g, name, "weight", s, 0.3f));
    return nas_conv2d(y, g, x, w, &a);
}

nas_status net_bias(nas_value *y, nas_graph *g, nas_value x, const char *name) {
    nas_value b;
    NAS_TRY(net_param(&b, g, name, "bias", NAS_SHAPE(channels(g, x)), 0.2f));
    return nas_add(y, g, x, b);
}

nas_status net_norm(nas_value *y, nas_graph *g, nas_value x, const char *name) {
    nas_value gamma, beta, stats;
    int32_t c = channels(g, x);
    char full[96];
    NAS_TRY(net_param(&gamma, g, name, "gamma", NAS_SHAPE(c), 1));
    NAS_TRY(net_param(&beta, g, name, "beta", NAS_SHAPE(c), 1));
    snprintf(full, sizeof full, "%s.stats", name);
    nas_attr a = {.leaf = {.shape = NAS_SHAPE(2, c), .init = NAS_INIT_VALUE, .scale = 1}};
    NAS_TRY(nas_graph_leaf(&stats, g, NAS_OP_STATE, full, &a));
    return nas_batch_norm(y, g, x, gamma, beta, stats, 1e-5f);
}

nas_status net_dense(nas_value *y, nas_graph *g, nas_value x, const char *name, int32_t out) {
    nas_value w, b;
    NAS_TRY(net_param(&w, g, name, "weight", NAS_SHAPE(channels(g, x), out), 0.4f));
    NAS_TRY(net_param(&b, g, name, "bias", NAS_SHAPE(out), 0.2f));
    return nas_linear(y, g, x, w, b);
}

static nas_status conv_norm_act(nas_value *y, nas_graph *g, nas_value x, const char *name,
                                int32_t out, int32_t stride, int32_t groups, nas_act act) {
    NAS_TRY(nas_graph_scope_push(g, name, "conv", 0));
    NAS_TRY(net_conv(&x, g, x, name, out, 3, stride, groups));
    NAS_TRY(net_norm(&x, g, x, name));
    NAS_TRY(nas_activation(y, g, x, act));
    nas_graph_scope_pop(g);
    return NAS_OK;
}

static nas_status gate(nas_value *y, nas_graph *g, nas_value x, const char *name) {
    nas_value s;
    int32_t n = nas_graph_shape(g, x)->dim[0], c = channels(g, x);
    NAS_TRY(nas_global_pool(&s, g, x));
    NAS_TRY(net_dense(&s, g, s, name, c));
    NAS_TRY(nas_activation(&s, g, s, NAS_ACT_SIGMOID));
    NAS_TRY(nas_reshape(&s, g, s, NAS_SHAPE(n, 1, 1, c)));
    return nas_mul(y, g, x, s);
}

/* ---- networks -------------------------------------------------------------------------------- */

/* Starts a graph with its input, hands it to `body`, and frees it when that fails. */
static nas_status
build(nas_graph **out, nas_shape x_shape,
      nas_status (*body)(nas_value *logits, nas_graph *g, nas_value x, float rate), float rate) {
    nas_graph *g = NULL;
    nas_value x, logits;
    nas_status st = NAS_OK;
    NAS_GO(nas_graph_create(&g));
    NAS_GO(net_input(&x, g, x_shape));
    NAS_GO(body(&logits, g, x, rate));
    nas_graph_set_output(g, logits);
    *out = g;
    g = NULL;
done:
    nas_graph_free(g);
    return st;
}

static nas_status cnn_body(nas_value *logits, nas_graph *g, nas_value x, float rate) {
    nas_value skip, pool;
    (void)rate;
    NAS_TRY(conv_norm_act(&skip, g, x, "stem", 4, 1, 1, NAS_ACT_SWISH));
    NAS_TRY(conv_norm_act(&x, g, skip, "a", 4, 1, 1, NAS_ACT_GELU));
    NAS_TRY(conv_norm_act(&x, g, x, "b", 4, 1, 1, NAS_ACT_NONE));
    NAS_TRY(nas_add(&x, g, x, skip));
    NAS_TRY(nas_activation(&x, g, x, NAS_ACT_RELU));
    NAS_TRY(conv_norm_act(&x, g, x, "dw", 4, 2, 4, NAS_ACT_HSWISH));
    NAS_TRY(gate(&x, g, x, "se"));
    NAS_TRY(nas_global_pool(&pool, g, x));
    return net_dense(logits, g, pool, "head", 3);
}

nas_status net_cnn(nas_graph **out, int32_t batch) {
    return build(out, NAS_SHAPE(batch, 6, 5, 2), cnn_body, 0);
}

static nas_status layer_norm(nas_value *y, nas_graph *g, nas_value x, const char *name) {
    nas_value gamma, beta;
    NAS_TRY(net_param(&gamma, g, name, "gamma", NAS_SHAPE(channels(g, x)), 1));
    NAS_TRY(net_param(&beta, g, name, "beta", NAS_SHAPE(channels(g, x)), 1));
    return nas_layer_norm(y, g, x, gamma, beta, 1e-5f);
}

static nas_status encoder(nas_value *y, nas_graph *g, nas_value x, nas_value seed, float rate) {
    nas_value h;
    NAS_TRY(layer_norm(&h, g, x, "ln1"));
    NAS_TRY(net_dense(&h, g, h, "qkv", 24));
    NAS_TRY(nas_attention(&h, g, h, 2));
    NAS_TRY(net_dense(&h, g, h, "proj", 8));
    NAS_TRY(nas_dropout(&h, g, h, seed, rate, false, 2));
    NAS_TRY(nas_add(&x, g, x, h));
    NAS_TRY(layer_norm(&h, g, x, "ln2"));
    NAS_TRY(net_dense(&h, g, h, "fc1", 16));
    NAS_TRY(nas_activation(&h, g, h, NAS_ACT_GELU));
    NAS_TRY(net_dense(&h, g, h, "fc2", 8));
    NAS_TRY(nas_dropout(&h, g, h, seed, rate, true, 3));
    return nas_add(y, g, x, h);
}

static nas_status vit_body(nas_value *logits, nas_graph *g, nas_value x, float rate) {
    nas_value w, token, pos, seed;
    int32_t n = nas_graph_shape(g, x)->dim[0];
    nas_attr patch = {
        .conv = {.kernel = {4, 4}, .stride = {4, 4}, .dilation = {1, 1}, .groups = 1}};
    nas_attr scalar = {.leaf = {.init = NAS_INIT_VALUE}};
    NAS_TRY(nas_graph_leaf(&seed, g, NAS_OP_INPUT, "seed", &scalar));
    NAS_TRY(net_param(&w, g, "patch", "weight", NAS_SHAPE(4, 4, 3, 8), 0.2f));
    NAS_TRY(nas_conv2d(&x, g, x, w, &patch));
    NAS_TRY(net_bias(&x, g, x, "patch"));
    NAS_TRY(nas_reshape(&x, g, x, NAS_SHAPE(n, 4, 8)));
    NAS_TRY(net_param(&token, g, "class", "token", NAS_SHAPE(1, 1, 8), 0.5f));
    NAS_TRY(nas_expand(&token, g, token, NAS_SHAPE(n, 1, 8), 1));
    NAS_TRY(nas_concat(&x, g, (nas_value[]){token, x}, 2, 1));
    NAS_TRY(net_param(&pos, g, "pos", "embedding", NAS_SHAPE(1, 5, 8), 0.5f));
    NAS_TRY(nas_add(&x, g, x, pos));
    NAS_TRY(nas_dropout(&x, g, x, seed, rate, false, 1));
    NAS_TRY(nas_graph_scope_push(g, "0", "transformer", 0));
    NAS_TRY(encoder(&x, g, x, seed, rate));
    nas_graph_scope_pop(g);
    NAS_TRY(layer_norm(&x, g, x, "ln"));
    NAS_TRY(nas_slice(&x, g, x, 1, 0, 1));
    NAS_TRY(nas_reshape(&x, g, x, NAS_SHAPE(n, 8)));
    return net_dense(logits, g, x, "head", 3);
}

nas_status net_vit(nas_graph **out, int32_t batch, float rate) {
    return build(out, NAS_SHAPE(batch, 8, 8, 3), vit_body, rate);
}

static nas_status basic_block(nas_value *y, nas_graph *g, nas_value x, int32_t index, int32_t out,
                              int32_t stride) {
    char a[16], b[16];
    nas_value skip = x;
    int32_t grow = (out - channels(g, x)) / 2;
    nas_attr every_other = {.conv = {.kernel = {1, 1}, .stride = {2, 2}, .dilation = {1, 1}}};
    snprintf(a, sizeof a, "b%da", index);
    snprintf(b, sizeof b, "b%db", index);
    if (stride == 2) {
        NAS_TRY(nas_avg_pool(&skip, g, skip, &every_other));
        NAS_TRY(nas_pad(&skip, g, skip, 3, grow, grow));
    }
    NAS_TRY(conv_norm_act(&x, g, x, a, out, stride, 1, NAS_ACT_RELU));
    NAS_TRY(conv_norm_act(&x, g, x, b, out, 1, 1, NAS_ACT_NONE));
    NAS_TRY(nas_add(&x, g, x, skip));
    return nas_activation(y, g, x, NAS_ACT_RELU);
}

static nas_status resnet20_body(nas_value *logits, nas_graph *g, nas_value x, float rate) {
    (void)rate;
    NAS_TRY(conv_norm_act(&x, g, x, "stem", 16, 1, 1, NAS_ACT_RELU));
    for (int32_t i = 0; i < 9; i++)
        NAS_TRY(basic_block(&x, g, x, i, 16 << i / 3, i == 3 || i == 6 ? 2 : 1));
    NAS_TRY(nas_global_pool(&x, g, x));
    return net_dense(logits, g, x, "head", 10);
}

nas_status net_resnet20(nas_graph **out, int32_t batch) {
    return build(out, NAS_SHAPE(batch, 32, 32, 3), resnet20_body, 0);
}

static nas_status lenet_conv(nas_value *y, nas_graph *g, nas_value x, const char *name,
                             int32_t out) {
    nas_value w;
    nas_attr conv = {.conv = {.kernel = {5, 5}, .stride = {1, 1}, .dilation = {1, 1}, .groups = 1}};
    nas_attr pool = {.conv = {.kernel = {2, 2}, .stride = {2, 2}, .dilation = {1, 1}}};
    NAS_TRY(net_param(&w, g, name, "weight", NAS_SHAPE(5, 5, channels(g, x), out), 0.1f));
    NAS_TRY(nas_conv2d(&x, g, x, w, &conv));
    NAS_TRY(net_bias(&x, g, x, name));
    return nas_max_pool(y, g, x, &pool);
}

static nas_status lenet_body(nas_value *logits, nas_graph *g, nas_value x, float rate) {
    (void)rate;
    int32_t n = nas_graph_shape(g, x)->dim[0];
    NAS_TRY(lenet_conv(&x, g, x, "conv1", 20));
    NAS_TRY(lenet_conv(&x, g, x, "conv2", 50));
    NAS_TRY(nas_reshape(&x, g, x, NAS_SHAPE(n, 800)));
    NAS_TRY(net_dense(&x, g, x, "fc1", 500));
    NAS_TRY(nas_activation(&x, g, x, NAS_ACT_RELU));
    return net_dense(logits, g, x, "fc2", 10);
}

nas_status net_lenet(nas_graph **out, int32_t batch) {
    return build(out, NAS_SHAPE(batch, 28, 28, 1), lenet_body, 0);
}

/* ---- reference run --------------------------------------------------------------------------- */

static void fill_leaf(double *to, const nas_graph *g, nas_value v, nas_rng *r) {
    const nas_node *n = nas_graph_node(g, v);
    int64_t count = nas_shape_count(&n->shape);
    bool labels = strcmp(nas_graph_name(g, v), "labels") == 0;
    for (int64_t i = 0; i < count; i++) {
        double z = nas_rng_normal(r);
        double variance = i >= count / 2 ? 0.5 + nas_rng_uniform(r) : 0.5 * z;
        to[i] = n->op == NAS_OP_STATE      ? variance
                : n->op == NAS_OP_CONSTANT ? n->attr.leaf.scale
                                           : z;
        if (n->op == NAS_OP_INPUT && n->shape.rank == 0)
            to[i] = 7;
        if (n->op == NAS_OP_PARAM)
            to[i] = n->attr.leaf.scale * z;
        if (labels)
            to[i] = (double)(i % 3);
    }
}

net_run net_run_create(const nas_graph *g, uint64_t seed) {
    net_run r = {g, calloc(nas_graph_count(g), sizeof(double *))};
    for (uint32_t i = 0; i < nas_graph_count(g); i++) {
        nas_value v = {i};
        r.value[i] = calloc((size_t)nas_shape_count(nas_graph_shape(g, v)), sizeof(double));
        const char *name = nas_graph_name(g, v);
        nas_rng rng = nas_rng_stream(seed, name, 0);
        if (name[0])
            fill_leaf(r.value[i], g, v, &rng);
    }
    return r;
}

void net_run_free(net_run *r) {
    for (uint32_t i = 0; i < nas_graph_count(r->g); i++)
        free(r->value[i]);
    free(r->value);
}

void net_run_go(net_run *r) {
    net_must(nas_graph_run_ref(r->g, r->value));
}
