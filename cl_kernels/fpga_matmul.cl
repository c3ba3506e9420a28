/* cl_kernels/fpga_matmul.cl - y = act(alpha op(a) op(b) + bias + residual) as a single work-item. */
#include "fpga_tile.clh"

/* a [batch,M,K] (turned: [batch,K,M]), b [batch or 1,K,N] (turned: [..,N,K]) */
__kernel SINGLE_TASK void matmul_single(int M, int N, int K, int batches, int b_step, int a_turned,
                                        int b_turned, float alpha, int flags, int kind, GLOBAL a,
                                        GLOBAL b, GLOBAL bias, GLOBAL residual,
                                        __global float *restrict y) {
    __local float at[DEPTH * ROWS] BANKS(1, 4) PARTITION(1, 2);
    __local float bt[DEPTH * COLUMNS] BANKS(1, 64) PARTITION(1, 16);
    __local float sums[ROWS * COLUMNS] BANKS(1, 64) PARTITION(1, 16);
    int a_row = a_turned ? 1 : K, a_k = a_turned ? M : 1;
    int b_column = b_turned ? K : 1, b_k = b_turned ? 1 : N;
    for (int z = 0; z < batches; z++)
        for (int m0 = 0; m0 < M; m0 += ROWS)
            for (int n0 = 0; n0 < N; n0 += COLUMNS) {
                GLOBAL az = a + (size_t)z * M * K;
                GLOBAL bz = b + (size_t)z * b_step;
                clear_sums(sums);
                for (int k0 = 0; k0 < K; k0 += DEPTH) {
                    PIPELINE(1)
                    for (int e = 0; e < DEPTH * ROWS; e++) {
                        int k = k0 + e / ROWS, m = m0 + e % ROWS;
                        at[e] = k < K && m < M ? az[(size_t)m * a_row + (size_t)k * a_k] : 0.0f;
                    }
                    PIPELINE(1)
                    for (int e = 0; e < DEPTH * COLUMNS; e++) {
                        int k = k0 + e / COLUMNS, n = n0 + e % COLUMNS;
                        bt[e] = k < K && n < N ? bz[(size_t)n * b_column + (size_t)k * b_k] : 0.0f;
                    }
                    multiply(sums, at, bt);
                }
                PIPELINE(1)
                for (int e = 0; e < ROWS * COLUMNS; e++) {
                    int m = m0 + e / COLUMNS, n = n0 + e % COLUMNS;
                    size_t to = ((size_t)z * M + m) * N + n;
                    if (m < M && n < N)
                        y[to] = ended(sums[e] * alpha, to, n, flags, kind, bias, residual);
                }
            }
}
