/* Sorted numbers. */
#ifndef STATS_FIT_NUMBERS_H
#define STATS_FIT_NUMBERS_H

#include <stddef.h>

/* Sorts ascending. NaN becomes -INFINITY first: a score that could not be computed is the lowest there is. */
void numbers_sort(double *values, size_t count);

/* -1, 0 or 1 for qsort; neither may be NaN. */
static inline int numbers_compare(double a, double b) { return (a > b) - (a < b); }

#endif
