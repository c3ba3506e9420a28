/* runtime/rows_fpga.c - candidates for FPGAs: products and convolutions as single work-items. */
#include "candidates.h"

static const char matmul_cl[] = "fpga_matmul.cl", conv_cl[] = "fpga_conv.cl";

static bool any(const emitter *e) {
    (void)e;
    return true;
}
static bool one_group(const emitter *e) {
    return convolution_of(e).groups == 1;
}

static void emit_matmul(emitter *e) {
    gemm z = gemm_of(e);
    LAUNCH(e, matmul_cl, "matmul_single", 1, 1, 1, KI(z.m), KI(z.n), KI(z.k), KI(z.batch),
           KI(z.b_step), KI(z.a_turned), KI(z.b_turned), KF(z.alpha), KI(z.flags), KI(z.act),
           KIN(e, 0), KIN(e, 1), z.bias, z.residual, KOUT(e));
}
static void emit_y(emitter *e) {
    convolution z = convolution_of(e);
    LAUNCH(e, conv_cl, "conv_y_single", 1, 1, 1, CONV_SIZES(z), KI(z.n * z.p * z.q), KI(z.flags),
           KI(z.a->conv.act), KIN(e, 0), KIN(e, 1), z.bias, z.residual, KOUT(e));
}
static void emit_dx(emitter *e) {
    convolution z = convolution_of(e);
    LAUNCH(e, conv_cl, "conv_dx_single", 1, 1, 1, CONV_SIZES(z), KI(z.n * z.h * z.w), KIN(e, 0),
           KIN(e, 1), KOUT(e));
}
static void emit_dw(emitter *e) {
    convolution z = convolution_of(e);
    LAUNCH(e, conv_cl, "conv_dw_single", 1, 1, 1, CONV_SIZES(z), KI(z.n * z.p * z.q), KIN(e, 0),
           KIN(e, 1), KOUT(e));
}

const candidate fpga_matmul[] = {{"single", "accelerator", any, NULL, emit_matmul},
                                 {NULL, NULL, NULL, NULL, NULL}};
const candidate fpga_conv2d[] = {{"single", "accelerator", one_group, NULL, emit_y},
                                 {NULL, NULL, NULL, NULL, NULL}};
const candidate fpga_conv2d_dx[] = {{"single", "accelerator", one_group, NULL, emit_dx},
                                    {NULL, NULL, NULL, NULL, NULL}};
const candidate fpga_conv2d_dw[] = {{"single", "accelerator", one_group, NULL, emit_dw},
                                    {NULL, NULL, NULL, NULL, NULL}};
