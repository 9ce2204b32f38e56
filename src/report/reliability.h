/* The pictures of an evaluation but for the confusion matrix. */
#ifndef REPORT_RELIABILITY_H
#define REPORT_RELIABILITY_H

#include "pomona/report_evaluation.h"
#include "report/plot.h"

#include <stdbool.h>

enum { JUDGED_WIDTH = 900, JUDGED_HEIGHT = 860 }; /* of both pictures as files */

struct judged_picture {
    const struct pomona_evaluation_report *report;
    bool titled; /* over the whole picture */
};

/* Accuracy against confidence, and how many answers each bin has. `picture` outlives the plot. */
struct plot reliability_plot(const struct judged_picture *picture);

/* Unknown photos accepted against known ones rejected, over all thresholds, with the model's own. */
struct plot rejection_plot(const struct judged_picture *picture);

/* "0.942 (0.931 to 0.953)" as far as the interval is known. */
enum { SHARE_TEXT_SIZE = 3 * NUMBER_SIZE + 16 };
void share_as_fraction(const struct pomona_report_share *share, pomona_language language,
                       char text[SHARE_TEXT_SIZE]);

#endif
