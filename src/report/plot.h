/* The scree plot as a file. */
#ifndef REPORT_PLOT_H
#define REPORT_PLOT_H

#include "base/io.h"
#include "pomona/report.h"

struct plot {
    const struct pomona_spectrum *spectrum;
    const struct pomona_spectrum_marks *marks;
    pomona_language language;
};

/* Write the picture to a sink: the PNG by Cairo, the SVG as text. Errors: the sink's, POMONA_E_MEMORY. */
pomona_status plot_png(const struct plot *plot, struct sink *sink, struct pomona_error *error);
pomona_status plot_svg(const struct plot *plot, struct sink *sink, struct pomona_error *error);

#endif
