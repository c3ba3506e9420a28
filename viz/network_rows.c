/* viz/network_rows.c - ops in words: "conv 3x3 /2 16 to 32, bn, relu". */
#include <string.h>

#include "network.h"

#define ARROW "\xe2\x86\x92"
#define TIMES "\xc3\x97"

const class_look class_looks[CLASS_COUNT] = {
    [CLASS_CONV] = {"convolution", BLUE, WHITE},
    [CLASS_DENSE] = {"dense", ORANGE, INK},
    [CLASS_ATTENTION] = {"attention", PURPLE, INK},
    [CLASS_POOL] = {"pooling", GREEN, WHITE},
    [CLASS_NORM] = {"norm, activation", 0xA8A8A8, INK},
    [CLASS_JOIN] = {"add, multiply, concatenate", YELLOW, INK},
    [CLASS_SHAPE] = {"shape", PALE_GREY, INK},
    [CLASS_INPUT] = {"input", DARK_GREY, WHITE},
};

static const op_class class_of_op[NAS_OP_COUNT] = {
    [NAS_OP_INPUT] = CLASS_INPUT,
    [NAS_OP_PARAM] = CLASS_INPUT,
    [NAS_OP_STATE] = CLASS_INPUT,
    [NAS_OP_CONSTANT] = CLASS_INPUT,
    [NAS_OP_CONV2D] = CLASS_CONV,
    [NAS_OP_CONV2D_DX] = CLASS_CONV,
    [NAS_OP_CONV2D_DW] = CLASS_CONV,
    [NAS_OP_MATMUL] = CLASS_DENSE,
    [NAS_OP_ATTENTION] = CLASS_ATTENTION,
    [NAS_OP_ATTENTION_GRAD] = CLASS_ATTENTION,
    [NAS_OP_ADD] = CLASS_JOIN,
    [NAS_OP_MUL] = CLASS_JOIN,
    [NAS_OP_ACT] = CLASS_NORM,
    [NAS_OP_ACT_GRAD] = CLASS_NORM,
    [NAS_OP_DROPOUT] = CLASS_NORM,
    [NAS_OP_SOFTMAX] = CLASS_NORM,
    [NAS_OP_SOFTMAX_GRAD] = CLASS_NORM,
    [NAS_OP_LAYER_NORM] = CLASS_NORM,
    [NAS_OP_LAYER_NORM_GRAD] = CLASS_NORM,
    [NAS_OP_BATCH_STATS] = CLASS_NORM,
    [NAS_OP_BATCH_NORM] = CLASS_NORM,
    [NAS_OP_BATCH_NORM_SUMS] = CLASS_NORM,
    [NAS_OP_BATCH_NORM_DX] = CLASS_NORM,
    [NAS_OP_EMA] = CLASS_NORM,
    [NAS_OP_MAX_POOL] = CLASS_POOL,
    [NAS_OP_MAX_POOL_DX] = CLASS_POOL,
    [NAS_OP_AVG_POOL] = CLASS_POOL,
    [NAS_OP_AVG_POOL_DX] = CLASS_POOL,
    [NAS_OP_GLOBAL_POOL] = CLASS_POOL,
    [NAS_OP_RESHAPE] = CLASS_SHAPE,
    [NAS_OP_FRONT] = CLASS_SHAPE,
    [NAS_OP_TRANSPOSE] = CLASS_SHAPE,
    [NAS_OP_CONCAT] = CLASS_JOIN,
    [NAS_OP_SLICE] = CLASS_SHAPE,
    [NAS_OP_PAD] = CLASS_SHAPE,
    [NAS_OP_EXPAND] = CLASS_SHAPE,
    [NAS_OP_SUM_TO] = CLASS_SHAPE,
    [NAS_OP_RELATIVE] = CLASS_ATTENTION,
    [NAS_OP_RELATIVE_SUM] = CLASS_ATTENTION,
    [NAS_OP_EMBED] = CLASS_DENSE,
    [NAS_OP_EMBED_GRAD] = CLASS_DENSE,
    [NAS_OP_CROSS_ENTROPY] = CLASS_JOIN,
    [NAS_OP_CROSS_ENTROPY_GRAD] = CLASS_JOIN,
    [NAS_OP_CORRECT] = CLASS_JOIN,
};

op_class op_class_of(nas_op op) {
    return class_of_op[op];
}

bool is_leaf(const nas_graph *g, nas_value v) {
    return (nas_op_get(nas_graph_node(g, v)->op)->flags & NAS_OPF_LEAF) != 0;
}

static bool is_param(const nas_graph *g, nas_value v) {
    nas_op op = nas_graph_node(g, v)->op;
    return op == NAS_OP_PARAM || op == NAS_OP_CONSTANT || op == NAS_OP_STATE;
}

static int32_t channels(const nas_graph *g, nas_value v) {
    const nas_shape *s = nas_graph_shape(g, v);
    return s->rank > 0 ? s->dim[s->rank - 1] : 1;
}

/* " 3×3 /2" : window and, when it is not 1, stride. */
static void add_window(nas_text *t, const nas_attr *a) {
    nas_text_add(t, " %d" TIMES "%d", a->conv.kernel[0], a->conv.kernel[1]);
    if (a->conv.stride[0] == a->conv.stride[1] && a->conv.stride[0] > 1)
        nas_text_add(t, " /%d", a->conv.stride[0]);
    else if (a->conv.stride[0] != a->conv.stride[1])
        nas_text_add(t, " /%d" TIMES "%d", a->conv.stride[0], a->conv.stride[1]);
    if (a->conv.dilation[0] > 1)
        nas_text_add(t, " dilated %d", a->conv.dilation[0]);
}

static void add_epilogue(nas_text *t, int32_t act, bool residual) {
    if (residual)
        nas_text_add(t, " + skip");
    if (act != NAS_ACT_NONE)
        nas_text_add(t, ", %s", nas_act_name((nas_act)act));
}

static void say_conv(nas_text *t, const nas_graph *g, nas_value v) {
    const nas_node *n = nas_graph_node(g, v);
    int32_t in = channels(g, n->in[0]), out = channels(g, v), groups = n->attr.conv.groups;
    bool depthwise = groups > 1 && groups == in;
    nas_text_add(t, depthwise ? "depthwise" : "conv");
    add_window(t, &n->attr);
    if (depthwise && in == out)
        nas_text_add(t, ", %d", in);
    else
        nas_text_add(t, ", %d" ARROW "%d", in, out);
    if (groups > 1 && !depthwise)
        nas_text_add(t, " in %d groups", groups);
    add_epilogue(t, n->attr.conv.act, n->attr.conv.residual != 0);
}

static void say_matmul(nas_text *t, const nas_graph *g, nas_value v) {
    const nas_node *n = nas_graph_node(g, v);
    bool dense = is_param(g, n->in[1]);
    nas_text_add(t, dense ? "dense, %d" ARROW "%d" : "matmul, %d" ARROW "%d", channels(g, n->in[0]),
                 channels(g, v));
    add_epilogue(t, n->attr.matmul.act, n->attr.matmul.residual != 0);
}

static void say_attention(nas_text *t, const nas_graph *g, nas_value v) {
    const nas_shape *s = nas_graph_shape(g, v);
    int32_t heads = nas_graph_node(g, v)->attr.attention.heads;
    nas_text_add(t, "attention, %d head%s", heads, heads == 1 ? "" : "s");
    if (s->rank == 3)
        nas_text_add(t, ", %d tokens", s->dim[1]);
}

static void say_max_pool(nas_text *t, const nas_graph *g, nas_value v) {
    nas_text_add(t, "max pool");
    add_window(t, &nas_graph_node(g, v)->attr);
}

static void say_avg_pool(nas_text *t, const nas_graph *g, nas_value v) {
    nas_text_add(t, "mean pool");
    add_window(t, &nas_graph_node(g, v)->attr);
}

static void say_global_pool(nas_text *t, const nas_graph *g, nas_value v) {
    nas_text_add(t, "global mean, %d", channels(g, v));
}

static void say_add(nas_text *t, const nas_graph *g, nas_value v) {
    nas_text_add(t, is_param(g, nas_graph_node(g, v)->in[1]) ? "+ embedding" : "+ skip");
}

static void say_mul(nas_text *t, const nas_graph *g, nas_value v) {
    nas_text_add(t, is_param(g, nas_graph_node(g, v)->in[1]) ? TIMES " scale" : TIMES " gate");
}

static void say_act(nas_text *t, const nas_graph *g, nas_value v) {
    nas_text_add(t, "%s", nas_act_name((nas_act)nas_graph_node(g, v)->attr.act.kind));
}

static void say_concat(nas_text *t, const nas_graph *g, nas_value v) {
    nas_text_add(t, "concatenate %u", nas_graph_node(g, v)->n_in);
}

static void say_dropout(nas_text *t, const nas_graph *g, nas_value v) {
    const nas_attr *a = &nas_graph_node(g, v)->attr;
    nas_text_add(t, a->dropout.per_sample ? "drop path %g" : "dropout %g", (double)a->dropout.rate);
}

static const struct {
    void (*say)(nas_text *t, const nas_graph *g, nas_value v);
    const char *name; /* when there is nothing to add to it */
} words[NAS_OP_COUNT] = {
    [NAS_OP_CONV2D] = {say_conv, NULL},
    [NAS_OP_MATMUL] = {say_matmul, NULL},
    [NAS_OP_ATTENTION] = {say_attention, NULL},
    [NAS_OP_MAX_POOL] = {say_max_pool, NULL},
    [NAS_OP_AVG_POOL] = {say_avg_pool, NULL},
    [NAS_OP_GLOBAL_POOL] = {say_global_pool, NULL},
    [NAS_OP_ADD] = {say_add, NULL},
    [NAS_OP_MUL] = {say_mul, NULL},
    [NAS_OP_ACT] = {say_act, NULL},
    [NAS_OP_CONCAT] = {say_concat, NULL},
    [NAS_OP_DROPOUT] = {say_dropout, NULL},
    [NAS_OP_BATCH_NORM] = {NULL, "batch norm"},
    [NAS_OP_LAYER_NORM] = {NULL, "layer norm"},
    [NAS_OP_RELATIVE] = {NULL, "relative positions"},
    [NAS_OP_RELATIVE_SUM] = {NULL, "relative positions"},
    [NAS_OP_EMBED] = {NULL, "embedding of words"},
    [NAS_OP_INPUT] = {NULL, "input"},
};

/* Attention that is written out multiplies what was computed, and no weights. */
static bool is_attention_product(const nas_graph *g, nas_value v) {
    const nas_node *n = nas_graph_node(g, v);
    return n->op == NAS_OP_MATMUL && !is_param(g, n->in[0]) && !is_param(g, n->in[1]);
}

op_class row_text(char out[ROW_BYTES], const nas_graph *g, nas_value v) {
    nas_op op = nas_graph_node(g, v)->op;
    nas_text t = {0};
    if (words[op].say != NULL)
        words[op].say(&t, g, v);
    else
        nas_text_add(&t, "%s", words[op].name != NULL ? words[op].name : nas_op_get(op)->name);
    snprintf(out, ROW_BYTES, "%s", nas_text_str(&t));
    nas_text_free(&t);
    return is_attention_product(g, v) ? CLASS_ATTENTION : op_class_of(op);
}

const char *row_suffix(const nas_graph *g, nas_value v) {
    const nas_node *n = nas_graph_node(g, v);
    if (n->op == NAS_OP_BATCH_NORM)
        return "bn";
    if (n->op == NAS_OP_ACT)
        return nas_act_name((nas_act)n->attr.act.kind);
    /* a bias is part of its layer; an embedding (rank over 1) is worth its own row */
    bool bias =
        n->op == NAS_OP_ADD && is_param(g, n->in[1]) && nas_graph_shape(g, n->in[1])->rank <= 1;
    if (bias || n->op == NAS_OP_RESHAPE)
        return "";
    return NULL;
}
