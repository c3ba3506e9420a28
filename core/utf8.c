/* core/utf8.c - one character of UTF-8 at a time. */
#include <nas/core.h>

int nas_utf8_next(uint32_t *code, const char *s) {
    static const struct {
        unsigned char mask, lead;
        uint32_t least; /* below it the form is longer than it need be */
    } form[] = {{0x80, 0x00, 0}, {0xE0, 0xC0, 0x80}, {0xF0, 0xE0, 0x800}, {0xF8, 0xF0, 0x10000}};
    const unsigned char *p = (const unsigned char *)s;
    for (int extra = 0; extra < 4; extra++) {
        if ((p[0] & form[extra].mask) != form[extra].lead)
            continue;
        uint32_t c = p[0] & (unsigned char)~form[extra].mask;
        for (int i = 1; i <= extra; i++) {
            if ((p[i] & 0xC0) != 0x80)
                return 0;
            c = c << 6 | (p[i] & 0x3F);
        }
        if (c < form[extra].least || c > 0x10FFFF || (c >= 0xD800 && c <= 0xDFFF))
            return 0;
        *code = c;
        return extra + 1;
    }
    return 0;
}
