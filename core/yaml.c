/* core/yaml.c - YAML documents: opening, looking up, typed values, setting. */
#include "yaml_node.h"

#include <assert.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "number.h"

/* ---- nodes ---- */

nas_yaml_node *yaml_node_new(nas_yaml_kind kind, yaml_place place) {
    nas_yaml_node *n = nas_calloc(1, sizeof *n);
    if (n != NULL) {
        n->kind = kind;
        n->place = place;
    }
    return n;
}

void yaml_node_free(nas_yaml_node *n) {
    if (n == NULL)
        return;
    for (size_t i = 0; i < n->n; i++) {
        nas_free(n->entries[i].key);
        yaml_node_free(n->entries[i].node);
    }
    nas_free(n->entries);
    nas_free(n->text);
    nas_free(n);
}

nas_status yaml_node_put(nas_yaml_node *parent, const char *key, yaml_place key_place,
                         nas_yaml_node *node) {
    nas_status st = NAS_OK;
    char *copy = NULL;
    NAS_GO(nas_grow(&parent->entries, &parent->cap, parent->n + 1, sizeof *parent->entries));
    if (key != NULL && (copy = nas_strdup(key)) == NULL)
        NAS_GO(nas_fail_memory(strlen(key) + 1));
    parent->entries[parent->n++] = (yaml_entry){copy, key_place, node};
done:
    if (st != NAS_OK)
        yaml_node_free(node);
    return st;
}

bool yaml_node_is_empty(const nas_yaml_node *n) {
    return n->kind == NAS_YAML_SCALAR && !n->quoted && n->text[0] == '\0';
}

/* ---- documents ---- */

/* The document keeps the names of its texts for as long as nodes point to them. */
static nas_status keep_origin(const char **out, nas_yaml *doc, const char *name) {
    NAS_TRY(nas_grow(&doc->origins, &doc->cap_origins, doc->n_origins + 1, sizeof *doc->origins));
    char *copy = nas_strdup(name);
    if (copy == NULL)
        return nas_fail_memory(strlen(name) + 1);
    doc->origins[doc->n_origins++] = copy;
    *out = copy;
    return NAS_OK;
}

/* An empty value stands for an empty map wherever a map is wanted. */
static void become_map(nas_yaml_node *n) {
    nas_free(n->text);
    n->text = NULL;
    n->kind = NAS_YAML_MAP;
}

nas_status nas_yaml_read_text(nas_yaml **out, const char *text, size_t n, const char *name) {
    nas_status st = NAS_OK;
    const char *origin = NULL;
    nas_yaml *doc = nas_calloc(1, sizeof *doc);
    if (doc == NULL)
        return nas_fail_memory(sizeof *doc);
    NAS_GO(keep_origin(&origin, doc, name));
    NAS_GO(yaml_parse(&doc->root, text, n, origin, false));
    if (yaml_node_is_empty(doc->root))
        become_map(doc->root);
    if (doc->root->kind != NAS_YAML_MAP)
        NAS_GO(nas_yaml_fail(doc->root, "expected \"key: value\" lines"));
    *out = doc;
    doc = NULL;
done:
    nas_yaml_free(doc);
    return st;
}

nas_status nas_yaml_read_file(nas_yaml **out, const char *path) {
    char *text;
    size_t n;
    NAS_TRY(nas_file_read(&text, &n, path, YAML_MAX_BYTES));
    nas_status st = nas_yaml_read_text(out, text, n, path);
    nas_free(text);
    return st;
}

void nas_yaml_free(nas_yaml *doc) {
    if (doc == NULL)
        return;
    yaml_node_free(doc->root);
    for (size_t i = 0; i < doc->n_origins; i++)
        nas_free(doc->origins[i]);
    nas_free(doc->origins);
    nas_free(doc);
}

/* ---- looking up ---- */

const nas_yaml_node *nas_yaml_root(const nas_yaml *doc) {
    return doc->root;
}

nas_yaml_kind nas_yaml_kind_of(const nas_yaml_node *n) {
    return n->kind;
}

size_t nas_yaml_count(const nas_yaml_node *n) {
    return n->n;
}

const nas_yaml_node *nas_yaml_at(const nas_yaml_node *n, size_t i) {
    assert(i < n->n);
    return n->entries[i].node;
}

const char *nas_yaml_key(const nas_yaml_node *map, size_t i) {
    assert(map->kind == NAS_YAML_MAP && i < map->n);
    return map->entries[i].key;
}

static yaml_entry *find_entry(const nas_yaml_node *map, const char *key, size_t length) {
    for (size_t i = 0; map->kind == NAS_YAML_MAP && i < map->n; i++) {
        const char *k = map->entries[i].key;
        if (strncmp(k, key, length) == 0 && k[length] == '\0')
            return &map->entries[i];
    }
    return NULL;
}

const nas_yaml_node *nas_yaml_get(const nas_yaml_node *map, const char *key) {
    const yaml_entry *e = find_entry(map, key, strlen(key));
    return e != NULL ? e->node : NULL;
}

const char *nas_yaml_scalar(const nas_yaml_node *n) {
    return n->kind == NAS_YAML_SCALAR ? n->text : NULL;
}

int nas_yaml_line(const nas_yaml_node *n) {
    return n->place.line > 0 ? n->place.line : 1;
}

/* ---- failures ---- */

static nas_status fail_with(const yaml_place *place, const char *message) {
    if (place->line == 0)
        return nas_fail(NAS_E_PARSE, "%s: %s", place->origin, message);
    return nas_fail(NAS_E_PARSE, "%s:%d:%d: %s", place->origin, place->line, place->column,
                    message);
}

nas_status yaml_fail_at(const yaml_place *place, const char *fmt, ...) {
    char message[512];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(message, sizeof message, fmt, ap);
    va_end(ap);
    return fail_with(place, message);
}

nas_status nas_yaml_fail(const nas_yaml_node *n, const char *fmt, ...) {
    char message[512];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(message, sizeof message, fmt, ap);
    va_end(ap);
    return fail_with(&n->place, message);
}

enum { FOUND_BYTES = 64 };

/* What stands at a node, for "expected this, found that". */
static const char *found(char buf[FOUND_BYTES], const nas_yaml_node *n) {
    static const char *const container[] = {
        [NAS_YAML_SEQ] = "a sequence", [NAS_YAML_MAP] = "a map"};
    if (n->kind != NAS_YAML_SCALAR)
        return container[n->kind];
    if (yaml_node_is_empty(n))
        return "nothing";
    size_t length = strlen(n->text);
    snprintf(buf, FOUND_BYTES, n->quoted ? "the text \"%.40s%s\"" : "'%.40s%s'", n->text,
             length > 40 ? "..." : "");
    return buf;
}

/* ---- typed values ---- */

nas_status nas_yaml_int(int64_t *out, const nas_yaml_node *n, int64_t min, int64_t max) {
    char buf[FOUND_BYTES], *end = NULL;
    int64_t v = 0;
    errno = 0;
    bool digits = n->kind == NAS_YAML_SCALAR && !n->quoted && n->text[0] != '\0' &&
                  n->text[strspn(n->text, "0123456789+-")] == '\0';
    if (digits)
        v = strtoll(n->text, &end, 10);
    bool whole = digits && end != n->text && *end == '\0';
    if (whole && errno == 0 && v >= min && v <= max) {
        *out = v;
        return NAS_OK;
    }
    if (min == INT64_MIN || max == INT64_MAX) {
        if (min == INT64_MIN && max == INT64_MAX)
            return nas_yaml_fail(n, "expected a whole number, found %s", found(buf, n));
        return nas_yaml_fail(n, "expected a whole number of at %s %lld, found %s",
                             min == INT64_MIN ? "most" : "least",
                             (long long)(min == INT64_MIN ? max : min), found(buf, n));
    }
    return nas_yaml_fail(n, "expected a whole number from %lld to %lld, found %s", (long long)min,
                         (long long)max, found(buf, n));
}

nas_status nas_yaml_double(double *out, const nas_yaml_node *n, double min, double max) {
    char buf[FOUND_BYTES];
    double v;
    if (n->kind == NAS_YAML_SCALAR && !n->quoted && nas_number_read(&v, n->text) && isfinite(v) &&
        v >= min && v <= max) {
        *out = v;
        return NAS_OK;
    }
    bool low = min > -1e300, high = max < 1e300;
    if (low && high)
        return nas_yaml_fail(n, "expected a number from %g to %g, found %s", min, max,
                             found(buf, n));
    if (low || high)
        return nas_yaml_fail(n, "expected a number of at %s %g, found %s", low ? "least" : "most",
                             low ? min : max, found(buf, n));
    return nas_yaml_fail(n, "expected a number, found %s", found(buf, n));
}

nas_status nas_yaml_bool(bool *out, const nas_yaml_node *n) {
    static const struct {
        const char *word;
        bool value;
    } words[] = {{"true", true},   {"True", true},   {"TRUE", true},
                 {"false", false}, {"False", false}, {"FALSE", false}};
    char buf[FOUND_BYTES];
    for (size_t i = 0; n->kind == NAS_YAML_SCALAR && !n->quoted && i < 6; i++) {
        if (strcmp(n->text, words[i].word) == 0) {
            *out = words[i].value;
            return NAS_OK;
        }
    }
    return nas_yaml_fail(n, "expected true or false, found %s", found(buf, n));
}

nas_status nas_yaml_string(const char **out, const nas_yaml_node *n) {
    char buf[FOUND_BYTES];
    if (n->kind != NAS_YAML_SCALAR)
        return nas_yaml_fail(n, "expected a text, found %s", found(buf, n));
    *out = n->text;
    return NAS_OK;
}

static nas_status fail_unknown(const yaml_entry *e, const char *const *known, size_t n) {
    const char *near = nas_nearest(e->key, known, n);
    if (near != NULL)
        return yaml_fail_at(&e->key_place, "unknown key '%s'; did you mean '%s'?", e->key, near);
    nas_text list = {0};
    for (size_t i = 0; i < n; i++)
        nas_text_add(&list, "%s%s", i > 0 ? ", " : "", known[i]);
    nas_status st =
        yaml_fail_at(&e->key_place, "unknown key '%s'; known: %s", e->key, nas_text_str(&list));
    nas_text_free(&list);
    return st;
}

nas_status nas_yaml_only(const nas_yaml_node *map, const char *const *known, size_t n) {
    char buf[FOUND_BYTES];
    if (map->kind != NAS_YAML_MAP && !yaml_node_is_empty(map))
        return nas_yaml_fail(map, "expected a map, found %s", found(buf, map));
    for (size_t i = 0; i < map->n; i++) {
        size_t k = 0;
        while (k < n && strcmp(map->entries[i].key, known[k]) != 0)
            k++;
        if (k == n)
            return fail_unknown(&map->entries[i], known, n);
    }
    return NAS_OK;
}

/* ---- setting ---- */

/* Wraps value, which it takes, into the maps that the rest of the path asks for ("b.c" -> {b: {c:
 * …}}) and puts it into map under the path's first key. */
static nas_status put_below(nas_yaml_node *map, const char *path, yaml_place place,
                            nas_yaml_node *value) {
    char key[YAML_MAX_KEY + 1];
    size_t length = strcspn(path, ".");
    memcpy(key, path, length);
    key[length] = '\0';
    if (path[length] == '\0')
        return yaml_node_put(map, key, place, value);
    nas_yaml_node *inner = yaml_node_new(NAS_YAML_MAP, place);
    if (inner == NULL) {
        yaml_node_free(value);
        return nas_fail_memory(sizeof *inner);
    }
    nas_status st = put_below(inner, path + length + 1, place, value);
    if (st != NAS_OK) {
        yaml_node_free(inner);
        return st;
    }
    return yaml_node_put(map, key, place, inner);
}

static nas_status check_path(const char *path, const char *origin) {
    int depth = 0;
    for (const char *p = path;; depth++) {
        size_t length = strcspn(p, ".");
        if (length == 0 || length > YAML_MAX_KEY || depth >= YAML_MAX_DEPTH)
            return nas_fail(NAS_E_PARSE, "%s: '%s' is no path of keys (like train.epochs)", origin,
                            path);
        if (p[length] == '\0')
            return NAS_OK;
        p += length + 1;
    }
}

/* Takes value, also when it fails. */
static nas_status set_value(nas_yaml *doc, const char *path, nas_yaml_node *value) {
    nas_yaml_node *at = doc->root;
    yaml_place place = value->place;
    for (const char *p = path;;) {
        size_t length = strcspn(p, ".");
        yaml_entry *e = find_entry(at, p, length);
        if (e == NULL)
            return put_below(at, p, place, value);
        if (p[length] == '\0') {
            yaml_node_free(e->node);
            e->node = value;
            return NAS_OK;
        }
        if (yaml_node_is_empty(e->node))
            become_map(e->node);
        if (e->node->kind != NAS_YAML_MAP) {
            yaml_node_free(value);
            return yaml_fail_at(&place, "'%.*s' is no map in %s", (int)(p + length - path), path,
                                e->node->place.origin);
        }
        at = e->node;
        p += length + 1;
    }
}

nas_status nas_yaml_set(nas_yaml *doc, const char *path, const char *value, const char *origin) {
    nas_yaml_node *node = NULL;
    const char *kept = NULL;
    NAS_TRY(check_path(path, origin));
    NAS_TRY(keep_origin(&kept, doc, origin));
    NAS_TRY(yaml_parse(&node, value, strlen(value), kept, true));
    return set_value(doc, path, node);
}
