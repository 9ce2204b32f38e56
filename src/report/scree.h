/* The scree plot. */
#ifndef REPORT_SCREE_H
#define REPORT_SCREE_H

#include "pomona/report.h"
#include "report/plot.h"

#include <stdbool.h>

struct scree {
    const struct pomona_spectrum *spectrum;
    const struct pomona_spectrum_marks *marks; /* of pomona_spectrum_mark */
    pomona_language language;
    bool titled; /* over the whole picture */
};

/* As a picture of PICTURE_WIDTH x PICTURE_HEIGHT pixels; any other size will do as well. `scree` outlives it. */
struct plot scree_plot(const struct scree *scree);

#endif
