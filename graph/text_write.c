/* graph/text_write.c - the text form of a graph, written; text_read.c tells what it looks like. */
#include "graph_impl.h"
#include "text_impl.h"

#include <string.h>

static void put_int(nas_text *out, const void *at) {
    int32_t v;
    memcpy(&v, at, sizeof v);
    nas_text_add(out, "%d", v);
}

static void put_float(nas_text *out, const void *at) {
    float v;
    memcpy(&v, at, sizeof v);
    nas_text_float(out, v);
}

static void put_shape(nas_text *out, const void *at) {
    char buf[NAS_SHAPE_TEXT];
    nas_shape s;
    memcpy(&s, at, sizeof s);
    nas_text_add(out, "%s", nas_shape_text(buf, &s, 0));
}

static void put_act(nas_text *out, const void *at) {
    int32_t v;
    memcpy(&v, at, sizeof v);
    nas_text_add(out, "%s", nas_act_name((nas_act)v));
}

static const struct writer {
    size_t size;
    void (*put)(nas_text *out, const void *at);
} writers[] = {
    [NAS_FIELD_INT] = {sizeof(int32_t), put_int},
    [NAS_FIELD_FLOAT] = {sizeof(float), put_float},
    [NAS_FIELD_SHAPE] = {sizeof(nas_shape), put_shape},
    [NAS_FIELD_ACT] = {sizeof(int32_t), put_act},
};

/* Fields of zero bytes are left out: that is what the reader starts from. */
static bool all_zero(const char *p, size_t n) {
    while (n > 0 && p[n - 1] == 0)
        n--;
    return n == 0;
}

static void write_node(nas_text *out, const nas_graph *g, uint32_t id) {
    const graph_entry *e = &g->entry[id];
    const nas_op_info *info = nas_op_get(e->node.op);
    nas_text_add(out, "%%%u = %s", id, info->name);
    if (e->name)
        nas_text_add(out, " \"%s\"", e->name);
    for (uint32_t i = 0; i < e->node.n_in; i++)
        nas_text_add(out, " %%%u", e->node.in[i].id);
    for (uint32_t i = 0; i < info->n_fields; i++) {
        const nas_field *f = &info->fields[i];
        const struct writer *w = &writers[f->kind];
        const char *at = (const char *)&e->node.attr + f->offset;
        if (all_zero(at, w->size * f->count))
            continue;
        nas_text_add(out, " %s=", f->name);
        for (uint32_t k = 0; k < f->count; k++) {
            if (k)
                nas_text_add(out, ",");
            w->put(out, at + k * w->size);
        }
    }
    nas_text_add(out, " : ");
    put_shape(out, &e->node.shape);
    if (e->node.scope)
        nas_text_add(out, " @%u", e->node.scope);
    nas_text_add(out, "\n");
}

nas_status nas_graph_write(nas_text *out, const nas_graph *g) {
    nas_text_add(out, "%s\n", TEXT_HEADER);
    for (uint32_t i = 1; i < g->n_scopes; i++) {
        const nas_scope *s = &g->scope[i];
        nas_text_add(out, "@%u = @%u \"%s\" \"%s\" %u\n", i, s->parent, nas_graph_scope_part(g, i),
                     s->kind, s->repeat);
    }
    for (uint32_t id = 0; id < g->n; id++)
        write_node(out, g, id);
    if (nas_value_ok(g->output))
        nas_text_add(out, "output %%%u\n", g->output.id);
    return nas_text_check(out);
}
