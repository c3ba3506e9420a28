/* tests/support/cases.h - the one table of op cases: gradients, costs and devices are checked on
 * it.
 *
 * A case is one op with attributes and input shapes. Its graph has a leaf for each input ("in0", …)
 * and the op; with the gradient asked for, a leaf "dy" and what the op's vjp appends as well, so
 * that every gradient op is run at every size that its op is run at:
 *
 *     op_case_run r = {0};
 *     op_case_build(&r, &op_cases[i], true);   graph, in, y; dy and dx where there is a gradient
 *     op_case_fill(&r, seed);                  storage for every value; leaves filled from the seed
 *     nas_graph_run_ref(r.graph, r.values);    the truth, in double
 *     … r.values[id][element] …
 *     op_case_close(&r);
 *
 * Leaf values are whole floats, so a device gets the same numbers that the reference gets. They
 * stay away from kinks and ties where the op has such. To add a case, add a row to case_table.c.
 */
#ifndef NAS_TESTS_CASES_H
#define NAS_TESTS_CASES_H

#include <nas/graph.h>

enum { OP_CASE_MAX_IN = 5 };

typedef enum op_fill {
    FILL_ABSENT,
    FILL_NORMAL, /* mean 0, variance 1 */
    FILL_GRID,   /* all different, spread over -7 … 7, off the kinks of act.def */
    FILL_LARGE,  /* mean 100, variance 1: what a one-pass variance gets wrong */
    FILL_LABELS, /* class numbers of the logits in input 0; no gradient */
    FILL_IDS,    /* row numbers of the table in input 0; no gradient */
    FILL_SEED,   /* a whole number below 2^24; no gradient */
    FILL_STATS,  /* [2,C]: means, then variances of 0.5 … 1.5; no gradient */
    FILL_STATE,  /* a STATE leaf with statistics */
} op_fill;

enum {
    CASE_BIG = 1,       /* for devices: too big for central differences of every element */
    CASE_OWN_STATS = 2, /* a last input is appended: BATCH_STATS of input 0 */
    CASE_NO_GRAD = 4,   /* these attributes have no gradient: vjp fails with E_GRAPH */
};

typedef struct op_case {
    const char *name; /* "conv2d/3x3_same" */
    nas_op op;
    uint32_t flags;
    struct {
        op_fill fill;
        nas_shape shape;
    } in[OP_CASE_MAX_IN]; /* up to the first FILL_ABSENT */
    nas_attr attr;
} op_case;

extern const op_case op_cases[];
extern const uint32_t op_case_count;

typedef struct op_case_run {
    const op_case *c;
    nas_graph *graph;
    uint32_t n_in; /* leaves: without the statistics of CASE_OWN_STATS */
    nas_value in[OP_CASE_MAX_IN];
    nas_value y;
    nas_value dy;                 /* NAS_NO_VALUE without a gradient */
    nas_value dx[OP_CASE_MAX_IN]; /* NAS_NO_VALUE where the input has none */
    double **values;              /* by id; NULL before op_case_fill */
} op_case_run;

/* Has the case a gradient at all? */
bool op_case_has_grad(const op_case *c);
/* Has input i of the case a gradient? */
bool op_case_input_has_grad(const op_case *c, uint32_t i);
nas_status op_case_build(op_case_run *out, const op_case *c, bool gradient) NAS_MUST_USE;
/* May be called again with another seed. */
nas_status op_case_fill(op_case_run *r, uint64_t seed) NAS_MUST_USE;
void op_case_close(op_case_run *r);

#endif
