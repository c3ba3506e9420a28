/* cl_kernels/lookup.cl - values by number: relative positions of attention, rows of a table, and
 * their adjoints. An adjoint's item owns what it adds to and walks its sources in order: no
 * atomics.
 */
#include "common.clh"

/* Number of the distance from query i to key j on a grid W places wide; formulas as in the graph's
 * op relative. form: 0 abs, 1 signed, 2 rows, 3 columns */
static inline int distance_number(int i, int j, int W, int c0, int c1, int stride, int first,
                                  int form) {
    int q = i - first, k = j - first, wide = (W + stride - 1) / stride;
    if (q < 0 || k < 0)
        return 0;
    int dy = clamp(k / W - q / wide * stride, -c0, c0);
    int dx = clamp(k % W - q % wide * stride, -c1, c1), more = first > 0;
    if (form == 0)
        return abs(dy) * (c1 + 1) + abs(dx) + more;
    if (form == 1)
        return (dy + c0) * (2 * c1 + 1) + dx + c1 + more;
    return (form == 2 ? dy + c0 : dx + c1) + more;
}

/* y[b,i,j] = x[b, i or 0, r(i,j)]; rows: Q, or 1 when shared; item: key, query, batch */
__kernel FLAT_WG void relative_pairs(int B, int Q, int K, int rows, int R, int W, int c0, int c1,
                                     int stride, int first, int form, GLOBAL x,
                                     __global float *restrict y) {
    int j = get_global_id(0), i = get_global_id(1), b = get_global_id(2);
    if (j >= K || b >= B)
        return;
    int r = distance_number(i, j, W, c0, c1, stride, first, form);
    y[((size_t)b * Q + i) * K + j] = x[((size_t)b * rows + (rows == 1 ? 0 : i)) * R + r];
}

/* y[b,row,r] = sum of x[b,i,j] with r(i,j) = r; item: number, row, batch */
__kernel FLAT_WG void relative_numbers(int B, int Q, int K, int rows, int R, int W, int c0, int c1,
                                       int stride, int first, int form, GLOBAL x,
                                       __global float *restrict y) {
    int r = get_global_id(0), row = get_global_id(1), b = get_global_id(2);
    if (r >= R || b >= B)
        return;
    float sum = 0.0f;
    for (int i = rows == 1 ? 0 : row; i < (rows == 1 ? Q : row + 1); i++)
        for (int j = 0; j < K; j++)
            if (distance_number(i, j, W, c0, c1, stride, first, form) == r)
                sum += x[((size_t)b * Q + i) * K + j];
    y[((size_t)b * rows + row) * R + r] = sum;
}

/* y[i] = table[ids[i]], 0 where there is no such row; item: vector, row of y */
__kernel FLAT_WG void embed_rows(int count, int rows, int D, GLOBAL table, GLOBAL ids,
                                 __global float *restrict y) {
    int c = get_global_id(0) * VW, i = get_global_id(1);
    if (c >= D || i >= count)
        return;
    float id = ids[i];
    FV v = (FV)(0.0f);
    if (id >= 0.0f && id < rows)
        v = load_n(table + (size_t)(int)id * D + c, D - c);
    store_n(v, y + (size_t)i * D + c, D - c);
}

/* d table[v] = sum of dy[i] with ids[i] = v; item: row of the table */
__kernel FLAT_WG void embed_sums(int count, int rows, int D, GLOBAL ids, GLOBAL dy,
                                 __global float *restrict dtable) {
    int row = get_global_id(0);
    if (row >= rows)
        return;
    for (int c = 0; c < D; c += VW) {
        FV sum = (FV)(0.0f);
        for (int i = 0; i < count; i++)
            if (ids[i] >= 0.0f && (int)ids[i] == row)
                sum += load_n(dy + (size_t)i * D + c, D - c);
        store_n(sum, dtable + (size_t)row * D + c, D - c);
    }
}
