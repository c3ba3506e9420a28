/* cl_kernels/loss.cl - cross-entropy with label smoothing, its gradient, and counting what is
 * right. logits [N,K], labels [N] hold class numbers; an item takes one row.
 *
 * loss = -sum_k t_k log softmax_k,  t = (1-e) onehot(label) + e/K
 */
#include "common.clh"

/* largest logit, and log of the sum of exp(logit - largest) */
static inline float2 log_sum(GLOBAL x, int K) {
    float top = x[0], sum = 0.0f;
    for (int k = 1; k < K; k++)
        top = x[k] < top ? top : x[k];
    for (int k = 0; k < K; k++)
        sum += exp(x[k] - top);
    return (float2)(top, log(sum));
}

__kernel FLAT_WG void cross_entropy(int N, int K, float e, GLOBAL logits, GLOBAL labels,
                                    __global float *restrict loss) {
    int n = get_global_id(0);
    if (n >= N)
        return;
    GLOBAL x = logits + (size_t)n * K;
    float2 l = log_sum(x, K);
    float all = 0.0f;
    int label = clamp((int)labels[n], 0, K - 1);
    for (int k = 0; k < K; k++)
        all += l.y - (x[k] - l.x);
    loss[n] = (1.0f - e) * (l.y - (x[label] - l.x)) + e / K * all;
}

/* d logits = dy (softmax - t) */
__kernel FLAT_WG void cross_entropy_grad(int N, int K, float e, GLOBAL logits, GLOBAL labels,
                                         GLOBAL dy, __global float *restrict dx) {
    int n = get_global_id(0);
    if (n >= N)
        return;
    GLOBAL x = logits + (size_t)n * K;
    float2 l = log_sum(x, K);
    int label = clamp((int)labels[n], 0, K - 1);
    for (int k = 0; k < K; k++) {
        float t = (k == label ? 1.0f - e : 0.0f) + e / K;
        dx[(size_t)n * K + k] = dy[n] * (exp(x[k] - l.x - l.y) - t);
    }
}

/* 1 when the first of the largest logits is the label */
__kernel FLAT_WG void correct(int N, int K, GLOBAL logits, GLOBAL labels,
                              __global float *restrict y) {
    int n = get_global_id(0), best = 0;
    if (n >= N)
        return;
    GLOBAL x = logits + (size_t)n * K;
    for (int k = 1; k < K; k++)
        best = x[k] > x[best] ? k : best;
    y[n] = best == (int)labels[n] ? 1.0f : 0.0f;
}
