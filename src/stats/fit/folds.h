/* Folds for cross-validation. */
#ifndef STATS_FIT_FOLDS_H
#define STATS_FIT_FOLDS_H

#include "base/error.h"

#include <stddef.h>
#include <stdint.h>

/* Deals rows to folds 0 .. folds - 1 (folds >= 1): rows of equal key stay together, and each class is spread evenly. Who comes
 * where depends on keys, classes and the seed alone, not on the order of the rows. A key counts for the lowest class among
 * its rows.
 *
 * Class after class, keys are dealt from the one with the most rows down, in an order shuffled by the seed where they have as
 * many, each to the fold that has the fewest rows of the class, among those the fewest in all, among those the first. So
 * of a class no two folds differ by more rows than its largest key has (by one where each row has its own key), and a class
 * of fewer keys than folds leaves some folds without it. POMONA_E_MEMORY; else fold [rows] is filled. */
pomona_status folds_assign(const char *const *keys, const int *leaf, size_t rows, int folds, uint64_t seed,
                           int *fold, struct pomona_error *error);

#endif
