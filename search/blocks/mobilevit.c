/* search/blocks/mobilevit.c - convolutions around transformer layers that relate the pixels at one
 * place of every patch: Mehta and Rastegari 2022 (MobileViT). */
#include "../attention.h"

#include <math.h>

static const block_arg args_of_mobilevit[] = {
    {"dim", ARG_INT, NULL, 1, 65536, NULL, false}, {"depth", ARG_INT, NULL, 1, 64, NULL, false},
    {"heads", ARG_INT, "4", 1, 1024, NULL, false}, {"mlp", ARG_REAL, "2", 0.01, 64, NULL, false},
    {"kernel", ARG_INT, "3", 1, 64, NULL, false},  {"patch", ARG_INT, "2", 1, 64, NULL, false},
    {"act", ARG_ACT, "swish", 0, 0, NULL, false},
};

/* One pre-norm layer; the parts are called by its number. */
static nas_status encode(build *b, const form *args, nas_value *x, int32_t layer) {
    const block_kind *k = &block_mobilevit;
    int32_t dim = shape_of(b, *x)->dim[2];
    attention_spec s = {.heads = arg_int(k, args, "heads"), .bias = true};
    char path[PATH_BYTES];
    snprintf(path, sizeof path, "%s", b->path);
    if (snprintf(b->path, sizeof b->path, "%.*s.%d", (int)sizeof path - 8, path, layer) < 0)
        return nas_fail(NAS_E_GRAPH, "%s: no name for layer %d", path, layer);
    nas_status st = NAS_OK;
    nas_value y = *x;
    NAS_GO(layer_norm(b, &y, "norm1", 1e-5f));
    NAS_GO(attention(b, &y, &s));
    NAS_GO(nas_add(x, b->g, *x, y));
    y = *x;
    NAS_GO(layer_norm(b, &y, "norm2", 1e-5f));
    NAS_GO(linear(b, &y, "mlp.expand", (int32_t)fmax(round(arg_real(k, args, "mlp") * dim), 1),
                  true, LINEAR_TRUNC_NORMAL));
    NAS_GO(nas_activation(&y, b->g, y, arg_act(k, args, "act")));
    NAS_GO(linear(b, &y, "mlp.project", dim, true, LINEAR_TRUNC_NORMAL));
    NAS_GO(nas_add(x, b->g, *x, y));
done:
    snprintf(b->path, sizeof b->path, "%s", path);
    return st;
}

/* [N,H,W,C] to [N p p, patches, C], and back */
static nas_status unfold(build *b, nas_value *x, int32_t p) {
    const nas_shape s = *shape_of(b, *x);
    int32_t rows = s.dim[1] / p, columns = s.dim[2] / p;
    NAS_TRY(nas_reshape(x, b->g, *x, NAS_SHAPE(s.dim[0], rows, p, columns, p, s.dim[3])));
    NAS_TRY(nas_transpose(x, b->g, *x, (int32_t[]){0, 2, 4, 1, 3, 5}));
    return nas_reshape(x, b->g, *x, NAS_SHAPE(s.dim[0] * p * p, rows * columns, s.dim[3]));
}

static nas_status fold(build *b, nas_value *x, const nas_shape *image, int32_t p) {
    int32_t rows = image->dim[1] / p, columns = image->dim[2] / p, c = shape_of(b, *x)->dim[2];
    NAS_TRY(nas_reshape(x, b->g, *x, NAS_SHAPE(image->dim[0], p, p, rows, columns, c)));
    NAS_TRY(nas_transpose(x, b->g, *x, (int32_t[]){0, 3, 1, 4, 2, 5}));
    return nas_reshape(x, b->g, *x, NAS_SHAPE(image->dim[0], image->dim[1], image->dim[2], c));
}

static nas_status build_mobilevit(build *b, const form *args, nas_value *x) {
    const block_kind *k = &block_mobilevit;
    NAS_TRY(want_image(b, *x, "mobilevit"));
    const nas_shape image = *shape_of(b, *x);
    int32_t c = image.dim[3], p = arg_int(k, args, "patch"), kernel = arg_int(k, args, "kernel");
    nas_act act = arg_act(k, args, "act");
    conv_spec near = {
        .out = c, .kernel = kernel, .stride = 1, .groups = 1, .norm = true, .act = act};
    conv_spec widen = {.out = arg_int(k, args, "dim"), .kernel = 1, .stride = 1, .groups = 1};
    conv_spec narrow = {.out = c, .kernel = 1, .stride = 1, .groups = 1, .norm = true, .act = act};
    if (image.dim[1] % p != 0 || image.dim[2] % p != 0)
        return nas_fail(NAS_E_SHAPE, "patches of %dx%d do not tile %dx%d", p, p, image.dim[1],
                        image.dim[2]);
    nas_value y = *x;
    NAS_TRY(conv_norm_act(b, &y, "near", &near));
    NAS_TRY(conv_norm_act(b, &y, "widen", &widen));
    NAS_TRY(unfold(b, &y, p));
    for (int32_t i = 0; i < arg_int(k, args, "depth"); i++)
        NAS_TRY(encode(b, args, &y, i));
    NAS_TRY(layer_norm(b, &y, "norm", 1e-5f));
    NAS_TRY(fold(b, &y, &image, p));
    NAS_TRY(conv_norm_act(b, &y, "narrow", &narrow));
    NAS_TRY(nas_concat(x, b->g, (nas_value[]){*x, y}, 2, 3));
    return conv_norm_act(b, x, "fuse", &near);
}

BLOCK_KIND(mobilevit, args_of_mobilevit, NULL);
