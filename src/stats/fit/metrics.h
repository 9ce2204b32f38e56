/* Measures of answers, one by one: shares with their interval, calibration, separation. answers.h gathers them while photos
 * come.
 *
 * Sources: Wilson, Probable inference, the law of succession, and statistical inference, 1927; Naeini, Cooper, Hauskrecht,
 * Obtaining well calibrated probabilities using Bayesian binning, 2015 (ECE); Mann and Whitney, 1947; Hanley and McNeil, The
 * meaning and use of the area under a receiver operating characteristic curve, 1982; Newcombe, Confidence intervals for an
 * effect size measure based on the Mann-Whitney statistic, part 2, 2006. */
#ifndef STATS_FIT_METRICS_H
#define STATS_FIT_METRICS_H

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>

/* The Wilson 95 % interval of a share; 0 to 1 without trials. */
void metrics_wilson(size_t successes, size_t trials, double *low, double *high);

enum { METRICS_BINS = 15 };

/* Expected calibration error over 15 bins of equal width, [i / 15, (i + 1) / 15) and the last with 1, fed with one answer at
 * a time. With few photos it is well above 0 for a perfectly calibrated head too: some 0.06 with 300 photos. */
struct metrics_calibration {
    size_t count[METRICS_BINS], right[METRICS_BINS];
    double confidence[METRICS_BINS]; /* sums */
};

/* NaN counts as 0; confidences outside [0, 1] go to the first and last bin. */
void metrics_calibration_add(struct metrics_calibration *calibration, double confidence, int right);

/* sum over bins of |sum of confidences - right answers| / all answers; 0 without any. */
double metrics_calibration_error(const struct metrics_calibration *calibration);

/* The chance that a known score exceeds an unknown one, ties counting half, with a 95 % interval: the areas A at which
 * |area - A| = 1.96 sd(A), sd that of Hanley and McNeil with both counts replaced by their mean (Newcombe's method 5), so
 * that an area of 1 has an interval too. Sorts both arrays, ascending (NaN becomes -INFINITY). 0.5, 0 and 1 where one is
 * empty. */
double metrics_auroc(double *known, size_t known_count, double *unknown, size_t unknown_count, double *low,
                     double *high);

/* How many photos of each class were taken for each: a sparse table, so 100,000 classes cost what their photos do. */
struct metrics_cell {
    int truth, predicted;
    size_t count;
};

/* Counts pairs truth[i], predicted[i] into cells [rows], sorted by truth, then predicted; returns how many. */
size_t metrics_confusion(const int *truth, const int *predicted, size_t rows, struct metrics_cell *cells);

/* Sorts cells by truth, then predicted. */
void metrics_sort_cells(struct metrics_cell *cells, size_t count);

/* A photo of a known class, and whether its best class is the right one. */
struct metrics_scored {
    double score;
    bool right;
};

/* What a threshold does: photos of score >= threshold are accepted. */
struct metrics_rejection {
    double threshold;
    double known,
        unknown;     /* accepted shares of the photos of known classes, and of the others; 0 without photos */
    double accuracy; /* right answers among the accepted known photos; 0 without any */
};

enum { METRICS_CURVE = 200 };

/* The rejection curve at up to METRICS_CURVE thresholds, ascending, from the lowest score (all are accepted) to the highest:
 * every distinct score where there are so few, else evenly by rank among all. Sorts both arrays (NaN becomes -INFINITY).
 * Returns the number of points: 0 without scores. */
size_t metrics_rejection_curve(struct metrics_scored *known, size_t known_count, double *unknown,
                               size_t unknown_count, struct metrics_rejection points[METRICS_CURVE]);

#endif
