/* search/blocks/norm.c - a normalisation alone. */
#include "../block.h"

#include <string.h>

static const char *const norms[] = {"batch", "layer", NULL};

static const block_arg args_of_norm[] = {{"kind", ARG_WORD, "batch", 0, 0, norms, false}};

static nas_status build_norm(build *b, const form *args, nas_value *x) {
    if (strcmp(arg_word(&block_norm, args, "kind"), "batch") == 0)
        return batch_norm(b, x, "norm");
    return layer_norm(b, x, "norm", 1e-6f);
}

BLOCK_KIND(norm, args_of_norm, NULL);
