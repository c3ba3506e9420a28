/* search/blocks/module101.c - a module of NAS-Bench-101: vertices 0 (input) to 6 (output), edges
 * eIJ from I to J, an op on each vertex between. Vertices off every path from input to output are
 * left out; the rest share the output's channels as the benchmark does. */
#include "../block.h"

#include <string.h>

enum { V = 7, OUT = V - 1 };
static const char *const ops[] = {"conv3x3", "conv1x1", "maxpool3x3", NULL};

#define EDGE(name)                                                                                 \
    { name, ARG_INT, "0", 0, 1, NULL, false }
#define OP(name)                                                                                   \
    { name, ARG_WORD, "conv3x3", 0, 0, ops, false }
static const block_arg args_of_module101[] = {
    {"out", ARG_INT, NULL, 1, 65536, NULL, false},
    EDGE("e01"),
    EDGE("e02"),
    EDGE("e03"),
    EDGE("e04"),
    EDGE("e05"),
    EDGE("e06"),
    EDGE("e12"),
    EDGE("e13"),
    EDGE("e14"),
    EDGE("e15"),
    EDGE("e16"),
    EDGE("e23"),
    EDGE("e24"),
    EDGE("e25"),
    EDGE("e26"),
    EDGE("e34"),
    EDGE("e35"),
    EDGE("e36"),
    EDGE("e45"),
    EDGE("e46"),
    EDGE("e56"),
    OP("op1"),
    OP("op2"),
    OP("op3"),
    OP("op4"),
    OP("op5"),
};

typedef struct module {
    build *b;
    const form *args;
    bool edge[V][V], from_input[V], to_output[V];
    int32_t channels[V];
    nas_value value[V];
} module;

/* Edges of vertices that no path from input to output passes are left out. */
static void read_edges(module *m) {
    char name[32];
    m->from_input[0] = m->to_output[OUT] = true;
    for (int i = 0; i < V; i++)
        for (int k = i + 1; k < V; k++) {
            snprintf(name, sizeof name, "e%d%d", i, k);
            m->edge[i][k] = arg_int(&block_module101, m->args, name) != 0;
            m->from_input[k] = m->from_input[k] || (m->edge[i][k] && m->from_input[i]);
        }
    for (int i = OUT - 1; i >= 0; i--)
        for (int k = i + 1; k < V; k++)
            m->to_output[i] = m->to_output[i] || (m->edge[i][k] && m->to_output[k]);
    for (int i = 0; i < V; i++)
        for (int k = i + 1; k < V; k++)
            m->edge[i][k] = m->edge[i][k] && m->from_input[i] && m->to_output[k];
}

/* The vertices before the output have equal shares of it, the first ones one channel more where it
 * does not divide; the others are as wide as the widest that they lead to. */
static nas_status share_channels(module *m, int32_t out) {
    int32_t n = 0, rest;
    for (int i = 1; i < OUT; i++)
        n += m->edge[i][OUT];
    if (n > out)
        return nas_fail(NAS_E_SHAPE, "%d channels for %d vertices", out, n);
    rest = n > 0 ? out % n : 0;
    for (int i = 1; i < OUT; i++)
        if (m->edge[i][OUT])
            m->channels[i] = out / n + (rest-- > 0);
    for (int i = OUT - 1; i > 0; i--)
        for (int k = i + 1; k < OUT && !m->edge[i][OUT]; k++)
            if (m->edge[i][k] && m->channels[k] > m->channels[i])
                m->channels[i] = m->channels[k];
    return NAS_OK;
}

static nas_status conv(module *m, nas_value *x, const char *part, int32_t kernel, int32_t out) {
    conv_spec s = {
        .out = out, .kernel = kernel, .stride = 1, .groups = 1, .norm = true, .act = NAS_ACT_RELU};
    return conv_norm_act(m->b, x, part, &s);
}

/* The input as vertex `to` reads it: through a 1x1 convolution of its own. */
static nas_status projected(module *m, nas_value *v, int to, int32_t channels) {
    char part[32];
    snprintf(part, sizeof part, "v%d.input", to);
    *v = m->value[0];
    return conv(m, v, part, 1, channels);
}

static nas_status add_to(module *m, nas_value *sum, nas_value v) {
    if (nas_value_ok(*sum))
        return nas_add(sum, m->b->g, *sum, v);
    *sum = v;
    return NAS_OK;
}

static nas_status build_vertex(module *m, int i) {
    nas_value sum = NAS_NO_VALUE, v;
    char part[32], name[32];
    for (int k = 1; k < i; k++) {
        if (!m->edge[k][i])
            continue;
        v = m->value[k];
        if (m->channels[k] > m->channels[i])
            NAS_TRY(nas_slice(&v, m->b->g, v, 3, 0, m->channels[i]));
        NAS_TRY(add_to(m, &sum, v));
    }
    if (m->edge[0][i]) {
        NAS_TRY(projected(m, &v, i, m->channels[i]));
        NAS_TRY(add_to(m, &sum, v));
    }
    snprintf(part, sizeof part, "v%d", i);
    snprintf(name, sizeof name, "op%d", i);
    const char *op = arg_word(&block_module101, m->args, name);
    m->value[i] = sum;
    if (strcmp(op, "maxpool3x3") != 0)
        return conv(m, &m->value[i], part, strcmp(op, "conv3x3") == 0 ? 3 : 1, m->channels[i]);
    nas_attr a = {.conv = {.kernel = {3, 3}, .stride = {1, 1}, .dilation = {1, 1}}};
    pad_of(a.conv.pad, "same", 3, 1);
    return nas_max_pool(&m->value[i], m->b->g, sum, &a);
}

static nas_status build_module101(build *b, const form *args, nas_value *x) {
    module m = {.b = b, .args = args, .value = {*x}};
    nas_value in[V], direct;
    int32_t out = arg_int(&block_module101, args, "out");
    uint32_t n = 0;
    NAS_TRY(want_image(b, *x, "module101"));
    read_edges(&m);
    if (!m.to_output[0])
        return nas_fail(NAS_E_SHAPE, "no path leads from the module's input to its output");
    NAS_TRY(share_channels(&m, out));
    for (int i = 1; i < OUT; i++)
        if (m.from_input[i] && m.to_output[i]) {
            NAS_TRY(build_vertex(&m, i));
            if (m.edge[i][OUT])
                in[n++] = m.value[i];
        }
    if (n > 0)
        NAS_TRY(combine(x, b, "concat", in, n));
    if (!m.edge[0][OUT])
        return NAS_OK;
    NAS_TRY(projected(&m, &direct, OUT, out));
    if (n == 0)
        *x = direct;
    return n > 0 ? nas_add(x, b->g, *x, direct) : NAS_OK;
}

BLOCK_KIND(module101, args_of_module101, NULL);
