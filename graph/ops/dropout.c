/* graph/ops/dropout.c - dropout and stochastic depth: a mask that is a function of its inputs. */
#include "ops.h"

static uint32_t mix(uint32_t h) {
    h ^= h >> 16;
    h *= 0x85EBCA6Bu;
    h ^= h >> 13;
    h *= 0xC2B2AE35u;
    return h ^ h >> 16;
}

/* A float times 2^32 is exact, so host and device compare with the same whole number. */
bool nas_dropout_keep(uint32_t seed, uint32_t stream, uint32_t index, float rate) {
    uint32_t key = mix(mix(seed + 0x9E3779B9u) ^ stream);
    return mix(key + 0x9E3779B9u * index) >= (uint32_t)(rate * 4294967296.0f);
}

static nas_status infer(const nas_node *n, const nas_shape *in, nas_shape *out) {
    NAS_TRY(nas_ops_want_real(n, "rate", n->attr.dropout.rate, 0, 1));
    NAS_TRY(nas_ops_want_flag(n, "per_sample", n->attr.dropout.per_sample));
    NAS_TRY(nas_ops_want_axes(n, in, 0, 1));
    NAS_TRY(nas_ops_want_rank(n, in, 1, 0));
    *out = in[0];
    return NAS_OK;
}

static void cost(const nas_node *n, const nas_shape *in, nas_cost *c) {
    (void)n;
    c->flops = nas_shape_count(&in[0]);
}

static void ref(const nas_node *n, const nas_shape *in_shape, const double *const *in,
                double *out) {
    int64_t count = nas_shape_count(&in_shape[0]);
    int64_t span = n->attr.dropout.per_sample ? count / in_shape[0].dim[0] : 1;
    float rate = n->attr.dropout.rate;
    uint32_t seed = (uint32_t)in[1][0], stream = (uint32_t)n->attr.dropout.stream;
    for (int64_t i = 0; i < count; i++) {
        bool keep = nas_dropout_keep(seed, stream, (uint32_t)(i / span), rate);
        out[i] = keep ? in[0][i] / (1 - (double)rate) : 0;
    }
}

static nas_status vjp(nas_graph *g, nas_value y, nas_value dy, const bool *want, nas_value *dx) {
    nas_node n = *nas_graph_node(g, y);
    if (!want[0])
        return NAS_OK;
    return NAS_OPS_ADD(&dx[0], g, NAS_OP_DROPOUT, &n.attr, dy, n.in[1]);
}

static const nas_field fields[] = {NAS_OPS_FIELD(dropout, rate, FLOAT, 1),
                                   NAS_OPS_FIELD(dropout, per_sample, INT, 1),
                                   NAS_OPS_FIELD(dropout, stream, INT, 1)};

const nas_op_info nas_op_dropout = {.name = "dropout",
                                    .min_in = 2,
                                    .max_in = 2,
                                    .flags = NAS_OPF_RANDOM,
                                    NAS_OPS_FIELDS(fields),
                                    .infer = infer,
                                    .cost = cost,
                                    .ref = ref,
                                    .vjp = vjp};
