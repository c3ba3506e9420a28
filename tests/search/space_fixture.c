/* tests/search/space_fixture.c - what tests of spaces do again and again. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "space_fixture.h"

nas_space *parse(const char *text) {
    nas_space *s = NULL;
    nas_status st = nas_space_parse(&s, text, strlen(text), "f");
    if (st != NAS_OK)
        print_error("%s\n", nas_error_text());
    assert_int_equal(st, NAS_OK);
    return s;
}

nas_space *open_space(const char *name) {
    nas_space *s = NULL;
    nas_status st = nas_space_open(&s, name);
    if (st != NAS_OK)
        print_error("%s\n", nas_error_text());
    assert_int_equal(st, NAS_OK);
    return s;
}

nas_graph *graph_of(const nas_space *s, const nas_genome *x, int32_t batch) {
    nas_graph *g = NULL;
    nas_status st = nas_space_graph(&g, s, x, batch);
    if (st != NAS_OK)
        print_error("%s\n", nas_error_text());
    assert_int_equal(st, NAS_OK);
    assert_int_equal(nas_graph_verify(g), NAS_OK);
    return g;
}

nas_graph *network_of(const char *text) {
    nas_graph *g = NULL;
    nas_status st = nas_network_graph(&g, text, strlen(text), "f", 2);
    if (st != NAS_OK)
        print_error("%s\n", nas_error_text());
    assert_int_equal(st, NAS_OK);
    return g;
}

void assert_leaf(const nas_graph *g, const char *name, const char *shape) {
    char text[NAS_SHAPE_TEXT];
    nas_value v = nas_graph_find(g, name);
    if (!nas_value_ok(v))
        print_error("no leaf %s\n", name);
    assert_true(nas_value_ok(v));
    assert_string_equal(nas_shape_text(text, nas_graph_shape(g, v), 0), shape);
}

void assert_enumeration(const nas_space *s) {
    double count = 0;
    nas_genome x = {0}, before;
    bool active[NAS_MAX_GENES];
    nas_space_canonical(&x, s);
    do {
        count++;
        before = x;
        nas_space_canonical(&x, s);
        assert_memory_equal(&x, &before, sizeof x);
        nas_space_active(active, s, &x);
        for (uint32_t i = 0; i < x.n; i++)
            assert_true(active[i] || x.gene[i] == 0);
    } while (nas_space_next(&x, s) && memcmp(&x, &before, sizeof x) != 0);
    assert_true(count == nas_space_size(s));
}

void assert_round_trip(const nas_space *s, const nas_genome *x) {
    nas_text net = {0}, a = {0}, b = {0}, again = {0};
    nas_graph *read = NULL, *g = graph_of(s, x, 2);
    nas_space *fixed = NULL;
    nas_genome none = {0};
    assert_int_equal(nas_space_network(&net, s, x), NAS_OK);
    nas_status st = nas_network_graph(&read, nas_text_str(&net), net.n, "net", 2);
    if (st != NAS_OK)
        print_error("%s\n%s", nas_error_text(), nas_text_str(&net));
    assert_int_equal(st, NAS_OK);
    assert_true(nas_graph_hash(g) == nas_graph_hash(read));
    assert_int_equal(nas_graph_write(&a, g), NAS_OK);
    assert_int_equal(nas_graph_write(&b, read), NAS_OK);
    assert_string_equal(nas_text_str(&a), nas_text_str(&b)); /* names and scopes as well */
    assert_int_equal(nas_space_parse(&fixed, nas_text_str(&net), net.n, "net"), NAS_OK);
    assert_int_equal(nas_space_network(&again, fixed, &none), NAS_OK);
    assert_string_equal(nas_text_str(&net), nas_text_str(&again));
    nas_space_free(fixed);
    nas_graph_free(g);
    nas_graph_free(read);
    nas_text_free(&net);
    nas_text_free(&a);
    nas_text_free(&b);
    nas_text_free(&again);
}
