/* core/yaml_node.h - how a YAML document is held in memory. */
#ifndef NAS_CORE_YAML_NODE_H
#define NAS_CORE_YAML_NODE_H

#include <nas/core.h>

enum { YAML_MAX_DEPTH = 64, YAML_MAX_KEY = 128, YAML_MAX_BYTES = 4 << 20 };

typedef struct yaml_place {
    const char *origin; /* what errors call the text: owned by the document */
    int line, column;   /* from 1; line 0: a value given as an option, which has no lines */
} yaml_place;

typedef struct yaml_entry {
    char *key; /* NULL in a sequence */
    yaml_place key_place;
    nas_yaml_node *node;
} yaml_entry;

struct nas_yaml_node {
    nas_yaml_kind kind;
    bool quoted; /* a scalar in quotes is a string even if it looks like a number */
    yaml_place place;
    char *text;          /* SCALAR */
    yaml_entry *entries; /* SEQ, MAP: n of them */
    size_t n, cap;
};

struct nas_yaml {
    nas_yaml_node *root;
    char **origins;
    size_t n_origins, cap_origins;
};

nas_status yaml_fail_at(const yaml_place *place, const char *fmt, ...) NAS_PRINTF(2, 3);

/* Parses a text into one node (never NULL on success: empty text is an empty scalar). */
nas_status yaml_parse(nas_yaml_node **out, const char *text, size_t n, const char *origin,
                      bool option);

nas_yaml_node *yaml_node_new(nas_yaml_kind kind, yaml_place place);
void yaml_node_free(nas_yaml_node *n);
/* Takes the node, and a copy of key (NULL in a sequence), in the parent; on failure frees the node.
 */
nas_status yaml_node_put(nas_yaml_node *parent, const char *key, yaml_place key_place,
                         nas_yaml_node *node);
bool yaml_node_is_empty(const nas_yaml_node *n); /* "key:" without a value */

#endif
