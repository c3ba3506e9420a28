/* search/traits.c - distances between networks by their genes, the paths through their cell, how
 * often they choose each op, or by their size. */
#include "traits.h"

#include <math.h>
#include <string.h>

/* A cell has paths and ops, a space without one the size of its networks instead. */
enum { NO_OPTION = 0xffff, GROUP_GENES = 0, GROUP_PATHS, GROUP_OPS, GROUP_COSTS = 1 };

/* A row: 2 log costs, n_words of paths, one byte for each op of the cell, the genes. */
typedef struct gene_traits {
    traits base;
    nas_encoder *paths; /* NULL: no cell */
    uint32_t genes, n_words, n_ops;
    size_t words_at, ops_at, genes_at;
    float *weight; /* of a step between ordinal options of each gene; 0: options are names */
    float *path;   /* room for one encoded row */
} gene_traits;

static void release(traits *base) {
    gene_traits *f = (gene_traits *)base;
    if (f == NULL)
        return;
    nas_encoder_free(f->paths);
    nas_free(f->weight);
    nas_free(f->path);
    nas_free(f);
}

static nas_status find_paths(gene_traits *f) {
    nas_status st = nas_encoder_create(&f->paths, f->base.space, NAS_ENCODE_FUNCTION);
    if (st == NAS_E_UNSUPPORTED)
        return NAS_OK;
    NAS_TRY(st);
    uint32_t size = nas_encoder_size(f->paths);
    f->path = nas_calloc(size, sizeof *f->path);
    if (f->path == NULL)
        return nas_fail_memory(size * sizeof *f->path);
    f->n_words = (size + 63) / 64;
    f->base.groups = GROUP_OPS + 1;
    for (uint32_t i = 0; i < f->genes; i++) {
        uint32_t n = nas_space_gene(f->base.space, i)->n;
        f->n_ops = n > f->n_ops ? n : f->n_ops;
    }
    return NAS_OK;
}

static nas_status create(traits **out, const nas_space *s) {
    nas_status st = NAS_OK;
    gene_traits *f = nas_calloc(1, sizeof *f);
    if (f == NULL)
        return nas_fail_memory(sizeof *f);
    f->base = (traits){.kind = &trait_genes, .space = s, .groups = GROUP_COSTS + 1};
    f->genes = nas_space_gene_count(s);
    f->weight = nas_calloc(f->genes + 1, sizeof *f->weight);
    if (f->weight == NULL)
        NAS_GO(nas_fail_memory(f->genes * sizeof *f->weight));
    for (uint32_t i = 0; i < f->genes; i++) {
        const nas_gene *g = nas_space_gene(s, i);
        f->weight[i] = g->ordinal && g->n > 2 ? 1.0f / (float)(g->n - 1) : 0;
    }
    NAS_GO(find_paths(f));
    f->words_at = 2 * sizeof(float);
    f->ops_at = f->words_at + f->n_words * sizeof(uint64_t);
    f->genes_at = f->ops_at + (f->n_ops + 7) / 8 * 8;
    f->base.row_bytes = f->genes_at + (f->genes * sizeof(uint16_t) + 7) / 8 * 8;
    *out = &f->base;
    f = NULL;
done:
    release((traits *)f);
    return st;
}

/* Counts of MACs and params as logarithms; a network that cannot be built counts as 0. */
static void cost_row(float *cost, const gene_traits *f, const nas_genome *x) {
    nas_graph *g = NULL;
    nas_cost c = {0};
    if (nas_space_graph(&g, f->base.space, x, 1) == NAS_OK)
        nas_graph_cost(&c, g);
    nas_graph_free(g);
    cost[0] = (float)log1p((double)c.macs);
    cost[1] = (float)log1p((double)c.params);
}

static nas_status row_of(traits *base, void *row, const nas_genome *x) {
    gene_traits *f = (gene_traits *)base;
    bool active[NAS_MAX_GENES];
    uint8_t *bytes = row;
    uint16_t *gene = (uint16_t *)(void *)(bytes + f->genes_at);
    memset(row, 0, base->row_bytes);
    if (f->paths == NULL)
        cost_row(row, f, x);
    nas_space_active(active, base->space, x);
    for (uint32_t i = 0; i < f->genes; i++) {
        gene[i] = active[i] ? x->gene[i] : NO_OPTION;
        if (f->paths != NULL && active[i])
            bytes[f->ops_at + x->gene[i]]++;
    }
    if (f->paths == NULL)
        return NAS_OK;
    uint64_t *word = (uint64_t *)(void *)(bytes + f->words_at);
    nas_encoder_row(f->path, f->paths, x);
    for (uint32_t i = 0; i < nas_encoder_size(f->paths); i++)
        word[i / 64] |= (uint64_t)(f->path[i] > 0) << (i % 64);
    return NAS_OK;
}

/* Of names: 1 where they differ. Of numbers: the share of the range between them, which is the
 * squared distance of their unary codes and so keeps the kernel positive. */
static float gene_distance(const gene_traits *f, const uint16_t *a, const uint16_t *b) {
    float sum = 0;
    for (uint32_t i = 0; i < f->genes; i++) {
        if (a[i] == b[i])
            continue;
        bool both = a[i] != NO_OPTION && b[i] != NO_OPTION && f->weight[i] > 0;
        sum += both ? f->weight[i] * (float)(a[i] > b[i] ? a[i] - b[i] : b[i] - a[i]) : 1;
    }
    return sum;
}

static uint32_t bits_of(uint64_t x) {
    x -= (x >> 1) & 0x5555555555555555u;
    x = (x & 0x3333333333333333u) + ((x >> 2) & 0x3333333333333333u);
    x = (x + (x >> 4)) & 0x0f0f0f0f0f0f0f0fu;
    return (uint32_t)((x * 0x0101010101010101u) >> 56);
}

static void cell_distance(float *d2, const gene_traits *f, const uint8_t *a, const uint8_t *b) {
    const uint64_t *wa = (const uint64_t *)(const void *)(a + f->words_at);
    const uint64_t *wb = (const uint64_t *)(const void *)(b + f->words_at);
    uint32_t paths = 0, ops = 0;
    for (uint32_t i = 0; i < f->n_words; i++)
        paths += bits_of(wa[i] ^ wb[i]);
    for (uint32_t i = 0; i < f->n_ops; i++) {
        int d = (int)a[f->ops_at + i] - (int)b[f->ops_at + i];
        ops += (uint32_t)(d * d);
    }
    d2[GROUP_PATHS] = (float)paths / 8;
    d2[GROUP_OPS] = (float)ops / (float)f->genes;
}

static void cost_distance(float *d2, const float *a, const float *b) {
    float c0 = a[0] - b[0], c1 = a[1] - b[1];
    d2[GROUP_COSTS] = 0.5f * (c0 * c0 + c1 * c1);
}

static void distance(const traits *base, float *d2, const void *row, const void *rows, uint32_t n) {
    const gene_traits *f = (const gene_traits *)base;
    const uint8_t *a = row, *b = rows;
    const uint16_t *gene = (const uint16_t *)(const void *)(a + f->genes_at);
    for (uint32_t i = 0; i < n; i++, b += base->row_bytes, d2 += base->groups) {
        const uint16_t *other = (const uint16_t *)(const void *)(b + f->genes_at);
        d2[GROUP_GENES] = gene_distance(f, gene, other) / (float)(f->genes ? f->genes : 1);
        if (f->paths != NULL)
            cell_distance(d2, f, a, b);
        else
            cost_distance(d2, row, (const float *)(const void *)b);
    }
}

const trait_kind trait_genes = {
    .create = create, .free = release, .row = row_of, .distance = distance};
