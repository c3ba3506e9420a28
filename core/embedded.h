/* core/embedded.h - files that the build puts into the library (cmake/embed.cmake). */
#ifndef NAS_CORE_EMBEDDED_H
#define NAS_CORE_EMBEDDED_H

#include <stddef.h>

typedef struct nas_embedded {
    const char *name; /* file name without folder; NULL ends the table */
    const char *text; /* its bytes, with a NUL behind them */
    size_t n;
} nas_embedded;

extern const nas_embedded nas_embedded_kernels[]; /* cl_kernels */
extern const nas_embedded nas_embedded_devices[]; /* hwmodels/devices */
extern const nas_embedded nas_embedded_spaces[];  /* search/spaces */
extern const nas_embedded nas_embedded_nets[];    /* bench/nets */

#endif
