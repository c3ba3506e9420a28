/* search/strategy.h - what strategies share: the table entry, what was asked, what was told. */
#ifndef NAS_SEARCH_STRATEGY_H
#define NAS_SEARCH_STRATEGY_H

#include <nas/search.h>

/* A strategy is one file with one of these. `state` is its own; NULL members have nothing to do. */
typedef struct strategy_kind {
    const char *name;
    const char *const *takes; /* the settings it looks at, ended by NULL; NULL: any */
    nas_status (*create)(nas_strategy *t);
    void (*free)(nas_strategy *t);
    uint32_t (*horizon)(const nas_strategy *t, uint32_t trial);
    /* Proposes a genome for `trial`; called again (at most STRATEGY_TRIES times) with the same
     * stream while the answer was asked before. */
    nas_status (*propose)(nas_genome *out, nas_strategy *t, uint32_t trial, nas_rng *r);
} strategy_kind;

enum { STRATEGY_TRIES = 64 };

/* A trial from ask to tell. Its genome is kept short: n genes in `pool`. */
typedef struct strategy_trial {
    double objective[NAS_MAX_OBJECTIVES]; /* NaN: failed */
    double violation;
    bool told;
} strategy_trial;

struct nas_strategy {
    const strategy_kind *kind;
    const nas_space *space;
    nas_strategy_options options;
    void *state;
    uint32_t genes;
    strategy_trial *trial; /* by number */
    uint16_t *pool;        /* trial i's genes start at i * genes */
    uint32_t *slot;        /* hash table of trial number + 1, open addressing */
    size_t n_trials, trial_cap, pool_cap, n_slots;
    uint32_t attempt; /* how often this ask has called propose before */
};

/* The settings that strategy `name` looks at, ended by NULL; NULL: there is no such list. */
const char *const *strategy_takes(const char *name);

/* Genes of a trial that was asked for. */
const uint16_t *strategy_genes(const nas_strategy *t, uint32_t trial);
void strategy_genome(nas_genome *x, const nas_strategy *t, uint32_t trial);
bool strategy_was_asked(const nas_strategy *t, const nas_genome *x);

/* The greatest common divisor. */
uint32_t strategy_common_factor(uint32_t a, uint32_t b);

#define X(name) extern const strategy_kind strategy_##name;
#include "strategies.def"
#undef X

#endif
