/* tests/support/comma_locale.h - a locale that writes 0,5 for a half, as programs that use the
 * library may have set. */
#ifndef TESTS_SUPPORT_COMMA_LOCALE_H
#define TESTS_SUPPORT_COMMA_LOCALE_H

#include <locale.h>
#include <stdbool.h>
#include <stdio.h>

/* False, after saying why, where no such locale is installed. Ends with setlocale(LC_ALL, "C"). */
static inline bool comma_locale(void) {
    static const char *const names[] = {"de_DE.UTF-8", "de_DE.utf8", "fr_FR.UTF-8", "fr_FR.utf8",
                                        "de_DE"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (setlocale(LC_ALL, names[i]) != NULL && localeconv()->decimal_point[0] == ',')
            return true;
    setlocale(LC_ALL, "C");
    printf("skipped: no locale with a decimal comma (tried de_DE and fr_FR)\n");
    return false;
}

#endif
