/* Reading a spectrum. */
#ifndef REPORT_SPECTRUM_H
#define REPORT_SPECTRUM_H

#include "pomona/report.h"

/* Eigenvalue `index` (from 0), not below 0. */
double spectrum_value(const struct pomona_spectrum *spectrum, size_t index);

#endif
