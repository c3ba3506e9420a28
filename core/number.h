/* core/number.h - numbers to text with a point, whatever the program's locale is. */
#ifndef NAS_CORE_NUMBER_H
#define NAS_CORE_NUMBER_H

#include <stdbool.h>
#include <stddef.h>

enum { NUMBER_BYTES = 32 };
/* The shortest decimal form of a finite v that reads back equal; single: as a float. */
const char *number_write(char buf[NUMBER_BYTES], double v, bool single);

#endif
