/* search/store_json.c - the JSON of attributes: whether it is JSON, and what a string holds. */
#include "store.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* A reader that only checks. `p` is NULL after the first fault. */
typedef struct checker {
    const char *p;
    int depth;
} checker;
enum { MAX_DEPTH = 64 };

static void check_value(checker *c);

static void skip_space(checker *c) {
    if (c->p != NULL)
        c->p += strspn(c->p, " \t\r\n");
}

static bool take(checker *c, const char *word) {
    size_t n = strlen(word);
    skip_space(c);
    if (c->p == NULL || strncmp(c->p, word, n) != 0)
        return false;
    c->p += n;
    return true;
}

static const char hex[] = "0123456789abcdefABCDEF";

static void check_string(checker *c) {
    const char *p = c->p;
    while (*p != '"') {
        if ((unsigned char)*p < 0x20) {
            c->p = NULL;
            return;
        }
        if (*p++ != '\\')
            continue;
        bool code = *p == 'u';
        if (*p == 0 || strchr("\"\\/bfnrtu", *p) == NULL || (code && strspn(p + 1, hex) < 4)) {
            c->p = NULL;
            return;
        }
        p += code ? 5 : 1;
    }
    c->p = p + 1;
}

static const char *skip_digits(const char *p) {
    return p != NULL && *p >= '0' && *p <= '9' ? p + strspn(p, "0123456789") : NULL;
}

static void check_number(checker *c) {
    const char *p = c->p + (*c->p == '-');
    const char *whole = p;
    p = skip_digits(p);
    if (p != NULL && *whole == '0' && p > whole + 1)
        p = NULL;
    if (p != NULL && *p == '.')
        p = skip_digits(p + 1);
    if (p != NULL && (*p == 'e' || *p == 'E'))
        p = skip_digits(p + 1 + (p[1] == '-' || p[1] == '+'));
    c->p = p;
}

/* What stands between brackets; keys: each value has one. */
static void check_items(checker *c, const char *close, bool keys) {
    if (++c->depth > MAX_DEPTH)
        c->p = NULL;
    if (!take(c, close)) {
        do {
            if (keys && take(c, "\""))
                check_string(c);
            else if (keys)
                c->p = NULL;
            if (keys && !take(c, ":"))
                c->p = NULL;
            check_value(c);
        } while (take(c, ","));
        if (!take(c, close))
            c->p = NULL;
    }
    c->depth--;
}

static void check_value(checker *c) {
    if (take(c, "{"))
        check_items(c, "}", true);
    else if (take(c, "["))
        check_items(c, "]", false);
    else if (take(c, "\""))
        check_string(c);
    else if (!take(c, "true") && !take(c, "false") && !take(c, "null") && c->p != NULL)
        check_number(c);
}

bool json_is_valid(const char *json) {
    checker c = {.p = json};
    check_value(&c);
    skip_space(&c);
    return c.p != NULL && *c.p == 0;
}

/* A JSON text is YAML, so the reader that is there serves. */
static nas_status read_as_yaml(nas_yaml **doc, const char *json, const char *name) {
    nas_text t = {0};
    nas_status st;
    nas_text_add(&t, "v: %s\n", json);
    NAS_GO(nas_text_check(&t));
    NAS_GO(nas_yaml_read_text(doc, nas_text_str(&t), t.n, name));
done:
    nas_text_free(&t);
    return st;
}

nas_status json_strings(nas_text *out, uint32_t *n, const char *json, const char *name) {
    nas_yaml *doc = NULL;
    nas_status st;
    uint32_t count = 0;
    NAS_GO(read_as_yaml(&doc, json, name));
    const nas_yaml_node *v = nas_yaml_get(nas_yaml_root(doc), "v");
    bool list = nas_yaml_kind_of(v) == NAS_YAML_SEQ;
    for (size_t i = 0; i < (list ? nas_yaml_count(v) : 1); i++) {
        const char *s = nas_yaml_scalar(list ? nas_yaml_at(v, i) : v);
        if (s == NULL)
            NAS_GO(nas_fail(NAS_E_STORE, "%s: a text was expected in %.60s", name, json));
        nas_text_bytes(out, s, strlen(s) + 1);
        count++;
    }
    NAS_GO(nas_text_check(out));
    *n = count;
done:
    nas_yaml_free(doc);
    return st;
}

/* Python's json writes the endless ones as words. */
static bool read_number(double *out, const char *s, size_t n) {
    static const char infinity[] = "Infinity";
    char buf[40];
    if (n >= sizeof buf)
        return false;
    memcpy(buf, s, n);
    buf[n] = 0;
    bool minus = buf[0] == '-';
    if (strcmp(buf + minus, infinity) == 0) {
        *out = minus ? -INFINITY : INFINITY;
        return true;
    }
    return nas_number_read(out, buf);
}

int json_numbers(double *out, int most, const char *json) {
    int n = 0;
    const char *p = json + strspn(json, " ");
    if (*p++ != '[')
        return -1;
    p += strspn(p, " ");
    while (*p != ']') {
        size_t length = strcspn(p, " ,]");
        if (n == most || !read_number(&out[n], p, length))
            return -1;
        n++;
        p += length + strspn(p + length, " ");
        if (*p == ',')
            p += 1 + strspn(p + 1, " ");
        else if (*p != ']')
            return -1;
    }
    return n;
}
