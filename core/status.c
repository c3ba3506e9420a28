/* core/status.c - status names and this thread's last failure. */
#include <nas/core.h>

#include <assert.h>
#include <string.h>

enum { TEXT_BYTES = 1024, WHERE_BYTES = 96 };

static _Thread_local char last_text[TEXT_BYTES];
static _Thread_local char last_where[WHERE_BYTES];

static const char *const status_text[NAS_STATUS_COUNT] = {
#define X(name, text) [NAS_##name] = text,
    NAS_STATUS_MAP(X)
#undef X
};

const char *nas_status_text(nas_status s) {
    return (unsigned)s < NAS_STATUS_COUNT ? status_text[s] : "unknown status";
}

const char *nas_error_text(void) {
    return last_text;
}

const char *nas_error_where(void) {
    return last_where;
}

/* A failure is one line, whatever a compiler's log or a user's file put into its values. */
static void keep_one_line(char *s) {
    for (char *p = s; *p != '\0'; p++)
        if ((unsigned char)*p < 0x20 || *p == 0x7f)
            *p = ' ';
}

/* A multi-byte character cut in two by the buffer's end is dropped whole. */
static void drop_cut_character(char *s) {
    size_t n = strlen(s);
    if (n < TEXT_BYTES - 1)
        return;
    size_t start = n;
    while (start > 0 && ((unsigned char)s[start - 1] & 0xC0) == 0x80)
        start--;
    if (start > 0 && ((unsigned char)s[start - 1] & 0x80) != 0)
        s[start - 1] = '\0';
}

/* The new text is made aside first: its arguments may point into the old one. */
NAS_PRINTF(1, 0) static void record(const char *fmt, va_list ap) {
    char fresh[TEXT_BYTES];
    vsnprintf(fresh, sizeof fresh, fmt, ap);
    drop_cut_character(fresh);
    keep_one_line(fresh);
    memcpy(last_text, fresh, sizeof fresh);
}

nas_status nas_fail_at(nas_status s, const char *file, int line, const char *fmt, ...) {
    assert(s != NAS_OK);
    va_list ap;
    va_start(ap, fmt);
    record(fmt, ap);
    va_end(ap);
    const char *slash = strrchr(file, '/');
    snprintf(last_where, sizeof last_where, "%s:%d", slash ? slash + 1 : file, line);
    return s;
}

nas_status nas_fail_prefix(nas_status s, const char *fmt, ...) {
    char old[TEXT_BYTES];
    memcpy(old, last_text, sizeof old);
    va_list ap;
    va_start(ap, fmt);
    record(fmt, ap);
    va_end(ap);
    size_t n = strlen(last_text), room = sizeof last_text - n;
    if (snprintf(last_text + n, room, ": %s", old) >= (int)room)
        drop_cut_character(last_text);
    return s;
}
