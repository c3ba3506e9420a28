/* core/nearest.c - the known name that a misspelt one was meant to be. */
#include <nas/core.h>

#include <ctype.h>
#include <string.h>

enum { LONGEST = 63 }; /* names beyond it are no slips of the finger */

static size_t min3(size_t a, size_t b, size_t c) {
    size_t m = a < b ? a : b;
    return m < c ? m : c;
}

static bool same(char a, char b) {
    return tolower((unsigned char)a) == tolower((unsigned char)b);
}

/* Insertions, deletions, changes and swaps of neighbours (Damerau 1964), letters of either case. */
static size_t edit_distance(const char *a, size_t na, const char *b, size_t nb) {
    size_t row[3][LONGEST + 1]; /* rows i-2, i-1, i in turn */
    for (size_t j = 0; j <= nb; j++)
        row[0][j] = j;
    for (size_t i = 1; i <= na; i++) {
        const size_t *up = row[(i - 1) % 3], *up2 = row[(i + 1) % 3];
        size_t *now = row[i % 3];
        now[0] = i;
        for (size_t j = 1; j <= nb; j++) {
            now[j] = min3(up[j] + 1, now[j - 1] + 1, up[j - 1] + !same(a[i - 1], b[j - 1]));
            if (i > 1 && j > 1 && same(a[i - 1], b[j - 2]) && same(a[i - 2], b[j - 1]))
                now[j] = min3(now[j], up2[j - 2] + 1, now[j]);
        }
    }
    return row[na % 3][nb];
}

const char *nas_nearest(const char *name, const char *const *known, size_t n) {
    size_t length = strlen(name);
    if (length == 0 || length > LONGEST)
        return NULL;
    const char *best = NULL;
    size_t best_distance = length <= 3 ? 2 : length / 3 + 2; /* must be beaten */
    for (size_t i = 0; i < n; i++) {
        size_t other = strlen(known[i]);
        if (other > LONGEST)
            continue;
        size_t d = edit_distance(name, length, known[i], other);
        if (d < best_distance && d < (length > other ? length : other)) {
            best = known[i];
            best_distance = d;
        }
    }
    return best;
}
