/* include/nas/sketch.h - what a space looks like: boxes in boxes, with the choices in them.
 *
 * nas_space_sketch (space.h) makes it, nas_draw_space (viz.h) draws it; here is only what they share.
 */
#ifndef NAS_SKETCH_H
#define NAS_SKETCH_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* What the boxes inside of a box are to one another. */
typedef enum nas_sketch_form {
    NAS_SKETCH_FLOW,     /* each works on what comes out of the one before */
    NAS_SKETCH_CHOICE,   /* a network has one of them */
    NAS_SKETCH_BRANCHES, /* all work on the same, and are joined */
    NAS_SKETCH_GRAPH     /* nodes of a cell: each says which ones it joins */
} nas_sketch_form;

/* "kernel" with its options, or a text without any. */
typedef struct nas_sketch_line {
    const char *label;
    uint32_t n;
    const char *const *option;
} nas_sketch_line;

typedef struct nas_sketch_box {
    nas_sketch_form form;
    const char *name, *kind, *note; /* note: how often ("\xc3\x97" "5"); all may be "" */
    uint32_t n_lines;
    nas_sketch_line *line;
    uint64_t from, maybe; /* in a GRAPH: which boxes of it are joined, always or by a choice */
    uint32_t n;
    struct nas_sketch_box **kid;
} nas_sketch_box;

#ifdef __cplusplus
}
#endif
#endif
