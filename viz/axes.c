/* viz/axes.c - axes of a plot: ranges, ticks that people read, SI numbers. */
#include "axes.h"

#include <math.h>
#include <string.h>

static const font tick_font = {FONT_BASE, false, INK}, label_font = {14, true, INK};

/* ---- numbers ---- */

static const struct {
    double unit;
    const char *prefix;
} si[] = {{1e12, "T"}, {1e9, "G"},         {1e6, "M"},  {1e3, "k"},  {1, ""},
          {1e-3, "m"}, {1e-6, "\xc2\xb5"}, {1e-9, "n"}, {1e-12, "p"}};
enum { SI_COUNT = sizeof si / sizeof *si, SI_ONE = 4 };

/* The row of si in which |v| has one to three digits before the point; -1: none has. */
static int si_row(double v) {
    v = fabs(v);
    if (v == 0)
        return SI_ONE;
    for (int i = 0; i < SI_COUNT; i++)
        if (v >= si[i].unit * 0.99995)
            return v < 1e15 ? i : -1;
    return -1;
}

const char *si_text(char out[SI_BYTES], double v) {
    int row = si_row(v);
    if (!isfinite(v))
        snprintf(out, SI_BYTES, "?");
    else if (row < 0)
        snprintf(out, SI_BYTES, "%.2e", v);
    else {
        double shown = v / si[row].unit, size = fabs(shown);
        int digits = size >= 99.95 ? 0 : size >= 9.995 ? 1 : 2;
        if (row == SI_ONE && v == floor(v))
            digits = 0;
        snprintf(out, SI_BYTES, "%.*f%s", digits, shown, si[row].prefix);
    }
    return out;
}

/* A tick's text: SI prefixes only where plain digits would be many. */
static void tick_text(char out[TICK_BYTES], double v, double step, double largest) {
    int row = largest >= 1e4 || largest < 1e-2 ? si_row(largest) : SI_ONE;
    if (row < 0) {
        snprintf(out, TICK_BYTES, "%.3g", v);
        return;
    }
    double shown = v / si[row].unit, shown_step = step / si[row].unit;
    int digits = (int)ceil(-log10(shown_step) - 1e-9);
    digits = digits < 0 ? 0 : digits > 12 ? 12 : digits;
    /* steps of 2.5 need a digit more than their size says */
    double scaled = shown_step * pow(10, digits);
    digits += fabs(scaled - floor(scaled + 0.5)) > 1e-6 && digits < 12;
    if (fabs(shown) < shown_step * 1e-6)
        snprintf(out, TICK_BYTES, "0");
    else
        snprintf(out, TICK_BYTES, "%.*f%s", digits, shown, si[row].prefix);
}

/* ---- ranges ---- */

double axis_shown(const nas_plot_axis *spec, double value) {
    double shown = value * (spec->scale != 0 ? spec->scale : 1);
    return isfinite(shown) && fabs(shown) < 1e150 ? shown : NAN;
}

void range_add(range *r, double shown) {
    if (isnan(shown))
        return;
    r->lo = !r->any || shown < r->lo ? shown : r->lo;
    r->hi = !r->any || shown > r->hi ? shown : r->hi;
    r->any = true;
}

/* ---- ticks ---- */

static void add_tick(axis *a, double at, double step, double largest) {
    if (a->n_ticks == MAX_TICKS)
        return;
    tick *t = &a->tick[a->n_ticks++];
    t->at = at;
    tick_text(t->text, at, step, largest);
}

static double nice_step(double rough) {
    static const double steps[] = {1, 2, 2.5, 5, 10};
    double decade = pow(10, floor(log10(rough)));
    for (int i = 0; i < 5; i++)
        if (steps[i] * decade >= rough * 0.999)
            return steps[i] * decade;
    return 10 * decade;
}

static void linear_ticks(axis *a) {
    double pixels = fabs(a->end - a->begin);
    double step = nice_step((a->hi - a->lo) / (pixels > 500 ? 7 : 6));
    if (a->spec->whole)
        step = fmax(1, step == 2.5 ? 5 : step);
    double first = ceil(a->lo / step - 1e-9);
    double largest = fmax(fabs(a->lo), fabs(a->hi));
    for (int i = 0; i < MAX_TICKS && (first + i) * step <= a->hi + step * 1e-6; i++)
        add_tick(a, (first + i) * step, step, largest);
}

/* 1-2-5 within few decades, powers of ten over many; each tick has its own prefix. */
static void log_ticks(axis *a) {
    int first = (int)floor(log10(a->lo)), last = (int)ceil(log10(a->hi));
    double decades = log10(a->hi / a->lo);
    int every = decades > 10 ? (int)ceil(decades / 8) : 1;
    for (int e = first; e <= last; e++) {
        for (int m = 1; m <= 9; m++) {
            double at = m * pow(10, e);
            if (at < a->lo * (1 - 1e-9) || at > a->hi * (1 + 1e-9))
                continue;
            bool named = m == 1 ? (e - first) % every == 0
                                : decades < 3.2 && (m == 2 || m == 5 || (decades < 1 && m == 3));
            if (named) {
                int row = si_row(at);
                double unit = row < 0 || (at < 1e4 && at >= 1e-2) ? 1 : si[row].unit;
                double step = pow(10, floor(log10(at / unit) + 1e-9)) * unit;
                add_tick(a, at, step, at);
            } else if (a->n_minor < MAX_MINOR && decades < 10) {
                a->minor[a->n_minor++] = at;
            }
        }
    }
}

/* ---- axes ---- */

/* Room around the values, without crossing zero for its sake. */
static void pad(axis *a, bool from_zero) {
    double size = fmax(fabs(a->lo), fabs(a->hi));
    if (!(a->hi - a->lo > size * 1e-9)) {
        double half = size > 1e-140 ? size * 0.1 : 1;
        bool zero = a->lo >= 0 && size <= 1e-140;
        a->lo = zero ? 0 : a->lo - half;
        a->hi += half;
    }
    double rim = 0.06 * (a->hi - a->lo);
    bool positive = a->lo >= 0;
    a->lo -= rim;
    a->hi += rim;
    if (from_zero || (positive && a->lo < 0))
        a->lo = 0;
}

void axis_init(axis *a, const nas_plot_axis *spec, const range *r, double begin, double end,
               bool from_zero) {
    *a = (axis){.spec = spec, .begin = begin, .end = end};
    a->lo = r->any ? r->lo : 0;
    a->hi = r->any ? r->hi : 1;
    a->log = spec->log && !from_zero && a->lo > 1e-140 && a->hi / a->lo > 8;
    if (a->log) {
        double rim = pow(a->hi / a->lo, 0.05);
        a->lo /= rim;
        a->hi *= rim;
        log_ticks(a);
        return;
    }
    if (from_zero && a->hi <= 0)
        a->hi = 1;
    pad(a, from_zero);
    linear_ticks(a);
}

double axis_at(const axis *a, double shown) {
    double t;
    if (a->log)
        t = shown > 0 ? log(shown / a->lo) / log(a->hi / a->lo) : -1;
    else
        t = (shown - a->lo) / (a->hi - a->lo);
    t = t < -1 ? -1 : t > 2 ? 2 : t;
    return a->begin + t * (a->end - a->begin);
}

void axis_label(char *out, size_t room, const nas_plot_axis *spec) {
    const char *label = spec->label != NULL ? spec->label : "";
    if (spec->unit != NULL && spec->unit[0] != '\0')
        snprintf(out, room, "%s (%s)", label, spec->unit);
    else
        snprintf(out, room, "%s", label);
}

double axes_left_room(canvas *c, const axis *y) {
    double widest = 0;
    for (int i = 0; i < y->n_ticks; i++)
        widest = fmax(widest, canvas_text_width(c, y->tick[i].text, tick_font));
    return widest + 46;
}

static void draw_grid(canvas *c, const axis *x, const axis *y, box b) {
    const pen grid = {PALE_GREY, 0.8, 0, false};
    for (int i = 0; i < x->n_ticks; i++)
        canvas_line(c, axis_at(x, x->tick[i].at), b.y, axis_at(x, x->tick[i].at), b.y + b.h, grid);
    for (int i = 0; i < y->n_ticks; i++)
        canvas_line(c, b.x, axis_at(y, y->tick[i].at), b.x + b.w, axis_at(y, y->tick[i].at), grid);
}

static void draw_x_labels(canvas *c, const axis *x, box b) {
    const pen mark = {INK, 1, 0, false}, fine = {GREY, 0.8, 0, false};
    double bottom = b.y + b.h, taken = -1e9;
    for (int i = 0; i < x->n_minor; i++) {
        double at = axis_at(x, x->minor[i]);
        canvas_line(c, at, bottom, at, bottom + 3, fine);
    }
    for (int i = 0; i < x->n_ticks; i++) {
        double at = axis_at(x, x->tick[i].at);
        double width = canvas_text_width(c, x->tick[i].text, tick_font);
        canvas_line(c, at, bottom, at, bottom + 6, mark);
        if (at - width / 2 < taken + 8)
            continue;
        canvas_text(c, at, bottom + 21, x->tick[i].text, tick_font, CENTRE);
        taken = at + width / 2;
    }
    char label[256], text[300];
    axis_label(label, sizeof label, x->spec);
    canvas_fit_text(c, text, sizeof text, label, label_font, b.w);
    canvas_text(c, b.x + b.w / 2, bottom + 44, text, label_font, CENTRE);
}

static void draw_y_labels(canvas *c, const axis *y, box b) {
    const pen mark = {INK, 1, 0, false}, fine = {GREY, 0.8, 0, false};
    for (int i = 0; i < y->n_minor; i++) {
        double at = axis_at(y, y->minor[i]);
        canvas_line(c, b.x - 3, at, b.x, at, fine);
    }
    for (int i = 0; i < y->n_ticks; i++) {
        double at = axis_at(y, y->tick[i].at);
        canvas_line(c, b.x - 6, at, b.x, at, mark);
        canvas_text(c, b.x - 10, at + 4.6, y->tick[i].text, tick_font, RIGHT);
    }
    char label[256], text[300];
    axis_label(label, sizeof label, y->spec);
    canvas_fit_text(c, text, sizeof text, label, label_font, b.h);
    canvas_upward_text(c, b.x - axes_left_room(c, y) + 24, b.y + b.h / 2, text, label_font);
}

void axes_draw(canvas *c, const axis *x, const axis *y, box b) {
    draw_grid(c, x, y, b);
    draw_x_labels(c, x, b);
    draw_y_labels(c, y, b);
    canvas_line(c, b.x, b.y, b.x, b.y + b.h, (pen){INK, 1.2, 0, false});
    canvas_line(c, b.x, b.y + b.h, b.x + b.w, b.y + b.h, (pen){INK, 1.2, 0, false});
}
