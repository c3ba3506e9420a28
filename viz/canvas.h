/* viz/canvas.h - drawing primitives on an image in memory, written to a PNG file in one go.
 *
 * Coordinates are points from the top left corner; a point is `scale` pixels (2 unless a picture is
 * huge). Nothing here fails visibly: the first trouble stays in the canvas until canvas_save.
 */
#ifndef NAS_VIZ_CANVAS_H
#define NAS_VIZ_CANVAS_H

#include <nas/core.h>

typedef struct canvas canvas;
typedef uint32_t colour; /* 0xRRGGBB */

/* Okabe and Ito's palette, told apart with any kind of colour vision, and greys. */
enum {
    INK = 0x222222,
    ORANGE = 0xE69F00,
    SKY = 0x56B4E9,
    GREEN = 0x009E73,
    YELLOW = 0xF0E442,
    BLUE = 0x0072B2,
    VERMILLION = 0xD55E00,
    PURPLE = 0xCC79A7,
    GREY = 0x999999,
    PALE_GREY = 0xE4E4E4,
    DARK_GREY = 0x555555,
    WHITE = 0xFFFFFF
};

enum { FONT_SMALL = 11, FONT_BASE = 13, FONT_TITLE = 17 };
enum { PLOT_WIDTH = 800, PLOT_HEIGHT = 600 };

/* A colour between a (t = 0) and b (t = 1). */
colour colour_mix(colour a, colour b, double t);
/* Colours and markers for the i-th of several things. */
colour series_colour(uint32_t i);

nas_status canvas_create(canvas **out, double width, double height) NAS_MUST_USE;
void canvas_free(canvas *c);
/* E_IO names the path; an old file stands if the new one cannot be written. */
nas_status canvas_save(const char *path, canvas *c) NAS_MUST_USE;

/* ---- lines and areas ---- */

typedef struct pen {
    colour colour;
    double width;
    double opacity; /* 0 means 1 */
    bool dashed;
} pen;

typedef struct point {
    double x, y;
} point;

typedef struct box {
    double x, y, w, h;
} box;

void canvas_line(canvas *c, double x0, double y0, double x1, double y1, pen p);
void canvas_path(canvas *c, const point *v, size_t n, pen p);
/* The same with its inner corners rounded. */
void canvas_rounded_path(canvas *c, const point *v, size_t n, double radius, pen p);
void canvas_area(canvas *c, const point *v, size_t n, colour fill, double opacity);
void canvas_box(canvas *c, box b, double radius, colour fill, double opacity);
void canvas_frame(canvas *c, box b, double radius, pen p);
/* A box with its upper corners rounded only: the head of another one. */
void canvas_head(canvas *c, box b, double radius, colour fill);
/* An arrow head at (x, y) that points along (dx, dy). */
void canvas_arrow_head(canvas *c, double x, double y, double dx, double dy, double size,
                       colour fill);
void canvas_clip(canvas *c, box b);
void canvas_unclip(canvas *c);

/* ---- markers ---- */

typedef enum marker {
    MARK_DISC,
    MARK_SQUARE,
    MARK_TRIANGLE,
    MARK_DIAMOND,
    MARK_CROSS,
    MARK_PLUS,
    MARK_TURNED,
    MARK_COUNT
} marker;

marker series_marker(uint32_t i); /* filled shapes only */
void canvas_marker(canvas *c, marker m, double x, double y, double radius, colour fill);

/* ---- text ---- */

typedef enum anchor { LEFT, CENTRE, RIGHT } anchor;

typedef struct font {
    double size;
    bool bold;
    colour colour;
} font;

double canvas_text_width(canvas *c, const char *s, font f);
/* y is the base line. */
void canvas_text(canvas *c, double x, double y, const char *s, font f, anchor a);
/* The same, over a white rim that keeps it readable on lines and areas. */
void canvas_haloed_text(canvas *c, double x, double y, const char *s, font f, anchor a);
/* Turned by 90 degrees, centred on (x, y), read from below. */
void canvas_upward_text(canvas *c, double x, double y, const char *s, font f);
/* Cuts s so that it fits the width, with "…" at its end; `room` bytes in out. */
void canvas_fit_text(canvas *c, char *out, size_t room, const char *s, font f, double width);

/* Title and subtitle at the top left; either may be NULL. Returns the y below them. */
double canvas_title(canvas *c, const char *title, const char *subtitle, double x, double width);

#endif
