/* Symmetric positive definite matrices, by LAPACK: [n][n], both triangles given, contents replaced. */
#ifndef STATS_FIT_CHOLESKY_H
#define STATS_FIT_CHOLESKY_H

#include "base/error.h"

/* The inverse, both triangles. POMONA_E_INPUT when the matrix is not positive definite. */
pomona_status cholesky_invert(int n, double *matrix, struct pomona_error *error);

/* Solves matrix x = b for each of `count` rows of b [count][n], in place. POMONA_E_INPUT when
 * the matrix is not positive definite, or so nearly singular that the solution would be rounding. */
pomona_status cholesky_solve(int n, double *matrix, int count, double *b, struct pomona_error *error);

#endif
