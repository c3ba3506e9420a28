/* tests/search/test_spaces_cell.c - spaces of cells have the sizes and counts that were published.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#include <nas/space.h>

static nas_space *open_space(const char *name) {
    nas_space *s = NULL;
    nas_status st = nas_space_open(&s, name);
    if (st != NAS_OK)
        print_error("%s\n", nas_error_text());
    assert_int_equal(st, NAS_OK);
    return s;
}

/* ---- NAS-Bench-201 ---- */

enum { NODES = 4, EDGES = 6, NETWORKS = 15625, TEXT = 4096 };

static const char *const ops[] = {"none", "skip_connect", "nor_conv_1x1", "nor_conv_3x3",
                                  "avg_pool_3x3"};

static int compare_texts(const void *a, const void *b) {
    return strcmp(a, b);
}

static int compare_numbers(const void *a, const void *b) {
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

/* The benchmark's own rule: what an op does to zeros is zeros, skips are left out, and the inputs
 * of a node are sorted, but neither are zeros left out nor are nested sums opened. */
static void unique_text(char out[TEXT], const uint16_t *gene) {
    static char node[NODES][TEXT];
    strcpy(node[0], "0");
    for (uint32_t i = 1, e = 0; i < NODES; i++) {
        static char in[NODES][TEXT];
        for (uint32_t k = 0; k < i; k++, e++) {
            if (gene[e] == 0 || strcmp(node[k], "#") == 0)
                strcpy(in[k], "#");
            else if (gene[e] == 1)
                strcpy(in[k], node[k]);
            else
                assert_true(snprintf(in[k], TEXT, "(%s)@%s", node[k], ops[gene[e]]) < TEXT);
        }
        qsort(in, i, TEXT, compare_texts);
        node[i][0] = '\0';
        for (uint32_t k = 0; k < i; k++)
            assert_true(strlen(strcat(strcat(node[i], k > 0 ? "+" : ""), in[k])) < TEXT / 4);
    }
    strcpy(out, node[NODES - 1]);
}

static uint32_t count_distinct(uint64_t *v, uint32_t n) {
    uint32_t distinct = 0;
    qsort(v, n, sizeof *v, compare_numbers);
    for (uint32_t i = 0; i < n; i++)
        distinct += i == 0 || v[i] != v[i - 1];
    return distinct;
}

typedef struct benchmark {
    nas_space *s;
    uint64_t text[NETWORKS], identity[NETWORKS];
    nas_cost cost[NETWORKS];
} benchmark;

static uint32_t number_of(const nas_genome *x) {
    uint32_t v = 0;
    for (uint32_t i = 0; i < EDGES; i++)
        v = v * 5 + x->gene[i];
    return v;
}

static int walk_benchmark(void **state) {
    benchmark *b = calloc(1, sizeof *b);
    char text[TEXT];
    nas_genome x = {0};
    uint32_t n = 0;
    assert_non_null(b);
    b->s = open_space("nas-bench-201");
    nas_space_canonical(&x, b->s);
    do {
        nas_graph *g;
        uint32_t i = number_of(&x);
        assert_int_equal(nas_space_graph(&g, b->s, &x, 1), NAS_OK);
        nas_graph_cost(&b->cost[i], g);
        assert_int_equal(nas_network_identity(&b->identity[i], g), NAS_OK);
        unique_text(text, x.gene);
        b->text[i] = nas_hash_bytes(0, text, strlen(text));
        nas_graph_free(g);
        n++;
    } while (nas_space_next(&x, b->s));
    assert_int_equal(n, NETWORKS);
    *state = b;
    return 0;
}

static int free_benchmark(void **state) {
    benchmark *b = *state;
    nas_space_free(b->s);
    free(b);
    return 0;
}

static void nas_bench_201_has_its_classes(void **state) {
    benchmark *b = *state;
    assert_int_equal(count_distinct(b->text, NETWORKS), 6466);
    assert_int_equal(count_distinct(b->identity, NETWORKS), 4930);
}

/* Column `which` of a line. */
static double column(const char *line, int which) {
    while (which-- > 0)
        line = strchr(line, ',') + 1;
    return strtod(line, NULL);
}

/* Genes in the order of the notation. */
static uint32_t read_arch(const char *line) {
    const char *p = strchr(line, ',') + 1;
    uint32_t v = 0;
    for (uint32_t e = 0; e < EDGES; e++) {
        p += strcspn(p, "abcdefghijklmnopqrstuvwxyz");
        uint32_t op = 0;
        while (strncmp(p, ops[op], strlen(ops[op])) != 0)
            assert_true(++op < 5);
        v = v * 5 + op;
        p = strchr(p, '~') + 2;
    }
    return v;
}

/* The table gives millions with five and six decimals, and adds a MAC for each bias of the
 * classifier, which clnas counts as an addition. */
static void nas_bench_201_counts_are_the_tables(void **state) {
    benchmark *b = *state;
    const char *path = getenv("CLNAS_NB201");
    char line[1024];
    uint32_t rows = 0;
    gzFile f = gzopen(path != NULL ? path : NAS_SOURCE_DIR "/../shared/data/nb201.csv.gz", "r");
    if (f == NULL) {
        assert_int_equal(b->cost[0].params, 73306);
        assert_int_equal(b->cost[0].macs, 7783040);
        assert_int_equal(b->cost[NETWORKS - 1].params, 73306); /* pools alone */
        assert_int_equal(b->cost[3 * 3906].params, 1531546);   /* 3x3 convolutions alone */
        return;
    }
    assert_non_null(gzgets(f, line, sizeof line));
    while (gzgets(f, line, sizeof line) != NULL) {
        const nas_cost *c = &b->cost[read_arch(line)];
        double macs = column(line, 3), params = column(line, 4);
        assert_true(fabs((double)c->macs + 10 - macs * 1e6) < 0.6);
        assert_true(fabs((double)c->params - params * 1e6) < 0.6);
        rows++;
    }
    gzclose(f);
    assert_int_equal(rows, NETWORKS);
}

int main(void) {
    static const struct CMUnitTest benchmark_tests[] = {
        cmocka_unit_test(nas_bench_201_has_its_classes),
        cmocka_unit_test(nas_bench_201_counts_are_the_tables),
    };
    return cmocka_run_group_tests(benchmark_tests, walk_benchmark, free_benchmark);
}
