#include "job/measure.h"

#include "stats/fit/metrics.h"

#include <math.h>
#include <stdlib.h>

static int ascending(const void *a, const void *b) {
    const double *left = a, *right = b;
    return (*left > *right) - (*left < *right);
}

void measure_sort(double *values, size_t count) { qsort(values, count, sizeof *values, ascending); }

double measure_percentile(const double *sorted, size_t count, double share) {
    double rank = ceil(share * (double)count);
    if (rank < 1) return sorted[0];
    return rank >= (double)count ? sorted[count - 1] : sorted[(size_t)rank - 1];
}

struct pomona_compare_figure measure_rounds(double *values, size_t count) {
    struct pomona_compare_figure figure = {NAN, NAN, NAN};
    for (size_t i = 0; i < count; i++)
        if (isnan(values[i])) return figure;
    if (count == 0) return figure;
    measure_sort(values, count);
    figure.low = values[0];
    figure.high = values[count - 1];
    figure.median = count % 2 ? values[count / 2] : values[count / 2 - 1] / 2 + values[count / 2] / 2;
    return figure;
}

struct pomona_compare_share measure_share(int64_t right, int64_t of) {
    struct pomona_compare_share share = {.right = right, .of = of};
    if (of <= 0) return share;
    share.share = (double)right / (double)of;
    metrics_wilson((size_t)right, (size_t)of, &share.low, &share.high);
    return share;
}

double measure_mcnemar(int64_t only_a, int64_t only_b) {
    /* Binomial(n, 1/2): twice the tail up to the smaller count, term by term from the largest so that none underflows
     * to nothing before it counts. */
    int64_t n = only_a + only_b, least = only_a < only_b ? only_a : only_b;
    int unused;
    if (n <= 0) return 1;
    double largest = lgamma_r((double)n + 1, &unused) - lgamma_r((double)least + 1, &unused) -
                     lgamma_r((double)(n - least) + 1, &unused) - (double)n * log(2);
    double term = 1, sum = 1;
    for (int64_t k = least; k > 0 && term > 1e-17; k--) {
        term *= (double)k / (double)(n - k + 1);
        sum += term;
    }
    return fmin(1, 2 * exp(largest) * sum);
}
