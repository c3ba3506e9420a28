/* search/blocks/pool.c - max or average pooling. */
#include "../block.h"

#include <string.h>

static const char *const pools[] = {"max", "avg", NULL};

static const block_arg args_of_pool[] = {
    {"kind", ARG_WORD, "max", 0, 0, pools, false},
    {"kernel", ARG_INT, "2", 1, 64, NULL, false},
    {"stride", ARG_INT, "", 1, 64, NULL, true}, /* the kernel */
    {"pad", ARG_PAD, "", 0, 63, NULL, false},
};

static nas_status build_pool(build *b, const form *args, nas_value *x) {
    const block_kind *k = &block_pool;
    int32_t kernel = arg_int(k, args, "kernel");
    int32_t stride = arg_given(args, "stride") ? arg_int(k, args, "stride") : kernel;
    const char *pad = arg_given(args, "pad") ? arg_word(k, args, "pad")
                      : stride < kernel      ? "same"
                                             : "valid";
    NAS_TRY(want_image(b, *x, "pool"));
    nas_attr attr = {0};
    for (int i = 0; i < 2; i++) {
        attr.conv.kernel[i] = kernel;
        attr.conv.stride[i] = stride;
        attr.conv.dilation[i] = 1;
    }
    pad_of(attr.conv.pad, pad, kernel, 1);
    if (strcmp(arg_word(k, args, "kind"), "max") == 0)
        return nas_max_pool(x, b->g, *x, &attr);
    return nas_avg_pool(x, b->g, *x, &attr);
}

BLOCK_KIND(pool, args_of_pool, NULL);
