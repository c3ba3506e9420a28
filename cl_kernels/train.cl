/* cl_kernels/train.cl - what a training step does around the graph: fetch and augment the batch, sum
 * loss and accuracy, measure the gradient, move the params. Sizes are arguments; one local size, 64.
 * Params, gradients and moments are flat blocks whose length is a multiple of 64, so that float4
 * accesses stay inside and never straddle the end of the part that decays. */

#define GROUP 64
#define ONE_GROUP __attribute__((reqd_work_group_size(GROUP, 1, 1)))

/* x[n,y,x,c] = images[i, y', x', c] * affine[c] + affine[4+c] and label[n] = labels[source], for image
 * n = get_global_id(1) of the batch and pixel get_global_id(0). A draw is six ints: source, flip, dy,
 * dx, cut_y, cut_x. y' = y + dy; x' = x + dx, mirrored; outside the image a pixel is 0 (black).
 * Inside the cutout square x is 0 (the mean). i is the source, or n when the batch was streamed. */
ONE_GROUP __kernel void gather(__global const uchar *images, __global const int *labels,
                               __global const int *draws, __global const float *affine,
                               __global float *x, __global float *label, int first, int streamed,
                               int height, int width, int channels, int cutout) {
    int pixel = (int)get_global_id(0), n = (int)get_global_id(1);
    if (pixel >= height * width)
        return;
    __global const int *draw = draws + 6 * ((size_t)first + n);
    int row = pixel / width, col = pixel - row * width;
    int from_row = row + draw[2], from_col = col + draw[3];
    bool inside = from_row >= 0 && from_row < height && from_col >= 0 && from_col < width;
    bool cut = row >= draw[4] && row < draw[4] + cutout && col >= draw[5] && col < draw[5] + cutout;
    if (draw[1])
        from_col = width - 1 - from_col;
    size_t image = streamed ? (size_t)n : (size_t)draw[0];
    size_t from = inside ? ((image * height + from_row) * width + from_col) * channels : 0;
    size_t to = ((size_t)n * height * width + pixel) * channels;
    for (int c = 0; c < channels; c++) {
        float v = inside ? (float)images[from + c] : 0.0f;
        x[to + c] = cut ? 0.0f : v * affine[c] + affine[4 + c];
    }
    if (pixel == 0)
        label[n] = (float)labels[draw[0]];
}

/* pairs[2 step] = sum of loss[0 … n-1], pairs[2 step + 1] = sum of correct; one group. */
ONE_GROUP __kernel void metrics(__global const float *loss, __global const float *correct,
                                __global float *pairs, int step, int n) {
    __local float sum[2 * GROUP];
    int id = (int)get_local_id(0);
    float a = 0.0f, b = 0.0f;
    for (int i = id; i < n; i += GROUP) {
        a += loss[i];
        b += correct[i];
    }
    sum[id] = a;
    sum[GROUP + id] = b;
    for (int half_size = GROUP / 2; half_size > 0; half_size /= 2) {
        barrier(CLK_LOCAL_MEM_FENCE);
        if (id < half_size) {
            sum[id] += sum[id + half_size];
            sum[GROUP + id] += sum[GROUP + id + half_size];
        }
    }
    if (id == 0 && get_group_id(0) == 0) {
        pairs[2 * step] = sum[0];
        pairs[2 * step + 1] = sum[GROUP];
    }
}

/* partial[j] = sum of grads[i]^2 over the float4s i = j, j + n_partial, …: an order that no device
 * changes. */
ONE_GROUP __kernel void norm_partial(__global const float *grads, __global float *partial,
                                     int n_partial, int count) {
    int j = (int)get_global_id(0);
    if (j >= n_partial)
        return;
    float4 sum = (float4)(0.0f);
    for (int i = j; i < count / 4; i += n_partial) {
        float4 g = vload4(i, grads);
        sum += g * g;
    }
    partial[j] = (sum.x + sum.y) + (sum.z + sum.w);
}

/* scale[0] = min(1, clip / (norm + 1e-6)), norm = sqrt(sum of partial); one group. */
ONE_GROUP __kernel void norm_scale(__global const float *partial, __global float *scale,
                                   int n_partial, float clip) {
    __local float sum[GROUP];
    int id = (int)get_local_id(0);
    float a = 0.0f;
    for (int i = id; i < n_partial; i += GROUP)
        a += partial[i];
    sum[id] = a;
    for (int half_size = GROUP / 2; half_size > 0; half_size /= 2) {
        barrier(CLK_LOCAL_MEM_FENCE);
        if (id < half_size)
            sum[id] += sum[id + half_size];
    }
    if (id == 0 && get_group_id(0) == 0) {
        float s = clip / (sqrt(sum[0]) + 1e-6f);
        scale[0] = s > 1.0f ? 1.0f : s;
    }
}

/* d = s g + decay p;  m = momentum m + d;  p -= lr (nesterov ? d + momentum m : m).
 * Elements from n_decay on do not decay. */
ONE_GROUP __kernel void sgd(__global float *params, __global const float *grads,
                            __global float *moment, __global const float *scale, int count,
                            int n_decay, float lr, float decay, float momentum, int nesterov) {
    int i = (int)get_global_id(0);
    if (4 * i >= count)
        return;
    float4 p = vload4(i, params);
    float4 d = scale[0] * vload4(i, grads) + (4 * i < n_decay ? decay : 0.0f) * p;
    float4 m = momentum * vload4(i, moment) + d;
    vstore4(m, i, moment);
    vstore4(p - lr * (nesterov ? d + momentum * m : m), i, params);
}

/* g' = s g + l2 p;  m = b1 m + (1-b1) g';  v = b2 v + (1-b2) g'^2;
 * p = shrink p - rate m / (sqrt(v) root + eps), with rate = lr / (1-b1^t), root = 1 / sqrt(1-b2^t).
 * Adam decays by l2 (shrink 1), AdamW by shrink = 1 - lr decay (l2 0). */
ONE_GROUP __kernel void adam(__global float *params, __global const float *grads,
                             __global float *moment1, __global float *moment2,
                             __global const float *scale, int count, int n_decay, float rate,
                             float root, float shrink, float l2, float beta1, float beta2,
                             float eps) {
    int i = (int)get_global_id(0);
    if (4 * i >= count)
        return;
    bool decays = 4 * i < n_decay;
    float4 p = vload4(i, params);
    float4 g = scale[0] * vload4(i, grads) + (decays ? l2 : 0.0f) * p;
    float4 m = beta1 * vload4(i, moment1) + (1.0f - beta1) * g;
    float4 v = beta2 * vload4(i, moment2) + (1.0f - beta2) * g * g;
    vstore4(m, i, moment1);
    vstore4(v, i, moment2);
    vstore4((decays ? shrink : 1.0f) * p - rate * m / (sqrt(v) * root + eps), i, params);
}
