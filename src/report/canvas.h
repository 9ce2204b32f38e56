/* A place to draw a plot on, so that a plot is laid out once and comes out as PNG, SVG file or SVG inside the page.
 *
 * Coordinates are pixels, y downwards. Colours are roles, not values: the page gives them by theme. The first failure
 * sticks; drawing after it does nothing and the maker of the canvas reports it. */
#ifndef REPORT_CANVAS_H
#define REPORT_CANVAS_H

#include <stddef.h>

enum ink {
    INK_TEXT,
    INK_MUTED, /* axis labels, notes */
    INK_GRID,
    INK_BAR,
    INK_LINE, /* the cumulative curve */
    INK_MARK, /* the elbow */
    INK_COUNT
};

enum text_anchor { ANCHOR_START, ANCHOR_MIDDLE, ANCHOR_END };

struct canvas {
    void *self;
    double width, height;
    double text_size; /* of the canvas; texts are multiples of it */
    void (*box)(void *self, enum ink ink, double x, double y, double width, double height);
    /* A line through points [count][2]; `dashed` for guides. */
    void (*line)(void *self, enum ink ink, double thickness, int dashed, const double *points, size_t count);
    void (*dot)(void *self, enum ink ink, double x, double y, double radius);
    /* One line of UTF-8 with its baseline at y, in a halo that keeps it apart from lines below. */
    void (*text)(void *self, enum ink ink, enum text_anchor anchor, int bold, double scale, double x,
                 double y, const char *text);
};

#endif
