/* runtime/plan.c - the memory plan: aliases, lifetimes, and a best fit of values into arenas. */
#include "plan.h"

#include <stdlib.h>
#include <string.h>

typedef struct planner {
    plan *p;
    const nas_graph *g;
    const plan_request *r;
} planner;

static size_t round_up(size_t n, size_t to) {
    return (n + to - 1) / to * to;
}

static uint32_t flags_of(const nas_node *n) {
    return nas_op_get(n->op)->flags;
}

/* What a value takes of a block, guards included. */
static size_t span(const planner *l, size_t count) {
    return round_up(count + l->r->guard, l->r->align);
}

static nas_status add_block(planner *l, size_t count, uint32_t *index) {
    plan *p = l->p;
    if (count > l->r->max_block)
        return nas_fail(NAS_E_TOO_BIG, "a block of %zu elements is over the device's limit of %zu",
                        count, l->r->max_block);
    NAS_TRY(nas_grow(&p->block, &p->cap_blocks, p->n_blocks + 1, sizeof *p->block));
    p->block[p->n_blocks] = count;
    *index = (uint32_t)p->n_blocks++;
    return NAS_OK;
}

static void mark_used(planner *l, nas_value v, uint32_t at) {
    plan_slot *s = &l->p->slot[v.id], *root = &l->p->slot[s->root];
    s->live = true;
    root->live = true;
    if (root->to < at)
        root->to = at;
}

/* Backwards from what is wanted: a node that nobody reads does not run. */
static void find_lifetimes(planner *l) {
    plan *p = l->p;
    for (uint32_t v = 0; v < p->n; v++) {
        const nas_node *n = nas_graph_node(l->g, (nas_value){v});
        bool shares = flags_of(n) & (NAS_OPF_ALIAS | NAS_OPF_WRITES_IN0);
        p->slot[v] = (plan_slot){.root = shares ? p->slot[n->in[0].id].root : v,
                                 .live = (flags_of(n) & (NAS_OPF_LEAF | NAS_OPF_WRITES_IN0)) != 0,
                                 .count = (size_t)nas_shape_count(&n->shape),
                                 .from = v,
                                 .to = v};
    }
    for (uint32_t i = 0; i < l->r->n_keep; i++)
        mark_used(l, l->r->keep[i], p->n);
    if (nas_value_ok(nas_graph_output(l->g)))
        mark_used(l, nas_graph_output(l->g), p->n);
    for (uint32_t i = 0; i < l->r->n_together; i++)
        mark_used(l, l->r->together[i], l->r->together[i].id);
    for (uint32_t v = p->n; v-- > 0;) {
        const nas_node *n = nas_graph_node(l->g, (nas_value){v});
        if (p->slot[v].live)
            for (uint32_t i = 0; i < n->n_in; i++)
                mark_used(l, n->in[i], v);
    }
}

/* PARAMs one after the other, those with decay first; then every other leaf in a block of its own.
 */
static nas_status place_leaves(planner *l) {
    plan *p = l->p;
    uint32_t block;
    size_t at = l->r->guard ? round_up(l->r->guard, l->r->align) : 0;
    NAS_TRY(add_block(l, 0, &block));
    NAS_TRY(add_block(l, 0, &block));
    for (int pass = 0; pass < 2; pass++) {
        for (uint32_t v = 0; v < p->n; v++) {
            const nas_node *n = nas_graph_node(l->g, (nas_value){v});
            if (n->op != NAS_OP_PARAM || (n->attr.leaf.decay != 0) == (pass == 1))
                continue;
            p->param_first[v] = at;
            p->slot[v].block = PLAN_PARAMS;
            p->slot[v].first = at;
            p->slot[v].placed = true;
            at += span(l, p->slot[v].count);
        }
        if (pass == 0)
            p->n_decay = at;
    }
    if (at > l->r->max_block)
        return nas_fail(NAS_E_TOO_BIG,
                        "parameters of %zu elements are over the device's limit of %zu", at,
                        l->r->max_block);
    if (l->r->n_together && at > INT32_MAX)
        return nas_fail(NAS_E_TOO_BIG, "parameters of %zu elements: at most %d can be trained", at,
                        INT32_MAX);
    p->block[PLAN_PARAMS] = at;
    p->block[PLAN_TOGETHER] = l->r->n_together ? at : 0;
    for (uint32_t v = 0; v < p->n; v++) {
        const nas_node *n = nas_graph_node(l->g, (nas_value){v});
        if (!(flags_of(n) & NAS_OPF_LEAF) || p->slot[v].placed)
            continue;
        size_t lead = l->r->guard ? round_up(l->r->guard, l->r->align) : 0;
        NAS_TRY(add_block(l, lead + span(l, p->slot[v].count), &p->slot[v].block));
        p->slot[v].first = lead;
        p->slot[v].placed = true;
    }
    p->first_arena = p->n_blocks;
    return NAS_OK;
}

/* together[i] belongs to the i-th PARAM. It is computed right into its place where its storage is
 * its own; where two gradients are one value, or it is a leaf or a part, a copy is due. */
static nas_status place_together(planner *l) {
    plan *p = l->p;
    uint32_t i = 0;
    if (!l->r->n_together)
        return NAS_OK;
    for (uint32_t v = 0; v < p->n; v++) {
        if (nas_graph_node(l->g, (nas_value){v})->op != NAS_OP_PARAM)
            continue;
        if (i == l->r->n_together)
            return nas_fail(NAS_E_ARG, "%u gradients for more params", (unsigned)i);
        plan_slot *s = &p->slot[l->r->together[i].id], *root = &p->slot[s->root];
        if (s->count != p->slot[v].count)
            return nas_fail(NAS_E_ARG, "gradient %u has %zu elements, its param %zu", (unsigned)i,
                            s->count, p->slot[v].count);
        if (!root->placed && root->count == s->count) {
            root->placed = true;
            root->block = PLAN_TOGETHER;
            root->first = p->param_first[v];
        } else {
            NAS_TRY(nas_grow(&p->copy, &p->cap_copies, p->n_copies + 1, sizeof *p->copy));
            p->copy[p->n_copies++] =
                (plan_copy){.value = l->r->together[i].id, .first = p->param_first[v]};
        }
        i++;
    }
    if (i < l->r->n_together)
        return nas_fail(NAS_E_ARG, "%u gradients for %u params", (unsigned)l->r->n_together,
                        (unsigned)i);
    return NAS_OK;
}

/* ---- arenas: large values first, each into the tightest gap between those alive with it ---- */

typedef struct arena_list {
    uint32_t *by_first; /* placed values, ascending by offset, over all arenas */
    size_t n;
} arena_list;

static bool overlap(const plan_slot *a, const plan_slot *b) {
    return a->from <= b->to && b->from <= a->to;
}

/* The best gap for s in one arena; the end of what is alive counts as an endless gap. */
static size_t best_gap(const planner *l, const arena_list *a, const plan_slot *s, uint32_t block,
                       size_t *slack) {
    const plan *p = l->p;
    size_t need = span(l, s->count), end = l->r->guard ? round_up(l->r->guard, l->r->align) : 0;
    size_t best = SIZE_MAX;
    *slack = SIZE_MAX;
    for (size_t i = 0; i < a->n; i++) {
        const plan_slot *o = &p->slot[a->by_first[i]];
        if (o->block != block || (l->r->reuse && !overlap(o, s)))
            continue;
        if (o->first >= end + need && o->first - end - need < *slack) {
            *slack = o->first - end - need;
            best = end;
        }
        size_t o_end = o->first + span(l, o->count);
        end = o_end > end ? o_end : end;
    }
    return best == SIZE_MAX ? end : best;
}

static nas_status place_one(planner *l, arena_list *a, uint32_t v) {
    plan *p = l->p;
    plan_slot *s = &p->slot[v];
    size_t need = span(l, s->count) + l->r->guard, first = SIZE_MAX, tightest = SIZE_MAX;
    if (need > l->r->max_block)
        return nas_fail(NAS_E_TOO_BIG, "a value of %zu elements is over the device's limit of %zu",
                        s->count, l->r->max_block);
    for (size_t b = p->first_arena; b < p->n_blocks; b++) {
        size_t slack, at = best_gap(l, a, s, (uint32_t)b, &slack);
        if (at + span(l, s->count) <= l->r->max_block && (first == SIZE_MAX || slack < tightest)) {
            first = at;
            tightest = slack;
            s->block = (uint32_t)b;
        }
    }
    if (first == SIZE_MAX) {
        first = l->r->guard ? round_up(l->r->guard, l->r->align) : 0;
        NAS_TRY(add_block(l, 0, &s->block));
    }
    s->first = first;
    s->placed = true;
    if (first + span(l, s->count) > p->block[s->block])
        p->block[s->block] = first + span(l, s->count);
    size_t i = a->n++;
    for (; i > 0 && p->slot[a->by_first[i - 1]].first > first; i--)
        a->by_first[i] = a->by_first[i - 1];
    a->by_first[i] = v;
    return NAS_OK;
}

typedef struct size_row {
    size_t count;
    uint32_t value;
} size_row;

static int larger_first(const void *x, const void *y) {
    const size_row *a = x, *b = y;
    if (a->count != b->count)
        return a->count > b->count ? -1 : 1;
    return a->value < b->value ? -1 : 1;
}

static nas_status place_arenas(planner *l) {
    nas_status st = NAS_OK;
    plan *p = l->p;
    size_row *order = nas_calloc(p->n + 1, sizeof *order);
    arena_list a = {.by_first = nas_calloc(p->n + 1, sizeof *a.by_first)};
    size_t n = 0;
    if (!order || !a.by_first)
        NAS_GO(nas_fail_memory((p->n + 1) * sizeof *order));
    for (uint32_t v = 0; v < p->n; v++)
        if (p->slot[v].root == v && p->slot[v].live && !p->slot[v].placed) {
            order[n++] = (size_row){.count = p->slot[v].count, .value = v};
            p->no_reuse += span(l, p->slot[v].count);
        }
    qsort(order, n, sizeof *order, larger_first);
    for (size_t i = 0; i < n; i++)
        NAS_GO(place_one(l, &a, order[i].value));
done:
    nas_free(order);
    nas_free(a.by_first);
    return st;
}

nas_status plan_make(plan *out, const nas_graph *g, const plan_request *r) {
    nas_status st = NAS_OK;
    plan p = {.n = nas_graph_count(g)};
    planner l = {.p = &p, .g = g, .r = r};
    p.slot = nas_calloc(p.n + 1, sizeof *p.slot);
    p.param_first = nas_calloc(p.n + 1, sizeof *p.param_first);
    if (!p.slot || !p.param_first)
        NAS_GO(nas_fail_memory((p.n + 1) * sizeof *p.slot));
    find_lifetimes(&l);
    NAS_GO(place_leaves(&l));
    NAS_GO(place_together(&l));
    NAS_GO(place_arenas(&l));
    for (uint32_t v = 0; v < p.n; v++) { /* those that share a storage */
        const plan_slot *root = &p.slot[p.slot[v].root];
        p.slot[v].block = root->block;
        p.slot[v].first = root->first;
        p.slot[v].placed = root->placed;
    }
    *out = p;
    p = (plan){0};
done:
    plan_free(&p);
    return st;
}

void plan_free(plan *p) {
    nas_free(p->slot);
    nas_free(p->param_first);
    nas_free(p->block);
    nas_free(p->copy);
    *p = (plan){0};
}

size_t plan_sum(const plan *p, size_t first, size_t end) {
    size_t sum = 0;
    for (size_t b = first; b < end; b++)
        sum += p->block[b];
    return sum;
}
