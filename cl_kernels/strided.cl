/* cl_kernels/strided.cl - any rank up to six, any steps, one item an element of the result: the
 * general rows of copies, add and mul, and sums over any axes.
 *
 * The result is dense [d0,…,d5]; element i of it meets element step6(i) of an operand.
 */
#include "common.clh"

static inline int step6(int i, int d1, int d2, int d3, int d4, int d5, int s0, int s1, int s2,
                        int s3, int s4, int s5) {
    int at = i % d5 * s5;
    i /= d5;
    at += i % d4 * s4;
    i /= d4;
    at += i % d3 * s3;
    i /= d3;
    at += i % d2 * s2;
    i /= d2;
    return at + i % d1 * s1 + i / d1 * s0;
}

/* y = scale * x */
__kernel FLAT_WG void copy6(int count, int d1, int d2, int d3, int d4, int d5, int s0, int s1,
                            int s2, int s3, int s4, int s5, float scale, GLOBAL x,
                            __global float *restrict y) {
    int i = get_global_id(0);
    if (i < count)
        y[i] = scale * x[step6(i, d1, d2, d3, d4, d5, s0, s1, s2, s3, s4, s5)];
}

/* y = a + b (product: a * b), b with steps */
__kernel FLAT_WG void pair6(int count, int d1, int d2, int d3, int d4, int d5, int s0, int s1,
                            int s2, int s3, int s4, int s5, int product, GLOBAL a, GLOBAL b,
                            __global float *restrict y) {
    int i = get_global_id(0);
    if (i >= count)
        return;
    float v = b[step6(i, d1, d2, d3, d4, d5, s0, s1, s2, s3, s4, s5)];
    y[i] = product ? a[i] * v : a[i] + v;
}

/* y[i] = scale * sum over [r0,…,r5] of x, where y has steps s and the summed axes steps t in x */
__kernel FLAT_WG void sum6(int count, int d1, int d2, int d3, int d4, int d5, int s0, int s1,
                           int s2, int s3, int s4, int s5, int terms, int r1, int r2, int r3,
                           int r4, int r5, int t0, int t1, int t2, int t3, int t4, int t5,
                           float scale, GLOBAL x, __global float *restrict y) {
    int i = get_global_id(0);
    if (i >= count)
        return;
    GLOBAL p = x + step6(i, d1, d2, d3, d4, d5, s0, s1, s2, s3, s4, s5);
    float sum = 0.0f;
    for (int k = 0; k < terms; k++)
        sum += p[step6(k, r1, r2, r3, r4, r5, t0, t1, t2, t3, t4, t5)];
    y[i] = scale * sum;
}
