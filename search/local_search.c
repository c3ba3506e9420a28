/* search/local_search.c - local search (White et al. 2021; with several objectives Pareto local
 * search, Paquete et al. 2004).
 *
 * A run starts with a few random networks. Then the best of the run, or with several objectives one
 * of its front, gives the next neighbour, until none of them has a neighbour that is new: then the
 * next run starts.
 */
#include "selection.h"

enum { DEFAULT_STARTS = 10, DEFAULT_BATCH = 4 };

typedef struct local {
    uint32_t starts, batch;
    uint32_t first;       /* trial that this run began with */
    uint32_t ranked, end; /* trials that `run` holds, ranked: ranked … end - 1 */
    uint32_t cap;
    selection run;
} local;

static void release(nas_strategy *t) {
    local *s = t->state;
    if (s == NULL)
        return;
    selection_free(&s->run);
    nas_free(s);
}

static nas_status create(nas_strategy *t) {
    const nas_strategy_options *o = &t->options;
    local *s = t->state = nas_calloc(1, sizeof *s);
    if (s == NULL)
        return nas_fail_memory(sizeof *s);
    s->starts = o->population ? o->population : DEFAULT_STARTS;
    s->batch = o->numbers.batch > 0 ? (uint32_t)o->numbers.batch : DEFAULT_BATCH;
    return NAS_OK;
}

static uint32_t horizon(const nas_strategy *t, uint32_t trial) {
    const local *s = t->state;
    return trial < s->batch ? 0 : trial - (s->batch - 1);
}

static nas_status rank_run(nas_strategy *t, uint32_t end) {
    local *s = t->state;
    uint32_t n = end - s->first;
    if (s->ranked == s->first && s->end == end)
        return NAS_OK;
    s->end = 0;
    if (n > s->cap) {
        selection bigger;
        nas_status st = selection_create(&bigger, 2 * n, t->options.n_objectives);
        if (st != NAS_OK) {
            selection_free(&bigger);
            return st;
        }
        selection_free(&s->run);
        s->run = bigger;
        s->cap = 2 * n;
    }
    selection_take(&s->run, s->first, end);
    NAS_TRY(selection_sort(&s->run, t));
    s->ranked = s->first;
    s->end = end;
    return NAS_OK;
}

/* A neighbour of x that is new, in random order. */
static bool new_neighbour(nas_genome *out, const nas_strategy *t, const nas_genome *x, nas_rng *r) {
    uint32_t n = nas_genome_neighbour_count(t->space, x);
    uint32_t first = n > 0 ? (uint32_t)nas_rng_below(r, n) : 0, stride = 1;
    /* Any stride without a common factor meets all; it spreads the changes over the genes. */
    for (uint32_t k = (uint32_t)nas_rng_below(r, n > 0 ? n : 1); k > 1 && stride == 1; k--) {
        uint32_t a = n, b = k;
        while (b != 0) {
            uint32_t c = a % b;
            a = b;
            b = c;
        }
        stride = a == 1 ? k : 1;
    }
    for (uint32_t i = 0; i < n; i++) {
        nas_genome_neighbour(out, t->space, x, (uint32_t)((first + (uint64_t)i * stride) % n));
        if (!strategy_was_asked(t, out))
            return true;
    }
    return false;
}

static nas_status propose(nas_genome *out, nas_strategy *t, uint32_t trial, nas_rng *r) {
    local *s = t->state;
    uint32_t end = horizon(t, trial);
    if (end > s->first && trial >= s->first + s->starts) {
        NAS_TRY(rank_run(t, end));
        uint32_t front = 0;
        while (front < s->run.n && s->run.member[front].rank == 0 &&
               (t->options.n_objectives > 1 || front == 0))
            front++;
        uint32_t from = (uint32_t)nas_rng_below(r, front);
        for (uint32_t i = 0; i < front; i++) {
            nas_genome x;
            strategy_genome(&x, t, s->run.member[(from + i) % front].trial);
            if (new_neighbour(out, t, &x, r))
                return NAS_OK;
        }
        s->first = trial;
    }
    /* A stream of its own: an ask that failed and is repeated has the same start. */
    nas_rng start = nas_rng_stream(t->options.seed, "local_search.start",
                                   (uint64_t)trial * STRATEGY_TRIES + t->attempt);
    nas_space_sample(out, t->space, &start);
    return NAS_OK;
}

const strategy_kind strategy_local_search = {.name = "local_search",
                                             .create = create,
                                             .free = release,
                                             .horizon = horizon,
                                             .propose = propose};
