/* tests/search/test_strategy.c - ask and tell: determinism, resuming, no repeats, and that it
 * searches. */
#include <nas/search.h>

#include "small_spaces.h"

#include <math.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { MAX_RUN = 400 };

/* All of them: what stands below holds for each. */
static const char *const *strategies;
static int n_strategies;

static nas_space *toy, *tiny;

static int open_spaces(void **state) {
    (void)state;
    strategies = nas_strategy_names();
    while (strategies[n_strategies] != NULL)
        n_strategies++;
    return nas_space_parse(&toy, toy_space, strlen(toy_space), "toy") != NAS_OK ||
           nas_space_parse(&tiny, tiny_space, strlen(tiny_space), "tiny") != NAS_OK;
}

static int close_spaces(void **state) {
    (void)state;
    nas_space_free(toy);
    nas_space_free(tiny);
    return 0;
}

/* ---- a problem: ZDT1 on genes ------------------------------------------------------------------
 */

static const double lowest_f1 = 0.6; /* the constraint */

/* Genes 0 and 1 say where on the front, the others how near to it: each has its best option, and an
 * inactive one is as bad as the worst. */
static nas_point evaluate(const nas_space *s, uint32_t trial, const nas_genome *x) {
    nas_point p = {.trial = trial, .genome = *x};
    bool active[NAS_MAX_GENES];
    nas_space_active(active, s, x);
    uint32_t n0 = nas_space_gene(s, 0)->n, n1 = nas_space_gene(s, 1)->n, rest = 0;
    double f1 = (double)(x->gene[0] * n1 + x->gene[1]) / (n0 * n1 - 1), far = 0;
    for (uint32_t i = 2; i < x->n; i++, rest++) {
        int n = (int)nas_space_gene(s, i)->n, best = (int)(3 * i + 1) % n;
        far += active[i] ? abs(x->gene[i] - best) / (double)n : 1;
    }
    double g = 1 + 9 * far / rest;
    p.objective[0] = f1;
    p.objective[1] = g * (1 - sqrt(f1 / g));
    p.violation = fmax(0, (lowest_f1 - f1) / lowest_f1);
    p.failed = trial % 9 == 4; /* some crash, whatever they are */
    if (p.failed)
        p.objective[0] = p.objective[1] = -1; /* must not be looked at */
    return p;
}

typedef enum order { AT_ONCE, LATE_FORWARDS, LATE_BACKWARDS } order;

typedef struct run {
    nas_genome asked[MAX_RUN];
    nas_point told[MAX_RUN];
} run;

static nas_strategy *create(const char *name, const nas_space *s, uint64_t seed) {
    const nas_strategy_options o = {.n_objectives = 2, .seed = seed, .population = 16};
    nas_strategy *t = NULL;
    assert_int_equal(nas_strategy_create(&t, name, s, &o), NAS_OK);
    return t;
}

static void tell_all(nas_strategy *t, run *r, uint32_t from, uint32_t to, bool backwards) {
    for (uint32_t k = 0; k < to - from; k++)
        assert_int_equal(nas_strategy_tell(t, &r->told[backwards ? to - 1 - k : from + k]), NAS_OK);
}

/* Asks for trials told[] … n-1. Late orders hold results back for as long as the horizon allows. */
static void go_on(run *r, nas_strategy *t, const nas_space *s, uint32_t from, uint32_t n, order o) {
    uint32_t told = from;
    for (uint32_t i = from; i < n; i++) {
        uint32_t need = o == AT_ONCE ? i : nas_strategy_horizon(t, i);
        if (need > told) {
            tell_all(t, r, told, i, o == LATE_BACKWARDS);
            told = i;
        }
        assert_int_equal(nas_strategy_ask(&r->asked[i], t, i), NAS_OK);
        r->told[i] = evaluate(s, i, &r->asked[i]);
    }
    tell_all(t, r, told, n, o == LATE_BACKWARDS);
}

static run *search(const char *name, const nas_space *s, uint64_t seed, uint32_t n, order o) {
    run *r = calloc(1, sizeof *r);
    nas_strategy *t = create(name, s, seed);
    assert_non_null(r);
    go_on(r, t, s, 0, n, o);
    nas_strategy_free(t);
    return r;
}

/* ---- tests -------------------------------------------------------------------------------------
 */

/* Strategies that fit models need seconds for what takes others milliseconds. */
static bool is_slow(const char *name) {
    static const char *const slow[] = {"auto", "bananas", "gp", "nasbot", "npenas"};
    for (size_t i = 0; i < sizeof slow / sizeof *slow; i++)
        if (strcmp(name, slow[i]) == 0)
            return true;
    return false;
}

static void same_seed_same_asks_in_any_order(void **state) {
    (void)state;
    for (int k = 0; k < n_strategies; k++) {
        uint32_t n = is_slow(strategies[k]) ? 45 : 100;
        run *a = search(strategies[k], toy, 5, n, AT_ONCE);
        run *b = search(strategies[k], toy, 5, n, LATE_FORWARDS);
        run *c = search(strategies[k], toy, 5, n, LATE_BACKWARDS);
        run *d = search(strategies[k], toy, 6, n, AT_ONCE);
        assert_memory_equal(a->asked, b->asked, sizeof a->asked);
        assert_memory_equal(a->asked, c->asked, sizeof a->asked);
        if (strcmp(strategies[k], "grid") != 0) /* which draws nothing */
            assert_memory_not_equal(a->asked, d->asked, sizeof a->asked);
        free(a);
        free(b);
        free(c);
        free(d);
    }
}

/* Stops before trial `stop`; another process asks and is told again, and goes on. */
static void resume_at(const run *whole, const char *name, uint32_t n, uint32_t stop) {
    run *again = calloc(1, sizeof *again);
    nas_strategy *t = create(name, toy, 2);
    assert_non_null(again);
    for (uint32_t i = 0; i < stop; i++) {
        assert_int_equal(nas_strategy_ask(&again->asked[i], t, i), NAS_OK);
        assert_int_equal(nas_strategy_tell(t, &whole->told[i]), NAS_OK);
    }
    go_on(again, t, toy, stop, n, LATE_BACKWARDS);
    if (memcmp(whole->asked, again->asked, sizeof whole->asked) != 0)
        fail_msg("%s resumed at trial %u asks for other networks", name, stop);
    nas_strategy_free(t);
    free(again);
}

static void resumed_at_any_trial_it_is_the_same_search(void **state) {
    (void)state;
    enum { N = 60, SLOW_STOP = 41 }; /* in the middle of a generation */
    for (int k = 0; k < n_strategies; k++) {
        run *whole = search(strategies[k], toy, 2, N, LATE_FORWARDS);
        bool slow = is_slow(strategies[k]);
        for (uint32_t stop = slow ? SLOW_STOP : 0; stop <= (slow ? SLOW_STOP : N); stop++)
            resume_at(whole, strategies[k], N, stop);
        free(whole);
    }
}

static void no_network_is_asked_for_twice(void **state) {
    (void)state;
    for (int k = 0; k < n_strategies; k++) {
        uint32_t n = is_slow(strategies[k]) ? 60 : MAX_RUN;
        run *r = search(strategies[k], toy, 3, n, AT_ONCE);
        for (uint32_t i = 0; i < n; i++) {
            nas_genome canonical = r->asked[i];
            nas_space_canonical(&canonical, toy);
            assert_memory_equal(&canonical, &r->asked[i], sizeof canonical);
            for (uint32_t j = 0; j < i; j++)
                assert_memory_not_equal(r->asked[i].gene, r->asked[j].gene,
                                        r->asked[i].n * sizeof *r->asked[i].gene);
        }
        free(r);
    }
}

static void a_small_space_is_exhausted_exactly(void **state) {
    (void)state;
    uint32_t n = (uint32_t)nas_space_size(tiny);
    assert_true(n > 4 && n < MAX_RUN);
    for (int k = 0; k < n_strategies; k++) {
        run *r = calloc(1, sizeof *r);
        nas_strategy *t = create(strategies[k], tiny, 1);
        nas_genome x;
        go_on(r, t, tiny, 0, n, AT_ONCE);
        assert_int_equal(nas_strategy_ask(&x, t, n), NAS_E_NOT_FOUND);
        assert_non_null(strstr(nas_error_text(), "exhausted"));
        nas_strategy_free(t);
        free(r);
    }
}

/* Hypervolume of the feasible points that did not fail. */
static double reached(const run *r, uint32_t n) {
    static double obj[2 * MAX_RUN];
    const double ref[] = {1.1, 1.5};
    uint32_t used = 0;
    double v = -1;
    for (uint32_t i = 0; i < n; i++)
        if (!r->told[i].failed && r->told[i].violation == 0) {
            memcpy(obj + 2 * used, r->told[i].objective, 2 * sizeof *obj);
            used++;
        }
    assert_int_equal(nas_hypervolume(&v, obj, used, 2, ref), NAS_OK);
    return v;
}

static void nsga2_beats_random_search(void **state) {
    (void)state;
    for (uint64_t seed = 1; seed <= 4; seed++) {
        run *evolved = search("nsga2", toy, seed, MAX_RUN, LATE_FORWARDS);
        run *drawn = search("random", toy, seed, MAX_RUN, LATE_FORWARDS);
        double a = reached(evolved, MAX_RUN), b = reached(drawn, MAX_RUN);
        if (a <= b)
            fail_msg("seed %d: NSGA-II %g, random %g", (int)seed, a, b);
        free(evolved);
        free(drawn);
    }
}

static void nsga2_moves_into_the_feasible_part(void **state) {
    (void)state;
    run *r = search("nsga2", toy, 11, MAX_RUN, AT_ONCE);
    uint32_t early = 0, late = 0;
    enum { DRAWN = 16, PART = 64 }; /* the first population is random */
    for (uint32_t i = 0; i < DRAWN; i++)
        early += r->told[i].violation > 0;
    for (uint32_t i = 0; i < PART; i++)
        late += r->told[MAX_RUN - 1 - i].violation > 0;
    /* By chance three of five violate; children of feasible parents do so by mutation only. */
    if (2 * late * DRAWN >= early * PART)
        fail_msg("%u of the first %d violate, %u of the last %d", early, DRAWN, late, PART);
    free(r);
}

static void wrong_use_is_refused(void **state) {
    (void)state;
    nas_strategy *t = NULL;
    nas_strategy_options o = {.n_objectives = 2, .population = 4};
    assert_int_equal(nas_strategy_create(&t, "nsga4", toy, &o), NAS_E_NOT_FOUND);
    assert_non_null(strstr(nas_error_text(), "nsga"));
    o.n_objectives = 0;
    assert_int_equal(nas_strategy_create(&t, "nsga2", toy, &o), NAS_E_ARG);
    o.n_objectives = 2;
    o.mutation = NAN;
    assert_int_equal(nas_strategy_create(&t, "nsga2", toy, &o), NAS_E_ARG);
    o.mutation = 0;
    assert_int_equal(nas_strategy_create(&t, "nsga2", toy, &o), NAS_OK);

    nas_genome x[5];
    assert_int_equal(nas_strategy_ask(&x[0], t, 1), NAS_E_ARG); /* 0 is next */
    for (uint32_t i = 0; i < 4; i++)
        assert_int_equal(nas_strategy_ask(&x[i], t, i), NAS_OK);
    assert_int_equal(nas_strategy_horizon(t, 3), 0);
    assert_int_equal(nas_strategy_horizon(t, 4), 4);
    assert_int_equal(nas_strategy_ask(&x[4], t, 4), NAS_E_ARG); /* nothing told */
    nas_point p = evaluate(toy, 4, &x[0]);
    assert_int_equal(nas_strategy_tell(t, &p), NAS_E_ARG); /* never asked for */
    p = evaluate(toy, 0, &x[1]);
    assert_int_equal(nas_strategy_tell(t, &p), NAS_E_ARG); /* another network */
    for (uint32_t i = 4; i-- > 0;) {
        p = evaluate(toy, i, &x[i]);
        assert_int_equal(nas_strategy_tell(t, &p), NAS_OK);
    }
    assert_int_equal(nas_strategy_tell(t, &p), NAS_E_ARG); /* twice */
    assert_int_equal(nas_strategy_ask(&x[4], t, 4), NAS_OK);
    nas_strategy_free(t);
    nas_strategy_free(NULL);
}

/* A search of 40 trials; every allocation fails once. What fails says so and can be asked again. */
static void survive_short_memory(const char *name) {
    enum { N = 40, MOST = 400 };
    run *want = search(name, toy, 8, N, AT_ONCE);
    nas_strategy *t = create(name, toy, 8);
    for (uint32_t i = 0; i < N; i++) {
        nas_genome x;
        nas_status st = NAS_E_MEMORY;
        for (uint64_t k = 1; st == NAS_E_MEMORY && k < MOST; k++) {
            nas_alloc_fail_after(k);
            st = nas_strategy_ask(&x, t, i);
        }
        nas_alloc_fail_after(0);
        if (st != NAS_OK || memcmp(&x, &want->asked[i], sizeof x) != 0)
            fail_msg("%s: trial %u is another one after memory was short", name, i);
        assert_int_equal(nas_strategy_tell(t, &want->told[i]), NAS_OK);
    }
    nas_strategy_free(t);
    free(want);
}

static void running_out_of_memory_loses_nothing(void **state) {
    (void)state;
    static const char *const cheap[] = {"nsga2", "nsga3",     "moead", "aging_evolution",
                                        "ppo",   "reinforce", "grid",  "local_search"};
    for (size_t i = 0; i < sizeof cheap / sizeof *cheap; i++)
        survive_short_memory(cheap[i]);
}

/* Prices: networks whose first gene is below 5 break a constraint. */
static nas_status forbid_most(void *ctx, const nas_genome *x, double *objective,
                              double *violation) {
    (void)ctx;
    objective[0] = objective[1] = NAN;
    *violation = x->gene[0] < 5 ? 5 - x->gene[0] : 0;
    return NAS_OK;
}

static void nothing_is_asked_for_that_is_known_to_be_forbidden(void **state) {
    (void)state;
    enum { N = 60 };
    for (int k = 0; k < n_strategies; k++) {
        const nas_strategy_options o = {
            .n_objectives = 2, .seed = 4, .population = 16, .budget = N, .price = forbid_most};
        nas_strategy *t = NULL;
        uint32_t forbidden = 0;
        assert_int_equal(nas_strategy_create(&t, strategies[k], toy, &o), NAS_OK);
        for (uint32_t i = 0; i < N; i++) {
            nas_genome x;
            assert_int_equal(nas_strategy_ask(&x, t, i), NAS_OK);
            forbidden += x.gene[0] < 5;
            nas_point p = evaluate(toy, i, &x);
            assert_int_equal(nas_strategy_tell(t, &p), NAS_OK);
        }
        if (forbidden > 0)
            fail_msg("%s asked for %u of %d that are forbidden", strategies[k], forbidden, N);
        nas_strategy_free(t);
    }
}

/* Results that say nothing: objectives that are all the same, trials of which none or only one is
 * feasible, and none that ends well. Every strategy goes on, with networks that are new. */
typedef enum dull { CONSTANT, NONE_FEASIBLE, ONE_FEASIBLE, ALL_FAIL, N_DULL } dull;

static nas_point dull_point(dull kind, uint32_t trial, const nas_genome *x) {
    nas_point p = {.trial = trial, .genome = *x, .objective = {0.25, 4}};
    if (kind == NONE_FEASIBLE || (kind == ONE_FEASIBLE && trial != 7))
        p.violation = 1 + x->gene[0];
    p.failed = kind == ALL_FAIL;
    return p;
}

static void dull_results_stop_no_strategy(void **state) {
    (void)state;
    enum { N = 26 };
    for (int k = 0; k < n_strategies; k++)
        for (dull kind = CONSTANT; kind < N_DULL; kind++) {
            nas_genome x[N];
            nas_strategy *t = create(strategies[k], toy, 3);
            for (uint32_t i = 0; i < N; i++) {
                if (nas_strategy_ask(&x[i], t, i) != NAS_OK)
                    fail_msg("%s, kind %d: %s", strategies[k], kind, nas_error_text());
                for (uint32_t j = 0; j < i; j++)
                    assert_memory_not_equal(&x[i], &x[j], sizeof x[i]);
                nas_point p = dull_point(kind, i, &x[i]);
                assert_int_equal(nas_strategy_tell(t, &p), NAS_OK);
            }
            nas_strategy_free(t);
        }
}

/* Two objectives that pull gene 0 to either end; what is its mean in the later half? */
static double end_of_gene_0(const char *name, double alpha, double threshold) {
    enum { N = 240 };
    const nas_strategy_options o = {.n_objectives = 2,
                                    .seed = 1,
                                    .budget = N,
                                    .numbers = {.alpha = alpha, .threshold = threshold}};
    nas_strategy *t = NULL;
    double sum = 0;
    assert_int_equal(nas_strategy_create(&t, name, toy, &o), NAS_OK);
    for (uint32_t i = 0; i < N; i++) {
        nas_genome x;
        assert_int_equal(nas_strategy_ask(&x, t, i), NAS_OK);
        nas_point p = {.trial = i, .genome = x, .objective = {x.gene[0], 7 - x.gene[0]}};
        assert_int_equal(nas_strategy_tell(t, &p), NAS_OK);
        sum += i < N / 2 ? 0 : x.gene[0];
    }
    nas_strategy_free(t);
    return sum / (N - N / 2);
}

/* MONAS: R = alpha accuracy - (1 - alpha) cost, or the accuracy below a threshold of the cost. */
static void controllers_follow_their_reward(void **state) {
    (void)state;
    static const char *const names[] = {"reinforce", "ppo", "q_learning"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        double first = end_of_gene_0(names[i], 1, 0), second = end_of_gene_0(names[i], 0.01, 0);
        double limited =
            end_of_gene_0(names[i], 0, 3.5); /* best is 4: the smallest that is below */
        if (!(first < 2.5 && second > 4.5 && limited > 3.5 && limited < 5.5))
            fail_msg("%s ends at %g, %g and %g", names[i], first, second, limited);
    }
}

/* What auto picks for `budget` trials with m objectives in this space. */
static const char *picked(const nas_space *s, uint32_t budget, uint32_t m) {
    const nas_strategy_options o = {.n_objectives = m, .seed = 1, .budget = budget};
    nas_strategy *t = NULL;
    assert_int_equal(nas_strategy_create(&t, "auto", s, &o), NAS_OK);
    const char *name = nas_strategy_name(t);
    uint32_t ahead = 0; /* so many are asked for before the first of them must have ended */
    for (uint32_t i = 40; i < 60; i++)
        ahead = i - nas_strategy_horizon(t, i) > ahead ? i - nas_strategy_horizon(t, i) : ahead;
    assert_true(ahead >= 3);
    nas_strategy_free(t);
    return name;
}

static void auto_picks_by_budget_space_and_objectives(void **state) {
    (void)state;
    assert_string_equal(picked(tiny, 100, 2), "grid");
    assert_string_equal(picked(toy, 100, 1), "gp");
    assert_string_equal(picked(toy, 100, 5), "gp");
    assert_string_equal(picked(toy, 0, 2), "gp"); /* nothing is known of the budget */
    assert_string_equal(picked(toy, 1000, 2), "bananas");
    assert_string_equal(picked(toy, 5000, 1), "aging_evolution");
    assert_string_equal(picked(toy, 5000, 2), "nsga2");
    assert_string_equal(picked(toy, 5000, 4), "nsga3");
}

/* Every strategy has its chapter in the manual, with when to use it and when not, and every chapter
 * that is named so is a strategy. */
static void every_strategy_has_its_chapter(void **state) {
    (void)state;
    char *manual = NULL;
    size_t n = 0;
    int chapters = 0;
    assert_int_equal(nas_file_read(&manual, &n, NAS_SOURCE_DIR "/docs/strategies.md", 1 << 20),
                     NAS_OK);
    for (int k = 0; k < n_strategies; k++) {
        char title[64];
        snprintf(title, sizeof title, "\n## %s\n", strategies[k]);
        const char *at = strstr(manual, title), *end = at != NULL ? strstr(at + 1, "\n## ") : NULL;
        const char *when = at != NULL ? strstr(at, "*When*") : NULL;
        const char *not = at != NULL ? strstr(at, "*When not*") : NULL;
        if (when == NULL || not == NULL || (end != NULL && (when > end || not > end)))
            fail_msg("docs/strategies.md does not say when to use %s and when not", strategies[k]);
    }
    for (const char *at = manual; (at = strstr(at, "\n*When*")) != NULL; at++)
        chapters++;
    nas_free(manual);
    if (chapters != n_strategies)
        fail_msg("docs/strategies.md has %d chapters for %d strategies", chapters, n_strategies);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(auto_picks_by_budget_space_and_objectives),
        cmocka_unit_test(every_strategy_has_its_chapter),
        cmocka_unit_test(same_seed_same_asks_in_any_order),
        cmocka_unit_test(resumed_at_any_trial_it_is_the_same_search),
        cmocka_unit_test(no_network_is_asked_for_twice),
        cmocka_unit_test(a_small_space_is_exhausted_exactly),
        cmocka_unit_test(nsga2_beats_random_search),
        cmocka_unit_test(nsga2_moves_into_the_feasible_part),
        cmocka_unit_test(wrong_use_is_refused),
        cmocka_unit_test(running_out_of_memory_loses_nothing),
        cmocka_unit_test(dull_results_stop_no_strategy),
        cmocka_unit_test(controllers_follow_their_reward),
        cmocka_unit_test(nothing_is_asked_for_that_is_known_to_be_forbidden),
    };
    return cmocka_run_group_tests(tests, open_spaces, close_spaces);
}
