/* Classifiers in closed form, from moments alone: so they merge exactly across partitions, and forget exactly.
 *
 * LDA: Gaussian classes with one covariance (pooled within classes), equal priors; logits
 *   z . S^-1 m_c - m_c . S^-1 m_c / 2,  S = (1 - s) W + s mean(diag W) I,  0 < s <= 1 the shrinkage.
 * Ridge: least squares of one-hot targets, min sum |y - b - W z|^2 / (2 n) + l2 / 2 |W|^2, intercepts not penalised.
 * z are features standardised by their overall mean and standard deviation; a constant one has weight 0.
 *
 * Covariances come from the exact integers and are rounded once, so equal moments give equal models, to the bit, on one
 * LAPACK. Sources: Fisher 1936; Friedman, Regularized discriminant analysis, 1989; Hastie, Tibshirani, Friedman, The
 * Elements of Statistical Learning, 2nd edition, sections 3.4 and 4.3. */
#ifndef STATS_FIT_CLOSED_FORM_H
#define STATS_FIT_CLOSED_FORM_H

#include "pomona/moments.h"
#include "stats/fit/linear.h"

struct closed_form;

/* Prepares fits for the classes `names` [classes], in that order. Every label of the moments must be among them (products of
 * features are not kept per class, so no class can be left out afterwards); a name may be without rows, as in folds: its
 * weights are 0 and its bias is 30 below the lowest of the others. Errors: POMONA_E_INPUT (rows without a label or of another
 * class, fewer than two classes with rows), POMONA_E_MEMORY. */
pomona_status closed_form_new(struct pomona_moments *moments, const char *const *names, int classes,
                              struct closed_form **form, struct pomona_error *error);
void closed_form_free(struct closed_form **form);

/* Fit a model (made here). POMONA_E_INPUT: the regularisation is too small for these rows; POMONA_E_MEMORY. */
pomona_status lda_fit(const struct closed_form *form, double shrinkage, struct linear_model *model,
                      struct pomona_error *error);
pomona_status ridge_fit(const struct closed_form *form, double l2, struct linear_model *model,
                        struct pomona_error *error);

#endif
