/* How good answers are: accuracy with its interval, calibration, separation. */
#ifndef STATS_FIT_METRICS_H
#define STATS_FIT_METRICS_H

#include "base/error.h"

#include <stddef.h>

/* The Wilson 95 % interval of a share (Wilson, Probable inference, 1927); 0 to 1 without trials. */
void metrics_wilson(size_t successes, size_t trials, double *low, double *high);

enum { METRICS_BINS = 15 };

/* Expected calibration error over 15 bins of equal width (Naeini et al., 2015), fed with one answer at a time. */
struct metrics_calibration {
    size_t count[METRICS_BINS], right[METRICS_BINS];
    double confidence[METRICS_BINS]; /* sums */
};

void metrics_calibration_add(struct metrics_calibration *calibration, double confidence, int right);
double metrics_calibration_error(const struct metrics_calibration *calibration);

/* The chance that a known score exceeds an unknown one, ties counting half (Mann and Whitney, 1947), with the 95 % interval of
 * Hanley and McNeil, 1982. Sorts both arrays, ascending. 0.5, 0 and 1 where one is empty. */
double metrics_auroc(double *known, size_t known_count, double *unknown, size_t unknown_count, double *low,
                     double *high);

/* How many photos of each class were taken for each: a sparse table, so 100,000 classes cost what their photos do. */
struct metrics_cell {
    int truth, predicted;
    size_t count;
};

/* Counts pairs truth[i], predicted[i] into cells [rows], sorted by truth, then predicted; returns how many. */
size_t metrics_confusion(const int *truth, const int *predicted, size_t rows, struct metrics_cell *cells);

#endif
