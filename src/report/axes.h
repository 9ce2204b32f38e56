/* Two axes around the data of a plot. */
#ifndef REPORT_AXES_H
#define REPORT_AXES_H

#include "report/canvas.h"
#include "report/words.h"

#include <stdbool.h>

struct axes {
    const struct canvas *canvas;
    pomona_language language;
    double left, top, width, height;     /* of the data on the canvas */
    double x_low, x_high, y_low, y_high; /* values at the ends */
    bool x_log;                          /* values of x above 0, on a logarithmic scale */
};

/* Where a value stands on the canvas; values beyond the ends stand beyond the data. */
double axes_x(const struct axes *axes, double value);
double axes_y(const struct axes *axes, double value);

/* Lines across the data with a share of 1 as percent on the left, resp. down the data with one below. */
void axes_percent_y(const struct axes *axes, double step);
void axes_percent_x(const struct axes *axes, double step);

/* Lines down the data at round numbers, with those numbers below. */
void axes_log_x(const struct axes *axes);

/* The names of the axes: above the left one, and below the middle of the lower one. */
void axes_names(const struct axes *axes, const char *x, const char *y);

/* The picture's title over all, where there is one. */
void axes_title(const struct canvas *canvas, const char *title);

/* A line between two values. */
void axes_line(const struct axes *axes, enum ink ink, double thickness, int dashed, double x0, double y0,
               double x1, double y1);

#endif
