/* tests/search/test_space.c - the network language: genes, counting, names, networks, examples. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "space_fixture.h"

/* ---- genes ---- */

static const char many_ways[] = HEAD "let: {w: {choose: [4, 8]}}\n"
                                     "net:\n"
                                     "  - conv: {out: {choose: [2, 4]}}\n"
                                     "  - choose:\n"
                                     "      deep:\n"
                                     "        stage:\n"
                                     "          repeat: {choose: [1, 2, 3]}\n"
                                     "          block: {conv: {out: $w, kernel: {choose: [1, 3]}, "
                                     "stride: {choose: [1, 2]}}}\n"
                                     "      flat:\n"
                                     "        - choose: [skip, conv: {out: 3}, pool]\n"
                                     "        - conv: {out: $w * 2}\n"
                                     "      none: skip\n"
                                     "    name: way\n"
                                     "  - head: {hidden: {choose: [0, 5]}}\n";

static void genes_have_readable_paths(void **state) {
    (void)state;
    static const struct {
        const char *path, *first;
        uint32_t n;
        bool ordinal;
    } expected[] = {{"0.conv.out", "2", 2, true},        {"way", "deep", 3, false},
                    {"deep.repeat", "1", 3, true},       {"w", "4", 2, true},
                    {"deep.0.kernel", "1", 2, true},     {"deep.0.stride", "1", 2, true},
                    {"deep.1.kernel", "1", 2, true},     {"deep.2.kernel", "1", 2, true},
                    {"flat.0.choose", "skip", 3, false}, {"head.hidden", "0", 2, true}};
    enum { N = sizeof expected / sizeof *expected };
    nas_space *s = parse(many_ways);
    for (uint32_t i = 0; i < nas_space_gene_count(s) && i < N; i++) {
        bool found = false;
        for (uint32_t k = 0; k < N; k++) {
            const nas_gene *g = nas_space_gene(s, i);
            if (strcmp(g->path, expected[k].path) != 0)
                continue;
            found = true;
            assert_string_equal(g->choices[0], expected[k].first);
            assert_int_equal(g->n, expected[k].n);
            assert_int_equal(g->ordinal, expected[k].ordinal);
        }
        if (!found)
            print_error("unexpected gene %s\n", nas_space_gene(s, i)->path);
        assert_true(found);
    }
    assert_int_equal(nas_space_gene_count(s), N);
    nas_space_free(s);
}

/* deep: w (2) times 4 (2 + 4 + 8) / 2 ...: kernels 2, 4, 8 in one to three copies, a stride in the
 * first alone. flat: 3 times w. none: w does not count. */
static void size_counts_networks_once(void **state) {
    (void)state;
    nas_space *s = parse(many_ways);
    double deep = 2 * 2 * (2 + 4 + 8), flat = 3 * 2, none = 1;
    assert_true(nas_space_size(s) == 2 * (deep + flat + none) * 2);
    nas_space_free(s);
}

static void enumeration_meets_every_network_once(void **state) {
    (void)state;
    static const char *const texts[] = {
        many_ways,
        HEAD "net: [head]\n",
        /* a let name that decides how many copies there are, in one of two families */
        HEAD "let: {r: {choose: [1, 2, 3]}, w: {choose: [1, 2]}}\nnet:\n"
             "  - choose:\n"
             "      a: {stage: {repeat: $r, block: {conv: {out: {choose: [1, 2]}}}}}\n"
             "      b: {conv: {out: $w}}\n"
             "  - choose: [skip, conv: {out: $w}]\n"
             "  - head\n",
        HEAD "net:\n  - stage: {repeat: {choose: [1, 2]}, blocks: {choose: [[conv: {out: 1}], "
             "[skip, pool]]}}\n  - conv: {choose: [{out: 1}, {out: {choose: [2, 3]}}]}\n  - head\n",
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        nas_space *s = parse(texts[i]);
        assert_enumeration(s);
        nas_space_free(s);
    }
}

/* All graphs of a space without equal alternatives differ. */
static void different_genomes_are_different_networks(void **state) {
    (void)state;
    nas_space *s = parse(HEAD "net:\n  - stage: {repeat: {choose: [1, 2]}, block: {conv: {out: {"
                              "choose: [2, 3]}, kernel: {choose: [1, 3]}}}}\n  - head\n");
    uint64_t hash[64];
    uint32_t n = 0;
    nas_genome x = {0};
    nas_space_canonical(&x, s);
    do {
        nas_graph *g = graph_of(s, &x, 1);
        hash[n++] = nas_graph_hash(g);
        nas_graph_free(g);
        for (uint32_t k = 0; k + 1 < n; k++)
            assert_true(hash[k] != hash[n - 1]);
    } while (nas_space_next(&x, s));
    assert_int_equal(n, 4 + 16);
    nas_space_free(s);
}

static void sampling_follows_the_seed(void **state) {
    (void)state;
    nas_space *s = parse(many_ways);
    nas_genome a, b, canonical;
    nas_rng r = nas_rng_stream(3, "test", 0), again = nas_rng_stream(3, "test", 0);
    uint32_t deep = 0;
    for (int i = 0; i < 300; i++) {
        nas_space_sample(&a, s, &r);
        nas_space_sample(&b, s, &again);
        assert_memory_equal(&a, &b, sizeof a);
        canonical = a;
        nas_space_canonical(&canonical, s);
        assert_memory_equal(&a, &canonical, sizeof a);
        deep += a.gene[1] == 0;
    }
    assert_in_range(deep, 60, 140); /* a third of 300; 140 is 5 standard deviations away */
    nas_space_free(s);
}

static void foreign_genomes_are_refused(void **state) {
    (void)state;
    nas_space *s = parse(many_ways);
    nas_graph *g;
    nas_genome x = {.n = 3};
    assert_int_equal(nas_space_graph(&g, s, &x, 1), NAS_E_ARG);
    x = (nas_genome){.n = nas_space_gene_count(s), .gene = {0, 7}};
    assert_int_equal(nas_space_graph(&g, s, &x, 1), NAS_E_ARG);
    assert_non_null(strstr(nas_error_text(), "way"));
    nas_space_free(s);
}

/* ---- networks ---- */

static void strides_count_in_the_first_repeat_only(void **state) {
    (void)state;
    nas_graph *g =
        network_of(HEAD "net:\n"
                        "  - stage: {name: s, repeat: 3, block: {mbconv: {out: 4, expand: "
                        "2, stride: 2, kernel: 5, se: 0.25}}}\n"
                        "  - stage: {name: p, repeat: 2, blocks: [pool, conv: {out: 5}]}\n"
                        "  - head: {pool: none}\n");
    assert_leaf(g, "s.0.expand.weight", "1x1x1x2");
    assert_leaf(g, "s.0.depthwise.weight", "5x5x1x2");
    assert_leaf(g, "s.2.depthwise.weight", "5x5x1x8");
    assert_leaf(g, "s.2.se.squeeze.weight", "8x8");
    assert_leaf(g, "s.2.project.stats", "2x4");
    assert_leaf(g, "p.1.1.conv.weight", "3x3x5x5");
    assert_leaf(g, "head.classes.weight", "20x10"); /* 8 -> 4 -> 2, 5 channels */
    nas_graph_free(g);
}

static void leaves_are_named_and_initialised_by_role(void **state) {
    (void)state;
    nas_graph *g = network_of(HEAD "net:\n"
                                   "  - conv: {out: 8, norm: none, dilation: 2, groups: 1}\n"
                                   "  - patch: {name: embed, size: 4, dim: 6, cls: true}\n"
                                   "  - transformer: {heads: 2, mlp: 1.5, dropout: 0.1, drop_path: "
                                   "0.2}\n"
                                   "  - head: {pool: cls, hidden: 7, act: gelu}\n");
    static const struct {
        const char *name, *shape;
        int32_t decay;
        float scale;                                            /* 0: not looked at */
    } leaves[] = {{"0.conv.weight", "3x3x1x8", 1, 0.16666667f}, /* sqrt(2 / 72) */
                  {"0.conv.bias", "8", 0, 0},
                  {"embed.project.weight", "4x4x8x6", 1, 0},
                  {"embed.cls", "1x1x6", 0, 0.02f},
                  {"embed.pos", "1x5x6", 0, 0.02f},
                  {"2.norm1.gamma", "6", 0, 1},
                  {"2.attention.qkv.weight", "6x18", 1, 0.02f},
                  {"2.attention.project.bias", "6", 0, 0},
                  {"2.mlp.expand.weight", "6x9", 1, 0.02f},
                  {"2.mlp.project.weight", "9x6", 1, 0.02f},
                  {"head.norm.beta", "6", 0, 0},
                  {"head.hidden.weight", "6x7", 1, 0},
                  {"head.classes.weight", "7x10", 1, 0},
                  {"seed", "", 0, 0}};
    for (size_t i = 0; i < sizeof leaves / sizeof *leaves; i++) {
        nas_value v = nas_graph_find(g, leaves[i].name);
        if (strcmp(leaves[i].name, "seed") != 0)
            assert_leaf(g, leaves[i].name, leaves[i].shape);
        assert_true(nas_value_ok(v));
        const nas_attr *a = &nas_graph_node(g, v)->attr;
        assert_int_equal(a->leaf.decay, leaves[i].decay);
        if (leaves[i].scale > 0)
            assert_float_equal(a->leaf.scale, leaves[i].scale, 1e-6);
    }
    int32_t streams = 0, per_sample = 0;
    for (uint32_t i = 0; i < nas_graph_count(g); i++) {
        const nas_node *n = nas_graph_node(g, (nas_value){i});
        if (n->op != NAS_OP_DROPOUT)
            continue;
        assert_int_equal(n->attr.dropout.stream, streams++);
        per_sample += n->attr.dropout.per_sample;
    }
    assert_int_equal(streams, 5);
    assert_int_equal(per_sample, 2);
    nas_graph_free(g);
}

static void a_network_without_dropout_has_no_seed(void **state) {
    (void)state;
    nas_graph *g = network_of(HEAD "net: [conv: {out: 2}, head]\n");
    assert_false(nas_value_ok(nas_graph_find(g, "seed")));
    nas_graph_free(g);
}

static void let_products_give_sizes(void **state) {
    (void)state;
    nas_graph *g = network_of(HEAD "let: {w: 3, k: 2}\n"
                                   "net: [conv: {out: $w}, conv: {out: $w * $k * 2}, head]\n");
    assert_leaf(g, "1.conv.weight", "3x3x3x12");
    nas_graph_free(g);
}

static void comment_on_top_is_about(void **state) {
    (void)state;
    nas_space *s = parse("# One line\n# and another.\n\n# not this\n" HEAD "net: [head]\n");
    assert_string_equal(nas_space_about(s), "One line and another.");
    nas_space_free(s);
}

/* ---- built-in spaces and examples ---- */

static void every_network_of_a_space_stands_alone(void **state) {
    nas_space *s = open_space(*state);
    nas_rng r = nas_rng_stream(1, "test", 0);
    nas_genome x;
    for (int i = 0; i < 16; i++) {
        nas_space_sample(&x, s, &r);
        if (i % 8 == 0) {
            assert_round_trip(s, &x);
            continue;
        }
        nas_graph *g = graph_of(s, &x, 1);
        nas_cost cost;
        nas_graph_cost(&cost, g);
        assert_in_range(cost.macs, 50000, INT64_C(50000000000));
        nas_graph_free(g);
    }
    assert_true(strlen(nas_space_about(s)) > 40);
    assert_string_equal(nas_space_name(s), *state);
    nas_space_free(s);
}

static void odd_spaces_round_trip(void **state) {
    (void)state;
    static const char *const texts[] = {
        many_ways,
        HEAD "net:\n"
             "  - choose: [[conv: {out: 1}, conv: {name: z, out: 2}], mbconv: {out: 3}]\n"
             "    name: group\n"
             "  - stage:\n"
             "      name: s\n"
             "      repeat: {choose: [1, 2]}\n"
             "      blocks:\n"
             "        - choose: [skip, [pool, conv: {out: 4}]]\n"
             "        - stage: {name: inner, repeat: {choose: [1, 2]}, block: {choose: {c: {conv: "
             "{out: 2, stride: 2}}, l: [conv: {out: 1}]}}}\n"
             "  - head: {choose: [{hidden: 3}, {hidden: {choose: [4, 5]}}]}\n",
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        nas_space *s = parse(texts[i]);
        nas_genome x = {0};
        assert_enumeration(s);
        nas_space_canonical(&x, s);
        do
            assert_round_trip(s, &x);
        while (nas_space_next(&x, s));
        nas_space_free(s);
    }
}

static void builtin_spaces_are_sorted(void **state) {
    (void)state;
    const char *const *names = nas_space_names();
    uint32_t n = 0;
    for (; names[n] != NULL; n++)
        if (n > 0)
            assert_true(strcmp(names[n - 1], names[n]) < 0);
    assert_true(n >= 5);
}

/* Counted by hand from the papers' tables and the layers' sizes. */
static void examples_cost_what_they_should(void **state) {
    (void)state;
    static const struct {
        const char *path;
        int64_t macs, params;
    } nets[] = {{NAS_SOURCE_DIR "/examples/cnn-small.yaml", 14677760, 131178},
                {NAS_SOURCE_DIR "/examples/vit-small.yaml", 11528576, 205834},
                {NAS_SOURCE_DIR "/examples/resnet20.yaml", 40813184, 272474}};
    for (size_t i = 0; i < sizeof nets / sizeof *nets; i++) {
        nas_space *s = open_space(nets[i].path);
        nas_genome none = {0};
        nas_cost cost;
        nas_graph *g = graph_of(s, &none, 1);
        nas_graph_cost(&cost, g);
        assert_int_equal(cost.macs, nets[i].macs);
        assert_int_equal(cost.params, nets[i].params);
        assert_round_trip(s, &none);
        nas_graph_free(g);
        nas_space_free(s);
    }
}

int main(void) {
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(genes_have_readable_paths),
        cmocka_unit_test(size_counts_networks_once),
        cmocka_unit_test(enumeration_meets_every_network_once),
        cmocka_unit_test(different_genomes_are_different_networks),
        cmocka_unit_test(sampling_follows_the_seed),
        cmocka_unit_test(foreign_genomes_are_refused),
        cmocka_unit_test(strides_count_in_the_first_repeat_only),
        cmocka_unit_test(leaves_are_named_and_initialised_by_role),
        cmocka_unit_test(a_network_without_dropout_has_no_seed),
        cmocka_unit_test(let_products_give_sizes),
        cmocka_unit_test(comment_on_top_is_about),
        cmocka_unit_test(odd_spaces_round_trip),
        cmocka_unit_test(builtin_spaces_are_sorted),
        cmocka_unit_test(examples_cost_what_they_should),
    };
    struct CMUnitTest spaces[64];
    size_t n = 0;
    for (const char *const *name = nas_space_names(); *name != NULL && n < 64; name++)
        spaces[n++] = (struct CMUnitTest){.name = *name,
                                          .test_func = every_network_of_a_space_stands_alone,
                                          .initial_state = (void *)(uintptr_t)*name};
    int failed = _cmocka_run_group_tests("built-in spaces", spaces, n, NULL, NULL);
    return failed + cmocka_run_group_tests(tests, NULL, NULL);
}
