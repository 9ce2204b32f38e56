#include "stats/fit/numbers.h"

#include <math.h>
#include <stdlib.h>

static int compare(const void *a, const void *b) {
    return numbers_compare(*(const double *)a, *(const double *)b);
}

void numbers_sort(double *values, size_t count) {
    for (size_t i = 0; i < count; i++)
        if (isnan(values[i])) values[i] = -INFINITY;
    if (count > 0) qsort(values, count, sizeof *values, compare); /* values may be NULL */
}
