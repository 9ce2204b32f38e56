#include "stats/fit/calibrate.h"

#include <math.h>
#include <stdlib.h>

static double row_loss(const double *logits, int classes, int truth, double inverse) {
    double most = logits[0], sum = 0;
    for (int c = 1; c < classes; c++) most = logits[c] > most ? logits[c] : most;
    for (int c = 0; c < classes; c++) sum += exp((logits[c] - most) * inverse);
    return log(sum) - (logits[truth] - most) * inverse;
}

double calibrate_log_loss(const double *logits, const int *truth, size_t rows, int classes,
                          double temperature) {
    double sum = 0;
    for (size_t i = 0; i < rows; i++)
        sum += row_loss(logits + i * (size_t)classes, classes, truth[i], 1 / temperature);
    return rows ? sum / (double)rows : 0;
}

/* The mean loss where each truth is only as sure as Platt has it: `miss` of it lies with the other classes, evenly. */
static double smooth_loss(const double *logits, const int *truth, size_t rows, int classes,
                          double temperature) {
    double miss = 1 / ((double)rows + 2), sum = 0;
    for (size_t i = 0; i < rows; i++) {
        const double *row = logits + i * (size_t)classes;
        double others = 0, right = row[truth[i]];
        for (int c = 0; c < classes; c++) others += c == truth[i] ? 0 : right - row[c];
        sum +=
            row_loss(row, classes, truth[i], 1 / temperature) + miss * others / (classes - 1) / temperature;
    }
    return sum / (double)rows;
}

double calibrate_temperature(const double *logits, const int *truth, size_t rows, int classes) {
    const double ratio = (sqrt(5) - 1) / 2, width = 1e-7;
    double low = log(1e-3), high = log(1e3);
    if (rows == 0 || classes < 2) return 1;
    /* The loss is convex in 1 / T, so it has one valley in log T too. */
    double a = high - ratio * (high - low), b = low + ratio * (high - low);
    double at_a = smooth_loss(logits, truth, rows, classes, exp(a));
    double at_b = smooth_loss(logits, truth, rows, classes, exp(b));
    while (high - low > width) {
        if (at_a <= at_b) {
            high = b, b = a, at_b = at_a;
            a = high - ratio * (high - low);
            at_a = smooth_loss(logits, truth, rows, classes, exp(a));
        } else {
            low = a, a = b, at_a = at_b;
            b = low + ratio * (high - low);
            at_b = smooth_loss(logits, truth, rows, classes, exp(b));
        }
    }
    return exp((low + high) / 2);
}

static int compare_scores(const void *a, const void *b) {
    double left = *(const double *)a, right = *(const double *)b;
    return (left > right) - (left < right);
}

double calibrate_threshold(double *scores, size_t count, double false_reject) {
    if (count == 0) return -INFINITY;
    qsort(scores, count, sizeof *scores, compare_scores);
    size_t below = (size_t)floor(false_reject * (double)count);
    return scores[below < count ? below : count - 1];
}
