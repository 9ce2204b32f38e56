#include "stats/fit/metrics.h"

#include "stats/fit/numbers.h"

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
    if (!(confidence >= 0)) confidence = 0;
    int bin = confidence < 1 ? (int)(confidence * METRICS_BINS) : METRICS_BINS - 1;
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

/* Pairs of which the known score is higher, ties counting half; both sorted. */
static double count_wins(const double *known, size_t known_count, const double *unknown,
                         size_t unknown_count) {
    double wins = 0;
    size_t below = 0, upto = 0; /* unknown scores less than, and at most, the known one */
    for (size_t i = 0; i < known_count; i++) {
        while (below < unknown_count && unknown[below] < known[i]) below++;
        while (upto < unknown_count && unknown[upto] <= known[i]) upto++;
        wins += (double)below + (double)(upto - below) / 2;
    }
    return wins;
}

/* Standard deviation of the area over samples of these sizes, were `area` the truth. */
static double area_deviation(double area, double n, double m) {
    double mean = (n + m) / 2;
    double spread = 1 + (mean - 1) * ((1 - area) / (2 - area) + area / (1 + area));
    double variance = area * (1 - area) * spread / (n * m);
    return sqrt(variance > 0 ? variance : 0);
}

/* The area between `inside` (as found) and `outside` (0 or 1) that just agrees with what was found. */
static double area_bound(double inside, double outside, double n, double m) {
    double found = inside;
    for (int step = 0; step < 60; step++) {
        double middle = (inside + outside) / 2;
        if (fabs(found - middle) <= z95 * area_deviation(middle, n, m))
            inside = middle;
        else
            outside = middle;
    }
    return inside;
}

double metrics_auroc(double *known, size_t known_count, double *unknown, size_t unknown_count, double *low,
                     double *high) {
    *low = 0, *high = 1;
    if (known_count == 0 || unknown_count == 0) return 0.5;
    numbers_sort(known, known_count);
    numbers_sort(unknown, unknown_count);
    double n = (double)known_count, m = (double)unknown_count;
    double area = count_wins(known, known_count, unknown, unknown_count) / (n * m);
    *low = area_bound(area, 0, n, m);
    *high = area_bound(area, 1, n, m);
    return area;
}

static int compare_cells(const void *a, const void *b) {
    const struct metrics_cell *left = a, *right = b;
    if (left->truth != right->truth) return left->truth < right->truth ? -1 : 1;
    return (left->predicted > right->predicted) - (left->predicted < right->predicted);
}

void metrics_sort_cells(struct metrics_cell *cells, size_t count) {
    if (count > 0) qsort(cells, count, sizeof *cells, compare_cells);
}

size_t metrics_confusion(const int *truth, const int *predicted, size_t rows, struct metrics_cell *cells) {
    size_t count = 0;
    for (size_t i = 0; i < rows; i++) cells[i] = (struct metrics_cell){truth[i], predicted[i], 1};
    metrics_sort_cells(cells, rows);
    for (size_t i = 0; i < rows; i++) {
        if (count > 0 && compare_cells(&cells[count - 1], &cells[i]) == 0)
            cells[count - 1].count++;
        else
            cells[count++] = cells[i];
    }
    return count;
}

static int compare_scored(const void *a, const void *b) {
    const struct metrics_scored *left = a, *right = b;
    return numbers_compare(left->score, right->score);
}

/* Both arrays sorted, walked side by side: how many scores of each lie below the one at hand. */
struct walk {
    const struct metrics_scored *known;
    const double *unknown;
    size_t known_count, unknown_count, right; /* right: answers that are, of all known */
    size_t known_at, unknown_at, right_below;
};

static double lowest_left(const struct walk *w) {
    double known = w->known_at < w->known_count ? w->known[w->known_at].score : INFINITY;
    double unknown = w->unknown_at < w->unknown_count ? w->unknown[w->unknown_at] : INFINITY;
    return known < unknown ? known : unknown;
}

static void pass(struct walk *w, double score) {
    for (; w->known_at < w->known_count && w->known[w->known_at].score <= score; w->known_at++)
        w->right_below += w->known[w->known_at].right;
    while (w->unknown_at < w->unknown_count && w->unknown[w->unknown_at] <= score) w->unknown_at++;
}

static double share(size_t part, size_t all) { return all ? (double)part / (double)all : 0; }

static struct metrics_rejection point_at(const struct walk *w) {
    size_t accepted = w->known_count - w->known_at;
    return (struct metrics_rejection){.threshold = lowest_left(w),
                                      .known = share(accepted, w->known_count),
                                      .unknown = share(w->unknown_count - w->unknown_at, w->unknown_count),
                                      .accuracy = share(w->right - w->right_below, accepted)};
}

size_t metrics_rejection_curve(struct metrics_scored *known, size_t known_count, double *unknown,
                               size_t unknown_count, struct metrics_rejection points[METRICS_CURVE]) {
    struct walk w = {known, unknown, known_count, unknown_count, 0, 0, 0, 0};
    size_t all = known_count + unknown_count, count = 0, last = 0; /* last: stretch of the last point */
    double step = all > METRICS_CURVE ? (double)(all - 1) / (METRICS_CURVE - 1) : 1;
    for (size_t i = 0; i < known_count; i++) {
        if (isnan(known[i].score)) known[i].score = -INFINITY;
        w.right += known[i].right;
    }
    if (known_count > 0) qsort(known, known_count, sizeof *known, compare_scored);
    numbers_sort(unknown, unknown_count);
    while (w.known_at + w.unknown_at < all) {
        struct walk next = w;
        pass(&next, lowest_left(&w));
        size_t rank = w.known_at + w.unknown_at, end = next.known_at + next.unknown_at;
        size_t stretch =
            (size_t)((double)rank / step); /* 0 to 198 have a point each, and the highest score has its own */
        if (count == 0 || end == all || stretch > last) {
            points[count++] = point_at(&w);
            last = stretch;
        }
        w = next;
    }
    return count;
}
