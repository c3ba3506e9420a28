/* search/transport.c - minimum-cost transport by successive shortest paths with potentials (Edmonds
 * and Karp 1972), on dense graphs of a few dozen places. */
#include "transport.h"

#include <assert.h>
#include <math.h>
#include <string.h>

enum { PLACES = 2 * TRANSPORT_MAX };

typedef struct network {
    const double *cost;
    uint32_t n, m; /* places 0 … n-1 supply, n … n+m-1 demand */
    double flow[TRANSPORT_MAX][TRANSPORT_MAX];
    double left[PLACES];      /* mass that a place still has, or still wants */
    double potential[PLACES]; /* makes every reduced cost >= 0 */
    double distance[PLACES];
    uint32_t from[PLACES]; /* the place before on the shortest path; itself: it starts there */
    bool done[PLACES];
} network;

/* Lets the places that a reaches know of the way through it. */
static void relax(network *w, uint32_t a) {
    bool supplies = a < w->n;
    uint32_t begin = supplies ? w->n : 0, end = supplies ? w->n + w->m : w->n;
    double here = w->distance[a] + w->potential[a];
    for (uint32_t b = begin; b < end; b++) {
        double c;
        if (w->done[b] || (!supplies && !(w->flow[b][a - w->n] > 0)))
            continue;
        c = supplies ? w->cost[(size_t)a * w->m + (b - w->n)]
                     : -w->cost[(size_t)b * w->m + (a - w->n)];
        double d = here + c - w->potential[b];
        d = d < w->distance[a] ? w->distance[a] : d; /* below only by rounding */
        if (d < w->distance[b]) {
            w->distance[b] = d;
            w->from[b] = a;
        }
    }
}

/* Dijkstra from all places with mass left to the nearest that wants some; PLACES: there is none.
 * What is not done then is no nearer. */
static uint32_t shortest(network *w, double least) {
    uint32_t all = w->n + w->m;
    for (uint32_t i = 0; i < all; i++) {
        w->distance[i] = i < w->n && w->left[i] > least ? 0 : INFINITY;
        w->from[i] = i;
        w->done[i] = false;
    }
    for (;;) {
        uint32_t at = PLACES;
        for (uint32_t i = 0; i < all; i++)
            if (!w->done[i] && w->distance[i] < (at == PLACES ? INFINITY : w->distance[at]))
                at = i;
        if (at == PLACES || (at >= w->n && w->left[at] > least))
            return at;
        w->done[at] = true;
        relax(w, at);
    }
}

/* What costs nothing moves first: reduced costs stay >= 0, and alike networks are nearly done. */
static void move_for_nothing(network *w) {
    for (uint32_t i = 0; i < w->n; i++)
        for (uint32_t j = 0; j < w->m; j++) {
            double a = w->left[i], b = w->left[w->n + j], amount = a < b ? a : b;
            if (w->cost[(size_t)i * w->m + j] > 0)
                continue;
            w->flow[i][j] += amount;
            w->left[i] -= amount;
            w->left[w->n + j] -= amount;
        }
}

static void push(network *w, uint32_t end) {
    double amount = w->left[end];
    uint32_t at = end;
    for (; w->from[at] != at; at = w->from[at])
        if (w->from[at] >= w->n)
            amount = fmin(amount, w->flow[at][w->from[at] - w->n]);
    amount = fmin(amount, w->left[at]);
    w->left[at] -= amount;
    w->left[end] -= amount;
    for (at = end; w->from[at] != at; at = w->from[at]) {
        uint32_t before = w->from[at];
        if (before < w->n)
            w->flow[before][at - w->n] += amount;
        else
            w->flow[at][before - w->n] -= amount;
    }
}

double transport_cost(const double *cost, const double *supply, uint32_t n, const double *demand,
                      uint32_t m) {
    assert(n <= TRANSPORT_MAX && m <= TRANSPORT_MAX);
    network w = {.cost = cost, .n = n, .m = m};
    double total = 0, sum = 0;
    memcpy(w.left, supply, n * sizeof *supply);
    memcpy(w.left + n, demand, m * sizeof *demand);
    for (uint32_t i = 0; i < n; i++)
        total += supply[i];
    move_for_nothing(&w);
    /* Each path empties a place or takes a flow back whole; the bound only guards against rounding.
     */
    for (uint32_t k = 0; k < 64 * PLACES; k++) {
        uint32_t end = shortest(&w, 1e-12 * total);
        if (end == PLACES)
            break;
        double reach = w.distance[end];
        push(&w, end);
        for (uint32_t i = 0; i < n + m; i++)
            w.potential[i] += w.distance[i] < reach ? w.distance[i] : reach;
    }
    for (uint32_t i = 0; i < n; i++)
        for (uint32_t j = 0; j < m; j++)
            sum += w.flow[i][j] * cost[(size_t)i * m + j];
    return sum;
}
