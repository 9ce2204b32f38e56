/* Numbers of measurements: percentiles, rounds, shares, and whether two models differ. Pure functions. */
#ifndef JOB_MEASURE_H
#define JOB_MEASURE_H

#include "pomona/compare.h"

#include <stddef.h>
#include <stdint.h>

/* Sorts values [count] ascending; none is NaN. */
void measure_sort(double *values, size_t count);

/* The value that at least `share` (0..1) of the sorted values [count >= 1] do not exceed (nearest rank, the lowest such). With
 * fewer than 100 values the 0.99 is the largest. */
double measure_percentile(const double *sorted, size_t count, double share);

/* Median (of an even number, the mean of the middle two), least and greatest of values [count], which are sorted. NaN
 * without values or when one is NaN. */
struct pomona_compare_figure measure_rounds(double *values, size_t count);

/* Wilson's interval of 95 % for `right` of `of` (Wilson 1927); zeros where nothing was judged. */
struct pomona_compare_share measure_share(int64_t right, int64_t of);

/* McNemar's exact test, two-sided: how probable it is that two equally good models differ so much on the photos that only
 * one of them answers right, `only_a` and `only_b` of them. 1 where there are none. */
double measure_mcnemar(int64_t only_a, int64_t only_b);

#endif
