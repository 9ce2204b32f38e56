/* The Pareto plot of a comparison. */
#ifndef REPORT_PARETO_H
#define REPORT_PARETO_H

#include "pomona/report_comparison.h"
#include "report/axes.h"
#include "report/plot.h"

#include <stdbool.h>

enum {
    PARETO_LABELS_MAX = 60,
    PARETO_LABEL_SIZE = 2 * PLOT_LABEL_SIZE + 96 /* with precision, resolution and a remark */
};

/* Rows with accuracy and latency, as points. */
struct pareto_point {
    size_t row;
    bool front;
};

struct pareto {
    const struct pomona_comparison_report *report;
    struct pareto_point *points; /* [count] by latency ascending */
    size_t count;
    bool titled;    /* over the whole picture */
    size_t letters; /* of a name in the picture */
};

/* Finds the points and the front. POMONA_E_MEMORY. */
pomona_status pareto_find(const struct pomona_comparison_report *report, struct pareto *pareto,
                          struct pomona_error *error);
void pareto_free(struct pareto *pareto);

/* Whether a row exceeds any budget. */
bool pareto_is_over(const struct pomona_comparison_row *row);

/* Whether a row is on the front. */
bool pareto_is_front(const struct pareto *pareto, size_t row);

/* As a picture; `pareto` outlives it. */
struct plot pareto_plot(const struct pareto *pareto);

/* ---- labels ---- */

/* The circles of points and what else labels keep off, as boxes. */
struct pareto_box {
    double x, y, width, height;
    double weight; /* of a pixel of overlap */
};

struct pareto_label {
    size_t point;
    char text[PARETO_LABEL_SIZE];
    double x, y, radius;     /* of its point on the canvas */
    double left, top, width; /* of the text's box, when placed */
    enum ink ink;
    bool wanted; /* also where it covers something */
    bool placed;
    bool led; /* so far from its point that a line leads to it */
};

/* Places labels [count], in their order, inside `area`, off `boxes` [box_count]. Lines of text are `line` high. */
void pareto_place(struct pareto_label *labels, size_t count, const struct pareto_box *boxes, size_t box_count,
                  const struct pareto_box *area, double line);

#endif
