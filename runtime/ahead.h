/* runtime/ahead.h - kernels of a cold start: said, and compiled by other processes as well.
 *
 * PoCL compiles one kernel at a time in a process, at its first launch. So when a compiler was seen
 * at work, a process of its own gets the list of all launches to come and compiles them from the
 * last to the first; where the two meet, each finds in the driver's cache what the other has made.
 */
#ifndef NAS_RUNTIME_AHEAD_H
#define NAS_RUNTIME_AHEAD_H

#include "exec.h"

/* em is about to get the launches of a plan, which are then compiled; until ahead_forget. */
void ahead_expect(const emitter *em, const plan *p);
void ahead_forget(const emitter *em);
/* A program was built from source and took so long. */
void ahead_built(nas_device *d, double seconds);
/* Whether a cold start is under way whose launches are all known: they run, and it ends. */
bool ahead_under_way(const nas_device *d);
void ahead_end(nas_device *d);
void ahead_free(nas_device *d);

#endif
