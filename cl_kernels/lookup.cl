/* cl_kernels/lookup.cl - values by number: relative positions of attention, rows of a table, and
 * their adjoints. An adjoint's item owns what it adds to and walks its sources in order: no
 * atomics.
 */
#include "common.clh"

/* Places of queries and keys on a grid W places wide, and the number of the distance between two of
 * them; formulas as in the graph's op relative. form: 0 abs, 1 signed, 2 rows, 3 columns */
typedef struct {
    int W, c0, c1, stride, first, form;
} grid;

static inline int2 query_place(int i, grid g) {
    int wide = (g.W + g.stride - 1) / g.stride, at = i - g.first;
    return (int2)(at % wide, at / wide) * g.stride;
}
static inline int2 key_place(int j, grid g) {
    return (int2)((j - g.first) % g.W, (j - g.first) / g.W);
}
static inline int2 next_place(int2 key, grid g) {
    return key.x + 1 == g.W ? (int2)(0, key.y + 1) : (int2)(key.x + 1, key.y);
}
static inline int number_between(int2 query, int2 key, grid g) {
    int dy = clamp(key.y - query.y, -g.c0, g.c0);
    int dx = clamp(key.x - query.x, -g.c1, g.c1), more = g.first > 0;
    if (g.form == 0)
        return abs(dy) * (g.c1 + 1) + abs(dx) + more;
    if (g.form == 1)
        return (dy + g.c0) * (2 * g.c1 + 1) + dx + g.c1 + more;
    return (g.form == 2 ? dy + g.c0 : dx + g.c1) + more;
}

/* y[b,i,j] = x[b, i or 0, r(i,j)]; rows: Q, or 1 when shared; item: vector of keys, query, batch */
__kernel FLAT_WG void relative_pairs(int B, int Q, int K, int rows, int R, int W, int c0, int c1,
                                     int stride, int first, int form, GLOBAL x,
                                     __global float *restrict y) {
    int j = get_global_id(0) * VW, i = get_global_id(1), b = get_global_id(2);
    if (j >= K || b >= B)
        return;
    grid g = {W, c0, c1, stride, first, form};
    int2 query = query_place(i, g), key = key_place(max(j, first), g);
    GLOBAL of = x + ((size_t)b * rows + (rows == 1 ? 0 : i)) * R;
    float t[VW];
    for (int k = 0; k < VW; k++) {
        bool token = i < first || j + k < first;
        t[k] = j + k < K ? of[token ? 0 : number_between(query, key, g)] : 0.0f;
        key = j + k < first ? key : next_place(key, g);
    }
    store_n(VLD(t), y + ((size_t)b * Q + i) * K + j, K - j);
}

/* y[b,i,r] = sum of x[b,i,j] with r(i,j) = r; item: query, batch */
__kernel FLAT_WG void relative_numbers(int B, int Q, int K, int R, int W, int c0, int c1,
                                       int stride, int first, int form, GLOBAL x,
                                       __global float *restrict y) {
    int i = get_global_id(0), b = get_global_id(1);
    if (i >= Q || b >= B)
        return;
    grid g = {W, c0, c1, stride, first, form};
    int2 query = query_place(i, g), key = (int2)(0, 0);
    x += ((size_t)b * Q + i) * K;
    y += ((size_t)b * Q + i) * R;
    for (int r = 0; r < R; r++)
        y[r] = 0.0f;
    for (int j = 0; j < K; j++) {
        bool token = i < first || j < first;
        y[token ? 0 : number_between(query, key, g)] += x[j];
        key = j < first ? key : next_place(key, g);
    }
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
