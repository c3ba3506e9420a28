/* runtime/candidates.h - kernels that may beat an op's own row on some device: which of them a node
 * gets, by measurement where there is one, else by the type of the device.
 */
#ifndef NAS_RUNTIME_CANDIDATES_H
#define NAS_RUNTIME_CANDIDATES_H

#include "rows.h"

typedef struct candidate {
    const char *name; /* "tile64"; one word, as it stands in the table on disk */
    const char *type; /* of the devices that take it unmeasured: "gpu"; NULL: only when measured */
    bool (*can)(const emitter *e);    /* right for this node on this device at all */
    bool (*prefer)(const emitter *e); /* unmeasured: worth it for this node; NULL: always */
    void (*emit)(emitter *e);
} candidate;

enum { CANDIDATES_MAX = 8 };
/* An op's candidates in the order of preference; returns how many. */
uint32_t candidates_of(const candidate *out[CANDIDATES_MAX], nas_op op);

/* The candidate for the node at hand; NULL: its own rows. */
const candidate *candidate_choose(emitter *e);

/* Names for nas_device.force beside those of candidates. */
extern const char candidate_own[];     /* the op's own rows */
extern const char candidate_general[]; /* its last row, which always works */

/* ---- the sizes of a node, as candidates see them ---- */

typedef struct gemm { /* y[batch,m,n] = op(a) op(b), a [m,k] or turned [k,m], b [k,n] or turned */
    int64_t batch, m, n, k, b_step; /* b_step 0: one b for the whole batch */
    int32_t flags, act;             /* epilogue: 1 bias, 2 residual */
    float alpha;
    bool a_turned, b_turned;
    karg bias, residual;
} gemm;
gemm gemm_of(const emitter *e);

typedef struct convolution { /* x [n,h,w,c], y [n,p,q,k], weights [r,s,c/groups,k] */
    int64_t n, h, w, c, p, q, k, r, s, groups, sh, sw;
    const nas_attr *a;
    int32_t flags;
    karg bias, residual;
} convolution;
convolution convolution_of(const emitter *e); /* of CONV2D, CONV2D_DX and CONV2D_DW */
/* What the kernels of convolutions take in the same order. */
#define CONV_SIZES(z)                                                                              \
    KI((z).h), KI((z).w), KI((z).c), KI((z).p), KI((z).q), KI((z).k), KI((z).r), KI((z).s),        \
        KI((z).sh), KI((z).sw), KI((z).a->conv.dilation[0]), KI((z).a->conv.dilation[1]),          \
        KI((z).a->conv.pad[0]), KI((z).a->conv.pad[2])

/* ---- the tables: rows_panels.c, rows_winograd.c, rows_winograd_stride.c, rows_gpu.c,
 * rows_clblast.c, rows_fpga.c ---- */

extern const candidate gpu_matmul[], gpu_conv2d[], gpu_conv2d_dx[], gpu_conv2d_dw[],
    panels_matmul[], subgroup_matmul[], clblast_matmul[], fpga_matmul[], fpga_conv2d[],
    fpga_conv2d_dx[], fpga_conv2d_dw[], winograd_conv2d[], winograd_conv2d_dx[],
    winograd_conv2d_dw[], winograd_stride_conv2d[], winograd_stride_conv2d_dx[],
    winograd_stride_conv2d_dw[];

/* y[rows,n] = act(alpha sum over pieces of parts + bias + residual), by matmul_gpu.cl. */
void emit_parts(emitter *e, const gemm *z, int64_t pieces, karg parts);

#endif
