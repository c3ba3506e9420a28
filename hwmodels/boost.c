/* hwmodels/boost.c - gradient boosting of symmetric trees. Friedman 2001; trees as in CatBoost,
 * Prokhorenkova et al. 2018. */
#include "boost.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_BINS = 32, FOLDS = 5, LEAST_ROWS = 10 };
static const double shrink = 0.1; /* of what a tree would say */
static const double ridge = 2;    /* rows that say 0 in every leaf */

typedef struct grower {
    uint32_t n, d;
    const double *x, *y;
    double *edge;        /* d x MOST_BINS: rows above edge[b] are behind bin b */
    uint32_t *edges;     /* d: how many there are */
    uint8_t *bin;        /* n x d */
    uint8_t *leaf;       /* n */
    double *left;        /* n: y that the trees so far do not explain */
    double *guess;       /* n */
    bool *out;           /* n: judges, does not teach */
    double *sum, *count; /* BOOST_LEAVES x MOST_BINS */
    double *sorted;      /* n */
} grower;

static void grower_free(grower *g) {
    void *const all[] = {g->edge,  g->edges, g->bin, g->leaf,  g->left,
                         g->guess, g->out,   g->sum, g->count, g->sorted};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        nas_free(all[i]);
}

static nas_status grower_make(grower *g) {
    size_t n = g->n, d = g->d, bins = (size_t)BOOST_LEAVES * (MOST_BINS + 1);
    g->edge = nas_calloc(d * MOST_BINS, sizeof *g->edge);
    g->edges = nas_calloc(d, sizeof *g->edges);
    g->bin = nas_calloc(n * d, sizeof *g->bin);
    g->leaf = nas_calloc(n, sizeof *g->leaf);
    g->left = nas_calloc(n, sizeof *g->left);
    g->guess = nas_calloc(n, sizeof *g->guess);
    g->out = nas_calloc(n, sizeof *g->out);
    g->sum = nas_calloc(bins, sizeof *g->sum);
    g->count = nas_calloc(bins, sizeof *g->count);
    g->sorted = nas_calloc(n, sizeof *g->sorted);
    if (!g->edge || !g->edges || !g->bin || !g->leaf || !g->left || !g->guess || !g->out ||
        !g->sum || !g->count || !g->sorted)
        return nas_fail_memory(n * d * sizeof(double));
    return NAS_OK;
}

/* Edges halfway between neighbours, at most MOST_BINS of them, evenly over the rows. */
static void cut(grower *g, uint32_t f) {
    double *edge = g->edge + (size_t)f * MOST_BINS;
    uint32_t m = 0;
    for (uint32_t i = 0; i < g->n; i++)
        g->sorted[i] = g->x[(size_t)i * g->d + f];
    qsort(g->sorted, g->n, sizeof *g->sorted, nas_by_value);
    for (uint32_t b = 1; b <= MOST_BINS; b++) {
        uint32_t i = (uint32_t)((uint64_t)b * g->n / (MOST_BINS + 1));
        while (i + 1 < g->n && !(g->sorted[i] < g->sorted[i + 1]))
            i++;
        if (i + 1 >= g->n)
            break;
        double at = (g->sorted[i] + g->sorted[i + 1]) / 2;
        if (m == 0 || at > edge[m - 1])
            edge[m++] = at;
    }
    g->edges[f] = m;
    for (uint32_t i = 0; i < g->n; i++) {
        uint8_t b = 0;
        while (b < m && g->x[(size_t)i * g->d + f] > edge[b])
            b++;
        g->bin[(size_t)i * g->d + f] = b;
    }
}

/* What a split of every leaf at one edge explains; the leaves are `leaves` many. */
static double best_edge(uint32_t *edge, grower *g, uint32_t f, uint32_t leaves) {
    uint32_t bins = MOST_BINS + 1;
    double best = -1;
    memset(g->sum, 0, (size_t)leaves * bins * sizeof *g->sum);
    memset(g->count, 0, (size_t)leaves * bins * sizeof *g->count);
    for (uint32_t i = 0; i < g->n; i++) {
        if (g->out[i])
            continue;
        size_t at = (size_t)g->leaf[i] * bins + g->bin[(size_t)i * g->d + f];
        g->sum[at] += g->left[i];
        g->count[at]++;
    }
    for (uint32_t l = 0; l < leaves; l++) /* from bins to what lies at or before them */
        for (uint32_t b = 1; b < bins; b++) {
            g->sum[l * bins + b] += g->sum[l * bins + b - 1];
            g->count[l * bins + b] += g->count[l * bins + b - 1];
        }
    for (uint32_t b = 0; b < g->edges[f]; b++) {
        double gain = 0;
        for (uint32_t l = 0; l < leaves; l++) {
            double s = g->sum[l * bins + b], n = g->count[l * bins + b];
            double s2 = g->sum[l * bins + bins - 1] - s, n2 = g->count[l * bins + bins - 1] - n;
            gain += s * s / (n + ridge) + s2 * s2 / (n2 + ridge);
        }
        if (gain > best) {
            best = gain;
            *edge = b;
        }
    }
    return best;
}

static void split(boost_tree *t, grower *g, int level) {
    double best = -1;
    uint32_t feature = 0, edge = 0;
    for (uint32_t f = 0; f < g->d; f++) {
        uint32_t e = 0;
        double gain = g->edges[f] ? best_edge(&e, g, f, 1u << level) : -1;
        if (gain > best) {
            best = gain;
            feature = f;
            edge = e;
        }
    }
    t->feature[level] = feature;
    t->threshold[level] = g->edges[feature] ? g->edge[(size_t)feature * MOST_BINS + edge] : 0;
    for (uint32_t i = 0; i < g->n; i++)
        if (g->x[(size_t)i * g->d + feature] > t->threshold[level])
            g->leaf[i] |= (uint8_t)(1u << level);
}

static void grow(boost_tree *t, grower *g) {
    double count[BOOST_LEAVES] = {0};
    memset(t, 0, sizeof *t);
    memset(g->leaf, 0, g->n);
    for (int level = 0; level < BOOST_DEPTH; level++)
        split(t, g, level);
    for (uint32_t i = 0; i < g->n; i++)
        if (!g->out[i]) {
            t->leaf[g->leaf[i]] += g->left[i];
            count[g->leaf[i]]++;
        }
    for (int l = 0; l < BOOST_LEAVES; l++)
        t->leaf[l] *= shrink / (count[l] + ridge);
    for (uint32_t i = 0; i < g->n; i++)
        g->left[i] -= t->leaf[g->leaf[i]];
}

/* The mean of those that teach; what is left of all. */
static double begin(grower *g) {
    double sum = 0, n = 0;
    for (uint32_t i = 0; i < g->n; i++)
        if (!g->out[i]) {
            sum += g->y[i];
            n++;
        }
    for (uint32_t i = 0; i < g->n; i++)
        g->left[i] = g->y[i] - sum / n;
    return sum / n;
}

/* error[t]: squares that t trees leave of the rows that they were not taught. */
static void judge(double *error, grower *g, uint32_t fold, boost_tree *scratch) {
    for (uint32_t i = 0; i < g->n; i++)
        g->out[i] = i % FOLDS == fold;
    (void)begin(g);
    for (uint32_t t = 0; t <= BOOST_MOST_TREES; t++) {
        for (uint32_t i = fold; i < g->n; i += FOLDS)
            error[t] += g->left[i] * g->left[i];
        if (t < BOOST_MOST_TREES)
            grow(scratch, g);
    }
    memset(g->out, 0, g->n * sizeof *g->out);
}

nas_status boost_fit(boost *out, const double *x, const double *y, uint32_t n, uint32_t d) {
    grower g = {.n = n, .d = d, .x = x, .y = y};
    boost b = {0};
    boost_tree scratch;
    double error[BOOST_MOST_TREES + 1] = {0};
    uint32_t trees = 0;
    nas_status st;
    NAS_GO(grower_make(&g));
    for (uint32_t f = 0; f < d; f++)
        cut(&g, f);
    for (uint32_t fold = 0; fold < FOLDS && n >= LEAST_ROWS; fold++)
        judge(error, &g, fold, &scratch);
    for (uint32_t t = 1; t <= BOOST_MOST_TREES && n >= LEAST_ROWS; t++)
        if (error[t] < error[trees])
            trees = t;
    b.start = n ? begin(&g) : 0;
    b.tree = nas_calloc(trees + 1, sizeof *b.tree);
    if (!b.tree)
        NAS_GO(nas_fail_memory((trees + 1) * sizeof *b.tree));
    for (; b.n < trees; b.n++)
        grow(&b.tree[b.n], &g);
    *out = b;
    b.tree = NULL;
done:
    nas_free(b.tree);
    grower_free(&g);
    return st;
}

double boost_predict(const boost *b, const double *x) {
    double sum = b->start;
    for (uint32_t t = 0; t < b->n; t++) {
        const boost_tree *tree = &b->tree[t];
        uint32_t leaf = 0;
        for (int k = 0; k < BOOST_DEPTH; k++)
            leaf |= (uint32_t)(x[tree->feature[k]] > tree->threshold[k]) << k;
        sum += tree->leaf[leaf];
    }
    return sum;
}

void boost_free(boost *b) {
    nas_free(b->tree);
    *b = (boost){0};
}
