/* The prototypes of a head of neighbours: for classes of a handful of photos. */
#ifndef STATS_FIT_NEIGHBOURS_H
#define STATS_FIT_NEIGHBOURS_H

#include "pomona/context.h"
#include "stats/apply/head.h"
#include "stats/fit/rows.h"

/* Fills mean, scale and the prototypes of a zeroed head, which then owns them: every row of positive weight, standardised and of
 * length 1. Rows equal to the mean are left out. POMONA_E_INPUT: no prototype is left; POMONA_E_LIMIT: more than
 * 1,048,576; POMONA_E_MEMORY. */
pomona_status neighbours_build(const struct training_rows *rows, struct head *head,
                               struct pomona_error *error);

enum { NEIGHBOURS_NEAREST = 20 };

/* The nearest prototypes of each of `count` rows of features [count][head.features]: similarity and leaf
 * [count][NEIGHBOURS_NEAREST], descending; where there are fewer prototypes the rest has leaf -1. POMONA_E_MEMORY. */
pomona_status neighbours_nearest(const struct pomona_context *context, const struct head *head,
                                 const float *features, size_t count, int threads, double *similarity,
                                 int *leaf, struct pomona_error *error);

/* Logits [leaves] from the first k of them, with temperature 1: those of head_run. */
void neighbours_logits(const struct head *head, const double *similarity, const int *leaf, int k,
                       double *logits);

#endif
