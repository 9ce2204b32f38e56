/* Multinomial logistic regression with an L2 penalty, by preconditioned L-BFGS in double.
 *
 * Minimises  sum_i w_i CE_i / sum_i w_i + l2 / 2 |W|^2  over W and the intercepts, where CE is the cross-entropy of the
 * softmax (nats) and W multiplies standardised features; intercepts are not penalised. A constant feature (its deviation is
 * at most a millionth of its mean, or 1e-30) has weight 0.
 * In scikit-learn's words l2 = 1 / (C sum w).
 *
 * The preconditioner is the inverse of (R / classes + l2 I), R the correlation matrix of the features: the Hessian of the loss
 * where all classes are equally likely, block by block. It makes the number of iterations nearly independent of how
 * correlated the features are.
 *
 * Large problems are approached cheaply: a few steps on every eighth row, then steps whose products are taken in single precision. The end is always in
 * double: the loss and the gradient that are reported, and every step that they ask for.
 *
 * The same bits for any number of threads; tiers differ by rounding. Sources: Boehning, Multinomial logistic regression
 * algorithm, 1992 (the bound); Nocedal and Wright, 2006. */
#ifndef STATS_FIT_LOGISTIC_H
#define STATS_FIT_LOGISTIC_H

#include "pomona/context.h"
#include "stats/fit/linear.h"
#include "stats/fit/rows.h"

#include <stdbool.h>

struct logistic_problem;

#define LOGISTIC_TOLERANCE 4e-5

/* What all fits to the same rows share: standardised features, their correlations. The weights of `rows` are not looked
 * at; features and leaves must outlive the problem. POMONA_E_MEMORY. One thread at a time. */
pomona_status logistic_problem_new(const struct pomona_context *context, const struct training_rows *rows,
                                   int threads, struct logistic_problem **problem,
                                   struct pomona_error *error);
void logistic_problem_free(struct logistic_problem **problem);

struct logistic_options {
    double l2;            /* > 0 */
    double tolerance;     /* no element of the gradient is larger at the end; 0: LOGISTIC_TOLERANCE */
    int max_iterations;   /* 0: 1000 */
    const double *weight; /* [rows], finite, >= 0; 0: not learnt from. NULL: 1 each */
    const struct linear_model
        *start;                      /* a model of the same classes and features to begin with; may be NULL */
    bool (*should_stop)(void *user); /* may be NULL */
    void *user;
};

struct logistic_info {
    int iterations, evaluations;
    double loss,
        gradient;   /* at the model that is returned, before it is turned into the features' own units */
    bool converged; /* gradient <= tolerance: measured, not assumed */
};

/* Fits `model` (made here). A class without a row of positive weight is left out of the softmax; it gets weights 0 and an
 * intercept 30 below the lowest of the others. Errors: POMONA_E_INPUT (fewer than two classes with rows),
 * POMONA_E_INTERRUPTED, POMONA_E_MEMORY. */
pomona_status logistic_fit(struct logistic_problem *problem, const struct logistic_options *options,
                           struct linear_model *model, struct logistic_info *info,
                           struct pomona_error *error);

#endif
