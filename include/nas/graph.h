/* include/nas/graph.h - THE representation of a network. Training, costing, drawing, hashing and
 * running read this and nothing else.
 *
 * A graph is an append-only list of nodes in topological order: the inputs of a node have smaller
 * ids. Every node has one output, a dense row-major float32 tensor (the reference computes it in
 * double); a value is the id of the node that makes it. Shapes are inferred and checked at insertion,
 * and a failed insertion leaves the graph as it was. Images are [N,H,W,C], tokens [N,T,D].
 *
 * Kinds of graph, made by passes from one another (all plain graphs):
 *   model      what search/ builds from a network file: one INPUT "x", logits as output; batch norm
 *              in its evaluation form (stats = running statistics), dropout present.
 *   training   nas_graph_training(model): batch statistics, running-statistics updates, loss, and
 *              the gradient of every param.
 *   inference  nas_graph_inference(model): no dropout, batch norm folded into the convolution or
 *              matmul before it, bias, activation and residual add as that kernel's epilogue. Every
 *              node that is no leaf and no reshape is one kernel: what cost models price.
 *
 * Lifetime: a graph owns its nodes and names; pointers it hands out die at its next append.
 */
#ifndef NAS_GRAPH_H
#define NAS_GRAPH_H

#include <nas/core.h>

#ifdef __cplusplus
extern "C" {
#endif

enum { NAS_MAX_RANK = 6, NAS_MAX_IN = 16 };

typedef enum nas_op {
#define NAS_OP(symbol, name) NAS_OP_##symbol,
#include <nas/ops.def>
#undef NAS_OP
    NAS_OP_COUNT
} nas_op;

typedef enum nas_act {
#define NAS_ACT(symbol, name) NAS_ACT_##symbol,
#include <nas/act.def>
#undef NAS_ACT
    NAS_ACT_COUNT
} nas_act;

const char *nas_act_name(nas_act a);
/* E_ARG names the nearest known activation. "hardswish", "silu", "hardsigmoid" are taken too. */
nas_status nas_act_from_name(nas_act *out, const char *name) NAS_MUST_USE;
/* Value and derivative, in double: what act.def states. */
double nas_act_value(nas_act a, double x);
double nas_act_slope(nas_act a, double x);

/* ---- values, shapes, attributes: plain values, no ownership ------------------------------------ */

typedef struct nas_value {
    uint32_t id;
} nas_value;
#define NAS_NO_VALUE ((nas_value){UINT32_MAX})
static inline bool nas_value_ok(nas_value v) { return v.id != UINT32_MAX; }

/* Row-major dimensions; rank 0 is a scalar. Dimensions behind rank are 0, so shapes compare with
 * memcmp. Every dimension is >= 1 and the product fits 2^31-1 elements. */
typedef struct nas_shape {
    int32_t rank, dim[NAS_MAX_RANK];
} nas_shape;

#define NAS_SHAPE(...) nas_shape_of((int32_t[]){__VA_ARGS__}, (int32_t)(sizeof((int32_t[]){__VA_ARGS__}) / sizeof(int32_t)))
nas_shape nas_shape_of(const int32_t *dim, int32_t rank);
int64_t nas_shape_count(const nas_shape *s); /* elements; 1 for a scalar */
bool nas_shape_equal(const nas_shape *a, const nas_shape *b);
/* "28x28x1" with `skip` leading dimensions left out; into the caller's buffer, which it returns. */
enum { NAS_SHAPE_TEXT = 80 };
const char *nas_shape_text(char buf[NAS_SHAPE_TEXT], const nas_shape *s, int32_t skip);

typedef enum nas_init { NAS_INIT_VALUE, NAS_INIT_NORMAL, NAS_INIT_TRUNC_NORMAL, NAS_INIT_UNIFORM } nas_init;

/* Attributes: which member is meant follows from the op (see the list below). Unused bytes are 0. */
typedef union nas_attr {
    struct { /* INPUT PARAM STATE CONSTANT */
        nas_shape shape;
        int32_t init;  /* nas_init; CONSTANT and STATE: NAS_INIT_VALUE */
        float scale;   /* VALUE: the value; NORMAL, TRUNC_NORMAL: standard deviation (cut at 2 of
                          them); UNIFORM: half width */
        int32_t decay; /* PARAM: 1 when weight decay applies (no for biases and norms) */
    } leaf;
    struct { /* CONV2D, its gradients, pools. A pool has groups 0 and dilation 1 */
        int32_t kernel[2], stride[2], dilation[2], pad[4]; /* (h, w); pad top, bottom, left, right */
        int32_t groups;
        int32_t act;               /* CONV2D epilogue: nas_act */
        int32_t bias, residual;    /* CONV2D epilogue: 1 when that input is there */
        int32_t size[2];           /* CONV2D_DX, MAX_POOL_DX, AVG_POOL_DX: H, W of dx */
        int32_t include_pad;       /* AVG_POOL: padding counts in the mean */
    } conv;
    struct { /* MATMUL */
        int32_t ta, tb;         /* transpose a, b (their last two axes) */
        int32_t act, bias, residual; /* epilogue, as in conv */
        float alpha;            /* factor on the product */
        int32_t sums;           /* 1, with ta: a row more, as if a had a column of ones: the sums of
                                   b's rows, which make a bias's gradient out of a weight's */
    } matmul;
    struct { /* ACT ACT_GRAD */
        int32_t kind; /* nas_act */
    } act;
    struct { /* RESHAPE FRONT EXPAND SUM_TO */
        nas_shape shape;
        float scale; /* EXPAND SUM_TO: factor on the result */
    } shape;
    struct { /* TRANSPOSE: output axis i is input axis perm[i] */
        int32_t perm[NAS_MAX_RANK];
    } transpose;
    struct { /* CONCAT SLICE PAD. SLICE keeps begin … end-1; PAD puts begin zeros before, end behind */
        int32_t axis, begin, end;
    } axis;
    struct { /* LAYER_NORM and its gradients, BATCH_STATS, BATCH_NORM and its gradients, EMA */
        float eps;
        float momentum; /* EMA: weight of the new value */
        int32_t count;  /* EMA: elements behind each variance, for n/(n-1); 0: copy plainly */
        int32_t act;    /* BATCH_NORM and its gradients, epilogue: nas_act */
    } norm;
    struct { /* DROPOUT */
        float rate;         /* probability to drop, in [0, 1) */
        int32_t per_sample; /* 1: stochastic depth, one decision for each of the N samples */
        int32_t stream;     /* which random stream; different for every dropout of a graph */
    } dropout;
    struct { /* CROSS_ENTROPY and its gradient */
        float smoothing; /* label smoothing in [0, 1) */
    } loss;
    struct { /* ATTENTION ATTENTION_GRAD */
        int32_t heads;
        int32_t causal; /* 1: token t sees tokens 0 … t */
    } attention;
    struct { /* RELATIVE RELATIVE_SUM: see nas_relative */
        int32_t grid[2];  /* keys stand on grid[0] rows x grid[1] columns */
        int32_t clip[2];  /* distances along rows and columns beyond it count as it */
        int32_t stride;   /* queries stand on every stride-th row and column */
        int32_t first;    /* class tokens before the grid, of queries and keys */
        int32_t form;     /* nas_relative_form */
        int32_t shared;   /* 1: one row for all queries */
    } relative;
    struct { /* EMBED_GRAD */
        int32_t rows; /* of the table */
    } embed;
} nas_attr;

/* How the distance (dy, dx) from a query to a key is numbered. */
typedef enum nas_relative_form {
    NAS_RELATIVE_ABS,    /* by |dy| and |dx| */
    NAS_RELATIVE_SIGNED, /* by dy and dx */
    NAS_RELATIVE_ROWS,   /* by dy alone */
    NAS_RELATIVE_COLUMNS /* by dx alone */
} nas_relative_form;
/* How many numbers there are: the width of a table for nas_relative. */
int32_t nas_relative_count(const nas_attr *a);

typedef struct nas_node {
    nas_op op;
    uint32_t n_in;
    nas_value in[NAS_MAX_IN];
    nas_attr attr;
    nas_shape shape;
    uint32_t scope; /* which block of the network it belongs to: nas_graph_scope */
} nas_node;

/* Counts of one node or a graph, for one run over its batch. Bytes: every tensor touched once, in
 * float32. flops: 2 per MAC plus element-wise work. */
typedef struct nas_cost {
    int64_t macs, flops, params, bytes_read, bytes_written;
} nas_cost;

/* ---- building ---------------------------------------------------------------------------------- */

typedef struct nas_graph nas_graph;

nas_status nas_graph_create(nas_graph **out) NAS_MUST_USE;
void nas_graph_free(nas_graph *g);

/* Appends a node. E_SHAPE or E_ARG says what does not fit, naming op and scope. attr may be NULL for
 * ops without attributes. */
nas_status nas_graph_add(nas_value *out, nas_graph *g, nas_op op, const nas_value *in, uint32_t n_in,
                         const nas_attr *attr) NAS_MUST_USE;

/* Appends a leaf with a name ("s1.0.conv.weight"), unique within the graph (E_EXISTS):
 * 1 to 127 bytes without quotes, backslashes and control characters. */
nas_status nas_graph_leaf(nas_value *out, nas_graph *g, nas_op op, const char *name,
                          const nas_attr *attr) NAS_MUST_USE;

/* Blocks: nodes appended between push and pop belong to scope "parent.name". kind is the block's
 * type ("mbconv", "transformer"); repeat tells the how-manieth copy of a stage's block this is (0
 * when it is none), so that drawings can fold copies. Pushing a name again goes back to that scope. */
nas_status nas_graph_scope_push(nas_graph *g, const char *name, const char *kind, uint32_t repeat) NAS_MUST_USE;
void nas_graph_scope_pop(nas_graph *g);

typedef struct nas_scope {
    const char *name; /* full path: "s1.0" */
    const char *kind; /* "conv", "mbconv", …; "" for the root */
    uint32_t parent;  /* index of the parent; the root (0) is its own */
    uint32_t repeat;
} nas_scope;
uint32_t nas_graph_scope_count(const nas_graph *g);
const nas_scope *nas_graph_scope(const nas_graph *g, uint32_t scope);

/* What the graph is for: its output value (logits of a model). */
void nas_graph_set_output(nas_graph *g, nas_value v);
nas_value nas_graph_output(const nas_graph *g);

/* ---- reading ----------------------------------------------------------------------------------- */

uint32_t nas_graph_count(const nas_graph *g);
const nas_node *nas_graph_node(const nas_graph *g, nas_value v);
const nas_shape *nas_graph_shape(const nas_graph *g, nas_value v);
const char *nas_graph_name(const nas_graph *g, nas_value v); /* "" for what is no leaf */
nas_value nas_graph_find(const nas_graph *g, const char *leaf_name); /* NAS_NO_VALUE: none */

/* ---- typed builders: one line an op, with its formula ------------------------------------------- */
/* A y that fails to be built leaves *y alone. Formulas use the letters of core.h. */

/* y[n,p,q,k] = act( sum_{r,s,c} x[n, p*sh - top + r*dh, q*sw - left + s*dw, c] w[r,s,c,k]
 *                   + bias[k] + residual[n,p,q,k] );  x [N,H,W,C], w [R,S,C/groups,K], y [N,P,Q,K],
 * P = (H + top + bottom - dh (R-1) - 1) / sh + 1. Depthwise: groups = C. x outside the image is 0.
 * inputs x, w, then bias and residual where attr says so. */
nas_status nas_conv2d(nas_value *y, nas_graph *g, nas_value x, nas_value w, const nas_attr *a) NAS_MUST_USE;
/* y = alpha op(a) op(b) (+ bias[n]) ; a [..,M,K], b [..,K,N] or [K,N] shared by the whole batch */
nas_status nas_matmul(nas_value *y, nas_graph *g, nas_value a, nas_value b, bool ta, bool tb) NAS_MUST_USE;
/* y = x w + bias ; x [..,K], w [K,N], bias [N] or NAS_NO_VALUE: a dense layer */
nas_status nas_linear(nas_value *y, nas_graph *g, nas_value x, nas_value w, nas_value bias) NAS_MUST_USE;
/* Multi-head self-attention, softmax(q k^T / sqrt(d)) v for each head: qkv [N,T,3D] (q, then k, then
 * v; each D = heads * d, head-major), y [N,T,D]. Vaswani et al. 2017, eq. 1 */
nas_status nas_attention(nas_value *y, nas_graph *g, nas_value qkv, int32_t heads) NAS_MUST_USE;
/* y[..,i,j] = x[..,i,r(i,j)], or x[..,0,r(i,j)] when shared: r numbers the distance from query i to key
 * j on a grid of tokens, so a bias for each distance [heads,1,R] becomes one for each pair
 * [heads,Q,K]. x [..,Q or 1,R], y [..,Q,K], R = nas_relative_count, Q = first + the places of the
 * queries, K = first + those of the keys; 0 is the number of pairs with a class token, if there are
 * any. The formulas stand in graph/ops/relative.c */
nas_status nas_relative(nas_value *y, nas_graph *g, nas_value x, const nas_attr *a) NAS_MUST_USE;
/* y[..,i,r] = sum of x[..,i,j] over the keys j with r(i,j) = r, and over i when shared: its adjoint */
nas_status nas_relative_sum(nas_value *y, nas_graph *g, nas_value x, const nas_attr *a) NAS_MUST_USE;
/* y[..,d] = table[ids[..],d]; table [V,D]; ids hold whole numbers, a number outside 0 … V-1 gives 0 */
nas_status nas_embed(nas_value *y, nas_graph *g, nas_value table, nas_value ids) NAS_MUST_USE;
/* y = a + b and y = a * b ; b is broadcast to a's shape (right-aligned; each dim equal or 1): a bias
 * [C], a position embedding [1,T,D], a squeeze-excite gate [N,1,1,C] */
nas_status nas_add(nas_value *y, nas_graph *g, nas_value a, nas_value b) NAS_MUST_USE;
nas_status nas_mul(nas_value *y, nas_graph *g, nas_value a, nas_value b) NAS_MUST_USE;
/* y = f(x), f of act.def; NAS_ACT_NONE gives x itself and adds no node */
nas_status nas_activation(nas_value *y, nas_graph *g, nas_value x, nas_act kind) NAS_MUST_USE;
/* y = softmax(x) over the last axis */
nas_status nas_softmax(nas_value *y, nas_graph *g, nas_value x) NAS_MUST_USE;
/* y = gamma (x - mean) / sqrt(var + eps) + beta over the last axis. Ba et al. 2016 */
nas_status nas_layer_norm(nas_value *y, nas_graph *g, nas_value x, nas_value gamma, nas_value beta, float eps) NAS_MUST_USE;
/* s [2,C]: mean and biased variance of x over all axes but the last */
nas_status nas_batch_stats(nas_value *s, nas_graph *g, nas_value x) NAS_MUST_USE;
/* y = gamma (x - s[0]) / sqrt(s[1] + eps) + beta for each channel. Ioffe and Szegedy 2015. When s is
 * BATCH_STATS of this x, dx holds the gradient through s as well; otherwise s is a constant. The op
 * itself also does act(y + residual), where it has a residual as fifth input and attr an act; with both,
 * only an act whose slope follows from its value has a gradient (relu, relu6) */
nas_status nas_batch_norm(nas_value *y, nas_graph *g, nas_value x, nas_value gamma, nas_value beta, nas_value s, float eps) NAS_MUST_USE;
/* max over the window (padding never wins); mean over the window */
nas_status nas_max_pool(nas_value *y, nas_graph *g, nas_value x, const nas_attr *a) NAS_MUST_USE;
nas_status nas_avg_pool(nas_value *y, nas_graph *g, nas_value x, const nas_attr *a) NAS_MUST_USE;
/* y [N,C] = mean of x [N,..,C] over all axes between */
nas_status nas_global_pool(nas_value *y, nas_graph *g, nas_value x) NAS_MUST_USE;
nas_status nas_reshape(nas_value *y, nas_graph *g, nas_value x, nas_shape shape) NAS_MUST_USE;
nas_status nas_transpose(nas_value *y, nas_graph *g, nas_value x, const int32_t *perm) NAS_MUST_USE;
nas_status nas_concat(nas_value *y, nas_graph *g, const nas_value *x, uint32_t n, int32_t axis) NAS_MUST_USE;
nas_status nas_slice(nas_value *y, nas_graph *g, nas_value x, int32_t axis, int32_t begin, int32_t end) NAS_MUST_USE;
nas_status nas_pad(nas_value *y, nas_graph *g, nas_value x, int32_t axis, int32_t before, int32_t behind) NAS_MUST_USE;
/* y = scale * x repeated to `shape` (dims 1 or equal, right-aligned): a class token over the batch */
nas_status nas_expand(nas_value *y, nas_graph *g, nas_value x, nas_shape shape, float scale) NAS_MUST_USE;
/* y = scale * sum of x over what `shape` lacks: the gradient of a broadcast */
nas_status nas_sum_to(nas_value *y, nas_graph *g, nas_value x, nas_shape shape, float scale) NAS_MUST_USE;
/* y = x mask / (1 - rate); mask is a function of (seed value, stream, element or sample), so the
 * gradient is the same op on dy. seed: a scalar INPUT, a whole number below 2^24, a new one each step.
 * Training and model graphs only. Srivastava et al. 2014; per_sample: Huang et al. 2016 */
nas_status nas_dropout(nas_value *y, nas_graph *g, nas_value x, nas_value seed, float rate, bool per_sample, int32_t stream) NAS_MUST_USE;
/* loss[n] = -sum_k t_k log softmax(logits[n])_k, t = (1-e) onehot(label) + e/K; logits [N,K], labels
 * [N] hold class numbers; a label outside 0 … K-1 is no class: onehot is 0, and
 * the gradient is meaningless. Szegedy et al. 2016 */
nas_status nas_cross_entropy(nas_value *loss, nas_graph *g, nas_value logits, nas_value labels, float smoothing) NAS_MUST_USE;
/* y[n] = 1 when the largest logit (the first of equals) is the label, else 0 */
nas_status nas_correct(nas_value *y, nas_graph *g, nas_value logits, nas_value labels) NAS_MUST_USE;
/* state = (1-m) state + m new, in place (the one op that writes its input): running statistics.
 * state, new [2,C]; the variance row is scaled by count/(count-1) */
nas_status nas_ema(nas_value *y, nas_graph *g, nas_value state, nas_value fresh, float momentum, int32_t count) NAS_MUST_USE;

/* What vjp appends; rarely built by hand. No op of this list has a gradient itself.
 *   conv2d_dx(dy, w) [N,size0,size1,C]      conv2d_dw(x, dy) [R,S,C/groups,K]; attr of the convolution,
 *                                           act, bias and residual 0
 *   attention_grad(qkv, dy) [N,T,3D]        act_grad(x, dy) = dy f'(x)
 *   softmax_grad(y, dy) = y (dy - sum(y dy)), y the softmax
 *   layer_norm_grad(x, gamma, dy) [rows+2,D]: dx, dgamma, dbeta; a fourth input is added to dx
 *   front(x): the first elements of x seen as `shape`, the same storage
 *   batch_norm_sums(x, dy, s) [2,C]: sum dy = dbeta, sum dy xhat = dgamma; xhat = (x-s[0])/sqrt(s[1]+eps)
 *   batch_norm_dx(x, dy, s, gamma, sums) = gamma/sqrt(s[1]+eps) (dy - sums[0]/n - xhat sums[1]/n), n the
 *     elements of a channel; without its fifth input, s is constant: gamma/sqrt(s[1]+eps) dy
 *   max_pool_dx(x, dy): to the first largest of each window, in the order of (h, w)
 *   avg_pool_dx(dy) [N,size0,size1,C]
 *   embed_grad(ids, dy) [rows,D]: the sum of dy over the places of each number
 *   cross_entropy_grad(logits, labels, dy) = dy[n] (softmax(logits[n]) - t[n]) */

/* The mask of DROPOUT: true to keep. All arithmetic is modulo 2^32, the same in C and OpenCL C:
 *   keep = mix(mix(mix(seed + 0x9E3779B9) ^ stream) + 0x9E3779B9 index) >= (uint)(rate * 4294967296.0f)
 *   mix(h): h ^= h >> 16; h *= 0x85EBCA6B; h ^= h >> 13; h *= 0xC2B2AE35; h ^= h >> 16
 * (MurmurHash3's finaliser, Appleby). index: of the element, or of the sample when per_sample. */
bool nas_dropout_keep(uint32_t seed, uint32_t stream, uint32_t index, float rate);

/* ---- an op as an object ------------------------------------------------------------------------- */

typedef enum nas_field_kind { NAS_FIELD_INT, NAS_FIELD_FLOAT, NAS_FIELD_SHAPE, NAS_FIELD_ACT } nas_field_kind;
typedef struct nas_field { /* one attribute, for the text form and the hash */
    const char *name;
    size_t offset;  /* in nas_attr */
    nas_field_kind kind;
    uint32_t count; /* > 1: an array */
    bool later;     /* came later: where it is 0, hashes are as they were before */
} nas_field;

enum {
    NAS_OPF_LEAF = 1,
    NAS_OPF_WRITES_IN0 = 2, /* its output is its first input, changed: EMA */
    NAS_OPF_ALIAS = 4,      /* its output is its first input, seen otherwise: RESHAPE */
    NAS_OPF_RANDOM = 8,     /* DROPOUT */
    NAS_OPF_ADDS_GRAD = 16, /* its vjp finds in dx[0] what other readers of its first input have sent
                               there, if any, and adds it */
};

typedef struct nas_op_info {
    const char *name;
    uint32_t min_in, max_in, flags;
    const nas_field *fields;
    uint32_t n_fields;
    /* shape rule: fills *out or fails with E_SHAPE / E_ARG */
    nas_status (*infer)(const nas_node *n, const nas_shape *in, nas_shape *out);
    /* macs and flops of one run (bytes and params are counted by the caller) */
    void (*cost)(const nas_node *n, const nas_shape *in, nas_cost *c);
    /* reference in double; EMA: out == in[0] */
    void (*ref)(const nas_node *n, const nas_shape *in_shape, const double *const *in, double *out);
    /* appends nodes that compute dx[i] for each input with want[i] (leaves NAS_NO_VALUE for inputs
     * without a gradient: labels, seeds). NULL: the op is not differentiable */
    nas_status (*vjp)(nas_graph *g, nas_value y, nas_value dy, const bool *want, nas_value *dx);
} nas_op_info;

const nas_op_info *nas_op_get(nas_op op);

/* ---- passes -------------------------------------------------------------------------------------- */

/* Appends the gradient of the scalar-or-[N] value `loss` (summed) with respect to each of wrt[i], as
 * ordinary nodes; grad[i] is NAS_NO_VALUE where loss does not depend on it. E_GRAPH when an op on the
 * way has no gradient. A failure leaves the graph as it was. */
nas_status nas_graph_backward(nas_value *grad, nas_graph *g, nas_value loss, const nas_value *wrt, uint32_t n) NAS_MUST_USE;

/* The same network at another batch size: every shape is inferred anew. The batch is the leading
 * dimension of the INPUTs that are no scalars, and of what follows from them: of a RESHAPE when it is a
 * multiple of the batch, of an EXPAND of a param when it is the batch and 1 or absent before. Not for
 * training graphs (E_UNSUPPORTED): rebatch the model instead. */
nas_status nas_graph_rebatch(nas_graph **out, const nas_graph *g, int32_t batch) NAS_MUST_USE;

/* A training step as one graph. params come in the order of the model; a param that the loss does
 * not reach is an error (E_GRAPH). */
typedef struct nas_training {
    nas_graph *graph;
    nas_value x, labels, seed; /* INPUTs: [N,...], [N], scalar (NAS_NO_VALUE when nothing is random) */
    nas_value loss;            /* [N], cross-entropy of each sample */
    nas_value correct;         /* [N] */
    nas_value logits;          /* [N,classes] */
    uint32_t n_params;
    nas_value *param, *grad;   /* grad: of the batch's mean loss */
} nas_training;
typedef struct nas_training_options {
    float smoothing;   /* label smoothing */
    float bn_momentum; /* weight of the new batch in the running statistics; 0: 0.1 */
} nas_training_options;
nas_status nas_graph_training(nas_training *out, const nas_graph *model, const nas_training_options *o) NAS_MUST_USE;
void nas_training_free(nas_training *t);

/* The network as it runs after training. folds tell how its params come from the model's:
 *   w'[..,k] = w[..,k] f[k],  b'[k] = beta[k] + (b[k] - mean[k]) f[k],  f[k] = gamma[k]/sqrt(var[k]+eps)
 * The weight keeps its name and the bias takes beta's. Leaves that are not folded keep name and shape. */
typedef struct nas_fold {
    char weight[128], bias[128];                   /* names in the inference graph */
    char w[128], b[128], gamma[128], beta[128], stats[128]; /* names in the model; b "" when none */
    float eps;
} nas_fold;
typedef struct nas_inference {
    nas_graph *graph; /* output: logits */
    uint32_t n_folds;
    nas_fold *fold;
} nas_inference;
nas_status nas_graph_inference(nas_inference *out, const nas_graph *model) NAS_MUST_USE;
void nas_inference_free(nas_inference *t);

/* ---- counts, text, identity ----------------------------------------------------------------------- */

void nas_graph_node_cost(nas_cost *out, const nas_graph *g, nas_value v);
void nas_graph_cost(nas_cost *out, const nas_graph *g); /* sum; params: elements of PARAM leaves */

/* Text form: one line a node; reads back equal. E_PARSE has the line. */
nas_status nas_graph_write(nas_text *out, const nas_graph *g) NAS_MUST_USE;
nas_status nas_graph_read(nas_graph **out, const char *text, size_t n, const char *name) NAS_MUST_USE;

/* Checks every invariant (topology, shapes, unique names, EMA only on STATE): for passes and tests. */
nas_status nas_graph_verify(const nas_graph *g) NAS_MUST_USE;

/* Structure only: equal for two graphs that compute the same function of input and params with the
 * same ops, whatever the names, scopes, batch size or order of independent nodes. (Of a training graph
 * the batch counts: its loss is a mean over it.) */
uint64_t nas_graph_hash(const nas_graph *g);

/* ---- reference run --------------------------------------------------------------------------------- */

/* Runs the graph in double, node by node. values: nas_graph_count pointers; those of leaves point to
 * the caller's data, the others to the caller's storage of nas_shape_count elements each. */
nas_status nas_graph_run_ref(const nas_graph *g, double *const *values) NAS_MUST_USE;

/* Initial values of a PARAM, STATE or CONSTANT: a stream (seed, "init", hash of its name). A STATE [2,C]
 * holds running statistics: its means start at 0, its variances at scale. */
nas_status nas_graph_init_leaf(float *out, const nas_graph *g, nas_value v, uint64_t seed) NAS_MUST_USE;

#ifdef __cplusplus
}
#endif
#endif
