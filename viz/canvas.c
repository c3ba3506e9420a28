/* viz/canvas.c - drawing primitives on a cairo image, written to a PNG file in one go. */
#include "canvas.h"

#include <cairo.h>
#include <math.h>
#include <string.h>

enum { MAX_PIXELS = 16000, TEXT_ROOM = 512 };
static const double pi = 3.14159265358979323846;

struct canvas {
    cairo_surface_t *surface;
    cairo_t *cr;
};

colour colour_mix(colour a, colour b, double t) {
    colour mixed = 0;
    for (int shift = 0; shift < 24; shift += 8) {
        double from = (double)(a >> shift & 0xFF), to = (double)(b >> shift & 0xFF);
        mixed |= (colour)(from + (to - from) * t + 0.5) << shift;
    }
    return mixed;
}

colour series_colour(uint32_t i) {
    static const colour colours[] = {BLUE, VERMILLION, GREEN, ORANGE, PURPLE, SKY, INK};
    return colours[i % (sizeof colours / sizeof *colours)];
}

marker series_marker(uint32_t i) {
    static const marker markers[] = {MARK_DISC, MARK_SQUARE, MARK_TRIANGLE, MARK_DIAMOND,
                                     MARK_TURNED};
    return markers[i % (sizeof markers / sizeof *markers)];
}

static nas_status cairo_failure(cairo_status_t s, const char *what) {
    if (s == CAIRO_STATUS_NO_MEMORY)
        return nas_fail(NAS_E_MEMORY, "%s: out of host memory", what);
    return nas_fail(NAS_E_IO, "%s: cairo: %s", what, cairo_status_to_string(s));
}

/* Two pixels a point, fewer when the image would become too big for other programs to open. */
nas_status canvas_create(canvas **out, double width, double height) {
    double longest = width > height ? width : height;
    double scale = 2 * longest > MAX_PIXELS ? MAX_PIXELS / longest : 2;
    canvas *c = nas_calloc(1, sizeof *c);
    if (c == NULL)
        return nas_fail_memory(sizeof *c);
    c->surface = cairo_image_surface_create(CAIRO_FORMAT_RGB24, (int)ceil(width * scale),
                                            (int)ceil(height * scale));
    c->cr = cairo_create(c->surface);
    cairo_status_t s = cairo_status(c->cr);
    if (s != CAIRO_STATUS_SUCCESS) {
        canvas_free(c);
        return cairo_failure(s, "picture");
    }
    cairo_set_source_rgb(c->cr, 1, 1, 1);
    cairo_paint(c->cr);
    cairo_scale(c->cr, scale, scale);
    cairo_set_line_join(c->cr, CAIRO_LINE_JOIN_ROUND);
    cairo_font_options_t *fonts = cairo_font_options_create();
    cairo_font_options_set_antialias(fonts, CAIRO_ANTIALIAS_GRAY);
    cairo_font_options_set_hint_style(fonts, CAIRO_HINT_STYLE_NONE);
    cairo_font_options_set_hint_metrics(fonts, CAIRO_HINT_METRICS_OFF);
    cairo_set_font_options(c->cr, fonts);
    cairo_font_options_destroy(fonts);
    *out = c;
    return NAS_OK;
}

void canvas_free(canvas *c) {
    if (c == NULL)
        return;
    cairo_destroy(c->cr);
    cairo_surface_destroy(c->surface);
    nas_free(c);
}

static cairo_status_t keep_bytes(void *text, const unsigned char *p, unsigned n) {
    nas_text_bytes(text, p, n);
    return ((nas_text *)text)->failed ? CAIRO_STATUS_NO_MEMORY : CAIRO_STATUS_SUCCESS;
}

nas_status canvas_save(const char *path, canvas *c) {
    cairo_status_t s = cairo_status(c->cr);
    if (s != CAIRO_STATUS_SUCCESS)
        return cairo_failure(s, path);
    nas_text png = {0};
    cairo_surface_flush(c->surface);
    s = cairo_surface_write_to_png_stream(c->surface, keep_bytes, &png);
    nas_status st =
        s != CAIRO_STATUS_SUCCESS ? cairo_failure(s, path) : nas_file_write(path, png.s, png.n);
    nas_text_free(&png);
    return st;
}

/* ---- lines and areas ---- */

static void set_colour(canvas *c, colour k, double opacity) {
    cairo_set_source_rgba(c->cr, (k >> 16 & 0xFF) / 255.0, (k >> 8 & 0xFF) / 255.0,
                          (k & 0xFF) / 255.0, opacity > 0 ? opacity : 1);
}

static void stroke(canvas *c, pen p) {
    static const double dash[] = {6, 4};
    set_colour(c, p.colour, p.opacity);
    cairo_set_line_width(c->cr, p.width);
    cairo_set_dash(c->cr, dash, p.dashed ? 2 : 0, 0);
    cairo_stroke(c->cr);
    cairo_set_dash(c->cr, NULL, 0, 0);
}

static void trace(canvas *c, const point *v, size_t n) {
    cairo_new_path(c->cr);
    for (size_t i = 0; i < n; i++)
        cairo_line_to(c->cr, v[i].x, v[i].y);
}

void canvas_line(canvas *c, double x0, double y0, double x1, double y1, pen p) {
    const point v[] = {{x0, y0}, {x1, y1}};
    canvas_path(c, v, 2, p);
}

void canvas_path(canvas *c, const point *v, size_t n, pen p) {
    trace(c, v, n);
    stroke(c, p);
}

/* The point `d` away from a on the way to b, at most half-way. */
static point towards(point a, point b, double d) {
    double length = hypot(b.x - a.x, b.y - a.y);
    double t = length > 0 ? (d < length / 2 ? d / length : 0.5) : 0;
    return (point){a.x + (b.x - a.x) * t, a.y + (b.y - a.y) * t};
}

void canvas_rounded_path(canvas *c, const point *v, size_t n, double radius, pen p) {
    cairo_new_path(c->cr);
    for (size_t i = 0; i < n; i++) {
        if (i == 0 || i + 1 == n) {
            cairo_line_to(c->cr, v[i].x, v[i].y);
            continue;
        }
        point in = towards(v[i], v[i - 1], radius), out = towards(v[i], v[i + 1], radius);
        cairo_line_to(c->cr, in.x, in.y);
        cairo_curve_to(c->cr, v[i].x, v[i].y, v[i].x, v[i].y, out.x, out.y);
    }
    stroke(c, p);
}

void canvas_area(canvas *c, const point *v, size_t n, colour fill, double opacity) {
    trace(c, v, n);
    cairo_close_path(c->cr);
    set_colour(c, fill, opacity);
    cairo_fill(c->cr);
}

static void trace_box(canvas *c, box b, double upper, double lower) {
    double right = b.x + b.w, bottom = b.y + b.h;
    cairo_new_path(c->cr);
    cairo_arc(c->cr, b.x + upper, b.y + upper, upper, pi, 1.5 * pi);
    cairo_arc(c->cr, right - upper, b.y + upper, upper, 1.5 * pi, 2 * pi);
    cairo_arc(c->cr, right - lower, bottom - lower, lower, 0, 0.5 * pi);
    cairo_arc(c->cr, b.x + lower, bottom - lower, lower, 0.5 * pi, pi);
    cairo_close_path(c->cr);
}

void canvas_box(canvas *c, box b, double radius, colour fill, double opacity) {
    trace_box(c, b, radius, radius);
    set_colour(c, fill, opacity);
    cairo_fill(c->cr);
}

void canvas_head(canvas *c, box b, double radius, colour fill) {
    trace_box(c, b, radius, 0);
    set_colour(c, fill, 1);
    cairo_fill(c->cr);
}

void canvas_frame(canvas *c, box b, double radius, pen p) {
    trace_box(c, b, radius, radius);
    stroke(c, p);
}

void canvas_arrow_head(canvas *c, double x, double y, double dx, double dy, double size,
                       colour fill) {
    double length = hypot(dx, dy);
    if (!(length > 0))
        return;
    double ux = dx / length * size, uy = dy / length * size;
    const point v[] = {
        {x, y}, {x - ux - 0.45 * uy, y - uy + 0.45 * ux}, {x - ux + 0.45 * uy, y - uy - 0.45 * ux}};
    canvas_area(c, v, 3, fill, 1);
}

void canvas_clip(canvas *c, box b) {
    cairo_save(c->cr);
    cairo_rectangle(c->cr, b.x, b.y, b.w, b.h);
    cairo_clip(c->cr);
}

void canvas_unclip(canvas *c) {
    cairo_restore(c->cr);
}

/* ---- markers ---- */

/* Corners on a circle of radius 1; the crosses are strokes between pairs of corners. */
static const struct {
    int n;
    bool stroked;
    point v[4];
} marker_shapes[MARK_COUNT] = {
    [MARK_SQUARE] = {4, false, {{-.85, -.85}, {.85, -.85}, {.85, .85}, {-.85, .85}}},
    [MARK_TRIANGLE] = {3, false, {{0, -1.15}, {1.05, .75}, {-1.05, .75}}},
    [MARK_DIAMOND] = {4, false, {{0, -1.2}, {1.2, 0}, {0, 1.2}, {-1.2, 0}}},
    [MARK_TURNED] = {3, false, {{0, 1.15}, {1.05, -.75}, {-1.05, -.75}}},
    [MARK_CROSS] = {4, true, {{-.8, -.8}, {.8, .8}, {-.8, .8}, {.8, -.8}}},
    [MARK_PLUS] = {4, true, {{-1, 0}, {1, 0}, {0, -1}, {0, 1}}},
};

void canvas_marker(canvas *c, marker m, double x, double y, double radius, colour fill) {
    point v[4] = {{0, 0}};
    int n = marker_shapes[m].n;
    for (int i = 0; i < n; i++)
        v[i] = (point){x + radius * marker_shapes[m].v[i].x, y + radius * marker_shapes[m].v[i].y};
    if (marker_shapes[m].stroked) {
        for (int i = 0; i < n; i += 2)
            canvas_path(c, v + i, 2, (pen){fill, radius * 0.4, 0, false});
        return;
    }
    if (n > 0) {
        canvas_area(c, v, (size_t)n, fill, 1);
        return;
    }
    cairo_new_path(c->cr);
    cairo_arc(c->cr, x, y, radius, 0, 2 * pi);
    set_colour(c, fill, 1);
    cairo_fill(c->cr);
}

/* ---- text ---- */

/* What cairo refuses or cannot show becomes a question mark; what is longer than a picture is wide
 * is cut. */
static void clean(char out[TEXT_ROOM], const char *s) {
    size_t n = 0;
    while (*s != '\0' && n + 4 < TEXT_ROOM) {
        uint32_t code;
        size_t length = (size_t)nas_utf8_next(&code, s);
        if (length > 0 && code >= 0x20 && code != 0x7F)
            memcpy(out + n, s, length);
        else
            out[n] = '?';
        n += length > 0 ? length : 1;
        s += length > 0 ? length : 1;
    }
    out[n] = '\0';
}

static double select_font(canvas *c, const char *cleaned, font f) {
    cairo_select_font_face(c->cr, "DejaVu Sans", CAIRO_FONT_SLANT_NORMAL,
                           f.bold ? CAIRO_FONT_WEIGHT_BOLD : CAIRO_FONT_WEIGHT_NORMAL);
    cairo_set_font_size(c->cr, f.size);
    cairo_text_extents_t extents;
    cairo_text_extents(c->cr, cleaned, &extents);
    return extents.x_advance;
}

double canvas_text_width(canvas *c, const char *s, font f) {
    char cleaned[TEXT_ROOM];
    clean(cleaned, s);
    return select_font(c, cleaned, f);
}

static void show(canvas *c, double x, double y, const char *s, font f, anchor a, bool halo) {
    static const double share[] = {[LEFT] = 0, [CENTRE] = 0.5, [RIGHT] = 1};
    char cleaned[TEXT_ROOM];
    clean(cleaned, s);
    double width = select_font(c, cleaned, f);
    x -= share[a] * width;
    if (halo) {
        cairo_new_path(c->cr);
        cairo_move_to(c->cr, x, y);
        cairo_text_path(c->cr, cleaned);
        stroke(c, (pen){WHITE, 4, 0.9, false});
    }
    cairo_new_path(c->cr);
    cairo_move_to(c->cr, x, y);
    set_colour(c, f.colour, 1);
    cairo_show_text(c->cr, cleaned);
    cairo_new_path(c->cr);
}

void canvas_text(canvas *c, double x, double y, const char *s, font f, anchor a) {
    show(c, x, y, s, f, a, false);
}

void canvas_haloed_text(canvas *c, double x, double y, const char *s, font f, anchor a) {
    show(c, x, y, s, f, a, true);
}

void canvas_upward_text(canvas *c, double x, double y, const char *s, font f) {
    cairo_save(c->cr);
    cairo_translate(c->cr, x, y);
    cairo_rotate(c->cr, -pi / 2);
    show(c, 0, 0, s, f, CENTRE, false);
    cairo_restore(c->cr);
}

void canvas_fit_text(canvas *c, char *out, size_t room, const char *s, font f, double width) {
    static const char dots[] = "\xe2\x80\xa6";
    char cleaned[TEXT_ROOM] = "";
    clean(cleaned, s);
    size_t n = strlen(cleaned);
    bool cut = n + sizeof dots > room || strlen(s) > n || select_font(c, cleaned, f) > width;
    if (n + sizeof dots > room)
        n = room - sizeof dots;
    do {
        while (cut && n > 0 && (cleaned[n] & 0xC0) == 0x80)
            n--;
        memcpy(out, cleaned, n);
        memcpy(out + n, cut ? dots : "", cut ? sizeof dots : 1);
    } while (cut && select_font(c, out, f) > width && n-- > 0);
}

double canvas_title(canvas *c, const char *title, const char *subtitle, double x, double width) {
    static const font big = {FONT_TITLE, true, INK}, small = {FONT_BASE, false, DARK_GREY};
    char text[TEXT_ROOM];
    double y = 14;
    if (title != NULL && title[0] != '\0') {
        canvas_fit_text(c, text, sizeof text, title, big, width);
        canvas_text(c, x, y + 16, text, big, LEFT);
        y += 24;
    }
    if (subtitle != NULL && subtitle[0] != '\0') {
        canvas_fit_text(c, text, sizeof text, subtitle, small, width);
        canvas_text(c, x, y + 14, text, small, LEFT);
        y += 20;
    }
    return y;
}
