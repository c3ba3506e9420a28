/* search/measure.c - the quantities that a study can name as objective or constraint. */
#include <nas/search.h>

#include <ctype.h>
#include <string.h>

typedef struct quantity {
    const char *name, *unit;
    bool needs_training;
    bool here, modelled; /* may stand alone; may have @DEVICE */
} quantity;

static const quantity quantities[] = {
    {"error", "", true, true, false},    {"loss", "", true, true, false},
    {"params", "", false, true, false},  {"macs", "", false, true, false},
    {"memory", "B", false, true, true},  {"latency", "s", false, true, true},
    {"energy", "J", false, false, true}, {"dsp", "", false, false, true},
    {"bram18", "", false, false, true},  {"lut", "", false, false, true},
};
enum { N_QUANTITIES = sizeof quantities / sizeof *quantities };

static const quantity *find_quantity(const char *name) {
    for (size_t i = 0; i < N_QUANTITIES; i++)
        if (strcmp(quantities[i].name, name) == 0)
            return &quantities[i];
    return NULL;
}

static nas_status unknown(const char *name) {
    const char *known[N_QUANTITIES];
    for (size_t i = 0; i < N_QUANTITIES; i++)
        known[i] = quantities[i].name;
    const char *near = nas_nearest(name, known, N_QUANTITIES);
    if (near != NULL)
        return nas_fail(NAS_E_PARSE, "'%s' cannot be measured; did you mean '%s'?", name, near);
    return nas_fail(NAS_E_PARSE,
                    "'%s' cannot be measured; known are error, loss, params, macs, "
                    "memory, latency, and latency@, energy@ and memory@DEVICE",
                    name);
}

static bool is_device_name(const char *s) {
    for (const char *p = s; *p; p++)
        if (isspace((unsigned char)*p) || iscntrl((unsigned char)*p) || *p == '@')
            return false;
    return *s != 0;
}

nas_status nas_measure_parse(nas_measure *out, const char *text) {
    const char *at = strchr(text, '@');
    size_t n = at ? (size_t)(at - text) : strlen(text);
    nas_measure m = {.device = ""};
    if (strlen(text) >= sizeof m.name)
        return nas_fail(NAS_E_PARSE, "'%.20s...' is too long for a measure: at most %zu bytes",
                        text, sizeof m.name - 1);
    memcpy(m.name, text, n);
    const quantity *q = find_quantity(m.name);
    if (q == NULL)
        return unknown(m.name);
    if (at != NULL && !q->modelled)
        return nas_fail(NAS_E_PARSE, "'%s': %s does not depend on a device", text, q->name);
    if (at != NULL && !is_device_name(at + 1))
        return nas_fail(NAS_E_PARSE, "'%s': behind '@' the name of one device is expected", text);
    if (at == NULL && !q->here)
        return nas_fail(NAS_E_PARSE, "'%s' can only be modelled: write %s@DEVICE", text, q->name);
    memcpy(m.name, text, strlen(text) + 1);
    memcpy(m.quantity, q->name, strlen(q->name) + 1);
    if (at != NULL)
        memcpy(m.device, at + 1, strlen(at + 1) + 1);
    m.needs_training = q->needs_training;
    m.unit = q->unit;
    *out = m;
    return NAS_OK;
}

static bool is_known_untrained(const char *name) {
    static const char *const first[] = {"latency", "energy", "memory", "params", "macs", "flops"};
    for (size_t i = 0; i < sizeof first / sizeof *first; i++)
        if (strncmp(name, first[i], strlen(first[i])) == 0)
            return true;
    return false;
}

nas_status nas_measure_column(nas_measure *out, const char *name, const char *expression) {
    nas_measure m = {.quantity = "column", .unit = "", .needs_training = !is_known_untrained(name)};
    if (strlen(name) >= sizeof m.name || strlen(expression) >= sizeof m.expression)
        return nas_fail(NAS_E_PARSE,
                        "'%.40s...' is too long: at most %zu bytes for a name, %zu for "
                        "an expression",
                        name, sizeof m.name - 1, sizeof m.expression - 1);
    memcpy(m.name, name, strlen(name) + 1);
    memcpy(m.expression, expression, strlen(expression) + 1);
    *out = m;
    return NAS_OK;
}
