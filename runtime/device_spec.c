/* runtime/device_spec.c - reads and writes what names a device. */
#include "device_spec.h"

#include <stdlib.h>
#include <string.h>

typedef struct option_row {
    const char *key;
    size_t offset, cap;
    const char *values[4]; /* what it may be; none: anything */
} option_row;
#define FIELD(f) offsetof(device_spec, f), sizeof((device_spec *)0)->f
static const option_row options[] = {
    {"binary", FIELD(binary), {NULL}},
    {"as", FIELD(as), {"cpu", "gpu", "accelerator"}},
    {"hints", FIELD(hints), {"none", "intel", "xilinx"}},
};
#undef FIELD
enum { N_OPTIONS = sizeof options / sizeof options[0], PARTS_MAX = 4096 };

static nas_status fail_spec(const char *text, const char *why) {
    return nas_fail(NAS_E_ARG,
                    "device \"%s\": %s; it is NAME[.PART/PARTS][:binary=FILE][:as=cpu|gpu|"
                    "accelerator][:hints=none|intel|xilinx]",
                    text, why);
}

static nas_status read_option(device_spec *s, const char *text, const char *from, size_t n) {
    for (size_t i = 0; i < N_OPTIONS; i++) {
        const option_row *o = &options[i];
        size_t k = strlen(o->key);
        if (n <= k || strncmp(from, o->key, k) != 0 || from[k] != '=')
            continue;
        size_t len = n - k - 1;
        if (!len || len >= o->cap)
            return fail_spec(text, len ? "an option is too long" : "an option has no value");
        char *to = (char *)s + o->offset;
        memcpy(to, from + k + 1, len);
        to[len] = '\0';
        for (int v = 0; v < 4 && o->values[v]; v++)
            if (!strcmp(to, o->values[v]))
                return NAS_OK;
        return o->values[0] ? fail_spec(text, "no such value of an option") : NAS_OK;
    }
    return fail_spec(text, "no such option");
}

/* ".2/4" at the end of the name. */
static nas_status read_part(device_spec *s, const char *text) {
    char *dot = strrchr(s->name, '.'), *end = NULL;
    if (!dot || !strchr(dot, '/'))
        return NAS_OK;
    unsigned long part = strtoul(dot + 1, &end, 10);
    if (end == dot + 1 || *end != '/')
        return NAS_OK; /* a name with a dot and a slash in it */
    char *count = end + 1;
    unsigned long parts = strtoul(count, &end, 10);
    if (end == count || *end)
        return NAS_OK;
    if (!part || part > parts || parts > PARTS_MAX)
        return fail_spec(text, "parts count from 1 to how many there are");
    *dot = '\0';
    s->part = (uint32_t)part;
    s->parts = (uint32_t)parts;
    return NAS_OK;
}

/* The next ":word=" at or behind `at`, or the end: names of devices may have colons too. */
static const char *find_option(const char *at) {
    for (; *at; at++)
        if (*at == ':') {
            size_t n = strspn(at + 1, "abcdefghijklmnopqrstuvwxyz");
            if (n && at[n + 1] == '=')
                break;
        }
    return at;
}

nas_status device_spec_read(device_spec *out, const char *text) {
    device_spec s = {.part = 1, .parts = 1};
    size_t n = (size_t)(find_option(text) - text);
    if (n >= sizeof s.name)
        return fail_spec(text, "the name is too long");
    memcpy(s.name, text, n);
    for (const char *at = text + n, *next; *at; at = next) {
        next = find_option(at + 1);
        NAS_TRY(read_option(&s, text, at + 1, (size_t)(next - at - 1)));
    }
    NAS_TRY(read_part(&s, text));
    if (!s.name[0])
        (void)snprintf(s.name, sizeof s.name, "auto");
    *out = s;
    return NAS_OK;
}

nas_status device_spec_write(char *out, size_t cap, const device_spec *s) {
    int n = snprintf(out, cap, "%s", s->name);
    if (s->parts > 1 && n >= 0 && (size_t)n < cap)
        n += snprintf(out + n, cap - (size_t)n, ".%u/%u", (unsigned)s->part, (unsigned)s->parts);
    for (size_t i = 0; i < N_OPTIONS; i++) {
        const char *value = (const char *)s + options[i].offset;
        if (*value && n >= 0 && (size_t)n < cap)
            n += snprintf(out + n, cap - (size_t)n, ":%s=%s", options[i].key, value);
    }
    if (n < 0 || (size_t)n >= cap)
        return nas_fail(NAS_E_ARG, "device \"%s\": its name and options are too long", s->name);
    return NAS_OK;
}
