/* viz/legend.c - legends: entries in rows above a plot. */
#include "axes.h"

static const font legend_font = {FONT_BASE, false, INK};
enum { SWATCH = 26, ROW = 20, MAX_ROWS = 4 };

static void draw_swatch(canvas *c, const legend_entry *e, double x, double y) {
    double middle = x + SWATCH / 2.0;
    if (e->kind == LEGEND_AREA)
        canvas_box(c, (box){x + 3, y - 6, SWATCH - 6, 12}, 2, e->colour, 1);
    if (e->kind == LEGEND_LINE || e->kind == LEGEND_DASHED || e->kind == LEGEND_BOTH)
        canvas_line(c, x, y, x + SWATCH - 2, y, (pen){e->colour, 2.2, 0, e->kind == LEGEND_DASHED});
    if (e->kind == LEGEND_MARKER || e->kind == LEGEND_BOTH)
        canvas_marker(c, e->marker, middle - 1, y, 4.5, e->colour);
    if (e->kind == LEGEND_RING)
        canvas_frame(c, (box){middle - 7, y - 7, 14, 14}, 7, (pen){e->colour, 2, 0, false});
}

double legend_draw(canvas *c, const legend_entry *e, size_t n, double x, double y, double width) {
    double at = x;
    int row = 0;
    char text[160];
    for (size_t i = 0; i < n; i++) {
        canvas_fit_text(c, text, sizeof text, e[i].text, legend_font, width / 2 - SWATCH);
        double needed = SWATCH + 6 + canvas_text_width(c, text, legend_font);
        /* in the last row some room stays for the count of what has none */
        double limit = x + width - (row == MAX_ROWS - 1 && i + 1 < n ? 90 : 0);
        if (at > x && at + needed > limit) {
            if (row == MAX_ROWS - 1) {
                snprintf(text, sizeof text, "and %zu more", n - i);
                canvas_text(c, at, y + row * ROW + 14.6, text, legend_font, LEFT);
                break;
            }
            at = x;
            row++;
        }
        draw_swatch(c, &e[i], at, y + row * ROW + 10);
        canvas_text(c, at + SWATCH + 4, y + row * ROW + 14.6, text, legend_font, LEFT);
        at += needed + 18;
    }
    return n > 0 ? y + (row + 1) * ROW : y;
}
