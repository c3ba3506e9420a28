/* search/print.c - a network without choices as the text of a network file. */
#include <string.h>

#include "plan.h"

/* Options of a choice on one line. */
void print_flow_yaml(nas_text *t, const nas_yaml_node *n) {
    nas_yaml_kind kind = nas_yaml_kind_of(n);
    if (kind == NAS_YAML_SCALAR) {
        nas_text_add(t, "%s", nas_yaml_scalar(n));
        return;
    }
    nas_text_add(t, kind == NAS_YAML_MAP ? "{" : "[");
    for (size_t i = 0; i < nas_yaml_count(n); i++) {
        nas_text_add(t, "%s", i > 0 ? ", " : "");
        if (kind == NAS_YAML_MAP)
            nas_text_add(t, "%s: ", nas_yaml_key(n, i));
        print_flow_yaml(t, nas_yaml_at(n, i));
    }
    nas_text_add(t, kind == NAS_YAML_MAP ? "}" : "]");
}

/* ---- repeats ---- */

static bool has_key(const form *f, const char *key) {
    return f->key == NULL || key == NULL ? f->key == key : strcmp(f->key, key) == 0;
}

/* Equal but for strides, which later repeats do not have. */
static bool same(const form *a, const form *b) {
    uint32_t k = 0;
    if (a->kind != b->kind)
        return false;
    if (a->kind == FORM_SCALAR)
        return strcmp(a->text, b->text) == 0;
    for (uint32_t i = 0; i < a->n || k < b->n;) {
        if (i < a->n && has_key(a->kid[i], "stride")) {
            i++;
            continue;
        }
        if (k < b->n && has_key(b->kid[k], "stride")) {
            k++;
            continue;
        }
        if (i == a->n || k == b->n || !same(a->kid[i], b->kid[k]) ||
            !has_key(a->kid[i], b->kid[k]->key))
            return false;
        i++;
        k++;
    }
    return true;
}

/* Whether `repeat` and the first copy say all. */
static bool folds(const form *f) {
    if (f->copies == COPIES_NONE)
        return false;
    for (uint32_t i = 1; i < f->n; i++)
        if (!same(f->kid[0], f->kid[i]))
            return false;
    return true;
}

/* ---- text ---- */

static void print_form(nas_text *t, const form *f);

static void print_entry(nas_text *t, const form *f) {
    if (!folds(f)) {
        nas_text_add(t, "%s: ", f->key);
        print_form(t, f);
        return;
    }
    nas_text_add(t, "repeat: %u, %s: ", f->n, f->copies == COPIES_OF_BLOCK ? "block" : "blocks");
    print_form(t, f->kid[0]);
}

static void print_form(nas_text *t, const form *f) {
    if (f->kind == FORM_SCALAR) {
        nas_text_add(t, "%s", f->text);
        return;
    }
    if (f->kind == FORM_MAP && f->n == 1 && f->kid[0]->kind == FORM_MAP && f->kid[0]->n == 0) {
        nas_text_add(t, "%s", f->kid[0]->key); /* a block without arguments */
        return;
    }
    nas_text_add(t, f->kind == FORM_MAP ? "{" : "[");
    for (uint32_t i = 0; i < f->n; i++) {
        nas_text_add(t, "%s", i > 0 ? ", " : "");
        if (f->kind == FORM_MAP)
            print_entry(t, f->kid[i]);
        else
            print_form(t, f->kid[i]);
    }
    nas_text_add(t, f->kind == FORM_MAP ? "}" : "]");
}

/* Printed flow first, then read and printed by core, so that there is one form of YAML. */
nas_status print_network(nas_text *out, const nas_space *s, const form *net, const int32_t hwc[3]) {
    nas_status st = NAS_OK;
    nas_yaml *doc = NULL;
    nas_text t = {0};
    nas_text_add(&t, "{name: ");
    nas_text_json(&t, s->name);
    nas_text_add(&t, ", input: [%d, %d, %d], classes: %d, net: ", hwc[0], hwc[1], hwc[2],
                 s->classes);
    print_form(&t, net);
    nas_text_add(&t, "}");
    NAS_GO(nas_text_check(&t));
    NAS_GO(nas_yaml_read_text(&doc, nas_text_str(&t), t.n, s->name));
    nas_yaml_print(out, nas_yaml_root(doc));
    NAS_GO(nas_text_check(out));
done:
    nas_yaml_free(doc);
    nas_text_free(&t);
    return st;
}
