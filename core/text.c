/* core/text.c - strings that grow, and JSON's way to write strings and numbers. */
#include <nas/core.h>

#include <math.h>
#include <string.h>

#include "number.h"

/* Room for `more` bytes and the NUL behind them. */
static bool make_room(nas_text *t, size_t more) {
    if (t->failed || more > SIZE_MAX / 2 - t->n ||
        nas_grow(&t->s, &t->cap, t->n + more + 1, 1) != NAS_OK)
        t->failed = true;
    return !t->failed;
}

void nas_text_bytes(nas_text *t, const void *p, size_t n) {
    if (n == 0 || !make_room(t, n))
        return;
    memcpy(t->s + t->n, p, n);
    t->n += n;
    t->s[t->n] = '\0';
}

void nas_text_add(nas_text *t, const char *fmt, ...) {
    va_list ap;
    va_start(ap, fmt);
    int n = vsnprintf(NULL, 0, fmt, ap);
    va_end(ap);
    if (n < 0)
        t->failed = true;
    if (n <= 0 || !make_room(t, (size_t)n))
        return;
    va_start(ap, fmt);
    vsnprintf(t->s + t->n, (size_t)n + 1, fmt, ap);
    va_end(ap);
    t->n += (size_t)n;
}

void nas_text_json(nas_text *t, const char *s) {
    static const char short_escape[128] = {['"'] = '"',  ['\\'] = '\\', ['\n'] = 'n', ['\r'] = 'r',
                                           ['\t'] = 't', ['\b'] = 'b',  ['\f'] = 'f'};
    nas_text_bytes(t, "\"", 1);
    while (*s != '\0') {
        uint32_t code;
        int n = nas_utf8_next(&code, s);
        if (n == 0) /* a stray byte: JSON is UTF-8 throughout */
            nas_text_add(t, "\\ufffd");
        else if (code < 128 && short_escape[code] != 0)
            nas_text_add(t, "\\%c", short_escape[code]);
        else if (code < 0x20)
            nas_text_add(t, "\\u%04x", (unsigned)code);
        else
            nas_text_bytes(t, s, (size_t)n);
        s += n > 0 ? n : 1;
    }
    nas_text_bytes(t, "\"", 1);
}

void nas_text_json_number(nas_text *t, double v) {
    if (fabs(v) < 1e15 && v == floor(v)) /* as a whole number: 414000, where %g has 4.14e+05 */
        nas_text_add(t, "%.0f", v);
    else
        nas_text_shortest(t, v);
}

void nas_text_shortest(nas_text *t, double v) {
    char buf[NUMBER_BYTES];
    const char *s = isfinite(v) ? number_write(buf, v, false) : "null";
    nas_text_bytes(t, s, strlen(s));
}

void nas_text_float(nas_text *t, float v) {
    char buf[NUMBER_BYTES];
    const char *s = isfinite(v) ? number_write(buf, (double)v, true) : "null";
    nas_text_bytes(t, s, strlen(s));
}

const char *nas_text_str(const nas_text *t) {
    return t->s != NULL ? t->s : "";
}

nas_status nas_text_check(const nas_text *t) {
    return t->failed ? nas_fail_memory(t->n + 1) : NAS_OK;
}

void nas_text_free(nas_text *t) {
    nas_free(t->s);
    *t = (nas_text){0};
}
