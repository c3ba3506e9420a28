/* viz/labels.h - names beside points, each where it hides least. */
#ifndef NAS_VIZ_LABELS_H
#define NAS_VIZ_LABELS_H

#include "canvas.h"

typedef struct obstacle {
    box b;
    double weight; /* cost of covering it */
} obstacle;

typedef struct label {
    point at;
    box b;
    bool leader; /* stands apart: joined to its point by a line */
    char text[80];
} label;

typedef struct labels {
    canvas *canvas;
    box area; /* where labels may stand */
    obstacle *obstacle;
    size_t n_obstacles, cap_obstacles;
    label *label;
    size_t n_labels, cap_labels;
} labels;

nas_status labels_avoid_point(labels *l, point at, double weight) NAS_MUST_USE;
/* A horizontal or vertical line. */
nas_status labels_avoid_line(labels *l, point from, point to) NAS_MUST_USE;
/* Finds a place at once; labels that come later keep off it. */
nas_status labels_add(labels *l, point at, const char *text) NAS_MUST_USE;
void labels_draw(const labels *l);
void labels_free(labels *l);

#endif
