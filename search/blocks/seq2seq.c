/* search/blocks/seq2seq.c - encoder and decoder: row 0 of the input goes through the one, row 1
 * through the other, whose attention may look at the encoder's layers (memory). */
#include "../parts.h"

#include <string.h>

static const block_arg args_of_seq2seq[] = {
    {"encoder", ARG_ITEMS, NULL, 0, 0, NULL, false},
    {"decoder", ARG_ITEMS, NULL, 0, 0, NULL, false},
};

/* The blocks of a half, in a scope and path of its name. */
static nas_status half(build *b, const form *args, const char *name, nas_value *x) {
    char path[PATH_BYTES];
    nas_status st = NAS_OK;
    snprintf(path, sizeof path, "%s", b->path);
    if (strlen(path) + strlen(name) + 2 > sizeof path)
        return nas_fail(NAS_E_GRAPH, "%s.%s: the path of a block is over %d letters", path, name,
                        (int)PATH_BYTES - 1);
    NAS_TRY(nas_graph_scope_push(b->g, name, name, 0));
    snprintf(b->path + strlen(path), sizeof path - strlen(path), ".%s", name);
    NAS_GO(build_items(b, form_get(args, name), false, x));
done:
    nas_graph_scope_pop(b->g);
    snprintf(b->path, sizeof b->path, "%s", path);
    return st;
}

static nas_status build_seq2seq(build *b, const form *args, nas_value *x) {
    nas_value source, target;
    NAS_TRY(want_image(b, *x, "seq2seq"));
    const nas_shape *s = shape_of(b, *x);
    if (s->dim[1] != 2)
        return nas_fail(NAS_E_SHAPE, "seq2seq needs two rows, source and target, but here are %d",
                        s->dim[1]);
    NAS_TRY(nas_slice(&source, b->g, *x, 1, 0, 1));
    NAS_TRY(nas_slice(&target, b->g, *x, 1, 1, 2));
    b->n_memory = 0;
    b->remember = true;
    NAS_TRY(half(b, args, "encoder", &source));
    b->remember = false;
    NAS_TRY(half(b, args, "decoder", &target));
    *x = target;
    return NAS_OK;
}

BLOCK_KIND(seq2seq, args_of_seq2seq, NULL);
