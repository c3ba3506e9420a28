/* search/pareto.c - dominance, constrained non-domination ranks and crowding distances. */
#include <nas/search.h>

#include <math.h>
#include <stdlib.h>

static bool has_nan(const double *a, uint32_t m) {
    for (uint32_t k = 0; k < m; k++)
        if (isnan(a[k]))
            return true;
    return false;
}

bool nas_dominates(const double *a, const double *b, uint32_t m) {
    /* A row with NaN is behind every row without, so that one broken value cannot hide in a front.
     */
    bool nan_a = has_nan(a, m), nan_b = has_nan(b, m);
    if (nan_a || nan_b)
        return !nan_a && nan_b;
    bool better = false;
    for (uint32_t k = 0; k < m; k++) {
        if (a[k] > b[k])
            return false;
        better |= a[k] < b[k];
    }
    return better;
}

/* Rows in the order in which ranks are given: what can dominate a row stands before it. */
typedef struct ranked_row {
    const double *obj;
    double violation; /* 0: feasible; INFINITY also for one that is NaN */
    uint32_t m, index;
    bool nan;
} ranked_row;

static int compare_double(double a, double b) {
    return (a > b) - (a < b);
}

static int compare_rows(const void *pa, const void *pb) {
    const ranked_row *a = pa, *b = pb;
    if (a->nan != b->nan)
        return a->nan ? 1 : -1;
    int c = compare_double(a->violation, b->violation);
    for (uint32_t k = 0; k < a->m && c == 0 && !a->nan; k++)
        c = compare_double(a->obj[k], b->obj[k]);
    return c != 0 ? c : (a->index > b->index) - (a->index < b->index);
}

static double violation_of(const double *violation, uint32_t i) {
    if (violation == NULL || violation[i] <= 0)
        return 0;
    return isnan(violation[i]) ? INFINITY : violation[i];
}

nas_status nas_pareto_rank(uint32_t *rank, const double *obj, const double *violation, uint32_t n,
                           uint32_t m) {
    if (n == 0)
        return NAS_OK;
    ranked_row *row = nas_malloc(n * sizeof *row);
    if (row == NULL)
        return nas_fail_memory(n * sizeof *row);
    for (uint32_t i = 0; i < n; i++) {
        const double *o = obj + (size_t)i * m;
        row[i] = (ranked_row){o, violation_of(violation, i), m, i, has_nan(o, m)};
    }
    qsort(row, n, sizeof *row, compare_rows);

    /* In lexicographic order nothing dominates a row that stands before it, and the rank of a row
     * is the length of the longest chain of dominance that ends in it: one pass is enough. */
    uint32_t next = 0, i = 0;
    for (; i < n && !row[i].nan && row[i].violation == 0; i++) {
        uint32_t r = 0;
        for (uint32_t j = 0; j < i; j++)
            if (rank[row[j].index] >= r && nas_dominates(row[j].obj, row[i].obj, m))
                r = rank[row[j].index] + 1;
        rank[row[i].index] = r;
        next = r + 1 > next ? r + 1 : next;
    }
    for (uint32_t first = i; i < n; i++) {
        bool equal = i > first && row[i].nan == row[i - 1].nan &&
                     (row[i].nan || row[i].violation == row[i - 1].violation);
        rank[row[i].index] = equal ? next - 1 : next++;
    }
    nas_free(row);
    return NAS_OK;
}

typedef struct crowd_row {
    uint32_t rank, index;
    double value;
} crowd_row;

static int compare_crowd(const void *pa, const void *pb) {
    const crowd_row *a = pa, *b = pb;
    if (a->rank != b->rank)
        return a->rank < b->rank ? -1 : 1;
    int c = compare_double(a->value, b->value);
    return c != 0 ? c : (a->index > b->index) - (a->index < b->index);
}

/* Adds one objective's share to the rows of one rank, which lie sorted by it. */
static void crowd_one(double *distance, const crowd_row *row, uint32_t n) {
    double range = row[n - 1].value - row[0].value;
    if (range == 0 && n > 2)
        return; /* all equal: there are no ends that would be worth keeping */
    distance[row[0].index] = distance[row[n - 1].index] = INFINITY;
    if (!isfinite(range))
        return;
    for (uint32_t i = 1; i + 1 < n; i++)
        distance[row[i].index] += (row[i + 1].value - row[i - 1].value) / range;
}

nas_status nas_crowding(double *distance, const double *obj, const uint32_t *rank, uint32_t n,
                        uint32_t m) {
    if (n == 0)
        return NAS_OK;
    crowd_row *row = nas_malloc(n * sizeof *row);
    if (row == NULL)
        return nas_fail_memory(n * sizeof *row);
    for (uint32_t i = 0; i < n; i++)
        distance[i] = 0;
    for (uint32_t k = 0; k < m; k++) {
        uint32_t used = 0;
        for (uint32_t i = 0; i < n; i++) /* rows with NaN keep 0: nobody wants them */
            if (!has_nan(obj + (size_t)i * m, m))
                row[used++] = (crowd_row){rank[i], i, obj[(size_t)i * m + k]};
        qsort(row, used, sizeof *row, compare_crowd);
        for (uint32_t from = 0, to; from < used; from = to) {
            for (to = from + 1; to < used && row[to].rank == row[from].rank;)
                to++;
            crowd_one(distance, row + from, to - from);
        }
    }
    nas_free(row);
    return NAS_OK;
}
