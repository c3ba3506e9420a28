/* tests/fuzz/fuzz_space.c - a space from any bytes: reads it, draws a network, builds it, reads its
 * text back. A libFuzzer target:
 *     clang -g -O1 -fsanitize=fuzzer,address,undefined -Iinclude tests/fuzz/fuzz_space.c LIBRARIES
 * tests/search/test_fuzz_corpus.c replays the corpus with it in every test run. */
#include <stdlib.h>

#include <nas/space.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

/* The text of a network must build what the genome builds. */
static void check_text(const nas_space *s, const nas_genome *x, const nas_graph *g) {
    nas_text t = {0};
    nas_graph *again = NULL;
    if (nas_space_network(&t, s, x) != NAS_OK ||
        nas_network_graph(&again, nas_text_str(&t), t.n, "network", 1) != NAS_OK ||
        nas_graph_hash(g) != nas_graph_hash(again)) {
        fprintf(stderr, "%s\n%s", nas_error_text(), nas_text_str(&t));
        abort();
    }
    nas_graph_free(again);
    nas_text_free(&t);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n) {
    nas_space *s;
    nas_graph *g = NULL;
    nas_genome x = {0};
    if (nas_space_parse(&s, (const char *)data, n, "fuzz") != NAS_OK)
        return 0;
    nas_rng r = nas_rng_stream(1, "fuzz", 0);
    nas_space_sample(&x, s, &r);
    if (nas_space_graph(&g, s, &x, 1) == NAS_OK)
        check_text(s, &x, g);
    nas_graph_free(g);
    nas_space_free(s);
    return 0;
}
