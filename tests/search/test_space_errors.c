/* tests/search/test_space_errors.c - every mistake in a space gets its place and its reason. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include <nas/space.h>

#define HEAD   "name: t\ninput: [8, 8, 1]\nclasses: 10\n"
#define NET(x) HEAD "net:\n" x

typedef struct bad_file {
    const char *name, *text, *where, *why;
} bad_file;

/* Found when the file is opened: the net's first block is in line 5. */
static const bad_file bad_files[] = {
    {"unknown_key", HEAD "nett: []\n", "f:4:1:", "'net'"},
    {"no_name", "input: [8, 8, 1]\nclasses: 10\nnet: [head]\n", "f:1:1:", "name is missing"},
    {"no_net", HEAD, "f:1:1:", "net is missing"},
    {"input_of_two", "name: t\ninput: [8, 8]\nclasses: 2\nnet: [head]\n", "f:2:8:", "channels"},
    {"no_classes", "name: t\ninput: [8, 8, 1]\nclasses: 0\nnet: [head]\n", "f:3:10:", "100000"},
    {"empty_net", HEAD "net: []\n", "f:4:6:", "found none"},
    {"unknown_block", NET("  - cnov: {out: 3}\n"), "f:5:5:", "did you mean 'conv'"},
    {"far_block", NET("  - qqqqqqqqq\n"), "f:5:5:", "unknown block 'qqqqqqqqq'"},
    {"unknown_argument", NET("  - conv: {out: 3, kernle: 3}\n"), "f:5:20:", "'kernel'"},
    {"argument_missing", NET("  - conv: {kernel: 3}\n"), "f:5:11:", "conv: out is missing"},
    {"bare_block_lacks_argument", NET("  - conv\n"), "f:5:5:", "conv: out is missing"},
    {"arguments_no_map", NET("  - conv: 3\n"), "f:5:11:", "conv: expected {argument"},
    {"wrong_type", NET("  - conv: {out: many}\n"), "f:5:17:", "out: expected a whole number"},
    {"out_of_range", NET("  - conv: {out: 0}\n"), "f:5:17:", "from 1 to 65536"},
    {"list_for_a_number", NET("  - conv: {out: [1]}\n"), "f:5:17:", "out: expected a whole"},
    {"unknown_act", NET("  - conv: {out: 1, act: rleu}\n"), "f:5:25:", "relu"},
    {"unknown_word", NET("  - head: {pool: sum}\n"), "f:5:18:", "avg, cls, none"},
    {"bad_pad", NET("  - conv: {out: 1, pad: -1}\n"), "f:5:25:", "same, valid"},
    {"bad_option", NET("  - conv: {out: {choose: [4, x]}}\n"), "f:5:30:", "whole number"},
    {"empty_choice", NET("  - conv: {out: {choose: []}}\n"), "f:5:26:", "at least one option"},
    {"choice_no_list", NET("  - conv: {out: {choose: 3}}\n"), "f:5:26:", "choose: [option"},
    {"option_twice", NET("  - conv: {out: {choose: [4, 4]}}\n"), "f:5:30:", "twice"},
    {"choice_misspelt", NET("  - conv: {out: {chose: [4, 8]}}\n"), "f:5:18:", "'choose'"},
    {"choice_without_the_word", NET("  - conv: {out: [4, 8]}\n"), "f:5:17:", "{choose: [...]}"},
    {"blocks_choice_misspelt", NET("  - chose: [skip, act]\n"), "f:5:5:", "'choose'"},
    {"named_choice_misspelt", NET("  - chose: [skip, act]\n    name: a\n"), "f:5:5:", "'choose'"},
    {"argument_not_indented", NET("  - conv:\n    out: 8\n"), "f:5:5:", "'conv' and 'out'"},
    {"tab", HEAD "net:\n\t- head\n", "f:5:1:", "a tab"},
    {"blocks_choice_empty", NET("  - choose: []\n"), "f:5:13:", "at least one option"},
    {"blocks_choice_scalar", NET("  - choose: conv\n"), "f:5:13:", "list of alternatives"},
    {"two_blocks_in_a_map", NET("  - conv: {out: 1}\n    head: {}\n"), "f:5:5:", "2 keys"},
    {"unknown_let", NET("  - conv: {out: $w}\n"), "f:5:17:", "unknown name $w"},
    {"near_let", HEAD "let: {width: 3}\nnet:\n  - conv: {out: $widht}\n  - conv: {out: $width}\n",
     "f:6:17:", "did you mean $width"},
    {"let_of_wrong_type", HEAD "let: {w: abc}\nnet:\n  - conv: {out: $w}\n",
     "f:4:10:", "out: expected a whole number"},
    {"let_product_of_words", HEAD "let: {w: abc}\nnet:\n  - conv: {out: $w * 2}\n",
     "f:4:10:", "whole number"},
    {"let_product_too_big", HEAD "let: {w: 60000}\nnet:\n  - conv: {out: $w * 2}\n",
     "f:6:17:", "120000"},
    {"let_product_broken", HEAD "let: {w: 2}\nnet:\n  - conv: {out: $w + 2}\n",
     "f:6:17:", "product"},
    {"expression_by_zero", NET("  - conv: {out: \"= 4 / (2 - 2)\"}\n"),
     "f:5:17:", "division by zero"},
    {"expression_by_zero_in_one_setting",
     NET("  - conv: {kernel: {choose: [1, 3]}, out: \"= 4 / (3 - kernel)\"}\n"),
     "f:5:43:", "division by zero in '= 4 / (3 - kernel)'"},
    {"expression_near_name", NET("  - conv: {kernel: 3, out: \"= 2 * kernle\"}\n"),
     "f:5:28:", "did you mean 'kernel'"},
    {"expression_name_elsewhere", NET("  - conv: {out: \"= width\"}\n"),
     "f:5:17:", "'input.width'"},
    {"expression_far_name", NET("  - conv: {out: \"= 2 * zzzzzzz\"}\n"), "f:5:17:", "'zzzzzzz'"},
    {"expression_of_itself", NET("  - conv: {out: \"= out + 1\"}\n"), "f:5:17:", "name 'out'"},
    {"expression_broken", NET("  - conv: {out: \"= 2 *\"}\n"), "f:5:17:", "ends where"},
    {"expression_goes_on", NET("  - conv: {out: \"= 2 3\"}\n"), "f:5:17:", "an operator at '3'"},
    {"expression_no_whole_number", NET("  - conv: {out: \"= 3 / 2\"}\n"), "f:5:17:", "gives 1.5"},
    {"expression_out_of_range", NET("  - conv: {out: \"= 3 - 9\"}\n"), "f:5:17:", "gives -6"},
    {"expression_of_words", NET("  - conv: {act: relu, out: \"= 2 * act\"}\n"),
     "f:5:28:", "'relu' is a word"},
    {"expression_unknown_function", NET("  - conv: {out: \"= sqrt(4)\"}\n"),
     "f:5:17:", "unknown function 'sqrt'"},
    {"expression_too_deep",
     NET("  - conv: {out: \"= "
         "((((((((((((((((((((((((((((((((((((1))))))))))))))))))))))))))))))))))))"
         "\"}\n"),
     "f:5:17:", "nested too deeply"},
    {"expression_of_what_may_be_missing",
     NET("  - choose: [skip, conv: {name: a, out: {choose: [1, 2]}}]\n"
         "    name: x\n"
         "  - conv: {out: \"= x.conv.out\"}\n"),
     "f:7:17:", "need not be there"},
    {"own_block_of_itself", HEAD "blocks:\n  a: {body: [b]}\n  b: {body: [a]}\nnet: [a]\n",
     "f:5:6:", "block a is made of itself"},
    {"own_block_of_a_known_name", HEAD "blocks:\n  conv: {body: [skip]}\nnet: [conv]\n",
     "f:5:9:", "is built in"},
    {"own_block_without_body", HEAD "blocks:\n  a: {args: {}}\nnet: [a]\n",
     "f:5:6:", "body is missing"},
    {"own_argument_missing",
     HEAD "blocks:\n  a: {args: {c: }, body: [conv: {out: $c}]}\nnet: [a]\n",
     "f:6:7:", "a: c is missing"},
    {"own_argument_unknown",
     HEAD "blocks:\n  a: {args: {c: 1}, body: [conv: {out: $c}]}\nnet: [a: {d: 1}]\n",
     "f:6:", "'d'"},
    {"own_argument_of_wrong_type",
     HEAD "blocks:\n  a: {args: {c: }, body: [conv: {out: $c}]}\nnet: [a: {c: relu}]\n",
     "f:6:14:", "out: expected a whole number"},
    {"own_block_near", HEAD "blocks:\n  cell201: {body: [skip]}\nnet: [cell210: {}]\n",
     "f:6:7:", "did you mean 'cell201'"},
    {"case_without_else", HEAD "net:\n  - case: \"= 1\"\n    of: {1: skip}\n", "f:6:9:", "else"},
    {"case_of_a_word", HEAD "net:\n  - case: 1\n    of: {else: skip}\n", "f:5:11:", "expression"},
    {"constraint_near",
     NET("  - conv: {name: a, out: {choose: [1, 2]}}\n  - head\n") "constraints: [a.otu < 3]\n",
     "f:7:15:", "did you mean 'a.out'"},
    {"cell_without_nodes", NET("  - cell: {nodes: []}\n"), "f:5:19:", "1 to 48 nodes"},
    {"cell_node_without_from", NET("  - cell: {nodes: [{ops: [skip]}]}\n"),
     "f:5:20:", "from is missing"},
    {"let_unused", HEAD "let: {w: 2}\nnet: [head]\n", "f:4:10:", "$w is never used"},
    {"repeat_none", NET("  - stage: {repeat: 0, block: head}\n"), "f:5:21:", "from 1 to 64"},
    {"repeat_much", NET("  - stage: {repeat: 65, block: head}\n"), "f:5:21:", "from 1 to 64"},
    {"repeat_much_by_let", HEAD "let: {r: 33}\nnet:\n  - stage: {repeat: $r * 2, block: head}\n",
     "f:6:21:", "66"},
    {"stage_of_nothing", NET("  - stage: {repeat: 2}\n"), "f:5:12:", "either block or blocks"},
    {"named_copy", NET("  - stage: {repeat: 2, block: {head: {name: h}}}\n"),
     "f:5:45:", "called by its number"},
    {"name_twice", NET("  - conv: {name: a, out: 1}\n  - conv: {name: a, out: 1}\n"),
     "f:6:18:", "called a"},
    {"two_heads", NET("  - head\n  - head\n"), "f:6:5:", "called head"},
    {"name_with_dot", NET("  - conv: {name: a.b, out: 1}\n"), "f:5:18:", "'a.b' is no name"},
    {"alternative_key_no_name", NET("  - choose: {a b: skip}\n"), "f:5:19:", "'a b' is no name"},
    {"yaml_bomb", HEAD "a: &a [skip, skip]\nb: &b [*a, *a]\nnet: [*b, *b, head]\n",
     "f:4:4:", "anchors (&name) are not supported"},
    {"residual_without_body", NET("  - residual: {body: []}\n"), "f:5:22:", "list of blocks"},
};

static void bad_file_is_refused(void **state) {
    const bad_file *f = *state;
    nas_space *s = NULL;
    nas_status st = nas_space_parse(&s, f->text, strlen(f->text), "f");
    if (st != NAS_E_PARSE || strncmp(nas_error_text(), f->where, strlen(f->where)) != 0 ||
        strstr(nas_error_text(), f->why) == NULL)
        print_error("expected %s ... %s\nfound %s\n", f->where, f->why, nas_error_text());
    assert_int_equal(st, NAS_E_PARSE);
    assert_memory_equal(nas_error_text(), f->where, strlen(f->where));
    assert_non_null(strstr(nas_error_text(), f->why));
    assert_null(s);
}

/* Found when the network is built. */
static const bad_file bad_shapes[] = {
    {"conv_on_tokens", NET("  - patch: {size: 4, dim: 8}\n  - conv: {out: 4}\n  - head\n"),
     "f:6:5:", "needs an image, but here are tokens 4x8"},
    {"transformer_on_image", NET("  - transformer: {heads: 2}\n  - head\n"),
     "f:5:5:", "put a patch block before it"},
    {"heads_divide", NET("  - patch: {size: 4, dim: 8}\n  - transformer: {heads: 3}\n  - head\n"),
     "f:6:5:", "3 heads do not divide tokens of width 8"},
    {"patches_tile", NET("  - patch: {size: 3, dim: 8}\n  - head\n"),
     "f:5:5:", "patches of 3x3 do not tile 8x8"},
    {"groups_divide", NET("  - conv: {out: 4, groups: 3}\n  - head\n"),
     "f:5:5:", "groups 3 must divide the 1"},
    {"class_token_missing", NET("  - patch: {size: 4, dim: 8}\n  - head: {pool: cls}\n"),
     "f:6:5:", "cls: true"},
    {"no_head", NET("  - conv: {out: 4}\n"), "f:5:3:", "ends with 8x8x4"},
    {"nothing_left", NET("  - conv: {out: 4, kernel: 9, pad: valid}\n  - head\n"),
     "f:5:5:", "conv (0):"},
    {"inner_block_is_named",
     NET("  - stage: {name: s, repeat: 1, block: {residual: {body: [transformer: {heads: 1}]}}}\n"),
     "f:5:59:", "transformer (s.0.0):"},
    {"cell_with_a_cycle", NET("  - cell: {nodes: [{from: [1]}, {from: [0]}]}\n  - head\n"),
     "f:5:5:", "the cell would have a cycle"},
    {"cell_of_no_path", NET("  - cell: {nodes: [{from: [none]}]}\n  - head\n"),
     "f:5:5:", "no path"},
    {"constraint_is_not_met", NET("  - conv: {out: 4}\n  - head\n") "constraints: [params < 9]\n",
     "f:7:15:", "'params < 9' is not met"},
    {"branches_do_not_meet",
     NET("  - add: {branches: [conv: {out: 2}, conv: {out: 3}]}\n  - head\n"),
     "f:5:5:", "cannot be added"},
    {"no_shortcut", NET("  - residual: {body: [conv: {out: 2, kernel: 4, pad: valid}]}\n"),
     "f:5:5:", "no shortcut from 8x8x1 to 5x5x2"},
};

static void bad_shape_is_refused(void **state) {
    const bad_file *f = *state;
    nas_graph *g = NULL;
    nas_status st = nas_network_graph(&g, f->text, strlen(f->text), "f", 2);
    if (st != NAS_E_SHAPE || strstr(nas_error_text(), f->why) == NULL)
        print_error("expected %s ... %s\nfound %s\n", f->where, f->why, nas_error_text());
    assert_int_equal(st, NAS_E_SHAPE);
    assert_memory_equal(nas_error_text(), f->where, strlen(f->where));
    assert_non_null(strstr(nas_error_text(), f->why));
    assert_null(g);
}

static void a_network_has_no_choices(void **state) {
    (void)state;
    const char *text = NET("  - conv: {out: {choose: [4, 8]}}\n  - head\n");
    nas_graph *g;
    assert_int_equal(nas_network_graph(&g, text, strlen(text), "f", 1), NAS_E_PARSE);
    assert_memory_equal(nas_error_text(), "f:5:17:", 7);
}

static void too_many_choices_are_refused(void **state) {
    (void)state;
    const char *text = NET("  - stage: {repeat: 64, blocks: [stage: {repeat: 9, block: {conv: "
                           "{out: {choose: [1, 2]}}}}]}\n");
    nas_space *s;
    assert_int_equal(nas_space_parse(&s, text, strlen(text), "f"), NAS_E_PARSE);
    assert_non_null(strstr(nas_error_text(), "at most 512"));
}

/* Repeats of repeats grow without bound; the file stays small. */
static void nested_repeats_do_not_explode(void **state) {
    (void)state;
    nas_text t = {0};
    nas_text_add(&t, "%s", NET("  - "));
    for (int i = 0; i < 12; i++)
        nas_text_add(&t, "{stage: {repeat: 64, block: ");
    nas_text_add(&t, "skip");
    for (int i = 0; i < 12; i++)
        nas_text_add(&t, "}}");
    nas_space *s;
    assert_int_equal(nas_space_parse(&s, nas_text_str(&t), t.n, "f"), NAS_E_PARSE);
    assert_non_null(strstr(nas_error_text(), "too big"));
    nas_text_free(&t);
}

static void big_networks_are_refused(void **state) {
    (void)state;
    const char *text = NET("  - stage: {repeat: 64, blocks: [stage: {repeat: 20, block: {conv: "
                           "{out: 1}}}]}\n  - head\n");
    nas_graph *g;
    assert_int_equal(nas_network_graph(&g, text, strlen(text), "f", 1), NAS_E_TOO_BIG);
    assert_non_null(strstr(nas_error_text(), "over 4096 nodes"));
}

static void unknown_space_names_the_nearest(void **state) {
    (void)state;
    nas_space *s;
    assert_int_equal(nas_space_open(&s, "fashion-cnm"), NAS_E_NOT_FOUND);
    assert_non_null(strstr(nas_error_text(), "fashion-cnn"));
    assert_int_equal(nas_space_open(&s, "./no-such-file.yaml"), NAS_E_IO);
}

/* Every allocation that opening and building makes may fail, and nothing is lost or half made. */
static void running_out_of_memory_is_survived(void **state) {
    (void)state;
    const char *text = NET("  - choose: {a: [conv: {out: 2}], b: skip}\n    name: c\n"
                           "  - stage: {name: s, repeat: {choose: [1, 2]}, block: {conv: {out: 2}}}"
                           "\n  - head\n");
    bool done = false;
    for (uint64_t k = 1; !done; k++) {
        nas_space *s = NULL;
        nas_graph *g = NULL;
        nas_genome x = {.n = 2, .gene = {0, 1}};
        nas_text t = {0};
        nas_alloc_fail_after(k);
        nas_status st = nas_space_parse(&s, text, strlen(text), "f");
        if (st == NAS_OK)
            st = nas_space_graph(&g, s, &x, 1);
        if (st == NAS_OK)
            st = nas_space_network(&t, s, &x);
        nas_alloc_fail_after(0);
        done = st == NAS_OK;
        if (!done)
            assert_int_equal(st, NAS_E_MEMORY);
        nas_text_free(&t);
        nas_graph_free(g);
        nas_space_free(s);
    }
}

enum {
    N_FILES = sizeof bad_files / sizeof *bad_files,
    N_SHAPES = sizeof bad_shapes / sizeof *bad_shapes
};

int main(void) {
    static const struct CMUnitTest single[] = {
        cmocka_unit_test(a_network_has_no_choices),
        cmocka_unit_test(too_many_choices_are_refused),
        cmocka_unit_test(nested_repeats_do_not_explode),
        cmocka_unit_test(big_networks_are_refused),
        cmocka_unit_test(unknown_space_names_the_nearest),
        cmocka_unit_test(running_out_of_memory_is_survived),
    };
    struct CMUnitTest files[N_FILES], shapes[N_SHAPES];
    for (size_t i = 0; i < N_FILES; i++)
        files[i] = (struct CMUnitTest){.name = bad_files[i].name,
                                       .test_func = bad_file_is_refused,
                                       .initial_state = (void *)(uintptr_t)&bad_files[i]};
    for (size_t i = 0; i < N_SHAPES; i++)
        shapes[i] = (struct CMUnitTest){.name = bad_shapes[i].name,
                                        .test_func = bad_shape_is_refused,
                                        .initial_state = (void *)(uintptr_t)&bad_shapes[i]};
    int failed = _cmocka_run_group_tests("bad files", files, N_FILES, NULL, NULL);
    failed += _cmocka_run_group_tests("bad shapes", shapes, N_SHAPES, NULL, NULL);
    return failed + cmocka_run_group_tests(single, NULL, NULL);
}
