/* search/nasbot.c - NASBOT (Kandasamy et al. 2018): Bayesian optimisation whose kernel is an
 * optimal transport distance between network graphs.
 *
 * A network is a set of layers, each with a mass (its share of the work), a label and a place (path
 * lengths from the input and to the output). Moving mass between layers costs what their labels and
 * their places differ; mass may also stay unassigned at a price. The two groups of the kernel are
 * this distance of the masses scaled to 1, and how far the networks' whole work lies apart. Layers
 * of one label that lie side by side are taken together until a few dozen are left, which changes
 * distances little and costs much less. */
#include "gp_search.h"
#include "transport.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { LAYERS = TRANSPORT_MAX - 1, PLACES_OF_LAYER = 6, RAW = 512 };
/* After Kandasamy et al.: cost of places, of leaving mass alone, of differing kernels. */
static const float place_weight = 0.5f, alone = 1.0f, kernel_cost = 0.1414f;

/* One layer, or several of one label that lie side by side. */
typedef struct layer {
    float mass;
    int32_t op, kernel;
    float place[PLACES_OF_LAYER]; /* shortest, longest, mean way from the input and to the output */
} layer;

typedef struct row {
    uint32_t n;
    float total; /* logarithm of all work */
    layer layer[LAYERS];
} row;

/* ---- from a graph to layers ---- */

typedef struct node_place {
    double shortest[2], longest[2], walk[2]; /* from the input; to the output */
    double users;                            /* how many nodes read it */
} node_place;

static bool is_layer(const nas_node *n) {
    return n->op == NAS_OP_CONV2D || n->op == NAS_OP_MATMUL || n->op == NAS_OP_MAX_POOL ||
           n->op == NAS_OP_AVG_POOL || n->op == NAS_OP_ATTENTION || n->op == NAS_OP_GLOBAL_POOL;
}

/* Lets b know that a way of one step more leads through a. */
static void step(double *shortest, double *longest, const node_place *a, int side, double more) {
    *shortest = fmin(*shortest, a->shortest[side] + more);
    *longest = fmax(*longest, a->longest[side] + more);
}

/* Only layers count as steps. Leaves have no way from the input. */
static void walk_forth(node_place *p, const nas_graph *g, uint32_t count) {
    for (uint32_t i = 0; i < count; i++) {
        const nas_node *n = nas_graph_node(g, (nas_value){i});
        double more = is_layer(n), walks = 0, sum = 0;
        p[i] = (node_place){.shortest = {INFINITY, INFINITY}};
        if (n->op == NAS_OP_INPUT)
            p[i].shortest[0] = 0;
        for (uint32_t k = 0; k < n->n_in; k++) {
            node_place *a = &p[n->in[k].id];
            a->users++;
            if (isinf(a->shortest[0]))
                continue;
            step(&p[i].shortest[0], &p[i].longest[0], a, 0, more);
            sum += a->walk[0] + more;
            walks++;
        }
        if (walks > 0)
            p[i].walk[0] = sum / walks;
    }
}

static void walk_back(node_place *p, const nas_graph *g, uint32_t count) {
    uint32_t output = nas_graph_output(g).id;
    p[output].shortest[1] = 0;
    for (uint32_t i = count; i-- > 0;) {
        const nas_node *n = nas_graph_node(g, (nas_value){i});
        double more = is_layer(n);
        if (isinf(p[i].shortest[1]))
            continue;
        for (uint32_t k = 0; k < n->n_in; k++) {
            node_place *a = &p[n->in[k].id];
            step(&a->shortest[1], &a->longest[1], &p[i], 1, more);
            a->walk[1] += (p[i].walk[1] + more) / fmax(1, a->users);
        }
    }
}

static layer layer_of(const nas_graph *g, uint32_t i, const node_place *p, double depth) {
    const nas_node *n = nas_graph_node(g, (nas_value){i});
    nas_cost c;
    nas_graph_node_cost(&c, g, (nas_value){i});
    layer l = {.mass = (float)((double)c.flops + 1), .op = (int32_t)n->op};
    if (n->op == NAS_OP_CONV2D)
        l.kernel = nas_graph_shape(g, n->in[1])->dim[0];
    for (int side = 0; side < 2; side++) {
        l.place[3 * side] = (float)(p[i].shortest[side] / depth);
        l.place[3 * side + 1] = (float)(p[i].longest[side] / depth);
        l.place[3 * side + 2] = (float)(p[i].walk[side] / depth);
    }
    return l;
}

static bool same_label(const layer *a, const layer *b) {
    return a->op == b->op && a->kernel == b->kernel;
}

static float place_distance(const layer *a, const layer *b) {
    float sum = 0;
    for (int k = 0; k < PLACES_OF_LAYER; k++)
        sum += fabsf(a->place[k] - b->place[k]);
    return sum / PLACES_OF_LAYER;
}

static void merge(layer *a, const layer *b) {
    float share = b->mass / (a->mass + b->mass);
    for (int k = 0; k < PLACES_OF_LAYER; k++)
        a->place[k] += share * (b->place[k] - a->place[k]);
    a->mass += b->mass;
}

/* Takes the two nearest layers of one label together until `most` are left. Where all labels differ
 * the two nearest layers of all go together. */
static uint32_t thin_out(layer *l, uint32_t n, uint32_t most) {
    while (n > most) {
        uint32_t a = 0, b = 1;
        float best = INFINITY;
        for (uint32_t i = 0; i < n; i++)
            for (uint32_t j = i + 1; j < n; j++) {
                float d = place_distance(&l[i], &l[j]) + (same_label(&l[i], &l[j]) ? 0 : 10);
                if (d < best) {
                    best = d;
                    a = i;
                    b = j;
                }
            }
        merge(&l[a], &l[b]);
        l[b] = l[--n];
    }
    return n;
}

static nas_status fill_row(row *out, const nas_graph *g) {
    nas_status st = NAS_OK;
    uint32_t count = nas_graph_count(g), n = 0;
    node_place *p = nas_calloc(count + 1, sizeof *p);
    layer *l = nas_calloc(RAW + 1, sizeof *l);
    if (p == NULL || l == NULL)
        NAS_GO(nas_fail_memory(count * sizeof *p));
    walk_forth(p, g, count);
    walk_back(p, g, count);
    double depth = fmax(1, p[nas_graph_output(g).id].longest[0]), total = 0;
    for (uint32_t i = 0; i < count; i++) {
        if (!is_layer(nas_graph_node(g, (nas_value){i})) || isinf(p[i].shortest[0]) ||
            isinf(p[i].shortest[1]))
            continue;
        if (n == RAW)
            n = thin_out(l, n, RAW / 2);
        l[n++] = layer_of(g, i, p, depth);
    }
    n = thin_out(l, n, LAYERS);
    for (uint32_t i = 0; i < n; i++)
        total += (double)l[i].mass;
    for (uint32_t i = 0; i < n; i++)
        l[i].mass = (float)((double)l[i].mass / total);
    out->n = n;
    out->total = (float)log1p(total);
    memcpy(out->layer, l, n * sizeof *l);
done:
    nas_free(p);
    nas_free(l);
    return st;
}

/* ---- traits ---- */

static void release(traits *f) {
    nas_free(f);
}

static nas_status create(traits **out, const nas_space *s) {
    traits *f = nas_calloc(1, sizeof *f);
    if (f == NULL)
        return nas_fail_memory(sizeof *f);
    *f = (traits){
        .kind = &trait_transport, .space = s, .row_bytes = (sizeof(row) + 7) / 8 * 8, .groups = 2};
    *out = f;
    return NAS_OK;
}

/* A network that cannot be built has no layers. */
static nas_status row_of(traits *f, void *out, const nas_genome *x) {
    nas_graph *g = NULL;
    memset(out, 0, f->row_bytes);
    nas_status st = nas_space_graph(&g, f->space, x, 1);
    if (st == NAS_OK)
        st = fill_row(out, g);
    else if (st != NAS_E_MEMORY)
        st = NAS_OK;
    nas_graph_free(g);
    return st;
}

static double move_cost(const layer *a, const layer *b) {
    double label = 0;
    if (a->op != b->op)
        label = 1; /* dearer than leaving both alone is never taken */
    else if (a->kernel != b->kernel)
        label = (double)kernel_cost * sqrt(abs(a->kernel - b->kernel));
    return label + (double)(place_weight * place_distance(a, b));
}

/* The last place of either side takes what stays unassigned. */
static double layers_distance(const row *a, const row *b) {
    double cost[TRANSPORT_MAX * TRANSPORT_MAX], supply[TRANSPORT_MAX], demand[TRANSPORT_MAX];
    uint32_t n = a->n + 1, m = b->n + 1;
    for (uint32_t i = 0; i < n; i++)
        for (uint32_t j = 0; j < m; j++) {
            bool left_a = i == a->n, left_b = j == b->n;
            cost[i * m + j] = left_a && left_b   ? 0
                              : left_a || left_b ? (double)alone
                                                 : move_cost(&a->layer[i], &b->layer[j]);
        }
    for (uint32_t i = 0; i < a->n; i++)
        supply[i] = (double)a->layer[i].mass;
    for (uint32_t j = 0; j < b->n; j++)
        demand[j] = (double)b->layer[j].mass;
    supply[a->n] = b->n ? 1 : 0;
    demand[b->n] = a->n ? 1 : 0;
    return transport_cost(cost, supply, n, demand, m);
}

static void distance(const traits *f, float *d2, const void *one, const void *many, uint32_t n) {
    const row *a = one;
    for (uint32_t i = 0; i < n; i++, d2 += f->groups) {
        const row *b = (const row *)(const void *)((const uint8_t *)many + i * f->row_bytes);
        double shared = layers_distance(a, b);
        double size = fabs((double)(a->total - b->total));
        d2[0] = (float)(shared * shared);
        d2[1] = (float)(size * size);
    }
}

const trait_kind trait_transport = {
    .create = create, .free = release, .row = row_of, .distance = distance, .slow = true};

/* ---- strategy ---- */

static nas_status create_search(nas_strategy *t) {
    return gp_search_create(t, &trait_transport);
}

static const char *const takes[] = {"batch", NULL};

const strategy_kind strategy_nasbot = {.name = "nasbot",
                                       .takes = takes,
                                       .create = create_search,
                                       .free = gp_search_free,
                                       .horizon = gp_search_horizon,
                                       .propose = gp_search_propose};
