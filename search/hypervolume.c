/* search/hypervolume.c - exact hypervolume: a sweep in 2-D, a growing staircase in 3-D, WFG above.
 */
#include <nas/search.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Rows are gathered as records that carry their own dimension, because qsort has no context. Within
 * this file a point is `width` doubles; `m` of them still count in the recursion. */
typedef struct level { /* scratch of one depth of the recursion */
    double *point;     /* rows of `width` doubles */
    double **row;      /* pointers into it, sorted and filtered */
} level;

typedef struct volume {
    const double *ref;
    uint32_t width;
    level *levels;      /* one for each dimension */
    double (*stair)[2]; /* the front of the slices so far in 3-D, x rising and y falling */
} volume;

static int rising(double a, double b) {
    return (a > b) - (a < b);
}

static int by_first(const void *a, const void *b) {
    const double *p = *(double *const *)a, *q = *(double *const *)b;
    int c = rising(p[0], q[0]);
    return c != 0 ? c : rising(p[1], q[1]);
}

static int by_third(const void *a, const void *b) {
    const double *p = *(double *const *)a, *q = *(double *const *)b;
    return rising(p[2], q[2]);
}

static double area(const volume *v, double **row, uint32_t n) {
    qsort(row, n, sizeof *row, by_first);
    double sum = 0, top = v->ref[1];
    for (uint32_t i = 0; i < n; i++)
        if (row[i][1] < top) {
            sum += (v->ref[0] - row[i][0]) * (top - row[i][1]);
            top = row[i][1];
        }
    return sum;
}

/* Puts (x, y) into the staircase and takes out what it dominates; returns the new length. */
static uint32_t stair_insert(double (*stair)[2], uint32_t n, double x, double y) {
    uint32_t at = 0;
    while (at < n && stair[at][0] < x)
        at++;
    if ((at > 0 && stair[at - 1][1] <= y) || (at < n && stair[at][0] == x && stair[at][1] <= y))
        return n;
    uint32_t end = at;
    while (end < n && stair[end][1] >= y)
        end++;
    memmove(stair + at + 1, stair + end, (n - end) * sizeof *stair);
    stair[at][0] = x;
    stair[at][1] = y;
    return n - (end - at) + 1;
}

static double stair_area(const volume *v, uint32_t n) {
    double sum = 0, top = v->ref[1];
    for (uint32_t i = 0; i < n; i++) {
        sum += (v->ref[0] - v->stair[i][0]) * (top - v->stair[i][1]);
        top = v->stair[i][1];
    }
    return sum;
}

static double slices(const volume *v, double **row, uint32_t n) {
    qsort(row, n, sizeof *row, by_third);
    double sum = 0;
    uint32_t steps = 0;
    for (uint32_t i = 0; i < n; i++) {
        steps = stair_insert(v->stair, steps, row[i][0], row[i][1]);
        double until = i + 1 < n ? row[i + 1][2] : v->ref[2];
        if (until > row[i][2])
            sum += stair_area(v, steps) * (until - row[i][2]);
    }
    return sum;
}

static void sort_falling(double **row, uint32_t n, uint32_t k) {
    /* Insertion sort: qsort cannot be told k, and the sets shrink fast with the depth. */
    for (uint32_t i = 1; i < n; i++) {
        double *r = row[i];
        uint32_t j = i;
        for (; j > 0 && row[j - 1][k] < r[k]; j--)
            row[j] = row[j - 1];
        row[j] = r;
    }
}

/* Keeps the rows that no other one dominates or equals in the first m coordinates. */
static uint32_t keep_front(double **row, uint32_t n, uint32_t m) {
    uint32_t kept = 0;
    for (uint32_t i = 0; i < n; i++) {
        bool covered = false;
        for (uint32_t j = 0; j < kept && !covered; j++)
            covered =
                nas_dominates(row[j], row[i], m) || memcmp(row[j], row[i], m * sizeof(double)) == 0;
        if (covered)
            continue;
        uint32_t write = 0;
        for (uint32_t j = 0; j < kept; j++)
            if (!nas_dominates(row[i], row[j], m))
                row[write++] = row[j];
        double *new_row = row[i];
        kept = write;
        row[kept++] = new_row;
    }
    return kept;
}

/* The sum over rows of what a row covers and the rows behind it do not. Rows are sorted by falling
 * last coordinate, hence, limited to the box of a row, all rows behind it share that coordinate and
 * the rest is a problem with one dimension less. */
static double wfg(const volume *v, double **row, uint32_t n, uint32_t m) {
    if (m == 2)
        return area(v, row, n);
    if (m == 3)
        return slices(v, row, n);
    sort_falling(row, n, m - 1);
    const level *below = &v->levels[m - 1];
    double sum = 0;
    for (uint32_t i = 0; i < n; i++) {
        double box = 1;
        for (uint32_t k = 0; k + 1 < m; k++)
            box *= v->ref[k] - row[i][k];
        uint32_t rest = 0;
        for (uint32_t j = i + 1; j < n; j++, rest++) {
            double *limited = below->point + (size_t)rest * v->width;
            for (uint32_t k = 0; k + 1 < m; k++)
                limited[k] = fmax(row[i][k], row[j][k]);
            below->row[rest] = limited;
        }
        rest = keep_front(below->row, rest, m - 1);
        sum += (v->ref[m - 1] - row[i][m - 1]) * (box - wfg(v, below->row, rest, m - 1));
    }
    return sum;
}

/* Copies the rows that are better than ref everywhere; *infinite when one of them has no end. */
static uint32_t gather(level *to, const double *obj, uint32_t n, uint32_t m, const double *ref,
                       bool *infinite) {
    uint32_t used = 0;
    *infinite = false;
    for (uint32_t i = 0; i < n; i++) {
        const double *o = obj + (size_t)i * m;
        bool better = true, endless = false;
        for (uint32_t k = 0; k < m; k++) {
            better &= o[k] < ref[k];
            endless |= isinf(ref[k] - o[k]) != 0;
        }
        if (!better)
            continue;
        *infinite |= endless;
        to->row[used] = memcpy(to->point + (size_t)used * m, o, m * sizeof *o);
        for (uint32_t k = 0; k < m; k++)
            to->row[used][k] += 0.0; /* -0 becomes 0: equal rows are equal bytes */
        used++;
    }
    return used;
}

static nas_status volume_create(volume *v, uint32_t n, uint32_t m, const double *ref) {
    *v = (volume){.ref = ref, .width = m};
    v->levels = nas_calloc(m + 1, sizeof *v->levels);
    v->stair = nas_calloc((size_t)n + 1, sizeof *v->stair);
    if (v->levels == NULL || v->stair == NULL)
        return nas_fail_memory(((size_t)n + 1) * sizeof *v->stair);
    for (uint32_t d = m < 3 ? m : 3; d <= m; d++) {
        v->levels[d].point = nas_calloc((size_t)n * m, sizeof(double));
        v->levels[d].row = nas_calloc(n, sizeof(double *));
        if (v->levels[d].point == NULL || v->levels[d].row == NULL)
            return nas_fail_memory((size_t)n * m * sizeof(double));
    }
    return NAS_OK;
}

static void volume_free(volume *v) {
    for (uint32_t d = 0; v->levels != NULL && d <= v->width; d++) {
        nas_free(v->levels[d].point);
        nas_free(v->levels[d].row);
    }
    nas_free(v->levels);
    nas_free(v->stair);
}

nas_status nas_hypervolume(double *out, const double *obj, uint32_t n, uint32_t m,
                           const double *ref) {
    nas_status st = NAS_OK;
    volume v = {0};
    if (m == 0)
        return nas_fail(NAS_E_ARG, "hypervolume: no objectives");
    if (n == 0) {
        *out = 0;
        return NAS_OK;
    }
    NAS_GO(volume_create(&v, n, m, ref));
    bool infinite;
    double **row = v.levels[m].row;
    uint32_t used = gather(&v.levels[m], obj, n, m, ref, &infinite);
    double best = 0;
    if (infinite)
        best = INFINITY;
    else if (m == 1)
        for (uint32_t i = 0; i < used; i++)
            best = fmax(best, ref[0] - row[i][0]);
    else
        best = wfg(&v, row, m > 3 ? keep_front(row, used, m) : used, m);
    *out = best;

done:
    volume_free(&v);
    return st;
}
