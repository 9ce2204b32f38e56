/* Folds for cross-validation. */
#ifndef STATS_FIT_FOLDS_H
#define STATS_FIT_FOLDS_H

#include "base/error.h"

#include <stddef.h>
#include <stdint.h>

/* Deals rows to folds 0 .. folds - 1: rows of equal key stay together, each class is spread evenly (as far as keys allow), and
 * who comes where depends on keys, classes and the seed alone, not on the order of the rows. A key counts for the lowest
 * class among its rows. fold [rows] is filled. POMONA_E_MEMORY. */
pomona_status folds_assign(const char *const *keys, const int *leaf, size_t rows, int folds, uint64_t seed,
                           int *fold, struct pomona_error *error);

#endif
