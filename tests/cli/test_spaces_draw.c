/* tests/cli/test_spaces_draw.c - every built-in space draws, with all its choices, and so does a
 * network of it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <nas/space.h>
#include <nas/viz.h>

static const char path[] = "spaces_draw.png";

static void must(nas_status st) {
    if (st != NAS_OK)
        print_error("%s\n", nas_error_text());
    assert_int_equal(st, NAS_OK);
}

static bool ends_with(const char *text, const char *end) {
    size_t n = strlen(text), m = strlen(end);
    return n >= m && strcmp(text + n - m, end) == 0;
}

/* Whether some box shows the options of a gene. */
static bool shows(const nas_sketch_box *b, const nas_gene *g) {
    if (b->form == NAS_SKETCH_CHOICE && b->n == g->n)
        return true;
    for (uint32_t i = 0; i < b->n_lines; i++) {
        const nas_sketch_line *l = &b->line[i];
        for (uint32_t k = 0; k < l->n && strcmp(g->choices[0], "none") == 0; k++)
            if (strcmp(l->option[k], g->choices[1]) == 0)
                return true; /* one of those that may be joined */
        if (l->n == g->n && (g->choices[0][0] == '{' || ends_with(l->option[0], g->choices[0])))
            return true;
    }
    for (uint32_t i = 0; i < b->n; i++)
        if (shows(b->kid[i], g))
            return true;
    return false;
}

/* A whole PNG has its signature in front and its last chunk behind. */
static void assert_picture(void) {
    char *bytes;
    size_t n;
    must(nas_file_read(&bytes, &n, path, 64 << 20));
    assert_true(n > 1000);
    assert_memory_equal(bytes, "\211PNG\r\n\032\n", 8);
    assert_memory_equal(bytes + n - 8, "IEND", 4);
    nas_free(bytes);
    unlink(path);
}

static void space_draws_with_all_its_choices(void **state) {
    const char *name = *state;
    nas_space *s;
    nas_sketch *k;
    nas_graph *g;
    nas_genome x;
    must(nas_space_open(&s, name));
    must(nas_space_sketch(&k, s));
    const nas_sketch_box *root = nas_sketch_root(k);
    for (uint32_t i = 0; i < nas_space_gene_count(s); i++)
        if (!shows(root, nas_space_gene(s, i)))
            fail_msg("%s is not in the picture", nas_space_gene(s, i)->path);
    must(nas_draw_space(path, &(nas_space_drawing){name, "of a test", root}));
    assert_picture();
    nas_rng r = nas_rng_stream(1, name, 0);
    nas_space_sample(&x, s, &r);
    must(nas_space_graph(&g, s, &x, 1));
    must(nas_draw_network(path, &(nas_network_drawing){.title = name, .graph = g}));
    assert_picture();
    nas_graph_free(g);
    nas_sketch_free(k);
    nas_space_free(s);
}

int main(void) {
    enum { MOST = 64 };
    static struct CMUnitTest tests[MOST];
    const char *const *names = nas_space_names();
    size_t n = 0;
    for (; names[n] != NULL && n < MOST; n++)
        tests[n] = (struct CMUnitTest){.name = names[n],
                                       .test_func = space_draws_with_all_its_choices,
                                       .initial_state = (void *)(uintptr_t)names[n]};
    return _cmocka_run_group_tests("spaces draw", tests, n, NULL, NULL);
}
