/* tests/search/test_genome.c - the genome tools that strategies share, and encodings. */
#include <nas/space.h>

#include "cell_space.h"
#include "small_spaces.h"

#include <math.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static nas_space *toy, *cell;

static int open_spaces(void **state) {
    (void)state;
    return nas_space_parse(&toy, toy_space, strlen(toy_space), "toy") != NAS_OK ||
           nas_space_parse(&cell, cell_space, strlen(cell_space), "cell") != NAS_OK;
}

static int close_spaces(void **state) {
    (void)state;
    nas_space_free(toy);
    nas_space_free(cell);
    return 0;
}

static bool is_canonical(const nas_space *s, const nas_genome *x) {
    nas_genome y = *x;
    nas_space_canonical(&y, s);
    return memcmp(&y, x, sizeof y) == 0;
}

static void neighbours_are_canonical_and_differ_in_one_active_gene(void **state) {
    (void)state;
    nas_rng r = nas_rng_stream(1, "test", 0);
    for (int k = 0; k < 50; k++) {
        nas_genome x = {0}, y;
        bool active[NAS_MAX_GENES];
        uint32_t expected = 0;
        nas_space_sample(&x, toy, &r);
        nas_space_active(active, toy, &x);
        for (uint32_t i = 0; i < x.n; i++)
            expected += active[i] ? nas_space_gene(toy, i)->n - 1 : 0;
        assert_int_equal(nas_genome_neighbour_count(toy, &x), expected);
        for (uint32_t i = 0; i < expected; i++) {
            uint32_t differ = 0;
            nas_genome_neighbour(&y, toy, &x, i);
            assert_true(is_canonical(toy, &y));
            for (uint32_t g = 0; g < x.n; g++)
                differ += active[g] && y.gene[g] != x.gene[g];
            assert_true(differ >= 1);
        }
    }
}

static void one_edit_changes_the_network_and_reaches_every_option(void **state) {
    (void)state;
    nas_rng r = nas_rng_stream(2, "test", 0);
    bool seen[16] = {false};
    nas_genome x = {0};
    nas_space_sample(&x, cell, &r);
    for (int k = 0; k < 400; k++) {
        nas_genome y = x;
        nas_genome_mutate(&y, cell, 1, &r);
        assert_int_equal(nas_genome_distance(cell, &x, &y), 1);
        seen[y.gene[3]] = true;
    }
    for (uint32_t i = 0; i < nas_space_gene(cell, 3)->n; i++)
        assert_true(seen[i]);
}

static void mutants_and_children_are_canonical(void **state) {
    (void)state;
    nas_rng r = nas_rng_stream(3, "test", 0);
    for (int k = 0; k < 200; k++) {
        nas_genome a = {0}, b = {0}, c;
        nas_space_sample(&a, toy, &r);
        nas_space_sample(&b, toy, &r);
        nas_genome_cross(&c, toy, &a, &b, 0.5, &r);
        assert_true(is_canonical(toy, &c));
        nas_genome_mutate(&c, toy, 3, &r);
        assert_true(is_canonical(toy, &c));
    }
}

static void children_take_every_gene_from_a_parent(void **state) {
    (void)state;
    nas_rng r = nas_rng_stream(4, "test", 0);
    int from_b = 0;
    for (int k = 0; k < 200; k++) {
        nas_genome a = {0}, b = {0}, c;
        nas_space_sample(&a, cell, &r);
        nas_space_sample(&b, cell, &r);
        nas_genome_cross(&c, cell, &a, &b, 0.25, &r);
        for (uint32_t i = 0; i < c.n; i++) {
            assert_true(c.gene[i] == a.gene[i] || c.gene[i] == b.gene[i]);
            from_b += c.gene[i] != a.gene[i];
        }
    }
    /* 1200 genes, a quarter swapped, four fifths of them seen as different: 240 expected, sd 14 */
    assert_in_range(from_b, 180, 300);
}

/* ---- uniform over networks ---- */

typedef struct uniform_case {
    const char *name, *text;
} uniform_case;

#define SMALL "name: s\ninput: [8, 8, 1]\nclasses: 10\n"
/* What makes networks come more or less often when every gene is drawn alone. */
static const uniform_case uniform_cases[] = {
    {"uniform_over_depths", SMALL
     "net:\n  - stage: {name: s, repeat: {choose: [1, 2, 3]}, block: {conv: {out: {choose: [2, 3, "
     "4]}}}}\n  - head\n"},
    {"uniform_over_families", SMALL
     "let: {w: {choose: [2, 4, 6]}}\nnet:\n  - choose: {a: {conv: {out: $w}}, b: [{conv: {out: "
     "{choose: [1, 2]}}}, {conv: {out: {choose: [3, 4]}}}], c: skip}\n  - head\n"},
    {"uniform_over_motifs", SMALL
     "blocks:\n  m: {shared: true, body: {choose: {a: act, b: norm, c: skip}}}\nnet:\n"
     "  - conv: {out: 2}\n  - choose: {x: m, y: norm}\n  - choose: {x: m, y: act}\n  - head\n"},
    {"uniform_under_constraints", SMALL
     "let: {n: {choose: [1, 2, 3]}}\nnet:\n  - stage: {name: s, repeat: $n, block: {conv: {out: "
     "{choose: [2, 3]}}}}\n  - head\nconstraints: [s.0.out + n < 6, params < 200]\n"},
};
enum { N_UNIFORM = sizeof uniform_cases / sizeof *uniform_cases, MOST_NETWORKS = 64 };

/* The chi-squared statistic has mean n - 1 and variance 2 (n - 1). */
static void networks_are_equally_likely(void **state) {
    const uniform_case *c = *state;
    enum { EACH = 300 };
    nas_space *s;
    nas_genome all[MOST_NETWORKS] = {{0}}, x = {0};
    uint32_t n = 0, seen[MOST_NETWORKS] = {0};
    double chi = 0;
    nas_rng r = nas_rng_stream(3, c->name, 0);
    assert_int_equal(nas_space_parse(&s, c->text, strlen(c->text), "s"), NAS_OK);
    x.n = nas_space_gene_count(s);
    do {
        if (nas_space_allows(s, &x))
            all[n++] = x;
    } while (nas_space_next(&x, s) && n < MOST_NETWORKS);
    assert_in_range(n, 5, MOST_NETWORKS - 1);
    for (uint32_t i = 0; i < n * EACH; i++) {
        uint32_t k = 0;
        assert_int_equal(nas_space_sample_uniform(&x, s, &r), NAS_OK);
        while (memcmp(all[k].gene, x.gene, sizeof x.gene) != 0)
            assert_true(++k < n);
        seen[k]++;
    }
    for (uint32_t k = 0; k < n; k++)
        chi += ((double)seen[k] - EACH) * ((double)seen[k] - EACH) / EACH;
    if (chi > n - 1 + 4 * sqrt(2.0 * (n - 1)))
        fail_msg("chi squared %.1f over %u networks", chi, n);
    nas_space_free(s);
}

static void every_space_can_be_drawn_uniformly(void **state) {
    (void)state;
    for (const char *const *name = nas_space_names(); *name != NULL; name++) {
        nas_space *s;
        nas_genome x = {0};
        nas_rng r = nas_rng_stream(4, *name, 0);
        assert_int_equal(nas_space_open(&s, *name), NAS_OK);
        if (nas_space_sample_uniform(&x, s, &r) != NAS_OK)
            fail_msg("%s", nas_error_text());
        assert_true(is_canonical(s, &x));
        nas_space_free(s);
    }
}

/* ---- encodings ---- */

typedef struct row_case {
    const char *name;
    nas_encoding kind;
    uint32_t size;
    uint16_t gene[6];
    uint32_t ones[8]; /* places of the ones, the last one repeated */
} row_case;

/* Edges 0-1 0-2 1-2 0-3 1-3 2-3; ops none, skip, conv1, conv3, pool. Paths: 0-3; 0-1-3; 0-2-3;
 * 0-1-2-3. Strings of length 1 start at 0, of 2 at 5, of 3 at 30; for FUNCTION all come one later.
 */
static const row_case rows[] = {
    {"one_hot", NAS_ENCODE_ONE_HOT, 30, {0, 1, 2, 3, 4, 0}, {0, 6, 12, 18, 24, 25}},
    {"adjacency", NAS_ENCODE_ADJACENCY, 36, {0, 1, 2, 3, 4, 0}, {1, 2, 3, 4, 6, 12, 18, 24}},
    {"path",
     NAS_ENCODE_PATH,
     155,
     {3, 3, 1, 2, 2, 4},
     {2, 5 + 3 * 5 + 2, 5 + 3 * 5 + 4, 30 + 3 * 25 + 1 * 5 + 4}},
    {"function_skips", NAS_ENCODE_FUNCTION, 156, {1, 1, 1, 1, 1, 1}, {0}},
    {"function_none", NAS_ENCODE_FUNCTION, 156, {0, 3, 3, 0, 3, 2}, {6 + 3 * 5 + 2}},
    {"function_mixed", NAS_ENCODE_FUNCTION, 156, {1, 0, 3, 0, 2, 4}, {1 + 2, 6 + 3 * 5 + 4}},
};
enum { N_ROWS = sizeof rows / sizeof *rows };

static void row_is_as_worked_out_by_hand(void **state) {
    const row_case *c = *state;
    nas_encoder *e = NULL;
    nas_genome x = {.n = 6};
    memcpy(x.gene, c->gene, sizeof c->gene);
    assert_int_equal(nas_encoder_create(&e, cell, c->kind), NAS_OK);
    assert_int_equal(nas_encoder_size(e), c->size);
    float *row = malloc(c->size * sizeof *row), sum = 0, expected = 0;
    assert_non_null(row);
    nas_encoder_row(row, e, &x);
    for (uint32_t i = 0; i < c->size; i++)
        sum += row[i];
    for (uint32_t i = 0; i < 8; i++) {
        if (i > 0 && c->ones[i] == 0)
            break;
        assert_true(row[c->ones[i]] == 1);
        expected += 1;
    }
    if (c->kind != NAS_ENCODE_ADJACENCY)
        assert_true(sum == expected);
    else
        assert_true(sum == 4 + 6); /* edges that carry an op, and an op for each edge */
    free(row);
    nas_encoder_free(e);
}

static void ordinal_rows_tell_inactive_genes(void **state) {
    (void)state;
    nas_encoder *e = NULL;
    nas_rng r = nas_rng_stream(5, "test", 0);
    float row[32];
    assert_int_equal(nas_encoder_create(&e, toy, NAS_ENCODE_ORDINAL), NAS_OK);
    assert_int_equal(nas_encoder_size(e), nas_space_gene_count(toy));
    for (int k = 0; k < 20; k++) {
        nas_genome x = {0};
        bool active[NAS_MAX_GENES];
        nas_space_sample(&x, toy, &r);
        nas_space_active(active, toy, &x);
        nas_encoder_row(row, e, &x);
        for (uint32_t i = 0; i < x.n; i++)
            assert_true(active[i] ? row[i] >= 0 && row[i] <= 1 : row[i] == -1);
    }
    nas_encoder_free(e);
}

static void paths_of_a_space_without_a_cell_are_refused(void **state) {
    (void)state;
    nas_encoder *e = NULL;
    assert_int_equal(nas_encoder_create(&e, toy, NAS_ENCODE_PATH), NAS_E_UNSUPPORTED);
    assert_non_null(strstr(nas_error_text(), "no cell"));
    assert_null(e);
}

int main(void) {
    struct CMUnitTest tests[N_ROWS + N_UNIFORM + 7] = {
        cmocka_unit_test(every_space_can_be_drawn_uniformly),
        cmocka_unit_test(neighbours_are_canonical_and_differ_in_one_active_gene),
        cmocka_unit_test(one_edit_changes_the_network_and_reaches_every_option),
        cmocka_unit_test(mutants_and_children_are_canonical),
        cmocka_unit_test(children_take_every_gene_from_a_parent),
        cmocka_unit_test(ordinal_rows_tell_inactive_genes),
        cmocka_unit_test(paths_of_a_space_without_a_cell_are_refused),
    };
    for (size_t i = 0; i < N_ROWS; i++)
        tests[7 + i] = (struct CMUnitTest){rows[i].name, row_is_as_worked_out_by_hand, NULL, NULL,
                                           (void *)(uintptr_t)&rows[i]};
    for (size_t i = 0; i < N_UNIFORM; i++)
        tests[7 + N_ROWS + i] =
            (struct CMUnitTest){uniform_cases[i].name, networks_are_equally_likely, NULL, NULL,
                                (void *)(uintptr_t)&uniform_cases[i]};
    return _cmocka_run_group_tests("genome", tests, N_ROWS + N_UNIFORM + 7, open_spaces,
                                   close_spaces);
}
