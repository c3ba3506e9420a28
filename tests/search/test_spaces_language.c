/* tests/search/test_spaces_language.c - blocks of language see the words that they may see. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "space_fixture.h"

/* MOST_INPUTS: two rows of words for each of a batch of two */
enum { TOKENS = 6, WORDS = 16, MOST_INPUTS = 4 * TOKENS };

/* From one changed word, which places' logits change: of the last row of the input, bit i for place
 * i. */
static const struct sight {
    const char *name, *text;
    int changed;
    unsigned sees;
} sights[] = {
    {"causal",
     "input: [1, 6, 1]\nnet:\n  - embed: {words: 16, dim: 8}\n"
     "  - attention: {heads: 2, causal: true}\n  - mlp\n  - lm_head\n",
     3, 0x38},
    {"bidirectional",
     "input: [1, 6, 1]\nnet:\n  - embed: {words: 16, dim: 8}\n"
     "  - attention: {heads: 2}\n  - mlp\n  - lm_head\n",
     3, 0x3f},
    {"gate_is_local",
     "input: [1, 6, 1]\nnet:\n  - embed: {words: 16, dim: 8}\n  - glu\n  - lm_head\n", 3, 0x08},
    {"fork_sees_neighbours",
     "input: [1, 6, 1]\nnet:\n  - embed: {words: 16, dim: 8}\n"
     "  - fork: {kernel: 1, separable: 3}\n  - lm_head\n",
     1, 0x07},
    {"decoder_sees_the_source",
     "input: [2, 6, 1]\nnet:\n  - seq2seq:\n      encoder: [embed: {words: 16, dim: 8}, "
     "attention: {heads: 2}, mlp]\n      decoder: [embed: {words: 16, dim: 8}, attention: {heads: "
     "2, "
     "causal: true}, attention: {heads: 2, memory: 1}]\n  - lm_head\n",
     5, 0x3f},
    {"decoder_does_not_see_ahead",
     "input: [2, 6, 1]\nnet:\n  - seq2seq:\n      encoder: [embed: {words: 16, dim: 8}, "
     "attention: {heads: 2}, mlp]\n      decoder: [embed: {words: 16, dim: 8}, attention: {heads: "
     "2, "
     "causal: true}, attention: {heads: 2, memory: 1}]\n  - lm_head\n",
     6 + 4, 0x30},
};
enum { N_SIGHTS = sizeof sights / sizeof *sights };

static void run(double logits[TOKENS * WORDS], const nas_graph *g, const double *words) {
    uint32_t n = nas_graph_count(g);
    double **value = calloc(n, sizeof *value);
    assert_non_null(value);
    for (uint32_t i = 0; i < n; i++) {
        size_t count = (size_t)nas_shape_count(nas_graph_shape(g, (nas_value){i}));
        nas_op op = nas_graph_node(g, (nas_value){i})->op;
        float *init = calloc(count, sizeof *init);
        value[i] = calloc(count, sizeof **value);
        assert_true(init != NULL && value[i] != NULL);
        if (op == NAS_OP_PARAM || op == NAS_OP_STATE || op == NAS_OP_CONSTANT)
            assert_int_equal(nas_graph_init_leaf(init, g, (nas_value){i}, 1), NAS_OK);
        for (size_t k = 0; k < count; k++)
            value[i][k] = op == NAS_OP_INPUT ? words[k] : init[k];
        free(init);
    }
    assert_int_equal(nas_graph_run_ref(g, value), NAS_OK);
    memcpy(logits, value[nas_graph_output(g).id], TOKENS * WORDS * sizeof *logits);
    for (uint32_t i = 0; i < n; i++)
        free(value[i]);
    free(value);
}

static void a_word_is_seen_where_it_may_be(void **state) {
    const struct sight *s = *state;
    double words[MOST_INPUTS], before[TOKENS * WORDS], after[TOKENS * WORDS];
    unsigned sees = 0;
    nas_text t = {0};
    nas_text_add(&t, "name: t\nclasses: %d\n%s", (int)WORDS, s->text);
    nas_graph *g = network_of(nas_text_str(&t));
    for (int i = 0; i < MOST_INPUTS; i++)
        words[i] = (7 * i + 3) % WORDS;
    run(before, g, words);
    words[s->changed] = 1;
    run(after, g, words);
    for (int i = 0; i < TOKENS * WORDS; i++)
        sees |= fabs(after[i] - before[i]) > 1e-12 ? 1u << (i / WORDS) : 0;
    assert_int_equal(sees, s->sees);
    nas_graph_free(g);
    nas_text_free(&t);
}

int main(void) {
    struct CMUnitTest tests[N_SIGHTS];
    for (size_t i = 0; i < N_SIGHTS; i++)
        tests[i] = (struct CMUnitTest){.name = sights[i].name,
                                       .test_func = a_word_is_seen_where_it_may_be,
                                       .initial_state = (void *)(uintptr_t)&sights[i]};
    return _cmocka_run_group_tests("spaces of language", tests, N_SIGHTS, NULL, NULL);
}
