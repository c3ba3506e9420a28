/* tests/search/test_space_growth.c - dependent values, own blocks, cells, cases and constraints. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "space_fixture.h"

/* ---- dependent values ---- */

static const char dependent[] = HEAD
    "let: {w: {choose: [1, 2]}, c: \"= 8 * w\"}\n"
    "net:\n"
    "  - conv: {name: a, out: \"= c * 2\", kernel: {choose: [3, 5]}}\n"
    "  - stage:\n"
    "      name: s\n"
    "      repeat: {choose: [1, 2]}\n"
    "      block: {mbconv: {out: \"= if(index == 0, 8, 16)\", kernel: {choose: [3, 5]}, "
    "expand: \"= kernel - 1\"}}\n"
    "  - stage: {name: q, repeat: \"= 3 - s.repeat\", block: {conv: {out: {choose: [4, 8]}, act: "
    "\"= if(out == 4, 'relu', 'gelu')\"}}}\n"
    "  - head\n";

static void dependent_values_follow_their_genes(void **state) {
    (void)state;
    nas_space *s = parse(dependent);
    nas_genome x = {0};
    nas_text t = {0};
    nas_space_canonical(&x, s);
    for (uint32_t i = 0; i < x.n; i++) /* w 2, a.kernel 3, one copy of s, two of q */
        if (strcmp(nas_space_gene(s, i)->path, "w") == 0 ||
            strcmp(nas_space_gene(s, i)->path, "q.1.out") == 0)
            x.gene[i] = 1;
    assert_int_equal(nas_space_network(&t, s, &x), NAS_OK);
    assert_non_null(strstr(nas_text_str(&t), "out: 32"));
    assert_non_null(strstr(nas_text_str(&t), "expand: 2"));
    assert_non_null(strstr(nas_text_str(&t), "out: 4, act: relu"));
    assert_non_null(strstr(nas_text_str(&t), "out: 8, act: gelu"));
    assert_null(strchr(nas_text_str(&t), '='));
    nas_graph *g = graph_of(s, &x, 1), *again = network_of(nas_text_str(&t));
    assert_leaf(g, "a.conv.weight", "3x3x1x32");
    assert_int_equal(nas_graph_hash(g), nas_graph_hash(again));
    nas_graph_free(g);
    nas_graph_free(again);
    nas_text_free(&t);
    nas_space_free(s);
}

static void expressions_give_what_arithmetic_gives(void **state) {
    (void)state;
    static const struct {
        const char *text, *weight;
    } cases[] = {{"2 + 3 * 4", "14"},
                 {"(2 + 3) * 4", "20"},
                 {"7 - 2 - 1", "4"},
                 {"2 * 9 / 3", "6"},
                 {"7 % 4", "3"},
                 {"-5 % 4 + 1", "4"},
                 {"min(4, 2, 3)", "2"},
                 {"max(4, 2)", "4"},
                 {"floor(7 / 2)", "3"},
                 {"ceil(7 / 2)", "4"},
                 {"round(2.4)", "2"},
                 {"1.5e1 - 1e+1", "5"},
                 {"abs(2 - 5)", "3"},
                 {"1 + (2 < 3)", "2"},
                 {"1 + (2 >= 3 or not 1 == 2 and 1)", "2"},
                 {"if(1 == 2, 1 / 0, 6)", "6"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[256], shape[32];
        snprintf(text, sizeof text, HEAD "net:\n  - conv: {name: a, out: \"= %s\"}\n  - head\n",
                 cases[i].text);
        snprintf(shape, sizeof shape, "3x3x1x%s", cases[i].weight);
        nas_graph *g = network_of(text);
        assert_leaf(g, "a.conv.weight", shape);
        nas_graph_free(g);
    }
}

/* Numbers over 2^53, with all digits. */
static void large_sizes_are_exact(void **state) {
    (void)state;
    nas_space *s =
        parse(HEAD "net:\n  - stage: {repeat: 40, block: {conv: {out: {choose: [1, 2, 3, 4, "
                   "5, 6, 7, 8, 9]}}}}\n  - head\n");
    nas_text t = {0};
    nas_space_size_text(&t, s);
    assert_string_equal(nas_text_str(&t), "147808829414345923316083210206383297601"); /* 9^40 */
    assert_true(nas_space_size(s) == 147808829414345923316083210206383297601.0);
    nas_text_free(&t);
    nas_space_free(s);
}

/* ---- own blocks ---- */

static const char own[] =
    "name: t\ninput: {choose: [[8, 8, 3], [16, 16, 3]]}\nclasses: 10\n"
    "blocks:\n"
    "  sep:\n"
    "    args: {out: , kernel: {choose: [3, 5]}, stride: 1, mid: \"= out * 2\"}\n"
    "    body:\n"
    "      - conv: {out: $mid, kernel: 1}\n"
    "      - conv: {out: $mid, kernel: $kernel, stride: $stride, groups: $mid}\n"
    "      - conv: {out: $mid / 2, kernel: 1, act: none}\n"
    "  wrap:\n"
    "    args: {op: block, c: 8}\n"
    "    body:\n"
    "      residual: {body: [$op, conv: {out: $c}]}\n"
    "  gate:\n"
    "    body:\n"
    "      mul: {branches: [skip, [global_pool, dense: {out: 16, act: hsigmoid}]]}\n"
    "net:\n"
    "  - sep: {name: a, out: 16}\n"
    "  - stage: {name: s, repeat: {choose: [1, 2]}, block: {sep: {out: 16, stride: 2}}}\n"
    "  - gate\n"
    "  - wrap: {op: {choose: [sep: {out: 12}, conv: {out: 12}]}}\n"
    "  - case: \"= s.repeat\"\n"
    "    of: {1: skip, 2: {conv: {out: {choose: [8, 16]}}}, else: skip}\n"
    "  - shuffle: {groups: 4}\n"
    "  - concat: {branches: [slice: {part: 0}, [slice: {part: 1}, crop: {}]]}\n"
    "  - head\n";

/* input 2, a 2, and with one copy of s: 2 kernels, with two: 4, and 2 widths of the case; wrap 2 +
 * 1 */
static void own_blocks_have_genes_of_their_own(void **state) {
    (void)state;
    nas_space *s = parse(own);
    assert_true(nas_space_size(s) == 2 * 2 * (2 * 1 + 4 * 2) * 3);
    int32_t hwc[3], classes;
    nas_space_input(s, hwc, &classes);
    assert_int_equal(hwc[0], 16);
    nas_space_free(s);
}

/* Two motifs that are drawn once; of the second, only networks that use it have its genes. */
static const char shared[] =
    HEAD "blocks:\n"
         "  m1: {shared: true, args: {c: }, body: [conv: {out: $c, kernel: {choose: [1, 3, 5]}}]}\n"
         "  m2:\n"
         "    shared: true\n"
         "    args: {c: }\n"
         "    body:\n"
         "      cell:\n"
         "        nodes:\n"
         "          - {from: [0], ops: [{choose: {one: {m1: {c: $c}}, no: skip}}]}\n"
         "          - {from: [{choose: [0, 1]}, 1], ops: [skip, conv: {out: $c}]}\n"
         "net:\n"
         "  - conv: {out: 4}\n"
         "  - stage: {name: s, repeat: 2, block: {choose: {a: {m2: {c: 4}}, b: {m1: {c: 4}}}}}\n"
         "  - head\n";

/* aa, ab, ba, bb: with m2 its choices are one (m1's 3 kernels, or 1 beside b) or no, times 2 edges.
 */
static void shared_blocks_are_drawn_once(void **state) {
    (void)state;
    nas_space *s = parse(shared);
    double aa = (3 + 1) * 2, ab = (3 + 3) * 2, bb = 3;
    assert_true(nas_space_size(s) == aa + 2 * ab + bb);
    nas_space_free(s);
}

static void grown_spaces_enumerate_and_round_trip(void **state) {
    (void)state;
    static const char *const texts[] = {dependent, own, shared};
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

/* ---- cells ---- */

#define CELL(args, nodes)                                                                          \
    HEAD "net:\n  - conv: {out: 4}\n  - cell: {" args "name: c, nodes: [" nodes "]}\n  - head\n"

static void cells_leave_out_what_leads_nowhere(void **state) {
    (void)state;
    nas_graph *g = network_of(CELL("", "{from: [0], ops: [conv: {out: 4}]}, "
                                       "{from: [0, none], ops: [conv: {out: 4}, skip]}"));
    assert_false(nas_value_ok(nas_graph_find(g, "c.0.0.conv.weight")));
    assert_leaf(g, "c.1.0.conv.weight", "3x3x4x4");
    nas_graph_free(g);
    g = network_of(CELL("output: loose, ",
                        "{from: [0], then: {conv: {out: 3}}}, "
                        "{from: [0]}, {from: [1, 2], combine: concat}, {from: [0]}"));
    assert_leaf(g, "head.classes.weight", "11x10"); /* (3 + 4) and 4 */
    nas_graph_free(g);
}

/* The second input of a cell is what went into the one before it. */
static void cells_see_the_one_before(void **state) {
    (void)state;
    nas_graph *g = network_of(
        HEAD
        "blocks:\n  c: {args: {out: }, body: {cell: {inputs: 2, nodes: [{from: [0, 1], combine: "
        "concat, then: {conv: {out: $out}}}]}}}\n"
        "net: [conv: {out: 2}, c: {name: a, out: 3}, c: {name: b, out: 4}, c: {name: d, out: "
        "5}, head]\n");
    assert_leaf(g, "a.0.then.conv.weight", "3x3x4x3");
    assert_leaf(g, "b.0.then.conv.weight", "3x3x5x4");
    assert_leaf(g, "d.0.then.conv.weight", "3x3x7x5");
    nas_graph_free(g);
}

/* ---- constraints ---- */

static void constraints_are_met(void **state) {
    (void)state;
    nas_space *s = parse(HEAD "net:\n  - conv: {name: a, out: {choose: [2, 4, 8]}}\n"
                              "  - conv: {name: b, out: {choose: [2, 4, 8]}}\n  - head\n"
                              "constraints: [a.out <= b.out, params < 400]\n");
    nas_genome x = {.n = 2};
    nas_rng r = nas_rng_stream(1, "test", 0);
    nas_graph *g;
    uint32_t allowed = 0, draws = 0;
    assert_true(nas_space_size(s) == 9);
    for (x.gene[0] = 0; x.gene[0] < 3; x.gene[0]++) {
        for (x.gene[1] = 0; x.gene[1] < 3; x.gene[1]++) {
            bool fine = nas_space_allows(s, &x);
            nas_status st = nas_space_graph(&g, s, &x, 2);
            assert_int_equal(st, fine ? NAS_OK : NAS_E_SHAPE);
            if (fine)
                nas_graph_free(g);
            allowed += fine;
        }
    }
    assert_int_equal(allowed, 4); /* 2 2, 2 4, 4 4, 2 8: 4 8 has 440 params, 8 8 has 792 */
    for (int i = 0; i < 200; i++) {
        draws += nas_space_draw(&x, s, &r);
        assert_true(nas_space_allows(s, &x));
    }
    assert_in_range(draws, 300, 700); /* 9 / 4 a network on average */
    nas_space_free(s);
}

/* ---- the manuals ---- */

/* Whole files stand in the manuals between ```yaml and ```; each is read, and draws a network. */
static void examples_of_the_manuals_are_fine(void **state) {
    (void)state;
    static const char *const manuals[] = {"spaces.md", "network-language.md"};
    uint32_t n = 0;
    for (size_t i = 0; i < 2; i++) {
        char path[1024], *text, *at;
        size_t bytes;
        snprintf(path, sizeof path, "%s/docs/%s", NAS_SOURCE_DIR, manuals[i]);
        assert_int_equal(nas_file_read(&text, &bytes, path, 1 << 20), NAS_OK);
        for (at = text; (at = strstr(at, "```yaml\n")) != NULL;) {
            at += strlen("```yaml\n");
            char *end = strstr(at, "```");
            assert_non_null(end);
            *end = '\0';
            if (strstr(at, "name: ") == at) {
                nas_space *s = parse(at);
                nas_rng r = nas_rng_stream(1, "manual", n++);
                nas_genome x;
                nas_space_sample(&x, s, &r);
                assert_round_trip(s, &x);
                nas_space_free(s);
            }
            at = end + 1;
        }
        nas_free(text);
    }
    assert_true(n >= 3);
}

int main(void) {
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(dependent_values_follow_their_genes),
        cmocka_unit_test(expressions_give_what_arithmetic_gives),
        cmocka_unit_test(large_sizes_are_exact),
        cmocka_unit_test(own_blocks_have_genes_of_their_own),
        cmocka_unit_test(shared_blocks_are_drawn_once),
        cmocka_unit_test(grown_spaces_enumerate_and_round_trip),
        cmocka_unit_test(cells_leave_out_what_leads_nowhere),
        cmocka_unit_test(cells_see_the_one_before),
        cmocka_unit_test(constraints_are_met),
        cmocka_unit_test(examples_of_the_manuals_are_fine),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
