/* hwmodels/builtin.c - finds a device file by name or path and opens it. */
#include "device.h"

#include <core/embedded.h>
#include <string.h>

enum { MAX_DEVICES = 128, NAME_BYTES = 64 };

/* Names are file names without ".yaml": made once a thread, so that no lock is needed. */
static _Thread_local struct {
    const char *name[MAX_DEVICES + 1];
    char text[MAX_DEVICES][NAME_BYTES];
    bool made;
} builtin;

static const char suffix[] = ".yaml";

static bool ends_in_suffix(const char *s) {
    size_t n = strlen(s), m = sizeof suffix - 1;
    return n >= m && !strcmp(s + n - m, suffix);
}

const char *const *nas_hw_names(void) {
    size_t n = 0;
    for (const nas_embedded *e = nas_embedded_devices; !builtin.made && e->name; e++) {
        size_t bytes = strlen(e->name) - (sizeof suffix - 1);
        if (n == MAX_DEVICES || bytes >= NAME_BYTES)
            continue;
        memcpy(builtin.text[n], e->name, bytes);
        builtin.name[n] = builtin.text[n];
        n++;
    }
    builtin.made = true;
    return builtin.name;
}

static size_t count_names(const char *const *names) {
    size_t n = 0;
    while (names[n])
        n++;
    return n;
}

static nas_status read_builtin(nas_yaml **doc, const char *name) {
    const char *const *names = nas_hw_names();
    size_t n = strlen(name);
    for (const nas_embedded *e = nas_embedded_devices; e->name; e++)
        if (!strncmp(e->name, name, n) && !strcmp(e->name + n, suffix))
            return nas_yaml_read_text(doc, e->text, e->n, e->name);
    const char *near = nas_nearest(name, names, count_names(names));
    return nas_fail(NAS_E_NOT_FOUND, "no built-in hardware '%s'%s%s%s", name,
                    near ? "; did you mean '" : "", near ? near : "",
                    near ? "'?" : " (a file's path has a '/' or ends in .yaml)");
}

nas_status nas_hw_open(nas_hw **out, const char *name_or_path) {
    nas_status st = NAS_OK;
    nas_yaml *doc = NULL;
    nas_hw *h = nas_calloc(1, sizeof *h);
    if (!h)
        return nas_fail_memory(sizeof *h);
    if (strchr(name_or_path, '/') || ends_in_suffix(name_or_path)) {
        h->file = nas_strdup(name_or_path);
        if (!h->file)
            NAS_GO(nas_fail_memory(strlen(name_or_path) + 1));
        NAS_GO(nas_yaml_read_file(&doc, name_or_path));
    } else {
        NAS_GO(read_builtin(&doc, name_or_path));
    }
    NAS_GO(nas_hw_parse(h, doc, h->file ? h->file : "built in"));
    doc = NULL;
    *out = h;
    h = NULL;
done:
    nas_yaml_free(doc);
    nas_hw_free(h);
    return st;
}

void nas_hw_free(nas_hw *h) {
    if (!h)
        return;
    nas_yaml_free(h->doc);
    nas_free(h->file);
    nas_free(h);
}

const nas_hw_info *nas_hw_info_of(const nas_hw *h) {
    return &h->info;
}
