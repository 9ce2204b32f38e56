#include "stats/fit/metrics.h"

#include <math.h>
#include <stdlib.h>

static const double z95 = 1.959963984540054;

void metrics_wilson(size_t successes, size_t trials, double *low, double *high) {
    *low = 0, *high = 1;
    if (trials == 0) return;
    double n = (double)trials, share = (double)successes / n, square = z95 * z95;
    double middle = (share + square / (2 * n)) / (1 + square / n);
    double half = z95 / (1 + square / n) * sqrt(share * (1 - share) / n + square / (4 * n * n));
    *low = successes == 0 || middle < half ? 0 : middle - half;
    *high = successes == trials || middle + half > 1 ? 1 : middle + half;
}

void metrics_calibration_add(struct metrics_calibration *calibration, double confidence, int right) {
    int bin = (int)(confidence * METRICS_BINS);
    if (!(confidence >= 0)) bin = 0;
    if (bin >= METRICS_BINS) bin = METRICS_BINS - 1;
    calibration->count[bin]++;
    calibration->right[bin] += right != 0;
    calibration->confidence[bin] += confidence;
}

double metrics_calibration_error(const struct metrics_calibration *calibration) {
    double error = 0;
    size_t all = 0;
    for (int i = 0; i < METRICS_BINS; i++) {
        error += fabs(calibration->confidence[i] - (double)calibration->right[i]);
        all += calibration->count[i];
    }
    return all ? error / (double)all : 0;
}

static int compare_numbers(const void *a, const void *b) {
    double left = *(const double *)a, right = *(const double *)b;
    return (left > right) - (left < right);
}

double metrics_auroc(double *known, size_t known_count, double *unknown, size_t unknown_count, double *low,
                     double *high) {
    *low = 0, *high = 1;
    if (known_count == 0 || unknown_count == 0) return 0.5;
    qsort(known, known_count, sizeof *known, compare_numbers);
    qsort(unknown, unknown_count, sizeof *unknown, compare_numbers);
    double wins = 0;
    size_t below = 0, upto = 0; /* unknown scores less than, and at most, the known one */
    for (size_t i = 0; i < known_count; i++) {
        while (below < unknown_count && unknown[below] < known[i]) below++;
        while (upto < unknown_count && unknown[upto] <= known[i]) upto++;
        wins += (double)below + (double)(upto - below) / 2;
    }
    double n = (double)known_count, m = (double)unknown_count, area = wins / (n * m);
    double q1 = area / (2 - area), q2 = 2 * area * area / (1 + area);
    double variance =
        (area * (1 - area) + (n - 1) * (q1 - area * area) + (m - 1) * (q2 - area * area)) / (n * m);
    double half = z95 * sqrt(variance > 0 ? variance : 0);
    *low = area - half > 0 ? area - half : 0;
    *high = area + half < 1 ? area + half : 1;
    return area;
}

static int compare_cells(const void *a, const void *b) {
    const struct metrics_cell *left = a, *right = b;
    if (left->truth != right->truth) return left->truth < right->truth ? -1 : 1;
    return (left->predicted > right->predicted) - (left->predicted < right->predicted);
}

size_t metrics_confusion(const int *truth, const int *predicted, size_t rows, struct metrics_cell *cells) {
    size_t count = 0;
    for (size_t i = 0; i < rows; i++) cells[i] = (struct metrics_cell){truth[i], predicted[i], 1};
    qsort(cells, rows, sizeof *cells, compare_cells);
    for (size_t i = 0; i < rows; i++) {
        if (count > 0 && compare_cells(&cells[count - 1], &cells[i]) == 0)
            cells[count - 1].count++;
        else
            cells[count++] = cells[i];
    }
    return count;
}
