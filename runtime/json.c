/* runtime/json.c - a strict JSON reader that is safe on any bytes. */
#include "json.h"

#include <string.h>

enum { MAX_DEPTH = 16, MAX_NODES = 1 << 20 };

struct nas_json {
    nas_json_node *node;
    size_t n, cap;
    char *pool; /* decoded texts, each with its NUL */
};

typedef struct parser {
    nas_json *doc;
    const char *s, *name;
    size_t n, at, pool_used;
} parser;

static nas_status bad(const parser *p, const char *what) {
    return nas_fail(NAS_E_DATA, "%s: JSON at byte %zu: %s", p->name, p->at, what);
}

static int peek(const parser *p) {
    return p->at < p->n ? (unsigned char)p->s[p->at] : -1;
}

static void skip_space(parser *p) {
    while (p->at < p->n && (p->s[p->at] == ' ' || p->s[p->at] == '\t' || p->s[p->at] == '\n' ||
                            p->s[p->at] == '\r'))
        p->at++;
}

static nas_status expect(parser *p, int c, const char *what) {
    skip_space(p);
    if (peek(p) != c)
        return bad(p, what);
    p->at++;
    return NAS_OK;
}

/* The pool is two bytes longer than the text: a decoded token with its NUL is never longer than the
 * token with its quotes or its delimiter. */
static void put(parser *p, char c) {
    p->doc->pool[p->pool_used++] = c;
}

static bool hex4(parser *p, uint32_t *out) {
    uint32_t v = 0;
    if (p->n - p->at < 4)
        return false;
    for (int i = 0; i < 4; i++) {
        char c = p->s[p->at++];
        uint32_t digit;
        if (c >= '0' && c <= '9')
            digit = (uint32_t)(c - '0');
        else if (c >= 'a' && c <= 'f')
            digit = (uint32_t)(c - 'a') + 10;
        else if (c >= 'A' && c <= 'F')
            digit = (uint32_t)(c - 'A') + 10;
        else
            return false;
        v = v * 16 + digit;
    }
    *out = v;
    return true;
}

static void put_utf8(parser *p, uint32_t u) {
    if (u < 0x80) {
        put(p, (char)u);
    } else if (u < 0x800) {
        put(p, (char)(0xc0 | u >> 6));
        put(p, (char)(0x80 | (u & 63)));
    } else if (u < 0x10000) {
        put(p, (char)(0xe0 | u >> 12));
        put(p, (char)(0x80 | (u >> 6 & 63)));
        put(p, (char)(0x80 | (u & 63)));
    } else {
        put(p, (char)(0xf0 | u >> 18));
        put(p, (char)(0x80 | (u >> 12 & 63)));
        put(p, (char)(0x80 | (u >> 6 & 63)));
        put(p, (char)(0x80 | (u & 63)));
    }
}

/* Behind "\u": a code point, which takes two of them above U+FFFF. */
static nas_status read_unicode(parser *p) {
    uint32_t u, low;
    if (!hex4(p, &u) || u == 0 || (u >= 0xdc00 && u < 0xe000))
        return bad(p, "wrong \\u escape");
    if (u >= 0xd800 && u < 0xdc00) {
        if (p->n - p->at < 6 || p->s[p->at] != '\\' || p->s[p->at + 1] != 'u')
            return bad(p, "half a surrogate pair");
        p->at += 2;
        if (!hex4(p, &low) || low < 0xdc00 || low >= 0xe000)
            return bad(p, "half a surrogate pair");
        u = 0x10000 + ((u - 0xd800) << 10) + (low - 0xdc00);
    }
    put_utf8(p, u);
    return NAS_OK;
}

static nas_status read_string(parser *p, const char **out) {
    static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
    NAS_TRY(expect(p, '"', "a string is missing"));
    const char *start = p->doc->pool + p->pool_used;
    for (;;) {
        int c = peek(p);
        if (c < 0x20)
            return bad(p, c < 0 ? "string without end" : "control character in a string");
        p->at++;
        if (c == '"')
            break;
        if (c != '\\') {
            put(p, (char)c);
            continue;
        }
        int e = peek(p);
        const char *hit = e > 0 ? strchr(from, e) : NULL;
        if (e < 0 || (hit == NULL && e != 'u'))
            return bad(p, "wrong escape");
        p->at++;
        if (hit != NULL)
            put(p, to[hit - from]);
        else
            NAS_TRY(read_unicode(p));
    }
    put(p, '\0');
    *out = start;
    return NAS_OK;
}

static size_t digits(parser *p) {
    size_t from = p->at;
    while (p->at < p->n && p->s[p->at] >= '0' && p->s[p->at] <= '9')
        p->at++;
    return p->at - from;
}

static nas_status read_number(parser *p) {
    if (peek(p) == '-')
        p->at++;
    bool zero = peek(p) == '0';
    size_t whole = digits(p);
    if (whole == 0 || (zero && whole > 1))
        return bad(p, "wrong number");
    if (peek(p) == '.') {
        p->at++;
        if (digits(p) == 0)
            return bad(p, "wrong number");
    }
    if (peek(p) == 'e' || peek(p) == 'E') {
        p->at++;
        if (peek(p) == '+' || peek(p) == '-')
            p->at++;
        if (digits(p) == 0)
            return bad(p, "wrong number");
    }
    return NAS_OK;
}

static nas_status read_scalar(parser *p, nas_json_kind *kind, const char **text) {
    static const struct {
        const char *word;
        nas_json_kind kind;
    } words[] = {{"true", NAS_JSON_BOOL}, {"false", NAS_JSON_BOOL}, {"null", NAS_JSON_NULL}};
    size_t from = p->at;
    *kind = NAS_JSON_NUMBER;
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        size_t n = strlen(words[i].word);
        if (p->n - p->at >= n && memcmp(p->s + p->at, words[i].word, n) == 0) {
            *kind = words[i].kind;
            p->at += n;
        }
    }
    if (*kind == NAS_JSON_NUMBER)
        NAS_TRY(read_number(p));
    *text = p->doc->pool + p->pool_used;
    for (size_t i = from; i < p->at; i++)
        put(p, p->s[i]);
    put(p, '\0');
    return NAS_OK;
}

static nas_status read_value(parser *p, const char *key, int depth, uint32_t *out);

static nas_status read_container(parser *p, uint32_t id, int depth) {
    bool object = p->s[p->at] == '{';
    int close = object ? '}' : ']';
    uint32_t last = 0;
    if (depth >= MAX_DEPTH)
        return bad(p, "nested too deep");
    p->at++;
    skip_space(p);
    if (peek(p) == close) {
        p->at++;
        return NAS_OK;
    }
    for (;;) {
        const char *key = NULL;
        uint32_t child = 0;
        if (object) {
            NAS_TRY(read_string(p, &key));
            NAS_TRY(expect(p, ':', "':' is missing"));
        }
        NAS_TRY(read_value(p, key, depth + 1, &child));
        nas_json_node *node = p->doc->node;
        *(last == 0 ? &node[id].child : &node[last].next) = child;
        node[id].count++;
        last = child;
        skip_space(p);
        if (peek(p) == close) {
            p->at++;
            return NAS_OK;
        }
        NAS_TRY(expect(p, ',', "',' is missing"));
    }
}

static nas_status read_value(parser *p, const char *key, int depth, uint32_t *out) {
    nas_json *doc = p->doc;
    skip_space(p);
    if (doc->n >= MAX_NODES)
        return bad(p, "too many values");
    NAS_TRY(nas_grow(&doc->node, &doc->cap, doc->n + 1, sizeof *doc->node));
    uint32_t id = (uint32_t)doc->n++;
    nas_json_node node = {.key = key, .text = ""};
    int c = peek(p);
    if (c == '{' || c == '[') {
        node.kind = c == '{' ? NAS_JSON_OBJECT : NAS_JSON_ARRAY;
        doc->node[id] = node;
        *out = id;
        return read_container(p, id, depth);
    }
    if (c == '"') {
        node.kind = NAS_JSON_STRING;
        NAS_TRY(read_string(p, &node.text));
    } else {
        NAS_TRY(read_scalar(p, &node.kind, &node.text));
    }
    doc->node[id] = node;
    *out = id;
    return NAS_OK;
}

nas_status nas_json_read(nas_json **out, const char *text, size_t n, const char *name) {
    nas_status st = NAS_OK;
    uint32_t root;
    nas_json *doc = nas_calloc(1, sizeof *doc);
    if (doc == NULL)
        return nas_fail_memory(sizeof *doc);
    doc->pool = nas_malloc(n + 2);
    if (doc->pool == NULL)
        NAS_GO(nas_fail_memory(n + 2));
    parser p = {.doc = doc, .s = text, .name = name, .n = n};
    NAS_GO(read_value(&p, NULL, 0, &root));
    skip_space(&p);
    if (p.at != n)
        NAS_GO(bad(&p, "something behind the value"));
    *out = doc;
    doc = NULL;
done:
    nas_json_free(doc);
    return st;
}

void nas_json_free(nas_json *j) {
    if (j == NULL)
        return;
    nas_free(j->node);
    nas_free(j->pool);
    nas_free(j);
}

const nas_json_node *nas_json_root(const nas_json *j) {
    return &j->node[0];
}

const nas_json_node *nas_json_first(const nas_json *j, const nas_json_node *parent) {
    return parent->child == 0 ? NULL : &j->node[parent->child];
}

const nas_json_node *nas_json_next(const nas_json *j, const nas_json_node *n) {
    return n->next == 0 ? NULL : &j->node[n->next];
}

const nas_json_node *nas_json_get(const nas_json *j, const nas_json_node *object, const char *key) {
    if (object->kind != NAS_JSON_OBJECT)
        return NULL;
    const nas_json_node *n = nas_json_first(j, object);
    while (n != NULL && strcmp(n->key, key) != 0)
        n = nas_json_next(j, n);
    return n;
}

bool nas_json_whole(const nas_json_node *n, uint64_t max, uint64_t *out) {
    uint64_t v = 0;
    if (n == NULL || n->kind != NAS_JSON_NUMBER)
        return false;
    for (const char *s = n->text; *s != '\0'; s++) {
        if (*s < '0' || *s > '9')
            return false;
        uint64_t digit = (uint64_t)(*s - '0');
        if (v > (max - digit) / 10 || digit > max)
            return false;
        v = v * 10 + digit;
    }
    *out = v;
    return true;
}
