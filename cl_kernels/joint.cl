/* cl_kernels/joint.cl - many launches as one, for CPUs and networks so small that starting a launch
 * costs more than to run it.
 *
 * Work-groups take the items of a step until none is left, wait until all are done, and go on to
 * the next step. A group waits only for one that runs: what a group has taken it finishes, and
 * groups that have not begun have taken nothing. So it ends even if the groups run one after the
 * other. A group that waits for long leaves, as the one it waits for may want its core; what is
 * left is for that one.
 */
#define JOINED
#include "common.clh"
#include "act.clh"

#define TR    MR
#define TN    NV
#define TMASK 0
#define TS    _wide
#include "tile.clh"
#include "conv_tile.clh"
#include "matmul_tile.clh"
#include "tile_end.clh"

#define TR    MR1
#define TN    1
#define TMASK 0
#define TS    _slim
#include "tile.clh"
#include "conv_tile.clh"
#include "matmul_tile.clh"
#include "tile_end.clh"

#define TR    MR1
#define TN    1
#define TMASK 1
#define TS    _mask
#include "tile.clh"
#include "conv_tile.clh"
#include "matmul_tile.clh"
#include "tile_end.clh"

#include "attention_tile.cl"
#include "batch_norm.cl"
#include "depthwise_rows.cl"
#include "elementwise.cl"
#include "matmul.cl"
#include "pointwise.cl"
#include "pool.cl"
#include "reduce.cl"
#include "row_norm.cl"

/* A step of the table, as runtime/joint.c writes it: */
#define STEP_KERNEL 0 /* number in joint_list.clh */
#define STEP_ITEMS  1 /* work-groups of the launch, and along two axes of three */
#define STEP_ACROSS 2
#define STEP_DOWN   3
#define STEP_PIECE  4 /* of them that are taken at once */
#define STEP_ARGS   5
#define STEP_SIZE   32
/* State: for each step how many are taken of each group's part, and how many are done of all, on lines
 * of their own; at the end how many groups have left. */
#define LINE 16

/* Looks at a counter before a group leaves: some hundred microseconds, longer than an item takes. */
#define PATIENCE (1 << 16)

/* A buffer: its number in the low bits, above them where it begins. */
#define BUFFERS 32
#define BEGINS  64

enum {
#define JOINT(name, items, ...) NUMBER_##name,
#include "joint_list.clh"
#undef JOINT
    NUMBERS
};

#define I(k)    a[k]
#define I2(k)   I(k), I(k + 1)
#define I3(k)   I2(k), I(k + 2)
#define I4(k)   I2(k), I2(k + 2)
#define I5(k)   I4(k), I(k + 4)
#define I6(k)   I4(k), I2(k + 4)
#define I8(k)   I4(k), I4(k + 4)
#define I9(k)   I8(k), I(k + 8)
#define I14(k)  I8(k), I6(k + 8)
#define I15(k)  I9(k), I6(k + 9)
#define I16(k)  I8(k), I8(k + 8)
#define I17(k)  I9(k), I8(k + 9)
#define F(k)    as_float(a[k])
#define B(k)    (buffer[a[k] & (BUFFERS - 1)] + (size_t)((uint)a[k] / BUFFERS) * BEGINS)
#define B2(k)   B(k), B(k + 1)
#define B3(k)   B2(k), B(k + 2)
#define B4(k)   B2(k), B2(k + 2)
#define B5(k)   B4(k), B(k + 4)
#define B6(k)   B4(k), B2(k + 4)

/* Work-groups first … last-1 of a step. */
static inline void run_groups(__global const int *step, int first, int last,
                              __global float *const *buffer) {
    __global const int *a = step + STEP_ARGS;
    uint across = step[STEP_ACROSS], down = step[STEP_DOWN];
    switch (step[STEP_KERNEL]) {
#define JOINT(name, items, ...)                                                                    \
    case NUMBER_##name:                                                                            \
        for (int g = first; g < last; g++) {                                                       \
            uint row = g / across, layer = row / down;                                             \
            for (int i = 0; i < items; i++)                                                        \
                name((uint4)((g - row * across) * items + i, row - layer * down, layer, 0),        \
                     __VA_ARGS__);                                                                 \
        }                                                                                          \
        break;
#include "joint_list.clh"
    }
}

/* Takes pieces of the part of a step that is a group's own, or another's; returns how many items. */
static inline int run_part(__global const int *step, int part, int groups,
                           volatile __global int *taken, __global float *const *buffer) {
    int items = step[STEP_ITEMS], piece = step[STEP_PIECE], done = 0, from;
    int begin = (long)items * part / groups, count = (long)items * (part + 1) / groups - begin;
    while (*taken < count && (from = atomic_add(taken, piece)) < count) {
        int to = min(count, from + piece);
        run_groups(step, begin + from, begin + to, buffer);
        done += to - from;
    }
    return done;
}

/* Does what it can of all steps. A group begins with its own part, which is the same in all steps:
 * most of what it reads its core has written. Then it helps the others. */
static inline void run_steps(int steps, int groups, __global const int *table,
                             volatile __global int *state, __global float *const *buffer) {
    int own = get_group_id(0);
    for (int s = 0; s < steps; s++, table += STEP_SIZE, state += (groups + 1) * LINE) {
        volatile __global int *all_done = state + groups * LINE;
        int items = table[STEP_ITEMS], done = 0;
        for (int k = 0; k < groups; k++) {
            int part = (own + k) % groups;
            done += run_part(table, part, groups, state + part * LINE, buffer);
        }
        mem_fence(CLK_GLOBAL_MEM_FENCE);
        if (done > 0)
            atomic_add(all_done, done);
        for (int i = 0; *all_done < items; i++)
            if (i == PATIENCE)
                return;
        mem_fence(CLK_GLOBAL_MEM_FENCE);
    }
}

/* `steps` steps of the table from `first` on, by `groups` work-groups of one item */
__kernel __attribute__((reqd_work_group_size(1, 1, 1))) void
joint(int first, int steps, int groups, __global const int *table, volatile __global int *state,
      __global float *b0, __global float *b1, __global float *b2, __global float *b3, __global float
      *b4, __global float *b5, __global float *b6, __global float *b7, __global float *b8, __global
      float *b9, __global float *b10, __global float *b11, __global float *b12, __global float *b13,
      __global float *b14, __global float *b15, __global float *b16, __global float *b17, __global
      float *b18, __global float *b19, __global float *b20, __global float *b21, __global float
      *b22, __global float *b23, __global float *b24, __global float *b25, __global float *b26,
      __global float *b27, __global float *b28, __global float *b29, __global float *b30, __global
      float *b31) {
        __global float *const buffer[BUFFERS] = {b0, b1, b2, b3, b4, b5, b6, b7, b8, b9, b10, b11,
                                             b12, b13, b14, b15, b16, b17, b18, b19, b20, b21, b22,
                                             b23, b24, b25, b26, b27, b28, b29, b30, b31};
    run_steps(steps, groups, table + first * STEP_SIZE, state, buffer);
    mem_fence(CLK_GLOBAL_MEM_FENCE);
    int lines = steps * (groups + 1);
    volatile __global int *left = state + lines * LINE;
    if (atomic_add(left, 1) == groups - 1)
        for (int i = 0; i <= lines; i++)
            state[i * LINE] = 0;
}
