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
        size_t at = n++;
        for (; at > 0 && strcmp(builtin.name[at - 1], builtin.text[n - 1]) > 0; at--)
            builtin.name[at] = builtin.name[at - 1];
        builtin.name[at] = builtin.text[n - 1];
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

/* ---- options behind a name: "xilinx-zc706:bits8:dataflow" ---- */

typedef struct option {
    const char *name;
    double bits;               /* 0: leaves them */
    const nas_hw_model *model; /* NULL: leaves it; else for devices that have its kind */
    bool eager;                /* for processors only; the others are for FPGAs and arrays */
} option;

static const option options[] = {{"bits4", 4, NULL, false},
                                 {"bits8", 8, NULL, false},
                                 {"bits16", 16, NULL, false},
                                 {"bits32", 32, NULL, false},
                                 {"loop-tiled", 0, &nas_hw_loop_tiled, false},
                                 {"dataflow", 0, &nas_hw_dataflow, false},
                                 {"eager", 0, NULL, true}};
enum { N_OPTIONS = sizeof options / sizeof *options };

static nas_status take_option(nas_hw *h, const char *name, size_t n) {
    const char *names[N_OPTIONS];
    char text[32];
    snprintf(text, sizeof text, "%.*s", (int)n, name);
    for (size_t i = 0; i < N_OPTIONS; i++) {
        const option *o = &options[i];
        names[i] = o->name;
        if (strcmp(text, o->name) != 0)
            continue;
        if ((h->model == &nas_hw_roofline) != o->eager ||
            (o->model && !strstr(o->model->kinds, h->info.kind)))
            return nas_fail(NAS_E_UNSUPPORTED, "%s: a %s takes no option '%s'", h->info.name,
                            h->info.kind, text);
        h->info.bits = o->bits > 0 ? o->bits : h->info.bits;
        h->model = o->model ? o->model : h->model;
        h->info.model = h->model->name;
        h->eager = h->eager || o->eager;
        h->model->complete(h);
        return NAS_OK;
    }
    const char *near = nas_nearest(text, names, N_OPTIONS);
    return nas_fail(NAS_E_NOT_FOUND, "%s: no option '%s'%s%s%s", h->info.name, text,
                    near ? "; did you mean '" : " (bits8, bits16, dataflow, eager ...)",
                    near ? near : "", near ? "'?" : "");
}

static nas_status take_options(nas_hw *h, const char *list) {
    if (!*list)
        return NAS_OK;
    size_t bytes = strlen(h->info.name) + strlen(list) + 1;
    for (const char *p = list; *p;) {
        size_t n = strcspn(++p, ":");
        NAS_TRY(take_option(h, p, n));
        p += n;
    }
    h->name = nas_malloc(bytes);
    if (!h->name)
        return nas_fail_memory(bytes);
    snprintf(h->name, bytes, "%s%s", h->info.name, list);
    h->info.name = h->name;
    return NAS_OK;
}

nas_status nas_hw_open(nas_hw **out, const char *name_or_path) {
    nas_status st = NAS_OK;
    nas_yaml *doc = NULL;
    nas_hw *h = nas_calloc(1, sizeof *h);
    if (!h)
        return nas_fail_memory(sizeof *h);
    const char *slash = strrchr(name_or_path, '/');
    const char *list = strchr(slash ? slash : name_or_path, ':');
    size_t n = list ? (size_t)(list - name_or_path) : strlen(name_or_path);
    h->file = nas_strdup(name_or_path);
    if (!h->file)
        NAS_GO(nas_fail_memory(strlen(name_or_path) + 1));
    h->file[n] = 0;
    bool path = slash || ends_in_suffix(h->file);
    NAS_GO(path ? nas_yaml_read_file(&doc, h->file) : read_builtin(&doc, h->file));
    NAS_GO(nas_hw_parse(h, doc, path ? h->file : "built in"));
    doc = NULL;
    NAS_GO(take_options(h, list ? list : ""));
    *out = h;
    h = NULL;
done:
    nas_yaml_free(doc);
    nas_hw_free(h);
    return st;
}

nas_status nas_hw_read(nas_hw **out, const char *yaml, size_t n, const char *name) {
    nas_status st = NAS_OK;
    nas_yaml *doc = NULL;
    nas_hw *h = nas_calloc(1, sizeof *h);
    if (!h)
        return nas_fail_memory(sizeof *h);
    h->file = nas_strdup(name);
    if (!h->file)
        NAS_GO(nas_fail_memory(strlen(name) + 1));
    NAS_GO(nas_yaml_read_text(&doc, yaml, n, h->file));
    NAS_GO(nas_hw_parse(h, doc, h->file));
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
    nas_free(h->name);
    nas_free(h->learnt);
    nas_residual_free(h->residual);
    nas_free(h);
}

const nas_hw_info *nas_hw_info_of(const nas_hw *h) {
    return &h->info;
}
