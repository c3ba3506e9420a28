/* search/blocks/attention.c - x + attention(LN x) on tokens or on an image, in its many forms. */
#include "../attention.h"

#include <string.h>

static const char *const norms[] = {"none", "batch", NULL};
static const char *const lns[] = {"before", "after", "none", NULL};
static const char *const positions[] = {"none", "abs", "signed", "split", NULL};

static const block_arg args_of_attention[] = {
    {"heads", ARG_INT, NULL, 1, 1024, NULL, false},
    {"width", ARG_INT, "0", 0, 4096, NULL, false},
    {"value", ARG_INT, "0", 0, 4096, NULL, false},
    {"out", ARG_INT, "0", 0, 65536, NULL, false},
    {"ln", ARG_WORD, "before", 0, 0, lns, false},
    {"skip", ARG_BOOL, "true", 0, 0, NULL, false},
    {"window", ARG_INT, "0", 0, 1024, NULL, false},
    {"reduce", ARG_INT, "1", 1, 64, NULL, false},
    {"stride", ARG_INT, "1", 1, 64, NULL, true},
    {"project", ARG_INT, "0", 0, 64, NULL, false},
    {"kv_stride", ARG_INT, "1", 1, 64, NULL, false},
    {"local", ARG_INT, "0", 0, 64, NULL, false},
    {"position", ARG_WORD, "none", 0, 0, positions, false},
    {"clip", ARG_INT, "0", 0, 4096, NULL, false},
    {"bias", ARG_BOOL, "true", 0, 0, NULL, false},
    {"norm", ARG_WORD, "none", 0, 0, norms, false},
    {"talk", ARG_BOOL, "false", 0, 0, NULL, false},
    {"causal", ARG_BOOL, "false", 0, 0, NULL, false},
    {"memory", ARG_INT, "0", 0, MAX_MEMORY, NULL, false},
    {"act", ARG_ACT, "none", 0, 0, NULL, false},
    {"drop_path", ARG_REAL, "0", 0, 0.99, NULL, false},
};

static attention_spec spec_of(const form *args) {
    const block_kind *k = &block_attention;
    attention_spec s = {.heads = arg_int(k, args, "heads"),
                        .key = arg_int(k, args, "width"),
                        .value = arg_int(k, args, "value"),
                        .out = arg_int(k, args, "out"),
                        .window = arg_int(k, args, "window"),
                        .reduce = arg_int(k, args, "reduce"),
                        .stride = arg_int(k, args, "stride"),
                        .project = arg_int(k, args, "project"),
                        .kv_stride = arg_int(k, args, "kv_stride"),
                        .local = arg_int(k, args, "local"),
                        .clip = arg_int(k, args, "clip"),
                        .bias = arg_bool(k, args, "bias"),
                        .norm = strcmp(arg_word(k, args, "norm"), "batch") == 0,
                        .talk = arg_bool(k, args, "talk"),
                        .causal = arg_bool(k, args, "causal"),
                        .memory = (uint32_t)arg_int(k, args, "memory"),
                        .act = arg_act(k, args, "act")};
    s.position = position_of(arg_word(k, args, "position"));
    return s;
}

static nas_status build_attention(build *b, const form *args, nas_value *x) {
    attention_spec s = spec_of(args);
    nas_value y = *x;
    pre_norm norm = pre_norm_of(arg_word(&block_attention, args, "ln"));
    NAS_TRY(norm_before(b, &y, norm));
    NAS_TRY(attention(b, &y, &s));
    NAS_TRY(dropout(b, &y, arg_real(&block_attention, args, "drop_path"), true));
    return join_path(b, x, y, arg_bool(&block_attention, args, "skip"), norm);
}

BLOCK_KIND(attention, args_of_attention, NULL);
