/* runtime/rows.h - the device's table of kernels: for each op rows of {guard, emit}, the most
 * special first, the last without a guard. A row turns a node into launches. */
#ifndef NAS_RUNTIME_ROWS_H
#define NAS_RUNTIME_ROWS_H

#include "device.h"

typedef enum karg_kind {
    KARG_VALUE,
    KARG_SCRATCH,
    KARG_ZERO,
    KARG_TOGETHER,
    KARG_I32,
    KARG_F32
} karg_kind;
typedef struct karg {
    karg_kind kind;
    uint32_t value; /* VALUE */
    size_t first;   /* SCRATCH: element in the scratch block */
    int32_t i;
    float f;
} karg;
#define KV(v)     ((karg){.kind = KARG_VALUE, .value = (v).id})
#define KIN(e, k) ((karg){.kind = KARG_VALUE, .value = (e)->n->in[k].id})
#define KOUT(e)   ((karg){.kind = KARG_VALUE, .value = (e)->id})
#define KS(at)    ((karg){.kind = KARG_SCRATCH, .first = (at)})
#define KZ        ((karg){.kind = KARG_ZERO})
#define KI(x)     ((karg){.kind = KARG_I32, .i = (int32_t)(x)})
#define KF(x)     ((karg){.kind = KARG_F32, .f = (float)(x)})

/* An argument of a library's routine, resolved. */
typedef union call_arg {
    cl_mem mem;
    int32_t i;
    float f;
} call_arg;
/* Enqueues a library's work on *q. */
typedef nas_status (*library_call)(cl_command_queue *q, const call_arg *args);

typedef struct launch {
    const char *file, *kernel;
    library_call call; /* not NULL: a library's routine instead of a kernel of a file */
    size_t global[3];
    uint32_t node;
    size_t first_arg;
    uint32_t n_args;
} launch;

typedef struct emitter {
    nas_device *d;
    const nas_graph *g;
    launch *launches;
    size_t n_launches, cap_launches;
    karg *args;
    size_t n_args, cap_args;
    size_t scratch_max; /* elements that the hungriest node wants */
    bool joins;         /* launches may become one: joint.h */
    nas_status status;  /* first failure; later calls do nothing */
    bool guess;         /* candidates are taken to be right, without a look */
    /* the node at hand */
    uint32_t id;
    const nas_node *n;
    const nas_shape *in[NAS_MAX_IN];
    size_t scratch;
} emitter;

typedef struct row {
    bool (*guard)(const emitter *e); /* NULL: always */
    void (*emit)(emitter *e);
} row;

/* Rows of an op; NULL for leaves and aliases. */
const row *rows_get(nas_op op);

/* Appends the launches of a node. */
nas_status rows_emit(emitter *e, uint32_t id) NAS_MUST_USE;
void rows_free(emitter *e);

/* For rows: one launch over at least gx, gy, gz items; LAUNCH counts the arguments. */
void rows_launch(emitter *e, const char *file, const char *kernel, size_t gx, size_t gy, size_t gz,
                 const karg *args, size_t n_args);
#define LAUNCH(e, file, kernel, gx, gy, gz, ...)                                                   \
    rows_launch((e), (file), (kernel), (size_t)(gx), (size_t)(gy), (size_t)(gz),                   \
                (const karg[]){__VA_ARGS__}, sizeof((const karg[]){__VA_ARGS__}) / sizeof(karg))
/* The same with a library's routine, which chooses its own work-items. */
void rows_call(emitter *e, const char *name, library_call call, const karg *args, size_t n_args);
/* Takes elements of scratch for this node; returns where they start. */
size_t rows_scratch(emitter *e, size_t count);

static inline int64_t rows_div(int64_t a, int64_t b) {
    return (a + b - 1) / b;
}
static inline int64_t rows_count(const nas_shape *s) {
    return nas_shape_count(s);
}
static inline int32_t rows_last(const nas_shape *s) {
    return s->rank ? s->dim[s->rank - 1] : 1;
}
/* How many pieces to cut `work` items into so that each has at least `least` and there is work for
 * every compute unit. */
int32_t rows_pieces(const emitter *e, int64_t work, int64_t least, int64_t other, int64_t most);

/* Whether rows of n columns fill the large register tile well enough; else tiles of one vector. */
static inline bool rows_wide(const emitter *e, int64_t n) {
    int64_t vw = e->d->tile.vw, wide = e->d->tile.nv * vw;
    return n >= wide && (n % wide == 0 || n % wide > vw || n > 4 * wide);
}
/* Where pieces of work write a partial sum of `size` elements each, and the launch that adds them
 * up; one piece writes the result itself. */
karg rows_parts_begin(emitter *e, int64_t pieces, int64_t size);
void rows_parts_end(emitter *e, karg parts, int64_t pieces, int64_t size);

/* Each file of rows; the table in rows.c names them. */
extern const row rows_conv2d[], rows_conv2d_dx[], rows_conv2d_dw[], rows_matmul[], rows_attention[],
    rows_attention_grad[], rows_add[], rows_mul[], rows_act[], rows_act_grad[], rows_dropout[],
    rows_softmax[], rows_softmax_grad[], rows_layer_norm[], rows_layer_norm_grad[],
    rows_batch_stats[], rows_batch_norm[], rows_batch_norm_sums[], rows_batch_norm_dx[], rows_ema[],
    rows_max_pool[], rows_max_pool_dx[], rows_avg_pool[], rows_avg_pool_dx[], rows_global_pool[],
    rows_transpose[], rows_concat[], rows_slice[], rows_pad[], rows_expand[], rows_sum_to[],
    rows_cross_entropy[], rows_cross_entropy_grad[], rows_correct[];
extern const row rows_relative[], rows_relative_sum[], rows_embed[], rows_embed_grad[];

/* out[a,c] = scale * sum_r x[a,r,c]: shared by sums, means and bias gradients. */
void rows_sum_middle(emitter *e, karg x, karg out, int64_t a, int64_t r, int64_t c, float scale);
/* The row of sums of a product whose kernel knows nothing of it. */
void rows_matmul_sums(emitter *e);
/* A copy of rows with pitches: shared by concat, slice, pad and gradients that need a place. */
void rows_copy(emitter *e, karg from, karg to, int64_t rows, int64_t inner, int64_t from_pitch,
               int64_t from_first, int64_t to_pitch, int64_t to_first);

#endif
