/* tests/search/test_table.c - tables of results and expressions of their columns: what is read, and
 * one clear line for the rest. */
#include <nas/table.h>

#include <setjmp.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#include <cmocka.h>

static char folder[] = "/tmp/clnas-table-XXXXXX";
static char file[64];

static int make_folder(void **state) {
    (void)state;
    if (mkdtemp(folder) == NULL)
        return -1;
    snprintf(file, sizeof file, "%s/t.csv", folder);
    return 0;
}

static int drop_folder(void **state) {
    (void)state;
    unlink(file);
    return rmdir(folder);
}

static nas_status open_text(nas_table **out, const char *text) {
    assert_int_equal(nas_file_write(file, text, strlen(text)), NAS_OK);
    return nas_table_open(out, file, "arch");
}

static const char small[] = "arch,acc,lat ms,note\na,90.5,2,x\nb,80,0,y\n";

static void fields_are_read_as_they_stand(void **state) {
    (void)state;
    static const struct {
        const char *text, *cell;
        uint32_t rows, row, column;
    } cases[] = {
        {"arch,v\na,1\nb,2\n", "2", 2, 1, 1},
        {"arch,v\r\na,1\r\nb,2", "2", 2, 1, 1},
        {"\xef\xbb\xbf"
         "arch,v\n\na,1\n\n",
         "1", 1, 0, 1},
        {"arch,v\na,\"1,5\"\n", "1,5", 1, 0, 1},
        {"arch,v\na,\"say \"\"x\"\"\"\n", "say \"x\"", 1, 0, 1},
        {"arch,v\na,\"two\nlines\"\nb,3\n", "3", 2, 1, 1},
        {"arch,v\na,\"\"\n", "", 1, 0, 1},
        {"v,arch\n7,|x~0|+|\n", "|x~0|+|", 1, 0, 1},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        nas_table *t = NULL;
        if (open_text(&t, cases[i].text) != NAS_OK)
            fail_msg("case %zu: %s", i, nas_error_text());
        assert_int_equal(nas_table_rows(t), cases[i].rows);
        assert_string_equal(nas_table_cell(t, cases[i].row, cases[i].column), cases[i].cell);
        nas_table_free(t);
    }
}

static void bad_tables_say_where_and_why(void **state) {
    (void)state;
    static const struct {
        const char *text, *said;
    } cases[] = {
        {"", "header line"},
        {"arch,v\n", "at least one row"},
        {"arch,v\na,1,2\n", "t.csv:2: 3 fields, but the header has 2"},
        {"arch,v\na,1\nb\n", "t.csv:3: 1 fields"},
        {"arch,v\na,1\nb,2\na,3\n", "t.csv:4: 'a' stands on line 2 already"},
        {"arch,v\na,1\n,2\n", "t.csv:3: column 'arch' holds ''"},
        {"arch,v,v\na,1,2\n", "two columns are called 'v'"},
        {"arhc,v\na,1\n", "did you mean 'arhc'"},
        {"arch,v\na,\"1\n", "quote is not closed"},
        {"arch,v\na,\"1\"2\n", "behind a closing quote"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        nas_table *t = NULL;
        assert_int_not_equal(open_text(&t, cases[i].text), NAS_OK);
        if (strstr(nas_error_text(), cases[i].said) == NULL)
            fail_msg("case %zu: '%s' instead of '%s'", i, nas_error_text(), cases[i].said);
    }
    nas_table *t = NULL;
    assert_int_equal(nas_table_open(&t, "/nowhere/t.csv", "arch"), NAS_E_IO);
    assert_non_null(strstr(nas_error_text(), "No such file"));
}

static void rows_are_found_by_their_key(void **state) {
    (void)state;
    nas_table *t = NULL;
    nas_text many = {0};
    nas_text_add(&many, "v,arch\n");
    for (int i = 0; i < 500; i++)
        nas_text_add(&many, "%d,net-%d\n", 7 * i, i);
    assert_int_equal(open_text(&t, nas_text_str(&many)), NAS_OK);
    for (uint32_t i = 0; i < 500; i += 13) {
        char key[32];
        uint32_t row = UINT32_MAX;
        snprintf(key, sizeof key, "net-%u", i);
        assert_int_equal(nas_table_find(&row, t, key), NAS_OK);
        assert_int_equal(row, i);
    }
    uint32_t row;
    assert_int_equal(nas_table_find(&row, t, "net-500"), NAS_E_NOT_FOUND);
    assert_non_null(strstr(nas_error_text(), "no row for 'net-500'"));
    nas_table_free(t);
    nas_text_free(&many);
}

static void compressed_files_are_read_and_broken_ones_refused(void **state) {
    (void)state;
    nas_table *t = NULL;
    char *bytes = NULL;
    size_t n = 0;
    gzFile f = gzopen(file, "wb");
    assert_int_equal(gzputs(f, small), sizeof small - 1);
    gzclose(f);
    assert_int_equal(nas_table_open(&t, file, "arch"), NAS_OK);
    assert_int_equal(nas_table_rows(t), 2);
    nas_table_free(t);
    assert_int_equal(nas_file_read(&bytes, &n, file, 0), NAS_OK);
    for (size_t cut = 12; cut < n; cut++) { /* below it is no gzip file yet */
        assert_int_equal(nas_file_write(file, bytes, cut), NAS_OK);
        assert_int_not_equal(nas_table_open(&t, file, "arch"), NAS_OK);
    }
    nas_free(bytes);
}

/* ---- expressions ---- */

static void expressions_are_arithmetic(void **state) {
    (void)state;
    static const struct {
        const char *text;
        double want;
    } cases[] = {
        {"acc", 90.5},
        {"100 - acc", 9.5},
        {"100-acc*2", -81},
        {"(100-acc)*2", 19},
        {"`lat ms` + 1", 3},
        {"8/2/2", 2},
        {"8-2-2", 4},
        {"-acc", -90.5},
        {"--2", 2},
        {"2*-3", -6},
        {"1e2 + .5", 100.5},
        {"1.5e-1*2", 0.3},
        {" ( ( acc ) ) ", 90.5},
        {"1+2*3-4/2", 5},
    };
    nas_table *t = NULL;
    assert_int_equal(open_text(&t, small), NAS_OK);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        nas_expression *e = NULL;
        double v = 0;
        if (nas_expression_parse(&e, cases[i].text, t) != NAS_OK ||
            nas_expression_value(&v, e, 0) != NAS_OK)
            fail_msg("'%s': %s", cases[i].text, nas_error_text());
        if (v != cases[i].want)
            fail_msg("'%s' is %g instead of %g", cases[i].text, v, cases[i].want);
        nas_expression_free(e);
    }
    nas_table_free(t);
}

static void bad_expressions_say_where_and_why(void **state) {
    (void)state;
    static const struct {
        const char *text, *said;
    } cases[] = {
        {"", "at 1: expected a number"},
        {"100 -", "at 6: expected a number"},
        {"(acc", "at 5: ')' is missing"},
        {"acc acc", "at 5: expected + - * /"},
        {"100 - ac", "at 7"},
        {"100 - ac", "did you mean 'acc'"},
        {"`lat ms", "backquote is not closed"},
        {"1.2.3", "no number"},
        {"2acc", "no number"},
        {"acc ^ 2", "at 5"},
        {"note", "t.csv:2: column 'note' holds 'x', not a number"},
    };
    nas_table *t = NULL;
    assert_int_equal(open_text(&t, small), NAS_OK);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        nas_expression *e = NULL;
        assert_int_not_equal(nas_expression_parse(&e, cases[i].text, t), NAS_OK);
        if (strstr(nas_error_text(), cases[i].said) == NULL)
            fail_msg("'%s': '%s' instead of '%s'", cases[i].text, nas_error_text(), cases[i].said);
    }
    nas_table_free(t);
}

static void values_that_are_no_numbers_are_refused(void **state) {
    (void)state;
    static const char *const cells[] = {"nan", "NaN", "inf", "", "1,5", "0x10", "12 ms"};
    for (size_t i = 0; i < sizeof cells / sizeof *cells; i++) {
        char text[64];
        nas_table *t = NULL;
        nas_expression *e = NULL;
        snprintf(text, sizeof text, "arch,v\na,1\nb,\"%s\"\n", cells[i]);
        assert_int_equal(open_text(&t, text), NAS_OK);
        assert_int_equal(nas_expression_parse(&e, "v", t), NAS_E_PARSE);
        assert_non_null(strstr(nas_error_text(), "t.csv:3: column 'v'"));
        nas_table_free(t);
    }
}

static void division_by_zero_names_the_row(void **state) {
    (void)state;
    nas_table *t = NULL;
    nas_expression *e = NULL;
    double v;
    assert_int_equal(open_text(&t, small), NAS_OK);
    assert_int_equal(nas_expression_parse(&e, "acc / `lat ms`", t), NAS_OK);
    assert_int_equal(nas_expression_value(&v, e, 0), NAS_OK);
    assert_int_equal(nas_expression_value(&v, e, 1), NAS_E_NAN);
    assert_non_null(strstr(nas_error_text(), "divides by zero for 'b'"));
    nas_expression_free(e);
    nas_table_free(t);
}

/* Deep nesting ends in a line, not in a crash. */
static void nesting_is_bounded(void **state) {
    (void)state;
    nas_table *t = NULL;
    nas_expression *e = NULL;
    char text[5000];
    memset(text, '(', sizeof text - 1);
    text[sizeof text - 1] = 0;
    assert_int_equal(open_text(&t, small), NAS_OK);
    assert_int_equal(nas_expression_parse(&e, text, t), NAS_E_PARSE);
    memset(text, '-', sizeof text - 1);
    assert_int_equal(nas_expression_parse(&e, text, t), NAS_E_PARSE);
    nas_text deep = {0};
    double v = 0; /* as deep as it may be, with operands waiting at every depth */
    for (int i = 0; i < 60; i++)
        nas_text_add(&deep, "1+2*(");
    nas_text_add(&deep, "1");
    for (int i = 0; i < 60; i++)
        nas_text_add(&deep, ")");
    assert_int_equal(nas_expression_parse(&e, nas_text_str(&deep), t), NAS_OK);
    assert_int_equal(nas_expression_value(&v, e, 0), NAS_OK);
    assert_true(v == 2305843009213693951.0); /* 2^61 - 1 */
    nas_expression_free(e);
    nas_text_free(&deep);
    nas_table_free(t);
}

static void running_out_of_memory_is_said(void **state) {
    (void)state;
    nas_table *t = NULL;
    nas_expression *e = NULL;
    nas_status st = NAS_E_MEMORY;
    assert_int_equal(nas_file_write(file, small, sizeof small - 1), NAS_OK);
    for (uint64_t k = 1; st == NAS_E_MEMORY && k < 100; k++) {
        nas_alloc_fail_after(k);
        st = nas_table_open(&t, file, "arch");
    }
    nas_alloc_fail_after(0);
    assert_int_equal(st, NAS_OK);
    st = NAS_E_MEMORY;
    for (uint64_t k = 1; st == NAS_E_MEMORY && k < 100; k++) {
        nas_alloc_fail_after(k);
        st = nas_expression_parse(&e, "100 - acc", t);
    }
    nas_alloc_fail_after(0);
    assert_int_equal(st, NAS_OK);
    nas_expression_free(e);
    nas_table_free(t);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fields_are_read_as_they_stand),
        cmocka_unit_test(bad_tables_say_where_and_why),
        cmocka_unit_test(rows_are_found_by_their_key),
        cmocka_unit_test(compressed_files_are_read_and_broken_ones_refused),
        cmocka_unit_test(expressions_are_arithmetic),
        cmocka_unit_test(bad_expressions_say_where_and_why),
        cmocka_unit_test(values_that_are_no_numbers_are_refused),
        cmocka_unit_test(division_by_zero_names_the_row),
        cmocka_unit_test(nesting_is_bounded),
        cmocka_unit_test(running_out_of_memory_is_said),
    };
    return cmocka_run_group_tests(tests, make_folder, drop_folder);
}
