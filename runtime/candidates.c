/* runtime/candidates.c - which candidate a node gets, and the sizes that candidates work with. */
#include "candidates.h"
#include "tune.h"

#include <string.h>

const char candidate_own[] = "own", candidate_general[] = "general";

enum { TABLES = 5 };
typedef struct op_row {
    nas_op op;
    const candidate *table[TABLES]; /* each ended by a row without a name */
} op_row;
static const op_row ops[] = {
    {NAS_OP_MATMUL, {panels_matmul, gpu_matmul, subgroup_matmul, clblast_matmul, fpga_matmul}},
    {NAS_OP_CONV2D, {winograd_conv2d, winograd_stride_conv2d, gpu_conv2d, fpga_conv2d}},
    {NAS_OP_CONV2D_DX,
     {winograd_conv2d_dx, winograd_stride_conv2d_dx, gpu_conv2d_dx, fpga_conv2d_dx}},
    {NAS_OP_CONV2D_DW,
     {winograd_conv2d_dw, winograd_stride_conv2d_dw, gpu_conv2d_dw, fpga_conv2d_dw}},
};

uint32_t candidates_of(const candidate *out[CANDIDATES_MAX], nas_op op) {
    uint32_t n = 0;
    for (size_t i = 0; i < sizeof ops / sizeof ops[0]; i++)
        for (int t = 0; ops[i].op == op && t < TABLES && ops[i].table[t]; t++)
            for (const candidate *c = ops[i].table[t]; c->name && n < CANDIDATES_MAX; c++)
                out[n++] = c;
    return n;
}

const candidate *candidate_choose(emitter *e) {
    const candidate *all[CANDIDATES_MAX];
    uint32_t n = candidates_of(all, e->n->op);
    if (e->d->trial)
        return e->d->trial->can(e) ? e->d->trial : NULL;
    if (!n)
        return NULL;
    const char *name = e->d->force ? e->d->force : tune_look_up(e);
    for (uint32_t i = 0; i < n; i++) {
        const candidate *c = all[i];
        if (!c->can(e))
            continue;
        if (name) {
            if (!strcmp(c->name, name))
                return c;
        } else if (c->type && !strcmp(c->type, e->d->info.type) && (!c->prefer || c->prefer(e)) &&
                   (e->guess || tune_is_right(e->d, e->n->op, c))) {
            return c;
        }
    }
    return NULL;
}

gemm gemm_of(const emitter *e) {
    const nas_attr *t = &e->n->attr;
    const nas_shape *a = e->in[0], *b = e->in[1];
    int64_t rows = a->rank < 2 ? 1 : a->dim[a->rank - 2], columns = a->dim[a->rank - 1];
    gemm z = {.m = t->matmul.ta ? columns : rows,
              .k = t->matmul.ta ? rows : columns,
              .n = t->matmul.tb ? b->dim[b->rank - 2] : b->dim[b->rank - 1],
              .batch = rows_count(a) / (rows * columns),
              .flags = (t->matmul.bias ? 1 : 0) | (t->matmul.residual ? 2 : 0),
              .act = t->matmul.act,
              .alpha = t->matmul.alpha,
              .a_turned = t->matmul.ta != 0,
              .b_turned = t->matmul.tb != 0,
              .bias = t->matmul.bias ? KIN(e, 2) : KZ,
              .residual = t->matmul.residual ? KIN(e, e->n->n_in - 1) : KZ};
    z.b_step = b->rank == 2 ? 0 : z.k * z.n;
    if (b->rank == 2 && !z.a_turned) { /* rows of a batch that shares b are just more rows */
        z.m *= z.batch;
        z.batch = 1;
    }
    return z;
}

convolution convolution_of(const emitter *e) {
    const nas_attr *a = &e->n->attr;
    const nas_shape *x = e->n->op == NAS_OP_CONV2D_DX ? &e->n->shape : e->in[0];
    const nas_shape *y = e->n->op == NAS_OP_CONV2D      ? &e->n->shape
                         : e->n->op == NAS_OP_CONV2D_DX ? e->in[0]
                                                        : e->in[1];
    return (convolution){.n = x->dim[0],
                         .h = x->dim[1],
                         .w = x->dim[2],
                         .c = x->dim[3],
                         .p = y->dim[1],
                         .q = y->dim[2],
                         .k = y->dim[3],
                         .r = a->conv.kernel[0],
                         .s = a->conv.kernel[1],
                         .groups = a->conv.groups,
                         .sh = a->conv.stride[0],
                         .sw = a->conv.stride[1],
                         .a = a,
                         .flags = (a->conv.bias ? 1 : 0) | (a->conv.residual ? 2 : 0),
                         .bias = a->conv.bias ? KIN(e, 2) : KZ,
                         .residual = a->conv.residual ? KIN(e, e->n->n_in - 1) : KZ};
}
