/* A plot as a file, or inside a page; and what plots share: labels and steps. */
#ifndef REPORT_PLOT_H
#define REPORT_PLOT_H

#include "base/io.h"
#include "report/canvas.h"
#include "report/markup.h"

#include <stdbool.h>

enum {
    PICTURE_WIDTH = 1200,
    PICTURE_HEIGHT = 750,
    PICTURE_TEXT_SIZE = 17
}; /* unless the plot needs otherwise */

struct plot {
    void (*draw)(const void *self, const struct canvas *canvas);
    const void *self;
    int width, height, text_size;
    const char *title; /* of our own, for those who can't see the picture */
    pomona_language language;
};

/* Write the picture to a sink: the PNG by Cairo, the SVG as text. Errors: the sink's, POMONA_E_MEMORY. */
typedef pomona_status plot_format(const struct plot *plot, struct sink *sink, struct pomona_error *error);
plot_format plot_png, plot_svg;

/* Writes it to a file, which appears whole or not at all. */
pomona_status plot_file(const struct plot *plot, plot_format *format, const char *path,
                        struct pomona_error *error);

/* Appends it to a page as <svg>, with letters of the plot's own size at its own width. `class` says where it is seen:
 * "wide", "narrow", or "fixed" for one that is as wide as it is and scrolls. */
void plot_inline(struct markup *markup, const struct plot *plot, const char *class);

/* ---- labels ---- */

enum { PLOT_LABEL_SIZE = 256, PLOT_LABEL_MAX = 48 };

struct plot_label {
    char text[PLOT_LABEL_SIZE];
};

/* A text from outside as a label of at most `letters` (up to PLOT_LABEL_MAX) characters: what would mislead is shown as
 * markup_text shows it, the middle of a longer one is left out. NULL is empty. */
struct plot_label plot_label(const char *text, size_t letters);

/* About how wide a text is, as a multiple of the size of its letters; the same for PNG and SVG, and rather too much. */
double plot_text_width(const char *text);

/* ---- axes ---- */

/* The smallest of 1, 2, 2.5, 5 x 10^n that is at least `least` > 0. */
double plot_step(double least);

/* How many decimals multiples of a step need, 0..6. */
int plot_step_decimals(double step);

#endif
