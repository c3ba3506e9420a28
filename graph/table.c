/* graph/table.c - the table of ops, made from ops.def, and the names of the activations. */
#include <nas/graph.h>

#include <assert.h>
#include <string.h>

#define NAS_OP(symbol, name) extern const nas_op_info nas_op_##name;
#include <nas/ops.def>
#undef NAS_OP

static const nas_op_info *const ops[NAS_OP_COUNT] = {
#define NAS_OP(symbol, name) [NAS_OP_##symbol] = &nas_op_##name,
#include <nas/ops.def>
#undef NAS_OP
};

const nas_op_info *nas_op_get(nas_op op) {
    assert((unsigned)op < NAS_OP_COUNT);
    return ops[op];
}

/* One list for printing (the first NAS_ACT_COUNT rows, in order) and for reading. */
typedef struct act_name {
    const char *name;
    nas_act act;
} act_name;

static const act_name act_names[] = {
#define NAS_ACT(symbol, name) {#name, NAS_ACT_##symbol},
#include <nas/act.def>
#undef NAS_ACT
    {"hardswish", NAS_ACT_HSWISH},
    {"silu", NAS_ACT_SWISH},
    {"hardsigmoid", NAS_ACT_HSIGMOID},
};
enum { N_ACT_NAMES = sizeof act_names / sizeof act_names[0] };

const char *nas_act_name(nas_act a) {
    assert((unsigned)a < NAS_ACT_COUNT);
    return act_names[a].name;
}

nas_status nas_act_from_name(nas_act *out, const char *name) {
    const char *known[N_ACT_NAMES];
    for (uint32_t i = 0; i < N_ACT_NAMES; i++) {
        if (strcmp(act_names[i].name, name) == 0) {
            *out = act_names[i].act;
            return NAS_OK;
        }
        known[i] = act_names[i].name;
    }
    const char *near = nas_nearest(name, known, N_ACT_NAMES);
    if (near)
        return nas_fail(NAS_E_ARG, "no activation \"%.40s\"; did you mean \"%s\"?", name, near);
    nas_text all = {0};
    for (uint32_t i = 0; i < N_ACT_NAMES; i++)
        nas_text_add(&all, "%s%s", i ? ", " : "", known[i]);
    nas_status st =
        nas_fail(NAS_E_ARG, "no activation \"%.40s\"; there are %s", name, nas_text_str(&all));
    nas_text_free(&all);
    return st;
}
