/* core/number.c - numbers to text and back with a point, whatever the program's locale is. */
#include "number.h"

#include <nas/core.h>

#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The C locale always exists, so a failure can only leave the current one in place. */
static locale_t enter_c_locale(locale_t *made) {
    *made = newlocale(LC_NUMERIC_MASK, "C", (locale_t)0);
    return *made != (locale_t)0 ? uselocale(*made) : (locale_t)0;
}

static void leave_c_locale(locale_t made, locale_t before) {
    if (made == (locale_t)0)
        return;
    uselocale(before);
    freelocale(made);
}

bool nas_number_read(double *out, const char *s) {
    if (*s == '\0' || s[strspn(s, "0123456789+-.eE")] != '\0')
        return false;
    locale_t made, before = enter_c_locale(&made);
    char *end;
    double v = strtod(s, &end);
    leave_c_locale(made, before);
    if (end == s || *end != '\0')
        return false;
    *out = v;
    return true;
}

const char *number_write(char buf[NUMBER_BYTES], double v, bool single) {
    locale_t made, before = enter_c_locale(&made);
    for (int digits = 1; digits <= 17; digits++) {
        snprintf(buf, NUMBER_BYTES, "%.*g", digits, v);
        double back = strtod(buf, NULL);
        if (back == v || (single && (float)back == (float)v))
            break;
    }
    leave_c_locale(made, before);
    return buf;
}
