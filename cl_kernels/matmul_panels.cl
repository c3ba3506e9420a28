/* cl_kernels/matmul_panels.cl - large products on CPUs: y = act(alpha a b + bias + residual) for a
 * [batch,M,K] and b in panels [batch or 1, panel, K, WIDE], which are zero behind the last column.
 *
 * Rows that lie a power of two apart fall into the same few lines of a cache, and a page each; a
 * panel lies in one piece. It stays in a core's cache while the rows of a pass by.
 *
 * VECTORS of a panel: with as many registers as vectors of 16 have, three take fewer loads a
 * multiplication than two
 */
#include "common.clh"
#include "act.clh"

#if VW == 16
#define VECTORS 3
#else
#define VECTORS NV
#endif
#define WIDE (VECTORS * VW)

#define TR    MR
#define TN    VECTORS
#define TMASK 0
#define TS    _panel
#include "tile.clh"

/* Of a tile's rows and columns these are there: rows, n. */
static inline void leave(const TNAME(tile) * t, int rows, int n, int N, float alpha, int flags,
                         int kind, __global const float *bias, __global const float *residual,
                         __global float *y) {
    if (rows >= MR && n >= WIDE && flags == 0 && kind == ACT_NONE) {
        UNROLL for (int i = 0; i < MR; i++) {
            UNROLL for (int j = 0; j < VECTORS; j++)
                VST(t->v[i][j] * alpha, y + (size_t)i * N + j * VW);
        }
        return;
    }
    FV v[MR][VECTORS];
    UNROLL for (int i = 0; i < MR; i++) {
        UNROLL for (int j = 0; j < VECTORS; j++) v[i][j] = t->v[i][j] * alpha;
    }
    for (int i = 0; i < min(MR, rows); i++)
        for (int j = 0; j < VECTORS && j * VW < n; j++) {
            size_t at = (size_t)i * N + j * VW;
            FV s = v[i][j];
            if (flags & HAS_BIAS)
                s += load_n(bias + j * VW, n - j * VW);
            if (flags & HAS_RESIDUAL)
                s += load_n(residual + at, n - j * VW);
            store_n(kind == ACT_NONE ? s : act_value(s, kind), y + at, n - j * VW);
        }
}

/* item: `many` rows, panel, batch + batches * piece of K; as in matmul.cl, each piece writes a
 * partial product. turned: a is in panels [batch, panel, K, MR], too */
__kernel TILE_WG void panels_y(int M, int N, int K, int batches, int b_step, int piece, int many,
                               int turned, float alpha, int flags, int kind, GLOBAL a, GLOBAL b,
                               GLOBAL bias, GLOBAL residual, __global float *restrict y) {
    int first = get_global_id(0) * many, last = min(M, first + many);
    int n0 = get_global_id(1) * WIDE, z = get_global_id(2), batch = z % batches;
    int k0 = z / batches * piece, len = min(K - k0, piece), off[MR];
    if (first >= M || n0 >= N)
        return;
    __global const float *w =
        b + (size_t)batch * b_step + ((size_t)get_global_id(1) * K + k0) * WIDE;
    size_t a_step = turned ? (size_t)(M + MR - 1) / MR * MR * K : (size_t)M * K;
    UNROLL for (int i = 0; i < MR; i++) off[i] = i;
    for (int m = first; m < last; m += MR) {
        size_t at = ((size_t)z * M + m) * N + n0;
        __global const float *x[MR], *tile = a + batch * a_step + (size_t)m * K;
        TNAME(tile) t;
        TNAME(clear)(&t);
        UNROLL for (int i = 0; i < MR; i++) x[i] = tile + (size_t)min(i, M - 1 - m) * K + k0;
        if (turned)
            TNAME(outer)(&t, tile + (size_t)k0 * MR, MR, off, w, len, WIDE, 0, 0);
        else
            TNAME(dot)(&t, x, w, len, WIDE);
        leave(&t, last - m, N - n0, N, alpha, flags, kind, bias + n0, residual + at, y + at);
    }
}
#include "tile_end.clh"

/* to[z,panel,k,…] = from[z,k,n], zero behind the last n. A few rows side by side: each is read from
 * end to end, and each panel is written in pieces of some lines. */
static inline void pack(int width, int K, int N, int many, GLOBAL from, __global float *restrict to) {
    int k0 = get_global_id(0) * many, rows = min(K - k0, many);
    if (k0 >= K || get_global_id(1))
        return;
    size_t z = get_global_id(2), all = (N + width - 1) / width;
    __global const float *p = from + (z * K + k0) * N;
    __global float *q = to + (z * all * K + k0) * width;
    for (int n0 = 0; n0 < N; n0 += width, q += (size_t)K * width)
        for (int k = 0; k < rows; k++) {
            __global const float *row = p + (size_t)k * N + n0;
            for (int j = 0; j < width; j += VW)
                PREFETCH_READ(row + 4 * width + j);
            if (n0 + width <= N)
                for (int j = 0; j < width; j++)
                    q[k * width + j] = row[j];
            else
                for (int j = 0; j < width; j++)
                    q[k * width + j] = n0 + j < N ? row[j] : 0.0f;
        }
}
/* item: `many` rows, -, batch */
__kernel TILE_WG void panels_of_b(int K, int N, int many, GLOBAL from, __global float *restrict to) {
    pack(WIDE, K, N, many, from, to);
}
__kernel TILE_WG void panels_of_a(int K, int M, int many, GLOBAL from, __global float *restrict to) {
    pack(MR, K, M, many, from, to);
}

/* v[i] lane k becomes v[k] lane i: rounds of interleaving the first half with the second. */
static inline void turn(FV *v) {
    UNROLL for (int round = 1; round < VW; round *= 2) {
        FV t[VW];
        UNROLL for (int i = 0; i < VW / 2; i++) {
            FV a = v[i], b = v[i + VW / 2];
            t[2 * i].even = a.lo;
            t[2 * i].odd = b.lo;
            t[2 * i + 1].even = a.hi;
            t[2 * i + 1].odd = b.hi;
        }
        UNROLL for (int i = 0; i < VW; i++) v[i] = t[i];
    }
}

/* b from its transpose: to[z,panel,k,…] = from[z,n,k]; item: VW rows, `many` columns, batch */
__kernel TILE_WG void panels_of_rows(int K, int N, int many, GLOBAL from,
                                     __global float *restrict to) {
    int n0 = get_global_id(0) * VW, k0 = get_global_id(1) * many, k1 = min(K, k0 + many);
    size_t z = get_global_id(2), all = (N + WIDE - 1) / WIDE;
    if (n0 >= (int)all * WIDE || k0 >= K)
        return;
    __global const float *p = from + (z * N + n0) * K;
    __global float *q = to + (z * all + n0 / WIDE) * (size_t)K * WIDE + n0 % WIDE;
    for (int k = k0; k < k1; k += VW) {
        FV v[VW];
        UNROLL for (int i = 0; i < VW; i++) v[i] =
            n0 + i < N ? load_n(p + (size_t)i * K + k, K - k) : (FV)(0.0f);
        turn(v);
        UNROLL for (int i = 0; i < VW; i++) if (k + i < k1) VST(v[i], q + (size_t)(k + i) * WIDE);
    }
}
