/* core/yaml_print.c - a YAML node in the one form that clnas writes. */
#include "yaml_node.h"

#include <string.h>

enum { LINE_WIDTH = 100 };

#define LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define DIGITS  "0123456789"

/* ---- scalars ---- */

static bool is_word(const char *s, const char *const *words, size_t n) {
    for (size_t i = 0; i < n; i++)
        if (strcmp(s, words[i]) == 0)
            return true;
    return false;
}

/* A text that some YAML reader would take for a number, a truth value or nothing. */
static bool looks_typed(const char *s) {
    static const char *const words[] = {"true", "True", "TRUE", "false", "False", "FALSE", "null",
                                        "Null", "NULL", "yes",  "Yes",   "YES",   "no",    "No",
                                        "NO",   "on",   "On",   "ON",    "off",   "Off",   "OFF"};
    return strchr(DIGITS "+-.", s[0]) != NULL || is_word(s, words, sizeof words / sizeof *words);
}

/* Plain in block and flow context alike: narrower than what YAML allows, and easy to see. */
static bool is_plain(const char *s) {
    static const char first[] = LETTERS DIGITS "_./+(",
                      other[] = LETTERS DIGITS "_-./+*()^<>=@%~$; ";
    size_t n = strlen(s);
    if (n == 0 || s[n - 1] == ' ' || s[strspn(s, other)] != '\0')
        return false;
    bool negative = n > 1 && s[0] == '-' && strchr(DIGITS ".", s[1]) != NULL;
    if (strchr(first, s[0]) == NULL && !negative)
        return false;
    return strncmp(s, "...", 3) != 0; /* which ends a document */
}

static bool must_escape(uint32_t c) {
    return c < 0x20 || (c >= 0x7F && c <= 0xA0) || c == 0x2028 || c == 0x2029 || c == 0xFEFF ||
           c == 0xFFFE || c == 0xFFFF;
}

static void print_quoted(nas_text *out, const char *s) {
    nas_text_add(out, "\"");
    while (*s != '\0') {
        uint32_t code = 0xFFFD;
        int n = nas_utf8_next(&code, s);
        if (code == '"' || code == '\\')
            nas_text_add(out, "\\%c", (char)code);
        else if (code == '\n')
            nas_text_add(out, "\\n");
        else if (code == '\t')
            nas_text_add(out, "\\t");
        else if (n == 0 || must_escape(code))
            nas_text_add(out, "\\u%04X", (unsigned)code);
        else
            nas_text_bytes(out, s, (size_t)n);
        s += n > 0 ? n : 1;
    }
    nas_text_add(out, "\"");
}

static void print_scalar(nas_text *out, const char *s, bool quoted) {
    if (is_plain(s) && !(quoted && looks_typed(s)))
        nas_text_add(out, "%s", s);
    else
        print_quoted(out, s);
}

/* ---- containers ---- */

static bool is_container(const nas_yaml_node *n) {
    return n->kind != NAS_YAML_SCALAR;
}

static bool has_containers(const nas_yaml_node *n) {
    for (size_t i = 0; i < n->n; i++)
        if (is_container(n->entries[i].node))
            return true;
    return false;
}

/* Sequences of maps are lists of blocks: they read best one a line, so they are never flow. */
static bool holds_block_list(const nas_yaml_node *n) {
    if (n->kind == NAS_YAML_SEQ && has_containers(n))
        return true;
    for (size_t i = 0; i < n->n; i++)
        if (holds_block_list(n->entries[i].node))
            return true;
    return false;
}

static void print_flow(nas_text *out, const nas_yaml_node *n) {
    if (!is_container(n)) {
        print_scalar(out, n->text, n->quoted);
        return;
    }
    bool map = n->kind == NAS_YAML_MAP;
    nas_text_add(out, map ? "{" : "[");
    for (size_t i = 0; i < n->n; i++) {
        nas_text_add(out, i > 0 ? ", " : "");
        if (map) {
            print_scalar(out, n->entries[i].key, true);
            nas_text_add(out, ": ");
        }
        print_flow(out, n->entries[i].node);
    }
    nas_text_add(out, map ? "}" : "]");
}

static bool prints_on_one_line(const nas_yaml_node *n, size_t column) {
    if (n->n == 0 || (n->kind == NAS_YAML_SEQ && !has_containers(n)))
        return true;
    if (holds_block_list(n))
        return false;
    nas_text line = {0};
    print_flow(&line, n);
    bool fits = !line.failed && column + line.n <= LINE_WIDTH;
    nas_text_free(&line);
    return fits;
}

static void print_block(nas_text *out, const nas_yaml_node *n, int indent);

/* What stands behind "key:" or "-", from the blank on to the newline. */
static void print_value(nas_text *out, const nas_yaml_node *n, int indent, size_t column) {
    if (!is_container(n) || prints_on_one_line(n, column)) {
        nas_text_add(out, " ");
        print_flow(out, n);
        nas_text_add(out, "\n");
        return;
    }
    nas_text_add(out, "\n");
    print_block(out, n, indent + 2);
}

static void print_pair(nas_text *out, const yaml_entry *e, int indent) {
    size_t begin = out->n;
    print_scalar(out, e->key, true);
    nas_text_add(out, ":");
    print_value(out, e->node, indent, (size_t)indent + out->n - begin + 1);
}

/* "- conv: {…}": a map that holds more than scalars starts on the dash's own line. */
static void print_item(nas_text *out, const nas_yaml_node *n, int indent) {
    if (n->kind != NAS_YAML_MAP || !has_containers(n)) {
        nas_text_add(out, "-");
        print_value(out, n, indent, (size_t)indent + 2);
        return;
    }
    for (size_t i = 0; i < n->n; i++) {
        if (i == 0)
            nas_text_add(out, "- ");
        else
            nas_text_add(out, "%*s", indent + 2, "");
        print_pair(out, &n->entries[i], indent + 2);
    }
}

static void print_block(nas_text *out, const nas_yaml_node *n, int indent) {
    for (size_t i = 0; i < n->n; i++) {
        nas_text_add(out, "%*s", indent, "");
        if (n->kind == NAS_YAML_MAP)
            print_pair(out, &n->entries[i], indent);
        else
            print_item(out, n->entries[i].node, indent);
    }
}

void nas_yaml_print(nas_text *out, const nas_yaml_node *n) {
    if (!is_container(n) || n->n == 0) {
        print_flow(out, n);
        nas_text_add(out, "\n");
        return;
    }
    print_block(out, n, 0);
}
