/* graph/ops/embed.c - rows of a table by number, and the gradient of the table.
 *
 * table is [V,D]; ids, of any shape, hold whole numbers. A number outside 0 … V-1 gets zeros, and
 * gives nothing to the gradient.
 */
#include "ops.h"

/* Row number of element i, or -1. */
static int64_t row_of(const double *ids, int64_t i, int64_t rows) {
    return ids[i] >= 0 && ids[i] < (double)rows ? (int64_t)ids[i] : -1;
}

static nas_status infer(const nas_node *n, const nas_shape *in, nas_shape *out) {
    int64_t dim[NAS_MAX_RANK];
    NAS_TRY(nas_ops_want_rank(n, in, 0, 2));
    if (in[1].rank >= NAS_MAX_RANK)
        return nas_fail(NAS_E_SHAPE, "%s: ids of rank %d, at most %d", nas_ops_name(n), in[1].rank,
                        NAS_MAX_RANK - 1);
    for (int32_t i = 0; i < in[1].rank; i++)
        dim[i] = in[1].dim[i];
    dim[in[1].rank] = in[0].dim[1];
    return nas_ops_set_shape(out, n, dim, in[1].rank + 1);
}

static nas_status infer_grad(const nas_node *n, const nas_shape *in, nas_shape *out) {
    nas_shape ids = in[1];
    NAS_TRY(nas_ops_want_axes(n, in, 1, 1));
    ids.dim[--ids.rank] = 0;
    NAS_TRY(nas_ops_want_shape(n, in, 0, &ids));
    return nas_ops_set_shape(out, n, (int64_t[]){n->attr.embed.rows, nas_ops_last(&in[1])}, 2);
}

static void cost_grad(const nas_node *n, const nas_shape *in, nas_cost *c) {
    (void)n;
    c->flops = nas_shape_count(&in[1]);
}

static void ref(const nas_node *n, const nas_shape *in_shape, const double *const *in,
                double *out) {
    (void)n;
    int64_t count = nas_shape_count(&in_shape[1]), d = in_shape[0].dim[1];
    for (int64_t i = 0; i < count; i++) {
        int64_t row = row_of(in[1], i, in_shape[0].dim[0]);
        for (int64_t c = 0; c < d; c++)
            out[i * d + c] = row < 0 ? 0 : in[0][row * d + c];
    }
}

static void ref_grad(const nas_node *n, const nas_shape *in_shape, const double *const *in,
                     double *out) {
    int64_t count = nas_shape_count(&in_shape[0]), d = nas_ops_last(&in_shape[1]);
    for (int64_t i = 0; i < n->attr.embed.rows * d; i++)
        out[i] = 0;
    for (int64_t i = 0; i < count; i++) {
        int64_t row = row_of(in[0], i, n->attr.embed.rows);
        for (int64_t c = 0; row >= 0 && c < d; c++)
            out[row * d + c] += in[1][i * d + c];
    }
}

static nas_status vjp(nas_graph *g, nas_value y, nas_value dy, const bool *want, nas_value *dx) {
    nas_node n = *nas_graph_node(g, y);
    nas_attr a = {.embed = {.rows = nas_graph_shape(g, n.in[0])->dim[0]}};
    if (!want[0])
        return NAS_OK;
    return NAS_OPS_ADD(&dx[0], g, NAS_OP_EMBED_GRAD, &a, n.in[1], dy);
}

const nas_op_info nas_op_embed = {.name = "embed",
                                  .min_in = 2,
                                  .max_in = 2,
                                  .infer = infer,
                                  .cost = nas_ops_cost_none,
                                  .ref = ref,
                                  .vjp = vjp};

static const nas_field grad_fields[] = {NAS_OPS_FIELD(embed, rows, INT, 1)};

const nas_op_info nas_op_embed_grad = {.name = "embed_grad",
                                       .min_in = 2,
                                       .max_in = 2,
                                       NAS_OPS_FIELDS(grad_fields),
                                       .infer = infer_grad,
                                       .cost = cost_grad,
                                       .ref = ref_grad};
