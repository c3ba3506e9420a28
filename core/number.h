/* core/number.h - numbers to text and back with a point, whatever the program's locale is. */
#ifndef NAS_CORE_NUMBER_H
#define NAS_CORE_NUMBER_H

#include <stdbool.h>
#include <stddef.h>

/* The whole of s as a decimal number: digits, sign, point, exponent; no hex, no "inf", no blanks.
 */
bool number_read(double *out, const char *s);

enum { NUMBER_BYTES = 32 };
/* The shortest decimal form of a finite v that reads back equal. */
const char *number_write(char buf[NUMBER_BYTES], double v);

#endif
