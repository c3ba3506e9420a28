/* viz/labels.c - names beside points, each where it hides least. */
#include "labels.h"

#include <math.h>

static const font name_font = {FONT_BASE, true, INK};

static nas_status avoid(labels *l, box b, double weight) {
    NAS_TRY(nas_grow(&l->obstacle, &l->cap_obstacles, l->n_obstacles + 1, sizeof *l->obstacle));
    l->obstacle[l->n_obstacles++] = (obstacle){b, weight};
    return NAS_OK;
}

nas_status labels_avoid_point(labels *l, point at, double weight) {
    return avoid(l, (box){at.x - 5, at.y - 5, 10, 10}, weight);
}

nas_status labels_avoid_line(labels *l, point from, point to) {
    double x = fmin(from.x, to.x), y = fmin(from.y, to.y);
    return avoid(l, (box){x - 1, y - 1, fabs(from.x - to.x) + 2, fabs(from.y - to.y) + 2}, 2);
}

static bool overlap(box a, box b) {
    return a.x < b.x + b.w && b.x < a.x + a.w && a.y < b.y + b.h && b.y < a.y + a.h;
}

static double cost_of(const labels *l, box b) {
    double cost = 0;
    for (size_t i = 0; i < l->n_obstacles; i++)
        if (overlap(b, l->obstacle[i].b))
            cost += l->obstacle[i].weight;
    bool inside = b.x >= l->area.x && b.x + b.w <= l->area.x + l->area.w && b.y >= l->area.y &&
                  b.y + b.h <= l->area.y + l->area.h;
    return inside ? cost : cost + 1000;
}

/* Directions in order of liking: below a minimised front there is most room. */
static const struct {
    double dx, dy;
} directions[] = {{1, -1}, {-1, 1}, {1, 1}, {-1, -1}, {1, 0}, {-1, 0}, {0, 1}, {0, -1}};

/* The text's box when it stands in a direction, `far` from the point. */
static box stand(point at, size_t direction, double far, double w, double h) {
    double dx = directions[direction].dx, dy = directions[direction].dy;
    double reach = dx != 0 && dy != 0 ? far * 0.75 : far;
    double x = at.x + dx * reach, y = at.y + dy * reach;
    return (box){dx > 0   ? x
                 : dx < 0 ? x - w
                          : x - w / 2,
                 dy > 0   ? y
                 : dy < 0 ? y - h
                          : y - h / 2,
                 w, h};
}

nas_status labels_add(labels *l, point at, const char *text) {
    static const double distances[] = {13, 24, 40, 60, 85, 120};
    NAS_TRY(nas_grow(&l->label, &l->cap_labels, l->n_labels + 1, sizeof *l->label));
    label fresh = {.at = at};
    canvas_fit_text(l->canvas, fresh.text, sizeof fresh.text, text, name_font, l->area.w / 2.5);
    double w = canvas_text_width(l->canvas, fresh.text, name_font) + 4, h = FONT_BASE + 5;
    double best = INFINITY;
    for (size_t d = 0; d < sizeof distances / sizeof *distances; d++) {
        for (size_t i = 0; i < sizeof directions / sizeof *directions; i++) {
            box b = stand(at, i, distances[d], w, h);
            /* near an edge a text may be shifted to end there */
            b.x = fmax(l->area.x + 2, fmin(b.x, l->area.x + l->area.w - w - 2));
            double cost = cost_of(l, b) + 0.6 * (double)d + 0.01 * (double)i;
            if (cost < best) {
                best = cost;
                fresh.b = b;
                fresh.leader = d >= 1;
            }
        }
    }
    NAS_TRY(avoid(l, fresh.b, 50));
    l->label[l->n_labels++] = fresh;
    return NAS_OK;
}

static void draw_leader(const labels *l, const label *k) {
    double x = fmax(k->b.x, fmin(k->at.x, k->b.x + k->b.w));
    double y = fmax(k->b.y + 2, fmin(k->at.y, k->b.y + k->b.h - 2));
    double length = hypot(x - k->at.x, y - k->at.y);
    if (length <= 12)
        return;
    canvas_line(l->canvas, k->at.x + (x - k->at.x) * 10 / length,
                k->at.y + (y - k->at.y) * 10 / length, x, y, (pen){DARK_GREY, 0.9, 0, false});
}

void labels_draw(const labels *l) {
    for (size_t i = 0; i < l->n_labels; i++)
        if (l->label[i].leader)
            draw_leader(l, &l->label[i]);
    for (size_t i = 0; i < l->n_labels; i++) {
        const label *k = &l->label[i];
        canvas_haloed_text(l->canvas, k->b.x + 2, k->b.y + FONT_BASE, k->text, name_font, LEFT);
    }
}

void labels_free(labels *l) {
    nas_free(l->obstacle);
    nas_free(l->label);
}
