/* search/genome.c - what strategies do with genomes: neighbours, mutation, crossover, distance. */
#include <nas/space.h>

#include <assert.h>
#include <string.h>

uint32_t nas_genome_neighbour_count(const nas_space *s, const nas_genome *x) {
    bool active[NAS_MAX_GENES];
    uint32_t n = 0;
    nas_space_active(active, s, x);
    for (uint32_t i = 0; i < x->n; i++)
        n += active[i] ? nas_space_gene(s, i)->n - 1 : 0;
    return n;
}

void nas_genome_neighbour(nas_genome *out, const nas_space *s, const nas_genome *x, uint32_t k) {
    bool active[NAS_MAX_GENES];
    nas_space_active(active, s, x);
    *out = *x;
    for (uint32_t i = 0; i < x->n; i++) {
        uint32_t others = active[i] ? nas_space_gene(s, i)->n - 1 : 0;
        if (k < others) {
            out->gene[i] = (uint16_t)(k < x->gene[i] ? k : k + 1);
            nas_space_canonical(out, s);
            return;
        }
        k -= others;
    }
    assert(!"k is below nas_genome_neighbour_count");
}

/* A gene that was inactive holds 0 by convention, not by merit: when a change makes it active it is
 * drawn. Drawing may activate others, hence the rounds. */
static void settle(nas_genome *x, bool *meant, const nas_space *s, nas_rng *r) {
    bool active[NAS_MAX_GENES];
    for (bool changed = true; changed;) {
        changed = false;
        nas_space_active(active, s, x);
        for (uint32_t i = 0; i < x->n; i++)
            if (active[i] && !meant[i]) {
                x->gene[i] = (uint16_t)nas_rng_below(r, nas_space_gene(s, i)->n);
                meant[i] = changed = true;
            }
    }
    nas_space_canonical(x, s);
}

static void edit(nas_genome *x, const nas_space *s, nas_rng *r) {
    bool active[NAS_MAX_GENES];
    uint32_t able = 0;
    nas_space_active(active, s, x);
    for (uint32_t i = 0; i < x->n; i++)
        able += active[i] && nas_space_gene(s, i)->n > 1;
    if (able == 0)
        return;
    uint32_t k = (uint32_t)nas_rng_below(r, able), i = 0;
    while (!(active[i] && nas_space_gene(s, i)->n > 1) || k-- > 0)
        i++;
    uint16_t other = (uint16_t)nas_rng_below(r, nas_space_gene(s, i)->n - 1);
    x->gene[i] = (uint16_t)(other < x->gene[i] ? other : other + 1);
    settle(x, active, s, r);
}

void nas_genome_mutate(nas_genome *x, const nas_space *s, uint32_t edits, nas_rng *r) {
    for (uint32_t k = 0; k < edits; k++)
        edit(x, s, r);
}

void nas_genome_cross(nas_genome *out, const nas_space *s, const nas_genome *a, const nas_genome *b,
                      double swap, nas_rng *r) {
    bool in_a[NAS_MAX_GENES], in_b[NAS_MAX_GENES], meant[NAS_MAX_GENES];
    nas_space_active(in_a, s, a);
    nas_space_active(in_b, s, b);
    nas_genome x = {.n = a->n};
    for (uint32_t i = 0; i < a->n; i++) {
        bool swapped = nas_rng_uniform(r) < swap;
        bool from_b = in_a[i] == in_b[i] ? swapped : in_b[i];
        x.gene[i] = from_b ? b->gene[i] : a->gene[i];
        meant[i] = in_a[i] || in_b[i];
    }
    settle(&x, meant, s, r);
    *out = x;
}

uint32_t nas_genome_distance(const nas_space *s, const nas_genome *a, const nas_genome *b) {
    bool in_a[NAS_MAX_GENES], in_b[NAS_MAX_GENES];
    uint32_t n = 0;
    nas_space_active(in_a, s, a);
    nas_space_active(in_b, s, b);
    for (uint32_t i = 0; i < a->n; i++)
        n += in_a[i] != in_b[i] || (in_a[i] && a->gene[i] != b->gene[i]);
    return n;
}
