/* search/arena.h - memory that is taken in pieces and given back at once: trees of one owner. */
#ifndef NAS_SEARCH_ARENA_H
#define NAS_SEARCH_ARENA_H

#include <nas/core.h>

struct chunk;

typedef struct arena {
    struct chunk *last;
    size_t used; /* bytes of the last chunk */
} arena;

/* Zeroed memory; NULL with E_MEMORY recorded. */
void *arena_new(arena *a, size_t bytes);
/* A formatted text; NULL with E_MEMORY recorded. */
const char *arena_text(arena *a, const char *fmt, ...) NAS_PRINTF(2, 3);
void arena_free(arena *a);

#endif
