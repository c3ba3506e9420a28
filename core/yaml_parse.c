/* core/yaml_parse.c - libyaml's events to nodes, refusing what makes YAML dangerous or ambiguous.
 */
#include "yaml_node.h"

#include <stdlib.h>
#include <string.h>
#include <yaml.h>

typedef struct reader {
    yaml_parser_t parser;
    yaml_event_t event;
    bool has_event;
    const char *text, *origin;
    size_t n;
    bool option;
} reader;

static yaml_place place_of(const reader *r, yaml_mark_t mark) {
    if (r->option)
        return (yaml_place){.origin = r->origin};
    return (yaml_place){r->origin, (int)mark.line + 1, (int)mark.column + 1};
}

static void drop_event(reader *r) {
    if (r->has_event)
        yaml_event_delete(&r->event);
    r->has_event = false;
}

static bool is_tab(const reader *r, yaml_mark_t mark) {
    size_t at = 0;
    for (size_t line = 0; line < mark.line && at < r->n; at++)
        line += r->text[at] == '\n';
    return at + mark.column < r->n && r->text[at + mark.column] == '\t';
}

/* libyaml reports bad bytes by their offset and everything else by a mark. */
static nas_status fail_parser(const reader *r) {
    const yaml_parser_t *p = &r->parser;
    if (p->error == YAML_MEMORY_ERROR)
        return nas_fail_memory(r->n);
    yaml_mark_t mark = p->problem_mark;
    if (p->error == YAML_READER_ERROR) {
        size_t end = p->problem_offset < r->n ? p->problem_offset : r->n;
        mark = (yaml_mark_t){0};
        for (size_t i = 0; i < end; i++) {
            mark.column = r->text[i] == '\n' ? 0 : mark.column + 1;
            mark.line += r->text[i] == '\n';
        }
    }
    yaml_place place = place_of(r, mark);
    if (p->error == YAML_SCANNER_ERROR && is_tab(r, mark))
        return yaml_fail_at(&place, "a tab; indent with spaces");
    const char *problem = p->problem != NULL ? p->problem : "cannot be read";
    if (p->context != NULL)
        return yaml_fail_at(&place, "%s %s", problem, p->context);
    return yaml_fail_at(&place, "%s", problem);
}

static nas_status next_event(reader *r) {
    drop_event(r);
    if (!yaml_parser_parse(&r->parser, &r->event))
        return fail_parser(r);
    r->has_event = true;
    return NAS_OK;
}

static nas_status refuse(const reader *r, const char *what) {
    yaml_place place = place_of(r, r->event.start_mark);
    return yaml_fail_at(&place, "%s are not supported", what);
}

static nas_status check_plain(const reader *r, const yaml_char_t *anchor, const yaml_char_t *tag) {
    if (anchor != NULL)
        return refuse(r, "anchors (&name)");
    return tag != NULL ? refuse(r, "tags (!type)") : NAS_OK;
}

static nas_status read_node(nas_yaml_node **out, reader *r, int depth);

static nas_status read_scalar(nas_yaml_node **out, reader *r) {
    yaml_place place = place_of(r, r->event.start_mark);
    NAS_TRY(check_plain(r, r->event.data.scalar.anchor, r->event.data.scalar.tag));
    const char *text = (const char *)r->event.data.scalar.value;
    if (strlen(text) != r->event.data.scalar.length)
        return yaml_fail_at(&place, "text with a NUL character inside");
    nas_yaml_node *node = yaml_node_new(NAS_YAML_SCALAR, place);
    if (node == NULL)
        return nas_fail_memory(sizeof *node);
    node->quoted = r->event.data.scalar.style != YAML_PLAIN_SCALAR_STYLE;
    node->text = nas_strdup(text);
    if (node->text == NULL) {
        yaml_node_free(node);
        return nas_fail_memory(strlen(text) + 1);
    }
    *out = node;
    return NAS_OK;
}

static nas_status read_items(nas_yaml_node *node, reader *r, int depth) {
    for (;;) {
        NAS_TRY(next_event(r));
        if (r->event.type == YAML_SEQUENCE_END_EVENT)
            return NAS_OK;
        nas_yaml_node *item;
        NAS_TRY(read_node(&item, r, depth + 1));
        NAS_TRY(yaml_node_put(node, NULL, item->place, item));
    }
}

static int compare_keys(const void *a, const void *b) {
    const yaml_entry *const *x = a, *const *y = b;
    int c = strcmp((*x)->key, (*y)->key);
    return c != 0 ? c : (*x > *y) - (*x < *y);
}

/* By sorting, since comparing all pairs would let a file of many keys cost minutes. */
static nas_status refuse_duplicates(const nas_yaml_node *map) {
    if (map->n < 2)
        return NAS_OK;
    const yaml_entry **sorted = nas_malloc(map->n * sizeof *sorted);
    if (sorted == NULL)
        return nas_fail_memory(map->n * sizeof *sorted);
    for (size_t i = 0; i < map->n; i++)
        sorted[i] = &map->entries[i];
    qsort(sorted, map->n, sizeof *sorted, compare_keys);
    const yaml_entry *second = NULL; /* the earliest in the text */
    for (size_t i = 1; i < map->n; i++)
        if (strcmp(sorted[i - 1]->key, sorted[i]->key) == 0 &&
            (second == NULL || sorted[i] < second))
            second = sorted[i];
    nas_free(sorted);
    return second == NULL
               ? NAS_OK
               : yaml_fail_at(&second->key_place, "key '%s' is given twice", second->key);
}

static nas_status read_pairs(nas_yaml_node *map, reader *r, int depth) {
    for (;;) {
        NAS_TRY(next_event(r));
        if (r->event.type == YAML_MAPPING_END_EVENT)
            return refuse_duplicates(map);
        yaml_place place = place_of(r, r->event.start_mark);
        if (r->event.type == YAML_ALIAS_EVENT)
            return refuse(r, "aliases (*name)");
        if (r->event.type != YAML_SCALAR_EVENT)
            return yaml_fail_at(&place, "a key must be a word, not a sequence or a map");
        nas_yaml_node *key, *value;
        NAS_TRY(read_scalar(&key, r));
        nas_status st = NAS_OK;
        if (strlen(key->text) > YAML_MAX_KEY)
            NAS_GO(yaml_fail_at(&place, "a key of %zu bytes: at most %d", strlen(key->text),
                                YAML_MAX_KEY));
        NAS_GO(next_event(r));
        NAS_GO(read_node(&value, r, depth + 1));
        NAS_GO(yaml_node_put(map, key->text, place, value));
    done:
        yaml_node_free(key);
        NAS_TRY(st);
    }
}

static nas_status read_container(nas_yaml_node **out, reader *r, int depth) {
    bool map = r->event.type == YAML_MAPPING_START_EVENT;
    yaml_place place = place_of(r, r->event.start_mark);
    if (map)
        NAS_TRY(
            check_plain(r, r->event.data.mapping_start.anchor, r->event.data.mapping_start.tag));
    else
        NAS_TRY(
            check_plain(r, r->event.data.sequence_start.anchor, r->event.data.sequence_start.tag));
    if (depth > YAML_MAX_DEPTH)
        return yaml_fail_at(&place, "nested more than %d deep", YAML_MAX_DEPTH);
    nas_yaml_node *node = yaml_node_new(map ? NAS_YAML_MAP : NAS_YAML_SEQ, place);
    if (node == NULL)
        return nas_fail_memory(sizeof *node);
    nas_status st = map ? read_pairs(node, r, depth) : read_items(node, r, depth);
    if (st == NAS_OK)
        *out = node;
    else
        yaml_node_free(node);
    return st;
}

static nas_status read_node(nas_yaml_node **out, reader *r, int depth) {
    if (r->event.type == YAML_ALIAS_EVENT)
        return refuse(r, "aliases (*name)");
    return r->event.type == YAML_SCALAR_EVENT ? read_scalar(out, r) : read_container(out, r, depth);
}

/* Exactly one document, or none at all. */
static nas_status read_document(nas_yaml_node **out, reader *r) {
    NAS_TRY(next_event(r)); /* stream start */
    NAS_TRY(next_event(r));
    if (r->event.type == YAML_STREAM_END_EVENT) {
        *out = yaml_node_new(NAS_YAML_SCALAR, place_of(r, r->event.start_mark));
        if (*out == NULL || ((*out)->text = nas_strdup("")) == NULL)
            return nas_fail_memory(sizeof **out);
        return NAS_OK;
    }
    NAS_TRY(next_event(r));
    NAS_TRY(read_node(out, r, 1));
    NAS_TRY(next_event(r)); /* document end */
    NAS_TRY(next_event(r));
    if (r->event.type == YAML_STREAM_END_EVENT)
        return NAS_OK;
    yaml_place place = place_of(r, r->event.start_mark);
    return yaml_fail_at(&place, "a second document in one text");
}

nas_status yaml_parse(nas_yaml_node **out, const char *text, size_t n, const char *origin,
                      bool option) {
    reader r = {.text = text, .n = n, .origin = origin, .option = option};
    if (n > YAML_MAX_BYTES)
        return nas_fail(NAS_E_PARSE, "%s: %zu bytes, more than the %d that are read", origin, n,
                        (int)YAML_MAX_BYTES);
    if (!yaml_parser_initialize(&r.parser))
        return nas_fail_memory(sizeof r.parser);
    /* Encodings other than UTF-8 would make offsets and texts mean something else. */
    yaml_parser_set_encoding(&r.parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&r.parser, (const unsigned char *)text, n);
    nas_yaml_node *root = NULL;
    nas_status st = read_document(&root, &r);
    drop_event(&r);
    yaml_parser_delete(&r.parser);
    if (st == NAS_OK)
        *out = root;
    else
        yaml_node_free(root);
    return st;
}
