/* Heads of neighbours (HEAD_NEIGHBOURS of stats/apply/head.h), for classes of a handful of photos: nothing is fitted but the
 * scale of the features, so a class of three photos is learnt, and forgotten, by adding or dropping three rows.
 *
 * Two kinds: every photo a prototype, of which the k most similar vote; or one prototype a class, the mean of its photos, which
 * is smaller and less moved by a stray photo. Sources: Cover and Hart, Nearest neighbor pattern classification, 1967; Snell,
 * Swersky, Zemel, Prototypical networks for few-shot learning, 2017. */
#ifndef STATS_FIT_NEIGHBOURS_H
#define STATS_FIT_NEIGHBOURS_H

#include "pomona/context.h"
#include "stats/apply/head.h"
#include "stats/fit/rows.h"

/* Fills mean, scale and the prototypes of a zeroed head, which then owns them: every row of positive weight, standardised and of
 * length 1. Rows equal to the mean are left out. What is filled already when it fails is the head's, for head_free.
 * POMONA_E_INPUT: no prototype is left; POMONA_E_LIMIT: more than 1,048,576; POMONA_E_MEMORY. */
pomona_status neighbours_build(const struct training_rows *rows, struct head *head,
                               struct pomona_error *error);

/* The same with one prototype for each class that has rows of positive weight, ascending by class: the mean of its rows as
 * neighbours_build has them, made length 1 again. Classes whose mean is 0 are left out. */
pomona_status neighbours_build_means(const struct training_rows *rows, struct head *head,
                                     struct pomona_error *error);

enum { NEIGHBOURS_NEAREST = 20 /* most votes that neighbours_nearest finds */ };

/* The nearest prototypes of each of `count` rows of features [count][head.features]: similarity and leaf
 * [count][NEIGHBOURS_NEAREST], descending (ties: the first prototype); where there are fewer prototypes the rest has leaf -1.
 * On up to `threads` threads, with the same bits for any number. Takes some 10 MB at 1,280 features. POMONA_E_MEMORY. */
pomona_status neighbours_nearest(const struct pomona_context *context, const struct head *head,
                                 const float *features, size_t count, int threads, double *similarity,
                                 int *leaf, struct pomona_error *error);

/* Logits [leaves] from the first k <= NEIGHBOURS_NEAREST of one row's, with temperature 1: those of head_run with k neighbours,
 * up to rounding. */
void neighbours_logits(const struct head *head, const double *similarity, const int *leaf, int k,
                       double *logits);

#endif
