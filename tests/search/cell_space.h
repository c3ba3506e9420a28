/* tests/search/cell_space.h - the choices of NAS-Bench-201 on a plain chain: its genes are edges of
 * a cell of four nodes, so that everything that reads genes can be tested quickly. */
#ifndef NAS_TESTS_CELL_SPACE_H
#define NAS_TESTS_CELL_SPACE_H

#define CELL_EDGE(name)                                                                            \
    "  - choose:\n"                                                                                \
    "      none: [skip]\n"                                                                         \
    "      skip_connect: [skip]\n"                                                                 \
    "      nor_conv_1x1: [conv: {out: 8, kernel: 1}]\n"                                            \
    "      nor_conv_3x3: [conv: {out: 8, kernel: 3}]\n"                                            \
    "      avg_pool_3x3: [pool: {kind: avg, kernel: 3, stride: 1}]\n"                              \
    "    name: e" name "\n"

static const char cell_space[] =
    "name: cell\n"
    "input: [8, 8, 3]\n"
    "classes: 10\n"
    "net:\n"
    "  - conv: {out: 8}\n" CELL_EDGE("0-1") CELL_EDGE("0-2") CELL_EDGE("1-2") CELL_EDGE("0-3")
        CELL_EDGE("1-3") CELL_EDGE("2-3") "  - head\n";

#endif
