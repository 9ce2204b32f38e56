/* Which photos are alike, and which lie far out, in the space of the scores. */
#ifndef REPORT_NEIGHBOURS_H
#define REPORT_NEIGHBOURS_H

#include "base/error.h"

#include <stddef.h>

enum {
    PAIRS_KEPT = 12,
    OUTLIERS_KEPT = 12,
    COMPARED_MAX = 20000,    /* rows compared with each other; more are sampled evenly */
    COMPARED_COMPONENTS = 32 /* leading components used for distances between two photos */
};

struct near_pair {
    size_t a, b; /* rows, a < b */
    double distance;
    size_t more; /* further rows whose nearest neighbour is in this pair or was added to it, about as close */
};

struct far_row {
    size_t row;
    double distance; /* from the mean */
};

/* Zero-initialise; neighbours_free. */
struct neighbours {
    size_t *finite; /* [finite_count] rows all of whose scores are finite, ascending */
    size_t finite_count;
    size_t compared;                    /* of these, rows that were compared with each other */
    struct near_pair pairs[PAIRS_KEPT]; /* by distance; a row is in one pair at most */
    size_t pair_count;
    double typical_nearest;                 /* median of the distances to the nearest neighbour */
    struct far_row outliers[OUTLIERS_KEPT]; /* by distance, descending */
    size_t outlier_count;
    double typical_distance; /* median distance from the mean */
};

/* Euclidean distances. Pairs: exact among the rows compared; time up to the square of
 * their number, less where the first component tells photos apart or photos are equal. Outliers: exact among all finite rows, over all
 * components. POMONA_E_MEMORY. */
pomona_status neighbours_find(const double *scores, size_t rows, size_t components, struct neighbours *found,
                              struct pomona_error *error);

void neighbours_free(struct neighbours *found);

#endif
