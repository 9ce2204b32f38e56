/* Labelled features in memory, as the classifiers' fits take them. */
#ifndef STATS_FIT_ROWS_H
#define STATS_FIT_ROWS_H

#include <stddef.h>

struct training_rows {
    size_t rows;
    int width, classes;    /* >= 1, >= 2 */
    const float *features; /* [rows][width], finite */
    const int *leaf;       /* [rows], 0..classes - 1 */
    const double *weight;  /* [rows], finite, >= 0; 0: held out, the fit does not look at the row */
};

#endif
