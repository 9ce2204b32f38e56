/* Fits the score of being known (struct head_novelty). */
#ifndef STATS_FIT_NOVELTY_H
#define STATS_FIT_NOVELTY_H

#include "pomona/moments.h"
#include "stats/apply/head.h"

enum { NOVELTY_RANK = 20 };

/* Mean, scale and the leading 20 principal components of the moments' rows, standardised. Fewer where the rank is less, or
 * where 20 would leave less than 1e-5 of the variance (few or dependent features): a residual would then be rounding, scaled
 * up to look like a score. Rank 0, with nothing owned, where features have one dimension in all: there is no residual then.
 * Weights stay 0 and the threshold -INFINITY (novelty_weigh sets the weights). On failure nothing is owned. Errors: those
 * of pomona_pca_fit. */
pomona_status novelty_fit(struct pomona_moments *moments, struct head_novelty *novelty,
                          struct pomona_error *error);

/* Weighs energy and residual so that each varies by 1 (standard deviation) over photos that the head has not learnt from:
 * energies and residuals [count]. A deviation of 0 leaves its part out. */
void novelty_weigh(struct head_novelty *novelty, const double *energies, const double *residuals,
                   size_t count);

void novelty_free(struct head_novelty *novelty);

#endif
