/* search/attention.c - attention as nodes: one fused op where that is all of it, else products,
 * softmax and what stands between them. */
#include "attention.h"

#include <math.h>
#include <string.h>

/* What attends: tokens [N,T,C] that stand on a grid, maybe behind a class token. */
typedef struct field {
    nas_value v;
    int32_t rows, columns, first;
} field;

/* Everything that the steps below need of one attention; heads share widths key and value. */
typedef struct plan_of_heads {
    const attention_spec *s;
    int32_t heads, key, value, out;
    field x, q, k; /* source, and where queries and keys stand; k also for the values */
    nas_value values_from;
    float scale;
} plan_of_heads;

/* ---- tokens and images ---- */

static field field_of(const build *b, nas_value x) {
    const nas_shape *s = shape_of(b, x);
    field f = {.v = x};
    if (s->rank == 4) {
        f.rows = s->dim[1];
        f.columns = s->dim[2];
        return f;
    }
    f.first = b->class_token ? 1 : 0;
    f.rows = b->grid[0];
    f.columns = b->grid[1];
    if (f.rows * f.columns + f.first != s->dim[1]) {
        f.rows = 1;
        f.columns = s->dim[1] - f.first;
    }
    return f;
}

static nas_status flat(build *b, nas_value *x) {
    const nas_shape s = *shape_of(b, *x);
    if (s.rank == 3)
        return NAS_OK;
    return nas_reshape(x, b->g, *x, NAS_SHAPE(s.dim[0], s.dim[1] * s.dim[2], s.dim[3]));
}

/* [N,H,W,C] to [N H/w W/w, w w, C]; an image that is no larger than a window is one. */
static nas_status cut_windows(build *b, field *f, int32_t w) {
    const nas_shape s = *shape_of(b, f->v);
    if (s.dim[1] <= w && s.dim[2] <= w)
        return flat(b, &f->v);
    if (s.dim[1] % w != 0 || s.dim[2] % w != 0)
        return nas_fail(NAS_E_SHAPE, "windows of %dx%d do not tile %dx%d", w, w, s.dim[1],
                        s.dim[2]);
    int32_t rows = s.dim[1] / w, columns = s.dim[2] / w;
    NAS_TRY(nas_reshape(&f->v, b->g, f->v, NAS_SHAPE(s.dim[0], rows, w, columns, w, s.dim[3])));
    NAS_TRY(nas_transpose(&f->v, b->g, f->v, (int32_t[]){0, 1, 3, 2, 4, 5}));
    f->rows = f->columns = w;
    return nas_reshape(&f->v, b->g, f->v, NAS_SHAPE(s.dim[0] * rows * columns, w * w, s.dim[3]));
}

static nas_status join_windows(build *b, nas_value *y, const nas_shape *image, int32_t w) {
    int32_t rows = image->dim[1] / w, columns = image->dim[2] / w, c = shape_of(b, *y)->dim[2];
    if (image->dim[1] <= w && image->dim[2] <= w)
        return to_image(b, y, image->dim[1], image->dim[2]);
    NAS_TRY(nas_reshape(y, b->g, *y, NAS_SHAPE(image->dim[0], rows, columns, w, w, c)));
    NAS_TRY(nas_transpose(y, b->g, *y, (int32_t[]){0, 1, 3, 2, 4, 5}));
    return nas_reshape(y, b->g, *y, NAS_SHAPE(image->dim[0], image->dim[1], image->dim[2], c));
}

/* ---- where queries, keys and values come from ---- */

/* A depthwise convolution on the grid; class tokens pass by. */
static nas_status depthwise(build *b, field *f, const char *part, int32_t kernel, int32_t stride,
                            bool norm) {
    const nas_shape s = *shape_of(b, f->v);
    int32_t c = s.dim[s.rank - 1];
    conv_spec spec = {.out = c, .kernel = kernel, .stride = stride, .groups = c, .norm = norm};
    nas_value tokens = NAS_NO_VALUE;
    if (s.rank == 3 && f->first > 0) {
        NAS_TRY(nas_slice(&tokens, b->g, f->v, 1, 0, f->first));
        NAS_TRY(nas_slice(&f->v, b->g, f->v, 1, f->first, s.dim[1]));
    }
    if (s.rank == 3)
        NAS_TRY(to_image(b, &f->v, f->rows, f->columns));
    NAS_TRY(conv_norm_act(b, &f->v, part, &spec));
    f->rows = shape_of(b, f->v)->dim[1];
    f->columns = shape_of(b, f->v)->dim[2];
    NAS_TRY(flat(b, &f->v));
    return nas_value_ok(tokens) ? nas_concat(&f->v, b->g, (nas_value[]){tokens, f->v}, 2, 1)
                                : NAS_OK;
}

static nas_status every(build *b, field *f, int32_t stride) {
    NAS_TRY(want_image(b, f->v, "attention with a stride"));
    nas_attr a = {.conv = {.kernel = {1, 1}, .stride = {stride, stride}, .dilation = {1, 1}}};
    NAS_TRY(nas_avg_pool(&f->v, b->g, f->v, &a));
    f->rows = shape_of(b, f->v)->dim[1];
    f->columns = shape_of(b, f->v)->dim[2];
    return NAS_OK;
}

static nas_status reduced(build *b, field *f, int32_t size) {
    NAS_TRY(want_image(b, f->v, "attention with reduced keys"));
    conv_spec spec = {.out = shape_of(b, f->v)->dim[3],
                      .kernel = size,
                      .stride = size,
                      .groups = 1,
                      .pad = "valid",
                      .bias = true};
    NAS_TRY(conv_norm_act(b, &f->v, "attention.reduce", &spec));
    f->rows = shape_of(b, f->v)->dim[1];
    f->columns = shape_of(b, f->v)->dim[2];
    return layer_norm(b, &f->v, "attention.reduce.norm", 1e-5f);
}

static nas_status remembered(build *b, field *f, uint32_t layers) {
    if (layers > b->n_memory)
        return nas_fail(
            NAS_E_SHAPE,
            "memory: %u layers of an encoder are wanted, but %u (each ends with an mlp or "
            "a transformer) stand before it",
            layers, b->n_memory);
    const nas_value *last = b->memory + b->n_memory - layers;
    if (layers == 1)
        f->v = last[0];
    else
        NAS_TRY(nas_concat(&f->v, b->g, last, layers, 1));
    f->rows = 1;
    f->columns = shape_of(b, f->v)->dim[1];
    f->first = 0;
    return NAS_OK;
}

static nas_status sources(build *b, plan_of_heads *p) {
    const attention_spec *s = p->s;
    p->q = p->k = p->x;
    if (s->stride > 1)
        NAS_TRY(every(b, &p->q, s->stride));
    if (s->reduce > 1)
        NAS_TRY(reduced(b, &p->k, s->reduce));
    if (s->memory > 0)
        NAS_TRY(remembered(b, &p->k, s->memory));
    field values = p->k;
    if (s->project > 0) {
        int32_t stride = s->kv_stride > 0 ? s->kv_stride : 1;
        NAS_TRY(depthwise(b, &p->q, "attention.q.depthwise", s->project, 1, true));
        NAS_TRY(depthwise(b, &p->k, "attention.k.depthwise", s->project, stride, true));
        NAS_TRY(depthwise(b, &values, "attention.v.depthwise", s->project, stride, true));
    }
    NAS_TRY(flat(b, &p->q.v));
    NAS_TRY(flat(b, &p->k.v));
    NAS_TRY(flat(b, &values.v));
    p->values_from = values.v;
    return NAS_OK;
}

/* ---- products ---- */

static nas_status project(build *b, const plan_of_heads *p, nas_value *x, const char *part,
                          int32_t out, bool bias) {
    NAS_TRY(linear(b, x, part, out, bias && !p->s->norm, LINEAR_TRUNC_NORMAL));
    return p->s->norm ? batch_norm(b, x, part) : NAS_OK;
}

/* [N,T,heads e] to [N,heads,T,e] */
static nas_status split_heads(build *b, nas_value *x, int32_t heads) {
    const nas_shape s = *shape_of(b, *x);
    NAS_TRY(nas_reshape(x, b->g, *x, NAS_SHAPE(s.dim[0], s.dim[1], heads, s.dim[2] / heads)));
    return nas_transpose(x, b->g, *x, (int32_t[]){0, 2, 1, 3});
}

static nas_status scaled(build *b, nas_value *y, nas_value q, nas_value k, float alpha) {
    nas_attr a = {.matmul = {.tb = 1, .alpha = alpha}};
    return nas_graph_add(y, b->g, NAS_OP_MATMUL, (nas_value[]){q, k}, 2, &a);
}

static nas_attr relative_of(const plan_of_heads *p, nas_relative_form kind) {
    nas_attr a = {.relative = {.grid = {p->k.rows, p->k.columns},
                               .clip = {p->k.rows - 1, p->k.columns - 1},
                               .stride = p->s->stride > 1 ? p->s->stride : 1,
                               .first = p->k.first,
                               .form = (int32_t)kind}};
    for (int i = 0; i < 2; i++)
        a.relative.clip[i] = p->s->clip > 0 ? p->s->clip : a.relative.clip[i];
    return a;
}

/* scores + table[distance] for every head */
static nas_status add_bias(build *b, const plan_of_heads *p, nas_value *scores) {
    nas_value table, bias;
    nas_attr a =
        relative_of(p, p->s->position == POSITION_ABS ? NAS_RELATIVE_ABS : NAS_RELATIVE_SIGNED);
    a.relative.shared = 1;
    NAS_TRY(
        embedding(&table, b, "attention", "table", NAS_SHAPE(p->heads, 1, nas_relative_count(&a))));
    NAS_TRY(nas_relative(&bias, b->g, table, &a));
    return nas_add(scores, b->g, *scores, bias);
}

static const struct {
    nas_relative_form form;
    const char *met, *given;
} axes[] = {{NAS_RELATIVE_ROWS, "rows_k", "rows_v"},
            {NAS_RELATIVE_COLUMNS, "columns_k", "columns_v"}};

/* scores + scale q table[distance], along each axis */
static nas_status add_met(build *b, const plan_of_heads *p, nas_value q, nas_value *scores) {
    for (int i = 0; i < 2; i++) {
        nas_attr a = relative_of(p, axes[i].form);
        nas_value table, met;
        NAS_TRY(embedding(&table, b, "attention", axes[i].met,
                          NAS_SHAPE(nas_relative_count(&a), p->key)));
        NAS_TRY(scaled(b, &met, q, table, p->scale));
        NAS_TRY(nas_relative(&met, b->g, met, &a));
        NAS_TRY(nas_add(scores, b->g, *scores, met));
    }
    return NAS_OK;
}

/* y + weights table[distance], along each axis: the weights of each distance, times the table */
static nas_status add_given(build *b, const plan_of_heads *p, nas_value weights, nas_value *y) {
    for (int i = 0; i < 2; i++) {
        nas_attr a = relative_of(p, axes[i].form);
        nas_value table, given;
        NAS_TRY(embedding(&table, b, "attention", axes[i].given,
                          NAS_SHAPE(nas_relative_count(&a), p->value)));
        NAS_TRY(nas_relative_sum(&given, b->g, weights, &a));
        NAS_TRY(nas_matmul(&given, b->g, given, table, false, false));
        NAS_TRY(nas_add(y, b->g, *y, given));
    }
    return NAS_OK;
}

/* [N,heads,Q,K], heads mixed by a matrix */
static nas_status talk(build *b, nas_value *x, const char *part) {
    NAS_TRY(nas_transpose(x, b->g, *x, (int32_t[]){0, 2, 3, 1}));
    NAS_TRY(linear(b, x, part, shape_of(b, *x)->dim[3], true, LINEAR_TRUNC_NORMAL));
    return nas_transpose(x, b->g, *x, (int32_t[]){0, 3, 1, 2});
}

/* q [N,Q,heads key], k [N,K,heads key], v [N,K,heads value] to y [N,Q,heads value] */
static nas_status attend(build *b, const plan_of_heads *p, nas_value q, nas_value k, nas_value v,
                         nas_value *y) {
    nas_value scores;
    NAS_TRY(split_heads(b, &q, p->heads));
    NAS_TRY(split_heads(b, &k, p->heads));
    NAS_TRY(split_heads(b, &v, p->heads));
    NAS_TRY(scaled(b, &scores, q, k, p->scale));
    if (p->s->position == POSITION_ABS || p->s->position == POSITION_SIGNED)
        NAS_TRY(add_bias(b, p, &scores));
    if (p->s->position == POSITION_SPLIT)
        NAS_TRY(add_met(b, p, q, &scores));
    if (p->s->talk)
        NAS_TRY(talk(b, &scores, "attention.talk1"));
    NAS_TRY(nas_softmax(&scores, b->g, scores));
    if (p->s->talk)
        NAS_TRY(talk(b, &scores, "attention.talk2"));
    NAS_TRY(nas_matmul(y, b->g, scores, v, false, false));
    if (p->s->position == POSITION_SPLIT)
        NAS_TRY(add_given(b, p, scores, y));
    NAS_TRY(nas_transpose(y, b->g, *y, (int32_t[]){0, 2, 1, 3}));
    const nas_shape s = *shape_of(b, *y);
    return nas_reshape(y, b->g, *y, NAS_SHAPE(s.dim[0], s.dim[1], p->heads * p->value));
}

static nas_status attend_apart(build *b, plan_of_heads *p, nas_value *y) {
    const attention_spec *s = p->s;
    if (s->causal)
        return nas_fail(NAS_E_SHAPE, "causal: only for plain attention of tokens to themselves");
    NAS_TRY(sources(b, p));
    nas_value q = p->q.v, k = p->k.v, v = p->values_from;
    NAS_TRY(project(b, p, &q, "attention.q", p->heads * p->key, s->bias));
    NAS_TRY(project(b, p, &k, "attention.k", p->heads * p->key, s->bias));
    NAS_TRY(project(b, p, &v, "attention.v", p->heads * p->value, s->bias));
    if (s->local > 0) {
        field local = p->k;
        local.v = v;
        NAS_TRY(depthwise(b, &local, "attention.local", s->local, 1, false));
        v = local.v;
    }
    return attend(b, p, q, k, v, y);
}

static nas_status attend_fused(build *b, plan_of_heads *p, nas_value *y) {
    nas_attr a = {.attention = {.heads = p->heads, .causal = p->s->causal}};
    p->q = p->x;
    *y = p->x.v;
    NAS_TRY(flat(b, y));
    NAS_TRY(project(b, p, y, "attention.qkv", 3 * p->heads * p->key, p->s->bias));
    return nas_graph_add(y, b->g, NAS_OP_ATTENTION, y, 1, &a);
}

/* ---- the whole ---- */

position_kind position_of(const char *word) {
    static const char *const words[] = {[POSITION_NONE] = "none",
                                        [POSITION_ABS] = "abs",
                                        [POSITION_SIGNED] = "signed",
                                        [POSITION_SPLIT] = "split"};
    size_t i = POSITION_SPLIT;
    while (i > 0 && strcmp(words[i], word) != 0)
        i--;
    return (position_kind)i;
}

static bool is_plain(const plan_of_heads *p) {
    const attention_spec *s = p->s;
    return p->key == p->value && s->position == POSITION_NONE && !s->talk && s->stride <= 1 &&
           s->reduce <= 1 && s->project == 0 && s->local == 0 && s->memory == 0;
}

static nas_status plan_heads(plan_of_heads *p, const build *b, nas_value x,
                             const attention_spec *s) {
    const nas_shape *in = shape_of(b, x);
    int32_t width = in->dim[in->rank - 1];
    if (in->rank != 3 && in->rank != 4)
        return want_tokens(b, x, "attention");
    if (s->key == 0 && width % s->heads != 0)
        return nas_fail(NAS_E_SHAPE, "%d heads do not divide tokens of width %d", s->heads, width);
    if (s->window > 0)
        NAS_TRY(want_image(b, x, "attention in windows"));
    p->heads = s->heads;
    p->key = s->key > 0 ? s->key : width / s->heads;
    p->value = s->value > 0 ? s->value : p->key;
    p->out = s->out > 0 ? s->out : width;
    p->x = field_of(b, x);
    p->scale = (float)(1 / sqrt((double)p->key));
    return NAS_OK;
}

nas_status attention(build *b, nas_value *x, const attention_spec *s) {
    const nas_shape in = *shape_of(b, *x);
    plan_of_heads p = {.s = s};
    nas_value y = NAS_NO_VALUE;
    NAS_TRY(plan_heads(&p, b, *x, s));
    if (s->window > 0)
        NAS_TRY(cut_windows(b, &p.x, s->window));
    NAS_TRY((is_plain(&p) ? attend_fused : attend_apart)(b, &p, &y));
    NAS_TRY(nas_activation(&y, b->g, y, s->act));
    NAS_TRY(project(b, &p, &y, "attention.project", p.out, true));
    if (s->window > 0)
        NAS_TRY(join_windows(b, &y, &in, s->window));
    else if (in.rank == 4)
        NAS_TRY(to_image(b, &y, p.q.rows, p.q.columns));
    *x = y;
    return NAS_OK;
}
