/* graph/text_read.c - the text form of a graph, read from files that anyone may have written. */
/* clang-format off */
/*
 *     clnas-graph 1
 *     @1 = @0 "stem" "conv" 0                     scope = parent, name, kind, repeat
 *     %0 = input "x" shape=1x8x8x3 : 1x8x8x3      value = op, name, attributes : shape
 *     %2 = conv2d %0 %1 kernel=3,3 ... : 1x8x8x4 @1     inputs; behind the shape its scope
 *     output %2
 *
 * Numbers of scopes and values count up from 1 and 0. Lines that are empty or start with # are
 * skipped. Attributes that are left out are 0. The shape must be the one that the op infers.
 */
/* clang-format on */
#include "graph_impl.h"
#include "text_impl.h"

#include <errno.h>
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct reader {
    const char *name, *p, *end; /* p … end: what is left of the line */
    int line;
    nas_graph *g;
} reader;

/* A word of the line; not terminated. */
typedef struct token {
    const char *s;
    size_t n;
} token;

enum { MAX_WORD = 200 };

#define READ_FAIL(r, ...)                                                                          \
    nas_fail_prefix(nas_fail(NAS_E_PARSE, __VA_ARGS__), "%s:%d", (r)->name, (r)->line)

static void skip_blanks(reader *r) {
    while (r->p < r->end && (*r->p == ' ' || *r->p == '\t' || *r->p == '\r'))
        r->p++;
}

static bool at_end(reader *r) {
    skip_blanks(r);
    return r->p == r->end;
}

/* The next word up to a blank; empty at the end of the line. */
static token next_word(reader *r) {
    skip_blanks(r);
    token t = {r->p, 0};
    while (r->p < r->end && *r->p != ' ' && *r->p != '\t' && *r->p != '\r')
        r->p++;
    t.n = (size_t)(r->p - t.s);
    return t;
}

static bool word_is(token t, const char *s) {
    return t.n == strlen(s) && memcmp(t.s, s, t.n) == 0;
}

static nas_status expect(reader *r, const char *s) {
    token t = next_word(r);
    if (word_is(t, s))
        return NAS_OK;
    return READ_FAIL(r, "\"%s\" expected before \"%.*s\"", s, (int)(t.n < 40 ? t.n : 40), t.s);
}

/* Copies a word to a terminated buffer, for the C library's number readers. */
static nas_status word_text(char buf[MAX_WORD], reader *r, token t) {
    if (t.n == 0 || t.n >= MAX_WORD || memchr(t.s, 0, t.n))
        return READ_FAIL(r, "a word is missing, too long, or holds a zero byte");
    memcpy(buf, t.s, t.n);
    buf[t.n] = 0;
    return NAS_OK;
}

static nas_status parse_int(int64_t *out, reader *r, token t, int64_t min, int64_t max) {
    char buf[MAX_WORD] = "", *end = buf;
    NAS_TRY(word_text(buf, r, t));
    errno = 0;
    long long v = strtoll(buf, &end, 10);
    if (*end || end == buf || buf[0] == ' ' || buf[0] == '+' || errno || v < min || v > max)
        return READ_FAIL(r, "\"%.40s\" is not a whole number from %lld to %lld", buf,
                         (long long)min, (long long)max);
    *out = v;
    return NAS_OK;
}

/* "%12" or "@3": the sign, then a number below `limit`. */
static nas_status parse_ref(uint32_t *out, reader *r, token t, char sign, uint32_t limit) {
    int64_t v = 0;
    if (t.n < 2 || t.s[0] != sign || limit == 0)
        return READ_FAIL(r, "\"%.*s\" is not %c and the number of an earlier line",
                         (int)(t.n < 40 ? t.n : 40), t.s, sign);
    NAS_TRY(parse_int(&v, r, (token){t.s + 1, t.n - 1}, 0, (int64_t)limit - 1));
    *out = (uint32_t)v;
    return NAS_OK;
}

static nas_status parse_quoted(char buf[MAX_WORD], reader *r) {
    skip_blanks(r);
    const char *close =
        r->p < r->end && *r->p == '"' ? memchr(r->p + 1, '"', (size_t)(r->end - r->p - 1)) : NULL;
    if (!close)
        return READ_FAIL(r, "a name in double quotes expected");
    size_t n = (size_t)(close - r->p - 1);
    if (n >= MAX_WORD || memchr(r->p, 0, n + 1))
        return READ_FAIL(r, "the name is too long or holds a zero byte");
    memcpy(buf, r->p + 1, n);
    buf[n] = 0;
    r->p = close + 1;
    return NAS_OK;
}

/* ---- attributes ------------------------------------------------------------------------------ */

static nas_status get_int(void *at, reader *r, token t) {
    int64_t v = 0;
    NAS_TRY(parse_int(&v, r, t, INT32_MIN, INT32_MAX));
    memcpy(at, &(int32_t){(int32_t)v}, sizeof(int32_t));
    return NAS_OK;
}

static nas_status get_float(void *at, reader *r, token t) {
    char buf[MAX_WORD];
    double v;
    NAS_TRY(word_text(buf, r, t));
    if (!nas_number_read(&v, buf) || !(fabs(v) <= (double)FLT_MAX))
        return READ_FAIL(r, "\"%.40s\" is not a finite number", buf);
    memcpy(at, &(float){(float)v}, sizeof(float));
    return NAS_OK;
}

static nas_status get_shape(void *at, reader *r, token t) {
    nas_shape s;
    memset(&s, 0, sizeof s);
    const char *p = t.s, *end = t.s + t.n;
    while (!word_is(t, "scalar")) {
        const char *x = memchr(p, 'x', (size_t)(end - p));
        int64_t dim = 0;
        if (s.rank == NAS_MAX_RANK)
            return READ_FAIL(r, "a shape has more than %d dimensions", NAS_MAX_RANK);
        NAS_TRY(parse_int(&dim, r, (token){p, (size_t)((x ? x : end) - p)}, 1, INT32_MAX));
        s.dim[s.rank++] = (int32_t)dim;
        if (!x)
            break;
        p = x + 1;
    }
    memcpy(at, &s, sizeof s);
    return NAS_OK;
}

static nas_status get_act(void *at, reader *r, token t) {
    char buf[MAX_WORD];
    nas_act a;
    NAS_TRY(word_text(buf, r, t));
    nas_status st = nas_act_from_name(&a, buf);
    if (st != NAS_OK)
        return nas_fail_prefix(NAS_E_PARSE, "%s:%d", r->name, r->line);
    memcpy(at, &(int32_t){(int32_t)a}, sizeof(int32_t));
    return NAS_OK;
}

static const struct getter {
    size_t size;
    nas_status (*get)(void *at, reader *r, token t);
} getters[] = {
    [NAS_FIELD_INT] = {sizeof(int32_t), get_int},
    [NAS_FIELD_FLOAT] = {sizeof(float), get_float},
    [NAS_FIELD_SHAPE] = {sizeof(nas_shape), get_shape},
    [NAS_FIELD_ACT] = {sizeof(int32_t), get_act},
};

/* "kernel=3,3" */
static nas_status parse_field(nas_attr *a, reader *r, const nas_op_info *info, token t) {
    const char *equal = memchr(t.s, '=', t.n), *end = t.s + t.n;
    token key = {t.s, equal ? (size_t)(equal - t.s) : t.n};
    const nas_field *f = NULL;
    for (uint32_t i = 0; i < info->n_fields && !f; i++)
        f = word_is(key, info->fields[i].name) ? &info->fields[i] : NULL;
    if (!f || !equal)
        return READ_FAIL(r, "%s has no attribute \"%.*s\"", info->name,
                         (int)(key.n < 40 ? key.n : 40), key.s);
    const char *p = equal + 1;
    for (uint32_t k = 0; k < f->count; k++) {
        bool last = k + 1 == f->count;
        const char *stop = last ? end : memchr(p, ',', (size_t)(end - p));
        if (!stop)
            return READ_FAIL(r, "%s needs %u values", f->name, f->count);
        const struct getter *get = &getters[f->kind];
        NAS_TRY(get->get((char *)a + f->offset + k * get->size, r, (token){p, (size_t)(stop - p)}));
        p = last ? end : stop + 1;
    }
    return NAS_OK;
}

/* ---- lines ----------------------------------------------------------------------------------- */

static nas_status find_op(nas_op *out, reader *r, token t) {
    char buf[MAX_WORD];
    const char *known[NAS_OP_COUNT];
    for (int32_t i = 0; i < NAS_OP_COUNT; i++) {
        known[i] = nas_op_get((nas_op)i)->name;
        if (word_is(t, known[i])) {
            *out = (nas_op)i;
            return NAS_OK;
        }
    }
    NAS_TRY(word_text(buf, r, t));
    const char *near = nas_nearest(buf, known, NAS_OP_COUNT);
    if (near)
        return READ_FAIL(r, "no op \"%.40s\"; did you mean \"%s\"?", buf, near);
    return READ_FAIL(r, "no op \"%.40s\"", buf);
}

/* Inputs and attributes up to the colon. */
static nas_status parse_node(nas_node *n, reader *r, const nas_op_info *info) {
    for (;;) {
        token t = next_word(r);
        if (word_is(t, ":"))
            return NAS_OK;
        if (t.n == 0)
            return READ_FAIL(r, "the line ends before \": shape\"");
        if (t.s[0] != '%') {
            NAS_TRY(parse_field(&n->attr, r, info, t));
            continue;
        }
        if (n->n_in == NAS_MAX_IN)
            return READ_FAIL(r, "more than %d inputs", NAS_MAX_IN);
        NAS_TRY(parse_ref(&n->in[n->n_in].id, r, t, '%', r->g->n));
        n->n_in++;
    }
}

static nas_status read_node(reader *r, uint32_t id) {
    nas_node n;
    char name[MAX_WORD];
    memset(&n, 0, sizeof n);
    if (id != r->g->n)
        return READ_FAIL(r, "value %u where %u is next", id, r->g->n);
    NAS_TRY(find_op(&n.op, r, next_word(r)));
    const nas_op_info *info = nas_op_get(n.op);
    bool leaf = info->flags & NAS_OPF_LEAF;
    if (leaf)
        NAS_TRY(parse_quoted(name, r));
    NAS_TRY(parse_node(&n, r, info));
    NAS_TRY(get_shape(&n.shape, r, next_word(r)));
    if (!at_end(r))
        NAS_TRY(parse_ref(&n.scope, r, next_word(r), '@', r->g->n_scopes));
    if (leaf && n.n_in)
        return READ_FAIL(r, "%s has inputs", info->name);
    nas_value v;
    nas_graph_scope_enter(r->g, n.scope);
    nas_status st = leaf ? nas_graph_leaf(&v, r->g, n.op, name, &n.attr)
                         : nas_graph_add(&v, r->g, n.op, n.in, n.n_in, &n.attr);
    if (st != NAS_OK)
        return nas_fail_prefix(st == NAS_E_MEMORY ? st : NAS_E_PARSE, "%s:%d", r->name, r->line);
    char want[NAS_SHAPE_TEXT], have[NAS_SHAPE_TEXT];
    if (!nas_shape_equal(&n.shape, nas_graph_shape(r->g, v)))
        return READ_FAIL(r, "%s has shape %s, not %s", info->name,
                         nas_shape_text(have, nas_graph_shape(r->g, v), 0),
                         nas_shape_text(want, &n.shape, 0));
    return NAS_OK;
}

static nas_status read_scope(reader *r, uint32_t id) {
    uint32_t parent, made;
    int64_t repeat;
    char name[MAX_WORD], kind[MAX_WORD];
    NAS_TRY(parse_ref(&parent, r, next_word(r), '@', r->g->n_scopes));
    NAS_TRY(parse_quoted(name, r));
    NAS_TRY(parse_quoted(kind, r));
    NAS_TRY(parse_int(&repeat, r, next_word(r), 0, INT32_MAX));
    if (id != r->g->n_scopes)
        return READ_FAIL(r, "scope %u where %u is next", id, r->g->n_scopes);
    nas_status st = nas_graph_scope_make(&made, r->g, parent, name, kind, (uint32_t)repeat);
    if (st != NAS_OK)
        return nas_fail_prefix(st == NAS_E_MEMORY ? st : NAS_E_PARSE, "%s:%d", r->name, r->line);
    return made == id ? NAS_OK : READ_FAIL(r, "scope %u is scope %u again", id, made);
}

static nas_status read_line(reader *r) {
    token t = next_word(r);
    uint32_t id;
    if (t.n == 0 || t.s[0] == '#')
        return NAS_OK;
    if (word_is(t, "output")) {
        NAS_TRY(parse_ref(&r->g->output.id, r, next_word(r), '%', r->g->n));
        return at_end(r) ? NAS_OK : READ_FAIL(r, "more text behind the output");
    }
    bool scope = t.s[0] == '@';
    NAS_TRY(parse_ref(&id, r, t, scope ? '@' : '%', UINT32_MAX));
    NAS_TRY(expect(r, "="));
    NAS_TRY(scope ? read_scope(r, id) : read_node(r, id));
    return at_end(r) ? NAS_OK : READ_FAIL(r, "more text than the line needs");
}

nas_status nas_graph_read(nas_graph **out, const char *text, size_t n, const char *name) {
    reader r = {.name = name, .line = 0};
    const char *end = text + n;
    nas_status st = NAS_OK;
    NAS_GO(nas_graph_create(&r.g));
    for (const char *p = text; p < end || r.line == 0;) {
        const char *eol = p < end ? memchr(p, '\n', (size_t)(end - p)) : NULL;
        r.p = p;
        r.end = eol ? eol : end;
        r.line++;
        if (r.line > 1) {
            NAS_GO(read_line(&r));
        } else {
            NAS_GO(expect(&r, "clnas-graph"));
            NAS_GO(expect(&r, "1"));
        }
        p = eol ? eol + 1 : end;
    }
    nas_graph_scope_enter(r.g, 0);
    NAS_GO(nas_graph_verify(r.g));
    *out = r.g;
    r.g = NULL;
done:
    nas_graph_free(r.g);
    return st;
}
