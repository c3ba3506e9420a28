/* tests/hwmodels/fixture.c - builds the graphs and opens the devices of fixture.h. */
#include "fixture.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static nas_value leaf(nas_graph *g, nas_op op, const char *name, nas_shape shape) {
    nas_value v;
    nas_attr a;
    memset(&a, 0, sizeof a);
    a.leaf.shape = shape;
    if (nas_graph_leaf(&v, g, op, name, &a) != NAS_OK)
        fail_msg("%s", nas_error_text());
    return v;
}

nas_value net_conv(nas_graph *g, nas_value x, int32_t k, int32_t out, int32_t groups, int32_t s,
                   int32_t pad) {
    char name[32];
    nas_attr a;
    nas_value y;
    int32_t c = nas_graph_shape(g, x)->dim[3];
    snprintf(name, sizeof name, "w%u", (unsigned)nas_graph_count(g));
    nas_value w = leaf(g, NAS_OP_PARAM, name, NAS_SHAPE(k, k, c / groups, out));
    memset(&a, 0, sizeof a);
    for (int i = 0; i < 2; i++) {
        a.conv.kernel[i] = k;
        a.conv.stride[i] = s;
        a.conv.dilation[i] = 1;
    }
    for (int i = 0; i < 4; i++)
        a.conv.pad[i] = pad;
    a.conv.groups = groups;
    if (nas_conv2d(&y, g, x, w, &a) != NAS_OK)
        fail_msg("%s", nas_error_text());
    return y;
}

nas_graph *net_open(nas_value *x, int32_t batch, int32_t side, int32_t channels) {
    nas_graph *g = NULL;
    assert_int_equal(nas_graph_create(&g), NAS_OK);
    *x = leaf(g, NAS_OP_INPUT, "x", NAS_SHAPE(batch, side, side, channels));
    return g;
}

nas_graph *net_alexnet(void) {
    nas_value x, a, b, c, d, y;
    nas_graph *g = net_open(&x, 1, 227, 3);
    y = net_conv(g, x, 11, 96, 1, 4, 0);
    a = leaf(g, NAS_OP_INPUT, "a", NAS_SHAPE(1, 27, 27, 96));
    y = net_conv(g, a, 5, 256, 2, 1, 2);
    b = leaf(g, NAS_OP_INPUT, "b", NAS_SHAPE(1, 13, 13, 256));
    y = net_conv(g, b, 3, 384, 1, 1, 1);
    c = leaf(g, NAS_OP_INPUT, "c", NAS_SHAPE(1, 13, 13, 384));
    y = net_conv(g, c, 3, 384, 2, 1, 1);
    d = leaf(g, NAS_OP_INPUT, "d", NAS_SHAPE(1, 13, 13, 384));
    y = net_conv(g, d, 3, 256, 2, 1, 1);
    nas_graph_set_output(g, y);
    return g;
}

nas_graph *net_chain(int32_t n, int32_t side, int32_t channels) {
    nas_value y;
    nas_graph *g = net_open(&y, 1, side, channels);
    for (int32_t i = 0; i < n; i++) {
        int32_t k = i % 3 == 1 ? 1 : 3, groups = i % 3 == 2 ? channels : 1;
        y = net_conv(g, y, k, channels, groups, 1, k / 2);
    }
    nas_graph_set_output(g, y);
    return g;
}

nas_hw *hw_open(const char *name) {
    nas_hw *h = NULL;
    if (nas_hw_open(&h, name) != NAS_OK)
        fail_msg("%s", nas_error_text());
    return h;
}

nas_hw *hw_from_text(const char *text) {
    char path[] = "hw-XXXXXX.yaml";
    nas_hw *h = NULL;
    int fd = mkstemps(path, 5);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    close(fd);
    nas_status st = nas_hw_open(&h, path);
    unlink(path);
    if (st != NAS_OK)
        fail_msg("%s", nas_error_text());
    return h;
}

nas_estimate hw_price(const nas_hw *h, const nas_graph *g) {
    nas_estimate e;
    if (nas_hw_estimate(&e, NULL, h, g) != NAS_OK)
        fail_msg("%s", nas_error_text());
    return e;
}
