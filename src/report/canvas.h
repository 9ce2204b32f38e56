/* A place to draw a plot on, so that a plot is laid out once and comes out as PNG, SVG file or SVG inside the page.
 *
 * Coordinates are pixels, y downwards. Colours are roles, not values: the page gives them by theme. Texts are UTF-8 of
 * our own, or from outside by way of plot_label. The first failure sticks; drawing after it does nothing and the maker of
 * the canvas reports it. */
#ifndef REPORT_CANVAS_H
#define REPORT_CANVAS_H

#include <stddef.h>

enum ink {
    INK_TEXT,
    INK_MUTED, /* axis labels, notes */
    INK_GRID,
    INK_BAR,
    INK_LINE, /* the curve that the plot is about */
    INK_MARK, /* the point that it comes to */
    INK_PAGE, /* what the plot stands on */
    INK_COUNT
};

enum text_anchor { ANCHOR_START, ANCHOR_MIDDLE, ANCHOR_END };

/* Flags of a text. */
enum text_style {
    TEXT_BOLD = 1,
    TEXT_UPWARD = 2, /* turned by 90 degrees, read from below; its anchor turns with it */
    TEXT_BARE = 4    /* without the halo that keeps it apart from lines below */
};

struct canvas {
    void *self;
    double width, height;
    double text_size; /* of the canvas; texts are multiples of it */
    void (*box)(void *self, enum ink ink, double x, double y, double width, double height);
    /* A line through points [count][2]; `dashed` for guides. */
    void (*line)(void *self, enum ink ink, double thickness, int dashed, const double *points, size_t count);
    void (*dot)(void *self, enum ink ink, double x, double y, double radius);
    /* One line of text with its baseline at y (at x, for TEXT_UPWARD), in a halo of the page's colour. */
    void (*text)(void *self, enum ink ink, enum text_anchor anchor, int style, double scale, double x,
                 double y, const char *text);
    /* A box, resp. a disc, that lets the page through: `strength` 0..1. `hint` is what pointing at it shows where a
     * picture can; NULL: nothing. */
    void (*shade)(void *self, enum ink ink, double strength, double x, double y, double width, double height,
                  const char *hint);
    void (*disc)(void *self, enum ink ink, double strength, double x, double y, double radius,
                 const char *hint);
    /* The outline of a circle. */
    void (*ring)(void *self, enum ink ink, double thickness, double x, double y, double radius);
};

#endif
