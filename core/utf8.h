/* core/utf8.h - one character of UTF-8 at a time. */
#ifndef NAS_CORE_UTF8_H
#define NAS_CORE_UTF8_H

#include <stdint.h>

/* The length in bytes (1 to 4) of the well-formed character at s, a NUL-terminated string, with its
 * code point; 0 when what stands there is none. */
int utf8_next(uint32_t *code, const char *s);

#endif
