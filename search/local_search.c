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
    uint32_t begun, seen; /* `front` is that of trials begun … seen - 1 */
    selection front;
} local;

static void release(nas_strategy *t) {
    local *s = t->state;
    if (s == NULL)
        return;
    selection_free(&s->front);
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

static nas_status make_room(local *s, uint32_t n, uint32_t m) {
    selection bigger = {0};
    if (n <= s->front.cap)
        return NAS_OK;
    nas_status st = selection_create(&bigger, 2 * n, m);
    if (st != NAS_OK) {
        selection_free(&bigger);
        return st;
    }
    for (; bigger.n < s->front.n; bigger.n++)
        bigger.member[bigger.n] = s->front.member[bigger.n];
    selection_free(&s->front);
    s->front = bigger;
    return NAS_OK;
}

/* Lets the run's trials below `end` into the front; of one objective only the best stays. */
static nas_status advance(nas_strategy *t, uint32_t end) {
    local *s = t->state;
    selection *f = &s->front;
    if (s->begun != s->first || s->seen < s->first) {
        f->n = 0;
        s->begun = s->seen = s->first;
    }
    if (s->seen == end)
        return NAS_OK;
    NAS_TRY(make_room(s, f->n + end - s->seen, t->options.n_objectives));
    const uint32_t held = f->n;
    for (uint32_t i = s->seen; i < end; i++)
        f->member[f->n++].trial = i;
    nas_status st = selection_sort(f, t);
    if (st != NAS_OK) {
        f->n = held;
        return st;
    }
    uint32_t n = 1;
    while (t->options.n_objectives > 1 && n < f->n && f->member[n].rank == 0)
        n++;
    f->n = n;
    s->seen = end;
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
        NAS_TRY(advance(t, end));
        uint32_t front = s->front.n, from = (uint32_t)nas_rng_below(r, front);
        for (uint32_t i = 0; i < front; i++) {
            nas_genome x;
            strategy_genome(&x, t, s->front.member[(from + i) % front].trial);
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

static const char *const takes[] = {"population", "batch", NULL};

const strategy_kind strategy_local_search = {.name = "local_search",
                                             .takes = takes,
                                             .create = create,
                                             .free = release,
                                             .horizon = horizon,
                                             .propose = propose};
