/* The inside of a logistic regression: what the passes in double (logistic.c) and in single precision (logistic_single.c) share.
 *
 * Rows are held in another order than the caller's: every eighth one first, so that the first eighth is a fair sample of rows
 * that are sorted by class. Matrices of parameters are [width][columns], the columns being classes filled up with
 * zeros; the intercepts are one more row. */
#ifndef STATS_FIT_LOGISTIC_INSIDE_H
#define STATS_FIT_LOGISTIC_INSIDE_H

#include "kernels/gemm_f32/gemm_f32.h"
#include "kernels/gemm_f64/gemm_f64.h"
#include "stats/fit/logistic.h"

#include <stdbool.h>
#include <stddef.h>

enum {
    ROW_BLOCK = 256,             /* rows of one task */
    FEATURE_BLOCK = 64,          /* features of one task */
    GRAM_ROWS_MAX = 2560,        /* rows that the correlations are taken from: they only guide the steps */
    ROW_STRIDE = 8,              /* the first 1 / ROW_STRIDE of the rows is the sample */
    SINGLE_ROWS = 4 * ROW_BLOCK, /* rows whose products are summed in single precision */
    SINGLE_FEATURES = 96         /* features of one task there */
};

struct logistic_problem {
    const struct gemm_f64_impl *gemm;
    const struct gemm_f32_impl *single;
    const int *leaf; /* of the caller's rows */
    size_t rows;
    int width, classes, columns, threads;
    size_t *row;          /* [rows]: the caller's row that is held here */
    float *z;             /* [rows][width], standardised */
    double *mean, *scale; /* [width]; scale 1 / deviation, 0 for a constant feature */
    double *correlation;  /* [width][width] */
    double *residual;     /* [rows][columns]: probabilities less truth, times the row's weight */
    double *block_loss;   /* one for each block of rows */
    float *inverse;       /* [width][width], the preconditioner */
    double inverse_l2;    /* that it was made for: folds of one strength share it; 0: none yet */

    /* Single precision; NULL where it would take too much memory. */
    float *turned;          /* z packed by SINGLE_ROWS x SINGLE_FEATURES, as the kernel wants weights */
    size_t turned_floats;   /* of one such block */
    float *weights;         /* the parameters [classes][width], */
    float *packed_weights;  /* and packed */
    float *logits;          /* [rows][classes] */
    float *residual_turned; /* [rows / SINGLE_ROWS][classes][SINGLE_ROWS] */
    float *sums;            /* [tasks][classes][SINGLE_FEATURES] */

    /* The running fit. */
    const struct logistic_options *options;
    size_t active; /* rows that count, the first ones */
    double weight_sum;
    bool *present; /* [columns]: classes that have rows */
    const double *at;
    double *gradient;
    const double *vector; /* what the preconditioner is applied to, and where that goes */
    double *product;
};

static inline int blocks_of(size_t count, int block) {
    return (int)((count + (size_t)block - 1) / (size_t)block);
}

static inline size_t smaller(size_t a, size_t b) { return a < b ? a : b; }

/* Turns one held row's logits [columns] into its residual; returns its weighted loss. */
double logistic_soften(const struct logistic_problem *problem, size_t row, double *logits);

/* The penalty's part of the objective. */
double logistic_penalty(const struct logistic_problem *problem, const double *x);

/* Memory and packed rows for the passes in single precision; none, and no failure, where the problem is small or they would
 * take more than 1 GiB. */
pomona_status logistic_single_prepare(struct logistic_problem *problem, struct pomona_error *error);
void logistic_single_free(struct logistic_problem *problem);

/* Value and gradient as lbfgs.h wants them, of the active rows: products of features and weights, and their sums over up to 1,024 rows, in
 * single precision, all else in double. */
double logistic_single_evaluate(void *user, const double *x, double *gradient);

#endif
