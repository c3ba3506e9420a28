/* cl_kernels/subgroup_gpu.cl - y = act(alpha op(a) b + bias + residual) for devices with sub-groups:
 * the lanes of one hold columns side by side and hand the elements of a round, without local memory.
 *
 * Only built where the device says that it has sub-groups; only used where its results are right.
 */
#if defined(cl_khr_subgroups)
#pragma OPENCL EXTENSION cl_khr_subgroups : enable
#elif defined(cl_intel_subgroups)
#pragma OPENCL EXTENSION cl_intel_subgroups : enable
#endif
#include "gpu.clh"

#define ROWS 8

/* a [batch,M,K] (turned: [batch,K,M]), b [batch or 1,K,N]; group: 64 columns, ROWS rows, batch */
__kernel __attribute__((reqd_work_group_size(64, 1, 1))) void
matmul_subgroup(int M, int N, int K, int b_step, int a_turned, float alpha, int flags, int kind,
                GLOBAL a, GLOBAL b, GLOBAL bias, GLOBAL residual, __global float *restrict y) {
    int lanes = get_sub_group_size(), lane = get_sub_group_local_id(), z = get_group_id(2);
    int n = get_global_id(0), m0 = get_group_id(1) * ROWS, nc = min(n, N - 1);
    size_t row = a_turned ? 1 : K, step = a_turned ? M : 1;
    a += (size_t)z * M * K;
    b += (size_t)z * b_step + nc;
    float sum[ROWS], mine[ROWS];
    UNROLL for (int i = 0; i < ROWS; i++) sum[i] = 0.0f;
    for (int k0 = 0; k0 < K; k0 += lanes) { /* a lane fetches one element of each row for all */
        int k = k0 + lane, count = min(lanes, K - k0);
        UNROLL for (int i = 0; i < ROWS; i++) mine[i] =
            k < K ? a[min(m0 + i, M - 1) * row + k * step] : 0.0f;
        for (int l = 0; l < count; l++) {
            float v = b[(size_t)(k0 + l) * N];
            UNROLL for (int i = 0; i < ROWS; i++) sum[i] =
                fma(sub_group_broadcast(mine[i], l), v, sum[i]);
        }
    }
    UNROLL for (int i = 0; i < ROWS; i++) if (n < N && m0 + i < M)
        finish((float4)(sum[i] * alpha), ((size_t)z * M + m0 + i) * N + n, n, 1, flags, kind, bias,
               residual, y);
}
