/* The scree plot. */
#ifndef REPORT_SCREE_H
#define REPORT_SCREE_H

#include "pomona/report.h"
#include "report/canvas.h"

#include <stdbool.h>

enum { SCREE_WIDTH = 1200, SCREE_HEIGHT = 750, SCREE_TEXT_SIZE = 17 };

/* Draws the plot over the whole canvas, with a title where asked for. `marks` comes from pomona_spectrum_mark. */
void scree_draw(const struct canvas *canvas, const struct pomona_spectrum *spectrum,
                const struct pomona_spectrum_marks *marks, pomona_language language, bool titled);

#endif
