/* search/block.c - the list of blocks, their arguments, and the parts they are made of. */
#include "block.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static const block_kind *const kinds[] = {
#define BLOCK(name) &block_##name,
#include "blocks.def"
#undef BLOCK
};
enum { N_KINDS = sizeof kinds / sizeof *kinds };

const block_kind *block_find(const char *name) {
    for (size_t i = 0; i < N_KINDS; i++)
        if (strcmp(kinds[i]->name, name) == 0)
            return kinds[i];
    return NULL;
}

const char *block_nearest(const char *name) {
    const char *known[N_KINDS];
    for (size_t i = 0; i < N_KINDS; i++)
        known[i] = kinds[i]->name;
    return nas_nearest(name, known, N_KINDS);
}

/* ---- arguments ---- */

bool arg_given(const form *args, const char *name) {
    return form_get(args, name) != NULL;
}

const char *arg_word(const block_kind *k, const form *args, const char *name) {
    const form *f = form_get(args, name);
    if (f != NULL)
        return f->text;
    for (uint32_t i = 0; i < k->n_args; i++)
        if (strcmp(k->args[i].name, name) == 0)
            return k->args[i].fallback;
    return "";
}

int32_t arg_int(const block_kind *k, const form *args, const char *name) {
    return (int32_t)strtol(arg_word(k, args, name), NULL, 10);
}

double arg_real(const block_kind *k, const form *args, const char *name) {
    const form *f = form_get(args, name);
    double v;
    /* core reads a point as a point in every locale; fallbacks and products have none */
    if (f != NULL && f->value != NULL && nas_yaml_double(&v, f->value, -DBL_MAX, DBL_MAX) == NAS_OK)
        return v;
    if (f != NULL && f->value == NULL)
        return f->number;
    return nas_number_read(&v, arg_word(k, args, name)) ? v : 0;
}

bool arg_bool(const block_kind *k, const form *args, const char *name) {
    return strchr("tT", arg_word(k, args, name)[0]) != NULL && arg_word(k, args, name)[0] != '\0';
}

nas_act arg_act(const block_kind *k, const form *args, const char *name) {
    nas_act act = NAS_ACT_NONE;
    nas_status st = nas_act_from_name(&act, arg_word(k, args, name));
    return st == NAS_OK ? act : NAS_ACT_NONE;
}

/* ---- values ---- */

const nas_shape *shape_of(const build *b, nas_value x) {
    return nas_graph_shape(b->g, x);
}

/* rank 4: image, 3: tokens, 2: vector */
static const char *const rank_names[] = {
    [0] = "a scalar", [1] = "a list", [2] = "a vector", [3] = "tokens", [4] = "an image"};

static nas_status want_rank(const build *b, nas_value x, const char *what, int32_t rank,
                            const char *hint) {
    char text[NAS_SHAPE_TEXT];
    const nas_shape *s = shape_of(b, x);
    if (s->rank == rank)
        return NAS_OK;
    return nas_fail(NAS_E_SHAPE, "%s needs %s, but here %s %s %s%s", what, rank_names[rank],
                    s->rank == 3 ? "are" : "is", rank_names[s->rank > 4 ? 4 : s->rank],
                    nas_shape_text(text, s, 1), hint);
}

nas_status want_image(const build *b, nas_value x, const char *what) {
    bool tokens = shape_of(b, x)->rank == 3;
    return want_rank(b, x, what, 4, tokens ? ": put it before the block that makes tokens" : "");
}

nas_status want_tokens(const build *b, nas_value x, const char *what) {
    return want_rank(b, x, what, 3, ": put a patch block before it");
}

nas_status flatten(build *b, nas_value *x) {
    const nas_shape s = *shape_of(b, *x);
    if (s.rank == 2)
        return NAS_OK;
    return nas_reshape(x, b->g, *x, NAS_SHAPE(s.dim[0], (int32_t)(nas_shape_count(&s) / s.dim[0])));
}

nas_status leaf(nas_value *v, build *b, const char *part, const char *role, nas_op op,
                nas_attr attr) {
    char name[2 * PATH_BYTES];
    snprintf(name, sizeof name, "%s.%s%s%s", b->path, part, role[0] != '\0' ? "." : "", role);
    return nas_graph_leaf(v, b->g, op, name, &attr);
}

static nas_status leaf_of_value(nas_value *v, build *b, const char *part, const char *role,
                                nas_op op, nas_shape shape, float value) {
    nas_attr attr = {.leaf = {.shape = shape, .init = NAS_INIT_VALUE, .scale = value}};
    return leaf(v, b, part, role, op, attr);
}

/* ---- parts ---- */

nas_status batch_norm(build *b, nas_value *x, const char *part) {
    const nas_shape *s = shape_of(b, *x);
    int32_t c = s->dim[s->rank - 1];
    nas_value gamma, beta, stats;
    NAS_TRY(leaf_of_value(&gamma, b, part, "gamma", NAS_OP_PARAM, NAS_SHAPE(c), 1));
    NAS_TRY(leaf_of_value(&beta, b, part, "beta", NAS_OP_PARAM, NAS_SHAPE(c), 0));
    /* row 0 (means) starts at 0, row 1 (variances) at the value */
    NAS_TRY(leaf_of_value(&stats, b, part, "stats", NAS_OP_STATE, NAS_SHAPE(2, c), 1));
    return nas_batch_norm(x, b->g, *x, gamma, beta, stats, 1e-5f);
}

nas_status layer_norm(build *b, nas_value *x, const char *part, float eps) {
    const nas_shape *s = shape_of(b, *x);
    int32_t d = s->dim[s->rank - 1];
    nas_value gamma, beta;
    NAS_TRY(leaf_of_value(&gamma, b, part, "gamma", NAS_OP_PARAM, NAS_SHAPE(d), 1));
    NAS_TRY(leaf_of_value(&beta, b, part, "beta", NAS_OP_PARAM, NAS_SHAPE(d), 0));
    return nas_layer_norm(x, b->g, *x, gamma, beta, eps);
}

void pad_of(int32_t pad[4], const char *text, int32_t kernel, int32_t dilation) {
    memset(pad, 0, 4 * sizeof *pad);
    if (strcmp(text, "valid") == 0)
        return;
    int32_t whole = dilation * (kernel - 1), before = whole / 2, behind = whole - before;
    if (strcmp(text, "same") != 0)
        before = behind = (int32_t)strtol(text, NULL, 10);
    pad[0] = pad[2] = before;
    pad[1] = pad[3] = behind;
}

static nas_status conv_weight(nas_value *w, build *b, int32_t channels, const char *part,
                              const conv_spec *s) {
    if (channels % s->groups != 0 || s->out % s->groups != 0)
        return nas_fail(NAS_E_SHAPE,
                        "groups %d must divide the %d channels before and the %d behind", s->groups,
                        channels, s->out);
    int32_t wide = s->wide > 0 ? s->wide : s->kernel;
    double fan_out = (double)s->kernel * wide * s->out / s->groups;
    nas_attr attr = {.leaf = {.shape = NAS_SHAPE(s->kernel, wide, channels / s->groups, s->out),
                              .init = NAS_INIT_NORMAL,
                              .scale = (float)sqrt(2 / fan_out),
                              .decay = 1}};
    return leaf(w, b, part, "weight", NAS_OP_PARAM, attr);
}

nas_status conv_norm_act(build *b, nas_value *x, const char *part, const conv_spec *s) {
    nas_value w, bias;
    NAS_TRY(want_image(b, *x, "a convolution"));
    NAS_TRY(conv_weight(&w, b, shape_of(b, *x)->dim[3], part, s));
    nas_attr attr = {0};
    int32_t dilation = s->dilation > 0 ? s->dilation : 1;
    for (int i = 0; i < 2; i++) {
        attr.conv.kernel[i] = s->kernel;
        attr.conv.stride[i] = s->stride;
        attr.conv.dilation[i] = dilation;
    }
    pad_of(attr.conv.pad, s->pad != NULL ? s->pad : "same", s->kernel, dilation);
    if (s->wide > 0) {
        int32_t across[4];
        pad_of(across, s->pad != NULL ? s->pad : "same", s->wide, dilation);
        attr.conv.kernel[1] = s->wide;
        attr.conv.pad[2] = across[2];
        attr.conv.pad[3] = across[3];
    }
    attr.conv.groups = s->groups;
    NAS_TRY(nas_conv2d(x, b->g, *x, w, &attr));
    if (s->bias) {
        NAS_TRY(leaf_of_value(&bias, b, part, "bias", NAS_OP_PARAM, NAS_SHAPE(s->out), 0));
        NAS_TRY(nas_add(x, b->g, *x, bias));
    }
    if (s->norm)
        NAS_TRY(batch_norm(b, x, part));
    return nas_activation(x, b->g, *x, s->act);
}

nas_status linear(build *b, nas_value *x, const char *part, int32_t out, bool bias,
                  linear_init init) {
    static const int32_t kind[] = {
        [LINEAR_TRUNC_NORMAL] = NAS_INIT_TRUNC_NORMAL, [LINEAR_UNIFORM] = NAS_INIT_UNIFORM};
    const nas_shape *s = shape_of(b, *x);
    int32_t in = s->dim[s->rank - 1];
    nas_value w, v = NAS_NO_VALUE;
    nas_attr attr = {.leaf = {.shape = NAS_SHAPE(in, out), .init = kind[init], .decay = 1}};
    attr.leaf.scale = init == LINEAR_TRUNC_NORMAL ? 0.02f : (float)(1 / sqrt((double)in));
    NAS_TRY(leaf(&w, b, part, "weight", NAS_OP_PARAM, attr));
    if (bias)
        NAS_TRY(leaf_of_value(&v, b, part, "bias", NAS_OP_PARAM, NAS_SHAPE(out), 0));
    return nas_linear(x, b->g, *x, w, v);
}

nas_status dropout(build *b, nas_value *x, double rate, bool per_sample) {
    if (rate <= 0)
        return NAS_OK;
    if (!nas_value_ok(b->seed)) {
        nas_attr attr = {.leaf = {.init = NAS_INIT_VALUE}};
        NAS_TRY(nas_graph_leaf(&b->seed, b->g, NAS_OP_INPUT, "seed", &attr));
    }
    return nas_dropout(x, b->g, *x, b->seed, (float)rate, per_sample, b->streams++);
}
