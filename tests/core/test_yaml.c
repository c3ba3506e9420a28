/* tests/core/test_yaml.c - YAML: what is taken, what is refused and where, printing, setting. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <nas/core.h>
#include <stdlib.h>
#include <string.h>

static nas_yaml *must_read(const char *text) {
    nas_yaml *doc = NULL;
    if (nas_yaml_read_text(&doc, text, strlen(text), "t.yaml") != NAS_OK)
        fail_msg("%s", nas_error_text());
    return doc;
}

static void assert_prints(const nas_yaml *doc, const char *want) {
    nas_text t = {0};
    nas_yaml_print(&t, nas_yaml_root(doc));
    assert_int_equal(nas_text_check(&t), NAS_OK);
    assert_string_equal(nas_text_str(&t), want);
    nas_text_free(&t);
}

/* ---- reading ---- */

typedef struct bad_case {
    const char *name, *text, *error; /* error: how the line begins */
} bad_case;

static const bad_case bad_cases[] = {
    {"root sequence", "- a\n", "t.yaml:1:1: expected \"key: value\" lines"},
    {"root scalar", "hello\n", "t.yaml:1:1: expected \"key: value\" lines"},
    {"duplicate key", "a: 1\nb: 2\na: 3\n", "t.yaml:3:1: key 'a' is given twice"},
    {"inner duplicate", "x: {p: 1, q: 2, q: 3}\n", "t.yaml:1:17: key 'q' is given twice"},
    {"anchor", "a: &x 1\n", "t.yaml:1:4: anchors (&name) are not supported"},
    {"anchored map", "a: &x {b: 1}\n", "t.yaml:1:4: anchors (&name) are not supported"},
    {"alias", "a: 1\nb: *x\n", "t.yaml:2:4: aliases (*name) are not supported"},
    {"alias key", "a: 1\n*x : 2\n", "t.yaml:2:1: aliases (*name) are not supported"},
    {"tag", "a: !!str 1\n", "t.yaml:1:4: tags (!type) are not supported"},
    {"custom tag", "a: !thing [1]\n", "t.yaml:1:4: tags (!type) are not supported"},
    {"key that is a list", "[1, 2]: x\n", "t.yaml:1:1: a key must be a word"},
    {"key that is a map", "? {a: 1}\n: x\n", "t.yaml:1:3: a key must be a word"},
    {"two documents", "a: 1\n---\nb: 2\n", "t.yaml:2:1: a second document"},
    {"open bracket", "a: [1, 2\nb: 3\n", "t.yaml:2:2: "},
    {"tab", "a:\n\t- b\n", "t.yaml:2:1: a tab; indent with spaces"},
    {"bad indent", "a: 1\n  b: 2\n", "t.yaml:2:4: mapping values are not allowed"},
    {"control character", "a: 1\nb: \x01\n", "t.yaml:2:4: control characters are not allowed"},
    {"not UTF-8", "a: \xff\xfe\n", "t.yaml:1:4: "},
    {"garbage", "\x7f\x45\x4c\x46\x02\x01\x01", "t.yaml:1:1: "},
    {"NUL in text", "a: \"x\\0y\"\n", "t.yaml:1:4: text with a NUL"},
    {"unclosed quote", "a: \"x\n", "t.yaml:2:1: "},
    {"unknown directive tag", "%TAG ! tag:x,2000:\n---\na: !y 1\n", "t.yaml:3:4: tags"},
};

static void bad_text_is_refused_at_its_place(void **state) {
    const bad_case *c = *state;
    nas_yaml *doc = NULL;
    nas_status st = nas_yaml_read_text(&doc, c->text, strlen(c->text), "t.yaml");
    assert_int_equal(st, NAS_E_PARSE);
    assert_null(doc);
    if (strncmp(nas_error_text(), c->error, strlen(c->error)) != 0)
        fail_msg("error is '%s', wanted '%s'", nas_error_text(), c->error);
}

static void scalars_and_containers_are_read(void **state) {
    (void)state;
    nas_yaml *doc = must_read("# comment\nname: \"x y\"\nlist: [1, two, {a: b}]\nempty:\nmap:\n"
                              "  k: v\ntext: |\n  two\n  lines\n");
    const nas_yaml_node *root = nas_yaml_root(doc);
    assert_int_equal(nas_yaml_kind_of(root), NAS_YAML_MAP);
    assert_int_equal(nas_yaml_count(root), 5);
    assert_string_equal(nas_yaml_key(root, 1), "list");
    assert_string_equal(nas_yaml_scalar(nas_yaml_get(root, "name")), "x y");
    const nas_yaml_node *list = nas_yaml_get(root, "list");
    assert_int_equal(nas_yaml_count(list), 3);
    assert_null(nas_yaml_scalar(list));
    assert_int_equal(nas_yaml_line(list), 3);
    assert_string_equal(nas_yaml_scalar(nas_yaml_get(nas_yaml_at(list, 2), "a")), "b");
    assert_string_equal(nas_yaml_scalar(nas_yaml_get(root, "empty")), "");
    assert_string_equal(nas_yaml_scalar(nas_yaml_get(root, "text")), "two\nlines\n");
    assert_null(nas_yaml_get(root, "absent"));
    assert_null(nas_yaml_get(root, "nam"));
    assert_null(nas_yaml_get(list, "x"));
    nas_yaml_free(doc);
    nas_yaml_free(NULL);
}

static void empty_texts_are_empty_maps(void **state) {
    (void)state;
    static const char *const texts[] = {"", "\n\n", "# only this\n", "---\n", "{}", "---\n...\n"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        nas_yaml *doc = must_read(texts[i]);
        assert_int_equal(nas_yaml_kind_of(nas_yaml_root(doc)), NAS_YAML_MAP);
        assert_int_equal(nas_yaml_count(nas_yaml_root(doc)), 0);
        nas_yaml_free(doc);
    }
}

static void nesting_is_bounded(void **state) {
    (void)state;
    for (int depth = 60; depth <= 5000; depth = depth < 70 ? depth + 1 : depth * 8) {
        nas_text t = {0};
        nas_text_add(&t, "a: ");
        for (int i = 0; i < depth; i++)
            nas_text_add(&t, "[");
        for (int i = 0; i < depth; i++)
            nas_text_add(&t, "]");
        nas_yaml *doc = NULL;
        nas_status st = nas_yaml_read_text(&doc, t.s, t.n, "deep");
        assert_int_equal(st, depth < 64 ? NAS_OK : NAS_E_PARSE);
        if (st != NAS_OK)
            assert_string_equal(nas_error_text(), "deep:1:67: nested more than 64 deep");
        nas_yaml_free(doc);
        nas_text_free(&t);
    }
}

static void sizes_are_bounded(void **state) {
    (void)state;
    nas_text t = {0};
    nas_yaml *doc = NULL;
    nas_text_add(&t, "%0200d: 1\n", 0);
    assert_int_equal(nas_yaml_read_text(&doc, t.s, t.n, "k"), NAS_E_PARSE);
    assert_string_equal(nas_error_text(), "k:1:1: a key of 200 bytes: at most 128");
    while (t.n <= 4u << 20)
        nas_text_add(&t, "# %01000d\n", 0);
    assert_int_equal(nas_yaml_read_text(&doc, t.s, t.n, "big"), NAS_E_PARSE);
    assert_non_null(strstr(nas_error_text(), "more than the 4194304"));
    assert_int_equal(nas_yaml_read_file(&doc, "no/such.yaml"), NAS_E_IO);
    assert_non_null(strstr(nas_error_text(), "no/such.yaml"));
    nas_text_free(&t);
}

static void many_keys_take_no_quadratic_time(void **state) {
    (void)state;
    nas_text t = {0};
    for (int i = 0; i < 60000; i++)
        nas_text_add(&t, "k%d:\n", (i * 7919) % 60000);
    double begin = nas_clock();
    nas_yaml *doc = must_read(t.s);
    assert_int_equal(nas_yaml_count(nas_yaml_root(doc)), 60000);
    assert_true(nas_clock() - begin < 20); /* comparing all pairs would take minutes sanitised */
    nas_yaml_free(doc);
    nas_text_free(&t);
}

/* Any bytes give a document or one clear line; here: a good text with bytes flipped. */
static void mangled_text_never_crashes(void **state) {
    (void)state;
    static const char good[] =
        "a: {b: [1, 2], c: \"x\"}\nd:\n  - e: 'f'\n  - |\n    g\nh: -1.5e3\n";
    nas_rng r = nas_rng_stream(1, "mangle", 0);
    for (int i = 0; i < 3000; i++) {
        char text[sizeof good];
        memcpy(text, good, sizeof good);
        for (uint64_t k = 0, n = 1 + nas_rng_below(&r, 4); k < n; k++)
            text[nas_rng_below(&r, sizeof good - 1)] = (char)nas_rng_below(&r, 256);
        nas_yaml *doc = NULL;
        nas_status st = nas_yaml_read_text(&doc, text, sizeof good - 1, "m");
        assert_true(st == NAS_OK || (st == NAS_E_PARSE && strncmp(nas_error_text(), "m:", 2) == 0));
        if (st == NAS_OK) {
            nas_text one = {0}, two = {0};
            nas_yaml *again;
            nas_yaml_print(&one, nas_yaml_root(doc));
            if (nas_yaml_read_text(&again, nas_text_str(&one), one.n, "p") != NAS_OK)
                fail_msg("printed text is refused: %s\n%s", nas_error_text(), one.s);
            nas_yaml_print(&two, nas_yaml_root(again));
            assert_string_equal(nas_text_str(&one), nas_text_str(&two));
            nas_yaml_free(again);
            nas_text_free(&one);
            nas_text_free(&two);
        }
        nas_yaml_free(doc);
    }
}

/* ---- typed values ---- */

static void whole_numbers_are_checked(void **state) {
    (void)state;
    nas_yaml *doc = must_read("a: 12\nb: 1.5\nc: \"12\"\nd: 99999999999999999999\ne:\nf: [1]\n"
                              "g: -3\nh: 0x10\ni: 1-2\n");
    const nas_yaml_node *root = nas_yaml_root(doc);
    int64_t v = -1;
    assert_int_equal(nas_yaml_int(&v, nas_yaml_get(root, "a"), 1, 12), NAS_OK);
    assert_int_equal(v, 12);
    assert_int_equal(nas_yaml_int(&v, nas_yaml_get(root, "g"), INT64_MIN, INT64_MAX), NAS_OK);
    assert_int_equal(v, -3);
    assert_int_equal(nas_yaml_int(&v, nas_yaml_get(root, "a"), 1, 11), NAS_E_PARSE);
    assert_string_equal(nas_error_text(),
                        "t.yaml:1:4: expected a whole number from 1 to 11, found '12'");
    for (const char *k = "bcdefhi"; *k != '\0'; k++) {
        char key[2] = {*k, '\0'};
        assert_int_equal(nas_yaml_int(&v, nas_yaml_get(root, key), INT64_MIN, INT64_MAX),
                         NAS_E_PARSE);
    }
    assert_int_equal(nas_yaml_int(&v, nas_yaml_get(root, "g"), 0, INT64_MAX), NAS_E_PARSE);
    assert_non_null(strstr(nas_error_text(), "of at least 0, found '-3'"));
    assert_int_equal(v, -3);
    nas_yaml_free(doc);
}

static void numbers_truth_and_text_are_checked(void **state) {
    (void)state;
    nas_yaml *doc =
        must_read("a: 1e-3\nb: nan\nc: inf\nd: 1e999\ne: true\nf: yes\ng: {}\nh: 0x1p3\n"
                  "i: 5\n");
    const nas_yaml_node *root = nas_yaml_root(doc);
    double v = 0;
    bool b = false;
    const char *s = NULL;
    assert_int_equal(nas_yaml_double(&v, nas_yaml_get(root, "a"), 0, 1), NAS_OK);
    assert_true(v == 1e-3);
    for (const char *k = "bcdefgh"; *k != '\0'; k++) {
        char key[2] = {*k, '\0'};
        assert_int_equal(nas_yaml_double(&v, nas_yaml_get(root, key), -1e308, 1e308), NAS_E_PARSE);
    }
    assert_int_equal(nas_yaml_double(&v, nas_yaml_get(root, "i"), 0, 1), NAS_E_PARSE);
    assert_string_equal(nas_error_text(), "t.yaml:9:4: expected a number from 0 to 1, found '5'");
    assert_int_equal(nas_yaml_bool(&b, nas_yaml_get(root, "e")), NAS_OK);
    assert_true(b);
    assert_int_equal(nas_yaml_bool(&b, nas_yaml_get(root, "f")), NAS_E_PARSE);
    assert_string_equal(nas_error_text(), "t.yaml:6:4: expected true or false, found 'yes'");
    assert_int_equal(nas_yaml_string(&s, nas_yaml_get(root, "i")), NAS_OK);
    assert_string_equal(s, "5");
    assert_int_equal(nas_yaml_string(&s, nas_yaml_get(root, "g")), NAS_E_PARSE);
    assert_string_equal(nas_error_text(), "t.yaml:7:4: expected a text, found a map");
    nas_yaml_free(doc);
}

static void unknown_keys_name_the_nearest(void **state) {
    (void)state;
    static const char *const known[] = {"kernel", "stride", "out"};
    nas_yaml *doc = must_read("a: {out: 1, krenel: 3}\nb: {zzz: 1}\nc: {out: 1, stride: 2}\n");
    const nas_yaml_node *root = nas_yaml_root(doc);
    assert_int_equal(nas_yaml_only(nas_yaml_get(root, "a"), known, 3), NAS_E_PARSE);
    assert_string_equal(nas_error_text(),
                        "t.yaml:1:13: unknown key 'krenel'; did you mean 'kernel'?");
    assert_int_equal(nas_yaml_only(nas_yaml_get(root, "b"), known, 3), NAS_E_PARSE);
    assert_string_equal(nas_error_text(),
                        "t.yaml:2:5: unknown key 'zzz'; known: kernel, stride, out");
    assert_int_equal(nas_yaml_only(nas_yaml_get(root, "c"), known, 3), NAS_OK);
    assert_int_equal(nas_yaml_only(nas_yaml_get(nas_yaml_get(root, "c"), "out"), known, 3),
                     NAS_E_PARSE);
    nas_yaml_free(doc);
}

/* ---- printing and setting ---- */

static void canonical_form_is_pinned(void **state) {
    (void)state;
    nas_yaml *doc = must_read(
        "name: x\ninput: [224, 224,\n  3]\nempty: {}\nnone: []\nnet:\n"
        "- conv:\n    out: 16\n    kernel: {choose: [3, 5]}\n- {a: 1, b: \"2\"}\n- [1, 2]\n- x\n"
        "- - {p: q}\n- stage: {name: s1, repeat: {choose: [2, 3, 4]}, block: {mbconv: {out: 24, "
        "kernel: {choose: [3, 5, 7]}, act: relu}}}\n  note: 'it''s'\n");
    assert_prints(doc, "name: x\n"
                       "input: [224, 224, 3]\n"
                       "empty: {}\n"
                       "none: []\n"
                       "net:\n"
                       "  - conv: {out: 16, kernel: {choose: [3, 5]}}\n"
                       "  - {a: 1, b: \"2\"}\n"
                       "  - [1, 2]\n"
                       "  - x\n"
                       "  -\n"
                       "    - {p: q}\n"
                       "  - stage:\n"
                       "      name: s1\n"
                       "      repeat: {choose: [2, 3, 4]}\n"
                       "      block: {mbconv: {out: 24, kernel: {choose: [3, 5, 7]}, act: relu}}\n"
                       "    note: \"it's\"\n");
    nas_yaml_free(doc);
}

static const struct {
    const char *text, *source; /* source: how YAML spells it; NULL: as JSON does */
} awkward[] = {
    {"", NULL},
    {" ", NULL},
    {"a b", NULL},
    {" a", NULL},
    {"a ", NULL},
    {"5", NULL},
    {"-5", NULL},
    {"-", NULL},
    {"--- x", NULL},
    {"...", NULL},
    {"true", NULL},
    {"null", NULL},
    {"~", NULL},
    {"a: b", NULL},
    {"a #b", NULL},
    {"#a", NULL},
    {"[a", NULL},
    {"a, b", NULL},
    {"{a}", NULL},
    {"&a", NULL},
    {"*a", NULL},
    {"!a", NULL},
    {"|", NULL},
    {">", NULL},
    {"'q'", NULL},
    {"\"q\"", NULL},
    {"%a", NULL},
    {"@a", NULL},
    {"`a", NULL},
    {"a\nb", NULL},
    {"a\n\nb", NULL},
    {"\n", NULL},
    {"a\tb", NULL},
    {"x\\y", NULL},
    {"? a", NULL},
    {"- a", NULL},
    {"a:", NULL},
    {":a", NULL},
    {"1e5", NULL},
    {"0x1F", NULL},
    {".5", NULL},
    {"\xc3\xa9", NULL},
    {"<<", NULL},
    {"=", NULL},
    {"on", NULL},
    {"No", NULL},
    {"C:\\dir", NULL},
    {"a: ", NULL},
    {"\r", NULL},
    {"2*x^2 - (a+b)/c", NULL},
    {"100 - c10_test_200", NULL},
    {"http://x/y?z=1", NULL},
    {"\xf0\x9f\x98\x80", NULL},
    {"\x7f", "\"\\x7f\""},
    {"\xc2\x85", "\"\\N\""},
    {"\xe2\x80\xa8", "\"\\L\""},
    {"\xef\xbb\xbf", "\"\\uFEFF\""},
};

static void add_awkward(nas_text *t, size_t i) {
    if (awkward[i].source != NULL)
        nas_text_add(t, "%s", awkward[i].source);
    else
        nas_text_json(t, awkward[i].text); /* JSON strings are YAML strings */
}

/* As key and as value, quoted or not, in block and flow places: text and quoting both come back. */
static void any_text_prints_and_reads_back_equal(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof awkward / sizeof *awkward; i++) {
        nas_text in = {0}, out = {0};
        nas_text_add(&in, "k: ");
        add_awkward(&in, i);
        nas_text_add(&in, "\nm: {x: [1, ");
        add_awkward(&in, i);
        nas_text_add(&in, "]}\nn: {");
        add_awkward(&in, i);
        nas_text_add(&in, ": 1}\n");
        nas_yaml *doc = must_read(in.s), *again;
        nas_yaml_print(&out, nas_yaml_root(doc));
        again = must_read(out.s);
        const nas_yaml_node *root = nas_yaml_root(again);
        assert_string_equal(nas_yaml_scalar(nas_yaml_get(root, "k")), awkward[i].text);
        const nas_yaml_node *x = nas_yaml_get(nas_yaml_get(root, "m"), "x");
        assert_string_equal(nas_yaml_scalar(nas_yaml_at(x, 1)), awkward[i].text);
        assert_string_equal(nas_yaml_key(nas_yaml_get(root, "n"), 0), awkward[i].text);
        int64_t v;
        assert_int_not_equal(nas_yaml_int(&v, nas_yaml_get(root, "k"), -9, 9), NAS_OK);
        nas_yaml_free(doc);
        nas_yaml_free(again);
        nas_text_free(&in);
        nas_text_free(&out);
    }
}

static void set_replaces_adds_and_makes_maps(void **state) {
    (void)state;
    nas_yaml *doc = must_read("a: 1\nb: {c: 2}\ne:\n");
    assert_int_equal(nas_yaml_set(doc, "a", "10", "--a"), NAS_OK);
    assert_int_equal(nas_yaml_set(doc, "b.d", "[x, y]", "--b.d"), NAS_OK);
    assert_int_equal(nas_yaml_set(doc, "e.f.g", "{h: 1}", "--e.f.g"), NAS_OK);
    assert_int_equal(nas_yaml_set(doc, "n", "", "--n"), NAS_OK);
    assert_prints(doc, "a: 10\nb: {c: 2, d: [x, y]}\ne: {f: {g: {h: 1}}}\nn: \"\"\n");
    int64_t v;
    assert_int_equal(nas_yaml_int(&v, nas_yaml_get(nas_yaml_root(doc), "a"), 0, 5), NAS_E_PARSE);
    assert_string_equal(nas_error_text(), "--a: expected a whole number from 0 to 5, found '10'");
    nas_yaml_free(doc);
}

static void failed_set_leaves_the_document(void **state) {
    (void)state;
    static const struct {
        const char *path, *value, *error;
    } cases[] = {
        {"a.x", "1", "--o: 'a' is no map in t.yaml"},
        {"b.c.x", "1", "--o: 'b.c' is no map in t.yaml"},
        {"", "1", "--o: '' is no path of keys (like train.epochs)"},
        {"a..b", "1", "--o: 'a..b' is no path of keys (like train.epochs)"},
        {".a", "1", "--o: '.a' is no path of keys (like train.epochs)"},
        {"b.", "1", "--o: 'b.' is no path of keys (like train.epochs)"},
        {"a", "[1", "--o: did not find expected ',' or ']' while parsing a flow sequence"},
        {"a", "*x", "--o: aliases (*name) are not supported"},
    };
    nas_yaml *doc = must_read("a: 1\nb: {c: 2}\n");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_int_equal(nas_yaml_set(doc, cases[i].path, cases[i].value, "--o"), NAS_E_PARSE);
        assert_string_equal(nas_error_text(), cases[i].error);
        assert_prints(doc, "a: 1\nb: {c: 2}\n");
    }
    nas_yaml_free(doc);
}

/* The k-th allocation fails, k = 1, 2, … until all succeeds: a clean failure each time. */
static void short_memory_leaves_nothing_behind(void **state) {
    (void)state;
    static const char text[] = "a: {b: [1, 2, {c: d}]}\ne: f\ng: {h: i, j: k}\n";
    int failures = 0;
    for (uint64_t k = 1;; k++) {
        nas_yaml *doc = NULL;
        nas_alloc_fail_after(k);
        nas_status st = nas_yaml_read_text(&doc, text, sizeof text - 1, "t");
        if (st == NAS_OK)
            st = nas_yaml_set(doc, "a.x.y", "[1]", "--x");
        bool reached = k > 1000;
        nas_text t = {0};
        if (st == NAS_OK) {
            nas_yaml_print(&t, nas_yaml_root(doc));
            st = nas_text_check(&t);
        }
        nas_alloc_fail_after(0);
        nas_text_free(&t);
        nas_yaml_free(doc);
        if (st == NAS_OK)
            break;
        assert_int_equal(st, NAS_E_MEMORY);
        assert_false(reached);
        failures++;
    }
    assert_true(failures > 30);
}

int main(void) {
    enum { BAD = sizeof bad_cases / sizeof *bad_cases };
    const struct CMUnitTest fixed[] = {
        cmocka_unit_test(scalars_and_containers_are_read),
        cmocka_unit_test(empty_texts_are_empty_maps),
        cmocka_unit_test(nesting_is_bounded),
        cmocka_unit_test(sizes_are_bounded),
        cmocka_unit_test(many_keys_take_no_quadratic_time),
        cmocka_unit_test(mangled_text_never_crashes),
        cmocka_unit_test(whole_numbers_are_checked),
        cmocka_unit_test(numbers_truth_and_text_are_checked),
        cmocka_unit_test(unknown_keys_name_the_nearest),
        cmocka_unit_test(canonical_form_is_pinned),
        cmocka_unit_test(any_text_prints_and_reads_back_equal),
        cmocka_unit_test(set_replaces_adds_and_makes_maps),
        cmocka_unit_test(failed_set_leaves_the_document),
        cmocka_unit_test(short_memory_leaves_nothing_behind),
    };
    enum { FIXED = sizeof fixed / sizeof *fixed };
    struct CMUnitTest tests[BAD + FIXED];
    memcpy(tests, fixed, sizeof fixed);
    for (size_t i = 0; i < BAD; i++)
        tests[FIXED + i] = (struct CMUnitTest){bad_cases[i].name, bad_text_is_refused_at_its_place,
                                               NULL, NULL, (void *)&bad_cases[i]};
    return _cmocka_run_group_tests("core yaml", tests, BAD + FIXED, NULL, NULL);
}
