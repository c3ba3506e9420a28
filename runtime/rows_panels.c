/* runtime/rows_panels.c - a candidate for CPUs: large products by panels of b, each in one piece of
 * memory. */
#include "candidates.h"

static const char panels_cl[] = "matmul_panels.cl";

/* As in matmul_panels.cl. */
static int64_t panel_columns(const emitter *e) {
    int64_t vw = e->d->tile.vw;
    return vw == 16 ? 3 * vw : e->d->tile.nv * vw;
}

static bool can(const emitter *e) {
    (void)e;
    return true;
}

/* b too large for tiles to go past it from a core's cache, or one of a and b is to be turned
 * anyway, and rows of a enough to pay for copying b. */
static bool pays(const emitter *e) {
    enum { B_LEAST = 3 << 17, B_LEAST_TURNED = 1 << 14, ROWS_LEAST = 128 };
    gemm z = gemm_of(e);
    int64_t least = z.a_turned || z.b_turned ? B_LEAST_TURNED : B_LEAST;
    return z.n * z.k >= least && z.m >= ROWS_LEAST && z.n >= 2 * panel_columns(e);
}

enum { ROWS = 8, COLUMNS = 256 }; /* of an item: as many streams as a prefetcher follows */

static karg tiles_of_a(emitter *e, const gemm *z) {
    int64_t rows = e->d->tile.mr, size = rows_div(z->m, rows) * rows * z->k;
    if (!z->a_turned)
        return KIN(e, 0);
    karg a = KS(rows_scratch(e, (size_t)(z->batch * size)));
    LAUNCH(e, panels_cl, "panels_of_a", rows_div(z->k, ROWS), 1, z->batch, KI(z->k), KI(z->m),
           KI(ROWS), KIN(e, 0), a);
    return a;
}

static karg panels_of_b(emitter *e, const gemm *z, int64_t size) {
    int64_t copies = z->b_step ? z->batch : 1;
    karg b = KS(rows_scratch(e, (size_t)(copies * size)));
    if (z->b_turned)
        LAUNCH(e, panels_cl, "panels_of_rows", size / z->k / e->d->tile.vw, rows_div(z->k, COLUMNS),
               copies, KI(z->k), KI(z->n), KI(COLUMNS), KIN(e, 1), b);
    else
        LAUNCH(e, panels_cl, "panels_of_b", rows_div(z->k, ROWS), 1, copies, KI(z->k), KI(z->n),
               KI(ROWS), KIN(e, 1), b);
    return b;
}

static void emit(emitter *e) {
    /* a panel's rows in a core's cache; row tiles that share what it costs to load a panel */
    enum { PIECE = 4096, TILES = 64 };
    gemm z = gemm_of(e);
    int64_t panels = rows_div(z.n, panel_columns(e)), size = panels * panel_columns(e) * z.k;
    int64_t piece = rows_div(z.k, rows_div(z.k, PIECE)), pieces = rows_div(z.k, piece);
    int64_t tiles = rows_div(z.m, e->d->tile.mr), others = panels * z.batch * pieces;
    int64_t many = rows_div(tiles, rows_pieces(e, tiles, 1, others, tiles));
    many = (many < TILES ? many : TILES) * e->d->tile.mr;
    karg a = tiles_of_a(e, &z), b = panels_of_b(e, &z, size), out = KOUT(e);
    bool whole = pieces == 1;
    if (!whole)
        out = KS(rows_scratch(e, (size_t)(pieces * z.batch * z.m * z.n)));
    LAUNCH(e, panels_cl, "panels_y", rows_div(z.m, many), panels, z.batch * pieces, KI(z.m),
           KI(z.n), KI(z.k), KI(z.batch), KI(z.b_step ? size : 0), KI(piece), KI(many),
           KI(z.a_turned), KF(whole ? z.alpha : 1), KI(whole ? z.flags : 0),
           KI(whole ? z.act : NAS_ACT_NONE), a, b, whole ? z.bias : KZ, whole ? z.residual : KZ,
           out);
    if (!whole)
        LAUNCH(e, "matmul.cl", "matmul_sum", z.batch * z.m * rows_div(z.n, e->d->tile.vw), 1, 1,
               KI(z.batch * z.m), KI(z.n), KI(pieces), KF(z.alpha), KI(z.flags), KI(z.act), out,
               z.bias, z.residual, KOUT(e));
}

const candidate panels_matmul[] = {{"panels", "cpu", can, pays, emit},
                                   {NULL, NULL, NULL, NULL, NULL}};
