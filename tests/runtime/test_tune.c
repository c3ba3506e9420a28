/* tests/runtime/test_tune.c - candidates on a device: wrong ones are refused, the table outlives
 * the process and spoilt lines, parts of a device and jobs at once work. ctest-labels: device */
#include <dirent.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>
#include <runtime/tune.h>
#include <string.h>

static char folder[] = "/tmp/clnas-tune-XXXXXX";

static nas_device *open_device(const char *spec) {
    nas_device *d = NULL;
    if (nas_device_open(&d, spec) != NAS_OK)
        fail_msg("%s", nas_error_text());
    return d;
}

/* y = x w, of a class of its own for each k. */
static nas_graph *product(int32_t k) {
    nas_graph *g = NULL;
    nas_value x, w, y;
    nas_attr a = {.leaf = {.shape = NAS_SHAPE(40, k)}};
    nas_attr b = {.leaf = {.shape = NAS_SHAPE(k, 48), .init = NAS_INIT_NORMAL, .scale = 1}};
    assert_int_equal(nas_graph_create(&g), NAS_OK);
    assert_int_equal(nas_graph_leaf(&x, g, NAS_OP_INPUT, "x", &a), NAS_OK);
    assert_int_equal(nas_graph_leaf(&w, g, NAS_OP_PARAM, "w", &b), NAS_OK);
    assert_int_equal(nas_matmul(&y, g, x, w, false, false), NAS_OK);
    nas_graph_set_output(g, y);
    return g;
}

static bool any(const emitter *e) {
    (void)e;
    return true;
}
/* A product that leaves out the last of its terms. */
static void emit_wrong(emitter *e) {
    gemm z = gemm_of(e);
    LAUNCH(e, "fpga_matmul.cl", "matmul_single", 1, 1, 1, KI(z.m), KI(z.n), KI(z.k - 1),
           KI(z.batch), KI(z.b_step), KI(z.a_turned), KI(z.b_turned), KF(z.alpha), KI(z.flags),
           KI(z.act), KIN(e, 0), KIN(e, 1), z.bias, z.residual, KOUT(e));
}
static void emit_nowhere(emitter *e) {
    LAUNCH(e, "fpga_matmul.cl", "no_such_kernel", 1, 1, 1, KI(1));
}

static void wrong_candidates_are_refused(void **state) {
    (void)state;
    static const candidate wrong = {"wrong", "cpu", any, NULL, emit_wrong};
    static const candidate absent = {"absent", "cpu", any, NULL, emit_nowhere};
    nas_device *d = open_device("auto");
    nas_log_set(NAS_LOG_ERROR, NULL, NULL);
    assert_false(tune_is_right(d, NAS_OP_MATMUL, &wrong));
    assert_false(tune_is_right(d, NAS_OP_MATMUL, &absent));
    assert_false(tune_find_check(d->tune, NAS_OP_MATMUL, "wrong")->right);
    nas_device_close(d);
}

static void registered_candidates_are_right_here(void **state) {
    (void)state;
    static const nas_op ops[] = {NAS_OP_MATMUL, NAS_OP_CONV2D, NAS_OP_CONV2D_DX, NAS_OP_CONV2D_DW};
    nas_device *d = open_device("auto");
    for (size_t i = 0; i < sizeof ops / sizeof ops[0]; i++) {
        const candidate *all[CANDIDATES_MAX];
        uint32_t n = candidates_of(all, ops[i]);
        assert_true(n > 0);
        for (uint32_t k = 0; k < n; k++)
            if (strcmp(all[k]->name, "clblast") != 0 && /* compiles for minutes on a CPU */
                !tune_is_right(d, ops[i], all[k]))
                fail_msg("%s of %s", all[k]->name, nas_op_get(ops[i])->name);
    }
    nas_device_close(d);
}

static const char *choice(nas_device *d, const nas_graph *g) {
    emitter e = {.d = d, .g = g, .id = nas_graph_output(g).id};
    e.n = nas_graph_node(g, nas_graph_output(g));
    for (uint32_t i = 0; i < e.n->n_in; i++)
        e.in[i] = nas_graph_shape(g, e.n->in[i]);
    const candidate *c = candidate_choose(&e);
    return c ? c->name : candidate_own;
}

static void the_type_decides_where_nothing_is_measured(void **state) {
    (void)state;
    static const char *const want[][2] = {
        {"auto:as=cpu", "own"}, {"auto:as=gpu", "tile32"}, {"auto:as=accelerator", "single"}};
    nas_graph *g = product(33);
    for (size_t i = 0; i < sizeof want / sizeof want[0]; i++) {
        nas_device *d = open_device(want[i][0]);
        assert_string_equal(choice(d, g), want[i][1]);
        nas_device_close(d);
    }
    nas_graph_free(g);
}

static void told(void *ctx, const nas_tuned *t) {
    *(nas_tuned *)ctx = *t;
}

/* Appends lines to the device's table. */
static void add_lines(nas_device *d, const char *lines) {
    nas_text path = {0}, text = {0};
    char *bytes = NULL;
    size_t n = 0;
    assert_true(nas_device_tune_file(&path, d));
    if (nas_file_exists(path.s))
        assert_int_equal(nas_file_read(&bytes, &n, path.s, 0), NAS_OK);
    nas_text_bytes(&text, bytes ? bytes : "", n);
    nas_text_add(&text, "%s", lines);
    assert_int_equal(nas_file_write(path.s, text.s, text.n), NAS_OK);
    nas_free(bytes);
    nas_text_free(&text);
    nas_text_free(&path);
}

static void the_table_outlives_the_device(void **state) {
    (void)state;
    nas_tuned r = {0};
    nas_graph *g = product(64), *near = product(100), *far = product(4000);
    nas_device *d = open_device("auto");
    /* CLBlast would compile for minutes here */
    add_lines(d, "check matmul clblast wrong\n");
    assert_int_equal(nas_device_tune(d, g, &(nas_tune_options){.tell = told, .ctx = &r}), NAS_OK);
    assert_string_equal(r.op, "matmul");
    assert_true(r.seconds > 0 && r.seconds <= r.own_seconds && !r.known && r.tried >= 1);
    nas_device_close(d);
    d = open_device("auto");
    char first[16];
    (void)snprintf(first, sizeof first, "%s", r.winner);
    assert_int_equal(nas_device_tune(d, g, &(nas_tune_options){.tell = told, .ctx = &r}), NAS_OK);
    assert_true(r.known && !strcmp(r.winner, first));
    nas_device_close(d);
    /* lines that are none are passed over; a class near one that is known takes its kernel */
    d = open_device("auto");
    add_lines(d, "best\nbest matmul 1 2\nbest nothing 1 1 1 1 0 0 x 1 1\nfoo\ncheck matmul\n"
                 "best matmul 5 6 12 0 0 0 tile64 5 9\nbest matmul x 6 6 0 0 0 tile64 5 9\n");
    assert_string_equal(choice(d, near), first);
    assert_string_equal(choice(d, far), "tile64");
    nas_device_close(d);
    nas_graph_free(g);
    nas_graph_free(near);
    nas_graph_free(far);
}

static void a_part_computes_what_the_whole_computes(void **state) {
    (void)state;
    static const char *const specs[] = {"auto", "auto.1/2", "auto.2/2"};
    float y[3][40 * 48], x[40 * 50];
    nas_graph *g = product(50);
    nas_value in = nas_graph_find(g, "x"), out = nas_graph_output(g);
    nas_device *d = open_device("auto");
    uint32_t units = nas_device_info_of(d)->compute_units;
    nas_device_close(d);
    if (units < 2)
        skip();
    for (int i = 0; i < 40 * 50; i++)
        x[i] = (float)(i % 7 - 3);
    for (int s = 0; s < 3; s++) {
        nas_exec *e = NULL;
        d = open_device(specs[s]);
        assert_true(s == 0 || nas_device_info_of(d)->compute_units <= units);
        assert_int_equal(nas_exec_create(&e, d, g, &out, 1, NULL, 0), NAS_OK);
        assert_int_equal(nas_exec_init(e, 3), NAS_OK);
        assert_int_equal(nas_exec_write(e, in, x, 40 * 50), NAS_OK);
        assert_int_equal(nas_exec_run(e), NAS_OK);
        assert_int_equal(nas_exec_read(e, out, y[s], 40 * 48), NAS_OK);
        nas_exec_free(e);
        nas_device_close(d);
    }
    for (int i = 0; i < 40 * 48; i++)
        assert_true(fabsf(y[1][i] - y[0][i]) < 1e-3f && fabsf(y[2][i] - y[0][i]) < 1e-3f);
    nas_graph_free(g);
}

static void jobs_are_between_one_and_the_units(void **state) {
    (void)state;
    nas_graph *g = product(8);
    uint32_t jobs = 0;
    nas_device *d = open_device("auto");
    uint32_t units = nas_device_info_of(d)->compute_units;
    bool cpu = !strcmp(nas_device_info_of(d)->type, "cpu");
    nas_device_close(d);
    assert_int_equal(nas_device_jobs_hint(&jobs, "ref", g, 40), NAS_OK);
    assert_int_equal(jobs, 1);
    assert_int_equal(nas_device_jobs_hint(&jobs, "auto", g, 40), NAS_OK);
    assert_true(jobs >= 1 && (!cpu || jobs <= units));
    nas_graph_free(g);
}

static void remove_folder(void) {
    DIR *dir = opendir(folder);
    for (struct dirent *f; dir && (f = readdir(dir)) != NULL;) {
        char path[512];
        (void)snprintf(path, sizeof path, "%s/%.200s", folder, f->d_name);
        if (f->d_name[0] != '.')
            (void)unlink(path);
    }
    if (dir)
        closedir(dir);
    (void)rmdir(folder);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(wrong_candidates_are_refused),
        cmocka_unit_test(registered_candidates_are_right_here),
        cmocka_unit_test(the_type_decides_where_nothing_is_measured),
        cmocka_unit_test(the_table_outlives_the_device),
        cmocka_unit_test(a_part_computes_what_the_whole_computes),
        cmocka_unit_test(jobs_are_between_one_and_the_units),
    };
    nas_device *d = NULL;
    if (!mkdtemp(folder) || setenv("CLNAS_CACHE_DIR", folder, 1))
        return 1;
    if (nas_device_open(&d, "auto") != NAS_OK) {
        print_message("skipped: %s\n", nas_error_text());
        return 0;
    }
    nas_device_close(d);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    remove_folder();
    return failed;
}
