/* Classifiers in closed form, from moments alone: so they merge exactly across partitions, and forget exactly.
 *
 * LDA: Gaussian classes with one covariance W (pooled within classes, rows - classes degrees of freedom), equal priors; logits
 *   z . S^-1 m_c - m_c . S^-1 m_c / 2,  S = (1 - s) W + s mean(diag W) I,  0 <= s <= 1 the shrinkage.
 * Ridge: least squares of one-hot targets, min sum |y - b - W z|^2 / (2 n) + l2 / 2 |W|^2, intercepts not penalised.
 * z are features standardised by their overall mean and standard deviation; a constant one has weight 0 and does not count
 * in the mean of the diagonal.
 *
 * Covariances come from the exact integers, without cancellation, so equal moments give equal models, to the bit, on one
 * LAPACK; and nothing is lost where classes lie far apart or a class has one photo. One photo a class leaves no variance
 * within classes: S is then the unit matrix, and LDA takes the nearest mean.
 *
 * Rows have no weights here: moments keep products of all rows together. What balances classes nevertheless: LDA's priors,
 * which are equal unless lda_use_shares is called, and ridge_balance.
 *
 * Sources: Fisher 1936; Friedman, Regularized discriminant analysis, 1989; Ledoit and Wolf, A well-conditioned estimator for
 * large-dimensional covariance matrices, 2004 (the target of the shrinkage); Hastie, Tibshirani, Friedman, The Elements of
 * Statistical Learning, 2nd edition, sections 3.4 and 4.3; Ye, Least squares linear discriminant analysis, 2007. */
#ifndef STATS_FIT_CLOSED_FORM_H
#define STATS_FIT_CLOSED_FORM_H

#include "pomona/moments.h"
#include "stats/fit/linear.h"

struct closed_form;

/* Prepares fits for the classes `names` [classes], which differ, in that order. Every label of the moments must be among them
 * (products of features are not kept per class, so no class can be left out afterwards); a name may be without rows, as in
 * folds: its logit is 30 below the mean of the others, so it is never the answer. The moments are not needed afterwards.
 * Errors: POMONA_E_INPUT (rows without a label or of another class, fewer than two classes with rows), POMONA_E_MEMORY. */
pomona_status closed_form_new(struct pomona_moments *moments, const char *const *names, int classes,
                              struct closed_form **form, struct pomona_error *error);
void closed_form_free(struct closed_form **form);

/* Fit a model (made here; empty on failure). POMONA_E_USAGE: a shrinkage not in [0, 1], an l2 that is negative or not finite;
 * POMONA_E_INPUT: the regularisation is too small for these rows; POMONA_E_MEMORY. */
pomona_status lda_fit(const struct closed_form *form, double shrinkage, struct linear_model *model,
                      struct pomona_error *error);
pomona_status ridge_fit(const struct closed_form *form, double l2, struct linear_model *model,
                        struct pomona_error *error);

/* Turns the equal priors of a model of lda_fit into the classes' shares of the rows. */
void lda_use_shares(const struct closed_form *form, struct linear_model *model);

/* Turns a model of ridge_fit into that of targets 1 / sqrt(share of the class) instead of 1, so that rare classes are not
 * swamped: the coding with which least squares is LDA (Ye, 2007). Exact, since a target's scale is its scores'. */
void ridge_balance(const struct closed_form *form, struct linear_model *model);

#endif
